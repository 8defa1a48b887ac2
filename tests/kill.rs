//! A server that is killed again and again under load: nothing that it acknowledged is lost, and clients that resume
//! hear everything once, in order.

mod process;

use std::net::Ipv4Addr;
use std::path::Path;
use std::time::{Duration, Instant};

use process::Server;
use process::resuming::{Home, Resuming};
use tempfile::tempdir;

/// No round takes longer, however slow the machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long it takes to look again.
const GLANCE: Duration = Duration::from_millis(2);
/// Who is there. All of them hear everything; the last one says nothing.
const NAMES: [&str; 4] = ["aaron", "bertha", "carl", "mute"];

fn kills_lose_nothing(rounds: u64) {
    let data = tempdir().expect("a directory for the test");
    let mut server = Server::start(data.path(), &[]);
    let port = server.port;
    let home = Home {
        server: (Ipv4Addr::LOCALHOST, port).into(),
        place: None,
        pace: Duration::ZERO,
    };
    let clients: Vec<_> = NAMES.map(|name| Resuming::start(name, home.clone())).into();
    until("everybody is there", &clients, || {
        clients.iter().all(Resuming::is_present)
    });
    let speakers = &clients[..NAMES.len() - 1];
    speakers.iter().for_each(|client| client.speaks(true));
    for round in 0..rounds {
        // Each time at another moment: of a save, of a start, of somebody's return.
        let target = acknowledged(&clients) + 1 + round * 37 % 211;
        until("acknowledgements", &clients, || {
            acknowledged(&clients) >= target
        });
        server.kill();
        server = started(port, data.path());
    }
    speakers.iter().for_each(|client| client.speaks(false));
    until("everybody hears everything", &clients, || {
        clients.iter().all(|listener| {
            let mut speakers = clients.iter();
            speakers.all(|speaker| listener.heard(&speaker.name) >= speaker.acknowledged())
        })
    });
    println!(
        "{rounds} kills, {} messages acknowledged and heard",
        acknowledged(&clients)
    );
    clients.into_iter().for_each(Resuming::leave);
}

fn started(port: u16, data: &Path) -> Server {
    Server::start_on(port, data, &[])
}

fn acknowledged(clients: &[Resuming]) -> u64 {
    clients.iter().map(Resuming::acknowledged).sum()
}

fn until(what: &str, clients: &[Resuming], mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        let well = clients.iter().all(Resuming::is_well);
        assert!(well, "a client has seen what must not be");
        assert!(Instant::now() < deadline, "never: {what}");
        std::thread::sleep(GLANCE);
    }
}

#[test]
fn a_server_that_is_killed_20_times_loses_nothing_that_it_acknowledged() {
    kills_lose_nothing(20);
}

/// `.ci/run` runs it on the release build, and `.ci/deep` with `KILLS=1000`.
#[test]
#[ignore = "takes a while"]
fn a_server_that_is_killed_as_often_as_is_asked_loses_nothing_that_it_acknowledged() {
    let rounds = std::env::var("KILLS").map_or(100, |rounds| {
        rounds.parse().expect("KILLS is how often it is killed")
    });
    kills_lose_nothing(rounds);
}
