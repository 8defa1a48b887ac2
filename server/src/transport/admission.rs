//! Which connections are taken: so many in all, and so many from one address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::{Limits, Shared};
use crate::edge::pace::origin;
use crate::metrics::Refused;

/// The connections there are.
#[derive(Default)]
pub(super) struct Present {
    by_address: Mutex<HashMap<IpAddr, usize>>,
    all: watch::Sender<usize>,
}

/// Why a connection isn't taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Crowded {
    #[error(
        "this server has as many connections as it takes: try another one, or again in a while"
    )]
    InAll,
    #[error("too many connections from this address: close some first")]
    FromThere,
}

impl From<Crowded> for Refused {
    fn from(why: Crowded) -> Self {
        match why {
            Crowded::InAll => Self::TooMany,
            Crowded::FromThere => Self::TooManyFromAddress,
        }
    }
}

/// The place of one connection, while it lasts.
pub(super) struct Place {
    shared: Arc<Shared>,
    from: Option<IpAddr>,
}

impl Place {
    /// A place for a connection that comes from somewhere.
    ///
    /// # Errors
    /// When there is none.
    pub(super) fn take(shared: &Arc<Shared>, from: IpAddr) -> Result<Self, Crowded> {
        let limits = shared.limits();
        shared.present.enter(origin(from), &limits)?;
        shared.traffic.open.inc();
        Ok(Self {
            shared: shared.clone(),
            from: Some(origin(from)),
        })
    }

    /// A place for a connection that we have asked for ourselves.
    pub(super) fn own(shared: &Arc<Shared>) -> Self {
        shared.present.all.send_modify(|all| *all += 1);
        shared.traffic.open.inc();
        Self {
            shared: shared.clone(),
            from: None,
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.shared.present.leave(self.from);
        self.shared.traffic.open.dec();
    }
}

impl Present {
    /// Returns when there are none.
    pub(super) async fn none(&self) {
        // The sender lives in self.
        let _ = self.all.subscribe().wait_for(|all| *all == 0).await;
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.by_address
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(&self, from: IpAddr, limits: &Limits) -> Result<(), Crowded> {
        let mut by_address = self.lock();
        if *self.all.borrow() >= limits.connections {
            return Err(Crowded::InAll);
        }
        let there = by_address.entry(from).or_default();
        if *there >= limits.connections_per_address {
            return Err(Crowded::FromThere);
        }
        *there += 1;
        self.all.send_modify(|all| *all += 1);
        Ok(())
    }

    fn leave(&self, from: Option<IpAddr>) {
        let mut by_address = self.lock();
        if let Some(from) = from
            && let Some(there) = by_address.get_mut(&from)
        {
            *there -= 1;
            if *there == 0 {
                by_address.remove(&from);
            }
        }
        self.all.send_modify(|all| *all -= 1);
    }
}
