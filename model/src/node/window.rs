//! How much is on its way over an edge, at most (`docs/protocol.md`, Edges). Whoever sends more than a line now and then
//! waits for the far end to grant it: so a heartbeat never waits behind a million users, and a slow neighbour costs no
//! memory but what is kept anyway.
//!
//! ```text
//!   sender: credit 8 ── line ──▶ credit 7 ── … ──▶ credit 0: waits
//!                                                    ▲
//!   far end: owes 1, 2, 3, 4 ── a credit of 4 ───────┘
//! ```
//!
//! Both ends count with the same size: it belongs to the version of the wire.

use serde::{Deserialize, Serialize};

/// One kind of lines on one edge, both ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Window {
    /// How many more lines may be sent before the far end grants more; `None`: as many as there are.
    credit: Option<u32>,
    /// How many lines have been taken in and not granted again yet.
    owed: u32,
}

impl Window {
    /// A window of a new edge: so many lines on their way, or any number.
    pub fn new(size: Option<u32>) -> Self {
        Self {
            credit: size,
            owed: 0,
        }
    }

    /// Whether another line may be sent.
    pub fn is_open(&self) -> bool {
        self.credit != Some(0)
    }

    /// A line is being sent.
    pub fn send(&mut self) {
        if let Some(credit) = &mut self.credit {
            *credit = credit.saturating_sub(1);
        }
    }

    /// A line has been taken in: how many are to be granted now, if it is time. Half a window at once, so that grants are few
    /// and the sender need not stop.
    pub fn take_in(&mut self, size: Option<u32>) -> Option<u32> {
        let size = size?;
        self.owed += 1;
        (self.owed * 2 >= size).then(|| std::mem::take(&mut self.owed))
    }

    /// The same, with nothing to be granted.
    pub fn without_debt(mut self) -> Self {
        self.owed = 0;
        self
    }

    /// The far end grants more. Never more than the window's size, whatever it says.
    pub fn grant(&mut self, lines: u32, size: Option<u32>) {
        if let (Some(credit), Some(size)) = (&mut self.credit, size) {
            *credit = credit.saturating_add(lines).min(size);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Option<u32> = Some(3);

    #[test]
    fn a_window_closes_after_its_size_and_opens_when_more_is_granted() {
        let mut window = Window::new(SIZE);
        for _ in 0..3 {
            assert!(window.is_open());
            window.send();
        }
        assert!(!window.is_open());
        window.grant(1, SIZE);
        assert!(window.is_open());
    }

    #[test]
    fn lines_are_granted_again_by_half_windows() {
        let mut window = Window::new(SIZE);
        let granted: Vec<_> = (0..4).map(|_| window.take_in(SIZE)).collect();
        assert_eq!(granted, [None, Some(2), None, Some(2)]);
    }

    #[test]
    fn no_grant_makes_a_window_larger_than_it_is() {
        let mut window = Window::new(SIZE);
        window.grant(u32::MAX, SIZE);
        assert_eq!(window, Window::new(SIZE));
    }

    #[test]
    fn a_window_without_a_size_is_always_open_and_grants_nothing() {
        let mut window = Window::new(None);
        window.send();
        assert!(window.is_open());
        assert_eq!(window.take_in(None), None);
    }
}
