//! The `regrow` command: one file per subcommand.

pub mod bench;
pub mod cert;
pub mod check;
pub mod client;
mod cluster;
pub mod config;
pub mod conform;
pub mod data;
pub mod demo;
mod dice;
pub mod explore;
pub mod forget;
mod journal;
pub mod layout;
mod local;
pub mod log;
mod meanwhile;
mod measure;
mod names;
#[cfg(feature = "mutants")]
pub mod replay_live;
mod say;
pub mod serve;
pub mod simulate;
mod spelling;
pub mod status;
pub mod torture;
pub mod users;
mod whole;

pub use say::{Unsaid, complain};
pub use spelling::modern;
