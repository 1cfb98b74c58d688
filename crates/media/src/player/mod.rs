//! Prompts and their playback.

mod playback;
mod prompt;

pub use playback::Playback;
pub use prompt::{Prompt, PromptError};
