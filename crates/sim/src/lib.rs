//! Simulation: whole switches on a virtual clock, with a faulty network and
//! scripted phones. A run is decided by its seed, and its invariants are checked
//! at every step:
//!
//! - every 2xx to an INVITE is acknowledged or followed by BYE, and repeated only
//!   until then;
//! - a server transaction has one final response;
//! - open media ports are those of live calls, no socket or slot is used twice;
//! - a call has exactly one record, after its last event;
//! - a timeout that was handled is not due any more;
//! - at rest all tables are empty and all sockets are back.

pub mod ledger;
pub mod media_plane;
pub mod network;
pub mod phone;
pub mod random;
pub mod script;
pub mod setup;
mod wire;
pub mod world;
