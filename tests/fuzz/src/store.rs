//! The database file.

use std::any::Any;
use std::fs;
use std::mem::discriminant;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::LazyLock;

use redb::{Database, TableDefinition};
use regrow::command::layout::layout;
use regrow::store::{Store, StoreError, inspect};
use regrow_model::node::Durable;
use tempfile::TempDir;

use crate::node::{a_life, start};

const FILE: &str = "regrow.redb";
/// How a disk writes: what is lost or misplaced is a multiple of this.
const SECTOR: usize = 512;

/// A data directory, in memory where the system has a place for that.
pub(crate) fn directory() -> TempDir {
    let memory = Path::new("/dev/shm");
    let made = match memory.is_dir() {
        true => tempfile::tempdir_in(memory),
        false => tempfile::tempdir(),
    };
    made.expect("a directory for the test")
}

/// The file of a server that has lived for a while, after its last save but one and after its last, as a crash leaves it; and
/// all that it ever saved.
struct Images {
    before: Vec<u8>,
    last: Vec<u8>,
    saved: Vec<Durable>,
}

static IMAGES: LazyLock<Images> = LazyLock::new(|| {
    let (dir, saved) = (directory(), a_life());
    let mut store = Store::open(dir.path(), layout()).expect("it can be opened");
    let (mut before, mut last) = (Vec::new(), Vec::new());
    for state in &saved {
        store.put(state).expect("it can be saved");
        before = std::mem::replace(
            &mut last,
            fs::read(dir.path().join(FILE)).expect("it is there"),
        );
    }
    Images {
        before,
        last,
        saved,
    }
});

/// The engine panics on what it takes to be impossible, which the store catches. The fuzzing engine would take that for the
/// end: so panics say nothing, and what the store doesn't catch is said where it arrives.
pub fn quiet() {
    std::panic::set_hook(Box::new(|_| {}));
}

/// A file that was damaged, made up, or written by somebody who knows the format. The first byte says which:
/// - 0: the rest is the file, made up to whole pages;
/// - 1: the rest are rows that are put into a sound file;
/// - any other: the rest is done to a sound file, five bytes a change: where, and what.
///
/// It is opened, or refused with words, and looking at it comes to the same verdict. What is opened can be saved to, and a node
/// starts with it. Damage, whatever it is, is refused or leaves what was saved at some time.
pub fn store(data: &[u8]) {
    let Some((kind, data)) = data.split_first() else {
        return;
    };
    let done = catch_unwind(AssertUnwindSafe(|| match kind {
        0 => drop(opened(&made_up(data))),
        1 => drop(opened(&with_rows(data))),
        _ => {
            if let Some(state) = opened(&damaged(data)) {
                assert!(
                    IMAGES.saved.contains(&state),
                    "opened with what was never saved"
                );
                start(&state);
            }
        }
    }));
    if let Err(panic) = done {
        eprintln!("{}", words(&*panic));
        std::panic::resume_unwind(panic);
    }
}

fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic without words")
}

fn made_up(data: &[u8]) -> Vec<u8> {
    let mut image = data.to_vec();
    image.resize(image.len().next_multiple_of(4096), 0);
    image
}

/// Changes of five bytes: a place of three, what is done there, and with what.
fn damaged(data: &[u8]) -> Vec<u8> {
    let mut image = IMAGES.last.clone();
    for change in data.chunks_exact(5) {
        let [a, b, c, what, with] = change else {
            break;
        };
        if image.is_empty() {
            break;
        }
        let at = u32::from_be_bytes([0, *a, *b, *c]) as usize % image.len();
        let sector = at - at % SECTOR..(at - at % SECTOR + SECTOR).min(image.len());
        match what % 6 {
            0 => image[at] = *with,
            1 => image[at] ^= 1 << (with % 8),
            2 => image.truncate(at),
            3 => image[sector].fill(*with),
            // A write that never arrived.
            4 => {
                let end = sector.end.min(IMAGES.before.len());
                let start = sector.start.min(end);
                image[start..end].copy_from_slice(&IMAGES.before[start..end]);
            }
            // A write that arrived elsewhere.
            _ => {
                let from = usize::from(*with) * SECTOR % image.len();
                let from = from..(from + sector.len()).min(image.len());
                image.copy_within(from, sector.start.min(at));
            }
        }
    }
    image
}

/// A sound file with rows of somebody who knows the format: a table's number, then key and value, each with its length.
fn with_rows(mut data: &[u8]) -> Vec<u8> {
    const TABLES: [&str; 16] = [
        "meta",
        "known",
        "retired",
        "records",
        "directory",
        "lost",
        "log",
        "have",
        "said",
        "base",
        "passed",
        "said_at_base",
        "sessions",
        "book",
        "floors",
        "other",
    ];
    let dir = directory();
    let file = dir.path().join(FILE);
    fs::write(&file, &IMAGES.last).expect("it can be written");
    let database = Database::create(&file).expect("it is sound");
    let write = database.begin_write().expect("it is sound");
    let mut take = || {
        let (length, rest) = data.split_first()?;
        let (taken, rest) = rest.split_at(rest.len().min(usize::from(*length)));
        data = rest;
        Some(taken)
    };
    while let (Some(table), Some(key), Some(value)) = (take(), take(), take()) {
        let table = TABLES[usize::from(table.first().copied().unwrap_or(0)) % TABLES.len()];
        let table: TableDefinition<&[u8], &[u8]> = TableDefinition::new(table);
        let mut table = write.open_table(table).expect("it is sound");
        table.insert(key, value).expect("it is sound");
    }
    write.commit().expect("it is sound");
    drop(database);
    fs::read(&file).expect("it is there")
}

/// What such a file opens with, and that what is saved then is there the next time; `None` if it is refused.
fn opened(image: &[u8]) -> Option<Durable> {
    let dir = directory();
    let file = dir.path().join(FILE);
    fs::write(&file, image).expect("it can be written");
    let seen = inspect(dir.path(), &layout());
    assert!(
        fs::read(&file).expect("it is there") == image,
        "looking changes nothing"
    );
    match Store::open(dir.path(), layout()) {
        Ok(mut store) => {
            let saved = store.saved();
            // A stranger's table is seen by who looks for it.
            let is_ours = matches!(&seen, Err(StoreError::Damaged { what, .. }) if what.contains("none of ours"));
            assert!(seen.is_ok() || is_ours, "opened, but seen as {seen:?}");
            let next = IMAGES.saved.first().expect("something was saved");
            store.put(next).expect("what opens can be saved to");
            drop(store);
            let store = Store::open(dir.path(), layout()).expect("what was saved opens");
            assert!(
                store.saved().as_ref() == Some(next),
                "what was saved is there"
            );
            Some(saved.expect("not opened as an empty disk"))
        }
        Err(error) => {
            let seen = seen.expect_err("refused, but seen as sound");
            let is_verdict = matches!(
                error,
                StoreError::Damaged { .. } | StoreError::Format { .. }
            );
            assert!(is_verdict, "{error}");
            assert_eq!(discriminant(&seen), discriminant(&error), "{seen}");
            None
        }
    }
}
