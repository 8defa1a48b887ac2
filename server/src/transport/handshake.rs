//! How servers prove to each other that they know the system's secret, which never goes over a wire
//! (`docs/protocol.md`, Wire: Between servers).
//!
//! ```text
//!   dialer                                         acceptor
//!     ── CHALLENGE {v, nonce: a} ─────────────────────▶
//!     ◀── CHALLENGE {v, nonce: b, proof(acceptor, a, b)} ──
//!     ── PROOF {proof(dialer, a, b)} ─────────────────▶
//!     ── AUTHENTICATE, or FORGET ─────────────────────▶   the edge says that it is proven
//! ```
//!
//! A proof is a keyed hash of its maker's role and both nonces. The key is hashed from the secret as slowly as a user's,
//! so that who has listened learns little by guessing.

use std::io;
use std::time::Duration;

use blake2::Blake2sMac256;
use blake2::digest::{KeyInit, Mac};
use rand::Rng;
use regrow_model::message::client::Info;
use regrow_model::message::decode::VERSION;
use regrow_model::message::{Hearer, Line, Peer, Reply};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use super::stream::Stream;
use crate::edge::slow_hash;

/// What the system's secret is hashed with.
const SALT: &str = "regrow system";
/// The longest line that a dialer reads before it knows whom it has reached, in bytes.
const GREETING_BYTES: u64 = 4 << 10;

/// How long a dialer waits for a far end to hear that it has another secret.
const PARTING: Duration = Duration::from_millis(300);

/// What every server of a system makes of its secret.
#[derive(Clone)]
pub struct Key([u8; 32]);

/// Chosen anew for each connection, by each side.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
struct Nonce([u8; 32]);

/// What shows that its maker knows the key.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
struct Proof([u8; 32]);

/// What is said before AUTHENTICATE.
#[derive(Serialize, Deserialize)]
#[serde(tag = "command")]
enum Greeting {
    #[serde(rename = "CHALLENGE")]
    Challenge {
        v: u32,
        nonce: Nonce,
        #[serde(skip_serializing_if = "Option::is_none")]
        proof: Option<Proof>,
    },
    #[serde(rename = "PROOF")]
    Proof { proof: Proof },
}

/// Whose proof it is: a proof sent back proves nothing.
#[derive(Clone, Copy)]
enum Role {
    Dialer,
    Acceptor,
}

impl Key {
    /// Of a system's secret.
    ///
    /// # Errors
    /// When there is no memory to hash it in.
    pub fn new(secret: &str) -> io::Result<Self> {
        let hash = slow_hash(secret, SALT).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Self(hash))
    }

    /// A key for something else, which follows from this one, and from which this one doesn't.
    pub(crate) fn derived(&self, purpose: &[u8]) -> [u8; 32] {
        let mac = Blake2sMac256::new(&self.0.into()).chain_update(purpose);
        mac.finalize().into_bytes().into()
    }

    fn mac(&self, role: Role, dialer: Nonce, acceptor: Nonce) -> Blake2sMac256 {
        let role: &[u8] = match role {
            Role::Dialer => b"dialer",
            Role::Acceptor => b"acceptor",
        };
        let mac = Blake2sMac256::new(&self.0.into());
        mac.chain_update(role)
            .chain_update(dialer.0)
            .chain_update(acceptor.0)
    }

    fn proof(&self, role: Role, dialer: Nonce, acceptor: Nonce) -> Proof {
        Proof(
            self.mac(role, dialer, acceptor)
                .finalize()
                .into_bytes()
                .into(),
        )
    }

    fn proves(&self, proof: Proof, role: Role, dialer: Nonce, acceptor: Nonce) -> bool {
        let mac = self.mac(role, dialer, acceptor);
        mac.verify_slice(&proof.0).is_ok()
    }
}

/// Why a server that was dialed is no peer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unfit {
    /// It knows another secret, or none.
    #[error("it doesn't know this system's secret")]
    Stranger,
    /// It says something else.
    #[error("it speaks another version of the protocol, or is no server of ours; it says: {0}")]
    Incompatible(String),
    /// The connection has failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// The dialer's side.
pub(crate) struct Dialer {
    key: Key,
    nonce: Nonce,
}

impl Dialer {
    /// With a nonce of its own.
    pub(crate) fn new(key: Key) -> Self {
        let nonce = Nonce(rand::rng().random());
        Self { key, nonce }
    }

    /// What it says first.
    pub(crate) fn challenge(&self) -> Vec<u8> {
        line(&Greeting::Challenge {
            v: VERSION,
            nonce: self.nonce,
            proof: None,
        })
    }

    /// What it says to the answer: the proof that lets it in.
    ///
    /// # Errors
    /// When that isn't a peer.
    pub(crate) fn answer(&self, heard: &[u8]) -> Result<Vec<u8>, Unfit> {
        let (dialer, key) = (self.nonce, &self.key);
        match serde_json::from_slice(heard) {
            Ok(Greeting::Challenge {
                v: VERSION,
                nonce,
                proof: Some(proof),
            }) if key.proves(proof, Role::Acceptor, dialer, nonce) => Ok(line(&Greeting::Proof {
                proof: key.proof(Role::Dialer, dialer, nonce),
            })),
            Ok(Greeting::Challenge { v: VERSION, .. }) => Err(Unfit::Stranger),
            Ok(_) | Err(_) => Err(Unfit::Incompatible(words(heard))),
        }
    }

    /// Proves over a stream who we are, and that the far end is one of us.
    pub(crate) async fn introduce(&self, stream: &mut dyn Stream) -> Result<(), Unfit> {
        stream.write_all(&self.challenge()).await?;
        stream.flush().await?;
        let heard = read_line(stream).await?;
        match self.answer(&heard) {
            Ok(proof) => {
                stream.write_all(&proof).await?;
                stream.flush().await?;
                Ok(())
            }
            Err(Unfit::Stranger) => {
                // It would otherwise see a server that comes and goes, and not why.
                let _ = timeout(PARTING, refuse(stream)).await;
                Err(Unfit::Stranger)
            }
            Err(unfit @ (Unfit::Incompatible(_) | Unfit::Io(_))) => Err(unfit),
        }
    }
}

/// The acceptor's side, of one connection.
#[derive(Default)]
pub(crate) enum Acceptor {
    /// Nothing was said.
    #[default]
    Fresh,
    /// A challenge was answered.
    Challenged(Nonces),
    /// It is over.
    Over,
}

/// Those of a connection.
pub(crate) struct Nonces {
    dialer: Nonce,
    acceptor: Nonce,
}

/// What an acceptor makes of a line.
pub(crate) enum Heard {
    /// It answers.
    Answer(Vec<u8>),
    /// Whether the far end has proven what it should.
    Proof(bool),
    /// It speaks another version.
    OtherVersion,
    /// It has found that our proof isn't of its secret, and leaves.
    Stranger,
    /// It isn't part of this: the actor's.
    Nothing,
}

impl Acceptor {
    /// A line that came in.
    pub(crate) fn hear(&mut self, key: &Key, heard: &[u8]) -> Heard {
        if matches!(self, Self::Over) {
            return Heard::Nothing;
        }
        match (
            std::mem::replace(self, Self::Over),
            serde_json::from_slice(heard),
        ) {
            (
                Self::Fresh,
                Ok(Greeting::Challenge {
                    v: VERSION,
                    nonce,
                    proof: None,
                }),
            ) => {
                let (dialer, acceptor) = (nonce, Nonce(rand::rng().random()));
                *self = Self::Challenged(Nonces { dialer, acceptor });
                Heard::Answer(line(&Greeting::Challenge {
                    v: VERSION,
                    nonce: acceptor,
                    proof: Some(key.proof(Role::Acceptor, dialer, acceptor)),
                }))
            }
            (Self::Challenged(Nonces { dialer, acceptor }), Ok(Greeting::Proof { proof })) => {
                Heard::Proof(key.proves(proof, Role::Dialer, dialer, acceptor))
            }
            (_, Ok(Greeting::Challenge { v, .. })) if v != VERSION => Heard::OtherVersion,
            (Self::Challenged(_), Err(_)) if is_refusal(heard) => Heard::Stranger,
            (_, Ok(_) | Err(_)) => Heard::Nothing,
        }
    }
}

fn line(greeting: &Greeting) -> Vec<u8> {
    let mut line = serde_json::to_vec(greeting).expect("a greeting is always JSON");
    line.push(b'\n');
    line
}

/// Says that it has another secret, and waits until it has heard.
async fn refuse(stream: &mut dyn Stream) -> io::Result<()> {
    stream.write_all(&refusal()).await?;
    stream.shutdown().await?;
    let mut rest = Vec::new();
    stream.take(GREETING_BYTES).read_to_end(&mut rest).await?;
    Ok(())
}

/// What a dialer says to a server that knows another secret, before it leaves.
fn refusal() -> Vec<u8> {
    let info = Info::IncorrectServerSecret;
    let mut bytes = Vec::new();
    let encoded = Line::Peer(Peer::AuthenticationFail { info }).encode(&mut bytes);
    encoded.expect("a refusal is always JSON");
    bytes
}

fn is_refusal(heard: &[u8]) -> bool {
    let line = Line::decode(heard, Hearer::Server);
    matches!(line, Line::Peer(Peer::AuthenticationFail { .. }))
}

/// Reads one line and nothing behind it: what follows is the connection's.
async fn read_line(stream: &mut dyn Stream) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    let mut limited = stream.take(GREETING_BYTES);
    loop {
        match limited.read_u8().await {
            Ok(b'\n') if line.is_empty() => {} // a heartbeat
            Ok(b'\n') => return Ok(line),
            Ok(byte) => line.push(byte),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof && !line.is_empty() => {
                return Ok(line);
            }
            Err(error) => return Err(error),
        }
    }
}

/// What a far end that isn't one of us says, for people.
fn words(heard: &[u8]) -> String {
    const SHOWN_CHARS: usize = 200;
    match Line::decode(heard, Hearer::Client) {
        Line::Reply(Reply::Invalid { info }) => info.to_string(),
        _ => String::from_utf8_lossy(heard)
            .chars()
            .take(SHOWN_CHARS)
            .collect(),
    }
}

macro_rules! hex {
    ($($name:ident),*) => {$(
        impl From<$name> for String {
            fn from(bytes: $name) -> Self {
                bytes.0.iter().map(|byte| format!("{byte:02x}")).collect()
            }
        }

        impl TryFrom<String> for $name {
            type Error = &'static str;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                const WRONG: &str = "not 32 bytes in hexadecimal";
                let digits = text.as_bytes();
                let mut bytes = [0; 32];
                if digits.len() != 64 {
                    return Err(WRONG);
                }
                for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
                    let pair = std::str::from_utf8(pair).map_err(|_| WRONG)?;
                    *byte = u8::from_str_radix(pair, 16).map_err(|_| WRONG)?;
                }
                Ok(Self(bytes))
            }
        }
    )*};
}

hex!(Nonce, Proof);

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> Key {
        Key([byte; 32])
    }

    /// What the acceptor answers to the dialer's challenge.
    fn answered(acceptor: &mut Acceptor, key: &Key, dialer: &Dialer) -> Vec<u8> {
        match acceptor.hear(key, &dialer.challenge()) {
            Heard::Answer(line) => line,
            _ => panic!("a challenge is answered"),
        }
    }

    #[test]
    fn two_servers_of_one_system_believe_each_other() {
        let (dialer, mut acceptor) = (Dialer::new(key(1)), Acceptor::default());
        let answer = answered(&mut acceptor, &key(1), &dialer);
        let proof = dialer.answer(&answer).unwrap();
        assert!(matches!(acceptor.hear(&key(1), &proof), Heard::Proof(true)));
    }

    #[test]
    fn a_dialer_finds_out_that_the_far_end_has_another_secret_and_proves_nothing_to_it() {
        let (dialer, mut acceptor) = (Dialer::new(key(1)), Acceptor::default());
        let answer = answered(&mut acceptor, &key(2), &dialer);
        assert!(matches!(dialer.answer(&answer), Err(Unfit::Stranger)));
    }

    #[test]
    fn an_acceptor_hears_from_a_dialer_of_another_system_that_it_is_one() {
        let (dialer, mut acceptor) = (Dialer::new(key(1)), Acceptor::default());
        answered(&mut acceptor, &key(2), &dialer);
        assert!(matches!(
            acceptor.hear(&key(2), &refusal()),
            Heard::Stranger
        ));
        assert!(matches!(acceptor.hear(&key(2), &refusal()), Heard::Nothing));
    }

    #[test]
    fn an_acceptor_believes_no_proof_of_another_connection_and_not_its_own() {
        let (dialer, mut acceptor) = (Dialer::new(key(1)), Acceptor::default());
        let answer = answered(&mut acceptor, &key(1), &dialer);
        let proof = dialer.answer(&answer).unwrap();

        let (another, mut later) = (Dialer::new(key(1)), Acceptor::default());
        answered(&mut later, &key(1), &another);
        assert!(matches!(later.hear(&key(1), &proof), Heard::Proof(false)));

        let (another, mut later) = (Dialer::new(key(1)), Acceptor::default());
        let own: Greeting =
            serde_json::from_slice(&answered(&mut later, &key(1), &another)).unwrap();
        let Greeting::Challenge {
            proof: Some(proof), ..
        } = own
        else {
            panic!("an acceptor proves itself");
        };
        let back = line(&Greeting::Proof { proof });
        assert!(matches!(later.hear(&key(1), &back), Heard::Proof(false)));
    }

    #[test]
    fn a_proof_without_a_challenge_and_what_is_no_greeting_are_nothing() {
        let proof = line(&Greeting::Proof {
            proof: Proof([0; 32]),
        });
        for heard in [&proof[..], b"{\"command\":\"LOGOUT\"}\n", b"", b"{"] {
            assert!(matches!(
                Acceptor::default().hear(&key(1), heard),
                Heard::Nothing
            ));
        }
    }

    #[test]
    fn greetings_as_they_are_sent() {
        let (dialer, acceptor) = (Nonce([0xaa; 32]), Nonce([0xbb; 32]));
        let challenge = |nonce, proof| Greeting::Challenge {
            v: VERSION,
            nonce,
            proof,
        };
        let proof = |role| key(1).proof(role, dialer, acceptor);
        let greetings = [
            challenge(dialer, None),
            challenge(acceptor, Some(proof(Role::Acceptor))),
            Greeting::Proof {
                proof: proof(Role::Dialer),
            },
        ];
        let lines: Vec<u8> = greetings.iter().flat_map(line).collect();
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path("../../../snapshots");
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.bind(|| {
            insta::assert_snapshot!("wire_handshake", String::from_utf8(lines).unwrap());
        });
    }

    #[test]
    fn another_version_is_told_so_on_both_sides() {
        let text = String::from_utf8(Dialer::new(key(1)).challenge()).unwrap();
        let older = text.replace(&format!("\"v\":{VERSION}"), "\"v\":1");
        let heard = Acceptor::default().hear(&key(1), older.as_bytes());
        assert!(matches!(heard, Heard::OtherVersion));
        let answer = b"{\"command\":\"INVALID_MESSAGE\",\"info\":\"why not\"}";
        match Dialer::new(key(1)).answer(answer) {
            Err(Unfit::Incompatible(words)) => assert_eq!(words, "why not"),
            _ => panic!("that is no peer"),
        }
    }
}
