//! What one read brings, taken in message by message and reported to the speakers once.

use std::cell::RefMut;
use std::sync::atomic::Ordering::SeqCst;

use super::super::clock::now;
use super::super::hear;
use super::super::latency::Latency;
use super::super::payload::Payload;
use super::client::{Client, End, State};
use super::ears::Delivery;
use super::shared::Shared;
use super::worker::Worker;

/// How many messages a client of ours hears before it says so, if it is not time anyway: a server that has much to tell it
/// waits for that, a window at a time.
const GOT_AFTER: u64 = 256;

/// What one read brings.
pub(super) struct Tally<'a> {
    worker: &'a Worker,
    shared: &'a Shared,
    /// The client's own speaker.
    own: Option<usize>,
    pub(super) state: RefMut<'a, State>,
    latency: RefMut<'a, Latency>,
    now: u64,
    killed: u64,
    /// The speaker of the last messages, and how many of it count.
    speaker: usize,
    deliveries: u64,
    has_heard: bool,
}

impl<'a> Tally<'a> {
    pub(super) fn new(worker: &'a Worker, client: &'a Client) -> Self {
        let shared = &*worker.shared;
        Self {
            worker,
            shared,
            own: client.speaker(),
            state: client.state(),
            latency: worker.latency.borrow_mut(),
            now: now(),
            killed: shared.killed.load(SeqCst),
            speaker: usize::MAX,
            deliveries: 0,
            has_heard: false,
        }
    }

    /// Somebody has said something.
    pub(super) fn said(&mut self, payload: &Payload, rest: &[u8]) -> Result<(), End> {
        let place = match self.state.ears.cursor() {
            Some(_) => Some(hear::place(rest).ok_or_else(no_place)?),
            None => None,
        };
        self.state.ungot += u64::from(place.is_some());
        if payload.run != self.shared.plan.run || payload.speaker >= self.shared.speakers.len() {
            if let (Some(cursor), Some(place)) = (self.state.ears.cursor(), place) {
                cursor.advance(place);
            }
            return Ok(());
        }
        if place.is_some() && self.own == Some(payload.speaker) {
            let k = hear::own_number(rest).unwrap_or(0);
            self.state.said = self.state.said.max(k);
        }
        let speaker = &self.shared.speakers[payload.speaker];
        let delivery = self
            .state
            .ears
            .hear(payload, place, || speaker.has_repeated());
        match delivery {
            Delivery::Counted => self.counted(payload),
            Delivery::Probed => {
                self.shared.probed.fetch_add(1, SeqCst);
            }
            Delivery::Nothing => {}
        }
        Ok(())
    }

    /// A message that counts.
    fn counted(&mut self, payload: &Payload) {
        if payload.speaker != self.speaker {
            self.report();
            self.speaker = payload.speaker;
        }
        self.deliveries += 1;
        self.has_heard = true;
        self.latency.record(self.now.saturating_sub(payload.at));
        if payload.at >= self.killed {
            self.state.ears.recovers(self.now - self.killed);
        }
    }

    /// The client's server has acknowledged what it said.
    pub(super) fn acknowledged(&mut self, k: u64, stable: u64) {
        if let Some(own) = self.own {
            let mut latency = self.worker.acknowledging.borrow_mut();
            let now = self.now;
            self.shared.speakers[own]
                .on_acknowledged(k, stable, |at| latency.record(now.saturating_sub(at)));
        }
    }

    /// All is taken in.
    pub(super) fn settle(mut self) {
        self.report();
        if self.has_heard {
            self.state.ears.listened(self.now, self.killed);
        }
        if self.state.ungot >= GOT_AFTER {
            self.state.say_got();
        }
    }

    fn report(&mut self) {
        if self.deliveries > 0 {
            self.shared.speakers[self.speaker].on_heard(self.deliveries);
            self.deliveries = 0;
        }
    }
}

fn no_place() -> End {
    End::Broken("a broadcast without its place: the server doesn't speak the extension".into())
}
