//! A runtime that keeps its promises conforms, and one that breaks any of them is found out: real nodes on real sockets,
//! recorded, in one process.

use std::error::Error;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use regrow_model::message::{Address, Stamp};
use regrow_model::node::{Boot, Config, Durable, Node, Order, Report as Told, State};
use regrow_model::node::{balance, delivery, tree};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::{Promise, Question, Report, conform};
use crate::command::layout::layout;
use crate::edge::{Edge, proven};
use crate::metrics::Metrics;
use crate::record::{Beginning, Recorder, Veil};
use crate::runtime::flaw::{Flaw, break_next};
use crate::runtime::{Disk, EVENTS, Handle, Setup};
use crate::transport::handshake::Key;
use crate::transport::{Carriers, Limits, Pace, Shared, Side, Transport};

/// No test waits longer than this for anything.
const PATIENCE: Duration = Duration::from_secs(20);
const SECRET: &str = "the system's secret";

/// A disk that takes a while, and then has it.
struct Slow;

impl Disk<Durable> for Slow {
    fn save(&mut self, _: &Durable) -> Result<(), Box<dyn Error + Send + Sync>> {
        std::thread::sleep(Duration::from_millis(30));
        Ok(())
    }
}

/// Nodes of one system, each recorded in a directory of its own.
struct Cluster(TempDir);

struct Running {
    node: Handle<Order, State>,
    listening: JoinHandle<()>,
    transport: Transport,
    port: u16,
}

impl Cluster {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn directory(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Starts a node, as `regrow serve` does; its state is gone when it stops.
    async fn start(&self, name: &str, join: Option<&Running>) -> Running {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let address = Address::new("127.0.0.1", port).unwrap();
        let seeds = join.map(|at| Address::new("127.0.0.1", at.port).unwrap());
        let every = Duration::from_millis(100);
        let config = Config {
            name: name.into(),
            address,
            seeds: seeds.into_iter().collect(),
            secret: proven(),
            timing: tree::Timing {
                loads: balance::Timing::every(every),
                ..tree::Timing::fast()
            },
            delivery: delivery::Settings::default(),
        };
        let now = crate::clock::now();
        // Who comes later is younger, on the same millisecond too.
        let boot = Boot {
            now: Stamp(now.0 + u64::from(join.is_some())),
            nonce: rand::random(),
        };
        let (metrics, key) = (Metrics::new(), Key::new(SECRET).unwrap());
        let beginning = Beginning {
            config: &config,
            boot,
            storage: None,
            layout: &layout(),
            durability: "memory".to_owned(),
            veil: Veil::new(&key),
        };
        let directory = self.directory(name);
        let recorder = Recorder::begin(&directory, 1 << 30, beginning, &metrics.recording);
        let recorder = recorder.unwrap();
        let (events, queue) = mpsc::channel(EVENTS);
        let side = Side::Server(Arc::new(Edge::new("test", 1, &metrics)), key);
        let (carriers, traffic) = (Carriers::default(), metrics.traffic.clone());
        let shared = Shared::new(
            carriers,
            events,
            side,
            Pace::FAST,
            Limits::default(),
            traffic,
        );
        let transport = Transport::new(shared);
        let setup = Setup {
            actor: Node::new(config, boot),
            storage: None,
            disk: Box::new(recorder.before(Box::new(Slow))),
            dial: Box::new(transport.clone()),
            told: Box::new(|_: Told| {}),
            said: Box::new(|_, _| {}),
            witness: Some(Box::new(recorder)),
        };
        let node = setup.spawn(queue);
        Running {
            node,
            listening: tokio::spawn(transport.clone().listen(listener)),
            transport,
            port,
        }
    }

    /// What the recordings of these nodes come to.
    fn conform(&self, names: &[&str]) -> Report {
        let directories: Vec<_> = names.iter().map(|name| self.directory(name)).collect();
        conform(&directories, Question::default(), |_| {}).unwrap()
    }
}

impl Running {
    async fn stop(self) {
        self.listening.abort();
        soon(self.node.stop()).await.unwrap();
        soon(self.transport.idle()).await;
    }

    /// Waits until a node has so many neighbours.
    async fn has_neighbours(&self, count: usize) {
        let looks = self.node.looks();
        soon(async {
            loop {
                let edges = looks.at(PATIENCE, |view| view.state.edges().count()).await;
                if edges == Ok(count) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        })
        .await;
    }
}

/// A client as the original's users wrote them.
struct Client(BufReader<TcpStream>);

impl Client {
    async fn of(node: &Running) -> Self {
        let address: SocketAddr = ([127, 0, 0, 1], node.port).into();
        Self(BufReader::new(
            soon(TcpStream::connect(address)).await.unwrap(),
        ))
    }

    async fn says(&mut self, line: &str) {
        let line = format!("{line}\n");
        soon(self.0.get_mut().write_all(line.as_bytes()))
            .await
            .unwrap();
    }

    async fn hears(&mut self) -> String {
        let mut line = String::new();
        soon(self.0.read_line(&mut line)).await.unwrap();
        line
    }

    /// Logs in without a name, and says so many things at once.
    async fn chatter(node: &Running, count: usize) -> Self {
        let mut client = Self::of(node).await;
        client
            .says(r#"{"command":"LOGIN","username":"anonymous"}"#)
            .await;
        client.hears().await;
        let one = r#"{"command":"ACTIVITY_MESSAGE","username":"anonymous","activity":{"n":1}}"#;
        client.says(&vec![one; count].join("\n")).await;
        client
    }

    async fn registers(node: &Running, name: &str) -> Self {
        let mut client = Self::of(node).await;
        let line = format!(r#"{{"command":"REGISTER","username":"{name}","secret":"s1"}}"#);
        client.says(&line).await;
        assert!(client.hears().await.contains("REGISTER_SUCCESS"));
        client
    }
}

async fn soon<T>(future: impl Future<Output = T>) -> T {
    timeout(PATIENCE, future)
        .await
        .expect("it should have happened by now")
}

/// A root, and a child that talks to it; the root breaks a promise if it is told to.
async fn two(cluster: &Cluster, flaw: Option<Flaw>) -> (Running, Running) {
    if let Some(flaw) = flaw {
        break_next(flaw);
    }
    let root = cluster.start("root", None).await;
    let child = cluster.start("child", Some(&root)).await;
    child.has_neighbours(1).await;
    (root, child)
}

fn promises(report: &Report) -> Vec<Promise> {
    let findings = report.findings.iter();
    findings.map(|finding| finding.breach.promise()).collect()
}

#[tokio::test]
async fn a_runtime_that_keeps_its_promises_conforms() {
    let cluster = Cluster::new();
    let (root, child) = two(&cluster, None).await;
    let _aaron = Client::registers(&child, "aaron").await;
    let mut listener = Client::chatter(&child, 200).await;
    let mut heard = Client::chatter(&root, 200).await;
    for _ in 0..200 {
        listener.hears().await;
        heard.hears().await;
    }
    child.stop().await;
    let child = cluster.start("child", Some(&root)).await;
    child.has_neighbours(1).await;
    child.stop().await;
    root.stop().await;
    let report = cluster.conform(&["root", "child"]);
    assert!(report.is_good(), "{:#?}", report.findings);
    assert!(report.compared.links >= 2 && report.compared.lines >= 200);
    assert_eq!(report.servers[1].starts.len(), 2);
}

#[tokio::test]
async fn what_is_sent_before_it_is_saved_is_found() {
    let cluster = Cluster::new();
    break_next(Flaw::SendsBeforeSaved);
    let root = cluster.start("root", None).await;
    let _aaron = Client::registers(&root, "aaron").await;
    root.stop().await;
    let found = promises(&cluster.conform(&["root"]));
    assert!(found.contains(&Promise::SavedBeforeSent), "{found:?}");
}

#[tokio::test]
async fn a_timer_that_is_lost_is_found() {
    let cluster = Cluster::new();
    break_next(Flaw::ForgetsTimers);
    let root = cluster.start("root", None).await;
    // It announces its load every tenth of a second.
    tokio::time::sleep(Duration::from_millis(250)).await;
    let mut client = Client::chatter(&root, 2).await;
    client.hears().await;
    let mut other = Client::chatter(&root, 2).await;
    other.hears().await;
    root.stop().await;
    let found = promises(&cluster.conform(&["root"]));
    assert!(found.contains(&Promise::Timers), "{found:?}");
}

#[tokio::test]
async fn lines_that_arrive_in_another_order_are_found() {
    let cluster = Cluster::new();
    let (root, child) = two(&cluster, Some(Flaw::Reorders)).await;
    let mut client = Client::chatter(&child, 50).await;
    client.hears().await;
    child.stop().await;
    root.stop().await;
    let found = promises(&cluster.conform(&["root", "child"]));
    assert!(found.contains(&Promise::Links), "{found:?}");
}

#[tokio::test]
async fn a_line_that_arrives_over_the_next_connection_is_found() {
    let cluster = Cluster::new();
    let (root, child) = two(&cluster, Some(Flaw::CrossesConnections)).await;
    child.stop().await;
    root.has_neighbours(0).await;
    let child = cluster.start("child", Some(&root)).await;
    child.has_neighbours(1).await;
    let mut client = Client::chatter(&root, 2).await;
    client.hears().await;
    child.stop().await;
    root.stop().await;
    let found = promises(&cluster.conform(&["root", "child"]));
    assert!(found.contains(&Promise::Links), "{found:?}");
}
