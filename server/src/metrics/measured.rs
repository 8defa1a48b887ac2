//! A disk that counts what it does.

use std::error::Error;
use std::time::Instant;

use prometheus_client::metrics::histogram::Histogram;

use super::Disk as Counts;
use crate::runtime::Disk;

/// A disk, and where its saves are counted.
pub struct Measured<S> {
    disk: Box<dyn Disk<S>>,
    counts: Counts,
}

/// What a disk answers.
type Answer = Result<(), Box<dyn Error + Send + Sync>>;

impl<S> Measured<S> {
    /// A disk whose saves are counted there.
    pub fn new(disk: Box<dyn Disk<S>>, counts: Counts) -> Self {
        Self { disk, counts }
    }

    fn count(&self, answer: &Answer, begun: Instant, seconds: &Histogram) {
        self.counts.failing.set(answer.is_err().into());
        match answer {
            Ok(()) => seconds.observe(begun.elapsed().as_secs_f64()),
            Err(_) => {
                self.counts.failures.inc();
            }
        }
    }
}

impl<S> Disk<S> for Measured<S> {
    fn save(&mut self, storage: &S) -> Answer {
        let begun = Instant::now();
        let answer = self.disk.save(storage);
        self.count(&answer, begun, &self.counts.save_seconds);
        answer
    }

    fn due(&self) -> Option<std::time::Instant> {
        self.disk.due()
    }

    fn sync(&mut self) -> Answer {
        let begun = Instant::now();
        let answer = self.disk.sync();
        self.count(&answer, begun, &self.counts.sync_seconds);
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Metrics;

    /// A disk that is full, and says when it wants to be synced.
    struct Full(Instant);

    impl Disk<u64> for Full {
        fn save(&mut self, _: &u64) -> Answer {
            Err("no space left".into())
        }

        fn due(&self) -> Option<Instant> {
            Some(self.0)
        }

        fn sync(&mut self) -> Answer {
            Ok(())
        }
    }

    #[test]
    fn a_disk_that_is_measured_behaves_as_it_is_and_its_failures_are_counted() {
        let (metrics, now) = (Metrics::new(), Instant::now());
        let mut disk = Measured::new(Box::new(Full(now)), metrics.disk.clone());
        assert_eq!(disk.due(), Some(now));
        assert!(disk.save(&1).is_err());
        assert_eq!(metrics.disk.failures.get(), 1);
        assert_eq!(metrics.disk.failing.get(), 1);
        assert!(disk.sync().is_ok());
        assert_eq!(metrics.disk.failing.get(), 0);
    }
}
