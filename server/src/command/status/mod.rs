//! `regrow status`: what a server shows its operator over HTTP, as a table.

mod table;

use std::time::Duration;

use clap::Args;
use serde_json::Value;

use super::say::{Unsaid, print, say, visible};
use crate::http::status::Status;

/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest answer that is read.
const ANSWER_MAX_BYTES: u64 = 64 << 20;

/// Show how a server is: its tree, loads, links, floors, disk
///
/// The server must show its pages: `regrow serve --http 127.0.0.1:9780`.
#[derive(Args, Debug)]
pub struct Show {
    /// Where the server's pages are
    #[arg(value_name = "URL", default_value = "http://127.0.0.1:9780")]
    url: String,
    /// Print the JSON of /api/status instead
    #[arg(long)]
    json: bool,
}

/// Why there is nothing to show.
#[derive(Debug, thiserror::Error)]
pub enum StatusError {
    /// Nobody answers there.
    #[error("{url} doesn't answer: {source}. Does the server run, and with --http?")]
    Silent {
        /// Who was asked.
        url: String,
        /// What happened.
        source: Box<ureq::Error>,
    },
    /// The server can't say.
    #[error("{url} says {status}: {text}")]
    Unwell {
        /// Who was asked.
        url: String,
        /// What it says.
        status: u16,
        /// And why.
        text: String,
    },
    /// It is something else.
    #[error("{url} is no status of a regrow server of this version: {source}")]
    Nonsense {
        /// Who was asked.
        url: String,
        /// What makes no sense.
        source: serde_json::Error,
    },
    /// Nobody reads it.
    #[error("{0}")]
    Unsaid(#[from] Unsaid),
}

impl Show {
    /// Asks and prints.
    ///
    /// # Errors
    /// When the server doesn't answer, or not as it should.
    pub fn run(self) -> Result<(), StatusError> {
        let url = self.address();
        let text = ask(&url)?;
        let status: Result<Status, _> =
            serde_json::from_str(&text).and_then(|status| serde_json::from_value(shown(status)));
        let status = status.map_err(|source| StatusError::Nonsense { url, source })?;
        match self.json {
            true => say(text)?,
            false => print(table::of(&status))?,
        }
        Ok(())
    }

    /// Where to ask: `host:port` and a URL without the path will do.
    fn address(&self) -> String {
        let url = self.url.trim_end_matches('/');
        let url = if url.contains("://") {
            url.to_owned()
        } else {
            format!("http://{url}")
        };
        if url.ends_with("/api/status") {
            url
        } else {
            format!("{url}/api/status")
        }
    }
}

/// The same for a terminal: no name in it can do anything there.
fn shown(json: Value) -> Value {
    match json {
        Value::String(text) => visible(&text).into(),
        Value::Array(all) => all.into_iter().map(shown).collect(),
        Value::Object(all) => all
            .into_iter()
            .map(|(name, value)| (visible(&name), shown(value)))
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => json,
    }
}

/// What is there at an address.
///
/// # Errors
/// When nobody answers, or not as a server that is well.
pub(super) fn ask(url: &str) -> Result<String, StatusError> {
    let silent = |source: ureq::Error| StatusError::Silent {
        url: url.to_owned(),
        source: Box::new(source),
    };
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(PATIENCE))
        .http_status_as_error(false)
        .build()
        .into();
    let mut answer = agent.get(url).call().map_err(silent)?;
    let body = answer.body_mut().with_config().limit(ANSWER_MAX_BYTES);
    let text = body.read_to_string().map_err(silent)?;
    if !answer.status().is_success() {
        return Err(StatusError::Unwell {
            url: url.to_owned(),
            status: answer.status().as_u16(),
            text: text.trim_end().to_owned(),
        });
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_in_a_status_does_nothing_to_a_terminal() {
        let status = serde_json::json!({"a\u{1b}": ["b\u{7f}", {"c": "d\n", "e": 1}], "f": null});
        let safe = serde_json::json!({"a\\u{1b}": ["b\\u{7f}", {"c": "d\\n", "e": 1}], "f": null});
        assert_eq!(shown(status), safe);
    }

    #[test]
    fn an_address_may_be_short() {
        for url in [
            "127.0.0.1:9780",
            "http://127.0.0.1:9780/",
            "http://127.0.0.1:9780/api/status",
        ] {
            let url = url.to_owned();
            let address = Show { url, json: false }.address();
            assert_eq!(address, "http://127.0.0.1:9780/api/status");
        }
    }
}
