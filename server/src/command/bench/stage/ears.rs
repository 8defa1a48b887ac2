//! What one receiver has heard, counted exactly for each speaker.

use super::super::cursor::{Cursor, Place};
use super::super::payload::{Kind, Payload};
use super::super::track::{Seen, Track};

/// What a client hears, over all of its connections.
pub(in super::super) struct Ears {
    /// Of each speaker; empty if what it hears doesn't count.
    of: Vec<Heard>,
    /// Up to where a client of ours has heard.
    cursor: Option<Cursor>,
    /// When it last heard something that counts.
    last: Option<u64>,
    /// The longest time since a kill that it heard nothing.
    silence: u64,
    /// How long after a kill it first heard what was said after it.
    recovered: Option<u64>,
    /// When its present connection began, until something is heard on it.
    connected: Option<u64>,
    /// How long after it connected it last had to wait until it heard something.
    waited: Option<u64>,
}

/// What was heard of one speaker.
#[derive(Debug, Default)]
pub(in super::super) struct Heard {
    track: Track,
    probed: bool,
    /// How often a message came a second time.
    pub(in super::super) duplicates: u64,
    /// How often a message came after a later one.
    pub(in super::super) disorder: u64,
    /// How often a message came again that the protocol lets come again: after a reconnect, or offered twice.
    pub(in super::super) repeats: u64,
}

/// What a message is to its receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Delivery {
    /// New: it counts.
    Counted,
    /// The first probe of its speaker.
    Probed,
    /// Nothing new.
    Nothing,
}

impl Ears {
    /// Ears that listen to so many speakers.
    pub(super) fn new(speakers: usize, resuming: bool) -> Self {
        Self {
            of: (0..speakers).map(|_| Heard::default()).collect(),
            cursor: resuming.then(Cursor::default),
            last: None,
            silence: 0,
            recovered: None,
            connected: None,
            waited: None,
        }
    }

    /// The cursor of a client of ours.
    pub(super) fn cursor(&mut self) -> Option<&mut Cursor> {
        self.cursor.as_mut()
    }

    /// What was heard of each speaker.
    pub(in super::super) fn heard(&self) -> &[Heard] {
        &self.of
    }

    /// When it last heard something that counts.
    pub(in super::super) fn last(&self) -> Option<u64> {
        self.last
    }

    /// The longest time after a kill, up to `end`, that it heard nothing.
    pub(in super::super) fn silence(&self, killed: u64, end: u64) -> u64 {
        let since = self.last.unwrap_or(0).max(killed);
        self.silence.max(end.saturating_sub(since))
    }

    /// How long after a kill it first heard what was said after it.
    pub(in super::super) fn recovered(&self) -> Option<u64> {
        self.recovered
    }

    /// How long after it connected for the last time it heard something.
    pub(in super::super) fn waited(&self) -> Option<u64> {
        self.waited
    }

    /// A connection is opened, at `now`.
    pub(super) fn reconnected(&mut self, now: u64) {
        self.connected = Some(now);
        self.waited = None;
        self.of
            .iter_mut()
            .for_each(|heard| heard.track.reconnected());
    }

    /// A message is heard. `place` is where it stands, for a client of ours; `is_repeated` says that its speaker has
    /// offered messages twice.
    pub(super) fn hear(
        &mut self,
        payload: &Payload,
        place: Option<Place<'_>>,
        is_repeated: impl Fn() -> bool,
    ) -> Delivery {
        let is_passed = match (&mut self.cursor, place) {
            (Some(cursor), Some(place)) => !cursor.advance(place),
            (None, _) | (_, None) => false,
        };
        let is_ours = self.cursor.is_some();
        let Some(heard) = self.of.get_mut(payload.speaker) else {
            return Delivery::Nothing;
        };
        if payload.kind == Kind::Probe {
            return match std::mem::replace(&mut heard.probed, true) {
                true => Delivery::Nothing,
                false => Delivery::Probed,
            };
        }
        if is_passed {
            // Whoever passes over what it has not heard has lost it: the track will tell.
            match heard.track.is_within(payload.number) {
                true => heard.duplicates += 1,
                false => heard.repeats += 1,
            }
            return Delivery::Nothing;
        }
        match heard.track.hear(payload.number) {
            Seen::New => Delivery::Counted,
            Seen::Late => {
                heard.disorder += 1;
                Delivery::Counted
            }
            Seen::Again { here } => {
                match here && !(is_ours && is_repeated()) {
                    true => heard.duplicates += 1,
                    false => heard.repeats += 1,
                }
                Delivery::Nothing
            }
        }
    }

    /// Something that counts was heard at `now`, while nothing, or a server since `killed`, was dead.
    pub(super) fn listened(&mut self, now: u64, killed: u64) {
        if let Some(connected) = self.connected.take() {
            self.waited = Some(now.saturating_sub(connected));
        }
        if let Some(last) = self.last.replace(now).filter(|_| now > killed) {
            self.silence = self.silence.max(now - last.max(killed));
        }
    }

    /// What was said after a kill is heard.
    pub(super) fn recovers(&mut self, after: u64) {
        self.recovered.get_or_insert(after);
    }
}

impl Heard {
    /// How many of the speaker's first `said` messages were never heard.
    pub(in super::super) fn lost(&self, said: u64) -> u64 {
        self.track.lost(said)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &[u8] = b"127.0.0.1:3780/17/9f";

    fn counted(number: u64) -> Payload {
        Payload {
            kind: Kind::Counted,
            run: 0,
            speaker: 0,
            number,
            at: 0,
        }
    }

    fn place(number: u64) -> Option<Place<'static>> {
        Some(Place {
            stream: STREAM,
            number,
        })
    }

    /// Lost of so many, duplicates, disorder, repeats.
    fn tally(ears: &Ears, said: u64) -> [u64; 4] {
        let heard = &ears.heard()[0];
        [
            heard.lost(said),
            heard.duplicates,
            heard.disorder,
            heard.repeats,
        ]
    }

    #[test]
    fn a_legacy_client_may_hear_again_only_after_a_break() {
        let mut ears = Ears::new(1, false);
        for number in [0, 1, 2, 1] {
            ears.hear(&counted(number), None, || false);
        }
        assert_eq!(tally(&ears, 3), [0, 1, 0, 0]);
        ears.reconnected(0);
        for number in [1, 2, 3, 3] {
            ears.hear(&counted(number), None, || false);
        }
        assert_eq!(tally(&ears, 4), [0, 2, 0, 2]);
    }

    #[test]
    fn a_client_of_ours_that_is_told_one_entry_twice_has_heard_a_duplicate() {
        let mut ears = Ears::new(1, true);
        ears.hear(&counted(0), place(1), || false);
        ears.hear(&counted(0), place(1), || true);
        assert_eq!(tally(&ears, 1), [0, 1, 0, 0]);
    }

    #[test]
    fn a_client_of_ours_knows_what_was_offered_twice_by_its_number() {
        let mut ears = Ears::new(1, true);
        ears.hear(&counted(0), place(1), || true);
        ears.hear(&counted(0), place(2), || true);
        assert_eq!(tally(&ears, 1), [0, 0, 0, 1]);
        // Nobody offered it twice: then the server has made two of one.
        ears.hear(&counted(0), place(3), || false);
        assert_eq!(tally(&ears, 1), [0, 1, 0, 1]);
    }

    #[test]
    fn what_a_client_of_ours_passes_over_unheard_is_lost() {
        let mut ears = Ears::new(1, true);
        ears.hear(&counted(1), place(2), || false);
        ears.hear(&counted(0), place(1), || false);
        assert_eq!(ears.heard()[0].lost(2), 1);
    }

    #[test]
    fn silence_is_the_longest_wait_after_the_kill_up_to_the_end() {
        let mut ears = Ears::new(1, false);
        for (now, killed) in [
            (10, u64::MAX),
            (95, u64::MAX),
            (130, 100),
            (190, 100),
            (200, 100),
        ] {
            ears.listened(now, killed);
        }
        assert_eq!(ears.silence(100, 210), 60);
        assert_eq!(ears.silence(100, 300), 100);
    }
}
