//! One torture, from the first server to the verdict.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::available_parallelism;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use regrow_model::message::Address;
use rustix::process::Signal;
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use super::crowd::Crowd;
use super::nemesis::{Nemesis, Story};
use super::outcome::{Asked, Conformed, Outcome, Quantiles, Rest};
use super::plan::Range;
use super::watch::{Sample, Watch};
use super::{Torture, TortureError, recorded, rest};
use crate::command::cluster::forward::Forwarders;
use crate::command::cluster::{Cluster, Design, is_one_tree};
use crate::command::dice::seeded;
use crate::command::measure::clock::now;
use crate::command::measure::latency::Latency;
use crate::command::serve::Profile;

/// The stream of chance that faults are drawn from.
const STREAM: u128 = 4;
/// How often it looks whether something has come about.
const GLANCE: Duration = Duration::from_millis(10);
/// How long the servers are left alone before they are killed at the end: what is announced now and then has been.
const AT_REST: Duration = Duration::from_secs(1);
/// How much a recording may hold. The disk bounds it before.
const RECORD_MAX_BYTES: u64 = 1 << 40;

/// Where everything of a torture is.
enum Place {
    /// Gone with it.
    Passing(TempDir),
    /// Kept.
    Kept(PathBuf),
}

/// What the servers' logs said, by the name of the event.
type Events = Arc<Mutex<BTreeMap<String, u64>>>;

/// What plays, and where.
struct Stage {
    /// First, for its processes must have ended before their directory goes.
    cluster: Cluster,
    place: Place,
    forwarders: Forwarders,
    addresses: Vec<Address>,
    events: Events,
    patience: Duration,
}

/// What a torture came to, before it is judged.
struct Played {
    story: Story,
    samples: Vec<Sample>,
    latency: Latency,
    seconds: f64,
    rest: Rest,
}

/// All of it.
pub(super) async fn torture(asked: &Torture) -> Result<Outcome, TortureError> {
    let started = SystemTime::now().duration_since(UNIX_EPOCH);
    let started = started.map_or(0, |since| since.as_secs());
    let seed = asked.seed.unwrap_or_else(|| rand::random::<u32>().into());
    let mut stage = Stage::set(asked).await?;
    let crowd = stage.gather(asked).await?;
    let ledger = crowd.ledger();
    let played = stage.play(asked, seed, &crowd).await?;
    let (acknowledged, said) = (ledger.acknowledged(), ledger.said());
    let mut troubles = played.story.troubles;
    troubles.extend(ledger.troubles());
    let (logins, redirects) = ledger.logins();
    let conformed = stage.end(asked, crowd).await?;
    let mut outcome = Outcome {
        version: env!("CARGO_PKG_VERSION"),
        started,
        machine: machine(),
        asked: Asked {
            minutes: asked.minutes.as_secs_f64() / 60.0,
            servers: asked.servers.into(),
            clients: asked.clients.into(),
            rate: asked.rate.into(),
            faults: asked.kinds(),
            seed,
            profile: asked.profile.as_str(),
            serve: asked.serve.clone(),
        },
        seconds: played.seconds,
        faults: played.story.faults,
        repairs: played.story.repairs,
        samples: played.samples,
        said,
        acknowledged: acknowledged.iter().sum(),
        deliveries: ledger.heard(),
        logins,
        redirects,
        latency_ms: quantiles(&played.latency),
        wrongs: ledger.wrongs(),
        contests: played.story.contests,
        rest: played.rest,
        events: events(&stage.events),
        conformed,
        troubles,
        kept_in: None,
        verdict: Vec::new(),
    };
    outcome.judge();
    outcome.kept_in = stage.place.settle(outcome.is_good());
    Ok(outcome)
}

impl Stage {
    /// Starts the servers, one after the other.
    async fn set(asked: &Torture) -> Result<Self, TortureError> {
        let place = Place::new(asked.keep.as_deref())?;
        let servers = usize::from(asked.servers);
        let forwarders = Forwarders::open(servers).await?;
        let events = Events::default();
        let mut stage = Self {
            cluster: Cluster::new(
                forwarders.clone(),
                design(asked, place.path(), Arc::clone(&events)),
            ),
            place,
            addresses: Vec::new(),
            forwarders,
            events,
            patience: asked.patience(),
        };
        for server in 0..servers {
            let started = stage.cluster.start(server).await;
            started.map_err(|error| TortureError::Start(server + 1, error))?;
            stage.addresses.push(address(&stage.forwarders, server)?);
            let sight = stage.cluster.sight();
            let is_tree = || is_one_tree(&sight.places());
            until("every server should join", stage.patience, is_tree).await?;
        }
        Ok(stage)
    }

    /// Lets the clients in, and waits until everybody hears everybody.
    async fn gather(&self, asked: &Torture) -> Result<Crowd, TortureError> {
        let clients = usize::from(asked.clients);
        let crowd = Crowd::gather(clients, &self.addresses);
        let ledger = crowd.ledger();
        crowd.register().await;
        let are_in = || ledger.present() == clients;
        until("every client should log in", self.patience, are_in).await?;
        crowd.speak(asked.rate.into());
        let at = now();
        let hear = || ledger.all_have_heard_all_since(at);
        until("everybody should hear everybody", self.patience, hear).await?;
        Ok(crowd)
    }

    /// Lets things go wrong, and all come to rest.
    async fn play(
        &mut self,
        asked: &Torture,
        seed: u64,
        crowd: &Crowd,
    ) -> Result<Played, TortureError> {
        let ledger = crowd.ledger();
        let began = Instant::now();
        let (sight, length) = (self.cluster.sight(), asked.minutes);
        let watch = Watch::begin(Arc::clone(&ledger), sight, began, length);
        let nemesis = Nemesis {
            cluster: &mut self.cluster,
            forwarders: &self.forwarders,
            crowd,
            ledger: Arc::clone(&ledger),
            watch: &watch,
            addresses: &self.addresses,
            range: Range {
                kinds: asked.kinds(),
                servers: asked.servers.into(),
                slowness: match asked.profile {
                    Profile::Fast => 1,
                    Profile::Report => 4,
                },
            },
            dice: seeded(seed, STREAM),
            began,
            patience: self.patience,
            story: Story::default(),
            cuts: BTreeMap::new(),
            draining: BTreeSet::new(),
        };
        let story = nemesis.play(length).await?;
        let seconds = began.elapsed().as_secs_f64();
        watch.tells("nobody speaks any more; what was said is still to be heard");
        ledger.hush();
        let rest = rest::settle(&self.cluster, &ledger, self.patience).await;
        let (samples, latency) = watch.end().await;
        Ok(Played {
            story,
            samples,
            latency,
            seconds,
            rest,
        })
    }

    /// Ends the servers where they are, all at rest, and compares their recordings.
    async fn end(
        &mut self,
        asked: &Torture,
        crowd: Crowd,
    ) -> Result<Option<Conformed>, TortureError> {
        sleep(AT_REST).await;
        let servers = 0..usize::from(asked.servers);
        for server in servers.clone() {
            self.cluster.signal(server, Signal::KILL)?;
        }
        for server in servers.clone() {
            self.cluster.kill(server).await?;
        }
        crowd.leave().await;
        if asked.no_record {
            return Ok(None);
        }
        let directories: Vec<PathBuf> = servers
            .map(|server| recording(self.place.path(), server))
            .collect();
        let compared = tokio::task::spawn_blocking(move || recorded::compare(&directories));
        let compared = compared.await.map_err(io::Error::other)?;
        Ok(Some(compared.unwrap_or_else(|error| Conformed {
            findings: vec![error.to_string()],
            ..Conformed::default()
        })))
    }
}

/// How the servers are started.
fn design(asked: &Torture, directory: &Path, events: Events) -> Design {
    let (serve, is_recorded) = (asked.serve.clone(), !asked.no_record);
    let records = directory.to_owned();
    let logs = directory.to_owned();
    Design {
        directory: directory.to_owned(),
        profile: asked.profile,
        parents: (0..usize::from(asked.servers))
            .map(|server| (server > 0).then_some(0))
            .collect(),
        more: Box::new(move |server| {
            let mut more = vec!["--http".to_owned(), "127.0.0.1:0".to_owned()];
            if is_recorded {
                let recording = recording(&records, server).display().to_string();
                more.extend(["--record".to_owned(), recording]);
                more.extend([
                    "--record-max-bytes".to_owned(),
                    RECORD_MAX_BYTES.to_string(),
                ]);
            }
            more.extend(serve.iter().cloned());
            more
        }),
        reader: Arc::new(move |server, line| {
            if let Some((_, event)) = line.split_once("event=\"")
                && let Some((event, _)) = event.split_once('"')
            {
                let mut events = events.lock().unwrap_or_else(PoisonError::into_inner);
                *events.entry(event.to_owned()).or_default() += 1;
            }
            // A log that can't be kept is no reason to stop.
            let log = logs.join(format!("S{}.log", server + 1));
            let log = File::options().create(true).append(true).open(log);
            let _ = log.and_then(|mut log| writeln!(log, "{line}"));
        }),
    }
}

fn recording(directory: &Path, server: usize) -> PathBuf {
    directory.join(format!("S{}-recording", server + 1))
}

fn address(forwarders: &Forwarders, server: usize) -> io::Result<Address> {
    Address::new("127.0.0.1", forwarders.port(server)).map_err(io::Error::other)
}

/// Waits until something is so.
async fn until(
    what: &'static str,
    patience: Duration,
    is_so: impl Fn() -> bool,
) -> Result<(), TortureError> {
    let began = Instant::now();
    while !is_so() {
        if began.elapsed() > patience {
            return Err(TortureError::Late(what, patience));
        }
        sleep(GLANCE).await;
    }
    Ok(())
}

fn quantiles(latency: &Latency) -> Quantiles {
    let at = |share| match latency.is_empty() {
        true => 0.0,
        false => latency.at_us(share) / 1e3,
    };
    Quantiles {
        p50: at(0.5),
        p99: at(0.99),
        p99_9: at(0.999),
        max: at(1.0),
    }
}

fn events(events: &Events) -> BTreeMap<String, u64> {
    let events = events.lock().unwrap_or_else(PoisonError::into_inner);
    events.clone()
}

/// What this runs on.
fn machine() -> String {
    let cores = available_parallelism().map_or(0, usize::from);
    let memory = fs::read_to_string("/proc/meminfo").ok();
    let memory = memory.and_then(|text| {
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix("MemTotal:"))?;
        line.split_whitespace().next()?.parse::<u64>().ok()
    });
    let memory = memory.map_or_else(String::new, |kib| {
        format!(", {} of memory", super::text::bytes(kib * 1024))
    });
    format!("{} with {cores} cores{memory}", std::env::consts::OS)
}

impl Place {
    fn new(keep: Option<&Path>) -> Result<Self, TortureError> {
        let Some(directory) = keep else {
            return Ok(Self::Passing(TempDir::with_prefix("regrow-torture-")?));
        };
        fs::create_dir_all(directory)?;
        match fs::read_dir(directory)?.next() {
            Some(_) => Err(TortureError::InUse(directory.to_owned())),
            None => Ok(Self::Kept(directory.canonicalize()?)),
        }
    }

    fn path(&self) -> &Path {
        match self {
            Self::Passing(directory) => directory.path(),
            Self::Kept(directory) => directory,
        }
    }

    /// Where it stays, if it does: also when something is wrong.
    fn settle(self, is_good: bool) -> Option<String> {
        let kept = match self {
            Self::Passing(_) if is_good => return None,
            Self::Passing(directory) => directory.keep(),
            Self::Kept(directory) => directory,
        };
        Some(kept.display().to_string())
    }
}
