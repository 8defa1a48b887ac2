//! A client's process, its user's wishes, and what the user has been told.

use std::collections::BTreeSet;

use super::Memo;
use super::hearing::{Hearing, Saying};
use crate::client::{self, Ask, Config, Kind, Memory, Told};
use crate::message::client::Secret;
use crate::message::server::Sender;
use crate::message::{Activity, Address, ClientId, SecretHash, Username};

/// A client and what its user will want, in order.
#[derive(Clone, Debug)]
pub struct User {
    /// The first start of the client.
    pub client: Config,
    /// What the user wants; each at any time after the one before.
    pub wishes: Vec<Wish>,
}

/// Something that a user does.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Wish {
    /// Asks the client for something, as soon as it runs.
    Ask(Ask),
    /// Asks the client for something once it has logged in.
    Then(Ask),
    /// Once it has logged in, kills the client.
    Die,
    /// Starts another copy of it.
    Start(Config),
}

/// How often being sent on is counted, at most.
pub const SENT_ON_MAX: u8 = 1 + super::setup::SERVERS_MAX as u8;

/// A user, as far as it has got.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Seat {
    /// The client's process, while it runs.
    pub process: Option<Process>,
    /// How many wishes have come true.
    pub wished: usize,
    /// Whether this start of the client has logged in.
    pub logged_in: bool,
    /// How often the client has been sent on since the user's last wish but a LOGOUT; no more than [`SENT_ON_MAX`] is counted.
    pub sent_on: u8,
    /// What the user has heard.
    pub hearing: Hearing,
}

/// A running client.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Process {
    /// Which of the seat's clients runs: the first, or the one of a later [`Wish::Start`].
    pub start: usize,
    /// The actor's state.
    pub state: Memo<client::State>,
    /// Which timers are set.
    pub timers: BTreeSet<client::Timer>,
    /// Dials that will fail.
    pub unreachable: BTreeSet<Address>,
}

impl Process {
    /// A process that has just been started.
    pub fn new(start: usize, state: Memo<client::State>) -> Self {
        Self {
            start,
            state,
            timers: BTreeSet::new(),
            unreachable: BTreeSet::new(),
        }
    }
}

impl User {
    /// The names that the user logs in under, with their secrets.
    pub fn logins(&self) -> impl Iterator<Item = (&Username, &SecretHash)> {
        self.wishes.iter().filter_map(|wish| match wish {
            Wish::Ask(Ask::Login {
                username,
                secret: Some(Secret::Hashed(secret)),
            })
            | Wish::Then(Ask::Login {
                username,
                secret: Some(Secret::Hashed(secret)),
            }) => Some((username, secret)),
            Wish::Ask(_) | Wish::Then(_) | Wish::Die | Wish::Start(_) => None,
        })
    }

    /// The configurations of all starts of the client, in order.
    pub fn starts(&self) -> impl Iterator<Item = &Config> {
        let later = self.wishes.iter().filter_map(|wish| match wish {
            Wish::Start(config) => Some(config),
            Wish::Ask(_) | Wish::Then(_) | Wish::Die => None,
        });
        std::iter::once(&self.client).chain(later)
    }

    /// As what the user says its so-manieth message, counted from 1, and that client's number for it.
    pub fn says_as(&self, index: u64) -> Option<(Sender, u64)> {
        let nth = usize::try_from(index.checked_sub(1)?).ok()?;
        let (wished, _) = self.says().nth(nth)?;
        let voice = self.voice(wished);
        let sender = Sender {
            username: voice.name?.0.clone(),
            client: voice.client,
        };
        Some((sender, index - voice.said_before))
    }

    /// What the user says, and how many wishes have come true before.
    pub fn says(&self) -> impl Iterator<Item = (usize, &Activity)> {
        let wishes = self.wishes.iter().enumerate();
        wishes.filter_map(|(wished, wish)| match wish {
            Wish::Ask(Ask::Say(activity)) | Wish::Then(Ask::Say(activity)) => {
                Some((wished, activity))
            }
            Wish::Ask(_) | Wish::Then(_) | Wish::Die | Wish::Start(_) => None,
        })
    }

    /// As whom the user's client speaks once so many wishes have come true, if it had logged in before each that makes it somebody else.
    pub fn voice(&self, wished: usize) -> Voice<'_> {
        let mut config = &self.client.client;
        let (mut name, mut begun, mut said, mut said_before) = (None::<Name<'_>>, 0, 0, 0);
        for wish in &self.wishes[..wished] {
            let becomes = match wish {
                Wish::Ask(ask) | Wish::Then(ask) => match ask {
                    Ask::Login { username, secret } => {
                        let is_same = name.is_some_and(|(name, _)| name == username);
                        (!is_same).then_some(Some((username, secret.as_ref())))
                    }
                    Ask::Register { username, secret } => Some(Some((username, Some(secret)))),
                    Ask::Logout => Some(None),
                    Ask::Say(_) => {
                        said += 1;
                        None
                    }
                    Ask::Move { .. } | Ask::Quit => None,
                },
                Wish::Start(client) => {
                    (config, begun, name) = (&client.client, 0, None);
                    Some(None)
                }
                Wish::Die => None,
            };
            if let Some(becomes) = becomes {
                begun += u32::from(name.is_some());
                (name, said_before) = (becomes, said);
            }
        }
        let memory = Memory {
            begun,
            ..Memory::default()
        };
        Voice {
            name: name.or_else(|| self.name()),
            client: memory.client(config),
            said_before,
        }
    }
}

/// A name, and what proves that it is the user's; absent only for `anonymous`.
pub type Name<'a> = (&'a Username, Option<&'a Secret>);

/// As whom a user's client speaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Voice<'a> {
    /// The name; `None` if the user never has one.
    pub name: Option<Name<'a>>,
    /// What servers know the client by.
    pub client: ClientId,
    /// How much the user said before, under other names or as another copy of the client: that has other numbers.
    pub said_before: u64,
}

impl Seat {
    /// A user who has done nothing yet, one of so many.
    pub fn new(users: usize) -> Self {
        Self {
            process: None,
            wished: 0,
            logged_in: false,
            sent_on: 0,
            hearing: Hearing::new(users),
        }
    }

    /// What the user wants next, if it can be had now.
    pub fn next_wish<'a>(&self, user: &'a User) -> Option<&'a Wish> {
        let wish = user.wishes.get(self.wished)?;
        let possible = match wish {
            Wish::Ask(_) => self.process.is_some(),
            Wish::Then(_) | Wish::Die => self.process.is_some() && self.logged_in,
            Wish::Start(_) => self.process.is_none(),
        };
        possible.then_some(wish)
    }

    /// What the client tells its user.
    pub fn on_told(&mut self, kind: Kind, user: &User, sayings: &[Saying], told: &Told) {
        let said_before = || user.voice(self.wished).said_before;
        // A legacy client that is anonymous has nothing to come back to.
        let process = self.process.as_ref();
        let is_anonymous = process.is_some_and(|process| {
            let user = &process.state.memory.user;
            user.as_ref().is_some_and(Username::is_anonymous)
        });
        let comes_anew = kind == Kind::Legacy && is_anonymous;
        self.hearing.on_told(sayings, comes_anew, said_before, told);
        match told {
            Told::LoggedIn { .. } => {
                self.logged_in = true;
                if kind == Kind::Legacy {
                    self.hearing.begin_again();
                    if self.process.as_ref().is_some_and(|it| it.start > 0) {
                        self.hearing.come_back();
                    }
                }
            }
            Told::Redirected { .. } => self.sent_on = (self.sent_on + 1).min(SENT_ON_MAX),
            Told::Registered { .. }
            | Told::Refused { .. }
            | Told::NameLost { .. }
            | Told::Heard { .. }
            | Told::Gap { .. }
            | Told::Safe { .. }
            | Told::Disconnected { .. }
            | Told::Unreachable { .. }
            | Told::Left { .. }
            | Told::Declined(_) => {}
        }
    }
}
