//! Usernames: the replicated directory and the lock rounds (`docs/protocol.md`, Usernames).

use super::Step;
use crate::message::client::{Info, Vector};
use crate::message::{Registration, SecretHash, Stamp, Username};
use crate::port::Link;

/// The part of usernames that a crash wipes out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct State {}

/// The directory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Durable {}

/// Who may log in under this name with this secret: the registration that it proves.
pub fn verify(
    _s: &super::State,
    username: &Username,
    _secret: &SecretHash,
) -> Result<Registration, Info> {
    Ok(Registration {
        registertime: Stamp(1),
        origin: crate::message::Stream {
            server: username.as_str().into(),
            incarnation: crate::message::Incarnation {
                number: 1,
                nonce: 1,
            },
        },
        number: 1,
    })
}

/// Up to which change of each origin this server's directory is complete.
pub fn vector(_s: &super::State) -> Vector {
    Vector::new()
}

/// REGISTER: a client wants a name.
pub(super) fn on_register(
    _s: &mut super::State,
    _link: Link,
    _username: Username,
    _secret: SecretHash,
    _at: Stamp,
    _step: &mut Step<'_>,
) {
}

/// A client that waits for the answer to its REGISTER is gone.
pub(super) fn on_client_down(_s: &mut super::State, _link: Link, _step: &mut Step<'_>) {}

/// HELLO: what the neighbour's directory covers.
pub(super) fn on_hello(_s: &mut super::State, _link: Link, _vector: &Vector, _step: &mut Step<'_>) {
}

/// An edge of the tree is gone.
pub(super) fn on_edge_down(_s: &mut super::State, _link: Link, _step: &mut Step<'_>) {}
