//! Media workers: the threads that own the RTP sockets and a `MediaEngine` each,
//! the rings that lead to them and back, and the stock of bound ports.

mod grid;
mod io;
mod link;
mod port_stock;
mod stats;
mod worker;

pub use io::{Arrival, EpollIo, PacketIo, Stream};
pub use link::{MediaLink, WorkerEnd, WorkerOrder, link};
pub use port_stock::{PortRange, PortStock, PortStockError, SocketPair};
pub use stats::{LATENESS_BUCKETS_US, WorkerStats};
pub use worker::{Worker, WorkerSettings, spawn};
