//! SKIP: what a neighbour lacks of the log that this server has forgotten, or was told to skip itself (`docs/protocol.md`,
//! Delivery: A link comes up). It says what every sender had said in it, and there may be more of them than go on one line: it
//! comes in parts, and counts only once it is whole. What a part says of senders holds together with the messages that it
//! passes over, never without.

use std::ops::Bound;

use imbl::OrdMap;
use serde::{Deserialize, Serialize};

use super::super::{State, Step};
use super::exchange::{self, Behind};
use super::log::Log;
use super::{age, floor, receiver, vector};
use crate::message::client::Vector;
use crate::message::server::{Sender, Skip};
use crate::port::Link;

/// A SKIP that is being sent, as it was when it began: what is forgotten meanwhile is for the next one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Skipping {
    base: Vector,
    #[serde(with = "crate::pairs")]
    said: OrdMap<Sender, u64>,
    /// The last sender that was told of.
    after: Option<Sender>,
}

impl Skipping {
    /// What a server that has only `have` must skip, if it must.
    fn begin(log: &Log, have: &Vector) -> Option<Self> {
        (!vector::covers(have, &log.base)).then(|| Self {
            base: log.base.clone(),
            said: log.said_at_base.clone(),
            after: None,
        })
    }

    /// The next part, of so many senders at most.
    fn part(&mut self, most: usize) -> Skip {
        let start = self
            .after
            .as_ref()
            .map_or(Bound::Unbounded, Bound::Excluded);
        let mut rest = self.said.range::<_, Sender>((start, Bound::Unbounded));
        let said = rest.by_ref().take(most);
        let said: Vec<_> = said.map(|(sender, k)| (sender.clone(), *k)).collect();
        let more = rest.next().is_some();
        self.after = said.last().map(|(sender, _)| sender.clone());
        let base = self.base.clone();
        Skip { base, said, more }
    }
}

/// The next part of what a neighbour must skip before it is sent more of the log.
pub(super) fn next(behind: &mut Behind, log: &Log, step: &Step<'_>) -> Option<Skip> {
    let rules = &step.rules.delivery;
    let mut skipping = match behind.skipping.take() {
        Some(skipping) => skipping,
        None => Skipping::begin(log, &behind.have)?,
    };
    let mut skip = skipping.part(rules.limits.chunk_senders);
    (rules.skip_said)(&mut skip.said);
    if skip.more {
        behind.skipping = Some(skipping);
    } else {
        behind.have = vector::join(&behind.have, &skip.base);
    }
    Some(skip)
}

/// SKIP: what this server lacks of it, it will never get, and neither will those behind it.
pub(super) fn on_skip(s: &mut State, link: Link, mut skip: Skip, step: &mut Step<'_>) {
    let Some(edge) = s.delivery.edges.get_mut(&link) else {
        return;
    };
    if skip.more && (step.rules.delivery.skip_is_whole)() {
        return edge.skipped.append(&mut skip.said);
    }
    skip.said.append(&mut edge.skipped);
    if let Some(behind) = &mut edge.behind {
        behind.have = vector::join(&behind.have, &skip.base);
    }
    let log = &mut s.durable.delivery.log;
    let had = log.have.clone();
    if log.skip(&skip) == 0 {
        return;
    }
    age::on_skip(s, &skip, step);
    receiver::on_skipped(s, &had, step);
    exchange::pass_on(s, link, had, step);
    floor::on_log(s, step);
}
