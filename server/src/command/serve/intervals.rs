//! `--heartbeat` and the like: each interval of a profile, set one by one.

use std::ops::Range;
use std::time::Duration;

use clap::Args;
use regrow_model::node::{balance, tree};

use super::Profile;
use super::time::time;
use crate::transport::Pace;

/// How often the wait before a dial can double, whatever is asked for.
const BACKOFFS_MAX: u32 = 20;

/// Intervals that replace those of the profile. What is left out is as the profile has it.
#[derive(Args, Clone, Debug, Default)]
pub struct IntervalFlags {
    /// Give a dial to another server so long, in all (300ms, 1.5s) [default: the profile's]
    #[arg(long, value_name = "TIME", value_parser = time)]
    dial_timeout: Option<Duration>,
    /// Let other servers hear from this one at least so often [default: the profile's]
    #[arg(long, value_name = "TIME", value_parser = time)]
    heartbeat: Option<Duration>,
    /// Take a link to a server for dead that has been silent for so long [default: the profile's]
    #[arg(long, value_name = "TIME", value_parser = time)]
    silence: Option<Duration>,
    /// Give a connection that is closed so long to take what was sent on it [default: the profile's]
    #[arg(long, value_name = "TIME", value_parser = time)]
    linger: Option<Duration>,
    /// Ask the kernel so often what a client of 2018 has received, while something is outstanding [default: the profile's]
    #[arg(long, value_name = "TIME", value_parser = time)]
    receipts: Option<Duration>,
    /// Wait so long before each of the two dials of a parent that was lost [default: the profile's]
    #[arg(long, value_name = "TIME", value_parser = time)]
    lost_parent: Option<Duration>,
    /// Wait at most so long before any other dial, the first one too; the wait doubles each time that all servers were dialed in vain
    /// [default: the profile's]
    #[arg(long, value_name = "TIME", value_parser = time)]
    redial_first: Option<Duration>,
    /// Let that wait grow no longer than this [default: the profile's]
    #[arg(long, value_name = "TIME", value_parser = time)]
    redial_most: Option<Duration>,
    /// With a parent, dial another server about so often, to find trees that have come apart [default: the profile's]
    #[arg(long, value_name = "TIME", value_parser = time)]
    probe: Option<Duration>,
    /// Gather changes of the load at most so long before they are announced [default: the profile's]
    #[arg(long, value_name = "TIME", value_parser = time)]
    announce_delay: Option<Duration>,
}

/// Intervals that don't go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IntervalError {
    /// A link would be taken for dead that has missed one heartbeat.
    #[error(
        "--silence {silence:?} is shorter than two heartbeats of {heartbeat:?}: a link would be dead as soon as one \
         came late. Give it at least {:?}, or a shorter --heartbeat", *heartbeat * 2
    )]
    Silence {
        /// How long a link may be silent.
        silence: Duration,
        /// How often it is to be heard.
        heartbeat: Duration,
    },
    /// The longest wait is shorter than the first.
    #[error("--redial-most {most:?} is shorter than --redial-first {first:?}: a wait only grows")]
    Redial {
        /// The first.
        first: Duration,
        /// The longest.
        most: Duration,
    },
    /// Probes would come while a repair is under way.
    #[error(
        "--probe {probe:?} is shorter than a repair may take: give it more than --silence {silence:?} and \
         --dial-timeout {dial:?} together"
    )]
    Probe {
        /// How often a server with a parent dials others.
        probe: Duration,
        /// How long a death may go unnoticed.
        silence: Duration,
        /// How long a dial may take.
        dial: Duration,
    },
}

impl IntervalFlags {
    /// The transport's.
    ///
    /// # Errors
    /// When they don't go together.
    pub fn pace(&self, profile: Profile) -> Result<Pace, IntervalError> {
        let usual = profile.pace();
        let pace = Pace {
            dial: self.dial_timeout.unwrap_or(usual.dial),
            heartbeat: self.heartbeat.unwrap_or(usual.heartbeat),
            silence: self.silence.unwrap_or(usual.silence),
            linger: self.linger.unwrap_or(usual.linger),
            sample: self.receipts.unwrap_or(usual.sample),
        };
        let (silence, heartbeat) = (pace.silence, pace.heartbeat);
        if silence < heartbeat * 2 {
            return Err(IntervalError::Silence { silence, heartbeat });
        }
        Ok(pace)
    }

    /// The node's, but for how often it announces what hasn't changed.
    ///
    /// # Errors
    /// When they don't go together.
    pub fn timing(&self, profile: Profile) -> Result<tree::Timing, IntervalError> {
        let (pace, usual) = (self.pace(profile)?, profile.timing());
        let most = usual.retry.end * (1 << usual.backoffs);
        let retry = self.redial_first.map_or(usual.retry, up_to);
        let (first, least) = (retry.end, pace.silence + pace.dial);
        let most = self.redial_most.unwrap_or(most);
        if most < first {
            return Err(IntervalError::Redial { first, most });
        }
        let backoffs = doublings(first, most);
        let probe = self.probe.map_or(usual.probe, about);
        if probe.start <= least {
            let probe = probe.start;
            let (silence, dial) = (pace.silence, pace.dial);
            return Err(IntervalError::Probe {
                probe,
                silence,
                dial,
            });
        }
        Ok(tree::Timing {
            lost_parent: self.lost_parent.map_or(usual.lost_parent, about),
            retry,
            backoffs,
            probe,
            loads: balance::Timing {
                merge: self.announce_delay.map_or(usual.loads.merge, up_to),
                ..usual.loads
            },
            ..usual
        })
    }
}

/// So long, give or take a tenth: many servers that lose one don't act at once.
fn about(time: Duration) -> Range<Duration> {
    time * 9 / 10..time * 11 / 10
}

/// So long at most, and a quarter of it at least.
fn up_to(time: Duration) -> Range<Duration> {
    time / 4..time
}

/// How often a time can double before it is longer than another.
fn doublings(first: Duration, most: Duration) -> u32 {
    let fits = |doublings: &u32| first * (1 << doublings) <= most;
    (0..=BACKOFFS_MAX).take_while(fits).last().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROFILES: [Profile; 2] = [Profile::Fast, Profile::Report];

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn what_is_left_out_is_as_the_profile_has_it() {
        for profile in PROFILES {
            let none = IntervalFlags::default();
            assert_eq!(none.timing(profile), Ok(profile.timing()));
            assert_eq!(none.pace(profile).unwrap().silence, profile.pace().silence);
        }
    }

    #[test]
    fn a_silence_shorter_than_two_heartbeats_is_refused_whoever_sets_either() {
        let alone = |silence, heartbeat| IntervalFlags {
            silence,
            heartbeat,
            ..IntervalFlags::default()
        };
        for wrong in [alone(Some(ms(599)), None), alone(None, Some(ms(751)))] {
            assert!(matches!(
                wrong.timing(Profile::Fast),
                Err(IntervalError::Silence { .. })
            ));
        }
        for right in [alone(Some(ms(600)), None), alone(None, Some(ms(750)))] {
            assert!(right.timing(Profile::Fast).is_ok());
        }
    }

    #[test]
    fn the_wait_before_a_dial_doubles_up_to_its_bound_and_not_past_it() {
        let flags = |first, most| IntervalFlags {
            redial_first: Some(ms(first)),
            redial_most: Some(ms(most)),
            ..IntervalFlags::default()
        };
        let backoffs = |first, most| flags(first, most).timing(Profile::Fast).map(|t| t.backoffs);
        assert_eq!(backoffs(100, 100), Ok(0));
        assert_eq!(backoffs(100, 199), Ok(0));
        assert_eq!(backoffs(100, 800), Ok(3));
        assert_eq!(backoffs(1, 600_000), Ok(19));
        let alone = IntervalFlags {
            redial_first: Some(ms(1_000)),
            ..IntervalFlags::default()
        };
        let timing = alone.timing(Profile::Fast);
        assert_eq!(timing.map(|t| t.backoffs), Ok(2), "up to the usual 5.12 s");
        let (first, most) = (ms(100), ms(99));
        assert_eq!(
            backoffs(100, 99),
            Err(IntervalError::Redial { first, most })
        );
    }

    #[test]
    fn a_probe_leaves_time_for_a_repair() {
        let probe = |time| IntervalFlags {
            probe: Some(time),
            ..IntervalFlags::default()
        };
        assert!(probe(ms(2_700)).timing(Profile::Fast).is_err());
        assert!(probe(ms(2_800)).timing(Profile::Fast).is_ok());
        assert!(probe(ms(2_800)).timing(Profile::Report).is_err());
        let silence = Some(ms(120_000));
        let patient = IntervalFlags {
            silence,
            ..IntervalFlags::default()
        };
        assert!(patient.timing(Profile::Fast).is_err());
    }
}
