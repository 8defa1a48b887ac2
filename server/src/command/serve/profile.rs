//! `--profile`: the intervals that a server keeps, named as sets.

use std::time::Duration;

use clap::ValueEnum;
use regrow_model::node::tree;

use crate::transport::Pace;

/// A set of intervals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Profile {
    /// Fails over in well under a second
    Fast,
    /// The report's: six seconds, two attempts
    Report,
}

impl Profile {
    /// How the tree keeps it.
    pub fn timing(self) -> tree::Timing {
        match self {
            Self::Fast => tree::Timing::fast(),
            Self::Report => tree::Timing::report(),
        }
    }

    /// Its name, as `--profile` takes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fast => "fast",
            Self::Report => "report",
        }
    }

    /// How long a repair may take before something must be wrong.
    pub fn patience(self) -> Duration {
        match self {
            Self::Fast => Duration::from_secs(30),
            Self::Report => Duration::from_secs(120),
        }
    }

    /// How the transport keeps it.
    pub fn pace(self) -> Pace {
        match self {
            Self::Fast => Pace::FAST,
            Self::Report => Pace::REPORT,
        }
    }
}
