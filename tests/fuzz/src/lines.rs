//! Bytes of a connection, cut into lines and decoded.

use regrow_model::message::framing::{LineSplitter, LineTooLong};
use regrow_model::message::{Hearer, Line, Reply, Request};

/// What a client and its server say to each other: the first byte says in pieces of which size the rest arrives, the second
/// how long a line may be. However the bytes are cut the lines are the same; none is longer than the limit, and no more than
/// twice as much is kept. What decodes, at either end, encodes to one line that decodes to the same.
pub fn client_lines(data: &[u8]) {
    let [piece, limit, bytes @ ..] = data else {
        return;
    };
    let limit = 1 + usize::from(*limit) * 4;
    let whole = split(limit, bytes, bytes.len().max(1));
    let pieces = split(limit, bytes, 1 + usize::from(*piece));
    assert_eq!(whole, pieces, "however the bytes are cut");
    for line in whole.0 {
        decoded(&line, Hearer::Server);
        decoded(&line, Hearer::Client);
    }
}

/// What servers say to each other, one line an input: what decodes encodes to one line that decodes to the same.
pub fn server_lines(data: &[u8]) {
    decoded(data, Hearer::Server);
}

type Lines = (Vec<Vec<u8>>, Result<(), LineTooLong>);

/// The lines that come out when the bytes arrive in pieces of this size.
fn split(limit: usize, bytes: &[u8], piece: usize) -> Lines {
    let mut splitter = LineSplitter::new(limit);
    let mut lines = Vec::new();
    let mut take = |line: &[u8]| {
        assert!(line.len() <= limit, "a line is longer than it may be");
        lines.push(line.to_vec());
    };
    for piece in bytes.chunks(piece) {
        if let Err(error) = splitter.feed(piece, &mut take) {
            assert_eq!(splitter.feed(b"\n", &mut take), Err(error));
            assert_eq!(
                splitter.finish(),
                None,
                "nothing is kept of a line that is too long"
            );
            return (lines, Err(error));
        }
    }
    if let Some(last) = splitter.finish() {
        assert!(
            last.capacity() <= 2 * (limit + 1).max(8),
            "more is kept than a line"
        );
        take(&last);
    }
    (lines, Ok(()))
}

fn decoded(bytes: &[u8], hearer: Hearer) {
    let line = Line::decode(bytes, hearer);
    match &line {
        Line::Malformed(info) => {
            assert!(!info.to_string().is_empty(), "a refusal has words");
            let info = info.clone();
            let Line::Reply(Reply::Invalid { info: heard }) = again(
                &Line::Reply(Reply::Invalid { info: info.clone() }),
                Hearer::Client,
            ) else {
                panic!("a refusal arrives as one");
            };
            assert_eq!(heard.to_string(), info.to_string());
            return;
        }
        Line::Request(request) => {
            if let Request::Activity {
                username, activity, ..
            } = &**request
            {
                let signed = activity.sign(username);
                assert_eq!(signed.authenticated_user().as_ref(), Some(username));
                assert_eq!(signed.sign(username), signed, "signed once is signed");
            }
        }
        Line::Reply(_) | Line::Peer(_) => {}
    }
    assert_eq!(again(&line, hearer), line);
}

/// A line as it is heard when it is said.
fn again(line: &Line, hearer: Hearer) -> Line {
    let mut said = Vec::new();
    line.encode(&mut said).expect("what was heard can be said");
    assert_eq!(said.pop(), Some(b'\n'), "a line has an end");
    assert!(!said.contains(&b'\n'), "and one end only");
    Line::decode(&said, hearer)
}
