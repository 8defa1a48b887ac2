//! Hashes that are the same on every machine and at every run of one version of the program.

use std::hash::{Hash, Hasher};

use regrow_model::message::Line;
use regrow_model::node::{Node, State};
use regrow_model::port::{Effect, Link, Port};
use siphasher::sip::SipHasher13;
use stateright::actor::{Command, Out};

use super::veil::Veil;

/// A hash of 64 bits, of a stream of values.
#[derive(Clone)]
pub(crate) struct Digest(SipHasher13);

impl Default for Digest {
    fn default() -> Self {
        Self(SipHasher13::new_with_keys(0, 0))
    }
}

impl Hasher for Digest {
    fn finish(&self) -> u64 {
        self.0.finish()
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0.write(bytes);
    }

    fn write_u8(&mut self, n: u8) {
        self.0.write(&[n]);
    }

    fn write_u16(&mut self, n: u16) {
        self.0.write(&n.to_le_bytes());
    }

    fn write_u32(&mut self, n: u32) {
        self.0.write(&n.to_le_bytes());
    }

    fn write_u64(&mut self, n: u64) {
        self.0.write(&n.to_le_bytes());
    }

    fn write_u128(&mut self, n: u128) {
        self.0.write(&n.to_le_bytes());
    }

    /// As wide as on a machine of 64 bits.
    fn write_usize(&mut self, n: usize) {
        self.write_u64(n as u64);
    }

    fn write_i8(&mut self, n: i8) {
        self.write_u8(n as u8);
    }

    fn write_i16(&mut self, n: i16) {
        self.write_u16(n as u16);
    }

    fn write_i32(&mut self, n: i32) {
        self.write_u32(n as u32);
    }

    fn write_i64(&mut self, n: i64) {
        self.write_u64(n as u64);
    }

    fn write_i128(&mut self, n: i128) {
        self.write_u128(n as u128);
    }

    /// As wide as on a machine of 64 bits.
    fn write_isize(&mut self, n: isize) {
        self.write_i64(n as i64);
    }
}

/// What a handler asked for: each command in its order, with all that it says. A save counts as one: what it saves shows in
/// the digests of the state. `veil` is what takes the place of users' hashed secrets; `None` where that has been done.
pub(crate) fn of_outcome(out: &Out<Node>, mut veil: Option<&mut Veil>) -> u64 {
    let mut digest = Digest::default();
    for command in out.iter() {
        match command {
            Command::Send(_, Port::Out(effect)) => {
                digest.write_u8(1);
                add_effect(&mut digest, effect, veil.as_deref_mut());
            }
            Command::SetTimer(timer, range) => (2u8, timer, range).hash(&mut digest),
            Command::CancelTimer(timer) => (3u8, timer).hash(&mut digest),
            Command::ChooseRandom(key, options) => (4u8, key, options).hash(&mut digest),
            Command::Save(_) => digest.write_u8(5),
            Command::Send(_, Port::In(_)) => digest.write_u8(6), // which no actor does
        }
    }
    digest.finish()
}

fn add_effect<T: Hash>(digest: &mut Digest, effect: &Effect<T>, veil: Option<&mut Veil>) {
    let add_line = |line: &Line, digest: &mut Digest| match veil {
        Some(veil) => veil.covered(line).hash(digest),
        None => line.hash(digest),
    };
    match effect {
        Effect::Open { address } => (1u8, address).hash(digest),
        Effect::Send { link, line } => {
            (2u8, link).hash(digest);
            add_line(line, digest);
        }
        Effect::Spread { links, line } => {
            digest.write_u8(3);
            add_links(digest, links);
            add_line(line, digest);
        }
        Effect::Close { link } => (4u8, link).hash(digest),
        Effect::Tell(told) => (5u8, told).hash(digest),
    }
}

/// Many links at once, for there may be thousands for each line.
fn add_links(digest: &mut Digest, links: &[Link]) {
    const AT_ONCE: usize = 64;
    digest.write_usize(links.len());
    for links in links.chunks(AT_ONCE) {
        let mut bytes = [0; 8 * AT_ONCE];
        for (link, bytes) in links.iter().zip(bytes.chunks_exact_mut(8)) {
            bytes.copy_from_slice(&link.0.to_le_bytes());
        }
        digest.write(&bytes[..8 * links.len()]);
    }
}

/// All of a state whose secrets are covered.
pub(crate) fn of_state(state: &State) -> u64 {
    let mut digest = Digest::default();
    state.hash(&mut digest);
    digest.finish()
}

/// Some bytes.
pub(crate) fn of_bytes(bytes: &[u8]) -> u64 {
    let mut digest = Digest::default();
    digest.write(bytes);
    digest.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Recordings are compared with what another run computes: a change of these numbers is a change of the format.
    #[test]
    fn a_digest_is_what_it_always_was() {
        assert_eq!(of_bytes(b"regrow"), 2_239_282_768_327_297_670);
    }
}
