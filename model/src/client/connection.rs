//! A client's one connection: what the server says on it, and what the client makes of it
//! (`docs/protocol.md`, Client).

use super::{Declined, Greeting, Kind, Stage, State, Step, Timer, Told, identity, rest, wait};
use crate::message::client::{From, Info, Resume, Resumed, Vector};
use crate::message::server::Sender;
use crate::message::{Activity, Address, Line, Reply, Request, Stamp};
use crate::port::Link;

/// A connection to a server.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Connection {
    /// Over this link.
    pub link: Link,
    /// To this server.
    pub at: Address,
    /// How far the two are.
    pub phase: Phase,
}

/// How far a client and its server are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// REGISTER is sent.
    Registering,
    /// LOGIN is sent.
    LoggingIn,
    /// Logged in, and both speak our extension.
    Live {
        /// How many lines it has heard that the server hasn't been told of: 1 stands for any number where they aren't counted.
        /// The timer runs unless there are none.
        ungot: u32,
    },
    /// Logged in with the original protocol: what is said is said, for better or worse.
    Plain,
}

/// A new link: REGISTER or LOGIN.
pub(super) fn greet(s: &mut State, link: Link, at: Address, step: &mut Step<'_>) {
    let Some(identity) = &s.identity else {
        return step.close(link);
    };
    let phase = match (identity.greeting(&at), &identity.secret) {
        (Greeting::Register, Some(secret)) => {
            let request = Request::Register {
                username: identity.username.clone(),
                secret: secret.clone(),
                at: Stamp::default(),
            };
            step.say(link, request);
            Phase::Registering
        }
        (Greeting::Login | Greeting::Register, _) => {
            login(s, link, step);
            Phase::LoggingIn
        }
    };
    s.stage = Stage::Connected(Connection { link, at, phase });
}

fn login(s: &State, link: Link, step: &mut Step<'_>) {
    let Some(identity) = &s.identity else {
        return;
    };
    let resume = match step.config.kind {
        Kind::Ours => {
            let sender = Sender {
                username: identity.username.clone(),
                client: s.memory.client(&step.config.client),
            };
            Some(Resume {
                cursor: (step.rules.resumes)(s.memory.cursor.as_ref()),
                said: s.memory.heard.get(&sender).copied().unwrap_or(0),
                client: sender.client,
            })
        }
        Kind::Legacy => None,
    };
    let request = Request::Login {
        username: identity.username.clone(),
        secret: identity.secret.clone(),
        resume,
    };
    step.say(link, request);
}

/// The server says something.
pub(super) fn on_line(s: &mut State, link: Link, line: Line, step: &mut Step<'_>) {
    if connection(s).is_none() {
        return;
    }
    let reply = match line {
        Line::Reply(reply) => reply,
        Line::Malformed(info) => return on_nonsense(s, link, info, step),
        Line::Request(_) | Line::Peer(_) => {
            let info = Info::NotExpected;
            return on_nonsense(s, link, info, step);
        }
    };
    match reply {
        Reply::RegisterSuccess { .. } => on_register_success(s, link, step),
        Reply::RegisterFailed { info } => on_register_failed(s, link, info, step),
        Reply::LoginSuccess { resumed, .. } => on_login_success(s, link, resumed, step),
        Reply::LoginFailed { info } => on_refused(s, link, Greeting::Login, info, step),
        Reply::Redirect { to } => on_redirect(s, to, step),
        Reply::Broadcast { activity, from } => on_broadcast(s, activity, from, step),
        Reply::Ack { k, stable } => on_ack(s, k, stable, step),
        Reply::Gap {
            missed,
            info,
            cursor,
        } => on_gap(s, missed, info, *cursor, step),
        Reply::Invalid { info } | Reply::AuthenticationFail { info } => {
            on_thrown_out(s, link, info, step);
        }
    }
}

/// REGISTER_SUCCESS: logged in silently. Our own client says LOGIN nevertheless, to ask for the extension.
fn on_register_success(s: &mut State, link: Link, step: &mut Step<'_>) {
    if phase(s) != Some(Phase::Registering) {
        return;
    }
    on_proved(s, step);
    let phase = match step.config.kind {
        Kind::Ours => {
            login(s, link, step);
            Phase::LoggingIn
        }
        Kind::Legacy => Phase::Plain,
    };
    set_phase(s, phase);
}

fn on_proved(s: &mut State, step: &mut Step<'_>) {
    if let Some(identity) = &mut s.identity
        && identity.on_proved()
    {
        let username = identity.username.clone();
        step.tell(Told::Registered { username });
    }
}

/// LOGIN_SUCCESS: everything kept is offered again, for the server that acknowledged it may have died for ever.
fn on_login_success(s: &mut State, link: Link, resumed: Option<Box<Resumed>>, step: &mut Step<'_>) {
    if phase(s) != Some(Phase::LoggingIn) {
        return;
    }
    on_proved(s, step);
    if let (Some(identity), Some(connection)) = (&s.identity, connection(s)) {
        step.tell(Told::LoggedIn {
            username: identity.username.clone(),
            at: connection.at.clone(),
            resumes: resumed.is_some(),
        });
    }
    s.servers.candidates.clear();
    let Some(resumed) = resumed else {
        set_phase(s, Phase::Plain);
        for (_, activity) in s.memory.kept() {
            say(s, link, activity, None, step);
        }
        return s.memory.is_told();
    };
    set_phase(s, Phase::Live { ungot: 0 });
    s.servers.learn(resumed.servers);
    let first = s.memory.cursor.is_none();
    s.memory.raise(resumed.cursor);
    if first || (step.rules.offers_again)() {
        for (k, activity) in s.memory.kept() {
            say(s, link, activity, Some(k), step);
        }
    }
}

/// REGISTER_FAILED: the answer to a REGISTER; on a connection that is logged in, the name is lost.
fn on_register_failed(s: &mut State, link: Link, info: Info, step: &mut Step<'_>) {
    match phase(s) {
        Some(Phase::Registering) => on_refused(s, link, Greeting::Register, info, step),
        Some(Phase::LoggingIn | Phase::Live { .. } | Phase::Plain) => {
            rest(s, step);
            let unsaid = s.memory.begin_anew();
            step.tell(Told::NameLost { info, unsaid });
        }
        None => {}
    }
}

/// REGISTER_FAILED or LOGIN_FAILED.
fn on_refused(s: &mut State, link: Link, what: Greeting, info: Info, step: &mut Step<'_>) {
    let Some(at) = connection(s).map(|connection| connection.at.clone()) else {
        return;
    };
    let Some(identity) = &mut s.identity else {
        return;
    };
    let verdict = identity.on_refused(what, &at, &s.servers.known, step.rules);
    take(s, step);
    step.close(link);
    match (verdict, step.config.kind) {
        (identity::Verdict::GivesUp, _) | (_, Kind::Legacy) => {
            rest(s, step);
            let unsaid = Some(s.memory.begin_anew());
            return step.tell(Told::Refused { info, unsaid });
        }
        (identity::Verdict::AsksAgain, Kind::Ours) => s.servers.candidates.push_front(at),
        (identity::Verdict::AsksOthers, Kind::Ours) => {
            s.servers.pass(&at, step.config.timing.backoffs);
        }
    }
    step.tell(Told::Refused { info, unsaid: None });
    wait(s, step);
}

/// REDIRECT: the same again, there.
fn on_redirect(s: &mut State, to: Address, step: &mut Step<'_>) {
    match phase(s) {
        Some(Phase::Live { .. } | Phase::Plain) => {
            close(s, step);
            step.tell(Told::Redirected { to: to.clone() });
            s.servers.learn([to.clone()]);
            super::dial(s, to, step);
        }
        Some(Phase::Registering | Phase::LoggingIn) | None => {}
    }
}

/// ACTIVITY_BROADCAST. A server counts a REGISTER as a login, and tells what is said from then on without its place. Our own
/// client leaves that out until it has logged in, for it would not know it when it is said again. A legacy one is told nothing
/// before its greeting is answered.
fn on_broadcast(s: &mut State, activity: Activity, from: Option<Box<From>>, step: &mut Step<'_>) {
    let phase = phase(s);
    let is_early = matches!(phase, Some(Phase::Registering | Phase::LoggingIn));
    if is_early && !(step.rules.hears_early)() {
        return;
    }
    if let (Some(from), Some(Phase::Live { .. })) = (&from, phase) {
        let is_new = s.memory.on_broadcast(from, &activity, step.rules);
        owe_got(s, step);
        if !is_new {
            return;
        }
    }
    step.tell(Told::Heard { activity, from });
}

/// GAP: what its cursor passes over now will never come.
fn on_gap(s: &mut State, missed: u64, info: Info, cursor: Vector, step: &mut Step<'_>) {
    let lost = s.memory.beyond(&cursor);
    if (step.rules.passes)() {
        s.memory.raise(cursor);
    }
    owe_got(s, step);
    step.tell(Told::Gap { missed, info, lost });
}

/// The server is to be told before long how far this client has heard; at once if that is much, for it sends a client that
/// catches up no more than a window.
fn owe_got(s: &mut State, step: &mut Step<'_>) {
    let Some(Phase::Live { ungot: before }) = phase(s) else {
        return;
    };
    let most = step.config.ungot_max;
    let ungot = most.map_or(1, |_| before + 1);
    set_phase(s, Phase::Live { ungot });
    if most.is_some_and(|most| ungot >= most) {
        step.out.cancel_timer(Timer::Got);
        say_got(s, step);
    } else if before == 0 {
        let after = step.config.timing.got.clone();
        step.out.set_timer(Timer::Got, after);
    }
}

/// Timer: it has been long enough.
pub(super) fn on_got_timer(s: &mut State, step: &mut Step<'_>) {
    say_got(s, step);
}

/// Tells the server what was heard, so that it need not keep it.
fn say_got(s: &mut State, step: &mut Step<'_>) {
    if let Stage::Connected(Connection { link, phase, .. }) = &mut s.stage
        && let Phase::Live { ungot } = phase
        && let Some(cursor) = s.memory.cursor.clone()
    {
        *ungot = 0;
        step.say(*link, Request::Got { cursor });
    }
}

/// ACTIVITY_ACK: forgets what is stable, and no more.
fn on_ack(s: &mut State, k: u64, stable: u64, step: &mut Step<'_>) {
    let live = matches!(phase(s), Some(Phase::Live { .. }));
    if live && s.memory.on_ack(k, stable, step.rules) {
        step.tell(Told::Safe {
            acked: s.memory.acked,
            stable: s.memory.stable,
        });
    }
}

/// INVALID_MESSAGE or AUTHENTICATION_FAIL: closes without an answer. Instead of an answer to the greeting it is a
/// refusal. Later on the next LOGIN shows whether the name still holds; elsewhere first, for here the same
/// might happen again.
fn on_thrown_out(s: &mut State, link: Link, info: Info, step: &mut Step<'_>) {
    match phase(s) {
        Some(Phase::Registering) => on_refused(s, link, Greeting::Register, info, step),
        Some(Phase::LoggingIn) => on_refused(s, link, Greeting::Login, info, step),
        Some(Phase::Live { .. } | Phase::Plain) => {
            step.close(link);
            if let Some(lost) = lose(s, Some(info), step) {
                s.servers.pass(&lost.at, step.config.timing.backoffs);
                wait(s, step);
            }
        }
        None => {}
    }
}

/// The general error rule: one line that says why, then a close.
fn on_nonsense(s: &mut State, link: Link, info: Info, step: &mut Step<'_>) {
    step.say(link, Request::Invalid { info: info.clone() });
    on_thrown_out(s, link, info, step);
}

/// The link is gone: dials that server again, then the others.
pub(super) fn on_down(s: &mut State, step: &mut Step<'_>) {
    if connection(s).is_none() {
        return;
    }
    if let Some(lost) = lose(s, None, step) {
        match lost.phase {
            Phase::Live { .. } | Phase::Plain => s.servers.retry(&lost.at),
            Phase::Registering | Phase::LoggingIn => {}
        }
        wait(s, step);
    }
}

/// Its user says something.
pub(super) fn on_say(s: &mut State, activity: Activity, step: &mut Step<'_>) {
    if s.identity.is_none() {
        return step.tell(Told::Declined(Declined::Nobody));
    }
    let live = match &s.stage {
        Stage::Connected(Connection { link, phase, .. }) => match phase {
            Phase::Plain => return say(s, *link, &activity, None, step),
            Phase::Live { .. } => Some(*link),
            Phase::Registering | Phase::LoggingIn => None,
        },
        Stage::Idle | Stage::Waiting | Stage::Dialing(_) => None,
    };
    if step.config.kind == Kind::Legacy {
        return step.tell(Told::Declined(Declined::NotLoggedIn));
    }
    if s.memory.said.len() >= step.config.kept_max {
        return step.tell(Told::Declined(Declined::TooMuchKept));
    }
    let k = s.memory.keep(activity.clone());
    if let Some(link) = live {
        say(s, link, &activity, Some(k), step);
    }
}

/// ACTIVITY_MESSAGE.
fn say(s: &State, link: Link, activity: &Activity, k: Option<u64>, step: &mut Step<'_>) {
    if let Some(identity) = &s.identity {
        let request = Request::Activity {
            username: identity.username.clone(),
            secret: identity.secret.clone(),
            activity: activity.clone(),
            k,
        };
        step.say(link, request);
    }
}

/// Its user logs out.
pub(super) fn on_logout(s: &State, step: &mut Step<'_>) {
    if let Stage::Connected(connection) = &s.stage {
        match connection.phase {
            Phase::LoggingIn | Phase::Live { .. } | Phase::Plain => {
                step.say(connection.link, Request::Logout);
            }
            Phase::Registering => {}
        }
    }
}

/// Closes the connection, if there is one.
pub(super) fn close(s: &mut State, step: &mut Step<'_>) {
    if let Some(connection) = take(s, step) {
        step.close(connection.link);
        unanswered(s, &connection, step);
    }
}

/// The connection has ended without the user's wish. Returns it if another one shall follow.
fn lose(s: &mut State, info: Option<Info>, step: &mut Step<'_>) -> Option<Connection> {
    let lost = take(s, step)?;
    unanswered(s, &lost, step);
    let from = lost.at.clone();
    step.tell(Told::Disconnected { from, info });
    if (step.rules.comes_back)(step.config.kind) {
        return Some(lost);
    }
    rest(s, step);
    None
}

fn unanswered(s: &mut State, lost: &Connection, step: &Step<'_>) {
    if let (Phase::Registering, Some(identity)) = (lost.phase, &mut s.identity) {
        identity.on_unanswered(step.rules);
    }
}

/// Forgets the connection, if there is one.
fn take(s: &mut State, step: &mut Step<'_>) -> Option<Connection> {
    if !matches!(s.stage, Stage::Connected(_)) {
        return None;
    }
    let Stage::Connected(connection) = std::mem::replace(&mut s.stage, Stage::Idle) else {
        return None;
    };
    if let Phase::Live { ungot: 1.. } = connection.phase {
        step.out.cancel_timer(Timer::Got);
    }
    Some(connection)
}

/// Its connection, if it has one: whatever comes over a link comes over this one, for it has closed all others.
fn connection(s: &State) -> Option<&Connection> {
    match &s.stage {
        Stage::Connected(connection) => Some(connection),
        Stage::Idle | Stage::Waiting | Stage::Dialing(_) => None,
    }
}

fn phase(s: &State) -> Option<Phase> {
    connection(s).map(|connection| connection.phase)
}

fn set_phase(s: &mut State, phase: Phase) {
    if let Stage::Connected(connection) = &mut s.stage {
        connection.phase = phase;
    }
}
