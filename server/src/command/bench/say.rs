//! What the bench's clients say. Requests go through the protocol's own encoder; a message, of which there are
//! millions, is put together from bytes that were made once.

use std::io::Write;

use regrow_model::message::client::{Resume, Secret, Vector};
use regrow_model::message::{ClientId, Line, Request, Stamp, Username};

use super::payload::Payload;

/// The secret of all of the bench's users.
const SECRET: &str = "bench";

/// Who a client is.
#[derive(Clone, Debug)]
pub(super) struct Identity {
    username: Username,
    /// Set for a client with our own extension.
    client: Option<ClientId>,
}

impl Identity {
    /// `anonymous`, as a legacy client.
    pub(super) fn anonymous() -> Self {
        Self {
            username: Username::anonymous(),
            client: None,
        }
    }

    /// A user with a name of its own, as a legacy client or one of ours.
    pub(super) fn user(name: &str, resuming: bool) -> Self {
        Self {
            username: Username::from(name),
            client: resuming.then(|| ClientId::from(name)),
        }
    }

    /// Whether it must be registered before its first login.
    pub(super) fn is_user(&self) -> bool {
        !self.username.is_anonymous()
    }

    /// Whether it is a client of ours, with the extension.
    pub(super) fn is_resuming(&self) -> bool {
        self.client.is_some()
    }

    /// Asks for the name.
    pub(super) fn register(&self, out: &mut Vec<u8>) {
        let register = Request::Register {
            username: self.username.clone(),
            secret: Secret::Plain(SECRET.into()),
            at: Stamp(0),
        };
        encode(register, out);
    }

    /// Logs in, from a cursor and with what it has heard of its own, if it is a client of ours.
    pub(super) fn log_in(&self, cursor: Option<Vector>, said: u64, out: &mut Vec<u8>) {
        let login = Request::Login {
            username: self.username.clone(),
            secret: self.is_user().then(|| Secret::Plain(SECRET.into())),
            resume: self.client.clone().map(|client| Resume {
                client,
                cursor,
                said,
            }),
        };
        encode(login, out);
    }

    /// What its messages have in common.
    pub(super) fn words(&self, size: usize) -> Words {
        let name = &self.username;
        let secret = match self.is_user() {
            true => format!(r#","secret":"{SECRET}""#),
            false => String::new(),
        };
        let begin = format!(
            r#"{{"command":"ACTIVITY_MESSAGE","username":"{name}"{secret},"activity":{{"m":""#
        );
        Words {
            begin: begin.into_bytes().into(),
            size,
        }
    }
}

/// Says what was heard.
pub(super) fn got(cursor: Vector, out: &mut Vec<u8>) {
    encode(Request::Got { cursor }, out);
}

/// Leaves for good.
pub(super) fn log_out(out: &mut Vec<u8>) {
    encode(Request::Logout, out);
}

fn encode(request: Request, out: &mut Vec<u8>) {
    let encoded = Line::from(request).encode(out);
    encoded.expect("a request with a plain secret has a line");
}

/// What all messages of one speaker have in common.
#[derive(Debug)]
pub(super) struct Words {
    begin: Box<[u8]>,
    size: usize,
}

impl Words {
    /// A message, with the client's own number for it if it is one of ours.
    pub(super) fn message(&self, payload: &Payload, k: Option<u64>, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.begin);
        payload.write(self.size, out);
        out.extend_from_slice(br#""}"#);
        if let Some(k) = k {
            // Into a vector: cannot fail.
            let _ = write!(out, r#","k":{k}"#);
        }
        out.extend_from_slice(b"}\n");
    }
}

#[cfg(test)]
mod tests {
    use super::super::payload::Kind;
    use super::*;
    use regrow_model::message::Hearer;

    const PAYLOAD: Payload = Payload {
        kind: Kind::Counted,
        run: 5,
        speaker: 1,
        number: 2,
        at: 3,
    };

    fn said(say: impl FnOnce(&mut Vec<u8>)) -> Request {
        let mut line = Vec::new();
        say(&mut line);
        assert_eq!(line.pop(), Some(b'\n'));
        match Line::decode(&line, Hearer::Server) {
            Line::Request(request) => *request,
            other => panic!("a server hears no request: {other:?}"),
        }
    }

    #[test]
    fn a_message_is_what_a_server_reads_as_one() {
        for (identity, number) in [
            (Identity::anonymous(), None),
            (Identity::user("b1", false), None),
            (Identity::user("b1", true), Some(7)),
        ] {
            let words = identity.words(100);
            let message = said(|out| words.message(&PAYLOAD, number, out));
            let Request::Activity {
                username,
                secret,
                activity,
                k,
            } = message
            else {
                panic!("no activity: {message:?}");
            };
            assert_eq!((username, k), (identity.username.clone(), number));
            assert_eq!(secret.is_some(), identity.is_user());
            let (payload, _) = Payload::find(activity.as_str().as_bytes()).expect("it carries one");
            assert_eq!(payload, PAYLOAD);
            assert_eq!(activity.as_str().len(), 100 + r#"{"m":""}"#.len());
        }
    }

    #[test]
    fn only_a_client_of_ours_asks_for_the_extension() {
        let login = |identity: Identity| said(|out| identity.log_in(None, 4, out));
        let Request::Login { resume, secret, .. } = login(Identity::user("b1", true)) else {
            panic!("no login");
        };
        assert_eq!(resume.map(|resume| resume.said), Some(4));
        assert!(secret.is_some());
        let legacy = login(Identity::anonymous());
        assert!(matches!(
            legacy,
            Request::Login {
                resume: None,
                secret: None,
                ..
            }
        ));
    }
}
