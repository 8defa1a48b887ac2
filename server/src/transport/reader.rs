//! Reads a connection's stream and hands over its lines, one after the other: each is admitted at the edge first, and waits
//! for room in the actor's queue.

use std::collections::VecDeque;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use regrow_model::message::client::Info;
use regrow_model::message::framing::{LineSplitter, LineTooLong};
use regrow_model::message::{Line, Request};
use regrow_model::port::Link;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::sync::mpsc::error::TrySendError;
use tokio::time::Instant;

use super::connection::Ending;
use super::handshake::{Acceptor, Heard};
use super::stream::{Refused, Stream};
use super::{Shared, Side};
use crate::edge::{Admission, Guest};
use crate::metrics::{Limit, Stranger};
use crate::runtime::{Event, Far, Fate, Outbox, Passage, Waiting};

/// How many bytes are read at once.
const READ: usize = 16 << 10;

/// What is on its way from a stream to the actor.
pub(super) struct Reader {
    splitter: LineSplitter,
    guest: Guest,
    acceptor: Acceptor,
    /// Whether we have dialed it, and so know that it is a server.
    is_dialed: bool,
    /// What was read and not handed over yet.
    lines: VecDeque<Line>,
    waits: Option<Waits>,
    /// Why there will be no more.
    over: Option<Over>,
    heard_at: Instant,
    /// Until when something waited last.
    waited_until: Option<Instant>,
}

/// What the first line waits for.
enum Waits {
    /// The edge.
    Edge(Pin<Box<dyn Future<Output = (Guest, Line)> + Send>>),
    /// Room in the actor's queue.
    Room(Pin<Box<dyn Future<Output = bool> + Send>>),
}

/// Why there will be no more lines.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Over {
    /// The far end sends no more.
    Done,
    /// What comes can't be understood: the actor closes.
    Deaf,
}

impl Reader {
    pub(super) fn new(guest: Guest, line_bytes: usize) -> Self {
        Self {
            splitter: LineSplitter::new(line_bytes),
            guest,
            acceptor: Acceptor::default(),
            is_dialed: false,
            lines: VecDeque::new(),
            waits: None,
            over: None,
            heard_at: Instant::now(),
            waited_until: None,
        }
    }

    /// The far end is one that we have dialed: it has proven to be a server before this connection was made of it.
    pub(super) fn is_dialed(&mut self) {
        self.is_dialed = true;
    }

    /// Until when what came in has waited for us: until now, if it does.
    pub(super) fn waited_until(&self, now: Instant) -> Option<Instant> {
        match self.waits {
            Some(_) => Some(now),
            None => self.waited_until,
        }
    }

    /// Whether the far end has proven to be a server.
    fn hears_a_server(&self) -> bool {
        self.is_dialed || self.guest.is_proven()
    }

    /// When the far end was last heard; not known while what it said waits for us.
    pub(super) fn heard_at(&self) -> Option<Instant> {
        self.waits.is_none().then_some(self.heard_at)
    }

    /// Has the actor hear of something that isn't a line of the far end's, after all those that are.
    pub(super) fn add(&mut self, line: Line) {
        self.lines.push_back(line);
        self.over = Some(Over::Deaf);
    }

    /// Reads and hands over until nothing comes; ready when nothing will.
    pub(super) fn poll(
        &mut self,
        stream: &mut dyn Stream,
        to: &Destination<'_>,
        cx: &mut Context<'_>,
    ) -> Poll<Ending> {
        loop {
            if let Err(ending) = ready!(self.poll_hand_over(to, cx)) {
                return Poll::Ready(ending);
            }
            match self.over {
                Some(Over::Done) => return Poll::Ready(Ending::FarEndDone),
                Some(Over::Deaf) => return Poll::Pending,
                None => {}
            }
            if self.hears_a_server() {
                let limits = to.shared.limits();
                self.splitter.allow(limits.server_line_bytes);
            }
            if let Err(error) = ready!(self.poll_fill(stream, to, cx)) {
                match Refused::of(error) {
                    Ok(info) => self.add(Line::Malformed(info)),
                    Err(error) => return Poll::Ready(Ending::Broken(error)),
                }
            }
        }
    }

    /// Reads what has arrived and decodes the lines that it ends. Between two reads no buffer is kept for a connection but
    /// its unfinished line.
    fn poll_fill(
        &mut self,
        mut stream: &mut dyn Stream,
        to: &Destination<'_>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        let mut room = [MaybeUninit::uninit(); READ];
        let mut buffer = ReadBuf::uninit(&mut room);
        ready!(Pin::new(&mut stream).poll_read(cx, &mut buffer))?;
        self.heard_at = Instant::now();
        let bytes = buffer.filled();
        let certified = stream.certified() != Some(false);
        if bytes.is_empty() {
            self.finish(certified, to);
        } else if let Err(too_long) = self.split(bytes, certified, to) {
            to.shared.traffic.limited.of(Limit::LineLength).inc();
            self.add(Line::Malformed(too_long.into()));
        }
        Poll::Ready(Ok(()))
    }

    fn split(
        &mut self,
        bytes: &[u8],
        certified: bool,
        to: &Destination<'_>,
    ) -> Result<(), LineTooLong> {
        let traffic = &to.shared.traffic;
        let Self {
            splitter,
            guest,
            acceptor,
            lines,
            ..
        } = self;
        let before = lines.len();
        let split = splitter.feed(bytes, |line| {
            // An empty line is a heartbeat: that it came is all it says.
            if !line.is_empty() {
                lines.extend(to.decode(line, certified, acceptor, guest));
            }
        });
        traffic.bytes_received.inc_by(bytes.len() as u64);
        let more = self.lines.len() - before;
        traffic.lines_received.inc_by(more as u64);
        split
    }

    /// The far end sends no more: its last line may have no end.
    fn finish(&mut self, certified: bool, to: &Destination<'_>) {
        let splitter = std::mem::replace(&mut self.splitter, LineSplitter::new(0));
        if let Some(last) = splitter.finish() {
            let line = to.decode(&last, certified, &mut self.acceptor, &mut self.guest);
            self.lines.extend(line);
        }
        self.over = Some(Over::Done);
    }

    /// Hands over what was read.
    fn poll_hand_over(
        &mut self,
        to: &Destination<'_>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Ending>> {
        loop {
            let line = match &mut self.waits {
                Some(Waits::Edge(admission)) => {
                    let (guest, line) = ready!(admission.as_mut().poll(cx));
                    self.guest = guest;
                    self.listen();
                    line
                }
                Some(Waits::Room(room)) => {
                    let heard = ready!(room.as_mut().poll(cx));
                    self.listen();
                    if !heard {
                        return Poll::Ready(Err(Ending::Abandoned));
                    }
                    continue;
                }
                None => match self.next(to) {
                    None => return Poll::Ready(Ok(())),
                    Some(Admission::Now(line)) => line,
                    Some(Admission::Later(admission)) => {
                        self.waits = Some(Waits::Edge(admission));
                        continue;
                    }
                },
            };
            if let Err(ending) = self.hand_over(line, to) {
                return Poll::Ready(Err(ending));
            }
        }
    }

    /// We listen again: how long we didn't is not the far end's silence.
    fn listen(&mut self) {
        self.waits = None;
        self.heard_at = Instant::now();
        self.waited_until = Some(self.heard_at);
    }

    /// The next line, at the edge.
    fn next(&mut self, to: &Destination<'_>) -> Option<Admission> {
        let line = loop {
            let Some(line) = self.lines.pop_front() else {
                self.lines = VecDeque::new(); // an idle connection keeps no room for them
                return None;
            };
            if to.outbox.status().fate == Fate::Open {
                break line;
            }
        };
        if let Line::Malformed(_) = line {
            to.shared.traffic.malformed.inc();
        }
        if let Some(far) = recognise(&line, self.hears_a_server())
            && to.outbox.status().far != Far::Server
        {
            to.outbox.shown(far);
        }
        Some(match &to.shared.side {
            Side::Server(edge, _) => edge.admit(&mut self.guest, line),
            Side::Client => Admission::Now(line),
        })
    }

    fn hand_over(&mut self, line: Line, to: &Destination<'_>) -> Result<(), Ending> {
        let link = to.link;
        match to.shared.events.try_send(Event::Line { link, line }) {
            Ok(()) => Ok(()),
            Err(TrySendError::Closed(_)) => Err(Ending::Abandoned),
            Err(TrySendError::Full(event)) => {
                let events = to.shared.events.clone();
                let room = async move { events.send(event).await.is_ok() };
                self.waits = Some(Waits::Room(Box::pin(room)));
                Ok(())
            }
        }
    }
}

/// Where lines go.
pub(super) struct Destination<'a> {
    pub(super) shared: &'a Arc<Shared>,
    pub(super) outbox: &'a Outbox,
    pub(super) link: Link,
}

impl Destination<'_> {
    /// What a line says to the actor; nothing if it is the transport's own.
    fn decode(
        &self,
        line: &[u8],
        certified: bool,
        acceptor: &mut Acceptor,
        guest: &mut Guest,
    ) -> Option<Line> {
        if let Side::Server(_, key) = &self.shared.side {
            match acceptor.hear(key, line) {
                Heard::Nothing => {}
                Heard::Answer(_) if !certified => {
                    self.refuses(guest, Stranger::Certificate);
                    let info =
                        "a server needs a certificate of this system's authority to link by TLS";
                    return Some(Line::Malformed(Info::Text(info.into())));
                }
                Heard::Answer(answer) => {
                    let bytes = answer.into();
                    // It is the first thing that is said: the outbox has room.
                    let _ = self
                        .outbox
                        .push([Passage { bytes, lines: 0 }], Waiting::default());
                    return None;
                }
                Heard::Proof(is_proven) => {
                    if !is_proven {
                        self.refuses(guest, Stranger::Secret);
                    }
                    guest.prove(is_proven);
                    return None;
                }
                Heard::Stranger => {
                    self.refuses(guest, Stranger::Secret);
                    return None;
                }
                Heard::OtherVersion => {
                    self.refuses(guest, Stranger::Version);
                    return Some(Line::Malformed(Info::OtherVersion));
                }
            }
        }
        Some(Line::decode(line, self.shared.side.hearer()))
    }

    /// A server that has dialed us is no peer.
    fn refuses(&self, guest: &Guest, stranger: Stranger) {
        self.shared.traffic.dialers_refused.of(stranger).inc();
        let why = match stranger {
            Stranger::Secret => "it has another secret: give both the same --secret",
            Stranger::Version => "it speaks another version of the protocol: update the older one",
            Stranger::Certificate => {
                "it shows no certificate of this system's authority: give it --cert, --key and --ca"
            }
        };
        let from = guest.from().map(tracing::field::display);
        tracing::warn!(
            event = "dialer_refused",
            from,
            why,
            "refused a server that dialed"
        );
    }
}

/// Learns from what a far end says who it is. What only servers say makes nobody a server.
fn recognise(line: &Line, is_proven: bool) -> Option<Far> {
    match line {
        Line::Peer(_) => is_proven.then_some(Far::Server),
        Line::Reply(_) => Some(Far::Client),
        Line::Malformed(_) => None,
        Line::Request(request) => match **request {
            Request::Login { resume: None, .. } | Request::Register { .. } => {
                Some(Far::LegacyClient)
            }
            Request::Login { .. } => Some(Far::Client),
            Request::Logout
            | Request::Activity { .. }
            | Request::Got { .. }
            | Request::Invalid { .. } => None,
        },
    }
}
