//! RTP and RTCP, jitter buffer, codecs, digits, player and the `MediaEngine`
//! that ticks every 20 ms. Pure: packets, orders and the time come in, packets
//! and events go out.

pub mod engine;
pub mod player;
pub mod vocabulary;
