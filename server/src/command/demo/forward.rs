//! Forwarders in front of the demo's servers: a cut that needs no privileges. A joiner says who it is once it has proven that
//! it knows the secret, so a forwarder knows which pair of servers a connection is between; clients always get through.

use std::collections::BTreeSet;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard};

use regrow_model::message::{Hearer, Line, Peer};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// The forwarders of all servers. Cloning shares them.
#[derive(Clone)]
pub(super) struct Forwarders(Arc<Shared>);

struct Shared {
    /// Where each server really listens; `None` while it is down.
    targets: Mutex<Vec<Option<u16>>>,
    /// Each server's public port.
    ports: Vec<u16>,
    /// Servers on the far side of the cut; empty when there is none.
    cut: watch::Sender<BTreeSet<usize>>,
}

impl Forwarders {
    /// Opens one public port for each server, and begins to forward.
    pub(super) async fn open(servers: usize) -> io::Result<Self> {
        let mut listeners = Vec::new();
        for _ in 0..servers {
            listeners.push(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?);
        }
        let ports: io::Result<Vec<u16>> = listeners
            .iter()
            .map(|listener| Ok(listener.local_addr()?.port()))
            .collect();
        let forwarders = Self(Arc::new(Shared {
            targets: Mutex::new(vec![None; servers]),
            ports: ports?,
            cut: watch::channel(BTreeSet::new()).0,
        }));
        for (server, listener) in listeners.into_iter().enumerate() {
            tokio::spawn(forwarders.clone().accept(server, listener));
        }
        Ok(forwarders)
    }

    /// A server's public port.
    pub(super) fn port(&self, server: usize) -> u16 {
        self.0.ports[server]
    }

    /// Says where a server really listens.
    pub(super) fn aim(&self, server: usize, port: Option<u16>) {
        self.targets()[server] = port;
    }

    /// Cuts these servers off from all others: nothing passes any more, and nobody is told.
    pub(super) fn cut(&self, far: impl IntoIterator<Item = usize>) {
        self.0.cut.send_replace(far.into_iter().collect());
    }

    /// Lets everything pass again. Connections that were cut stay so.
    pub(super) fn heal(&self) {
        self.0.cut.send_replace(BTreeSet::new());
    }

    fn targets(&self) -> MutexGuard<'_, Vec<Option<u16>>> {
        self.0
            .targets
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
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
        let mut cut = self.0.cut.subscribe();
        let parts = move |far: &BTreeSet<usize>| {
            dialer.is_some_and(|dialer| far.contains(&dialer) != far.contains(&server))
        };
        if parts(&cut.borrow_and_update()) {
            return Ok(());
        }
        target.write_all(&first).await?;
        tokio::select! {
            copied = tokio::io::copy_bidirectional(&mut connection, &mut target) => copied.map(|_| ()),
            _ = async { cut.wait_for(parts).await.is_ok() } => {
                // Silence, until both ends have given up: as long as the demo lasts.
                std::future::pending::<()>().await;
                Ok(())
            }
        }
    }

    /// Which server asks to join by this line, if one does.
    fn dialer(&self, first: &[u8]) -> Option<usize> {
        let Line::Peer(Peer::Authenticate(join)) = Line::decode(first, Hearer::Server) else {
            return None;
        };
        let port: u16 = join.id.name.as_str().rsplit_once(':')?.1.parse().ok()?;
        self.0.ports.iter().position(|public| *public == port)
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
