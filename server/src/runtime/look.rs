//! Looking at a running actor: a short function on its state, run between two of its handlers.
//!
//! It can change nothing, and few can wait, so that nobody who looks delays the actor by more than what he does there.
//! Whatever is large is to be cloned (the actor's maps are persistent: a clone is free) and walked elsewhere.

use std::time::Duration;

use regrow_model::port::Link;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::links::Links;

/// How many looks may wait for the actor.
pub(super) const LOOKS: usize = 8;

/// A look that waits for the actor.
pub(super) type Glance<S> = Box<dyn FnOnce(&View<'_, S>) + Send>;

/// What can be seen of a running actor at one moment.
pub struct View<'a, S> {
    /// Its state.
    pub state: &'a S,
    /// How many of its saves aren't on disk yet.
    pub unsaved: u64,
    /// How many events wait for it.
    pub events: usize,
    /// How much of what has come over links it has taken in.
    #[cfg(feature = "mutants")]
    pub taken: super::Taken,
    pub(super) links: &'a Links,
}

/// What waits to be sent on a link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// Lines that nobody has begun to write.
    pub lines: usize,
    /// Bytes that aren't written yet, those that wait for the disk included.
    pub bytes: usize,
}

impl<S> View<'_, S> {
    /// What waits to be sent on a link, if there is that link.
    pub fn waiting(&self, link: Link) -> Option<Waiting> {
        self.links.waiting(link)
    }
}

/// Why a look has seen nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LookError {
    /// The actor is busy or stuck, or too many look already.
    #[error("the actor has not answered within {} ms", within.as_millis())]
    Late {
        /// How long it was waited for.
        within: Duration,
    },
    /// There is no actor any more.
    #[error("the actor has stopped")]
    Stopped,
}

/// A way to look at a running actor.
pub struct Looks<S>(mpsc::Sender<Glance<S>>);

impl<S> Clone for Looks<S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<S: 'static> Looks<S> {
    pub(super) fn new() -> (Self, mpsc::Receiver<Glance<S>>) {
        let (looks, asked) = mpsc::channel(LOOKS);
        (Self(looks), asked)
    }

    /// Runs a function on the actor's task and returns what it makes of what it sees.
    ///
    /// # Errors
    /// [`LookError`]; the function may run all the same, later.
    pub async fn at<R: Send + 'static>(
        &self,
        within: Duration,
        see: impl FnOnce(&View<'_, S>) -> R + Send + 'static,
    ) -> Result<R, LookError> {
        let (answer, seen) = oneshot::channel();
        let glance: Glance<S> = Box::new(move |view| {
            // Who has given up isn't kept busy, nor is the actor for him.
            if !answer.is_closed() {
                let _ = answer.send(see(view));
            }
        });
        let look = async {
            self.0.send(glance).await.map_err(|_| LookError::Stopped)?;
            seen.await.map_err(|_| LookError::Stopped)
        };
        timeout(within, look)
            .await
            .unwrap_or(Err(LookError::Late { within }))
    }
}
