//! The edge: where users' secrets stop. What comes in from a client leaves here with a hash in place of
//! each secret, so neither the actor nor the disk nor another server ever sees one.
//!
//! Hashing is slow by design. It happens on threads of its own, a few at a time; the connection that asked
//! for it waits, its later lines stay in its socket, and nobody else is delayed.

use std::sync::Arc;

use argon2::{Algorithm, Argon2, Params, Version};
use regrow_model::message::client::Secret;
use regrow_model::message::{Line, Request, SecretHash, Username};
use subtle::ConstantTimeEq;
use tokio::sync::Semaphore;

use crate::clock::now;

/// How secrets are hashed. Every server of a tree must do it alike, for hashes are what they exchange
/// and compare: to change anything here is to change the version of the wire.
pub mod params {
    /// Begins every hash, and names this set of parameters.
    pub const PREFIX: &str = "a1:";
    /// Memory, in KiB.
    pub const MEMORY_KIB: u32 = 19 * 1024;
    /// Passes over the memory.
    pub const PASSES: u32 = 2;
    /// Lanes.
    pub const LANES: u32 = 1;
    /// The hash itself, in bytes.
    pub const HASH_BYTES: usize = 32;
}

/// What no secret hashes to: takes the place of one that is known to be wrong.
const NEVER: &str = "!";

/// Hashes what clients present.
pub struct Edge {
    domain: String,
    /// How many hashes may be computed at once; who comes later waits in line.
    slots: Arc<Semaphore>,
}

/// What a connection has presented last: a repetition needs no hashing.
#[derive(Default)]
pub struct Presented(Option<(Username, String, SecretHash)>);

impl Edge {
    /// An edge for all servers of one domain, which hashes at most `at_once` secrets at a time.
    pub fn new(domain: impl Into<String>, at_once: usize) -> Self {
        Self {
            domain: domain.into(),
            slots: Arc::new(Semaphore::new(at_once)),
        }
    }

    /// Prepares a line that came in for the actor. One line of a connection after the other.
    pub async fn admit(&self, presented: &mut Presented, line: Line) -> Line {
        let Line::Request(request) = line else {
            return line;
        };
        Line::Request(Box::new(match *request {
            Request::Register {
                username, secret, ..
            } => Request::Register {
                secret: self.hash(presented, &username, secret).await,
                username,
                at: now(),
            },
            Request::Login {
                username,
                secret,
                resume,
            } => Request::Login {
                secret: match secret {
                    Some(secret) => Some(self.hash(presented, &username, secret).await),
                    None => None, // anonymous
                },
                username,
                resume,
            },
            Request::Activity {
                username,
                secret,
                activity,
                k,
            } => Request::Activity {
                secret: secret.map(|secret| presented.compare(&username, secret)),
                username,
                activity,
                k,
            },
            request @ (Request::Logout | Request::Got { .. } | Request::Invalid { .. }) => request,
        }))
    }

    async fn hash(&self, presented: &mut Presented, username: &Username, secret: Secret) -> Secret {
        let Secret::Plain(plain) = secret else {
            return never(); // a hash is not a secret: who has stolen one can't log in with it
        };
        if let Some(hash) = presented.recall(username, &plain) {
            return Secret::Hashed(hash);
        }
        let salt = format!("{}\0{username}", self.domain);
        let secret = plain.to_string();
        let hashed = {
            let secret = secret.clone();
            // The semaphore is never closed; were it, hashing would only be less bounded.
            let slot = self.slots.clone().acquire_owned().await;
            tokio::task::spawn_blocking(move || {
                let _slot = slot;
                digest(&secret, &salt)
            })
            .await
        };
        // A hash that fails, for want of memory, is one that is never right.
        let Ok(Some(hash)) = hashed else {
            tracing::error!(event = "hash_failed", "a secret could not be hashed");
            return never();
        };
        presented.0 = Some((username.clone(), secret, hash.clone()));
        Secret::Hashed(hash)
    }
}

impl Presented {
    /// The hash of what was presented last, if this is the same.
    fn recall(&self, username: &Username, secret: &str) -> Option<SecretHash> {
        let (user, last, hash) = self.0.as_ref()?;
        let same = bool::from(last.as_bytes().ct_eq(secret.as_bytes()));
        (same && user == username).then(|| hash.clone())
    }

    /// A secret that must be the one presented last: hashed without hashing.
    fn compare(&self, username: &Username, secret: Secret) -> Secret {
        match secret {
            Secret::Plain(plain) => self
                .recall(username, &plain)
                .map_or_else(never, Secret::Hashed),
            Secret::Hashed(_) => never(),
        }
    }
}

/// The hash of a secret as all servers know it.
fn digest(secret: &str, salt: &str) -> Option<SecretHash> {
    use std::fmt::Write;
    let params = Params::new(
        params::MEMORY_KIB,
        params::PASSES,
        params::LANES,
        Some(params::HASH_BYTES),
    );
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.ok()?);
    let mut hash = [0; params::HASH_BYTES];
    argon2
        .hash_password_into(secret.as_bytes(), salt.as_bytes(), &mut hash)
        .ok()?;
    let mut text = params::PREFIX.to_owned();
    for byte in hash {
        let _ = write!(text, "{byte:02x}"); // into a String: cannot fail
    }
    Some(SecretHash::from(text))
}

fn never() -> Secret {
    Secret::Hashed(SecretHash::from(NEVER))
}

#[cfg(test)]
mod tests {
    use super::*;
    use regrow_model::message::{Activity, Stamp};

    fn plain(secret: &str) -> Secret {
        Secret::Plain(secret.into())
    }

    fn login(user: &str, secret: Option<&str>) -> Line {
        Line::Request(Box::new(Request::Login {
            username: user.into(),
            secret: secret.map(plain),
            resume: None,
        }))
    }

    fn says(user: &str, secret: &str) -> Line {
        Line::Request(Box::new(Request::Activity {
            username: user.into(),
            secret: Some(plain(secret)),
            activity: Activity::parse("{}").unwrap(),
            k: None,
        }))
    }

    fn hash_of(line: &Line) -> String {
        let Line::Request(request) = line else {
            panic!("no request: {line:?}");
        };
        let secret = match &**request {
            Request::Register { secret, .. } => Some(secret),
            Request::Login { secret, .. } | Request::Activity { secret, .. } => secret.as_ref(),
            Request::Logout | Request::Got { .. } | Request::Invalid { .. } => None,
        };
        match secret {
            Some(Secret::Hashed(hash)) => hash.to_string(),
            other => panic!("no hash but {other:?}"),
        }
    }

    fn edge() -> Edge {
        Edge::new("test", 2)
    }

    #[tokio::test]
    async fn the_same_name_and_secret_make_the_same_hash_on_every_server() {
        let (mut here, mut there) = (Presented::default(), Presented::default());
        let one = edge().admit(&mut here, login("aaron", Some("s1"))).await;
        let other = edge().admit(&mut there, login("aaron", Some("s1"))).await;
        assert_eq!(hash_of(&one), hash_of(&other));
        assert!(hash_of(&one).starts_with(params::PREFIX));
        assert!(!hash_of(&one).contains("s1"));
    }

    #[tokio::test]
    async fn the_hash_differs_by_name_and_by_domain() {
        let mut presented = Presented::default();
        let aaron = edge()
            .admit(&mut presented, login("aaron", Some("s1")))
            .await;
        let ben = edge().admit(&mut presented, login("ben", Some("s1"))).await;
        let elsewhere = Edge::new("other", 1);
        let far = elsewhere
            .admit(&mut Presented::default(), login("aaron", Some("s1")))
            .await;
        assert_ne!(hash_of(&aaron), hash_of(&ben));
        assert_ne!(hash_of(&aaron), hash_of(&far));
    }

    #[tokio::test]
    async fn an_activity_with_the_secret_of_the_login_carries_its_hash() {
        let mut presented = Presented::default();
        let edge = edge();
        let logged_in = edge.admit(&mut presented, login("aaron", Some("s1"))).await;
        let said = edge.admit(&mut presented, says("aaron", "s1")).await;
        assert_eq!(hash_of(&said), hash_of(&logged_in));
    }

    #[tokio::test]
    async fn an_activity_with_another_secret_or_name_carries_what_is_never_right() {
        let mut presented = Presented::default();
        let edge = edge();
        edge.admit(&mut presented, login("aaron", Some("s1"))).await;
        for wrong in [says("aaron", "s2"), says("ben", "s1"), says("aaron", "")] {
            assert_eq!(hash_of(&edge.admit(&mut presented, wrong).await), NEVER);
        }
    }

    #[tokio::test]
    async fn anonymous_needs_no_secret() {
        let (edge, line) = (edge(), login("anonymous", None));
        let admitted = edge.admit(&mut Presented::default(), line.clone()).await;
        assert_eq!(admitted, line);
    }

    #[tokio::test]
    async fn a_register_gets_the_time_of_its_arrival() {
        let register = Line::Request(Box::new(Request::Register {
            username: "aaron".into(),
            secret: plain("s1"),
            at: Stamp(0),
        }));
        let before = now();
        let Line::Request(admitted) = edge().admit(&mut Presented::default(), register).await
        else {
            panic!("it was a request");
        };
        assert!(matches!(*admitted, Request::Register { at, .. } if at >= before));
    }
}
