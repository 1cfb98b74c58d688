//! (in work)
/// A decoded prompt.
#[derive(Debug)]
pub struct Prompt;
