//! What must hold for every input, one function a target: run by the fuzzing engine over inputs that it makes up, and by an
//! ordinary test over those that are kept in `corpus/`. A violation is a panic. What each claims is in `docs/verification.md`.

mod config;
mod lines;
mod node;
mod store;

pub use config::config;
pub use lines::{client_lines, server_lines};
pub use node::node;
pub use store::{quiet, store};

/// What a target is: it takes an input, and returns if all is well.
pub type Target = fn(&[u8]);

/// Every target, by the name of its corpus.
pub const TARGETS: [(&str, Target); 5] = [
    ("client_lines", client_lines),
    ("config", config),
    ("node", node),
    ("server_lines", server_lines),
    ("store", store),
];
