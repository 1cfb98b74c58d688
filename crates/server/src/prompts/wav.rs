//! WAV files as linear 16-bit samples.

use std::io::Read;
use std::path::Path;

use hound::{SampleFormat, WavReader, WavSpec};
use thiserror::Error;

/// Why a file is no WAV that can be played.
#[derive(Debug, Error)]
pub enum WavError {
    /// Not a WAV file, or a broken one.
    #[error("{0}")]
    Broken(#[from] hound::Error),
    /// Longer than allowed.
    #[error("it is {seconds} s long, the limit is {max_s} s")]
    TooLong {
        /// Its length in s, rounded up.
        seconds: u64,
        /// The limit in s.
        max_s: u32,
    },
    /// A sample format that is not understood.
    #[error(
        "{bits}-bit {format} samples are not supported (expected 8, 16, 24 or 32-bit integers or 32-bit floats)"
    )]
    Format {
        /// Bits a sample.
        bits: u16,
        /// `integer` or `float`.
        format: &'static str,
    },
    /// The header names no channel, or no rate.
    #[error("the header says {channels} channels at {rate} Hz")]
    Header {
        /// Channels.
        channels: u16,
        /// Rate in Hz.
        rate: u32,
    },
}

/// Samples of a file.
#[derive(Debug)]
pub struct Wav {
    /// Interleaved.
    pub samples: Vec<i16>,
    /// In Hz.
    pub rate: u32,
    /// Number of channels.
    pub channels: u16,
}

/// Reads a file of at most `max_s` seconds.
pub fn read(path: &Path, max_s: u32) -> Result<Wav, WavError> {
    decode(WavReader::open(path)?, max_s)
}

fn decode<R: Read>(mut reader: WavReader<R>, max_s: u32) -> Result<Wav, WavError> {
    let spec = reader.spec();
    let (rate, channels) = (spec.sample_rate, spec.channels);
    if rate == 0 || channels == 0 {
        return Err(WavError::Header { channels, rate });
    }
    let seconds = u64::from(reader.duration()).div_ceil(u64::from(rate));
    if seconds > u64::from(max_s) {
        return Err(WavError::TooLong { seconds, max_s });
    }
    let samples = match (spec.sample_format, spec.bits_per_sample) {
        (SampleFormat::Int, 8) => integers(&mut reader, |sample| sample << 8)?,
        (SampleFormat::Int, 16) => integers(&mut reader, |sample| sample)?,
        (SampleFormat::Int, 24) => integers(&mut reader, |sample| sample >> 8)?,
        (SampleFormat::Int, 32) => integers(&mut reader, |sample| sample >> 16)?,
        (SampleFormat::Float, 32) => floats(&mut reader)?,
        _ => return Err(format_error(spec)),
    };
    Ok(Wav {
        samples,
        rate,
        channels,
    })
}

fn integers<R: Read>(
    reader: &mut WavReader<R>,
    scale: fn(i32) -> i32,
) -> Result<Vec<i16>, hound::Error> {
    reader
        .samples::<i32>()
        .map(|sample| sample.map(|sample| scale(sample) as i16))
        .collect()
}

fn floats<R: Read>(reader: &mut WavReader<R>) -> Result<Vec<i16>, hound::Error> {
    reader
        .samples::<f32>()
        .map(|sample| sample.map(|sample| (sample * 32_767.0).round() as i16))
        .collect()
}

fn format_error(spec: WavSpec) -> WavError {
    WavError::Format {
        bits: spec.bits_per_sample,
        format: match spec.sample_format {
            SampleFormat::Int => "integer",
            SampleFormat::Float => "float",
        },
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use hound::{Sample, WavWriter};

    use super::*;

    fn file<S: Sample + Copy>(
        bits: u16,
        sample_format: SampleFormat,
        channels: u16,
        samples: &[S],
    ) -> Vec<u8> {
        let spec = WavSpec {
            channels,
            sample_rate: 8000,
            bits_per_sample: bits,
            sample_format,
        };
        let mut octets = Cursor::new(Vec::new());
        let mut writer = WavWriter::new(&mut octets, spec).unwrap();
        for &sample in samples {
            writer.write_sample(sample).unwrap();
        }
        writer.finalize().unwrap();
        octets.into_inner()
    }

    fn decoded(octets: &[u8], max_s: u32) -> Result<Wav, WavError> {
        decode(WavReader::new(octets)?, max_s)
    }

    #[test]
    fn all_sample_formats_come_out_at_16_bits() {
        let int = SampleFormat::Int;
        let cases = [
            (
                file(8, int, 1, &[0_i32, 127, -128]),
                vec![0, 127 << 8, -32768],
            ),
            (
                file(16, int, 2, &[1_i32, -2, 32767, -32768]),
                vec![1, -2, 32767, -32768],
            ),
            (
                file(24, int, 1, &[256_i32, -256, 0x7f_ffff]),
                vec![1, -1, 32767],
            ),
            (file(32, int, 1, &[65536_i32, i32::MIN]), vec![1, -32768]),
            (
                file(32, SampleFormat::Float, 1, &[0.5_f32, -1.0, 2.0, f32::NAN]),
                vec![16384, -32767, 32767, 0],
            ),
        ];
        for (octets, samples) in cases {
            assert_eq!(decoded(&octets, 1).unwrap().samples, samples);
        }
        let stereo = decoded(&file(16, int, 2, &[1_i32, 2]), 1).unwrap();
        assert_eq!((stereo.rate, stereo.channels), (8000, 2));
    }

    #[test]
    fn broken_and_long_files_are_refused() {
        let second = file(16, SampleFormat::Int, 1, &vec![0_i32; 8001]);
        assert!(matches!(
            decoded(&second, 1),
            Err(WavError::TooLong {
                seconds: 2,
                max_s: 1
            })
        ));
        assert!(decoded(&second, 2).is_ok());
        for len in 0..second.len().min(60) {
            assert!(
                matches!(decoded(&second[..len], 2), Err(WavError::Broken(_))),
                "cut at {len}"
            );
        }
        assert!(matches!(
            decoded(&second[..1000], 2),
            Err(WavError::Broken(_))
        ));
        assert!(matches!(
            decoded(b"OggS and so on, not a WAV file", 2),
            Err(WavError::Broken(_))
        ));
    }
}
