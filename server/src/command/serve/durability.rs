//! `--durability`: what an acknowledgement promises about the disk.

use std::fmt;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use regrow_model::node::Durable;

use crate::command::layout::layout;
use crate::runtime::Disk;
use crate::store::{Nothing, Store, StoreError};

/// When what the server saves is on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Before anything that depends on it leaves.
    Sync,
    /// At most so long after.
    Interval(Duration),
    /// Never: each start is one with an empty disk.
    Memory,
}

/// Text that names no durability.
#[derive(Debug, thiserror::Error)]
#[error(
    "it is sync, memory, or interval= and a time from 1ms to 600s, such as interval=200ms or interval=5s"
)]
pub struct DurabilityError;

/// As it is given, but for the unit of a time: that is milliseconds.
impl fmt::Display for Durability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sync => f.write_str("sync"),
            Self::Interval(interval) => write!(f, "interval={}ms", interval.as_millis()),
            Self::Memory => f.write_str("memory"),
        }
    }
}

impl FromStr for Durability {
    type Err = DurabilityError;

    fn from_str(text: &str) -> Result<Self, DurabilityError> {
        match text {
            "sync" => return Ok(Self::Sync),
            "memory" => return Ok(Self::Memory),
            _ => {}
        }
        let time = text.strip_prefix("interval=").ok_or(DurabilityError)?;
        let interval = super::time::time(time).map_err(|_| DurabilityError)?;
        if interval < Duration::from_millis(1) {
            return Err(DurabilityError);
        }
        Ok(Self::Interval(interval))
    }
}

/// A data directory in use.
pub(super) struct Opened {
    /// What it held.
    pub(super) storage: Option<Durable>,
    /// Where saves go.
    pub(super) disk: Box<dyn Disk<Durable>>,
}

impl Durability {
    /// Opens a data directory.
    ///
    /// # Errors
    /// When another process has it, or when it can't be used in this way.
    pub(super) fn open(self, data: &Path) -> Result<Opened, StoreError> {
        let store = match self {
            Self::Sync => Store::open(data, layout())?,
            Self::Interval(interval) => Store::open(data, layout())?.sync_every(interval),
            Self::Memory => {
                return Ok(Opened {
                    storage: None,
                    disk: Box::new(Nothing::open(data)?),
                });
            }
        };
        Ok(Opened {
            storage: store.saved(),
            disk: Box::new(store),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_has_a_unit() {
        let interval = |text: &str| text.parse::<Durability>().ok();
        let millis = |n| Some(Durability::Interval(Duration::from_millis(n)));
        assert_eq!(interval("interval=200ms"), millis(200));
        assert_eq!(interval("interval=5s"), millis(5_000));
        for wrong in [
            "interval=5",
            "interval=0s",
            "interval=601s",
            "interval=",
            "interval=-1s",
            "5s",
            "",
        ] {
            assert_eq!(interval(wrong), None, "{wrong}");
        }
    }
}
