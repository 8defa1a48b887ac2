//! The model's lines as bytes.

use regrow_model::message::client::Secret;
use regrow_model::message::{Line, Request};

/// What nobody understands.
const NONSENSE: &[u8] = b"}\n";

/// A line as it is on a wire: in the model a client's secret is hashed already, and a hash is its own secret here.
pub(super) fn encoded(line: &Line) -> Option<Vec<u8>> {
    let mut line = line.clone();
    if let Line::Request(request) = &mut line {
        match &mut **request {
            Request::Register { secret, .. } => *secret = Secret::Plain(plain(secret).into()),
            Request::Login { secret, .. } | Request::Activity { secret, .. } => {
                if let Some(secret) = secret {
                    *secret = Secret::Plain(plain(secret).into());
                }
            }
            Request::Logout | Request::Got { .. } | Request::Invalid { .. } => {}
        }
    }
    let mut bytes = Vec::new();
    match line {
        // What is no message has no one form.
        Line::Malformed(_) => bytes.extend_from_slice(NONSENSE),
        Line::Request(_) | Line::Reply(_) | Line::Peer(_) => line.encode(&mut bytes).ok()?,
    }
    Some(bytes)
}

/// A secret, as its user types it.
pub(super) fn plain(secret: &Secret) -> String {
    match secret {
        Secret::Plain(text) => text.to_string(),
        Secret::Hashed(hash) => hash.to_string(),
    }
}
