//! Up to where a client of ours has heard, per stream: what it resumes from, and what it passes over.

use regrow_model::message::Stream;
use regrow_model::message::client::Vector;

/// Where a broadcast stands: its stream, and its number there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place<'a> {
    /// The stream, as it is on the wire.
    pub(super) stream: &'a [u8],
    /// Its number in it, from 1.
    pub(super) number: u64,
}

/// Per stream, up to which number all was heard. Few streams, and mostly the same one again.
#[derive(Clone, Debug, Default)]
pub(super) struct Cursor {
    streams: Vec<(Box<[u8]>, u64)>,
    /// The stream of the last message.
    last: usize,
}

impl Cursor {
    /// A message is heard. False if it is at or behind the cursor, and so passed over.
    pub(super) fn advance(&mut self, place: Place<'_>) -> bool {
        let at = self.find(place.stream);
        let number = &mut self.streams[at].1;
        let is_ahead = place.number > *number;
        if is_ahead {
            *number = place.number;
        }
        is_ahead
    }

    /// Takes over what is further in what a server says.
    pub(super) fn take_over(&mut self, further: &Vector) {
        for (stream, number) in further {
            let at = self.find(stream.to_string().as_bytes());
            let here = &mut self.streams[at].1;
            *here = (*here).max(*number);
        }
    }

    /// As it goes over a wire.
    pub(super) fn vector(&self) -> Vector {
        let streams = self.streams.iter().filter(|(_, number)| *number > 0);
        let named = streams.filter_map(|(stream, number)| {
            let stream: Stream = std::str::from_utf8(stream).ok()?.parse().ok()?;
            Some((stream, *number))
        });
        named.collect()
    }

    fn find(&mut self, stream: &[u8]) -> usize {
        let is_it = |(known, _): &(Box<[u8]>, u64)| **known == *stream;
        if !self.streams.get(self.last).is_some_and(is_it) {
            self.last = match self.streams.iter().position(is_it) {
                Some(at) => at,
                None => {
                    self.streams.push((stream.into(), 0));
                    self.streams.len() - 1
                }
            };
        }
        self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &[u8] = b"127.0.0.1:3780/1795000000000/9f";
    const OTHER: &[u8] = b"127.0.0.1:3781/1795000000000/a0";

    fn place(stream: &[u8], number: u64) -> Place<'_> {
        Place { stream, number }
    }

    #[test]
    fn what_is_at_or_behind_the_cursor_is_passed_over() {
        let mut cursor = Cursor::default();
        assert!(cursor.advance(place(ONE, 1)));
        assert!(cursor.advance(place(OTHER, 7)));
        assert!(cursor.advance(place(ONE, 2)));
        assert!(!cursor.advance(place(ONE, 2)));
        assert!(!cursor.advance(place(OTHER, 6)));
    }

    #[test]
    fn a_cursor_goes_over_the_wire_and_back() {
        let mut cursor = Cursor::default();
        cursor.advance(place(ONE, 12));
        cursor.advance(place(OTHER, 3));
        let mut back = Cursor::default();
        back.advance(place(OTHER, 5));
        back.take_over(&cursor.vector());
        assert_eq!(back.vector().len(), 2);
        assert!(!back.advance(place(ONE, 12)) && !back.advance(place(OTHER, 5)));
        assert!(back.advance(place(ONE, 13)) && back.advance(place(OTHER, 6)));
    }
}
