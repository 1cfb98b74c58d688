//! G.711 by the text of the recommendation, written apart from the switch's own
//! tables so that one can be held against the other.

/// µ-law code of a 16 bit sample.
pub fn encode_ulaw(sample: i16) -> u8 {
    let sign = if sample < 0 { 0x80 } else { 0 };
    let magnitude = (i32::from(sample).abs() + 132).min(32_767);
    let exponent = 24 - (magnitude as u32).leading_zeros() as i32;
    let mantissa = (magnitude >> (exponent + 3)) & 0x0f;
    !(sign | (exponent << 4) as u8 | mantissa as u8)
}

/// The sample that a µ-law code stands for.
pub fn decode_ulaw(code: u8) -> i16 {
    let code = !code;
    let exponent = i32::from(code >> 4 & 7);
    let mantissa = i32::from(code & 0x0f);
    let magnitude = (((mantissa << 3) + 132) << exponent) - 132;
    (if code & 0x80 == 0 {
        magnitude
    } else {
        -magnitude
    }) as i16
}

/// A-law code of a 16 bit sample.
pub fn encode_alaw(sample: i16) -> u8 {
    let (sign, magnitude) = if sample < 0 {
        (0, (-1 - i32::from(sample)) >> 3)
    } else {
        (0x80, i32::from(sample) >> 3)
    };
    let exponent = (27 - (magnitude as u32).leading_zeros() as i32).max(1);
    let code = if magnitude < 32 {
        magnitude >> 1
    } else {
        exponent << 4 | (magnitude >> exponent & 0x0f)
    };
    (sign | code as u8) ^ 0x55
}

/// The sample that an A-law code stands for.
pub fn decode_alaw(code: u8) -> i16 {
    let code = code ^ 0x55;
    let exponent = i32::from(code >> 4 & 7);
    let mantissa = i32::from(code & 0x0f) << 4;
    let magnitude = match exponent {
        0 => mantissa + 8,
        1 => mantissa + 0x108,
        _ => (mantissa + 0x108) << (exponent - 1),
    };
    (if code & 0x80 == 0 {
        -magnitude
    } else {
        magnitude
    }) as i16
}

/// Power of one tone in the signal against all of it, 0 to 1 (Goertzel).
pub fn share_of_tone(samples: &[i16], rate: u32, hertz: f64) -> f64 {
    let turn = 2.0 * std::f64::consts::PI * hertz / f64::from(rate);
    let (mut one, mut two, mut energy) = (0.0, 0.0, 0.0);
    for &sample in samples {
        let x = f64::from(sample);
        energy += x * x;
        let zero = x + 2.0 * turn.cos() * one - two;
        two = one;
        one = zero;
    }
    let power = one * one + two * two - 2.0 * turn.cos() * one * two;
    if energy == 0.0 {
        0.0
    } else {
        power * 2.0 / samples.len() as f64 / energy
    }
}
