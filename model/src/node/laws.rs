//! What holds of everything that servers merge, in whatever order and however often it comes: two servers that have heard
//! the same know the same.

use proptest::collection::vec;
use proptest::prelude::*;

use super::delivery::session::{Book, Index};
use super::delivery::vector::{between, beyond, covers, join, meet};
use super::registry::directory::{self, Directory};
use super::rules;
use crate::message::client::Vector;
use crate::message::server::{Load, Phase, Record, Session, Version};
use crate::message::{Incarnation, Registration, SecretHash, ServerName, Stamp, Stream, Username};

fn streams() -> impl Strategy<Value = Stream> {
    (0..3_u8, 1..3_u64).prop_map(|(server, number)| Stream {
        server: ServerName::from(format!("s{server}")),
        incarnation: Incarnation { number, nonce: 0 },
    })
}

fn vectors() -> impl Strategy<Value = Vector> {
    vec((streams(), 1..5_u64), 0..5).prop_map(|numbers| numbers.into_iter().collect())
}

fn registrations() -> impl Strategy<Value = Registration> {
    (0..3_u64, streams(), 1..4_u64).prop_map(|(stamp, origin, number)| Registration {
        registertime: Stamp(stamp),
        origin,
        number,
    })
}

fn phases() -> impl Strategy<Value = Phase> {
    prop_oneof![
        Just(Phase::CatchingUp),
        Just(Phase::Live),
        Just(Phase::Left),
        Just(Phase::Expired),
        Just(Phase::Out),
    ]
}

/// What is known of one user's session. Whose client it is, and how often it was sent on, follows from its version and phase:
/// its home alone says so, once.
fn sessions() -> impl Strategy<Value = Session> {
    let versions = (1..3_u64, streams()).prop_map(|(counter, home)| Version { counter, home });
    (versions, phases(), vectors(), vectors()).prop_map(|(version, phase, cursor, changes)| {
        Session {
            client: Some(format!("c{}", version.counter).as_str().into()),
            sent_on: u8::from(phase == Phase::Left),
            version,
            phase,
            cursor,
            changes,
        }
    })
}

fn loads() -> impl Strategy<Value = Load> {
    (streams(), 0..3_u64, proptest::option::of(0..1_u64)).prop_map(|(server, number, clients)| {
        Load {
            server,
            number,
            clients,
        }
    })
}

/// A book that has heard these of one user, in this order.
fn book(heard: &[Session]) -> Book {
    let registration = Registration {
        registertime: Stamp(1),
        origin: Stream {
            server: ServerName::from("s0"),
            incarnation: Incarnation {
                number: 1,
                nonce: 0,
            },
        },
        number: 1,
    };
    let (mut book, mut index) = (Book::default(), Index::default());
    for session in heard {
        book.merge(&mut index, &registration, session.clone());
    }
    assert_eq!(index, Index::of(&book), "the index follows from the book");
    book
}

/// Who holds one name once these have been heard of it, in this order.
fn holder(heard: &[Registration]) -> Directory {
    let (mut directory, mut index) = (Directory::default(), directory::Index::default());
    let name = Username::from("aaron");
    for registration in heard {
        let record = Record {
            registration: registration.clone(),
            secret: SecretHash::from("s"),
        };
        let replaces = rules::SOUND.registry.replaces;
        directory.merge(&mut index, &name, record, replaces);
    }
    directory
}

/// Some things, and the same in another order, some of them more than once.
fn and_again<T: Clone + std::fmt::Debug + 'static>(
    things: impl Strategy<Value = T>,
) -> impl Strategy<Value = (Vec<T>, Vec<T>)> {
    vec(things, 1..6).prop_flat_map(|all| {
        let twice: Vec<T> = all.iter().chain(&all).cloned().collect();
        (Just(all), Just(twice).prop_shuffle())
    })
}

proptest! {
    #[test]
    fn a_join_is_the_least_that_covers_both((a, b, c) in (vectors(), vectors(), vectors())) {
        let joined = join(&a, &b);
        prop_assert!(covers(&joined, &a) && covers(&joined, &b));
        prop_assert_eq!(&joined, &join(&b, &a));
        prop_assert_eq!(join(&joined, &c), join(&a, &join(&b, &c)));
        prop_assert_eq!(&join(&joined, &a), &joined);
        prop_assert!(!(covers(&c, &a) && covers(&c, &b)) || covers(&c, &joined));
    }

    #[test]
    fn a_meeting_is_the_most_that_both_cover((a, b, c) in (vectors(), vectors(), vectors())) {
        let met = meet(&a, &b);
        prop_assert!(covers(&a, &met) && covers(&b, &met));
        prop_assert_eq!(&met, &meet(&b, &a));
        prop_assert!(!(covers(&a, &c) && covers(&b, &c)) || covers(&met, &c));
    }

    #[test]
    fn what_is_beyond_is_what_a_join_adds((a, b) in (vectors(), vectors())) {
        let added = beyond(&a, &b);
        prop_assert_eq!(join(&added, &b), join(&a, &b));
        prop_assert_eq!(added.is_empty(), covers(&b, &a));
        prop_assert_eq!(between(&b, &a) == 0, covers(&b, &a));
    }

    #[test]
    fn who_has_heard_the_same_of_a_session_knows_the_same((heard, again) in and_again(sessions())) {
        prop_assert_eq!(book(&heard), book(&again));
    }

    #[test]
    fn who_has_heard_of_the_same_registrations_gives_the_name_to_the_same((heard, again) in and_again(registrations())) {
        let records = holder(&heard).records;
        prop_assert_eq!(&records, &holder(&again).records);
        let elder = heard.iter().min().cloned();
        prop_assert_eq!(records.values().next().map(|record| record.registration.clone()), elder);
    }

    #[test]
    fn of_two_loads_of_one_server_at_most_one_is_the_later((a, b, c) in (loads(), loads(), loads())) {
        prop_assert!(!(a.is_later_than(&b) && b.is_later_than(&a)));
        prop_assert!(!(a.is_later_than(&b) && b.is_later_than(&c)) || a.is_later_than(&c));
    }
}
