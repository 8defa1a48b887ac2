//! Whether timers keep their promise: each fires once per set, not before its time, late but never lost.
//!
//! The runtime looks at its timers once a round, before anything else happens in it. So whichever was due when something happened in
//! one round has fired before anything but a timer happens in a later one. No machine is too slow for that.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use regrow_model::node::Timer;

use super::breach::Breach;

/// The timers that are set.
#[derive(Default)]
pub(super) struct Timers(BTreeMap<Timer, Armed>);

struct Armed {
    range: Range<Duration>,
    /// When the handler began that set it.
    set: Duration,
    /// When it is due at the latest: known once that handler has been obeyed.
    due: Option<Duration>,
    /// The first round in which something happened after it was due.
    overdue: Option<u64>,
}

impl Timers {
    /// A handler that began at this moment has set it.
    pub(super) fn set(&mut self, timer: Timer, range: Range<Duration>, at: Duration) {
        let armed = Armed {
            range,
            set: at,
            due: None,
            overdue: None,
        };
        self.0.insert(timer, armed);
    }

    /// By this moment all were set that the last handler asked for.
    pub(super) fn are_set(&mut self, at: Duration) {
        for armed in self.0.values_mut() {
            armed
                .due
                .get_or_insert(at + armed.range.end.max(armed.range.start));
        }
    }

    pub(super) fn cancel(&mut self, timer: Timer) {
        self.0.remove(&timer);
    }

    /// It fires.
    pub(super) fn fires(&mut self, timer: Timer, at: Duration) -> Option<Breach> {
        let Some(armed) = self.0.remove(&timer) else {
            return Some(Breach::NotSet { timer });
        };
        let (after, start) = (at.saturating_sub(armed.set), armed.range.start);
        (after < start).then_some(Breach::Early {
            timer,
            after,
            start,
        })
    }

    /// Something happens at this moment, in this round; which timers had their turn and did not fire.
    pub(super) fn happens(&mut self, round: u64, is_timer: bool, at: Duration) -> Vec<Breach> {
        let mut lost = Vec::new();
        self.0.retain(|timer, armed| {
            let Some(due) = armed.due else {
                return true;
            };
            let Some(overdue) = armed.overdue else {
                armed.overdue = (at > due).then_some(round);
                return true;
            };
            let had_its_turn = round > overdue + u64::from(is_timer);
            if had_its_turn {
                let (timer, set) = (*timer, armed.set);
                lost.push(Breach::Lost { timer, set, due });
            }
            !had_its_turn
        });
        lost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn set() -> Timers {
        let mut timers = Timers::default();
        timers.set(Timer::Retry, 2 * MS..4 * MS, MS);
        timers.are_set(2 * MS);
        timers
    }

    #[test]
    fn a_timer_may_be_as_late_as_the_machine_is_slow() {
        let mut timers = set();
        assert!(timers.happens(1, false, 2 * MS).is_empty());
        assert!(timers.happens(1, false, 900 * MS).is_empty());
        assert!(timers.happens(2, true, 901 * MS).is_empty());
        assert_eq!(timers.fires(Timer::Retry, 901 * MS), None);
    }

    #[test]
    fn a_timer_whose_turn_has_passed_is_lost() {
        let mut timers = set();
        assert!(timers.happens(1, false, 2 * MS).is_empty());
        assert!(timers.happens(2, false, 9 * MS).is_empty());
        let lost = timers.happens(3, false, 10 * MS);
        assert!(matches!(
            lost[..],
            [Breach::Lost {
                timer: Timer::Retry,
                ..
            }]
        ));
        assert!(
            timers.happens(4, false, 11 * MS).is_empty(),
            "it is told once"
        );
    }

    #[test]
    fn a_timer_fires_once_per_set_and_not_before_its_time() {
        let mut timers = set();
        let early = timers.fires(Timer::Retry, 2 * MS);
        assert!(matches!(early, Some(Breach::Early { .. })));
        let again = timers.fires(Timer::Retry, 9 * MS);
        assert_eq!(
            again,
            Some(Breach::NotSet {
                timer: Timer::Retry
            })
        );
    }
}
