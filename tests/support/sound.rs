//! Known sounds: made, written to WAV files and read back.

use std::f64::consts::PI;
use std::path::Path;

/// A sine with an amplitude of 0 to 1.
pub fn sine(hertz: f64, amplitude: f64, rate: u32, samples: usize) -> Vec<i16> {
    (0..samples)
        .map(|index| {
            let phase = 2.0 * PI * hertz * index as f64 / f64::from(rate);
            (phase.sin() * amplitude * 32_767.0).round() as i16
        })
        .collect()
}

/// A sound that no two stretches of are alike: a sine that climbs from `from`
/// to `to` Hz.
pub fn chirp(from: f64, to: f64, amplitude: f64, rate: u32, samples: usize) -> Vec<i16> {
    let length = samples as f64 / f64::from(rate);
    (0..samples)
        .map(|index| {
            let t = index as f64 / f64::from(rate);
            let phase = 2.0 * PI * (from * t + (to - from) * t * t / (2.0 * length));
            (phase.sin() * amplitude * 32_767.0).round() as i16
        })
        .collect()
}

/// Distinct µ-law payloads of 20 ms, none of them silence.
pub fn distinct_payloads(count: usize) -> Vec<Vec<u8>> {
    let mut state = 0x2545_f491_u32;
    let mut octet = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        // Without the two codes of zero, and not loud.
        (0x20 + (state >> 24) as u8 % 0x50) | (state as u8 & 0x80)
    };
    (0..count)
        .map(|_| (0..160).map(|_| octet()).collect())
        .collect()
}

/// Writes 16 bit samples; with two channels both get the same.
pub fn write_wav(path: &Path, samples: &[i16], rate: u32, channels: u16) {
    let spec = hound::WavSpec {
        channels,
        sample_rate: rate,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(path, spec).expect("a WAV file");
    for &sample in samples {
        for _ in 0..channels {
            writer.write_sample(sample).expect("a sample written");
        }
    }
    writer.finalize().expect("a WAV file finished");
}

/// Samples of a mono file and its rate.
pub fn read_wav(path: &Path) -> (Vec<i16>, u32) {
    let mut reader = hound::WavReader::open(path).expect("a WAV file");
    assert_eq!(reader.spec().channels, 1, "{}", path.display());
    let samples = reader
        .samples::<i16>()
        .map(|sample| sample.expect("a whole sample"))
        .collect();
    (samples, reader.spec().sample_rate)
}

/// How far, in dB, `heard` stands above its difference from `original`, at the
/// best shift of at most `reach` samples.
pub fn signal_to_noise_db(heard: &[i16], original: &[i16], reach: usize) -> f64 {
    (0..=reach)
        .flat_map(|shift| {
            [
                ratio_db(heard.get(shift..).unwrap_or_default(), original),
                ratio_db(heard, original.get(shift..).unwrap_or_default()),
            ]
        })
        .fold(f64::NEG_INFINITY, f64::max)
}

fn ratio_db(heard: &[i16], original: &[i16]) -> f64 {
    let (mut signal, mut noise) = (0.0, 1e-9);
    for (&a, &b) in heard.iter().zip(original) {
        signal += f64::from(b) * f64::from(b);
        noise += (f64::from(a) - f64::from(b)).powi(2);
    }
    10.0 * f64::log10(signal / noise)
}
