//! Hashing many secrets: slow by design, so on several threads, and never further ahead than they are taken.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use regrow_model::message::SecretHash;
use regrow_model::message::client::Secret;
use regrow_model::message::user_file::User;

use crate::edge::{Bulk, params};

/// What stands for the hash of no secret at all. Not what the edge puts for a secret that is wrong: the two would be equal, and a
/// hash that failed would log somebody in.
const LOCKED: &str = "*";

/// How many hashes may wait to be taken.
const AHEAD: usize = 256;

/// Users with their hashes, as they come; `None` for one whose secret can't be hashed.
pub(super) type Hashed<'a> = Receiver<(&'a User, Option<SecretHash>)>;

/// Hashes the plain secrets of users on so many threads, and hands all of them to `take`, in no order.
pub(super) fn hash_all<T>(
    users: &[&User],
    domain: &str,
    jobs: usize,
    take: impl FnOnce(Hashed<'_>) -> T,
) -> T {
    let next = AtomicUsize::new(0);
    let (done, hashed) = sync_channel(AHEAD);
    thread::scope(|scope| {
        for _ in 0..jobs {
            let (next, done) = (&next, done.clone());
            scope.spawn(move || {
                let mut bulk = Bulk::new(domain);
                while let Some(user) = users.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let hash = hash(user, &mut bulk);
                    if done.send((*user, hash)).is_err() {
                        return; // whoever took them has given up
                    }
                }
            });
        }
        drop(done);
        take(hashed)
    })
}

fn hash(user: &User, bulk: &mut Bulk) -> Option<SecretHash> {
    match &user.secret {
        Secret::Hashed(hash) => Some(hash.clone()),
        // It keeps the name from others, and nobody can log in with it.
        Secret::Plain(secret) if secret.is_empty() => Some(SecretHash::from(LOCKED)),
        Secret::Plain(secret) => bulk.hash(&user.username, secret),
    }
}

/// Whether a hash is one that this program makes.
pub(super) fn is_ours(hash: &SecretHash) -> bool {
    let digits = |hex: &str| {
        hex.len() == 2 * params::HASH_BYTES
            && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    };
    hash.as_str() == LOCKED
        || hash
            .as_str()
            .strip_prefix(params::PREFIX)
            .is_some_and(digits)
}

/// Whether a user's secret takes time.
pub(super) fn is_slow(user: &User) -> bool {
    matches!(&user.secret, Secret::Plain(secret) if !secret.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_no_secret_is_not_let_in_by_a_secret_that_is_wrong() {
        assert_ne!(Secret::Hashed(LOCKED.into()), Secret::never());
        assert!(is_ours(&LOCKED.into()));
    }
}
