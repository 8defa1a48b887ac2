//! What is refused, and with which reason.

use super::*;
use crate::message::client::Field;
use crate::message::fields::{CLIENT_LIMIT_BYTES, USERNAME_LIMIT_BYTES};

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
        server_hears(&format!("{{{path},\"v\":6,\"later\":[]}}")),
        understood
    );
    assert_eq!(server_hears(&format!("{{\"v\":6,{path}}}")), understood);
    assert_eq!(malformed(&format!("{{{path}}}")), Info::OtherVersion);
    assert_eq!(
        malformed(&format!("{{{path},\"v\":3}}")),
        Info::OtherVersion
    );
    assert_eq!(malformed(r#"{"command":"PATH","v":3}"#), Info::OtherVersion);
    assert_eq!(
        malformed(r#"{"command":"PATH","v":"1"}"#),
        Info::WrongType(Field::Version)
    );
    assert_eq!(malformed(r#"{"command":"PATH","v":6}"#), Info::WrongFields);
    assert_eq!(
        malformed(r#"{"command":"AUTHENTICATE","v":6,"secret":"s1"}"#),
        Info::WrongFields
    );
}

#[test]
fn names_that_are_too_long_are_refused_for_every_server_would_keep_them() {
    let long = "x".repeat(2_000);
    let login = format!(r#"{{"command":"LOGIN","username":"{long}","secret":"s1"}}"#);
    let limit_bytes = USERNAME_LIMIT_BYTES;
    let field = Field::Username;
    assert_eq!(malformed(&login), Info::TooLong { field, limit_bytes });

    let resume = format!(r#"{{"client":"{long}"}}"#);
    let login =
        format!(r#"{{"command":"LOGIN","username":"aaron","secret":"s1","resume":{resume}}}"#);
    let limit_bytes = CLIENT_LIMIT_BYTES;
    let field = Field::Resume;
    assert_eq!(malformed(&login), Info::TooLong { field, limit_bytes });
}
