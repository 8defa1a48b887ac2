//! Clients' connections, broken.

use super::Mutant;

/// Every mutant of connections.
pub const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "refused-stays",
        says: "a connection stays open behind a refusal",
        scenario: "hecklers",
        alter: |setup| setup.rules.connection.closes = || false,
    },
    Mutant {
        name: "refused-in-silence",
        says: "a refusal doesn't say why",
        scenario: "hecklers",
        alter: |setup| setup.rules.connection.says_why = || false,
    },
    Mutant {
        name: "registered-and-nobody",
        says: "who has registered isn't logged in",
        scenario: "name-race",
        alter: |setup| {
            setup.law = Some("every loser is told");
            setup.rules.connection.logs_in = || false;
        },
    },
];
