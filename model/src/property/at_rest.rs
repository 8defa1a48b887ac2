//! Delivery comes to rest: when every way works, at last nothing of it is on its way, and no timer of it runs: that of ages only while
//! clients age. Only a client that can be nowhere goes on asking.

use crate::message::{Line, Peer};
use crate::node::Timer;
use crate::world::link::{Connection, Party, Phase};
use crate::world::user::Process;
use crate::world::view::View;

/// Whether it holds.
pub fn holds(view: &View<'_>) -> bool {
    !view.cut.is_empty()
        || view.live().next().is_none()
        || (view.is_settled_tree()
            && view
                .links
                .iter()
                .all(|link| is_quiet(link) || is_stranded(view, link))
            && view.processes.iter().all(|process| {
                process.held.is_empty()
                    && process.unsynced.is_empty()
                    && !process.timers.contains(&Timer::Floor)
                    && process.state.delivery.mailboxes.is_empty()
                    && (!process.timers.contains(&Timer::Age)
                        || !process.state.delivery.clients.is_empty())
            })
            && view.users.iter().all(|(_, seat)| {
                let mut process = seat.process.iter();
                let is_still = |it: &Process| it.timers.is_empty() && it.unreachable.is_empty();
                view.is_stranded(seat) || process.all(is_still)
            }))
}

/// Whether a link is that of a client that can be nowhere, and goes on asking. Of one that it has left its server has yet to learn.
fn is_stranded(view: &View<'_>, link: &Connection) -> bool {
    let dialer = &link.ends[0];
    match dialer.party {
        Party::Client(user) => dialer.phase != Phase::Gone && view.is_stranded(view.users[user].1),
        Party::Guest(_) | Party::Server(_) => false,
    }
}

fn is_quiet(link: &Connection) -> bool {
    let mut ends = link.ends.iter();
    match link.ends[0].party {
        Party::Client(_) | Party::Guest(_) => {
            !link.owes_notice()
                && ends.all(|end| end.inbox.is_empty() && !end.deaf)
                && link.is_open()
        }
        Party::Server(_) => {
            ends.all(|end| !end.deaf && !end.inbox.iter().any(|line| concerns_delivery(line)))
        }
    }
}

/// Names come first: a record that is on its way may end sessions, and is saved.
fn concerns_delivery(line: &Line) -> bool {
    match line {
        Line::Peer(peer) => match peer {
            Peer::Hello(_)
            | Peer::LockRequest(_)
            | Peer::LockAllowed(_)
            | Peer::LockDenied(_)
            | Peer::LockRelease(_)
            | Peer::Directory(_)
            | Peer::ActivityBroadcast(_)
            | Peer::Skip(_)
            | Peer::Sessions(_)
            | Peer::DeliveryCredit { .. }
            | Peer::Floors { .. }
            | Peer::Leave
            | Peer::Left => true,
            Peer::Authenticate(_)
            | Peer::AuthenticationFail { .. }
            | Peer::Path { .. }
            | Peer::Known { .. }
            | Peer::Forget { .. }
            | Peer::Retired { .. }
            | Peer::DirectoryCredit { .. }
            | Peer::ServerAnnounce { .. } => false,
        },
        Line::Request(_) | Line::Reply(_) | Line::Malformed(_) => false,
    }
}
