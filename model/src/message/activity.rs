//! What a user says: a JSON object that passes through byte-faithful.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A JSON object, kept as it was written. Cloning shares it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Activity(Arc<str>);
