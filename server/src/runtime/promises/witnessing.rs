//! Who sees a running actor sees all of it, in the order in which it happens.

use regrow_model::port::{Input, Link};
use stateright::actor::Out;
use tokio::sync::mpsc;

use super::disks::Gated;
use super::puppet::{Heard, Pull, Puppet, Strings, line, soon, wire};
use crate::runtime::{Cause, Witness};

/// What a witness sees.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    Begins(u64, &'static str),
    Ends,
    Obeyed,
    Durable(u64),
    Released(Vec<(Link, usize)>),
    Stopped(u64),
}

/// Writes it down.
struct Notes(mpsc::UnboundedSender<Seen>);

impl Notes {
    fn new() -> (Self, Sight) {
        let (notes, seen) = mpsc::unbounded_channel();
        (Self(notes), Sight { seen, round: 0 })
    }

    fn note(&self, seen: Seen) {
        self.0.send(seen).unwrap();
    }
}

impl Witness<Strings, Vec<Pull>> for Notes {
    fn begins(&mut self, round: u64, cause: Cause<'_, Strings, Vec<Pull>>) {
        let cause = match cause {
            Cause::Start => "start",
            Cause::Input(Input::Ask(_)) => "ask",
            Cause::Input(_) => "input",
            Cause::Timer(timer) => *timer,
            Cause::Random(random) => *random,
        };
        self.note(Seen::Begins(round, cause));
    }

    fn ends(&mut self, _: &u64, _: &Out<Strings>) {
        self.note(Seen::Ends);
    }

    fn obeyed(&mut self) {
        self.note(Seen::Obeyed);
    }

    fn durable(&mut self, save: u64) {
        self.note(Seen::Durable(save));
    }

    fn released(&mut self, lines: &[(Link, usize)]) {
        self.note(Seen::Released(lines.to_vec()));
    }

    fn stopped(&mut self, round: u64, _: &u64) {
        self.note(Seen::Stopped(round));
    }
}

/// What has been seen and not yet been looked at.
struct Sight {
    seen: mpsc::UnboundedReceiver<Seen>,
    /// The round of the last handler.
    round: u64,
}

impl Sight {
    async fn is(&mut self, wanted: Seen) {
        assert_eq!(soon(self.seen.recv()).await, Some(wanted));
    }

    /// A handler that runs for this cause, in how many rounds after the one before.
    async fn is_handler(&mut self, why: &str) -> u64 {
        let Some(Seen::Begins(round, cause)) = soon(self.seen.recv()).await else {
            panic!("a handler for {why} begins");
        };
        assert_eq!(cause, why);
        self.is(Seen::Ends).await;
        self.is(Seen::Obeyed).await;
        let later = round - self.round;
        self.round = round;
        later
    }
}

#[tokio::test]
async fn a_save_is_seen_to_be_on_disk_before_what_waited_for_it_is_seen_to_leave() {
    let disk = Gated::default();
    let (notes, mut sight) = Notes::new();
    let mut puppet = Puppet::seen(disk.disk(), notes).await;
    assert_eq!(sight.is_handler("start").await, 0);
    let (mut raw, link) = puppet.raw().await;
    assert!(sight.is_handler("input").await > 0);
    let pulls = [
        Pull::Say(link, line("before")),
        Pull::Save(1),
        Pull::Say(link, line("durable")),
        Pull::Say(link, line("durable, too")),
    ];
    puppet.pull(pulls).await;
    assert_eq!(raw.reads().await, Some(wire("before")));
    assert!(sight.is_handler("ask").await > 0);
    sight.is(Seen::Released(vec![(link, 1)])).await;
    disk.open();
    assert_eq!(raw.reads().await, Some(wire("durable")));
    sight.is(Seen::Durable(1)).await;
    sight.is(Seen::Released(vec![(link, 2)])).await;
    puppet.stop().await;
    let Some(Seen::Stopped(round)) = soon(sight.seen.recv()).await else {
        panic!("it is seen to stop");
    };
    assert!(round > sight.round);
    assert_eq!(sight.seen.recv().await, None);
}

#[tokio::test]
async fn what_is_chosen_is_handled_in_the_round_of_its_choice_and_a_timer_in_a_later_one() {
    let (notes, mut sight) = Notes::new();
    let mut puppet = Puppet::seen(crate::runtime::Forgetful, notes).await;
    sight.is_handler("start").await;
    let now = std::time::Duration::ZERO;
    let pulls = [Pull::Set("a timer", now), Pull::Choose("key", vec!["it"])];
    puppet.pull(pulls).await;
    assert_eq!(puppet.hears().await, Heard::Chosen("it"));
    assert_eq!(puppet.hears().await, Heard::Fired("a timer"));
    assert!(sight.is_handler("ask").await > 0);
    assert_eq!(sight.is_handler("it").await, 0);
    assert!(sight.is_handler("a timer").await > 0);
}
