//! `regrow data`: looks after a server's data directory while the server is down.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;

use super::layout::layout;
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

/// Does it; the exit code says whether all is well.
pub fn run(data: &Data) -> ExitCode {
    let done = match &data.what {
        What::Verify { directory, json } => verify(directory, *json),
        What::Compact { directory } => shrink(directory),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("regrow: {error}");
            ExitCode::FAILURE
        }
    }
}

fn verify(directory: &Path, json: bool) -> Result<(), StoreError> {
    let contents = inspect(directory, &layout());
    if json {
        let said = match &contents {
            Ok(contents) => json!({ "sound": true, "contents": contents }),
            Err(error) => json!({ "sound": false, "error": error.to_string() }),
        };
        println!("{said}");
        return contents.map(|_| ());
    }
    print(&contents?);
    Ok(())
}

fn print(contents: &Contents) {
    let Contents {
        file,
        format,
        file_bytes,
        used,
        tables,
    } = contents;
    println!(
        "{} is sound: format {format}, {file_bytes} bytes",
        file.display()
    );
    if !used {
        println!("no server has saved anything in it yet");
        return;
    }
    println!("{:<14}{:>12}{:>16}", "table", "rows", "bytes");
    for table in tables {
        println!("{:<14}{:>12}{:>16}", table.name, table.rows, table.bytes);
    }
}

fn shrink(directory: &Path) -> Result<(), StoreError> {
    let done = compact(directory, &layout())?;
    println!(
        "{} had {} bytes and now has {}",
        done.file.display(),
        done.before,
        done.after
    );
    Ok(())
}
