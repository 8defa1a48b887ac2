//! What is said over links, and what becomes of it when they end.

use std::task::Poll;

use super::super::{Bound, Fate};
use super::*;
use regrow_model::message::Request;

/// A bound that is far.
const FAR: Bound = Bound {
    lines: 1 << 20,
    bytes: 1 << 24,
};

fn up(links: &mut Links, number: u64, bound: Bound) -> Arc<Outbox> {
    let outbox = Arc::new(Outbox::new(bound));
    links.up(Link(number), outbox.clone());
    outbox
}

/// How many lines a transport takes.
fn taken(outbox: &Outbox) -> usize {
    match outbox.poll_take() {
        Poll::Ready(Some(passages)) => passages.iter().map(|passage| passage.lines).sum(),
        Poll::Ready(None) | Poll::Pending => 0,
    }
}

fn logout() -> Line {
    Request::Logout.into()
}

/// As many bytes as [`logout`] is on a wire.
const LOGOUT: usize = 21;

#[test]
fn what_nobody_hears_is_not_kept() {
    let mut links = Links::new(false);
    for _ in 0..100_000 {
        links.spread(vec![Link(1)], &Request::Logout.into(), None);
    }
    assert!(links.sheets.common.mark().bytes <= SHEET);
}

#[test]
fn what_waits_for_the_disk_is_not_kept_for_far_ends_that_are_gone() {
    let bound = Bound {
        lines: 100,
        bytes: 1 << 20,
    };
    let mut links = Links::new(false);
    for number in 0..2 * PURGE as u64 {
        let link = Link(number);
        links.up(link, Arc::new(Outbox::new(bound)));
        links.send(link, &Request::Logout.into(), Some(1));
        assert!(links.down(link));
    }
    assert!(links.links.len() <= 1);
    assert!(links.held.len() <= PURGE);
}

#[test]
fn a_link_is_cut_at_its_bound_of_lines_though_all_of_them_wait_for_the_disk() {
    let bound = Bound {
        lines: 100,
        bytes: 1 << 20,
    };
    let mut links = Links::new(false);
    let outbox = Arc::new(Outbox::new(bound));
    links.up(Link(1), outbox.clone());
    for line in 0..=bound.lines {
        assert_eq!(outbox.status().fate, Fate::Open, "after {line} lines");
        links.send(Link(1), &Request::Logout.into(), Some(1));
        links.flush();
    }
    assert_eq!(outbox.status().fate, Fate::Cut);
}

#[test]
fn what_waits_on_a_link_is_what_the_transport_has_and_what_is_held() {
    let mut links = Links::new(false);
    let outbox = up(&mut links, 1, FAR);
    let waits = |links: &Links, lines: usize| {
        let bytes = lines * LOGOUT;
        assert_eq!(links.waiting(Link(1)), Some(Waiting { lines, bytes }));
    };
    links.send(Link(1), &logout(), None);
    links.flush();
    for save in 1..=2 {
        links.send(Link(1), &logout(), Some(save));
    }
    waits(&links, 3);
    links.flush();
    waits(&links, 3);
    links.release(1);
    links.flush();
    assert_eq!(taken(&outbox), 2);
    outbox.written(2 * LOGOUT);
    waits(&links, 1);
    links.release(2);
    links.flush();
    waits(&links, 1);
    assert_eq!(taken(&outbox), 1);
    assert_eq!(links.waiting(Link(2)), None);
}

#[test]
fn who_sends_no_more_gets_what_waits_for_the_disk_whoever_leaves_meanwhile() {
    let mut links = Links::new(false);
    let outboxes = [1, 2].map(|number| up(&mut links, number, FAR));
    for save in 1..=2 {
        for number in [1, 2] {
            links.send(Link(number), &logout(), Some(save));
        }
    }
    for number in [1, 2] {
        assert!(links.down(Link(number)));
    }
    for save in 1..=2 {
        assert_eq!(links.links.len(), 2, "both still wait");
        links.release(save);
        links.flush();
        for outbox in &outboxes {
            assert_eq!(taken(outbox), 1);
        }
    }
    assert!(links.links.is_empty());
    for outbox in &outboxes {
        assert_eq!(outbox.status().fate, Fate::Finishing);
    }
}

#[test]
fn what_is_said_goes_to_the_transport_a_sheet_at_a_time() {
    let mut links = Links::new(false);
    let outbox = up(&mut links, 1, FAR);
    let ways: [fn(&mut Links); 2] = [
        |links| links.send(Link(1), &logout(), None),
        |links| links.spread(vec![Link(1)], &logout(), None),
    ];
    for say in ways {
        let lines = SHEET.div_ceil(LOGOUT);
        for _ in 1..lines {
            say(&mut links);
        }
        assert_eq!(taken(&outbox), 0);
        say(&mut links);
        assert_eq!(taken(&outbox), lines);
    }
}

#[test]
fn what_the_transport_was_given_is_counted_link_by_link_for_whoever_asks() {
    for counts in [true, false] {
        let mut links = Links::new(counts);
        let _outboxes = [1, 2, 3].map(|number| up(&mut links, number, FAR));
        links.send(Link(1), &logout(), None);
        links.spread(vec![Link(1), Link(2)], &logout(), None);
        links.close(Link(3), None);
        assert!(links.take_released().is_empty(), "nothing yet");
        links.flush();
        let released = vec![(Link(1), 2), (Link(2), 1)];
        let wanted = if counts { released } else { Vec::new() };
        assert_eq!(links.take_released(), wanted);
        assert!(links.take_released().is_empty());
    }
}

#[test]
fn an_actor_hears_that_a_link_is_down_unless_it_has_closed_it_slow_reader_or_not() {
    let narrow = Bound { lines: 1, ..FAR };
    for (is_cut, closes) in [(false, false), (false, true), (true, false), (true, true)] {
        let mut links = Links::new(false);
        let outbox = up(&mut links, 1, narrow);
        if is_cut {
            (0..2).for_each(|_| links.send(Link(1), &logout(), None));
            links.flush();
            links.send(Link(1), &logout(), None);
            links.flush();
            assert_eq!(outbox.status().fate, Fate::Cut);
        }
        assert!(links.hears(Link(1)));
        if closes {
            links.close(Link(1), None);
        }
        assert_eq!(links.hears(Link(1)), !closes);
        assert_eq!(links.down(Link(1)), !closes);
        assert!(!links.hears(Link(1)));
        assert!(!links.down(Link(1)), "once");
    }
}

#[test]
fn a_link_that_was_closed_and_is_cut_while_its_close_waits_stays_closed() {
    let mut links = Links::new(false);
    let outbox = up(&mut links, 1, Bound { lines: 1, ..FAR });
    (0..2).for_each(|_| links.send(Link(1), &logout(), None));
    links.close(Link(1), Some(1));
    links.flush();
    assert_eq!(outbox.status().fate, Fate::Cut);
    assert!(!links.hears(Link(1)));
    assert!(!links.down(Link(1)));
}

#[test]
fn who_waits_for_the_disk_is_looked_through_again_when_twice_as_many_wait() {
    let mut links = Links::new(false);
    let _outbox = up(&mut links, 1, FAR);
    for wait in 1..=PURGE {
        assert_eq!(links.purge_at, PURGE, "while {wait} wait");
        links.send(Link(1), &logout(), Some(1));
    }
    assert_eq!(links.held.len(), PURGE);
    assert_eq!(links.purge_at, 2 * PURGE);
}

#[test]
fn at_the_end_all_links_are_closed_behind_what_was_said_or_all_are_cut() {
    for fate in [Fate::Finishing, Fate::Cut] {
        let mut links = Links::new(false);
        let outboxes = [1, 2].map(|number| up(&mut links, number, FAR));
        match fate {
            Fate::Cut => links.cut_all(),
            Fate::Open | Fate::Finishing => links.finish(),
        }
        for outbox in outboxes {
            assert_eq!(outbox.status().fate, fate);
        }
    }
}
