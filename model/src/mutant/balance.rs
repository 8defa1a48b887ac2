//! Load, broken.

use super::Mutant;

/// Every mutant of load.
pub const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "redirect-at-one",
        says: "a client is sent on to a server that is lighter by one",
        scenario: "redirect-two",
        alter: |setup| setup.rules.balance.redirects = |own, lightest| lightest < own,
    },
    Mutant {
        name: "nobody-is-sent-on",
        says: "a client stays where it has come to, however many are there",
        scenario: "redirect-two",
        alter: |setup| setup.rules.balance.redirects = |_, _| false,
    },
    Mutant {
        name: "redirect-unremembered",
        says: "a server forgets whom it has just sent where",
        scenario: "redirect-three",
        alter: |setup| setup.rules.balance.raises = || 0,
    },
    Mutant {
        name: "sent-on-again",
        says: "a login that has been sent on is sent on again",
        scenario: "redirect-once",
        alter: |setup| setup.rules.balance.sends_on = |_| true,
    },
    Mutant {
        name: "sent-on-said-late",
        says: "the record of a login that is sent on says so only when it ends",
        scenario: "redirect-and-back-patient",
        alter: |setup| setup.rules.delivery.says_sent_on = |_| 0,
    },
    Mutant {
        name: "sent-on-forgotten",
        says: "a session that is asserted anew forgets that another client of its user is being sent on",
        scenario: "redirect-and-back-patient",
        alter: |setup| setup.rules.delivery.stays_sent_on = |_| 0,
    },
    Mutant {
        name: "load-not-flooded",
        says: "a load that is heard goes no further",
        scenario: "redirect-line",
        alter: |setup| setup.rules.balance.passes_on = || false,
    },
    Mutant {
        name: "lost-for-good",
        says: "a server that hears that it is lost doesn't say that it is here",
        scenario: "redirect-cut",
        alter: |setup| setup.rules.balance.answers = |_, _| false,
    },
    Mutant {
        name: "gone-and-counted",
        says: "a client that is gone counts as one that is here",
        scenario: "two-devices",
        alter: |setup| setup.rules.balance.discounts = || false,
    },
    Mutant {
        name: "sent-on-counts-as-here",
        says: "a login that is sent on counts as much as one that stays",
        scenario: "redirect-and-logout",
        alter: |setup| setup.rules.delivery.counter = |last, _| last + 1,
    },
];
