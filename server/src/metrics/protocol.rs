//! What the actor says, counted where it is handed on.

use prometheus_client::registry::Registry;
use regrow_model::message::Reply;
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
    /// How often somebody was told that he will never hear some messages.
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

    /// Counts a line to a client.
    #[inline]
    pub fn replied(&self, reply: &Reply) {
        match reply {
            Reply::Broadcast { .. } => self.deliveries.inc(),
            Reply::LoginSuccess { .. } => self.logins.of(Answer::Success).inc(),
            Reply::LoginFailed { .. } => self.logins.of(Answer::Failed).inc(),
            Reply::RegisterSuccess { .. } => self.registrations.of(Answer::Success).inc(),
            Reply::RegisterFailed { .. } => self.registrations.of(Answer::Failed).inc(),
            Reply::Redirect { .. } => self.redirects.inc(),
            Reply::Invalid { .. } => self.turned_away.of(TurnedAway::Invalid).inc(),
            Reply::AuthenticationFail { .. } => {
                self.turned_away.of(TurnedAway::Authentication).inc()
            }
            Reply::Ack { .. } | Reply::Gap { .. } => return,
        };
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
