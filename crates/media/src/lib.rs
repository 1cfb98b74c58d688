//! RTP and RTCP, jitter buffer, codecs, digits, player and the `MediaEngine`
//! that ticks every 20 ms. Pure: packets, orders and the time come in, packets
//! and events go out.

pub mod digits;
pub mod e_model;
pub mod engine;
pub mod g711;
pub mod jitter_buffer;
pub mod player;
mod random;
pub mod reception;
pub mod resampler;
pub mod rtcp;
pub mod rtp;
pub mod sequence;
pub mod vocabulary;
