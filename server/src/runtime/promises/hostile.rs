//! What a far end that means harm, or knows no better, can't do.

use std::time::Duration;

use regrow_model::message::client::{Info, Secret};
use regrow_model::message::{Line, Reply, Request, Username};
use regrow_model::port::{Input, Link};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use super::puppet::{By, Heard, LIMITS, PACE, Pull, Puppet, line, login, server_line, until, wire};
use crate::transport::Limits;

/// What a WebSocket begins with.
const ASKS: &[u8] =
    b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// The next line that comes in, and over which link.
async fn next_line(puppet: &mut Puppet) -> (Link, Line) {
    loop {
        match puppet.hears().await {
            Heard::Input(Input::Line { link, line }) => return (link, line),
            Heard::Input(_) | Heard::Fired(_) | Heard::Chosen(_) => {}
        }
    }
}

/// A WebSocket whose kernel takes little.
async fn narrow_websocket(puppet: &Puppet) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4 << 10).unwrap();
    let address = puppet.address.as_str().parse().unwrap();
    let mut stream = socket.connect(address).await.unwrap();
    stream.write_all(ASKS).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        answer.push(stream.read_u8().await.unwrap());
    }
    stream
}

#[tokio::test]
async fn who_pings_and_never_reads_the_answers_is_not_read_any_more() {
    let puppet = Puppet::by(By::WebSocket).await;
    let mut stream = narrow_websocket(&puppet).await;
    // 125 bytes each, masked with zeros.
    let mut ping = vec![0x89, 0x80 | 125, 0, 0, 0, 0];
    ping.resize(6 + 125, b'p');
    let pings = ping.repeat(1 << 10);
    let mut written = 0;
    while timeout(Duration::from_secs(1), stream.write_all(&pings))
        .await
        .is_ok()
    {
        written += pings.len();
        // More than the buffers of both sockets, both ways.
        assert!(written < 64 << 20, "the answers are kept for ever");
    }
}

#[tokio::test]
async fn what_only_servers_say_makes_nobody_a_server_who_has_not_proven_it() {
    let mut puppet = Puppet::new().await;
    let (mut raw, _) = puppet.raw().await;
    raw.say(&server_line()).await;
    assert_eq!(next_line(&mut puppet).await.1, server_line());
    let long = vec![b'x'; LIMITS.line_bytes + 2];
    raw.stream().write_all(&long).await.unwrap();
    let limit_bytes = LIMITS.line_bytes;
    let too_long = Line::Malformed(Info::LineTooLong { limit_bytes });
    assert_eq!(next_line(&mut puppet).await.1, too_long);
}

#[tokio::test]
async fn who_has_proven_to_be_a_server_may_say_longer_lines_than_clients() {
    let mut puppet = Puppet::new().await;
    let (mut raw, _) = puppet.raw().await;
    raw.proves().await;
    raw.say(&server_line()).await;
    assert_eq!(next_line(&mut puppet).await.1, server_line());
    let text = "x".repeat(LIMITS.line_bytes + 2);
    raw.say(&line(&text)).await;
    assert_eq!(next_line(&mut puppet).await.1, line(&text));
}

#[tokio::test]
async fn who_says_what_servers_say_must_prove_it_in_the_time_of_a_stranger() {
    let stranger = Duration::from_millis(300);
    let limits = Limits { stranger, ..LIMITS };
    let mut puppet = Puppet::limited(By::Tcp, limits).await;
    let (mut raw, _) = puppet.raw().await;
    raw.say(&server_line()).await;
    assert_eq!(next_line(&mut puppet).await.1, server_line());
    let (_, line) = next_line(&mut puppet).await;
    assert!(matches!(line, Line::Malformed(_)), "{line:?}");
}

#[tokio::test]
async fn who_waits_for_his_secret_to_be_hashed_is_not_told_that_he_was_late() {
    let stranger = Duration::from_secs(1);
    let limits = Limits { stranger, ..LIMITS };
    let mut puppet = Puppet::limited(By::Tcp, limits).await;
    let mut clients = Vec::new();
    // One is hashed after the other, and all of it takes longer than a stranger has.
    for number in 0..LIMITS.connections {
        let mut client = puppet.knock().await;
        let secret = Some(Secret::Plain(format!("s{number}").into()));
        let (username, resume) = (Username::from("aaron"), None);
        let login = Request::Login {
            username,
            secret,
            resume,
        };
        client.say(&login.into()).await;
        clients.push(client);
    }
    for _ in &clients {
        let (link, line) = next_line(&mut puppet).await;
        assert!(matches!(line, Line::Request(_)), "{line:?}");
        let info = Info::LoggedIn(Username::from("aaron"));
        let resumed = None;
        let welcome = Reply::LoginSuccess { info, resumed };
        puppet.pull([Pull::Say(link, welcome.into())]).await;
    }
}

/// The far end half-closes and never reads.
async fn holds_its_place_no_longer_than_a_close_may_take(by: By) {
    let mut puppet = Puppet::by(by).await;
    let (mut raw, link) = puppet.raw().await;
    raw.say(&login()).await;
    next_line(&mut puppet).await;
    // More than the kernel takes, less than is kept for it.
    let text = "x".repeat(LIMITS.outbox.bytes / 8);
    for _ in 0..7 {
        puppet.pull([Pull::Say(link, line(&text))]).await;
    }
    raw.stream().shutdown().await.unwrap();
    while puppet.hears().await != Heard::Input(Input::Down { link }) {}
    until("its place is free", || puppet.connections() == 0).await;
    drop(raw);
}

#[tokio::test]
async fn who_never_reads_holds_no_place_by_tcp() {
    holds_its_place_no_longer_than_a_close_may_take(By::Tcp).await;
}

#[tokio::test]
async fn who_never_reads_holds_no_place_by_tls() {
    holds_its_place_no_longer_than_a_close_may_take(By::Tls).await;
}

#[tokio::test]
async fn a_server_that_has_been_answered_has_nothing_waiting() {
    let mut puppet = Puppet::new().await;
    let (mut raw, link) = puppet.raw().await;
    raw.proves().await;
    raw.say(&server_line()).await;
    next_line(&mut puppet).await;
    puppet.pull([Pull::Say(link, line("welcome"))]).await;
    assert_eq!(raw.reads().await, Some(wire("welcome")));
    let looks = puppet.looks();
    let mut waits = usize::MAX;
    for _ in 0..100 {
        let see = move |view: &crate::runtime::View<'_, u64>| view.waiting(link);
        let seen = looks.at(Duration::from_secs(5), see).await.unwrap();
        waits = seen.unwrap().bytes;
        if waits == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(waits, 0);
}

#[tokio::test]
async fn a_far_end_that_lets_go_of_a_quic_link_leaves_nothing_behind() {
    let mut puppet = Puppet::by(By::Quic).await;
    let (raw, link) = puppet.raw().await;
    drop(raw);
    assert_eq!(puppet.hears().await, Heard::Input(Input::Down { link }));
    let gone = until("its place is free", || puppet.connections() == 0);
    // Sooner than anybody is waited for.
    assert!(timeout(PACE.linger / 2, gone).await.is_ok());
}

/// Bytes that mean nothing, the same at each run.
struct Nonsense(u64);

impl Nonsense {
    fn number(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn bytes(&mut self, most: u64) -> Vec<u8> {
        let length = self.number() % most;
        (0..length)
            .map(|_| self.number().to_be_bytes()[3])
            .collect()
    }
}

#[tokio::test]
async fn whatever_bytes_come_others_are_served() {
    let mut puppet = Puppet::by(By::Tls).await;
    let address = puppet.address.as_str().to_owned();
    let beginnings: [&[u8]; 7] = [
        b"",
        b"GET ",
        ASKS,
        b"\x16\x03\x01",
        b"\x16\x03\x01\x00\x80\x01\x00\x00\x7c\x03\x03",
        b"{\"command\":\"CHALLENGE\",",
        b"{\"command\":\"LOGIN\",\"username\":\"",
    ];
    let mut nonsense = Nonsense(0x9e37_79b9_7f4a_7c15);
    for beginning in beginnings.repeat(40) {
        let mut stream = TcpStream::connect(&address).await.unwrap();
        stream.write_all(beginning).await.unwrap();
        // It may have been closed by now.
        let _ = stream.write_all(&nonsense.bytes(300)).await;
        drop(stream);
    }
    until("they are gone", || {
        while puppet.has_heard().is_some() {}
        puppet.connections() == 0
    })
    .await;
    let (mut raw, _) = puppet.raw().await;
    raw.say(&line("still here")).await;
    assert_eq!(next_line(&mut puppet).await.1, line("still here"));
}
