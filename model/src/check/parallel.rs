//! Jobs shared among threads, results in the order of the jobs: what comes out never depends on who did what.

use std::panic;
use std::sync::{Mutex, PoisonError};
use std::thread;

/// Does every job, on at most `threads` threads, and returns the results in the order of the jobs.
///
/// A panic of a job is the caller's panic.
pub(super) fn in_order<J: Send, R: Send>(
    threads: usize,
    jobs: Vec<J>,
    work: impl Fn(J) -> R + Sync,
) -> Vec<R> {
    let threads = threads.min(jobs.len());
    if threads <= 1 {
        return jobs.into_iter().map(work).collect();
    }
    let queue = Mutex::new(jobs.into_iter().enumerate());
    let worker = || {
        let mut done = Vec::new();
        loop {
            // The lock is held to take a job, not to do it.
            let job = queue.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some((index, job)) = job else { return done };
            done.push((index, work(job)));
        }
    };
    let mut results = thread::scope(|scope| {
        let hands: Vec<_> = (1..threads).map(|_| scope.spawn(worker)).collect();
        let mut results = worker();
        for hand in hands {
            match hand.join() {
                Ok(done) => results.extend(done),
                Err(panicked) => panic::resume_unwind(panicked),
            }
        }
        results
    });
    results.sort_unstable_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}
