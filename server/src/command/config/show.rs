//! Settings as a file that `regrow serve --config` reads again, each with where it comes from.

use super::{Setting, literal};

/// Where the remarks begin.
const REMARK: usize = 40;

/// The settings as TOML. Secrets and what isn't set are remarks only.
pub(super) fn toml(settings: &[Setting]) -> String {
    let mut text = String::new();
    let mut heading = None;
    for setting in settings {
        if setting.heading != heading {
            heading.clone_from(&setting.heading);
            if let Some(heading) = &heading {
                text.push_str(&format!("\n# {heading}\n"));
            }
        }
        text.push_str(&line(setting));
        text.push('\n');
    }
    text
}

fn line(setting: &Setting) -> String {
    let (name, origin) = (&setting.key.name, &setting.origin);
    match setting.value() {
        None => format!("# {name} is not set"),
        Some(_) if setting.key.is_secret() => {
            format!("# {name} is hidden; it comes from: {origin}")
        }
        Some(value) => {
            let setting = format!("{name} = {}", literal(&value));
            format!("{setting:<REMARK$} # {origin}")
        }
    }
}
