//! Counters that differ in one label, and what the labels are.

use std::marker::PhantomData;

use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use super::Count;

/// The values of one label: a closed set, so that every series is there from the beginning.
pub trait Label: Copy + 'static {
    /// What the label is called.
    const KEY: &'static str;
    /// Every value, in the order of [`Self::index`].
    const ALL: &'static [Self];

    /// How a value is written.
    fn as_str(self) -> &'static str;

    /// Which of [`Self::ALL`] it is.
    fn index(self) -> usize;
}

macro_rules! labels {
    ($($(#[$doc:meta])* $key:literal $name:ident { $($(#[$of:meta])* $value:ident = $text:literal,)+ })+) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($(#[$of])* $value,)+ }

        impl Label for $name {
            const KEY: &'static str = $key;
            const ALL: &'static [Self] = &[$(Self::$value),+];

            fn as_str(self) -> &'static str {
                match self { $(Self::$value => $text,)+ }
            }

            fn index(self) -> usize {
                self as usize
            }
        }
    )+ };
}

labels! {
    /// What carries a connection.
    "transport" Carrier {
        /// Plain TCP.
        Tcp = "tcp",
        /// TLS over TCP.
        Tls = "tls",
        /// QUIC over UDP.
        Quic = "quic",
        /// WebSocket.
        WebSocket = "websocket",
    }

    /// Why a connection is not taken.
    "reason" Refused {
        /// As many as are allowed are open.
        TooMany = "too_many",
        /// As many as are allowed to one address are open.
        TooManyFromAddress = "too_many_from_address",
        /// It speaks without TLS, which is required.
        Plain = "plain",
        /// The system has no more descriptors or memory.
        System = "system",
    }

    /// What could not be agreed on.
    "transport" Handshake {
        /// TLS.
        Tls = "tls",
        /// QUIC.
        Quic = "quic",
        /// WebSocket.
        WebSocket = "websocket",
    }

    /// Why a server that has dialed is refused.
    "reason" Stranger {
        /// It knows another secret, or none.
        Secret = "secret",
        /// It speaks another version.
        Version = "version",
        /// It shows no certificate of our authority.
        Certificate = "certificate",
    }

    /// Why a connection has ended.
    "reason" Closed {
        /// The far end has sent its last.
        FarEnd = "far_end",
        /// The server closed it, in good order.
        Finished = "finished",
        /// A read or write failed.
        Broken = "broken",
        /// A server was silent for too long.
        Silent = "silent",
        /// The server cut it off.
        Cut = "cut",
        /// The server has ended.
        Abandoned = "abandoned",
    }

    /// What a dial came to.
    "outcome" Dialed {
        /// A connection.
        Up = "up",
        /// A server that knows another secret.
        Refused = "refused",
        /// None.
        Failed = "failed",
    }

    /// Who reads too slowly.
    "far" Reader {
        /// A client.
        Client = "client",
        /// Another server.
        Server = "server",
    }

    /// Which limit a client has met.
    "limit" Limit {
        /// Of a line's length.
        LineLength = "line_length",
        /// Of the time without a login.
        Stranger = "stranger",
        /// Of activities per second.
        Activities = "activities",
        /// Of the length of a name or a secret.
        Credentials = "credentials",
        /// Of secrets that one address presents per second.
        Attempts = "attempts",
        /// Of secrets that wait to be hashed.
        Hashes = "hashes",
    }

    /// What became of a secret that was to be hashed.
    "outcome" Hashed {
        /// A hash.
        Done = "done",
        /// Too many wait already.
        Refused = "refused",
        /// It could not be computed.
        Failed = "failed",
    }

    /// What a client's question came to.
    "outcome" Answer {
        /// Yes.
        Success = "success",
        /// No.
        Failed = "failed",
    }

    /// Why a client is turned away with a reason.
    "reason" TurnedAway {
        /// INVALID_MESSAGE.
        Invalid = "invalid_message",
        /// AUTHENTICATION_FAIL.
        Authentication = "authentication_fail",
    }

    /// What has happened to this server's place in the tree.
    "change" Change {
        /// It has a parent.
        Joined = "joined",
        /// The link to its parent broke.
        ParentLost = "parent_lost",
        /// It left its parent.
        ParentLeft = "parent_left",
        /// It took a child.
        ChildJoined = "child_joined",
        /// A child is gone.
        ChildGone = "child_gone",
        /// It refused a child.
        JoinRefused = "join_refused",
        /// Another server refused its secret.
        SecretRefused = "secret_refused",
        /// A neighbour made no sense.
        Nonsense = "nonsense",
    }
}

/// One counter for each value of a label, found without looking for it.
#[derive(Clone, Debug)]
pub struct Labelled<L> {
    counts: Vec<Count>,
    label: PhantomData<L>,
}

impl<L: Label> Labelled<L> {
    /// All of them, in the registry.
    pub(super) fn register(registry: &mut Registry, name: &str, help: &str) -> Self {
        let family = Family::<[(&'static str, &'static str); 1], Count>::default();
        let count = |label: &L| family.get_or_create_owned(&[(L::KEY, label.as_str())]);
        let counts = L::ALL.iter().map(count).collect();
        registry.register(name, help, family);
        Self {
            counts,
            label: PhantomData,
        }
    }

    /// The one for this value.
    pub fn of(&self, label: L) -> &Count {
        &self.counts[label.index()]
    }
}
