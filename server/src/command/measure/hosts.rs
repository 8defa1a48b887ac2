//! What servers, and this process itself, take of this machine: processor time and memory, as Linux tells it. Elsewhere,
//! and of servers on other machines, nothing is known, and nothing is told.

use std::fs;

use rustix::time::{ClockId, clock_gettime};

/// The fields of `/proc/PID/stat` behind the command's name: user and system time, in ticks.
const UTIME: usize = 11;
const STIME: usize = 12;
/// What makes the kernel count the largest memory anew: the value that `/proc/PID/clear_refs` documents.
const RESET_PEAK: &str = "5";

/// Processes that are watched.
#[derive(Clone, Debug, Default)]
pub(in crate::command) struct Hosts {
    processes: Vec<u32>,
}

impl Hosts {
    /// These processes.
    pub(in crate::command) fn of(processes: Vec<u32>) -> Self {
        Self { processes }
    }

    /// How much processor time this process itself has taken, in seconds.
    pub(in crate::command) fn own_cpu_seconds() -> f64 {
        let taken = clock_gettime(ClockId::ProcessCPUTime);
        taken.tv_sec as f64 + taken.tv_nsec as f64 / 1e9
    }

    /// How much processor time they have taken, in seconds; one that has ended counts as nothing.
    pub(in crate::command) fn cpu_seconds(&self) -> Option<f64> {
        let all: Vec<f64> = self
            .processes
            .iter()
            .filter_map(|id| cpu_seconds(*id))
            .collect();
        (!all.is_empty()).then(|| all.iter().sum())
    }

    /// How much memory they have now, in bytes.
    pub(in crate::command) fn memory_bytes(&self) -> Option<u64> {
        self.status("VmRSS:")
    }

    /// The most memory that they had since [`Self::reset_peak`], in bytes.
    pub(in crate::command) fn peak_bytes(&self) -> Option<u64> {
        self.status("VmHWM:")
    }

    /// Begins to look for the most memory anew.
    pub(in crate::command) fn reset_peak(&self) {
        for id in &self.processes {
            // Where it isn't allowed, the peak is the process's whole life's.
            let _ = fs::write(format!("/proc/{id}/clear_refs"), RESET_PEAK);
        }
    }

    fn status(&self, field: &str) -> Option<u64> {
        let all = self
            .processes
            .iter()
            .filter_map(|id| status_bytes(*id, field));
        let all: Vec<u64> = all.collect();
        (!all.is_empty()).then(|| all.iter().sum())
    }
}

/// How much memory a process has now, in bytes, if it runs.
pub(in crate::command) fn memory_bytes(process: u32) -> Option<u64> {
    status_bytes(process, "VmRSS:")
}

fn cpu_seconds(process: u32) -> Option<f64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The command's name is in brackets, and may contain anything.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |field: usize| fields.get(field)?.parse::<f64>().ok();
    let per_second = rustix::param::clock_ticks_per_second();
    Some((ticks(UTIME)? + ticks(STIME)?) / per_second as f64)
}

fn status_bytes(process: u32, field: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib * 1024)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_memory_and_takes_time() {
        let own = Hosts::of(vec![std::process::id()]);
        let before = own.cpu_seconds().expect("Linux tells");
        while own.cpu_seconds() < Some(before + 0.02) {
            std::hint::black_box((0..10_000).sum::<u64>());
        }
        let memory = own.memory_bytes().expect("Linux tells");
        assert!(memory > 100_000 && own.peak_bytes() >= Some(memory));
    }

    #[test]
    fn both_ways_to_ask_for_this_process_agree() {
        let own = Hosts::of(vec![std::process::id()]);
        let (before, asked) = (
            Hosts::own_cpu_seconds(),
            own.cpu_seconds().expect("Linux tells"),
        );
        // The kernel's ticks are of 10 ms, of two kinds.
        assert!((asked - before).abs() < 0.05 + (Hosts::own_cpu_seconds() - before));
    }

    #[test]
    fn of_nobody_nothing_is_known() {
        assert_eq!(Hosts::default().cpu_seconds(), None);
        assert_eq!(Hosts::of(vec![u32::MAX]).memory_bytes(), None);
    }
}
