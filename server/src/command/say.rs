//! What a command prints. A reader may have gone, or the disk that it goes to may be full: `println!` would panic.

use std::fmt;
use std::io::{self, Write};

/// What was to be printed could not be.
#[derive(Debug, thiserror::Error)]
#[error("cannot print: {0}")]
pub struct Unsaid(#[from] io::Error);

impl Unsaid {
    /// Whether its reader has seen enough, as `head` has: that needs no words.
    pub fn is_unread(&self) -> bool {
        self.0.kind() == io::ErrorKind::BrokenPipe
    }
}

/// Prints a line. A server that can't goes on; a command whose work is done ends, quietly if nobody reads.
///
/// # Errors
/// [`Unsaid`].
pub(super) fn say(line: impl fmt::Display) -> Result<(), Unsaid> {
    print(format_args!("{line}\n"))
}

/// Prints a text that has its own ends of lines.
///
/// # Errors
/// [`Unsaid`].
pub(super) fn print(text: impl fmt::Display) -> Result<(), Unsaid> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    write!(out, "{text}")?;
    Ok(out.flush()?)
}

/// Says on stderr why a command fails. If that can't be, the exit code still tells.
pub fn complain(who: &str, why: impl fmt::Display) {
    let _ = writeln!(io::stderr(), "{who}: {why}");
}
