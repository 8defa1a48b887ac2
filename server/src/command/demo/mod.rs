//! `regrow demo`: the main job, as a story. The protocol is checked; then the report's six servers run, lose their
//! root, grow back, are cut in two and meet again, while clients speak; at the end everyone must have heard everything.

mod crowd;
mod picture;

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use clap::Args;
use regrow_model::check::Options;
use regrow_model::scenario::{self, Size};
use regrow_model::verdict::Case;
use tempfile::TempDir;
use tokio::time::timeout;

use super::cluster::forward::{Forwarders, apart};
use super::cluster::{Cluster, Design, Place};
use super::say::{Unsaid, say};
use super::serve::Profile;
use crowd::{Client, Crowd};
use picture::picture;

/// The report's tree (figure 8): S2 and S5 join S1, S3 and S4 join S2, S6 joins S5.
const PARENTS: [Option<usize>; 6] = [None, Some(0), Some(1), Some(1), Some(0), Some(4)];

/// The whole of it, in about a minute: check the protocol, then watch six servers lose their root and grow back
///
/// Needs nothing but this program; everything stays on this machine's loopback.
#[derive(Args, Debug)]
pub struct Demo {
    /// Leave the servers running at the end, until interrupted
    #[arg(long)]
    keep: bool,
    /// Which intervals the servers keep
    #[arg(long, value_enum, default_value_t = Profile::Fast)]
    profile: Profile,
}

/// Why a demo has failed.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// A process can't be started, or a port opened.
    #[error("cannot set the stage: {0}")]
    Stage(#[from] io::Error),
    /// The check has found something.
    #[error("the protocol's check fails in {0}: see `regrow check {0}`")]
    Check(&'static str),
    /// Something didn't happen in time.
    #[error("{0}, but not within {1:?}")]
    Late(&'static str, Duration),
    /// A client wasn't told something in time.
    #[error("{name} should be told \"{text}\", but was not within {within:?}")]
    Untold {
        /// Who.
        name: &'static str,
        /// What.
        text: &'static str,
        /// How long it was waited for.
        within: Duration,
    },
    /// Both claims to one name were given up.
    #[error("both who registered one name have lost it")]
    BothLost,
    /// Nobody watches.
    #[error("{0}")]
    Unsaid(#[from] Unsaid),
    /// Somebody has not heard what it should.
    #[error("not everyone heard everything once and in order")]
    Heard,
}

/// Who speaks, and where each is at home, by index of the server.
const SPEAKERS: [(&str, usize); 4] = [("dora", 0), ("aaron", 2), ("berta", 3), ("carla", 5)];
/// The name that two people want while the tree is in two parts.
const CONTESTED: &str = "zoe";
/// The servers of the part that is cut off: S4 and S6.
const FAR: [usize; 2] = [3, 5];

impl Demo {
    /// Tells the story.
    ///
    /// # Errors
    /// When any of it doesn't come out as told.
    pub fn run(self) -> Result<(), DemoError> {
        check_smoke()?;
        tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()?
            .block_on(self.live())
    }

    async fn live(self) -> Result<(), DemoError> {
        let directory = TempDir::with_prefix("regrow-demo-")?;
        let forwarders = Forwarders::open(PARENTS.len()).await?;
        let mut stage = Stage {
            cluster: Cluster::new(
                forwarders.clone(),
                Design {
                    directory: directory.path().to_owned(),
                    profile: self.profile,
                    parents: PARENTS.to_vec(),
                    more: Box::new(|_| Vec::new()),
                    reader: Arc::new(|_, _| {}),
                },
            ),
            forwarders,
            crowd: Crowd::new(),
            patience: self.profile.patience(),
        };
        say("\nNow live: six servers of the same actor, and people who will speak all the time.")?;
        stage.grow().await?;
        stage.gather().await?;
        stage.lose_root().await?;
        stage.part_and_meet().await?;
        stage.bring_back().await?;
        let everything = stage.settle_accounts().await;
        if self.keep {
            stage.stay(&directory).await?;
        }
        everything
    }
}

/// The first act: every small world, completely.
fn check_smoke() -> Result<(), DemoError> {
    say("First the protocol, checked: every state that these small worlds can reach.")?;
    let threads = available_parallelism().unwrap_or(std::num::NonZeroUsize::MIN);
    let options = Options {
        threads,
        ..Options::default()
    };
    let (mut states, mut worlds) = (0, 0);
    for scenario in scenario::all().filter(|scenario| scenario.size == Size::Smoke) {
        let verdict = Case::sound(scenario).check(&options, |_| {});
        let verdict = verdict.map_err(|_| DemoError::Check(scenario.name))?;
        if !verdict.is_good() {
            return Err(DemoError::Check(scenario.name));
        }
        say(format_args!(
            "  {:>8} states  {}: {}",
            verdict.report.states, scenario.name, scenario.says
        ))?;
        states += verdict.report.states;
        worlds += 1;
    }
    say(format_args!(
        "  All {worlds} worlds hold, {states} states in all. `regrow check --list` has the larger ones."
    ))?;
    Ok(())
}

/// What the story plays on.
struct Stage {
    cluster: Cluster,
    forwarders: Forwarders,
    crowd: Crowd,
    /// How long anything may take.
    patience: Duration,
}

impl Stage {
    /// The report's tree comes up.
    async fn grow(&mut self) -> Result<(), DemoError> {
        for server in 0..PARENTS.len() {
            self.cluster.start(server).await?;
            let joined = |places: &[Place]| places[server].parent == PARENTS[server];
            self.until("every server should join", joined).await?;
        }
        say(picture(&self.cluster.places()))?;
        Ok(())
    }

    /// People register, each at a server of its own.
    async fn gather(&mut self) -> Result<(), DemoError> {
        let mut speakers = Vec::new();
        for (name, home) in SPEAKERS {
            let client = Client::start(name, &self.servers_from(home))?;
            self.told(&client, "logged in").await?;
            say(format_args!(
                "  {name} registers at S{} and logs in.",
                home + 1
            ))?;
            speakers.push(client);
        }
        self.crowd.speakers = speakers;
        Ok(self.crowd.chat(10).await?)
    }

    /// The report's appendix: S1 dies, then S5.
    async fn lose_root(&mut self) -> Result<(), DemoError> {
        say("\nS1, the root, is killed. dora was connected to it.")?;
        self.cluster.kill(0).await?;
        self.crowd.chat(5).await?;
        let grown = |places: &[Place]| places[1].parent.is_none() && places[4].parent == Some(1);
        self.until("S2 should be root, and S5 join it", grown)
            .await?;
        say(picture(&self.cluster.places()))?;
        say("S5 is killed, too.")?;
        self.cluster.kill(4).await?;
        self.crowd.chat(5).await?;
        self.until("S6 should join S2", |places| places[5].parent == Some(1))
            .await?;
        say(picture(&self.cluster.places()))?;
        Ok(())
    }

    /// The tree is cut in two, both sides give the same name away, and they meet again.
    async fn part_and_meet(&mut self) -> Result<(), DemoError> {
        say("The network is cut: S4 and S6 on one side, S2 and S3 on the other.")?;
        self.forwarders.cut(apart(&FAR, PARENTS.len()));
        self.crowd.chat(5).await?;
        let parted = |places: &[Place]| places[3].parent.is_none() && places[5].parent == Some(3);
        self.until("S4 should be the root of S6", parted).await?;
        say(picture(&self.cluster.places()))?;
        let near = Client::start(CONTESTED, &self.servers_from(2)[..1])?;
        self.told(&near, "is registered").await?;
        let far = Client::start(CONTESTED, &self.servers_from(5)[..1])?;
        self.told(&far, "is registered").await?;
        say(format_args!(
            "  On both sides somebody registers {CONTESTED}, and both succeed: at S3, and then at S6."
        ))?;
        self.crowd.chat(5).await?;
        say("\nThe network heals.")?;
        self.forwarders.heal();
        self.told(&far, "the name is lost").await?;
        let met = |places: &[Place]| {
            places
                .iter()
                .filter(|place| place.alive && place.parent.is_none())
                .count()
                == 1
        };
        self.until("the halves should become one tree", met).await?;
        say(picture(&self.cluster.places()))?;
        if near
            .heard()
            .notices
            .iter()
            .any(|notice| notice.contains("the name is lost"))
        {
            return Err(DemoError::BothLost);
        }
        say(format_args!(
            "  The elder {CONTESTED}, at S3, keeps the name. The other one was told:"
        ))?;
        for notice in far
            .heard()
            .notices
            .iter()
            .filter(|notice| notice.contains("lost"))
        {
            say(format_args!("    {notice}"))?;
        }
        Ok(self.crowd.chat(5).await?)
    }

    /// The dead return.
    async fn bring_back(&mut self) -> Result<(), DemoError> {
        say("\nS1 and S5 start again, each with what is on its disk.")?;
        for server in [0, 4] {
            self.cluster.start(server).await?;
        }
        let back = |places: &[Place]| {
            places
                .iter()
                .enumerate()
                .all(|(server, place)| place.alive && place.parent.is_none() == (server == 0))
        };
        self.until("everyone should be under S1 again", back)
            .await?;
        say(picture(&self.cluster.places()))?;
        Ok(self.crowd.chat(10).await?)
    }

    /// Whether everyone who was connected heard everything, once and in order.
    async fn settle_accounts(&self) -> Result<(), DemoError> {
        let expected: Vec<u64> = (1..=self.crowd.said).collect();
        let complete = |numbers: &BTreeMap<String, Vec<u64>>| {
            SPEAKERS
                .iter()
                .all(|(name, _)| numbers.get(*name).map_or(0, Vec::len) >= expected.len())
        };
        say(format_args!(
            "\nEverybody said {} messages, and has heard of each speaker:",
            self.crowd.said
        ))?;
        let mut all = true;
        for client in &self.crowd.speakers {
            // Whoever lacks something then is shown below with what it has.
            let _ = timeout(
                self.patience,
                client.until(|heard| complete(&heard.numbers)),
            )
            .await;
            let heard = client.heard().numbers;
            let mut line = format!("  {:>6}:", client.name);
            for (name, _) in SPEAKERS {
                let numbers = heard.get(name).map_or(&[][..], Vec::as_slice);
                let right = numbers == expected;
                all &= right;
                let verdict = if right { "in order" } else { "WRONG" };
                line += &format!("  {name} {} {verdict}", numbers.len());
            }
            say(line)?;
        }
        if !all {
            return Err(DemoError::Heard);
        }
        say("Every message arrived once and in order, at everyone.")?;
        Ok(())
    }

    /// The servers stay up until somebody interrupts.
    async fn stay(&mut self, directory: &TempDir) -> Result<(), DemoError> {
        say(format_args!(
            "\nThe servers stay up, with their state in {}:",
            directory.path().display()
        ))?;
        for (server, process) in self.cluster.running() {
            say(format_args!(
                "  S{}: {}, process {process}",
                server + 1,
                self.cluster.address(server)
            ))?;
        }
        say(format_args!(
            "Talk with: regrow client --server {}    End with Ctrl-C.",
            self.cluster.address(0)
        ))?;
        Ok(tokio::signal::ctrl_c().await?)
    }

    /// All servers, this one first.
    fn servers_from(&self, home: usize) -> Vec<String> {
        (0..PARENTS.len())
            .map(|next| self.cluster.address((home + next) % PARENTS.len()))
            .collect()
    }

    /// Waits until the servers are where they should be, while people go on speaking.
    async fn until(
        &mut self,
        what: &'static str,
        arrived: impl Fn(&[Place]) -> bool,
    ) -> Result<(), DemoError> {
        let arrives = timeout(self.patience, self.cluster.until(arrived));
        let arrived = self.crowd.meanwhile(arrives).await?;
        arrived.map_err(|_| DemoError::Late(what, self.patience))
    }

    /// Waits until a client has been told something, while people go on speaking.
    async fn told(&mut self, client: &Client, text: &'static str) -> Result<(), DemoError> {
        let told = timeout(self.patience, client.until_told(text));
        let told = self.crowd.meanwhile(told).await?;
        told.map_err(|_| DemoError::Untold {
            name: client.name,
            text,
            within: self.patience,
        })
    }
}
