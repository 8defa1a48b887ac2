//! What a run counts.

use std::collections::BTreeMap;

use crate::message::server::Message;
use crate::message::{Line, Peer, Stream};
use crate::world::link::Party;
use crate::world::{Action, State};

/// What was counted on the way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Lines that servers heard from servers.
    pub lines: u64,
    /// Those of them that carried what somebody said.
    pub carried: u64,
    /// How often a server heard for the first time what somebody said at another one.
    pub arrivals: u64,
    /// Over how many servers these came, in all.
    pub hops: u64,
    /// The most that one came over.
    pub hops_max: u64,
    /// Over how many servers each came to each server.
    ways: BTreeMap<(Stream, u64, usize), u64>,
}

impl Tally {
    /// Counts a step, as it is about to be taken.
    pub fn count(&mut self, before: &State, action: &Action) {
        let Action::Deliver { link, end } = action else {
            return;
        };
        let Some(connection) = before.links.get(*link).and_then(Option::as_ref) else {
            return;
        };
        let parties = [connection.ends[1 - end].party, connection.ends[*end].party];
        let [Party::Server(from), Party::Server(to)] = parties else {
            return;
        };
        self.lines += 1;
        let line = connection.ends[*end].inbox.first();
        if let Some(Line::Peer(Peer::ActivityBroadcast(message))) = line.map(|line| &**line) {
            self.carried += 1;
            self.arrive(before, message, from, to);
        }
    }

    fn arrive(&mut self, before: &State, message: &Message, from: usize, to: usize) {
        let process = before.servers[to].process.as_ref();
        let is_new = process.is_some_and(|process| {
            let have = &process.state.durable.delivery.log.have;
            !message.is_in(have)
        });
        if !is_new {
            return;
        }
        let at = |server| (message.stream.clone(), message.number, server);
        let hops = self.ways.get(&at(from)).copied().unwrap_or(0) + 1;
        self.ways.insert(at(to), hops);
        self.arrivals += 1;
        self.hops += hops;
        self.hops_max = self.hops_max.max(hops);
    }
}

/// How many messages servers that run lack of what others that run have.
pub fn missing(state: &State) -> u64 {
    let running = state.servers.iter().filter_map(|it| it.process.as_ref());
    let haves: Vec<_> = running
        .map(|it| &it.state.durable.delivery.log.have)
        .collect();
    let mut most: BTreeMap<&Stream, u64> = BTreeMap::new();
    for (stream, upto) in haves.iter().flat_map(|have| have.iter()) {
        let known = most.entry(stream).or_default();
        *known = (*known).max(*upto);
    }
    let lacks = |have: &&crate::message::client::Vector| -> u64 {
        let of = |(stream, upto): (&&Stream, &u64)| upto - have.get(*stream).copied().unwrap_or(0);
        most.iter().map(of).sum()
    };
    haves.iter().map(lacks).sum()
}
