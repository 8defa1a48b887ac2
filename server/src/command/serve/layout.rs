//! How a node's durable state is laid out on disk.

use imbl::OrdMap;
use regrow_model::node::{Durable, delivery, registry, tree};

use crate::store::Schema;

/// The layout: one line per map.
pub(super) fn layout() -> Schema<Durable> {
    Schema::new(
        |durable: &Durable| {
            let (tree, log) = (&durable.tree, &durable.delivery.log);
            (tree.id.clone(), tree.incarnation, log.next)
        },
        |(id, incarnation, next)| {
            let mut delivery = delivery::Durable::default();
            delivery.log.next = next;
            Durable {
                tree: tree::Durable {
                    id,
                    incarnation,
                    known: OrdMap::new(),
                    retired: OrdMap::new(),
                },
                registry: registry::Durable::default(),
                delivery,
            }
        },
    )
    .map("known", |d| &mut d.tree.known, |d| &d.tree.known)
    .map("retired", |d| &mut d.tree.retired, |d| &d.tree.retired)
    .map(
        "records",
        |d| &mut d.registry.records,
        |d| &d.registry.records,
    )
    .map(
        "directory",
        |d| &mut d.registry.vector,
        |d| &d.registry.vector,
    )
    .map(
        "log",
        |d| &mut d.delivery.log.entries,
        |d| &d.delivery.log.entries,
    )
    .map(
        "have",
        |d| &mut d.delivery.log.have,
        |d| &d.delivery.log.have,
    )
    .map(
        "said",
        |d| &mut d.delivery.log.said,
        |d| &d.delivery.log.said,
    )
    .map(
        "base",
        |d| &mut d.delivery.log.base,
        |d| &d.delivery.log.base,
    )
    .map(
        "passed",
        |d| &mut d.delivery.log.passed,
        |d| &d.delivery.log.passed,
    )
    .map(
        "said_at_base",
        |d| &mut d.delivery.log.said_at_base,
        |d| &d.delivery.log.said_at_base,
    )
    .map(
        "sessions",
        |d| &mut d.delivery.book.sessions,
        |d| &d.delivery.book.sessions,
    )
    .map(
        "book",
        |d| &mut d.delivery.book.vector,
        |d| &d.delivery.book.vector,
    )
    .map("floors", |d| &mut d.delivery.floors, |d| &d.delivery.floors)
}
