//! Looking at a store without a server: what is in it, and making it small.

use std::fs::File;
use std::path::{Path, PathBuf};

use redb::{Database, ReadableDatabase, ReadableTable, ReadableTableMetadata, TableHandle};
use serde::Serialize;

use super::engine::{
    Engine, FILE, FORMAT, META, builder, check_format, guarded, not_cut_short, plain,
};
use super::lock::Lock;
use super::overlay::Overlay;
use super::{Schema, StoreError, definition, read, shut};

/// What a sound store holds.
#[derive(Clone, Debug, Serialize)]
pub struct Contents {
    /// The file.
    pub file: PathBuf,
    /// In which format it is written.
    pub format: u64,
    /// How long the file is, in bytes.
    pub file_bytes: u64,
    /// Whether a server has saved anything yet.
    pub used: bool,
    /// What is in each table, by name.
    pub tables: Vec<TableSize>,
}

/// How much is in a table.
#[derive(Clone, Debug, Serialize)]
pub struct TableSize {
    /// What it is called.
    pub name: String,
    /// How many rows it has.
    pub rows: u64,
    /// How long their keys and values are together, in bytes.
    pub bytes: u64,
}

/// What compacting did.
#[derive(Clone, Debug)]
pub struct Compacted {
    /// The file.
    pub file: PathBuf,
    /// How long it was, in bytes.
    pub before: u64,
    /// How long it is now.
    pub after: u64,
}

/// Reads and checks all that a directory's store holds, and changes nothing: every page's checksum, the format,
/// the meaning of every row.
///
/// # Errors
/// When a process has the directory, or when a server would refuse it.
pub fn inspect<S: 'static>(directory: &Path, schema: &Schema<S>) -> Result<Contents, StoreError> {
    let file = there(directory)?;
    let _lock = Lock::take_to_look(directory)?;
    not_cut_short(&file)?;
    let opened = guarded(&file, || {
        let overlay = Overlay::of(File::open(&file)?)?;
        Ok(builder().create_with_backend(overlay)?)
    })?;
    let contents = contents(&file, &opened, schema);
    shut(&file, Some(opened));
    contents
}

fn contents<S: 'static>(
    file: &Path,
    database: &Database,
    schema: &Schema<S>,
) -> Result<Contents, StoreError> {
    check_format(file, database)?;
    let used = read(file, database, schema)?.is_some();
    let tables = guarded(file, || sizes(database))?;
    let ours = |table: &TableSize| schema.tables().any(|name| name == table.name);
    if let Some(stranger) = tables.iter().find(|table| !ours(table)) {
        return Err(StoreError::Damaged {
            file: file.to_owned(),
            what: format!("it has a table {:?}, which is none of ours", stranger.name),
        });
    }
    Ok(Contents {
        file: file.to_owned(),
        format: FORMAT,
        file_bytes: length(file)?,
        used,
        tables,
    })
}

/// What is in every table but the one of what exists once.
fn sizes(database: &Database) -> Result<Vec<TableSize>, redb::Error> {
    let transaction = database.begin_read()?;
    let names: Vec<String> = transaction
        .list_tables()?
        .map(|table| table.name().to_owned())
        .filter(|name| name != META.name())
        .collect();
    let mut sizes = Vec::with_capacity(names.len());
    for name in names {
        let table = transaction.open_table(definition(&name))?;
        let mut bytes = 0;
        for row in table.iter()? {
            let (key, value) = row?;
            bytes += (key.value().len() + value.value().len()) as u64;
        }
        let rows = table.len()?;
        sizes.push(TableSize { name, rows, bytes });
    }
    sizes.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(sizes)
}

/// Checks a directory's store and gives back the room that it doesn't use. A crash meanwhile loses nothing.
///
/// # Errors
/// When a process has the directory, when a server would refuse it, or when it can't be written.
pub fn compact<S: 'static>(directory: &Path, schema: &Schema<S>) -> Result<Compacted, StoreError> {
    let file = there(directory)?;
    let lock = Lock::take_existing(directory)?;
    let before = length(&file)?;
    let engine = Engine::start(directory, lock, plain())?;
    let mut database = engine.open()?;
    read(&file, &database, schema)?;
    guarded(&file, || {
        while database.compact()? {}
        drop(database);
        Ok(())
    })?;
    let after = length(&file)?;
    Ok(Compacted {
        file,
        before,
        after,
    })
}

/// The store of a directory that must have one.
fn there(directory: &Path) -> Result<PathBuf, StoreError> {
    let file = directory.join(FILE);
    if file.is_file() {
        return Ok(file);
    }
    Err(StoreError::Absent { file })
}

fn length(file: &Path) -> Result<u64, StoreError> {
    let metadata = std::fs::metadata(file);
    let metadata = metadata.map_err(|e| StoreError::explain(file, redb::Error::Io(e)))?;
    Ok(metadata.len())
}
