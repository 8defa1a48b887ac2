//! Who is let through to whom: each link of the model is a connection here, as long as the model has it.

use std::io;

use regrow_model::world::link::{Party, Phase};
use regrow_model::world::{State, World};

use super::glance::{connection, connections};
use super::live::Live;
use super::wire::Knock;

/// What a link of the model is here.
pub(super) enum Bound {
    /// A dial that the model hasn't answered.
    Waits(Knock),
    /// A connection.
    Stands(u64),
    /// A client's connection, and what its server calls it.
    Visits(u64, u64),
}

impl Bound {
    /// The connection, if there is one.
    pub(super) fn number(&self) -> Option<u64> {
        match self {
            Self::Waits(_) => None,
            Self::Stands(number) | Self::Visits(number, _) => Some(*number),
        }
    }
}

impl Live {
    /// Ends that the model knows to be gone hear no more.
    pub(super) fn let_go(&mut self, after: &State) {
        let links = std::mem::take(&mut self.links);
        for (link, bound) in links {
            let connection = after.links.get(link).and_then(Option::as_deref);
            match (bound.number(), connection) {
                // What a server says before it closes has still to come: its client's end closes when the model says so.
                (Some(_), Some(_)) if matches!(bound, Bound::Visits(..)) => {
                    self.links.insert(link, bound);
                }
                (Some(number), Some(connection)) => {
                    for (end, this) in connection.ends.iter().enumerate() {
                        if this.phase == Phase::Gone {
                            self.wire.close(number, end);
                        }
                    }
                    self.links.insert(link, bound);
                }
                (None, Some(_)) => _ = self.links.insert(link, bound),
                (Some(number), None) => self.wire.forget(number),
                (None, None) => self.refused += 1,
            }
        }
    }

    /// Our own clients' new connections.
    pub(super) async fn reach(&mut self, after: &State) -> io::Result<()> {
        for (link, connection) in connections(after) {
            let is_own = !matches!(connection.ends[0].party, Party::Server(_));
            let is_dialing = matches!(connection.ends[0].phase, Phase::Dialing(_));
            if let (true, false, Party::Server(server)) =
                (is_own, is_dialing, connection.ends[1].party)
                && !self.links.contains_key(&link)
                && let Some(machine) = &mut self.machines[server]
            {
                let before = machine.links().await?;
                let number = self.wire.visit(machine.port).await?;
                let own = machine.new_link(&before).await?;
                self.links.insert(link, Bound::Visits(number, own));
            }
        }
        Ok(())
    }

    /// Lets those through who dial and reach somebody in the model, and turns away those who dial in vain.
    pub(super) async fn answer(&mut self, world: &World, after: &State) -> io::Result<()> {
        for knock in std::mem::take(&mut self.wire.knocks) {
            let pair = [Party::Server(knock.dialer), Party::Server(knock.acceptor)];
            let new = connections(after).find(|(link, connection)| {
                connection.ends.each_ref().map(|end| end.party) == pair
                    && !self.links.contains_key(link)
            });
            if let Some((link, _)) = new {
                self.links.insert(link, Bound::Waits(knock));
                continue;
            }
            let address = &world.setup().servers[knock.acceptor].address;
            let process = after.servers[knock.dialer].process.as_ref();
            match process.is_some_and(|process| process.unreachable.contains(address)) {
                true => self.wire.knocks.push(knock),
                false => self.refused += 1,
            }
        }
        for (link, bound) in std::mem::take(&mut self.links) {
            let connection = connection(after, link);
            let is_dialing = matches!(connection.ends[0].phase, Phase::Dialing(_));
            let bound = match (bound, connection.ends[1].party) {
                (Bound::Waits(knock), Party::Server(server)) if !is_dialing => {
                    let port = self.machine(server)?.port;
                    let dialer = knock.dialer + 1;
                    let admitted = self.wire.admit(knock, port).await;
                    Bound::Stands(admitted.map_err(|error| {
                        let acceptor = server + 1;
                        io::Error::other(format!("s{acceptor} turns s{dialer} away: {error}"))
                    })?)
                }
                (bound, _) => bound,
            };
            self.links.insert(link, bound);
        }
        Ok(())
    }
}
