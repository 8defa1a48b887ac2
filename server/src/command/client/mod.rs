//! `regrow client`: the client actor on a terminal. What is typed is said, what is heard is printed, and the
//! servers may die meanwhile.

mod screen;
mod servers;
mod typed;

pub(super) use servers::Servers;
pub use servers::ServersError;

use std::collections::VecDeque;
use std::io::{self, BufRead};
use std::time::Duration;

use clap::Args;
use regrow_model::client::{Ask, Client as Actor, Config, Kind, State, Timing, Told};
use regrow_model::message::client::Secret;
use regrow_model::message::{Address, AddressError, ClientId, Username};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::serve::Remote;
use crate::runtime::{EVENTS, Forgetful, Handle, Setup};
use crate::transport::{Carriers, Transport};
use screen::{Next, Screen};
use typed::Typed;

/// How many lines from the terminal, and how many to it, may wait.
const QUEUE: usize = 256;
/// How many messages are kept until everyone has them.
const KEPT_MAX: usize = 65_536;
/// How much is heard before a server is told so: a quarter of what it sends ahead to a client that catches up.
const UNGOT_MAX: u32 = 256;
/// How long the end of the input waits until what was said is safe.
const LINGER: Duration = Duration::from_secs(10);

/// Talk: each line that is typed is said to everyone, what anyone says is printed
///
/// When its server dies, the client goes on at another one: nothing is lost, and nothing comes twice.
#[derive(Args, Debug)]
pub struct Client {
    #[command(flatten)]
    servers: Servers,
    #[command(flatten)]
    remote: Remote,
    /// Log in as this user; without it as anonymous (old spelling: -u)
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// The user's secret; without it one is invented and printed, and the user registered (old spelling: -s)
    #[arg(long, requires = "user")]
    secret: Option<String>,
    /// Speak the original protocol alone: no acknowledgement, no second attempt
    #[arg(long)]
    legacy: bool,
    /// Print what is heard as it comes, one JSON object a line
    #[arg(long)]
    json: bool,
}

/// Why a client doesn't run, or no longer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// It can't connect to that.
    #[error("-rh: {0}")]
    Address(#[from] AddressError),
    /// It can't connect in that way.
    #[error(transparent)]
    Servers(#[from] ServersError),
    /// The system doesn't let it run threads.
    #[error("cannot run: {0}")]
    System(#[from] io::Error),
    /// The screen has said why.
    #[error("nothing more to do here")]
    Over,
    /// The input has ended, and after a while some of it is still on no server's disk.
    #[error("not everything that was said is known to be safe")]
    Unsafe,
    /// A bug.
    #[error("the client has failed: {0}")]
    Failed(#[from] tokio::task::JoinError),
}

impl Client {
    /// Runs until the user leaves.
    ///
    /// # Errors
    /// When it can't start, or when there is nothing more that it could do.
    pub fn run(self) -> Result<(), ClientError> {
        let config = self.config()?;
        let carriers = self.servers.carriers()?;
        let mut screen = Screen::new(self.json, self.legacy);
        let greeting = self.greeting(&mut screen);
        let threads = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()?;
        threads.block_on(async { Session::start(config, carriers, screen).run(greeting).await })
    }

    fn config(&self) -> Result<Config, AddressError> {
        let mut servers: Vec<_> = self.remote.address()?.into_iter().collect();
        servers.extend(self.servers.addresses());
        if servers.is_empty() {
            servers.push(Address::new("localhost", 3780)?);
        }
        Ok(Config {
            client: ClientId::from(random_hex()),
            servers,
            kind: if self.legacy {
                Kind::Legacy
            } else {
                Kind::Ours
            },
            kept_max: KEPT_MAX,
            ungot_max: Some(UNGOT_MAX),
            timing: Timing::default(),
        })
    }

    /// What the user wants to be, by the flags.
    fn greeting(&self, screen: &mut Screen) -> Ask {
        let Some(user) = &self.user else {
            return Ask::Login {
                username: Username::anonymous(),
                secret: None,
            };
        };
        let username = Username::from(user);
        if let Some(secret) = &self.secret {
            return Ask::Login {
                username,
                secret: Some(Secret::Plain(secret.into())),
            };
        }
        let secret = random_hex();
        screen.notice(&format!("registering {user} with the secret {secret}"));
        screen.notice(&format!("to come back: -u {user} -s {secret}"));
        Ask::Register {
            username,
            secret: Secret::Plain(secret.into()),
        }
    }
}

fn random_hex() -> String {
    format!("{:032x}", rand::random::<u128>())
}

/// A running client and its terminal.
struct Session {
    client: Handle<Ask, State>,
    transport: Transport,
    told: mpsc::Receiver<Told>,
    screen: Screen,
    /// What the user wants and the client hasn't been asked for yet.
    wishes: VecDeque<Ask>,
    /// When to leave even if not all is safe; set once the input has ended.
    leaving: Option<Instant>,
    /// Whether it has been asked to leave.
    left: bool,
}

impl Session {
    fn start(config: Config, carriers: Carriers, screen: Screen) -> Self {
        let (events, happened) = mpsc::channel(EVENTS);
        let transport = Transport::of_client(carriers, events);
        let (tell, told) = mpsc::channel(QUEUE);
        let setup = Setup {
            actor: Actor::new(config),
            storage: None,
            disk: Box::new(Forgetful),
            dial: Box::new(transport.clone()),
            // A terminal that doesn't keep up holds up the client, and so in the end its server.
            told: Box::new(move |told| {
                let _ = tokio::task::block_in_place(|| tell.blocking_send(told));
            }),
            said: Box::new(|_, _| {}),
            witness: None,
        };
        Self {
            client: setup.spawn(happened),
            transport,
            told,
            screen,
            wishes: VecDeque::new(),
            leaving: None,
            left: false,
        }
    }

    async fn run(mut self, greeting: Ask) -> Result<(), ClientError> {
        self.wishes.push_back(greeting);
        let outcome = self.talk().await;
        drop(self.told); // the client may be waiting for room in it
        self.client.stop().await?;
        self.transport.idle().await;
        outcome
    }

    async fn talk(&mut self) -> Result<(), ClientError> {
        let asks = self.client.asks();
        let mut typed = read_lines();
        loop {
            let deadline = self.leaving.unwrap_or_else(Instant::now);
            tokio::select! {
                told = self.told.recv() => {
                    let next = told.map_or(Next::Over, |told| self.screen.on_told(&told));
                    match next {
                        Next::GoOn => self.leave_when_safe(),
                        Next::Left => return Ok(()),
                        Next::Over => return Err(ClientError::Over),
                    }
                }
                line = typed.recv(), if self.leaving.is_none() && self.wishes.is_empty() => {
                    self.on_line(line);
                }
                room = asks.reserve(), if !self.wishes.is_empty() => {
                    if let (Ok(room), Some(wish)) = (room, self.wishes.pop_front()) {
                        room.send(wish);
                    }
                }
                interrupted = tokio::signal::ctrl_c() => return interrupted.map_err(Into::into),
                () = sleep_until(deadline), if self.leaving.is_some() => {
                    return Err(ClientError::Unsafe);
                }
            }
        }
    }

    fn on_line(&mut self, line: Option<String>) {
        match line.map(|line| Typed::read(&line)) {
            None => {
                self.leaving = Some(Instant::now() + LINGER);
                self.leave_when_safe();
            }
            Some(Ok(Typed::Nothing)) => {}
            Some(Ok(Typed::Help)) => typed::HELP
                .lines()
                .for_each(|line| self.screen.notice(line)),
            Some(Ok(Typed::Ask(ask))) => {
                self.screen.on_ask(&ask);
                self.wishes.push_back(ask);
            }
            Some(Err(mistake)) => self.screen.notice(&mistake.to_string()),
        }
    }

    /// After the end of the input: leaves as soon as some server has everything on its disk.
    fn leave_when_safe(&mut self) {
        let all_asked = self.wishes.is_empty() && !self.left;
        if self.leaving.is_some() && self.screen.is_safe() && all_asked {
            self.left = true;
            self.wishes.push_back(Ask::Quit);
        }
    }
}

/// Reads the terminal on a thread of its own, for such a read can't be cancelled.
fn read_lines() -> mpsc::Receiver<String> {
    let (send, lines) = mpsc::channel(QUEUE);
    std::thread::spawn(move || {
        for line in io::stdin().lock().split(b'\n') {
            let Ok(line) = line else { return };
            let line = String::from_utf8_lossy(&line).into_owned();
            if send.blocking_send(line).is_err() {
                return;
            }
        }
    });
    lines
}
