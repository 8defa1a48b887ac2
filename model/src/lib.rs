//! Regrow: the protocol, written once.
pub mod check;
pub mod client;
pub mod message;
pub mod mutant;
pub mod node;
pub mod port;
pub mod property;
pub mod scenario;
pub mod world;
