//! The durable state on disk: one redb file in `--data DIR`, one table per persistent map.
//!
//! A save writes what differs from the save before (`imbl` finds it without looking at what is shared) and
//! costs one fsync. The file is locked against a second process; an unfinished last write is undone when it
//! is opened. Why redb: `docs/decisions/2026-11-22-store.md`.

mod error;
mod schema;

pub use error::StoreError;
pub use schema::Schema;

use std::error::Error;
use std::path::{Path, PathBuf};

use redb::{Database, ReadableDatabase, TableDefinition, TableError};

use crate::runtime::Disk;
use schema::{Bytes, Changes};

/// The file within the data directory.
const FILE: &str = "regrow.redb";
/// What is written in it, and how. A program reads its own format only.
const FORMAT: u64 = 3;
const FORMAT_KEY: &[u8] = b"format";
/// The table of what exists once: the format, and the schema's root.
const META: TableDefinition<'static, &[u8], &[u8]> = TableDefinition::new("meta");
const ROOT_KEY: &[u8] = b"root";

/// A durable state on disk.
pub struct Store<S> {
    file: PathBuf,
    schema: Schema<S>,
    /// Absent after an error: what is on disk isn't known then, so it is opened and read anew.
    open: Option<Open<S>>,
}

struct Open<S> {
    database: Database,
    /// What the file holds.
    saved: Option<S>,
}

impl<S: Clone + 'static> Store<S> {
    /// Opens the store in a directory, which is created if need be.
    ///
    /// # Errors
    /// When another process has it, when it can't be read or written, or was written by another format.
    pub fn open(directory: &Path, schema: Schema<S>) -> Result<Self, StoreError> {
        std::fs::create_dir_all(directory).map_err(|source| StoreError::Directory {
            directory: directory.to_owned(),
            source,
        })?;
        let mut store = Self {
            file: directory.join(FILE),
            schema,
            open: None,
        };
        store.reopen()?;
        Ok(store)
    }

    /// What was saved last; `None` on an empty disk.
    pub fn saved(&self) -> Option<S> {
        self.open.as_ref()?.saved.clone()
    }

    /// Makes a state durable.
    ///
    /// # Errors
    /// When it may not be on disk. The store can be used on: the next save begins by reading what is there.
    pub fn put(&mut self, state: &S) -> Result<(), StoreError> {
        let mut open = match self.open.take() {
            Some(open) => open,
            None => self.load()?,
        };
        self.write(&open, state).map_err(|e| self.explain(e))?;
        open.saved = Some(state.clone());
        self.open = Some(open);
        Ok(())
    }

    fn reopen(&mut self) -> Result<(), StoreError> {
        self.open = Some(self.load()?);
        Ok(())
    }

    fn explain(&self, error: redb::Error) -> StoreError {
        StoreError::explain(&self.file, error)
    }

    fn load(&self) -> Result<Open<S>, StoreError> {
        // All of it is read now anyway, so all of it can be verified: nothing is trusted unseen.
        let opened = Database::builder()
            .set_check_integrity_on_open(true)
            .create(&self.file);
        let database = opened.map_err(|e| self.explain(e.into()))?;
        let saved = self.read(&database)?;
        Ok(Open { database, saved })
    }

    fn read(&self, database: &Database) -> Result<Option<S>, StoreError> {
        let read = || -> Result<_, redb::Error> {
            let transaction = database.begin_read()?;
            let meta = match transaction.open_table(META) {
                Err(TableError::TableDoesNotExist(_)) => return Ok(None),
                meta => meta?,
            };
            let format = meta.get(FORMAT_KEY)?.map(|bytes| bytes.value().to_vec());
            let root = meta.get(ROOT_KEY)?.map(|bytes| bytes.value().to_vec());
            Ok(Some((transaction, format, root)))
        };
        let Some((transaction, format, root)) = read().map_err(|e| self.explain(e))? else {
            return Ok(None);
        };
        let found = format.and_then(|bytes| bytes.try_into().ok());
        let found = found.map(u64::from_be_bytes);
        if found != Some(FORMAT) {
            return Err(StoreError::Format {
                file: self.file.clone(),
                found,
                known: FORMAT,
            });
        }
        let Some(root) = root else {
            return Ok(None);
        };
        self.schema
            .load(&root, |table| rows(&transaction, table))
            .map(Some)
            .map_err(|problem| match problem {
                schema::Problem::Read(error) => self.explain(error),
                schema::Problem::Meaning(error) => StoreError::Damaged {
                    file: self.file.clone(),
                    what: error.to_string(),
                },
            })
    }

    fn write(&self, open: &Open<S>, state: &S) -> Result<(), redb::Error> {
        let transaction = open.database.begin_write()?;
        {
            let mut meta = transaction.open_table(META)?;
            meta.insert(FORMAT_KEY, FORMAT.to_be_bytes().as_slice())?;
            if let Some(root) = self.schema.root(open.saved.as_ref(), state) {
                meta.insert(ROOT_KEY, root.as_slice())?;
            }
        }
        for (name, changes) in self.schema.changes(open.saved.as_ref(), state) {
            apply(&transaction, name, changes)?;
        }
        transaction.commit()?;
        Ok(())
    }
}

impl<S: Clone + Send + 'static> Disk<S> for Store<S> {
    fn save(&mut self, storage: &S) -> Result<(), Box<dyn Error + Send + Sync>> {
        self.put(storage).map_err(Into::into)
    }
}

fn apply(
    transaction: &redb::WriteTransaction,
    name: &'static str,
    changes: Changes,
) -> Result<(), redb::Error> {
    let mut table = transaction.open_table(definition(name))?;
    for (key, value) in changes {
        match value {
            Some(value) => table.insert(key.as_slice(), value.as_slice())?,
            None => table.remove(key.as_slice())?,
        };
    }
    Ok(())
}

fn rows(
    transaction: &redb::ReadTransaction,
    name: &'static str,
) -> Result<Vec<(Bytes, Bytes)>, redb::Error> {
    use redb::ReadableTable;
    let table = match transaction.open_table(definition(name)) {
        Err(TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
        table => table?,
    };
    table
        .iter()?
        .map(|row| {
            let (key, value) = row?;
            Ok((key.value().to_vec(), value.value().to_vec()))
        })
        .collect()
}

fn definition(name: &'static str) -> TableDefinition<'static, &'static [u8], &'static [u8]> {
    TableDefinition::new(name)
}

#[cfg(test)]
mod tests;
