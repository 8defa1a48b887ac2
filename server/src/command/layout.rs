//! How a node's durable state is laid out on disk.

use imbl::OrdMap;
use regrow_model::node::{Durable, delivery, registry, tree};

use crate::store::Schema;

/// Adds maps to a schema: what each is called on disk, and where it is in the state.
macro_rules! maps {
    ($schema:expr; $($name:literal: $($field:ident).+;)*) => {
        $schema$(.map($name, |d| &mut d.$($field).+, |d| &d.$($field).+))*
    };
}

/// The layout: one line per map.
pub fn layout() -> Schema<Durable> {
    let schema = Schema::new(
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
    );
    maps! { schema;
        "known": tree.known;
        "retired": tree.retired;
        "records": registry.records;
        "directory": registry.vector;
        "lost": registry.lost;
        "log": delivery.log.entries;
        "have": delivery.log.have;
        "said": delivery.log.said;
        "base": delivery.log.base;
        "passed": delivery.log.passed;
        "said_at_base": delivery.log.said_at_base;
        "sessions": delivery.book.sessions;
        "book": delivery.book.vector;
        "floors": delivery.floors;
    }
}
