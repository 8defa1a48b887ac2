//! What is said between two flushes, written down once however many links it goes to.

use std::ops::Range;

use bytes::Bytes;
use regrow_model::message::Line;

use super::links::SHEET;

/// Up to how long a passage is a small part of a sheet, in bytes.
const SMALL: usize = SHEET / 8;

/// Lines that go out together, as they go over the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passage {
    /// Their bytes, newlines included.
    pub bytes: Bytes,
    /// How many lines that is.
    pub lines: usize,
}

impl Passage {
    /// The same without what it was cut out of, unless it is a large part of that: who waits for a little is not to keep a
    /// lot.
    pub(super) fn apart(self) -> Self {
        match self.bytes.len() {
            0..SMALL => Self {
                bytes: Bytes::copy_from_slice(&self.bytes),
                lines: self.lines,
            },
            _ => self,
        }
    }
}

/// A place in a sheet: between two lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) bytes: usize,
    lines: usize,
}

/// Lines, one after the other.
#[derive(Default)]
pub(super) struct Sheet {
    text: Vec<u8>,
    lines: usize,
}

/// A sheet that is full: passages are cut out of it without being copied.
pub(super) struct Printed(Bytes);

impl Sheet {
    /// Where the next line will be.
    pub(super) fn mark(&self) -> Mark {
        Mark {
            bytes: self.text.len(),
            lines: self.lines,
        }
    }

    /// Writes a line; nothing if no wire carries it.
    pub(super) fn write(&mut self, line: &Line) {
        match line.encode(&mut self.text) {
            Ok(()) => self.lines += 1,
            Err(error) => {
                tracing::error!(event = "not_sendable", %error, "an actor says what no wire carries");
            }
        }
    }

    /// Begins a new sheet and hands out the old one.
    pub(super) fn print(&mut self) -> Printed {
        self.lines = 0;
        Printed(std::mem::take(&mut self.text).into())
    }
}

impl Printed {
    /// What is between two marks.
    pub(super) fn cut(&self, between: &Range<Mark>) -> Passage {
        Passage {
            bytes: self.0.slice(between.start.bytes..between.end.bytes),
            lines: between.end.lines - between.start.lines,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use regrow_model::message::Request;

    #[test]
    fn a_passage_is_cut_out_of_its_sheet_without_a_copy() {
        let mut sheet = Sheet::default();
        let before = sheet.mark();
        sheet.write(&Request::Logout.into());
        sheet.write(&Request::Logout.into());
        let after = sheet.mark();
        let printed = sheet.print();
        let [one, other] = [0, 1].map(|_| printed.cut(&(before..after)));
        assert_eq!(one.lines, 2);
        assert_eq!(&one.bytes[..], b"{\"command\":\"LOGOUT\"}\n".repeat(2));
        assert_eq!(one.bytes.as_ptr(), other.bytes.as_ptr());
        assert_eq!(sheet.mark(), Mark::default());
    }

    #[test]
    fn a_small_passage_that_is_taken_apart_does_not_keep_a_large_sheet() {
        let mut sheet = Sheet::default();
        let before = sheet.mark();
        sheet.write(&Request::Logout.into());
        let after = sheet.mark();
        for _ in 0..1_000 {
            sheet.write(&Request::Logout.into());
        }
        let printed = sheet.print();
        let passage = printed.cut(&(before..after)).apart();
        assert!(passage.bytes.is_unique());
        assert_eq!(&passage.bytes[..], b"{\"command\":\"LOGOUT\"}\n");
    }

    #[test]
    fn a_passage_has_the_lines_between_its_marks_and_says_how_many() {
        let mut sheet = Sheet::default();
        let invalid = |text: &str| {
            Line::from(Request::Invalid {
                info: regrow_model::message::client::Info::Text(text.into()),
            })
        };
        sheet.write(&Request::Logout.into());
        sheet.write(&Request::Logout.into());
        let before = sheet.mark();
        (0..3).for_each(|_| sheet.write(&invalid("between")));
        let after = sheet.mark();
        sheet.write(&Request::Logout.into());
        let passage = sheet.print().cut(&(before..after));
        let mut wanted = Vec::new();
        (0..3).for_each(|_| invalid("between").encode(&mut wanted).unwrap());
        assert_eq!(&passage.bytes[..], wanted);
        assert_eq!(passage.lines, 3);
    }

    #[test]
    fn a_passage_that_is_a_large_part_of_its_sheet_is_not_copied() {
        let bytes = Bytes::from(vec![b'x'; SHEET / 4]);
        let passage = Passage {
            bytes: bytes.clone(),
            lines: 1,
        };
        assert_eq!(passage.apart().bytes.as_ptr(), bytes.as_ptr());
    }
}
