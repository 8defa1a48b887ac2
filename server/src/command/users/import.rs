//! `regrow users import`: a file of users into the data directory of a server that doesn't run.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use rand::Rng;
use regrow_model::message::Stamp;
use regrow_model::message::client::Secret;
use regrow_model::message::user_file::{self, User};
use regrow_model::node::registry::import::{Import as Intake, NotTaken, Taken};
use regrow_model::node::{Boot, Durable};

use super::hashing::{Hashed, hash_all, is_ours, is_slow};
use super::{Objection, UsersError, open};
use crate::clock::now;
use crate::command::meanwhile::Meanwhile;
use crate::command::say::say;
use crate::command::serve::{DOMAIN, cores};
use crate::store::Store;

/// After how many users, and after how long, what is done is saved.
const SAVE_EVERY: (u64, Duration) = (50_000, Duration::from_secs(10));
/// How far a clock may be behind the one that made the file.
const TOLERANCE_MS: u64 = 24 * 3_600_000;

/// Take users from a file
///
/// The file is one JSON object from names to objects: `{"aaron":{"password":"s1","registertime":1795000000000}}`, or with
/// "hash" as `export` writes it, or with "my_secret" as in the report. Names that are there already stay as they are; so an
/// import that was broken off can be done again. To hash a secret takes time by design, some tens of milliseconds
/// each; what `export` has written needs none.
#[derive(Args, Debug)]
pub(super) struct Import {
    /// The server's data directory
    #[arg(value_name = "DIR")]
    data: PathBuf,
    /// The file of users
    file: PathBuf,
    /// Hash so many secrets at once [default: one for each core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: Option<u16>,
}

impl Import {
    pub(super) fn run(self) -> Result<(), UsersError> {
        let users = self.read()?;
        let (store, durable) = open(&self.data)?;
        let boot = Boot {
            now: now(),
            nonce: rand::rng().random(),
        };
        let intake = Intake::begin(durable, boot);
        let new: Vec<&User> = users
            .iter()
            .filter(|user| !intake.holds(&user.username))
            .collect();
        let jobs = self.jobs.map_or_else(cores, usize::from);
        let work = Work {
            store,
            intake,
            progress: Progress::new(&new),
            saved_at: Instant::now(),
            unsaved: 0,
        };
        let imported = hash_all(&new, DOMAIN, jobs, |hashed| work.take(hashed))?;
        let kept = users.len() as u64 - imported;
        Ok(say(format_args!(
            "imported {imported} users; {kept} were there already and stay as they are"
        ))?)
    }

    /// The users of the file, each looked at: either all of them can be imported, or none is.
    fn read(&self) -> Result<Vec<User>, UsersError> {
        let text = std::fs::read_to_string(&self.file).map_err(|source| UsersError::File {
            file: self.file.clone(),
            source,
        })?;
        let users = user_file::read(&text).map_err(|source| UsersError::Format {
            file: self.file.clone(),
            source,
        })?;
        let latest = Stamp(now().0 + TOLERANCE_MS);
        for user in &users {
            if let Some(why) = objection(user, latest) {
                let username = user.username.clone();
                return Err(UsersError::User { username, why });
            }
        }
        Ok(users)
    }
}

fn objection(user: &User, latest: Stamp) -> Option<Objection> {
    match &user.secret {
        _ if user.username.is_anonymous() => Some(NotTaken::Anonymous.into()),
        _ if user.registertime > latest => Some(Objection::Future),
        Secret::Hashed(hash) if !is_ours(hash) => Some(Objection::ForeignHash),
        Secret::Hashed(_) | Secret::Plain(_) => None,
    }
}

/// An import that is under way.
struct Work {
    store: Store<Durable>,
    intake: Intake,
    progress: Progress,
    saved_at: Instant,
    unsaved: u64,
}

impl Work {
    /// Takes users in as they are hashed; how many there were.
    fn take(mut self, hashed: Hashed<'_>) -> Result<u64, UsersError> {
        let mut imported = 0;
        for (user, hash) in hashed {
            let Some(hash) = hash else {
                self.save()?;
                return Err(UsersError::Hash(user.username.clone()));
            };
            let taken = self.intake.take(&user.username, hash, user.registertime);
            match taken {
                Ok(Taken::New) => imported += 1,
                Ok(Taken::Kept) => {}
                Err(why) => {
                    self.save()?;
                    let (username, why) = (user.username.clone(), why.into());
                    return Err(UsersError::User { username, why });
                }
            }
            self.unsaved += 1;
            if self.unsaved >= SAVE_EVERY.0 || self.saved_at.elapsed() >= SAVE_EVERY.1 {
                self.save()?;
            }
            self.progress.one(is_slow(user));
        }
        self.save()?;
        self.progress.end();
        Ok(imported)
    }

    fn save(&mut self) -> Result<(), UsersError> {
        self.store.put(self.intake.durable())?;
        (self.saved_at, self.unsaved) = (Instant::now(), 0);
        Ok(())
    }
}

/// How far an import is.
struct Progress {
    all: u64,
    done: u64,
    /// Those whose secret has to be hashed are what takes time.
    slow: u64,
    slow_done: u64,
    begun: Instant,
    line: Meanwhile,
}

impl Progress {
    fn new(users: &[&User]) -> Self {
        Self {
            all: users.len() as u64,
            done: 0,
            slow: users.iter().filter(|user| is_slow(user)).count() as u64,
            slow_done: 0,
            begun: Instant::now(),
            line: Meanwhile::new(Duration::from_secs(1), Duration::from_secs(10)),
        }
    }

    fn one(&mut self, slow: bool) {
        self.done += 1;
        self.slow_done += u64::from(slow);
        if self.line.is_due().is_some() {
            let left = self.left();
            let (done, all) = (self.done, self.all);
            self.line.say(format_args!("{done} of {all} users{left}"));
        }
    }

    /// How long it will still take, once that can be said.
    fn left(&self) -> String {
        if self.slow_done == 0 {
            return String::new();
        }
        let each = self.begun.elapsed().as_secs_f64() / self.slow_done as f64;
        let seconds = (each * (self.slow - self.slow_done) as f64).ceil() as u64;
        format!(
            ", about {}:{:02}:{:02} left",
            seconds / 3_600,
            seconds / 60 % 60,
            seconds % 60
        )
    }

    fn end(&mut self) {
        self.line.finish();
    }
}

#[cfg(test)]
mod tests {
    use regrow_model::message::{SecretHash, Username};

    use super::*;

    fn user(secret: Secret, registertime: u64) -> User {
        User {
            username: Username::from("aaron"),
            secret,
            registertime: Stamp(registertime),
        }
    }

    #[test]
    fn nobody_can_import_the_name_of_everybody() {
        let mut anonymous = user(Secret::Plain("s1".into()), 1);
        anonymous.username = Username::anonymous();
        let why = objection(&anonymous, Stamp(10));
        assert_eq!(why, Some(Objection::NotTaken(NotTaken::Anonymous)));
    }

    #[test]
    fn a_hash_of_another_program_and_a_time_to_come_are_refused() {
        let latest = Stamp(10);
        let hashed = |text: &str| Secret::Hashed(SecretHash::from(text));
        let ours = format!("a1:{}", "0f".repeat(32));
        for (secret, at, why) in [
            (Secret::Plain("s1".into()), 10, None),
            (Secret::Plain("".into()), 0, None),
            (Secret::Plain("s1".into()), 11, Some(Objection::Future)),
            (hashed(&ours), 1, None),
            (hashed("*"), 1, None),
            (hashed("!"), 1, Some(Objection::ForeignHash)),
            (hashed("$argon2id$x"), 1, Some(Objection::ForeignHash)),
            (hashed("a1:0f"), 1, Some(Objection::ForeignHash)),
            (
                hashed(&ours.to_uppercase()),
                1,
                Some(Objection::ForeignHash),
            ),
        ] {
            assert_eq!(objection(&user(secret, at), latest), why);
        }
    }
}
