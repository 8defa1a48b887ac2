//! Regrow: the protocol, written once.
pub mod check;
pub mod client;
pub mod counterexample;
pub mod diagram;
pub mod explore;
pub mod incident;
pub mod message;
pub mod mutant;
pub mod narrate;
pub mod node;
mod pairs;
pub mod port;
pub mod property;
pub mod scenario;
pub mod simulate;
pub mod verdict;
pub mod world;
