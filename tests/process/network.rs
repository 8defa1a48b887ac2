//! Hosts of their own on this machine: network namespaces on one bridge, between any two of which the way can be cut,
//! in one direction or both. As root, with iproute2 and nftables.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use serde_json::Value;

/// Where each host's server listens.
pub(crate) const PORT: u16 = 3780;
/// Where each host's server says how it is, to its own host.
const PAGES: u16 = 9780;

/// A direction between two hosts. Hosts count from 1.
pub(crate) type Way = (usize, usize);

/// Some hosts, all of which reach each other unless the way is cut. They are gone with it.
pub(crate) struct Network {
    name: String,
    /// How many hosts there are.
    pub(crate) hosts: usize,
}

/// A place on one of the hosts, to do something from.
#[derive(Clone, Debug)]
pub(crate) struct Place(PathBuf);

impl Network {
    /// Makes the hosts.
    pub(crate) fn new(hosts: usize) -> Self {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let made = MADE.fetch_add(1, Ordering::Relaxed);
        let network = Self {
            name: format!("regrow-{}-{made}", std::process::id()),
            hosts,
        };
        let hub = network.namespace(0);
        run("ip", &["netns", "add", &hub]);
        run(
            "ip",
            &["-n", &hub, "link", "add", "bridge", "type", "bridge"],
        );
        run("ip", &["-n", &hub, "link", "set", "bridge", "up"]);
        let table = "add table bridge ways
            add chain bridge ways cut { type filter hook forward priority 0; }";
        network.rule(table);
        for host in network.all() {
            network.add(host);
        }
        network
    }

    fn add(&self, host: usize) {
        let (hub, namespace) = (self.namespace(0), self.namespace(host));
        run("ip", &["netns", "add", &namespace]);
        // Nobody asks for neighbours, and nobody looks for routers: nothing but what a test sends is on its way.
        let quiet = "echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6";
        run("ip", &["netns", "exec", &namespace, "sh", "-c", quiet]);
        let (plug, socket) = (format!("host{host}"), hardware(host));
        let cable = format!(
            "link add eth0 address {socket} netns {namespace} type veth peer name {plug} netns {hub}\n"
        );
        feed("ip", &["-batch", "-"], &cable);
        run(
            "ip",
            &["-n", &hub, "link", "set", &plug, "master", "bridge", "up"],
        );
        let mut batch = format!(
            "link set lo up\naddress add {}/24 dev eth0\nlink set eth0 up\n",
            address(host)
        );
        for other in self.all().filter(|other| *other != host) {
            let (at, hardware) = (address(other), hardware(other));
            let line = format!("neighbour add {at} lladdr {hardware} dev eth0 nud permanent");
            writeln!(batch, "{line}").expect("text takes it");
        }
        feed("ip", &["-n", &namespace, "-batch", "-"], &batch);
    }

    /// All hosts' numbers.
    pub(crate) fn all(&self) -> impl Iterator<Item = usize> + use<> {
        1..=self.hosts
    }

    fn namespace(&self, host: usize) -> String {
        format!("{}-{host}", self.name)
    }

    /// What starts a program on a host and becomes it.
    pub(crate) fn command(&self, host: usize) -> Command {
        let mut command = Command::new("ip");
        let namespace = self.namespace(host);
        command.args(["netns", "exec", &namespace, env!("CARGO_BIN_EXE_regrow")]);
        command
    }

    /// A place on a host.
    pub(crate) fn place(&self, host: usize) -> Place {
        Place(Path::new("/run/netns").join(self.namespace(host)))
    }

    /// Nothing gets any further in these directions, from now on and at once; it does in all others.
    pub(crate) fn cut(&self, ways: &[Way]) {
        let mut rules = String::from("flush chain bridge ways cut\n");
        for (from, to) in ways {
            let rule = format!("iifname host{from} oifname host{to} drop");
            writeln!(rules, "add rule bridge ways cut {rule}").expect("text takes it");
        }
        self.rule(&rules);
    }

    /// Everyone reaches everyone again.
    pub(crate) fn heal(&self) {
        self.cut(&[]);
    }

    /// Resets every link that a host's server has to another host.
    pub(crate) fn reset(&self, host: usize) {
        let (own, namespace) = (address(host).to_string(), self.namespace(host));
        let to = format!("dst 10.0.0.0/24 and not dst {own}");
        let reset = ["netns", "exec", &namespace, "ss", "--no-header", "-K", "-t"];
        run("ip", &[&reset[..], &["state", "established", &to]].concat());
    }

    fn rule(&self, rules: &str) {
        let hub = self.namespace(0);
        feed("ip", &["netns", "exec", &hub, "nft", "-f", "-"], rules);
    }

    /// What the server on a host says of itself; `None` if it doesn't answer.
    pub(crate) fn status(&self, host: usize) -> Option<Value> {
        let place = self.place(host);
        let asked = std::thread::spawn(move || {
            place.enter();
            page("/api/status")
        });
        let body = asked.join().expect("asking doesn't panic")?;
        serde_json::from_str(&body).ok()
    }

    /// The arguments of a server on a host that has a page of its own.
    pub(crate) fn arguments(host: usize) -> Vec<String> {
        let page = format!("127.0.0.1:{PAGES}");
        let host = address(host).to_string();
        ["--host", &host, "--http", &page].map(str::to_owned).into()
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for host in 0..=self.hosts {
            let _ = Command::new("ip")
                .args(["netns", "delete", &self.namespace(host)])
                .stderr(Stdio::null())
                .status();
        }
    }
}

impl Place {
    /// Moves the calling thread there, for good.
    pub(crate) fn enter(&self) {
        let namespace = File::open(&self.0).expect("the host is there");
        let network = Some(LinkNameSpaceType::Network);
        move_into_link_name_space(namespace.as_fd(), network).expect("root may go there");
    }
}

/// Where a host's server is.
pub(crate) fn server(host: usize) -> SocketAddr {
    (address(host), PORT).into()
}

fn address(host: usize) -> Ipv4Addr {
    let host = u8::try_from(host).expect("there are few hosts");
    Ipv4Addr::new(10, 0, 0, host)
}

fn hardware(host: usize) -> String {
    format!("02:00:00:00:00:{host:02x}")
}

fn page(path: &str) -> Option<String> {
    let wait = Duration::from_secs(2);
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, PAGES)).ok()?;
    stream.set_read_timeout(Some(wait)).ok()?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nhost: server\r\nconnection: close\r\n\r\n"
    )
    .ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (_, body) = answer.split_once("\r\n\r\n")?;
    Some(body.to_owned())
}

fn run(program: &str, arguments: &[&str]) {
    let mut command = Command::new(program);
    let status = command.args(arguments).stdout(Stdio::null()).status();
    assert!(
        status.is_ok_and(|status| status.success()),
        "{program} {arguments:?}: it takes root, iproute2 and nftables"
    );
}

fn feed(program: &str, arguments: &[&str], lines: &str) {
    let mut command = Command::new(program);
    let child = command.args(arguments).stdin(Stdio::piped()).spawn();
    let mut child = child.expect("iproute2 and nftables are there");
    let mut input = child.stdin.take().expect("its input is ours");
    input.write_all(lines.as_bytes()).expect("it reads");
    drop(input);
    let status = child.wait().expect("it is our child");
    assert!(status.success(), "{program} {arguments:?}: {lines}");
}
