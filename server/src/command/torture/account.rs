//! What a client has been told, and what must not be in it.

use std::borrow::Cow;
use std::ops::AddAssign;

use regrow_model::client::Told;
use regrow_model::message::client::From;
use regrow_model::message::{Activity, Address};
use serde::{Deserialize, Serialize};

use crate::command::measure::track::{Seen, Track};

/// What a user of a torture is called, before its number.
const USER: &str = "user";
/// How many things that went wrong are told in words.
const TROUBLES_MAX: usize = 20;

/// What a client says: its own number for it, from 1, and when that was, in nanoseconds.
#[derive(Serialize, Deserialize)]
struct Said<'a> {
    n: u64,
    at: u64,
    #[serde(borrow, default, skip_serializing)]
    authenticated_user: Cow<'a, str>,
}

/// The name of a client's user.
pub(super) fn user(client: usize) -> String {
    format!("{USER}{client}")
}

/// What is said with this number at this time, and so much more to carry.
pub(super) fn activity(n: u64, at: u64, padding: usize) -> String {
    format!(r#"{{"n":{n},"at":{at},"text":"{}"}}"#, ".".repeat(padding))
}

/// What must not be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Wrongs {
    /// Messages that were acknowledged, and that somebody has never heard.
    pub(super) lost: u64,
    /// Messages that somebody has heard a second time.
    pub(super) twice: u64,
    /// Messages that somebody has heard after a later one of the same speaker.
    pub(super) disordered: u64,
    /// Messages that nobody has said, or not like that.
    pub(super) made_up: u64,
    /// Messages of which somebody was told that they will never come.
    pub(super) given_up: u64,
}

impl AddAssign for Wrongs {
    fn add_assign(&mut self, other: Self) {
        self.lost += other.lost;
        self.twice += other.twice;
        self.disordered += other.disordered;
        self.made_up += other.made_up;
        self.given_up += other.given_up;
    }
}

/// What one client has been told.
pub(super) struct Account {
    /// Of each speaker.
    of: Vec<Heard>,
    wrongs: Wrongs,
    /// How many messages it has heard.
    pub(super) heard: u64,
    /// How long each took that was heard since they were taken, in nanoseconds.
    pub(super) latencies: Vec<u64>,
    /// Up to which of its own numbers a server has what it said.
    pub(super) acknowledged: u64,
    /// Up to which of them everyone has it.
    pub(super) stable: u64,
    /// Where it is logged in.
    pub(super) at: Option<Address>,
    /// How often it was.
    pub(super) logins: u64,
    /// How often it was sent on.
    pub(super) redirects: u64,
    /// What went wrong besides, in words.
    pub(super) troubles: Vec<String>,
}

/// What was heard of one speaker.
#[derive(Default)]
struct Heard {
    track: Track,
    /// When the latest that was heard was said.
    latest: u64,
}

impl Account {
    /// Of a client that hears so many speakers.
    pub(super) fn new(speakers: usize) -> Self {
        Self {
            of: (0..speakers).map(|_| Heard::default()).collect(),
            wrongs: Wrongs::default(),
            heard: 0,
            latencies: Vec::new(),
            acknowledged: 0,
            stable: 0,
            at: None,
            logins: 0,
            redirects: 0,
            troubles: Vec::new(),
        }
    }

    /// The client tells something, at `now`; `said` is how much a speaker has said by then.
    pub(super) fn take(&mut self, told: &Told, now: u64, said: impl Fn(usize) -> u64) {
        match told {
            Told::Heard { activity, from } => self.hear(activity, from.as_deref(), now, said),
            Told::Safe { acked, stable } => {
                self.acknowledged = self.acknowledged.max(*acked);
                self.stable = self.stable.max(*stable);
            }
            Told::LoggedIn { at, .. } => {
                self.at = Some(at.clone());
                self.logins += 1;
            }
            Told::Disconnected { .. } => self.at = None,
            Told::Redirected { .. } => {
                self.at = None;
                self.redirects += 1;
            }
            Told::Gap { missed, info, .. } => {
                self.wrongs.given_up += missed;
                self.trouble(format!("{missed} messages will never come: {info}"));
            }
            Told::NameLost { info, .. } => self.trouble(format!("the name is lost: {info}")),
            Told::Refused {
                info,
                unsaid: Some(_),
            } => self.trouble(format!("refused by all servers: {info}")),
            Told::Declined(why) => self.trouble(format!("the client declined: {why:?}")),
            // Another server is asked.
            Told::Refused { unsaid: None, .. } => {}
            Told::Registered { .. } | Told::Unreachable { .. } | Told::Left { .. } => {}
        }
    }

    fn hear(
        &mut self,
        activity: &Activity,
        from: Option<&From>,
        now: u64,
        has_said: impl Fn(usize) -> u64,
    ) {
        let said: Option<Said<'_>> = serde_json::from_str(activity.as_str()).ok();
        let speaker = said.as_ref().and_then(|said| {
            let number = said.authenticated_user.strip_prefix(USER)?;
            number.parse().ok().filter(|one| *one < self.of.len())
        });
        let (Some(said), Some(speaker)) = (said, speaker) else {
            return self.make_up(activity);
        };
        let number = from.and_then(|from| from.sender.as_ref().map(|(_, k)| *k));
        if said.n == 0 || said.n > has_said(speaker) || number != Some(said.n) {
            return self.make_up(activity);
        }
        let heard = &mut self.of[speaker];
        heard.latest = heard.latest.max(said.at);
        match heard.track.hear(said.n - 1) {
            Seen::New => {}
            Seen::Late => {
                self.wrongs.disordered += 1;
                let n = said.n;
                self.trouble(format!("hears {n} of {} too late", user(speaker)));
            }
            Seen::Again { .. } => {
                self.wrongs.twice += 1;
                let n = said.n;
                self.trouble(format!("hears {n} of {} again", user(speaker)));
                return;
            }
        }
        self.heard += 1;
        self.latencies.push(now.saturating_sub(said.at));
    }

    fn make_up(&mut self, activity: &Activity) {
        self.wrongs.made_up += 1;
        self.trouble(format!("hears what nobody has said: {activity}"));
    }

    fn trouble(&mut self, trouble: String) {
        if self.troubles.len() < TROUBLES_MAX {
            self.troubles.push(trouble);
        }
    }

    /// Whether it has heard everybody say something at this time or later.
    pub(super) fn has_heard_all_since(&self, at: u64) -> bool {
        self.of.iter().all(|heard| heard.latest >= at)
    }

    /// How many of the first messages of each speaker it has never heard.
    pub(super) fn lacks(&self, said: &[u64]) -> u64 {
        let all = self.of.iter().zip(said);
        all.map(|(heard, said)| heard.track.lost(*said)).sum()
    }

    /// What is wrong, where so much of each speaker has been acknowledged.
    pub(super) fn wrongs(&self, acknowledged: &[u64]) -> Wrongs {
        Wrongs {
            lost: self.lacks(acknowledged),
            ..self.wrongs
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use regrow_model::message::{ClientId, Username};

    const STREAM: &str = "127.0.0.1:3780/17/9f";

    fn told(speaker: usize, n: u64, at: u64) -> Told {
        let said: Activity = activity(n, at, 10).parse().unwrap();
        Told::Heard {
            activity: said.sign(&Username::from(user(speaker).as_str())),
            from: Some(Box::new(From {
                stream: STREAM.parse().unwrap(),
                number: n,
                sender: Some((ClientId::from("c"), n)),
                repeat: false,
            })),
        }
    }

    /// What is wrong about hearing these numbers of one speaker, of whom so many were acknowledged.
    fn wrongs(numbers: &[u64], acknowledged: u64) -> Wrongs {
        let mut account = Account::new(1);
        for n in numbers {
            account.take(&told(0, *n, 5), 7, |_| 10);
        }
        account.wrongs(&[acknowledged])
    }

    #[test]
    fn all_that_was_acknowledged_in_order_is_as_it_must_be() {
        assert_eq!(wrongs(&[1, 2, 3], 3), Wrongs::default());
        assert_eq!(wrongs(&[1, 2, 3], 2), Wrongs::default());
    }

    #[test]
    fn a_hole_is_a_loss_and_so_is_an_end_that_never_came() {
        assert_eq!(wrongs(&[1, 3], 3).lost, 1);
        assert_eq!(wrongs(&[1, 2], 4).lost, 2);
    }

    #[test]
    fn what_comes_again_and_what_comes_late_is_counted() {
        assert_eq!(wrongs(&[1, 2, 2], 2).twice, 1);
        let late = wrongs(&[1, 3, 2], 3);
        assert_eq!((late.lost, late.disordered), (0, 1));
    }

    #[test]
    fn what_nobody_said_is_made_up() {
        assert_eq!(wrongs(&[11], 0).made_up, 1);
        let mut account = Account::new(1);
        account.take(&told(1, 1, 5), 7, |_| 10);
        let Told::Heard { activity, .. } = told(0, 1, 5) else {
            panic!("it is heard");
        };
        let from = None;
        account.take(&Told::Heard { activity, from }, 7, |_| 10);
        assert_eq!(account.wrongs(&[0]).made_up, 2);
    }

    #[test]
    fn a_gap_is_told_in_words_and_counted() {
        let mut account = Account::new(1);
        let gap = Told::Gap {
            missed: 3,
            info: regrow_model::message::client::Info::NotExpected,
            lost: Vec::new(),
        };
        account.take(&gap, 7, |_| 10);
        assert_eq!(account.wrongs(&[0]).given_up, 3);
        assert_eq!(account.troubles.len(), 1);
    }

    #[test]
    fn latencies_and_what_was_heard_of_whom_since_when_are_kept() {
        let mut account = Account::new(2);
        account.take(&told(0, 1, 100), 150, |_| 10);
        assert_eq!(account.latencies, [50]);
        assert!(!account.has_heard_all_since(100));
        account.take(&told(1, 1, 90), 150, |_| 10);
        assert!(account.has_heard_all_since(90) && !account.has_heard_all_since(100));
    }
}
