//! The durable state on disk: one redb file in `--data DIR`, one table per persistent map.
//!
//! A save writes what differs from the save before (`imbl` finds it without looking at what is shared) and
//! costs one fsync. The directory is locked against a second process; an unfinished last write is undone when
//! the file is opened; what is damaged is refused. Why redb: `docs/decisions/2026-11-22-store.md`.

mod engine;
mod error;
mod inspect;
mod lock;
mod overlay;
mod schema;

pub use error::StoreError;
pub use inspect::{Compacted, Contents, TableSize, compact, inspect};
pub use lock::Lock;
pub(crate) use lock::{above, sync};
pub use schema::{Rows, Schema};

use std::error::Error;
use std::path::Path;
use std::time::{Duration, Instant};

use redb::{Database, Durability, ReadableDatabase, TableDefinition, TableError};

use crate::runtime::Disk;
use engine::{Engine, FILE, META, Medium, ROOT_KEY, guarded};
use schema::Take;

/// A durable state on disk.
pub struct Store<S> {
    engine: Engine,
    schema: Schema<S>,
    /// Absent after an error: what is on disk isn't known then, so it is opened and read anew.
    open: Option<Open<S>>,
    /// How long a save may wait for its fsync; `None`: not at all.
    interval: Option<Duration>,
    /// When everything was on disk; `None` if that isn't known.
    synced: Option<Instant>,
    /// The newest save, if it may not have been synced.
    unsynced: Option<S>,
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
        Self::open_on(directory, schema, engine::plain())
    }

    fn open_on(directory: &Path, schema: Schema<S>, medium: Medium) -> Result<Self, StoreError> {
        let lock = Lock::take(directory)?;
        let engine = Engine::start(directory, lock, medium)?;
        let open = load(&engine, &schema)?;
        Ok(Self {
            engine,
            schema,
            open: Some(open),
            interval: None,
            synced: None,
            unsynced: None,
        })
    }

    /// Lets saves share an fsync for so long: a crash can lose what was saved within that time, and no more.
    pub fn sync_every(mut self, interval: Duration) -> Self {
        self.interval = Some(interval);
        self
    }

    /// What was saved last; `None` on an empty disk.
    pub fn saved(&self) -> Option<S> {
        self.open.as_ref()?.saved.clone()
    }

    /// Saves a state: durable when this returns, or within the interval if there is one.
    ///
    /// # Errors
    /// When it may not have been saved. The store can be used on: the next save begins by reading what is there.
    pub fn put(&mut self, state: &S) -> Result<(), StoreError> {
        let now = match (self.interval, self.synced) {
            (Some(interval), Some(synced)) => synced.elapsed() >= interval,
            (None, _) | (_, None) => true,
        };
        self.commit(state, now)
    }

    fn commit(&mut self, state: &S, durable: bool) -> Result<(), StoreError> {
        let began = Instant::now();
        let written = self.write(state, durable);
        if written.is_err() {
            // What was written without an fsync is gone, too.
            self.synced = None;
            self.unsynced = Some(state.clone());
            self.close();
            return written;
        }
        if durable {
            self.synced = Some(began);
            self.unsynced = None;
        } else {
            self.unsynced = Some(state.clone());
        }
        Ok(())
    }

    fn write(&mut self, state: &S, durable: bool) -> Result<(), StoreError> {
        let open = match &mut self.open {
            Some(open) => open,
            closed => closed.insert(load(&self.engine, &self.schema)?),
        };
        let durability = match durable {
            true => Durability::Immediate,
            false => Durability::None,
        };
        guarded(self.engine.file(), || {
            let mut transaction = open.database.begin_write()?;
            transaction.set_durability(durability)?;
            put_in(&transaction, &self.schema, open.saved.as_ref(), state)?;
            transaction.commit()?;
            Ok(())
        })?;
        open.saved = Some(state.clone());
        Ok(())
    }

    /// Closes a file that failed, whatever state it is in: what follows reads it anew.
    fn close(&mut self) {
        shut(self.engine.file(), self.open.take());
        self.engine.forget_cached();
    }
}

impl<S> Drop for Store<S> {
    fn drop(&mut self) {
        shut(self.engine.file(), self.open.take());
    }
}

/// Closes a file. There is nothing to do about an engine that can't: the next one to open the file repairs it.
fn shut<T>(file: &Path, open: Option<T>) {
    let _ = guarded(file, || {
        drop(open);
        Ok(())
    });
}

impl<S: Clone + Send + 'static> Disk<S> for Store<S> {
    fn save(&mut self, storage: &S) -> Result<(), Box<dyn Error + Send + Sync>> {
        self.put(storage).map_err(Into::into)
    }

    fn due(&self) -> Option<Instant> {
        self.unsynced.as_ref()?;
        let due = self.synced.zip(self.interval);
        Some(due.map_or_else(Instant::now, |(synced, interval)| synced + interval))
    }

    fn sync(&mut self) -> Result<(), Box<dyn Error + Send + Sync>> {
        let Some(state) = self.unsynced.clone() else {
            return Ok(());
        };
        self.commit(&state, true).map_err(Into::into)
    }
}

/// The data directory of a server that keeps nothing: locked, and otherwise empty.
#[derive(Debug)]
pub struct Nothing {
    _lock: Lock,
}

impl Nothing {
    /// Takes a directory, which is created if need be.
    ///
    /// # Errors
    /// When another process has it, when it can't be used, or when something is kept there already.
    pub fn open(directory: &Path) -> Result<Self, StoreError> {
        let lock = Lock::take(directory)?;
        let file = directory.join(FILE);
        if file.exists() {
            return Err(StoreError::Kept { file });
        }
        Ok(Self { _lock: lock })
    }
}

impl<S> Disk<S> for Nothing {
    fn save(&mut self, _: &S) -> Result<(), Box<dyn Error + Send + Sync>> {
        Ok(())
    }
}

fn load<S: 'static>(engine: &Engine, schema: &Schema<S>) -> Result<Open<S>, StoreError> {
    let database = engine.open()?;
    let saved = read(engine.file(), &database, schema)?;
    Ok(Open { database, saved })
}

/// Reads all that a database holds; `None` if nothing was saved yet.
fn read<S: 'static>(
    file: &Path,
    database: &Database,
    schema: &Schema<S>,
) -> Result<Option<S>, StoreError> {
    let (transaction, root) = guarded(file, || {
        let transaction = database.begin_read()?;
        let root = transaction.open_table(META)?.get(ROOT_KEY)?;
        let root = root.map(|bytes| bytes.value().to_vec());
        Ok((transaction, root))
    })?;
    let Some(root) = root else {
        return Ok(None);
    };
    schema
        .load(&root, |table, take| {
            guarded(file, || rows(&transaction, table, take))
        })
        .map(Some)
        .map_err(|problem| match problem {
            schema::Problem::Read(error) => error,
            schema::Problem::Meaning { table, error } => StoreError::Damaged {
                file: file.to_owned(),
                what: format!("a row of table {table} makes no sense: {error}"),
            },
        })
}

fn put_in<S: 'static>(
    transaction: &redb::WriteTransaction,
    schema: &Schema<S>,
    old: Option<&S>,
    new: &S,
) -> Result<(), redb::Error> {
    if let Some(root) = schema.root(old, new) {
        transaction
            .open_table(META)?
            .insert(ROOT_KEY, root.as_slice())?;
    }
    for (name, changes) in schema.changes(old, new) {
        let mut opened = None;
        changes(&mut |key, value| {
            let table = match &mut opened {
                Some(table) => table,
                closed => closed.insert(transaction.open_table(definition(name))?),
            };
            match value {
                Some(value) => drop(table.insert(key, value)?),
                None => drop(table.remove(key)?),
            }
            Ok(())
        })?;
    }
    Ok(())
}

/// Hands out the rows of a table until they are no longer wanted.
fn rows(
    transaction: &redb::ReadTransaction,
    name: &'static str,
    take: &mut Take<'_>,
) -> Result<(), redb::Error> {
    use redb::ReadableTable;
    let table = match transaction.open_table(definition(name)) {
        Err(TableError::TableDoesNotExist(_)) => return Ok(()),
        table => table?,
    };
    for row in table.iter()? {
        let (key, value) = row?;
        if !take(key.value(), value.value()) {
            break;
        }
    }
    Ok(())
}

fn definition(name: &str) -> TableDefinition<'_, &'static [u8], &'static [u8]> {
    TableDefinition::new(name)
}

#[cfg(test)]
mod tests;
