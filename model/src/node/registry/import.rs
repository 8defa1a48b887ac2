//! Names that an operator brings along, for a server that doesn't run. They become changes of a start of their own, so no
//! number of any stream is ever given out twice; the others learn of them as of any changes, when the server is back.

use super::super::{Boot, Durable};
use super::directory::Index;
use crate::message::server::Record;
use crate::message::{Incarnation, Registration, SecretHash, Stamp, Stream, Username};

/// Takes names into what is on a server's disk.
#[derive(Debug)]
pub struct Import {
    durable: Durable,
    index: Index,
    stream: Stream,
    number: u64,
}

/// What became of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It is in the directory now.
    New,
    /// Somebody has it already, and keeps it.
    Kept,
}

/// A name can't be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotTaken {
    /// Everybody may use it.
    #[error("nobody can own the name anonymous")]
    Anonymous,
    /// No clock shows that: other servers would take it for nonsense.
    #[error("its registertime is beyond any time that a clock can show, in ms since 1970")]
    TooLate,
}

impl Import {
    /// Begins a start of the server for this.
    pub fn begin(mut durable: Durable, boot: Boot) -> Self {
        let tree = &mut durable.tree;
        tree.incarnation = Incarnation {
            number: boot.now.0.max(tree.incarnation.number + 1),
            nonce: boot.nonce,
        };
        if let Some(myself) = tree.known.get_mut(&tree.id.name) {
            myself.incarnation = tree.incarnation;
        }
        Self {
            index: Index::of(&durable.registry),
            stream: Stream {
                server: tree.id.name.clone(),
                incarnation: tree.incarnation,
            },
            number: 0,
            durable,
        }
    }

    /// Whether somebody has this name already.
    pub fn holds(&self, username: &Username) -> bool {
        self.durable.registry.records.contains_key(username)
    }

    /// Takes a name that was registered at some time, here or elsewhere.
    ///
    /// # Errors
    /// [`NotTaken`]; nothing has changed.
    pub fn take(
        &mut self,
        username: &Username,
        secret: SecretHash,
        registertime: Stamp,
    ) -> Result<Taken, NotTaken> {
        if username.is_anonymous() {
            return Err(NotTaken::Anonymous);
        }
        if registertime > Stamp::MAX {
            return Err(NotTaken::TooLate);
        }
        if self.holds(username) {
            return Ok(Taken::Kept);
        }
        let number = self.number + 1;
        let registration = Registration {
            registertime,
            origin: self.stream.clone(),
            number,
        };
        let record = Record {
            registration,
            secret,
        };
        let directory = &mut self.durable.registry;
        directory.merge(&mut self.index, username, record, |_, _| false);
        directory.advance(&mut self.index, &self.stream, number);
        self.number = number;
        Ok(Taken::New)
    }

    /// What is to be on the disk now. It can be saved at any time, and again later.
    pub fn durable(&self) -> &Durable {
        &self.durable
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::client::Secret;
    use crate::message::{Address, ServerName};
    use crate::node::{Config, Node, State, delivery, tree};
    use stateright::actor::{Actor, Id, Out};

    const BEFORE: Boot = Boot {
        now: Stamp(1_000),
        nonce: 1,
    };

    fn start(boot: Boot, disk: Option<Durable>) -> State {
        let config = Config {
            name: ServerName::from("s1:1"),
            address: Address::new("s1", 1).expect("it is an address"),
            seeds: vec![],
            secret: Secret::Plain("system".into()),
            timing: tree::Timing::fast(),
            delivery: delivery::Settings::default(),
        };
        Node::new(config, boot).on_start(Id::from(0), &disk, &mut Out::new())
    }

    fn import() -> Import {
        let boot = Boot {
            now: Stamp(900),
            nonce: 2,
        };
        Import::begin(start(BEFORE, None).durable, boot)
    }

    fn name(name: &str) -> Username {
        Username::from(name)
    }

    fn hash(hash: &str) -> SecretHash {
        SecretHash::from(hash)
    }

    #[test]
    fn names_become_changes_of_a_start_of_their_own_even_if_the_clock_went_back() {
        let mut import = import();
        for (n, user) in ["aaron", "ben"].into_iter().enumerate() {
            let stamp = Stamp(5 + n as u64);
            assert_eq!(import.take(&name(user), hash("h"), stamp), Ok(Taken::New));
        }
        let disk = import.durable().clone();
        let incarnation = Incarnation {
            number: 1_001,
            nonce: 2,
        };
        assert_eq!(disk.tree.incarnation, incarnation);
        assert_eq!(
            disk.tree.known[&ServerName::from("s1:1")].incarnation,
            incarnation
        );
        let stream = Stream {
            server: ServerName::from("s1:1"),
            incarnation,
        };
        assert_eq!(disk.registry.complete(&stream), 2);
        let ben = &disk.registry.records[&name("ben")].registration;
        assert_eq!((ben.registertime, ben.number), (Stamp(6), 2));
        assert_eq!(ben.origin, stream);
        // The next start is a later one, and finds them.
        let again = start(BEFORE, Some(disk));
        assert_eq!(again.durable.tree.incarnation.number, 1_002);
        let aaron = super::super::verify(&again, &name("aaron"), &hash("h"));
        assert_eq!(aaron.map(|registration| registration.number), Ok(1));
    }

    #[test]
    fn a_name_that_somebody_has_stays_his_whoever_is_the_elder() {
        let mut import = import();
        let first = import.take(&name("aaron"), hash("h1"), Stamp(5));
        assert_eq!(first, Ok(Taken::New));
        assert!(import.holds(&name("aaron")));
        let second = import.take(&name("aaron"), hash("h2"), Stamp(1));
        assert_eq!(second, Ok(Taken::Kept));
        let records = &import.durable().registry.records;
        assert_eq!(records[&name("aaron")].secret, hash("h1"));
        // It has used up no number.
        import
            .take(&name("ben"), hash("h"), Stamp(5))
            .expect("it is free");
        let records = &import.durable().registry.records;
        assert_eq!(records[&name("ben")].registration.number, 2);
    }

    #[test]
    fn what_no_server_would_take_from_another_is_not_taken() {
        let mut import = import();
        let late = import.take(&name("aaron"), hash("h"), Stamp(u64::MAX));
        assert_eq!(late, Err(NotTaken::TooLate));
        let anonymous = import.take(&Username::anonymous(), hash("h"), Stamp(5));
        assert_eq!(anonymous, Err(NotTaken::Anonymous));
        assert!(import.durable().registry.records.is_empty());
    }
}
