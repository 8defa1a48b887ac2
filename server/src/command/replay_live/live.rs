//! The real servers, led through the model's steps one by one: after each, what can be seen of them must be what the model has.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use regrow_model::message::{Line, Request};
use regrow_model::node::Order;
use regrow_model::world::link::{Party, Phase};
use regrow_model::world::{Action, Event, Opening, State, World};
use tempfile::TempDir;
use tokio::time::Instant;

use super::bytes::{encoded, plain};
use super::glance::{Differences, PAUSE, connection, has_stopped};
use super::links::Bound;
use super::machine::{HESITATION, Machine, Place};
use super::wire::Wire;
use crate::steered::part::{Answer, Cue};

/// The servers, and what is between them.
pub(super) struct Live {
    file: PathBuf,
    mutant: Option<&'static str>,
    pub(super) wire: Wire,
    places: Vec<Place>,
    pub(super) machines: Vec<Option<Machine>>,
    /// What each link of the model is here.
    pub(super) links: BTreeMap<usize, Bound>,
    /// Whether saves wait until the model has them on disk.
    pub(super) holds_saves: bool,
    /// Dials that were refused.
    pub(super) refused: usize,
    /// Why the step that is being taken can't be.
    unsteered: Option<&'static str>,
    _home: TempDir,
}

impl Live {
    /// No server runs yet.
    pub(super) async fn new(
        world: &World,
        file: PathBuf,
        mutant: Option<&'static str>,
        logs: Option<&Path>,
    ) -> io::Result<Self> {
        let home = tempfile::tempdir()?;
        let servers = &world.setup().servers;
        let addresses: Vec<_> = servers.iter().map(|it| it.address.clone()).collect();
        let (wire, routes) = Wire::open(&addresses).await?;
        let places = routes.into_iter().zip(servers).enumerate();
        let places = places.map(|(index, (routes, config))| Place {
            data: home.path().join(format!("s{}", index + 1)),
            secret: plain(&config.secret),
            routes,
            log: logs.map(|logs| logs.join(format!("s{}.log", index + 1))),
        });
        Ok(Self {
            file,
            mutant,
            wire,
            places: places.collect(),
            machines: addresses.iter().map(|_| None).collect(),
            links: BTreeMap::new(),
            holds_saves: world.may_crash(&world.blank()),
            refused: 0,
            unsteered: None,
            _home: home,
        })
    }

    /// What a step of the opening asks for; then the servers are compared with the model's.
    pub(super) async fn open(
        &mut self,
        world: &World,
        opening: &Opening,
        (before, after): (&State, &State),
    ) -> io::Result<Differences> {
        match opening {
            Opening::Started(server) => {
                self.start(*server, after.servers[*server].starts - 1)
                    .await?;
            }
            Opening::Opened(_) => {}
            Opening::Took(action) => {
                let said = match self.said(before, action).await {
                    Ok(said) => said,
                    Err(difference) => return Ok(vec![difference]),
                };
                let missing = self.act(world, before, action, said.as_deref()).await?;
                if !missing.is_empty() {
                    return Ok(missing);
                }
            }
            Opening::Preset(server) => self.cue(*server, &Cue::Preset).await?,
            Opening::Stopped(server) => self.kill(*server).await?,
        }
        self.agree(world, (before, after), 0).await
    }

    /// The line that an action delivers, as a real server has said it; `None` if none does.
    pub(super) async fn said(
        &mut self,
        state: &State,
        action: &Action,
    ) -> Result<Option<Vec<u8>>, String> {
        let Action::Deliver { link, end } = action else {
            return Ok(None);
        };
        let connection = connection(state, *link);
        let from = connection.ends[1 - end].party;
        let Party::Server(_) = from else {
            return Ok(None);
        };
        let Some(number) = self.links.get(link).and_then(Bound::number) else {
            return Err(format!("link {link} isn't there"));
        };
        let until = Instant::now() + HESITATION;
        loop {
            if let Some(line) = self.wire.next(number, 1 - end) {
                return Ok(Some(line));
            }
            if Instant::now() > until {
                return Err(format!("{from} hasn't said it"));
            }
            self.wire.attend(PAUSE).await;
        }
    }

    /// Does what an action asks of the servers.
    pub(super) async fn act(
        &mut self,
        world: &World,
        state: &State,
        action: &Action,
        said: Option<&[u8]>,
    ) -> io::Result<Differences> {
        match action {
            Action::Deliver { link, end } => self.deliver(state, (*link, *end), said).await,
            Action::Timer { server, timer } => {
                let is_set = self.cue_once_there(*server, &Cue::Fire(*timer)).await?;
                let unset = format!("s{}'s {timer:?} timer isn't set", server + 1);
                Ok(if is_set { Vec::new() } else { vec![unset] })
            }
            Action::Sync { .. } if !self.holds_saves => Ok(Vec::new()),
            Action::Sync { server } => {
                let is_there = self.cue_once_there(*server, &Cue::Sync).await?;
                let none = format!("s{} has saved nothing", server + 1);
                Ok(if is_there { Vec::new() } else { vec![none] })
            }
            Action::Story
            | Action::Cut { .. }
            | Action::Heal
            | Action::Crash { .. }
            | Action::Restart { .. }
            | Action::LoseDisk { .. } => {
                if let Some(event) = world.event(state, action) {
                    self.befall(world, state, event).await?;
                }
                Ok(Vec::new())
            }
            Action::Down { link, end } => {
                let this = &connection(state, *link).ends[*end];
                if let Some(Bound::Visits(number, _)) = self.links.get(link) {
                    self.wire.close(*number, *end);
                }
                if let (Party::Server(server), Phase::Open) = (this.party, &this.phase)
                    && !has_stopped(state, server)
                {
                    self.machine(server)?.is_handed(0, 1);
                }
                Ok(Vec::new())
            }
            Action::Received { link } => {
                let connection = connection(state, *link);
                if let (Some(Bound::Visits(_, own)), Party::Server(server)) =
                    (self.links.get(link), connection.ends[1].party)
                {
                    let (link, lines) = (*own, connection.received.lines);
                    self.cue(server, &Cue::Receive { link, lines }).await?;
                }
                Ok(Vec::new())
            }
            // What our own clients do is in the model's next state, and what the network does to dials and links, too.
            Action::Up { .. }
            | Action::Unreachable { .. }
            | Action::ClientTimer { .. }
            | Action::Wish { .. }
            | Action::Register { .. }
            | Action::Return { .. }
            | Action::Leave { .. } => Ok(Vec::new()),
        }
    }

    /// Why the last step could not be taken here, if it couldn't.
    pub(super) fn unsteered(&mut self) -> Option<&'static str> {
        self.unsteered.take()
    }

    async fn deliver(
        &mut self,
        state: &State,
        (link, end): (usize, usize),
        said: Option<&[u8]>,
    ) -> io::Result<Differences> {
        let connection = connection(state, link);
        let Party::Server(server) = connection.ends[end].party else {
            return Ok(Vec::new());
        };
        if has_stopped(state, server) {
            self.unsteered = Some("its process has ended, and its kernel has closed what it held");
            return Ok(Vec::new());
        }
        let Some(number) = self.links.get(&link).and_then(Bound::number) else {
            return Ok(vec![format!("link {link} isn't there")]);
        };
        let own;
        let bytes = match (said, connection.ends[end].inbox.first()) {
            (Some(said), _) => said,
            (None, Some(line)) => {
                if let Line::Request(request) = &**line
                    && let Request::Register { at, .. } = &**request
                {
                    self.cue(server, &Cue::Clock(*at)).await?;
                }
                own = match encoded(line) {
                    Some(bytes) => bytes,
                    None => return Ok(vec!["no wire carries that".to_owned()]),
                };
                &own
            }
            (None, None) => return Ok(vec!["there is no such line".to_owned()]),
        };
        match self.wire.hand(number, end, bytes).await {
            Ok(()) => {
                self.machine(server)?.is_handed(1, 0);
                Ok(Vec::new())
            }
            Err(error) => Ok(vec![format!("s{} doesn't listen: {error}", server + 1)]),
        }
    }

    /// Something goes wrong, or is mended. Cuts and heals are in what passes and who is let through.
    async fn befall(&mut self, world: &World, state: &State, event: Event) -> io::Result<()> {
        match event {
            Event::Cut(_) | Event::Heal => Ok(()),
            Event::Crash(number) => self.kill(number - 1).await,
            Event::Restart(number) => {
                let server = number - 1;
                self.start(server, state.servers[server].starts).await
            }
            Event::Forget { at, server } => {
                let server = world.setup().servers[server - 1].name.clone();
                let order = Order::Forget { server };
                self.cue(at - 1, &Cue::Ask(order)).await
            }
            Event::Drain(number) => {
                let order = Order::Drain;
                self.cue(number - 1, &Cue::Ask(order)).await
            }
            // A server that runs doesn't err when told to.
            Event::Blurt { .. } => Err(io::ErrorKind::Unsupported.into()),
            Event::LoseDisk(number) => std::fs::remove_dir_all(&self.places[number - 1].data),
        }
    }

    async fn start(&mut self, server: usize, starts: usize) -> io::Result<()> {
        let place = &self.places[server];
        let mut machine = Machine::start(place, &self.file, self.mutant, (server, starts)).await?;
        if !self.holds_saves {
            machine.cue(&Cue::LetGo).await?;
        }
        self.machines[server] = Some(machine);
        Ok(())
    }

    async fn kill(&mut self, server: usize) -> io::Result<()> {
        match self.machines[server].take() {
            Some(machine) => machine.kill().await,
            None => Ok(()),
        }
    }

    pub(super) fn machine(&mut self, server: usize) -> io::Result<&mut Machine> {
        let machine = self.machines[server].as_mut();
        machine.ok_or_else(|| io::Error::other(format!("s{} doesn't run", server + 1)))
    }

    pub(super) async fn cue(&mut self, server: usize, cue: &Cue) -> io::Result<()> {
        match self.machine(server)?.cue(cue).await? {
            Answer::Done | Answer::NotThere | Answer::Seen { .. } => Ok(()),
            Answer::Failed(why) => Err(io::Error::other(why)),
        }
    }

    async fn cue_once_there(&mut self, server: usize, cue: &Cue) -> io::Result<bool> {
        self.machine(server)?.cue_once_there(cue).await
    }
}
