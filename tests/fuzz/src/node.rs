//! The server actor, driven as a runtime drives it: whatever comes, it keeps to what it promises.

mod vocabulary;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use arbitrary::Unstructured;
use regrow_model::message::{Address, Hearer, Line, ServerName, Stamp};
use regrow_model::node::{
    Boot, Config, Durable, Msg, Node, Order, State, Timer, balance, coherence, delivery, drain,
    tree,
};
use regrow_model::port::{Effect, End, Input, Link, Port, runtime_id};
use stateright::actor::{Actor, Command, Id, Out};

use vocabulary::Vocabulary;

type Result<T> = arbitrary::Result<T>;

/// How many steps an input makes at most.
const STEPS: usize = 300;
/// How many of the last saves a crash may find on the disk.
const SAVES: usize = 8;

/// A node is told what the bytes say, within what a runtime promises: connections come and go, lines arrive of everything that
/// a client or a server could ever say, timers that are set fire, kernels acknowledge what was sent, an operator gives orders,
/// and it crashes and starts again with any of its last saves.
///
/// After every step its state agrees with itself ([`coherence`]); it has a role for every connection that is up and for no
/// other; a timer runs if it believes so; it has said nothing over a link that it has closed, or that was gone; and all that it
/// says can be said over a wire.
pub fn node(data: &[u8]) {
    // Bytes that have run out are the end of it.
    let _ = live(&mut Unstructured::new(data));
}

/// All that a node saves in a life of some length: it starts, and serves somebody.
pub(crate) fn a_life() -> Vec<Durable> {
    let mut run = Run::start(0);
    let mut everything = Vec::new();
    for input in vocabulary::a_life() {
        run.input(input);
        everything.extend(run.saved.drain(..));
        if run.timers.contains(&Timer::Floor) {
            run.fire(Timer::Floor);
        }
        everything.extend(run.saved.drain(..));
    }
    everything
}

/// A start with what a disk has kept.
pub(crate) fn start(disk: &Durable) {
    Run::start_with(Some(disk.clone()), 2, 0);
}

fn live(bytes: &mut Unstructured<'_>) -> Result<()> {
    let mut run = Run::start(bytes.arbitrary()?);
    for _ in 0..STEPS {
        run.anything(bytes)?;
    }
    Ok(())
}

/// A node and its runtime.
struct Run {
    node: Node,
    state: Cow<'static, State>,
    /// The connections that are up, and how many lines were sent over each.
    links: BTreeMap<Link, u64>,
    next_link: u64,
    dials: VecDeque<Address>,
    timers: BTreeSet<Timer>,
    /// The last saves, the newest at the end.
    saved: VecDeque<Durable>,
    starts: u64,
    settings: u8,
}

fn me() -> Id {
    Id::from(0)
}

/// A server with bounds that are soon reached, some of them as the settings' bits say.
fn config(settings: u8) -> Config {
    let is = |bit: u8| settings & (1 << bit) != 0;
    let address = |name: &str| Address::new(name, 1).expect("it is an address");
    Config {
        name: ServerName::from("s1"),
        address: address("s1"),
        seeds: if is(0) {
            vec![address("s0"), address("s9")]
        } else {
            Vec::new()
        },
        secret: vocabulary::system_secret(),
        timing: tree::Timing {
            loads: match is(1) {
                true => tree::Timing::fast().loads,
                false => balance::Timing::default(),
            },
            drain: drain::Timing {
                clients: 2,
                patience: Some(3),
                ..drain::Timing::default()
            },
            ..tree::Timing::fast()
        },
        delivery: delivery::Settings {
            echoes: is(2),
            log_max: if is(3) { 3 } else { 100 },
            log_max_bytes: if is(4) { 100 } else { 100_000 },
            window: if is(5) { 1 } else { 4 },
            unheard_max: if is(6) { 2 } else { 50 },
            patience: is(7).then_some(2),
            mailbox_age: Some(2),
            client_age: Some(2),
        },
    }
}

impl Run {
    fn start(settings: u8) -> Self {
        Self::start_with(None, 1, settings)
    }

    fn start_with(disk: Option<Durable>, starts: u64, settings: u8) -> Self {
        // Its clock may have been put back since the start before.
        let boot = Boot {
            now: Stamp(2 + starts % 2),
            nonce: starts,
        };
        let node = Node::new(config(settings), boot);
        let mut out = Out::new();
        let state = node.on_start(me(), &disk, &mut out);
        let mut run = Self {
            node,
            state: Cow::Owned(state),
            links: BTreeMap::new(),
            next_link: 0,
            dials: VecDeque::new(),
            timers: BTreeSet::new(),
            saved: VecDeque::new(),
            starts,
            settings,
        };
        run.obey(out);
        run
    }

    /// One thing that may happen next.
    fn anything(&mut self, bytes: &mut Unstructured<'_>) -> Result<()> {
        match bytes.int_in_range(0..=31)? {
            0..=2 => {
                let (link, end) = (self.new_link(), End::Accepted);
                self.input(Input::Up { link, end });
            }
            3..=4 => self.dial_ends(bytes.ratio(3, 4)?),
            5..=24 => self.on_a_link(bytes)?,
            25..=29 => {
                let timers: Vec<Timer> = self.timers.iter().copied().collect();
                if !timers.is_empty() {
                    self.fire(*bytes.choose(&timers)?);
                }
            }
            30 => {
                let mut vocabulary = self.vocabulary(bytes);
                let server = vocabulary.server()?;
                let order = match bytes.ratio(1, 4)? {
                    true => Order::Drain,
                    false => Order::Forget { server },
                };
                self.input(Input::Ask(order));
            }
            _ => {
                // What was saved last may not be on the disk yet.
                let saved: Vec<Durable> = self.saved.iter().cloned().collect();
                let disk = bytes.choose(&saved)?.clone();
                *self = Self::start_with(Some(disk), self.starts + 1, self.settings);
            }
        }
        Ok(())
    }

    fn dial_ends(&mut self, well: bool) {
        let Some(address) = self.dials.pop_front() else {
            return;
        };
        let input = match well {
            true => Input::Up {
                link: self.new_link(),
                end: End::Dialed(address),
            },
            false => Input::Unreachable { address },
        };
        self.input(input);
    }

    /// Something happens to one of the connections, if there are any.
    fn on_a_link(&mut self, bytes: &mut Unstructured<'_>) -> Result<()> {
        let links: Vec<(Link, u64)> = self
            .links
            .iter()
            .map(|(link, sent)| (*link, *sent))
            .collect();
        if links.is_empty() {
            return Ok(());
        }
        let (link, sent) = *bytes.choose(&links)?;
        let input = match bytes.int_in_range(0..=9)? {
            0 => Input::Received { link, lines: sent },
            1 => {
                let lines = bytes.int_in_range(0..=sent)?;
                Input::Received { link, lines }
            }
            2 => Input::Down { link },
            _ => {
                let line = self.vocabulary(bytes).line(link)?;
                Input::Line { link, line }
            }
        };
        self.input(input);
        Ok(())
    }

    fn vocabulary<'a, 'b>(&'a self, bytes: &'a mut Unstructured<'b>) -> Vocabulary<'a, 'b> {
        Vocabulary {
            bytes,
            state: &self.state,
        }
    }

    fn new_link(&mut self) -> Link {
        let link = Link(self.next_link);
        self.next_link += 1;
        link
    }

    fn input(&mut self, input: Input<Order>) {
        match &input {
            Input::Up { link, .. } => _ = self.links.insert(*link, 0),
            Input::Down { link } => _ = self.links.remove(link),
            Input::Line { .. }
            | Input::Received { .. }
            | Input::Unreachable { .. }
            | Input::Ask(_) => {}
        }
        let mut out = Out::new();
        let msg: Msg = Port::In(input);
        self.node
            .on_msg(me(), &mut self.state, runtime_id(), msg, &mut out);
        self.obey(out);
    }

    fn fire(&mut self, timer: Timer) {
        self.timers.remove(&timer);
        let mut out = Out::new();
        self.node
            .on_timeout(me(), &mut self.state, &timer, &mut out);
        self.obey(out);
    }

    /// Does what one handler asked for, and looks at what it left.
    fn obey(&mut self, out: Out<Node>) {
        for command in out {
            match command {
                Command::Send(_, Port::Out(effect)) => self.effect(effect),
                Command::Send(_, Port::In(input)) => {
                    panic!("it sends what only happens: {input:?}")
                }
                Command::SetTimer(timer, range) => {
                    assert!(range.start <= range.end, "{timer:?} in {range:?}");
                    self.timers.insert(timer);
                }
                Command::CancelTimer(timer) => _ = self.timers.remove(&timer),
                Command::ChooseRandom(key, _) => panic!("it chooses {key} at random"),
                Command::Save(durable) => {
                    self.saved.push_back(durable);
                    if self.saved.len() > SAVES {
                        self.saved.pop_front();
                    }
                }
            }
        }
        self.look();
    }

    fn effect<T>(&mut self, effect: Effect<T>) {
        match effect {
            Effect::Open { address } => {
                self.dials.push_back(address);
                assert_eq!(self.dials.len(), 1, "one dial at a time");
            }
            Effect::Send { link, line } => self.said(link, &line),
            Effect::Spread { links, line } => {
                links.into_iter().for_each(|link| self.said(link, &line))
            }
            Effect::Close { link } => {
                assert!(
                    self.links.remove(&link).is_some(),
                    "it closes {link:?}, which isn't up"
                );
            }
            Effect::Tell(_) => {}
        }
    }

    fn said(&mut self, link: Link, line: &Line) {
        let sent = self.links.get_mut(&link);
        let sent =
            sent.unwrap_or_else(|| panic!("it speaks over {link:?}, which isn't up: {line:?}"));
        *sent += 1;
        let mut bytes = Vec::new();
        line.encode(&mut bytes).expect("what it says can be said");
        let hearer = match line {
            Line::Reply(_) => Hearer::Client,
            Line::Peer(_) => Hearer::Server,
            Line::Request(_) | Line::Malformed(_) => panic!("a server doesn't say {line:?}"),
        };
        let heard = Line::decode(&bytes, hearer);
        assert!(
            !matches!(heard, Line::Malformed(_)),
            "{line:?} is heard as {heard:?}"
        );
    }

    fn look(&self) {
        let state = &*self.state;
        if let Err(incoherence) = coherence::check(state) {
            panic!("{incoherence}: {state:#?}");
        }
        let links: Vec<Link> = self.links.keys().copied().collect();
        let roles: Vec<Link> = state.links.keys().copied().collect();
        assert_eq!(links, roles, "a role for each link that is up");
        if state.halted.is_some() {
            return;
        }
        let delivery = &state.delivery;
        for (timer, believed) in [
            (Timer::Floor, delivery.floor_is_due),
            (Timer::Patience, delivery.loses_patience),
            (Timer::Age, delivery.ages),
            (Timer::Announce, state.balance.owes),
        ] {
            let runs = self.timers.contains(&timer);
            assert!(
                runs == believed || state.drain.is_leaving(),
                "{timer:?} runs: {runs}"
            );
        }
    }
}
