//! What goes over a wire: one JSON object a line. [`client`] is the original course project's protocol,
//! with our own client's extension; [`server`] is what servers say to each other.
//!
//! Bytes become lines in [`framing`], a line becomes a [`Line`] in [`decode`], and a [`Line`] bytes again in
//! [`encode`]. What goes wrong on the way in is a [`client::Info`], ready to be sent back.

pub mod activity;
mod address;
pub mod client;
pub mod decode;
pub mod encode;
mod fields;
pub mod framing;
mod id;
mod info;
pub mod kept;
pub mod server;
mod tagged;
pub mod user_file;

pub use activity::Activity;
pub use address::{Address, AddressError, Scheme};
pub use client::{Reply, Request};
pub use decode::Hearer;
pub use id::{
    Claim, ClientId, Incarnation, Registration, SecretHash, ServerId, ServerName, Stamp, Stream,
    StreamError, Username,
};
pub use server::Peer;

/// A line, decoded. What a link's far end may say depends on who it is, which only the actor knows: so a
/// decoder accepts all that its [`Hearer`] could ever hear, and the actor refuses what isn't allowed.
///
/// Kept small, for it waits in queues by the million.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Line {
    /// A client to a server.
    Request(Box<Request>),
    /// A server to a client.
    Reply(Reply),
    /// A server to a server.
    Peer(Peer),
    /// Something that is no message of ours, and why.
    Malformed(client::Info),
}

impl From<Request> for Line {
    fn from(request: Request) -> Self {
        Self::Request(Box::new(request))
    }
}

impl From<Reply> for Line {
    fn from(reply: Reply) -> Self {
        Self::Reply(reply)
    }
}

impl From<Peer> for Line {
    fn from(peer: Peer) -> Self {
        Self::Peer(peer)
    }
}

#[cfg(test)]
mod tests;
