//! The world that a plan describes.

use std::time::Duration;

use smol_str::format_smolstr;

use super::plan::{Beginning, Deed, Name, Person, Plan};
use crate::client::{self, Ask, Kind, Timing};
use crate::message::client::Secret;
use crate::message::{Activity, Address, ClientId, SecretHash, Stamp, Username};
use crate::node::{balance, rules};
use crate::property::Part;
use crate::world::guest::Want;
use crate::world::user::{User, Wish};
use crate::world::{Event, Faults, Setup, Start, Ways};

/// What a client keeps of what it has said: more than anybody says here.
const KEPT_MAX: usize = 64;

impl Plan {
    /// The world, with the protocol's own rules.
    pub fn setup(&self) -> Setup {
        let mut setup = Setup {
            clocks: self.clocks.iter().copied().map(Stamp).collect(),
            clock_step: self.clock_step,
            start: match self.start {
                Beginning::Cold => Start::Cold,
                Beginning::Acquainted => Start::Acquainted,
                Beginning::Settled => Start::Settled,
            },
            by_chance: true,
            slow_dials: self.knobs.slow_dials,
            patient: self.knobs.patient,
            cuts: self.cuts.iter().map(ways).collect(),
            faults: Faults {
                cuts: self.budget.cuts,
                // Who was stopped has to be ended before it can start again.
                crashes: self.budget.crashes + self.drains.len() as u8,
                restarts: self.budget.crashes + self.drains.len() as u8,
                lost_disks: self.budget.lost_disks,
                departures: self.budget.departures,
                renewals: self.budget.renewals,
            },
            story: self.drains.iter().map(|it| Event::Drain(it + 1)).collect(),
            users: (1..).zip(&self.people).map(|(n, it)| user(n, it)).collect(),
            guests: self.guests(),
            parts: self.parts(),
            ..Setup::tree(&self.parents)
        };
        self.turn(&mut setup);
        setup
    }

    /// The parts that are judged.
    fn parts(&self) -> &'static [Part] {
        if self.budget.lost_disks > 0 {
            &[Part::Tree]
        } else {
            &[Part::Tree, Part::Registry, Part::Delivery]
        }
    }

    fn turn(&self, setup: &mut Setup) {
        let knobs = &self.knobs;
        setup.rules.delivery.limits.window_lines = Some(knobs.window_lines).filter(|it| *it > 0);
        if knobs.balances {
            setup.rules.balance = rules::balance::SOUND;
        }
        for server in &mut setup.servers {
            let delivery = &mut server.delivery;
            delivery.echoes = knobs.echoes;
            delivery.patience = knobs.patience;
            delivery.mailbox_age = knobs.mailbox_age;
            if knobs.log_max > 0 {
                delivery.log_max = knobs.log_max;
            }
            if knobs.unheard_max > 0 {
                delivery.unheard_max = knobs.unheard_max;
            }
            if self.budget.renewals > 0 {
                server.timing.loads = balance::Timing::every(Duration::from_secs(5));
            }
        }
    }

    fn guests(&self) -> Vec<Want> {
        let guest = |(n, claim): (usize, &super::plan::Claim)| Want {
            username: Username::from(format_smolstr!("g{}", claim.name + 1)),
            secret: SecretHash::from(format_smolstr!("secret {n}")),
            at: claim.at,
            now: Stamp(claim.now),
            // It has no program that says what it has heard: nobody could forget what it was told.
            returns: None,
            behind: Vec::new(),
            heckles: Vec::new(),
            untold: false,
        };
        (1..).zip(&self.claims).map(guest).collect()
    }
}

fn ways(cut: &super::plan::Cut) -> Ways {
    let number = |servers: &[usize]| -> Vec<usize> { servers.iter().map(|it| it + 1).collect() };
    let (from, to) = (number(&cut.from), number(&cut.to));
    if !cut.one_way {
        return Ways::between(&from, &to);
    }
    let pairs = from.iter().flat_map(|a| to.iter().map(move |b| (*a, *b)));
    pairs.fold(Ways::default(), |ways, (a, b)| ways.and(Ways::only(a, b)))
}

fn address(server: usize) -> Address {
    Address::new(&format_smolstr!("s{}", server + 1), 1).expect("a name and a port are an address")
}

fn client(n: usize, start: usize, kind: Kind, servers: &[usize]) -> client::Config {
    client::Config {
        client: ClientId::from(format_smolstr!("c{n}.{start}")),
        servers: servers.iter().map(|server| address(*server)).collect(),
        kind,
        kept_max: KEPT_MAX,
        ungot_max: None,
        timing: Timing {
            backoffs: 0,
            ..Timing::default()
        },
    }
}

fn enter(n: usize, name: Name) -> Ask {
    match name {
        Name::Anonymous => Ask::Login {
            username: Username::anonymous(),
            secret: None,
        },
        Name::Known => Ask::Login {
            username: Username::from(format_smolstr!("u{n}")),
            secret: Some(Secret::Hashed(SecretHash::from("secret"))),
        },
        Name::Wanted(name) => Ask::Register {
            username: Username::from(format_smolstr!("n{}", name + 1)),
            secret: Secret::Hashed(SecretHash::from(format_smolstr!("secret {n}"))),
        },
    }
}

fn user(n: usize, person: &Person) -> User {
    let kind = person.kind();
    let mut wishes = vec![Wish::Ask(enter(n, person.name))];
    let (mut said, mut starts) = (0, 1);
    for deed in &person.deeds {
        match deed {
            Deed::Say => {
                said += 1;
                let text = Activity::parse(&format!("{{\"t\":\"{n}.{said}\"}}"));
                wishes.push(Wish::Then(Ask::Say(
                    text.expect("an object is an activity"),
                )));
            }
            Deed::Move(to) => wishes.push(Wish::Then(Ask::Move { to: address(*to) })),
            Deed::Leave => wishes.push(Wish::Then(Ask::Logout)),
            Deed::Return(at) => {
                starts += 1;
                wishes.extend([
                    Wish::Die,
                    Wish::Start(client(n, starts, kind, &[*at])),
                    Wish::Ask(enter(n, person.name)),
                ]);
            }
        }
    }
    User {
        client: client(n, 1, kind, &person.servers),
        wishes,
    }
}
