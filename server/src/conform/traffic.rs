//! What servers said to each other, as each recorded it: what was received on a link must be what the other end sent on it, in
//! that order, from its beginning.
//!
//! No recording says which link of one server is which of another. The first line of who dialed says who it is, and which start; of that
//! start's dials, the one is meant that sent what was received, and received what was sent.

use std::collections::BTreeMap;
use std::mem;
use std::path::PathBuf;

use regrow_model::message::{Address, Incarnation, Line, Peer, ServerName};
use regrow_model::node::{Boot, Config, Durable};
use regrow_model::port::{End, Input, Link};

use super::breach::Breach;
use super::incident::Story;
use crate::record::digest;

/// One link of one start to another server.
pub(super) struct Wire {
    link: Link,
    /// Where it was dialed, if it was.
    dialed: Option<Address>,
    /// Who dialed, if somebody else did.
    dialer: Option<(ServerName, Incarnation)>,
    /// Who was reached, as far as it said so.
    reached: Option<ServerName>,
    /// Digests of what was sent and received.
    sent: Vec<u64>,
    received: Vec<u64>,
    /// In which handler it received what.
    steps: Vec<u64>,
    /// And sent it.
    sent_steps: Vec<u64>,
}

/// All of one start.
#[derive(Default)]
pub(super) struct Wires {
    open: BTreeMap<Link, Wire>,
    closed: Vec<Wire>,
}

impl Wires {
    /// Something happens; which line of its link it was, if it is another server's.
    pub(super) fn hears<A>(&mut self, step: u64, input: &Input<A>) -> Option<usize> {
        match input {
            Input::Up { link, end } => {
                if let End::Dialed(address) = end {
                    let wire = Wire::new(*link, Some(address.clone()), None);
                    self.replace(*link, Some(wire));
                }
            }
            Input::Line { link, line } => {
                if let Line::Peer(Peer::Authenticate(join)) = line
                    && !self.open.contains_key(link)
                {
                    let dialer = (join.id.name.clone(), join.incarnation);
                    self.replace(*link, Some(Wire::new(*link, None, Some(dialer))));
                }
                if let Some(wire) = self.open.get_mut(link) {
                    wire.hears(step, line);
                    return Some(wire.received.len() - 1);
                }
            }
            Input::Down { link } => self.replace(*link, None),
            Input::Received { .. } | Input::Unreachable { .. } | Input::Ask(_) => {}
        }
        None
    }

    fn replace(&mut self, link: Link, wire: Option<Wire>) {
        let before = match wire {
            Some(wire) => self.open.insert(link, wire),
            None => self.open.remove(&link),
        };
        self.closed.extend(before);
    }

    pub(super) fn sends(&mut self, step: u64, link: Link, line: &Line) {
        if let Some(wire) = self.open.get_mut(&link) {
            wire.sent_steps.push(step);
            wire.sent.push(digest_of(line));
        }
    }

    /// All links, in the order of their names.
    pub(super) fn into_all(self) -> Vec<Wire> {
        let mut all = self.closed;
        all.extend(self.open.into_values());
        all.sort_by_key(|wire| wire.link);
        all
    }
}

impl Wire {
    fn new(link: Link, dialed: Option<Address>, dialer: Option<(ServerName, Incarnation)>) -> Self {
        Self {
            link,
            dialed,
            dialer,
            reached: None,
            sent: Vec::new(),
            received: Vec::new(),
            steps: Vec::new(),
            sent_steps: Vec::new(),
        }
    }

    fn hears(&mut self, step: u64, line: &Line) {
        if let Line::Peer(Peer::Path { path, .. }) = line
            && self.received.is_empty()
        {
            self.reached = path.first().map(|id| id.name.clone());
        }
        self.received.push(digest_of(line));
        self.steps.push(step);
    }
}

/// A line as it goes over the wire: what one end means and the other reads differ in what is put in there.
fn digest_of(line: &Line) -> u64 {
    use regrow_model::message::client::Secret;
    let mut text = Vec::new();
    let _ = match line {
        // The secret that takes no part in it may differ.
        Line::Peer(Peer::Authenticate(join)) => {
            let mut join = join.clone();
            join.secret = Secret::never();
            Line::Peer(Peer::Authenticate(join)).encode(&mut text)
        }
        _ => line.encode(&mut text),
    };
    digest::of_bytes(&text)
}

/// One start, as far as others are concerned.
pub(super) struct Side {
    /// Which recording it is of, by its place on the command line.
    pub(super) server: usize,
    pub(super) incarnation: Incarnation,
    pub(super) start: u64,
    /// Whether it may have done more than is recorded.
    pub(super) is_open: bool,
    pub(super) wires: Vec<Wire>,
    /// Its recording.
    pub(super) file: PathBuf,
    /// What it was told when it was set up, and at this start.
    pub(super) config: Config,
    pub(super) boot: Boot,
    /// What it found on its disk.
    pub(super) disk: Option<Durable>,
    pub(super) story: Story,
}

/// By start and link: whose link is at the other end, and in which of its steps each line was sent.
pub(super) type Matches = BTreeMap<(usize, Link), (usize, Vec<u64>)>;

/// What was compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Compared {
    /// Links of which both ends are recorded.
    pub links: u64,
    /// Lines that one sent and the other received.
    pub lines: u64,
}

/// A breach, of which start, and where in it.
pub(super) struct Found {
    pub(super) server: usize,
    pub(super) start: u64,
    pub(super) step: Option<u64>,
    pub(super) breach: Breach,
}

/// Compares what one end sent with what the other received.
pub(super) fn compare(sides: &mut [Side]) -> (Compared, Vec<Found>, Matches) {
    let (mut compared, mut found) = (Compared::default(), Vec::new());
    let mut matches = Matches::new();
    for acceptor in 0..sides.len() {
        let wires = mem::take(&mut sides[acceptor].wires);
        let (accepted, dialed): (Vec<_>, Vec<_>) =
            wires.into_iter().partition(|wire| wire.dialer.is_some());
        sides[acceptor].wires = dialed;
        for wire in accepted {
            if let Some((dialer, dialed)) = match_one(acceptor, &wire, sides, &mut found) {
                compared.links += 1;
                let (near, far) = (&sides[acceptor], &sides[dialer]);
                compared.lines += heard((near, &wire), (far, &dialed), &mut found);
                compared.lines += heard((far, &dialed), (near, &wire), &mut found);
                matches.insert((acceptor, wire.link), (dialer, dialed.sent_steps));
                matches.insert((dialer, dialed.link), (acceptor, wire.sent_steps));
            }
        }
    }
    for side in sides.iter() {
        unmatched(side, sides, &mut found);
    }
    (compared, found, matches)
}

/// The start that has dialed a link, and its end of it, which is taken from there.
fn match_one(
    acceptor: usize,
    wire: &Wire,
    sides: &mut [Side],
    found: &mut Vec<Found>,
) -> Option<(usize, Wire)> {
    let is_dialer = |side: &Side| {
        let who = (&side.config.name, side.incarnation);
        wire.dialer.as_ref().map(|(name, at)| (name, *at)) == Some(who)
    };
    // If none is it, it isn't recorded.
    let dialer = sides.iter().position(is_dialer)?;
    let (near, far) = (&sides[acceptor], &sides[dialer]);
    let addresses: Vec<&Address> = sides.iter().map(|side| &side.config.address).collect();
    let may_mean = |dialed: &Wire| {
        // Who is reached by a forwarder has an address that none of them has.
        let address = dialed.dialed.as_ref();
        let elsewhere = address != Some(&near.config.address);
        let is_anothers = address.is_some_and(|address| addresses.contains(&address));
        let says_otherwise = dialed
            .reached
            .as_ref()
            .is_some_and(|name| *name != near.config.name);
        !(says_otherwise || elsewhere && is_anothers)
    };
    let fit = |dialed: &Wire| {
        let there = common(&wire.received, &dialed.sent);
        let back = common(&dialed.received, &wire.sent);
        let is_whole = wire.received.len() - there + dialed.received.len() - back == 0;
        (is_whole, there + back)
    };
    // What a start has dialed since its recording ended begins otherwise than all that is recorded.
    let begins_alike = |dialed: &Wire| {
        let is_begun = !wire.received.is_empty() && !dialed.sent.is_empty();
        !far.is_open || !is_begun || common(&wire.received, &dialed.sent) > 0
    };
    let candidates = far.wires.iter().enumerate();
    let candidates = candidates
        .filter(|(_, dialed)| dialed.dialed.is_some() && may_mean(dialed) && begins_alike(dialed));
    // Of those that fit alike, the first.
    let best = candidates.rev().max_by_key(|(_, dialed)| fit(dialed));
    let best = best.map(|(index, _)| index);
    let Some(index) = best else {
        if !far.is_open {
            found.push(Found {
                server: near.server,
                start: near.start,
                step: wire.steps.first().copied(),
                breach: Breach::NoFarEnd {
                    link: wire.link,
                    other: far.config.name.to_string(),
                },
            });
        }
        return None;
    };
    Some((dialer, sides[dialer].wires.remove(index)))
}

/// How many lines one end received as the other sent them; what it received otherwise is found.
fn heard(
    (near, wire): (&Side, &Wire),
    (far, other): (&Side, &Wire),
    found: &mut Vec<Found>,
) -> u64 {
    let same = common(&wire.received, &other.sent);
    let is_beyond = same == other.sent.len() && far.is_open;
    if same < wire.received.len() && !is_beyond {
        found.push(Found {
            server: near.server,
            start: near.start,
            step: wire.steps.get(same).copied(),
            breach: Breach::OtherLine {
                link: wire.link,
                number: same + 1,
                other: far.config.name.to_string(),
                far: other.link,
                start: far.start,
            },
        });
    }
    same as u64
}

/// Dials that have heard somebody who didn't record it.
fn unmatched(side: &Side, sides: &[Side], found: &mut Vec<Found>) {
    for wire in side.wires.iter().filter(|wire| wire.dialer.is_none()) {
        // Who answered without saying who it is was reached by its own address, or can't be known.
        let is_meant = |other: &&Side| match &wire.reached {
            Some(name) => other.config.name == *name,
            None => Some(&other.config.address) == wire.dialed.as_ref(),
        };
        let mut starts = sides.iter().filter(is_meant).peekable();
        let Some(name) = starts.peek().map(|start| start.config.name.clone()) else {
            continue;
        };
        if wire.received.is_empty() {
            continue;
        }
        if starts.all(|start| !start.is_open) {
            found.push(Found {
                server: side.server,
                start: side.start,
                step: wire.steps.first().copied(),
                breach: Breach::NoFarEnd {
                    link: wire.link,
                    other: name.to_string(),
                },
            });
        }
    }
}

/// How long the common beginning of two sequences is.
fn common(one: &[u64], other: &[u64]) -> usize {
    let same = one
        .iter()
        .zip(other)
        .take_while(|(one, other)| one == other);
    same.count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use regrow_model::message::Stamp;
    use regrow_model::message::client::Secret;
    use regrow_model::node::{delivery, tree};

    const START: Incarnation = Incarnation {
        number: 1,
        nonce: 1,
    };

    fn side(name: &str, is_open: bool, wire: Wire) -> Side {
        Side {
            server: 0,
            incarnation: START,
            start: 1,
            is_open,
            wires: vec![wire],
            file: PathBuf::new(),
            config: Config {
                name: ServerName::from(name),
                address: name.parse().unwrap(),
                seeds: Vec::new(),
                secret: Secret::never(),
                timing: tree::Timing::fast(),
                delivery: delivery::Settings::default(),
            },
            boot: Boot {
                now: Stamp(0),
                nonce: 0,
            },
            disk: None,
            story: Story::default(),
        }
    }

    /// What is found if one server received these lines on a link, and all that the other one recorded was a link on which it sent those.
    fn found(received: &[u64], sent: &[u64], is_open: bool) -> usize {
        let dialer = ServerName::from("s1:1");
        let mut accepted = Wire::new(Link(1), None, Some((dialer, START)));
        accepted.received = received.to_vec();
        accepted.steps = vec![0; received.len()];
        let near = side("s2:1", true, accepted);
        let mut dialed = Wire::new(Link(1), Some(near.config.address.clone()), None);
        dialed.sent = sent.to_vec();
        compare(&mut [near, side("s1:1", is_open, dialed)]).1.len()
    }

    #[test]
    fn a_line_that_was_not_sent_is_found() {
        assert_eq!(found(&[1, 2], &[1, 2], false), 0);
        assert_eq!(found(&[1, 2, 3], &[1, 3, 2], false), 1);
        assert_eq!(found(&[1, 2, 3], &[1, 3, 2], true), 1);
        assert_eq!(found(&[7, 8], &[1, 2], false), 1);
    }

    #[test]
    fn a_link_that_was_dialed_after_the_recording_had_ended_is_not_taken_for_another_one() {
        assert_eq!(found(&[7, 8], &[1, 2], true), 0);
    }
}
