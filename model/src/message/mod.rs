//! What goes over a wire: one JSON object a line. [`client`] is the original course project's protocol,
//! with our own client's extension; [`server`] is what servers say to each other.

pub mod activity;
pub mod client;
mod id;
pub mod server;

pub use activity::Activity;
pub use client::{Reply, Request};
pub use id::{
    Address, ClientId, Incarnation, Registration, SecretHash, ServerId, ServerName, Stamp, Stream,
    Username,
};
pub use server::Peer;

use serde::{Deserialize, Serialize};

/// A line, decoded. What a link's far end may say depends on who it is, which only the actor knows:
/// so a decoder accepts any of them and the actor refuses what isn't allowed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Line {
    /// A client to a server.
    Request(Request),
    /// A server to a client.
    Reply(Reply),
    /// A server to a server.
    Peer(Peer),
    /// Something that is no message of ours, and why.
    Malformed(client::Info),
}
