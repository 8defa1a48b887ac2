//! What a recording consists of, and how that is written down: numbers of seven bits a byte, lines as a wire carries them
//! (`docs/operating.md`, Recording).

use std::time::Duration;

use regrow_model::message::client::{Exactly, Secret};
use regrow_model::message::encode::EncodeError;
use regrow_model::message::{Address, Hearer, Line, Peer, Request, Stamp};
use regrow_model::node::{Order, Timer};
use regrow_model::port::{End, Input, Link};

/// How long the length of a line is, in bytes.
const LINE_HEAD: usize = 4;

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

/// Bytes that are no record of ours.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct FormError(String);

impl FormError {
    fn new(what: impl std::fmt::Display) -> Self {
        Self(what.to_string())
    }
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

/// Makes a request one that a wire carries; when it arrived, if it says that.
fn bare(request: &mut Request) -> Stamp {
    let uncover = |secret: &mut Secret| {
        if let Secret::Hashed(hash) = secret {
            *secret = Secret::Plain(hash.as_str().into());
        }
    };
    match request {
        Request::Register { secret, at, .. } => {
            uncover(secret);
            *at
        }
        Request::Login { secret, .. } | Request::Activity { secret, .. } => {
            secret.iter_mut().for_each(uncover);
            Stamp::default()
        }
        Request::Logout | Request::Got { .. } | Request::Invalid { .. } => Stamp::default(),
    }
}

/// The reverse.
fn covered(request: &mut Request, arrived: Stamp) {
    let cover = |secret: &mut Secret| {
        if let Secret::Plain(text) = secret {
            *secret = Secret::Hashed((&*text).into());
        }
    };
    match request {
        Request::Register { secret, at, .. } => {
            cover(secret);
            *at = arrived;
        }
        Request::Login { secret, .. } | Request::Activity { secret, .. } => {
            secret.iter_mut().for_each(cover);
        }
        Request::Logout | Request::Got { .. } | Request::Invalid { .. } => {}
    }
}

/// The secret that goes over no wire.
fn secret_of(peer: &mut Peer) -> Option<&mut Secret> {
    if let Peer::Authenticate(join) = peer {
        return Some(&mut join.secret);
    }
    if let Peer::Forget { secret, .. } = peer {
        return Some(secret);
    }
    None
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

/// Reads records, one after the other.
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The next one; `None` at the end.
    pub(super) fn record(&mut self) -> Result<Option<Record>, FormError> {
        if self.0.is_empty() {
            return Ok(None);
        }
        Ok(Some(match self.byte()? {
            b'r' => Record::Row(self.text()?, self.bytes()?.into(), self.bytes()?.into()),
            b'b' => Record::Begins {
                number: self.number()?,
                round: self.number()?,
                at: self.moment()?,
                cause: self.given()?,
            },
            b'e' => Record::Ends(self.digest()?),
            b'o' => Record::Obeyed(self.moment()?),
            b'd' => Record::Durable(self.number()?),
            b'l' => {
                let count = self.number()?;
                let mut lines = Vec::new();
                for _ in 0..count {
                    lines.push((Link(self.number()?), self.number()? as usize));
                }
                Record::Released(lines)
            }
            b'c' => Record::Checkpoint(self.digest()?),
            b'a' => Record::Abandoned,
            b's' => Record::Stopped {
                round: self.number()?,
                at: self.moment()?,
            },
            other => return Err(FormError(format!("there is no record of kind {other}"))),
        }))
    }

    fn given(&mut self) -> Result<Given, FormError> {
        let input = match self.byte()? {
            b's' => return Ok(Given::Start),
            b't' => return Ok(Given::Timer(self.json()?)),
            b'u' => {
                let link = Link(self.number()?);
                let end = match self.text()? {
                    address if address.is_empty() => End::Accepted,
                    address => End::Dialed(address.parse().map_err(FormError::new)?),
                };
                Input::Up { link, end }
            }
            b'l' => Input::Line {
                link: Link(self.number()?),
                line: self.line()?,
            },
            b'r' => Input::Received {
                link: Link(self.number()?),
                lines: self.number()?,
            },
            b'd' => Input::Down {
                link: Link(self.number()?),
            },
            b'n' => Input::Unreachable {
                address: self.text()?.parse::<Address>().map_err(FormError::new)?,
            },
            b'a' => Input::Ask(self.json()?),
            other => return Err(FormError(format!("there is no input of kind {other}"))),
        };
        Ok(Given::Input(input))
    }

    fn line(&mut self) -> Result<Line, FormError> {
        Ok(match self.byte()? {
            b'm' => Line::Malformed(self.json::<Exactly>()?.0),
            b'q' => {
                let at = Stamp(self.number()?);
                match Line::decode(self.line_text()?, Hearer::Server) {
                    Line::Request(mut request) => {
                        covered(&mut request, at);
                        Line::Request(request)
                    }
                    other => return Err(strange(&other)),
                }
            }
            b'a' => match Line::decode(self.line_text()?, Hearer::Client) {
                Line::Reply(reply) => Line::Reply(reply),
                other => return Err(strange(&other)),
            },
            b'p' => {
                let known = self.text()?;
                match Line::decode(self.line_text()?, Hearer::Server) {
                    Line::Peer(mut peer) => {
                        if let Some(secret) = secret_of(&mut peer) {
                            *secret = Secret::Hashed(known.into());
                        }
                        Line::Peer(peer)
                    }
                    other => return Err(strange(&other)),
                }
            }
            other => return Err(FormError(format!("there is no line of kind {other}"))),
        })
    }

    fn byte(&mut self) -> Result<u8, FormError> {
        let (byte, rest) = self.0.split_first().ok_or_else(short)?;
        self.0 = rest;
        Ok(*byte)
    }

    fn number(&mut self) -> Result<u64, FormError> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(FormError::new("a number is too long"))
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8], FormError> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or_else(short)?;
        self.0 = rest;
        Ok(taken)
    }

    fn bytes(&mut self) -> Result<&'a [u8], FormError> {
        let len = self.number()?;
        self.take(usize::try_from(len).map_err(|_| short())?)
    }

    fn line_text(&mut self) -> Result<&'a [u8], FormError> {
        let len = self.take(LINE_HEAD)?.try_into().map_err(|_| short())?;
        self.take(u32::from_le_bytes(len) as usize)
    }

    fn text(&mut self) -> Result<String, FormError> {
        String::from_utf8(self.bytes()?.into()).map_err(FormError::new)
    }

    fn json<T: serde::de::DeserializeOwned>(&mut self) -> Result<T, FormError> {
        serde_json::from_slice(self.bytes()?).map_err(FormError::new)
    }

    fn digest(&mut self) -> Result<u64, FormError> {
        let bytes = self.take(8)?;
        Ok(u64::from_le_bytes(bytes.try_into().map_err(|_| short())?))
    }

    fn moment(&mut self) -> Result<Duration, FormError> {
        Ok(Duration::from_micros(self.number()?))
    }
}

fn short() -> FormError {
    FormError::new("a record has no end")
}

fn strange(line: &Line) -> FormError {
    FormError(format!(
        "a line isn't what it was recorded as, but {line:?}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use regrow_model::message::client::{Field, Info};
    use regrow_model::message::server::{Join, Server};
    use regrow_model::message::{Activity, Incarnation, ServerId};

    fn again(record: Record) -> Record {
        let mut bytes = Vec::new();
        record.write(&mut bytes).unwrap();
        let mut reader = Reader::new(&bytes);
        let read = reader.record().unwrap().unwrap();
        assert_eq!(reader.record(), Ok(None), "nothing is left over");
        read
    }

    fn given(input: Input<Order>) -> Record {
        Record::Begins {
            number: 7,
            round: 300,
            at: Duration::from_micros(1 << 40),
            cause: Given::Input(input),
        }
    }

    fn lines() -> Vec<Line> {
        let secret = || Secret::Hashed("0123".into());
        let incarnation = Incarnation {
            number: 3,
            nonce: u64::MAX,
        };
        let server = Server {
            born: Stamp(4),
            incarnation,
            address: "quic://[::1]:3780".parse().unwrap(),
        };
        let id = ServerId {
            born: Stamp(4),
            name: "one".into(),
        };
        let join = Join {
            secret: Secret::Hashed("proven".into()),
            id: id.clone(),
            incarnation,
            root: id,
            known: vec![("one".into(), server)],
        };
        vec![
            Line::from(Request::Register {
                username: "aaron".into(),
                secret: secret(),
                at: Stamp(1_795_000_000_000),
            }),
            Line::from(Request::Login {
                username: "anonymous".into(),
                secret: None,
                resume: None,
            }),
            Line::from(Request::Activity {
                username: "aaron".into(),
                secret: Some(secret()),
                activity: Activity::parse(r#"{"a":1.0, "b":"\u00e9"}"#).unwrap(),
                k: Some(u64::MAX),
            }),
            Line::Peer(Peer::Authenticate(Box::new(join))),
            Line::Peer(Peer::Forget {
                secret: Secret::never(),
                server: "two".into(),
            }),
            Line::Peer(Peer::Leave),
            Line::Malformed(Info::NotJson),
            Line::Malformed(Info::WrongType(Field::Secret)),
            Line::Malformed(Info::Text("parse error".into())),
        ]
    }

    #[test]
    fn what_is_written_is_read_as_it_was() {
        let link = Link(1 << 50);
        let dialed = |address: &str| End::Dialed(address.parse().unwrap());
        let ends = ["a:1", "tls://a:1", "quic://[::1]:65535"].map(dialed);
        let ups = ends.into_iter().chain([End::Accepted]);
        let inputs = ups.map(|end| Input::Up { link, end });
        let inputs = inputs.chain(lines().into_iter().map(|line| Input::Line { link, line }));
        let address = "tls://a.example.org:3780".parse().unwrap();
        let others = [
            Input::Received { link, lines: 128 },
            Input::Down { link },
            Input::Unreachable { address },
            Input::Ask(Order::Drain),
            Input::Ask(Order::Forget {
                server: "one".into(),
            }),
        ];
        let at = Duration::from_micros(127);
        let records = [
            Record::Row("log".to_owned(), vec![0, 255], Vec::new()),
            Record::Ends(u64::MAX),
            Record::Obeyed(at),
            Record::Durable(0),
            Record::Released(vec![(link, 1), (Link(0), 1 << 20)]),
            Record::Checkpoint(1),
            Record::Abandoned,
            Record::Stopped { round: 9, at },
        ];
        for record in inputs.chain(others).map(given).chain(records) {
            assert_eq!(again(record.clone()), record);
        }
    }

    #[test]
    fn bytes_that_are_no_record_are_an_error_and_no_panic() {
        let mut bytes = Vec::new();
        for line in lines() {
            let link = Link(3);
            given(Input::Line { link, line }).write(&mut bytes).unwrap();
        }
        for cut in 0..bytes.len() {
            let mut reader = Reader::new(&bytes[..cut]);
            while let Ok(Some(_)) = reader.record() {}
        }
        for place in 0..bytes.len() {
            let mut altered = bytes.clone();
            altered[place] ^= 0x55;
            let mut reader = Reader::new(&altered);
            while let Ok(Some(_)) = reader.record() {}
        }
    }
}
