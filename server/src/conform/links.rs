//! Whether links keep their promises within one recording: each `Up` once and first, nothing after its `Down`, and what waits
//! for a save leaves after it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use regrow_model::message::Address;
use regrow_model::port::{End, Input, Link};

use super::breach::Breach;

/// The links of one start, and its dials.
#[derive(Default)]
pub(super) struct Links {
    links: BTreeMap<Link, Kept>,
    /// Every link that there ever was.
    used: BTreeSet<Link>,
    dials: BTreeMap<Address, usize>,
}

#[derive(Default)]
struct Kept {
    /// Whether something can still come over it.
    hears: bool,
    /// Whether what the node sends goes out.
    carries: bool,
    /// What was sent and hasn't gone out: so many lines that wait for this save.
    waiting: VecDeque<(u64, usize)>,
    /// How many went out.
    released: u64,
}

impl Links {
    /// Something happens.
    pub(super) fn hears<A>(&mut self, input: &Input<A>) -> Option<Breach> {
        match input {
            Input::Up { link, end } => self.up(*link, end),
            Input::Line { link, .. } => self.hearing(*link).err(),
            Input::Received { link, lines } => match self.hearing(*link) {
                Ok(kept) if *lines > kept.released => Some(Breach::ReceivedUnsent {
                    link: *link,
                    received: *lines,
                    released: kept.released,
                }),
                Ok(_) => None,
                Err(breach) => Some(breach),
            },
            Input::Down { link } => self.down(*link).err(),
            Input::Unreachable { address } => self.dialed(address),
            Input::Ask(_) => None,
        }
    }

    fn up(&mut self, link: Link, end: &End) -> Option<Breach> {
        let unasked = match end {
            End::Dialed(address) => self.dialed(address),
            End::Accepted => None,
        };
        let kept = Kept {
            hears: true,
            carries: true,
            ..Kept::default()
        };
        self.links.insert(link, kept);
        let is_new = self.used.insert(link);
        unasked.or_else(|| (!is_new).then_some(Breach::Again { link }))
    }

    fn hearing(&mut self, link: Link) -> Result<&mut Kept, Breach> {
        let kept = self.links.get_mut(&link).filter(|kept| kept.hears);
        kept.ok_or(Breach::NotUp { link })
    }

    fn down(&mut self, link: Link) -> Result<(), Breach> {
        let kept = self.hearing(link)?;
        kept.hears = false;
        kept.carries = false;
        self.forget(link);
        Ok(())
    }

    fn dialed(&mut self, address: &Address) -> Option<Breach> {
        match self.dials.get_mut(address) {
            Some(open) if *open > 0 => *open -= 1,
            Some(_) | None => {
                let address = address.clone();
                return Some(Breach::NotDialed { address });
            }
        }
        None
    }

    pub(super) fn dials(&mut self, address: &Address) {
        *self.dials.entry(address.clone()).or_default() += 1;
    }

    /// The node sends a line that waits for this save; whether it goes out at all.
    pub(super) fn sends(&mut self, link: Link, save: u64) -> bool {
        let Some(kept) = self.links.get_mut(&link).filter(|kept| kept.carries) else {
            return false;
        };
        match kept.waiting.back_mut() {
            Some((last, lines)) if *last >= save => *lines += 1,
            Some(_) | None => kept.waiting.push_back((save, 1)),
        }
        true
    }

    /// The node closes a link: it never hears of it again.
    pub(super) fn closes(&mut self, link: Link) {
        if let Some(kept) = self.links.get_mut(&link) {
            kept.hears = false;
            kept.carries = false;
            self.forget(link);
        }
    }

    /// Nothing more can go out on a link.
    fn forget(&mut self, link: Link) {
        let spent = |kept: &Kept| !kept.hears && !kept.carries && kept.waiting.is_empty();
        if self.links.get(&link).is_some_and(spent) {
            self.links.remove(&link);
        }
    }

    /// So many lines have gone out.
    pub(super) fn releases(
        &mut self,
        link: Link,
        mut lines: usize,
        durable: u64,
    ) -> Option<Breach> {
        let mut early = None;
        let unsent = Some(Breach::ReleasedUnsent { link });
        let Some(kept) = self.links.get_mut(&link) else {
            return unsent;
        };
        kept.released += lines as u64;
        while lines > 0 {
            let Some((save, waiting)) = kept.waiting.front_mut() else {
                return unsent;
            };
            if *save > durable {
                early = early.or(Some(Breach::SentBeforeSaved {
                    link,
                    save: *save,
                    durable,
                }));
            }
            let gone = lines.min(*waiting);
            *waiting -= gone;
            lines -= gone;
            if *waiting == 0 {
                kept.waiting.pop_front();
            }
        }
        self.forget(link);
        early
    }
}
