//! A timer fires once per set, late but never lost.

use std::time::Duration;

use super::puppet::{Heard, Pull, Puppet};

const SOON: Duration = Duration::from_millis(30);
const LATER: Duration = Duration::from_millis(120);

#[tokio::test]
async fn a_timer_fires_once_per_set() {
    let mut puppet = Puppet::new().await;
    puppet
        .pull([Pull::Set("a", SOON), Pull::Set("fence", LATER)])
        .await;
    assert_eq!(puppet.hears().await, Heard::Fired("a"));
    assert_eq!(puppet.hears().await, Heard::Fired("fence"));
    puppet.pull([Pull::Set("a", SOON)]).await;
    assert_eq!(puppet.hears().await, Heard::Fired("a"));
}

#[tokio::test]
async fn setting_a_timer_replaces_it_and_cancelling_forgets_it() {
    let mut puppet = Puppet::new().await;
    puppet
        .pull([
            Pull::Set("a", SOON),
            Pull::Set("gone", SOON),
            Pull::Set("fence", LATER),
            Pull::Set("a", 2 * LATER),
            Pull::Cancel("gone"),
        ])
        .await;
    assert_eq!(puppet.hears().await, Heard::Fired("fence"));
    assert_eq!(puppet.hears().await, Heard::Fired("a"));
    assert_eq!(puppet.has_heard(), None);
}

#[tokio::test]
async fn a_timer_that_falls_due_while_the_actor_is_busy_fires_late() {
    let mut puppet = Puppet::new().await;
    puppet
        .pull([Pull::Set("a", SOON), Pull::Dawdle(LATER)])
        .await;
    assert_eq!(puppet.hears().await, Heard::Fired("a"));
}
