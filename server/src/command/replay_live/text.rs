//! What a path came to, for a person.

use super::play::{Became, Outcome, Played};

/// How much of a line is shown.
const LINE_SHOWN: usize = 160;
/// How much of a difference is shown.
const DIFFERENCE_SHOWN: usize = 1_000;

/// All of it.
pub(super) fn text(outcome: &Outcome) -> String {
    let mut text = format!("{}\n", outcome.title);
    match outcome.mutant {
        Some(mutant) => text.push_str(&format!("with real servers that break the rule {mutant}\n")),
        None => text.push_str("with real servers that keep every rule\n"),
    }
    let opening = outcome.opening;
    text.push_str(&format!("\n   0. {opening} steps lead to its beginning\n"));
    for (number, step) in (1..).zip(&outcome.steps) {
        text.push_str(&format!("{number:>4}. {}", told(step)));
    }
    if !outcome.settling.is_empty() {
        text.push_str("\nThen the protocol goes on alone:\n");
        for (number, step) in (outcome.steps.len() + 1..).zip(&outcome.settling) {
            text.push_str(&format!("{number:>4}. {}", told(step)));
        }
    }
    text.push('\n');
    text.push_str(&verdict(outcome));
    text
}

fn told(step: &Played) -> String {
    let mut text = format!("{}\n", step.what);
    if let Some(line) = &step.line {
        text.push_str(&format!(
            "        over the socket: {}\n",
            short(line, LINE_SHOWN)
        ));
    }
    match &step.became {
        Became::Agreed => {}
        Became::Impossible => text.push_str("        NOT TAKEN: these rules don't allow it\n"),

        Became::Unsteered(why) => text.push_str(&format!("        NOT STEERED: {why}\n")),
        Became::Differed(differences) => {
            for difference in differences {
                let difference = short(difference, DIFFERENCE_SHOWN);
                text.push_str(&format!("        DIFFERENT: {difference}\n"));
            }
        }
    }
    text
}

fn verdict(outcome: &Outcome) -> String {
    let (steered, all) = (outcome.steered(), outcome.steps.len());
    let mut text = format!("Steered {steered} of {all} steps");
    let settled = outcome.settling.len();
    if settled > 0 {
        text.push_str(&format!(", and {settled} after them"));
    }
    text.push_str(".\n");
    if !outcome.differences.is_empty() {
        text.push_str("The real servers did NOT do what the model's do:\n");
        for difference in &outcome.differences {
            text.push_str(&format!("  {}\n", short(difference, DIFFERENCE_SHOWN)));
        }
        return text;
    }
    text.push_str(
        "After each of them the real servers had said and knew what the model's had said and knew.\n",
    );
    for broken in &outcome.broken {
        let law = &broken.law;
        text.push_str(&match broken.after {
            Some(step) => {
                format!("\"{law}\" does NOT hold after step {step}, on real sockets.\n")
            }
            None => format!("\"{law}\" does NOT hold at the end, on real sockets.\n"),
        });
    }
    if outcome.broken.is_empty() {
        text.push_str(&format!(
            "Every law holds, \"{}\" too, and all has converged.\n",
            outcome.law
        ));
    }
    text
}

fn short(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
