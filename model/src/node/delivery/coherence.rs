//! What delivery's state must agree with, whatever it was told (see [`crate::node::coherence`]).

use std::collections::{BTreeMap, BTreeSet};

use super::home::cursor_of;
use super::log::Log;
use super::lows::Lows;
use super::receiver::{Receiver, Unheard};
use super::vector;
use crate::message::client::Vector;
use crate::message::server::{Phase, Sender};
use crate::message::{Registration, Stream};
use crate::node::{Role, State};
use crate::port::Link;

/// Something in delivery's state that contradicts something else in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Incoherence {
    /// The log's length.
    #[error("the log's bytes are counted wrong")]
    Bytes,
    /// The log's places and numbers.
    #[error("the log holds what it has not arrived at, or one thing twice")]
    Log,
    /// What is forgotten.
    #[error("more is forgotten than ever arrived")]
    Base,
    /// What a SKIP has passed over.
    #[error("what is still here of what was passed over isn't what is listed so")]
    Passed,
    /// What senders have said.
    #[error("what is known of a sender isn't what the log holds of it")]
    Said,
    /// What senders had said in what is gone.
    #[error(
        "what a sender had said in what is forgotten isn't noted, or is more than it ever said"
    )]
    SaidAtBase,
    /// What a neighbour is told first.
    #[error("something waits for a neighbour that hasn't said yet what it has")]
    Greeting,
    /// What a neighbour lacks of sessions.
    #[error("the origins of which a neighbour lacks changes aren't those that wait for it")]
    Lacking,
    /// What a neighbour is to be told of floors.
    #[error("floors wait for sessions and credit, and there is nothing to wait for")]
    Floors,
    /// What waits for credit.
    #[error("something waits for a neighbour's credit, and there is some")]
    Credit,
    /// What a neighbour lacks of the log.
    #[error("a neighbour will never be sent something that it lacks of the log")]
    Behind,
    /// What finds sessions.
    #[error("the index of sessions finds what isn't there")]
    Sessions,
    /// Who hears.
    #[error("the receivers aren't the clients that are logged in")]
    Receivers,
    /// What they were sent.
    #[error("a receiver hasn't heard what it wasn't sent, or reads beyond the log's end")]
    Unheard,
    /// What they will be sent.
    #[error("a receiver will never be sent something of the log, or was told that it is gone")]
    Unsent,
    /// Where users are.
    #[error("the sessions that are present aren't those that receivers hold")]
    Present,
    /// What holds the floor down.
    #[error("what holds the floor down isn't where the live receivers are")]
    Live,
    /// What holds the log, here.
    #[error("what holds the log isn't where those are that have fallen behind")]
    Reading,
    /// What holds the log, for those who are away.
    #[error("what holds the log isn't where the mailboxes are")]
    Pins,
    /// The least of many cursors.
    #[error("the least of many cursors isn't what a walk finds")]
    Lows,
    /// What is to become stable.
    #[error("what is to become stable isn't what receivers wait for")]
    Unsettled,
    /// Logins here, and the last one of each user.
    #[error(
        "a client is here whose user has logged out, or by a later login than its user's last one"
    )]
    LoggedOut,
    /// What waits for too long.
    #[error("what ages isn't what waits, has ended already, or ages without a timer")]
    Ages,
    /// Servers that nobody waits for.
    #[error("something is kept for a server that was given up, or isn't counted")]
    Uncounted,
}

fn ensure(holds: bool, otherwise: Incoherence) -> Result<(), Incoherence> {
    if holds { Ok(()) } else { Err(otherwise) }
}

/// Whether delivery's state agrees with itself, and with who is on which link.
///
/// # Errors
/// The first [`Incoherence`] that is found.
pub(in crate::node) fn check(s: &State) -> Result<(), Incoherence> {
    log(s)?;
    sessions(s)?;
    edges(s)?;
    receivers(s)?;
    logins(s)?;
    cursors(s)?;
    ages(s)?;
    floors(s)
}

fn log(s: &State) -> Result<(), Incoherence> {
    let log = &s.durable.delivery.log;
    let (mut bytes, mut numbers) = (0, BTreeSet::new());
    let mut passed = BTreeMap::new();
    for (place, entry) in &log.entries {
        let message = &entry.message;
        bytes += entry.bytes();
        let number = (message.stream.clone(), message.number);
        let arrived = *place < log.next && message.is_in(&log.have);
        let once = numbers.insert(number.clone());
        ensure(arrived && once, Incoherence::Log)?;
        if message.is_in(&log.base) {
            passed.insert(number, *place);
        }
    }
    ensure(s.delivery.log_bytes == bytes, Incoherence::Bytes)?;
    ensure(vector::covers(&log.have, &log.base), Incoherence::Base)?;
    ensure(log.passed.iter().eq(&passed), Incoherence::Passed)
}

/// What is known of senders agrees with what the log holds of them, and has forgotten. A client that errs can say that it has said more than
/// it has, and then be forgotten too soon.
///
/// # Errors
/// The first [`Incoherence`] that is found.
pub(in crate::node) fn check_senders(s: &State) -> Result<(), Incoherence> {
    let log = &s.durable.delivery.log;
    let kept = log.entries.values().filter(|entry| !entry.repeat);
    let kept = kept.map(|entry| &entry.message);
    for message in kept.filter(|message| !message.is_in(&log.base)) {
        let Some((sender, k)) = &message.sender else {
            continue;
        };
        let place = Some((message.stream.clone(), message.number));
        let said = log.said.get(sender);
        let is_known = said.is_some_and(|it| *k < it.k || (*k == it.k && it.place == place));
        ensure(is_known, Incoherence::Said)?;
    }
    let is_gone = |(stream, number): &(Stream, u64)| *number <= vector::at(&log.base, stream);
    let at_base = |sender: &Sender| log.said_at_base.get(sender).copied().unwrap_or(0);
    for (sender, said) in &log.said {
        let is_forgotten = said.place.as_ref().is_none_or(is_gone);
        let is_noted = !is_forgotten || at_base(sender) >= said.k;
        ensure(is_noted, Incoherence::SaidAtBase)?;
    }
    let mut at_base = log.said_at_base.iter();
    let is_said = at_base.all(|(sender, k)| *k <= log.said(sender));
    ensure(is_said, Incoherence::SaidAtBase)
}

/// Each change that the index knows has made a session what it is. Not whether it knows all: of two sessions that one change is said
/// to have made, which only a server that errs can say, it finds the last.
fn sessions(s: &State) -> Result<(), Incoherence> {
    let book = &s.durable.delivery.book;
    let mut changes = s.delivery.index.0.iter();
    let is_found = changes.all(|((stream, number), registration)| {
        let session = book.sessions.get(registration);
        session.is_some_and(|session| vector::at(&session.changes, stream) == *number)
    });
    ensure(is_found, Incoherence::Sessions)
}

/// What a neighbour lacks is what waits for it, and waits for nothing but credit.
fn edges(s: &State) -> Result<(), Incoherence> {
    let (book, log) = (&s.durable.delivery.book, &s.durable.delivery.log);
    for edge in s.delivery.edges.values() {
        let waits = !edge.lacking.is_empty() || edge.behind.is_some();
        let has = edge.sessions.as_ref();
        ensure(has.is_some() || !waits, Incoherence::Greeting)?;
        let lacking = has.map(|has| vector::beyond(&book.vector, has));
        let is_lacking = lacking.is_none_or(|lacking| edge.lacking.iter().eq(lacking.keys()));
        ensure(is_lacking, Incoherence::Lacking)?;
        // What the neighbour lacked it may have heard meanwhile from elsewhere: then the floors go with the next credit.
        let may_wait = has.is_none() || !edge.lacking.is_empty() || !edge.window.is_open();
        ensure(may_wait || edge.floors.is_empty(), Incoherence::Floors)?;
        ensure(!waits || !edge.window.is_open(), Incoherence::Credit)?;
        let is_sent = edge.behind.as_ref().is_none_or(|behind| {
            let mut before = log.entries.range(..behind.from);
            before.all(|(_, entry)| entry.message.is_in(&behind.have))
        });
        ensure(is_sent, Incoherence::Behind)?;
    }
    Ok(())
}

fn receivers(s: &State) -> Result<(), Incoherence> {
    let clients = s.links.iter().filter_map(|(link, role)| match role {
        Role::Client(connection) => connection.standing.is_logged_in().then_some(link),
        Role::Fresh | Role::Attempt | Role::Parent | Role::Child(_) | Role::Leaving => None,
    });
    let (delivery, log) = (&s.delivery, &s.durable.delivery.log);
    ensure(
        delivery.receivers.keys().eq(clients),
        Incoherence::Receivers,
    )?;
    let mut held: BTreeSet<(&Registration, Link)> = BTreeSet::new();
    let mut pending: BTreeSet<(Stream, u64, Link)> = BTreeSet::new();
    for (link, receiver) in &delivery.receivers {
        let lines = receiver.unheard.iter().map(|(line, _)| *line);
        let in_order = lines.is_sorted();
        let last = receiver.unheard.back();
        let sent = last.is_none_or(|(line, _)| *line <= receiver.lines);
        let within = receiver.behind.as_ref();
        let within = within.is_none_or(|behind| behind.from <= log.next);
        ensure(in_order && sent && within, Incoherence::Unheard)?;
        ensure(hears_all(receiver, log), Incoherence::Unsent)?;
        held.extend(
            receiver
                .session
                .iter()
                .map(|held| (&held.registration, *link)),
        );
        let places = receiver.pending.iter().map(|pending| pending.place.clone());
        pending.extend(places.map(|(stream, number)| (stream, number, *link)));
    }
    let present = delivery.present.iter();
    let present = present.flat_map(|(user, links)| links.iter().map(move |link| (user, *link)));
    ensure(held == present.collect(), Incoherence::Present)?;
    ensure(delivery.unsettled == pending, Incoherence::Unsettled)
}

/// Whether a receiver has heard, or been sent, one after the other, what the log has held up to where it reads; and whether nothing is
/// here of what it was told that it will never come.
fn hears_all(receiver: &Receiver, log: &Log) -> bool {
    let mut upto = receiver.cursor.clone();
    for (_, unheard) in &receiver.unheard {
        let follows = match unheard {
            Unheard::Message(message) => {
                let before = vector::at(&upto, &message.stream);
                vector::raise(&mut upto, &message.stream, message.number);
                message.number <= before + 1
            }
            Unheard::Gap(gap) => {
                let joined = vector::join(&upto, gap);
                let before = std::mem::replace(&mut upto, joined);
                let mut here = log.entries.values().map(|entry| &entry.message);
                !here.any(|message| message.is_in(gap) && !message.is_in(&before))
            }
        };
        if !follows {
            return false;
        }
    }
    let behind = receiver.behind.as_ref();
    let is_read = behind.is_none_or(|behind| {
        let mut before = log.entries.range(..behind.from);
        before.all(|(_, entry)| entry.message.is_in(&behind.sent))
    });
    let sent = behind.map_or(&log.have, |behind| &behind.sent);
    is_read && vector::covers(&upto, sent)
}

/// Whoever is here by an older login than one that has logged out, is closed; and nobody's last login is older than one that is here.
fn logins(s: &State) -> Result<(), Incoherence> {
    let sessions = &s.durable.delivery.book.sessions;
    let receivers = s.delivery.receivers.values();
    let mut held = receivers.filter_map(|receiver| receiver.session.as_ref());
    let are_left = held.all(|held| {
        let last = sessions.get(&held.registration);
        last.is_some_and(|last| match last.phase {
            Phase::Out => held.version == last.version,
            Phase::CatchingUp | Phase::Live | Phase::Left | Phase::Expired => {
                held.version <= last.version
            }
        })
    });
    ensure(are_left, Incoherence::LoggedOut)
}

fn cursors(s: &State) -> Result<(), Incoherence> {
    let delivery = &s.delivery;
    let receivers = delivery.receivers.iter();
    let live = receivers.clone().filter(|(_, receiver)| receiver.is_live());
    let live = live.map(|(link, receiver)| (*link, receiver.cursor.clone()));
    ensure(delivery.live == live.collect(), Incoherence::Live)?;
    let behind = receivers.filter(|(_, receiver)| receiver.behind.is_some());
    let behind = behind.map(|(link, receiver)| (*link, receiver.cursor.clone()));
    ensure(delivery.reading == behind.collect(), Incoherence::Reading)?;
    let sessions = s.durable.delivery.book.sessions.iter();
    let pins = sessions.filter(|(_, session)| match session.phase {
        Phase::CatchingUp | Phase::Left => true,
        Phase::Live => delivery.uncounted.contains(&session.version.home.server),
        Phase::Expired | Phase::Out => false,
    });
    let pins = pins.filter_map(|(user, _)| Some((user.clone(), cursor_of(s, user)?)));
    ensure(delivery.pins == pins.collect(), Incoherence::Pins)?;
    let have = &s.durable.delivery.log.have;
    let as_walked = is_as_walked(&delivery.live, have)
        && is_as_walked(&delivery.reading, have)
        && is_as_walked(&delivery.pins, have);
    ensure(as_walked, Incoherence::Lows)
}

fn is_as_walked<K: Ord>(lows: &Lows<K>, upto: &Vector) -> bool {
    let (within, walked) = (lows.within(upto.clone()), lows.walk(upto.clone()));
    // Who errs may say 0 of a stream, which is to say nothing of it.
    vector::covers(&within, &walked) && vector::covers(&walked, &within)
}

fn ages(s: &State) -> Result<(), Incoherence> {
    let delivery = &s.delivery;
    let are_to_come = delivery.mailboxes.are_to_come() && delivery.clients.are_to_come();
    let sessions = &s.durable.delivery.book.sessions;
    let mut mailboxes = delivery.mailboxes.whose();
    let wait = mailboxes.all(|user| {
        let session = sessions.get(user);
        session.is_some_and(|session| match session.phase {
            Phase::Left => true,
            Phase::CatchingUp | Phase::Live => {
                delivery.uncounted.contains(&session.version.home.server)
            }
            Phase::Expired | Phase::Out => false,
        })
    });
    let nothing_ages = delivery.mailboxes.is_empty() && delivery.clients.is_empty();
    let is_timed = delivery.ages || nothing_ages;
    ensure(are_to_come && wait && is_timed, Incoherence::Ages)
}

fn floors(s: &State) -> Result<(), Incoherence> {
    let delivery = &s.delivery;
    let kept = s.durable.delivery.floors.keys();
    let mut kept = kept
        .chain(delivery.missed.keys())
        .chain(&delivery.uncounted);
    let is_given_up = kept.any(|server| s.durable.tree.retired.contains_key(server));
    let mut missed = delivery.missed.keys();
    let is_counted = missed.all(|server| !delivery.uncounted.contains(server));
    ensure(!is_given_up && is_counted, Incoherence::Uncounted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::server::Sender;
    use crate::message::{Incarnation, ServerName, Username};
    use crate::scenario;
    use crate::world::World;

    /// The first server of two, where a user has logged in.
    fn server() -> State {
        let scenario = scenario::named("two-servers").unwrap();
        let world = World::new((scenario.setup)());
        let state = stateright::Model::init_states(&world).remove(0);
        let process = state.servers[0].process.as_ref().unwrap();
        (*process.state).clone()
    }

    /// What it contradicts itself in once it has been altered.
    fn broken_by(alter: impl FnOnce(&mut State)) -> Option<Incoherence> {
        let mut server = server();
        alter(&mut server);
        check(&server).err()
    }

    fn its_user(s: &State) -> Registration {
        s.delivery.present.keys().next().unwrap().clone()
    }

    #[test]
    fn a_server_on_which_a_user_is_agrees_with_itself() {
        assert_eq!(broken_by(|_| {}), None);
    }

    #[test]
    fn whoever_is_here_by_an_older_login_than_the_one_that_logged_out_is_seen() {
        let broken = broken_by(|s| {
            let user = its_user(s);
            let session = s.durable.delivery.book.sessions.get_mut(&user).unwrap();
            session.phase = Phase::Out;
            session.version.counter += 2;
        });
        assert_eq!(broken, Some(Incoherence::LoggedOut));
    }

    #[test]
    fn whoever_is_here_by_a_later_login_than_the_last_one_is_seen() {
        let broken = broken_by(|s| {
            let user = its_user(s);
            let session = s.durable.delivery.book.sessions.get_mut(&user).unwrap();
            session.version.counter = 0;
        });
        assert_eq!(broken, Some(Incoherence::LoggedOut));
    }

    #[test]
    fn whoever_is_here_does_not_age() {
        let broken = broken_by(|s| {
            s.delivery.ages = true;
            s.delivery.mailboxes.begin(its_user(s), 1);
        });
        assert_eq!(broken, Some(Incoherence::Ages));
    }

    #[test]
    fn nothing_ages_without_a_timer() {
        let sender = Sender {
            username: Username::from("aaron"),
            client: "c1".into(),
        };
        let broken = |ages| {
            broken_by(|s| {
                s.delivery.ages = ages;
                s.delivery.clients.begin(sender.clone(), 1);
            })
        };
        assert_eq!(broken(true), None);
        assert_eq!(broken(false), Some(Incoherence::Ages));
    }

    #[test]
    fn no_floor_is_kept_of_a_server_that_was_given_up() {
        let gone = ServerName::from("s9");
        let broken = broken_by(|s| {
            let incarnation = Incarnation {
                number: 1,
                nonce: 1,
            };
            _ = s.durable.tree.retired.insert(gone.clone(), incarnation);
            _ = s.durable.delivery.floors.insert(gone, Vector::new());
        });
        assert_eq!(broken, Some(Incoherence::Uncounted));
    }

    #[test]
    fn who_is_not_counted_is_not_missed() {
        let broken = broken_by(|s| {
            s.delivery.uncounted.insert("s9".into());
            s.delivery.missed.insert("s9".into(), 0);
        });
        assert_eq!(broken, Some(Incoherence::Uncounted));
    }
}
