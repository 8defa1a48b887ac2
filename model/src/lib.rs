//! Regrow: the protocol, written once.
pub mod message;
pub mod port;
