//! What a line from a server is, found by its bytes: broadcasts and acknowledgements come by the million and are never
//! parsed; the few others go through the protocol's own decoder.

use std::sync::LazyLock;

use memchr::memchr;
use memchr::memmem::{self, Finder};
use regrow_model::message::{Hearer, Line, Reply};

use super::cursor::Place;
use super::payload::Payload;

/// The longest line that is waited for the end of, in bytes.
const LINE_MAX_BYTES: usize = 16 << 20;
/// An acknowledgement names itself among its first bytes.
const COMMAND_WITHIN_BYTES: usize = 40;

static STREAM: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(br#""stream":""#));
const NUMBER: &[u8] = br#"","number":"#;
const OWN_NUMBER: &[u8] = br#""k":"#;
const STABLE: &[u8] = br#""stable":"#;

/// One line of a server.
#[derive(Debug)]
pub(super) enum Heard<'a> {
    /// Somebody of this bench has said something. With the rest of the line, behind the payload's fields.
    Said(Payload, &'a [u8]),
    /// The server has what was said.
    Acknowledged {
        /// On its disk, up to this number.
        k: u64,
        /// At everyone's, up to this one.
        stable: u64,
    },
    /// Something else that a server says.
    Reply(Reply),
    /// Nothing that a server says, as text.
    Nonsense(String),
    /// An empty line.
    Nothing,
}

/// What a line is.
pub(super) fn heard(line: &[u8]) -> Heard<'_> {
    if let Some((payload, rest)) = Payload::find(line) {
        return Heard::Said(payload, rest);
    }
    let head = &line[..line.len().min(COMMAND_WITHIN_BYTES)];
    if memmem::find(head, br#""ACTIVITY_ACK""#).is_some()
        && let (Some(k), Some(stable)) =
            (number_after(line, OWN_NUMBER), number_after(line, STABLE))
    {
        return Heard::Acknowledged { k, stable };
    }
    if line.is_empty() || line == b"\r" {
        return Heard::Nothing;
    }
    match Line::decode(line, Hearer::Client) {
        Line::Reply(reply) => Heard::Reply(reply),
        Line::Malformed(_) | Line::Request(_) | Line::Peer(_) => {
            Heard::Nonsense(String::from_utf8_lossy(head).into_owned())
        }
    }
}

/// Where a broadcast stands, in the rest of its line behind the payload.
pub(super) fn place(rest: &[u8]) -> Option<Place<'_>> {
    let stream = &rest[STREAM.find(rest)? + STREAM.needle().len()..];
    let end = memchr(b'"', stream)?;
    let number = number_after(&stream[end..], NUMBER)?;
    let stream = &stream[..end];
    Some(Place { stream, number })
}

/// The speaker's own number for a broadcast, in the rest of its line.
pub(super) fn own_number(rest: &[u8]) -> Option<u64> {
    number_after(rest, OWN_NUMBER)
}

/// The number behind a key.
fn number_after(line: &[u8], key: &[u8]) -> Option<u64> {
    let digits = match line.strip_prefix(key) {
        Some(digits) => digits,
        None => &line[memmem::find(line, key)? + key.len()..],
    };
    let end = digits.iter().position(|byte| !byte.is_ascii_digit());
    let digits = &digits[..end.unwrap_or(digits.len())];
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// Puts lines together from what a socket gives.
#[derive(Default)]
pub(super) struct Lines {
    /// The begin of a line whose end has not come.
    begun: Vec<u8>,
}

/// A line has become longer than any that a server sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Endless;

impl Lines {
    /// Hands out each line that is whole now, without its end.
    pub(super) fn feed(
        &mut self,
        mut bytes: &[u8],
        mut each: impl FnMut(&[u8]),
    ) -> Result<(), Endless> {
        if !self.begun.is_empty()
            && let Some(end) = memchr(b'\n', bytes)
        {
            self.begun.extend_from_slice(&bytes[..end]);
            each(&self.begun);
            self.begun.clear();
            bytes = &bytes[end + 1..];
        }
        while let Some(end) = memchr(b'\n', bytes) {
            each(&bytes[..end]);
            bytes = &bytes[end + 1..];
        }
        self.begun.extend_from_slice(bytes);
        match self.begun.len() > LINE_MAX_BYTES {
            true => Err(Endless),
            false => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines_of(pieces: &[&str]) -> Vec<String> {
        let (mut lines, mut all) = (Lines::default(), Vec::new());
        for piece in pieces {
            let each = |line: &[u8]| all.push(String::from_utf8(line.to_vec()).unwrap());
            lines.feed(piece.as_bytes(), each).unwrap();
        }
        all
    }

    #[test]
    fn lines_come_whole_wherever_they_were_cut() {
        assert_eq!(lines_of(&["ab\ncd\n"]), ["ab", "cd"]);
        assert_eq!(lines_of(&["a", "b", "\nc", "d\ne"]), ["ab", "cd"]);
        assert_eq!(lines_of(&["ab", "\n", "\n", "c\n"]), ["ab", "", "c"]);
        assert!(lines_of(&["ab", "cd", ""]).is_empty());
    }

    #[test]
    fn a_line_without_an_end_is_not_kept_for_ever() {
        let mut lines = Lines::default();
        let piece = vec![b'x'; LINE_MAX_BYTES];
        assert_eq!(lines.feed(&piece, |_| {}), Ok(()));
        assert_eq!(lines.feed(b"x", |_| {}), Err(Endless));
    }

    #[test]
    fn a_broadcasts_place_and_number_are_found_behind_its_payload() {
        let rest = br#"...","authenticated_user":"b1"},"from":{"stream":"127.0.0.1:3780/17/9f","number":12,"client":"b1","k":7}}"#;
        let place = place(rest).expect("it has one");
        assert_eq!(
            (place.stream, place.number),
            (&b"127.0.0.1:3780/17/9f"[..], 12)
        );
        assert_eq!(own_number(rest), Some(7));
        assert_eq!(super::place(br#"..."}}"#), None);
    }

    #[test]
    fn acknowledgements_are_read_and_other_replies_decoded() {
        let line = br#"{"command":"ACTIVITY_ACK","k":7,"stable":5}"#;
        assert!(matches!(
            heard(line),
            Heard::Acknowledged { k: 7, stable: 5 }
        ));
        let line = br#"{"command":"LOGIN_SUCCESS","info":"logged in as user aaron"}"#;
        assert!(matches!(
            heard(line),
            Heard::Reply(Reply::LoginSuccess { .. })
        ));
        assert!(matches!(heard(b"?"), Heard::Nonsense(text) if text == "?"));
        assert!(matches!(heard(b""), Heard::Nothing));
    }
}
