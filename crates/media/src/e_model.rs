//! Mean opinion score from loss and delay: the E-model of ITU-T G.107,
//! reduced to what a network element can know.
//!
//! `R = 93.2 − Id − Ie,eff`, all other impairments at the Recommendation's
//! defaults.
//!
//! - `Ie,eff = Ie + (95 − Ie) · Ppl / (Ppl / BurstR + Bpl)` with `BurstR` = 1
//!   (random loss); for G.711 `Ie` = 0 and `Bpl` = 4.3 without concealment,
//!   25.1 with it (G.113 appendix I).
//! - `Id`: the usual straight-line fit of G.107's delay curve without echo,
//!   `0.024 d + 0.11 (d − 177.3)` for the part above 177.3 ms.
//! - MOS from R by G.107 annex B.

/// `Bpl` of G.711 whose holes stay silent (G.113 appendix I).
pub const G711_BPL: f64 = 4.3;

/// MOS × 100, from 100 to 450. `loss` is the share of packets lost or too late,
/// 0–1; `delay_ms` the one-way delay mouth to ear; `bpl` the codec's robustness
/// against loss.
pub fn mos_x100(loss: f64, delay_ms: f64, bpl: f64) -> u16 {
    let ppl = loss.clamp(0.0, 1.0) * 100.0;
    let delay = delay_ms.max(0.0);
    let delay_impairment = 0.024 * delay + 0.11 * (delay - 177.3).max(0.0);
    let loss_impairment = 95.0 * ppl / (ppl + bpl);
    let r = (93.2 - delay_impairment - loss_impairment).clamp(0.0, 100.0);
    let mos = 1.0 + 0.035 * r + r * (r - 60.0) * (100.0 - r) * 7e-6;
    (mos.clamp(1.0, 4.5) * 100.0).round() as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_the_curve() {
        for (loss, delay, expected) in [
            (0.0, 0.0, 441),
            (0.0, 100.0, 436),
            (0.0, 250.0, 399),
            (0.01, 20.0, 381),
            (0.05, 20.0, 214),
            (1.0, 0.0, 100),
            (0.0, 5000.0, 100),
        ] {
            let mos = mos_x100(loss, delay, G711_BPL);
            assert!(
                mos.abs_diff(expected) <= 1,
                "loss {loss} delay {delay}: {mos}, not {expected}"
            );
        }
    }

    #[test]
    fn never_rises_with_loss_or_delay_and_stays_in_range() {
        let mut last = 450;
        for percent in 0..=100 {
            let mos = mos_x100(f64::from(percent) / 100.0, 40.0, G711_BPL);
            assert!(mos <= last && (100..=450).contains(&mos));
            last = mos;
        }
        let mut last = 450;
        for delay in 0..1000 {
            let mos = mos_x100(0.0, f64::from(delay), G711_BPL);
            assert!(mos <= last && (100..=450).contains(&mos));
            last = mos;
        }
    }
}
