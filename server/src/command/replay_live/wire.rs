//! What stands between the servers: each way from one server to another leads through a door of ours, and no line passes
//! before it is let through.
//!
//! ```text
//!   s1 ── dials s2 ──▶ door s1→s2 ┐   held   ┌──▶ s2
//!   s2 ── dials s1 ──▶ door s2→s1 ┘  lines   └──▶ s1      a client of ours holds its own end: only the server's is a socket
//! ```

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use regrow_model::message::Address;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio::time::timeout;

/// How many events may wait to be looked at; behind them, sockets wait.
const EVENTS: usize = 1_024;
/// How long two servers may take to prove to each other who they are.
const GREETING: Duration = Duration::from_secs(5);

/// Something that has come over a socket.
enum Event {
    Knock(Knock),
    Line {
        connection: u64,
        end: usize,
        line: Vec<u8>,
    },
}

/// A server that dials another, and has not been let through.
pub(super) struct Knock {
    /// Who dials.
    pub(super) dialer: usize,
    /// Whom.
    pub(super) acceptor: usize,
    stream: TcpStream,
}

/// All connections, and what waits on them.
pub(super) struct Wire {
    sender: mpsc::Sender<Event>,
    events: mpsc::Receiver<Event>,
    /// Those who wait to be let through.
    pub(super) knocks: Vec<Knock>,
    connections: BTreeMap<u64, Connection>,
    next: u64,
}

/// One connection; end 0 is the dialer's.
#[derive(Default)]
struct Connection {
    /// Towards each end's process; `None` where there is none, or it is to hear nothing any more.
    ends: [Option<OwnedWriteHalf>; 2],
    /// What each end has said and the other has not heard.
    said: [VecDeque<Vec<u8>>; 2],
    /// Who listens to the server's end, if a client of ours has the other one.
    listener: Option<AbortHandle>,
}

impl Wire {
    /// Opens a door for each ordered pair of servers. Says for each server where the others' addresses lead.
    pub(super) async fn open(
        addresses: &[Address],
    ) -> io::Result<(Self, Vec<BTreeMap<Address, Address>>)> {
        let (sender, events) = mpsc::channel(EVENTS);
        let mut routes = Vec::new();
        for dialer in 0..addresses.len() {
            let mut own = BTreeMap::new();
            for (acceptor, address) in addresses.iter().enumerate() {
                let door = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
                let port = door.local_addr()?.port();
                let to = Address::new("127.0.0.1", port).map_err(io::Error::other)?;
                own.entry(address.clone()).or_insert(to);
                tokio::spawn(attend(door, dialer, acceptor, sender.clone()));
            }
            routes.push(own);
        }
        let wire = Self {
            sender,
            events,
            knocks: Vec::new(),
            connections: BTreeMap::new(),
            next: 0,
        };
        Ok((wire, routes))
    }

    /// Takes in what comes within this time: one event, and all that wait behind it.
    pub(super) async fn attend(&mut self, within: Duration) {
        let Ok(Some(event)) = timeout(within, self.events.recv()).await else {
            return;
        };
        self.take(event);
        while let Ok(event) = self.events.try_recv() {
            self.take(event);
        }
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Knock(knock) => self.knocks.push(knock),
            Event::Line {
                connection,
                end,
                line,
            } => {
                if let Some(connection) = self.connections.get_mut(&connection) {
                    connection.said[end].push_back(line);
                }
            }
        }
    }

    /// Lets a dialer through to a server that listens on this port: the two prove who they are, and no more.
    pub(super) async fn admit(&mut self, knock: Knock, port: u16) -> io::Result<u64> {
        let (read, mut to_dialer) = knock.stream.into_split();
        let mut from_dialer = BufReader::new(read);
        let (read, mut to_acceptor) = reach(port).await?.into_split();
        let mut from_acceptor = BufReader::new(read);
        let greet = async {
            pass(&mut from_dialer, &mut to_acceptor).await?;
            pass(&mut from_acceptor, &mut to_dialer).await?;
            pass(&mut from_dialer, &mut to_acceptor).await
        };
        timeout(GREETING, greet).await.map_err(io::Error::from)??;
        let number = self.number();
        self.listen(number, 0, from_dialer);
        self.listen(number, 1, from_acceptor);
        let connection = Connection {
            ends: [Some(to_dialer), Some(to_acceptor)],
            ..Connection::default()
        };
        self.connections.insert(number, connection);
        Ok(number)
    }

    /// A client of ours reaches a server that listens on this port.
    pub(super) async fn visit(&mut self, port: u16) -> io::Result<u64> {
        let stream = reach(port).await?;
        // It ends as that of a client that dies: one that leaves in good order has what its kernel has received, and the model
        // says itself when a server is told that.
        stream.set_zero_linger()?;
        let (read, to_server) = stream.into_split();
        let number = self.number();
        let connection = Connection {
            ends: [None, Some(to_server)],
            listener: Some(self.listen(number, 1, BufReader::new(read))),
            ..Connection::default()
        };
        self.connections.insert(number, connection);
        Ok(number)
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    fn listen(
        &self,
        connection: u64,
        end: usize,
        mut from: BufReader<OwnedReadHalf>,
    ) -> AbortHandle {
        let sender = self.sender.clone();
        let listening = tokio::spawn(async move {
            // That an end has closed needs no event: the model says when the other one learns of it.
            while let Ok(line) = line(&mut from).await {
                let line = Event::Line {
                    connection,
                    end,
                    line,
                };
                if sender.send(line).await.is_err() {
                    return;
                }
            }
        });
        listening.abort_handle()
    }

    /// How many lines of this end wait.
    pub(super) fn waiting(&self, connection: u64, end: usize) -> usize {
        let connection = self.connections.get(&connection);
        connection.map_or(0, |connection| connection.said[end].len())
    }

    /// The next line that this end has said.
    pub(super) fn next(&mut self, connection: u64, end: usize) -> Option<Vec<u8>> {
        self.connections.get_mut(&connection)?.said[end].pop_front()
    }

    /// Gives an end's process a line.
    pub(super) async fn hand(
        &mut self,
        connection: u64,
        end: usize,
        line: &[u8],
    ) -> io::Result<()> {
        let connection = self.connections.get_mut(&connection);
        match connection.and_then(|connection| connection.ends[end].as_mut()) {
            Some(to) => to.write_all(line).await,
            None => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// An end's process hears that the connection is gone.
    pub(super) fn close(&mut self, connection: u64, end: usize) {
        let Some(connection) = self.connections.get_mut(&connection) else {
            return;
        };
        let to = connection.ends[end].take();
        if let (Some(to), Some(listener)) = (to, connection.listener.take_if(|_| end == 1)) {
            to.forget();
            listener.abort();
        }
    }

    /// Nobody holds a connection any more.
    pub(super) fn forget(&mut self, connection: u64) {
        for end in 0..2 {
            self.close(connection, end);
        }
        self.connections.remove(&connection);
    }
}

/// Hands on whoever comes to a door.
async fn attend(door: TcpListener, dialer: usize, acceptor: usize, events: mpsc::Sender<Event>) {
    while let Ok((stream, _)) = door.accept().await {
        let knock = Knock {
            dialer,
            acceptor,
            stream,
        };
        // Without it lines are late, not lost.
        let _ = knock.stream.set_nodelay(true);
        if events.send(Event::Knock(knock)).await.is_err() {
            return;
        }
    }
}

async fn reach(port: u16) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Lets one line pass.
async fn pass(from: &mut BufReader<OwnedReadHalf>, to: &mut OwnedWriteHalf) -> io::Result<()> {
    to.write_all(&line(from).await?).await
}

/// The next line with its end. Blank ones are heartbeats: they say nothing.
async fn line(stream: &mut BufReader<OwnedReadHalf>) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    while line.iter().all(u8::is_ascii_whitespace) {
        line.clear();
        if stream.read_until(b'\n', &mut line).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(line)
}
