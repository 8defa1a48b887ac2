//! Whether the real servers are as the model's: what they have said and dialed, and what they know.

use std::io;
use std::time::Duration;

use regrow_model::node;
use regrow_model::world::link::{Connection, Party, Phase};
use regrow_model::world::{State, World};
use tokio::time::Instant;

use super::links::Bound;
use super::live::Live;
use super::machine::HESITATION;
use crate::steered::part::{Answer, Cue, Seen};

/// Between two looks whether all is as it should be.
pub(super) const PAUSE: Duration = Duration::from_millis(3);

/// What real servers did otherwise than the model's.
pub(super) type Differences = Vec<String>;

impl Live {
    /// Waits until the servers are as the model's after a step, of which so many dials fail.
    pub(super) async fn agree(
        &mut self,
        world: &World,
        (before, after): (&State, &State),
        refusals: usize,
    ) -> io::Result<Differences> {
        if self.holds_saves && !world.may_crash(after) {
            self.holds_saves = false;
            for server in 0..self.machines.len() {
                if self.machines[server].is_some() && !has_stopped(after, server) {
                    self.cue(server, &Cue::LetGo).await?;
                }
            }
        }
        let (refused, until) = (self.refused, Instant::now() + HESITATION);
        self.let_go(after);
        loop {
            self.reach(after).await?;
            self.answer(world, after).await?;
            let mut differences = self.unsaid(after);
            if self.refused - refused < refusals {
                differences.push("somebody dials in vain, but not here".to_owned());
            }
            if differences.is_empty() {
                differences = self.unlike(before, after).await?;
            }
            if differences.is_empty() || Instant::now() > until {
                return Ok(differences);
            }
            self.wire.attend(PAUSE).await;
        }
    }

    /// What the model's servers have dialed or said, and the real ones haven't yet.
    fn unsaid(&self, after: &State) -> Differences {
        let mut differences = Vec::new();
        for (link, connection) in connections(after) {
            let [dialer, acceptor] = connection.ends.each_ref().map(|end| end.party);
            let number = match self.links.get(&link) {
                Some(Bound::Stands(number) | Bound::Visits(number, _)) => *number,
                Some(Bound::Waits(_)) => continue,
                None if is_local(dialer) => continue,
                None => {
                    differences.push(format!("{dialer} hasn't dialed {acceptor}"));
                    continue;
                }
            };
            for (end, this) in connection.ends.iter().enumerate() {
                let from = connection.ends[1 - end].party;
                let (said, is) = (self.wire.waiting(number, 1 - end), this.inbox.len());
                if !is_local(from) && said < is {
                    let to = this.party;
                    differences.push(format!("{from} has said {said} lines to {to}, not {is}"));
                }
            }
        }
        differences
    }

    /// What real servers know otherwise than the model's, of those that the step has changed.
    async fn unlike(&mut self, before: &State, after: &State) -> io::Result<Differences> {
        let mut differences = Vec::new();
        for (server, machine) in after.servers.iter().enumerate() {
            let Some(process) = &machine.process else {
                continue;
            };
            if process.state.halted.is_some() {
                continue;
            }
            let has_changed = machine != &before.servers[server];
            differences.extend(self.unlike_one(server, &process.state, has_changed).await?);
        }
        Ok(differences)
    }

    /// The same of one of them, which must have taken in all that it was handed.
    async fn unlike_one(
        &mut self,
        server: usize,
        model: &node::State,
        has_changed: bool,
    ) -> io::Result<Differences> {
        let machine = self.machine(server)?;
        if !has_changed && machine.is_up_to_date {
            return Ok(Vec::new());
        }
        let (seen, lines, downs) = match machine.cue(&Cue::Look).await? {
            Answer::Seen {
                seen, lines, downs, ..
            } => (seen, lines, downs),
            Answer::Done | Answer::NotThere => return Ok(Vec::new()),
            Answer::Failed(why) => return Err(io::Error::other(why)),
        };
        if lines < machine.lines || downs < machine.downs {
            return Ok(vec![format!(
                "s{} hasn't taken in all that it was handed",
                server + 1
            )]);
        }
        machine.is_up_to_date = true;
        let model = Seen::of(model);
        let parts = model.parts().into_iter().zip(seen.parts());
        let unlike = parts.filter(|((_, model), (_, live))| model != live);
        let told = unlike.map(|((part, model), (_, live))| {
            format!("s{}'s {part}: {live}, not {model}", server + 1)
        });
        Ok(told.collect())
    }

    /// What servers have said that the model's haven't, now that nothing more is to come.
    pub(super) async fn unasked(&mut self, state: &State) -> Differences {
        let until = Instant::now() + PAUSE * 30;
        while Instant::now() < until {
            self.wire.attend(PAUSE).await;
        }
        let mut differences = Vec::new();
        for (link, connection) in connections(state) {
            let Some(number) = self.links.get(&link).and_then(Bound::number) else {
                continue;
            };
            for (end, this) in connection.ends.iter().enumerate() {
                let (from, to) = (connection.ends[1 - end].party, this.party);
                let (said, is) = (self.wire.waiting(number, 1 - end), this.inbox.len());
                // Who doesn't hear any more hasn't heard that either.
                let hears = !this.deaf && this.phase != Phase::Gone;
                if !is_local(from) && hears && said > is {
                    differences.push(format!("{from} has said {said} lines to {to}, not {is}"));
                }
            }
        }
        differences
    }
}

/// Whether it is a client of ours.
pub(super) fn is_local(party: Party) -> bool {
    match party {
        Party::Server(_) => false,
        Party::Client(_) | Party::Guest(_) => true,
    }
}

/// Whether a server has stopped for good: the model's process stays to turn others away, a real one ends.
pub(super) fn has_stopped(state: &State, server: usize) -> bool {
    let process = state.servers[server].process.as_ref();
    process.is_some_and(|process| process.state.halted.is_some())
}

pub(super) fn connections(state: &State) -> impl Iterator<Item = (usize, &Connection)> {
    let links = state.links.iter().enumerate();
    links.filter_map(|(link, slot)| Some((link, slot.as_deref()?)))
}

pub(super) fn connection(state: &State, link: usize) -> &Connection {
    let slot = state.links.get(link).and_then(Option::as_deref);
    slot.expect("an action names a link that exists")
}
