//! Transactions: RFC 3261 §17 with RFC 6026, RFC 3581 and §18.2.2's way back.
//!
//! Four machines decide and keep no message: [`InviteClient`],
//! [`NonInviteClient`], [`InviteServer`], [`NonInviteServer`]; each has its state
//! table at the head of its file. [`Transactions`] keeps them with the messages
//! they repeat, finds the one a message belongs to, and does what needs no
//! transaction user (TU): 100 Trying, the ACK to a final response other than
//! 2xx, CANCEL and its 200, 481 and 482.

mod class;
mod client;
mod deadlines;
mod incoming;
mod invite_client;
mod invite_server;
mod key;
mod non_invite_client;
mod non_invite_server;
mod output;
mod random;
mod requests;
mod server;
mod siphash;
mod slab;
mod table;
mod timer;

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod tests;

pub use class::ResponseClass;
pub use invite_client::{InviteClient, InviteClientOutput, InviteClientState};
pub use invite_server::{InviteServer, InviteServerOutput, InviteServerState};
pub use non_invite_client::{NonInviteClient, NonInviteClientOutput, NonInviteClientState};
pub use non_invite_server::{NonInviteServer, NonInviteServerOutput, NonInviteServerState};
pub use output::{ClientTransactionId, ServerFailure, ServerTransactionId, TransactionOutput};
pub use table::{TransactionConfig, TransactionStats, Transactions};
pub use timer::{Timer, Timing};
