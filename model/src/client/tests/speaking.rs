//! What it says until everyone has it, and what it hears once.

use super::*;

fn broadcast(server: &str, number: u64, sender: Option<(&str, u64)>) -> Reply {
    said_by("zoe", server, number, sender)
}

fn said_by(user: &str, server: &str, number: u64, sender: Option<(&str, u64)>) -> Reply {
    Reply::Broadcast {
        activity: words("hi").sign(&Username::from(user)),
        from: Some(Box::new(From {
            stream: stream(server),
            number,
            sender: sender.map(|(client, k)| (client.into(), k)),
            repeat: false,
        })),
    }
}

fn heard(hand: &mut Hand) -> usize {
    let told = hand.told().into_iter();
    told.filter(|told| matches!(told, Told::Heard { .. }))
        .count()
}

#[test]
fn what_it_says_is_numbered() {
    let mut hand = Hand::live();
    hand.say("a");
    hand.say("b");
    assert_eq!(hand.said(), numbered(&[(1, "a"), (2, "b")]));
}

#[test]
fn what_it_says_before_it_is_logged_in_is_offered_then() {
    let mut hand = Hand::new(Kind::Ours);
    hand.login();
    hand.say("a");
    hand.up();
    hand.say("b");
    assert!(hand.sent.is_empty());
    hand.welcome(Vector::new());
    assert_eq!(hand.said(), numbered(&[(1, "a"), (2, "b")]));
}

#[test]
fn what_is_acknowledged_is_still_offered_to_the_next_server() {
    let mut hand = Hand::live();
    hand.say("a");
    hand.said();
    hand.reply(Reply::Ack { k: 1, stable: 0 });
    let (acked, stable) = (1, 0);
    assert_eq!(hand.told(), [Told::Safe { acked, stable }]);
    hand.reconnect();
    hand.welcome(Vector::new());
    assert_eq!(hand.said(), numbered(&[(1, "a")]));
}

#[test]
fn what_is_stable_is_forgotten_and_its_number_never_used_again() {
    let mut hand = Hand::live();
    hand.say("a");
    hand.say("b");
    hand.said();
    hand.reply(Reply::Ack { k: 2, stable: 1 });
    hand.reconnect();
    hand.welcome(Vector::new());
    hand.say("c");
    assert_eq!(hand.said(), numbered(&[(2, "b"), (3, "c")]));
}

#[test]
fn an_acknowledgement_of_what_was_never_said_is_worth_no_more_than_what_was() {
    let mut hand = Hand::live();
    hand.say("a");
    hand.reply(Reply::Ack { k: 9, stable: 9 });
    hand.say("b");
    assert_eq!(hand.said(), numbered(&[(1, "a"), (2, "b")]));
}

#[test]
fn it_keeps_no_more_than_its_bound() {
    let mut hand = Hand::live();
    for text in ["a", "b", "c", "d"] {
        hand.say(text);
    }
    assert_eq!(hand.told(), [Told::Declined(Declined::TooMuchKept)]);
    assert_eq!(hand.said().len(), 3);
    hand.reply(Reply::Ack { k: 3, stable: 1 });
    hand.say("d");
    assert_eq!(hand.said(), numbered(&[(4, "d")]));
}

#[test]
fn a_server_without_the_extension_hears_everything_once_and_unnumbered() {
    let mut hand = Hand::new(Kind::Ours);
    hand.login();
    hand.say("a");
    hand.up();
    let (info, resumed) = (Info::LoggedIn("aaron".into()), None);
    hand.reply(Reply::LoginSuccess { info, resumed });
    hand.say("b");
    let expected: Vec<_> = ["a", "b"]
        .map(|text| (None, words(text).to_string()))
        .into();
    assert_eq!(hand.said(), expected);
    assert!(hand.state.memory.said.is_empty());
}

#[test]
fn a_legacy_client_says_nothing_before_its_login_is_answered() {
    let mut hand = Hand::new(Kind::Legacy);
    hand.login();
    hand.up();
    hand.say("a");
    assert_eq!(hand.told(), [Told::Declined(Declined::NotLoggedIn)]);
}

#[test]
fn the_same_number_of_a_stream_is_heard_once() {
    let mut hand = Hand::live();
    hand.reply(broadcast("a", 1, None));
    hand.reply(broadcast("a", 1, None));
    hand.reply(broadcast("b", 1, None));
    assert_eq!(heard(&mut hand), 2);
}

#[test]
fn a_message_that_its_sender_offered_to_two_servers_is_heard_once() {
    let mut hand = Hand::live();
    hand.reply(broadcast("a", 1, Some(("x", 1))));
    hand.reply(broadcast("b", 1, Some(("x", 1))));
    hand.reply(broadcast("b", 2, Some(("x", 2))));
    hand.reply(broadcast("b", 3, Some(("y", 1))));
    assert_eq!(heard(&mut hand), 3);
    let cursor = hand.state.memory.cursor.unwrap();
    assert_eq!(cursor.get(&stream("b")), Some(&3), "a repeat is covered");
}

#[test]
fn nobody_silences_another_by_calling_a_client_the_same() {
    let mut hand = Hand::live();
    hand.reply(said_by("mallory", "b", 1, Some(("x", 7))));
    hand.reply(said_by("zoe", "a", 1, Some(("x", 1))));
    assert_eq!(heard(&mut hand), 2);
}

#[test]
fn what_a_server_starts_from_counts_as_heard() {
    let mut hand = Hand::new(Kind::Ours);
    hand.login();
    hand.up();
    let mut cursor = Vector::new();
    cursor.insert(stream("a"), 4);
    hand.welcome(cursor);
    hand.reply(broadcast("a", 4, None));
    hand.reply(broadcast("a", 5, None));
    assert_eq!(heard(&mut hand), 1);
}

#[test]
fn a_server_that_starts_too_early_takes_nothing_back() {
    let mut hand = Hand::live();
    hand.reply(broadcast("a", 5, None));
    hand.reconnect();
    hand.welcome(Vector::new());
    hand.told.clear();
    hand.reply(broadcast("a", 4, None));
    hand.reply(broadcast("a", 5, None));
    hand.reply(broadcast("a", 6, None));
    assert_eq!(heard(&mut hand), 1);
}

#[test]
fn it_says_now_and_then_what_it_has_heard() {
    let mut hand = Hand::live();
    hand.reply(broadcast("a", 1, None));
    hand.reply(broadcast("a", 2, None));
    assert!(hand.sent.is_empty());
    hand.fire(Timer::Got);
    let mut cursor = Vector::new();
    cursor.insert(stream("a"), 2);
    assert_eq!(hand.sent, [Request::Got { cursor }]);
    assert!(hand.timers.is_empty());
    hand.reply(broadcast("a", 3, None));
    assert!(hand.timers.contains(&Timer::Got));
    hand.down();
    assert!(!hand.timers.contains(&Timer::Got));
}

#[test]
fn it_says_at_once_what_it_has_heard_if_that_is_much() {
    let mut hand = Hand::live();
    for number in 1..=3 {
        assert!(hand.sent.is_empty());
        hand.reply(broadcast("a", number, None));
    }
    let cursor = Vector::unit(stream("a"), 3);
    assert_eq!(hand.sent, [Request::Got { cursor }]);
    assert!(hand.timers.is_empty());
}

#[test]
fn a_gap_is_told_and_acknowledged_like_a_message() {
    let mut hand = Hand::live();
    let cursor = Vector::unit(stream("a"), 4);
    hand.reply(Reply::Gap {
        missed: 3,
        info: Info::MailboxFull,
        cursor: Box::new(cursor.clone()),
    });
    assert!(matches!(hand.told()[..], [Told::Gap { missed: 3, .. }]));
    hand.fire(Timer::Got);
    assert_eq!(hand.sent, [Request::Got { cursor }]);
}

#[test]
fn a_next_start_with_the_memory_of_this_one_continues_it() {
    let mut hand = Hand::live();
    hand.say("a");
    let memory = Some(hand.state.memory.clone());
    let client = hand.client.clone();
    let again = client.on_start(Id::from(0), &memory, &mut Out::new());
    assert_eq!(again.memory, hand.state.memory);
    assert_eq!(again.stage, Stage::Idle);
}

#[test]
fn what_is_said_where_nobody_counts_is_missed_by_no_server_that_does() {
    let mut hand = Hand::live();
    hand.say("a");
    hand.sent.clear();
    hand.reconnect();
    hand.reply(Reply::LoginSuccess {
        info: Info::LoggedIn("aaron".into()),
        resumed: None,
    });
    hand.say("b");
    let plain = |text| (None, words(text).to_string());
    assert_eq!(hand.said(), [plain("a"), plain("b")]);
    let Request::Login { resume, .. } = hand.reconnect() else {
        panic!("no LOGIN");
    };
    let resume = resume.unwrap();
    assert_eq!(resume.client.as_str(), "c.1");
    assert!(resume.cursor.is_some());
    hand.welcome(Vector::new());
    hand.say("c");
    assert_eq!(hand.said(), numbered(&[(1, "c")]));
}
