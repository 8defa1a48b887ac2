//! The rules of our own client that a mutant can break, one small function each: the sound ones
//! (`docs/protocol.md`, Client).

use super::Kind;
use super::identity::Verdict;
use crate::message::client::Vector;

/// The rules that a client keeps.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Given what an ACTIVITY_ACK says, acknowledged and stable: up to which of its own numbers may it forget?
    pub forgets: fn(u64, u64) -> u64,
    /// Does it offer what it has kept on every connection, not on the first one alone?
    pub offers_again: fn() -> bool,
    /// Does a client that becomes somebody else keep nothing of who it was?
    pub begins_anew: fn() -> bool,
    /// Given how much of what was said isn't known to be everywhere: of how much does it tell whoever leaves?
    pub admits: fn(u64) -> u64,
    /// Given its own cursor: with which one does it log in?
    pub resumes: fn(Option<&Vector>) -> Option<Vector>,
    /// Given its cursor in a stream and the number of a message there that it hears: where is its cursor now?
    pub advances: fn(u64, u64) -> u64,
    /// Does its cursor pass over what it is told it will never hear?
    pub passes: fn() -> bool,
    /// Given its cursor in a stream and a message's number there: has it heard that one?
    pub is_behind: fn(u64, u64) -> bool,
    /// Given the last number heard of a sender and the sender's number of a message: is that one a repeat?
    pub is_repeat: fn(u64, u64) -> bool,
    /// Given whether its server had the same words before: does it pass over them?
    pub believes_repeats: fn(bool) -> bool,
    /// Does it hear what comes between REGISTER_SUCCESS and LOGIN_SUCCESS?
    pub hears_early: fn() -> bool,
    /// When the answer to a REGISTER was lost: does it ask by a LOGIN what became of it?
    pub asks_by_login: fn() -> bool,
    /// Given what it makes of a refusal: what does it do? For it gives up when that leaves it nowhere to ask.
    pub concludes: fn(Verdict) -> Verdict,
    /// When a server refuses a name that was proved at another: does it ask the others too?
    pub asks_others: fn() -> bool,
    /// When its connection breaks: does a client of this kind dial again by itself?
    pub comes_back: fn(Kind) -> bool,
    /// Given how often it has tried all servers in vain: how many times as long does it wait before it dials again?
    pub backs_off: fn(u32) -> u32,
}

/// The protocol's own.
pub const SOUND: Rules = Rules {
    forgets: |_acknowledged, stable| stable,
    offers_again: || true,
    begins_anew: || true,
    admits: |unsaid| unsaid,
    resumes: |own| own.cloned(),
    advances: |_, number| number,
    passes: || true,
    is_behind: |cursor, number| number <= cursor,
    is_repeat: |heard, k| k <= heard,
    believes_repeats: |repeat| repeat,
    hears_early: || false,
    asks_by_login: || true,
    concludes: |verdict| verdict,
    asks_others: || true,
    comes_back: |kind| kind == Kind::Ours,
    backs_off: |rounds| 1 << rounds,
};
