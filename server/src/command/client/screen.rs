//! What the user sees: what is heard goes to standard output, everything about the client itself to standard error.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::io::{self, Write};

use regrow_model::client::{Ask, Declined, Told};
use regrow_model::message::{Activity, Address};

/// Whether the client goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Yes.
    GoOn,
    /// The user has left.
    Left,
    /// There is nothing more that it could do.
    Over,
}

/// Puts what the client tells into words, and counts what is safe.
pub(super) struct Screen {
    json: bool,
    legacy: bool,
    /// Whether the server acknowledges nothing.
    plain: bool,
    /// The servers that couldn't be reached since the last login: each is mentioned once.
    unreachable: BTreeSet<Address>,
    /// How much the user has said.
    said: u64,
    /// How much of it needs no more waiting for.
    safe: u64,
}

impl Screen {
    pub(super) fn new(json: bool, legacy: bool) -> Self {
        Self {
            json,
            legacy,
            plain: legacy,
            unreachable: BTreeSet::new(),
            said: 0,
            safe: 0,
        }
    }

    /// Says something about the client itself.
    pub(super) fn notice(&self, text: &str) {
        // Nobody to tell otherwise.
        let _ = writeln!(io::stderr(), "{}", printable(text));
    }

    /// The client is being asked for something.
    pub(super) fn on_ask(&mut self, ask: &Ask) {
        if let Ask::Say(_) = ask {
            self.said += 1;
            if self.plain {
                self.safe += 1;
            }
        }
    }

    /// Whether some server has everything that was said on its disk, as far as servers tell.
    pub(super) fn is_safe(&self) -> bool {
        self.safe >= self.said
    }

    /// The client tells something.
    pub(super) fn on_told(&mut self, told: &Told) -> Next {
        match told {
            Told::Heard { activity, .. } => return self.heard(activity),
            Told::Registered { username } => self.notice(&format!("{username} is registered")),
            Told::LoggedIn {
                username,
                at,
                resumes,
            } => {
                self.unreachable.clear();
                self.notice(&format!("logged in as {username} at {at}"));
                self.plain = !resumes;
                if self.plain {
                    self.safe = self.said;
                }
            }
            Told::Refused { info, unsaid } => {
                self.notice(&format!("refused: {info}"));
                match unsaid {
                    Some(unsaid) => return self.over(*unsaid),
                    None => self.notice("asking again"),
                }
            }
            Told::NameLost { info, unsaid } => {
                self.notice(&format!("the name is lost: {info}"));
                return self.over(*unsaid);
            }
            Told::Gap { missed, info, .. } => {
                self.notice(&format!("{missed} messages are missing: {info}"));
            }
            Told::Safe { acked, .. } => self.safe = self.safe.max(*acked),
            Told::Redirected { to } => self.notice(&format!("sent on to {to}")),
            Told::Disconnected { from, info } => {
                match info {
                    Some(info) => self.notice(&format!("{from} closes: {info}")),
                    None => self.notice(&format!("{from} is gone")),
                }
                return self.alone();
            }
            Told::Unreachable { address } => {
                if self.unreachable.insert(address.clone()) {
                    self.notice(&format!("cannot reach {address}"));
                }
                return self.alone();
            }
            Told::Left { unsaid } => {
                self.over(*unsaid);
                return Next::Left;
            }
            Told::Declined(why) => self.declined(*why),
        }
        Next::GoOn
    }

    fn heard(&self, activity: &Activity) -> Next {
        let text = if self.json {
            Cow::Borrowed(activity.as_str())
        } else {
            in_words(activity)
        };
        match writeln!(io::stdout(), "{text}") {
            Ok(()) => Next::GoOn,
            Err(_) => Next::Over, // nobody reads any more
        }
    }

    fn over(&self, unsaid: u64) -> Next {
        if unsaid > 0 && !self.is_safe() {
            self.notice(&format!("{unsaid} messages may not have reached everyone"));
        }
        Next::Over
    }

    /// A legacy client doesn't come back by itself.
    fn alone(&self) -> Next {
        if self.legacy { Next::Over } else { Next::GoOn }
    }

    fn declined(&mut self, why: Declined) {
        match why {
            Declined::AlreadySomebody => self.notice("log out first"),
            Declined::Nobody | Declined::NotLoggedIn => {
                self.said = self.said.saturating_sub(1);
                self.safe = self.safe.min(self.said);
                self.notice("not said: not logged in yet");
            }
            Declined::TooMuchKept => {
                self.said = self.said.saturating_sub(1);
                self.notice("not said: too much is waiting to reach everyone");
            }
        }
    }
}

/// `aaron: hi` for what is a text and nothing else; otherwise the object.
fn in_words(activity: &Activity) -> Cow<'_, str> {
    let object: Option<serde_json::Map<String, serde_json::Value>> =
        serde_json::from_str(activity.as_str()).ok();
    let fields = object.as_ref().map(|object| {
        let field = |name| object.get(name).and_then(serde_json::Value::as_str);
        (object.len(), field("authenticated_user"), field("text"))
    });
    match fields {
        Some((2, Some(user), Some(text))) => {
            Cow::Owned(printable(&format!("{user}: {text}")).into_owned())
        }
        Some(_) | None => printable(activity.as_str()),
    }
}

/// Nobody else may move this terminal's cursor, or begin a line on it.
fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains(char::is_control) {
        return Cow::Borrowed(text);
    }
    let shown = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    Cow::Owned(text.chars().map(shown).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(activity: &str) -> String {
        in_words(&activity.parse().unwrap()).into_owned()
    }

    #[test]
    fn a_text_is_shown_as_speech_and_anything_else_as_it_came() {
        let speech = r#"{"text":"hi","authenticated_user":"aaron"}"#;
        assert_eq!(words(speech), "aaron: hi");
        let more = r#"{"text":"hi","mood":1,"authenticated_user":"aaron"}"#;
        assert_eq!(words(more), more);
    }

    #[test]
    fn what_others_say_does_not_steer_the_terminal() {
        let hostile = r#"{"text":"\u001b[2Jgone","authenticated_user":"x"}"#;
        assert_eq!(words(hostile), "x: \u{fffd}[2Jgone");
    }

    #[test]
    fn everything_is_safe_once_as_much_is_acknowledged_as_was_said() {
        let mut screen = Screen::new(false, false);
        assert!(screen.is_safe());
        screen.on_ask(&Ask::Say("{}".parse().unwrap()));
        assert!(!screen.is_safe());
        let (acked, stable) = (1, 0);
        assert_eq!(screen.on_told(&Told::Safe { acked, stable }), Next::GoOn);
        assert!(screen.is_safe());
    }

    #[test]
    fn a_legacy_client_ends_with_its_connection() {
        let from: Address = "localhost:3780".parse().unwrap();
        let lost = Told::Disconnected { from, info: None };
        assert_eq!(Screen::new(false, true).on_told(&lost), Next::Over);
        assert_eq!(Screen::new(false, false).on_told(&lost), Next::GoOn);
    }
}
