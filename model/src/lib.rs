//! Regrow: the protocol, written once.
pub mod check;
pub mod message;
pub mod port;
