//! What recordings came to, for a person.

use std::fmt::Write;

use crate::command::say::{Unsaid, print as say, visible};
use crate::conform::{Finding, Report, Server, Start};
use crate::record::Ending;

/// Prints it.
pub(super) fn print(report: &Report) -> Result<(), Unsaid> {
    let mut text = String::new();
    report.servers.iter().for_each(|one| server(one, &mut text));
    let compared = &report.compared;
    let held = report.properties.iter().filter(|(_, holds)| *holds).count();
    // Text takes all.
    let _ = writeln!(
        text,
        "between servers: {} links with both ends recorded, {} lines received as they were sent",
        compared.links, compared.lines
    );
    match report.properties.len() {
        0 => text.push_str(
            "properties: not looked at, for not all recordings could be followed to their ends\n",
        ),
        all => _ = writeln!(text, "properties: {held} of {all} hold in the end"),
    }
    for finding in &report.findings {
        let _ = writeln!(text, "{}{}", place(finding), finding.breach);
    }
    if report.untold > 0 {
        let _ = writeln!(text, "and {} more of these", report.untold);
    }
    text.push_str(match report.is_good() {
        true => "All of it is as it must be.\n",
        false => "NOT as it must be.\n",
    });
    say(text)
}

fn server(server: &Server, text: &mut String) {
    let _ = writeln!(
        text,
        "{} ({})",
        visible(&server.name),
        server.directory.display()
    );
    for start in &server.starts {
        let Start {
            number,
            steps,
            checkpoints,
            ending,
        } = start;
        let ending = match ending {
            Ending::Stopped => "stopped",
            Ending::Abandoned => "the recording was given up",
            Ending::Open => "killed, or it runs still",
            Ending::Torn => "killed in the middle of a write, which is left out",
        };
        let _ = writeln!(
            text,
            "  start {number}: {steps} steps run again, {checkpoints} digests of the state compared; {ending}"
        );
    }
}

/// Where something was found.
fn place(finding: &Finding) -> String {
    let mut place = String::new();
    if let Some(server) = &finding.server {
        place.push_str(&visible(server));
    }
    if let Some(start) = finding.start {
        let _ = write!(place, ", start {start}");
    }
    if let Some(step) = finding.step {
        let _ = write!(place, ", step {step}");
    }
    match place.is_empty() {
        true => place,
        false => place + ": ",
    }
}
