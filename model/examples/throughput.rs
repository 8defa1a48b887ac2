//! How fast a check is, next to stateright's own breadth-first checker: `cargo run --release --example throughput`.
//!
//! The model is a ring of servers that gossip a maximum over short queues, while users set values back.

#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "it measures time"
)]

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::time::Instant;

use regrow_model::check::{Checked, Law, Options, Phase, check};
use stateright::{Checker, Model, Property};

const SERVERS: usize = 4;
const VALUES: u8 = 3;
const QUEUE: usize = 2;

#[derive(Clone)]
struct Ring;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct World {
    values: Vec<u8>,
    /// What is on its way to each server.
    queues: Vec<Vec<u8>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Send(usize),
    Deliver(usize),
    Set(usize, u8),
}

impl Model for Ring {
    type State = World;
    type Action = Step;

    fn init_states(&self) -> Vec<World> {
        vec![World {
            values: vec![0; SERVERS],
            queues: vec![Vec::new(); SERVERS],
        }]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Step>) {
        for server in 0..SERVERS {
            if world.queues[(server + 1) % SERVERS].len() < QUEUE {
                actions.push(Step::Send(server));
            }
            if !world.queues[server].is_empty() {
                actions.push(Step::Deliver(server));
            }
            actions.extend((0..VALUES).map(|value| Step::Set(server, value)));
        }
    }

    fn next_state(&self, world: &World, step: Step) -> Option<World> {
        self.explore(world, step, &mut BTreeSet::new())
    }

    fn properties(&self) -> Vec<Property<Self>> {
        // stateright explores nothing without a property, and stops once it has found all.
        vec![
            Property::always("in range", in_range),
            Property::sometimes("never", |_, _| false),
        ]
    }
}

impl Checked for Ring {
    type Coverage = BTreeSet<Step>;

    fn explore(&self, world: &World, step: Step, seen: &mut BTreeSet<Step>) -> Option<World> {
        let mut next = world.clone();
        match step {
            Step::Send(server) => next.queues[(server + 1) % SERVERS].push(world.values[server]),
            Step::Deliver(server) => {
                let value = next.queues[server].remove(0);
                next.values[server] = value.max(world.values[server]);
            }
            Step::Set(server, value) => next.values[server] = value,
        }
        seen.insert(step);
        Some(next)
    }

    fn is_protocol(&self, step: &Step) -> bool {
        match step {
            Step::Send(_) | Step::Deliver(_) => true,
            Step::Set(..) => false,
        }
    }

    fn safety(&self) -> Vec<Law<Self>> {
        vec![Law {
            name: "in range",
            holds: in_range,
        }]
    }

    fn convergence(&self) -> Vec<Law<Self>> {
        vec![
            Law {
                name: "all equal",
                holds: |_, world| world.values.iter().all(|&value| value == world.values[0]),
            },
            Law {
                name: "nothing greater on its way",
                holds: |_, world| {
                    world
                        .queues
                        .iter()
                        .flatten()
                        .all(|&value| value <= world.values[0])
                },
            },
        ]
    }
}

fn in_range(_: &Ring, world: &World) -> bool {
    world.values.iter().all(|&value| value < VALUES)
}

fn main() {
    for threads in [1, 2] {
        let started = Instant::now();
        let found = Ring
            .checker()
            .threads(threads)
            .spawn_bfs()
            .join()
            .unique_state_count();
        let theirs = found as f64 / started.elapsed().as_secs_f64();
        println!("spawn_bfs, {threads} threads: {found} states, {theirs:.0} a second");

        let options = Options {
            threads: NonZeroUsize::new(threads).unwrap_or(NonZeroUsize::MIN),
            ..Options::default()
        };
        let started = Instant::now();
        let mut searched = None;
        let report = check(&Ring, &options, |progress| {
            if progress.phase == Phase::Convergence {
                searched.get_or_insert_with(|| started.elapsed());
            }
        });
        let elapsed = started.elapsed();
        match report {
            Ok(report) => {
                let ours = report.states as f64 / elapsed.as_secs_f64();
                println!(
                    "check, {threads} threads: {} states, {} transitions, depth {}, {} converged, {} violations",
                    report.states,
                    report.transitions,
                    report.depth,
                    report.converged,
                    report.violations.len()
                );
                println!(
                    "  {ours:.0} a second ({:.1} times as fast), {:.1} bytes a state; {:.2?}, of which {:.2?} convergence",
                    ours / theirs,
                    report.bytes as f64 / report.states as f64,
                    elapsed,
                    elapsed - searched.unwrap_or(elapsed),
                );
            }
            Err(error) => println!("check: {error}"),
        }
    }
}
