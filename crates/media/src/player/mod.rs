//! Prompts and their playback.

mod prompt;

pub use prompt::{Prompt, PromptError};
