//! Which node is run: the protocol's own. A build with the feature `mutants` can also run one that breaks a rule, or one that
//! is steered through a path of the model's.

use rand::Rng;
use regrow_model::node::{Boot, Config, Node, Order, Report, State};
use tokio::sync::mpsc;

use super::{Serve, ServeError};
use crate::clock::now;
use crate::runtime::{Event, Handle, Setup};

#[cfg(feature = "mutants")]
use super::broken::Control;

/// A node that is about to run, and what it was told.
pub(super) struct Cast {
    pub(super) config: Config,
    pub(super) boot: Boot,
    pub(super) node: Node,
    #[cfg(feature = "mutants")]
    pub(super) control: Option<Control>,
}

impl Serve {
    /// The node that these settings ask for.
    #[cfg(not(feature = "mutants"))]
    pub(super) fn cast(&self, port: u16) -> Result<Cast, ServeError> {
        let (config, boot) = (self.config(port)?, boot());
        let node = Node::new(config.clone(), boot);
        Ok(Cast { config, boot, node })
    }

    /// The node that these settings ask for.
    #[cfg(feature = "mutants")]
    pub(super) fn cast(&self, port: u16) -> Result<Cast, ServeError> {
        let (config, boot) = (self.config(port)?, boot());
        if let Some(control) = self.broken.control()? {
            return Ok(control.cast()?);
        }
        let node = match self.broken.mutant()? {
            Some(mutant) => {
                tracing::warn!(
                    event = "broken",
                    mutant = mutant.name,
                    "a rule is broken on purpose"
                );
                mutant.node(config.clone(), boot)
            }
            None => Node::new(config.clone(), boot),
        };
        Ok(Cast {
            config,
            boot,
            node,
            control: None,
        })
    }
}

/// This start.
fn boot() -> Boot {
    Boot {
        now: now(),
        nonce: rand::rng().random(),
    }
}

/// Starts a node.
pub(super) fn run(
    setup: Setup<Node, Order, Report>,
    events: mpsc::Receiver<Event>,
    #[cfg(feature = "mutants")] control: Option<Control>,
) -> Handle<Order, State> {
    #[cfg(feature = "mutants")]
    if let Some(control) = control {
        return control.run(setup, events);
    }
    setup.spawn(events)
}
