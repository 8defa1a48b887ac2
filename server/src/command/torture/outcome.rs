//! All that came of a torture, and the verdict.

use std::collections::BTreeMap;

use serde::Serialize;

use super::account::Wrongs;
use super::fault::Kind;
use super::names::Contests;
use super::nemesis::{Happened, Repair};
use super::text::{bytes, counted, thousands};
use super::watch::Sample;

/// By how much memory may grow from the middle third of a run to its last.
const GROWTH_MAX: f64 = 1.25;
/// Besides, in bytes: what the hashing of one secret takes, and what an allocator keeps.
const GROWTH_BYTES: u64 = 24 << 20;
/// Shorter runs say nothing about memory, in seconds.
const MEMORY_SECONDS: f64 = 120.0;

/// What was asked for.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Asked {
    /// For how long faults were to happen, in minutes.
    pub(super) minutes: f64,
    /// How many servers.
    pub(super) servers: usize,
    /// How many clients.
    pub(super) clients: usize,
    /// How many messages a second all of them were to say.
    pub(super) rate: f64,
    /// Which faults.
    pub(super) faults: Vec<Kind>,
    /// What they are drawn by.
    pub(super) seed: u64,
    /// Which intervals the servers keep.
    pub(super) profile: &'static str,
    /// What the servers were started with besides.
    pub(super) serve: Vec<String>,
}

/// How long something took, over all of it, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(super) struct Quantiles {
    /// Half of it took at most this long.
    pub(super) p50: f64,
    /// All but a hundredth.
    pub(super) p99: f64,
    /// All but a thousandth.
    pub(super) p99_9: f64,
    /// All of it.
    pub(super) max: f64,
}

/// How the servers were at the end.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Rest {
    /// How long after the last word everything was acknowledged and heard, in seconds; `None` if never in time.
    pub(super) settled_s: Option<f64>,
    /// Why they are not one tree, in words; `None` if they are.
    pub(super) not_a_tree: Option<String>,
    /// How many messages they keep, when nobody needs any.
    pub(super) kept: u64,
}

/// What `conform` found in the recordings.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Conformed {
    /// How many starts were run again.
    pub(super) starts: u64,
    /// How many steps they had.
    pub(super) steps: u64,
    /// How many lines between servers were compared.
    pub(super) lines: u64,
    /// How large the recordings are, in bytes.
    pub(super) bytes: u64,
    /// How many recordings had ended before their servers: they say nothing of what followed.
    pub(super) abandoned: u64,
    /// What must not be.
    pub(super) findings: Vec<String>,
}

/// All that came of a torture.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Outcome {
    /// The program's version.
    pub(super) version: &'static str,
    /// When it began, in seconds since 1970.
    pub(super) started: u64,
    /// What it ran on, in words.
    pub(super) machine: String,
    /// What was asked for.
    pub(super) asked: Asked,
    /// For how long faults happened, in seconds.
    pub(super) seconds: f64,
    /// The faults.
    pub(super) faults: Vec<Happened>,
    /// How it went on after each bout of them.
    pub(super) repairs: Vec<Repair>,
    /// What was seen meanwhile.
    pub(super) samples: Vec<Sample>,
    /// How many messages were said.
    pub(super) said: u64,
    /// How many were acknowledged.
    pub(super) acknowledged: u64,
    /// How many were heard, by all.
    pub(super) deliveries: u64,
    /// How often clients logged in.
    pub(super) logins: u64,
    /// How often they were sent on.
    pub(super) redirects: u64,
    /// From when a message was said to when it was heard.
    pub(super) latency_ms: Quantiles,
    /// What clients heard that they must not, and didn't that they must.
    pub(super) wrongs: Wrongs,
    /// What came of the names that two wanted.
    pub(super) contests: Contests,
    /// The servers at the end.
    pub(super) rest: Rest,
    /// What the servers' logs say, by the name of the event.
    pub(super) events: BTreeMap<String, u64>,
    /// What the recordings show; `None` if there are none.
    pub(super) conformed: Option<Conformed>,
    /// What went wrong, in words.
    pub(super) troubles: Vec<String>,
    /// Where everything is kept, if it is.
    pub(super) kept_in: Option<String>,
    /// What holds.
    pub(super) verdict: Vec<Judgement>,
}

/// Whether one thing holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Judgement {
    /// What.
    pub(super) name: &'static str,
    /// Whether it does; `None` if this run can't tell.
    pub(super) holds: Option<bool>,
    /// By what that is known.
    pub(super) says: String,
}

impl Judgement {
    fn new(name: &'static str, holds: bool, says: impl Into<String>) -> Self {
        Self {
            name,
            holds: Some(holds),
            says: says.into(),
        }
    }
}

impl Outcome {
    /// Whether nothing is wrong.
    pub(super) fn is_good(&self) -> bool {
        self.verdict.iter().all(|one| one.holds != Some(false))
    }

    /// Judges it.
    pub(super) fn judge(&mut self) {
        let mut verdict = self.heard();
        verdict.extend([
            self.names(),
            self.repaired(),
            self.tree(),
            self.rest(),
            self.memory(),
            self.lived(),
            self.conform(),
        ]);
        self.verdict = verdict;
    }

    /// What the clients heard.
    fn heard(&self) -> Vec<Judgement> {
        let Wrongs {
            lost,
            twice,
            disordered,
            made_up,
            given_up,
        } = self.wrongs;
        let unsaid = self.said - self.acknowledged.min(self.said);
        let clients = self.asked.clients;
        let said = thousands(self.acknowledged);
        let nothing_lost = match (lost, unsaid) {
            (0, 0) => format!(
                "all {said} messages were acknowledged, and all {clients} clients heard each"
            ),
            (0, _) => format!(
                "{} never acknowledged",
                counted(unsaid, "message was", "messages were")
            ),
            (lost, _) => format!(
                "{} of what was acknowledged never came",
                counted(lost, "delivery", "deliveries")
            ),
        };
        let times = |count: u64| match count {
            0 => format!("{} deliveries", thousands(self.deliveries)),
            count => counted(count, "time", "times"),
        };
        vec![
            Judgement::new("nothing is lost", lost == 0 && unsaid == 0, nothing_lost),
            Judgement::new("nothing comes twice", twice == 0, times(twice)),
            Judgement::new(
                "everything comes in order",
                disordered == 0,
                times(disordered),
            ),
            Judgement::new("nothing is made up", made_up == 0, times(made_up)),
            Judgement::new(
                "nothing is given up",
                given_up == 0,
                match given_up {
                    0 => "nobody was told of a gap".to_owned(),
                    count => format!(
                        "{} told to be missing",
                        counted(count, "message was", "messages were")
                    ),
                },
            ),
        ]
    }

    fn names(&self) -> Judgement {
        let Contests {
            names,
            granted_twice,
            wrongs,
        } = &self.contests;
        let says = match wrongs.first() {
            Some(wrong) => format!("{}: {wrong}", counted(wrongs.len() as u64, "name", "names")),
            None => format!(
                "two asked for each of {}, {granted_twice} times both were told yes on two sides of a cut; one has it in the end, \
                 at every server",
                counted(*names, "name", "names")
            ),
        };
        Judgement {
            holds: (*names > 0).then_some(wrongs.is_empty()),
            ..Judgement::new("one owner for each name", true, says)
        }
    }

    fn repaired(&self) -> Judgement {
        let took = self.repairs.iter().map(|repair| repair.whole_s);
        let most = took.clone().flatten().fold(0.0, f64::max);
        let says = match took.clone().filter(Option::is_none).count() {
            0 => format!(
                "one tree, and everybody heard everybody, after each of {} of faults; {most:.2} s at most",
                counted(self.repairs.len() as u64, "bout", "bouts")
            ),
            never => format!("not after {}", counted(never as u64, "bout", "bouts")),
        };
        Judgement {
            holds: (!self.repairs.is_empty()).then_some(took.clone().all(|took| took.is_some())),
            ..Judgement::new("repaired each time", true, says)
        }
    }

    fn tree(&self) -> Judgement {
        let says = self.rest.not_a_tree.clone();
        Judgement::new(
            "one tree in the end",
            says.is_none(),
            says.unwrap_or_else(|| {
                "under the eldest; parents and children agree at every server".to_owned()
            }),
        )
    }

    fn rest(&self) -> Judgement {
        let says = match (self.rest.kept, self.rest.settled_s) {
            (0, Some(after)) => {
                format!(
                    "everybody had everything {after:.2} s after the last word; then no server kept a message"
                )
            }
            (kept, Some(_)) => {
                format!("{} still kept", counted(kept, "message is", "messages are"))
            }
            (_, None) => "it never came to rest".to_owned(),
        };
        let holds = self.rest.kept == 0 && self.rest.settled_s.is_some();
        Judgement::new("nothing is kept at rest", holds, says)
    }

    fn memory(&self) -> Judgement {
        let name = "memory is flat";
        if self.seconds < MEMORY_SECONDS {
            return Judgement {
                name,
                holds: None,
                says: "the run was too short to tell".to_owned(),
            };
        }
        let (mut grown, mut most) = (Vec::new(), (0, 0));
        for server in 0..self.asked.servers {
            let most_between = |from: f64, to: f64| {
                let within = |sample: &&Sample| {
                    (from * self.seconds..to * self.seconds).contains(&sample.at)
                };
                let samples = self.samples.iter().filter(within);
                let all = samples.filter_map(|sample| sample.memory.get(server).copied()?);
                all.max().unwrap_or(0)
            };
            let (before, after) = (
                most_between(1.0 / 3.0, 2.0 / 3.0),
                most_between(2.0 / 3.0, 2.0),
            );
            if after as f64 > before as f64 * GROWTH_MAX + GROWTH_BYTES as f64 {
                grown.push(format!(
                    "S{}: {} to {}",
                    server + 1,
                    bytes(before),
                    bytes(after)
                ));
            }
            most = (most.0.max(before), most.1.max(after));
        }
        let says = match grown.is_empty() {
            true => format!(
                "the largest server had {} in the second third of the run, and {} in the last",
                bytes(most.0),
                bytes(most.1)
            ),
            false => format!(
                "grown from the second third of the run to the last: {}",
                grown.join(", ")
            ),
        };
        Judgement::new(name, grown.is_empty(), says)
    }

    fn lived(&self) -> Judgement {
        Judgement::new(
            "nothing else went wrong",
            self.troubles.is_empty(),
            match self.troubles.as_slice() {
                [] => "no server ended by itself, all started again and stopped when told; no client was refused".to_owned(),
                [one] => one.clone(),
                [one, more @ ..] => format!("{one}; and {} more", more.len()),
            },
        )
    }

    fn conform(&self) -> Judgement {
        let name = "servers did what the checked protocol does";
        let Some(conformed) = &self.conformed else {
            return Judgement {
                name,
                holds: None,
                says: "nothing was recorded".to_owned(),
            };
        };
        let Conformed {
            starts,
            steps,
            lines,
            ..
        } = conformed;
        let says = match conformed.findings.as_slice() {
            [] if conformed.abandoned > 0 => format!(
                "no recording shows anything else, but {} ended early",
                counted(conformed.abandoned, "recording", "recordings")
            ),
            [] => format!(
                "{} steps of {} were run again and came to the same; {} lines between servers arrived as they were sent",
                thousands(*steps),
                counted(*starts, "start", "starts"),
                thousands(*lines)
            ),
            [first, ..] => format!(
                "{}: {first}",
                counted(conformed.findings.len() as u64, "finding", "findings")
            ),
        };
        Judgement::new(name, conformed.findings.is_empty(), says)
    }
}
