//! What comes out of the transaction table.

use bytes::Bytes;

use super::slab::SlabId;
use crate::message::{Request, Response};
use crate::transport::Hop;

/// A server transaction. Never names another one after its own is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerTransactionId(pub(super) SlabId);

/// A client transaction. Never names another one after its own is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientTransactionId(pub(super) SlabId);

/// One thing to do, in the order given.
#[derive(Clone, Debug)]
pub enum TransactionOutput {
    /// Send one whole message.
    Send {
        /// Where to.
        hop: Hop,
        /// The octets.
        message: Bytes,
    },
    /// A new request, neither ACK nor CANCEL. Answer it with
    /// [`respond`](super::Transactions::respond).
    Request {
        /// Its transaction.
        id: ServerTransactionId,
        /// The request, its top Via stamped with the source (RFC 3261 §18.2.1).
        request: Request,
        /// Where it came from.
        hop: Hop,
    },
    /// An ACK that no server transaction absorbs: that of a 2xx, or a stray.
    Ack {
        /// The request.
        request: Request,
        /// Where it came from.
        hop: Hop,
    },
    /// A CANCEL for an INVITE that has no final response yet. The CANCEL is
    /// answered already; answer the INVITE with 487 (RFC 3261 §9.2).
    Cancel {
        /// The transaction of the INVITE.
        invite: ServerTransactionId,
        /// The CANCEL.
        request: Request,
    },
    /// A response to a request of ours. A 2xx to INVITE can come more than once.
    Response {
        /// The transaction of the request.
        id: ClientTransactionId,
        /// The response.
        response: Response,
    },
    /// No final response came in time; to the TU it is a 408 (RFC 3261
    /// §8.1.3.1). The transaction is over.
    TimedOut {
        /// The transaction of the request.
        id: ClientTransactionId,
    },
    /// The request could not be sent; to the TU it is a 503 (RFC 3261 §8.1.3.1).
    /// The transaction is over. It can follow the refusal of an INVITE whose ACK
    /// could not be sent.
    TransportFailed {
        /// The transaction of the request.
        id: ClientTransactionId,
    },
    /// The far end did not get, or did not acknowledge, our response.
    ServerFailed {
        /// The transaction of the INVITE.
        id: ServerTransactionId,
        /// What went wrong.
        failure: ServerFailure,
    },
}

/// What can go wrong with the response to an INVITE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerFailure {
    /// No ACK came for 64·T1 (timer H); the transaction is over.
    AckMissing,
    /// A response could not be sent; the transaction goes on (RFC 6026 §7.1).
    Transport,
}
