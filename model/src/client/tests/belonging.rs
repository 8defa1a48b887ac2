//! Whose client it is: REGISTER and LOGIN, and their answers or the lack of them.

use super::*;

/// Whether it holds its name for its user's.
fn believes(hand: &Hand) -> bool {
    let identity = hand.state.identity.as_ref().unwrap();
    identity.claim == Claim::Proved && identity.refused.is_empty()
}

fn registered() -> Told {
    let username = "aaron".into();
    Told::Registered { username }
}

fn refused(unsaid: Option<u64>) -> Told {
    Told::Refused {
        info: why(),
        unsaid,
    }
}

#[test]
fn after_register_success_our_client_asks_for_the_extension_by_a_login() {
    let mut hand = Hand::new(Kind::Ours);
    hand.register();
    assert!(is_register(&hand.up()));
    hand.reply(Reply::RegisterSuccess {
        info: Info::Registered("aaron".into()),
    });
    assert_eq!(hand.told(), [registered()]);
    let greeting = hand.sent.pop().unwrap();
    assert!(matches!(
        greeting,
        Request::Login {
            resume: Some(Resume { cursor: None, .. }),
            ..
        }
    ));
    hand.welcome(Vector::new());
    assert!(matches!(hand.told()[..], [Told::LoggedIn { .. }]));
}

#[test]
fn after_register_success_a_legacy_client_counts_as_logged_in() {
    let mut hand = Hand::new(Kind::Legacy);
    hand.register();
    hand.up();
    hand.reply(Reply::RegisterSuccess {
        info: Info::Registered("aaron".into()),
    });
    hand.say("hi");
    assert_eq!(hand.said(), [(None, words("hi").to_string())]);
}

#[test]
fn a_name_that_somebody_has_is_refused_for_good() {
    let mut hand = Hand::new(Kind::Ours);
    hand.register();
    hand.up();
    hand.reply(Reply::RegisterFailed { info: why() });
    assert_eq!(hand.told(), [refused(Some(0))]);
    assert!(hand.closed && hand.timers.is_empty());
    assert_eq!(hand.state.identity, None);
    hand.register();
    assert!(is_register(&hand.up()));
}

#[test]
fn a_register_whose_answer_was_lost_is_looked_into_by_a_login() {
    let mut hand = Hand::new(Kind::Ours);
    hand.register();
    hand.up();
    assert!(is_login(&hand.reconnect()));
    hand.welcome(Vector::new());
    assert_eq!(hand.told()[1], registered());
    assert!(believes(&hand));
}

#[test]
fn a_register_that_got_lost_before_it_was_heard_is_made_again() {
    let mut hand = Hand::new(Kind::Ours);
    hand.register();
    hand.up();
    assert!(is_login(&hand.reconnect()));
    hand.reply(Reply::LoginFailed { info: why() });
    hand.fire(Timer::Retry);
    assert_eq!(hand.dialed, Some(server(2)), "the server that refused");
    assert!(is_register(&hand.up()));
    hand.reply(Reply::RegisterSuccess {
        info: Info::Registered("aaron".into()),
    });
    assert_eq!(hand.told().last(), Some(&registered()));
}

#[test]
fn a_name_in_doubt_is_given_up_once_every_server_has_refused_login_register_and_login() {
    let mut hand = Hand::new(Kind::Ours);
    hand.register();
    hand.up();
    let mut greeting = hand.reconnect();
    for server in [2, 1] {
        for nth in 0..3 {
            assert_eq!(is_register(&greeting), nth == 1, "at {server}");
            hand.reply(match greeting {
                Request::Register { .. } => Reply::RegisterFailed { info: why() },
                _ => Reply::LoginFailed { info: why() },
            });
            if (server, nth) != (1, 2) {
                assert_eq!(hand.told().last(), Some(&refused(None)));
                hand.fire(Timer::Retry);
                greeting = hand.up();
            }
        }
    }
    assert_eq!(hand.told(), [refused(Some(0))]);
    assert_eq!(hand.state.identity, None);
    assert!(hand.timers.is_empty() && hand.dialed.is_none());
}

#[test]
fn a_record_that_arrives_between_login_and_register_is_found_by_another_login() {
    let mut hand = Hand::new(Kind::Ours);
    hand.register();
    hand.up();
    hand.reconnect();
    hand.reply(Reply::LoginFailed { info: why() });
    hand.fire(Timer::Retry);
    hand.up();
    hand.reply(Reply::RegisterFailed { info: why() });
    hand.fire(Timer::Retry);
    assert!(is_login(&hand.up()));
    hand.welcome(Vector::new());
    assert!(hand.told().contains(&registered()));
}

#[test]
fn a_name_that_was_never_proved_is_given_up_at_the_first_refusal() {
    let mut hand = Hand::new(Kind::Ours);
    hand.login();
    hand.up();
    hand.reply(Reply::LoginFailed { info: why() });
    assert_eq!(hand.told(), [refused(Some(0))]);
    assert_eq!(hand.state.identity, None);
}

#[test]
fn a_name_that_was_proved_may_be_unknown_on_one_server_but_not_on_all() {
    let mut hand = Hand::live();
    for nth in 1..=3 {
        if nth == 1 {
            hand.reconnect();
        } else {
            hand.fire(Timer::Retry);
            hand.up();
        }
        hand.told.clear();
        hand.reply(Reply::LoginFailed { info: why() });
        let unsaid = (nth == 3).then_some(0);
        assert_eq!(hand.told(), [refused(unsaid)]);
    }
    assert_eq!(hand.state.identity, None);
}

#[test]
fn a_name_that_was_proved_is_believed_again_once_a_server_knows_it() {
    let mut hand = Hand::live();
    hand.reconnect();
    hand.reply(Reply::LoginFailed { info: why() });
    assert!(!believes(&hand));
    hand.fire(Timer::Retry);
    hand.up();
    hand.welcome(Vector::new());
    assert!(believes(&hand));
}

#[test]
fn the_loser_of_a_name_stops_and_says_how_much_of_what_it_said_may_be_lost() {
    let mut hand = Hand::live();
    hand.say("mine");
    hand.reply(Reply::RegisterFailed { info: why() });
    assert_eq!(
        hand.told(),
        [Told::NameLost {
            info: why(),
            unsaid: 1
        }]
    );
    assert!(hand.closed && hand.timers.is_empty());
}

#[test]
fn another_user_gets_another_client_name_for_servers_remember_the_first_ones_numbers() {
    let mut hand = Hand::live();
    hand.ask(Ask::Logout);
    hand.ask(Ask::Login {
        username: "betty".into(),
        secret: Some(secret()),
    });
    let Request::Login { resume, .. } = hand.up() else {
        panic!("no LOGIN");
    };
    let Resume {
        client,
        cursor,
        said,
    } = resume.unwrap();
    assert_eq!((client.as_str(), cursor, said), ("c.1", None, 0));
}

#[test]
fn the_same_user_continues_after_a_quit() {
    let mut hand = Hand::live();
    hand.say("hi");
    hand.ask(Ask::Quit);
    assert_eq!(hand.told(), [Told::Left { unsaid: 1 }]);
    assert!(hand.closed);
    hand.sent.clear();
    hand.login();
    let Request::Login { resume, .. } = hand.up() else {
        panic!("no LOGIN");
    };
    assert_eq!(resume.unwrap().client.as_str(), "c");
    hand.welcome(Vector::new());
    assert_eq!(hand.said(), numbered(&[(1, "hi")]));
}

#[test]
fn a_logout_is_said_and_ends_everything() {
    let mut hand = Hand::live();
    hand.ask(Ask::Logout);
    assert_eq!(hand.sent, [Request::Logout]);
    assert!(hand.closed && hand.timers.is_empty());
    assert_eq!(hand.told(), [Told::Left { unsaid: 0 }]);
    hand.ask(Ask::Logout);
    assert_eq!(hand.told(), [Told::Declined(Declined::Nobody)]);
}

#[test]
fn one_client_is_one_user_at_a_time() {
    let mut hand = Hand::live();
    hand.login();
    assert_eq!(hand.told(), [Told::Declined(Declined::AlreadySomebody)]);
}
