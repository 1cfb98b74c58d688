//! Calls, legs, routing, the action interpreter and the call table. Pure:
//! messages, media events and the time come in, effects go out.

pub mod call_table;
pub mod config;
pub mod dial_plan;
pub mod effect;
pub mod flow;
pub mod input;
pub mod interpreter;
pub mod record;
