//! Leaving on purpose (`docs/protocol.md`, Leaving): a server that its operator stops sends its clients on, hands over to its
//! neighbours what they lack, and stops once they have it on disk.
//!
//! ```text
//!   serving ── Order::Drain ──▶ draining ── no client left, neighbours have been sent all: LEAVE ──▶ leaving
//!                               │      ▲                                                                │
//!                               └──────┘ Drain: REDIRECT, so many clients at a time          LEFT, Down │ on each edge
//!                                                                                                       ▼
//!                                                                                                    halted
//! ```

use std::ops::Range;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::connection::{self, Standing};
use super::{Halt, Role, State as Node, Step, Timer, balance, delivery, registry, tree};
use crate::message::{Line, Peer};
use crate::port::Link;

/// How far a server has got with leaving. Volatile: a restart serves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Stage {
    /// It isn't.
    #[default]
    Serving,
    /// Clients are sent on, and told nothing more.
    Draining {
        /// For how many ticks it still waits: for clients that have not received what they were told, for a neighbour to hand over
        /// to, for names that are being asked for. `None` if for as long as it takes.
        patience: Option<u32>,
    },
    /// It has no clients, and has said LEAVE to its neighbours.
    Leaving {
        /// Whether one has answered that it has everything on disk.
        handed_over: bool,
    },
}

/// The intervals of draining.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Timing {
    /// From one tick to the next.
    pub tick: Range<Duration>,
    /// How many clients are sent on at each: the others have to let them all in.
    pub clients: usize,
    /// For how many ticks it waits for what may not come; `None` for as long as it takes.
    pub patience: Option<u32>,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            tick: Duration::from_millis(10)..Duration::from_millis(20),
            clients: 128,
            patience: Some(100),
        }
    }
}

impl Stage {
    /// Whether clients are told nothing more.
    pub fn is_draining(self) -> bool {
        matches!(self, Self::Draining { .. })
    }

    /// Whether it is no part of the tree any more.
    pub fn is_leaving(self) -> bool {
        matches!(self, Self::Leaving { .. })
    }
}

/// The operator stops this server. What nobody has acknowledged may not be on disk yet: each order puts it there.
pub(super) fn on_order(s: &mut Node, step: &mut Step<'_>) {
    save(s, step);
    if s.drain != Stage::Serving {
        return;
    }
    let patience = step.config.timing.drain.patience;
    s.drain = Stage::Draining { patience };
    balance::on_drain(s, step);
    tick_later(step);
}

fn save(s: &Node, step: &mut Step<'_>) {
    if (step.rules.drain.saves)() {
        step.save(&s.durable);
    }
}

/// Timer: more clients are sent on; once there are none, and the neighbours have been sent everything, it leaves.
pub(super) fn on_timer(s: &mut Node, step: &mut Step<'_>) {
    let Stage::Draining { patience } = s.drain else {
        return;
    };
    delivery::on_drain(s);
    let is_over = patience == Some(0);
    for link in next_clients(s, is_over, step) {
        balance::send_away(s, link, step);
    }
    let may_leave = is_over || (is_bound(s, step) && registry::is_idle(s));
    if !s.links.values().any(is_served) && may_leave && neighbours_have_all(s, step) {
        return leave(s, step);
    }
    let patience = patience.map(|ticks| ticks.saturating_sub(1));
    s.drain = Stage::Draining { patience };
    tick_later(step);
}

/// Whether somebody is there to hand over to, as far as anybody can be.
fn is_bound(s: &Node, step: &Step<'_>) -> bool {
    let is_bound = s.edges().next().is_some() || tree::is_alone(s, step);
    is_bound || !(step.rules.drain.waits_for_heir)()
}

fn neighbours_have_all(s: &Node, step: &Step<'_>) -> bool {
    let all_is_sent = registry::all_is_sent(s) && delivery::all_is_sent(s);
    all_is_sent || !(step.rules.drain.waits_for_neighbours)()
}

fn tick_later(step: &mut Step<'_>) {
    step.set(Timer::Drain, step.config.timing.drain.tick.clone());
}

/// Those that are sent on now: what they were told they have received, or it has been waited for.
fn next_clients(s: &Node, is_over: bool, step: &Step<'_>) -> Vec<Link> {
    let may_go = |link: &Link| is_over || delivery::has_received_all(s, *link);
    let links = s.links.iter();
    let links = links.filter(|(link, role)| is_logged_in(role) && may_go(link));
    let clients = step.config.timing.drain.clients;
    links.map(|(link, _)| *link).take(clients).collect()
}

fn is_logged_in(role: &Role) -> bool {
    match role {
        Role::Client(connection) => connection.standing.is_logged_in(),
        Role::Fresh | Role::Attempt | Role::Parent | Role::Child(_) | Role::Leaving => false,
    }
}

/// Whether this link has a client that is logged in, or will be.
fn is_served(role: &Role) -> bool {
    let is_registering = matches!(
        role,
        Role::Client(connection) if connection.standing == Standing::Registering
    );
    is_registering || is_logged_in(role)
}

/// LEAVE to every neighbour. From here on this server is no part of the tree; who is a stranger yet is shown out.
fn leave(s: &mut Node, step: &mut Step<'_>) {
    let edges: Vec<Link> = s.edges().collect();
    let others: Vec<Link> = s.links.keys().copied().collect();
    for link in others.iter().filter(|link| !edges.contains(link)) {
        connection::leave(s, *link, step);
    }
    save(s, step);
    tree::let_go(s);
    for link in &edges {
        s.links.insert(*link, Role::Leaving);
        s.edge_down(*link, step);
    }
    for link in edges {
        step.say(link, Peer::Leave);
    }
    // Nothing of its own may change any more: nobody would hear of it.
    super::cancel_all(step);
    let handed_over = false;
    s.drain = Stage::Leaving { handed_over };
    end(s, step);
}

/// A neighbour answers LEAVE; or it is leaving, too, and takes over nothing.
pub(super) fn on_line(s: &mut Node, link: Link, line: &Line, step: &mut Step<'_>) {
    let Stage::Leaving { handed_over } = &mut s.drain else {
        return;
    };
    match line {
        Line::Peer(Peer::Left) => *handed_over = true,
        Line::Peer(Peer::Leave) => {}
        // What it said before it heard that this server leaves.
        Line::Peer(_) | Line::Request(_) | Line::Reply(_) | Line::Malformed(_) => return,
    }
    step.close(link);
    on_down(s, link, step);
}

/// A neighbour that was told LEAVE is gone.
pub(super) fn on_down(s: &mut Node, link: Link, step: &mut Step<'_>) {
    s.links.remove(&link);
    end(s, step);
}

fn end(s: &mut Node, step: &mut Step<'_>) {
    if let Stage::Leaving { handed_over } = s.drain
        && s.links.is_empty()
    {
        s.halt(Halt::Drained { handed_over }, step);
    }
}
