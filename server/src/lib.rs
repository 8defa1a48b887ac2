//! Regrow's outside: everything that touches sockets, disks and clocks. The protocol itself is one
//! actor in `regrow_model`; nothing here decides for it.
//!
//! - [`runtime`] drives the actor: inputs in, effects out, timers, durable saves.
//! - [`transport`] carries lines between processes and notices when it can't.
//! - [`edge`] turns users' secrets into hashes before the actor sees them.
//! - [`store`] keeps the actor's durable state on disk.
//! - [`record`] writes down what the actor is given, so that it can be run again.
//! - [`conform`] runs it again, and compares.
//! - [`http`] shows its operator how the server is.
//! - [`metrics`] is what a server counts while it works.
//! - [`command`] is the `regrow` command, one file per subcommand.

#[cfg(all(feature = "mutants", not(debug_assertions)))]
compile_error!(
    "the feature `mutants` lets a server break the protocol's rules, and is never in a release: build without it, \
     or without --release"
);

mod clock;
pub mod command;
pub mod conform;
pub mod edge;
pub mod http;
pub mod metrics;
pub mod record;
pub mod runtime;
#[cfg(feature = "mutants")]
mod steered;
pub mod store;
pub mod transport;
