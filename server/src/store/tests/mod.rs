//! The store's promises, on real files.

mod damage;
mod faults;
mod inspection;

use std::collections::HashMap;

use imbl::OrdMap;
use redb::TableHandle;
use tempfile::TempDir;

use super::engine::FORMAT_KEY;
use super::*;

#[derive(Clone, Debug, Default, PartialEq)]
struct State {
    starts: u64,
    users: OrdMap<String, u64>,
    /// Keys that aren't text, maps within values.
    cursors: OrdMap<(String, u64), OrdMap<String, u64>>,
}

fn schema() -> Schema<State> {
    Schema::new(
        |state: &State| state.starts,
        |starts| State {
            starts,
            ..State::default()
        },
    )
    .map("users", |s| &mut s.users, |s| &s.users)
    .map("cursors", |s| &mut s.cursors, |s| &s.cursors)
}

fn some_state() -> State {
    let cursor = OrdMap::from_iter([("a".to_owned(), 3_u64), ("b".to_owned(), 6)]);
    State {
        starts: 7,
        users: (0..100_u64).map(|n| (format!("user{n}"), n)).collect(),
        cursors: OrdMap::from_iter([(("aaron".to_owned(), 1), cursor)]),
    }
}

fn directory() -> TempDir {
    tempfile::tempdir().expect("a directory for the test")
}

/// Writes a row past the store.
fn write_row(directory: &Path, table: &str, key: &[u8], value: &[u8]) {
    let database = Database::create(directory.join(FILE)).unwrap();
    let transaction = database.begin_write().unwrap();
    let mut opened = transaction.open_table(definition(table)).unwrap();
    opened.insert(key, value).unwrap();
    drop(opened);
    transaction.commit().unwrap();
}

#[test]
fn an_empty_disk_holds_nothing() {
    let dir = directory();
    let store = Store::open(dir.path(), schema()).unwrap();
    assert_eq!(store.saved(), None);
}

#[test]
fn what_was_saved_is_there_after_a_restart() {
    let dir = directory();
    let mut store = Store::open(dir.path(), schema()).unwrap();
    store.put(&some_state()).unwrap();
    drop(store);
    let store = Store::open(dir.path(), schema()).unwrap();
    assert_eq!(store.saved(), Some(some_state()));
}

#[test]
fn a_save_replaces_adds_and_removes() {
    let dir = directory();
    let mut store = Store::open(dir.path(), schema()).unwrap();
    let mut state = some_state();
    store.put(&state).unwrap();
    state.starts += 1;
    state.users.remove("user3");
    state.users.insert("user4".to_owned(), 44);
    state.users.insert("new".to_owned(), 1);
    state.cursors.clear();
    store.put(&state).unwrap();
    drop(store);
    let store = Store::open(dir.path(), schema()).unwrap();
    assert_eq!(store.saved(), Some(state));
}

#[test]
fn only_differences_are_written() {
    let old = some_state();
    let mut new = old.clone();
    new.users.insert("user4".to_owned(), 44);
    let mut changed = Vec::new();
    for (table, changes) in schema().changes(Some(&old), &new) {
        let take = &mut |key: &[u8], value: Option<&[u8]>| {
            changed.push((table, key.to_vec(), value.map(<[u8]>::to_vec)));
            Ok(())
        };
        changes(take).unwrap();
    }
    let row = (b"\"user4\"".to_vec(), Some(b"44".to_vec()));
    assert_eq!(changed, [("users", row.0, row.1)]);
    assert_eq!(schema().root(Some(&old), &new), None);
}

#[test]
fn a_second_opener_is_told_to_take_another_directory() {
    let dir = directory();
    let _first = Store::open(dir.path(), schema()).unwrap();
    let second = Store::open(dir.path(), schema()).err().unwrap();
    assert!(matches!(second, StoreError::InUse { .. }), "{second}");
    assert!(second.to_string().contains("--data"));
}

#[test]
fn another_format_is_refused() {
    let dir = directory();
    let mut store = Store::open(dir.path(), schema()).unwrap();
    store.put(&some_state()).unwrap();
    drop(store);
    write_row(dir.path(), META.name(), FORMAT_KEY, &99_u64.to_be_bytes());
    let error = Store::open(dir.path(), schema()).err().unwrap();
    assert!(
        matches!(
            error,
            StoreError::Format {
                found: Some(99),
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn what_is_no_store_is_refused_and_left_alone() {
    let dir = directory();
    std::fs::write(dir.path().join(FILE), b"something else entirely").unwrap();
    assert!(Store::open(dir.path(), schema()).is_err());
    let left = std::fs::read(dir.path().join(FILE)).unwrap();
    assert_eq!(left, b"something else entirely");
}

/// A copy of the file as it was at some moment is what a crash at that moment leaves behind.
#[test]
fn a_copy_taken_between_saves_opens_with_the_last_save() {
    let (dir, copy) = (directory(), directory());
    let mut store = Store::open(dir.path(), schema()).unwrap();
    store.put(&some_state()).unwrap();
    std::fs::copy(dir.path().join(FILE), copy.path().join(FILE)).unwrap();
    let store = Store::open(copy.path(), schema()).unwrap();
    assert_eq!(store.saved(), Some(some_state()));
}

#[test]
fn a_row_that_makes_no_sense_is_damage_and_its_table_is_named() {
    for (table, key, value) in [
        ("users", b"\"zoe\"".as_slice(), b"\"no number\"".as_slice()),
        ("users", b"no text", b"1"),
        ("cursors", b"[\"aaron\",1]", b"1"),
        (META.name(), ROOT_KEY, b"no number"),
    ] {
        let dir = directory();
        let mut store = Store::open(dir.path(), schema()).unwrap();
        store.put(&some_state()).unwrap();
        drop(store);
        write_row(dir.path(), table, key, value);
        let refusals = [
            Store::open(dir.path(), schema()).err(),
            inspect(dir.path(), &schema()).err(),
        ];
        for refused in refusals {
            let refused = refused.expect(table);
            assert!(matches!(refused, StoreError::Damaged { .. }), "{refused}");
            let named = format!("a row of table {table} makes no sense");
            assert!(refused.to_string().contains(&named), "{refused}");
        }
    }
}

#[test]
fn what_is_unfolded_folds_to_the_same_state() {
    let (schema, state) = (schema(), some_state());
    let mut tables: HashMap<String, Rows> = HashMap::new();
    let unfolded = schema.unfold(&state, |table, key, value| {
        let row = (key.to_vec(), value.to_vec());
        tables.entry(table.to_owned()).or_default().push(row);
        Ok(())
    });
    assert_eq!(unfolded, Ok::<(), ()>(()));
    let root = schema.unfold_root(&state);
    assert_eq!(schema.fold(&root, &tables).unwrap(), state);
    assert!(schema.fold("no number", &tables).is_err());
    let strange = (b"\"zoe\"".to_vec(), b"\"no number\"".to_vec());
    tables.entry("users".to_owned()).or_default().push(strange);
    assert!(schema.fold(&root, &tables).is_err());
}

#[test]
fn unfolding_ends_where_whoever_takes_the_rows_takes_no_more() {
    let mut taken = 0;
    let unfolded = schema().unfold(&some_state(), |_, _, _| {
        taken += 1;
        if taken < 3 { Ok(()) } else { Err("full") }
    });
    assert_eq!((unfolded, taken), (Err("full"), 3));
}
