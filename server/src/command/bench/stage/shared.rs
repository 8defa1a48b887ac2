//! What all threads of a run share.

use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicU64, AtomicUsize};
use std::sync::{Mutex, PoisonError};

use tokio::sync::watch;

use super::super::say::Identity;
use super::plan::Plan;
use super::speaker::{Setup, Speaker};

/// How many troubles are kept in words; all are counted.
const TROUBLES_MAX: usize = 5;

/// Where a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// Everyone connects and logs in.
    Gather,
    /// Speakers say probes until everyone has heard everyone.
    Probe,
    /// Receivers vanish, if the plan says so.
    Vanish,
    /// Speakers speak.
    Speak,
    /// Receivers that vanished come back.
    Return,
    /// Everyone logs out.
    Leave,
}

/// What all threads of a run share.
pub(super) struct Shared {
    pub(super) plan: Plan,
    pub(super) phase: watch::Sender<Phase>,
    pub(super) identities: Vec<Identity>,
    pub(super) speakers: Vec<Speaker>,
    /// How many clients are logged in.
    pub(super) present: AtomicUsize,
    /// How many pairs of speaker and receiver have heard a probe.
    pub(super) probed: AtomicUsize,
    /// How many speakers have said all.
    pub(super) finished: AtomicUsize,
    /// When speaking began.
    pub(super) began: AtomicU64,
    /// When a server was killed; never, at first.
    pub(super) killed: AtomicU64,
    /// How often a connection ended that should not have.
    pub(super) closes: AtomicU64,
    /// How often a connection ended with its server's death.
    pub(super) moves: AtomicU64,
    /// How often a server sent a client on.
    pub(super) redirects: AtomicU64,
    /// How many messages a server said will never come.
    pub(super) gaps: AtomicU64,
    troubles: Mutex<Vec<String>>,
}

impl Shared {
    pub(super) fn new(plan: Plan) -> Self {
        let identity = |seat: usize| match plan.users || plan.resuming {
            true => Identity::user(&format!("bench{:x}n{seat}", plan.run), plan.resuming),
            false => Identity::anonymous(),
        };
        let identities: Vec<Identity> = (0..plan.seats.len()).map(identity).collect();
        let seats = plan.seats.iter().zip(&identities);
        let mut speakers: Vec<Speaker> = seats
            .filter_map(|(seat, identity)| {
                Some(Speaker::new(Setup {
                    index: seat.speaker?,
                    run: plan.run,
                    words: identity.words(plan.size),
                    resuming: identity.is_resuming(),
                    receivers: plan.present_receivers(),
                    pace: plan.pace,
                }))
            })
            .collect();
        speakers.sort_by_key(Speaker::index);
        Self {
            phase: watch::Sender::new(Phase::Gather),
            identities,
            speakers,
            present: AtomicUsize::new(0),
            probed: AtomicUsize::new(0),
            finished: AtomicUsize::new(0),
            began: AtomicU64::new(0),
            killed: AtomicU64::new(u64::MAX),
            closes: AtomicU64::new(0),
            moves: AtomicU64::new(0),
            redirects: AtomicU64::new(0),
            gaps: AtomicU64::new(0),
            troubles: Mutex::default(),
            plan,
        }
    }

    /// Something went wrong, in words.
    pub(super) fn trouble(&self, what: impl Into<String>) {
        let mut troubles = self.troubles.lock().unwrap_or_else(PoisonError::into_inner);
        if troubles.len() < TROUBLES_MAX {
            troubles.push(what.into());
        }
    }

    /// What went wrong, in words.
    pub(super) fn troubles(&self) -> Vec<String> {
        let troubles = self.troubles.lock();
        troubles.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many messages were said, by all.
    pub(super) fn said(&self) -> u64 {
        self.speakers.iter().map(Speaker::said).sum()
    }

    /// How many deliveries were heard, by all.
    pub(super) fn heard(&self) -> u64 {
        self.speakers.iter().map(Speaker::heard).sum()
    }

    /// How many messages were acknowledged, of all.
    pub(super) fn acknowledged(&self) -> u64 {
        self.speakers.iter().map(Speaker::acknowledged).sum()
    }

    /// When speaking ends at the latest.
    pub(super) fn end(&self) -> u64 {
        let length = super::super::clock::nanos(self.plan.length);
        self.began.load(SeqCst).saturating_add(length)
    }

    /// Whether speakers still speak.
    pub(super) fn is_speaking(&self) -> bool {
        *self.phase.borrow() < Phase::Return
    }
}
