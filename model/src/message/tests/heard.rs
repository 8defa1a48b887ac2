//! What real clients send, and is understood.

use super::*;
use crate::message::client::{Field, Resume, Resumed};

#[test]
fn anonymous_logs_in_with_its_secret_absent_empty_or_null() {
    for line in [
        r#"{"command":"LOGIN","username":"anonymous"}"#,
        r#"{"command":"LOGIN","username":"anonymous","secret":""}"#,
        r#"{"command":"LOGIN","username":"anonymous","secret":null}"#,
    ] {
        assert_eq!(server_hears(line), login("anonymous", None));
    }
    for secret in ["", r#","secret":"""#, r#","secret":null"#] {
        let line = format!(
            r#"{{"command":"ACTIVITY_MESSAGE","username":"anonymous"{secret},"activity":{{}}}}"#
        );
        assert_eq!(said(&line).as_str(), "{}");
    }
}

#[test]
fn field_order_extra_fields_and_blanks_do_not_matter() {
    for line in [
        r#"{"command":"LOGIN","username":"aaron","secret":"s1"}"#,
        r#"{"secret":"s1","username":"aaron","command":"LOGIN"}"#,
        "  { \"command\" :\t\"LOGIN\",\"username\":\"aaron\" , \"secret\":\"s1\" }\r",
        r#"{"command":"LOGIN","later":{"a":[1,{"b":null}]},"username":"aaron","secret":"s1","x":1e400}"#,
        r#"{"command":"LOGIN","username":"aaron","secret":"s1","activity":5,"port":"x","info":[]}"#,
    ] {
        assert_eq!(server_hears(line), login("aaron", Some("s1")), "{line}");
    }
}

#[test]
fn of_two_fields_with_one_name_the_last_counts() {
    let line = r#"{"command":"LOGOUT","username":"mallory","command":"LOGIN","secret":"s1","username":"aaron"}"#;
    assert_eq!(server_hears(line), login("aaron", Some("s1")));
}

#[test]
fn escaped_slashes_unicode_escapes_and_raw_non_ascii_read_the_same() {
    for line in [
        r#"{"command":"LOGIN","username":"zoë/☃","secret":"s/1"}"#,
        r#"{"command":"LOGIN","username":"zo\u00eb\/\u2603","secret":"s\/1"}"#,
        r#"{"comm\u0061nd":"LOG\u0049N","username":"zo\u00EB\u002f☃","secret":"s\u002f1"}"#,
    ] {
        assert_eq!(server_hears(line), login("zoë/☃", Some("s/1")), "{line}");
    }
}

#[test]
fn an_activity_passes_through_as_it_was_written() {
    let activity = concat!(
        r#"{"z":123456789012345678901234567890,"a":1.0, "e":1E5,"n":-0.0,"s":"\/\u00eb ë ☃ 😀 \ud83d\ude00","#,
        r#""half":"\ud800","\ud800":1,"nested":{"b":[{"c":[[]]}],"a":null}, "b":true,"b":false }"#
    );
    let line = format!(
        r#"{{"command":"ACTIVITY_MESSAGE","activity":{activity},"username":"aaron","secret":"s1"}}"#
    );
    let heard = said(&line);
    assert_eq!(heard.as_str(), activity);

    let signed = heard.sign(&Username::from("aaron"));
    let body = activity.strip_suffix(" }").unwrap();
    assert_eq!(
        signed.as_str(),
        format!(r#"{body},"authenticated_user":"aaron" }}"#)
    );
    let broadcast = Line::Reply(Reply::Broadcast {
        activity: signed.clone(),
        from: None,
    });
    let line = written(&broadcast);
    assert_eq!(
        line,
        format!("{{\"command\":\"ACTIVITY_BROADCAST\",\"activity\":{signed}}}\n")
    );
    assert_eq!(heard_by(Hearer::Client, &line), broadcast);
}

#[test]
fn an_activity_is_one_line_whatever_its_sender_writes_between_two_tokens() {
    let line = "{\"command\":\"ACTIVITY_MESSAGE\",\"username\":\"anonymous\",\"activity\":{\"a\":\r1,\n\"b\":\"\\r\"}}";
    assert_eq!(said(line).as_str(), r#"{"a": 1, "b":"\r"}"#);
}

#[test]
fn what_both_sides_say_is_read_for_the_one_who_hears_it() {
    let line = r#"{"command":"INVALID_MESSAGE","info":"why"}"#;
    let info = || Info::Text("why".into());
    assert_eq!(
        server_hears(line),
        Line::from(Request::Invalid { info: info() })
    );
    assert_eq!(
        heard_by(Hearer::Client, line),
        Line::Reply(Reply::Invalid { info: info() })
    );
    let line = r#"{"command":"AUTHENTICATION_FAIL","info":"why","v":6}"#;
    assert_eq!(
        server_hears(line),
        Line::Peer(Peer::AuthenticationFail { info: info() })
    );
    assert_eq!(
        heard_by(Hearer::Client, line),
        Line::Reply(Reply::AuthenticationFail { info: info() })
    );
}

#[test]
fn a_reply_without_an_info_is_understood_all_the_same() {
    let line = r#"{"command":"REGISTER_FAILED"}"#;
    let info = Info::Text("".into());
    assert_eq!(
        heard_by(Hearer::Client, line),
        Line::Reply(Reply::RegisterFailed { info })
    );
}

#[test]
fn a_redirect_is_a_hostname_and_an_integer_port() {
    let line = r#"{"command":"REDIRECT","hostname":"::1","port":3780}"#;
    let to = "[::1]:3780".parse().unwrap();
    assert_eq!(
        heard_by(Hearer::Client, line),
        Line::Reply(Reply::Redirect { to })
    );
    for (port, info) in [
        (r#","port":"3780""#, Info::WrongType(Field::Port)),
        (r#","port":65536"#, Info::WrongType(Field::Port)),
        ("", Info::Missing(Field::Port)),
    ] {
        let line = format!(r#"{{"command":"REDIRECT","hostname":"localhost"{port}}}"#);
        assert_eq!(heard_by(Hearer::Client, &line), Line::Malformed(info));
    }
}

#[test]
fn the_extension_survives_the_wire_in_both_directions() {
    let cursor: client::Vector = [(stream("a:1"), 3), (stream("b:1"), u64::MAX)]
        .into_iter()
        .collect();
    let request = |request| (Hearer::Server, Line::from(request));
    let reply = |reply| (Hearer::Client, Line::Reply(reply));
    let from = |sender| client::From {
        stream: stream("a:1"),
        number: 3,
        sender,
        repeat: false,
    };
    let broadcast = |from| Reply::Broadcast {
        activity: "{}".parse().unwrap(),
        from,
    };
    let resume = |cursor| Request::Login {
        username: Username::from("aaron"),
        secret: Some(Secret::Plain("s1".into())),
        resume: Some(Resume {
            client: ClientId::from("c1"),
            cursor,
            said: 0,
        }),
    };
    let info = Info::Text("x".into());
    let resumed = |servers| Reply::LoginSuccess {
        info: info.clone(),
        resumed: Some(Box::new(Resumed {
            servers,
            cursor: cursor.clone(),
        })),
    };
    for (hearer, line) in [
        request(resume(None)),
        request(resume(Some(client::Vector::new()))),
        request(resume(Some(cursor.clone()))),
        request(Request::Got {
            cursor: cursor.clone(),
        }),
        request(Request::Activity {
            username: Username::anonymous(),
            secret: None,
            activity: "{}".parse().unwrap(),
            k: Some(7),
        }),
        reply(resumed(vec![])),
        reply(resumed(vec![
            "a:1".parse().unwrap(),
            "[::1]:2".parse().unwrap(),
        ])),
        reply(broadcast(None)),
        reply(broadcast(Some(Box::new(from(None))))),
        reply(broadcast(Some(Box::new(from(Some((
            ClientId::from("c1"),
            7,
        ))))))),
        reply(Reply::Ack { k: 7, stable: 5 }),
        reply(Reply::Gap {
            missed: 2,
            info: info.clone(),
            cursor: Box::new(cursor),
        }),
    ] {
        let text = written(&line);
        assert_eq!(
            heard_by(hearer, text.strip_suffix('\n').unwrap()),
            line,
            "{text}"
        );
    }
}

#[test]
fn a_line_of_a_mebibyte_is_read_like_any_other() {
    let text = "x".repeat(framing::LINE_LIMIT_BYTES - 80);
    let line = format!(
        r#"{{"command":"ACTIVITY_MESSAGE","username":"anonymous","activity":{{"a":"{text}"}}}}"#
    );
    assert!(line.len() <= framing::LINE_LIMIT_BYTES && line.len() > framing::LINE_LIMIT_BYTES - 80);
    assert_eq!(said(&line).as_str().len(), text.len() + 8);
}
