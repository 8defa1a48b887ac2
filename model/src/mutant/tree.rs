//! The tree, broken.

use super::Mutant;

/// Every mutant of the tree.
pub const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "retired-counts",
        says: "a server that was given up is still waited for",
        scenario: "given-up",
        alter: |setup| setup.rules.tree.retires = || false,
    },
    Mutant {
        name: "retired-not-flooded",
        says: "that a server was given up goes no further",
        scenario: "given-up-in-a-line",
        alter: |setup| setup.rules.tree.floods_retired = || false,
    },
    Mutant {
        name: "retired-admitted",
        says: "the process that was given up is taken back",
        scenario: "given-up-runs",
        alter: |setup| setup.rules.tree.is_retired = |_, _| false,
    },
    Mutant {
        name: "no-probe",
        says: "a server with a parent never looks for a better tree",
        scenario: "roots-apart",
        alter: |setup| setup.rules.tree.probes = |_| false,
    },
    Mutant {
        name: "orphan-probes",
        says: "a server that has lost its parent goes on waiting for its next probe",
        scenario: "root-crash-line",
        alter: |setup| setup.rules.tree.puts_off_probe = || false,
    },
    Mutant {
        name: "keeps-dead-root",
        says: "a parent whose root is no elder is not left",
        scenario: "younger-in-the-middle",
        alter: |setup| {
            setup.rules.tree.leaves = |me, path| path.contains(me);
            setup.law = Some("the elder reigns");
        },
    },
    Mutant {
        name: "no-loop-rule",
        says: "a parent on whose path I am is not left, nor refused; I leave myself out when I tell the path",
        scenario: "root-comes-and-goes-few-dials",
        alter: |setup| {
            setup.rules.tree.leaves =
                |me, path| !path.last().is_some_and(|root| root.is_elder_than(me));
            setup.rules.tree.takes =
                |my_root, _, path| path.last().is_some_and(|root| root.is_elder_than(my_root));
            setup.rules.tree.path_told = |me, path| {
                let others = path.iter().filter(|id| *id != me);
                std::iter::once(me).chain(others).cloned().collect()
            };
            setup.law = Some("one tree");
        },
    },
    Mutant {
        name: "root-alone",
        says: "PATH names its sender and the root, and nobody between them",
        scenario: "root-comes-and-goes-few-dials",
        alter: |setup| {
            setup.rules.tree.path_told =
                |me, path| std::iter::once(me).chain(path.last()).cloned().collect();
        },
    },
    Mutant {
        name: "path-not-passed-on",
        says: "children aren't told when the path above them changes",
        scenario: "root-crash-line",
        alter: |setup| setup.rules.tree.passes_on = || false,
    },
    Mutant {
        name: "gives-up",
        says: "as in the report: when all candidates have failed nobody is dialed any more",
        scenario: "pair-cut",
        alter: |setup| setup.rules.tree.elsewhere = |_| Vec::new(),
    },
    Mutant {
        name: "siblings-first",
        says: "an orphan dials its siblings before its grandparent",
        scenario: "figure-2",
        alter: |setup| {
            setup.rules.tree.candidates = |s, lost| {
                let order = (crate::node::rules::SOUND.tree.candidates)(s, lost);
                let siblings = s.tree.parent.iter().flat_map(|parent| &parent.siblings);
                let siblings: Vec<_> = siblings.map(|id| &id.name).collect();
                let (first, then): (Vec<_>, Vec<_>) =
                    order.into_iter().partition(|name| siblings.contains(&name));
                first.into_iter().chain(then).collect()
            };
            setup.law = Some("as drawn");
        },
    },
    Mutant {
        name: "never-superseded",
        says: "a server that hears of a later start of its own name goes on",
        scenario: "duplicate-identity",
        alter: |setup| setup.rules.tree.is_superseded = |_, _| false,
    },
    Mutant {
        name: "stops-at-former-starts",
        says: "a server stops when it hears of any other start of its name, of a former one too",
        scenario: "lost-disk-of-a-later-start",
        alter: |setup| {
            setup.rules.tree.is_superseded = |mine, heard| heard != mine;
            setup.law = Some("who has no twin goes on");
        },
    },
    Mutant {
        name: "teller-not-told",
        says: "who tells a server with an empty disk of its former starts isn't told which one it takes",
        scenario: "lost-disks-over-a-cut",
        alter: |setup| setup.rules.tree.tells_own = |told_it| !told_it,
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
