//! Of what an actor offers under a key, one is chosen at random, once.

use std::collections::BTreeSet;

use super::puppet::{Heard, Pull, Puppet};

#[tokio::test]
async fn one_is_chosen_of_what_was_offered_last_under_each_key() {
    let mut puppet = Puppet::new().await;
    let pulls = [
        Pull::Choose("a", vec!["an earlier offer"]),
        Pull::Choose("b", vec!["withdrawn"]),
        Pull::Choose("c", vec!["c"]),
        Pull::Choose("a", vec!["a"]),
        Pull::Choose("b", vec![]),
        Pull::Tell("done"),
    ];
    puppet.pull(pulls).await;
    assert_eq!(puppet.hears().await, Heard::Fired("done"));
    assert_eq!(puppet.hears().await, Heard::Chosen("c"));
    assert_eq!(puppet.hears().await, Heard::Chosen("a"));
    puppet.pull([Pull::Tell("nothing else")]).await;
    assert_eq!(puppet.hears().await, Heard::Fired("nothing else"));
}

#[tokio::test]
async fn whatever_is_offered_may_be_chosen() {
    let mut puppet = Puppet::new().await;
    let offers = ["heads", "tails"];
    let mut chosen = BTreeSet::new();
    // Not to see one of them in so many throws takes more luck than there is.
    for _ in 0..100 {
        puppet.pull([Pull::Choose("coin", offers.to_vec())]).await;
        match puppet.hears().await {
            Heard::Chosen(side) => chosen.insert(side),
            other => panic!("{other:?}"),
        };
    }
    assert_eq!(chosen, BTreeSet::from(offers));
}
