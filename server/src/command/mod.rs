//! The `regrow` command: one file per subcommand.

pub mod check;
pub mod client;
pub mod demo;
pub mod explore;
pub mod forget;
mod journal;
mod names;
pub mod serve;
mod spelling;

pub use spelling::modern;
