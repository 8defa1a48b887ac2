//! What may be said to a node: a few names, small numbers, and now and then the largest; so that what is said meets what the
//! node knows.

use std::sync::Arc;

use arbitrary::Unstructured;
use regrow_model::message::client::{Info, Resume, Secret, Vector};
use regrow_model::message::server::{
    Changes, Hello, Join, Load, Lock, LockDenied, LockRequest, Message, Phase, Record, Sender,
    Server, Session, Sessions, Skip, Version, Winner,
};
use regrow_model::message::{
    Activity, Address, Claim, ClientId, Hearer, Incarnation, Line, Peer, Registration, Request,
    SecretHash, ServerId, ServerName, Stamp, Stream, Username,
};
use regrow_model::node::connection::Standing;
use regrow_model::node::delivery::receiver::Unheard;
use regrow_model::node::{Order, Role, State};
use regrow_model::port::{End, Input, Link};

use super::Result;

/// How long a line of arbitrary bytes is, at most.
const RAW_BYTES: usize = 200;
/// The largest number of which a reader of JSON may be sure.
const LARGEST: u64 = 1 << 53;

/// Says things to a node in this state.
pub(super) struct Vocabulary<'a, 'b> {
    pub(super) bytes: &'a mut Unstructured<'b>,
    pub(super) state: &'a State,
}

pub(super) fn system_secret() -> Secret {
    Secret::Plain("system".into())
}

/// Two users who register, speak, come back and leave.
pub(super) fn a_life() -> Vec<Input<Order>> {
    let user = |name: &str| (Username::from(name), Secret::Hashed(SecretHash::from("x")));
    let mut inputs = Vec::new();
    for (link, name) in [(0, "a"), (1, "b"), (2, "a")] {
        let (link, (username, secret)) = (Link(link), user(name));
        inputs.push(Input::Up {
            link,
            end: End::Accepted,
        });
        let resume = Some(Resume {
            client: ClientId::from(name),
            cursor: None,
            said: 0,
        });
        let at = Stamp(1);
        let activity = Activity::parse("{\"object\":\"hi\"}").expect("it is an activity");
        let said = |k| Request::Activity {
            username: username.clone(),
            secret: Some(secret.clone()),
            activity: activity.clone(),
            k: Some(k),
        };
        let mut requests = vec![
            Request::Login {
                username: username.clone(),
                secret: Some(secret.clone()),
                resume,
            },
            said(1),
            said(2),
        ];
        if link != Link(2) {
            requests.insert(
                0,
                Request::Register {
                    username: username.clone(),
                    secret: secret.clone(),
                    at,
                },
            );
        }
        inputs.extend(requests.into_iter().map(|request| Input::Line {
            link,
            line: request.into(),
        }));
    }
    inputs.push(Input::Down { link: Link(0) });
    inputs
}

impl Vocabulary<'_, '_> {
    /// A line over this link: mostly what may be said there, and anything else.
    pub(super) fn line(&mut self, link: Link) -> Result<Line> {
        let role = self.state.links.get(&link);
        if self.bytes.ratio(1, 16)? {
            let length = self
                .bytes
                .int_in_range(0..=RAW_BYTES)?
                .min(self.bytes.len());
            return Ok(Line::decode(self.bytes.bytes(length)?, Hearer::Server));
        }
        let is_odd = self.bytes.ratio(1, 16)?;
        match role {
            Some(Role::Client(_)) if !is_odd => self.request(role).map(Line::from),
            Some(Role::Fresh) | None if !is_odd => match self.bytes.ratio(1, 3)? {
                true => self
                    .join()
                    .map(|join| Peer::Authenticate(Box::new(join)).into()),
                false => self.request(role).map(Line::from),
            },
            Some(Role::Client(_)) | Some(Role::Fresh) | None => self.peer().map(Line::from),
            Some(Role::Attempt) if !is_odd => {
                let (path, children) = (self.path()?, self.path()?);
                Ok(Peer::Path { path, children }.into())
            }
            Some(Role::Attempt | Role::Parent | Role::Child(_) | Role::Leaving) => {
                self.peer().map(Line::from)
            }
        }
    }

    /// What a client says.
    fn request(&mut self, role: Option<&Role>) -> Result<Request> {
        let (mut username, mut secret) = (self.username()?, Some(self.secret()?));
        if let Some(Role::Client(connection)) = role
            && let Standing::User {
                username: name,
                secret: known,
                ..
            } = &connection.standing
            && self.bytes.ratio(7, 8)?
        {
            (username, secret) = (name.clone(), Some(known.clone()));
        }
        let hashed = secret.clone().unwrap_or_else(|| SecretHash::from("x"));
        if username.is_anonymous() {
            secret = None;
        }
        let secret = secret.map(Secret::Hashed);
        Ok(match self.bytes.int_in_range(0..=15)? {
            0..=2 => {
                let (secret, at) = (Secret::Hashed(hashed), self.stamp()?);
                Request::Register {
                    username,
                    secret,
                    at,
                }
            }
            3..=6 => {
                let resume = match self.bytes.arbitrary()? {
                    true => Some(Resume {
                        client: self.client()?,
                        cursor: if self.bytes.arbitrary()? {
                            Some(self.any_cursor()?)
                        } else {
                            None
                        },
                        said: self.any_number()?,
                    }),
                    false => None,
                };
                Request::Login {
                    username,
                    secret,
                    resume,
                }
            }
            7..=11 => {
                let activity = self.activity()?;
                let k = if self.bytes.arbitrary()? {
                    Some(self.any_number()?)
                } else {
                    None
                };
                Request::Activity {
                    username,
                    secret,
                    activity,
                    k,
                }
            }
            12..=13 => Request::Got {
                cursor: self.any_cursor()?,
            },
            14 => Request::Logout,
            _ => Request::Invalid {
                info: Info::NotJson,
            },
        })
    }

    /// What a server says.
    fn peer(&mut self) -> Result<Peer> {
        Ok(match self.bytes.int_in_range(0..=31)? {
            0 => Peer::Authenticate(Box::new(self.join()?)),
            1 => Peer::AuthenticationFail {
                info: Info::IncorrectServerSecret,
            },
            2..=3 => Peer::Path {
                path: self.path()?,
                children: self.path()?,
            },
            4 => Peer::Known {
                servers: self.list(|it| Ok((it.server()?, it.known()?)))?,
            },
            5 => Peer::Forget {
                secret: system_secret(),
                server: self.server()?,
            },
            6 => Peer::Retired {
                servers: self.list(|it| Ok((it.server()?, it.incarnation()?)))?,
            },
            7..=9 => {
                let (directory, sessions, have) = (self.cursor()?, self.cursor()?, self.cursor()?);
                let loads = self.list(Self::load)?;
                Peer::Hello(Box::new(Hello {
                    directory,
                    sessions,
                    have,
                    loads,
                }))
            }
            10..=11 => {
                let (username, claim) = (self.username()?, self.claim()?);
                let secret = self.secret()?;
                Peer::LockRequest(Box::new(LockRequest {
                    username,
                    claim,
                    secret,
                }))
            }
            12..=13 => Peer::LockAllowed(Box::new(self.lock()?)),
            14 => {
                let Lock { username, claim } = self.lock()?;
                let winner = self.winner()?;
                Peer::LockDenied(Box::new(LockDenied {
                    username,
                    claim,
                    winner,
                }))
            }
            15 => Peer::LockRelease(Box::new(self.lock()?)),
            16..=18 => Peer::Directory(Box::new(self.changes()?)),
            19 => Peer::DirectoryCredit {
                chunks: self.bytes.arbitrary()?,
            },
            20..=22 => Peer::ActivityBroadcast(Arc::new(self.message()?)),
            23 => {
                let (base, more) = (self.cursor()?, self.bytes.ratio(1, 4)?);
                let said = self.list(|it| Ok((it.sender()?, it.number()?)))?;
                Peer::Skip(Box::new(Skip { base, said, more }))
            }
            24..=26 => Peer::Sessions(Box::new(self.sessions()?)),
            27 => Peer::DeliveryCredit {
                lines: self.bytes.arbitrary()?,
            },
            28 => Peer::Floors {
                floors: self.list(|it| Ok((it.server()?, it.cursor()?)))?,
            },
            29 => Peer::ServerAnnounce {
                loads: self.list(Self::load)?,
            },
            30 => Peer::Leave,
            _ => Peer::Left,
        })
    }

    fn list<T>(&mut self, mut one: impl FnMut(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        let count = self.bytes.int_in_range(0..=3)?;
        (0..count).map(|_| one(self)).collect()
    }

    pub(super) fn server(&mut self) -> Result<ServerName> {
        Ok(ServerName::from(
            *self.bytes.choose(&["s0", "s1", "s2", "s3"])?,
        ))
    }

    fn username(&mut self) -> Result<Username> {
        Ok(Username::from(*self.bytes.choose(&[
            "a",
            "b",
            "anonymous",
        ])?))
    }

    fn client(&mut self) -> Result<ClientId> {
        Ok(ClientId::from(*self.bytes.choose(&["c1", "c2"])?))
    }

    fn secret(&mut self) -> Result<SecretHash> {
        Ok(SecretHash::from(*self.bytes.choose(&["x", "y"])?))
    }

    /// Small, as a rule, and never larger than what servers that don't err count up to.
    fn number(&mut self) -> Result<u64> {
        Ok(match self.bytes.int_in_range(0..=15)? {
            15 => LARGEST - self.bytes.int_in_range(0..=2)?,
            small => small / 2,
        })
    }

    /// A client may say any.
    fn any_number(&mut self) -> Result<u64> {
        match self.bytes.ratio(1, 16)? {
            true => Ok(u64::MAX - self.bytes.int_in_range(0..=2)?),
            false => self.number(),
        }
    }

    /// What a client says that it has heard.
    fn any_cursor(&mut self) -> Result<Vector> {
        let mut cursor = self.cursor()?;
        if self.bytes.ratio(1, 8)? {
            cursor.insert(self.stream()?, self.any_number()?);
        }
        Ok(cursor)
    }

    fn stamp(&mut self) -> Result<Stamp> {
        self.number().map(Stamp)
    }

    fn incarnation(&mut self) -> Result<Incarnation> {
        if self.bytes.ratio(1, 3)? {
            return Ok(self.state.durable.tree.incarnation);
        }
        let (number, nonce) = (self.number()?, self.bytes.int_in_range(0..=2)?);
        Ok(Incarnation { number, nonce })
    }

    /// One that the node knows, if it knows any.
    fn stream(&mut self) -> Result<Stream> {
        let durable = &self.state.durable;
        let known = durable
            .delivery
            .log
            .have
            .keys()
            .chain(durable.registry.vector.keys());
        let known: Vec<&Stream> = known.chain(durable.delivery.book.vector.keys()).collect();
        if !known.is_empty() && self.bytes.arbitrary()? {
            return Ok((*self.bytes.choose(&known)?).clone());
        }
        let (server, incarnation) = (self.server()?, self.incarnation()?);
        Ok(Stream {
            server,
            incarnation,
        })
    }

    /// All that the node has, what a client of it hasn't heard, or anything.
    fn cursor(&mut self) -> Result<Vector> {
        let have = &self.state.durable.delivery.log.have;
        Ok(match self.bytes.int_in_range(0..=3)? {
            0 => have.clone(),
            1 => {
                let receivers: Vec<_> = self.state.delivery.receivers.values().collect();
                if receivers.is_empty() {
                    return Ok(Vector::new());
                }
                match self.bytes.choose(&receivers)?.unheard.front() {
                    Some((_, Unheard::Message(message))) => {
                        Vector::unit(message.stream.clone(), message.number)
                    }
                    Some((_, Unheard::Gap(upto))) => upto.clone(),
                    None => Vector::new(),
                }
            }
            _ => self
                .list(|it| Ok((it.stream()?, it.number()?)))?
                .into_iter()
                .collect(),
        })
    }

    /// What follows on what the node has of a stream, as a rule.
    fn next(&mut self, have: u64) -> Result<u64> {
        match self.bytes.ratio(3, 4)? {
            true => Ok(have.saturating_add(1)),
            false => self.number(),
        }
    }

    fn activity(&mut self) -> Result<Activity> {
        let text = *self.bytes.choose(&[
            "{}",
            "{\"object\":\"hi\"}",
            "{\"authenticated_user\":\"b\"}",
        ])?;
        Ok(Activity::parse(text).expect("it is an activity"))
    }

    fn address(&mut self) -> Result<Address> {
        let host = *self.bytes.choose(&["s0", "s1", "s2", "s9"])?;
        Ok(Address::new(host, 1).expect("it is an address"))
    }

    fn server_id(&mut self) -> Result<ServerId> {
        if self.bytes.ratio(1, 8)? {
            return Ok(self.state.durable.tree.id.clone());
        }
        let (born, name) = (self.stamp()?, self.server()?);
        Ok(ServerId { born, name })
    }

    fn known(&mut self) -> Result<Server> {
        let (born, incarnation, address) = (self.stamp()?, self.incarnation()?, self.address()?);
        Ok(Server {
            born,
            incarnation,
            address,
        })
    }

    fn path(&mut self) -> Result<Vec<ServerId>> {
        self.list(Self::server_id)
    }

    fn join(&mut self) -> Result<Join> {
        let secret = if self.bytes.ratio(1, 8)? {
            Secret::never()
        } else {
            system_secret()
        };
        let (id, incarnation, root) = (self.server_id()?, self.incarnation()?, self.server_id()?);
        let known = self.list(|it| Ok((it.server()?, it.known()?)))?;
        Ok(Join {
            secret,
            id,
            incarnation,
            root,
            known,
        })
    }

    fn load(&mut self) -> Result<Load> {
        let (server, number) = (self.stream()?, self.number()?);
        let clients = if self.bytes.arbitrary()? {
            Some(self.number()?)
        } else {
            None
        };
        Ok(Load {
            server,
            number,
            clients,
        })
    }

    fn claim(&mut self) -> Result<Claim> {
        let (registertime, origin) = (self.stamp()?, self.stream()?);
        Ok(Claim {
            registertime,
            origin,
        })
    }

    /// A round that is under way, as a rule.
    fn lock(&mut self) -> Result<Lock> {
        let rounds: Vec<&Lock> = self.state.registry.rounds.keys().collect();
        if !rounds.is_empty() && self.bytes.ratio(7, 8)? {
            return Ok((*self.bytes.choose(&rounds)?).clone());
        }
        let (username, claim) = (self.username()?, self.claim()?);
        Ok(Lock { username, claim })
    }

    fn winner(&mut self) -> Result<Option<Winner>> {
        Ok(match self.bytes.int_in_range(0..=2)? {
            0 => None,
            1 => Some(Winner::Reserved {
                claim: self.claim()?,
                secret: self.secret()?,
            }),
            _ => Some(Winner::Registered(self.record()?)),
        })
    }

    /// One that the node knows, now and then.
    fn registration(&mut self) -> Result<Registration> {
        let records: Vec<_> = self.state.durable.registry.records.values().collect();
        if !records.is_empty() && self.bytes.arbitrary()? {
            return Ok(self.bytes.choose(&records)?.registration.clone());
        }
        let (registertime, origin, number) = (self.stamp()?, self.stream()?, self.number()?);
        Ok(Registration {
            registertime,
            origin,
            number,
        })
    }

    fn record(&mut self) -> Result<Record> {
        let (registration, secret) = (self.registration()?, self.secret()?);
        Ok(Record {
            registration,
            secret,
        })
    }

    fn changes(&mut self) -> Result<Changes> {
        let stream = self.stream()?;
        let complete = self.state.durable.registry.complete(&stream);
        let after = if self.bytes.ratio(3, 4)? {
            complete
        } else {
            self.number()?
        };
        let upto = self.next(after)?;
        let records = self.list(|it| Ok((it.username()?, it.record()?)))?;
        let lost = self.list(|it| Ok((it.next(after)?, it.username()?)))?;
        Ok(Changes {
            stream,
            after,
            upto,
            records,
            lost,
        })
    }

    fn sender(&mut self) -> Result<Sender> {
        let (username, client) = (self.username()?, self.client()?);
        Ok(Sender { username, client })
    }

    fn message(&mut self) -> Result<Message> {
        let stream = self.stream()?;
        let have = self.state.durable.delivery.log.have.get(&stream).copied();
        let number = self.next(have.unwrap_or(0))?;
        let sender = if self.bytes.arbitrary()? {
            Some((self.sender()?, self.number()?))
        } else {
            None
        };
        let activity = self.activity()?;
        Ok(Message {
            stream,
            number,
            sender,
            activity,
        })
    }

    fn sessions(&mut self) -> Result<Sessions> {
        let stream = self.stream()?;
        let have = self
            .state
            .durable
            .delivery
            .book
            .vector
            .get(&stream)
            .copied();
        let after = if self.bytes.ratio(3, 4)? {
            have.unwrap_or(0)
        } else {
            self.number()?
        };
        let upto = self.next(after)?;
        let sessions = self.list(|it| Ok((it.registration()?, it.session()?)))?;
        Ok(Sessions {
            stream,
            after,
            upto,
            sessions,
        })
    }

    fn session(&mut self) -> Result<Session> {
        let phases = [
            Phase::CatchingUp,
            Phase::Live,
            Phase::Left,
            Phase::Expired,
            Phase::Out,
        ];
        let (counter, home) = (self.number()?, self.stream()?);
        Ok(Session {
            version: Version { counter, home },
            phase: *self.bytes.choose(&phases)?,
            client: if self.bytes.arbitrary()? {
                Some(self.client()?)
            } else {
                None
            },
            cursor: self.cursor()?,
            changes: self.cursor()?,
            sent_on: self.bytes.arbitrary()?,
        })
    }
}
