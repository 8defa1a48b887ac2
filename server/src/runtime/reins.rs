//! Who says when timers fire and when saves reach the disk: the node's own clock and disk. In a build with the feature `mutants`
//! it may be whoever holds its reins instead, and steers it through a path of the model's.

#[cfg(not(feature = "mutants"))]
pub(super) use loose::{Pull, Reins};
#[cfg(feature = "mutants")]
pub(super) use tight::Reins;
#[cfg(feature = "mutants")]
pub use tight::{Pull, Pulls, Taken};

/// Nobody holds them.
#[cfg(not(feature = "mutants"))]
mod loose {
    use std::future::pending;
    use std::marker::PhantomData;

    use stateright::actor::Actor;

    /// What nobody asks for.
    pub(in crate::runtime) enum Pull {}

    pub(in crate::runtime) struct Reins<N>(PhantomData<fn() -> N>);

    impl<N: Actor> Reins<N> {
        pub(in crate::runtime) fn loose() -> Self {
            Self(PhantomData)
        }

        pub(in crate::runtime) fn are_held(&self) -> bool {
            false
        }

        pub(in crate::runtime) async fn pulled(&mut self) -> Pull {
            pending().await
        }

        /// What goes to the disk of a save that was made.
        pub(in crate::runtime) fn saved(
            &mut self,
            number: u64,
            storage: N::Storage,
        ) -> Option<(u64, N::Storage)> {
            Some((number, storage))
        }
    }
}

/// Somebody may hold them.
#[cfg(feature = "mutants")]
mod tight {
    use std::collections::VecDeque;
    use std::future::pending;

    use regrow_model::port::Link;
    use stateright::actor::Actor;
    use tokio::sync::{mpsc, oneshot};

    use crate::runtime::Event;

    /// What whoever holds the reins has a node do.
    pub enum Pull<N: Actor> {
        /// A timer fires; the answer is whether it was set.
        Fire(N::Timer, oneshot::Sender<bool>),
        /// The oldest save that isn't on disk goes there; the answer is whether there was one.
        Sync(oneshot::Sender<bool>),
        /// What a client of 2018 has received, as its kernel says: so many lines.
        Receive(Link, u64),
        /// From now on saves go to the disk as they are made.
        LetGo,
        /// The state is changed, and is on disk.
        Alter(Change<N::State, N::Storage>),
    }

    /// Makes of a state another one, and what is saved of it.
    type Change<State, Storage> = Box<dyn FnOnce(&State) -> (State, Storage) + Send>;

    /// Where they come from.
    pub type Pulls<N> = mpsc::Receiver<Pull<N>>;

    /// How much of what has come over links a node has taken in.
    #[derive(Clone, Copy, Debug, Default)]
    pub struct Taken {
        /// Lines.
        pub lines: u64,
        /// Ends of links that it hadn't closed itself.
        pub downs: u64,
        /// Whether every save that was let to the disk is there.
        pub is_on_disk: bool,
    }

    pub(in crate::runtime) struct Reins<N: Actor> {
        pulls: Option<Pulls<N>>,
        saves: Option<Saves<N::Storage>>,
        pub(in crate::runtime) taken: Taken,
        /// The last save that was let to the disk.
        pub(in crate::runtime) let_out: u64,
    }

    /// Saves that wait to be let to the disk, oldest first.
    struct Saves<S> {
        on_disk: Option<S>,
        waiting: VecDeque<(u64, S)>,
    }

    impl<N: Actor<Storage: PartialEq>> Reins<N> {
        pub(in crate::runtime) fn loose() -> Self {
            Self {
                pulls: None,
                saves: None,
                taken: Taken::default(),
                let_out: 0,
            }
        }

        /// Timers fire when they are told to, and saves wait until they are.
        pub(in crate::runtime) fn held(pulls: Pulls<N>, on_disk: Option<N::Storage>) -> Self {
            let waiting = VecDeque::new();
            Self {
                pulls: Some(pulls),
                saves: Some(Saves { on_disk, waiting }),
                taken: Taken::default(),
                let_out: 0,
            }
        }

        pub(in crate::runtime) fn are_held(&self) -> bool {
            self.pulls.is_some()
        }

        /// Counts what is taken from the queue.
        pub(in crate::runtime) fn take(&mut self, event: &Event, hears: bool) {
            match event {
                Event::Line { .. } => self.taken.lines += 1,
                Event::Down { .. } => self.taken.downs += u64::from(hears),
                Event::Up { .. } | Event::Received { .. } | Event::Unreachable { .. } => {}
            }
        }

        pub(in crate::runtime) async fn pulled(&mut self) -> Pull<N> {
            match &mut self.pulls {
                Some(pulls) => match pulls.recv().await {
                    Some(pull) => pull,
                    // Who held them has gone: nothing fires any more.
                    None => pending().await,
                },
                None => pending().await,
            }
        }

        /// What goes to the disk of a save that was made. As in the model, one that changes nothing is as far as the one before.
        pub(in crate::runtime) fn saved(
            &mut self,
            number: u64,
            storage: N::Storage,
        ) -> Option<(u64, N::Storage)> {
            let Some(saves) = &mut self.saves else {
                self.let_out = number;
                return Some((number, storage));
            };
            match saves.waiting.back_mut() {
                Some((last, same)) if *same == storage => *last = number,
                None if saves.on_disk.as_ref() == Some(&storage) => {
                    self.let_out = number;
                    return Some((number, storage));
                }
                Some(_) | None => saves.waiting.push_back((number, storage)),
            }
            None
        }

        /// The oldest save that waits.
        pub(in crate::runtime) fn next_save(&mut self) -> Option<(u64, N::Storage)> {
            let saves = self.saves.as_mut()?;
            let (number, storage) = saves.waiting.pop_front()?;
            saves.on_disk = Some(storage.clone());
            Some((number, storage))
        }

        /// Holds no save back any more; those that wait go to the disk as the newest of them.
        pub(in crate::runtime) fn let_go(&mut self) -> Option<(u64, N::Storage)> {
            self.saves.take()?.waiting.pop_back()
        }
    }
}
