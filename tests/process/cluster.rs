//! Servers on hosts of their own, a client of each, and what may happen to them.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::{TempDir, tempdir};

use super::Server;
use super::network::{Network, PORT, Way, server};
use super::resuming::{Home, Resuming};

/// How long it takes to look again.
const GLANCE: Duration = Duration::from_millis(10);
/// How long a speaker waits between two things that it says.
const PACE: Duration = Duration::from_millis(20);
/// What gives a process a clock that can be set, where Debian's libfaketime puts it.
const FAKE_CLOCK: &str = "/usr/$LIB/faketime/libfaketime.so.1";

/// What goes wrong, in this order.
pub(crate) enum Event {
    /// These ways are cut and no others.
    Cut(Vec<Way>),
    /// No way is cut.
    Heal,
    /// As long as the cuts of this run are to last.
    Last,
    /// So many milliseconds.
    Wait(u64),
    /// A server is killed as by a power cut.
    Crash(usize),
    /// It starts again.
    Restart(usize),
    /// A server is stopped where it is, its sockets open.
    Stop(usize),
    /// It goes on.
    Continue(usize),
    /// Every link of a server is reset by its own host.
    Reset(usize),
    /// A server's clock is set so many hours ahead of the others', or back.
    Clock(usize, i64),
}

/// How servers are run, and what is long for them.
pub(crate) struct Pace {
    pub(crate) name: &'static str,
    flags: &'static [&'static str],
    pub(crate) short: Duration,
    pub(crate) long: Duration,
    /// No test waits longer for servers to agree.
    patience: Duration,
}

const FAST: Pace = Pace {
    name: "fast",
    flags: &["--probe", "4s"],
    short: Duration::from_millis(400),
    long: Duration::from_secs(4),
    patience: Duration::from_secs(60),
};
const REPORT: Pace = Pace {
    name: "report",
    flags: &["--profile", "report"],
    short: Duration::from_secs(4),
    long: Duration::from_secs(40),
    patience: Duration::from_secs(300),
};

impl Pace {
    pub(crate) fn chosen() -> &'static Self {
        match std::env::var("PARTITIONS").as_deref() {
            Ok("report") => &REPORT,
            Ok(other) => panic!("PARTITIONS={other}: it is report, or not set"),
            Err(_) => &FAST,
        }
    }
}

/// A server on each host, and a client of each.
pub(crate) struct Cluster {
    /// The hosts.
    pub(crate) network: Network,
    data: TempDir,
    pace: &'static Pace,
    /// Whether each server has a clock of its own.
    has_clocks: bool,
    servers: Vec<Option<Server>>,
    /// A client on each host, by the host's number from 0.
    pub(crate) clients: Vec<Resuming>,
}

impl Cluster {
    pub(crate) fn of(hosts: usize, pace: &'static Pace, has_clocks: bool) -> Self {
        let network = Network::new(hosts);
        let mut cluster = Self {
            data: tempdir().expect("a directory for the test"),
            servers: network.all().map(|_| None).collect(),
            clients: Vec::new(),
            network,
            pace,
            has_clocks,
        };
        for host in cluster.network.all() {
            cluster.start(host);
        }
        cluster.until("one tree", Cluster::is_one_tree);
        for host in cluster.network.all() {
            let home = Home {
                server: server(host),
                place: Some(cluster.network.place(host)),
                pace: PACE,
            };
            let client = Resuming::start(&format!("user{host}"), home);
            cluster.clients.push(client);
        }
        cluster.until("everybody is there", |cluster| {
            cluster.clients.iter().all(Resuming::is_present)
        });
        cluster
            .clients
            .iter()
            .for_each(|client| client.speaks(true));
        cluster
    }

    fn start(&mut self, host: usize) {
        let mut command = self.network.command(host);
        if self.has_clocks {
            self.set_clock(host, 0);
            command.envs([("LD_PRELOAD", FAKE_CLOCK), ("FAKETIME_NO_CACHE", "1")]);
            command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
            command.env("FAKETIME_TIMESTAMP_FILE", self.clock(host));
        }
        let mut arguments = Network::arguments(host);
        arguments.extend(["--secret", "s1"].map(str::to_owned));
        arguments.extend(self.pace.flags.iter().map(|flag| (*flag).to_owned()));
        if host > 1 {
            arguments.extend(["--join".to_owned(), server(1).to_string()]);
        }
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let data = self.data(host);
        let mut server = Server::launch_by(command, PORT, &data, &arguments);
        server.listens();
        if self.has_clocks {
            let maps = std::fs::read_to_string(format!("/proc/{}/maps", server.id()));
            let has_clock = maps.is_ok_and(|maps| maps.contains("libfaketime"));
            assert!(has_clock, "it takes libfaketime");
        }
        self.servers[host - 1] = Some(server);
    }

    fn data(&self, host: usize) -> PathBuf {
        self.data.path().join(format!("server{host}"))
    }

    pub(crate) fn meets(&mut self, event: &Event, length: Duration) {
        match event {
            Event::Cut(ways) => self.network.cut(ways),
            Event::Heal => self.network.heal(),
            Event::Last => std::thread::sleep(length),
            Event::Wait(milliseconds) => {
                std::thread::sleep(Duration::from_millis(*milliseconds));
            }
            Event::Crash(host) => {
                let server = self.servers[host - 1].as_mut();
                server.expect("it runs").kill();
                self.servers[host - 1] = None;
            }
            Event::Restart(host) => self.start(*host),
            Event::Stop(host) => self.signal(*host, "STOP"),
            Event::Continue(host) => self.signal(*host, "CONT"),
            Event::Reset(host) => self.network.reset(*host),
            Event::Clock(host, hours) => self.set_clock(*host, *hours),
        }
    }

    fn signal(&self, host: usize, name: &str) {
        let server = self.servers[host - 1].as_ref();
        server.expect("it runs").signal(name);
    }

    fn clock(&self, host: usize) -> PathBuf {
        self.data.path().join(format!("clock{host}"))
    }

    fn set_clock(&self, host: usize, hours: i64) {
        std::fs::write(self.clock(host), format!("{hours:+}h\n")).expect("a file");
    }

    /// Whether all servers are in one tree, under the eldest, and parents and children agree.
    pub(crate) fn is_one_tree(&self) -> bool {
        let status = |host| self.network.status(host);
        let Some(all) = self.network.all().map(status).collect::<Option<Vec<_>>>() else {
            return false;
        };
        let eldest = &all[0]["name"];
        all.iter().all(|server| {
            let tree = &server["tree"];
            let is_child_there = |parent: &Value| {
                let above = all.iter().find(|other| other["name"] == *parent);
                let children = above.and_then(|above| above["tree"]["children"].as_array());
                children.is_some_and(|children| children.contains(&server["name"]))
            };
            tree["root"] == *eldest
                && match &tree["parent"] {
                    Value::Null => server["name"] == *eldest,
                    parent => is_child_there(parent),
                }
        })
    }

    /// How much each client is known to have said, by the number of its host from 0.
    pub(crate) fn said(&self) -> Vec<u64> {
        self.clients.iter().map(Resuming::acknowledged).collect()
    }

    /// Whether everyone has heard so much of each.
    pub(crate) fn have_heard(&self, said: &[u64]) -> bool {
        self.clients.iter().all(|listener| {
            let mut speakers = self.clients.iter().zip(said);
            speakers.all(|(speaker, said)| listener.heard(&speaker.name) >= *said)
        })
    }

    /// Waits for something, and says how long it took.
    pub(crate) fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) -> Duration {
        let began = Instant::now();
        while !holds(self) {
            for client in &self.clients {
                assert!(
                    client.is_well(),
                    "{} has seen what must not be",
                    client.name
                );
            }
            let logs = || self.network.all().map(|host| self.network.status(host));
            assert!(
                began.elapsed() < self.pace.patience,
                "never: {what}; {:#?}",
                logs().collect::<Vec<_>>()
            );
            std::thread::sleep(GLANCE);
        }
        began.elapsed()
    }
}
