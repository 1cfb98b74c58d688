//! Calls, legs, routing, the action interpreter and the call table. Pure:
//! messages, media events and the time come in, effects go out.

mod call;
pub mod call_table;
pub mod clock;
pub mod config;
pub mod dial_plan;
pub mod effect;
pub mod flow;
pub mod guard;
pub mod input;
pub mod interpreter;
mod random;
pub mod record;
pub mod registration;
pub mod switch;

pub use switch::Switch;
