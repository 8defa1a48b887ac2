//! `regrow data`: looks after a server's data directory while the server is down.

use std::fmt::{self, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::json;

use super::layout::layout;
use super::say::{Unsaid, print, say};
use crate::store::{Contents, StoreError, compact, inspect};

/// Look after a data directory whose server is down.
#[derive(Args, Debug)]
pub struct Data {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand, Debug)]
enum What {
    /// Read and check all that it holds, and say what is there; changes nothing
    Verify {
        /// What `regrow serve` was given with --data
        #[arg(value_name = "DIR")]
        directory: PathBuf,
        /// Say it as one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Give the room that it doesn't use back to the system
    Compact {
        /// What `regrow serve` was given with --data
        #[arg(value_name = "DIR")]
        directory: PathBuf,
    },
}

/// Why a directory is not looked after.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// It can't be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Nobody reads what there is to say.
    #[error("{0}")]
    Unsaid(#[from] Unsaid),
}

impl Data {
    /// Does it.
    ///
    /// # Errors
    /// When not all is well.
    pub fn run(self) -> Result<(), DataError> {
        match self.what {
            What::Verify { directory, json } => verify(&directory, json),
            What::Compact { directory } => shrink(&directory),
        }
    }
}

fn verify(directory: &Path, json: bool) -> Result<(), DataError> {
    let contents = inspect(directory, &layout());
    if json {
        let said = match &contents {
            Ok(contents) => json!({ "sound": true, "contents": contents }),
            Err(error) => json!({ "sound": false, "error": error.to_string() }),
        };
        // A reader who has gone hides no damage.
        let said = say(said);
        contents?;
        return Ok(said?);
    }
    let contents = contents?;
    Ok(print(fmt::from_fn(|f| table(&contents, f)))?)
}

fn table(contents: &Contents, out: &mut impl Write) -> fmt::Result {
    let Contents {
        file,
        format,
        file_bytes,
        used,
        tables,
    } = contents;
    let file = file.display();
    writeln!(out, "{file} is sound: format {format}, {file_bytes} bytes")?;
    if !used {
        return writeln!(out, "no server has saved anything in it yet");
    }
    writeln!(out, "{:<14}{:>12}{:>16}", "table", "rows", "bytes")?;
    tables.iter().try_for_each(|table| {
        writeln!(
            out,
            "{:<14}{:>12}{:>16}",
            table.name, table.rows, table.bytes
        )
    })
}

fn shrink(directory: &Path) -> Result<(), DataError> {
    let done = compact(directory, &layout())?;
    Ok(say(format_args!(
        "{} had {} bytes and now has {}",
        done.file.display(),
        done.before,
        done.after
    ))?)
}
