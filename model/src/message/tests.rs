//! What a decoder makes of what real clients send, and of what nobody should.

use super::client::{Field, Info, Resume, Resumed, Secret};
use super::*;

fn heard_by(hearer: Hearer, line: &str) -> Line {
    Line::decode(line.as_bytes(), hearer)
}

fn server_hears(line: &str) -> Line {
    heard_by(Hearer::Server, line)
}

fn malformed(line: &str) -> Info {
    match server_hears(line) {
        Line::Malformed(info) => info,
        Line::Request(_) | Line::Reply(_) | Line::Peer(_) => panic!("{line} was understood"),
    }
}

fn written(line: &Line) -> String {
    let mut out = Vec::new();
    line.encode(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn login(username: &str, secret: Option<&str>) -> Line {
    Line::from(Request::Login {
        username: Username::from(username),
        secret: secret.map(|secret| Secret::Plain(secret.into())),
        resume: None,
    })
}

fn said(line: &str) -> Activity {
    let Line::Request(request) = server_hears(line) else {
        panic!("{line}")
    };
    let Request::Activity { activity, .. } = *request else {
        panic!("{line}")
    };
    activity
}

fn stream(server: &str) -> Stream {
    Stream {
        server: ServerName::from(server),
        incarnation: Incarnation {
            number: 1,
            nonce: 0x9f,
        },
    }
}

#[test]
fn a_line_is_small_for_it_waits_in_queues_by_the_million() {
    assert!(size_of::<Line>() <= 56, "{} bytes", size_of::<Line>());
}

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
fn a_named_user_needs_a_secret_and_every_user_a_name() {
    for command in ["LOGIN", "REGISTER", "ACTIVITY_MESSAGE"] {
        for secret in ["", r#","secret":"""#, r#","secret":null"#] {
            let line =
                format!(r#"{{"command":"{command}","username":"aaron"{secret},"activity":{{}}}}"#);
            assert_eq!(malformed(&line), Info::Missing(Field::Secret));
        }
        for username in ["", r#","username":"""#, r#","username":null"#] {
            let line =
                format!(r#"{{"command":"{command}"{username},"secret":"s1","activity":{{}}}}"#);
            assert_eq!(malformed(&line), Info::Missing(Field::Username));
        }
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
fn no_activity_or_one_that_is_no_object_is_refused() {
    let with = |activity: &str| {
        malformed(&format!(
            r#"{{"command":"ACTIVITY_MESSAGE","username":"anonymous"{activity}}}"#
        ))
    };
    assert_eq!(with(""), Info::Missing(Field::Activity));
    assert_eq!(with(r#","activity":null"#), Info::Missing(Field::Activity));
    for activity in ["5", "\"{}\"", "[{}]", "true"] {
        assert_eq!(
            with(&format!(r#","activity":{activity}"#)),
            Info::WrongType(Field::Activity)
        );
    }
}

#[test]
fn a_field_of_the_wrong_type_is_refused_by_its_name_and_a_secret_never_echoed() {
    for (line, field) in [
        (r#"{"command":5}"#, Field::Command),
        (r#"{"command":["LOGIN"]}"#, Field::Command),
        (
            r#"{"command":"LOGIN","username":5,"secret":"s1"}"#,
            Field::Username,
        ),
        (
            r#"{"command":"LOGIN","username":"\ud800","secret":"s1"}"#,
            Field::Username,
        ),
        (
            r#"{"command":"LOGIN","username":"aaron","secret":12321}"#,
            Field::Secret,
        ),
        (
            r#"{"command":"LOGIN","username":"anonymous","secret":12321}"#,
            Field::Secret,
        ),
        (
            r#"{"command":"LOGIN","username":"aaron","secret":"s1","resume":{"cursor":null}}"#,
            Field::Resume,
        ),
        (
            r#"{"command":"ACTIVITY_MESSAGE","username":"anonymous","activity":{},"k":-1}"#,
            Field::K,
        ),
        (
            r#"{"command":"ACTIVITY_MESSAGE","username":"anonymous","activity":{},"k":1.0}"#,
            Field::K,
        ),
        (
            r#"{"command":"ACTIVITY_GOT","cursor":{"a":1}}"#,
            Field::Cursor,
        ),
        (r#"{"command":"INVALID_MESSAGE","info":5}"#, Field::Info),
    ] {
        let info = malformed(line);
        assert_eq!(info, Info::WrongType(field), "{line}");
        assert!(!info.to_string().contains("12321"));
    }
}

#[test]
fn what_is_no_json_is_a_parse_error() {
    let deep = format!(r#"{{"command":"LOGIN","x":{}"#, "[".repeat(1024 * 1024));
    for line in [
        "",
        " ",
        "hello",
        "{",
        r#"{"command":"LOGOUT"} x"#,
        r#"{"command":"LOGOUT",}"#,
        "[1,",
        "5x",
        &deep,
    ] {
        assert_eq!(malformed(line), Info::NotJson);
    }
    let latin1 = b"{\"command\":\"LOGOUT\",\"x\":\"\xeb\"}";
    assert_eq!(
        Line::decode(latin1, Hearer::Server),
        Line::Malformed(Info::NotJson)
    );
}

#[test]
fn what_is_json_but_no_object_says_so() {
    for line in ["5", "null", "\"LOGIN\"", "[]", r#"[{"command":"LOGOUT"}]"#] {
        assert_eq!(malformed(line), Info::NotAnObject);
    }
}

#[test]
fn a_command_that_is_missing_in_lower_case_or_unknown_is_refused() {
    assert_eq!(malformed("{}"), Info::NoCommand);
    assert_eq!(malformed(r#"{"command":null}"#), Info::NoCommand);
    assert_eq!(malformed(r#"{"Command":"LOGOUT"}"#), Info::NoCommand);
    for command in [
        "login",
        "Login",
        "",
        " LOGIN",
        "HELLO_WORLD",
        "SERVER_HELLO",
    ] {
        let line = format!(r#"{{"command":"{command}","username":"aaron","secret":"s1"}}"#);
        assert_eq!(malformed(&line), Info::unknown_command(command));
    }
    let long = malformed(&format!(r#"{{"command":"{}"}}"#, "X".repeat(1000)));
    assert_eq!(
        long.to_string(),
        format!("unknown command: {}", "X".repeat(32))
    );
}

#[test]
fn a_command_that_its_hearer_never_has_to_hear_is_unknown_to_it() {
    for command in [
        "LOGIN_SUCCESS",
        "REDIRECT",
        "REGISTER_FAILED",
        "ACTIVITY_ACK",
        "GAP",
    ] {
        let line = format!(r#"{{"command":"{command}","info":"x"}}"#);
        assert_eq!(malformed(&line), Info::unknown_command(command));
    }
    for command in [
        "LOGIN",
        "REGISTER",
        "LOGOUT",
        "ACTIVITY_MESSAGE",
        "ACTIVITY_GOT",
        "AUTHENTICATE",
        "PATH",
    ] {
        let line = format!(r#"{{"command":"{command}","username":"anonymous"}}"#);
        assert_eq!(
            heard_by(Hearer::Client, &line),
            Line::Malformed(Info::unknown_command(command))
        );
    }
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
    let line = r#"{"command":"AUTHENTICATION_FAIL","info":"why","v":1}"#;
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
fn a_server_command_without_its_version_or_its_fields_is_refused() {
    let path = r#""command":"PATH","path":[{"born":1,"name":"a"}],"children":[]"#;
    let born_first = ServerId {
        born: Stamp(1),
        name: ServerName::from("a"),
    };
    let understood = Line::Peer(Peer::Path {
        path: vec![born_first],
        children: vec![],
    });
    assert_eq!(
        server_hears(&format!("{{{path},\"v\":1,\"later\":[]}}")),
        understood
    );
    assert_eq!(server_hears(&format!("{{\"v\":1,{path}}}")), understood);
    assert_eq!(malformed(&format!("{{{path}}}")), Info::OtherVersion);
    assert_eq!(
        malformed(&format!("{{{path},\"v\":2}}")),
        Info::OtherVersion
    );
    assert_eq!(malformed(r#"{"command":"PATH","v":2}"#), Info::OtherVersion);
    assert_eq!(
        malformed(r#"{"command":"PATH","v":"1"}"#),
        Info::WrongType(Field::Version)
    );
    assert_eq!(malformed(r#"{"command":"PATH","v":1}"#), Info::WrongFields);
    assert_eq!(
        malformed(r#"{"command":"AUTHENTICATE","v":1,"secret":"s1"}"#),
        Info::WrongFields
    );
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
fn a_hashed_secret_goes_over_no_wire_and_no_secret_is_ever_shown() {
    let request = Request::Register {
        username: Username::from("aaron"),
        secret: Secret::Hashed(SecretHash::from("$argon2id$x")),
        at: Stamp(5),
    };
    let mut out = b"before".to_vec();
    assert!(Line::from(request.clone()).encode(&mut out).is_err());
    assert_eq!(out, b"before");
    assert!(Line::Malformed(Info::NotJson).encode(&mut out).is_err());

    assert!(!format!("{request:?}").contains("argon2id"));
    assert!(!format!("{:?}", login("aaron", Some("s1"))).contains("s1"));
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
