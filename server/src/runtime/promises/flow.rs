//! FIFO within a link, nothing crosses links, nothing queues without a bound.

use std::time::Duration;

use regrow_model::port::Input;
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

use super::puppet::{By, Heard, LIMITS, Pull, Puppet, line, text_of, wire};

pub(super) async fn lines_arrive_in_the_order_in_which_they_were_sent_and_on_their_own_link(
    by: By,
) {
    const LINES: usize = 5_000;
    let (mut here, mut there) = (Puppet::by(by).await, Puppet::by(by).await);
    let mut links = Vec::new();
    for _ in 0..2 {
        here.pull([Pull::Open(there.address.clone())]).await;
        links.push((here.hears_up().await, there.hears_up().await));
    }
    for chunk in 0..LINES / 100 {
        for (index, (link, _)) in links.iter().enumerate() {
            let numbers = (0..100).map(|n| chunk * 100 + n);
            let says = numbers.map(|n| Pull::Say(*link, line(format!("{index}-{n}"))));
            here.pull(says).await;
        }
    }
    let mut next = vec![0; links.len()];
    while next.iter().any(|next| *next < LINES) {
        let Heard::Input(Input::Line { link, line }) = there.hears().await else {
            continue; // what the kernel has acknowledged
        };
        let index = links.iter().position(|(_, far)| *far == link).unwrap();
        assert_eq!(text_of(&line), format!("{index}-{}", next[index]));
        next[index] += 1;
    }
}

#[tokio::test]
async fn a_line_in_pieces_and_lines_in_one_piece_are_the_same_lines() {
    let mut puppet = Puppet::new().await;
    let (mut raw, _) = puppet.raw().await;
    let bytes = format!("{}\r\n{}\n\n{}", wire("one"), wire("two"), wire("three"));
    let (head, tail) = bytes.split_at(9);
    raw.stream().write_all(head.as_bytes()).await.unwrap();
    raw.stream().flush().await.unwrap();
    raw.stream().write_all(tail.as_bytes()).await.unwrap();
    raw.stream().shutdown().await.unwrap();
    for text in ["one", "two", "three"] {
        assert_eq!(puppet.hears_line().await, text);
    }
}

pub(super) async fn a_slow_reader_is_cut_at_its_bound_and_delays_nobody(by: By) {
    let mut puppet = Puppet::by(by).await;
    let (slow, slow_link) = puppet.raw().await;
    let (mut quick, quick_link) = puppet.raw().await;
    let large = line("x".repeat(1 << 19));
    let kernel_holds = 32 << 20; // more than any socket's buffers
    for round in 0..(LIMITS.outbox.bytes + kernel_holds) >> 19 {
        let says = [
            Pull::Say(slow_link, large.clone()),
            Pull::Say(quick_link, line(round)),
        ];
        puppet.pull(says).await;
        assert_eq!(quick.reads().await, Some(wire(round)));
    }
    let down = Heard::Input(Input::Down { link: slow_link });
    assert_eq!(puppet.hears().await, down);
    drop(slow);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_waits_while_the_actor_is_busy() {
    let mut puppet = Puppet::new().await;
    let (mut raw, _) = puppet.raw().await;
    puppet.pull([Pull::Dawdle(Duration::from_secs(2))]).await;
    let text = "y".repeat(10 << 10);
    let bytes = format!("{}\n", wire(&text)).into_bytes();
    let mut written = 0;
    while timeout(Duration::from_millis(300), raw.stream().write_all(&bytes))
        .await
        .is_ok()
    {
        written += 1;
        assert!(
            written * bytes.len() < 1 << 30,
            "it is read as fast as it comes"
        );
    }
    // The actor goes on, and so does the sender.
    for _ in 0..written {
        assert_eq!(puppet.hears_line().await, text);
    }
}

pub(super) async fn a_line_beyond_the_limit_is_malformed_and_nothing_follows_it(by: By) {
    let mut puppet = Puppet::by(by).await;
    let (mut raw, link) = puppet.raw().await;
    let long = vec![b'x'; LIMITS.line_bytes + 2];
    raw.stream().write_all(&long).await.unwrap();
    match puppet.hears().await {
        Heard::Input(Input::Line { line, .. }) => {
            assert!(matches!(line, regrow_model::message::Line::Malformed(_)));
        }
        other => panic!("{other:?}"),
    }
    puppet
        .pull([Pull::Say(link, line("why")), Pull::Close(link)])
        .await;
    assert_eq!(raw.reads().await, Some(wire("why")));
    assert_eq!(raw.reads().await, None);
}
