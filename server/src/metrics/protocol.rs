//! What the actor says, counted where it is handed on.

use prometheus_client::registry::Registry;
use regrow_model::message::{Line, Reply};
use regrow_model::node::{Report, delivery, tree};

use super::{Answer, Change, Count, Labelled, TurnedAway, count};

/// What the actor says.
#[derive(Clone, Debug)]
pub struct Protocol {
    /// Messages handed to clients.
    pub deliveries: Count,
    /// Answers to REGISTER.
    pub registrations: Labelled<Answer>,
    /// Answers to LOGIN.
    pub logins: Labelled<Answer>,
    /// Clients that were sent to another server.
    pub redirects: Count,
    /// Clients that were turned away with a reason.
    pub turned_away: Labelled<TurnedAway>,
    /// Acknowledgements to clients that number what they say.
    pub acknowledgements: Count,
    /// Gaps that clients were told of.
    pub gaps_told: Count,
    /// How often messages were given up for somebody.
    pub gaps: Count,
    /// How many messages those were.
    pub missed: Count,
    /// What happened to the tree.
    pub changes: Labelled<Change>,
    /// Servers that were no longer waited for.
    pub uncounted: Count,
    /// Mailboxes that were thrown away for their age.
    pub mailboxes_expired: Count,
    /// Clients whose numbering was forgotten for its age.
    pub clients_expired: Count,
    /// Clients that had too much on its way to them.
    pub too_slow: Count,
}

impl Protocol {
    pub(super) fn register(registry: &mut Registry) -> Self {
        Self {
            deliveries: count(registry, "deliveries", "Messages handed to clients"),
            registrations: Labelled::register(registry, "registrations", "Answers to REGISTER"),
            logins: Labelled::register(registry, "logins", "Answers to LOGIN"),
            redirects: count(
                registry,
                "redirects",
                "Clients that were sent to another server",
            ),
            turned_away: Labelled::register(
                registry,
                "clients_turned_away",
                "Clients that were told why and closed",
            ),
            acknowledgements: count(
                registry,
                "acknowledgements",
                "Acknowledgements to clients that number what they say",
            ),
            gaps_told: count(registry, "gaps_told", "Gaps that clients were told of"),
            gaps: count(
                registry,
                "gaps",
                "How often messages were given up for somebody",
            ),
            missed: count(
                registry,
                "gap_messages",
                "Messages that were given up for somebody",
            ),
            changes: Labelled::register(
                registry,
                "tree_changes",
                "What happened to this server's place in the tree",
            ),
            uncounted: count(
                registry,
                "servers_uncounted",
                "Servers that were no longer waited for",
            ),
            mailboxes_expired: count(
                registry,
                "mailboxes_expired",
                "Mailboxes that were given up for their age",
            ),
            clients_expired: count(
                registry,
                "clients_expired",
                "Clients whose numbering was forgotten for its age",
            ),
            too_slow: count(
                registry,
                "clients_too_slow",
                "Clients that were cut off with too many messages on their way",
            ),
        }
    }

    /// Counts what the actor says over so many links.
    #[inline]
    pub fn said(&self, line: &Line, links: usize) {
        if let Line::Reply(reply) = line {
            self.replied(reply).inc_by(links as u64);
        }
    }

    /// Where a line to a client is counted.
    fn replied(&self, reply: &Reply) -> &Count {
        match reply {
            Reply::Broadcast { .. } => &self.deliveries,
            Reply::LoginSuccess { .. } => self.logins.of(Answer::Success),
            Reply::LoginFailed { .. } => self.logins.of(Answer::Failed),
            Reply::RegisterSuccess { .. } => self.registrations.of(Answer::Success),
            Reply::RegisterFailed { .. } => self.registrations.of(Answer::Failed),
            Reply::Redirect { .. } => &self.redirects,
            Reply::Invalid { .. } => self.turned_away.of(TurnedAway::Invalid),
            Reply::AuthenticationFail { .. } => self.turned_away.of(TurnedAway::Authentication),
            Reply::Ack { .. } => &self.acknowledgements,
            Reply::Gap { .. } => &self.gaps_told,
        }
    }

    /// Counts what the actor tells its operator.
    pub fn reported(&self, report: &Report) {
        match report {
            Report::Tree(report) => {
                self.changes.of(change(report)).inc();
            }
            Report::Delivery(report) => self.delivery(report),
            Report::Halted(_) => {}
        }
    }

    fn delivery(&self, report: &delivery::Report) {
        match report {
            delivery::Report::Gap { missed, .. } => {
                self.gaps.inc();
                self.missed.inc_by(*missed);
            }
            delivery::Report::TooSlow => {
                self.too_slow.inc();
            }
            delivery::Report::Uncounted { .. } => {
                self.uncounted.inc();
            }
            delivery::Report::MailboxesExpired { mailboxes } => {
                self.mailboxes_expired.inc_by(*mailboxes as u64);
            }
            delivery::Report::ClientsExpired { clients } => {
                self.clients_expired.inc_by(*clients as u64);
            }
        }
    }
}

fn change(report: &tree::Report) -> Change {
    match report {
        tree::Report::Joined { .. } => Change::Joined,
        tree::Report::Orphaned { lost: true, .. } => Change::ParentLost,
        tree::Report::Orphaned { lost: false, .. } => Change::ParentLeft,
        tree::Report::Accepted { .. } => Change::ChildJoined,
        tree::Report::Bereft { .. } => Change::ChildGone,
        tree::Report::Refused { .. } => Change::JoinRefused,
        tree::Report::SecretRefused => Change::SecretRefused,
        tree::Report::Nonsense => Change::Nonsense,
    }
}
