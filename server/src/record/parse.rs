//! Records, read again as they were written (`form.rs`). Whatever the bytes are, they are a record or an error.

use std::time::Duration;

use regrow_model::message::client::{Exactly, Secret};
use regrow_model::message::kept::{covered, secret_of};
use regrow_model::message::{Address, Hearer, Line, Stamp};
use regrow_model::port::{End, Input, Link};

use super::form::{Given, LINE_HEAD, Record};

/// Bytes that are no record of ours.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct FormError(String);

impl FormError {
    fn new(what: impl std::fmt::Display) -> Self {
        Self(what.to_string())
    }
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
    use regrow_model::message::Peer;
    use regrow_model::message::client::{Field, Info};
    use regrow_model::message::server::{Join, Server};
    use regrow_model::message::{Activity, Incarnation, Request, ServerId};
    use regrow_model::node::Order;

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
