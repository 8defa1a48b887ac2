//! What the servers' recordings show.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::outcome::Conformed;
use crate::command::meanwhile::Meanwhile;
use crate::conform::{ConformError, Question, conform};
use crate::record::Ending;

/// How many findings are told.
const FINDINGS_MAX: usize = 20;

/// Compares the recordings of a cluster that had come to rest.
///
/// # Errors
/// When they aren't understood.
pub(super) fn compare(directories: &[PathBuf]) -> Result<Conformed, ConformError> {
    let mut line = Meanwhile::new(Duration::from_secs(1), Duration::from_secs(10));
    let question = Question {
        is_settled: true,
        told: 0,
    };
    let report = conform(directories, question, |progress| {
        if line.is_due().is_some() {
            let percent = progress.read * 100 / progress.len.max(1);
            let directory = progress.directory.display();
            line.say(format!(
                "torture: conform, {directory}, start {}: {percent} %",
                progress.start
            ));
        }
    });
    line.finish();
    let report = report?;
    let starts = || report.servers.iter().flat_map(|server| &server.starts);
    let found = report.findings.iter().take(FINDINGS_MAX).map(|finding| {
        let server = finding.server.as_deref().unwrap_or("all servers");
        let place = |what: &str, number: Option<u64>| {
            number.map_or_else(String::new, |number| format!(", {what} {number}"))
        };
        let (start, step) = (place("start", finding.start), place("step", finding.step));
        format!("{server}{start}{step}: {}", finding.breach)
    });
    let mut findings: Vec<String> = found.collect();
    let untold = report.untold + report.findings.len().saturating_sub(FINDINGS_MAX) as u64;
    if untold > 0 {
        findings.push(format!("and {untold} more"));
    }
    Ok(Conformed {
        starts: starts().count() as u64,
        steps: starts().map(|start| start.steps).sum(),
        lines: report.compared.lines,
        bytes: directories.iter().filter_map(|one| size(one).ok()).sum(),
        abandoned: starts()
            .filter(|start| start.ending == Ending::Abandoned)
            .count() as u64,
        findings,
    })
}

/// How large the files of a directory are.
fn size(directory: &Path) -> io::Result<u64> {
    let files = std::fs::read_dir(directory)?;
    let sizes = files.map(|file| Ok(file?.metadata()?.len()));
    sizes.sum()
}
