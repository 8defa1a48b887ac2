//! What a run has come to.

use super::super::latency::Latency;
use super::plan::Event;
use super::shared::Shared;
use super::worker::Work;

/// How many pairs of a speaker and a receiver are named, when something went wrong between them.
const PAIRS_MAX: usize = 10;

/// What a run has come to.
pub(in super::super) struct Outcome {
    /// How long it took until all were logged in, in nanoseconds.
    pub(in super::super) gathering: u64,
    /// How many messages were said.
    pub(in super::super) said: u64,
    /// How many deliveries were heard, each message counted once for each receiver.
    pub(in super::super) delivered: u64,
    /// How many messages were acknowledged.
    pub(in super::super) acknowledged: u64,
    /// What went wrong.
    pub(in super::super) faults: Faults,
    /// How often a message came again that the protocol lets come again.
    pub(in super::super) repeats: u64,
    /// How many messages a server said will never come.
    pub(in super::super) gaps: u64,
    /// How often a connection ended with its server's death.
    pub(in super::super) moves: u64,
    /// How often a server sent a client on, which stayed nevertheless.
    pub(in super::super) redirects: u64,
    /// From the beginning of what is measured to the last delivery, in nanoseconds.
    pub(in super::super) took: u64,
    /// How long speakers spoke, in nanoseconds.
    pub(in super::super) speaking: u64,
    /// From when a message was said, or due, to when it was heard.
    pub(in super::super) latency: Latency,
    /// From when a message was said, or due, to its acknowledgement.
    pub(in super::super) acknowledging: Latency,
    /// How late messages of an open loop were said.
    pub(in super::super) lag: Latency,
    /// For each receiver, how long it heard nothing after a kill, in nanoseconds.
    pub(in super::super) silences: Latency,
    /// For each receiver, how long it took to hear what was said after a kill, in nanoseconds.
    pub(in super::super) recoveries: Latency,
    /// For each receiver that lost its server, from its reconnect to when it heard something, in nanoseconds.
    pub(in super::super) rejoining: Latency,
    /// For each receiver that was away, how long it took to catch up, in nanoseconds.
    pub(in super::super) catching_up: Latency,
    /// What went wrong, in words.
    pub(in super::super) troubles: Vec<String>,
}

/// What went wrong, counted over all pairs of a speaker and a receiver.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in super::super) struct Faults {
    /// Messages that a receiver never heard.
    pub(in super::super) lost: u64,
    /// Messages that a receiver heard a second time.
    pub(in super::super) duplicates: u64,
    /// Messages that a receiver heard after a later one of the same speaker.
    pub(in super::super) disorder: u64,
    /// Connections that ended and should not have.
    pub(in super::super) closes: u64,
    /// Messages of clients of ours that were never acknowledged.
    pub(in super::super) unacknowledged: u64,
}

/// When what happened, in nanoseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    /// How long it took until all were logged in.
    pub(super) gathering: u64,
    /// When what is measured began.
    pub(super) began: u64,
    /// When the last speaker had said all.
    pub(super) silent: u64,
    /// When a server was killed.
    pub(super) killed: Option<u64>,
}

impl Outcome {
    /// Adds up what all threads have seen.
    pub(super) fn new(shared: &Shared, works: Vec<Work>, lag: Latency, times: Times) -> Self {
        use std::sync::atomic::Ordering::SeqCst;
        let resuming = shared.plan.resuming;
        let mut outcome = Self {
            gathering: times.gathering,
            said: shared.said(),
            delivered: shared.heard(),
            acknowledged: shared.acknowledged(),
            faults: Faults {
                closes: shared.closes.load(SeqCst),
                unacknowledged: match resuming {
                    true => shared.said().saturating_sub(shared.acknowledged()),
                    false => 0,
                },
                ..Faults::default()
            },
            repeats: 0,
            gaps: shared.gaps.load(SeqCst),
            moves: shared.moves.load(SeqCst),
            redirects: shared.redirects.load(SeqCst),
            took: 0,
            speaking: times.silent.saturating_sub(shared.began.load(SeqCst)),
            latency: Latency::new(),
            acknowledging: Latency::new(),
            lag,
            silences: Latency::new(),
            recoveries: Latency::new(),
            rejoining: Latency::new(),
            catching_up: Latency::new(),
            troubles: shared.troubles(),
        };
        for work in &works {
            outcome.latency.add(&work.latency);
            outcome.acknowledging.add(&work.acknowledging);
            for (receiver, ears) in &work.ears {
                outcome.listen(shared, *receiver, ears, times);
            }
        }
        outcome
    }

    /// Adds what one receiver has heard.
    fn listen(&mut self, shared: &Shared, receiver: usize, ears: &super::Ears, times: Times) {
        let faults = &mut self.faults;
        for (speaker, heard) in shared.speakers.iter().zip(ears.heard()) {
            let lost = heard.lost(speaker.said());
            faults.lost += lost;
            faults.duplicates += heard.duplicates;
            faults.disorder += heard.disorder;
            self.repeats += heard.repeats;
            let is_faulty = lost + heard.duplicates + heard.disorder > 0;
            if is_faulty && self.troubles.len() < PAIRS_MAX {
                self.troubles.push(format!(
                    "client {receiver} of speaker {}: {lost} lost, {} duplicates, {} out of order",
                    speaker.index(),
                    heard.duplicates,
                    heard.disorder
                ));
            }
        }
        if ears.heard().is_empty() {
            return;
        }
        if let Some(last) = ears.last() {
            let took = last.saturating_sub(times.began);
            self.took = self.took.max(took);
            self.catching_up.record(took);
        }
        if let Some(killed) = times.killed {
            let seat = shared.plan.seats[receiver];
            if let (Event::Kill { server, .. }, Some(waited)) = (shared.plan.event, ears.waited())
                && server == seat.server
            {
                self.rejoining.record(waited);
            }
            self.silences.record(ears.silence(killed, times.silent));
            if let Some(after) = ears.recovered() {
                self.recoveries.record(after);
            }
        }
    }
}
