//! The real servers, led through the model's steps one by one: after each, what can be seen of them must be what the model has.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use regrow_model::message::client::Secret;
use regrow_model::message::{Line, Request};
use regrow_model::node::{self, Order};
use regrow_model::world::link::{Connection, Party, Phase};
use regrow_model::world::{Action, Event, Opening, State, World};
use tempfile::TempDir;
use tokio::time::Instant;

use super::machine::{HESITATION, Machine, Place};
use super::wire::{Knock, Wire};
use crate::steered::part::{Answer, Cue, Seen};

/// Between two looks whether all is as it should be.
const PAUSE: Duration = Duration::from_millis(3);

/// What nobody understands.
const NONSENSE: &[u8] = b"}\n";

/// The servers, and what is between them.
pub(super) struct Live {
    file: PathBuf,
    mutant: Option<&'static str>,
    wire: Wire,
    places: Vec<Place>,
    machines: Vec<Option<Machine>>,
    /// What each link of the model is here.
    links: BTreeMap<usize, Bound>,
    /// Whether saves wait until the model has them on disk.
    holds_saves: bool,
    /// Dials that were refused.
    refused: usize,
    /// Why the step that is being taken can't be.
    unsteered: Option<&'static str>,
    _home: TempDir,
}

/// What a link of the model is here.
enum Bound {
    /// A dial that the model hasn't answered.
    Waits(Knock),
    /// A connection.
    Stands(u64),
    /// A client's connection, and what its server calls it.
    Visits(u64, u64),
}

impl Bound {
    /// The connection, if there is one.
    fn number(&self) -> Option<u64> {
        match self {
            Self::Waits(_) => None,
            Self::Stands(number) | Self::Visits(number, _) => Some(*number),
        }
    }
}

/// What real servers did otherwise than the model's.
pub(super) type Differences = Vec<String>;

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

    fn machine(&mut self, server: usize) -> io::Result<&mut Machine> {
        let machine = self.machines[server].as_mut();
        machine.ok_or_else(|| io::Error::other(format!("s{} doesn't run", server + 1)))
    }

    async fn cue(&mut self, server: usize, cue: &Cue) -> io::Result<()> {
        match self.machine(server)?.cue(cue).await? {
            Answer::Done | Answer::NotThere | Answer::Seen { .. } => Ok(()),
            Answer::Failed(why) => Err(io::Error::other(why)),
        }
    }

    async fn cue_once_there(&mut self, server: usize, cue: &Cue) -> io::Result<bool> {
        self.machine(server)?.cue_once_there(cue).await
    }

    /// Waits until the servers are as the model's after a step, of which so many dials fail.
    pub(super) async fn agree(
        &mut self,
        world: &World,
        (before, after): (&State, &State),
        refusals: usize,
    ) -> io::Result<Differences> {
        if self.holds_saves && !world.may_crash(after) {
            self.holds_saves = false;
            for server in 0..self.machines.len() {
                if self.machines[server].is_some() && !has_stopped(after, server) {
                    self.cue(server, &Cue::LetGo).await?;
                }
            }
        }
        let (refused, until) = (self.refused, Instant::now() + HESITATION);
        self.let_go(after);
        loop {
            self.reach(after).await?;
            self.answer(world, after).await?;
            let mut differences = self.unsaid(after);
            if self.refused - refused < refusals {
                differences.push("somebody dials in vain, but not here".to_owned());
            }
            if differences.is_empty() {
                differences = self.unlike(before, after).await?;
            }
            if differences.is_empty() || Instant::now() > until {
                return Ok(differences);
            }
            self.wire.attend(PAUSE).await;
        }
    }

    /// Ends that the model knows to be gone hear no more.
    fn let_go(&mut self, after: &State) {
        let links = std::mem::take(&mut self.links);
        for (link, bound) in links {
            let connection = after.links.get(link).and_then(Option::as_deref);
            match (bound.number(), connection) {
                // What a server says before it closes has still to come: its client's end closes when the model says so.
                (Some(_), Some(_)) if matches!(bound, Bound::Visits(..)) => {
                    self.links.insert(link, bound);
                }
                (Some(number), Some(connection)) => {
                    for (end, this) in connection.ends.iter().enumerate() {
                        if this.phase == Phase::Gone {
                            self.wire.close(number, end);
                        }
                    }
                    self.links.insert(link, bound);
                }
                (None, Some(_)) => _ = self.links.insert(link, bound),
                (Some(number), None) => self.wire.forget(number),
                (None, None) => self.refused += 1,
            }
        }
    }

    /// Our own clients' new connections.
    async fn reach(&mut self, after: &State) -> io::Result<()> {
        for (link, connection) in connections(after) {
            let is_own = !matches!(connection.ends[0].party, Party::Server(_));
            let is_dialing = matches!(connection.ends[0].phase, Phase::Dialing(_));
            if let (true, false, Party::Server(server)) =
                (is_own, is_dialing, connection.ends[1].party)
                && !self.links.contains_key(&link)
                && let Some(machine) = &mut self.machines[server]
            {
                let before = machine.links().await?;
                let number = self.wire.visit(machine.port).await?;
                let own = machine.new_link(&before).await?;
                self.links.insert(link, Bound::Visits(number, own));
            }
        }
        Ok(())
    }

    /// Lets those through who dial and reach somebody in the model, and turns away those who dial in vain.
    async fn answer(&mut self, world: &World, after: &State) -> io::Result<()> {
        for knock in std::mem::take(&mut self.wire.knocks) {
            let pair = [Party::Server(knock.dialer), Party::Server(knock.acceptor)];
            let new = connections(after).find(|(link, connection)| {
                connection.ends.each_ref().map(|end| end.party) == pair
                    && !self.links.contains_key(link)
            });
            if let Some((link, _)) = new {
                self.links.insert(link, Bound::Waits(knock));
                continue;
            }
            let address = &world.setup().servers[knock.acceptor].address;
            let process = after.servers[knock.dialer].process.as_ref();
            match process.is_some_and(|process| process.unreachable.contains(address)) {
                true => self.wire.knocks.push(knock),
                false => self.refused += 1,
            }
        }
        for (link, bound) in std::mem::take(&mut self.links) {
            let connection = connection(after, link);
            let is_dialing = matches!(connection.ends[0].phase, Phase::Dialing(_));
            let bound = match (bound, connection.ends[1].party) {
                (Bound::Waits(knock), Party::Server(server)) if !is_dialing => {
                    let port = self.machine(server)?.port;
                    Bound::Stands(self.wire.admit(knock, port).await?)
                }
                (bound, _) => bound,
            };
            self.links.insert(link, bound);
        }
        Ok(())
    }

    /// What the model's servers have dialed or said, and the real ones haven't yet.
    fn unsaid(&self, after: &State) -> Differences {
        let mut differences = Vec::new();
        for (link, connection) in connections(after) {
            let [dialer, acceptor] = connection.ends.each_ref().map(|end| end.party);
            let number = match self.links.get(&link) {
                Some(Bound::Stands(number) | Bound::Visits(number, _)) => *number,
                Some(Bound::Waits(_)) => continue,
                None if is_local(dialer) => continue,
                None => {
                    differences.push(format!("{dialer} hasn't dialed {acceptor}"));
                    continue;
                }
            };
            for (end, this) in connection.ends.iter().enumerate() {
                let from = connection.ends[1 - end].party;
                let (said, is) = (self.wire.waiting(number, 1 - end), this.inbox.len());
                if !is_local(from) && said < is {
                    let to = this.party;
                    differences.push(format!("{from} has said {said} lines to {to}, not {is}"));
                }
            }
        }
        differences
    }

    /// What real servers know otherwise than the model's, of those that the step has changed.
    async fn unlike(&mut self, before: &State, after: &State) -> io::Result<Differences> {
        let mut differences = Vec::new();
        for (server, machine) in after.servers.iter().enumerate() {
            let Some(process) = &machine.process else {
                continue;
            };
            if process.state.halted.is_some() {
                continue;
            }
            let has_changed = machine != &before.servers[server];
            differences.extend(self.unlike_one(server, &process.state, has_changed).await?);
        }
        Ok(differences)
    }

    /// The same of one of them, which must have taken in all that it was handed.
    async fn unlike_one(
        &mut self,
        server: usize,
        model: &node::State,
        has_changed: bool,
    ) -> io::Result<Differences> {
        let machine = self.machine(server)?;
        if !has_changed && machine.is_up_to_date {
            return Ok(Vec::new());
        }
        let (seen, lines, downs) = match machine.cue(&Cue::Look).await? {
            Answer::Seen {
                seen, lines, downs, ..
            } => (seen, lines, downs),
            Answer::Done | Answer::NotThere => return Ok(Vec::new()),
            Answer::Failed(why) => return Err(io::Error::other(why)),
        };
        if lines < machine.lines || downs < machine.downs {
            return Ok(vec![format!(
                "s{} hasn't taken in all that it was handed",
                server + 1
            )]);
        }
        machine.is_up_to_date = true;
        let model = Seen::of(model);
        let parts = model.parts().into_iter().zip(seen.parts());
        let unlike = parts.filter(|((_, model), (_, live))| model != live);
        let told = unlike.map(|((part, model), (_, live))| {
            format!("s{}'s {part}: {live}, not {model}", server + 1)
        });
        Ok(told.collect())
    }

    /// What servers have said that the model's haven't, now that nothing more is to come.
    pub(super) async fn unasked(&mut self, state: &State) -> Differences {
        let until = Instant::now() + PAUSE * 30;
        while Instant::now() < until {
            self.wire.attend(PAUSE).await;
        }
        let mut differences = Vec::new();
        for (link, connection) in connections(state) {
            let Some(number) = self.links.get(&link).and_then(Bound::number) else {
                continue;
            };
            for (end, this) in connection.ends.iter().enumerate() {
                let (from, to) = (connection.ends[1 - end].party, this.party);
                let (said, is) = (self.wire.waiting(number, 1 - end), this.inbox.len());
                // Who doesn't hear any more hasn't heard that either.
                let hears = !this.deaf && this.phase != Phase::Gone;
                if !is_local(from) && hears && said > is {
                    differences.push(format!("{from} has said {said} lines to {to}, not {is}"));
                }
            }
        }
        differences
    }
}

/// Whether it is a client of ours.
fn is_local(party: Party) -> bool {
    match party {
        Party::Server(_) => false,
        Party::Client(_) | Party::Guest(_) => true,
    }
}

/// Whether a server has stopped for good: the model's process stays to turn others away, a real one ends.
fn has_stopped(state: &State, server: usize) -> bool {
    let process = state.servers[server].process.as_ref();
    process.is_some_and(|process| process.state.halted.is_some())
}

fn connections(state: &State) -> impl Iterator<Item = (usize, &Connection)> {
    let links = state.links.iter().enumerate();
    links.filter_map(|(link, slot)| Some((link, slot.as_deref()?)))
}

fn connection(state: &State, link: usize) -> &Connection {
    let slot = state.links.get(link).and_then(Option::as_deref);
    slot.expect("an action names a link that exists")
}

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

fn plain(secret: &Secret) -> String {
    match secret {
        Secret::Plain(text) => text.to_string(),
        Secret::Hashed(hash) => hash.to_string(),
    }
}
