//! SIGHUP: certificates and limits are read again, everything else at the next start.

use std::sync::Arc;

use clap::{Args, Command};
use serde_json::{Map, Value};
use tokio::signal::unix::Signal;
use tokio::sync::watch;

use super::limits::LimitFlags;
use crate::command::{config, modern};
use crate::transport::{Certificates, Shared};

/// The limits that the actor keeps, which is told them when it starts.
const AT_START: [&str; 2] = ["max-log-messages", "max-log-bytes"];

/// What can be changed while a server runs.
pub(super) struct Reload {
    pub(super) certificates: Option<Arc<Certificates>>,
    pub(super) shared: Arc<Shared>,
    /// The settings that are shown.
    pub(super) settings: watch::Sender<Map<String, Value>>,
}

impl Reload {
    /// Reads again at each SIGHUP.
    pub(super) fn at_hangups(self, mut hangup: Signal) {
        tokio::spawn(async move {
            while hangup.recv().await.is_some() {
                self.certificates();
                self.limits();
            }
        });
    }

    fn certificates(&self) {
        let Some(certificates) = &self.certificates else {
            return;
        };
        match certificates.reload() {
            Ok(()) => {
                tracing::info!(event = "certificates_reloaded", "for new connections");
            }
            Err(error) => {
                tracing::error!(event = "certificates_kept", %error, "going on with the old ones");
            }
        }
    }

    fn limits(&self) {
        let flags = modern(std::env::args_os()).collect();
        match config::again(flags, |name| std::env::var_os(name)) {
            Ok(serve) => {
                self.shared.set_limits(serve.limits.limits());
                self.settings
                    .send_modify(|shown| take(shown, &serve.settings));
                tracing::info!(
                    event = "limits_reloaded",
                    "other settings count from the next start on"
                );
            }
            Err(error) => {
                // That of a command line ends with a hint at --help.
                let error = error.to_string();
                let error = error.lines().next().unwrap_or_default();
                tracing::error!(event = "limits_kept", %error, "going on with the old ones");
            }
        }
    }
}

/// Takes over those settings that have changed now.
fn take(shown: &mut Map<String, Value>, read: &Map<String, Value>) {
    let limits = LimitFlags::augment_args(Command::new("limits"));
    let names = limits.get_arguments().filter_map(|limit| limit.get_long());
    for name in names.filter(|name| !AT_START.contains(name)) {
        if let Some(value) = read.get(name) {
            shown.insert(name.to_owned(), value.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_limits_change_and_none_that_the_actor_keeps() {
        let settings = |value: Value| value.as_object().cloned().unwrap_or_default();
        let mut shown = settings(json!({"port": 1, "max-connections": 1, "max-log-messages": 1}));
        let read = settings(json!({"port": 2, "max-connections": 2, "max-log-messages": 2}));
        take(&mut shown, &read);
        let expected = settings(json!({"port": 1, "max-connections": 2, "max-log-messages": 1}));
        assert_eq!(shown, expected);
    }
}
