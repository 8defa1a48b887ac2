//! Bytes in, lines out. `\n` ends a line, `\r\n` too, and so does the end of the connection. What is kept
//! between two reads is at most one unfinished line, and no byte is searched twice.

use super::client::Info;

/// The default line limit: 1 MiB, without the line's end.
pub const LINE_LIMIT_BYTES: usize = 1024 * 1024;

/// The line limit for what a server says, to servers and to clients: a client's line with what servers add to it, or a chunk of
/// such. Were it a client's own limit, one long message would cut every link that it passes.
pub const SERVER_LINE_LIMIT_BYTES: usize = 64 * LINE_LIMIT_BYTES;

/// How large a buffer stays once its line has ended; what exceeds it is given back.
const KEPT_BYTES: usize = 16 * 1024;

/// Splits one connection's bytes into lines.
#[derive(Debug)]
pub struct LineSplitter {
    limit_bytes: usize,
    /// The beginning of a line that hasn't ended yet: at most the limit and a `\r`.
    unfinished: Vec<u8>,
    /// The connection has sent a line that is too long: nothing after it is read.
    failed: bool,
}

/// A line is longer than the limit: the connection is to be told so and closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a line is longer than {limit_bytes} bytes")]
pub struct LineTooLong {
    /// The limit, in bytes, without the line's end.
    pub limit_bytes: usize,
}

impl From<LineTooLong> for Info {
    fn from(error: LineTooLong) -> Self {
        let LineTooLong { limit_bytes } = error;
        Self::LineTooLong { limit_bytes }
    }
}

impl LineSplitter {
    /// For one connection, from its beginning.
    pub fn new(limit_bytes: usize) -> Self {
        Self {
            limit_bytes,
            unfinished: Vec::new(),
            failed: false,
        }
    }

    /// From here on lines may be so long: the far end has turned out to be a server.
    pub fn allow(&mut self, limit_bytes: usize) {
        self.limit_bytes = limit_bytes;
    }

    /// Takes the next bytes and hands out each line that they end, without its `\n` or `\r\n`. A line
    /// that lies in `bytes` as a whole is not copied.
    ///
    /// # Errors
    /// [`LineTooLong`], after the lines before it; from then on, for whatever comes.
    pub fn feed(&mut self, bytes: &[u8], mut each: impl FnMut(&[u8])) -> Result<(), LineTooLong> {
        let mut parts = bytes.split(|byte| *byte == b'\n');
        let unfinished = parts.next_back().unwrap_or_default();
        for part in parts {
            self.check(part)?;
            if self.unfinished.is_empty() {
                each(without_return(part));
            } else {
                self.unfinished.extend_from_slice(part);
                each(without_return(&self.unfinished));
                self.unfinished.clear();
                self.unfinished.shrink_to(KEPT_BYTES);
            }
        }
        self.check(unfinished)?;
        self.unfinished.extend_from_slice(unfinished);
        Ok(())
    }

    /// The connection has ended: what is left is its last line, if it isn't empty.
    pub fn finish(mut self) -> Option<Vec<u8>> {
        let length = without_return(&self.unfinished).len();
        self.unfinished.truncate(length);
        (!self.unfinished.is_empty()).then_some(self.unfinished)
    }

    /// Whether the line that `part` continues is still within the limit. Asked before `part` is kept, so
    /// that no more than the limit ever is. A `\r` at its very end may turn out to belong to the line's end.
    fn check(&mut self, part: &[u8]) -> Result<(), LineTooLong> {
        let length = self.unfinished.len() + part.len();
        let last = part.last().or(self.unfinished.last());
        let length = if last == Some(&b'\r') {
            length - 1
        } else {
            length
        };
        if length > self.limit_bytes {
            self.failed = true;
        }
        if self.failed {
            self.unfinished = Vec::new();
            let limit_bytes = self.limit_bytes;
            return Err(LineTooLong { limit_bytes });
        }
        Ok(())
    }
}

fn without_return(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines that come out, and whether one was too long, when the bytes come in pieces of this size.
    fn split(limit: usize, bytes: &[u8], piece: usize) -> (Vec<String>, bool) {
        let mut splitter = LineSplitter::new(limit);
        let mut lines = Vec::new();
        let mut take = |line: &[u8]| lines.push(String::from_utf8(line.to_vec()).unwrap());
        for piece in bytes.chunks(piece) {
            if splitter.feed(piece, &mut take).is_err() {
                assert_eq!(splitter.unfinished.capacity(), 0);
                assert!(
                    splitter.feed(b"\n", &mut take).is_err(),
                    "a failed splitter stays failed"
                );
                return (lines, true);
            }
            assert!(splitter.unfinished.len() <= limit + 1);
        }
        if let Some(last) = splitter.finish() {
            take(&last);
        }
        (lines, false)
    }

    #[test]
    fn however_the_bytes_are_cut_the_lines_are_the_same() {
        let bytes = b"one\ntwo\r\n\nthree\r\r\nlast";
        for piece in 1..=bytes.len() {
            let lines = ["one", "two", "", "three\r", "last"]
                .map(String::from)
                .to_vec();
            assert_eq!(
                split(9, bytes, piece),
                (lines, false),
                "in pieces of {piece}"
            );
        }
    }

    #[test]
    fn the_last_line_needs_no_end_and_an_empty_one_is_none() {
        assert_eq!(split(9, b"one\r\nlast\r", 3).0, ["one", "last"]);
        assert_eq!(split(9, b"one\r\n", 3).0, ["one"]);
        assert_eq!(split(9, b"one\n\r", 3).0, ["one"]);
    }

    #[test]
    fn a_line_may_be_as_long_as_the_limit_and_no_byte_longer() {
        for piece in 1..=8 {
            assert_eq!(
                split(4, b"1234\n1234\r\n1234", piece),
                (vec!["1234".into(); 3], false)
            );
            assert_eq!(
                split(4, b"1234\n12345\n", piece),
                (vec!["1234".into()], true)
            );
            assert_eq!(split(4, b"1234\n12345", piece), (vec!["1234".into()], true));
            assert_eq!(
                split(4, b"1234\n1234\r5", piece),
                (vec!["1234".into()], true)
            );
        }
    }

    #[test]
    fn a_line_of_a_mebibyte_passes_and_its_buffer_is_given_back() {
        let mut splitter = LineSplitter::new(LINE_LIMIT_BYTES);
        let line = vec![b'x'; LINE_LIMIT_BYTES];
        let mut lengths = Vec::new();
        for piece in line.chunks(1000) {
            splitter
                .feed(piece, |_| panic!("no line has ended"))
                .unwrap();
        }
        splitter
            .feed(b"\r\n", |line| lengths.push(line.len()))
            .unwrap();
        assert_eq!(lengths, [LINE_LIMIT_BYTES]);
        assert!(splitter.unfinished.capacity() <= KEPT_BYTES);

        for piece in line.chunks(1000) {
            splitter
                .feed(piece, |_| panic!("no line has ended"))
                .unwrap();
        }
        let error = splitter
            .feed(b"x", |_| panic!("no line has ended"))
            .unwrap_err();
        assert_eq!(
            Info::from(error).to_string(),
            "the received message is longer than 1048576 bytes"
        );
    }
}
