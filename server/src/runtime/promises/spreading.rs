//! One line over many links is one send each: nothing overtakes anything on any of them, whatever else is said between.

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use regrow_model::port::Link;

use super::disks::Gated;
use super::puppet::{Pull, Puppet, Raw, line, wire};

#[tokio::test]
async fn what_is_spread_waits_behind_what_waits_for_a_save_on_its_own_link_and_nowhere_else() {
    let disk = Gated::default();
    let mut puppet = Puppet::with_disk(disk.disk()).await;
    let (mut one, first) = puppet.raw().await;
    let (mut other, second) = puppet.raw().await;
    let both = vec![first, second];
    puppet.pull([Pull::Spread(both.clone(), line(1))]).await;
    puppet
        .pull([Pull::Save(1), Pull::Say(first, line(2))])
        .await;
    puppet.pull([Pull::Spread(both.clone(), line(3))]).await;
    puppet.pull([Pull::Spread(both, line(4))]).await;
    for number in [1, 3, 4] {
        assert_eq!(other.reads().await, Some(wire(number)));
    }
    assert_eq!(one.reads().await, Some(wire(1)));
    assert!(one.is_quiet(), "nothing is on disk yet");
    disk.open();
    for number in [2, 3, 4] {
        assert_eq!(one.reads().await, Some(wire(number)));
    }
}

#[tokio::test]
async fn what_is_spread_after_a_save_waits_for_it() {
    let disk = Gated::default();
    let mut puppet = Puppet::with_disk(disk.disk()).await;
    let (mut one, first) = puppet.raw().await;
    let (mut other, second) = puppet.raw().await;
    let spread = Pull::Spread(vec![first], line("durable"));
    puppet.pull([Pull::Save(1), spread]).await;
    puppet.pull([Pull::Say(second, line("free"))]).await;
    assert_eq!(other.reads().await, Some(wire("free")));
    assert!(one.is_quiet(), "nothing is on disk yet");
    disk.open();
    assert_eq!(one.reads().await, Some(wire("durable")));
}

#[tokio::test]
async fn single_lines_and_spread_ones_arrive_in_the_order_in_which_they_were_sent() {
    const LINKS: usize = 5;
    let disk = Gated::default();
    disk.open();
    let mut puppet = Puppet::with_disk(disk.disk()).await;
    let mut raws: Vec<(Raw, Link)> = Vec::new();
    for _ in 0..LINKS {
        raws.push(puppet.raw().await);
    }
    let mut chance = StdRng::seed_from_u64(7);
    let mut sent = vec![Vec::new(); LINKS];
    let mut audience: Vec<usize> = (0..LINKS).collect();
    for number in 0..4_000 {
        let mut pulls = Vec::new();
        if chance.random_bool(0.1) {
            pulls.push(Pull::Save(number));
        }
        if chance.random_bool(0.2) {
            audience = (0..LINKS).filter(|_| chance.random_bool(0.6)).collect();
        }
        let text = if number % 50 == 0 {
            format!("{number} {}", "x".repeat(20_000))
        } else {
            number.to_string()
        };
        if chance.random_bool(0.7) {
            let links = audience.iter().map(|index| raws[*index].1).collect();
            pulls.push(Pull::Spread(links, line(&text)));
            audience
                .iter()
                .for_each(|index| sent[*index].push(wire(&text)));
        } else if let Some(index) = (0..LINKS).collect::<Vec<_>>().choose(&mut chance) {
            pulls.push(Pull::Say(raws[*index].1, line(&text)));
            sent[*index].push(wire(&text));
        }
        puppet.pull(pulls).await;
    }
    let closes = raws.iter().map(|(_, link)| Pull::Close(*link));
    puppet.pull(closes.collect::<Vec<_>>()).await;
    for ((raw, _), sent) in raws.iter_mut().zip(sent) {
        for text in sent {
            assert_eq!(raw.reads().await, Some(text));
        }
        assert_eq!(raw.reads().await, None);
    }
}
