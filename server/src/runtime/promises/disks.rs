//! Disks that a test can hold back, or break.

use std::error::Error;
use std::sync::{Arc, Condvar, Mutex};

use crate::runtime::Disk;

/// A test's hold on a disk that saves when the test lets it.
#[derive(Default)]
pub(super) struct Gated(Arc<(Mutex<Gate>, Condvar)>);

/// That disk.
pub(super) struct GatedDisk(Arc<(Mutex<Gate>, Condvar)>);

#[derive(Default)]
struct Gate {
    open: bool,
    broken: bool,
    saved: Vec<u64>,
    failed: usize,
}

impl Gated {
    pub(super) fn disk(&self) -> GatedDisk {
        GatedDisk(self.0.clone())
    }

    pub(super) fn open(&self) {
        self.0.0.lock().unwrap().open = true;
        self.0.1.notify_all();
    }

    pub(super) fn set_broken(&self, broken: bool) {
        self.0.0.lock().unwrap().broken = broken;
    }

    pub(super) fn saved(&self) -> Vec<u64> {
        self.0.0.lock().unwrap().saved.clone()
    }

    pub(super) fn failed(&self) -> usize {
        self.0.0.lock().unwrap().failed
    }
}

impl Drop for Gated {
    /// A test that fails must not leave a runtime waiting for its disk.
    fn drop(&mut self) {
        self.open();
    }
}

impl Disk<u64> for GatedDisk {
    fn save(&mut self, value: &u64) -> Result<(), Box<dyn Error + Send + Sync>> {
        let gate = self.0.0.lock().unwrap();
        let mut gate = self.0.1.wait_while(gate, |gate| !gate.open).unwrap();
        if gate.broken {
            gate.failed += 1;
            return Err("no space left on device".into());
        }
        gate.saved.push(*value);
        Ok(())
    }
}
