//! A scenario, perhaps with a rule broken, put to the checker, and what the checker says of it: the driver that
//! `regrow check`, `regrow demo` and the tests share.

use crate::check::{CheckError, Options, Progress, ReportOf, Violation, check};
use crate::mutant::Mutant;
use crate::property::{Kind, Property};
use crate::scenario::Scenario;
use crate::world::{Action, World, label};

/// What is put to the checker.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// The world.
    pub scenario: &'static Scenario,
    /// The rule that is broken in it, if one is.
    pub mutant: Option<&'static Mutant>,
}

/// What the checker says.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// What it was asked.
    pub case: Case,
    /// What it found.
    pub report: ReportOf<World>,
    /// What each property of the case's parts came to, in the order of [`crate::property::ALL`].
    pub properties: Vec<(&'static Property, Standing)>,
    /// Labels that the scenario names and the check never came across. Empty if the check ended early, and for a
    /// mutant, which needn't get anywhere.
    pub missing: Vec<&'static str>,
    /// Labels that the check came across and the scenario doesn't name, though it has to: a server that was cut off for nonsense, something said
    /// in vain. Empty for a mutant.
    pub unnamed: Vec<&'static str>,
}

/// What is known of one property after a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It holds wherever it should.
    Holds,
    /// There is a counterexample.
    Violated,
    /// The check ended at another property's counterexample.
    Open,
}

impl Case {
    /// A scenario with the protocol's own rules.
    pub fn sound(scenario: &'static Scenario) -> Self {
        Self {
            scenario,
            mutant: None,
        }
    }

    /// The world that the checker explores.
    pub fn world(&self) -> World {
        let mut setup = (self.scenario.setup)();
        if let Some(mutant) = self.mutant {
            (mutant.alter)(&mut setup);
        }
        World::new(setup)
    }

    /// Asks the checker.
    ///
    /// # Errors
    /// [`CheckError`] if the world is larger than `options` allow: then nothing is known.
    pub fn check(
        &self,
        options: &Options,
        progress: impl FnMut(&Progress),
    ) -> Result<Verdict, CheckError> {
        let world = self.world();
        let report = check(&world, options, progress)?;
        let standing = |property: &'static Property| (property, standing(property, &report));
        let properties = world.properties_on().map(standing).collect();
        let judges_reach = report.complete && self.mutant.is_none();
        let reaches = self.scenario.reaches.iter().copied();
        let missing = reaches
            .filter(|label| judges_reach && !report.coverage.has(label))
            .collect();
        let labels = report.coverage.labels();
        let unnamed = labels
            .filter(|label| self.mutant.is_none() && label::wants_naming(label))
            .filter(|label| !self.scenario.reaches.contains(label))
            .collect();
        Ok(Verdict {
            case: *self,
            properties,
            missing,
            unnamed,
            report,
        })
    }
}

impl Verdict {
    /// Whether every property holds, everything that the scenario names was reached, and nothing that it would have to name besides.
    pub fn is_good(&self) -> bool {
        self.report.violations.is_empty() && self.missing.is_empty() && self.unnamed.is_empty()
    }

    /// Whether every run whose faults end does converge; `None` if the check ended before that was known.
    pub fn converges(&self) -> Option<bool> {
        let breaks_convergence = |violation: &Violation<Action>| match violation {
            Violation::Unsafe { .. } => false,
            Violation::Stuck { .. } | Violation::Left { .. } => true,
        };
        if self.report.violations.iter().any(breaks_convergence) {
            Some(false)
        } else if self.report.complete {
            Some(true)
        } else {
            None
        }
    }
}

impl<A> Violation<A> {
    /// The laws that it breaks, as a report names them.
    pub fn law(&self) -> String {
        match self {
            Self::Unsafe { law, .. } => (*law).to_owned(),
            Self::Stuck { trap, .. } if trap.never.is_empty() => "all at once".to_owned(),
            Self::Stuck { trap, .. } => trap.never.join(" and "),
            Self::Left { broken, .. } => broken.join(" and "),
        }
    }

    /// Whether a property is among the laws that it breaks.
    fn breaks(&self, property: &Property) -> bool {
        match self {
            Self::Unsafe { law, .. } => *law == property.name,
            Self::Stuck { trap, .. } if trap.never.is_empty() => property.kind == Kind::Convergence,
            Self::Stuck { trap, .. } => trap.never.contains(&property.name),
            Self::Left { broken, .. } => broken.contains(&property.name),
        }
    }
}

fn standing(property: &Property, report: &ReportOf<World>) -> Standing {
    if report
        .violations
        .iter()
        .any(|violation| violation.breaks(property))
    {
        Standing::Violated
    } else if report.complete && (property.kind == Kind::Safety || report.violations.is_empty()) {
        // Of convergence only the nearest violation is reported.
        Standing::Holds
    } else {
        Standing::Open
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{Size, named};

    /// A world in which floors cross, and a scenario that doesn't say so.
    static SILENT: Scenario = Scenario {
        name: "silent",
        says: "floors cross, and nobody says so",
        size: Size::Smoke,
        setup: || {
            let given_up = named("given-up").expect("it is a scenario");
            (given_up.setup)()
        },
        reaches: &[],
    };

    #[test]
    fn what_is_said_in_vain_must_be_named_by_its_scenario() {
        let verdict = Case::sound(&SILENT).check(&Options::default(), |_| {});
        let verdict = verdict.expect("it is small");
        assert_eq!(verdict.unnamed, ["in vain: FLOORS"]);
        assert!(!verdict.is_good());
    }
}
