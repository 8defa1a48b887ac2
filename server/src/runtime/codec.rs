//! Lines as bytes, each encoded once however many links it goes to.

use bytes::Bytes;
use regrow_model::message::Line;

/// How many different lines may alternate between receivers: our own clients' and the legacy clients'
/// form of one message, and a server's.
const FORMS: usize = 4;

/// Remembers the last lines that were encoded.
pub(super) struct Encoder {
    recent: [Option<(Line, Bytes)>; FORMS],
    oldest: usize,
}

impl Encoder {
    pub(super) fn new() -> Self {
        Self {
            recent: [const { None }; FORMS],
            oldest: 0,
        }
    }

    /// The line as it goes over the wire, its newline included; nothing if no wire carries it.
    ///
    /// Lines are compared as wholes, which is cheap: an activity that is shared is equal by its
    /// address, and different lines differ early.
    pub(super) fn encode(&mut self, line: Line) -> Option<Bytes> {
        let known = self.recent.iter().flatten().find(|(old, _)| *old == line);
        if let Some((_, bytes)) = known {
            return Some(bytes.clone());
        }
        let mut bytes = Vec::new();
        if let Err(error) = line.encode(&mut bytes) {
            tracing::error!(event = "not_sendable", %error, "an actor says what no wire carries");
            return None;
        }
        let bytes = Bytes::from(bytes);
        self.recent[self.oldest] = Some((line, bytes.clone()));
        self.oldest = (self.oldest + 1) % FORMS;
        Some(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use regrow_model::message::{Activity, Reply};

    fn broadcast(activity: &Activity) -> Line {
        Line::Reply(Reply::Broadcast {
            activity: activity.clone(),
            from: None,
        })
    }

    #[test]
    fn a_line_to_many_receivers_is_encoded_once() {
        let mut encoder = Encoder::new();
        let [one, other] = ["{\"n\":1}", "{\"n\":2}"].map(|text| Activity::parse(text).unwrap());
        let first = encoder.encode(broadcast(&one)).unwrap();
        let between = encoder.encode(broadcast(&other)).unwrap();
        let again = encoder.encode(broadcast(&one)).unwrap();
        assert_eq!(first.as_ptr(), again.as_ptr());
        assert_ne!(first, between);
    }
}
