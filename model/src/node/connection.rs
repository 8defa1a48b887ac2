//! A client's connection: who is on it, and what it may say next (`docs/protocol.md`, Connections).
//! REGISTER and LOGIN are answered one at a time; a refusal is one line and a close.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::rules::connection::Limits;
use super::{Role, State, Step, balance, delivery, registry};
use crate::message::client::{Field, Info, Resume, Secret, Vector};
use crate::message::{Line, Registration, Reply, Request, SecretHash, Stamp, Username};
use crate::port::Link;

/// A client's connection.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Connection {
    /// Who is on it.
    pub standing: Standing,
    /// What it said while its REGISTER was being answered.
    pub waiting: VecDeque<Request>,
}

/// Who a connection's client is, as far as this server has accepted it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Standing {
    /// Nobody yet.
    #[default]
    Stranger,
    /// Its REGISTER is being answered.
    Registering,
    /// Logged in without a name.
    Anonymous,
    /// Holds a registration: logged in, or silently so since its REGISTER_SUCCESS.
    User {
        /// The name.
        username: Username,
        /// The claim that it proved.
        registration: Registration,
        /// With this.
        secret: SecretHash,
    },
}

impl Standing {
    /// Whether it is logged in.
    pub fn is_logged_in(&self) -> bool {
        match self {
            Self::Anonymous | Self::User { .. } => true,
            Self::Stranger | Self::Registering => false,
        }
    }
}

impl Connection {
    /// Keeps a request until the REGISTER before it is answered, if there is room.
    fn wait(&mut self, request: Request, limits: &Limits) -> Result<(), Info> {
        let all = self.waiting.iter().chain([&request]);
        let bytes: usize = all.map(said_bytes).sum();
        if self.waiting.len() >= limits.waiting || bytes > limits.waiting_bytes {
            return Err(Info::TooManyWaiting);
        }
        self.waiting.push_back(request);
        Ok(())
    }
}

/// How much of a request is what a user says.
fn said_bytes(request: &Request) -> usize {
    match request {
        Request::Activity { activity, .. } => activity.as_str().len(),
        Request::Register { .. }
        | Request::Login { .. }
        | Request::Logout
        | Request::Got { .. }
        | Request::Invalid { .. } => 0,
    }
}

/// A client asks for something.
pub(super) fn on_request(s: &mut State, link: Link, request: Request, step: &mut Step<'_>) {
    let Some(Role::Client(connection)) = s.links.get_mut(&link) else {
        return;
    };
    if connection.standing == Standing::Registering && !matches!(request, Request::Invalid { .. }) {
        if let Err(info) = connection.wait(request, &step.rules.connection.limits) {
            refuse(s, link, Reply::Invalid { info }, step);
        }
        return;
    }
    match request {
        Request::Invalid { .. } => leave(s, link, step),
        Request::Register {
            username,
            secret,
            at,
        } => on_register(s, link, username, secret, at, step),
        Request::Login {
            username,
            secret,
            resume,
        } => on_login(s, link, username, secret, resume, step),
        Request::Logout => {
            delivery::on_logout(s, link, step);
            leave(s, link, step);
        }
        Request::Activity {
            username,
            secret,
            activity,
            k,
        } => match speaks_as(s, link, &username, secret.as_ref()) {
            Ok(()) => delivery::on_activity(s, link, activity, k, step),
            Err(info) => refuse(s, link, Reply::AuthenticationFail { info }, step),
        },
        Request::Got { cursor } => on_got(s, link, cursor, step),
    }
}

fn on_register(
    s: &mut State,
    link: Link,
    username: Username,
    secret: Secret,
    at: Stamp,
    step: &mut Step<'_>,
) {
    let Secret::Hashed(secret) = secret else {
        let info = Info::Missing(Field::Secret);
        return refuse(s, link, Reply::Invalid { info }, step);
    };
    match standing_mut(s, link) {
        Some(Standing::Stranger) if username.is_anonymous() => {
            let info = Info::AnonymousName;
            refuse(s, link, Reply::RegisterFailed { info }, step);
        }
        Some(standing @ Standing::Stranger) => {
            *standing = Standing::Registering;
            registry::on_register(s, link, username, secret, at, step);
        }
        Some(Standing::Registering | Standing::Anonymous | Standing::User { .. }) => {
            let info = Info::AlreadyLoggedIn;
            refuse(s, link, Reply::Invalid { info }, step);
        }
        None => {}
    }
}

fn on_login(
    s: &mut State,
    link: Link,
    username: Username,
    secret: Option<Secret>,
    resume: Option<Resume>,
    step: &mut Step<'_>,
) {
    let proved = match secret {
        _ if username.is_anonymous() => Standing::Anonymous,
        Some(Secret::Hashed(secret)) => match registry::verify(s, &username, &secret) {
            Ok(registration) => Standing::User {
                username,
                registration,
                secret,
            },
            Err(info) => return refuse(s, link, Reply::LoginFailed { info }, step),
        },
        Some(Secret::Plain(_)) | None => {
            let info = Info::Missing(Field::Secret);
            return refuse(s, link, Reply::Invalid { info }, step);
        }
    };
    match standing_mut(s, link) {
        Some(standing) if *standing == Standing::Stranger => stand(s, link, proved, step),
        Some(standing) if *standing == proved => {}
        Some(_) => {
            let info = Info::AlreadyLoggedIn;
            return refuse(s, link, Reply::Invalid { info }, step);
        }
        None => return,
    }
    let to = balance::elsewhere(s, link, step);
    delivery::on_login(s, link, resume, to.is_none(), step);
    if let Some((server, to)) = to
        && standing_mut(s, link).is_some()
    {
        balance::redirect(s, link, &server, to, step);
    }
}

fn on_got(s: &mut State, link: Link, cursor: Vector, step: &mut Step<'_>) {
    match standing_mut(s, link) {
        Some(Standing::Anonymous | Standing::User { .. }) => {
            delivery::on_got(s, link, cursor, step);
        }
        Some(Standing::Stranger | Standing::Registering) => {
            let info = Info::NotResuming;
            refuse(s, link, Reply::Invalid { info }, step);
        }
        None => {}
    }
}

/// Whether the client on this link is logged in as `username`, and proves it again.
fn speaks_as(
    s: &State,
    link: Link,
    username: &Username,
    secret: Option<&Secret>,
) -> Result<(), Info> {
    let Some(Role::Client(connection)) = s.links.get(&link) else {
        return Err(Info::NotLoggedIn);
    };
    match (&connection.standing, secret) {
        (Standing::Stranger | Standing::Registering, _) => Err(Info::NotLoggedIn),
        (Standing::Anonymous, _) if username.is_anonymous() => Ok(()),
        (Standing::User { username: name, .. }, _) if name != username => Err(Info::OtherUser),
        (Standing::User { secret: known, .. }, Some(Secret::Hashed(secret))) if known == secret => {
            Ok(())
        }
        (Standing::Anonymous, _) => Err(Info::OtherUser),
        (Standing::User { .. }, _) => Err(Info::IncorrectSecret),
    }
}

/// The lock round of this link's REGISTER has succeeded: the client is logged in silently, and what it said
/// meanwhile is heard.
pub(super) fn on_registered(
    s: &mut State,
    link: Link,
    username: Username,
    registration: Registration,
    secret: SecretHash,
    step: &mut Step<'_>,
) {
    let info = Info::Registered(username.clone());
    step.reply(link, Reply::RegisterSuccess { info });
    let proved = Standing::User {
        username,
        registration,
        secret,
    };
    if (step.rules.connection.logs_in)() {
        stand(s, link, proved, step);
    }
    delivery::on_registered(s, link);
    let Some(Role::Client(connection)) = s.links.get_mut(&link) else {
        return;
    };
    let waiting = std::mem::take(&mut connection.waiting);
    for request in waiting {
        on_request(s, link, request, step);
    }
}

/// The client on this link is somebody from now on.
fn stand(s: &mut State, link: Link, proved: Standing, step: &mut Step<'_>) {
    balance::on_present(s, step);
    if let Some(standing) = standing_mut(s, link) {
        *standing = proved;
        if let Standing::User { username, .. } = standing {
            let username = username.clone();
            registry::on_present(s, link, username);
        }
    }
}

fn standing_mut(s: &mut State, link: Link) -> Option<&mut Standing> {
    match s.links.get_mut(&link) {
        Some(Role::Client(connection)) => Some(&mut connection.standing),
        Some(Role::Fresh | Role::Attempt | Role::Parent | Role::Child(_) | Role::Leaving)
        | None => None,
    }
}

/// A client says what only a server says, to another one or to its clients.
pub(super) fn on_foreign(s: &mut State, link: Link, line: &Line, step: &mut Step<'_>) {
    let info = match line {
        Line::Peer(_) => Info::NotAuthenticated,
        Line::Request(_) | Line::Reply(_) | Line::Malformed(_) => Info::NotExpected,
    };
    refuse(s, link, Reply::Invalid { info }, step);
}

/// A client's link is gone.
pub(super) fn on_down(s: &mut State, link: Link, step: &mut Step<'_>) {
    registry::on_client_down(s, link, step);
    delivery::on_client_down(s, link, step);
    if standing_mut(s, link).is_some_and(|standing| standing.is_logged_in()) {
        balance::on_absent(s, step);
    }
    s.links.remove(&link);
}

/// The general error rule: one line that says why, then a close.
pub(super) fn refuse(s: &mut State, link: Link, reply: Reply, step: &mut Step<'_>) {
    let rules = &step.rules.connection;
    if (rules.says_why)() {
        step.reply(link, reply);
    }
    if (rules.closes)() {
        leave(s, link, step);
    }
}

/// A client goes, by its own wish or this server's.
pub(super) fn leave(s: &mut State, link: Link, step: &mut Step<'_>) {
    on_down(s, link, step);
    step.close(link);
}
