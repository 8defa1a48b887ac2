//! The nemesis: plays bouts on a cluster, mends all, and measures how long the servers and the clients take after that.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use regrow_model::message::Address;
use regrow_model::simulate::dice::Dice;
use rustix::process::Signal;
use serde::Serialize;
use tokio::time::{Instant, sleep, sleep_until};

use super::crowd::{Crowd, Ledger};
use super::fault::{Fault, Kind};
use super::names::{Contest, Contests};
use super::plan::{Bout, Range};
use super::watch::Watch;
use crate::command::cluster::forward::{Forwarders, Way, apart};
use crate::command::cluster::{Cluster, is_one_tree};
use crate::command::measure::clock::now;

/// How often it looks whether all is well again.
const GLANCE: Duration = Duration::from_millis(5);
/// How long a server that is told to stop may take.
const DRAIN_PATIENCE: Duration = Duration::from_secs(30);

/// A fault that has happened.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Happened {
    /// In which bout, from 0.
    pub(super) bout: usize,
    /// Its kind.
    pub(super) kind: Kind,
    /// Which servers it hit.
    pub(super) servers: Vec<usize>,
    /// What happened, in words.
    pub(super) what: String,
    /// When it began, in seconds since the first.
    pub(super) began: f64,
    /// When it was mended.
    pub(super) ended: f64,
    /// How long after its begin the others were one tree, and everybody heard everybody again, in seconds: known where servers are
    /// gone, others remain, nothing else is wrong, and they were that quick.
    pub(super) taken_over_s: Option<f64>,
}

/// How it went on after a bout.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Repair {
    /// When all was mended, in seconds since the first fault.
    pub(super) mended: f64,
    /// How long it took until all servers were one tree; `None` if they never were in time.
    pub(super) tree_s: Option<f64>,
    /// How long it took until, besides, everybody had heard everybody say something that was said after all was mended.
    pub(super) whole_s: Option<f64>,
}

/// What has happened.
#[derive(Default)]
pub(super) struct Story {
    /// The faults, in the order of their begins.
    pub(super) faults: Vec<Happened>,
    /// After each bout.
    pub(super) repairs: Vec<Repair>,
    /// What came of the names.
    pub(super) contests: Contests,
    /// What servers did by themselves that they must not do.
    pub(super) troubles: Vec<String>,
}

/// What it plays with.
pub(super) struct Nemesis<'a> {
    pub(super) cluster: &'a mut Cluster,
    pub(super) forwarders: &'a Forwarders,
    pub(super) crowd: &'a Crowd,
    pub(super) ledger: Arc<Ledger>,
    pub(super) watch: &'a Watch,
    pub(super) addresses: &'a [Address],
    pub(super) range: Range,
    pub(super) dice: Dice,
    pub(super) began: Instant,
    /// How long a repair may take.
    pub(super) patience: Duration,
    pub(super) story: Story,
    /// The ways that are cut, by the fault.
    pub(super) cuts: BTreeMap<usize, Vec<Way>>,
    /// Servers that were told to stop and haven't ended.
    pub(super) draining: BTreeSet<usize>,
}

/// What is to be done, at its time within a bout.
#[derive(Clone, Copy, Debug)]
enum Act {
    Begin(usize),
    End(usize),
    Claim,
}

impl Nemesis<'_> {
    /// Plays bouts for so long, or until something is wrong that doesn't pass.
    ///
    /// # Errors
    /// When it can't do what it wants to.
    pub(super) async fn play(mut self, length: Duration) -> io::Result<Story> {
        let end = self.began + length;
        if self.range.kinds.is_empty() {
            sleep_until(end).await;
            return Ok(self.story);
        }
        while Instant::now() < end && self.story.troubles.is_empty() {
            // Towards the end one process has run for long enough to show what it does with its memory.
            let is_spared = self.began.elapsed() > length / 3;
            let bout = self.range.bout(&mut self.dice, is_spared);
            if !bout.faults.is_empty() {
                self.bout(&bout).await?;
            }
        }
        Ok(self.story)
    }

    async fn bout(&mut self, bout: &Bout) -> io::Result<()> {
        let (number, first) = (self.story.repairs.len(), self.story.faults.len());
        let began = Instant::now();
        let mut contest = None;
        let mut indexes = vec![first; bout.faults.len()];
        for (after, act) in acts(bout) {
            self.until(began + after, first, bout).await;
            match act {
                Act::Begin(fault) => {
                    indexes[fault] = self.story.faults.len();
                    self.begin(number, &bout.faults[fault]).await?;
                }
                Act::End(fault) => self.end(&bout.faults[fault], indexes[fault]).await?,
                Act::Claim => {
                    let servers = bout.claimants.map(|server| self.cluster.address(server));
                    let name = format!("name{number}");
                    contest = Some(Contest::begin(name, [&servers[0], &servers[1]]));
                }
            }
        }
        if !self.story.troubles.is_empty() {
            return Ok(());
        }
        self.watch.tells("all mended, not yet whole again");
        let repair = self.whole().await;
        let is_whole = repair.whole_s.is_some();
        self.story.repairs.push(repair);
        if !is_whole {
            let places = self.cluster.places();
            self.story.troubles.push(format!(
                "not whole again {:?} after all was mended; the servers: {places:?}",
                self.patience
            ));
            return Ok(());
        }
        if let Some(contest) = contest {
            let servers: Vec<String> = self.addresses.iter().map(Address::to_string).collect();
            let patience = self.patience;
            let contests = &mut self.story.contests;
            contest.judge(&servers, patience, contests).await;
        }
        self.watch.tells("all is well");
        sleep(Duration::from_millis(bout.calm_ms)).await;
        self.look_for_ends();
        Ok(())
    }

    /// Waits for a time. Where servers are gone and nothing else is wrong, sees when the others have taken over.
    async fn until(&mut self, time: Instant, first: usize, bout: &Bout) {
        while Instant::now() < time {
            self.see_off();
            let is_lone = bout.faults.len() == 1 && bout.faults[0].kind.ends_servers();
            if is_lone
                && let Some(fault) = self.story.faults.get(first)
                && fault.taken_over_s.is_none()
                && self.draining.is_empty()
                && self.is_whole_since(fault.began)
            {
                let after = self.seconds() - fault.began;
                self.story.faults[first].taken_over_s = Some(after);
            }
            sleep_until(time.min(Instant::now() + GLANCE)).await;
        }
    }

    /// Whether those who are alive are one tree, and everybody has heard everybody since then, in seconds.
    fn is_whole_since(&self, since: f64) -> bool {
        let since = now().saturating_sub(((self.seconds() - since) * 1e9) as u64);
        is_one_tree(&self.cluster.places()) && self.ledger.all_have_heard_all_since(since)
    }

    fn seconds(&self) -> f64 {
        self.began.elapsed().as_secs_f64()
    }

    async fn begin(&mut self, bout: usize, fault: &Fault) -> io::Result<()> {
        let began = self.seconds();
        match fault.kind {
            Kind::Crashes | Kind::Outages => {
                for server in &fault.servers {
                    self.cluster.signal(*server, Signal::KILL)?;
                }
                for server in &fault.servers {
                    self.cluster.kill(*server).await?;
                }
            }
            Kind::Freezes => self.signal(fault, Signal::STOP)?,
            Kind::Drains => {
                self.signal(fault, Signal::TERM)?;
                self.draining.extend(&fault.servers);
            }
            Kind::Cuts | Kind::OneWay => {
                let ways = apart(&fault.servers, self.range.servers).filter(|(from, _)| {
                    fault.kind == Kind::Cuts || fault.servers.contains(from) == fault.is_outward
                });
                self.cuts.insert(self.story.faults.len(), ways.collect());
                self.cut();
            }
            Kind::Resets => self.all(fault, Forwarders::reset_links),
            Kind::Clients => self.all(fault, Forwarders::reset_clients),
            Kind::Moves => self.crowd.move_on(self.addresses, bout).await,
        }
        self.watch.counts();
        self.watch.tells(fault.to_string());
        self.story.faults.push(Happened {
            bout,
            kind: fault.kind,
            servers: fault.servers.clone(),
            what: fault.to_string(),
            began,
            ended: self.seconds(),
            taken_over_s: None,
        });
        Ok(())
    }

    async fn end(&mut self, fault: &Fault, index: usize) -> io::Result<()> {
        match fault.kind {
            Kind::Crashes | Kind::Outages => self.start(fault).await,
            Kind::Freezes => self.signal(fault, Signal::CONT)?,
            Kind::Drains => {
                for server in &fault.servers {
                    if self.draining.remove(server) {
                        let ended = self.cluster.ends(*server, DRAIN_PATIENCE).await?;
                        self.has_stopped(*server, ended);
                    }
                }
                self.start(fault).await;
            }
            Kind::Cuts | Kind::OneWay => {
                self.cuts.remove(&index);
                self.cut();
            }
            Kind::Resets | Kind::Clients | Kind::Moves => {}
        }
        self.story.faults[index].ended = self.seconds();
        Ok(())
    }

    async fn start(&mut self, fault: &Fault) {
        for server in &fault.servers {
            if let Err(error) = self.cluster.start(*server).await {
                let trouble = format!("S{} doesn't start again: {error}", server + 1);
                self.story.troubles.push(trouble);
            }
        }
    }

    fn signal(&self, fault: &Fault, signal: Signal) -> io::Result<()> {
        let mut servers = fault.servers.iter();
        servers.try_for_each(|server| self.cluster.signal(*server, signal))
    }

    fn all(&self, fault: &Fault, act: impl Fn(&Forwarders, usize)) {
        let servers = fault.servers.iter();
        servers.for_each(|server| act(self.forwarders, *server));
    }

    fn cut(&self) {
        self.forwarders.cut(self.cuts.values().flatten().copied());
    }

    /// Sees off servers that were told to stop, and have.
    fn see_off(&mut self) {
        for server in self.draining.clone() {
            if let Some(ended) = self.cluster.has_ended(server) {
                self.draining.remove(&server);
                self.cluster.is_gone(server);
                self.has_stopped(server, Some(ended));
            }
        }
    }

    /// A server that was told to stop has, or was killed.
    fn has_stopped(&mut self, server: usize, ended: Option<std::process::ExitStatus>) {
        let server = server + 1;
        match ended {
            Some(status) if status.success() => {}
            Some(status) => {
                let trouble = format!("S{server} was told to stop, and ended with {status}");
                self.story.troubles.push(trouble);
            }
            None => {
                let trouble =
                    format!("S{server} was told to stop, and hadn't {DRAIN_PATIENCE:?} later");
                self.story.troubles.push(trouble);
            }
        }
    }

    /// Looks for servers that have ended without anybody's doing.
    fn look_for_ends(&mut self) {
        for server in 0..self.range.servers {
            if let Some(status) = self.cluster.has_ended(server) {
                let trouble = format!("S{} has ended by itself: {status}", server + 1);
                self.story.troubles.push(trouble);
            }
        }
    }

    /// Waits until all servers are one tree, and everybody hears everybody.
    async fn whole(&mut self) -> Repair {
        let (mended, at) = (self.seconds(), now());
        let since = || self.began.elapsed().as_secs_f64() - mended;
        let mut repair = Repair {
            mended,
            tree_s: None,
            whole_s: None,
        };
        while since() < self.patience.as_secs_f64() {
            let places = self.cluster.places();
            let is_tree = places.iter().all(|place| place.alive) && is_one_tree(&places);
            repair.tree_s = match is_tree {
                true => Some(repair.tree_s.unwrap_or_else(since)),
                // It wasn't for good.
                false => None,
            };
            if is_tree && self.ledger.all_have_heard_all_since(at) {
                repair.whole_s = Some(since());
                return repair;
            }
            sleep(GLANCE).await;
        }
        repair
    }
}

/// What is to be done in a bout, in order, each with its time.
fn acts(bout: &Bout) -> Vec<(Duration, Act)> {
    let ms = Duration::from_millis;
    let mut acts = vec![(ms(bout.claim_ms), Act::Claim)];
    for (number, fault) in bout.faults.iter().enumerate() {
        acts.push((ms(fault.after_ms), Act::Begin(number)));
        if !fault.kind.is_instant() {
            acts.push((ms(fault.after_ms + fault.lasts_ms), Act::End(number)));
        }
    }
    acts.sort_by_key(|(after, _)| *after);
    acts
}
