//! Hashes secrets on threads of its own: as many at a time as there are threads, and no more in line than a bound.

use std::collections::{HashMap, VecDeque};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use argon2::{Algorithm, Argon2, Block, Params, Version};
use blake2::Blake2sMac256;
use blake2::digest::{KeyInit, Mac};
use rand::Rng;
use regrow_model::message::{SecretHash, Username};
use tokio::sync::oneshot;

use crate::metrics::{Hashed, Secrets};

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

/// How many secrets may be in line. Each is of a connection that waits and says nothing else.
const LINE: usize = 4_096;

/// How many hashes are remembered.
const REMEMBERED: usize = 1 << 16;

/// Threads that hash.
///
/// What a secret hashes to is remembered while the process lives, so that a client that comes back waits for nothing. It is found by
/// a fingerprint with a key that nobody outside of this process has, and that never leaves it; who guesses
/// gains nothing, for a secret that was not presented before is hashed as slowly as ever.
pub(super) struct Hasher {
    domain: String,
    jobs: SyncSender<Job>,
    key: [u8; 32],
    remembered: Arc<Mutex<Remembered>>,
    counts: Secrets,
}

/// The last hashes, by fingerprint.
#[derive(Default)]
struct Remembered {
    hashes: HashMap<Fingerprint, SecretHash>,
    order: VecDeque<Fingerprint>,
}

/// Of a name and a secret.
type Fingerprint = [u8; 32];

struct Job {
    salt: String,
    secret: String,
    done: oneshot::Sender<Option<SecretHash>>,
}

impl Hasher {
    /// So many threads, which end with this.
    pub(super) fn new(domain: String, threads: usize, counts: Secrets) -> Self {
        let (jobs, queue) = sync_channel(LINE);
        let queue = Arc::new(Mutex::new(queue));
        for _ in 0..threads {
            let (queue, counts) = (queue.clone(), counts.clone());
            std::thread::Builder::new()
                .name("hash".to_owned())
                .spawn(move || work(&queue, &counts))
                .expect("the process may start a thread");
        }
        Self {
            domain,
            jobs,
            key: rand::rng().random(),
            remembered: Arc::default(),
            counts,
        }
    }

    /// The hash of a user's secret, if it is remembered.
    pub(super) fn recall(&self, username: &Username, secret: &str) -> Option<SecretHash> {
        let fingerprint = self.fingerprint(username, secret);
        lock(&self.remembered).hashes.get(&fingerprint).cloned()
    }

    fn fingerprint(&self, username: &Username, secret: &str) -> Fingerprint {
        let mut mac = Blake2sMac256::new(&self.key.into());
        mac.update(&(username.as_str().len() as u64).to_be_bytes());
        mac.update(username.as_str().as_bytes());
        mac.update(secret.as_bytes());
        mac.finalize().into_bytes().into()
    }

    /// The hash of a user's secret, when it is there; it fails for want of memory alone. `None`: too many are in line.
    pub(super) fn hash(
        &self,
        username: &Username,
        secret: &str,
    ) -> Option<impl Future<Output = Option<SecretHash>> + Send + 'static> {
        let (done, hash) = oneshot::channel();
        let job = Job {
            salt: salt(&self.domain, username),
            secret: secret.to_owned(),
            done,
        };
        self.counts.waiting.inc();
        if self.jobs.try_send(job).is_err() {
            self.counts.waiting.dec();
            self.counts.hashed.of(Hashed::Refused).inc();
            return None;
        }
        let fingerprint = self.fingerprint(username, secret);
        let remembered = self.remembered.clone();
        Some(async move {
            let hash = hash.await.ok().flatten()?;
            lock(&remembered).add(fingerprint, hash.clone());
            Some(hash)
        })
    }
}

impl Remembered {
    fn add(&mut self, fingerprint: Fingerprint, hash: SecretHash) {
        if self.hashes.insert(fingerprint, hash).is_some() {
            return;
        }
        self.order.push_back(fingerprint);
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.hashes.remove(&oldest);
        }
    }
}

/// Hashes many secrets one after the other, at once and where it is called, and remembers none.
pub struct Bulk {
    domain: String,
    memory: Vec<Block>,
}

impl Bulk {
    /// For all servers of one domain.
    pub fn new(domain: impl Into<String>) -> Self {
        Self {
            domain: domain.into(),
            memory: Vec::new(),
        }
    }

    /// The hash of a user's secret; `None` for want of memory.
    pub fn hash(&mut self, username: &Username, secret: &str) -> Option<SecretHash> {
        let salt = salt(&self.domain, username);
        digest(secret, &salt, &mut self.memory)
    }
}

fn salt(domain: &str, username: &Username) -> String {
    format!("{domain}\0{username}")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Hashes what is in line. The memory that it takes is kept: given back after each hash, allocators were seen to keep it and take
/// more for the next one.
fn work(queue: &Mutex<Receiver<Job>>, counts: &Secrets) {
    let mut memory = Vec::new();
    // The queue is let go of before the hashing begins.
    let next = || lock(queue).recv().ok();
    while let Some(job) = next() {
        counts.waiting.dec();
        // Who has left meanwhile needs no hash.
        if !job.done.is_closed() {
            let hash = counts.time(|| digest(&job.secret, &job.salt, &mut memory));
            if hash.is_none() {
                tracing::error!(
                    event = "hash_failed",
                    "a secret could not be hashed: is there no memory?"
                );
            }
            let _ = job.done.send(hash);
        }
    }
}

/// The hash of a secret as all servers know it.
fn digest(secret: &str, salt: &str, memory: &mut Vec<Block>) -> Option<SecretHash> {
    use std::fmt::Write;
    let mut text = params::PREFIX.to_owned();
    for byte in argon2(secret, salt, memory)? {
        let _ = write!(text, "{byte:02x}"); // into a String: cannot fail
    }
    Some(SecretHash::from(text))
}

/// A slow hash, on this thread; `None` for want of memory.
pub(crate) fn slow_hash(secret: &str, salt: &str) -> Option<[u8; params::HASH_BYTES]> {
    argon2(secret, salt, &mut Vec::new())
}

fn argon2(secret: &str, salt: &str, memory: &mut Vec<Block>) -> Option<[u8; params::HASH_BYTES]> {
    let params = Params::new(
        params::MEMORY_KIB,
        params::PASSES,
        params::LANES,
        Some(params::HASH_BYTES),
    )
    .ok()?;
    let blocks = params.block_count();
    memory
        .try_reserve_exact(blocks.saturating_sub(memory.len()))
        .ok()?;
    memory.resize(blocks, Block::default());
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let mut hash = [0; params::HASH_BYTES];
    argon2
        .hash_password_into_with_memory(secret.as_bytes(), salt.as_bytes(), &mut hash, memory)
        .ok()?;
    Some(hash)
}
