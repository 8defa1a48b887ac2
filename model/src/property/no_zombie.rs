//! Property 5, no zombie: a name that lost never comes back, from a returning disk included. Whoever claims to
//! have a change of the directory holds it, or an elder record of its name; so what a neighbour leaves out of what it
//! sends can be missed by nobody, and what lost can't come in by that way again. Whoever has the elder one knows that the change has
//! lost, too: it may have to tell others.

use std::cmp::Ordering;

use crate::node::registry::directory::Directory;
use crate::world::view::View;

/// Whether every directory, on a disk or not, holds what its vector claims, or better.
pub fn holds(view: &View<'_>) -> bool {
    // Most are equal, and in a large world each pair would be a thousand pairs.
    let mut all: Vec<&Directory> = Vec::new();
    for directory in view.directories() {
        if !all.contains(&directory) {
            all.push(directory);
        }
    }
    all.iter()
        .all(|one| all.iter().all(|other| lives_up_to(one, other)))
}

/// Whether `claims` has each record of `other` that its vector covers, or an elder one, and then knows that this one has lost.
fn lives_up_to(claims: &Directory, other: &Directory) -> bool {
    other.records.iter().all(|(username, record)| {
        let registration = &record.registration;
        let covered = claims.complete(&registration.origin) >= registration.number;
        let held = claims.records.get(username);
        let change = (registration.origin.clone(), registration.number);
        let has_lost = || claims.lost.contains_key(&change);
        !covered
            || held.is_some_and(|held| match held.registration.cmp(registration) {
                Ordering::Less => has_lost(),
                Ordering::Equal => true,
                Ordering::Greater => false,
            })
    })
}
