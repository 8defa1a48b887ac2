//! How a world comes to its beginning: servers start, a tree comes to rest, users log in. No check sees these steps; whoever
//! plays a path of the world somewhere else has to play them first.

use imbl::OrdMap;
use stateright::Model;

use super::seen::Seen;
use super::server::Server;
use super::{Action, Start, State, World, step, view, wish};

/// A step on the way to a world's beginning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opening {
    /// A server starts, with what is on its disk.
    Started(usize),
    /// A user's client starts.
    Opened(usize),
    /// A step as the world has them.
    Took(Action),
    /// What was so before the world began is put into a server's memory and on its disk.
    Preset(usize),
    /// A server's process ends; all that it knew is on its disk.
    Stopped(usize),
}

/// Is told of each step, and of the state that it led to.
pub(super) type Teller<'a> = dyn FnMut(Opening, &State) + 'a;

impl World {
    /// The steps from a world in which nothing runs to its beginning, each with the state that it leads to.
    pub fn opening(&self) -> Vec<(Opening, State)> {
        let mut all = Vec::new();
        self.begin(&mut |opening, state| all.push((opening, state.clone())));
        all
    }

    /// The world in which nothing runs yet.
    pub fn blank(&self) -> State {
        State::blank(&self.setup)
    }

    /// Starts every server; in order, each after the tree has come to rest, if the world begins settled.
    pub(super) fn begin(&self, tell: &mut Teller<'_>) -> State {
        let settled = matches!(self.setup.start, Start::Settled | Start::LoggedIn);
        let mut state = self.blank();
        let seen = &mut Seen::default();
        for server in 0..state.servers.len() {
            step::start(self, &mut state, server, seen);
            tell(Opening::Started(server), &state);
            if settled {
                state = self.settle(state, tell);
            }
        }
        for user in 0..state.users.len() {
            wish::start_client(self, &mut state, user, 0);
            tell(Opening::Opened(user), &state);
        }
        self.preset(&mut state, tell);
        if self.setup.start == Start::LoggedIn {
            for user in 0..state.users.len() {
                wish::come_true(self, &mut state, user, seen);
                tell(Opening::Took(Action::Wish { user }), &state);
                state = self.settle(state, tell);
            }
        }
        state
    }

    /// What was so before the world began.
    fn preset(&self, state: &mut State, tell: &mut Teller<'_>) {
        let seen = &mut Seen::default();
        let directory = self.setup.directory();
        let known = match self.setup.start {
            Start::Acquainted => state.everyone(),
            Start::Cold | Start::Settled | Start::LoggedIn => OrdMap::new(),
        };
        let has_past = !directory.records.is_empty() || !known.is_empty();
        for server in 0..state.servers.len() {
            state.servers[server].alter(|machine| machine.preset(&directory, &known));
            // What was so before the world began is on the disk.
            while has_past && state.servers[server].has_unsynced() {
                step::take(self, state, Action::Sync { server }, seen);
            }
            if has_past {
                tell(Opening::Preset(server), state);
            }
            if self.setup.start == Start::Acquainted {
                state.servers[server].alter(Server::keep);
                step::stop(state, server);
                tell(Opening::Stopped(server), state);
                step::start(self, state, server, seen);
                tell(Opening::Started(server), state);
            }
        }
    }

    /// Runs the protocol's own steps, timers last, the newest server's first, for an old root never stops dialing; until every server but the first has joined and nothing is on its way.
    fn settle(&self, mut state: State, tell: &mut Teller<'_>) -> State {
        loop {
            let mut actions = Vec::new();
            self.actions(&state, &mut actions);
            let is_timer = |action: &Action| {
                matches!(action, Action::Timer { .. } | Action::ClientTimer { .. })
            };
            let whole = view::View::new(self, &state).is_settled_tree();
            let next = actions
                .iter()
                .find(|action| action.is_protocol() && !is_timer(action))
                .or_else(|| {
                    actions
                        .iter()
                        .rfind(|action| action.is_protocol() && is_timer(action) && !whole)
                });
            let after = next.and_then(|action| self.next_state(&state, action.clone()));
            match next.zip(after) {
                Some((action, after)) => {
                    tell(Opening::Took(action.clone()), &after);
                    state = after;
                }
                None => return state,
            }
        }
    }
}
