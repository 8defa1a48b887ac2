//! A server that does next to nothing: it copies what one client says to all, keeps nothing and checks nothing. Its speed is
//! the bench's ceiling; and it can be told to make a mistake, which the bench must notice.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::io;
use std::rc::Rc;

use clap::{Args, ValueEnum};
use memchr::memmem;
use tokio::io::AsyncReadExt;
use tokio::net::tcp::OwnedReadHalf;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::{LocalSet, spawn_local};

use super::hear::Lines;
use super::voice::Voice;
use crate::command::say::say;

/// A server that does next to nothing, until it is killed
#[derive(Args, Clone, Debug)]
pub(super) struct Mock {
    /// Make this mistake, once
    #[arg(long, value_enum)]
    mistake: Option<Mistake>,
}

/// What can go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Mistake {
    /// A message is lost
    Loss,
    /// A message comes twice
    Duplicate,
    /// Two messages change places
    Disorder,
    /// A connection ends
    Close,
}

/// With which message the mistake is made: after the probes.
const MISTAKE_AT: u64 = 1_000;
/// How much is read at once, at most.
const READ_MAX_BYTES: usize = 64 << 10;

/// All clients of the mock.
struct Hub {
    mistake: Option<Mistake>,
    heard: Cell<u64>,
    /// A message that waits for the next one to pass it.
    held: RefCell<Vec<u8>>,
    clients: RefCell<BTreeMap<usize, Rc<Client>>>,
    /// What goes to all at the next turn: all that could be read in this one.
    broadcasts: RefCell<Vec<u8>>,
    has_broadcasts: Notify,
}

struct Client {
    voice: Voice,
    is_flushing: Cell<bool>,
}

impl Mock {
    /// Serves until it is killed.
    pub(super) async fn serve(&self) -> io::Result<()> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        say(format_args!("listening on {}", listener.local_addr()?)).map_err(io::Error::other)?;
        let hub = Rc::new(Hub {
            mistake: self.mistake,
            heard: Cell::new(0),
            held: RefCell::default(),
            clients: RefCell::default(),
            broadcasts: RefCell::default(),
            has_broadcasts: Notify::new(),
        });
        let accept = async {
            spawn_local(broadcast(Rc::clone(&hub)));
            for index in 0.. {
                let (stream, _) = listener.accept().await?;
                spawn_local(attend(Rc::clone(&hub), index, stream));
            }
            Ok(())
        };
        LocalSet::new().run_until(accept).await
    }
}

/// One client, until it leaves.
async fn attend(hub: Rc<Hub>, index: usize, stream: TcpStream) {
    // Without it small lines wait for the ones before.
    let _ = stream.set_nodelay(true);
    let (half, voice) = stream.into_split();
    let client = Rc::new(Client {
        voice: Voice::new(voice),
        is_flushing: Cell::new(false),
    });
    // A client that is gone is no reason for anything.
    let _ = listen(&hub, index, half, &client).await;
    hub.clients.borrow_mut().remove(&index);
}

async fn listen(
    hub: &Hub,
    index: usize,
    mut half: OwnedReadHalf,
    client: &Rc<Client>,
) -> io::Result<()> {
    let mut buffer = vec![0; READ_MAX_BYTES];
    let mut lines = Lines::default();
    loop {
        let read = half.read(&mut buffer).await?;
        if read == 0 {
            return Ok(());
        }
        let mut is_over = false;
        let whole = lines.feed(&buffer[..read], |line| {
            is_over |= hub.on_line(index, client, line);
        });
        hub.has_broadcasts.notify_one();
        if is_over || whole.is_err() {
            return Ok(());
        }
    }
}

impl Hub {
    /// Answers a line, or adds to what goes to all. Whether the connection is over.
    fn on_line(&self, index: usize, client: &Rc<Client>, line: &[u8]) -> bool {
        if let Some(begin) = memmem::find(line, br#""activity":"#) {
            let activity = line[begin..].strip_suffix(b"}}").unwrap_or_default();
            return self.on_activity(activity);
        }
        if memmem::find(line, br#""LOGIN""#).is_some() {
            client.say(b"{\"command\":\"LOGIN_SUCCESS\",\"info\":\"mock\"}\n");
            self.clients.borrow_mut().insert(index, Rc::clone(client));
        } else if memmem::find(line, br#""REGISTER""#).is_some() {
            client.say(b"{\"command\":\"REGISTER_SUCCESS\",\"info\":\"mock\"}\n");
        } else {
            return true; // LOGOUT
        }
        false
    }

    /// Adds a message to what goes to all, unless it is time for the mistake. Whether the connection is over.
    fn on_activity(&self, activity: &[u8]) -> bool {
        let mut broadcasts = self.broadcasts.borrow_mut();
        let heard = self.heard.get() + 1;
        self.heard.set(heard);
        let begin = broadcasts.len();
        broadcasts.extend_from_slice(br#"{"command":"ACTIVITY_BROADCAST","#);
        broadcasts.extend_from_slice(activity);
        broadcasts.extend_from_slice(b",\"authenticated_user\":\"anonymous\"}}\n");
        if heard == MISTAKE_AT + 1 {
            broadcasts.append(&mut self.held.borrow_mut());
        }
        match self.mistake.filter(|_| heard == MISTAKE_AT) {
            Some(Mistake::Loss) => broadcasts.truncate(begin),
            Some(Mistake::Duplicate) => broadcasts.extend_from_within(begin..),
            Some(Mistake::Disorder) => *self.held.borrow_mut() = broadcasts.split_off(begin),
            Some(Mistake::Close) => return true,
            None => {}
        }
        false
    }
}

/// Passes on what was read, once for each turn of the loop: the more clients speak, the more goes in one write.
async fn broadcast(hub: Rc<Hub>) {
    loop {
        hub.has_broadcasts.notified().await;
        let lines = hub.broadcasts.take();
        if !lines.is_empty() {
            for client in hub.clients.borrow().values() {
                client.say(&lines);
            }
        }
    }
}

impl Client {
    fn say(self: &Rc<Self>, lines: &[u8]) {
        let is_written = self.voice.say(|out| out.extend_from_slice(lines));
        // A connection that is broken is noticed where it is read.
        if let Ok(false) = is_written
            && !self.is_flushing.replace(true)
        {
            let client = Rc::clone(self);
            spawn_local(async move {
                let _ = client.voice.flush().await;
                client.is_flushing.set(false);
            });
        }
    }
}
