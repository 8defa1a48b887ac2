//! How long a node waits before it dials.

use std::ops::Range;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::node::{balance, drain};

/// The intervals that a node keeps. Ranges, so that many nodes don't act at once.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Timing {
    /// Before each of the two dials of a parent that was lost.
    pub lost_parent: Range<Duration>,
    /// Before each other dial of an orphan.
    pub retry: Range<Duration>,
    /// How often that interval is doubled, at most: once each time all candidates were tried in vain.
    pub backoffs: u32,
    /// Between two dials of a server that has a parent: far longer than a whole repair.
    pub probe: Range<Duration>,
    /// Of announcing loads.
    pub loads: balance::Timing,
    /// Of leaving.
    pub drain: drain::Timing,
}

impl Timing {
    /// Retries at once and fails over in well under a second.
    pub fn fast() -> Self {
        let ms = Duration::from_millis;
        Self {
            lost_parent: ms(0)..ms(10),
            retry: ms(10)..ms(40),
            backoffs: 7,
            probe: Duration::from_secs(50)..Duration::from_secs(70),
            loads: balance::Timing::every(Duration::from_secs(5)),
            drain: drain::Timing::default(),
        }
    }

    /// The report's: six seconds before each of two attempts at the parent (§3).
    pub fn report() -> Self {
        let six = Duration::from_secs(6);
        Self {
            lost_parent: six..six + Duration::from_millis(50),
            retry: Duration::from_millis(100)..Duration::from_millis(500),
            backoffs: 5,
            probe: Duration::from_secs(50)..Duration::from_secs(70),
            loads: balance::Timing::every(Duration::from_secs(5)),
            drain: drain::Timing::default(),
        }
    }
}
