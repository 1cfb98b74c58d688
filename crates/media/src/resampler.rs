//! Rational polyphase resampler for whole signals: `to / from` reduced to
//! `L / M`, one low-pass filter (Kaiser-windowed sinc), of which each output
//! sample uses one of `L` phases. The filter's delay is taken out: sample 0
//! stays sample 0.
//!
//! With `f` half the lower of the two rates: pass band 0 … 0.85 f (3.4 kHz
//! towards 8 kHz) within ±0.1 dB, stop band from f on at least 70 dB down.

/// Phases beyond this mean a table of megabytes: such rates are refused.
const MAX_PHASES: u32 = 640;
/// Pass band's end as a share of the lower Nyquist frequency.
const PASS: f64 = 0.85;
/// Attenuation designed for, in dB; a little above what is promised.
const ATTENUATION: f64 = 76.0;
/// Partial sums of a scalar product.
const LANES: usize = 8;
/// Rates the design is for, in Hz.
const RATES: std::ops::RangeInclusive<u32> = 8_000..=192_000;

/// Converts between two sampling rates.
#[derive(Clone, Debug)]
pub struct Resampler {
    phases: u32,
    step: u32,
    /// Taps of one phase, a multiple of `LANES`.
    taps: usize,
    /// Phase by phase, each in the order of the input samples.
    filter: Vec<f32>,
}

impl Resampler {
    /// A resampler from `from` Hz to `to` Hz; `None` outside 8–192 kHz and for
    /// rates whose ratio has no small terms.
    pub fn new(from: u32, to: u32) -> Option<Self> {
        if !RATES.contains(&from) || !RATES.contains(&to) {
            return None;
        }
        let divisor = gcd(from, to);
        let (phases, step) = (to / divisor, from / divisor);
        if phases > MAX_PHASES {
            return None;
        }
        if phases == step {
            return Some(Self {
                phases,
                step,
                taps: 1,
                filter: vec![1.0],
            });
        }
        let (taps, filter) = design(phases, step);
        Some(Self {
            phases,
            step,
            taps,
            filter,
        })
    }

    /// Samples that `resample` makes of `length`.
    pub fn output_len(&self, length: usize) -> usize {
        (length as u64 * u64::from(self.phases)).div_ceil(u64::from(self.step)) as usize
    }

    /// Converts a whole signal; before and after it there is silence.
    pub fn resample(&self, input: &[i16]) -> Vec<i16> {
        if self.phases == self.step {
            return input.to_vec();
        }
        // Silence at both ends, so that every output sees a whole filter.
        let before = self.taps / 2;
        let mut padded = vec![0.0; before];
        padded.extend(input.iter().map(|&s| f32::from(s)));
        padded.resize(padded.len() + self.taps, 0.0);
        (0..self.output_len(input.len()))
            .map(|n| self.output(&padded, n as u64))
            .collect()
    }

    fn output(&self, padded: &[f32], n: u64) -> i16 {
        let position = n * u64::from(self.step);
        let phase = (position % u64::from(self.phases)) as usize;
        let first = (position / u64::from(self.phases)) as usize;
        let filter = &self.filter[phase * self.taps..(phase + 1) * self.taps];
        let sum = dot(filter, &padded[first..first + self.taps]);
        sum.round().clamp(f32::from(i16::MIN), f32::from(i16::MAX)) as i16
    }
}

/// Scalar product of slices whose length is a multiple of `LANES`; that many
/// independent sums are what lets it vectorise.
fn dot(filter: &[f32], input: &[f32]) -> f32 {
    let mut sums = [0.0; LANES];
    for (h, x) in filter.chunks_exact(LANES).zip(input.chunks_exact(LANES)) {
        for ((sum, h), x) in sums.iter_mut().zip(h).zip(x) {
            *sum += h * x;
        }
    }
    sums.iter().sum()
}

/// The filter at `from · phases` Hz, cut into phases.
fn design(phases: u32, step: u32) -> (usize, Vec<f32>) {
    let wide = f64::from(phases.max(step));
    // Frequencies as shares of the filter's rate, `from · L = to · M`.
    let stop = 0.5 / wide;
    let transition = stop * (1.0 - PASS);
    let cutoff = stop - transition / 2.0;
    let order = (ATTENUATION - 7.95) / (14.36 * transition);
    let taps = ((order / f64::from(phases)).ceil() as usize + 2).next_multiple_of(LANES);
    let half_width = order / 2.0;
    let beta = 0.1102 * (ATTENUATION - 8.7);
    let scale = f64::from(phases) * 2.0 * cutoff;
    let mut filter = Vec::with_capacity(taps * phases as usize);
    for phase in 0..phases {
        let at = filter.len();
        for tap in 0..taps {
            // Distance of the input sample from the output instant.
            let sample = tap as f64 - (taps / 2) as f64;
            let t = sample * f64::from(phases) - f64::from(phase);
            filter.push(scale * sinc(2.0 * cutoff * t) * kaiser(t / half_width, beta));
        }
        // Exactly unity at 0 Hz in each phase.
        let sum: f64 = filter[at..].iter().sum();
        filter[at..].iter_mut().for_each(|h| *h /= sum);
    }
    (taps, filter.into_iter().map(|h| h as f32).collect())
}

fn sinc(x: f64) -> f64 {
    let angle = std::f64::consts::PI * x;
    if angle.abs() < 1e-9 {
        1.0
    } else {
        angle.sin() / angle
    }
}

fn kaiser(x: f64, beta: f64) -> f64 {
    if x.abs() > 1.0 {
        0.0
    } else {
        bessel_i0(beta * (1.0 - x * x).sqrt()) / bessel_i0(beta)
    }
}

/// Modified Bessel function of order 0 by its power series.
fn bessel_i0(x: f64) -> f64 {
    let quarter = x * x / 4.0;
    let (mut term, mut sum, mut k) = (1.0, 1.0, 1.0);
    while term > sum * 1e-12 {
        term *= quarter / (k * k);
        sum += term;
        k += 1.0;
    }
    sum
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AMPLITUDE: f64 = 16_000.0;

    fn tone(rate: u32, hertz: f64, length: usize) -> Vec<i16> {
        let step = std::f64::consts::TAU * hertz / f64::from(rate);
        (0..length)
            .map(|n| (AMPLITUDE * (n as f64 * step).sin()).round() as i16)
            .collect()
    }

    /// Gain in dB of a tone, away from the signal's ends.
    fn gain(from: u32, to: u32, hertz: f64) -> f64 {
        let out = Resampler::new(from, to)
            .unwrap()
            .resample(&tone(from, hertz, from as usize / 2));
        let middle = &out[out.len() / 4..out.len() * 3 / 4];
        let power = middle.iter().map(|&s| f64::from(s).powi(2)).sum::<f64>() / middle.len() as f64;
        10.0 * (power.max(1e-9) / (AMPLITUDE * AMPLITUDE / 2.0)).log10()
    }

    #[test]
    fn keeps_the_pass_band_and_removes_what_would_fold_into_it() {
        for from in [
            11_025, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 96_000,
        ] {
            for hertz in [50.0, 300.0, 1000.0, 2000.0, 3000.0, 3400.0] {
                let gain = gain(from, 8000, hertz);
                assert!(gain.abs() < 0.1, "{from} → 8000, {hertz} Hz: {gain:.3} dB");
            }
            for hertz in [4000.0, 4600.0, 5000.0, 0.49 * f64::from(from)] {
                // 16-bit rounding noise limits what can be measured.
                let gain = gain(from, 8000, hertz);
                assert!(gain < -70.0, "{from} → 8000, {hertz} Hz: {gain:.1} dB");
            }
        }
    }

    #[test]
    fn upsampling_keeps_the_tone() {
        for to in [16_000, 48_000] {
            for hertz in [300.0, 1000.0, 3400.0] {
                assert!(gain(8000, to, hertz).abs() < 0.1, "8000 → {to}, {hertz} Hz");
            }
        }
    }

    #[test]
    fn a_tone_stays_where_it_was() {
        for from in [16_000, 22_050, 44_100, 48_000] {
            let out =
                Resampler::new(from, 8000)
                    .unwrap()
                    .resample(&tone(from, 440.0, from as usize / 4));
            let expected = tone(8000, 440.0, out.len());
            let worst = out[200..out.len() - 200]
                .iter()
                .zip(&expected[200..])
                .map(|(a, b)| (i32::from(*a) - i32::from(*b)).abs())
                .max();
            assert!(worst < Some(200), "{from}: {worst:?}");
        }
    }

    #[test]
    fn lengths_and_refusals() {
        for (from, length, expected) in [
            (8000, 100, 100),
            (16_000, 3, 2),
            (48_000, 480, 80),
            (44_100, 44_100, 8000),
            (48_000, 0, 0),
        ] {
            let resampler = Resampler::new(from, 8000).unwrap();
            assert_eq!(resampler.output_len(length), expected);
            assert_eq!(resampler.resample(&vec![0; length]).len(), expected);
        }
        for from in [0, 7999, 44_101, 192_001, u32::MAX] {
            assert!(Resampler::new(from, 8000).is_none(), "{from}");
        }
    }

    #[test]
    fn full_scale_is_limited_not_wrapped() {
        let square: Vec<i16> = (0..4800)
            .map(|n| if n / 24 % 2 == 0 { i16::MAX } else { i16::MIN })
            .collect();
        let out = Resampler::new(48_000, 8000).unwrap().resample(&square);
        assert!(out.contains(&i16::MAX));
        let constant = Resampler::new(48_000, 8000)
            .unwrap()
            .resample(&[1000; 4800]);
        assert!(
            constant[100..700].iter().all(|&s| s == 1000),
            "unity at 0 Hz"
        );
    }
}
