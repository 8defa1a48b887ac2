//! Every `Up` is followed by exactly one `Down`, unless the actor closed the link itself.

use std::sync::Arc;

use regrow_model::port::{End, Input, Link};
use tokio::io::AsyncWriteExt;

use super::puppet::{By, Heard, LIMITS, Pull, Puppet, line, wire};
use crate::runtime::{Event, Outbox};

pub(super) async fn a_link_that_its_far_end_leaves_goes_down_once(by: By) {
    let mut puppet = Puppet::by(by).await;
    for _ in 0..50 {
        let (mut raw, link) = puppet.raw().await;
        raw.say(&line("hello")).await;
        assert_eq!(puppet.hears_line().await, "hello");
        drop(raw);
        let down = Heard::Input(Input::Down { link });
        assert_eq!(puppet.hears().await, down);
    }
    assert_eq!(puppet.has_heard(), None);
}

pub(super) async fn after_its_own_close_an_actor_never_hears_of_the_link_again(by: By) {
    let mut puppet = Puppet::by(by).await;
    let (mut raw, link) = puppet.raw().await;
    puppet.pull([Pull::Close(link)]).await;
    assert_eq!(raw.reads().await, None);
    raw.say(&line("too late")).await;
    drop(raw);
    // Whatever might still come of that link comes before what happens now.
    let (mut fence, _) = puppet.raw().await;
    fence.say(&line("fence")).await;
    assert_eq!(puppet.hears_line().await, "fence");
}

pub(super) async fn what_was_sent_before_a_close_is_delivered_whatever_the_far_end_still_says(
    by: By,
) {
    let mut puppet = Puppet::by(by).await;
    let (mut raw, link) = puppet.raw().await;
    // More than the far end's kernel takes at once.
    let text = |n| format!("{n} {}", "x".repeat(1_000));
    let says = (0..2_000).map(|n| Pull::Say(link, line(text(n))));
    puppet.pull(says.chain([Pull::Close(link)])).await;
    for n in 0..2_000 {
        assert_eq!(raw.reads().await, Some(wire(text(n))));
        if n % 50 == 0 {
            raw.say(&line("too late")).await;
        }
    }
    assert_eq!(raw.reads().await, None);
}

#[tokio::test]
async fn what_is_underway_on_a_link_when_its_actor_closes_it_is_never_heard() {
    let mut puppet = Puppet::new().await;
    let outbox = Arc::new(Outbox::new(LIMITS.outbox));
    let (link, end) = (Link(u64::MAX), End::Accepted);
    puppet.happens(Event::Up { link, end, outbox }).await;
    assert_eq!(puppet.hears_up().await, link);
    puppet.pull([Pull::Close(link), Pull::Tell("closed")]).await;
    assert_eq!(puppet.hears().await, Heard::Fired("closed"));
    let (line, lines) = (line("too late"), 1);
    let address = puppet.address.clone();
    for event in [
        Event::Line { link, line },
        Event::Received { link, lines },
        Event::Down { link },
        Event::Unreachable {
            address: address.clone(),
        },
    ] {
        puppet.happens(event).await;
    }
    let expected = Heard::Input(Input::Unreachable { address });
    assert_eq!(puppet.hears().await, expected);
}

#[tokio::test]
async fn what_is_sent_on_a_link_that_is_down_is_lost_and_stops_nothing() {
    let mut puppet = Puppet::new().await;
    let (raw, link) = puppet.raw().await;
    drop(raw);
    puppet.hears().await; // Down
    puppet
        .pull([Pull::Say(link, line("lost")), Pull::Close(link)])
        .await;
    let (mut raw, link) = puppet.raw().await;
    puppet.pull([Pull::Say(link, line("heard"))]).await;
    assert_eq!(raw.reads().await, Some(wire("heard")));
}

pub(super) async fn a_far_end_that_only_stops_sending_still_gets_its_answer(by: By) {
    let mut puppet = Puppet::by(by).await;
    let (mut raw, link) = puppet.raw().await;
    raw.stream()
        .write_all(wire("question").as_bytes())
        .await
        .unwrap();
    puppet.pull([Pull::Say(link, line("answer"))]).await;
    raw.stream().shutdown().await.unwrap();
    assert_eq!(puppet.hears_line().await, "question");
    assert_eq!(raw.reads().await, Some(wire("answer")));
    assert_eq!(raw.reads().await, None);
}
