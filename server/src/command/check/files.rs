//! Counterexamples as files.

use std::fs;
use std::path::{Path, PathBuf};

use regrow_model::counterexample::Counterexample;

use super::Failure;

/// Writes a counterexample into a directory, which is made if it isn't there; says where.
pub(in crate::command) fn save(
    directory: &Path,
    counterexample: &Counterexample,
) -> Result<PathBuf, Failure> {
    let file = directory.join(counterexample.file_name());
    fs::create_dir_all(directory)
        .and_then(|()| fs::write(&file, text(counterexample)))
        .map_err(|error| Failure::File(file.clone(), error))?;
    Ok(file)
}

/// What a file of it says.
pub(in crate::command) fn text(counterexample: &Counterexample) -> String {
    let mut text = serde_json::to_string_pretty(counterexample)
        .expect("a counterexample is made of what a file can hold");
    text.push('\n');
    text
}

/// Reads one.
pub(in crate::command) fn read(file: &Path) -> Result<Counterexample, Failure> {
    let text = fs::read_to_string(file).map_err(|error| Failure::File(file.to_owned(), error))?;
    serde_json::from_str(&text).map_err(|error| Failure::NoCounterexample(file.to_owned(), error))
}
