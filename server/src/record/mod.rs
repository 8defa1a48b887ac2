//! Recordings of running nodes (`docs/operating.md`, Recording): all that a node was given, a digest of what each of its
//! handlers asked for, what its runtime did of that, and now and then a digest of the node's state.
//!
//! ```text
//!   runtime ── [recorder] ── covered by [veil], in the [form] of records ──▶ [tape] ── in [frame]s ──▶ DIR/start-1.recording
//!                                                                                                        │
//!   `regrow conform` runs the same node again, and compares ◀───────────────────────── [playback] ◀──────┘
//! ```

pub(crate) mod digest;
mod form;
mod frame;
mod parse;
mod playback;
mod recorder;
mod tape;
mod veil;

pub use form::{Given, Record};
pub use parse::FormError;
pub use playback::{Ending, PlayError, Playback};
pub use recorder::{After, Beginning, RecordError, Recorder};
pub use veil::Veil;

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use regrow_model::node::{Boot, Config};
use serde::{Deserialize, Serialize};

/// The version of the format that is written here, and the only one that is read.
pub const FORMAT: u32 = 1;
/// The version of the program: another one may take other steps.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
/// What a recording's file begins with.
const MAGIC: &[u8] = b"regrow recording\n";
/// What its name begins with.
const PREFIX: &str = "start-";
/// And ends with.
const SUFFIX: &str = ".recording";

/// What a recording says first.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Header {
    /// The version of the format.
    pub format: u32,
    /// The version of the program that wrote it.
    pub version: String,
    /// Which of the recorded starts of this server it is, from 1.
    pub start: u64,
    /// What the node was told; its secret is not there.
    pub config: Config,
    /// And at this start.
    pub boot: Boot,
    /// What a save promised, as `--durability` has it.
    pub durability: String,
    /// The part of the durable state that is in no table; `None` if the disk was empty.
    pub root: Option<String>,
}

fn file_name(start: u64) -> String {
    format!("{PREFIX}{start}{SUFFIX}")
}

/// The recordings in a directory, in the order in which they were begun.
///
/// # Errors
/// When it can't be listed.
pub fn starts(directory: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let mut starts = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        let number = name.and_then(|name| name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX));
        if let Some(number) = number.and_then(|number| number.parse().ok()) {
            starts.push((number, path));
        }
    }
    starts.sort_unstable();
    Ok(starts)
}

/// What a recording says first, if it can be read.
fn header_of(file: &Path) -> Option<Header> {
    let mut file = File::open(file).ok()?;
    let mut magic = [0; MAGIC.len()];
    file.read_exact(&mut magic).ok()?;
    match frame::read(&mut file) {
        Ok(frame::Found::Records(header)) if magic == MAGIC => serde_json::from_slice(&header).ok(),
        Ok(_) | Err(_) => None,
    }
}
