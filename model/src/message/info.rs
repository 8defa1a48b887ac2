//! The human-readable reasons of the protocol: every `info` text that goes over a wire. They are for people
//! and logs; no decision ever reads one (`docs/protocol.md`, Refusals).

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use smol_str::SmolStr;

use super::Username;

/// One reason. What another program wrote is kept as [`Info::Text`], whatever it says, so a text that was
/// sent and received again is equal in its words, not as a value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub enum Info {
    // What went well.
    /// The LOGIN was accepted.
    LoggedIn(Username),
    /// The REGISTER was accepted.
    Registered(Username),

    // LOGIN_FAILED.
    /// The name exists and its secret is another one.
    WrongSecret,
    /// Nobody has registered the name.
    UnknownUser(Username),

    // REGISTER_FAILED.
    /// Somebody has the name, or is getting it at this moment.
    NameTaken(Username),
    /// The name was given away on two sides of a cut, and the other claim is the elder.
    NameLost(Username),
    /// Nobody can own `anonymous`.
    AnonymousName,
    /// So many REGISTERs are being answered that there is no room for another. Worth another try.
    TooManyRegistering,

    // INVALID_MESSAGE: the line itself.
    /// The line is longer than this server reads.
    LineTooLong {
        /// The longest line that it reads, in bytes, without the line's end.
        limit_bytes: usize,
    },
    /// A name is longer than anybody needs: it would be kept, and passed on, for ever.
    TooLong {
        /// Which field.
        field: Field,
        /// The longest that is taken, in bytes.
        limit_bytes: usize,
    },
    /// The line is not UTF-8, or not JSON.
    NotJson,
    /// The line is JSON, but not an object.
    NotAnObject,
    /// There is no `command`.
    NoCommand,
    /// There is no such command for the one who heard it: misspelt, in lower case, or meant for somebody else.
    UnknownCommand(SmolStr),
    /// A field that the command needs is absent, null, or an empty text.
    Missing(Field),
    /// A field is there, but not of its type.
    WrongType(Field),
    /// A server command whose fields don't fit.
    WrongFields,
    /// A server command of another version of the protocol.
    OtherVersion,

    // INVALID_MESSAGE: not allowed now.
    /// REGISTER, or a LOGIN with other credentials, on a connection that is logged in.
    AlreadyLoggedIn,
    /// A server command on a link that has not authenticated.
    NotAuthenticated,
    /// A command that its hearer knows, but not from this sender or not now.
    NotExpected,
    /// More lines than a server keeps came in behind a REGISTER or LOGIN that was being answered.
    TooManyWaiting,
    /// ACTIVITY_GOT before a login, or after one that didn't ask for it.
    NotResuming,
    /// A `k` beyond the next one.
    NumberSkipped,

    // AUTHENTICATION_FAIL.
    /// ACTIVITY_MESSAGE before a login.
    NotLoggedIn,
    /// ACTIVITY_MESSAGE with another username than the login's.
    OtherUser,
    /// ACTIVITY_MESSAGE with another secret than the login's.
    IncorrectSecret,
    /// AUTHENTICATE with another system's secret.
    IncorrectServerSecret,

    // GAP.
    /// More was waiting than a server keeps for one receiver.
    MailboxFull,
    /// It waited longer than a server keeps anything.
    MailboxExpired,
    /// The server where it began was gone for so long that the others stopped keeping what it lacked.
    ServerForgotten,
    /// This copy of the client was away for so long that nobody knows any more what it had heard.
    ClientForgotten,

    /// What somebody else wrote.
    Text(SmolStr),
}

/// A reason as a value, not as a text: for a recording, whose reader has to come to the very same one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Exactly(#[serde(with = "Info")] pub Info);

impl Info {
    /// How much of an unknown command is repeated to its sender, in characters.
    const SHOWN_CHARS: usize = 32;

    /// The reason for refusing `command`, which may be of any length.
    pub fn unknown_command(command: &str) -> Self {
        Self::UnknownCommand(command.chars().take(Self::SHOWN_CHARS).collect())
    }
}

impl fmt::Display for Info {
    /// The text as it goes over the wire.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LoggedIn(name) => write!(f, "logged in as user {name}"),
            Self::Registered(name) => write!(f, "register success for {name}"),
            Self::WrongSecret => f.write_str("attempt to login with wrong secret"),
            Self::UnknownUser(name) => write!(f, "{name} is not registered with the system"),
            Self::NameTaken(name) => write!(f, "{name} is already registered with the system"),
            Self::NameLost(name) => write!(
                f,
                "{name} was registered earlier on another server while the two could not hear each other"
            ),
            Self::TooManyRegistering => {
                f.write_str("too many users are registering at this moment, try again")
            }
            Self::AnonymousName => f.write_str("anonymous cannot be registered"),
            Self::LineTooLong { limit_bytes } => {
                write!(f, "the received message is longer than {limit_bytes} bytes")
            }
            Self::TooLong { field, limit_bytes } => write!(
                f,
                "{} in the received message is longer than {limit_bytes} bytes",
                field.name()
            ),
            Self::NotJson => f.write_str("JSON parse error while parsing message"),
            Self::NotAnObject => f.write_str("the received message is not a JSON object"),
            Self::NoCommand => f.write_str("the received message did not contain a command"),
            Self::UnknownCommand(command) => write!(f, "unknown command: {command}"),
            Self::Missing(field) => {
                let name = field.name();
                let article = if name.starts_with(['a', 'i']) {
                    "an"
                } else {
                    "a"
                };
                write!(f, "the received message did not contain {article} {name}")
            }
            Self::WrongType(field) => write!(f, "{} must be {}", field.name(), field.kind()),
            Self::WrongFields => {
                f.write_str("a field of the received message is missing or of the wrong type")
            }
            Self::OtherVersion => {
                f.write_str("the received message is of another version of the protocol")
            }
            Self::AlreadyLoggedIn => f.write_str("already logged in"),
            Self::NotAuthenticated => f.write_str("the server has not authenticated"),
            Self::NotExpected => f.write_str("the received command is not expected here"),
            Self::TooManyWaiting => {
                f.write_str("too many messages before the register or login was answered")
            }
            Self::NotResuming => f.write_str("the login did not ask to resume"),
            Self::NumberSkipped => {
                f.write_str("k is not the next number, nor one that was used before")
            }
            Self::NotLoggedIn => f.write_str("not logged in"),
            Self::OtherUser => {
                f.write_str("the supplied username is not the one that is logged in")
            }
            Self::IncorrectSecret => f.write_str("the supplied secret is incorrect"),
            Self::IncorrectServerSecret => {
                f.write_str("the supplied secret is incorrect: it is not this system's")
            }
            Self::MailboxFull => f.write_str("more messages were waiting than the server keeps"),
            Self::MailboxExpired => {
                f.write_str("the messages waited longer than the server keeps them")
            }
            Self::ServerForgotten => {
                f.write_str("the messages passed while their server was away for too long")
            }
            Self::ClientForgotten => f.write_str("the client was away for too long"),
            Self::Text(text) => f.write_str(text),
        }
    }
}

impl Serialize for Info {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Info {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        SmolStr::deserialize(deserializer).map(Self::Text)
    }
}

/// The fields that a client and a server know of each other's messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Field {
    /// Which message it is.
    Command,
    /// Who.
    Username,
    /// What proves it.
    Secret,
    /// What is said.
    Activity,
    /// Why.
    Info,
    /// Where to go.
    Hostname,
    /// Where to go, the other half.
    Port,
    /// LOGIN, extension: asks for the extension.
    Resume,
    /// ACTIVITY_MESSAGE and ACTIVITY_ACK, extension: the sender's own number.
    K,
    /// LOGIN_SUCCESS, extension: where else to connect.
    Servers,
    /// LOGIN_SUCCESS and ACTIVITY_GOT, extension: up to where it was heard.
    Cursor,
    /// ACTIVITY_BROADCAST, extension: where it was said.
    From,
    /// ACTIVITY_ACK, extension: up to which of the sender's numbers everyone has it.
    Stable,
    /// GAP, extension: how many.
    Missed,
    /// The version of a server command.
    Version,
}

impl Field {
    /// How many fields there are.
    pub(super) const COUNT: usize = Self::Version as usize + 1;

    /// Its name in the JSON object.
    pub fn name(self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::Username => "username",
            Self::Secret => "secret",
            Self::Activity => "activity",
            Self::Info => "info",
            Self::Hostname => "hostname",
            Self::Port => "port",
            Self::Resume => "resume",
            Self::K => "k",
            Self::Servers => "servers",
            Self::Cursor => "cursor",
            Self::From => "from",
            Self::Stable => "stable",
            Self::Missed => "missed",
            Self::Version => "v",
        }
    }

    /// The field of that name, if it is one of ours.
    pub(super) fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "command" => Self::Command,
            "username" => Self::Username,
            "secret" => Self::Secret,
            "activity" => Self::Activity,
            "info" => Self::Info,
            "hostname" => Self::Hostname,
            "port" => Self::Port,
            "resume" => Self::Resume,
            "k" => Self::K,
            "servers" => Self::Servers,
            "cursor" => Self::Cursor,
            "from" => Self::From,
            "stable" => Self::Stable,
            "missed" => Self::Missed,
            "v" => Self::Version,
            _ => return None,
        })
    }

    /// What a value of it looks like.
    fn kind(self) -> &'static str {
        match self {
            Self::Command | Self::Username | Self::Secret | Self::Info | Self::Hostname => {
                "a string"
            }
            Self::Activity => "an object",
            Self::Port => "an integer from 0 to 65535",
            Self::K | Self::Stable | Self::Missed | Self::Version => "an integer, 0 or more",
            Self::Resume => "an object of client and cursor",
            Self::Servers => "a list of objects of hostname and port",
            Self::Cursor => "an object from streams to integers",
            Self::From => "an object of stream and number",
        }
    }
}
