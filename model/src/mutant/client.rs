//! Our own client, broken.

use super::Mutant;
use crate::client::identity::Verdict;

/// Every mutant of the client.
pub const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "client-forgets-at-acknowledgement",
        says: "a client forgets what it said once a server acknowledges it, whoever else has it",
        scenario: "speaker-s-server-dies",
        alter: |setup| {
            setup.client_rules.forgets = |acknowledged, _| acknowledged;
            setup.law = Some("no loss");
        },
    },
    Mutant {
        name: "client-offers-once",
        says: "a client doesn't offer again what it has kept when it is back",
        scenario: "crash-alone",
        alter: |setup| setup.client_rules.offers_again = || false,
    },
    Mutant {
        name: "client-resumes-anew",
        says: "a client comes back without saying how far it has heard",
        scenario: "device-moves",
        alter: |setup| setup.client_rules.resumes = |_| None,
    },
    Mutant {
        name: "client-cursor-runs-ahead",
        says: "a client takes the next message for heard, too",
        scenario: "two-messages",
        alter: |setup| setup.client_rules.advances = |_, number| number + 1,
    },
    Mutant {
        name: "client-cursor-stays",
        says: "a client's cursor doesn't follow what it hears",
        scenario: "one-message",
        alter: |setup| setup.client_rules.advances = |cursor, _| cursor,
    },
    Mutant {
        name: "client-forgets-gaps",
        says: "a client's cursor doesn't pass over what it is told it will never hear",
        scenario: "mailbox-expires",
        alter: |setup| setup.client_rules.passes = || false,
    },
    Mutant {
        name: "client-hears-repeats",
        says: "a client takes what its sender said again elsewhere for something new",
        scenario: "speaker-moves-on",
        alter: |setup| setup.client_rules.is_repeat = |_, _| false,
    },
    Mutant {
        name: "client-knows-repeats-itself",
        says: "a client looks only at what it has heard itself, when its server says that something has been said before",
        scenario: "says-again-to-newcomers-patient",
        alter: |setup| setup.client_rules.believes_repeats = |_| false,
    },
    Mutant {
        name: "client-hears-early",
        says: "a client hears what comes before its login is answered, and knows it again neither by itself nor by its server's word",
        scenario: "registers-meanwhile",
        alter: |setup| {
            setup.client_rules.hears_early = || true;
            setup.client_rules.believes_repeats = |_| false;
        },
    },
    Mutant {
        name: "client-registers-twice",
        says: "a client whose REGISTER was not answered asks the same again, and takes the refusal for another's claim",
        scenario: "registers-in-a-crash",
        alter: |setup| setup.client_rules.asks_by_login = || false,
    },
    Mutant {
        name: "client-never-gives-up",
        says: "a client whose name is another's goes on asking for it for ever",
        scenario: "one-name-over-a-cut",
        alter: |setup| setup.client_rules.concludes = |_| Verdict::AsksOthers,
    },
    Mutant {
        name: "client-believes-one-refusal",
        says: "a client gives up a name that one server refuses, although another has granted it",
        scenario: "registers-and-moves",
        alter: |setup| setup.client_rules.asks_others = || false,
    },
    Mutant {
        name: "client-speaks-for-two",
        says: "a client that becomes somebody else keeps what it said and heard before",
        scenario: "becomes-somebody-else",
        alter: |setup| setup.client_rules.begins_anew = || false,
    },
    Mutant {
        name: "client-leaves-in-silence",
        says: "a client doesn't tell whoever leaves of what may not be everywhere yet",
        scenario: "quits-in-a-crash",
        alter: |setup| setup.client_rules.admits = |_| 0,
    },
    Mutant {
        name: "client-stays-away",
        says: "a client whose connection breaks doesn't come back by itself",
        scenario: "crash-alone",
        alter: |setup| setup.client_rules.comes_back = |_| false,
    },
    Mutant {
        name: "client-storms",
        says: "a client that a server shows out is back as soon as one whose connection broke",
        scenario: "shown-out-in-error",
        alter: |setup| setup.client_rules.backs_off = |_| 1,
    },
];
