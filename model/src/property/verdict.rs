//! Property 3, verdict: any two servers given the same claims keep the same one, in whatever order they come.

use crate::message::Username;
use crate::message::server::Record;
use crate::node::registry::directory::{Directory, Index};
use crate::node::rules::registry::Rules;

/// Whether every order in which these records of one name can come in leaves the same one.
pub fn holds(rules: &Rules, records: &[Record]) -> bool {
    let mut verdicts = orders(records)
        .into_iter()
        .map(|order| verdict(rules, &order));
    let first = verdicts.next();
    verdicts.all(|verdict| Some(verdict) == first)
}

fn verdict(rules: &Rules, order: &[Record]) -> Option<Record> {
    let username = Username::from("aaron");
    let (mut directory, mut index) = (Directory::default(), Index::default());
    for record in order {
        directory.merge(&mut index, &username, record.clone(), rules.replaces);
    }
    directory.records.get(&username).cloned()
}

fn orders(records: &[Record]) -> Vec<Vec<Record>> {
    let Some((first, rest)) = records.split_first() else {
        return vec![vec![]];
    };
    let mut all = Vec::new();
    for order in orders(rest) {
        for place in 0..=order.len() {
            let mut order = order.clone();
            order.insert(place, first.clone());
            all.push(order);
        }
    }
    all
}
