//! What a client says, and what it is told of that (`docs/protocol.md`, Delivery: Senders). A client of ours numbers
//! what it says and keeps it until everyone has it, for the server that acknowledged it may die for ever. So it
//! says the same again elsewhere, and is recognised by its number.

use std::sync::Arc;

use super::super::connection::{self, Standing};
use super::super::{Role, State, Step};
use super::home::Place;
use super::receiver::Pending;
use super::{age, exchange, floor, forget, home, own_stream, receiver, vector};
use crate::message::client::{Info, Vector};
use crate::message::server::{Message, Sender};
use crate::message::{Activity, Registration, Reply, Stream, Username};
use crate::port::Link;

/// ACTIVITY_MESSAGE of a client that is logged in. Only a client of ours has numbers.
pub(super) fn on_activity(
    s: &mut State,
    link: Link,
    activity: Activity,
    k: Option<u64>,
    step: &mut Step<'_>,
) {
    let Some((username, registration)) = speaker(s, link) else {
        return;
    };
    let Some(receiver) = s.delivery.receivers.get(&link) else {
        return;
    };
    let cursor = receiver.cursor.clone();
    let numbered = receiver.client.clone().zip(k);
    if let (None, Some(registration)) = (&receiver.session, registration) {
        home::begin(s, link, registration, Place::HERE, cursor, step);
    }
    let activity = activity.sign(&username);
    let Some((client, k)) = numbered else {
        append(s, link, None, activity, step);
        return floor::on_log(s, step);
    };
    let rules = &step.rules.delivery;
    let sender = Sender { username, client };
    let said = s.durable.delivery.log.said(&sender);
    if !(rules.admits)(said, k) {
        let info = Info::NumberSkipped;
        return connection::refuse(s, link, Reply::Invalid { info }, step);
    }
    let mut everywhere = None;
    if (rules.is_repeat)(said, k) {
        everywhere = Some(forget::everywhere(s));
    } else {
        append(s, link, Some((sender.clone(), k)), activity, step);
    }
    if (rules.ack_is_durable)() {
        step.save(&s.durable);
    }
    acknowledge(s, link, &sender, everywhere.as_ref(), step);
}

/// Who speaks over this link: the name, and the registration behind it unless it is `anonymous`.
pub(super) fn speaker(s: &State, link: Link) -> Option<(Username, Option<Registration>)> {
    let Some(Role::Client(connection)) = s.links.get(&link) else {
        return None;
    };
    match &connection.standing {
        Standing::Anonymous => Some((Username::anonymous(), None)),
        Standing::User {
            username,
            registration,
            ..
        } => Some((username.clone(), Some(registration.clone()))),
        Standing::Stranger | Standing::Registering => None,
    }
}

/// The next message of this server's stream, for everyone.
fn append(
    s: &mut State,
    link: Link,
    sender: Option<(Sender, u64)>,
    activity: Activity,
    step: &mut Step<'_>,
) {
    let stream = own_stream(s, step);
    let log = &mut s.durable.delivery.log;
    let number = vector::at(&log.have, &stream) + 1;
    let message = Arc::new(Message {
        stream,
        number,
        sender,
        activity,
    });
    if let Ok(Some(entry)) = log.append(message, step.rules.delivery.is_repeat) {
        exchange::flood(s, &entry, None, step);
        age::on_said(s, &entry.message, step);
        receiver::deliver(s, &entry, Some(link), step);
        forget::on_longer(s, &entry, step);
    }
    floor::expect(s, step);
}

/// ACTIVITY_ACK. What it speaks of is on disk by then. `everywhere` is what everyone has, if some of what was said may be
/// among it: of what is new nothing is, and of what is offered again maybe all, so that nothing would ever show it later.
fn acknowledge(
    s: &mut State,
    link: Link,
    sender: &Sender,
    everywhere: Option<&Vector>,
    step: &mut Step<'_>,
) {
    let Some(said) = s.durable.delivery.log.said.get(sender) else {
        return;
    };
    let Some(receiver) = s.delivery.receivers.get_mut(&link) else {
        return;
    };
    let k = said.k;
    let has_it = |(stream, number): &(Stream, u64)| {
        everywhere.is_some_and(|upto| *number <= vector::at(upto, stream))
    };
    let place = said.place.clone().filter(|place| !has_it(place));
    // What it said first of what not everyone has: waiting for the last, one that goes on speaking would wait for ever.
    let first = receiver.pending.clone();
    let pending = place.map(|place| first.unwrap_or(Pending { k, place }));
    if pending.is_none() {
        receiver.stable = k;
    }
    let stable = (step.rules.delivery.stable)(k, receiver.stable);
    step.reply(link, Reply::Ack { k, stable });
    wait_for(s, link, pending);
}

/// What a client said, last, that is to become stable; nothing, or nothing any more.
pub(super) fn wait_for(s: &mut State, link: Link, pending: Option<Pending>) {
    let Some(receiver) = s.delivery.receivers.get_mut(&link) else {
        return;
    };
    let key = |pending: &Pending| {
        let (stream, number) = pending.place.clone();
        (stream, number, link)
    };
    if let Some(before) = &receiver.pending {
        s.delivery.unsettled.remove(&key(before));
    }
    s.delivery.unsettled.extend(pending.as_ref().map(key));
    receiver.pending = pending;
}

/// Everyone has more than before: the clients whose words are among it may forget them.
pub(super) fn settle(s: &mut State, everywhere: &Vector, step: &mut Step<'_>) {
    let unsettled = &s.delivery.unsettled;
    let settled = everywhere.iter().flat_map(|(stream, number)| {
        let first = (stream.clone(), 0, Link(0));
        unsettled.range(first..=(stream.clone(), *number, Link(u64::MAX)))
    });
    let told: Vec<Link> = settled.map(|(_, _, link)| *link).collect();
    for link in told {
        let Some(receiver) = s.delivery.receivers.get_mut(&link) else {
            continue;
        };
        let client = receiver.client.clone();
        if let Some(pending) = &receiver.pending {
            receiver.stable = pending.k;
        }
        wait_for(s, link, None);
        if let (Some(client), Some((username, _))) = (client, speaker(s, link)) {
            let sender = Sender { username, client };
            acknowledge(s, link, &sender, Some(everywhere), step);
        }
    }
}
