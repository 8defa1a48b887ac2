//! Every message as it stands on the wire, for review by eye against `docs/protocol.md`.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::message::client::{Field, From, Info, Resume, Resumed, Secret, Vector};
use crate::message::fields::USERNAME_LIMIT_BYTES;
use crate::message::server::{
    Changes, Hello, Join, Load, Lock, LockDenied, LockRequest, Message, Phase, Record, Sender,
    Server, Session, Sessions, Skip, Version, Winner,
};
use crate::message::tagged::{self, TaggedError};
use crate::message::*;

/// Compares with `snapshots/NAME.snap` at the top of the repository.
fn assert_snapshot(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../../../../snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

fn lines(lines: impl IntoIterator<Item = Line>) -> String {
    let mut out = Vec::new();
    for line in lines {
        line.encode(&mut out).unwrap();
    }
    String::from_utf8(out).unwrap()
}

fn aaron() -> Username {
    Username::from("aaron")
}

fn s1() -> Secret {
    Secret::Plain("s1".into())
}

fn said() -> Activity {
    Activity::parse(r#"{"object":"hi"}"#).unwrap()
}

fn address(port: u16) -> Address {
    Address::new("127.0.0.1", port).unwrap()
}

fn incarnation() -> Incarnation {
    Incarnation {
        number: 1_795_000_000_000,
        nonce: 0xc0ff_ee00_dead_beef,
    }
}

fn stream(port: u16) -> Stream {
    let server = ServerName::from(address(port).as_str());
    Stream {
        server,
        incarnation: incarnation(),
    }
}

fn cursor() -> Vector {
    [(stream(3780), 12_u64), (stream(3781), 3)]
        .into_iter()
        .collect()
}

fn server_id(port: u16) -> ServerId {
    ServerId {
        born: Stamp(1_794_000_000_000 + u64::from(port)),
        name: ServerName::from(address(port).as_str()),
    }
}

fn known(port: u16) -> (ServerName, Server) {
    let ServerId { born, name } = server_id(port);
    (
        name,
        Server {
            born,
            incarnation: incarnation(),
            address: address(port),
        },
    )
}

fn activity(username: Username, secret: Option<Secret>, k: Option<u64>) -> Request {
    Request::Activity {
        username,
        secret,
        activity: said(),
        k,
    }
}

#[test]
fn what_an_original_client_says() {
    let requests = [
        Request::Register {
            username: aaron(),
            secret: s1(),
            at: Stamp(5),
        },
        Request::Login {
            username: aaron(),
            secret: Some(s1()),
            resume: None,
        },
        Request::Login {
            username: Username::anonymous(),
            secret: None,
            resume: None,
        },
        activity(aaron(), Some(s1()), None),
        activity(Username::anonymous(), None, None),
        Request::Logout,
        Request::Invalid {
            info: Info::NotJson,
        },
    ];
    let requests = requests.map(Line::from);
    assert_snapshot("wire_client", &lines(requests));
}

#[test]
fn what_a_server_says_to_an_original_client() {
    let replies = [
        Reply::LoginSuccess {
            info: Info::LoggedIn(aaron()),
            resumed: None,
        },
        Reply::LoginFailed {
            info: Info::WrongSecret,
        },
        Reply::Redirect { to: address(3780) },
        Reply::RegisterSuccess {
            info: Info::Registered(aaron()),
        },
        Reply::RegisterFailed {
            info: Info::NameTaken(aaron()),
        },
        Reply::Broadcast {
            activity: said().sign(&aaron()),
            from: None,
        },
        Reply::Invalid {
            info: Info::NoCommand,
        },
        Reply::AuthenticationFail {
            info: Info::IncorrectSecret,
        },
    ];
    assert_snapshot("wire_server_to_client", &lines(replies.map(Line::Reply)));
}

#[test]
fn what_our_own_client_asks_for_and_gets() {
    let resume = |cursor, said| Request::Login {
        username: aaron(),
        secret: Some(s1()),
        resume: Some(Resume {
            client: ClientId::from("c1"),
            cursor,
            said,
        }),
    };
    let requests = [
        resume(None, 0),
        resume(Some(cursor()), 0),
        resume(Some(cursor()), 6),
        activity(aaron(), Some(s1()), Some(7)),
        Request::Got { cursor: cursor() },
    ];
    let resumed = Resumed {
        servers: vec![address(3781), "[::1]:3782".parse().unwrap()],
        cursor: cursor(),
    };
    let from = |sender, repeat| {
        Some(Box::new(From {
            stream: stream(3780),
            number: 12,
            sender,
            repeat,
        }))
    };
    let sender = || Some((ClientId::from("c1"), 7));
    let broadcast = |from| Reply::Broadcast {
        activity: said().sign(&aaron()),
        from,
    };
    let replies = [
        Reply::LoginSuccess {
            info: Info::LoggedIn(aaron()),
            resumed: Some(Box::new(resumed)),
        },
        broadcast(from(sender(), false)),
        broadcast(from(sender(), true)),
        broadcast(from(None, false)),
        Reply::Ack { k: 7, stable: 5 },
        Reply::Gap {
            missed: 3,
            info: Info::MailboxFull,
            cursor: Box::new(cursor()),
        },
    ];
    let requests = lines(requests.map(Line::from));
    let replies = lines(replies.map(Line::Reply));
    assert_snapshot(
        "wire_extension",
        &format!("client\n{requests}\nserver\n{replies}"),
    );
}

fn load(port: u16, clients: Option<u64>) -> Load {
    Load {
        server: stream(port),
        number: 5,
        clients,
    }
}

/// One example of each message between servers. A message that lacks one fails the test below.
fn peers() -> Vec<Peer> {
    let join = Join {
        secret: Secret::Plain("gen1p85md2qnq0d59qll3fbcoa".into()),
        id: server_id(3781),
        incarnation: incarnation(),
        root: server_id(3781),
        known: vec![known(3781), known(3782)],
    };
    let hello = Hello {
        directory: cursor(),
        sessions: Vector::new(),
        have: cursor(),
        loads: vec![load(3780, None)],
    };
    vec![
        Peer::Authenticate(Box::new(join)),
        Peer::AuthenticationFail {
            info: Info::IncorrectServerSecret,
        },
        Peer::Path {
            path: vec![server_id(3780)],
            children: vec![server_id(3781)],
        },
        Peer::Known {
            servers: vec![known(3780)],
        },
        Peer::Forget {
            secret: Secret::Plain("system".into()),
            server: known(3781).0,
        },
        Peer::Retired {
            servers: vec![(known(3781).0, known(3781).1.incarnation)],
        },
        Peer::Hello(Box::new(hello)),
        Peer::ServerAnnounce {
            loads: vec![load(3781, Some(2))],
        },
    ]
    .into_iter()
    .chain(locks())
    .chain(directory())
    .chain(delivery())
    .collect()
}

fn claim() -> Claim {
    Claim {
        registertime: Stamp(1_795_000_000_001),
        origin: stream(3780),
    }
}

fn record() -> Record {
    let Claim {
        registertime,
        origin,
    } = claim();
    Record {
        registration: Registration {
            registertime,
            origin,
            number: 12,
        },
        secret: hash(),
    }
}

fn hash() -> SecretHash {
    SecretHash::from("$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA")
}

fn locks() -> Vec<Peer> {
    let lock = Lock {
        username: aaron(),
        claim: claim(),
    };
    let denied = |winner| {
        Peer::LockDenied(Box::new(LockDenied {
            username: aaron(),
            claim: claim(),
            winner,
        }))
    };
    let reserved = Winner::Reserved {
        claim: claim(),
        secret: hash(),
    };
    vec![
        Peer::LockRequest(Box::new(LockRequest {
            username: aaron(),
            claim: claim(),
            secret: hash(),
        })),
        Peer::LockAllowed(Box::new(lock.clone())),
        denied(None),
        denied(Some(reserved)),
        denied(Some(Winner::Registered(record()))),
        Peer::LockRelease(Box::new(lock)),
    ]
}

fn directory() -> Vec<Peer> {
    let changes = Changes {
        stream: stream(3780),
        after: 10,
        upto: 12,
        records: vec![(aaron(), record())],
        lost: Vec::new(),
    };
    let lost = Changes {
        stream: stream(3781),
        after: 0,
        upto: 1,
        records: vec![(aaron(), record())],
        lost: vec![(1, aaron())],
    };
    vec![
        Peer::Directory(Box::new(changes)),
        Peer::Directory(Box::new(lost)),
        Peer::DirectoryCredit { chunks: 4 },
    ]
}

fn delivery() -> Vec<Peer> {
    let registration = record().registration;
    let message = |sender| Message {
        stream: stream(3780),
        number: 12,
        sender,
        activity: said().sign(&aaron()),
    };
    let client = ClientId::from("c1");
    let sender = Sender {
        username: aaron(),
        client: client.clone(),
    };
    let numbered = message(Some((sender.clone(), 7)));
    let session = |phase| Session {
        version: Version {
            counter: 2,
            home: stream(3781),
        },
        phase,
        client: Some(client.clone()),
        cursor: cursor(),
        changes: cursor(),
        sent_on: u8::from(phase == Phase::Left),
    };
    let phases = [
        Phase::CatchingUp,
        Phase::Live,
        Phase::Left,
        Phase::Expired,
        Phase::Out,
    ];
    let sessions = phases.map(|phase| (registration.clone(), session(phase)));
    vec![
        Peer::ActivityBroadcast(Arc::new(numbered)),
        Peer::ActivityBroadcast(Arc::new(message(None))),
        Peer::Skip(Box::new(Skip {
            base: cursor(),
            said: vec![(sender, 7)],
            more: false,
        })),
        Peer::Sessions(Box::new(Sessions {
            stream: stream(3781),
            after: 3,
            upto: 7,
            sessions: sessions.into(),
        })),
        Peer::DeliveryCredit { lines: 2_048 },
        Peer::Leave,
        Peer::Left,
        Peer::Floors {
            floors: vec![(ServerName::from("127.0.0.1:3780"), cursor())],
        },
    ]
}

#[test]
fn what_servers_say_to_each_other() {
    let mut shown = BTreeSet::new();
    for peer in peers() {
        let text = lines([Line::Peer(peer.clone())]);
        let read = Line::decode(text.trim_end().as_bytes(), Hearer::Server);
        // A reason comes back in its words, not as a value.
        assert_eq!(lines([read]), text);
        let object: serde_json::Value = serde_json::from_str(&text).unwrap();
        shown.insert(object["command"].as_str().unwrap().to_owned());
    }
    let Err(TaggedError::Unknown { known }) = tagged::decode::<Peer>("", "{}") else {
        panic!("there is a command without a name")
    };
    assert_eq!(
        shown,
        known.iter().map(|&command| command.to_owned()).collect()
    );
    assert_snapshot(
        "wire_server_to_server",
        &lines(peers().into_iter().map(Line::Peer)),
    );
}

/// The reason after this one, in the order of [`Info`], so that none can be left out.
fn next(info: &Info) -> Option<Info> {
    Some(match info {
        Info::LoggedIn(_) => Info::Registered(aaron()),
        Info::Registered(_) => Info::WrongSecret,
        Info::WrongSecret => Info::UnknownUser(aaron()),
        Info::UnknownUser(_) => Info::NameTaken(aaron()),
        Info::NameTaken(_) => Info::NameLost(aaron()),
        Info::NameLost(_) => Info::AnonymousName,
        Info::AnonymousName => Info::TooManyRegistering,
        Info::TooManyRegistering => Info::LineTooLong {
            limit_bytes: framing::LINE_LIMIT_BYTES,
        },
        Info::LineTooLong { .. } => Info::TooLong {
            field: Field::Username,
            limit_bytes: USERNAME_LIMIT_BYTES,
        },
        Info::TooLong { .. } => Info::NotJson,
        Info::NotJson => Info::NotAnObject,
        Info::NotAnObject => Info::NoCommand,
        Info::NoCommand => Info::unknown_command("login"),
        Info::UnknownCommand(_) => Info::Missing(Field::Username),
        Info::Missing(Field::Username) => Info::Missing(Field::Activity),
        Info::Missing(_) => Info::WrongType(Field::from_name("command").unwrap()),
        Info::WrongType(field) => match next_field(*field) {
            Some(field) => Info::WrongType(field),
            None => Info::WrongFields,
        },
        Info::WrongFields => Info::OtherVersion,
        Info::OtherVersion => Info::AlreadyLoggedIn,
        Info::AlreadyLoggedIn => Info::NotAuthenticated,
        Info::NotAuthenticated => Info::NotExpected,
        Info::NotExpected => Info::TooManyWaiting,
        Info::TooManyWaiting => Info::NotResuming,
        Info::NotResuming => Info::NumberSkipped,
        Info::NumberSkipped => Info::NotLoggedIn,
        Info::NotLoggedIn => Info::OtherUser,
        Info::OtherUser => Info::IncorrectSecret,
        Info::IncorrectSecret => Info::IncorrectServerSecret,
        Info::IncorrectServerSecret => Info::MailboxFull,
        Info::MailboxFull => Info::MailboxExpired,
        Info::MailboxExpired => Info::ServerForgotten,
        Info::ServerForgotten => Info::ClientForgotten,
        Info::ClientForgotten => Info::Text("what somebody else wrote".into()),
        Info::Text(_) => return None,
    })
}

/// The field after this one, in the order of [`Field`].
fn next_field(field: Field) -> Option<Field> {
    Some(match field {
        Field::Command => Field::Username,
        Field::Username => Field::Secret,
        Field::Secret => Field::Activity,
        Field::Activity => Field::Info,
        Field::Info => Field::Hostname,
        Field::Hostname => Field::Port,
        Field::Port => Field::Resume,
        Field::Resume => Field::K,
        Field::K => Field::Servers,
        Field::Servers => Field::Cursor,
        Field::Cursor => Field::From,
        Field::From => Field::Stable,
        Field::Stable => Field::Missed,
        Field::Missed => Field::Version,
        Field::Version => return None,
    })
}

#[test]
fn every_reason_in_its_words() {
    let infos = std::iter::successors(Some(Info::LoggedIn(aaron())), next);
    let text: String = infos.map(|info| format!("{:?}: {info}\n", info)).collect();
    assert_snapshot("wire_infos", &text);
}

#[test]
fn what_is_answered_to_what_is_no_message() {
    let mut text = String::new();
    for heard in [
        "hello",
        "5",
        "{}",
        r#"{"command":null}"#,
        r#"{"command":5}"#,
        r#"{"command":"login","username":"aaron","secret":"s1"}"#,
        r#"{"command":"LOGIN_SUCCESS"}"#,
        r#"{"command":"LOGIN","secret":"s1"}"#,
        r#"{"command":"LOGIN","username":"aaron"}"#,
        r#"{"command":"LOGIN","username":"aaron","secret":12321}"#,
        r#"{"command":"REGISTER","username":"aaron","secret":""}"#,
        r#"{"command":"ACTIVITY_MESSAGE","username":"anonymous"}"#,
        r#"{"command":"ACTIVITY_MESSAGE","username":"anonymous","activity":"hi"}"#,
        r#"{"command":"AUTHENTICATE","secret":"gen1p85md2qnq0d59qll3fbcoa"}"#,
        r#"{"command":"PATH","v":6}"#,
    ] {
        let Line::Malformed(info) = Line::decode(heard.as_bytes(), Hearer::Server) else {
            panic!("{heard} was understood")
        };
        let answer = lines([Line::Reply(Reply::Invalid { info })]);
        text.push_str(&format!("C: {heard}\nS: {answer}\n"));
    }
    assert_snapshot("wire_malformed", &text);
}

#[test]
fn the_user_file_in_its_three_shapes() {
    let files = [
        r#"{"my_user":{"my_secret":"","registertime":0}}"#.to_owned(),
        r#"{"aaron":{"password":"s1","registertime":1795000000000}}"#.to_owned(),
        user_file::write([
            (
                &aaron(),
                &SecretHash::from("$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA"),
                Stamp(1_795_000_000_000),
            ),
            (
                &Username::from("zoë"),
                &SecretHash::from("$argon2id$…"),
                Stamp(0),
            ),
        ]),
    ];
    let mut text = String::new();
    for file in files {
        text.push_str(&format!("{file}\n"));
        for user in user_file::read(&file).unwrap() {
            let kind = match user.secret {
                Secret::Plain(_) => "plain",
                Secret::Hashed(_) => "hashed",
            };
            text.push_str(&format!(
                "  {}, {kind}, {}\n",
                user.username, user.registertime.0
            ));
        }
    }
    assert_snapshot("user_file", &text);
}
