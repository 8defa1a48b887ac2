//! Who a client's user is, and how sure the client is of it (`docs/protocol.md`, Client).
//!
//! ```text
//!             REGISTER_SUCCESS
//!   Wanted ───────────────────────────▶ Proved ◀───────────── Presumed
//!     │ link lost before the answer      ▲ ▲   LOGIN_SUCCESS     │
//!     ▼                                  │ │                     │ LOGIN_FAILED
//!   Doubtful ────────────────────────────┘ └── a refusal: the    ▼
//!     LOGIN ⇄ REGISTER, server by server       others are      nobody
//!     └──── all refuse: nobody                 asked too
//! ```

use std::collections::BTreeSet;

use super::rules::Rules;
use crate::message::client::Secret;
use crate::message::{Address, Username};

/// Who a client's user is, or wants to be.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Identity {
    /// The name, or `anonymous`.
    pub username: Username,
    /// What proves it; absent only for `anonymous`.
    pub secret: Option<Secret>,
    /// How sure the client is that the name is its user's.
    pub claim: Claim,
    /// The servers that have refused it since it was last accepted.
    pub refused: BTreeSet<Address>,
}

/// How sure a client is that a name is its user's.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Claim {
    /// It shall be registered. Nobody has been asked yet, or the answer is awaited.
    Wanted,
    /// A REGISTER went out and its connection broke before the answer. A REGISTER of a name that exists fails
    /// even for its owner, so a LOGIN asks first what became of it.
    Doubtful {
        /// The server that is being asked, and what it has refused last.
        refused: Option<(Address, Greeting)>,
    },
    /// The user says so.
    Presumed,
    /// A server has said so.
    Proved,
}

/// What a client says first on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Greeting {
    /// REGISTER.
    Register,
    /// LOGIN.
    Login,
}

/// What a client makes of a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Asks the same server something else.
    AsksAgain,
    /// Asks another server.
    AsksOthers,
    /// Takes it for the truth.
    GivesUp,
}

impl Identity {
    pub(super) fn new(username: Username, secret: Option<Secret>, claim: Claim) -> Self {
        Self {
            username,
            secret,
            claim,
            refused: BTreeSet::new(),
        }
    }

    /// What to say to this server first.
    pub(super) fn greeting(&self, at: &Address) -> Greeting {
        match &self.claim {
            Claim::Wanted => Greeting::Register,
            Claim::Presumed | Claim::Proved => Greeting::Login,
            Claim::Doubtful { refused } => match refused {
                Some((asked, Greeting::Login)) if asked == at => Greeting::Register,
                Some(_) | None => Greeting::Login,
            },
        }
    }

    /// A server has said that the name is the user's. Whether that ends a doubt.
    pub(super) fn on_proved(&mut self) -> bool {
        self.refused.clear();
        let was = std::mem::replace(&mut self.claim, Claim::Proved);
        matches!(was, Claim::Wanted | Claim::Doubtful { .. })
    }

    /// The connection broke while a REGISTER was unanswered.
    pub(super) fn on_unanswered(&mut self, rules: &Rules) {
        if (rules.asks_by_login)() {
            self.claim = Claim::Doubtful { refused: None };
        }
    }

    /// A server refuses. One may be wrong where the name isn't known yet; all that are known aren't.
    pub(super) fn on_refused(
        &mut self,
        what: Greeting,
        at: &Address,
        known: &[Address],
        rules: &Rules,
    ) -> Verdict {
        (rules.concludes)(self.judge(what, at, known, rules))
    }

    fn judge(&mut self, what: Greeting, at: &Address, known: &[Address], rules: &Rules) -> Verdict {
        match &mut self.claim {
            Claim::Wanted | Claim::Presumed => return Verdict::GivesUp,
            Claim::Doubtful { refused } => {
                let before = refused.replace((at.clone(), what));
                // LOGIN, REGISTER, LOGIN: the record may have come between the first two.
                if what == Greeting::Register || before != Some((at.clone(), Greeting::Register)) {
                    return Verdict::AsksAgain;
                }
                *refused = None;
            }
            Claim::Proved => {}
        }
        self.refused.insert(at.clone());
        let all = known.iter().all(|server| self.refused.contains(server));
        if all || !(rules.asks_others)() {
            Verdict::GivesUp
        } else {
            Verdict::AsksOthers
        }
    }
}
