//! ITU-T G.711: µ-law and A-law between 8-bit codes and 16-bit linear samples.
//! The tables are computed by the compiler from the Recommendation's segments.

use crate::vocabulary::Codec;

/// µ-law works on 14 bits: the index is the sample's upper 14 bits.
static ULAW_CODES: [u8; 1 << 14] = ulaw_codes();
/// A-law works on 13 bits with sign, of which compression sees 12.
static ALAW_CODES: [u8; 1 << 12] = alaw_codes();
static ULAW_SAMPLES: [i16; 256] = ulaw_samples();
static ALAW_SAMPLES: [i16; 256] = alaw_samples();

/// Encodes one sample.
pub fn encode_sample(codec: Codec, sample: i16) -> u8 {
    match codec {
        Codec::Pcmu => ULAW_CODES[usize::from(sample as u16 >> 2)],
        Codec::Pcma => ALAW_CODES[usize::from(sample as u16 >> 4)],
    }
}

/// Decodes one code.
pub fn decode_sample(codec: Codec, code: u8) -> i16 {
    match codec {
        Codec::Pcmu => ULAW_SAMPLES[usize::from(code)],
        Codec::Pcma => ALAW_SAMPLES[usize::from(code)],
    }
}

/// Encodes as many samples as both slices hold.
pub fn encode(codec: Codec, samples: &[i16], codes: &mut [u8]) {
    match codec {
        Codec::Pcmu => {
            for (code, &sample) in codes.iter_mut().zip(samples) {
                *code = ULAW_CODES[usize::from(sample as u16 >> 2)];
            }
        }
        Codec::Pcma => {
            for (code, &sample) in codes.iter_mut().zip(samples) {
                *code = ALAW_CODES[usize::from(sample as u16 >> 4)];
            }
        }
    }
}

/// Decodes as many codes as both slices hold.
pub fn decode(codec: Codec, codes: &[u8], samples: &mut [i16]) {
    let table = match codec {
        Codec::Pcmu => &ULAW_SAMPLES,
        Codec::Pcma => &ALAW_SAMPLES,
    };
    for (sample, &code) in samples.iter_mut().zip(codes) {
        *sample = table[usize::from(code)];
    }
}

/// The code of digital silence.
pub fn silence(codec: Codec) -> u8 {
    match codec {
        Codec::Pcmu => 0xFF,
        Codec::Pcma => 0xD5,
    }
}

const fn ulaw_codes() -> [u8; 1 << 14] {
    let mut table = [0; 1 << 14];
    let mut index = 0;
    while index < table.len() {
        // Sign-extend 14 bits; negative values count from −1 as positive ones do from 0.
        let sample = ((index as u16) << 2) as i16 >> 2;
        let positive = sample >= 0;
        let magnitude = if positive { sample } else { !sample } as u16 + 33;
        let magnitude = if magnitude > 0x1FFF {
            0x1FFF
        } else {
            magnitude
        };
        let segment = 16 - (magnitude >> 6).leading_zeros() as u16;
        let step = (magnitude >> (segment + 1)) & 0x0F;
        let code = ((7 - segment) << 4) | (15 - step);
        table[index] = code as u8 | if positive { 0x80 } else { 0 };
        index += 1;
    }
    table
}

const fn alaw_codes() -> [u8; 1 << 12] {
    let mut table = [0; 1 << 12];
    let mut index = 0;
    while index < table.len() {
        let sample = ((index as u16) << 4) as i16 >> 4;
        let positive = sample >= 0;
        let magnitude = if positive { sample } else { !sample } as u16;
        let segment = 16 - (magnitude >> 4).leading_zeros() as u16;
        let code = if segment == 0 {
            magnitude
        } else {
            (segment << 4) | ((magnitude >> (segment - 1)) & 0x0F)
        };
        table[index] = (code as u8 | if positive { 0x80 } else { 0 }) ^ 0x55;
        index += 1;
    }
    table
}

const fn ulaw_samples() -> [i16; 256] {
    let mut table = [0; 256];
    let mut code = 0;
    while code < 256 {
        let inverted = !(code as u8);
        let segment = (inverted >> 4) & 7;
        let step = (inverted & 0x0F) as i16;
        let magnitude = (((step << 1) + 33) << segment) - 33;
        table[code] = 4 * if code < 128 { -magnitude } else { magnitude };
        code += 1;
    }
    table
}

const fn alaw_samples() -> [i16; 256] {
    let mut table = [0; 256];
    let mut code = 0;
    while code < 256 {
        let plain = (code as u8 ^ 0x55) & 0x7F;
        let segment = plain >> 4;
        let step = ((plain & 0x0F) as i16) << 4;
        let magnitude = if segment == 0 {
            step + 8
        } else {
            (step + 0x108) << (segment - 1)
        };
        table[code] = if code < 128 { -magnitude } else { magnitude };
        code += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: [Codec; 2] = [Codec::Pcmu, Codec::Pcma];

    /// Rows of G.711 tables 1a/1b (A-law) and 2a/2b (µ-law): code, decoder
    /// output value scaled to 16 bits.
    #[test]
    fn known_values() {
        for (codec, code, sample) in [
            (Codec::Pcmu, 0x80, 32124),
            (Codec::Pcmu, 0x00, -32124),
            (Codec::Pcmu, 0xFF, 0),
            (Codec::Pcmu, 0x7F, 0),
            (Codec::Pcmu, 0xFE, 8),
            (Codec::Pcmu, 0x8F, 16764),
            (Codec::Pcmu, 0xEF, 132),
            (Codec::Pcma, 0xAA, 32256),
            (Codec::Pcma, 0x2A, -32256),
            (Codec::Pcma, 0xD5, 8),
            (Codec::Pcma, 0x55, -8),
            (Codec::Pcma, 0x80, 5504),
        ] {
            assert_eq!(decode_sample(codec, code), sample, "{codec} {code:02x}");
        }
        assert_eq!(encode_sample(Codec::Pcmu, 0), silence(Codec::Pcmu));
        assert_eq!(encode_sample(Codec::Pcma, 0), silence(Codec::Pcma));
        assert_eq!(encode_sample(Codec::Pcmu, i16::MIN), 0x00);
        assert_eq!(encode_sample(Codec::Pcmu, i16::MAX), 0x80);
        assert_eq!(encode_sample(Codec::Pcma, i16::MIN), 0x2A);
        assert_eq!(encode_sample(Codec::Pcma, i16::MAX), 0xAA);
    }

    #[test]
    fn codes_survive_a_round_trip() {
        for codec in BOTH {
            for code in 0..=255 {
                let sample = decode_sample(codec, code);
                let back = encode_sample(codec, sample);
                // µ-law has two zeros; the positive one is chosen.
                let expected = if codec == Codec::Pcmu && code == 0x7F {
                    0xFF
                } else {
                    code
                };
                assert_eq!(back, expected, "{codec} {code:02x}");
            }
        }
    }

    /// G.711 puts each output value into the middle between its two decision
    /// values, so the outputs alone give the decisions back. A second way to the
    /// same codes.
    #[test]
    fn every_sample_falls_between_the_decision_values() {
        for (codec, bits, first_decision, first) in [(Codec::Pcmu, 2, 1, 1), (Codec::Pcma, 3, 0, 0)]
        {
            let mut outputs: Vec<i32> = (0..=255)
                .map(|c| i32::from(decode_sample(codec, c)) >> bits)
                .filter(|&o| o >= 0)
                .collect();
            outputs.sort_unstable();
            outputs.dedup();
            assert_eq!(outputs.len(), 128);
            let mut decisions = vec![first_decision];
            for output in &outputs[first..] {
                decisions.push(2 * output - decisions[decisions.len() - 1]);
            }
            for sample in 0..=i16::MAX {
                let value = i32::from(sample) >> bits;
                let above = decisions.partition_point(|&d| d <= value);
                let expected = outputs[(above + first).saturating_sub(1).min(127)];
                let code = encode_sample(codec, sample);
                assert_eq!(
                    i32::from(decode_sample(codec, code)) >> bits,
                    expected,
                    "{codec} {sample}"
                );
                assert_eq!(
                    encode_sample(codec, !sample),
                    code ^ 0x80,
                    "{codec} is symmetric at {sample}"
                );
            }
        }
    }

    #[test]
    fn slices_do_what_samples_do() {
        let samples: Vec<i16> = (-2000..2000).map(|s| s * 16 + 5).collect();
        for codec in BOTH {
            let mut codes = vec![0; samples.len()];
            encode(codec, &samples, &mut codes);
            let mut decoded = vec![0; samples.len()];
            decode(codec, &codes, &mut decoded);
            for ((&sample, &code), &back) in samples.iter().zip(&codes).zip(&decoded) {
                assert_eq!(code, encode_sample(codec, sample));
                assert_eq!(back, decode_sample(codec, code));
            }
        }
    }
}
