//! Property 11, while every bound is far: nobody is told that something is lost. With two clients of one user the guarantee is
//! the user's: what one of them has heard need not be kept for the other while that is on its way to another server. Who was
//! away may be told, where mailboxes or logs end. So may `anonymous`, for whom nothing waits, if it moves to a server that isn't
//! waited for. In a world drawn by chance a fault may keep anybody away, and anybody may be on a server that isn't known yet, or not waited
//! for any more, and then be told of what nobody kept for it. So may who was away for too long there, and was let in by a server that was
//! stopped before it could say why: the next one doesn't know. Nor is anybody turned away, because nobody knows any more how far it was.

use crate::client::Ask;
use crate::world::hearing::Fault;
use crate::world::user::{User, Wish};
use crate::world::view::View;

/// Whether it holds.
pub fn holds(view: &View<'_>) -> bool {
    let mut users = view.users.iter();
    users.all(|(user, seat)| {
        let same = view
            .users
            .iter()
            .filter(|(other, _)| other.name() == user.name());
        let told = |fault| seat.hearing.faults.contains(&fault);
        let may_expire = view.mailboxes_end && (goes_away(user) || view.kept_away);
        let is_forgotten = view.clients_end && told(Fault::TurnedAway);
        let may_overflow = view.logs_end && (view.has_faults || goes_away(user));
        let is_left_behind = view.patience_ends && is_anonymous(user) && moves(user);
        let may_be_told = may_overflow || is_left_behind || (same.count() > 1 && moves(user));
        let is_told_late = view.mailboxes_end && view.kept_away;
        let is_told = told(Fault::Gap) && !may_be_told && !is_told_late && !view.strangers;
        !is_forgotten && !is_told && (may_expire || !told(Fault::Expired))
    })
}

fn is_anonymous(user: &User) -> bool {
    user.name().is_none_or(|(name, _)| name.is_anonymous())
}

fn goes_away(user: &User) -> bool {
    user.wishes.contains(&Wish::Die)
}

fn moves(user: &User) -> bool {
    let mut wishes = user.wishes.iter();
    wishes.any(|wish| matches!(wish, Wish::Then(Ask::Move { .. })))
}
