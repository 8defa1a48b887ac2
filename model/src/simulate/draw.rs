//! A run's world is drawn: each kind of trouble by a coin of its own, so that runs differ in kind, not only in order.

use std::ops::RangeInclusive;

use super::dice::Dice;
use super::plan::{Beginning, Budget, Claim, Cut, Deed, Knobs, Name, Pace, Person, Plan};
use super::trouble::{Trouble, Troubles};

/// Within which bounds runs are drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How many servers.
    pub servers: RangeInclusive<usize>,
    /// How many clients, those included that only ask for a name.
    pub clients: RangeInclusive<usize>,
    /// What may go wrong.
    pub troubles: Troubles,
}

/// The fewest servers that can be drawn: fewer can't be cut into parts that differ.
pub const SERVERS_MIN: usize = 3;

/// The most clients that can be drawn.
pub const CLIENTS_MAX: usize = 200;

/// To settle a larger tree takes longer than the run itself.
const SETTLED_MAX: usize = 12;

impl Plan {
    /// Draws a run.
    pub fn draw(seed: u64, limits: &Limits, dice: &mut Dice) -> Self {
        // Small worlds are quick, and larger ones differ less from each other: the less of two throws.
        let throws = [(); 2].map(|()| dice.within(limits.servers.clone()));
        let servers = throws[0].min(throws[1]);
        let troubles = Trouble::ALL.map(|kind| limits.troubles.has(kind) && dice.coin());
        let has = |kind: Trouble| troubles[kind as usize];
        let clients = dice.within(limits.clients.clone());
        let claimants = if dice.coin() { clients / 3 } else { 0 };
        let knobs = knobs(dice);
        let budget = Budget {
            cuts: up_to(has(Trouble::Cuts) || has(Trouble::OneWay), 6, dice),
            crashes: up_to(has(Trouble::Crashes), 2 + servers / 4, dice),
            lost_disks: up_to(has(Trouble::Disks), 2, dice),
            departures: up_to(has(Trouble::Clients) && claimants > 0, 4, dice),
            renewals: up_to(knobs.balances, 20, dice),
        };
        // What a server hands over is safe as long as disks are.
        let drains = match has(Trouble::Drains) && budget.lost_disks == 0 {
            true => some_servers(2, servers, dice),
            false => Vec::new(),
        };
        let cuts = match budget.cuts {
            0 => Vec::new(),
            _ => cuts(servers, has(Trouble::Cuts), has(Trouble::OneWay), dice),
        };
        let knobs = if budget.is_empty() {
            knobs.without_ends()
        } else {
            knobs
        };
        // Who isn't connected can't log out.
        let stays = budget.crashes == 0 && drains.is_empty() && knobs.keeps_connections();
        let manner = Manner {
            legacy: knobs.log_max == 0 && knobs.patience.is_none(),
            // What an original client has said is lost with its server, and in no order with what it says elsewhere.
            legacy_speaks: budget.crashes == 0 && drains.is_empty() && !knobs.balances,
            dies: has(Trouble::Clients),
            leaves: stays,
        };
        let people = (claimants..clients).map(|_| person(servers, manner, dice));
        let people: Vec<Person> = people.collect();
        Self {
            seed,
            parents: tree(servers, dice),
            start: match dice.below(4) {
                // A server that is known to nobody, and stopped for good, would never be found again, nor those below it.
                0 if drains.is_empty() => Beginning::Cold,
                // Who is elder than the servers that it joins would never come to rest below them.
                1 if servers <= SETTLED_MAX && !has(Trouble::Clocks) => Beginning::Settled,
                _ => Beginning::Acquainted,
            },
            clocks: clocks(servers, has(Trouble::Clocks), dice),
            clock_step: match has(Trouble::Clocks) {
                true => dice.below(3) as u64,
                false => 10,
            },
            people,
            claims: (0..claimants).map(|_| claim(servers, dice)).collect(),
            cuts,
            budget,
            drains,
            knobs,
            pace: Pace {
                traffic: 64,
                timers: *dice.pick(&[1, 4, 16]),
                wishes: *dice.pick(&[1, 4]),
                faults: *dice.pick(&[1, 1, 4]),
            },
            chaos: servers * dice.within(20..=100),
        }
    }
}

fn up_to(may: bool, most: usize, dice: &mut Dice) -> u8 {
    match may {
        true => u8::try_from(dice.within(1..=most)).unwrap_or(u8::MAX),
        false => 0,
    }
}

fn some_servers(most: usize, servers: usize, dice: &mut Dice) -> Vec<usize> {
    let count = dice.within(1..=most);
    dice.some_of(count, servers)
}

/// A line, a star, a binary tree, or any.
fn tree(servers: usize, dice: &mut Dice) -> Vec<usize> {
    let shape = dice.below(4);
    let parent = |server: usize| match (server, shape) {
        (0, _) => 0,
        (server, 0) => server,
        (_, 1) => 1,
        (server, 2) => server.div_ceil(2),
        (server, _) => 1 + dice.below(server),
    };
    (0..servers).map(parent).collect()
}

/// In the order of the servers; or in any order, with equal ones among them.
fn clocks(servers: usize, skewed: bool, dice: &mut Dice) -> Vec<u64> {
    let clock = |server: usize| match skewed {
        true => 1 + dice.below(servers) as u64,
        false => 1 + server as u64,
    };
    (0..servers).map(clock).collect()
}

fn cuts(servers: usize, both: bool, one_way: bool, dice: &mut Dice) -> Vec<Cut> {
    let cut = |_| {
        let all = dice.some_of(servers, servers);
        let (from, to) = match dice.below(5) {
            // A pair, a single server, halves, any two parts, or a part off the way to others.
            0 => (vec![all[0]], vec![all[1]]),
            1 => (vec![all[0]], all[1..].to_vec()),
            2 => (all[..servers / 2].to_vec(), all[servers / 2..].to_vec()),
            3 => {
                let middle = dice.within(1..=servers - 1);
                (all[..middle].to_vec(), all[middle..].to_vec())
            }
            _ => {
                let third = (servers / 3).max(1);
                (
                    all[..third].to_vec(),
                    all[third..(2 * third).max(third + 1)].to_vec(),
                )
            }
        };
        let one_way = one_way && (!both || dice.coin());
        Cut { from, to, one_way }
    };
    (0..4).map(cut).collect()
}

fn knobs(dice: &mut Dice) -> Knobs {
    Knobs {
        window_lines: *dice.pick(&[0, 1, 3]),
        log_max: *dice.pick(&[0, 0, 0, 1, 4]),
        patience: *dice.pick(&[None, None, None, Some(0), Some(2)]),
        mailbox_age: *dice.pick(&[None, None, None, Some(1), Some(3)]),
        unheard_max: *dice.pick(&[0, 0, 0, 1, 2]),
        echoes: dice.coin(),
        patient: dice.one_in(4),
        slow_dials: dice.coin(),
        balances: dice.one_in(4),
    }
}

/// What people do in a run.
#[derive(Clone, Copy)]
struct Manner {
    /// Whether some have an original client, which can't be told that something is lost.
    legacy: bool,
    /// Whether those speak.
    legacy_speaks: bool,
    dies: bool,
    leaves: bool,
}

fn person(servers: usize, manner: Manner, dice: &mut Dice) -> Person {
    let name = match dice.below(5) {
        0 if manner.legacy => Name::Anonymous,
        1 => Name::Wanted(dice.below(4)),
        _ => Name::Known,
    };
    // Nobody in particular has nothing to come back to.
    let legacy = match name {
        Name::Anonymous => true,
        Name::Known => manner.legacy && dice.one_in(4),
        Name::Wanted(_) => false,
    };
    let count = dice.within(1..=4);
    let mut deeds = vec![Deed::Say; dice.below(6)];
    if legacy && !manner.legacy_speaks {
        deeds.clear();
    }
    if !legacy && dice.one_in(4) {
        let place = dice.below(deeds.len() + 1);
        deeds.insert(place, Deed::Move(dice.below(servers)));
    }
    let mut knows = dice.some_of(count, servers);
    let moves = deeds.iter().any(|deed| *deed != Deed::Say);
    match dice.below(6) {
        // Elsewhere, over a cut, nobody may know of the user yet, and a new copy of a client is new there (docs/protocol.md, Sessions, rule 6).
        0 if manner.dies && name == Name::Known && !moves => {
            knows.truncate(1);
            deeds.push(Deed::Return(knows[0]));
        }
        1 if manner.leaves && !moves => deeds.push(Deed::Leave),
        _ => {}
    }
    Person {
        name,
        legacy,
        servers: knows,
        deeds,
    }
}

fn claim(servers: usize, dice: &mut Dice) -> Claim {
    Claim {
        name: dice.below(3),
        at: dice.below(servers),
        now: dice.within(1..=servers + 10) as u64,
    }
}
