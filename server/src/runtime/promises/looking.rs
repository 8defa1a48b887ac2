//! A look sees the actor between two handlers, and nobody who looks holds it up.

use std::time::Duration;

use super::puppet::{Pull, Puppet, line, soon};
use crate::runtime::{LookError, Waiting};

const LONG: Duration = Duration::from_secs(20);

#[tokio::test]
async fn a_look_sees_the_state_and_what_waits_on_a_link() {
    let mut puppet = Puppet::new().await;
    let (_raw, link) = puppet.raw().await;
    let looks = puppet.looks();
    let seen = looks.at(LONG, move |view| (*view.state, view.waiting(link)));
    let (state, waiting) = soon(seen).await.unwrap();
    assert_eq!((state, waiting), (0, Some(Waiting::default())));

    // The far end reads nothing: once its buffers are full, the rest waits.
    let long = "x".repeat(1 << 20);
    puppet
        .pull((0..6).map(|_| Pull::Say(link, line(&long))))
        .await;
    let waits = looks.at(LONG, move |view| view.waiting(link));
    let waits = soon(waits).await.unwrap().unwrap();
    assert!(waits.bytes > 0, "{waits:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_look_at_a_busy_actor_is_given_up_in_time_and_costs_the_actor_nothing() {
    let puppet = Puppet::new().await;
    let looks = puppet.looks();
    puppet
        .pull([Pull::Dawdle(Duration::from_millis(300))])
        .await;
    let within = Duration::from_millis(20);
    // The first may come before the actor dawdles.
    let mut seen = Ok(());
    for _ in 0..10 {
        seen = looks.at(within, |_| ()).await;
        if seen.is_err() {
            break;
        }
    }
    assert_eq!(seen, Err(LookError::Late { within }));
    // It has not been run for nobody, and the next one is.
    assert_eq!(soon(looks.at(LONG, |_| ())).await, Ok(()));
}

#[tokio::test]
async fn a_look_at_an_actor_that_has_stopped_says_so() {
    let puppet = Puppet::new().await;
    let looks = puppet.looks();
    puppet.stop().await;
    assert_eq!(looks.at(LONG, |_| ()).await, Err(LookError::Stopped));
}
