//! Real partitions: servers on hosts of their own, clients on each, and a network between that is cut and heals. What must
//! come of it: one tree, one owner per name, and whatever was acknowledged heard by everyone, once, in order.
//!
//! It takes root, iproute2 and nftables: `.ci/run` has them. `PARTITIONS=report` plays the same with the `report` profile and
//! longer cuts.

mod process;

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use process::Server;
use process::network::{Network, PORT, Place, Way, server};
use process::resuming::{Home, Resuming};
use serde_json::{Value, json};
use tempfile::{TempDir, tempdir};

/// How long it takes to look again.
const GLANCE: Duration = Duration::from_millis(10);
/// How long a speaker waits between two things that it says.
const PACE: Duration = Duration::from_millis(20);
/// The name that is asked for on both sides of each cut.
const TWIN: &str = "twin";
/// What gives a process a clock that can be set, where Debian's libfaketime puts it.
const FAKE_CLOCK: &str = "/usr/$LIB/faketime/libfaketime.so.1";
const SECRETS: [&str; 2] = ["this side's", "that side's"];

/// What goes wrong, in this order.
enum Event {
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
struct Pace {
    name: &'static str,
    flags: &'static [&'static str],
    short: Duration,
    long: Duration,
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
    fn chosen() -> &'static Self {
        match std::env::var("PARTITIONS").as_deref() {
            Ok("report") => &REPORT,
            Ok(other) => panic!("PARTITIONS={other}: it is report, or not set"),
            Err(_) => &FAST,
        }
    }
}

/// Every way between the hosts of different groups.
fn apart(groups: &[&[usize]]) -> Vec<Way> {
    let mut ways = Vec::new();
    for (number, group) in groups.iter().enumerate() {
        for (other, others) in groups.iter().enumerate() {
            if number != other {
                let pairs = group.iter().flat_map(|a| others.iter().map(|b| (*a, *b)));
                ways.extend(pairs);
            }
        }
    }
    ways
}

/// Every way but those between neighbours in a ring.
fn all_but_a_ring(hosts: usize) -> Vec<Way> {
    let pairs = (1..=hosts).flat_map(|a| (1..=hosts).map(move |b| (a, b)));
    let near = |a: usize, b: usize| matches!(a.abs_diff(b), 0 | 1) || a.abs_diff(b) == hosts - 1;
    pairs.filter(|(a, b)| !near(*a, *b)).collect()
}

/// A server on each host, and a client of each.
struct Cluster {
    network: Network,
    data: TempDir,
    pace: &'static Pace,
    /// Whether each server has a clock of its own.
    has_clocks: bool,
    servers: Vec<Option<Server>>,
    clients: Vec<Resuming>,
}

impl Cluster {
    fn of(hosts: usize, pace: &'static Pace, has_clocks: bool) -> Self {
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

    fn meets(&mut self, event: &Event, length: Duration) {
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
    fn is_one_tree(&self) -> bool {
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
    fn said(&self) -> Vec<u64> {
        self.clients.iter().map(Resuming::acknowledged).collect()
    }

    /// Whether everyone has heard so much of each.
    fn have_heard(&self, said: &[u64]) -> bool {
        self.clients.iter().all(|listener| {
            let mut speakers = self.clients.iter().zip(said);
            speakers.all(|(speaker, said)| listener.heard(&speaker.name) >= *said)
        })
    }

    /// Waits for something, and says how long it took.
    fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) -> Duration {
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

/// Somebody who asks for a name that another one asks for as well.
struct Claimant {
    lines: BufReader<TcpStream>,
    has_it: bool,
}

impl Claimant {
    /// Asks a host's own server for the name.
    fn asks(place: Place, host: usize, secret: &str) -> Self {
        let lines = connect(place, host).expect("it listens");
        let mut claimant = Self {
            lines,
            has_it: false,
        };
        let asked = json!({"command": "REGISTER", "username": TWIN, "secret": secret});
        writeln!(claimant.lines.get_mut(), "{asked}").expect("the server is there");
        let answer = claimant.hears().expect("an answer");
        claimant.has_it = answer["command"] == "REGISTER_SUCCESS";
        claimant
    }

    fn hears(&mut self) -> Option<Value> {
        let mut line = String::new();
        let read = self.lines.read_line(&mut line).ok()?;
        (read > 0).then(|| serde_json::from_str(&line).expect("JSON"))
    }

    /// Whether it had the name, and has been told by now that it has lost it.
    fn was_told(&mut self) -> bool {
        let patience = Some(Duration::from_millis(200));
        let set = self.lines.get_ref().set_read_timeout(patience);
        set.expect("a timeout can be set");
        while let Some(line) = self.hears() {
            if line["command"] == "REGISTER_FAILED" {
                return true;
            }
        }
        false
    }
}

fn connect(place: Place, host: usize) -> Option<BufReader<TcpStream>> {
    let connected = std::thread::spawn(move || {
        place.enter();
        TcpStream::connect(server(host)).ok()
    });
    let stream = connected.join().expect("connecting doesn't panic")?;
    let set = stream.set_read_timeout(Some(process::PATIENCE));
    set.expect("a timeout can be set");
    Some(BufReader::new(stream))
}

/// Whether a host's server lets in who has this secret for the name.
fn lets_in(network: &Network, host: usize, secret: &str) -> bool {
    let mut lines = connect(network.place(host), host).expect("it listens");
    let asked = json!({"command": "LOGIN", "username": TWIN, "secret": secret});
    writeln!(lines.get_mut(), "{asked}").expect("the server is there");
    let mut line = String::new();
    lines.read_line(&mut line).expect("an answer in time");
    let answer: Value = serde_json::from_str(&line).expect("JSON");
    // Whoever is sent on was let in first.
    matches!(
        answer["command"].as_str(),
        Some("LOGIN_SUCCESS" | "REDIRECT")
    )
}

/// Plays a story with cuts of one length, under load, and checks what comes of it.
fn play(name: &str, hosts: usize, story: &[Event], length: Duration) {
    let pace = Pace::chosen();
    let has_clocks = story.iter().any(|event| matches!(event, Event::Clock(..)));
    let mut cluster = Cluster::of(hosts, pace, has_clocks);
    let is_steady = |host: &usize| {
        let is_hit = |event: &Event| match event {
            Event::Crash(hit) | Event::Stop(hit) => hit == host,
            _ => false,
        };
        !story.iter().any(is_hit)
    };
    let first = cluster.network.all().find(is_steady);
    let ends = [first.expect("a server that runs throughout"), hosts];
    let mut claimants = Vec::new();
    for event in story {
        cluster.meets(event, length);
        match event {
            Event::Cut(_) if claimants.is_empty() => {
                let places = ends.map(|host| (cluster.network.place(host), host));
                let asked = places.into_iter().zip(SECRETS);
                claimants.extend(asked.map(|((place, host), secret)| {
                    // At once: each asks while the other's request is under way.
                    std::thread::spawn(move || Claimant::asks(place, host, secret))
                }));
            }
            Event::Crash(host) => {
                let others = cluster.clients.iter().enumerate();
                let others = others.filter(|(index, _)| index + 1 != *host);
                others.for_each(|(_, client)| client.listens());
            }
            Event::Cut(_)
            | Event::Heal
            | Event::Last
            | Event::Wait(_)
            | Event::Restart(_)
            | Event::Stop(_)
            | Event::Continue(_)
            | Event::Reset(_)
            | Event::Clock(..) => {}
        }
    }
    let said = cluster.said();
    let healed = Instant::now();
    cluster.until("one tree", Cluster::is_one_tree);
    let tree = healed.elapsed();
    cluster.until("what was said is heard", |cluster| {
        cluster.have_heard(&said)
    });
    let heard = healed.elapsed();
    cluster
        .clients
        .iter()
        .for_each(|client| client.speaks(false));
    cluster.until("everything is heard", |cluster| {
        cluster.have_heard(&cluster.said())
    });
    let claimants = claimants.into_iter();
    let claimants = claimants.map(|asked| asked.join().expect("it was answered"));
    let mut owners = 0;
    for mut claimant in claimants {
        let has_had_it = claimant.has_it;
        if has_had_it && !claimant.was_told() {
            owners += 1;
        }
    }
    assert!(owners <= 1, "{name}: both believe that the name is theirs");
    let owner = SECRETS.map(|secret| lets_in(&cluster.network, 1, secret));
    assert!(owner[0] != owner[1], "{name}: one of the two has the name");
    for host in cluster.network.all() {
        let let_in = SECRETS.map(|secret| lets_in(&cluster.network, host, secret));
        assert_eq!(let_in, owner, "{name}: host {host} knows the same owner");
    }
    let silence = cluster.clients.iter().filter_map(Resuming::silence).max();
    println!(
        "{name}, {hosts} servers, {} profile, cut for {length:?}: one tree after {:.2} s, all heard after {:.2} s; \
         {} messages{}",
        pace.name,
        tree.as_secs_f64(),
        heard.as_secs_f64(),
        cluster.said().iter().sum::<u64>(),
        silence.map_or(String::new(), |silence| format!(
            "; longest silence {:.2} s",
            silence.as_secs_f64()
        )),
    );
    cluster.clients.into_iter().for_each(Resuming::leave);
}

/// Plays a story with short cuts and with long ones.
fn plays(name: &str, hosts: usize, story: &[Event]) {
    let pace = Pace::chosen();
    for length in [pace.short, pace.long] {
        play(name, hosts, story, length);
    }
}

/// A cut that lasts, and heals.
fn cut(ways: Vec<Way>) -> Vec<Event> {
    vec![Event::Cut(ways), Event::Last, Event::Heal]
}

#[test]
#[ignore = "needs root, iproute2 and nftables"]
fn a_pair_that_was_cut_grows_together() {
    plays("a pair", 2, &cut(apart(&[&[1], &[2]])));
}

#[test]
#[ignore = "needs root, iproute2 and nftables"]
fn each_single_server_that_was_cut_off_comes_back() {
    for alone in 1..=4 {
        let others: Vec<usize> = (1..=4).filter(|host| *host != alone).collect();
        let name = format!("server {alone} alone");
        plays(&name, 4, &cut(apart(&[&[alone], &others])));
    }
}

#[test]
#[ignore = "needs root, iproute2 and nftables"]
fn halves_grow_together() {
    plays("halves", 4, &cut(apart(&[&[1, 2], &[3, 4]])));
}

#[test]
#[ignore = "needs root, iproute2 and nftables"]
fn thirds_grow_together() {
    plays("thirds", 6, &cut(apart(&[&[1, 2], &[3, 4], &[5, 6]])));
}

#[test]
#[ignore = "needs root, iproute2 and nftables"]
fn one_server_that_reaches_both_sides_holds_the_tree_together() {
    plays("a bridge", 5, &cut(apart(&[&[1, 2], &[4, 5]])));
}

#[test]
#[ignore = "needs root, iproute2 and nftables"]
fn a_ring_is_a_tree() {
    plays("a ring", 5, &cut(all_but_a_ring(5)));
}

#[test]
#[ignore = "needs root, iproute2 and nftables"]
fn a_way_that_is_cut_from_the_root_only_is_no_way() {
    plays("one way, from the root", 3, &cut(vec![(1, 2)]));
}

#[test]
#[ignore = "needs root, iproute2 and nftables"]
fn a_way_that_is_cut_to_the_root_only_is_no_way() {
    plays("one way, to the root", 3, &cut(vec![(2, 1)]));
}

#[test]
#[ignore = "needs root, iproute2 and nftables"]
fn a_network_that_flaps_quickly_is_survived() {
    let mut story = Vec::new();
    for _ in 0..20 {
        let ways = apart(&[&[1, 2], &[3, 4]]);
        story.extend([
            Event::Cut(ways),
            Event::Wait(60),
            Event::Heal,
            Event::Wait(60),
        ]);
    }
    play("flapping quickly", 4, &story, Duration::from_millis(60));
}

#[test]
#[ignore = "needs root, iproute2 and nftables"]
fn a_network_that_flaps_slowly_is_survived() {
    let long = Pace::chosen().long;
    let mut story = Vec::new();
    for _ in 0..4 {
        story.extend(cut(apart(&[&[1, 2], &[3, 4]])));
        story.push(Event::Last);
    }
    story.pop();
    play("flapping slowly", 4, &story, long);
}

#[test]
#[ignore = "needs root, iproute2 and nftables"]
fn a_second_cut_while_the_first_one_heals_is_survived() {
    let mut story = cut(apart(&[&[1, 2], &[3, 4]]));
    story.push(Event::Wait(100));
    story.extend(cut(apart(&[&[1, 3], &[2, 4]])));
    plays("a second cut during the heal", 4, &story);
}

#[test]
#[ignore = "needs root, iproute2 and nftables"]
fn a_root_that_crashes_while_the_network_is_cut_comes_back() {
    let story = [
        Event::Cut(apart(&[&[1, 2, 3], &[4, 5]])),
        Event::Crash(1),
        Event::Last,
        Event::Restart(1),
        Event::Heal,
    ];
    plays("the root crashes, with a cut", 5, &story);
}

#[test]
#[ignore = "needs root, iproute2 and nftables"]
fn who_is_left_when_the_root_crashes_hears_on() {
    let story = [
        Event::Cut(Vec::new()),
        Event::Crash(1),
        Event::Last,
        Event::Restart(1),
    ];
    plays("the root crashes", 4, &story);
}

#[test]
#[ignore = "needs root, iproute2 and nftables"]
fn links_that_are_reset_again_and_again_come_back() {
    let mut story = vec![Event::Cut(Vec::new())];
    for round in 0..12 {
        story.extend([Event::Reset(round % 3 + 1), Event::Wait(100)]);
    }
    play("links are reset", 3, &story, Duration::ZERO);
}

#[test]
#[ignore = "needs root, iproute2 and nftables"]
fn a_server_that_is_stopped_for_long_comes_back() {
    for stopped in [1, 2] {
        let story = [
            Event::Cut(Vec::new()),
            Event::Stop(stopped),
            Event::Wait(30_000),
            Event::Continue(stopped),
        ];
        let name = format!("server {stopped} is stopped for 30 s");
        play(&name, 3, &story, Duration::from_secs(30));
    }
}

#[test]
#[ignore = "needs root, iproute2, nftables and libfaketime"]
fn clocks_that_jump_by_hours_change_nothing() {
    let halves = || Event::Cut(apart(&[&[1, 2], &[3, 4]]));
    let story = [
        Event::Clock(1, -1),
        Event::Clock(4, 1),
        halves(),
        Event::Clock(2, 2),
        Event::Last,
        Event::Clock(3, -3),
        Event::Heal,
        Event::Clock(1, 1),
    ];
    plays("clocks jump", 4, &story);
}
