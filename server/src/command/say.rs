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

/// A name that others have chosen, for a terminal: what it would obey, or show as nothing, is escaped.
pub(super) fn visible(name: &str) -> String {
    // Quotes do no harm, and names have them.
    let escaped = name.escape_debug().to_string();
    escaped.replace("\\'", "'").replace("\\\"", "\"")
}

/// Says on stderr why a command fails. If that can't be, the exit code still tells.
pub fn complain(who: &str, why: impl fmt::Display) {
    let _ = writeln!(io::stderr(), "{who}: {why}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_does_nothing_to_a_terminal_and_is_shown_as_it_is_otherwise() {
        for (name, shown) in [
            ("o'brien \"bo\"", "o'brien \"bo\""),
            ("zoë 李 👋", "zoë 李 👋"),
            ("\u{1b}[2Jaaron", r"\u{1b}[2Jaaron"),
            ("a\nb\r\u{9b}\u{7f}", r"a\nb\r\u{9b}\u{7f}"),
            ("a\u{202e}b", r"a\u{202e}b"),
            (r"a\nb", r"a\\nb"),
            (r"\'", r"\\'"),
        ] {
            assert_eq!(visible(name), shown);
        }
    }
}
