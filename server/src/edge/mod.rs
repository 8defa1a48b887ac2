//! The edge: where users' secrets stop, and what comes in too fast. What comes in from a client leaves here with a
//! hash in place of each secret, so neither the actor nor the disk nor another server ever sees one.
//!
//! Hashing is slow by design. It happens on threads of its own, a few at a time ([`hasher`]); the connection that asked
//! for it waits, its later lines stay in its socket, and nobody else is delayed.

mod hasher;
pub mod pace;

use std::net::IpAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use regrow_model::message::client::{Info, Secret};
use regrow_model::message::{Line, Peer, Request, SecretHash, Username};
use subtle::ConstantTimeEq;

use crate::clock::now;
use crate::metrics::{Labelled, Limit, Metrics};
use hasher::Hasher;
pub(crate) use hasher::slow_hash;
pub use hasher::{Bulk, params};
use pace::{Attempts, Pace};

/// What takes the place of the system's secret where it is proven, within a server.
pub(crate) const PROVEN: &str = "proven";

/// What a node takes for the system's secret: the edge says so of who has proven to know it.
pub fn proven() -> Secret {
    Secret::Hashed(PROVEN.into())
}

/// Admits what clients say.
pub struct Edge {
    hasher: Hasher,
    attempts: Attempts,
    /// How long a name may be, and how long a secret, in bytes: many of them may be in line to be hashed.
    credential_bytes: AtomicUsize,
    /// What is refused because of a limit.
    limited: Labelled<Limit>,
}

/// A connection, as the edge knows it.
pub struct Guest {
    /// Where it comes from, if that is known.
    from: Option<IpAddr>,
    /// What it has presented last: a repetition needs no hashing.
    presented: Option<Box<Presented>>,
    /// How fast it may speak.
    activities: Option<Pace>,
    /// Whether it has proven that it knows the system's secret.
    is_proven: bool,
}

/// A name, a secret, and the hash of the two.
struct Presented {
    username: Username,
    secret: String,
    hash: SecretHash,
}

/// A line on its way to the actor.
pub enum Admission {
    /// It is admitted.
    Now(Line),
    /// It is admitted when its secret has been hashed.
    Later(Pin<Box<dyn Future<Output = (Guest, Line)> + Send>>),
}

impl Edge {
    /// An edge for all servers of one domain, which hashes at most `at_once` secrets at a time, and counts what it does.
    pub fn new(domain: impl Into<String>, at_once: usize, metrics: &Metrics) -> Self {
        Self {
            hasher: Hasher::new(domain.into(), at_once, metrics.secrets.clone()),
            attempts: Attempts::default(),
            credential_bytes: AtomicUsize::new(usize::MAX),
            limited: metrics.traffic.limited.clone(),
        }
    }

    /// How often one address may try to log in or to register, per second; 0: as often as it likes.
    pub fn limit_attempts(&self, per_second: u32) {
        self.attempts.limit(per_second);
    }

    /// How long a name may be, and how long a secret, in bytes.
    pub fn limit_credentials(&self, bytes: usize) {
        self.credential_bytes.store(bytes, Ordering::Relaxed);
    }

    /// Prepares a line that came in for the actor. One line of a connection after the other.
    pub fn admit(&self, guest: &mut Guest, line: Line) -> Admission {
        let request = match line {
            Line::Request(request) => request,
            Line::Peer(peer) => return Admission::Now(Line::Peer(guest.vouch(peer))),
            Line::Reply(_) | Line::Malformed(_) => return Admission::Now(line),
        };
        match *request {
            Request::Register {
                username, secret, ..
            } => self.hash(guest, username, secret, |username, secret| {
                Request::Register {
                    username,
                    secret,
                    at: now(),
                }
            }),
            Request::Login {
                username,
                secret: Some(secret),
                resume,
            } => self.hash(guest, username, secret, |username, secret| Request::Login {
                username,
                secret: Some(secret),
                resume,
            }),
            Request::Activity {
                username,
                secret,
                activity,
                k,
            } => {
                if !guest.may_speak() {
                    self.limited.of(Limit::Activities).inc();
                    return refuse("too many activities per second: speak more slowly");
                }
                Admission::Now(Line::from(Request::Activity {
                    secret: secret.map(|secret| guest.compare(&username, secret)),
                    username,
                    activity,
                    k,
                }))
            }
            request @ (Request::Login { secret: None, .. }
            | Request::Logout
            | Request::Got { .. }
            | Request::Invalid { .. }) => Admission::Now(Line::from(request)),
        }
    }

    /// Prepares a line, and waits until it is.
    pub async fn admitted(&self, guest: &mut Guest, line: Line) -> Line {
        match self.admit(guest, line) {
            Admission::Now(line) => line,
            Admission::Later(admission) => {
                let (back, line) = admission.await;
                *guest = back;
                line
            }
        }
    }

    /// Admits a request once its secret is hashed.
    fn hash(
        &self,
        guest: &mut Guest,
        username: Username,
        secret: Secret,
        request: impl FnOnce(Username, Secret) -> Request + Send + 'static,
    ) -> Admission {
        let Secret::Plain(plain) = secret else {
            // A hash is not a secret: who has stolen one can't log in with it.
            return Admission::Now(Line::from(request(username, Secret::never())));
        };
        let longest = username.as_str().len().max(plain.len());
        if longest > self.credential_bytes.load(Ordering::Relaxed) {
            self.limited.of(Limit::Credentials).inc();
            return refuse("the name or the secret is too long");
        }
        let known = guest.recall(&username, &plain);
        #[cfg(feature = "mutants")]
        let known = known.or_else(|| crate::steered::hash(&plain));
        if let Some(hash) = known.or_else(|| self.hasher.recall(&username, &plain)) {
            guest.present(username.clone(), plain.to_string(), hash.clone());
            return Admission::Now(Line::from(request(username, Secret::Hashed(hash))));
        }
        if !self.attempts.allow(guest.from, Instant::now()) {
            self.limited.of(Limit::Attempts).inc();
            return refuse("too many attempts from this address: try again in a while");
        }
        let Some(hashed) = self.hasher.hash(&username, &plain) else {
            self.limited.of(Limit::Hashes).inc();
            return refuse("too many are logging in just now: try again in a while");
        };
        let mut guest = guest.leave();
        Admission::Later(Box::pin(async move {
            let secret = match hashed.await {
                Some(hash) => {
                    guest.present(username.clone(), plain.to_string(), hash.clone());
                    Secret::Hashed(hash)
                }
                None => Secret::never(),
            };
            (guest, Line::from(request(username, secret)))
        }))
    }
}

impl Guest {
    /// One that has presented nothing yet, and may say so many things per second; 0: as many as it likes.
    pub fn new(from: Option<IpAddr>, activities_per_second: u32) -> Self {
        Self {
            from,
            presented: None,
            activities: Pace::new(activities_per_second, Instant::now()),
            is_proven: false,
        }
    }

    /// Where it comes from, if that is known.
    pub fn from(&self) -> Option<IpAddr> {
        self.from
    }

    /// Whether it has proven that it knows the system's secret.
    pub fn is_proven(&self) -> bool {
        self.is_proven
    }

    /// It has proven that it knows the system's secret, or failed to.
    pub fn prove(&mut self, is_proven: bool) {
        self.is_proven = is_proven;
    }

    /// What a server says, with the secret that it has proven to know.
    fn vouch(&self, mut peer: Peer) -> Peer {
        let known = if self.is_proven {
            proven()
        } else {
            Secret::never()
        };
        match &mut peer {
            Peer::Authenticate(join) => join.secret = known,
            Peer::Forget { secret, .. } => *secret = known,
            Peer::AuthenticationFail { .. }
            | Peer::Path { .. }
            | Peer::Known { .. }
            | Peer::Retired { .. }
            | Peer::Hello(_)
            | Peer::LockRequest(_)
            | Peer::LockAllowed(_)
            | Peer::LockDenied(_)
            | Peer::LockRelease(_)
            | Peer::Directory(_)
            | Peer::DirectoryCredit { .. }
            | Peer::Leave
            | Peer::Left
            | Peer::ActivityBroadcast(_)
            | Peer::Skip(_)
            | Peer::Sessions(_)
            | Peer::DeliveryCredit { .. }
            | Peer::Floors { .. }
            | Peer::ServerAnnounce { .. } => {}
        }
        peer
    }

    /// Hands it over to what goes on elsewhere, which gives it back.
    fn leave(&mut self) -> Self {
        Self {
            from: self.from,
            presented: self.presented.take(),
            activities: self.activities.take(),
            is_proven: self.is_proven,
        }
    }

    fn present(&mut self, username: Username, secret: String, hash: SecretHash) {
        self.presented = Some(Box::new(Presented {
            username,
            secret,
            hash,
        }));
    }

    fn may_speak(&mut self) -> bool {
        let allow = |pace: &mut Pace| pace.allow(Instant::now());
        self.activities.as_mut().is_none_or(allow)
    }

    /// The hash of what was presented last, if this is the same.
    fn recall(&self, username: &Username, secret: &str) -> Option<SecretHash> {
        let last = self.presented.as_ref()?;
        let same = bool::from(last.secret.as_bytes().ct_eq(secret.as_bytes()));
        (same && last.username == *username).then(|| last.hash.clone())
    }

    /// A secret that must be the one presented last: hashed without hashing.
    fn compare(&self, username: &Username, secret: Secret) -> Secret {
        match secret {
            Secret::Plain(plain) => self
                .recall(username, &plain)
                .map_or_else(Secret::never, Secret::Hashed),
            Secret::Hashed(_) => Secret::never(),
        }
    }
}

/// The actor answers with the reason, and closes.
fn refuse(why: &'static str) -> Admission {
    Admission::Now(Line::Malformed(Info::Text(why.into())))
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
        Edge::new("test", 2, &Metrics::new())
    }

    fn guest() -> Guest {
        Guest::new(None, 0)
    }

    #[tokio::test]
    async fn the_same_name_and_secret_make_the_same_hash_on_every_server() {
        let (mut here, mut there) = (guest(), guest());
        let one = edge().admitted(&mut here, login("aaron", Some("s1"))).await;
        let other = edge()
            .admitted(&mut there, login("aaron", Some("s1")))
            .await;
        assert_eq!(hash_of(&one), hash_of(&other));
        assert!(hash_of(&one).starts_with(params::PREFIX));
        assert!(!hash_of(&one).contains("s1"));
    }

    #[tokio::test]
    async fn the_hash_differs_by_name_and_by_domain() {
        let mut presented = guest();
        let aaron = edge()
            .admitted(&mut presented, login("aaron", Some("s1")))
            .await;
        let ben = edge()
            .admitted(&mut presented, login("ben", Some("s1")))
            .await;
        let elsewhere = Edge::new("other", 1, &Metrics::new());
        let far = elsewhere
            .admitted(&mut guest(), login("aaron", Some("s1")))
            .await;
        assert_ne!(hash_of(&aaron), hash_of(&ben));
        assert_ne!(hash_of(&aaron), hash_of(&far));
    }

    #[tokio::test]
    async fn an_activity_with_the_secret_of_the_login_carries_its_hash() {
        let mut presented = guest();
        let edge = edge();
        let logged_in = edge
            .admitted(&mut presented, login("aaron", Some("s1")))
            .await;
        let said = edge.admitted(&mut presented, says("aaron", "s1")).await;
        assert_eq!(hash_of(&said), hash_of(&logged_in));
    }

    #[tokio::test]
    async fn an_activity_with_another_secret_or_name_carries_what_is_never_right() {
        let mut presented = guest();
        let edge = edge();
        edge.admitted(&mut presented, login("aaron", Some("s1")))
            .await;
        for wrong in [says("aaron", "s2"), says("ben", "s1"), says("aaron", "")] {
            let said = edge.admitted(&mut presented, wrong).await;
            assert_eq!(
                Secret::Hashed(hash_of(&said).as_str().into()),
                Secret::never()
            );
        }
    }

    #[tokio::test]
    async fn anonymous_needs_no_secret() {
        let (edge, line) = (edge(), login("anonymous", None));
        let admitted = edge.admitted(&mut guest(), line.clone()).await;
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
        let Line::Request(admitted) = edge().admitted(&mut guest(), register).await else {
            panic!("it was a request");
        };
        assert!(matches!(*admitted, Request::Register { at, .. } if at >= before));
    }

    #[tokio::test]
    async fn who_speaks_too_fast_is_told_so() {
        let (edge, mut hasty) = (edge(), Guest::new(None, 5));
        let mut refused = 0;
        for _ in 0..20 {
            let line = says("aaron", "s1");
            refused += usize::from(matches!(
                edge.admitted(&mut hasty, line).await,
                Line::Malformed(_)
            ));
        }
        assert!(refused >= 10, "{refused}");
    }

    #[tokio::test]
    async fn an_address_that_tries_too_many_secrets_is_told_so() {
        let edge = edge();
        edge.limit_attempts(1);
        let mut guest = Guest::new("10.0.0.1".parse().ok(), 0);
        let first = edge.admitted(&mut guest, login("aaron", Some("s1"))).await;
        assert!(hash_of(&first).starts_with(params::PREFIX));
        let again = edge.admitted(&mut guest, login("aaron", Some("s1"))).await;
        assert_eq!(
            hash_of(&again),
            hash_of(&first),
            "the same again is no attempt"
        );
        let mut more = 0..20;
        let refused = more.any(|n| {
            let line = login("aaron", Some(&format!("guess {n}")));
            matches!(
                edge.admit(&mut guest, line),
                Admission::Now(Line::Malformed(_))
            )
        });
        assert!(refused);
    }

    #[tokio::test]
    async fn a_name_or_secret_that_is_too_long_is_refused_and_not_hashed() {
        let edge = edge();
        edge.limit_credentials(100);
        let long = "x".repeat(101);
        for (user, secret) in [("aaron", &*long), (&*long, "s1")] {
            let line = login(user, Some(secret));
            let admission = edge.admit(&mut guest(), line);
            assert!(matches!(admission, Admission::Now(Line::Malformed(_))));
        }
    }
}
