//! The tree, broken.

use super::Mutant;

/// Every mutant of the tree.
pub const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "no-probe",
        says: "a server with a parent never looks for a better tree",
        scenario: "roots-apart",
        alter: |setup| setup.rules.tree.probes = |_| false,
    },
    Mutant {
        name: "keeps-dead-root",
        says: "a parent whose root is no elder is not left",
        scenario: "return-of-the-root",
        alter: |setup| setup.rules.tree.leaves = |me, path| path.contains(me),
    },
    Mutant {
        name: "no-loop-rule",
        says: "a parent on whose path I am is not left, nor refused",
        scenario: "root-crash-four",
        alter: |setup| {
            setup.rules.tree.leaves =
                |me, path| !path.last().is_some_and(|root| root.is_elder_than(me));
            setup.rules.tree.takes =
                |my_root, _, path| path.last().is_some_and(|root| root.is_elder_than(my_root));
        },
    },
    Mutant {
        name: "no-path-check",
        says: "a join by a server on my path is accepted",
        scenario: "root-crash-four",
        alter: |setup| {
            setup.rules.tree.accepts = |my_root, _, _, its_root| my_root.is_elder_than(its_root)
        },
    },
    Mutant {
        name: "equal-root-accepted",
        says: "a root as old as the joiner's will do",
        scenario: "three-cold",
        alter: |setup| {
            setup.rules.tree.accepts = |my_root, path, joiner, its_root| {
                my_root <= its_root && path.iter().all(|id| id.name != joiner.name)
            };
            setup.rules.tree.takes = |my_root, me, path| {
                path.last().is_some_and(|root| root <= my_root) && !path.contains(me)
            };
        },
    },
    Mutant {
        name: "known-not-flooded",
        says: "what is learned of other servers isn't passed on",
        scenario: "cut-three-unprobed",
        alter: |setup| setup.rules.tree.floods_known = || false,
    },
    Mutant {
        name: "known-not-persisted",
        says: "what is learned of other servers isn't kept on disk",
        scenario: "without-the-middle",
        alter: |setup| setup.rules.tree.persists_known = || false,
    },
];
