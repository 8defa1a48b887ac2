//! What a step of a server's must keep to, whatever it was about. Property 14: that another parent is a better one. Property 18: that a login
//! can be told from the one before it. Property 23: that a server which is being stopped waits, while it has patience, for what it says that it
//! waits for. Property 24: that nothing is said over a link that is gone.

use std::collections::BTreeSet;

use super::super::link::Deed;
use super::super::practice::{OfServer, Reaction, Want};
use crate::message::{Line, Peer, Reply, Request};
use crate::node::drain::{self, Stage};
use crate::node::{Node, State, Timer};
use crate::port::{Input, Link};

/// A LOGIN that leaves its session the version of the one before it.
pub(in crate::world) const OLD_VERSION: &str = "amiss: a login under an old version";
/// A client of 2018 that is sent on before it has heard what it was told.
pub(in crate::world) const SENT_ON_TOO_EARLY: &str = "amiss: REDIRECT before all is heard";
/// A client that is told more by a server which is being stopped.
pub(in crate::world) const TOLD_TOO_LATE: &str = "amiss: ACTIVITY_BROADCAST of who is stopped";
/// A server that leaves while a name is being asked for through it.
pub(in crate::world) const LEFT_TOO_EARLY: &str = "amiss: LEAVE in a round";
/// A server that says something over a link that it knows to be gone.
pub(in crate::world) const SAID_TO_NOBODY: &str = "amiss: said over a link that is gone";
/// A server that takes a parent whose root is no elder one than its own, or that is below it.
pub(in crate::world) const JOINED_NO_BETTER: &str = "amiss: joined what is no better";

/// A server's step.
#[derive(Clone, Copy)]
pub(in crate::world) struct Step<'a> {
    /// How the server was before.
    pub(in crate::world) before: &'a State,
    /// What happened.
    pub(in crate::world) cause: &'a OfServer,
    /// What it made of that.
    pub(in crate::world) reaction: &'a Reaction<Node>,
    /// How it is stopped.
    pub(in crate::world) timing: &'a drain::Timing,
}

impl Step<'_> {
    /// Names of what was wrong in it, if what is told over a link is still on its way.
    pub(in crate::world) fn amiss(
        &self,
        is_on_its_way: impl Fn(Link) -> bool,
    ) -> impl Iterator<Item = &'static str> {
        let checks = [
            (self.takes_an_old_version(), OLD_VERSION),
            (self.sends_on_too_early(is_on_its_way), SENT_ON_TOO_EARLY),
            (self.tells_too_late(), TOLD_TOO_LATE),
            (self.leaves_in_a_round(), LEFT_TOO_EARLY),
            (self.speaks_to_nobody(), SAID_TO_NOBODY),
            (self.joins_no_better(), JOINED_NO_BETTER),
        ];
        let amiss = checks.into_iter().filter(|(is_amiss, _)| *is_amiss);
        amiss.map(|(_, label)| label)
    }

    /// Whether a LOGIN has made a session another one, and left it its version.
    fn takes_an_old_version(&self) -> bool {
        let OfServer::Line { line, .. } = self.cause else {
            return false;
        };
        let Line::Request(request) = &**line else {
            return false;
        };
        let Request::Login { username, .. } = &**request else {
            return false;
        };
        let record = self.before.durable.registry.records.get(username);
        record.is_some_and(|record| {
            let session = |state: &'_ State| {
                let book = &state.durable.delivery.book;
                book.sessions.get(&record.registration).cloned()
            };
            let (was, is) = (session(self.before), session(&self.reaction.state));
            was != is && was.map(|it| it.version) == is.map(|it| it.version)
        })
    }

    /// Whether a tick of leaving sends on a client that can't say what it has heard, while something is still on its way to it.
    fn sends_on_too_early(&self, is_on_its_way: impl Fn(Link) -> bool) -> bool {
        self.is_patient_tick()
            && self.says().any(|(link, line)| {
                matches!(line, Line::Reply(Reply::Redirect { .. }))
                    && self.is_plain(link)
                    && is_on_its_way(link)
            })
    }

    /// Whether a client of 2018 is told more of what others say after a tick of leaving. Of ours it doesn't matter: they say what they have heard.
    /// Who comes to a server that is being stopped may be told something up to its next tick, but no client of 2018 comes to one in any world.
    fn tells_too_late(&self) -> bool {
        let Stage::Draining { patience } = self.before.drain else {
            return false;
        };
        // A server with less patience than at first has had a tick.
        patience != self.timing.patience
            && self.says().any(|(link, line)| {
                matches!(line, Line::Reply(Reply::Broadcast { .. })) && self.is_plain(link)
            })
    }

    /// Whether a tick of leaving says LEAVE, and a name is being asked for through this server.
    fn leaves_in_a_round(&self) -> bool {
        let is_leave = |line: &Line| matches!(line, Line::Peer(Peer::Leave));
        self.is_patient_tick()
            && !self.before.registry.rounds.is_empty()
            && self.says().any(|(_, line)| is_leave(line))
    }

    /// Whether it says something over a link that has ended in this step, or that it has closed before in it.
    fn speaks_to_nobody(&self) -> bool {
        let ended = match self.cause {
            OfServer::Input(Input::Down { link }) => Some(*link),
            OfServer::Line { .. } | OfServer::Timer(_) | OfServer::Input(_) => None,
        };
        let mut gone = BTreeSet::from_iter(ended);
        self.reaction.wants.iter().any(|want| match want {
            Want::Do(Deed::Send { link, .. }) => gone.contains(link),
            Want::Do(Deed::Close { link }) => {
                gone.insert(*link);
                false
            }
            Want::Do(Deed::Open { .. }) | Want::Set(..) | Want::Unset(_) | Want::Save(_) => false,
        })
    }

    /// Whether it has another parent than before, for no elder root, or below itself.
    fn joins_no_better(&self) -> bool {
        let parent = |state: &State| state.tree.parent.as_ref().map(|parent| parent.link);
        let after = &self.reaction.state;
        let joined = after.tree.parent.as_ref();
        joined.is_some_and(|joined| {
            let is_another = parent(self.before) != Some(joined.link);
            let is_elder = after.root().is_elder_than(self.before.root());
            is_another && (!is_elder || joined.path.contains(after.id()))
        })
    }

    /// Whether a client is on this link that can't say what it has heard.
    fn is_plain(&self, link: Link) -> bool {
        let receiver = self.before.delivery.receivers.get(&link);
        receiver.is_some_and(|receiver| receiver.client.is_none())
    }

    fn is_patient_tick(&self) -> bool {
        let is_over = self.before.drain == Stage::Draining { patience: Some(0) };
        matches!(self.cause, OfServer::Timer(Timer::Drain)) && !is_over
    }

    fn says(&self) -> impl Iterator<Item = (Link, &Line)> {
        let wants = self.reaction.wants.iter();
        wants.filter_map(|want| match want {
            Want::Do(Deed::Send { link, line }) => Some((*link, &**line)),
            Want::Do(Deed::Open { .. } | Deed::Close { .. })
            | Want::Set(..)
            | Want::Unset(_)
            | Want::Save(_) => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use stateright::Model;
    use stateright::actor::Out;

    use super::*;
    use crate::message::server::{Lock, Phase};
    use crate::message::{
        Activity, Address, Claim, Incarnation, SecretHash, ServerId, Stamp, Stream,
    };
    use crate::node::registry::round::{Round, Upstream};
    use crate::port::{Effect, Port};
    use crate::scenario;
    use crate::world::practice::nobody;
    use crate::world::{Memo, World};

    /// A server of a world at its beginning.
    fn server(world: &str, index: usize) -> State {
        let scenario = scenario::named(world).expect("there is one");
        let world = World::new((scenario.setup)());
        let state = world.init_states().remove(0);
        let process = state.servers[index].process.as_ref().expect("it runs");
        (*process.state).clone()
    }

    /// A server with three listeners that is being stopped, and will wait for so many ticks more of two.
    fn stopped(patience: Option<u32>) -> State {
        State {
            drain: Stage::Draining { patience },
            ..server("drain-patient", 1)
        }
    }

    fn amiss(
        before: &State,
        cause: OfServer,
        after: State,
        says: Option<Line>,
        is_on_its_way: bool,
    ) -> Vec<&'static str> {
        let mut out = Out::new();
        if let Some(line) = says {
            let link = *before.links.keys().last().expect("somebody is there");
            let send = Port::Out(Effect::Send { link, line });
            out.send(nobody(), send);
        }
        let reaction = Reaction::new(Memo::new(after), out);
        let timing = drain::Timing {
            patience: Some(2),
            ..drain::Timing::default()
        };
        let step = Step {
            before,
            cause: &cause,
            reaction: &reaction,
            timing: &timing,
        };
        step.amiss(|_| is_on_its_way).collect()
    }

    /// What is wrong in a tick of a server that says this.
    fn amiss_in_a_tick(before: &State, says: Line, is_on_its_way: bool) -> Vec<&'static str> {
        let tick = OfServer::Timer(Timer::Drain);
        amiss(before, tick, before.clone(), Some(says), is_on_its_way)
    }

    fn redirect() -> Line {
        let to = Address::new("server", 1).expect("it is an address");
        Line::Reply(Reply::Redirect { to })
    }

    #[test]
    fn a_login_is_another_version() {
        let before = server("two-servers", 0);
        let registered = before.durable.registry.records.iter().next();
        let (username, record) = registered.expect("somebody has a name");
        let login = || {
            let request = Request::Login {
                username: username.clone(),
                secret: None,
                resume: None,
            };
            OfServer::Line {
                link: Link(0),
                line: Memo::new(Line::Request(Box::new(request))),
            }
        };
        let after = |raises| {
            let mut after = before.clone();
            let sessions = &mut after.durable.delivery.book.sessions;
            let session = sessions.get_mut(&record.registration).expect("it is here");
            session.phase = Phase::Left;
            session.version.counter += raises;
            after
        };
        assert_eq!(
            amiss(&before, login(), after(0), None, false),
            [OLD_VERSION]
        );
        assert!(amiss(&before, login(), after(1), None, false).is_empty());
    }

    #[test]
    fn a_patient_server_sends_nobody_on_before_all_is_heard() {
        let patient = stopped(Some(1));
        assert_eq!(
            amiss_in_a_tick(&patient, redirect(), true),
            [SENT_ON_TOO_EARLY]
        );
        assert!(amiss_in_a_tick(&patient, redirect(), false).is_empty());
        assert!(amiss_in_a_tick(&stopped(Some(0)), redirect(), true).is_empty());
    }

    #[test]
    fn after_a_tick_a_server_that_is_stopped_tells_its_clients_no_more() {
        let broadcast = || {
            let activity = Activity::parse("{}").expect("it is an object");
            Line::Reply(Reply::Broadcast {
                activity,
                from: None,
            })
        };
        assert_eq!(
            amiss_in_a_tick(&stopped(Some(1)), broadcast(), false),
            [TOLD_TOO_LATE]
        );
        assert!(amiss_in_a_tick(&stopped(Some(2)), broadcast(), false).is_empty());
    }

    #[test]
    fn nothing_is_said_over_a_link_that_is_gone() {
        let before = server("drain-patient", 1);
        let last = *before.links.keys().last().expect("somebody is there");
        let amiss_after = |gone: Link| {
            let down = OfServer::Input(Input::Down { link: gone });
            amiss(&before, down, before.clone(), Some(redirect()), false)
        };
        assert_eq!(amiss_after(last), [SAID_TO_NOBODY]);
        assert!(amiss_after(Link(last.0 + 1)).is_empty());
    }

    #[test]
    fn another_parent_has_an_elder_root_and_is_not_below() {
        let child = server("cut-line", 2);
        let id = child.durable.tree.id.clone();
        let elder = child.root().clone();
        assert!(elder.is_elder_than(&id));
        let root = || {
            let mut root = child.clone();
            root.tree.parent = None;
            root
        };
        let joins = |before: &State, path: &[&ServerId]| {
            let mut parent = child.tree.parent.clone().expect("it is a child");
            parent.link = Link(parent.link.0 + 1);
            parent.path = path.iter().map(|it| (*it).clone()).collect();
            let mut after = root();
            after.tree.parent = Some(parent);
            amiss(before, OfServer::Timer(Timer::Retry), after, None, false)
        };
        assert!(joins(&root(), &[&elder]).is_empty());
        assert_eq!(joins(&root(), &[&id]), [JOINED_NO_BETTER]);
        assert_eq!(joins(&root(), &[&id, &elder]), [JOINED_NO_BETTER]);
        assert_eq!(joins(&child, &[&elder]), [JOINED_NO_BETTER]);
        assert_eq!(joins(&child, &[&id]), [JOINED_NO_BETTER]);
        let nothing = OfServer::Timer(Timer::Retry);
        assert!(amiss(&child, nothing, child.clone(), None, false).is_empty());
    }

    #[test]
    fn a_patient_server_leaves_no_round() {
        let leave = || Line::Peer(Peer::Leave);
        let asked = |patience| {
            let mut asked = stopped(patience);
            let incarnation = Incarnation {
                number: 1,
                nonce: 0,
            };
            let origin = Stream {
                server: "s1".into(),
                incarnation,
            };
            let lock = Lock {
                username: "aaron".into(),
                claim: Claim {
                    registertime: Stamp(1),
                    origin,
                },
            };
            let round = Round {
                secret: SecretHash::from("s"),
                upstream: Upstream::Server(Link(0)),
                downstream: BTreeMap::new(),
            };
            asked.registry.rounds.insert(lock, round);
            asked
        };
        assert_eq!(
            amiss_in_a_tick(&asked(Some(1)), leave(), false),
            [LEFT_TOO_EARLY]
        );
        assert!(amiss_in_a_tick(&asked(Some(0)), leave(), false).is_empty());
        assert!(amiss_in_a_tick(&stopped(Some(1)), leave(), false).is_empty());
    }
}
