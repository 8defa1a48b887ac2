//! What takes the place of users' hashed secrets in a recording.
//!
//! A node only ever asks whether two of them are equal. So each is replaced by a short keyed hash of itself, and a node that is
//! run again over the recording comes to the same decisions. The key follows from the system's secret, as slowly as that is
//! hashed, and is kept nowhere: it is the same on all servers of a system and at all their starts, so that their
//! recordings can be compared.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Write;

use blake2::Blake2sMac256;
use blake2::digest::{KeyInit, Mac};
use imbl::OrdMap;
use imbl::ordmap::DiffItem;
use regrow_model::message::client::Secret;
use regrow_model::message::server::{Record, Winner};
use regrow_model::message::{Line, Peer, Request, SecretHash, Username};
use regrow_model::node::connection::Standing;
use regrow_model::node::{Durable, Role, State};
use regrow_model::port::Input;

use crate::edge::proven;
use crate::transport::handshake::Key;

/// What the key is for.
const PURPOSE: &[u8] = b"recording";
/// How much of a keyed hash is kept, in bytes.
const KEPT_BYTES: usize = 10;
/// How many are remembered: who speaks presents the same one again and again.
const REMEMBERED: usize = 4_096;

/// Covers hashed secrets.
#[derive(Clone)]
pub struct Veil {
    key: [u8; 32],
    known: HashMap<SecretHash, SecretHash, ahash::RandomState>,
}

impl Veil {
    /// The one of this system.
    pub fn new(key: &Key) -> Self {
        Self {
            key: key.derived(PURPOSE),
            known: HashMap::default(),
        }
    }

    fn cover(&mut self, hash: &mut SecretHash) {
        if let Some(known) = self.known.get(hash) {
            return *hash = known.clone();
        }
        let mac = Blake2sMac256::new(&self.key.into()).chain_update(hash.as_str());
        let mac = mac.finalize().into_bytes();
        let mut text = String::with_capacity(2 * KEPT_BYTES);
        for byte in &mac[..KEPT_BYTES] {
            let _ = write!(text, "{byte:02x}"); // a string takes all
        }
        let covered = SecretHash::from(text);
        if self.known.len() >= REMEMBERED {
            self.known.clear();
        }
        self.known.insert(hash.clone(), covered.clone());
        *hash = covered;
    }

    /// What stands for "proven" and for "wrong" within a server is no secret, and stays.
    fn secret(&mut self, secret: &mut Secret) {
        if *secret == Secret::never() || *secret == proven() {
            return;
        }
        let mut hash = match secret {
            Secret::Plain(plain) => SecretHash::from(&*plain),
            Secret::Hashed(hash) => hash.clone(),
        };
        self.cover(&mut hash);
        *secret = Secret::Hashed(hash);
    }

    fn request(&mut self, request: &mut Request) {
        match request {
            Request::Register { secret, .. } => self.secret(secret),
            Request::Login { secret, .. } | Request::Activity { secret, .. } => {
                secret.iter_mut().for_each(|secret| self.secret(secret));
            }
            Request::Logout | Request::Got { .. } | Request::Invalid { .. } => {}
        }
    }

    fn peer(&mut self, peer: &mut Peer) {
        match peer {
            Peer::Authenticate(join) => self.secret(&mut join.secret),
            Peer::Forget { secret, .. } => self.secret(secret),
            Peer::LockRequest(request) => self.cover(&mut request.secret),
            Peer::LockDenied(denied) => match &mut denied.winner {
                Some(Winner::Reserved { secret, .. }) => self.cover(secret),
                Some(Winner::Registered(record)) => self.cover(&mut record.secret),
                None => {}
            },
            Peer::Directory(changes) => {
                let records = changes.records.iter_mut();
                records.for_each(|(_, record)| self.cover(&mut record.secret));
            }
            Peer::AuthenticationFail { .. }
            | Peer::Path { .. }
            | Peer::Known { .. }
            | Peer::Retired { .. }
            | Peer::Hello(_)
            | Peer::LockAllowed(_)
            | Peer::LockRelease(_)
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
    }

    fn line(&mut self, line: &mut Line) {
        match line {
            Line::Request(request) => self.request(request),
            Line::Peer(peer) => self.peer(peer),
            Line::Reply(_) | Line::Malformed(_) => {}
        }
    }

    /// A line as it is recorded; a copy only where there is something to cover.
    pub(super) fn covered<'a>(&mut self, line: &'a Line) -> Cow<'a, Line> {
        match line {
            Line::Peer(
                Peer::Authenticate(_)
                | Peer::Forget { .. }
                | Peer::LockRequest(_)
                | Peer::LockDenied(_)
                | Peer::Directory(_),
            )
            | Line::Request(_) => {
                let mut line = line.clone();
                self.line(&mut line);
                Cow::Owned(line)
            }
            Line::Peer(_) | Line::Reply(_) | Line::Malformed(_) => Cow::Borrowed(line),
        }
    }

    /// What happens to a node.
    pub(super) fn input<A>(&mut self, input: &mut Input<A>) {
        match input {
            Input::Line { line, .. } => self.line(line),
            Input::Up { .. }
            | Input::Received { .. }
            | Input::Down { .. }
            | Input::Unreachable { .. }
            | Input::Ask(_) => {}
        }
    }

    /// What a node had on disk.
    pub(super) fn durable(&mut self, durable: &mut Durable) {
        let records = &mut durable.registry.records;
        *records = std::mem::take(records)
            .into_iter()
            .map(|(username, mut record)| {
                self.cover(&mut record.secret);
                (username, record)
            })
            .collect();
    }

    /// What a node remembers, but for its directory.
    fn volatile(&mut self, state: &mut State) {
        for round in state.registry.rounds.values_mut() {
            self.cover(&mut round.secret);
        }
        for role in state.links.values_mut() {
            if let Role::Client(connection) = role {
                if let Standing::User { secret, .. } = &mut connection.standing {
                    self.cover(secret);
                }
                let waiting = connection.waiting.iter_mut();
                waiting.for_each(|request| self.request(request));
            }
        }
    }
}

/// Covers one state after another of the same node: of the directory, only what has changed since the last one.
pub(super) struct Covers {
    veil: Veil,
    bare: OrdMap<Username, Record>,
    covered: OrdMap<Username, Record>,
}

impl Covers {
    pub(super) fn new(veil: Veil) -> Self {
        Self {
            veil,
            bare: OrdMap::new(),
            covered: OrdMap::new(),
        }
    }

    pub(super) fn state(&mut self, state: &mut State) {
        self.veil.volatile(state);
        let records = &mut state.durable.registry.records;
        let mut covered = std::mem::take(&mut self.covered);
        for difference in self.bare.diff(records) {
            match difference {
                DiffItem::Add(username, record)
                | DiffItem::Update {
                    new: (username, record),
                    ..
                } => {
                    let mut record = record.clone();
                    self.veil.cover(&mut record.secret);
                    covered.insert(username.clone(), record);
                }
                DiffItem::Remove(username, _) => _ = covered.remove(username),
            }
        }
        self.covered = covered;
        self.bare = std::mem::replace(records, self.covered.clone());
    }
}
