//! Delivery: the log, sessions, floors, catching up (`docs/protocol.md`, Delivery).

use super::Step;
use crate::message::client::{Resume, Vector};
use crate::message::server::Hello;
use crate::message::{Activity, Registration};
use crate::port::Link;

/// The part of delivery that a crash wipes out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct State {}

/// The log, the sessions, the floors.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Durable {}

/// LOGIN of a client whose [`Standing`](super::connection::Standing) is set: who it is has been proved.
/// Answers with LOGIN_SUCCESS.
pub(super) fn on_login(
    _s: &mut super::State,
    _link: Link,
    _resume: Option<Resume>,
    _step: &mut Step<'_>,
) {
}

/// LOGOUT: the session ends for good.
pub(super) fn on_logout(_s: &mut super::State, _link: Link, _step: &mut Step<'_>) {}

/// ACTIVITY_MESSAGE of a client that is logged in.
pub(super) fn on_activity(
    _s: &mut super::State,
    _link: Link,
    _activity: Activity,
    _k: Option<u64>,
    _step: &mut Step<'_>,
) {
}

/// ACTIVITY_GOT: up to where a resuming client has heard.
pub(super) fn on_got(_s: &mut super::State, _link: Link, _cursor: Vector, _step: &mut Step<'_>) {}

/// What a client's kernel has acknowledged: so many lines from the link's beginning.
pub(super) fn on_received(_s: &mut super::State, _link: Link, _lines: u64, _step: &mut Step<'_>) {}

/// A client's link is gone, or is being closed by this server.
pub(super) fn on_client_down(_s: &mut super::State, _link: Link, _step: &mut Step<'_>) {}

/// What this server says first over a new edge.
pub(super) fn hello(_s: &super::State) -> Hello {
    Hello::default()
}

/// An edge of the tree is up: our HELLO is sent.
pub(super) fn on_edge_up(_s: &mut super::State, _link: Link, _step: &mut Step<'_>) {}

/// HELLO: what the neighbour has.
pub(super) fn on_hello(_s: &mut super::State, _link: Link, _hello: &Hello, _step: &mut Step<'_>) {}

/// An edge of the tree is gone.
pub(super) fn on_edge_down(_s: &mut super::State, _link: Link, _step: &mut Step<'_>) {}

/// Two records of one name turned out to be one user's: what was kept for the one registration belongs to the other.
pub(super) fn on_united(
    _s: &mut super::State,
    _lost: &Registration,
    _won: &Registration,
    _step: &mut Step<'_>,
) {
}
