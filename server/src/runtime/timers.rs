//! The actor's timers: a small closed set, each set at most once at a time.

use std::ops::Range;
use std::time::Duration;

use rand::Rng;
use tokio::time::Instant;

/// The timers that are set, and when they are due. Few, so a list.
pub(super) struct Timers<T>(Vec<(T, Instant)>);

impl<T: Clone + PartialEq> Timers<T> {
    pub(super) fn new() -> Self {
        Self(Vec::new())
    }

    /// Sets a timer to a random moment of the range from `now`; an earlier setting is forgotten.
    pub(super) fn set(&mut self, timer: T, range: &Range<Duration>, now: Instant) {
        let after = if range.is_empty() {
            range.start
        } else {
            rand::rng().random_range(range.clone())
        };
        self.take(&timer);
        self.0.push((timer, now + after));
    }

    /// Forgets a timer; whether it was set.
    pub(super) fn take(&mut self, timer: &T) -> bool {
        let set = self.0.iter().position(|(other, _)| other == timer);
        if let Some(index) = set {
            self.0.swap_remove(index);
        }
        set.is_some()
    }

    /// Forgets a timer if it is due; whether it was.
    pub(super) fn take_due(&mut self, timer: &T, now: Instant) -> bool {
        let is_due = |(other, at): &(T, Instant)| other == timer && *at <= now;
        self.0.iter().any(is_due) && self.take(timer)
    }

    /// When the next one is due.
    pub(super) fn next(&self) -> Option<Instant> {
        self.0.iter().map(|(_, due)| *due).min()
    }

    /// Those that are due, the longest overdue first.
    pub(super) fn due(&self, now: Instant) -> Vec<T> {
        let mut due: Vec<_> = self.0.iter().filter(|(_, at)| *at <= now).collect();
        due.sort_by_key(|(_, at)| *at);
        due.into_iter().map(|(timer, _)| timer.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn setting_a_timer_again_replaces_it() {
        let now = Instant::now();
        let mut timers = Timers::new();
        timers.set('a', &(SECOND..SECOND), now);
        timers.set('a', &(3 * SECOND..3 * SECOND), now);
        assert!(timers.due(now + 2 * SECOND).is_empty());
        assert_eq!(timers.due(now + 3 * SECOND), ['a']);
    }

    #[test]
    fn a_timer_that_was_taken_is_not_set() {
        let now = Instant::now();
        let mut timers = Timers::new();
        timers.set('a', &(SECOND..SECOND), now);
        assert!(timers.take(&'a'));
        assert!(!timers.take(&'a'));
        assert_eq!(timers.next(), None);
    }

    #[test]
    fn a_timer_that_was_set_to_a_later_moment_is_not_due_before() {
        let now = Instant::now();
        let mut timers = Timers::new();
        timers.set('a', &(SECOND..SECOND), now);
        let later = now + 2 * SECOND;
        assert_eq!(timers.due(later), ['a']);
        timers.set('a', &(SECOND..SECOND), later);
        assert!(!timers.take_due(&'a', later));
        assert!(timers.take_due(&'a', later + SECOND));
    }

    #[test]
    fn overdue_timers_come_in_the_order_in_which_they_were_due() {
        let now = Instant::now();
        let mut timers = Timers::new();
        timers.set('b', &(2 * SECOND..2 * SECOND), now);
        timers.set('a', &(SECOND..SECOND), now);
        assert_eq!(timers.due(now + 5 * SECOND), ['a', 'b']);
    }

    #[test]
    fn a_duration_is_chosen_within_its_range() {
        let now = Instant::now();
        let mut timers = Timers::new();
        for _ in 0..200 {
            timers.set((), &(SECOND..2 * SECOND), now);
            let due = timers.next().unwrap();
            assert!(due >= now + SECOND && due < now + 2 * SECOND);
        }
    }
}
