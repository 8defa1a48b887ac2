//! From a message to a line: one JSON object and `\n`. The shapes are `docs/protocol.md`'s, Wire.

use serde::Serialize;

use super::client::{Field, From, Reply, Request, Resume, Resumed};
use super::decode::VERSION;
use super::{Activity, Address, ClientId, Line, Stream, tagged};

/// A message that no wire carries.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// It holds what is never sent: a hashed secret, in the place of a plain one.
    #[error("this message goes over no wire: {0}")]
    Json(#[from] serde_json::Error),
    /// It is what the decoder makes of a line that is no message.
    #[error("a malformed line is heard, never said")]
    Malformed,
}

impl Line {
    /// Appends the line and its `\n`.
    ///
    /// # Errors
    /// [`EncodeError`], and nothing is appended.
    pub fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let before = out.len();
        let done = match self {
            Self::Request(message) => request(message, out).map_err(EncodeError::from),
            Self::Reply(message) => reply(message, out).map_err(EncodeError::from),
            Self::Peer(message) => tagged::encode(message, VERSION, out).map_err(EncodeError::from),
            Self::Malformed(_) => Err(EncodeError::Malformed),
        };
        match done {
            Ok(()) => out.push(b'\n'),
            Err(_) => out.truncate(before),
        }
        done
    }
}

fn request(message: &Request, out: &mut Vec<u8>) -> serde_json::Result<()> {
    match message {
        Request::Register {
            username,
            secret,
            at: _,
        } => Object::begin("REGISTER", out)
            .field(Field::Username, username)?
            .field(Field::Secret, secret)?
            .end(),
        Request::Login {
            username,
            secret,
            resume,
        } => Object::begin("LOGIN", out)
            .field(Field::Username, username)?
            .optional(Field::Secret, secret.as_ref())?
            .optional::<Resume>(Field::Resume, resume.as_ref())?
            .end(),
        Request::Logout => Object::begin("LOGOUT", out).end(),
        Request::Activity {
            username,
            secret,
            activity,
            k,
        } => Object::begin("ACTIVITY_MESSAGE", out)
            .field(Field::Username, username)?
            .optional(Field::Secret, secret.as_ref())?
            .activity(activity)
            .optional(Field::K, k.as_ref())?
            .end(),
        Request::Got { cursor } => Object::begin("ACTIVITY_GOT", out)
            .field(Field::Cursor, cursor)?
            .end(),
        Request::Invalid { info } => Object::begin("INVALID_MESSAGE", out)
            .field(Field::Info, info)?
            .end(),
    }
}

fn reply(message: &Reply, out: &mut Vec<u8>) -> serde_json::Result<()> {
    match message {
        Reply::LoginSuccess { info, resumed } => {
            let object = Object::begin("LOGIN_SUCCESS", out).field(Field::Info, info)?;
            match resumed.as_deref() {
                None => object.end(),
                Some(Resumed { servers, cursor }) => {
                    let servers: Vec<_> = servers.iter().map(WireAddress::new).collect();
                    object
                        .field(Field::Servers, &servers)?
                        .field(Field::Cursor, cursor)?
                        .end()
                }
            }
        }
        Reply::LoginFailed { info } => Object::begin("LOGIN_FAILED", out)
            .field(Field::Info, info)?
            .end(),
        Reply::Redirect { to } => Object::begin("REDIRECT", out)
            .field(Field::Hostname, to.host())?
            .field(Field::Port, &to.port())?
            .end(),
        Reply::RegisterSuccess { info } => Object::begin("REGISTER_SUCCESS", out)
            .field(Field::Info, info)?
            .end(),
        Reply::RegisterFailed { info } => Object::begin("REGISTER_FAILED", out)
            .field(Field::Info, info)?
            .end(),
        Reply::Broadcast { activity, from } => Object::begin("ACTIVITY_BROADCAST", out)
            .activity(activity)
            .optional(Field::From, from.as_deref().map(WireFrom::new).as_ref())?
            .end(),
        Reply::Invalid { info } => Object::begin("INVALID_MESSAGE", out)
            .field(Field::Info, info)?
            .end(),
        Reply::AuthenticationFail { info } => Object::begin("AUTHENTICATION_FAIL", out)
            .field(Field::Info, info)?
            .end(),
        Reply::Ack { k, stable } => Object::begin("ACTIVITY_ACK", out)
            .field(Field::K, k)?
            .field(Field::Stable, stable)?
            .end(),
        Reply::Gap {
            missed,
            info,
            cursor,
        } => Object::begin("GAP", out)
            .field(Field::Missed, missed)?
            .field(Field::Info, info)?
            .field(Field::Cursor, cursor)?
            .end(),
    }
}

/// A JSON object that is being written, field by field.
struct Object<'a>(&'a mut Vec<u8>);

impl<'a> Object<'a> {
    fn begin(command: &'static str, out: &'a mut Vec<u8>) -> Self {
        out.extend_from_slice(b"{\"command\":\"");
        out.extend_from_slice(command.as_bytes());
        out.push(b'"');
        Self(out)
    }

    fn key(&mut self, field: Field) {
        self.0.extend_from_slice(b",\"");
        self.0.extend_from_slice(field.name().as_bytes());
        self.0.extend_from_slice(b"\":");
    }

    fn field<T: Serialize + ?Sized>(mut self, field: Field, value: &T) -> serde_json::Result<Self> {
        self.key(field);
        serde_json::to_writer(&mut *self.0, value)?;
        Ok(self)
    }

    fn optional<T: Serialize>(self, field: Field, value: Option<&T>) -> serde_json::Result<Self> {
        match value {
            Some(value) => self.field(field, value),
            None => Ok(self),
        }
    }

    /// An activity is JSON already: its text is copied, not gone over again.
    fn activity(mut self, activity: &Activity) -> Self {
        self.key(Field::Activity);
        self.0.extend_from_slice(activity.as_str().as_bytes());
        self
    }

    fn end(self) -> serde_json::Result<()> {
        self.0.push(b'}');
        Ok(())
    }
}

#[derive(Serialize)]
struct WireAddress<'a> {
    hostname: &'a str,
    port: u16,
}

impl<'a> WireAddress<'a> {
    fn new(address: &'a Address) -> Self {
        Self {
            hostname: address.host(),
            port: address.port(),
        }
    }
}

#[derive(Serialize)]
struct WireFrom<'a> {
    stream: &'a Stream,
    number: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<&'a ClientId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    k: Option<u64>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    repeat: bool,
}

impl<'a> WireFrom<'a> {
    fn new(from: &'a From) -> Self {
        Self {
            stream: &from.stream,
            number: from.number,
            client: from.sender.as_ref().map(|(client, _)| client),
            k: from.sender.as_ref().map(|(_, k)| *k),
            repeat: from.repeat,
        }
    }
}
