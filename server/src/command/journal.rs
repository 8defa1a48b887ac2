//! What a node tells its operator, as log lines with stable event names.

use regrow_model::node::{Halt, Report, delivery, tree};
use tracing::{debug, error, info, warn};

/// Writes one report to the log.
pub(super) fn write(report: &Report) {
    match report {
        Report::Tree(report) => tree(report),
        Report::Delivery(report) => delivery(report),
        Report::Halted(halt) => halted(halt),
    }
}

fn tree(report: &tree::Report) {
    match report {
        tree::Report::Joined { parent, root } => {
            info!(event = "joined", parent = %parent.name, root = %root.name, "joined the tree");
        }
        tree::Report::Orphaned { parent, lost: true } => {
            warn!(event = "parent_lost", parent = %parent.name, "the parent is gone");
        }
        tree::Report::Orphaned {
            parent,
            lost: false,
        } => {
            info!(event = "parent_left", parent = %parent.name, "left the parent");
        }
        tree::Report::Accepted { child } => {
            info!(event = "child_joined", child = %child.name, "took a child");
        }
        tree::Report::Bereft { child } => {
            info!(event = "child_gone", child = %child.name, "a child is gone");
        }
        tree::Report::Refused { joiner, why } => {
            debug!(event = "join_refused", joiner = %joiner.name, ?why, "refused a child");
        }
        tree::Report::SecretRefused => {
            error!(
                event = "secret_refused",
                "a server refuses this one's secret: give it the same --secret as the others"
            );
        }
        tree::Report::Nonsense => {
            warn!(
                event = "nonsense",
                "a server said what makes no sense here, and was cut off"
            );
        }
    }
}

fn delivery(report: &delivery::Report) {
    match report {
        delivery::Report::Gap { missed, info } => {
            warn!(event = "gap", missed, why = %info, "somebody will never hear some messages");
        }
        delivery::Report::TooSlow => {
            warn!(
                event = "too_slow",
                "a client read too slowly and was cut off"
            );
        }
        delivery::Report::Uncounted { server } => {
            warn!(event = "uncounted", server = %server, "a server is no longer waited for");
        }
        delivery::Report::MailboxesExpired { mailboxes } => {
            info!(
                event = "mailboxes_expired",
                mailboxes, "nothing is kept any more for users who are away"
            );
        }
        delivery::Report::ClientsExpired { clients } => {
            info!(
                event = "clients_expired",
                clients, "clients that have long said nothing are forgotten"
            );
        }
    }
}

fn halted(halt: &Halt) {
    match halt {
        Halt::Superseded { by } => {
            error!(
                event = "halted",
                started = by.number,
                "another process runs under this server's name and was started later"
            );
        }
        Halt::Retired => {
            error!(event = "retired", "an operator has given this server up");
        }
        Halt::Drained { handed_over: true } => {
            info!(
                event = "drained",
                "left the tree; a neighbour has everything on its disk"
            );
        }
        Halt::Drained { handed_over: false } => {
            info!(
                event = "left_alone",
                "left without a neighbour to hand over to; what is here comes back with this server's data directory"
            );
        }
    }
}
