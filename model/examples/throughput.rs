//! How fast a check is, next to stateright's own breadth-first checker: `cargo run --release --example throughput check 2`, or
//! `spawn_bfs`; under `time` it tells CPU seconds and memory too.
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
    type View<'a> = &'a World;

    fn view<'a>(&'a self, world: &'a World) -> &'a World {
        world
    }

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
            holds: |world| in_range(&Ring, world),
        }]
    }

    fn convergence(&self) -> Vec<Law<Self>> {
        vec![
            Law {
                name: "all equal",
                holds: |world| world.values.iter().all(|&value| value == world.values[0]),
            },
            Law {
                name: "nothing greater on its way",
                holds: |world| {
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
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let threads = arguments.get(1).and_then(|threads| threads.parse().ok());
    let threads = threads.unwrap_or(NonZeroUsize::MIN);
    let started = Instant::now();
    let states = match arguments.first().map(String::as_str) {
        Some("spawn_bfs") => spawn_bfs(threads),
        Some("check") => ours(threads),
        Some(_) | None => {
            eprintln!("usage: throughput check|spawn_bfs [THREADS]");
            return;
        }
    };
    let elapsed = started.elapsed();
    let rate = states as f64 / elapsed.as_secs_f64();
    println!("{states} states in {elapsed:.2?}, {rate:.0} a second");
}

fn spawn_bfs(threads: NonZeroUsize) -> usize {
    let checker = Ring.checker().threads(threads.get()).spawn_bfs();
    checker.join().unique_state_count()
}

fn ours(threads: NonZeroUsize) -> usize {
    let options = Options {
        threads,
        ..Options::default()
    };
    let mut searched = None;
    let report = check(&Ring, &options, |progress| {
        if progress.phase == Phase::Convergence {
            searched.get_or_insert_with(Instant::now);
        }
    });
    let report = report.expect("the ring has fewer states than there are ids");
    let backwards = searched.map(|searched| searched.elapsed());
    println!(
        "{} transitions, depth {}, {} converged, {} violations, {:.1} bytes a state, convergence in {:.2?}",
        report.transitions,
        report.depth,
        report.converged,
        report.violations.len(),
        report.bytes as f64 / report.states as f64,
        backwards.unwrap_or_default(),
    );
    report.states
}
