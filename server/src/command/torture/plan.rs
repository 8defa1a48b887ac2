//! What goes wrong when, drawn by a seed: bouts of one to three faults that overlap. A bout ends when all is mended, and the
//! next begins when all is well again.

use regrow_model::simulate::dice::Dice;

use super::fault::{Fault, Kind};

/// How many faults a bout has, by weight: one, two, three.
const FAULTS: [usize; 3] = [6, 3, 1];
/// How long a fault lasts, in ms, and how often that is: within what a link survives, about there, and for longer.
const LENGTHS: [(usize, u64, u64); 3] = [(3, 50, 700), (4, 700, 2_500), (3, 2_500, 6_000)];
/// How long after the bout's begin a fault may begin.
const AFTER_MS: usize = 1_500;
/// How long all is well between two bouts, in ms.
const CALM_MS: (usize, usize) = (300, 1_500);

/// Faults that overlap, and what else is to happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bout {
    /// The faults, the first one at once.
    pub(super) faults: Vec<Fault>,
    /// Where two ask for one name meanwhile.
    pub(super) claimants: [usize; 2],
    /// How long after the bout's begin they do.
    pub(super) claim_ms: u64,
    /// How long all is well afterwards.
    pub(super) calm_ms: u64,
}

/// What bouts are drawn from.
#[derive(Clone, Debug)]
pub(super) struct Range {
    /// Which faults there may be.
    pub(super) kinds: Vec<Kind>,
    /// How many servers there are.
    pub(super) servers: usize,
    /// By how much times are longer than with quick intervals.
    pub(super) slowness: u64,
}

impl Range {
    /// The next bout. If the youngest server is spared, its process isn't ended.
    pub(super) fn bout(&self, dice: &mut Dice, is_spared: bool) -> Bout {
        let count = 1 + dice.weighed(&FAULTS).unwrap_or(0);
        let mut faults: Vec<Fault> = Vec::new();
        for place in 0..count {
            let mut fault = self.fault(dice, is_spared, &faults);
            if place == 0
                && let Some(fault) = &mut fault
            {
                fault.after_ms = 0;
            }
            faults.extend(fault);
        }
        let claimants = dice.some_of(2, self.servers);
        let first = claimants.first().copied().unwrap_or(0);
        Bout {
            faults,
            claimants: [first, claimants.get(1).copied().unwrap_or(first)],
            claim_ms: self.slowness * dice.below(AFTER_MS) as u64,
            calm_ms: self.slowness * dice.within(CALM_MS.0..=CALM_MS.1) as u64,
        }
    }

    /// One more fault; `None` if it would hit a server that is taken already.
    fn fault(&self, dice: &mut Dice, is_spared: bool, others: &[Fault]) -> Option<Fault> {
        let kind = *dice.pick(&self.kinds);
        let mut servers = self.hit(kind, dice);
        if kind.ends_servers() && is_spared {
            servers.retain(|server| server + 1 < self.servers);
        }
        if kind.takes_servers() {
            let taken = others.iter().filter(|other| other.kind.takes_servers());
            let taken: Vec<usize> = taken.flat_map(|other| other.servers.clone()).collect();
            servers.retain(|server| !taken.contains(server));
        }
        let (after, lasts) = (dice.below(AFTER_MS) as u64, length(dice));
        let is_outward = dice.coin();
        servers.sort_unstable();
        (!servers.is_empty()).then_some(Fault {
            kind,
            servers,
            is_outward,
            after_ms: self.slowness * after,
            lasts_ms: match kind.is_instant() {
                true => 0,
                false => self.slowness * lasts,
            },
        })
    }

    /// Which servers a fault hits.
    fn hit(&self, kind: Kind, dice: &mut Dice) -> Vec<usize> {
        let count = match kind {
            Kind::Outages if dice.one_in(4) => self.servers,
            Kind::Outages => dice.within(2..=self.servers),
            Kind::Cuts | Kind::OneWay => dice.within(1..=self.servers - 1),
            Kind::Crashes
            | Kind::Freezes
            | Kind::Drains
            | Kind::Resets
            | Kind::Clients
            | Kind::Moves => 1,
        };
        dice.some_of(count, self.servers)
    }
}

fn length(dice: &mut Dice) -> u64 {
    let kind = dice.weighed(&LENGTHS.map(|(weight, _, _)| weight));
    let (_, least, most) = LENGTHS[kind.unwrap_or(0)];
    least + dice.below((most - least) as usize) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::dice::seeded;

    fn range() -> Range {
        Range {
            kinds: Kind::ALL.to_vec(),
            servers: 5,
            slowness: 1,
        }
    }

    fn bouts(seed: u64, is_spared: bool) -> Vec<Bout> {
        let mut dice = seeded(seed, 4);
        (0..300)
            .map(|_| range().bout(&mut dice, is_spared))
            .collect()
    }

    #[test]
    fn a_seed_draws_the_same_bouts_again_and_another_one_others() {
        assert_eq!(bouts(7, false), bouts(7, false));
        assert_ne!(bouts(7, false), bouts(8, false));
    }

    #[test]
    fn every_kind_is_drawn_and_no_server_is_taken_twice_at_once() {
        let bouts = bouts(1, false);
        for kind in Kind::ALL {
            let is_it = |bout: &Bout| bout.faults.iter().any(|fault| fault.kind == kind);
            assert!(bouts.iter().any(is_it), "{kind}");
        }
        for bout in bouts {
            let taking = bout
                .faults
                .iter()
                .filter(|fault| fault.kind.takes_servers());
            let mut taken: Vec<usize> = taking.flat_map(|fault| fault.servers.clone()).collect();
            let all = taken.len();
            taken.sort_unstable();
            taken.dedup();
            assert_eq!(taken.len(), all, "{:?}", bout.faults);
        }
    }

    #[test]
    fn a_server_that_is_spared_is_never_ended_but_frozen_and_cut_off() {
        let all: Vec<Fault> = bouts(3, true).into_iter().flat_map(|b| b.faults).collect();
        let hits = |fault: &&Fault| fault.servers.contains(&4);
        assert!(
            all.iter()
                .filter(hits)
                .all(|fault| !fault.kind.ends_servers())
        );
        assert!(all.iter().filter(hits).any(|f| f.kind == Kind::Freezes));
        assert!(all.iter().filter(hits).any(|f| f.kind == Kind::Cuts));
    }

    #[test]
    fn two_ask_for_a_name_on_two_servers() {
        assert!(
            bouts(2, false)
                .iter()
                .all(|bout| bout.claimants[0] != bout.claimants[1])
        );
    }
}
