//! What a recording consists of, and how that is written down: numbers of seven bits a byte, lines as a wire carries them
//! (`docs/operating.md`, Recording).

use std::time::Duration;

use regrow_model::message::Line;
use regrow_model::message::client::{Exactly, Secret};
use regrow_model::message::encode::EncodeError;
use regrow_model::message::kept::{bare, secret_of};
use regrow_model::node::{Order, Timer};
use regrow_model::port::{End, Input, Link};

/// How long the length of a line is, in bytes.
pub(super) const LINE_HEAD: usize = 4;

/// One thing that was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// A row of the durable state with which the server started: a table's name, a key, a value.
    Row(String, Vec<u8>, Vec<u8>),
    /// A handler began.
    Begins {
        /// Handlers are counted from 0, which is the start.
        number: u64,
        /// How often the runtime had looked at its timers.
        round: u64,
        /// When, since the recording began.
        at: Duration,
        /// Why.
        cause: Given,
    },
    /// The handler that began last has ended: a digest of what it asked for.
    Ends(u64),
    /// By this moment the timers were set that the same handler asked for.
    Obeyed(Duration),
    /// All saves up to this one were on disk.
    Durable(u64),
    /// So many lines went to the transport, link by link.
    Released(Vec<(Link, usize)>),
    /// A digest of the state after the handler that ended last.
    Checkpoint(u64),
    /// The recording was given up, and the server went on.
    Abandoned,
    /// The server was stopped, and had saved everything.
    Stopped {
        /// How often the runtime had looked at its timers.
        round: u64,
        /// When, since the recording began.
        at: Duration,
    },
}

/// Why a handler ran.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Given {
    /// The node was started.
    Start,
    /// Something happened to it.
    Input(Input<Order>),
    /// A timer fired.
    Timer(Timer),
}

impl Record {
    /// Appends the record. Its secrets are covered.
    ///
    /// # Errors
    /// When it holds a line that no wire carries: then nothing is appended.
    pub(super) fn write(self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let before = out.len();
        let done = self.append(out);
        if done.is_err() {
            out.truncate(before);
        }
        done
    }

    fn append(self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        match self {
            Self::Row(table, key, value) => {
                out.push(b'r');
                for part in [table.as_bytes(), &key, &value] {
                    bytes(part, out);
                }
            }
            Self::Begins {
                number,
                round,
                at,
                cause,
            } => {
                out.push(b'b');
                put_all([number, round, micros(at)], out);
                cause.append(out)?;
            }
            Self::Ends(digest) => {
                out.push(b'e');
                out.extend(digest.to_le_bytes());
            }
            Self::Obeyed(at) => {
                out.push(b'o');
                put(micros(at), out);
            }
            Self::Durable(save) => {
                out.push(b'd');
                put(save, out);
            }
            Self::Released(lines) => released(&lines, out),
            Self::Checkpoint(digest) => {
                out.push(b'c');
                out.extend(digest.to_le_bytes());
            }
            Self::Abandoned => out.push(b'a'),
            Self::Stopped { round, at } => {
                out.push(b's');
                put_all([round, micros(at)], out);
            }
        }
        Ok(())
    }
}

/// Appends a [`Record::Released`].
pub(super) fn released(lines: &[(Link, usize)], out: &mut Vec<u8>) {
    out.push(b'l');
    put(lines.len() as u64, out);
    for (link, count) in lines {
        put(link.0, out);
        put(*count as u64, out);
    }
}

impl Given {
    fn append(self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        match self {
            Self::Start => out.push(b's'),
            Self::Timer(timer) => {
                out.push(b't');
                json(&timer, out);
            }
            Self::Input(input) => match input {
                Input::Up { link, end } => {
                    out.push(b'u');
                    put(link.0, out);
                    match end {
                        End::Accepted => bytes(b"", out),
                        End::Dialed(address) => bytes(address.to_string().as_bytes(), out),
                    }
                }
                Input::Line { link, line } => {
                    out.push(b'l');
                    put(link.0, out);
                    append_line(line, out)?;
                }
                Input::Received { link, lines } => {
                    out.push(b'r');
                    put_all([link.0, lines], out);
                }
                Input::Down { link } => {
                    out.push(b'd');
                    put(link.0, out);
                }
                Input::Unreachable { address } => {
                    out.push(b'n');
                    bytes(address.to_string().as_bytes(), out);
                }
                Input::Ask(order) => {
                    out.push(b'a');
                    json(&order, out);
                }
            },
        }
        Ok(())
    }
}

/// A line as it goes over a wire, and beside it what the edge of a server has put in.
fn append_line(mut line: Line, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    match &mut line {
        Line::Malformed(info) => {
            out.push(b'm');
            json(&Exactly(info.clone()), out);
            return Ok(());
        }
        Line::Request(request) => {
            out.push(b'q');
            put(bare(request).0, out);
        }
        Line::Reply(_) => out.push(b'a'),
        Line::Peer(peer) => {
            out.push(b'p');
            let secret = match secret_of(peer) {
                Some(Secret::Hashed(hash)) => hash.as_str().as_bytes(),
                Some(Secret::Plain(_)) | None => b"",
            };
            bytes(secret, out);
        }
    }
    // Its length is known afterwards.
    let start = out.len();
    out.extend([0; LINE_HEAD]);
    line.encode(out)?;
    out.pop(); // the end of the line
    let len = (out.len() - start - LINE_HEAD) as u32;
    out[start..start + LINE_HEAD].copy_from_slice(&len.to_le_bytes());
    Ok(())
}

fn micros(at: Duration) -> u64 {
    u64::try_from(at.as_micros()).unwrap_or(u64::MAX)
}

fn put(mut n: u64, out: &mut Vec<u8>) {
    while n >= 0x80 {
        out.push(n as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

fn put_all<const N: usize>(numbers: [u64; N], out: &mut Vec<u8>) {
    numbers.into_iter().for_each(|n| put(n, out));
}

fn bytes(bytes: &[u8], out: &mut Vec<u8>) {
    put(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

fn json(value: &impl serde::Serialize, out: &mut Vec<u8>) {
    let text = serde_json::to_vec(value).expect("it is made to be written down");
    bytes(&text, out);
}
