//! Why nothing was measured.

use std::io;

use crate::command::Unsaid;
use crate::command::client::ServersError;

/// Why nothing was measured.
#[derive(Debug, thiserror::Error)]
pub(super) enum BenchError {
    /// The bench can't have its threads, its sockets or its output.
    #[error("cannot run: {0}")]
    System(#[from] io::Error),
    /// Nobody reads what was measured.
    #[error("{0}")]
    Unsaid(#[from] Unsaid),
    /// The servers that were named can't be connected to like that.
    #[error(transparent)]
    Servers(#[from] ServersError),
    /// A server can't be started.
    #[error("cannot start a server: {0}")]
    Start(#[source] io::Error),
    /// Not all clients got in.
    #[error(
        "only {present} of {clients} clients could log in: {why}. Does the server run, and has it room for them?"
    )]
    Gathering {
        /// How many did.
        present: usize,
        /// How many there are.
        clients: usize,
        /// What was heard of it.
        why: String,
    },
    /// Not everyone could hear everyone.
    #[error(
        "only {probed} of {pairs} pairs of a sender and a receiver heard one another: {why}. Are the servers of one tree?"
    )]
    Probing {
        /// How many did.
        probed: usize,
        /// How many there are.
        pairs: usize,
        /// What was heard of it.
        why: String,
    },
    /// There is nobody to take over, or it isn't known whom to kill.
    #[error(
        "a failover needs two servers at least, and of those named with --server the processes, with --pid in the same order"
    )]
    NothingToKill,
    /// A server can't be killed.
    #[error("cannot kill the server: {0}")]
    Kill(#[source] io::Error),
    /// The mock can do little.
    #[error(
        "the ceiling is measured against a mock of the bench's own, without --server and --resuming"
    )]
    MockOnly,
    /// Somebody has had enough.
    #[error("interrupted")]
    Interrupted,
}
