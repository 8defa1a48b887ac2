//! What a property reads: the servers' states and what the clients were told, wherever they come from.

use std::collections::BTreeSet;

use super::guest::{self, Guest, Want};
use super::link::{self, Connection, Deed, Party};
use super::server::{Process, Server};
use super::user::{Seat, User, Wish};
use super::{Event, Faults, Memo, Start, State, Ways, World};
use crate::client::identity::{Claim, Identity};
use crate::client::{Kind, Stage};
use crate::message::client::Secret;
use crate::message::server::Record;
use crate::message::{Address, Username};
use crate::node;
use crate::node::delivery::Settings;
use crate::node::delivery::log::Log;
use crate::node::registry::directory::Directory;
use crate::node::rules::connection::Limits;
use crate::port::Link;

/// One moment of a system.
#[derive(Clone, Debug)]
pub struct View<'a> {
    /// The servers, by index: `None` while one is down or has halted.
    pub servers: Vec<Option<&'a node::State>>,
    /// What each would find at a restart, by index; `None` if its disk is empty.
    pub disks: Vec<Option<&'a node::Durable>>,
    /// The clients that want names.
    pub guests: Vec<(&'a Want, &'a Guest)>,
    /// Whether nothing is on its way that could begin or end a lock round, or a client's belief.
    pub quiet: bool,
    /// The servers' processes that run.
    pub processes: Vec<&'a Process>,
    /// The users, and how far each has got.
    pub users: Vec<(&'a User, &'a Memo<Seat>)>,
    /// What each server's system is known by.
    pub secrets: Vec<&'a Secret>,
    /// What is on its way.
    pub links: Vec<&'a Connection>,
    /// Which ways are cut.
    pub cut: &'a Ways,
    /// Whether something is still to come for the tree that the servers' states don't show: a link between them has broken,
    /// or carries more of the tree than the question whether one may join, or a server is about to leave.
    pub stirring: bool,
    /// Links that the other party has left, by the server that has still to learn of it.
    pub deserted: BTreeSet<(usize, Link)>,
    /// Once the story is over: each server's parent as it must come out, if that is said; 0 also for the dead.
    pub drawn: Option<&'a [usize]>,
    /// The most messages that any server's log may keep, and the most bytes.
    pub log_max: (usize, usize),
    /// Whether the world is drawn by chance: then every fault may follow every other one.
    pub by_chance: bool,
    /// Whether anything could go wrong from the beginning.
    pub has_faults: bool,
    /// Whether nothing could go wrong from the beginning but that servers are stopped by their operators, and whoever waits waits
    /// for long enough.
    pub only_stops: bool,
    /// Whether from the beginning nothing but one server's being stopped could happen to any, and that one waits for as long as it takes.
    pub can_hand_over: bool,
    /// The servers that operators have given up and that haven't been started since, by index.
    pub given_up: BTreeSet<usize>,
    /// Whether operators have ever given one up: nothing was kept for it then.
    pub gave_up: bool,
    /// Whether somebody may be on a server that others don't know yet, or don't wait for any more: they forget what everyone they
    /// count has, and when that server joins them it is told SKIP, and its clients a gap.
    pub strangers: bool,
    /// Whether faults may keep anybody away for longer than a mailbox is kept.
    pub kept_away: bool,
    /// Whether disks may be lost.
    pub loses_disks: bool,
    /// Whether servers keep mailboxes for a time only.
    pub mailboxes_end: bool,
    /// Whether logs have a bound that is near.
    pub logs_end: bool,
    /// Whether servers wait for one another for a time only.
    pub patience_ends: bool,
    /// Whether servers know clients for a time only.
    pub clients_end: bool,
    /// How many lines of delivery, and how many DIRECTORY, may be on their way to one end of a link.
    pub windows: (Option<u32>, u32),
    /// How many rounds may be under way at one server, and how many of them for clients of its own.
    pub rounds_max: (usize, usize),
    /// How much may wait behind a REGISTER.
    pub waiting_max: Limits,
}

impl<'a> View<'a> {
    /// A world's moment.
    pub fn new(world: &'a World, state: &'a State) -> Self {
        let servers = state.servers.iter().map(|machine| {
            let process = machine.process.as_ref()?;
            process.state.halted.is_none().then_some(&*process.state)
        });
        // While nothing can crash any more, no disk is kept, and what is remembered is as good as on it.
        let keeps_disks = world.may_crash(state);
        let disks = state.servers.iter().map(|machine| match &machine.process {
            Some(process) if !keeps_disks => Some(&process.state.durable),
            Some(_) | None => machine.disk.as_deref(),
        });
        let links = || {
            state
                .links
                .iter()
                .enumerate()
                .filter_map(|(number, slot)| Some((number, slot.as_ref()?)))
        };
        let deserted = links().flat_map(|(number, connection)| {
            let ends = (0..2).filter(|end| connection.is_deserted(*end));
            ends.filter_map(move |end| match connection.ends[end].party {
                Party::Server(server) => Some((server, Link(number as u64))),
                Party::Client(_) | Party::Guest(_) => None,
            })
        });
        let servers: Vec<Option<&node::State>> = servers.collect();
        let stirs = |connection: &Connection| match connection.ends[0].party {
            Party::Server(dialer) => connection.is_stirring(servers[dialer]),
            Party::Client(_) | Party::Guest(_) => false,
        };
        let holds = |machine: &Memo<Server>| {
            let held = machine.process.iter().flat_map(|process| &process.held);
            held.into_iter().any(|held| match &held.deed {
                Deed::Send { line, .. } => link::changes_tree(line),
                Deed::Open { .. } => true,
                Deed::Close { link } => ends_an_edge(state, *link),
            })
        };
        let leaves = |server: &node::State| server.drain != node::drain::Stage::Serving;
        let stirring = links().any(|(_, connection)| stirs(connection))
            || state.servers.iter().any(holds)
            || servers.iter().flatten().any(|server| leaves(server));
        let setup = world.setup();
        let drawn = setup.drawn.as_deref();
        let logs = || setup.servers.iter().map(|server| &server.delivery);
        let log_max = logs().map(|log| log.log_max).max();
        let log_max_bytes = logs().map(|log| log.log_max_bytes).max();
        let forgets = |event: &Event| matches!(event, Event::Forget { .. });
        let gave_up = setup.story[..state.told].iter().any(forgets);
        let told = setup.story[..state.told].iter();
        let given_up = told.fold(BTreeSet::new(), |mut given_up, event| {
            match event {
                Event::Forget { server, .. } => _ = given_up.insert(server - 1),
                Event::Restart(server) => _ = given_up.remove(&(server - 1)),
                Event::Crash(_)
                | Event::LoseDisk(_)
                | Event::Drain(_)
                | Event::Blurt { .. }
                | Event::Cut(_)
                | Event::Heal => {}
            }
            given_up
        });
        let stops = |event: &Event| matches!(event, Event::Drain(_));
        let waits = |server: usize| {
            let timing = &setup.servers[server - 1].timing;
            timing.drain.patience.is_none()
        };
        let any = |says: fn(&Settings) -> bool| {
            let mut servers = setup.servers.iter();
            servers.any(|server| says(&server.delivery))
        };
        Self {
            servers,
            disks: disks.collect(),
            guests: setup.guests.iter().zip(&state.guests).collect(),
            quiet: guest::is_quiet(state),
            processes: state
                .servers
                .iter()
                .filter_map(|machine| machine.process.as_ref())
                .collect(),
            users: setup.users.iter().zip(&state.users).collect(),
            links: state.links.iter().flatten().map(|link| &**link).collect(),
            secrets: setup.servers.iter().map(|it| &it.secret).collect(),
            cut: &state.cut,
            stirring,
            deserted: deserted.collect(),
            drawn: drawn.filter(|_| state.told == setup.story.len()),
            log_max: (log_max.unwrap_or(0), log_max_bytes.unwrap_or(0)),
            by_chance: setup.by_chance,
            has_faults: setup.faults != Faults::default(),
            only_stops: setup.patient
                && setup.faults == Faults::default()
                && setup.story.iter().all(stops),
            can_hand_over: setup.faults == Faults::default()
                && matches!(setup.story[..], [Event::Drain(server)] if waits(server)),
            given_up,
            gave_up,
            logs_end: any(|settings| {
                let far = Settings::default();
                settings.log_max < far.log_max || settings.log_max_bytes < far.log_max_bytes
            }),
            strangers: setup.by_chance
                && (setup.start == Start::Cold || any(|settings| settings.patience.is_some())),
            loses_disks: setup.faults.lost_disks > 0
                || setup
                    .story
                    .iter()
                    .any(|it| matches!(it, Event::LoseDisk(_))),
            kept_away: setup.by_chance && setup.faults != Faults::default(),
            mailboxes_end: any(|settings| settings.mailbox_age.is_some()),
            patience_ends: any(|settings| settings.patience.is_some()),
            clients_end: any(|settings| settings.client_age.is_some()),
            windows: (
                setup.rules.delivery.limits.window_lines,
                setup.rules.registry.limits.window_chunks,
            ),
            rounds_max: (
                setup.rules.registry.limits.rounds,
                setup.rules.registry.limits.own_rounds,
            ),
            waiting_max: setup.rules.connection.limits,
        }
    }

    /// The live servers, with their indexes.
    pub fn live(&self) -> impl Iterator<Item = (usize, &'a node::State)> + '_ {
        self.servers
            .iter()
            .enumerate()
            .filter_map(|(index, server)| server.map(|server| (index, server)))
    }

    /// Every directory: those that servers remember, and those that restarts would find, where these are others.
    pub fn directories(&self) -> impl Iterator<Item = &'a Directory> + '_ {
        self.remembered_and_found(|durable| &durable.registry, is_same_directory)
    }

    /// What any of them holds of a name.
    pub fn records<'b>(&'b self, username: &'b Username) -> impl Iterator<Item = &'a Record> + 'b {
        self.directories()
            .filter_map(|directory| directory.records.get(username))
    }

    /// Every log: those that servers remember, and those that restarts would find, where these are others.
    pub fn logs(&self) -> impl Iterator<Item = &'a Log> + '_ {
        self.remembered_and_found(|durable| &durable.delivery.log, is_same_log)
    }

    /// A part of what each server remembers, and that part of what is on its disk. Most of the time it is the same, and judged once.
    fn remembered_and_found<T: 'a>(
        &self,
        part: fn(&node::Durable) -> &T,
        is_same: fn(&T, &T) -> bool,
    ) -> impl Iterator<Item = &'a T> + use<'_, 'a, T> {
        let servers = self.servers.iter().zip(&self.disks);
        servers.flat_map(move |(server, disk)| {
            let remembered = server.map(|state| part(&state.durable));
            let found = disk
                .map(part)
                .filter(|found| !remembered.is_some_and(|remembered| is_same(remembered, found)));
            remembered.into_iter().chain(found)
        })
    }

    /// The guests that are connected to a live server and believe in their names, each with that server.
    pub fn believers(&self) -> impl Iterator<Item = (&'a node::State, &'a Want)> + '_ {
        let connected = self.guests.iter().filter(|(_, guest)| guest.link.is_some());
        let believers = connected.filter(|(_, guest)| guest.believes());
        believers.filter_map(|(wish, guest)| Some((self.servers[guest.home]?, *wish)))
    }

    /// Whether every server that nobody has given up runs and can talk to every other.
    pub fn all_counted_run(&self) -> bool {
        let mut servers = self.servers.iter().enumerate();
        self.cut.is_empty()
            && servers.all(|(index, server)| server.is_some() || self.given_up.contains(&index))
    }

    /// Whether a user's client dies some time.
    pub fn somebody_dies(&self) -> bool {
        let mut wishes = self.users.iter().flat_map(|(user, _)| &user.wishes);
        wishes.any(|wish| *wish == Wish::Die)
    }

    /// Whether every server runs and can talk to every other.
    pub fn is_whole(&self) -> bool {
        self.cut.is_empty() && self.servers.iter().all(Option::is_some)
    }

    /// Whether two servers can talk: both ways between them work, and they are of one system.
    pub fn can_talk(&self, one: usize, other: usize) -> bool {
        let ways = !self.cut.includes(one, other) && !self.cut.includes(other, one);
        ways && self.secrets[one] == self.secrets[other]
    }

    /// The live servers in groups: within one, each can reach each other, over others if need be.
    pub fn parts(&self) -> Vec<Vec<usize>> {
        let mut parts: Vec<Vec<usize>> = Vec::new();
        for (server, _) in self.live() {
            let (near, far) = parts.into_iter().partition(|part: &Vec<usize>| {
                part.iter().any(|other| self.can_talk(server, *other))
            });
            parts = far;
            let mut joined: Vec<usize> = near.into_iter().flatten().collect();
            joined.push(server);
            joined.sort_unstable();
            parts.push(joined);
        }
        parts
    }

    /// Whether a user may miss what nobody kept for it, and can't be told. Of a legacy client, in a world drawn by chance: anything, if somebody may be
    /// on a server that others don't count, or if it goes away where mailboxes end.
    pub fn may_miss_unawares(&self, user: &User) -> bool {
        let may_expire = self.by_chance && self.mailboxes_end && user.wishes.contains(&Wish::Die);
        user.client.kind == Kind::Legacy && (self.strangers || may_expire)
    }

    /// Whether the server has let go of a user's client, which has still to hear why.
    pub fn is_shown_out(&self, user: usize) -> bool {
        let mut own = self.links.iter();
        own.any(|link| link.ends[0].party == Party::Client(user) && link.is_deserted(0))
    }

    /// Whether a user's client runs and knows servers that don't, and none that does and knows its name: it goes on asking,
    /// and can be nowhere. The name may be on the disk of a server that is down.
    pub fn is_stranded(&self, seat: &Seat) -> bool {
        let Some(client) = seat.process.as_ref().map(|process| &process.state) else {
            return false;
        };
        let own = |server: &node::State| {
            let own = server.durable.tree.known.get(&server.id().name);
            own.map(|own| own.address.clone())
        };
        if let Stage::Connected(connection) = &client.stage
            && !self
                .live()
                .any(|(_, server)| own(server).as_ref() == Some(&connection.at))
        {
            return false; // The last words of a server that has died may name another.
        }
        let known = &client.servers.known;
        let running: Vec<_> = self.live().map(|(_, server)| own(server)).collect();
        let may_return = |known: &Address| !running.contains(&Some(known.clone()));
        let accepts = |server: &node::State| {
            let is_known = own(server).is_some_and(|own| known.contains(&own));
            let identity = client.identity.as_ref();
            is_known && identity.is_none_or(|identity| may_be_accepted(identity, server))
        };
        known.iter().any(may_return) && !self.live().any(|(_, server)| accepts(server))
    }

    /// Whether every part is one tree (property 13).
    pub fn is_settled_tree(&self) -> bool {
        crate::property::one_tree::holds(self)
    }
}

/// Whether two directories are the same without a look at what is in them. Equal ones that came about apart may not be.
fn is_same_directory(one: &Directory, other: &Directory) -> bool {
    let Directory {
        records,
        vector,
        lost,
    } = one;
    records.ptr_eq(&other.records) && vector.ptr_eq(&other.vector) && lost.ptr_eq(&other.lost)
}

/// The same of logs.
fn is_same_log(one: &Log, other: &Log) -> bool {
    let Log {
        entries,
        next,
        have,
        said,
        base,
        passed,
        said_at_base,
    } = one;
    *next == other.next
        && entries.ptr_eq(&other.entries)
        && have.ptr_eq(&other.have)
        && said.ptr_eq(&other.said)
        && base.ptr_eq(&other.base)
        && passed.ptr_eq(&other.passed)
        && said_at_base.ptr_eq(&other.said_at_base)
}

/// Whether somebody takes a link for an edge of the tree that is to be closed. A client is let go of without the tree, and so is a server whose
/// join is refused.
fn ends_an_edge(state: &State, link: Link) -> bool {
    let connection = state.links.get(link.0 as usize).and_then(Option::as_ref);
    connection.is_some_and(|connection| {
        let mut ends = connection.ends.iter();
        ends.any(|end| match end.party {
            Party::Server(server) => {
                let process = state.servers[server].process.as_ref();
                process.is_some_and(|process| process.state.edges().any(|edge| edge == link))
            }
            Party::Client(_) | Party::Guest(_) => false,
        })
    })
}

/// Whether a server may take a client for who it says it is, or give it the name.
fn may_be_accepted(identity: &Identity, server: &node::State) -> bool {
    match identity.claim {
        Claim::Wanted | Claim::Doubtful { .. } => true,
        Claim::Presumed | Claim::Proved => {
            let record = server.durable.registry.records.get(&identity.username);
            let proof = record.map(|record| Secret::Hashed(record.secret.clone()));
            identity.username.is_anonymous() || (proof.is_some() && proof == identity.secret)
        }
    }
}
