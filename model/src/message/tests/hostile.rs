//! Bytes that somebody wrote to do harm: each is read without a panic, and what is understood of it means
//! the same when it is written and read again.

use super::*;

const LINES: &[&str] = &[
    r#"{"command":"REGISTER","username":"zo\u00eb","secret":"s1"}"#,
    r#"{"command":"LOGIN","username":"a","secret":"s","resume":{"client":"c","cursor":{"s:1/1/9f":12}}}"#,
    r#"{"command":"ACTIVITY_MESSAGE","username":"anonymous","k":7,"activity":{"a":[1.0,{"b":"\ud83d\ude00"}],"authenticated_user":"x"}}"#,
    r#"{"command":"ACTIVITY_GOT","cursor":{"s:1/1/9f":12}}"#,
    r#"{"command":"LOGIN_SUCCESS","info":"x","servers":[{"hostname":"::1","port":3780}],"cursor":{}}"#,
    r#"{"command":"ACTIVITY_BROADCAST","activity":{"\u0061uthenticated_user":5},"from":{"stream":"s:1/1/9f","number":1}}"#,
    r#"{"command":"REDIRECT","hostname":"localhost","port":3780}"#,
    r#"{"command":"GAP","missed":18446744073709551615,"info":"x","cursor":{"a:1/1/1":3}}"#,
    r#"{"command":"PATH","v":6,"path":[{"born":1,"name":"a"}],"children":[]}"#,
    r#"{"command":"KNOWN","v":6,"servers":[["a",{"born":1,"incarnation":{"number":1,"nonce":2},"address":"a:1"}]]}"#,
];

/// What takes the place of a byte: what JSON is made of, and what it never has.
const BYTES: &[u8] = b"\"\\{}[]:,0-.eun \r\n\t\0\x7f\x80\xc3\xff";

fn read(bytes: &[u8]) {
    for hearer in [Hearer::Server, Hearer::Client] {
        let line = Line::decode(bytes, hearer);
        if let Line::Malformed(info) = line {
            assert!(!info.to_string().is_empty());
            continue;
        }
        let text = written(&line);
        assert_eq!(
            text.find(['\n', '\r']),
            Some(text.len() - 1),
            "one line: {text}"
        );
        assert_eq!(heard_by(hearer, &text), line, "{text}");
        if let Line::Request(request) = &line
            && let Request::Activity { activity, .. } = &**request
        {
            let signed = activity.sign(&Username::from("aaron"));
            assert_eq!(signed.authenticated_user(), Some(Username::from("aaron")));
            assert_eq!(Activity::parse(signed.as_str()), Ok(signed));
        }
    }
}

#[test]
fn a_line_that_is_cut_off_anywhere() {
    for line in LINES {
        (0..=line.len()).for_each(|end| read(&line.as_bytes()[..end]));
        (0..=line.len()).for_each(|start| read(&line.as_bytes()[start..]));
    }
}

#[test]
fn a_line_with_any_byte_lost_doubled_or_replaced() {
    for line in LINES {
        for at in 0..line.len() {
            let (head, tail) = line.as_bytes().split_at(at);
            read(&[head, &tail[1..]].concat());
            read(&[head, &tail[..1], tail].concat());
            for byte in BYTES {
                read(&[head, &[*byte], &tail[1..]].concat());
                read(&[head, &[*byte], tail].concat());
            }
        }
    }
}

#[test]
fn a_line_with_any_stretch_said_twice() {
    for line in LINES {
        let bytes = line.as_bytes();
        for start in 0..bytes.len() {
            for end in start + 1..bytes.len().min(start + 48) {
                read(&[&bytes[..end], &bytes[start..]].concat());
            }
        }
    }
}
