//! What a client must not forget while its servers come and go: what it said that is not stable yet, and up to
//! where it has heard (`docs/protocol.md`, Client).

use std::collections::VecDeque;
use std::ops::RangeInclusive;

use imbl::OrdMap;
use smol_str::format_smolstr;

use super::rules::Rules;
use crate::message::client::{From, Vector};
use crate::message::server::Sender;
use crate::message::{Activity, ClientId, Stream, Username};

/// All that lets a client continue where it was. It belongs to one user: a client whose user changes
/// begins with a fresh one, under another [`ClientId`], because servers remember its numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Memory {
    /// How often it was begun anew.
    pub begun: u32,
    /// Whose it is.
    pub user: Option<Username>,
    /// Up to where it has heard; `None` before the first login.
    pub cursor: Option<Vector>,
    /// The last number heard of each sender that numbers: the same message said again, to another
    /// server, has another place in another stream, but the same number. By user and client, for everyone sees what
    /// everyone's client is called, and could speak under that.
    pub heard: OrdMap<Sender, u64>,
    /// Up to this number of its own everyone has what it said.
    pub stable: u64,
    /// Up to this number of its own some server has it on disk.
    pub acked: u64,
    /// What it said after `stable`, in order, without holes.
    pub said: VecDeque<Activity>,
}

impl Memory {
    /// The number of the last thing said.
    pub fn last(&self) -> u64 {
        self.stable + self.said.len() as u64
    }

    /// What this memory's client is called.
    pub fn client(&self, named: &ClientId) -> ClientId {
        match self.begun {
            0 => named.clone(),
            times => ClientId::from(format_smolstr!("{named}.{times}")),
        }
    }

    /// Belongs to this user from now on: continues what was theirs, or begins anew.
    pub(super) fn belong_to(&mut self, user: &Username) {
        if self.user.as_ref() != Some(user) {
            self.begin_anew();
            self.user = Some(user.clone());
        }
    }

    /// Forgets everything, and takes another name if servers may remember this one. Returns how much of what was
    /// said isn't known to be everywhere.
    pub(super) fn begin_anew(&mut self) -> u64 {
        let (unsaid, used) = (self.said.len() as u64, self.cursor.is_some());
        *self = Self {
            begun: self.begun + u32::from(used),
            ..Self::default()
        };
        unsaid
    }

    /// What it kept has been said to a server that doesn't count: it keeps nothing of it, and takes another name for those that do, which would
    /// miss these numbers.
    pub(super) fn is_told(&mut self) {
        let (user, cursor, heard) = (
            self.user.take(),
            self.cursor.clone(),
            std::mem::take(&mut self.heard),
        );
        self.begin_anew();
        (self.user, self.cursor, self.heard) = (user, cursor, heard);
    }

    /// What is kept, with its numbers.
    pub(super) fn kept(&self) -> impl Iterator<Item = (u64, &Activity)> {
        (self.stable + 1..).zip(&self.said)
    }

    /// Keeps something new; its number.
    pub(super) fn keep(&mut self, activity: Activity) -> u64 {
        self.said.push_back(activity);
        self.last()
    }

    /// ACTIVITY_ACK. Whether it was news.
    pub(super) fn on_ack(&mut self, k: u64, stable: u64, rules: &Rules) -> bool {
        let before = (self.acked, self.stable);
        let k = k.min(self.last());
        self.forget((rules.forgets)(k, stable).min(self.last()));
        self.acked = self.acked.max(k).max(self.stable);
        before != (self.acked, self.stable)
    }

    /// Lets go of everything up to this number of its own.
    pub(super) fn forget(&mut self, up_to: u64) {
        while self.stable < up_to && self.said.pop_front().is_some() {
            self.stable += 1;
        }
    }

    /// What comes up to here has been heard, or never will be: LOGIN_SUCCESS says from where the server tells, GAP what is lost.
    pub(super) fn raise(&mut self, upto: Vector) {
        let own = self.cursor.take().unwrap_or_default();
        self.cursor = Some(own.union_with(upto, u64::max));
    }

    /// What comes up to here that it has not heard, by stream.
    pub(super) fn beyond(&self, upto: &Vector) -> Vec<(Stream, RangeInclusive<u64>)> {
        let own = self.cursor.as_ref();
        let unheard = upto.iter().filter_map(|(stream, upto)| {
            let heard = own.and_then(|own| own.get(stream)).copied().unwrap_or(0);
            let numbers = heard + 1..=*upto;
            (!numbers.is_empty()).then(|| (stream.clone(), numbers))
        });
        unheard.collect()
    }

    /// ACTIVITY_BROADCAST: whether it is one to hear. A repeat isn't.
    pub(super) fn on_broadcast(&mut self, from: &From, activity: &Activity, rules: &Rules) -> bool {
        let cursor = self.cursor.get_or_insert_default();
        let place = cursor.entry(from.stream.clone()).or_default();
        if (rules.is_behind)(*place, from.number) {
            return false;
        }
        *place = (rules.advances)(*place, from.number);
        let user = activity.authenticated_user();
        let (Some((client, k)), Some(username)) = (&from.sender, user) else {
            return true;
        };
        let client = client.clone();
        let heard = self.heard.entry(Sender { username, client }).or_default();
        let is_repeat = (rules.is_repeat)(*heard, *k) || (rules.believes_repeats)(from.repeat);
        *heard = (*heard).max(*k);
        !is_repeat
    }
}
