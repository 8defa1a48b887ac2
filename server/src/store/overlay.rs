//! A file that is looked at and not changed: what the engine writes while it opens and repairs it goes to memory.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use redb::StorageBackend;

/// How much is kept at a time of what was written.
const BLOCK: usize = 4096;

/// A file, and in memory what it would have become.
#[derive(Debug)]
pub(super) struct Overlay {
    file: File,
    over: Mutex<Over>,
}

#[derive(Debug)]
struct Over {
    len: u64,
    /// Where the file itself ends, or was cut off by [`StorageBackend::set_len`]: beyond are zeroes.
    file_len: u64,
    blocks: BTreeMap<u64, Box<[u8; BLOCK]>>,
}

impl Overlay {
    pub(super) fn of(file: File) -> io::Result<Self> {
        let len = file.metadata()?.len();
        let over = Over {
            len,
            file_len: len,
            blocks: BTreeMap::new(),
        };
        Ok(Self {
            file,
            over: Mutex::new(over),
        })
    }

    fn over(&self) -> MutexGuard<'_, Over> {
        self.over.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Over {
    /// What a block holds now.
    fn block(&self, file: &File, number: u64) -> io::Result<Box<[u8; BLOCK]>> {
        if let Some(block) = self.blocks.get(&number) {
            return Ok(block.clone());
        }
        let mut block = Box::new([0; BLOCK]);
        let start = number * BLOCK as u64;
        let there = self.file_len.saturating_sub(start).min(BLOCK as u64);
        file.read_exact_at(&mut block[..there as usize], start)?;
        Ok(block)
    }
}

/// The parts of a range that lie in one block each: the block, where in it, and how far into the range.
fn parts(offset: u64, len: usize) -> impl Iterator<Item = (u64, std::ops::Range<usize>, usize)> {
    let mut done = 0;
    std::iter::from_fn(move || {
        if done == len {
            return None;
        }
        let at = offset + done as u64;
        let within = (at % BLOCK as u64) as usize;
        let size = (BLOCK - within).min(len - done);
        let part = (at / BLOCK as u64, within..within + size, done);
        done += size;
        Some(part)
    })
}

impl StorageBackend for Overlay {
    fn len(&self) -> io::Result<u64> {
        Ok(self.over().len)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let over = self.over();
        if offset + out.len() as u64 > over.len {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        for (number, within, done) in parts(offset, out.len()) {
            let block = over.block(&self.file, number)?;
            let size = within.len();
            out[done..done + size].copy_from_slice(&block[within]);
        }
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut over = self.over();
        over.len = len;
        over.file_len = over.file_len.min(len);
        over.blocks
            .retain(|number, _| number * (BLOCK as u64) < len);
        let within = (len % BLOCK as u64) as usize;
        if let Some(cut) = over.blocks.get_mut(&(len / BLOCK as u64)) {
            cut[within..].fill(0);
        }
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut over = self.over();
        for (number, within, done) in parts(offset, data.len()) {
            let mut block = over.block(&self.file, number)?;
            let size = within.len();
            block[within].copy_from_slice(&data[done..done + size]);
            over.blocks.insert(number, block);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn overlay(content: &[u8]) -> (Overlay, File) {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(content).unwrap();
        (Overlay::of(file.try_clone().unwrap()).unwrap(), file)
    }

    fn all(overlay: &Overlay) -> Vec<u8> {
        let mut out = vec![1; overlay.len().unwrap() as usize];
        overlay.read(0, &mut out).unwrap();
        out
    }

    #[test]
    fn what_is_written_is_read_again_and_the_file_stays_as_it_was() {
        let content: Vec<u8> = (0..10_000_u32).map(|n| n as u8).collect();
        let (overlay, file) = overlay(&content);
        overlay.write(4000, &[7; 5000]).unwrap();
        let mut wanted = content.clone();
        wanted[4000..9000].fill(7);
        assert_eq!(all(&overlay), wanted);
        let mut there = vec![0; content.len()];
        file.read_exact_at(&mut there, 0).unwrap();
        assert_eq!(there, content);
    }

    #[test]
    fn what_is_cut_off_and_made_long_again_is_zeroes() {
        for cut in [4096, 4100, 5005] {
            let (overlay, _) = overlay(&[9; 10_000]);
            overlay.write(5000, &[7; 10]).unwrap();
            overlay.set_len(cut).unwrap();
            overlay.set_len(9000).unwrap();
            let mut wanted = vec![0; 9000];
            wanted[..5000].fill(9);
            wanted[5000..5010].fill(7);
            wanted[cut as usize..].fill(0);
            assert_eq!(all(&overlay), wanted, "cut to {cut}");
        }
    }

    #[test]
    fn reading_past_the_end_is_an_error() {
        let (overlay, _) = overlay(&[9; 100]);
        assert!(overlay.read(90, &mut [0; 11]).is_err());
    }

    /// The same, in memory.
    struct Plain(Vec<u8>);

    impl Plain {
        fn write(&mut self, offset: usize, data: &[u8]) {
            self.0[offset..offset + data.len()].copy_from_slice(data);
        }

        fn set_len(&mut self, len: usize) {
            self.0.resize(len, 0);
        }
    }

    #[test]
    fn whatever_is_written_cut_and_made_long_it_is_what_a_file_would_be() {
        use rand::rngs::StdRng;
        use rand::{Rng, SeedableRng};

        let mut chance = StdRng::seed_from_u64(7);
        for _ in 0..200 {
            let content: Vec<u8> = (0..chance.random_range(0..5 * BLOCK))
                .map(|_| chance.random())
                .collect();
            let (overlay, _) = overlay(&content);
            let mut plain = Plain(content);
            // Where blocks begin and end is where it may go wrong.
            let near = |chance: &mut StdRng, most: usize| {
                let edge = BLOCK * chance.random_range(0..=most / BLOCK);
                let near = edge.saturating_add_signed(chance.random_range(-2..=2_i32) as isize);
                [near, chance.random_range(0..=most)][usize::from(chance.random_bool(0.5))]
                    .min(most)
            };
            for _ in 0..20 {
                if chance.random_bool(0.3) {
                    let len = near(&mut chance, 6 * BLOCK);
                    overlay.set_len(len as u64).unwrap();
                    plain.set_len(len);
                } else {
                    let whole = plain.0.len();
                    let (from, to) = (near(&mut chance, whole), near(&mut chance, whole));
                    let data = vec![chance.random(); from.abs_diff(to)];
                    overlay.write(from.min(to) as u64, &data).unwrap();
                    plain.write(from.min(to), &data);
                }
                assert_eq!(overlay.len().unwrap(), plain.0.len() as u64);
                assert!(all(&overlay) == plain.0);
                let whole = plain.0.len();
                let (from, to) = (near(&mut chance, whole), near(&mut chance, whole));
                let (from, to) = (from.min(to), from.max(to));
                let mut out = vec![1; to - from];
                overlay.read(from as u64, &mut out).unwrap();
                assert!(out == plain.0[from..to]);
                out.resize(whole - from + 1, 1);
                assert!(overlay.read(from as u64, &mut out).is_err());
            }
        }
    }

    #[test]
    fn what_was_cut_off_is_not_kept() {
        let (overlay, _) = overlay(&[9; 100]);
        overlay.set_len(8 * BLOCK as u64).unwrap();
        overlay.write(0, &[7; 8 * BLOCK]).unwrap();
        for (len, blocks) in [(5 * BLOCK, 5), (4 * BLOCK + 1, 5), (4 * BLOCK, 4), (0, 0)] {
            overlay.set_len(len as u64).unwrap();
            assert_eq!(overlay.over().blocks.len(), blocks, "cut to {len}");
        }
    }
}
