//! What the wire formats are held to.

use super::client::{Info, Secret};
use super::*;

mod heard;
mod hostile;
mod refused;
mod snapshots;

fn heard_by(hearer: Hearer, line: &str) -> Line {
    Line::decode(line.as_bytes(), hearer)
}

fn server_hears(line: &str) -> Line {
    heard_by(Hearer::Server, line)
}

fn malformed(line: &str) -> Info {
    match server_hears(line) {
        Line::Malformed(info) => info,
        Line::Request(_) | Line::Reply(_) | Line::Peer(_) => panic!("{line} was understood"),
    }
}

fn written(line: &Line) -> String {
    let mut out = Vec::new();
    line.encode(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn login(username: &str, secret: Option<&str>) -> Line {
    Line::from(Request::Login {
        username: Username::from(username),
        secret: secret.map(|secret| Secret::Plain(secret.into())),
        resume: None,
    })
}

fn said(line: &str) -> Activity {
    let Line::Request(request) = server_hears(line) else {
        panic!("{line}")
    };
    let Request::Activity { activity, .. } = *request else {
        panic!("{line}")
    };
    activity
}

fn stream(server: &str) -> Stream {
    Stream {
        server: ServerName::from(server),
        incarnation: Incarnation {
            number: 1,
            nonce: 0x9f,
        },
    }
}

#[test]
fn a_line_is_small_for_it_waits_in_queues_by_the_million() {
    assert!(size_of::<Line>() <= 56, "{} bytes", size_of::<Line>());
}

#[test]
fn a_hashed_secret_goes_over_no_wire_and_no_secret_is_ever_shown() {
    let request = Request::Register {
        username: Username::from("aaron"),
        secret: Secret::Hashed(SecretHash::from("$argon2id$x")),
        at: Stamp(5),
    };
    let mut out = b"before".to_vec();
    assert!(Line::from(request.clone()).encode(&mut out).is_err());
    assert_eq!(out, b"before");
    assert!(Line::Malformed(Info::NotJson).encode(&mut out).is_err());

    assert!(!format!("{request:?}").contains("argon2id"));
    assert!(!format!("{:?}", login("aaron", Some("s1"))).contains("s1"));
}
