//! A client of the bench: connects, logs in, listens, and does so again where the plan lets it.

use std::cell::{RefCell, RefMut};
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use regrow_model::message::Reply;
use regrow_model::message::client::Vector;
use tokio::io::{AsyncRead, ReadBuf, ReadHalf};
use tokio::sync::{SemaphorePermit, watch};

use super::super::clock::now;
use super::super::hear::{self, Heard, Lines};
use super::super::say::{self, Identity};
use super::super::voice::Voice;
use super::ears::Ears;
use super::plan::{Event, Seat};
use super::shared::{Phase, Shared};
use super::tally::Tally;
use super::worker::Worker;
use crate::transport::Stream;

/// How long a client waits before it connects again.
const RETRY_AFTER: Duration = Duration::from_millis(20);
/// How often a client insists on its server when it is sent on.
const REDIRECTS_MAX: u32 = 1_000;
/// How long a client that logs out waits for the server's close.
const FAREWELL: Duration = Duration::from_secs(2);

/// One client.
pub(super) struct Client {
    index: usize,
    seat: Seat,
    identity: Identity,
    state: RefCell<State>,
}

/// What a client remembers.
pub(super) struct State {
    pub(super) ears: Ears,
    /// Up to which of its own numbers it has heard itself.
    pub(super) said: u64,
    is_registered: bool,
    /// How it speaks while it is logged in.
    voice: Option<Arc<Voice>>,
    /// What it told a server last that it has heard.
    got: Vector,
    /// How many messages it has heard since.
    pub(super) ungot: u64,
}

/// Why a connection is over.
pub(super) enum End {
    /// The run is over.
    Left,
    /// It is the plan that this client is away.
    Vanished,
    /// The server wants it elsewhere.
    SentOn,
    /// There is none: the server can't be reached.
    Unreachable(String),
    /// It should not be.
    Broken(String),
}

/// Whether a server has been killed.
fn is_dead(shared: &Shared, server: usize) -> bool {
    let is_it = matches!(shared.plan.event, Event::Kill { server: killed, .. } if killed == server);
    is_it && shared.killed.load(SeqCst) <= now()
}

/// One connection.
struct Connection<'a> {
    client: &'a Client,
    worker: &'a Worker,
    voice: Arc<Voice>,
    lines: Lines,
    /// Whether it is logged in.
    is_in: bool,
}

impl Client {
    /// The client in this seat.
    pub(super) fn new(index: usize, shared: &Shared) -> Self {
        let seat = shared.plan.seats[index];
        let identity = shared.identities[index].clone();
        let speakers = if seat.hears { shared.speakers.len() } else { 0 };
        Self {
            index,
            seat,
            state: RefCell::new(State {
                ears: Ears::new(speakers, identity.is_resuming()),
                said: 0,
                is_registered: !identity.is_user(),
                voice: None,
                got: Vector::new(),
                ungot: 0,
            }),
            identity,
        }
    }

    /// As which speaker it speaks.
    pub(super) fn speaker(&self) -> Option<usize> {
        self.seat.speaker
    }

    /// What it has heard, with its seat.
    pub(super) fn take_ears(&self) -> (usize, Ears) {
        let mut state = self.state.borrow_mut();
        (
            self.index,
            std::mem::replace(&mut state.ears, Ears::new(0, false)),
        )
    }

    /// What it remembers.
    pub(super) fn state(&self) -> RefMut<'_, State> {
        self.state.borrow_mut()
    }

    /// A client of ours says what it has heard, if that has changed.
    pub(super) fn say_got(&self) {
        self.state().say_got();
    }

    /// Connects, and again where that is the plan, until the run is over.
    pub(super) async fn live(&self, worker: &Worker) {
        let shared = &*worker.shared;
        let plan = &shared.plan;
        let mut phase = shared.phase.subscribe();
        let (mut server, mut redirects) = (self.seat.server, 0);
        loop {
            // The sender of phases outlives its receivers: `shared` has it.
            let _ = phase
                .wait_for(|phase| !self.is_away(*phase, plan.event))
                .await;
            if *phase.borrow() == Phase::Leave {
                return;
            }
            // The door is never closed; were it, more would log in at once.
            let at_the_door = worker.door.acquire().await.ok();
            let end = match plan.connect(server).await {
                Ok(stream) => {
                    self.connection(worker, stream, at_the_door, &mut phase)
                        .await
                }
                Err(error) => End::Unreachable(error.to_string()),
            };
            match end {
                End::Left => return,
                End::Vanished => continue,
                End::SentOn if redirects < REDIRECTS_MAX => {
                    redirects += 1;
                    shared.redirects.fetch_add(1, SeqCst);
                    continue;
                }
                End::SentOn => self.wrong(shared, server, "sent on again and again"),
                End::Broken(_) if is_dead(shared, server) => {
                    shared.moves.fetch_add(1, SeqCst);
                }
                End::Unreachable(_) if is_dead(shared, server) => {}
                End::Broken(why) | End::Unreachable(why) => self.wrong(shared, server, &why),
            }
            if !plan.moves() {
                return;
            }
            server = (server + 1) % plan.servers.len();
            tokio::time::sleep(RETRY_AFTER).await;
        }
    }

    /// A connection has ended that should not have.
    fn wrong(&self, shared: &Shared, server: usize, why: &str) {
        shared.closes.fetch_add(1, SeqCst);
        let address = &shared.plan.servers[server];
        shared.trouble(format!("client {} at {address}: {why}", self.index));
    }

    fn is_away(&self, phase: Phase, event: Event) -> bool {
        event == Event::Absence && self.seat.hears && matches!(phase, Phase::Vanish | Phase::Speak)
    }

    /// One connection, to its end.
    async fn connection(
        &self,
        worker: &Worker,
        stream: Box<dyn Stream>,
        at_the_door: Option<SemaphorePermit<'_>>,
        phase: &mut watch::Receiver<Phase>,
    ) -> End {
        let (mut half, voice) = tokio::io::split(stream);
        let mut connection = Connection {
            client: self,
            worker,
            voice: Arc::new(Voice::new(voice)),
            lines: Lines::default(),
            is_in: false,
        };
        let event = worker.shared.plan.event;
        let is_over = |phase: &Phase| *phase == Phase::Leave || self.is_away(*phase, event);
        let mut end = tokio::select! {
            biased;
            end = connection.listen(&mut half, at_the_door) => end,
            _ = phase.wait_for(is_over) => End::Vanished,
        };
        if *phase.borrow() == Phase::Leave {
            connection.farewell(&mut half).await;
            end = End::Left;
        }
        connection.over();
        end
    }
}

impl State {
    /// A client of ours says what it has heard, if that has changed.
    pub(super) fn say_got(&mut self) {
        self.ungot = 0;
        if let (Some(cursor), Some(voice)) = (self.ears.cursor(), &self.voice) {
            let now = cursor.vector();
            if now != self.got {
                // A connection that is broken is noticed where it is read.
                let _ = voice.say(|out| say::got(now.clone(), out));
                self.got = now;
            }
        }
    }
}

impl Connection<'_> {
    /// Logs in and reads to the end.
    async fn listen(
        &mut self,
        half: &mut ReadHalf<Box<dyn Stream>>,
        mut at_the_door: Option<SemaphorePermit<'_>>,
    ) -> End {
        if let Err(error) = self.introduce() {
            return End::Broken(error.to_string());
        }
        loop {
            let read = poll_fn(|context| self.read(half, context)).await;
            if self.is_in {
                at_the_door.take();
            }
            match read {
                Ok(()) => {}
                Err(end) => return end,
            }
        }
    }

    /// Reads once, and takes in what has come.
    fn read(
        &mut self,
        half: &mut ReadHalf<Box<dyn Stream>>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), End>> {
        let worker = self.worker;
        let mut buffer = worker.buffer.borrow_mut();
        let mut read = ReadBuf::new(&mut buffer);
        let outcome = ready!(Pin::new(half).poll_read(context, &mut read));
        Poll::Ready(match outcome {
            Err(error) => Err(End::Broken(error.to_string())),
            Ok(()) if read.filled().is_empty() => Err(End::Broken("the server has closed".into())),
            Ok(()) => self.take_in(read.filled()),
        })
    }

    /// Says who it is.
    fn introduce(&mut self) -> io::Result<()> {
        let mut state = self.client.state.borrow_mut();
        let state = &mut *state;
        state.ears.reconnected(now());
        let identity = &self.client.identity;
        let said = state.said;
        let cursor = state.ears.cursor().map(|cursor| cursor.vector());
        let cursor = cursor.filter(|cursor| !cursor.is_empty());
        self.voice.say(|out| match state.is_registered {
            true => identity.log_in(cursor, said, out),
            false => identity.register(out),
        })?;
        Ok(())
    }

    /// Takes in what has come.
    fn take_in(&mut self, bytes: &[u8]) -> Result<(), End> {
        let mut lines = std::mem::take(&mut self.lines);
        let mut heard = Tally::new(self.worker, self.client);
        let mut end = Ok(());
        let whole = lines.feed(bytes, |line| {
            if end.is_ok() {
                end = match hear::heard(line) {
                    Heard::Said(payload, rest) => heard.said(&payload, rest),
                    Heard::Acknowledged { k, stable } => {
                        heard.acknowledged(k, stable);
                        Ok(())
                    }
                    Heard::Nothing => Ok(()),
                    Heard::Nonsense(line) => {
                        Err(End::Broken(format!("nonsense from the server: {line}")))
                    }
                    Heard::Reply(reply) => self.on_reply(reply, &mut heard),
                };
            }
        });
        heard.settle();
        self.lines = lines;
        whole.map_err(|hear::Endless| End::Broken("a line without an end".into()))?;
        end
    }

    /// What the server says to this client alone.
    fn on_reply(&mut self, reply: Reply, heard: &mut Tally<'_>) -> Result<(), End> {
        let broken = |error: io::Error| End::Broken(error.to_string());
        let state = &mut *heard.state;
        match reply {
            Reply::RegisterSuccess { .. } => {
                state.is_registered = true;
                let login = |out: &mut Vec<u8>| self.client.identity.log_in(None, 0, out);
                self.voice.say(login).map(|_| ()).map_err(broken)
            }
            Reply::LoginSuccess { resumed, .. } => {
                if let (Some(cursor), Some(resumed)) = (state.ears.cursor(), resumed) {
                    cursor.take_over(&resumed.cursor);
                }
                state.voice = Some(Arc::clone(&self.voice));
                self.is_in = true;
                let shared = &self.worker.shared;
                shared.present.fetch_add(1, SeqCst);
                match self.client.seat.speaker {
                    Some(speaker) => shared.speakers[speaker]
                        .connected(Arc::clone(&self.voice))
                        .map_err(broken),
                    None => Ok(()),
                }
            }
            Reply::Gap { missed, cursor, .. } => {
                self.worker.shared.gaps.fetch_add(missed, SeqCst);
                if let Some(own) = state.ears.cursor() {
                    own.take_over(&cursor);
                }
                Ok(())
            }
            Reply::Redirect { .. } => Err(End::SentOn),
            // Somebody else's, who speaks to the same servers.
            Reply::Broadcast { .. } | Reply::Ack { .. } => Ok(()),
            Reply::LoginFailed { info }
            | Reply::RegisterFailed { info }
            | Reply::Invalid { info }
            | Reply::AuthenticationFail { info } => Err(End::Broken(format!("refused: {info}"))),
        }
    }

    /// Logs out, so that the server keeps nothing for it, and waits for the close.
    async fn farewell(&self, half: &mut ReadHalf<Box<dyn Stream>>) {
        let leave = async {
            self.voice.say(say::log_out)?;
            self.voice.flush().await?;
            tokio::io::copy(half, &mut tokio::io::sink()).await
        };
        let _ = tokio::time::timeout(FAREWELL, leave).await;
    }

    fn over(&mut self) {
        if self.is_in {
            self.worker.shared.present.fetch_sub(1, SeqCst);
        }
        self.client.state.borrow_mut().voice = None;
        if let Some(speaker) = self.client.seat.speaker {
            self.worker.shared.speakers[speaker].disconnected();
        }
    }
}
