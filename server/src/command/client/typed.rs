//! What the user types: something to say, or a word to the client itself.

use regrow_model::client::Ask;
use regrow_model::message::{Activity, Address, AddressError};
use serde_json::json;

/// The longest message that is sent: what a server takes by default, less what surrounds the message.
const MESSAGE_MAX_BYTES: usize = (1 << 20) - 4096;

/// What the words to the client are.
pub(super) const HELP: &str =
    "what you type is said to everyone: a JSON object as it is, other text as {\"text\": …}
  /move HOST:PORT   go to another server
  /logout           leave for good: nothing is kept for you
  /quit             leave; what comes is kept until you are back (as at the end of the input)
  //…               say something that begins with a slash";

/// A line, understood.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Typed {
    /// An empty line.
    Nothing,
    /// `/help`
    Help,
    /// Something for the client to do.
    Ask(Ask),
}

/// A line that was not understood.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Mistake {
    /// A slash and a word that is none of ours.
    #[error("there is no {0}; /help shows what there is")]
    Unknown(String),
    /// `/move` without a proper address.
    #[error("/move HOST:PORT: {0}")]
    Address(#[from] AddressError),
    /// No server would take it.
    #[error("not said: longer than {MESSAGE_MAX_BYTES} bytes")]
    TooLong,
}

impl Typed {
    /// Understands a line.
    pub(super) fn read(line: &str) -> Result<Self, Mistake> {
        let line = line.trim();
        if line.is_empty() {
            return Ok(Self::Nothing);
        }
        if let Some(escaped) = line.strip_prefix("//") {
            return say(&format!("/{escaped}"));
        }
        if !line.starts_with('/') {
            return say(line);
        }
        match line.split_once(char::is_whitespace).unwrap_or((line, "")) {
            ("/help", _) => Ok(Self::Help),
            ("/logout", _) => Ok(Self::Ask(Ask::Logout)),
            ("/quit", _) => Ok(Self::Ask(Ask::Quit)),
            ("/move", to) => {
                let to: Address = to.trim().parse()?;
                Ok(Self::Ask(Ask::Move { to }))
            }
            (word, _) => Err(Mistake::Unknown(word.to_owned())),
        }
    }
}

fn say(text: &str) -> Result<Typed, Mistake> {
    let activity = Activity::parse(text).unwrap_or_else(|_| {
        Activity::parse(&json!({ "text": text }).to_string()).expect("this is a JSON object")
    });
    if activity.as_str().len() > MESSAGE_MAX_BYTES {
        return Err(Mistake::TooLong);
    }
    Ok(Typed::Ask(Ask::Say(activity)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(line: &str) -> String {
        match Typed::read(line) {
            Ok(Typed::Ask(Ask::Say(activity))) => activity.to_string(),
            other => panic!("{line} is understood as {other:?}"),
        }
    }

    #[test]
    fn a_json_object_is_said_as_it_is() {
        assert_eq!(said(r#"{ "n": 1.0 }"#), r#"{ "n": 1.0 }"#);
    }

    #[test]
    fn other_text_is_said_as_a_text() {
        assert_eq!(said("hi"), r#"{"text":"hi"}"#);
        assert_eq!(said("{hi"), r#"{"text":"{hi"}"#);
        assert_eq!(said("[1]"), r#"{"text":"[1]"}"#);
        assert_eq!(said(r#"say "hi""#), r#"{"text":"say \"hi\""}"#);
    }

    #[test]
    fn a_slash_begins_a_word_to_the_client_and_two_say_one() {
        assert_eq!(Typed::read("/quit"), Ok(Typed::Ask(Ask::Quit)));
        assert_eq!(said("//quit"), r#"{"text":"/quit"}"#);
        assert_eq!(Typed::read("/fly"), Err(Mistake::Unknown("/fly".into())));
        assert_eq!(
            Typed::read("/move home"),
            Err(Mistake::Address(AddressError::NoPort))
        );
    }

    #[test]
    fn an_empty_line_says_nothing() {
        assert_eq!(Typed::read("  "), Ok(Typed::Nothing));
    }

    #[test]
    fn what_no_server_would_take_is_not_said() {
        let long = "x".repeat(1 << 20);
        assert_eq!(Typed::read(&long), Err(Mistake::TooLong));
    }
}
