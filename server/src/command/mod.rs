//! The `regrow` command: one file per subcommand.

mod journal;
pub mod serve;
mod spelling;

pub use spelling::modern;
