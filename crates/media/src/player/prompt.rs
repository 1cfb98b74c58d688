//! A prompt: decoded, resampled and encoded once, then only sliced.

use std::sync::Arc;

use crate::g711;
use crate::resampler::Resampler;
use crate::vocabulary::Codec;

/// Sampling rate of a prompt's encoded audio, in Hz.
const RATE: u32 = 8000;
/// Channels that are mixed to one.
const MAX_CHANNELS: u16 = 8;

/// Why samples cannot become a prompt.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PromptError {
    /// There is nothing to play.
    #[error("no samples")]
    Empty,
    /// A rate the resampler does not do, in Hz.
    #[error(
        "a sampling rate of {0} Hz is not supported (expected a usual one from 8000 to 192000)"
    )]
    Rate(u32),
    /// Number of channels outside 1–8.
    #[error("{0} channels are not supported (expected 1 to {MAX_CHANNELS})")]
    Channels(u16),
    /// The samples are not a whole number of frames.
    #[error("{samples} samples are not a multiple of {channels} channels")]
    PartialFrame {
        /// Number of samples given.
        samples: usize,
        /// Number of channels given.
        channels: u16,
    },
}

/// Audio ready to be sent: 8 kHz mono, encoded once in each codec.
#[derive(Debug)]
pub struct Prompt {
    name: Box<str>,
    pcmu: Box<[u8]>,
    pcma: Box<[u8]>,
}

impl Prompt {
    /// Makes a prompt from interleaved linear samples at `rate` Hz: mixed to
    /// mono, resampled to 8 kHz, encoded. Takes milliseconds for a minute of
    /// audio: not for a media thread.
    pub fn from_pcm(
        name: &str,
        samples: &[i16],
        rate: u32,
        channels: u16,
    ) -> Result<Arc<Self>, PromptError> {
        if channels == 0 || channels > MAX_CHANNELS {
            return Err(PromptError::Channels(channels));
        }
        if samples.is_empty() {
            return Err(PromptError::Empty);
        }
        if !samples.len().is_multiple_of(usize::from(channels)) {
            return Err(PromptError::PartialFrame {
                samples: samples.len(),
                channels,
            });
        }
        let resampler = Resampler::new(rate, RATE).ok_or(PromptError::Rate(rate))?;
        let audio = resampler.resample(&mix(samples, channels));
        let encoded = |codec| {
            let mut codes = vec![0; audio.len()].into_boxed_slice();
            g711::encode(codec, &audio, &mut codes);
            codes
        };
        Ok(Arc::new(Self {
            name: name.into(),
            pcmu: encoded(Codec::Pcmu),
            pcma: encoded(Codec::Pcma),
        }))
    }

    /// The name it was given: for logs.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The whole audio in a codec, one octet a sample.
    pub fn encoded(&self, codec: Codec) -> &[u8] {
        match codec {
            Codec::Pcmu => &self.pcmu,
            Codec::Pcma => &self.pcma,
        }
    }

    /// Length in samples at 8 kHz; never 0.
    #[allow(
        clippy::len_without_is_empty,
        reason = "an empty prompt cannot be made"
    )]
    pub fn len(&self) -> usize {
        self.pcmu.len()
    }

    /// Length in ms, rounded up.
    pub fn duration_ms(&self) -> u32 {
        self.len().div_ceil(RATE as usize / 1000) as u32
    }
}

fn mix(samples: &[i16], channels: u16) -> Vec<i16> {
    let average = |frame: &[i16]| {
        let sum: i32 = frame.iter().map(|&s| i32::from(s)).sum();
        (f64::from(sum) / f64::from(channels)).round() as i16
    };
    samples
        .chunks_exact(usize::from(channels))
        .map(average)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_with_a_reason() {
        for (samples, rate, channels, error) in [
            (0, 8000, 1, PromptError::Empty),
            (10, 8000, 0, PromptError::Channels(0)),
            (18, 8000, 9, PromptError::Channels(9)),
            (
                5,
                8000,
                2,
                PromptError::PartialFrame {
                    samples: 5,
                    channels: 2,
                },
            ),
            (10, 4000, 1, PromptError::Rate(4000)),
            (10, 0, 1, PromptError::Rate(0)),
        ] {
            let given = Prompt::from_pcm("p", &vec![0; samples], rate, channels);
            assert_eq!(given.unwrap_err(), error);
        }
    }

    #[test]
    fn at_8_khz_the_codes_are_those_of_the_samples() {
        let samples: Vec<i16> = (0..500).map(|n| n * 60 - 15_000).collect();
        let prompt = Prompt::from_pcm("ramp", &samples, 8000, 1).unwrap();
        for codec in [Codec::Pcmu, Codec::Pcma] {
            let expected: Vec<u8> = samples
                .iter()
                .map(|&s| g711::encode_sample(codec, s))
                .collect();
            assert_eq!(prompt.encoded(codec), expected);
        }
        assert_eq!(
            (prompt.name(), prompt.len(), prompt.duration_ms()),
            ("ramp", 500, 63)
        );
    }

    #[test]
    fn channels_are_averaged() {
        assert_eq!(
            mix(&[100, 200, -3, -4, i16::MAX, i16::MAX], 2),
            [150, -4, i16::MAX]
        );
        assert_eq!(mix(&[3, 3, 3, -9, 0, 0], 3), [3, -3]);
        let stereo = Prompt::from_pcm("s", &[500; 960], 48_000, 2).unwrap();
        assert_eq!(stereo.len(), 80);
    }
}
