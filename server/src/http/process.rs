//! What the system says about this process, under the names that Prometheus has for it. On systems without
//! `/proc` there is nothing to say.

use std::fs;

/// What the system says.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Process {
    /// User and system time.
    pub(super) cpu_seconds: f64,
    /// Memory that is in use.
    pub(super) resident_bytes: u64,
    /// Descriptors that are in use.
    pub(super) open_fds: u64,
}

/// Asks the system.
pub(super) fn now() -> Option<Process> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let fds = fs::read_dir("/proc/self/fd").ok()?;
    let (cpu_ticks, pages) = read(&stat)?;
    let ticks_per_second = rustix::param::clock_ticks_per_second();
    let page_bytes = rustix::param::page_size();
    Some(Process {
        cpu_seconds: cpu_ticks as f64 / ticks_per_second as f64,
        resident_bytes: pages * page_bytes as u64,
        open_fds: fds.count() as u64,
    })
}

/// CPU time in ticks and resident memory in pages, of a line of `proc_pid_stat(5)`. The second field may have blanks and
/// parentheses in it: fields are counted from its end.
fn read(stat: &str) -> Option<(u64, u64)> {
    let (_, rest) = stat.rsplit_once(") ")?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    // The third field is the first one here; utime is the 14th, stime the 15th, rss the 24th.
    let field = |nth: usize| fields.get(nth - 3)?.parse::<u64>().ok();
    Some((field(14)? + field(15)?, field(24)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_blanks_and_parentheses_moves_no_field() {
        let stat =
            "1 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 30 12 0 0 20 0 1 0 99 1000 25 18446744073709551615";
        assert_eq!(read(stat), Some((42, 25)));
        assert_eq!(read("1 (a)"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_uses_memory_and_descriptors() {
        let process = now().expect("there is /proc");
        assert!(process.resident_bytes > 1 << 16, "{process:?}");
        assert!(process.open_fds > 2, "{process:?}");
    }
}
