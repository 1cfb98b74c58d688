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

use std::path::{Path, PathBuf};

use strowger_media::player::PromptError;
use thiserror::Error;

/// Says why the prompt of that name could not be played, for `strowger check`;
/// one longer than `max_prompt_s` could not.
pub fn inspect(folder: &Path, name: &str, max_prompt_s: u32) -> Result<(), String> {
    let folder = MediaFolder::new(folder)
        .map_err(|error| format!("the media folder {}: {error}", folder.display()))?;
    let limits = LibraryLimits {
        max_prompt_s,
        max_cached_s: 0,
    };
    let mut library = Library::new(folder, limits);
    library
        .get(name)
        .map(drop)
        .map_err(|error| error.to_string())
}

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
