//! What a node's state must agree with, after every step and whatever it was told: counters with what they count, indexes with what
//! they find, the parts with each other about who is at the other end of a link. Property 24, and for fuzzing: it walks everything.

use std::collections::BTreeSet;

use super::connection::Standing;
use super::delivery::{session, vector};
use super::registry::directory;
use super::registry::round::Upstream;
use super::tree::Attempt;
use super::{Role, State, Timer, delivery, rules};
use crate::message::server::Lock;
use crate::message::{ServerName, Username};
use crate::port::Link;

/// Something in a node's state that contradicts something else in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Incoherence {
    /// What it holds on to, once it has stopped.
    #[error("it has stopped, and holds on to a link")]
    Halted,
    /// The parent and its link.
    #[error("the link to the parent isn't the one that is the parent's, or there are two")]
    Parent,
    /// The children and their links.
    #[error("the children aren't those that links are for")]
    Children,
    /// The server that is asked to be the parent.
    #[error("the attempt isn't the one that a link is for, or there are two")]
    Attempt,
    /// A parent without a path.
    #[error("there is a parent, and no path to the root")]
    Path,
    /// A path that can't be.
    #[error("it is on its own path, or the root of that isn't elder than it")]
    Rank,
    /// Whom an orphan dials first.
    #[error(
        "the parent that was lost isn't what is dialed first, or is to be dialed more than twice"
    )]
    Lost,
    /// Links that are left.
    #[error("a link is being left, and the server isn't leaving")]
    Leaving,
    /// This server among those that it knows.
    #[error("what it knows of itself isn't what it is")]
    Myself,
    /// The edges of one of the parts.
    #[error("a part keeps account of edges that aren't those of the tree")]
    Edges,
    /// Where its users are.
    #[error("the users that are present aren't those that are logged in")]
    Users,
    /// Who asks for a name.
    #[error("the clients that wait for a name aren't those whose rounds are under way")]
    Asking,
    /// Rounds with servers that are no neighbours.
    #[error("a round waits for a server that is no neighbour")]
    Rounds,
    /// What finds records.
    #[error("the directory's index doesn't know its changes")]
    Directory,
    /// Who has lost a name.
    #[error("a change has lost that gave away what is held, or a name that nobody holds")]
    Loser,
    /// What neighbours lack.
    #[error("a neighbour is to be told of what it doesn't lack, or before it has said what it has")]
    Lacking,
    /// What finds records and sessions, to the letter.
    #[error("an index isn't the one that would be made anew of what is on disk")]
    Indexes,
    /// How many clients there are.
    #[error("the load isn't the number of clients that are logged in")]
    Load,
    /// Loads of nobody.
    #[error("a load is known of a server that isn't")]
    Strangers,
    /// What waits behind a REGISTER.
    #[error("something waits behind a REGISTER that is over, or too much does")]
    Waiting,
    /// Delivery's own.
    #[error(transparent)]
    Delivery(#[from] delivery::Incoherence),
}

/// Whether a node's state agrees with itself.
///
/// # Errors
/// The first [`Incoherence`] that is found.
pub fn check(s: &State) -> Result<(), Incoherence> {
    if s.halted.is_some() {
        return ensure(s.links.is_empty(), Incoherence::Halted); // It has let go of everything, and reacts to nothing.
    }
    let changes = directory::Index::of(&s.durable.registry).changes;
    // Not which name each gave away: of two for one change, which only a server that errs can say, the last counts in the index and
    // the directory keeps both.
    let is_found = s.registry.index.changes.keys().eq(changes.keys());
    ensure(is_found, Incoherence::Directory)?;
    parts(s)
}

/// Whether its parts do, indexes apart.
fn parts(s: &State) -> Result<(), Incoherence> {
    tree(s)?;
    registry(s)?;
    clients(s)?;
    Ok(delivery::coherence::check(s)?)
}

/// The same, and what holds as long as nobody errs: of two names that are said to have been given away by one change, or two sessions
/// that one change made, an index that is kept up and one that is made anew may find different ones; and a client may be forgotten too soon.
///
/// # Errors
/// The first [`Incoherence`] that is found.
pub fn check_among_sound(s: &State) -> Result<(), Incoherence> {
    let durable = &s.durable;
    if s.halted.is_some() {
        check(s)?;
    } else {
        let is_exact = s.registry.index == directory::Index::of(&durable.registry)
            && s.delivery.index == session::Index::of(&durable.delivery.book);
        ensure(is_exact, Incoherence::Indexes)?;
        parts(s)?;
    }
    let directory = &durable.registry;
    let mut lost = directory.lost.iter();
    let is_lost = lost.all(|((stream, number), username)| {
        let held = directory.records.get(username);
        held.is_some_and(|held| {
            let held = &held.registration;
            (&held.origin, held.number) != (stream, *number)
        })
    });
    ensure(is_lost, Incoherence::Loser)?;
    Ok(delivery::coherence::check_senders(s)?)
}

/// Whether the timers that are set are those that a node in this state waits for: of dials one, and none while a dial is under way;
/// what it owes, and its next tick of leaving.
pub fn agrees_with_timers(s: &State, timers: &BTreeSet<Timer>) -> bool {
    let is_set = |timer| timers.contains(&timer);
    if s.halted.is_some() {
        return timers.is_empty();
    }
    let is_free = s.tree.attempt.is_none() && !s.drain.is_leaving();
    let is_orphan = s.tree.parent.is_none();
    let has_candidates = is_free && is_orphan && !s.tree.candidates.is_empty();
    (!is_set(Timer::Retry) || is_free && is_orphan)
        && (!is_set(Timer::Probe) || is_free && !is_orphan)
        && (!has_candidates || is_set(Timer::Retry))
        && is_set(Timer::Announce) == (s.balance.owes && !s.drain.is_leaving())
        && is_set(Timer::Drain) == s.drain.is_draining()
}

fn ensure(holds: bool, otherwise: Incoherence) -> Result<(), Incoherence> {
    if holds { Ok(()) } else { Err(otherwise) }
}

fn tree(s: &State) -> Result<(), Incoherence> {
    let links_for = |role: fn(&Role) -> bool| -> Vec<Link> {
        let links = s.links.iter().filter(|(_, it)| role(it));
        links.map(|(link, _)| *link).collect()
    };
    let parent: Vec<Link> = s.tree.parent.iter().map(|parent| parent.link).collect();
    let is_parents = links_for(|role| matches!(role, Role::Parent)) == parent;
    ensure(is_parents, Incoherence::Parent)?;
    let has_path = s.tree.parent.is_none() || !s.tree.path().is_empty();
    ensure(has_path, Incoherence::Path)?;
    let mut roots = s.tree.path().last().into_iter();
    let is_under_an_elder = roots.all(|root| root.is_elder_than(s.id()));
    let is_below_others = !s.tree.path().contains(s.id());
    ensure(is_under_an_elder && is_below_others, Incoherence::Rank)?;
    ensure(dials_lost_parent_first(s), Incoherence::Lost)?;
    let children = s.tree.children.iter();
    let children: BTreeSet<(Link, ServerName)> = children
        .map(|(name, child)| (child.link, name.clone()))
        .collect();
    let roles = s.links.iter().filter_map(|(link, role)| match role {
        Role::Child(name) => Some((*link, name.clone())),
        Role::Fresh | Role::Attempt | Role::Parent | Role::Client(_) | Role::Leaving => None,
    });
    ensure(children == roles.collect(), Incoherence::Children)?;
    let asked: Vec<Link> = match &s.tree.attempt {
        Some(Attempt::Asking { link, .. }) => vec![*link],
        Some(Attempt::Dialing { .. }) | None => Vec::new(),
    };
    let is_asked = links_for(|role| matches!(role, Role::Attempt)) == asked;
    ensure(is_asked, Incoherence::Attempt)?;
    let is_left = !links_for(|role| matches!(role, Role::Leaving)).is_empty();
    ensure(!is_left || s.drain.is_leaving(), Incoherence::Leaving)?;
    let tree = &s.durable.tree;
    let myself = tree.known.get(&tree.id.name);
    let is_me =
        myself.is_some_and(|me| (me.born, me.incarnation) == (tree.id.born, tree.incarnation));
    ensure(is_me, Incoherence::Myself)?;
    let edges: BTreeSet<Link> = s.edges().collect();
    let is_alike = s.registry.edges.keys().eq(&edges)
        && s.delivery.edges.keys().eq(&edges)
        && s.balance.neighbours.keys().eq(&edges);
    ensure(is_alike, Incoherence::Edges)
}

/// Whether the parent that was lost, if it is still to be dialed, comes before all others, and no more than twice.
fn dials_lost_parent_first(s: &State) -> bool {
    let candidates = || s.tree.candidates.iter();
    let lost: Vec<_> = candidates().take_while(|it| it.lost_parent).collect();
    let is_one = lost.windows(2).all(|two| two[0] == two[1]);
    let mut others = candidates().skip(lost.len());
    lost.len() <= 2 && is_one && others.all(|it| !it.lost_parent)
}

fn registry(s: &State) -> Result<(), Incoherence> {
    let registry = &s.registry;
    let edges: BTreeSet<Link> = s.edges().collect();
    let mut asking: BTreeSet<(Link, &Lock)> = BTreeSet::new();
    for (lock, round) in &registry.rounds {
        match round.upstream {
            Upstream::Client(link) => _ = asking.insert((link, lock)),
            Upstream::Server(link) => ensure(edges.contains(&link), Incoherence::Rounds)?,
        }
        let is_near = round.downstream.keys().all(|link| edges.contains(link));
        ensure(is_near, Incoherence::Rounds)?;
    }
    let waiting = registry.asking.iter().map(|(link, lock)| (*link, lock));
    ensure(asking == waiting.collect(), Incoherence::Asking)?;
    let mut exchanges = registry.edges.values();
    let is_lacking = exchanges.all(|exchange| {
        let mut lacking = exchange.lacking.iter();
        lacking.all(|stream| {
            let has = exchange.has.as_ref().map(|has| vector::at(has, stream));
            has.is_some_and(|has| has < s.durable.registry.complete(stream))
        })
    });
    ensure(is_lacking, Incoherence::Lacking)
}

fn clients(s: &State) -> Result<(), Incoherence> {
    let mut logged_in = 0;
    let mut registering = Vec::new();
    let mut users: BTreeSet<(&Username, Link)> = BTreeSet::new();
    for (link, role) in &s.links {
        let Role::Client(connection) = role else {
            continue;
        };
        logged_in += u64::from(connection.standing.is_logged_in());
        match &connection.standing {
            Standing::Registering => registering.push(*link),
            Standing::User { username, .. } => _ = users.insert((username, *link)),
            Standing::Stranger | Standing::Anonymous => {}
        }
        let waits = connection.waiting.len();
        let most = rules::SOUND.connection.limits.waiting;
        let may_wait = connection.standing == Standing::Registering && waits <= most;
        ensure(waits == 0 || may_wait, Incoherence::Waiting)?;
    }
    ensure(s.balance.clients == logged_in, Incoherence::Load)?;
    let known = &s.durable.tree.known;
    let mut loads = s.balance.others.keys();
    let are_known = loads.all(|name| known.contains_key(name));
    ensure(are_known, Incoherence::Strangers)?;
    ensure(
        s.registry.asking.keys().eq(&registering),
        Incoherence::Asking,
    )?;
    let present = s.registry.present.iter();
    let present = present.flat_map(|(name, links)| links.iter().map(move |link| (name, *link)));
    ensure(users == present.collect(), Incoherence::Users)
}
