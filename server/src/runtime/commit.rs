//! Group commit: saves go to a thread of their own (`desk.rs`), which writes the newest one now and then. A save holds
//! all before it, so many inputs share one fsync and nothing queues.

use std::error::Error;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Instant, SystemTime};

use tokio::sync::watch;

use super::desk::{Desk, Signs};

/// Where saves go.
pub trait Disk<S>: Send {
    /// Replaces what was saved before; when it returns, the new value survives a crash of the machine, unless
    /// whoever made this disk has settled for less.
    ///
    /// # Errors
    /// When it may not be on disk. The caller tries again, with this value or a newer one, and meanwhile
    /// lets nothing out that depends on it.
    fn save(&mut self, storage: &S) -> Result<(), Box<dyn Error + Send + Sync>>;

    /// When [`Self::sync`] is to be called, if it was told to let saves return before they survive that crash.
    fn due(&self) -> Option<Instant> {
        None
    }

    /// Lets all saves that have returned survive a crash of the machine. Called when it is due, and at the end.
    ///
    /// # Errors
    /// When they may not. The caller tries again.
    fn sync(&mut self) -> Result<(), Box<dyn Error + Send + Sync>> {
        Ok(())
    }
}

/// A disk for an actor that need not remember: it keeps nothing.
pub struct Forgetful;

impl<S> Disk<S> for Forgetful {
    fn save(&mut self, _: &S) -> Result<(), Box<dyn Error + Send + Sync>> {
        Ok(())
    }
}

/// Whether saving works. While it doesn't, nothing that depends on a save leaves the process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DiskHealth {
    /// The last save succeeded, or there was none yet.
    Healthy,
    /// The last save failed; it is tried again until it succeeds.
    Failing {
        /// When the first of the failures in a row was seen.
        since: SystemTime,
        /// What the latest of them said: what is wrong, and what to do about it.
        error: String,
    },
}

/// Hands saves to the disk's thread and knows how far they have come. Saves are numbered 1, 2, 3, …
pub(super) struct Keeper<S> {
    desk: Arc<Desk<S>>,
    saved: u64,
    wanted: u64,
    durable: watch::Receiver<u64>,
    health: watch::Receiver<DiskHealth>,
    thread: Option<JoinHandle<()>>,
}

impl<S: Send + 'static> Keeper<S> {
    pub(super) fn new(disk: Box<dyn Disk<S>>) -> Self {
        let desk = Arc::new(Desk::new());
        let (progress, durable) = watch::channel(0);
        let (diagnosis, health) = watch::channel(DiskHealth::Healthy);
        let thread = {
            let (desk, signs) = (
                desk.clone(),
                Signs {
                    progress,
                    diagnosis,
                },
            );
            std::thread::Builder::new()
                .name("disk".to_owned())
                .spawn(move || desk.work(disk, &signs))
                .expect("the process may start a thread")
        };
        Self {
            desk,
            saved: 0,
            wanted: 0,
            durable,
            health,
            thread: Some(thread),
        }
    }

    /// The number of the next save.
    pub(super) fn number(&mut self) -> u64 {
        self.saved += 1;
        self.saved
    }

    /// Asks for the save of this number.
    pub(super) fn put(&mut self, number: u64, storage: S) {
        self.desk.put(number, storage);
    }

    /// Says that something waits for a save: it is not to take its time.
    pub(super) fn want(&mut self, number: u64) {
        if number > self.wanted {
            self.wanted = number;
            self.desk.want(number);
        }
    }

    /// Up to which save everything is on disk.
    pub(super) fn durable(&mut self) -> u64 {
        *self.durable.borrow_and_update()
    }

    /// Whether saving works, to be watched from elsewhere.
    pub(super) fn health(&self) -> watch::Receiver<DiskHealth> {
        self.health.clone()
    }

    /// How many saves aren't on disk yet.
    pub(super) fn unsaved(&self) -> u64 {
        self.saved - *self.durable.borrow()
    }

    /// Whether a save is on disk.
    #[cfg(feature = "mutants")]
    pub(super) fn is_durable(&self, number: u64) -> bool {
        *self.durable.borrow() >= number
    }

    /// Returns when more is on disk than at the last call of [`Self::durable`]. Cancel safe.
    ///
    /// # Panics
    /// When the disk has.
    pub(super) async fn advanced(&mut self) {
        let changed = self.durable.changed().await;
        // If it has failed, nothing will ever be on disk again: better no actor than one that waits for ever.
        changed.expect("the disk's thread ends only with the keeper");
    }

    /// Returns when all that was saved is on disk.
    pub(super) async fn settled(&mut self) {
        let saved = self.saved;
        self.want(saved);
        let _ = self.durable.wait_for(|durable| *durable >= saved).await;
    }
}

impl<S> Drop for Keeper<S> {
    /// Waits for the save in progress: nobody else may open the disk before.
    fn drop(&mut self) {
        self.desk.close();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_disk_is_told_of_the_newest_save_that_something_waits_for() {
        let mut keeper: Keeper<u64> = Keeper::new(Box::new(Forgetful));
        for (number, wanted) in [(3, 3), (2, 3), (4, 4)] {
            keeper.want(number);
            assert_eq!(keeper.desk.wanted(), wanted);
        }
    }
}
