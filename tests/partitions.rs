//! Real partitions: servers on hosts of their own, clients on each, and a network between that is cut and heals. What must
//! come of it: one tree, one owner per name, and whatever was acknowledged heard by everyone, once, in order.
//!
//! It takes root, iproute2 and nftables: `.ci/run` has them. `PARTITIONS=report` plays the same with the `report` profile and
//! longer cuts.

mod process;

use std::time::{Duration, Instant};

use process::claimant::{Claimant, SECRETS, lets_in};
use process::cluster::{Cluster, Event, Pace};
use process::network::Way;
use process::resuming::Resuming;

/// Every way between the hosts of different groups.
fn apart(groups: &[&[usize]]) -> Vec<Way> {
    let mut ways = Vec::new();
    for (number, group) in groups.iter().enumerate() {
        for (other, others) in groups.iter().enumerate() {
            if number != other {
                let pairs = group.iter().flat_map(|a| others.iter().map(|b| (*a, *b)));
                ways.extend(pairs);
            }
        }
    }
    ways
}

/// Every way but those between neighbours in a ring.
fn all_but_a_ring(hosts: usize) -> Vec<Way> {
    let pairs = (1..=hosts).flat_map(|a| (1..=hosts).map(move |b| (a, b)));
    let near = |a: usize, b: usize| matches!(a.abs_diff(b), 0 | 1) || a.abs_diff(b) == hosts - 1;
    pairs.filter(|(a, b)| !near(*a, *b)).collect()
}

/// Plays a story with cuts of one length, under load, and checks what comes of it.
fn play(name: &str, hosts: usize, story: &[Event], length: Duration) {
    let pace = Pace::chosen();
    let has_clocks = story.iter().any(|event| matches!(event, Event::Clock(..)));
    let mut cluster = Cluster::of(hosts, pace, has_clocks);
    let is_steady = |host: &usize| {
        let is_hit = |event: &Event| match event {
            Event::Crash(hit) | Event::Stop(hit) => hit == host,
            Event::Cut(_)
            | Event::Heal
            | Event::Last
            | Event::Wait(_)
            | Event::Restart(_)
            | Event::Continue(_)
            | Event::Reset(_)
            | Event::Clock(..) => false,
        };
        !story.iter().any(is_hit)
    };
    let first = cluster.network.all().find(is_steady);
    let ends = [first.expect("a server that runs throughout"), hosts];
    let mut claimants = Vec::new();
    for event in story {
        cluster.meets(event, length);
        match event {
            Event::Cut(_) if claimants.is_empty() => {
                let places = ends.map(|host| (cluster.network.place(host), host));
                let asked = places.into_iter().zip(SECRETS);
                claimants.extend(asked.map(|((place, host), secret)| {
                    // At once: each asks while the other's request is under way.
                    std::thread::spawn(move || Claimant::asks(place, host, secret))
                }));
            }
            Event::Crash(host) => {
                let others = cluster.clients.iter().enumerate();
                let others = others.filter(|(index, _)| index + 1 != *host);
                others.for_each(|(_, client)| client.listens());
            }
            Event::Cut(_)
            | Event::Heal
            | Event::Last
            | Event::Wait(_)
            | Event::Restart(_)
            | Event::Stop(_)
            | Event::Continue(_)
            | Event::Reset(_)
            | Event::Clock(..) => {}
        }
    }
    let said = cluster.said();
    let healed = Instant::now();
    cluster.until("one tree", Cluster::is_one_tree);
    let tree = healed.elapsed();
    cluster.until("what was said is heard", |cluster| {
        cluster.have_heard(&said)
    });
    let heard = healed.elapsed();
    cluster
        .clients
        .iter()
        .for_each(|client| client.speaks(false));
    cluster.until("everything is heard", |cluster| {
        cluster.have_heard(&cluster.said())
    });
    let owners =
        |cluster: &Cluster, host| SECRETS.map(|secret| lets_in(&cluster.network, host, secret));
    cluster.until("every server lets in the same one of the two", |cluster| {
        let owner = owners(cluster, 1);
        owner[0] != owner[1]
            && cluster
                .network
                .all()
                .all(|host| owners(cluster, host) == owner)
    });
    let owner = owners(&cluster, 1);
    let claimants = claimants.into_iter();
    let claimants = claimants.map(|asked| asked.join().expect("it was answered"));
    for (claimant, is_owner) in claimants.zip(owner) {
        if is_owner {
            assert!(
                !claimant.was_told(),
                "{name}: the owner was told that the name is another's"
            );
        } else if claimant.has_it {
            assert!(
                claimant.learns(),
                "{name}: both believe that the name is theirs"
            );
        }
    }
    let silence = cluster.clients.iter().filter_map(Resuming::silence).max();
    println!(
        "{name}, {hosts} servers, {} profile, cut for {length:?}: one tree after {:.2} s, all heard after {:.2} s; \
         {} messages{}",
        pace.name,
        tree.as_secs_f64(),
        heard.as_secs_f64(),
        cluster.said().iter().sum::<u64>(),
        silence.map_or(String::new(), |silence| format!(
            "; longest silence {:.2} s",
            silence.as_secs_f64()
        )),
    );
    cluster.clients.into_iter().for_each(Resuming::leave);
}

/// Plays a story with short cuts and with long ones.
fn plays(name: &str, hosts: usize, story: &[Event]) {
    let pace = Pace::chosen();
    for length in [pace.short, pace.long] {
        play(name, hosts, story, length);
    }
}

/// A cut that lasts, and heals.
fn cut(ways: Vec<Way>) -> Vec<Event> {
    vec![Event::Cut(ways), Event::Last, Event::Heal]
}

#[test]
#[ignore = "needs root, iproute2 and nftables"]
fn a_pair_that_was_cut_grows_together() {
    plays("a pair", 2, &cut(apart(&[&[1], &[2]])));
}

#[test]
#[ignore = "needs root, iproute2 and nftables"]
fn each_single_server_that_was_cut_off_comes_back() {
    for alone in 1..=4 {
        let others: Vec<usize> = (1..=4).filter(|host| *host != alone).collect();
        let name = format!("server {alone} alone");
        plays(&name, 4, &cut(apart(&[&[alone], &others])));
    }
}

#[test]
#[ignore = "needs root, iproute2 and nftables"]
fn halves_grow_together() {
    plays("halves", 4, &cut(apart(&[&[1, 2], &[3, 4]])));
}

#[test]
#[ignore = "needs root, iproute2 and nftables"]
fn thirds_grow_together() {
    plays("thirds", 6, &cut(apart(&[&[1, 2], &[3, 4], &[5, 6]])));
}

#[test]
#[ignore = "needs root, iproute2 and nftables"]
fn one_server_that_reaches_both_sides_holds_the_tree_together() {
    plays("a bridge", 5, &cut(apart(&[&[1, 2], &[4, 5]])));
}

#[test]
#[ignore = "needs root, iproute2 and nftables"]
fn a_ring_is_a_tree() {
    plays("a ring", 5, &cut(all_but_a_ring(5)));
}

#[test]
#[ignore = "needs root, iproute2 and nftables"]
fn a_way_that_is_cut_from_the_root_only_is_no_way() {
    plays("one way, from the root", 3, &cut(vec![(1, 2)]));
}

#[test]
#[ignore = "needs root, iproute2 and nftables"]
fn a_way_that_is_cut_to_the_root_only_is_no_way() {
    plays("one way, to the root", 3, &cut(vec![(2, 1)]));
}

#[test]
#[ignore = "needs root, iproute2 and nftables"]
fn a_network_that_flaps_quickly_is_survived() {
    let mut story = Vec::new();
    for _ in 0..20 {
        let ways = apart(&[&[1, 2], &[3, 4]]);
        story.extend([
            Event::Cut(ways),
            Event::Wait(60),
            Event::Heal,
            Event::Wait(60),
        ]);
    }
    play("flapping quickly", 4, &story, Duration::from_millis(60));
}

#[test]
#[ignore = "needs root, iproute2 and nftables"]
fn a_network_that_flaps_slowly_is_survived() {
    let long = Pace::chosen().long;
    let mut story = Vec::new();
    for _ in 0..4 {
        story.extend(cut(apart(&[&[1, 2], &[3, 4]])));
        story.push(Event::Last);
    }
    story.pop();
    play("flapping slowly", 4, &story, long);
}

#[test]
#[ignore = "needs root, iproute2 and nftables"]
fn a_second_cut_while_the_first_one_heals_is_survived() {
    let mut story = cut(apart(&[&[1, 2], &[3, 4]]));
    story.push(Event::Wait(100));
    story.extend(cut(apart(&[&[1, 3], &[2, 4]])));
    plays("a second cut during the heal", 4, &story);
}

#[test]
#[ignore = "needs root, iproute2 and nftables"]
fn a_root_that_crashes_while_the_network_is_cut_comes_back() {
    let story = [
        Event::Cut(apart(&[&[1, 2, 3], &[4, 5]])),
        Event::Crash(1),
        Event::Last,
        Event::Restart(1),
        Event::Heal,
    ];
    plays("the root crashes, with a cut", 5, &story);
}

#[test]
#[ignore = "needs root, iproute2 and nftables"]
fn who_is_left_when_the_root_crashes_hears_on() {
    let story = [
        Event::Cut(Vec::new()),
        Event::Crash(1),
        Event::Last,
        Event::Restart(1),
    ];
    plays("the root crashes", 4, &story);
}

#[test]
#[ignore = "needs root, iproute2 and nftables"]
fn links_that_are_reset_again_and_again_come_back() {
    let mut story = vec![Event::Cut(Vec::new())];
    for round in 0..12 {
        story.extend([Event::Reset(round % 3 + 1), Event::Wait(100)]);
    }
    play("links are reset", 3, &story, Duration::ZERO);
}

#[test]
#[ignore = "needs root, iproute2 and nftables"]
fn a_server_that_is_stopped_for_long_comes_back() {
    for stopped in [1, 2] {
        let story = [
            Event::Cut(Vec::new()),
            Event::Stop(stopped),
            Event::Wait(30_000),
            Event::Continue(stopped),
        ];
        let name = format!("server {stopped} is stopped for 30 s");
        play(&name, 3, &story, Duration::from_secs(30));
    }
}

#[test]
#[ignore = "needs root, iproute2, nftables and libfaketime"]
fn clocks_that_jump_by_hours_change_nothing() {
    let halves = || Event::Cut(apart(&[&[1, 2], &[3, 4]]));
    let story = [
        Event::Clock(1, -1),
        Event::Clock(4, 1),
        halves(),
        Event::Clock(2, 2),
        Event::Last,
        Event::Clock(3, -3),
        Event::Heal,
        Event::Clock(1, 1),
    ];
    plays("clocks jump", 4, &story);
}
