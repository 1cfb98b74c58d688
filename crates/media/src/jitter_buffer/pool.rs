//! The packets waiting in all jitter buffers of an engine: blocks of one size,
//! made in chunks, handed out from a free list and never given back to the
//! allocator.

use crate::rtp::HEADER_LEN;

/// Largest payload kept: 60 ms of G.711 and some.
pub const MAX_PAYLOAD: usize = 496;
/// Blocks made at a time.
const CHUNK: usize = 64;
const NONE: u32 = u32::MAX;

/// Names a block; whoever holds it owns the block and gives it back with
/// `PacketPool::release`.
#[derive(Debug, PartialEq, Eq)]
pub struct BlockId(pub(super) u32);

/// A packet in store: room for an RTP header, then the payload, so that it can
/// be sent as it lies.
#[derive(Debug)]
pub struct Block {
    /// Extended sequence number.
    pub sequence: i64,
    /// Its place on the sender's clock, in µs, when it has one.
    pub(super) media_us: Option<i64>,
    /// It is due then at the latest.
    pub(super) latest_us: i64,
    /// RTP timestamp.
    pub timestamp: u32,
    /// M.
    pub marker: bool,
    /// PT as received.
    pub payload_type: u8,
    length: u16,
    next_free: u32,
    bytes: [u8; HEADER_LEN + MAX_PAYLOAD],
}

impl Block {
    /// Header room and payload.
    pub fn packet(&mut self) -> &mut [u8] {
        &mut self.bytes[..HEADER_LEN + usize::from(self.length)]
    }

    /// The payload.
    pub fn payload(&self) -> &[u8] {
        &self.bytes[HEADER_LEN..HEADER_LEN + usize::from(self.length)]
    }

    /// Puts a payload in; what exceeds `MAX_PAYLOAD` must have been refused.
    pub(super) fn fill(&mut self, payload: &[u8]) {
        self.length = payload.len() as u16;
        self.bytes[HEADER_LEN..HEADER_LEN + payload.len()].copy_from_slice(payload);
    }

    fn empty(next_free: u32) -> Self {
        Self {
            sequence: 0,
            media_us: None,
            latest_us: 0,
            timestamp: 0,
            marker: false,
            payload_type: 0,
            length: 0,
            next_free,
            bytes: [0; HEADER_LEN + MAX_PAYLOAD],
        }
    }
}

/// The blocks of one engine.
#[derive(Debug)]
pub struct PacketPool {
    chunks: Vec<Box<[Block]>>,
    free: u32,
    in_use: u32,
    max_blocks: u32,
    refused: u64,
}

impl PacketPool {
    /// An empty pool that grows up to `max_blocks`, rounded up to its chunks.
    pub fn new(max_blocks: u32) -> Self {
        Self {
            chunks: Vec::new(),
            free: NONE,
            in_use: 0,
            max_blocks,
            refused: 0,
        }
    }

    /// Takes a block; `None` at the limit. Allocates only when more blocks are
    /// in use than ever before.
    pub fn claim(&mut self) -> Option<BlockId> {
        if self.free == NONE && !self.grow() {
            self.refused += 1;
            return None;
        }
        let id = self.free;
        self.free = self.at(id).next_free;
        self.in_use += 1;
        Some(BlockId(id))
    }

    /// Gives a block back.
    #[allow(
        clippy::needless_pass_by_value,
        reason = "the name must not be used again"
    )]
    pub fn release(&mut self, id: BlockId) {
        let free = self.free;
        self.at(id.0).next_free = free;
        self.free = id.0;
        self.in_use -= 1;
    }

    /// The block.
    pub fn get(&mut self, id: &BlockId) -> &mut Block {
        self.at(id.0)
    }

    /// Blocks in use.
    pub fn in_use(&self) -> u32 {
        self.in_use
    }

    /// Claims refused at the limit.
    pub fn refused(&self) -> u64 {
        self.refused
    }

    pub(super) fn at(&mut self, id: u32) -> &mut Block {
        let id = id as usize;
        &mut self.chunks[id / CHUNK][id % CHUNK]
    }

    fn grow(&mut self) -> bool {
        let made = self.chunks.len() * CHUNK;
        if made >= self.max_blocks as usize {
            return false;
        }
        let chunk = (made + 1..=made + CHUNK)
            .map(|next| {
                Block::empty(if next == made + CHUNK {
                    NONE
                } else {
                    next as u32
                })
            })
            .collect();
        self.chunks.push(chunk);
        self.free = made as u32;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hands_out_each_block_once_up_to_the_limit() {
        let mut pool = PacketPool::new(100);
        let mut ids: Vec<BlockId> = std::iter::from_fn(|| pool.claim()).collect();
        assert_eq!((ids.len(), pool.in_use()), (128, 128));
        ids.sort_by_key(|id| id.0);
        assert!(ids.iter().enumerate().all(|(n, id)| id.0 == n as u32));
        for id in ids.drain(..) {
            pool.release(id);
        }
        assert_eq!(pool.in_use(), 0);
        assert_eq!(std::iter::from_fn(|| pool.claim()).count(), 128);
    }

    #[test]
    fn a_packet_costs_what_the_configuration_says() {
        assert!(size_of::<Block>() <= 560);
    }
}
