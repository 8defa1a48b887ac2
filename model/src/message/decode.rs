//! From a line to a message. What is decided here depends on the line alone: is it JSON, is the command one
//! that its hearer knows, is every needed field there and of its type. A named user's LOGIN, REGISTER and
//! ACTIVITY_MESSAGE need a secret, `anonymous` never has one. All else (is the name known, the secret
//! right, the command allowed now) depends on state, and is the actor's.

use serde::Deserialize;

use super::client::{Field, From, Info, Reply, Request, Resume, Resumed, Secret};
use super::fields::{CLIENT_LIMIT_BYTES, Fields, within};
use super::tagged::{self, TaggedError};
use super::{Address, ClientId, Line, Peer, Stamp, Stream, Username};

/// The version of what servers say to each other. One with another version is not understood.
pub const VERSION: u32 = 6;

/// Who a line is for. Some commands are said in more than one direction; and a command that its hearer
/// never has to hear is as unknown to it as any other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hearer {
    /// A server: it hears clients and other servers.
    Server,
    /// A client: it hears a server.
    Client,
}

impl Line {
    /// Reads one line, without its end. Never fails: what is wrong with it is a [`Line::Malformed`].
    pub fn decode(bytes: &[u8], hearer: Hearer) -> Self {
        let Ok(text) = std::str::from_utf8(bytes) else {
            return Self::Malformed(Info::NotJson);
        };
        let line = Fields::parse(text).and_then(|fields| {
            let command = fields.command()?;
            match hearer {
                Hearer::Client => reply(&command, &fields).map(Self::Reply),
                Hearer::Server => match request(&command, &fields)? {
                    Some(request) => Ok(Self::Request(Box::new(request))),
                    None => peer(&command, &fields, text).map(Self::Peer),
                },
            }
        });
        line.unwrap_or_else(Self::Malformed)
    }
}

/// What a client says; `None` if no client says it.
fn request(command: &str, fields: &Fields<'_>) -> Result<Option<Request>, Info> {
    Ok(Some(match command {
        "ACTIVITY_MESSAGE" => {
            let (username, secret) = credentials(fields)?;
            Request::Activity {
                username,
                secret,
                activity: fields.activity()?,
                k: fields.optional(Field::K)?,
            }
        }
        "ACTIVITY_GOT" => Request::Got {
            cursor: fields.required(Field::Cursor)?,
        },
        "LOGIN" => {
            let (username, secret) = credentials(fields)?;
            let resume: Option<Resume> = fields.optional(Field::Resume)?;
            if let Some(resume) = &resume {
                within(Field::Resume, resume.client.as_str(), CLIENT_LIMIT_BYTES)?;
            }
            Request::Login {
                username,
                secret,
                resume,
            }
        }
        "REGISTER" => Request::Register {
            username: fields.username()?,
            secret: fields.secret()?.ok_or(Info::Missing(Field::Secret))?,
            at: Stamp::default(),
        },
        "LOGOUT" => Request::Logout,
        "INVALID_MESSAGE" => Request::Invalid {
            info: fields.info()?,
        },
        _ => return Ok(None),
    }))
}

/// A user and what proves it: nothing for `anonymous`, a secret for everybody else.
fn credentials(fields: &Fields<'_>) -> Result<(Username, Option<Secret>), Info> {
    let username = fields.username()?;
    let secret = fields.secret()?;
    if username.is_anonymous() {
        Ok((username, None))
    } else if secret.is_none() {
        Err(Info::Missing(Field::Secret))
    } else {
        Ok((username, secret))
    }
}

/// What a server says to a client.
fn reply(command: &str, fields: &Fields<'_>) -> Result<Reply, Info> {
    Ok(match command {
        "ACTIVITY_BROADCAST" => Reply::Broadcast {
            activity: fields.activity()?,
            from: fields
                .optional::<WireFrom>(Field::From)?
                .map(|from| Box::new(from.into())),
        },
        "ACTIVITY_ACK" => Reply::Ack {
            k: fields.required(Field::K)?,
            stable: fields.required(Field::Stable)?,
        },
        "GAP" => Reply::Gap {
            missed: fields.required(Field::Missed)?,
            info: fields.info()?,
            cursor: fields.required(Field::Cursor)?,
        },
        "LOGIN_SUCCESS" => Reply::LoginSuccess {
            info: fields.info()?,
            resumed: resumed(fields)?.map(Box::new),
        },
        "LOGIN_FAILED" => Reply::LoginFailed {
            info: fields.info()?,
        },
        "REDIRECT" => Reply::Redirect {
            to: address(fields)?,
        },
        "REGISTER_SUCCESS" => Reply::RegisterSuccess {
            info: fields.info()?,
        },
        "REGISTER_FAILED" => Reply::RegisterFailed {
            info: fields.info()?,
        },
        "INVALID_MESSAGE" => Reply::Invalid {
            info: fields.info()?,
        },
        "AUTHENTICATION_FAIL" => Reply::AuthenticationFail {
            info: fields.info()?,
        },
        _ => return Err(Info::unknown_command(command)),
    })
}

fn address(fields: &Fields<'_>) -> Result<Address, Info> {
    let hostname: String = fields.required(Field::Hostname)?;
    let port = fields.required(Field::Port)?;
    Address::new(&hostname, port).map_err(|_| Info::WrongType(Field::Hostname))
}

/// The extension of LOGIN_SUCCESS: it is there if its cursor is.
fn resumed(fields: &Fields<'_>) -> Result<Option<Resumed>, Info> {
    let Some(cursor) = fields.optional(Field::Cursor)? else {
        return Ok(None);
    };
    let servers: Vec<WireAddress> = fields.required(Field::Servers)?;
    let servers = servers
        .iter()
        .map(|server| Address::new(&server.hostname, server.port));
    let servers = servers.collect::<Result<_, _>>();
    Ok(Some(Resumed {
        servers: servers.map_err(|_| Info::WrongType(Field::Servers))?,
        cursor,
    }))
}

/// What another server says.
fn peer(command: &str, fields: &Fields<'_>, text: &str) -> Result<Peer, Info> {
    let peer = tagged::decode(command, text).map_err(|error| match error {
        TaggedError::Unknown { .. } => Info::unknown_command(command),
        TaggedError::Fields(_) => Info::WrongFields,
    });
    // A command of another version may look like anything: its version is the better reason.
    match fields.optional(Field::Version)? {
        Some(VERSION) => peer,
        Some::<u32>(_) | None => match peer {
            Err(Info::UnknownCommand(command)) => Err(Info::UnknownCommand(command)),
            Err(_) | Ok(_) => Err(Info::OtherVersion),
        },
    }
}

#[derive(Deserialize)]
struct WireAddress {
    hostname: String,
    port: u16,
}

#[derive(Deserialize)]
struct WireFrom {
    stream: Stream,
    number: u64,
    client: Option<ClientId>,
    k: Option<u64>,
    #[serde(default)]
    repeat: bool,
}

impl std::convert::From<WireFrom> for From {
    fn from(wire: WireFrom) -> Self {
        Self {
            stream: wire.stream,
            number: wire.number,
            sender: wire.client.zip(wire.k),
            repeat: wire.repeat,
        }
    }
}
