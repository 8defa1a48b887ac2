//! The workload: clients of ours, each the actor that is checked, who all speak and hear each other.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use regrow_model::client::{Ask, Client as Actor, Config, Kind, State, Timing};
use regrow_model::message::client::Secret;
use regrow_model::message::{Address, ClientId, Username};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::account::{Account, Wrongs, activity, user};
use crate::command::measure::clock::now;
use crate::runtime::{EVENTS, Forgetful, Handle, Setup};
use crate::transport::{Carriers, Transport};

/// What each proves with that it is itself.
const SECRET: &str = "torture";
/// How much a client keeps of what it said until everyone has it.
const KEPT_MAX: usize = 65_536;
/// How much of what it said may not be at everyone's before it pauses: less than it keeps, so that nothing is declined.
const UNSTABLE_MAX: u64 = 16_384;
/// How much is heard before a server is told so.
const UNGOT_MAX: u32 = 256;
/// How much a message carries besides, in bytes.
const PADDING: usize = 60;

/// All clients.
pub(super) struct Crowd {
    clients: Vec<Client>,
    ledger: Arc<Ledger>,
}

/// One client.
struct Client {
    asks: mpsc::Sender<Ask>,
    handle: Handle<Ask, State>,
    transport: Transport,
}

/// What all have said and heard.
pub(super) struct Ledger {
    /// How much each has said.
    said: Vec<AtomicU64>,
    accounts: Vec<Mutex<Account>>,
    /// Whether they speak.
    is_loud: AtomicBool,
}

impl Crowd {
    /// So many clients, each registering at a server of its own, who don't speak yet.
    pub(super) fn gather(clients: usize, servers: &[Address]) -> Self {
        let ledger = Arc::new(Ledger {
            said: (0..clients).map(|_| AtomicU64::new(0)).collect(),
            accounts: (0..clients)
                .map(|_| Mutex::new(Account::new(clients)))
                .collect(),
            is_loud: AtomicBool::new(false),
        });
        let clients = (0..clients).map(|client| {
            let mut servers = servers.to_vec();
            let home = client % servers.len().max(1);
            servers.rotate_left(home);
            Client::start(client, servers, &ledger)
        });
        Self {
            clients: clients.collect(),
            ledger,
        }
    }

    /// What all have said and heard.
    pub(super) fn ledger(&self) -> Arc<Ledger> {
        Arc::clone(&self.ledger)
    }

    /// All want to be somebody.
    pub(super) async fn register(&self) {
        for (client, Client { asks, .. }) in self.clients.iter().enumerate() {
            let register = Ask::Register {
                username: Username::from(user(client).as_str()),
                secret: Secret::Plain(SECRET.into()),
            };
            // An actor that has failed shows where it isn't heard.
            let _ = asks.send(register).await;
        }
    }

    /// All begin to speak, so many messages a second together.
    pub(super) fn speak(&self, rate: f64) {
        self.ledger.is_loud.store(true, SeqCst);
        let pause = Duration::from_secs_f64(self.clients.len() as f64 / rate);
        for (client, Client { asks, .. }) in self.clients.iter().enumerate() {
            let offset = pause.mul_f64(client as f64 / self.clients.len() as f64);
            let ledger = Arc::clone(&self.ledger);
            tokio::spawn(speak(client, asks.clone(), ledger, pause, offset));
        }
    }

    /// Every third client goes from where it is to the server that follows.
    pub(super) async fn move_on(&self, servers: &[Address], nth: usize) {
        for (client, Client { asks, .. }) in self.clients.iter().enumerate() {
            if client % 3 == nth % 3 {
                let at = self.ledger.account(client).at.clone();
                let at = servers
                    .iter()
                    .position(|server| Some(server) == at.as_ref());
                let next = at.map_or(client, |at| at + 1) % servers.len();
                let to = servers[next].clone();
                let _ = asks.send(Ask::Move { to }).await;
            }
        }
    }

    /// All leave.
    pub(super) async fn leave(self) {
        for Client {
            handle, transport, ..
        } in self.clients
        {
            // Whatever it has come to was judged before.
            let _ = handle.stop().await;
            transport.idle().await;
        }
    }
}

impl Client {
    fn start(client: usize, servers: Vec<Address>, ledger: &Arc<Ledger>) -> Self {
        let config = Config {
            client: ClientId::from(format!("torture{client}").as_str()),
            servers,
            kind: Kind::Ours,
            kept_max: KEPT_MAX,
            ungot_max: Some(UNGOT_MAX),
            timing: Timing::default(),
        };
        let (events, happened) = mpsc::channel(EVENTS);
        let transport = Transport::of_client(Carriers::default(), events);
        let account = Arc::clone(ledger);
        let setup = Setup {
            actor: Actor::new(config),
            storage: None,
            disk: Box::new(Forgetful),
            dial: Box::new(transport.clone()),
            told: Box::new(move |told| {
                let said = |speaker: usize| account.said[speaker].load(SeqCst);
                account.account(client).take(&told, now(), said);
            }),
            said: Box::new(|_, _| {}),
            witness: None,
        };
        let handle = setup.spawn(happened);
        Self {
            asks: handle.asks(),
            handle,
            transport,
        }
    }
}

/// What a client does: it says something again and again, unless too much of it isn't at everyone's.
async fn speak(
    client: usize,
    asks: mpsc::Sender<Ask>,
    ledger: Arc<Ledger>,
    pause: Duration,
    offset: Duration,
) {
    let mut pace = interval_at(Instant::now() + offset, pause);
    pace.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        pace.tick().await;
        if !ledger.is_loud.load(SeqCst) {
            return;
        }
        let said = &ledger.said[client];
        let n = said.load(SeqCst) + 1;
        if n > ledger.account(client).stable + UNSTABLE_MAX {
            continue;
        }
        let Ok(activity) = activity(n, now(), PADDING).parse() else {
            return;
        };
        // First, for it may be heard before the next line.
        said.store(n, SeqCst);
        if asks.send(Ask::Say(activity)).await.is_err() {
            return;
        }
    }
}

impl Ledger {
    fn account(&self, client: usize) -> MutexGuard<'_, Account> {
        let account = self.accounts[client].lock();
        account.unwrap_or_else(PoisonError::into_inner)
    }

    fn all(&self) -> impl Iterator<Item = MutexGuard<'_, Account>> {
        (0..self.accounts.len()).map(|client| self.account(client))
    }

    /// Nobody says anything more.
    pub(super) fn hush(&self) {
        self.is_loud.store(false, SeqCst);
    }

    /// How many clients are logged in.
    pub(super) fn present(&self) -> usize {
        self.all().filter(|account| account.at.is_some()).count()
    }

    /// How much all have said.
    pub(super) fn said(&self) -> u64 {
        self.said.iter().map(|said| said.load(SeqCst)).sum()
    }

    /// How much of it is acknowledged, of each.
    pub(super) fn acknowledged(&self) -> Vec<u64> {
        self.all().map(|account| account.acknowledged).collect()
    }

    /// How much all have heard.
    pub(super) fn heard(&self) -> u64 {
        self.all().map(|account| account.heard).sum()
    }

    /// How often clients have logged in, and were sent on.
    pub(super) fn logins(&self) -> (u64, u64) {
        self.all().fold((0, 0), |(logins, redirects), account| {
            (logins + account.logins, redirects + account.redirects)
        })
    }

    /// How long each message took that was heard since this was asked last, in nanoseconds.
    pub(super) fn take_latencies(&self) -> Vec<u64> {
        let mut all = Vec::new();
        for mut account in self.all() {
            all.append(&mut account.latencies);
        }
        all
    }

    /// Whether everybody has heard everybody say something at this time or later.
    pub(super) fn all_have_heard_all_since(&self, at: u64) -> bool {
        self.all().all(|account| account.has_heard_all_since(at))
    }

    /// Whether all that was said is acknowledged, and heard by everyone.
    pub(super) fn is_settled(&self) -> bool {
        let said: Vec<u64> = self.said.iter().map(|said| said.load(SeqCst)).collect();
        self.acknowledged() == said && self.all().all(|account| account.lacks(&said) == 0)
    }

    /// What is wrong.
    pub(super) fn wrongs(&self) -> Wrongs {
        let acknowledged = self.acknowledged();
        let mut wrongs = Wrongs::default();
        for account in self.all() {
            wrongs += account.wrongs(&acknowledged);
        }
        wrongs
    }

    /// What went wrong, in words.
    pub(super) fn troubles(&self) -> Vec<String> {
        let all = self.all().enumerate();
        let named = all.flat_map(|(client, account)| {
            let troubles = account.troubles.clone().into_iter();
            troubles.map(move |trouble| format!("{}: {trouble}", user(client)))
        });
        named.collect()
    }
}
