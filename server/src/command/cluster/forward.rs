//! Forwarders in front of the servers of a cluster: cuts that need no privileges. A joiner says who it is once it has proven
//! that it knows the secret, so a forwarder knows which pair of servers a connection is between; cuts are never in the way of clients.

use std::collections::BTreeSet;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use regrow_model::message::{Hearer, Line, Peer};
use rustix::net::sockopt::set_socket_linger;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// How much is read at once, at most.
const READ_MAX_BYTES: usize = 64 << 10;

/// What goes from one server to another.
pub(in crate::command) type Way = (usize, usize);

/// Every way between these servers and all others, of so many.
pub(in crate::command) fn apart(
    far: &[usize],
    servers: usize,
) -> impl Iterator<Item = Way> + use<'_> {
    let near = move || (0..servers).filter(|server| !far.contains(server));
    far.iter()
        .flat_map(move |far| near().flat_map(move |near| [(*far, near), (near, *far)]))
}

/// The forwarders of all servers. Cloning shares them.
#[derive(Clone)]
pub(in crate::command) struct Forwarders(Arc<Shared>);

struct Shared {
    /// Where each server really listens; `None` while it is down.
    targets: Mutex<Vec<Option<u16>>>,
    /// Each server's door.
    doors: Vec<Door>,
    /// The ways that are cut.
    cut: watch::Sender<BTreeSet<Way>>,
}

/// One server's public port, and what tells that connections are to be reset.
struct Door {
    port: u16,
    links: watch::Sender<()>,
    clients: watch::Sender<()>,
}

impl Forwarders {
    /// Opens one public port for each server, and begins to forward.
    pub(in crate::command) async fn open(servers: usize) -> io::Result<Self> {
        let (mut listeners, mut doors) = (Vec::new(), Vec::new());
        for _ in 0..servers {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
            doors.push(Door {
                port: listener.local_addr()?.port(),
                links: watch::Sender::new(()),
                clients: watch::Sender::new(()),
            });
            listeners.push(listener);
        }
        let forwarders = Self(Arc::new(Shared {
            targets: Mutex::new(vec![None; servers]),
            doors,
            cut: watch::Sender::default(),
        }));
        for (server, listener) in listeners.into_iter().enumerate() {
            tokio::spawn(forwarders.clone().accept(server, listener));
        }
        Ok(forwarders)
    }

    /// A server's public port.
    pub(in crate::command) fn port(&self, server: usize) -> u16 {
        self.0.doors[server].port
    }

    /// Which server has this public port.
    pub(in crate::command) fn server(&self, port: u16) -> Option<usize> {
        self.0.doors.iter().position(|door| door.port == port)
    }

    /// Says where a server really listens.
    pub(in crate::command) fn aim(&self, server: usize, port: Option<u16>) {
        self.targets()[server] = port;
    }

    /// Cuts these ways, and no others: what is sent there waits, and nobody is told.
    pub(in crate::command) fn cut(&self, ways: impl IntoIterator<Item = Way>) {
        self.0.cut.send_replace(ways.into_iter().collect());
    }

    /// Lets everything pass again, as far as its ends are still there.
    pub(in crate::command) fn heal(&self) {
        self.cut([]);
    }

    /// Breaks every connection between a server and other servers.
    pub(in crate::command) fn reset_links(&self, server: usize) {
        self.0.doors[server].links.send_replace(());
    }

    /// Breaks every connection of a client to a server.
    pub(in crate::command) fn reset_clients(&self, server: usize) {
        self.0.doors[server].clients.send_replace(());
    }

    /// Whether either way between two servers is cut.
    fn is_cut(&self, one: usize, other: usize) -> bool {
        let cut = self.0.cut.borrow();
        cut.contains(&(one, other)) || cut.contains(&(other, one))
    }

    fn targets(&self) -> MutexGuard<'_, Vec<Option<u16>>> {
        let targets = self.0.targets.lock();
        targets.unwrap_or_else(PoisonError::into_inner)
    }

    async fn accept(self, server: usize, listener: TcpListener) {
        while let Ok((connection, _)) = listener.accept().await {
            let forwarders = self.clone();
            // A connection that fails is over; both its ends see that for themselves.
            tokio::spawn(async move { forwarders.forward(server, connection).await.ok() });
        }
    }

    async fn forward(self, server: usize, connection: TcpStream) -> io::Result<()> {
        connection.set_nodelay(true)?;
        let mut connection = BufReader::new(connection);
        let mut first = line(&mut connection).await?;
        let Some(port) = self.targets()[server] else {
            return Ok(());
        };
        let target = TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await?;
        target.set_nodelay(true)?;
        let mut target = BufReader::new(target);
        if is_challenge(&first) {
            target.write_all(&first).await?;
            let answer = line(&mut target).await?;
            connection.write_all(&answer).await?;
            let proof = line(&mut connection).await?;
            target.write_all(&proof).await?;
            first = line(&mut connection).await?;
        }
        let dialer = self.dialer(&first);
        if dialer.is_some_and(|dialer| self.is_cut(dialer, server)) {
            // Where packets are dropped no connection comes about, whichever way they are.
            drop(target);
            tokio::io::copy(&mut connection, &mut tokio::io::sink()).await?;
            return Ok(());
        }
        first.extend_from_slice(connection.buffer());
        let answered = target.buffer().to_vec();
        let (connection, target) = (connection.into_inner(), target.into_inner());
        self.carry((connection, first), (target, answered), server, dialer)
            .await
    }

    /// Carries what is said, and what was read already, until both ends have closed or the connection is reset.
    async fn carry(
        self,
        (connection, asked): (TcpStream, Vec<u8>),
        (target, answered): (TcpStream, Vec<u8>),
        server: usize,
        dialer: Option<usize>,
    ) -> io::Result<()> {
        let door = &self.0.doors[server];
        let mut here = match dialer {
            Some(_) => door.links.subscribe(),
            None => door.clients.subscribe(),
        };
        let mut there = match dialer {
            Some(dialer) => self.0.doors[dialer].links.subscribe(),
            None => here.clone(),
        };
        let gate = |way: Option<Way>| Gate {
            way,
            cut: self.0.cut.subscribe(),
        };
        let (mut from_dialer, mut to_dialer) = connection.into_split();
        let (mut from_server, mut to_server) = target.into_split();
        let asks = copy(
            asked,
            &mut from_dialer,
            &mut to_server,
            gate(dialer.map(|dialer| (dialer, server))),
        );
        let answers = copy(
            answered,
            &mut from_server,
            &mut to_dialer,
            gate(dialer.map(|dialer| (server, dialer))),
        );
        let both = async { tokio::try_join!(asks, answers).map(|_| ()) };
        tokio::select! {
            done = both => return done,
            _ = here.changed() => {}
            _ = there.changed() => {}
        }
        for end in [from_dialer.as_ref(), from_server.as_ref()] {
            set_socket_linger(end, Some(Duration::ZERO))?;
        }
        Ok(())
    }

    /// Which server asks to join by this line, if one does.
    fn dialer(&self, first: &[u8]) -> Option<usize> {
        let Line::Peer(Peer::Authenticate(join)) = Line::decode(first, Hearer::Server) else {
            return None;
        };
        let port: u16 = join.id.name.as_str().rsplit_once(':')?.1.parse().ok()?;
        self.server(port)
    }
}

/// Where one direction of a connection waits while its way is cut.
struct Gate {
    way: Option<Way>,
    cut: watch::Receiver<BTreeSet<Way>>,
}

impl Gate {
    async fn opens(&mut self) {
        if let Some(way) = self.way {
            // The forwarders, which have the sender, outlive their connections.
            let _ = self.cut.wait_for(|cut| !cut.contains(&way)).await;
        }
    }
}

/// Carries one direction, to its end.
async fn copy(
    mut bytes: Vec<u8>,
    from: &mut OwnedReadHalf,
    to: &mut OwnedWriteHalf,
    mut gate: Gate,
) -> io::Result<()> {
    loop {
        gate.opens().await;
        to.write_all(&bytes).await?;
        bytes.resize(READ_MAX_BYTES, 0);
        let read = from.read(&mut bytes).await?;
        bytes.truncate(read);
        if read == 0 {
            gate.opens().await;
            return to.shutdown().await;
        }
    }
}

/// The next line that isn't blank: blank ones are heartbeats. An end is the end of a connection.
async fn line(stream: &mut BufReader<TcpStream>) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    while line.iter().all(u8::is_ascii_whitespace) {
        if stream.read_until(b'\n', &mut line).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(line)
}

/// Whether a server begins to prove what it knows.
fn is_challenge(line: &[u8]) -> bool {
    #[derive(serde::Deserialize)]
    struct Said {
        command: String,
    }
    serde_json::from_slice::<Said>(line).is_ok_and(|said| said.command == "CHALLENGE")
}

#[cfg(test)]
mod tests {
    use super::*;
    use regrow_model::message::server::Join;
    use regrow_model::message::{Incarnation, ServerId, Stamp};
    use tokio::time::timeout;

    const LONG: Duration = Duration::from_secs(10);
    const SHORT: Duration = Duration::from_millis(100);

    /// Two forwarders, the second one before a server that hears.
    async fn stage() -> (Forwarders, TcpListener) {
        let forwarders = Forwarders::open(2).await.expect("ports");
        let server = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let server = server.expect("a port");
        let port = server.local_addr().expect("it has one").port();
        forwarders.aim(1, Some(port));
        (forwarders, server)
    }

    /// Connects to the second server and says a line.
    async fn dials(forwarders: &Forwarders, line: &[u8]) -> BufReader<TcpStream> {
        let to = (Ipv4Addr::LOCALHOST, forwarders.port(1));
        let mut stream = TcpStream::connect(to).await.expect("it listens");
        stream.write_all(line).await.expect("it is there");
        BufReader::new(stream)
    }

    /// How the first server asks to join.
    fn join(forwarders: &Forwarders) -> Vec<u8> {
        let id = ServerId {
            born: Stamp(1),
            name: format!("127.0.0.1:{}", forwarders.port(0)).as_str().into(),
        };
        let join = Join {
            secret: crate::edge::proven(),
            root: id.clone(),
            id,
            incarnation: Incarnation {
                number: 1,
                nonce: 2,
            },
            known: Default::default(),
        };
        let mut bytes = Vec::new();
        let line = Line::Peer(Peer::Authenticate(join.into()));
        line.encode(&mut bytes).expect("it has a line");
        bytes
    }

    async fn accepts(server: &TcpListener) -> BufReader<TcpStream> {
        let accepted = timeout(LONG, server.accept()).await.expect("in time");
        BufReader::new(accepted.expect("a connection").0)
    }

    async fn hears(stream: &mut BufReader<TcpStream>) -> io::Result<Vec<u8>> {
        timeout(LONG, line(stream)).await.expect("in time")
    }

    async fn hears_nothing(stream: &mut BufReader<TcpStream>) -> bool {
        timeout(SHORT, stream.fill_buf()).await.is_err()
    }

    #[test]
    fn what_is_apart_has_no_way_to_the_others_nor_they_to_it() {
        let ways: BTreeSet<Way> = apart(&[1, 3], 4).collect();
        let expected = [
            (0, 1),
            (0, 3),
            (1, 0),
            (1, 2),
            (2, 1),
            (2, 3),
            (3, 0),
            (3, 2),
        ];
        assert_eq!(ways, BTreeSet::from(expected));
    }

    #[tokio::test]
    async fn what_is_sent_into_a_cut_waits_and_comes_when_it_heals() {
        let (forwarders, server) = stage().await;
        let join = join(&forwarders);
        let mut dialer = dials(&forwarders, &join).await;
        let mut link = accepts(&server).await;
        assert_eq!(hears(&mut link).await.expect("a line"), join);

        forwarders.cut([(0, 1)]);
        dialer.write_all(b"one\n").await.expect("it is there");
        assert!(hears_nothing(&mut link).await);
        link.write_all(b"other\n").await.expect("it is there");
        let other = hears(&mut dialer).await;
        assert_eq!(other.expect("the other way is open"), b"other\n");

        forwarders.heal();
        assert_eq!(hears(&mut link).await.expect("a line"), b"one\n");
    }

    #[tokio::test]
    async fn who_dials_into_a_cut_hears_nothing() {
        let (forwarders, server) = stage().await;
        forwarders.cut([(1, 0)]);
        let mut dialer = dials(&forwarders, &join(&forwarders)).await;
        let mut link = accepts(&server).await;
        assert!(hears(&mut link).await.is_err(), "it comes to nothing");
        assert!(hears_nothing(&mut dialer).await);
    }

    #[tokio::test]
    async fn a_reset_breaks_links_or_clients_and_cuts_are_not_for_clients() {
        let (forwarders, server) = stage().await;
        forwarders.cut([(0, 1), (1, 0)]);
        let mut client = dials(&forwarders, b"hello\n").await;
        let mut heard = accepts(&server).await;
        assert_eq!(hears(&mut heard).await.expect("a line"), b"hello\n");
        forwarders.heal();
        let mut dialer = dials(&forwarders, &join(&forwarders)).await;
        let mut link = accepts(&server).await;
        hears(&mut link).await.expect("a line");

        forwarders.reset_links(0);
        assert!(hears(&mut link).await.is_err() && hears(&mut dialer).await.is_err());
        assert!(hears_nothing(&mut client).await, "it is still there");
        forwarders.reset_clients(1);
        assert!(hears(&mut client).await.is_err());
    }
}
