//! SIP: messages on the wire, transactions (RFC 3261 §17 with RFC 6026),
//! dialogs and offer/answer. Nothing in this crate opens a socket, reads a
//! clock or makes a random number that was not passed in.

pub mod dialog;
pub mod digest;
pub mod message;
pub mod registrar;
pub mod sdp;
pub mod transaction;
pub mod transport;
