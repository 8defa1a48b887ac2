//! How it finds a server, and the next one.

use super::*;

#[test]
fn it_dials_its_servers_in_their_order_and_then_again_for_ever() {
    let mut hand = Hand::new(Kind::Ours);
    hand.login();
    for expected in [1, 2, 1, 2] {
        assert_eq!(hand.dialed, Some(server(expected)));
        hand.unreachable();
        hand.fire(Timer::Retry);
    }
    assert_eq!(hand.state.servers.rounds, 2);
}

#[test]
fn when_its_server_dies_it_tries_that_one_and_then_the_others_it_has_heard_of() {
    let mut hand = Hand::live();
    hand.down();
    for expected in [1, 2, 3, 1] {
        hand.fire(Timer::Retry);
        assert_eq!(hand.dialed, Some(server(expected)));
        hand.unreachable();
    }
}

#[test]
fn its_state_is_finite_although_nobody_ever_answers() {
    let mut hand = Hand::live();
    hand.down();
    let mut seen = Vec::new();
    while !seen.contains(&hand.state) {
        seen.push(hand.state.clone());
        hand.fire(Timer::Retry);
        hand.unreachable();
    }
    assert!(seen.len() < 100, "{} states", seen.len());
}

#[test]
fn it_resumes_with_its_own_cursor() {
    let mut hand = Hand::live();
    let mut heard = Vector::new();
    heard.insert(stream("a"), 7);
    hand.reply(Reply::Broadcast {
        activity: words("hi"),
        from: Some(Box::new(From {
            stream: stream("a"),
            number: 7,
            sender: None,
            repeat: false,
        })),
    });
    let Request::Login { resume, .. } = hand.reconnect() else {
        panic!("no LOGIN");
    };
    assert_eq!(resume.unwrap().cursor, Some(heard));
}

#[test]
fn a_redirect_is_followed_at_once_with_the_same_credentials() {
    let mut hand = Hand::live();
    hand.reply(Reply::Redirect { to: server(9) });
    assert!(hand.closed);
    assert_eq!(hand.told(), [Told::Redirected { to: server(9) }]);
    assert_eq!(hand.dialed, Some(server(9)));
    assert!(is_login(&hand.up()));
}

#[test]
fn a_redirect_to_a_server_that_is_gone_ends_at_one_that_is_there() {
    let mut hand = Hand::live();
    hand.reply(Reply::Redirect { to: server(9) });
    hand.unreachable();
    hand.fire(Timer::Retry);
    assert_eq!(hand.dialed, Some(server(1)));
}

#[test]
fn a_legacy_client_follows_a_redirect_too() {
    let mut hand = Hand::new(Kind::Legacy);
    hand.login();
    hand.up();
    hand.reply(Reply::LoginSuccess {
        info: Info::LoggedIn("aaron".into()),
        resumed: None,
    });
    hand.reply(Reply::Redirect { to: server(9) });
    assert_eq!(hand.dialed, Some(server(9)));
    assert!(matches!(hand.up(), Request::Login { resume: None, .. }));
}

#[test]
fn a_legacy_client_leaves_it_to_its_user_to_come_back() {
    let mut hand = Hand::new(Kind::Legacy);
    hand.login();
    hand.up();
    hand.down();
    assert!(matches!(hand.told()[..], [Told::Disconnected { .. }]));
    assert!(hand.timers.is_empty() && hand.dialed.is_none());
    hand.login();
    assert_eq!(hand.dialed, Some(server(1)));
    hand.unreachable();
    assert!(hand.timers.is_empty());
}

#[test]
fn who_throws_it_out_is_not_answered_and_not_asked_first_again() {
    let mut hand = Hand::live();
    hand.reply(Reply::Invalid { info: why() });
    assert!(hand.closed && hand.sent.is_empty());
    hand.fire(Timer::Retry);
    assert_eq!(hand.dialed, Some(server(2)));
}

#[test]
fn an_invalid_message_instead_of_an_answer_to_the_greeting_is_a_refusal() {
    let mut hand = Hand::new(Kind::Ours);
    hand.register();
    hand.up();
    hand.reply(Reply::Invalid { info: why() });
    assert!(hand.sent.is_empty() && hand.timers.is_empty());
    assert!(matches!(hand.told()[..], [Told::Refused { .. }]));
}

#[test]
fn a_line_that_is_no_reply_is_answered_by_one_line_and_a_close() {
    let mut hand = Hand::live();
    let (link, line) = (hand.link, Line::Malformed(Info::NotJson));
    hand.input(Input::Line { link, line });
    let info = Info::NotJson;
    assert_eq!(hand.sent, [Request::Invalid { info }]);
    assert!(hand.closed);
}

#[test]
fn a_dial_that_is_no_longer_wanted_is_hung_up() {
    let mut hand = Hand::new(Kind::Ours);
    hand.login();
    hand.ask(Ask::Quit);
    let (link, end) = (hand.link, End::Dialed(server(1)));
    hand.input(Input::Up { link, end });
    assert!(hand.closed);
    assert_eq!(hand.state.stage, Stage::Idle);
}

#[test]
fn its_user_can_send_it_to_another_server() {
    let mut hand = Hand::live();
    hand.ask(Ask::Move { to: server(4) });
    assert!(hand.closed);
    assert_eq!(hand.dialed, Some(server(4)));
    assert!(is_login(&hand.up()));
}

#[test]
fn a_move_during_a_register_leaves_its_outcome_in_doubt() {
    let mut hand = Hand::new(Kind::Ours);
    hand.register();
    hand.up();
    hand.ask(Ask::Move { to: server(4) });
    assert!(is_login(&hand.up()));
}
