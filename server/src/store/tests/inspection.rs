//! Looking at a store while no server has it, and making it small.

use std::collections::BTreeMap;
use std::fs;

use super::{directory, schema, some_state, write_row};
use crate::store::engine::FILE;
use crate::store::{Nothing, Store, StoreError, compact, inspect};

#[test]
fn what_is_there_is_counted_by_table() {
    let dir = directory();
    let mut store = Store::open(dir.path(), schema()).unwrap();
    store.put(&some_state()).unwrap();
    drop(store);
    let contents = inspect(dir.path(), &schema()).unwrap();
    let mut wanted = BTreeMap::from([("cursors", (0, 0)), ("users", (0, 0))]);
    let counted = schema().unfold(&some_state(), |table, key, value| {
        let (rows, bytes) = wanted.get_mut(table).ok_or(table)?;
        *rows += 1;
        *bytes += (key.len() + value.len()) as u64;
        Ok(())
    });
    assert_eq!(counted, Ok::<(), &str>(()));
    assert_eq!((wanted["cursors"].0, wanted["users"].0), (1, 100));
    let tables = contents.tables.iter();
    let tables = tables.map(|table| (table.name.as_str(), (table.rows, table.bytes)));
    assert!(tables.eq(wanted), "{contents:?}");
    assert!(contents.used);
    let length = fs::metadata(dir.path().join(FILE)).unwrap().len();
    assert_eq!(contents.file_bytes, length);
}

#[test]
fn a_store_that_is_in_use_is_left_alone() {
    let dir = directory();
    let _store = Store::open(dir.path(), schema()).unwrap();
    let busy = |error: StoreError| matches!(error, StoreError::InUse { .. });
    assert!(inspect(dir.path(), &schema()).is_err_and(busy));
    assert!(compact(dir.path(), &schema()).is_err_and(busy));
}

#[test]
fn a_directory_without_a_store_is_called_so_and_stays_empty() {
    let dir = directory();
    let absent = |error: StoreError| matches!(error, StoreError::Absent { .. });
    assert!(inspect(dir.path(), &schema()).is_err_and(absent));
    assert!(compact(dir.path(), &schema()).is_err_and(absent));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn compacting_gives_room_back_and_keeps_everything() {
    let dir = directory();
    let mut store = Store::open(dir.path(), schema()).unwrap();
    let mut state = some_state();
    state.users = (0..20_000_u64).map(|n| (format!("user{n}"), n)).collect();
    store.put(&state).unwrap();
    let few = some_state();
    store.put(&few).unwrap();
    drop(store);
    let done = compact(dir.path(), &schema()).unwrap();
    assert!(done.after < done.before / 2, "{done:?}");
    let store = Store::open(dir.path(), schema()).unwrap();
    assert_eq!(store.saved(), Some(few));
}

#[test]
fn a_server_that_keeps_nothing_has_its_directory_to_itself_and_forgets_nothing_kept() {
    let dir = directory();
    let nothing = Nothing::open(dir.path()).unwrap();
    let busy = Store::open(dir.path(), schema()).err().unwrap();
    assert!(matches!(busy, StoreError::InUse { .. }), "{busy}");
    drop(nothing);
    drop(Store::open(dir.path(), schema()).unwrap());
    let kept = Nothing::open(dir.path()).err().unwrap();
    assert!(matches!(kept, StoreError::Kept { .. }), "{kept}");
    assert!(kept.to_string().contains("--data"));
}

#[test]
fn a_store_that_nobody_has_saved_in_is_sound_and_unused() {
    let dir = directory();
    drop(Store::open(dir.path(), schema()).unwrap());
    let contents = inspect(dir.path(), &schema()).unwrap();
    assert!(!contents.used);
    assert!(contents.tables.is_empty(), "{contents:?}");
}

#[test]
fn a_table_that_is_none_of_ours_is_damage() {
    let dir = directory();
    drop(Store::open(dir.path(), schema()).unwrap());
    write_row(dir.path(), "strangers", b"1", b"1");
    let seen = inspect(dir.path(), &schema()).unwrap_err();
    assert!(matches!(seen, StoreError::Damaged { .. }), "{seen}");
    assert!(seen.to_string().contains("\"strangers\""), "{seen}");
}
