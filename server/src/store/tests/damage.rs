//! What a disk or a crash can do to the file. Whatever it is, the store opens with all that was saved, or refuses
//! and says what to do; and looking at it comes to the same verdict.

use std::collections::BTreeSet;
use std::fs;
use std::mem::discriminant;
use std::path::PathBuf;

use tempfile::TempDir;

use super::{State, directory, schema};
use crate::store::engine::FILE;
use crate::store::{Store, StoreError, inspect};

/// How a disk writes: a torn write tears between two of these.
const SECTOR: usize = 512;

/// A state after so many saves.
fn state_after(saves: u64) -> State {
    let mut state = State {
        starts: saves,
        ..State::default()
    };
    for n in 0..saves {
        state.users.insert(format!("user{n}"), n);
        let cursor = [("stream".to_owned(), n)].into_iter().collect();
        state.cursors.insert(("aaron".to_owned(), n % 7), cursor);
    }
    state
}

/// A store's file after each of some saves, as a crash at that moment leaves it.
struct Images {
    dir: TempDir,
    store: Store<State>,
    saves: u64,
}

impl Images {
    fn new() -> Self {
        let dir = directory();
        let store = Store::open(dir.path(), schema()).unwrap();
        Self {
            dir,
            store,
            saves: 0,
        }
    }

    fn save(&mut self) -> Vec<u8> {
        self.saves += 1;
        self.store.put(&state_after(self.saves)).unwrap();
        fs::read(self.dir.path().join(FILE)).unwrap()
    }

    fn after(saves: u64) -> Vec<u8> {
        let mut images = Self::new();
        (1..saves).for_each(|_| drop(images.save()));
        images.save()
    }

    /// The same, closed as it should be.
    fn closed_after(saves: u64) -> Vec<u8> {
        let mut images = Self::new();
        (0..saves).for_each(|_| drop(images.save()));
        drop(images.store);
        fs::read(images.dir.path().join(FILE)).unwrap()
    }
}

fn put(image: &[u8]) -> (TempDir, PathBuf) {
    let dir = directory();
    let file = dir.path().join(FILE);
    fs::write(&file, image).unwrap();
    (dir, file)
}

/// What such a file opens with, and that what is saved then is there the next time; `None` if it is refused.
fn opened(image: &[u8], case: &str) -> Option<State> {
    let (dir, file) = put(image);
    let seen = inspect(dir.path(), &schema());
    assert!(
        fs::read(&file).unwrap() == image,
        "{case}: looking changes nothing"
    );
    match Store::open(dir.path(), schema()) {
        Ok(mut store) => {
            assert!(seen.is_ok(), "{case}: opened, but seen as {seen:?}");
            let saved = store.saved();
            let next = state_after(99);
            store.put(&next).unwrap_or_else(|e| panic!("{case}: {e}"));
            drop(store);
            let store = Store::open(dir.path(), schema()).unwrap_or_else(|e| panic!("{case}: {e}"));
            assert!(store.saved() == Some(next), "{case}");
            Some(saved.unwrap_or_else(|| panic!("{case}: opened as an empty disk")))
        }
        Err(error) => {
            let seen = seen.expect_err(case);
            assert!(
                matches!(
                    error,
                    StoreError::Damaged { .. } | StoreError::Format { .. }
                ),
                "{case}: {error}"
            );
            assert_eq!(discriminant(&seen), discriminant(&error), "{case}: {seen}");
            None
        }
    }
}

#[test]
fn a_file_that_was_cut_anywhere_is_refused_or_holds_what_was_saved() {
    for (kind, sound) in [
        ("crashed", Images::after(30)),
        ("closed", Images::closed_after(30)),
    ] {
        let pages = (0..sound.len()).step_by(4096);
        let odd = [1, 7, 63, 64, 511, 513, 4095, 4097, 9_999, sound.len() - 1];
        let lengths: BTreeSet<usize> = pages.chain(odd).collect();
        for length in lengths {
            let case = format!("{kind}, cut to {length}");
            if let Some(state) = opened(&sound[..length], &case) {
                assert!(state == state_after(30), "{case}");
            }
        }
    }
}

#[test]
fn a_byte_that_was_flipped_anywhere_is_refused_or_harmless() {
    let sound = Images::closed_after(30);
    for at in places(&sound) {
        let case = format!("flipped at {at}");
        if let Some(state) = opened(&flipped(&sound, at), &case) {
            assert!(state == state_after(30), "{case}");
        }
    }
}

/// What a crash leaves of a save that wasn't finished looks no different.
#[test]
fn a_byte_that_was_flipped_when_the_process_had_crashed_costs_its_last_save_at_most() {
    let sound = Images::after(30);
    for at in places(&sound) {
        let case = format!("flipped at {at}");
        if let Some(state) = opened(&flipped(&sound, at), &case) {
            let last_or_before = state == state_after(30) || state == state_after(29);
            assert!(last_or_before, "{case}");
        }
    }
}

/// Most of the engine's header, and every so many bytes of the rest.
fn places(image: &[u8]) -> impl Iterator<Item = usize> + use<> {
    (0..330).step_by(2).chain((330..image.len()).step_by(613))
}

fn flipped(sound: &[u8], at: usize) -> Vec<u8> {
    let mut damaged = sound.to_vec();
    damaged[at] ^= 1 << (at % 8);
    damaged
}

/// A crash of the machine while a save is written: any of its sectors are on disk, and any are not.
#[test]
fn a_save_that_was_torn_anywhere_is_there_or_the_one_before_it_is() {
    let mut images = Images::new();
    (0..20).for_each(|_| drop(images.save()));
    let mut before = images.save();
    let mut seed = 7_u64;
    for save in 22..40 {
        let after = images.save();
        before.resize(after.len().max(before.len()), 0);
        let sectors: Vec<usize> = (0..after.len())
            .step_by(SECTOR)
            .filter(|at| before[*at..*at + SECTOR] != after[*at..*at + SECTOR])
            .collect();
        for tear in 0..12 {
            let mut torn = before.clone();
            for (index, at) in sectors.iter().enumerate() {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let written = match tear {
                    0 => index < sectors.len() / 2,
                    1 => index >= sectors.len() / 2,
                    2 => index != 0,
                    3 => index == 0,
                    _ => seed >> 63 == 1,
                };
                if written {
                    torn[*at..*at + SECTOR].copy_from_slice(&after[*at..*at + SECTOR]);
                }
            }
            let case = format!("save {save}, tear {tear}");
            let state = opened(&torn, &case).unwrap_or_else(|| panic!("{case}: refused"));
            assert!(
                state == state_after(save - 1) || state == state_after(save),
                "{case}"
            );
        }
        before = after;
    }
}

#[test]
fn a_refusal_says_what_to_do() {
    let (dir, _) = put(&Images::after(3)[..8192]);
    let refused = Store::open(dir.path(), schema()).err().unwrap().to_string();
    assert!(refused.contains("is damaged"), "{refused}");
    assert!(refused.contains("Restore a copy"), "{refused}");
}
