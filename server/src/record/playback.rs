//! A recording, read again.

use std::collections::{HashMap, VecDeque};
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use regrow_model::node::Durable;
use serde::Serialize;
use serde_json::Value;

use super::form::Record;
use super::frame::{self, Found};
use super::parse::{FormError, Reader};
use super::{FORMAT, Header, MAGIC, VERSION};
use crate::store::{Rows, Schema};

/// How a recording ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// Its server was stopped.
    Stopped,
    /// It was given up, and its server went on.
    Abandoned,
    /// Its server was killed, or runs still.
    Open,
    /// The same, in the middle of a write.
    Torn,
}

/// Why a recording isn't understood.
#[derive(Debug, thiserror::Error)]
pub enum PlayError {
    /// It can't be read.
    #[error("cannot read {}: {source}", file.display())]
    File {
        /// Which.
        file: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It is something else.
    #[error("{} is no recording of regrow", file.display())]
    Foreign {
        /// Which.
        file: PathBuf,
    },
    /// Use the program that wrote it.
    #[error(
        "{} is of format {format}, by regrow {version}; this is regrow {VERSION}, which reads format {FORMAT} by itself. \
         Use the program that wrote it", file.display()
    )]
    Version {
        /// Which.
        file: PathBuf,
        /// Its format.
        format: Value,
        /// Who wrote it.
        version: Value,
    },
    /// It isn't as it was written.
    #[error("{} is damaged at byte {at}: {what}", file.display())]
    Damaged {
        /// Which.
        file: PathBuf,
        /// Where.
        at: u64,
        /// What is wrong.
        what: String,
    },
}

/// A recording that is being read.
pub struct Playback {
    /// What it says first.
    pub header: Header,
    /// What the server had on disk when it started; its secrets are covered.
    pub storage: Option<Durable>,
    file: PathBuf,
    source: Counted<BufReader<File>>,
    records: VecDeque<Record>,
    ending: Option<Ending>,
    len: u64,
}

/// How much has been read of a file.
struct Counted<R> {
    source: R,
    at: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(out)?;
        self.at += read as u64;
        Ok(read)
    }
}

impl Playback {
    /// Opens a recording, and reads what its server started with.
    ///
    /// # Errors
    /// When it isn't understood.
    pub fn open(file: &Path, layout: &Schema<Durable>) -> Result<Self, PlayError> {
        let cannot = |source| PlayError::File {
            file: file.to_owned(),
            source,
        };
        let opened = File::open(file).map_err(cannot)?;
        let len = opened.metadata().map_err(cannot)?.len();
        let mut source = Counted {
            source: BufReader::new(opened),
            at: 0,
        };
        let foreign = || PlayError::Foreign {
            file: file.to_owned(),
        };
        let mut magic = [0; MAGIC.len()];
        match source.read_exact(&mut magic) {
            Ok(()) if magic == MAGIC => {}
            Ok(()) => return Err(foreign()),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Err(foreign()),
            Err(error) => return Err(cannot(error)),
        }
        let header = match frame::read(&mut source).map_err(cannot)? {
            Found::Records(header) => header,
            Found::End | Found::Torn => return Err(foreign()),
            Found::Damaged => {
                return Err(PlayError::Damaged {
                    file: file.to_owned(),
                    at: source.at,
                    what: "its bytes don't fit their digest".to_owned(),
                });
            }
        };
        let header = understood(file, &header)?;
        let mut playback = Self {
            header,
            storage: None,
            file: file.to_owned(),
            source,
            records: VecDeque::new(),
            ending: None,
            len,
        };
        playback.storage = playback.read_storage(layout)?;
        Ok(playback)
    }

    fn read_storage(&mut self, layout: &Schema<Durable>) -> Result<Option<Durable>, PlayError> {
        let Some(root) = self.header.root.clone() else {
            return Ok(None);
        };
        let mut tables: HashMap<String, Rows> = HashMap::new();
        loop {
            match self.next()? {
                Some(Record::Row(table, key, value)) => {
                    tables.entry(table).or_default().push((key, value));
                }
                Some(other) => {
                    self.records.push_front(other);
                    break;
                }
                None => break,
            }
        }
        let folded = layout.fold(&root, &tables);
        folded.map(Some).map_err(|error| self.damaged(error))
    }

    /// The next record; `None` at the end.
    ///
    /// # Errors
    /// When it isn't understood.
    #[allow(clippy::should_implement_trait)] // An iterator has no errors of its own.
    pub fn next(&mut self) -> Result<Option<Record>, PlayError> {
        while self.records.is_empty() && self.ending.is_none() {
            let found = frame::read(&mut self.source);
            match found.map_err(|source| PlayError::File {
                file: self.file.clone(),
                source,
            })? {
                Found::Records(bytes) => {
                    self.take_in(&bytes).map_err(|error| self.damaged(error))?
                }
                Found::End => self.ending = Some(Ending::Open),
                Found::Torn => self.ending = Some(Ending::Torn),
                // What was being written when the machine stopped may be anything.
                Found::Damaged if self.source.at == self.len => self.ending = Some(Ending::Torn),
                Found::Damaged => return Err(self.damaged("its bytes don't fit their digest")),
            }
        }
        let record = self.records.pop_front();
        match record {
            Some(Record::Stopped { .. }) => self.ending = Some(Ending::Stopped),
            Some(Record::Abandoned) => self.ending = Some(Ending::Abandoned),
            Some(_) | None => {}
        }
        Ok(record)
    }

    fn take_in(&mut self, bytes: &[u8]) -> Result<(), FormError> {
        let mut reader = Reader::new(bytes);
        while let Some(record) = reader.record()? {
            self.records.push_back(record);
        }
        Ok(())
    }

    /// How it ends, once all of it has been read.
    pub fn ending(&self) -> Ending {
        self.ending.unwrap_or(Ending::Open)
    }

    /// How much of it has been read, and how much there is, in bytes.
    pub fn progress(&self) -> (u64, u64) {
        (self.source.at, self.len)
    }

    fn damaged(&self, what: impl std::fmt::Display) -> PlayError {
        PlayError::Damaged {
            file: self.file.clone(),
            at: self.source.at,
            what: what.to_string(),
        }
    }
}

/// What a recording says first, if it is of this very program.
fn understood(file: &Path, header: &[u8]) -> Result<Header, PlayError> {
    let foreign = |_| PlayError::Foreign {
        file: file.to_owned(),
    };
    let value: Value = serde_json::from_slice(header).map_err(foreign)?;
    let (format, version) = (value["format"].clone(), value["version"].clone());
    if format != FORMAT || version != VERSION {
        return Err(PlayError::Version {
            file: file.to_owned(),
            format,
            version,
        });
    }
    serde_json::from_value(value).map_err(foreign)
}
