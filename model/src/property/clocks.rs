//! Property 22, clocks don't matter: skew, jumps and equal stamps change which of several claims wins, never that
//! one does. A name that was refused to all who asked for it, and that nobody else holds, would have gone to nobody. And a clock that goes back over a
//! restart steals no old name: what a start gives away is younger than all that earlier ones gave away.

use crate::message::Registration;
use crate::node::State;
use crate::world::guest::Stage;
use crate::world::view::View;

/// Whether it holds.
pub fn holds(view: &View<'_>) -> bool {
    is_given(view) && view.live().all(|(_, server)| rises(server))
}

/// Whether of those who asked for a name, somebody got it, still waits, or didn't stay to hear the answer, or an operator gave it to
/// somebody else; where servers have no room for
/// so many at once, all may be refused.
fn is_given(view: &View<'_>) -> bool {
    let guests = || view.guests.iter();
    let (room, _) = view.rounds_max;
    room < view.guests.len()
        || guests().all(|(wish, _)| {
            let mut asked = guests()
                .filter(|(other, guest)| {
                    other.username == wish.username && guest.stage != Stage::Idle
                })
                .peekable();
            asked.peek().is_none()
                || asked.any(|(_, guest)| guest.stage != Stage::Refused)
                || view.records(&wish.username).next().is_some()
        })
}

/// Whether a server has stamped what it gave away later at each start than at those before.
fn rises(server: &State) -> bool {
    let records = server.durable.registry.records.values();
    let own = records.map(|record| &record.registration);
    // What was given away before a world began is of no start of this server's.
    let is_own = |own: &&Registration| {
        own.origin.server == server.id().name && own.origin.incarnation.number > 0
    };
    let own = own.filter(is_own);
    let mut own: Vec<_> = own.collect();
    own.sort_unstable_by_key(|own| (own.origin.incarnation, own.registertime));
    own.is_sorted_by_key(|own| own.registertime)
}
