//! The `regrow` command: one file per subcommand.

pub mod client;
mod journal;
pub mod serve;
mod spelling;

pub use spelling::modern;
