//! `--mutant` and `--steered`: servers that break a rule, and servers whose timers and saves somebody else holds. In builds
//! with the feature `mutants` alone.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use clap::Args;
use regrow_model::counterexample::{Counterexample, Stale};
use regrow_model::mutant::Mutant;
use regrow_model::node::{Durable, Node, Order, Report, State, Timer};
use regrow_model::port::Link;
use regrow_model::world::{Opening, World};
use tokio::sync::{mpsc, oneshot};

use super::cast::Cast;
use crate::command::check::{self, Failure};
use crate::command::names::{self, Unknown};
use crate::edge;
use crate::runtime::{Event, Handle, Looks, Pull, Setup};
use crate::steered::part::{Answer, Cue, Part, Seen};
use crate::steered::{self};

/// How many cues may wait for the node.
const CUES: usize = 4;
/// Between two looks at how far the disk is.
const PAUSE: Duration = Duration::from_millis(1);
/// How long the node may take to look at its state.
const LOOK: Duration = Duration::from_secs(5);

/// What is broken, for tests.
#[derive(Args, Debug)]
pub struct BrokenFlags {
    /// Break this rule (see regrow check --list): for tests, and only in this build
    #[arg(long, value_name = "NAME")]
    mutant: Option<String>,
    /// Play a server of a counterexample, as whoever listens here says
    #[arg(long, value_name = "HOST:PORT", hide = true, conflicts_with = "mutant")]
    steered: Option<SocketAddr>,
}

/// Why a server can't be broken, or steered, as wished.
#[derive(Debug, thiserror::Error)]
pub enum BrokenError {
    /// There is no such rule: type another name.
    #[error("{0}")]
    Unknown(String),
    /// It was started by hand, or whoever steered it has gone.
    #[error("nobody steers this server: {0}. --steered is for regrow replay-live alone")]
    Alone(#[from] io::Error),
    /// What it is told makes no sense.
    #[error("whoever steers this server says what it doesn't understand: {0}")]
    Nonsense(#[from] serde_json::Error),
    /// The file can't be read.
    #[error("{0}")]
    File(String),
    /// The file is of another version.
    #[error(transparent)]
    Stale(#[from] Stale),
}

impl From<Unknown> for BrokenError {
    fn from(unknown: Unknown) -> Self {
        Self::Unknown(unknown.to_string())
    }
}

impl From<Failure> for BrokenError {
    fn from(failure: Failure) -> Self {
        Self::File(failure.to_string())
    }
}

impl BrokenFlags {
    /// The rule to break.
    pub(super) fn mutant(&self) -> Result<Option<&'static Mutant>, BrokenError> {
        let mutant = self.mutant.as_deref().filter(|name| *name != "none");
        Ok(mutant.map(names::mutant).transpose()?)
    }

    /// Whoever steers it.
    pub(super) fn control(&self) -> Result<Option<Control>, BrokenError> {
        let Some(address) = self.steered else {
            return Ok(None);
        };
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        let mut hear = BufReader::new(stream.try_clone()?);
        let mut line = String::new();
        hear.read_line(&mut line)?;
        let part: Part = serde_json::from_str(&line)?;
        let counterexample: Counterexample = check::read(&part.file)?;
        let mutant = part.mutant.as_deref().map(names::mutant).transpose()?;
        let (_, world) = counterexample.world(mutant)?;
        steered::begin(part.routes.clone());
        Ok(Some(Control {
            part,
            world,
            hear,
            say: stream,
        }))
    }
}

/// The connection to whoever steers a server.
pub(super) struct Control {
    part: Part,
    world: World,
    hear: BufReader<TcpStream>,
    say: TcpStream,
}

impl Control {
    /// The node that it is to be.
    pub(super) fn cast(self) -> Result<Cast, BrokenError> {
        let (server, starts) = (self.part.server, self.part.starts);
        let setup = self.world.setup();
        if server >= setup.servers.len() {
            return Err(BrokenError::File(format!("there is no server {server}")));
        }
        let (config, boot, node) = setup.started(server, starts, edge::proven());
        Ok(Cast {
            config,
            boot,
            node,
            control: Some(self),
        })
    }

    /// Starts the node, and does what it is told with it.
    pub(super) fn run(
        self,
        setup: Setup<Node, Order, Report>,
        events: mpsc::Receiver<Event>,
    ) -> Handle<Order, State> {
        let (pulls, pulled) = mpsc::channel(CUES);
        let node = setup.spawn_held(events, pulled);
        let stage = Stage {
            pulls,
            asks: node.asks(),
            looks: node.looks(),
            runtime: tokio::runtime::Handle::current(),
            server: self.part.server,
            world: self.world,
        };
        let (hear, say) = (self.hear, self.say);
        // It waits on a socket and for the node: neither may keep the node from running.
        std::thread::spawn(move || stage.play(hear, say));
        node
    }
}

/// A node that does what it is told.
struct Stage {
    pulls: mpsc::Sender<Pull<Node>>,
    asks: mpsc::Sender<Order>,
    looks: Looks<State>,
    runtime: tokio::runtime::Handle,
    server: usize,
    world: World,
}

impl Stage {
    /// Does one thing after the other, until nobody says anything any more.
    fn play(&self, hear: BufReader<TcpStream>, mut say: TcpStream) {
        for line in hear.lines() {
            let Ok(line) = line else { return };
            let answer = match serde_json::from_str(&line) {
                Ok(cue) => self.runtime.block_on(self.act(cue)),
                Err(error) => Answer::Failed(error.to_string()),
            };
            let mut answer = serde_json::to_string(&answer).expect("an answer is made of texts");
            answer.push('\n');
            if say.write_all(answer.as_bytes()).is_err() {
                return;
            }
        }
    }

    async fn act(&self, cue: Cue) -> Answer {
        match cue {
            Cue::Fire(timer) => self.fire(timer).await,
            Cue::Sync => {
                let (answer, answered) = oneshot::channel();
                self.pull(Pull::Sync(answer)).await;
                match there(answered).await {
                    Answer::Done => self.flushed().await,
                    answer => answer,
                }
            }
            Cue::Receive { link, lines } => self.pull(Pull::Receive(Link(link), lines)).await,
            Cue::LetGo => self.pull(Pull::LetGo).await,
            Cue::Clock(now) => {
                steered::set_clock(now);
                Answer::Done
            }
            Cue::Ask(order) => match self.asks.send(order).await {
                Ok(()) => Answer::Done,
                Err(gone) => Answer::Failed(gone.to_string()),
            },
            Cue::Preset => match self.preset().await {
                Answer::Done => self.flushed().await,
                answer => answer,
            },
            Cue::Look => {
                let look = self.looks.at(LOOK, |view| Answer::Seen {
                    seen: Box::new(Seen::of(view.state)),
                    lines: view.taken.lines,
                    downs: view.taken.downs,
                    links: view.state.links.keys().map(|link| link.0).collect(),
                });
                match look.await {
                    Ok(seen) => seen,
                    Err(error) => Answer::Failed(error.to_string()),
                }
            }
        }
    }

    /// Waits until all that was let to the disk is there: what comes next may be a crash.
    async fn flushed(&self) -> Answer {
        loop {
            match self.looks.at(LOOK, |view| view.taken.is_on_disk).await {
                Ok(true) => return Answer::Done,
                Ok(false) => tokio::time::sleep(PAUSE).await,
                Err(error) => return Answer::Failed(error.to_string()),
            }
        }
    }

    async fn fire(&self, timer: Timer) -> Answer {
        let (answer, answered) = oneshot::channel();
        self.pull(Pull::Fire(timer, answer)).await;
        there(answered).await
    }

    async fn pull(&self, pull: Pull<Node>) -> Answer {
        match self.pulls.send(pull).await {
            Ok(()) => Answer::Done,
            Err(_) => Answer::Failed("the node has stopped".to_owned()),
        }
    }

    /// What the world's servers knew before it began.
    async fn preset(&self) -> Answer {
        let opening = self.world.opening().into_iter();
        let past = opening.filter(|(opening, _)| *opening == Opening::Preset(self.server));
        let durable = past.last().and_then(|(_, state)| {
            let process = state.servers[self.server].process.as_ref()?;
            Some(process.state.durable.clone())
        });
        match durable {
            Some(durable) => self.pull(Pull::Alter(Box::new(past_of(durable)))).await,
            None => Answer::Failed("this world has no past".to_owned()),
        }
    }
}

/// Puts what is durable into a state.
fn past_of(durable: Durable) -> impl FnOnce(&State) -> (State, Durable) + Send {
    move |state| {
        let state = State {
            durable: durable.clone(),
            ..state.clone()
        };
        (state, durable)
    }
}

async fn there(answered: oneshot::Receiver<bool>) -> Answer {
    match answered.await {
        Ok(true) => Answer::Done,
        Ok(false) => Answer::NotThere,
        Err(_) => Answer::Failed("the node has stopped".to_owned()),
    }
}
