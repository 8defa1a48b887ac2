//! A UDP socket to one address alone: the system says on it when nobody is there, as it does for TCP. On a socket that talks
//! to everybody it doesn't, and quinn's own doesn't pass it on.

use std::fmt;
use std::io::{self, IoSliceMut};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use quinn::udp::{RecvMeta, Transmit, UdpSocketState};
use quinn::{AsyncUdpSocket, Endpoint, EndpointConfig, TokioRuntime, UdpPoller};
use tokio::io::Interest;

/// An endpoint that dials one address, and its socket.
///
/// # Errors
/// When the system has no socket for it.
pub(super) fn endpoint(to: SocketAddr) -> io::Result<(Endpoint, Arc<Direct>)> {
    let here = match to {
        SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
        SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
    };
    let socket = UdpSocket::bind(here)?;
    // Elsewhere a socket that is connected takes no address with what it sends, and quinn gives one.
    #[cfg(target_os = "linux")]
    socket.connect(to)?;
    socket.set_nonblocking(true)?;
    let direct = Arc::new(Direct {
        state: UdpSocketState::new((&socket).into())?,
        socket: tokio::net::UdpSocket::from_std(socket)?,
        is_refused: AtomicBool::new(false),
    });
    let (config, runtime) = (EndpointConfig::default(), Arc::new(TokioRuntime));
    let endpoint = Endpoint::new_with_abstract_socket(config, None, direct.clone(), runtime)?;
    Ok((endpoint, direct))
}

/// That socket.
#[derive(Debug)]
pub(super) struct Direct {
    socket: tokio::net::UdpSocket,
    state: UdpSocketState,
    /// Whether the system has said so as something was sent or received: it says it once.
    is_refused: AtomicBool,
}

impl Direct {
    /// Returns when the system says that nobody is there.
    pub(super) async fn refused(&self) {
        loop {
            if self.socket.ready(Interest::ERROR).await.is_err() {
                return;
            }
            if let Ok(Some(error)) = self.socket.take_error() {
                self.note(&error);
            }
            if self.is_refused.load(Ordering::Relaxed) {
                return;
            }
            // Whatever else it was: wait for the next.
            let nothing = || Err::<(), _>(io::ErrorKind::WouldBlock.into());
            let _ = self.socket.try_io(Interest::ERROR, nothing);
        }
    }

    fn note(&self, error: &io::Error) {
        if error.kind() == io::ErrorKind::ConnectionRefused {
            self.is_refused.store(true, Ordering::Relaxed);
        }
    }
}

impl AsyncUdpSocket for Direct {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        let (socket, waiting) = (self, None);
        Box::pin(Writable { socket, waiting })
    }

    fn try_send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        let send = || self.state.try_send((&self.socket).into(), transmit);
        match self.socket.try_io(Interest::WRITABLE, send) {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => {
                // What isn't sent is lost, as anything may be on its way.
                self.note(&error);
                Ok(())
            }
            sent => sent,
        }
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.socket.poll_recv_ready(cx))?;
            let receive = || self.state.recv((&self.socket).into(), buffers, meta);
            match self.socket.try_io(Interest::READABLE, receive) {
                Ok(received) => return Poll::Ready(Ok(received)),
                // There is nothing after all, or what it is is of no use to quinn.
                Err(error) => self.note(&error),
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    fn may_fragment(&self) -> bool {
        self.state.may_fragment()
    }

    fn max_transmit_segments(&self) -> usize {
        self.state.max_gso_segments()
    }

    fn max_receive_segments(&self) -> usize {
        self.state.gro_segments()
    }
}

/// Waits until there is room to send.
struct Writable {
    socket: Arc<Direct>,
    waiting: Option<Pin<Box<dyn Future<Output = io::Result<()>> + Send + Sync>>>,
}

impl fmt::Debug for Writable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Writable")
    }
}

impl UdpPoller for Writable {
    fn poll_writable(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let socket = self.socket.clone();
        let waiting = self
            .waiting
            .get_or_insert_with(|| Box::pin(async move { socket.socket.writable().await }));
        let writable = ready!(waiting.as_mut().poll(cx));
        self.waiting = None;
        Poll::Ready(writable)
    }
}
