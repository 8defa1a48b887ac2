//! What a world is made of: its servers, what may go wrong and how often, which rules are kept.

use smol_str::format_smolstr;

use super::guest::Want;
use super::user::User;
use super::ways::Ways;
use crate::client::{self, Client};
use crate::message::client::Secret;
use crate::message::server::Record;
use crate::message::{
    Address, Incarnation, Line, Registration, SecretHash, ServerName, Stamp, Stream, Username,
};
use crate::node::delivery::Settings;
use crate::node::registry::directory::Directory;
use crate::node::rules::{self, Rules};
use crate::node::{Boot, Config, Node, balance, tree::Timing};
use crate::property::Part;

/// The most servers that a world can have.
pub const SERVERS_MAX: usize = 64;

/// A world to check.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The servers, `s1` first.
    pub servers: Vec<Config>,
    /// Per server, the clock at its first start.
    pub clocks: Vec<Stamp>,
    /// By how much each server's clock has gone on at its next start.
    pub clock_step: u64,
    /// Whether chance gives every later start a lower nonce: who relies on it is lost.
    pub unlucky: bool,
    /// How the world begins.
    pub start: Start,
    /// Whether a dial takes its time; otherwise it succeeds or fails in the step that begins it.
    pub slow_dials: bool,
    /// Whether it is drawn by chance, so that every fault may meet every bound. Then a user may be away, or where nobody knows of it,
    /// just when a bound passes; the worlds that are checked to the last state are made so that nobody is.
    pub by_chance: bool,
    /// Whether timers are patient: they fire only when the protocol has nothing else to do.
    pub patient: bool,
    /// The cuts that may happen, each a set of ways that break together.
    pub cuts: Vec<Ways>,
    /// How often what may go wrong, at any time and in any order.
    pub faults: Faults,
    /// What goes wrong in this order, each at any time after the one before.
    pub story: Vec<Event>,
    /// Once the story is over: each server's parent as it must come out, as in [`Setup::tree`]; 0 also for the dead.
    pub drawn: Option<Vec<usize>>,
    /// The rules that the servers keep.
    pub rules: Rules,
    /// The clients and what their users want.
    pub users: Vec<User>,
    /// The rules that the clients keep.
    pub client_rules: client::rules::Rules,
    /// The parts of the protocol whose properties are checked.
    pub parts: &'static [Part],
    /// The law that is judged, and if it is one of convergence all those; `None` for all laws of the parts. A mutant may break
    /// another one sooner than the one that it shows.
    pub law: Option<&'static str>,
    /// Names that an operator brings along whenever a server starts again, with what proves each and when it was registered.
    pub brought: Vec<(Username, SecretHash, Stamp)>,
    /// Clients that want names, `c1` first.
    pub guests: Vec<Want>,
}

/// How a world begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// Every server has just started and knows only its seeds.
    Cold,
    /// Every server has just started again and knows all others from before.
    Acquainted,
    /// The servers have started one after the other and the tree has come to rest.
    Settled,
    /// The same, and then every user's first wish has come true.
    LoggedIn,
}

/// How often each fault may happen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Faults {
    /// Cuts. A cut can always be healed.
    pub cuts: u8,
    /// Crashes of a server.
    pub crashes: u8,
    /// Restarts of a crashed server.
    pub restarts: u8,
    /// Disks lost while their server is down.
    pub lost_disks: u8,
    /// Guests that leave without a word.
    pub departures: u8,
    /// No fault, but counted, too, for else there would be no end of states: announcements of loads that haven't changed.
    pub renewals: u8,
}

/// Something that goes wrong in a story, or is mended. Servers count from 1.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// A server crashes.
    Crash(usize),
    /// A server that is down starts with what is on its disk.
    Restart(usize),
    /// An operator gives a server up, at another one.
    Forget {
        /// At this one.
        at: usize,
        /// Which.
        server: usize,
    },
    /// The operator of a server stops it.
    Drain(usize),
    /// A server that is down gets an empty disk.
    LoseDisk(usize),
    /// A server errs: it says this to all its clients, whatever they and it are about.
    Blurt {
        /// Which.
        server: usize,
        /// What.
        line: Line,
    },
    /// Some ways break.
    Cut(Ways),
    /// Every way works again.
    Heal,
}

impl Setup {
    /// A world of servers that join as `parents` says: for each server the number of the one that it joins, 0 for
    /// none. Nothing goes wrong.
    pub fn tree(parents: &[usize]) -> Self {
        let address = |n: usize| {
            Address::new(&format_smolstr!("s{n}"), 1).expect("a name and a port are an address")
        };
        let servers = parents.iter().enumerate().map(|(index, parent)| Config {
            name: ServerName::from(format_smolstr!("s{}", index + 1)),
            address: address(index + 1),
            seeds: if *parent == 0 {
                vec![]
            } else {
                vec![address(*parent)]
            },
            secret: Secret::Hashed(SecretHash::from("system")),
            timing: Timing {
                backoffs: 0,
                loads: balance::Timing::default(),
                ..Timing::fast()
            },
            delivery: Settings {
                patience: None,
                mailbox_age: None,
                client_age: None,
                ..Settings::default()
            },
        });
        Self {
            servers: servers.collect(),
            clocks: (1..=parents.len() as u64).map(Stamp).collect(),
            clock_step: 10,
            unlucky: false,
            start: Start::Settled,
            slow_dials: false,
            by_chance: false,
            patient: false,
            cuts: Vec::new(),
            faults: Faults::default(),
            story: Vec::new(),
            drawn: None,
            rules: Rules {
                delivery: rules::delivery::UNWINDOWED,
                balance: rules::balance::SILENT,
                ..rules::SOUND
            },
            users: Vec::new(),
            client_rules: client::rules::SOUND,
            parts: &[Part::Tree],
            law: None,
            brought: Vec::new(),
            guests: Vec::new(),
        }
    }

    /// The same world, about the tree alone.
    pub fn tree_alone(mut self) -> Self {
        self.rules.tree.greets = || false;
        self
    }

    /// The same world, in which servers that have a parent don't look for a better tree.
    pub fn without_probes(mut self) -> Self {
        self.rules.tree.probes = |_| false;
        self
    }

    /// The same world, in which nobody dials but to mend what has broken: neither roots nor others look elsewhere.
    pub fn mending_only(mut self) -> Self {
        self.rules.tree.elsewhere = |_| Vec::new();
        self.without_probes()
    }

    /// The same world, in which every timer takes longer than all that can happen without one, as in the report's profile.
    pub fn patient(self) -> Self {
        Self {
            patient: true,
            ..self
        }
    }

    /// The names that users log in under: they were given away before the world begins.
    pub(super) fn directory(&self) -> Directory {
        let origin = Stream {
            server: self.servers[0].name.clone(),
            incarnation: Incarnation {
                number: 0,
                nonce: 0,
            },
        };
        let mut directory = Directory::default();
        for (username, secret) in self.users.iter().flat_map(User::logins) {
            let number = directory
                .records
                .get(username)
                .map_or(directory.records.len() as u64 + 1, |record| {
                    record.registration.number
                });
            let registration = Registration {
                registertime: Stamp(number),
                origin: origin.clone(),
                number,
            };
            directory.records.insert(
                username.clone(),
                Record {
                    registration,
                    secret: secret.clone(),
                },
            );
            directory
                .vector
                .insert(origin.clone(), directory.records.len() as u64);
        }
        directory
    }

    /// The actors of all starts of a user's client.
    pub(super) fn clients(&self, user: &User) -> Vec<Client> {
        user.starts()
            .map(|config| Client::with_rules(config.clone(), self.client_rules.clone()))
            .collect()
    }

    /// The actor of one start of a server.
    pub(super) fn node(&self, server: usize, starts: usize) -> Node {
        let boot = self.boot(server, starts);
        Node::with_rules(self.servers[server].clone(), boot, self.rules.clone())
    }

    pub(super) fn boot(&self, server: usize, starts: usize) -> Boot {
        let nonce = (server * 16 + starts) as u64;
        Boot {
            now: Stamp(self.clocks[server].0 + self.clock_step * starts as u64),
            nonce: if self.unlucky {
                u64::MAX - nonce
            } else {
                nonce
            },
        }
    }

    /// The same for a process that runs it: what it takes for its system's secret is what its edge puts there.
    #[cfg(feature = "mutants")]
    pub fn started(&self, server: usize, starts: usize, secret: Secret) -> (Config, Boot, Node) {
        let mut setup = self.clone();
        setup.servers[server].secret = secret;
        let node = setup.node(server, starts);
        (node.config().clone(), setup.boot(server, starts), node)
    }
}
