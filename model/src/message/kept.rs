//! Lines as files keep them: the text that a wire carries, and beside it what the edge of a server has put in, which no
//! wire does.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};

use super::client::{Info, Secret};
use super::{Hearer, Line, Peer, Request, SecretHash, Stamp};

/// A line, in a file.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kept {
    Request {
        text: String,
        #[serde(default, skip_serializing_if = "is_never")]
        at: Stamp,
    },
    Reply {
        text: String,
    },
    Peer {
        text: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        secret: Option<SecretHash>,
    },
    Malformed {
        #[serde(with = "Info")]
        info: Info,
    },
}

fn is_never(at: &Stamp) -> bool {
    *at == Stamp::default()
}

/// Makes a request one that a wire carries: its hashed secret stands there as if in plain. When it arrived, if it says that.
pub fn bare(request: &mut Request) -> Stamp {
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

/// Makes of a [`bare`] request what the edge of a server had made of it.
pub fn covered(request: &mut Request, arrived: Stamp) {
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

/// The secret of a message between servers, which goes over no wire.
pub fn secret_of(peer: &mut Peer) -> Option<&mut Secret> {
    if let Peer::Authenticate(join) = peer {
        return Some(&mut join.secret);
    }
    if let Peer::Forget { secret, .. } = peer {
        return Some(secret);
    }
    None
}

fn text_of<E: ser::Error>(line: &Line) -> Result<String, E> {
    let mut text = Vec::new();
    line.encode(&mut text).map_err(E::custom)?;
    text.pop(); // the end of the line
    String::from_utf8(text).map_err(E::custom)
}

fn strange<E: de::Error>(line: &Line) -> E {
    E::custom(format_args!(
        "a line isn't what it was kept as, but {line:?}"
    ))
}

/// As a file keeps it; a wire carries what [`Line::encode`] makes of it.
impl Serialize for Line {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let kept = match self.clone() {
            Self::Malformed(info) => Kept::Malformed { info },
            Self::Reply(_) => Kept::Reply {
                text: text_of(self)?,
            },
            Self::Request(mut request) => {
                let at = bare(&mut request);
                let text = text_of(&Self::Request(request))?;
                Kept::Request { text, at }
            }
            Self::Peer(mut peer) => {
                let secret = secret_of(&mut peer).and_then(|secret| match secret {
                    Secret::Hashed(hash) => Some(hash.clone()),
                    Secret::Plain(_) => None,
                });
                let text = text_of(self)?;
                Kept::Peer { text, secret }
            }
        };
        kept.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Line {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read = |text: String, hearer| Self::decode(text.as_bytes(), hearer);
        match Kept::deserialize(deserializer)? {
            Kept::Malformed { info } => Ok(Self::Malformed(info)),
            Kept::Reply { text } => match read(text, Hearer::Client) {
                line @ Self::Reply(_) => Ok(line),
                other => Err(strange(&other)),
            },
            Kept::Request { text, at } => match read(text, Hearer::Server) {
                Self::Request(mut request) => {
                    covered(&mut request, at);
                    Ok(Self::Request(request))
                }
                other => Err(strange(&other)),
            },
            Kept::Peer { text, secret: kept } => match read(text, Hearer::Server) {
                Self::Peer(mut peer) => {
                    if let Some((secret, kept)) = secret_of(&mut peer).zip(kept) {
                        *secret = Secret::Hashed(kept);
                    }
                    Ok(Self::Peer(peer))
                }
                other => Err(strange(&other)),
            },
        }
    }
}

/// As the [`Line`] that it is.
impl Serialize for Request {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Line::from(self.clone()).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Request {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Line::deserialize(deserializer)? {
            Line::Request(request) => Ok(*request),
            other => Err(strange(&other)),
        }
    }
}
