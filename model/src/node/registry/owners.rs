//! The clients that believe in a name, and telling those that have lost it (`docs/protocol.md`, Usernames: Losing
//! a name). Nothing here looks at more connections than those of the one name.

use super::super::connection::Standing;
use super::super::{Role, State, Step, connection, delivery};
use crate::message::client::Info;
use crate::message::server::Record;
use crate::message::{Reply, Username};
use crate::port::Link;

/// A client that believed in this name is gone.
pub(super) fn leave(registry: &mut super::State, username: &Username, link: Link) {
    if let Some(links) = registry.present.get_mut(username) {
        links.remove(&link);
        if links.is_empty() {
            registry.present.remove(username);
        }
    }
}

/// An elder record has replaced `lost`: the name's clients here are told and sent away, unless the two are
/// one user, who registered on both sides of a cut.
pub(super) fn on_lost(s: &mut State, username: &Username, lost: &Record, step: &mut Step<'_>) {
    let rules = &step.rules.registry;
    let Some(won) = s.durable.registry.records.get(username).cloned() else {
        return;
    };
    let links = s.registry.present.get(username).cloned();
    let is_united = (rules.unites)(lost, &won);
    for link in links.unwrap_or_default() {
        if is_united {
            unite(s, link, &won);
        } else if (rules.tells_losers)() {
            let info = Info::NameLost(username.clone());
            connection::refuse(s, link, Reply::RegisterFailed { info }, step);
        }
    }
    if is_united {
        delivery::on_united(s, &lost.registration, &won.registration, step);
    } else {
        delivery::home::react(s, &lost.registration, step);
    }
}

/// The client on this link holds the elder registration from now on.
fn unite(s: &mut State, link: Link, won: &Record) {
    if let Some(Role::Client(connection)) = s.links.get_mut(&link)
        && let Standing::User { registration, .. } = &mut connection.standing
    {
        *registration = won.registration.clone();
    }
}
