//! An actor on strings: it hears everything, and does what it is asked to.

use std::borrow::Cow;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, LazyLock};
use std::task::{Context, Waker};
use std::time::Duration;

use regrow_model::message::{Address, Line, Peer, Request, Scheme, Username, client::Info};
use regrow_model::port::{Effect, Effects, Input, Link, Port};
use stateright::actor::{Actor, Id, Out};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};

use crate::command::cert;
use crate::edge::Edge;
use crate::metrics::Metrics;
use crate::runtime::{
    Bound, Disk, DiskHealth, EVENTS, Event, Events, Forgetful, Handle, Looks, Setup, Witness,
};
use crate::transport::handshake::{Acceptor, Dialer, Heard as Greeted, Key};
use crate::transport::{
    Carriers, CertificateFiles, Certificates, Connector, Limits, OwnFiles, Pace, Shared, Side,
    Transport, Way,
};

/// No test waits longer than this for anything.
const PATIENCE: Duration = Duration::from_secs(20);

/// One command that the actor gives.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Pull {
    Open(Address),
    Say(Link, Line),
    /// Send one line over many links.
    Spread(Vec<Link>, Line),
    Close(Link),
    Save(u64),
    Set(&'static str, Duration),
    Cancel(&'static str),
    Tell(&'static str),
    /// Choose one of these at random, instead of what was to be chosen under the same key.
    Choose(&'static str, Vec<&'static str>),
    /// Stays in the handler for so long.
    Dawdle(Duration),
}

/// What the actor tells.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Heard {
    Input(Input<Vec<Pull>>),
    Fired(&'static str),
    Chosen(&'static str),
}

#[derive(Default)]
pub(super) struct Strings {
    /// What it saves when it starts.
    identity: Option<u64>,
}

impl Actor for Strings {
    type Msg = Port<Vec<Pull>, Heard>;
    type Timer = &'static str;
    type State = u64;
    type Storage = u64;
    type Random = &'static str;

    fn on_start(&self, _: Id, storage: &Option<u64>, out: &mut Out<Self>) -> u64 {
        self.identity
            .iter()
            .for_each(|identity| out.save(*identity));
        storage.unwrap_or(0)
    }

    fn on_msg(&self, _: Id, state: &mut Cow<u64>, _: Id, msg: Self::Msg, out: &mut Out<Self>) {
        assert!(matches!(state, Cow::Owned(_)), "the state is always owned");
        match msg {
            Port::In(Input::Ask(pulls)) => pulls.into_iter().for_each(|pull| obey(pull, out)),
            Port::In(input) => out.effect(Effect::Tell(Heard::Input(input))),
            Port::Out(_) => unreachable!("effects aren't inputs"),
        }
    }

    fn on_timeout(&self, _: Id, _: &mut Cow<u64>, timer: &Self::Timer, out: &mut Out<Self>) {
        out.effect(Effect::Tell(Heard::Fired(timer)));
    }

    fn on_random(&self, _: Id, _: &mut Cow<u64>, random: &Self::Random, out: &mut Out<Self>) {
        out.effect(Effect::Tell(Heard::Chosen(random)));
    }
}

fn obey(pull: Pull, out: &mut Out<Strings>) {
    match pull {
        Pull::Open(address) => out.effect(Effect::Open { address }),
        Pull::Say(link, line) => out.effect(Effect::Send { link, line }),
        Pull::Spread(links, line) => out.effect(Effect::Spread { links, line }),
        Pull::Close(link) => out.effect(Effect::Close { link }),
        Pull::Save(value) => out.save(value),
        Pull::Set(timer, after) => out.set_timer(timer, after..after),
        Pull::Cancel(timer) => out.cancel_timer(timer),
        Pull::Tell(what) => out.effect(Effect::Tell(Heard::Fired(what))),
        Pull::Choose(key, options) => out.choose_random(key, options),
        Pull::Dawdle(time) => std::thread::sleep(time),
    }
}

/// What carries a test's connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    Tcp,
    Tls,
    WebSocket,
    Quic,
}

impl By {
    fn way(self) -> Way {
        match self {
            Self::Tcp => Way::Tcp,
            Self::Tls => Way::Tls,
            Self::WebSocket => Way::Ws,
            Self::Quic => Way::Quic,
        }
    }

    /// How servers dial; they have no WebSockets.
    pub(super) fn scheme(self) -> Scheme {
        match self {
            Self::Tcp | Self::WebSocket => Scheme::Tcp,
            Self::Tls => Scheme::Tls,
            Self::Quic => Scheme::Quic,
        }
    }

    /// What connections are carried by, dialed in some way or as their address says.
    fn carriers(self, way: Option<Way>) -> Carriers {
        let certificates = match self {
            Self::Tcp | Self::WebSocket => None,
            Self::Tls | Self::Quic => Some(CERTIFICATES.clone()),
        };
        Carriers {
            certificates,
            requires_tls: false,
            way,
        }
    }
}

/// This machine's, by an authority of the tests' own.
static CERTIFICATES: LazyLock<Arc<Certificates>> = LazyLock::new(|| {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str| directory.path().join(name);
    cert::authority(directory.path()).unwrap();
    cert::node(directory.path(), &["127.0.0.1".to_owned()]).unwrap();
    let own = OwnFiles {
        certificate: file("127.0.0.1.pem"),
        key: file("127.0.0.1.key"),
    };
    let files = CertificateFiles {
        own: Some(own),
        authority: Some(file("ca.pem")),
    };
    Arc::new(Certificates::read(files).unwrap())
});

/// A running [`Strings`], and the test's hold on it.
pub(super) struct Puppet {
    by: By,
    pub(super) address: Address,
    asks: mpsc::Sender<Vec<Pull>>,
    events: Events,
    heard: mpsc::UnboundedReceiver<Heard>,
    running: Handle<Vec<Pull>, u64>,
    metrics: Arc<Metrics>,
}

/// A pace at which tests don't take long.
pub(super) const PACE: Pace = Pace {
    dial: Duration::from_millis(500),
    heartbeat: Duration::from_millis(40),
    silence: Duration::from_millis(600),
    linger: Duration::from_secs(2),
    sample: Duration::from_millis(20),
};

pub(super) const LIMITS: Limits = Limits {
    line_bytes: 1 << 20,
    server_line_bytes: 1 << 26,
    outbox: Bound {
        lines: 1 << 18,
        bytes: 8 << 20,
    },
    connections: 100,
    connections_per_address: 100,
    stranger: Duration::from_secs(60),
    credential_bytes: 1 << 10,
    activities_per_second: 0,
    attempts_per_second: 0,
};

impl Puppet {
    pub(super) async fn new() -> Self {
        Self::with_disk(Forgetful).await
    }

    pub(super) async fn by(by: By) -> Self {
        Self::start(by, Forgetful, LIMITS).await
    }

    /// With limits of its own.
    pub(super) async fn limited(by: By, limits: Limits) -> Self {
        Self::start(by, Forgetful, limits).await
    }

    pub(super) async fn with_disk(disk: impl Disk<u64> + 'static) -> Self {
        Self::start(By::Tcp, disk, LIMITS).await
    }

    /// One that saves this when it starts.
    pub(super) async fn that_is(identity: u64, disk: impl Disk<u64> + 'static) -> Self {
        let actor = Strings {
            identity: Some(identity),
        };
        Self::start_as(actor, By::Tcp, disk, LIMITS, None).await
    }

    /// One that somebody sees.
    pub(super) async fn seen(
        disk: impl Disk<u64> + 'static,
        witness: impl Witness<Strings, Vec<Pull>> + 'static,
    ) -> Self {
        let witness: Box<dyn Witness<_, _>> = Box::new(witness);
        Self::start_as(Strings::default(), By::Tcp, disk, LIMITS, Some(witness)).await
    }

    async fn start(by: By, disk: impl Disk<u64> + 'static, limits: Limits) -> Self {
        Self::start_as(Strings::default(), by, disk, limits, None).await
    }

    async fn start_as(
        actor: Strings,
        by: By,
        disk: impl Disk<u64> + 'static,
        limits: Limits,
        witness: Option<Box<dyn Witness<Strings, Vec<Pull>>>>,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = address_of(&listener).by(by.scheme());
        let (events, queue) = mpsc::channel(EVENTS);
        let metrics = Metrics::new();
        let edge = Arc::new(Edge::new("test", 1, &metrics));
        let side = Side::Server(edge, Key::new("secret").unwrap());
        let traffic = metrics.traffic.clone();
        let carriers = by.carriers(None);
        let shared = Shared::new(carriers, events.clone(), side, PACE, limits, traffic);
        let transport = Transport::new(shared);
        let (tell, heard) = mpsc::unbounded_channel();
        let setup = Setup {
            actor,
            storage: None,
            disk: Box::new(disk),
            dial: Box::new(transport.clone()),
            told: Box::new(move |told| {
                let _ = tell.send(told);
            }),
            said: Box::new(|_, _| {}),
            witness,
        };
        let running = setup.spawn(queue);
        if by == By::Quic {
            let here = listener.local_addr().unwrap();
            transport.listen_by_quic(here).unwrap();
        }
        tokio::spawn(transport.listen(listener));
        Self {
            by,
            address,
            asks: running.asks(),
            events,
            heard,
            running,
            metrics,
        }
    }

    /// Has this happen as if it came from the transport.
    pub(super) async fn happens(&self, event: Event) {
        self.events.send(event).await.unwrap();
    }

    /// Whether its saves succeed.
    pub(super) fn disk(&self) -> watch::Receiver<DiskHealth> {
        self.running.disk()
    }

    /// How many connections it has, those that are being closed included.
    pub(super) fn connections(&self) -> i64 {
        self.metrics.traffic.open.get()
    }

    /// Whether the actor ends by itself, and fails.
    pub(super) async fn fails(&mut self) -> bool {
        soon(self.running.ended()).await.is_err()
    }

    /// Stops the actor and waits until it has.
    pub(super) async fn stop(self) {
        self.running.stop().await.unwrap();
    }

    /// A way to look at the actor.
    pub(super) fn looks(&self) -> Looks<u64> {
        self.running.looks()
    }

    /// Makes the actor do these things in one handler.
    pub(super) async fn pull(&self, pulls: impl IntoIterator<Item = Pull>) {
        self.asks.send(pulls.into_iter().collect()).await.unwrap();
    }

    /// What the actor hears next.
    pub(super) async fn hears(&mut self) -> Heard {
        soon(self.heard.recv()).await.unwrap()
    }

    /// What it has heard and not yet been asked about.
    pub(super) fn has_heard(&mut self) -> Option<Heard> {
        self.heard.try_recv().ok()
    }

    pub(super) async fn hears_up(&mut self) -> Link {
        match self.hears().await {
            Heard::Input(Input::Up { link, .. }) => link,
            other => panic!("not an Up: {other:?}"),
        }
    }

    pub(super) async fn hears_line(&mut self) -> String {
        match self.hears().await {
            Heard::Input(Input::Line { line, .. }) => text_of(&line),
            other => panic!("not a line: {other:?}"),
        }
    }

    /// A raw connection to this actor, and its link.
    pub(super) async fn raw(&mut self) -> (Raw, Link) {
        let raw = self.knock().await;
        let link = self.hears_up().await;
        (raw, link)
    }

    /// A raw connection to this actor, which may hear of it when it likes.
    pub(super) async fn knock(&self) -> Raw {
        Raw::dial(self.by, &self.address).await
    }
}

/// The other end of a link, without a runtime.
pub(super) struct Raw(BufReader<Box<dyn Duplex>>);

/// Bytes, both ways.
pub(super) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

impl Raw {
    async fn dial(by: By, address: &Address) -> Self {
        let connector = Connector::new(by.carriers(Some(by.way())));
        let stream = soon(connector.connect(address, &LIMITS)).await.unwrap();
        let mut raw = Self(BufReader::new(Box::new(stream)));
        if by == By::Quic {
            // The far end hears of a stream once there is something in it.
            soon(raw.stream().write_all(b"\n")).await.unwrap();
        }
        raw
    }

    pub(super) fn of(stream: TcpStream) -> Self {
        stream.set_nodelay(true).unwrap();
        Self(BufReader::new(Box::new(stream)))
    }

    pub(super) fn stream(&mut self) -> &mut dyn Duplex {
        self.0.get_mut()
    }

    pub(super) async fn say(&mut self, line: &Line) {
        let bytes = encoded(line);
        soon(self.0.get_mut().write_all(&bytes)).await.unwrap();
        soon(self.0.get_mut().flush()).await.unwrap();
    }

    /// Answers a server that has dialed, and hears it prove who it is.
    pub(super) async fn greets(&mut self) {
        let mut acceptor = Acceptor::default();
        let key = Key::new("secret").unwrap();
        let challenge = self.reads().await.unwrap();
        let Greeted::Answer(answer) = acceptor.hear(&key, challenge.as_bytes()) else {
            panic!("a server begins with a challenge: {challenge}");
        };
        soon(self.0.get_mut().write_all(&answer)).await.unwrap();
        let proof = self.reads().await.unwrap();
        let heard = acceptor.hear(&key, proof.as_bytes());
        assert!(matches!(heard, Greeted::Proof(true)));
    }

    /// Proves to be a server of the same system.
    pub(super) async fn proves(&mut self) {
        let dialer = Dialer::new(Key::new("secret").unwrap());
        soon(self.0.get_mut().write_all(&dialer.challenge()))
            .await
            .unwrap();
        let answer = self.reads().await.unwrap();
        let proof = dialer.answer(answer.as_bytes()).unwrap();
        soon(self.0.get_mut().write_all(&proof)).await.unwrap();
    }

    /// The next line without its end; `None` when the far end has finished.
    pub(super) async fn reads(&mut self) -> Option<String> {
        let mut line = String::new();
        let read = soon(self.0.read_line(&mut line)).await.unwrap();
        (read > 0).then(|| line.trim_end().to_owned())
    }

    /// Whether nothing has arrived by now.
    pub(super) fn is_quiet(&mut self) -> bool {
        let mut cx = Context::from_waker(Waker::noop());
        Pin::new(&mut self.0).poll_fill_buf(&mut cx).is_pending()
    }
}

/// A line that says this.
pub(super) fn line(text: impl ToString) -> Line {
    let info = Info::Text(text.to_string().into());
    Line::Request(Box::new(Request::Invalid { info }))
}

/// What a legacy client says first.
pub(super) fn login() -> Line {
    Line::Request(Box::new(Request::Login {
        username: Username::anonymous(),
        secret: None,
        resume: None,
    }))
}

/// The same as it goes over the wire, without its end.
pub(super) fn wire(text: impl ToString) -> String {
    let bytes = encoded(&line(text));
    String::from_utf8(bytes).unwrap().trim_end().to_owned()
}

fn encoded(line: &Line) -> Vec<u8> {
    let mut bytes = Vec::new();
    line.encode(&mut bytes).unwrap();
    bytes
}

pub(super) fn text_of(line: &Line) -> String {
    match line {
        Line::Request(request) => match &**request {
            Request::Invalid { info } => info.to_string(),
            other => panic!("not one of ours: {other:?}"),
        },
        other => panic!("not one of ours: {other:?}"),
    }
}

/// Where a listener can be reached.
pub(super) fn address_of(listener: &TcpListener) -> Address {
    let address = listener.local_addr().unwrap();
    Address::new(&address.ip().to_string(), address.port()).unwrap()
}

/// A line that only servers say.
pub(super) fn server_line() -> Line {
    Line::Peer(Peer::Known {
        servers: Vec::new(),
    })
}

/// Waits for something, but not for ever.
pub(super) async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future)
        .await
        .expect("it should have happened by now")
}

/// Waits until something holds.
pub(super) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while !holds() {
        assert!(tokio::time::Instant::now() < deadline, "never: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
