//! Frames: records come in portions, each with its length and a digest, so that a torn end is known for what it is.
//!
//! ```text
//!   length, u32 │ digest, u64 │ records          (numbers with their lowest byte first)
//! ```

use std::io::{self, Read};

use super::digest;

/// How long a frame's beginning is, in bytes.
const HEAD: usize = 12;
/// How long a frame can be, in bytes: longer than any single line that a server takes.
const LONGEST: usize = 1 << 30;

/// What a frame's records are appended to.
pub(super) fn begin() -> Vec<u8> {
    vec![0; HEAD]
}

/// Makes a frame of what was begun.
pub(super) fn finish(mut frame: Vec<u8>) -> Vec<u8> {
    let records = &frame[HEAD..];
    let (len, digest) = (records.len() as u32, digest::of_bytes(records));
    frame[..4].copy_from_slice(&len.to_le_bytes());
    frame[4..HEAD].copy_from_slice(&digest.to_le_bytes());
    frame
}

/// What a reader finds.
pub(super) enum Found {
    /// A frame's records.
    Records(Vec<u8>),
    /// The end of the file, behind the last frame.
    End,
    /// The end of the file in the middle of a frame.
    Torn,
    /// Something that was never written like this.
    Damaged,
}

/// Reads the next frame.
pub(super) fn read(file: &mut impl Read) -> io::Result<Found> {
    let mut head = Vec::with_capacity(HEAD);
    file.take(HEAD as u64).read_to_end(&mut head)?;
    let Some((len, wanted)) = head.split_first_chunk::<4>() else {
        return Ok(if head.is_empty() {
            Found::End
        } else {
            Found::Torn
        });
    };
    let Ok(wanted) = wanted.try_into().map(u64::from_le_bytes) else {
        return Ok(Found::Torn);
    };
    let len = u32::from_le_bytes(*len) as usize;
    if len > LONGEST {
        return Ok(Found::Damaged);
    }
    let mut records = Vec::new();
    file.take(len as u64).read_to_end(&mut records)?;
    Ok(match records {
        records if records.len() < len => Found::Torn,
        records if digest::of_bytes(&records) != wanted => Found::Damaged,
        records => Found::Records(records),
    })
}
