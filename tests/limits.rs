//! Each limit as a client meets it, over whatever carries its lines: it is told which, and nobody else notices.

mod process;

use std::path::Path;
use std::time::Instant;

use process::laboratory::Laboratory;
use process::talks::{Carrier, Talks};
use process::{PATIENCE, Server};
use tempfile::TempDir;

const LOGIN: &str = r#"{"command":"LOGIN","username":"anonymous"}"#;

macro_rules! over {
    ($($name:ident: $carrier:expr),* $(,)?) => {$(
        mod $name {
            use super::*;

            over!($carrier, [
                one_connection_too_many_is_refused_and_the_others_stay,
                one_address_has_no_more_than_its_share_of_connections,
                who_doesnt_log_in_is_sent_away_and_who_has_may_be_silent,
                a_line_that_is_too_long_is_refused,
                a_name_or_secret_that_is_too_long_is_refused,
                who_speaks_too_fast_is_told_so_and_closed,
                who_tries_too_many_secrets_is_told_so_and_who_knows_his_gets_in,
            ]);
        }
    )*};
    ($carrier:expr, [$($limit:ident),* $(,)?]) => {$(
        #[test]
        fn $limit() {
            super::$limit($carrier);
        }
    )*};
}

over!(
    tcp: Carrier::Tcp,
    tls: Carrier::Tls,
    websocket: Carrier::Ws,
    websocket_within_tls: Carrier::Wss,
);

/// A server, and who connects to it by one carrier.
struct Place {
    server: Server,
    laboratory: Laboratory,
    carrier: Carrier,
    _data: TempDir,
}

impl Place {
    fn new(carrier: Carrier, flags: &[&str]) -> Self {
        let laboratory = Laboratory::new();
        let data = tempfile::tempdir().expect("a directory can be made");
        let path: &Path = data.path();
        let server = match carrier {
            Carrier::Tcp | Carrier::Ws => Server::start(path, flags),
            Carrier::Tls | Carrier::Wss => laboratory.start(path, flags),
        };
        Self {
            server,
            laboratory,
            carrier,
            _data: data,
        }
    }

    fn client(&self) -> Box<dyn Talks> {
        self.carrier.connect(&self.server, &self.laboratory)
    }

    /// A client that is logged in.
    fn guest(&self) -> Box<dyn Talks> {
        let mut client = self.client();
        client.says(LOGIN);
        hears(&mut *client, "LOGIN_SUCCESS");
        client
    }

    /// Another connection is refused before it has said anything. Who speaks lines is told why: TLS and WebSocket would have to be agreed on
    /// first, and that costs more than is to be spent on it.
    fn is_full(&self, why: &str) {
        match self.carrier {
            Carrier::Tcp => {
                let refusal = refusal(&mut *self.client());
                assert!(refusal.contains(why), "{refusal}");
            }
            Carrier::Tls | Carrier::Ws | Carrier::Wss => {
                let reached = self.carrier.reach(&self.server, &self.laboratory);
                assert!(reached.is_none(), "there is no place");
            }
        }
    }
}

/// What it says next is this.
fn hears(client: &mut dyn Talks, what: &str) -> String {
    let line = client.hears().expect("an answer");
    assert!(line.contains(what), "{line}");
    line
}

/// Why a connection is closed.
fn refusal(client: &mut dyn Talks) -> String {
    let line = hears(client, "INVALID_MESSAGE");
    assert_eq!(client.hears(), None, "it is closed after {line}");
    line
}

fn one_connection_too_many_is_refused_and_the_others_stay(carrier: Carrier) {
    let place = Place::new(carrier, &["--max-connections", "2"]);
    let (mut one, other) = (place.guest(), place.guest());
    place.is_full("as many connections as it takes");
    one.says(LOGIN);
    hears(&mut *one, "LOGIN_SUCCESS");

    // A place that is given up is free again.
    drop(other);
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(mut next) = place.carrier.reach(&place.server, &place.laboratory) {
            next.says(LOGIN);
            let answer = next.hears();
            if answer.is_some_and(|line| line.contains("LOGIN_SUCCESS")) {
                break;
            }
        }
        assert!(Instant::now() < deadline, "there is a place");
    }
}

fn one_address_has_no_more_than_its_share_of_connections(carrier: Carrier) {
    let place = Place::new(carrier, &["--max-connections-per-address", "1"]);
    let _one = place.guest();
    place.is_full("too many connections from this address");
}

fn who_doesnt_log_in_is_sent_away_and_who_has_may_be_silent(carrier: Carrier) {
    let place = Place::new(carrier, &["--login-seconds", "5"]);
    let mut friend = place.guest();
    let why = refusal(&mut *place.client());
    assert!(why.contains("no login within 5 s"), "{why}");
    friend.says(LOGIN);
    hears(&mut *friend, "LOGIN_SUCCESS");
}

fn a_line_that_is_too_long_is_refused(carrier: Carrier) {
    let place = Place::new(carrier, &["--max-line-bytes", "2048"]);
    let mut talker = place.guest();
    let text = "x".repeat(3_000);
    talker.says(&format!(
        r#"{{"command":"ACTIVITY_MESSAGE","username":"anonymous","activity":{{"x":"{text}"}}}}"#
    ));
    let why = refusal(&mut *talker);
    assert!(why.contains("2048"), "{why}");
}

fn a_name_or_secret_that_is_too_long_is_refused(carrier: Carrier) {
    let place = Place::new(carrier, &["--max-credential-bytes", "64"]);
    let (long, longest) = ("x".repeat(65), "x".repeat(64));
    for (name, secret) in [("aaron", &*long), (&*long, "s1")] {
        let mut stranger = place.client();
        stranger.says(&format!(
            r#"{{"command":"REGISTER","username":"{name}","secret":"{secret}"}}"#
        ));
        let why = refusal(&mut *stranger);
        assert!(why.contains("too long"), "{why}");
    }
    let mut friend = place.client();
    friend.says(&format!(
        r#"{{"command":"REGISTER","username":"{longest}","secret":"{longest}"}}"#
    ));
    hears(&mut *friend, "REGISTER_SUCCESS");
}

fn who_speaks_too_fast_is_told_so_and_closed(carrier: Carrier) {
    let place = Place::new(carrier, &["--max-activities-per-second", "1"]);
    let mut hasty = place.guest();
    let says = |number| {
        format!(
            r#"{{"command":"ACTIVITY_MESSAGE","username":"anonymous","activity":{{"n":{number}}}}}"#
        )
    };
    hasty.says_all(&(0..20).map(says).collect::<Vec<_>>());
    hears(&mut *hasty, "ACTIVITY_BROADCAST");
    let why = refusal(&mut *hasty);
    assert!(why.contains("too many activities per second"), "{why}");
}

fn who_tries_too_many_secrets_is_told_so_and_who_knows_his_gets_in(carrier: Carrier) {
    let place = Place::new(carrier, &["--max-attempts-per-second", "2"]);
    let mut aaron = place.client();
    aaron.says(r#"{"command":"REGISTER","username":"aaron","secret":"s1"}"#);
    hears(&mut *aaron, "REGISTER_SUCCESS");
    let deadline = Instant::now() + PATIENCE;
    for guess in 0.. {
        let mut thief = place.client();
        thief.says(&format!(
            r#"{{"command":"LOGIN","username":"aaron","secret":"guess {guess}"}}"#
        ));
        let answer = thief.hears().expect("it is answered");
        if answer.contains("too many attempts from this address") {
            break;
        }
        assert!(answer.contains("LOGIN_FAILED"), "{answer}");
        assert!(Instant::now() < deadline, "guessing has an end");
    }
    // What has been proven once costs nothing to prove again.
    let mut again = place.client();
    again.says(r#"{"command":"LOGIN","username":"aaron","secret":"s1"}"#);
    hears(&mut *again, "LOGIN_SUCCESS");
}
