//! The stage: all clients of a run, on threads of their own, and what they do together.
//!
//! ```text
//!   Gather ──▶ Probe ──▶ (Vanish) ──▶ Speak ──▶ (Return) ──▶ Leave
//!   all log in  everyone   receivers    what is    they come    all log out
//!               hears all  go away      measured   back
//! ```
//!
//! The receiving side does as little as it can for a message (`tally.rs`): it finds the payload by its bytes, counts it
//! (`ears.rs`) and reports to the speakers once for each read. In a closed loop a speaker stays so many messages ahead
//! of its mean receiver; in an open one it has a thread of its own that keeps time (`speaking.rs`).

mod client;
mod ears;
mod outcome;
mod plan;
mod shared;
mod speaker;
mod speaking;
mod tally;

mod worker;

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::thread::JoinHandle;
use std::time::Duration;

use super::BenchError;
use super::clock::{nanos, now};
use super::latency::Latency;
use ears::Ears;
pub(super) use outcome::Outcome;
use outcome::Times;
pub(super) use plan::{Event, Pace, Plan, Seat};
use shared::{Phase, Shared};
use worker::Work;

/// How often the stage is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// How long all may take to log in without anybody getting in.
const GATHER_PATIENCE: Duration = Duration::from_secs(30);
/// How long everyone may take to hear everyone.
const PROBE_PATIENCE: Duration = Duration::from_secs(20);
/// How long the servers are left alone before anything is measured: they may still be busy with the logins.
const SETTLE: Duration = Duration::from_millis(300);
/// How soon speakers begin once they are told to.
const BEGIN_IN: Duration = Duration::from_millis(20);
/// How long is waited for what should not come any more.
const STRAGGLERS: Duration = Duration::from_millis(100);

/// All clients of a run.
pub(super) struct Stage {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<io::Result<Work>>>,
    gathering: u64,
}

/// What is told of a run while it goes on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Glimpse {
    /// How many clients are logged in.
    pub(super) present: usize,
    /// How many messages were said.
    pub(super) said: u64,
    /// How many deliveries were heard.
    pub(super) delivered: u64,
}

/// Who looks after a run from outside.
pub(super) trait Observer {
    /// It goes on.
    fn glimpse(&mut self, glimpse: Glimpse);
    /// What is measured begins now.
    fn begins(&mut self);
    /// What is measured has ended.
    fn ends(&mut self);
    /// A server is to be killed now.
    ///
    /// # Errors
    /// When that can't be done.
    fn kill(&mut self, server: usize) -> io::Result<()>;
}

impl Stage {
    /// Lets all clients log in.
    ///
    /// # Errors
    /// When not all get in.
    pub(super) async fn gather(
        plan: Plan,
        observer: &mut dyn Observer,
    ) -> Result<Self, BenchError> {
        let clients = plan.seats.len();
        let threads = plan.threads.min(clients).max(1);
        let shared = Arc::new(Shared::new(plan));
        let began = now();
        let threads = (0..threads).map(|thread| {
            let shared = Arc::clone(&shared);
            let seats = (thread..clients).step_by(threads).collect();
            let builder = std::thread::Builder::new().name(format!("clients-{thread}"));
            builder.spawn(move || worker::work(shared, seats))
        });
        let threads: io::Result<Vec<_>> = threads.collect();
        let mut stage = Self {
            shared,
            threads: threads?,
            gathering: 0,
        };
        let present = |shared: &Shared| shared.present.load(SeqCst);
        let all_in = |shared: &Shared| present(shared) == clients || shared.closes.load(SeqCst) > 0;
        stage
            .until(
                all_in,
                |shared| present(shared) as u64,
                GATHER_PATIENCE,
                observer,
            )
            .await;
        let present = present(&stage.shared);
        if present < clients {
            let why = stage.shared.troubles().join("; ");
            stage.leave().await;
            return Err(BenchError::Gathering {
                present,
                clients,
                why,
            });
        }
        stage.gathering = now() - began;
        Ok(stage)
    }

    /// Lets them speak, and hands back what has come of it.
    ///
    /// # Errors
    /// When not everyone can hear everyone, or a server can't be killed.
    pub(super) async fn perform(
        mut self,
        observer: &mut dyn Observer,
    ) -> Result<Outcome, BenchError> {
        let is_absence = self.shared.plan.event == Event::Absence;
        self.probe(observer).await?;
        if is_absence {
            self.vanish(observer).await;
        }
        tokio::time::sleep(SETTLE).await;
        let mut times = Times {
            gathering: self.gathering,
            began: now() + nanos(BEGIN_IN),
            silent: 0,
            killed: None,
        };
        self.shared.began.store(times.began, SeqCst);
        observer.begins();
        self.enter(Phase::Speak);
        let pacing = self.keep_time()?;
        times.killed = self.kill(observer).await?;
        self.speak(observer).await;
        times.silent = now();
        if is_absence {
            times.began = times.silent;
            observer.begins();
            self.enter(Phase::Return);
        }
        self.hear(observer).await;
        observer.ends();
        tokio::time::sleep(STRAGGLERS).await;
        let works: io::Result<Vec<Work>> = self.leave().await.into_iter().collect();
        let lag = pacing.map(joined).transpose()?;
        let lag = lag.unwrap_or_else(Latency::new);
        Ok(Outcome::new(&self.shared, works?, lag, times))
    }

    /// Leaves everyone where they are for a while. How many are still logged in then.
    pub(super) async fn hold(&self, length: Duration) -> usize {
        tokio::time::sleep(length).await;
        self.shared.present.load(SeqCst)
    }

    /// How long it took until all were logged in, in nanoseconds.
    pub(super) fn gathering(&self) -> u64 {
        self.gathering
    }

    /// How often a connection ended that should not have, and why, in words.
    pub(super) fn closes(&self) -> (u64, Vec<String>) {
        (self.shared.closes.load(SeqCst), self.shared.troubles())
    }

    /// Lets everyone log out.
    pub(super) async fn leave(&mut self) -> Vec<io::Result<Work>> {
        self.enter(Phase::Leave);
        let threads = std::mem::take(&mut self.threads);
        let is_over = || threads.iter().all(JoinHandle::is_finished);
        while !is_over() {
            tokio::time::sleep(LOOK_EVERY).await;
        }
        threads.into_iter().map(joined).collect()
    }

    /// Until everyone has heard everyone.
    async fn probe(&mut self, observer: &mut dyn Observer) -> Result<(), BenchError> {
        let plan = &self.shared.plan;
        let pairs = plan.speakers * usize::try_from(plan.receivers()).unwrap_or(usize::MAX);
        self.enter(Phase::Probe);
        let probed = |shared: &Shared| shared.probed.load(SeqCst);
        let is_all = |shared: &Shared| probed(shared) >= pairs;
        self.until(
            is_all,
            |shared| probed(shared) as u64,
            PROBE_PATIENCE,
            observer,
        )
        .await;
        let probed = probed(&self.shared);
        if probed < pairs {
            let why = self.shared.troubles().join("; ");
            self.leave().await;
            return Err(BenchError::Probing { probed, pairs, why });
        }
        Ok(())
    }

    /// Until the receivers are gone.
    async fn vanish(&self, observer: &mut dyn Observer) {
        self.enter(Phase::Vanish);
        let seats = self.shared.plan.seats.iter();
        let staying = seats.filter(|seat| !seat.hears).count();
        let are_gone = |shared: &Shared| shared.present.load(SeqCst) == staying;
        self.until(are_gone, |_| 0, PROBE_PATIENCE, observer).await;
    }

    /// Until all is said, and acknowledged.
    async fn speak(&self, observer: &mut dyn Observer) {
        let plan = &self.shared.plan;
        // An open loop may be slow; a closed one never pauses.
        let pause = match plan.pace {
            Pace::Open { .. } => plan.length,
            Pace::Closed { .. } => Duration::ZERO,
        };
        let is_said = |shared: &Shared| {
            let is_over = shared.finished.load(SeqCst) == shared.speakers.len();
            (is_over && is_acknowledged(shared)) || is_deserted(shared)
        };
        self.until(is_said, moved, pause + plan.patience, observer)
            .await;
    }

    /// Until all is heard.
    async fn hear(&self, observer: &mut dyn Observer) {
        let patience = self.shared.plan.patience;
        let is_heard = |shared: &Shared| {
            let is_all = shared.heard() >= shared.said() * shared.plan.receivers();
            (is_all && is_acknowledged(shared)) || is_deserted(shared)
        };
        self.until(is_heard, moved, patience, observer).await;
    }

    /// Starts the thread that keeps the time of an open loop.
    fn keep_time(&self) -> io::Result<Option<JoinHandle<io::Result<Latency>>>> {
        let Pace::Open { rate } = self.shared.plan.pace else {
            return Ok(None);
        };
        let shared = Arc::clone(&self.shared);
        let builder = std::thread::Builder::new().name("pace".into());
        let pacing = builder.spawn(move || {
            let mut lag = Latency::new();
            speaking::open_loop(&shared, rate, |late| lag.record(late))?;
            Ok(lag)
        })?;
        Ok(Some(pacing))
    }

    /// Kills a server when it is time. When that was.
    async fn kill(&self, observer: &mut dyn Observer) -> Result<Option<u64>, BenchError> {
        let Event::Kill { server, after } = self.shared.plan.event else {
            return Ok(None);
        };
        let at = self.shared.began.load(SeqCst) + nanos(after);
        let is_time = |_: &Shared| now() >= at;
        self.until(is_time, |_| now(), after, observer).await;
        // Set before, so that no close comes unexpected.
        let killed = now();
        self.shared.killed.store(killed, SeqCst);
        observer.kill(server).map_err(BenchError::Kill)?;
        Ok(Some(killed))
    }

    fn enter(&self, phase: Phase) {
        self.shared.phase.send_replace(phase);
    }

    /// Waits until something is so, or nothing has moved for too long.
    async fn until(
        &self,
        is_so: impl Fn(&Shared) -> bool,
        moved: impl Fn(&Shared) -> u64,
        patience: Duration,
        observer: &mut dyn Observer,
    ) {
        let (mut last, mut since) = (0, now());
        while !is_so(&self.shared) {
            let moved = moved(&self.shared);
            if moved != last {
                (last, since) = (moved, now());
            } else if now() - since > nanos(patience) {
                return;
            }
            observer.glimpse(Glimpse {
                present: self.shared.present.load(SeqCst),
                said: self.shared.said(),
                delivered: self.shared.heard(),
            });
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

fn is_acknowledged(shared: &Shared) -> bool {
    !shared.plan.resuming || shared.acknowledged() >= shared.said()
}

/// Whether nobody is connected any more, and nobody will come back.
fn is_deserted(shared: &Shared) -> bool {
    shared.present.load(SeqCst) == 0 && shared.plan.event == Event::None
}

/// What changes as long as a run goes on.
fn moved(shared: &Shared) -> u64 {
    shared.said() + shared.heard() + shared.acknowledged()
}

/// What a thread hands back.
fn joined<T>(thread: JoinHandle<io::Result<T>>) -> io::Result<T> {
    let outcome = thread.join();
    outcome.unwrap_or_else(|_| Err(io::Error::other("a thread of the bench has failed")))
}
