//! Leaving, broken.

use super::Mutant;

/// Every mutant of leaving.
pub const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "leaves-unsaved",
        says: "a server leaves without having put on disk what nobody has acknowledged",
        scenario: "drain-alone",
        alter: |setup| setup.rules.drain.saves = || false,
    },
    Mutant {
        name: "leaves-at-once",
        says: "a server leaves before it has sent its neighbours everything",
        scenario: "drain-full-window",
        alter: |setup| setup.rules.drain.waits_for_neighbours = || false,
    },
    Mutant {
        name: "leaves-alone",
        says: "a server leaves although nobody is there to hand over to, and somebody may come",
        scenario: "drain-orphan",
        alter: |setup| setup.rules.drain.waits_for_heir = || false,
    },
    Mutant {
        name: "taken-over-in-memory",
        says: "a neighbour says that it has taken over what isn't on its disk",
        scenario: "drain-crash-patient",
        alter: |setup| setup.rules.drain.takes_over_durably = || false,
    },
    Mutant {
        name: "drained-without-a-word",
        says: "a client of a server that leaves isn't told where to go",
        scenario: "drain-patient",
        alter: |setup| setup.rules.drain.says_where = || false,
    },
    Mutant {
        name: "stopped-and-silent",
        says: "a server that has stopped leaves those standing who had knocked before",
        scenario: "drain-root",
        alter: |setup| setup.rules.drain.turns_away = || false,
    },
    Mutant {
        name: "drained-open",
        says: "a server that leaves says that it has room",
        scenario: "drain-patient",
        alter: |setup| setup.rules.drain.is_closed = || false,
    },
];
