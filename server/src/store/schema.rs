//! What a durable state consists of: one root value, and persistent maps that change a little at a time.

use std::fmt::Debug;

use imbl::OrdMap;
use imbl::ordmap::DiffItem;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::StoreError;

/// A key or a value as it is stored.
pub(super) type Bytes = Vec<u8>;
/// What a save does to one table: a new value, or none any more.
pub(super) type Changes = Vec<(Bytes, Option<Bytes>)>;
/// Whether bytes of a file make sense.
type Meaning<T> = Result<T, serde_json::Error>;

/// A state with empty tables, of its root.
type Make<S> = dyn Fn(&[u8]) -> Meaning<S> + Send;
/// What changed in one table between two states, or is in it at all.
type Compare<S> = dyn Fn(Option<&S>, &S) -> Changes + Send;
/// Puts a row of one table, its key and its value, into a state.
type Fill<S> = dyn Fn(&mut S, &[u8], &[u8]) -> Meaning<()> + Send;

/// Takes a row, its key and its value; whether it wants more.
pub(super) type Take<'a> = dyn FnMut(&[u8], &[u8]) -> bool + 'a;

/// Why a state couldn't be loaded.
pub(super) enum Problem {
    /// The file can't be read.
    Read(StoreError),
    /// What it holds isn't such a state.
    Meaning {
        /// Where.
        table: &'static str,
        /// Why not.
        error: serde_json::Error,
    },
}

/// What the root is called where a table's name is asked for.
const ROOT: &str = "meta";

/// How a state is laid out on disk. Keys and values are JSON, as on the wire: the model's types are made
/// for it, and a field with a default can be added without a new format.
pub struct Schema<S> {
    root: Box<dyn Fn(&S) -> Bytes + Send>,
    make: Box<Make<S>>,
    tables: Vec<Table<S>>,
}

struct Table<S> {
    name: &'static str,
    changes: Box<Compare<S>>,
    fill: Box<Fill<S>>,
}

impl<S: 'static> Schema<S> {
    /// A schema with no table yet: the root is written as a whole whenever it changes, and a state is made
    /// of it before its tables are filled.
    pub fn new<R>(
        root: impl Fn(&S) -> R + Send + 'static,
        make: impl Fn(R) -> S + Send + 'static,
    ) -> Self
    where
        R: Serialize + DeserializeOwned,
    {
        Self {
            root: Box::new(move |state| pack(&root(state))),
            make: Box::new(move |bytes| Ok(make(serde_json::from_slice(bytes)?))),
            tables: Vec::new(),
        }
    }

    /// Adds a table: one of the state's maps. A table's name is never used for anything else again.
    pub fn map<K, V>(
        mut self,
        name: &'static str,
        of: fn(&mut S) -> &mut OrdMap<K, V>,
        get: fn(&S) -> &OrdMap<K, V>,
    ) -> Self
    where
        K: Ord + Clone + Serialize + DeserializeOwned + Debug + 'static,
        V: Clone + PartialEq + Serialize + DeserializeOwned + 'static,
    {
        self.tables.push(Table {
            name,
            changes: Box::new(move |old, new| differences(old.map(get), get(new))),
            fill: Box::new(move |state, key, value| {
                let (key, value) = (serde_json::from_slice(key)?, serde_json::from_slice(value)?);
                of(state).insert(key, value);
                Ok(())
            }),
        });
        self
    }

    /// The tables' names.
    pub(super) fn tables(&self) -> impl Iterator<Item = &'static str> {
        self.tables.iter().map(|table| table.name)
    }

    /// The root as it is to be written, if it is new.
    pub(super) fn root(&self, old: Option<&S>, new: &S) -> Option<Bytes> {
        let root = (self.root)(new);
        (old.map(&self.root).as_ref() != Some(&root)).then_some(root)
    }

    /// What a save has to write, by table; only tables that change.
    pub(super) fn changes(
        &self,
        old: Option<&S>,
        new: &S,
    ) -> impl Iterator<Item = (&'static str, Changes)> {
        self.tables
            .iter()
            .map(move |table| (table.name, (table.changes)(old, new)))
            .filter(|(_, changes)| !changes.is_empty())
    }

    /// A state of what was stored. `rows` hands out the rows of a table, one by one.
    pub(super) fn load(
        &self,
        root: &[u8],
        rows: impl Fn(&'static str, &mut Take<'_>) -> Result<(), StoreError>,
    ) -> Result<S, Problem> {
        let senseless = |table| move |error| Problem::Meaning { table, error };
        let mut state = (self.make)(root).map_err(senseless(ROOT))?;
        for table in &self.tables {
            let mut meaning = Ok(());
            let mut take = |key: &[u8], value: &[u8]| {
                meaning = (table.fill)(&mut state, key, value);
                meaning.is_ok()
            };
            rows(table.name, &mut take).map_err(Problem::Read)?;
            meaning.map_err(senseless(table.name))?;
        }
        Ok(state)
    }
}

fn differences<K, V>(old: Option<&OrdMap<K, V>>, new: &OrdMap<K, V>) -> Changes
where
    K: Ord + Serialize,
    V: PartialEq + Serialize,
{
    let Some(old) = old else {
        return new
            .iter()
            .map(|(key, value)| (pack(key), Some(pack(value))))
            .collect();
    };
    old.diff(new)
        .map(|difference| match difference {
            DiffItem::Add(key, value)
            | DiffItem::Update {
                new: (key, value), ..
            } => (pack(key), Some(pack(value))),
            DiffItem::Remove(key, _) => (pack(key), None),
        })
        .collect()
}

fn pack<T: Serialize>(value: &T) -> Bytes {
    serde_json::to_vec(value).expect("what a wire carries can be written down")
}
