//! Everything that waits: sockets, media threads, files, HTTP and the command
//! line. What decides lives in `strowger_sip`, `strowger_media` and
//! `strowger_switch`; this crate owns their values and carries out their effects.

pub mod check;
pub mod command;
pub mod config;
mod ebb;
pub mod http;
pub mod logging;
pub mod media;
pub mod metrics;
pub mod net;
pub mod prompts;
pub mod records;
pub mod registrations;
pub mod reload;
pub mod signalling;
pub mod start;
pub mod sys;

#[cfg(test)]
mod test_folder;
