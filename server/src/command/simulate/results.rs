//! What a set of runs came to: sums, so that the results of several machines add up to one.

use std::collections::{BTreeMap, BTreeSet};

use regrow_model::counterexample::Ending;
use regrow_model::simulate::plan::Plan;
use regrow_model::simulate::run::{Course, Repair};
use serde::{Deserialize, Serialize};

/// The version of the format that is written here, and the only one that is read.
pub(super) const FORMAT: u32 = 1;

/// What runs came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Results {
    /// The version of this format.
    pub(super) format: u32,
    /// What was run, apart from which seeds: results of different ones don't add up.
    pub(super) asked: Asked,
    /// How many runs.
    pub(super) runs: u64,
    /// How many steps in all.
    pub(super) steps: u64,
    /// A number for all steps of all runs, in whatever order: equal where the runs were.
    pub(super) digest: u64,
    /// How long it took; of several machines, in all.
    pub(super) seconds: f64,
    /// The runs that failed, by seed.
    pub(super) failures: BTreeMap<u64, Failure>,
    /// What was counted, by how many servers there were, tens first.
    pub(super) sizes: BTreeMap<usize, Counts>,
    /// What occurred.
    pub(super) seen: BTreeSet<String>,
}

/// What is asked of every run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Asked {
    /// Servers, at least and at most.
    pub(super) servers: (usize, usize),
    /// Clients, at least and at most.
    pub(super) clients: (usize, usize),
    /// What may go wrong.
    pub(super) faults: Vec<String>,
    /// The rule that is broken, if one is.
    pub(super) mutant: Option<String>,
}

/// A run that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Failure {
    /// The laws.
    pub(super) law: String,
    /// How.
    pub(super) ending: Ending,
    /// After how many steps.
    pub(super) steps: usize,
    /// Where it is kept, and how long it is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) kept: Option<Kept>,
}

/// A run that failed, made short.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Kept {
    /// The file.
    pub(super) file: String,
    /// Its steps.
    pub(super) steps: usize,
}

/// Sums over runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Counts {
    /// Runs.
    pub(super) runs: u64,
    /// Servers of all of them.
    pub(super) servers: u64,
    /// How often somebody heard what somebody said.
    pub(super) heard: u64,
    /// Lines from server to server.
    pub(super) lines: u64,
    /// Those of them that carried what somebody said.
    pub(super) carried: u64,
    /// How often one brought it to a server that hadn't got it.
    pub(super) arrivals: u64,
    /// Over how many servers these came, in all.
    pub(super) hops: u64,
    /// The most that one came over.
    pub(super) hops_max: u64,
    /// Runs that converged after everything was mended.
    pub(super) repairs: u64,
    /// Messages that servers then lacked.
    pub(super) missing: u64,
    /// Steps until all had converged.
    pub(super) repair_steps: u64,
    /// The most of one run.
    pub(super) repair_steps_max: u64,
    /// Lines from server to server among them.
    pub(super) repair_lines: u64,
}

impl Results {
    /// Of no run yet.
    pub(super) fn new(asked: Asked) -> Self {
        Self {
            format: FORMAT,
            asked,
            runs: 0,
            steps: 0,
            digest: 0,
            seconds: 0.0,
            failures: BTreeMap::new(),
            sizes: BTreeMap::new(),
            seen: BTreeSet::new(),
        }
    }

    /// Adds a run.
    pub(super) fn count(&mut self, plan: &Plan, course: &Course) {
        let servers = plan.parents.len();
        self.runs += 1;
        self.steps += course.taken.len() as u64;
        self.digest = self.digest.wrapping_add(course.digest);
        self.seen.extend(course.seen.labels().map(str::to_owned));
        self.sizes
            .entry(servers / 10 * 10)
            .or_default()
            .count(servers, course);
        if let Some(failing) = &course.failing {
            let failure = Failure {
                law: failing.law.clone(),
                ending: failing.ending.clone(),
                steps: course.taken.len(),
                kept: None,
            };
            self.failures.insert(plan.seed, failure);
        }
    }

    /// Adds what others came to, if it was asked the same; says whether it was.
    pub(super) fn merge(&mut self, other: Self) -> bool {
        if self.asked != other.asked {
            return false;
        }
        self.runs += other.runs;
        self.steps += other.steps;
        self.digest = self.digest.wrapping_add(other.digest);
        self.seconds += other.seconds;
        self.failures.extend(other.failures);
        self.seen.extend(other.seen);
        for (size, counts) in other.sizes {
            self.sizes.entry(size).or_default().add(&counts);
        }
        true
    }
}

impl Counts {
    fn count(&mut self, servers: usize, course: &Course) {
        let tally = &course.tally;
        let Repair {
            missing,
            steps,
            lines,
        } = course.repair.unwrap_or(Repair {
            missing: 0,
            steps: 0,
            lines: 0,
        });
        self.add(&Self {
            runs: 1,
            servers: servers as u64,
            heard: course.heard,
            lines: tally.lines,
            carried: tally.carried,
            arrivals: tally.arrivals,
            hops: tally.hops,
            hops_max: tally.hops_max,
            repairs: u64::from(course.repair.is_some()),
            missing,
            repair_steps: steps,
            repair_steps_max: steps,
            repair_lines: lines,
        });
    }

    fn add(&mut self, other: &Self) {
        self.runs += other.runs;
        self.servers += other.servers;
        self.heard += other.heard;
        self.lines += other.lines;
        self.carried += other.carried;
        self.arrivals += other.arrivals;
        self.hops += other.hops;
        self.hops_max = self.hops_max.max(other.hops_max);
        self.repairs += other.repairs;
        self.missing += other.missing;
        self.repair_steps += other.repair_steps;
        self.repair_steps_max = self.repair_steps_max.max(other.repair_steps_max);
        self.repair_lines += other.repair_lines;
    }
}
