//! A save is on disk before what follows it leaves.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use regrow_model::port::Input;
use tokio::io::AsyncWriteExt;

use super::disks::Gated;
use super::puppet::{Heard, Pull, Puppet, line, soon, until, wire};
use crate::runtime::{Disk, DiskHealth, LookError};

const LONG: Duration = Duration::from_secs(20);

#[tokio::test]
async fn what_follows_a_save_leaves_when_it_is_on_disk_and_what_follows_on_its_link_waits_behind() {
    let disk = Gated::default();
    let mut puppet = Puppet::with_disk(disk.disk()).await;
    let (mut one, first) = puppet.raw().await;
    let (mut other, second) = puppet.raw().await;

    let durable = [Pull::Save(1), Pull::Say(first, line("durable"))];
    puppet.pull(durable).await;
    puppet.pull([Pull::Say(first, line("behind"))]).await;
    puppet.pull([Pull::Say(second, line("free"))]).await;

    assert_eq!(other.reads().await, Some(wire("free")));
    assert!(one.is_quiet(), "nothing is on disk yet");
    disk.open();
    assert_eq!(one.reads().await, Some(wire("durable")));
    assert_eq!(disk.saved(), [1]);
    assert_eq!(one.reads().await, Some(wire("behind")));
}

#[tokio::test]
async fn what_is_said_before_a_save_in_the_same_handler_does_not_wait() {
    let disk = Gated::default();
    let mut puppet = Puppet::with_disk(disk.disk()).await;
    let (mut raw, link) = puppet.raw().await;
    let pulls = [Pull::Say(link, line("before")), Pull::Save(1)];
    puppet.pull(pulls).await;
    assert_eq!(raw.reads().await, Some(wire("before")));
}

#[tokio::test]
async fn a_close_waits_for_the_save_before_it() {
    let disk = Gated::default();
    let mut puppet = Puppet::with_disk(disk.disk()).await;
    let (mut raw, link) = puppet.raw().await;
    let (mut fence, other) = puppet.raw().await;
    let last = Pull::Say(link, line("last"));
    puppet.pull([Pull::Save(1), last, Pull::Close(link)]).await;
    puppet.pull([Pull::Say(other, line("fence"))]).await;
    assert_eq!(fence.reads().await, Some(wire("fence")));
    assert!(raw.is_quiet());
    disk.open();
    assert_eq!(raw.reads().await, Some(wire("last")));
    assert_eq!(raw.reads().await, None);
}

#[tokio::test]
async fn many_saves_share_one_write() {
    let disk = Gated::default();
    let mut puppet = Puppet::with_disk(disk.disk()).await;
    let (mut raw, link) = puppet.raw().await;
    for number in 1..=100 {
        let say = Pull::Say(link, line(number));
        puppet.pull([Pull::Save(number), say]).await;
    }
    // The actor has done all of it before the disk does anything but begin with the first.
    puppet.pull([Pull::Set("done", Duration::ZERO)]).await;
    puppet.hears().await;
    disk.open();
    for number in 1..=100 {
        assert_eq!(raw.reads().await, Some(wire(number)));
    }
    let saved = disk.saved();
    assert_eq!(saved.last(), Some(&100));
    assert!(saved.len() <= 2, "one write for all that waited: {saved:?}");
}

#[tokio::test]
async fn a_save_that_nothing_waits_for_is_on_disk_before_long() {
    let disk = Gated::default();
    disk.open();
    let puppet = Puppet::with_disk(disk.disk()).await;
    puppet.pull([Pull::Save(1)]).await;
    until("the first is saved", || disk.saved() == [1]).await;
    puppet.pull([Pull::Save(2)]).await;
    until("the next is saved", || disk.saved() == [1, 2]).await;
}

#[tokio::test]
async fn a_save_that_fails_lets_nothing_out_until_one_succeeds() {
    let disk = Gated::default();
    disk.set_broken(true);
    disk.open();
    let mut puppet = Puppet::with_disk(disk.disk()).await;
    let (mut raw, link) = puppet.raw().await;
    let pulls = [Pull::Save(1), Pull::Say(link, line("acknowledged"))];
    puppet.pull(pulls).await;
    until("the save fails", || disk.failed() > 0).await;
    assert!(raw.is_quiet());
    disk.set_broken(false);
    assert_eq!(raw.reads().await, Some(wire("acknowledged")));
    assert_eq!(disk.saved(), [1]);
}

#[tokio::test]
async fn a_disk_that_fails_and_recovers_is_seen_to_do_so_from_outside() {
    let disk = Gated::default();
    disk.open();
    let puppet = Puppet::with_disk(disk.disk()).await;
    let mut health = puppet.disk();
    assert_eq!(*health.borrow_and_update(), DiskHealth::Healthy);

    disk.set_broken(true);
    puppet.pull([Pull::Save(1)]).await;
    soon(health.changed()).await.unwrap();
    let DiskHealth::Failing { since, error } = health.borrow_and_update().clone() else {
        panic!("it fails");
    };
    assert_eq!(error, "no space left on device");

    let failed = disk.failed();
    until("it fails again", || disk.failed() > failed).await;
    puppet.pull([Pull::Save(2)]).await;
    match &*health.borrow_and_update() {
        DiskHealth::Failing { since: first, .. } => assert_eq!(*first, since),
        DiskHealth::Healthy => panic!("it still fails"),
    }

    disk.set_broken(false);
    let healed = health.wait_for(|health| *health == DiskHealth::Healthy);
    soon(healed).await.unwrap();
    assert_eq!(disk.saved(), [2], "the newest, which holds all before it");
}

#[tokio::test]
async fn what_is_held_for_a_link_that_breaks_is_lost_with_it() {
    let disk = Gated::default();
    let mut puppet = Puppet::with_disk(disk.disk()).await;
    let (raw, link) = puppet.raw().await;
    puppet
        .pull([Pull::Save(1), Pull::Say(link, line("lost"))])
        .await;
    drop(raw);
    puppet.hears().await; // Down
    let (mut next, another) = puppet.raw().await;
    disk.open();
    puppet.pull([Pull::Say(another, line("new"))]).await;
    assert_eq!(next.reads().await, Some(wire("new")));
}

#[tokio::test]
async fn a_runtime_that_is_stopped_ends_once_all_is_on_disk_and_said() {
    let disk = Gated::default();
    let mut puppet = Puppet::with_disk(disk.disk()).await;
    let (mut raw, link) = puppet.raw().await;
    let now = Duration::ZERO;
    let last = Pull::Say(link, line("last"));
    puppet
        .pull([Pull::Save(1), last, Pull::Set("done", now)])
        .await;
    puppet.hears().await; // the timer: the handler has run
    let stopping = tokio::spawn(puppet.stop());
    assert!(raw.is_quiet());
    disk.open();
    soon(stopping).await.unwrap();
    assert_eq!(disk.saved(), [1]);
    assert_eq!(raw.reads().await, Some(wire("last")));
    assert_eq!(raw.reads().await, None);
}

#[tokio::test]
async fn a_disk_that_fails_without_saying_so_ends_the_actor() {
    struct Breaks;

    impl Disk<u64> for Breaks {
        fn save(&mut self, _: &u64) -> Result<(), Box<dyn Error + Send + Sync>> {
            panic!("a bug");
        }
    }

    let mut puppet = Puppet::with_disk(Breaks).await;
    puppet.pull([Pull::Save(1)]).await;
    assert!(puppet.fails().await);
}

#[tokio::test]
async fn what_is_told_while_nothing_can_be_saved_waits_and_is_not_kept_without_end() {
    let disk = Gated::default();
    let mut puppet = Puppet::with_disk(disk.disk()).await;
    let looks = puppet.looks();
    let later = std::iter::repeat_n(Pull::Tell("later"), crate::runtime::UNTOLD - 1);
    let first = [Pull::Save(1), Pull::Tell("first")];
    puppet.pull(first.into_iter().chain(later)).await;
    soon(looks.at(LONG, |_| ())).await.unwrap();
    assert_eq!(puppet.has_heard(), None, "as much as may wait");
    puppet.pull([Pull::Tell("later")]).await;
    assert_eq!(puppet.hears().await, Heard::Fired("first"));
    soon(looks.at(LONG, |_| ())).await.unwrap();
    assert_eq!(puppet.has_heard(), None);
}

#[tokio::test]
async fn who_only_stops_sending_still_gets_what_waits_for_the_disk() {
    let disk = Gated::default();
    let mut puppet = Puppet::with_disk(disk.disk()).await;
    let (mut raw, link) = puppet.raw().await;
    let answer = Pull::Say(link, line("durable"));
    puppet.pull([Pull::Save(1), answer]).await;
    raw.stream().shutdown().await.unwrap();
    let down = Heard::Input(Input::Down { link });
    assert_eq!(puppet.hears().await, down);
    assert!(raw.is_quiet(), "nothing is on disk yet");
    disk.open();
    assert_eq!(raw.reads().await, Some(wire("durable")));
    assert_eq!(raw.reads().await, None);
}

#[tokio::test]
async fn nothing_happens_before_what_an_actor_starts_with_is_on_disk() {
    let disk = Gated::default();
    let mut puppet = Puppet::that_is(7, disk.disk()).await;
    let looks = puppet.looks();
    puppet.pull([Pull::Tell("second")]).await;
    let within = Duration::from_millis(100);
    let late = Err(LookError::Late { within });
    assert_eq!(looks.at(within, |_| ()).await, late);
    assert_eq!(puppet.has_heard(), None);
    disk.open();
    assert_eq!(puppet.hears().await, Heard::Fired("second"));
    assert_eq!(disk.saved(), [7]);
}

#[tokio::test]
async fn it_can_be_seen_how_many_saves_are_not_on_disk() {
    let disk = Gated::default();
    let puppet = Puppet::with_disk(disk.disk()).await;
    let looks = puppet.looks();
    puppet.pull((1..=3).map(Pull::Save)).await;
    let unsaved = async || soon(looks.at(LONG, |view| view.unsaved)).await.unwrap();
    assert_eq!(unsaved().await, 3);
    disk.open();
    until("they are saved", || disk.saved().last() == Some(&3)).await;
    soon(async { while unsaved().await > 0 {} }).await;
}

#[tokio::test]
async fn a_runtime_that_has_stopped_has_let_go_of_its_disk() {
    struct Held(Arc<AtomicBool>);

    impl Disk<u64> for Held {
        fn save(&mut self, _: &u64) -> Result<(), Box<dyn Error + Send + Sync>> {
            Ok(())
        }
    }

    impl Drop for Held {
        fn drop(&mut self) {
            self.0.store(true, Ordering::SeqCst);
        }
    }

    let is_free = Arc::new(AtomicBool::default());
    let puppet = Puppet::with_disk(Held(is_free.clone())).await;
    puppet.stop().await;
    assert!(is_free.load(Ordering::SeqCst), "another one may open it");
}
