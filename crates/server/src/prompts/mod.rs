//! Prompts: from the name in a flow to audio that a media worker can send.
//!
//! A [`Library`] turns names into prompts and keeps them as long as their files
//! do not change. It reads files, so it lives on a thread of its own; [`Prompts`]
//! is what signalling holds: it answers from what the library said within the
//! last second, and remembers which port waits for what while the library reads.

mod library;
mod location;
mod pending;
mod wav;

pub use library::{Library, LibraryLimits};
pub use location::{LocationError, MediaFolder};
pub use pending::{Loaded, PlayOrder, Prompts, Reply, Resolved, spawn_library};
pub use wav::WavError;

use std::path::PathBuf;

use strowger_media::player::PromptError;
use thiserror::Error;

/// Why a prompt cannot be had. The sentence names it.
#[derive(Debug, Error)]
pub enum LoadError {
    /// The name leads nowhere, or out of the media folder.
    #[error("prompt {name:?}: {source}")]
    Location {
        /// As it stands in the flow.
        name: String,
        /// Why.
        source: LocationError,
    },
    /// The file is not a WAV that can be played.
    #[error("prompt {name:?} ({}): {source}", path.display())]
    Wav {
        /// As it stands in the flow.
        name: String,
        /// The file.
        path: PathBuf,
        /// Why.
        source: WavError,
    },
    /// Its samples cannot be made a prompt.
    #[error("prompt {name:?} ({}): {source}", path.display())]
    Samples {
        /// As it stands in the flow.
        name: String,
        /// The file.
        path: PathBuf,
        /// Why.
        source: PromptError,
    },
}
