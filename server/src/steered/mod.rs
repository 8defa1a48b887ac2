//! What differs in the process of a server that is steered through a path of the model's: where addresses lead, what its clock
//! shows, and that secrets are their own hashes, as they are in the model. In builds with the feature `mutants` alone.

pub(crate) mod part;

use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use regrow_model::message::{Address, SecretHash, Stamp};

/// Set once, when a process learns that it is steered.
static STEERED: OnceLock<Steered> = OnceLock::new();

struct Steered {
    /// Where the addresses of the model's servers lead.
    routes: BTreeMap<Address, Address>,
    clock: AtomicU64,
}

/// From now on this process is steered.
pub(crate) fn begin(routes: BTreeMap<Address, Address>) {
    let clock = AtomicU64::new(0);
    // A second time can't be: one connection steers a process, and begins with this.
    let _ = STEERED.set(Steered { routes, clock });
}

/// Sets the clock.
pub(crate) fn set_clock(now: Stamp) {
    if let Some(steered) = STEERED.get() {
        steered.clock.store(now.0, Ordering::Relaxed);
    }
}

/// What the clock shows, if it was set.
pub(crate) fn clock() -> Option<Stamp> {
    let steered = STEERED.get()?;
    Some(Stamp(steered.clock.load(Ordering::Relaxed)))
}

/// Where an address leads.
pub(crate) fn route(address: &Address) -> Address {
    let route = STEERED
        .get()
        .and_then(|steered| steered.routes.get(address));
    route.unwrap_or(address).clone()
}

/// What a secret is hashed to without being hashed.
pub(crate) fn hash(secret: &str) -> Option<SecretHash> {
    STEERED.get().map(|_| secret.into())
}
