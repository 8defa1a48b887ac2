//! What a durable state consists of: one root value, and persistent maps that change a little at a time.

use std::collections::HashMap;
use std::fmt::Debug;

use imbl::OrdMap;
use imbl::ordmap::DiffItem;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::StoreError;

/// A key or a value as it is stored.
pub(super) type Bytes = Vec<u8>;
/// The rows of a table: keys and values.
pub type Rows = Vec<(Vec<u8>, Vec<u8>)>;
/// Takes what a save does to a row of one table: its key, and its new value or none any more.
pub(super) type Change<'a> = dyn FnMut(&[u8], Option<&[u8]>) -> Result<(), redb::Error> + 'a;
/// Whether bytes of a file make sense.
type Meaning<T> = Result<T, serde_json::Error>;

/// A state with empty tables, of its root.
type Make<S> = dyn Fn(&[u8]) -> Meaning<S> + Send;
/// Hands out what changed in one table between two states, or is in it at all.
type Compare<S> = dyn Fn(Option<&S>, &S, &mut Change<'_>) -> Result<(), redb::Error> + Send;
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
            changes: Box::new(move |old, new, change| differences(old.map(get), get(new), change)),
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

    /// What a save has to write, table by table: each table's name, and what hands out its changes.
    pub(super) fn changes<'a>(
        &'a self,
        old: Option<&'a S>,
        new: &'a S,
    ) -> impl Iterator<
        Item = (
            &'static str,
            impl FnOnce(&mut Change<'_>) -> Result<(), redb::Error> + 'a,
        ),
    > {
        self.tables.iter().map(move |table| {
            let changes = move |change: &mut Change<'_>| (table.changes)(old, new, change);
            (table.name, changes)
        })
    }

    /// The root of a state, to be kept elsewhere than in a store.
    pub fn unfold_root(&self, state: &S) -> String {
        String::from_utf8((self.root)(state)).expect("JSON is a text")
    }

    /// Hands out all rows of a state, to be kept elsewhere than in a store: table, key, value.
    ///
    /// # Errors
    /// Those of whoever takes them.
    pub fn unfold<E>(
        &self,
        state: &S,
        mut take: impl FnMut(&'static str, &[u8], &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        for table in &self.tables {
            let mut taken = Ok(());
            let mut put = |key: &[u8], value: Option<&[u8]>| {
                if let (Ok(()), Some(value)) = (&taken, value) {
                    taken = take(table.name, key, value);
                }
                Ok(())
            };
            // Nothing that it is handed to can fail.
            let _ = (table.changes)(None, state, &mut put);
            taken?;
        }
        Ok(())
    }

    /// A state of what was [handed out](Self::unfold).
    ///
    /// # Errors
    /// When it isn't such a state.
    pub fn fold(&self, root: &str, tables: &HashMap<String, Rows>) -> Result<S, serde_json::Error> {
        let mut state = (self.make)(root.as_bytes())?;
        for table in &self.tables {
            for (key, value) in tables.get(table.name).into_iter().flatten() {
                (table.fill)(&mut state, key, value)?;
            }
        }
        Ok(state)
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

fn differences<K, V>(
    old: Option<&OrdMap<K, V>>,
    new: &OrdMap<K, V>,
    change: &mut Change<'_>,
) -> Result<(), redb::Error>
where
    K: Ord + Serialize,
    V: PartialEq + Serialize,
{
    // Used again for every row.
    let (mut packed_key, mut packed_value) = (Bytes::new(), Bytes::new());
    let mut put = |key: &K, value: Option<&V>| {
        pack_into(&mut packed_key, key);
        let value = value.map(|value| {
            pack_into(&mut packed_value, value);
            packed_value.as_slice()
        });
        change(&packed_key, value)
    };
    let Some(old) = old else {
        return new
            .iter()
            .try_for_each(|(key, value)| put(key, Some(value)));
    };
    old.diff(new).try_for_each(|difference| match difference {
        DiffItem::Add(key, value)
        | DiffItem::Update {
            new: (key, value), ..
        } => put(key, Some(value)),
        DiffItem::Remove(key, _) => put(key, None),
    })
}

fn pack<T: Serialize>(value: &T) -> Bytes {
    let mut bytes = Bytes::new();
    pack_into(&mut bytes, value);
    bytes
}

fn pack_into<T: Serialize>(bytes: &mut Bytes, value: &T) {
    bytes.clear();
    serde_json::to_writer(bytes, value).expect("what a wire carries can be written down");
}
