//! What a running node's witness writes down.

use std::error::Error;
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use regrow_model::node::{Boot, Config, Durable, Node, Order, State};
use regrow_model::port::Link;
use stateright::actor::{Command, Out};

use super::form::{self, Given, Record};
use super::tape::{Behind, Bounded, Ended, Tape, Writer};
use super::veil::{Covers, Veil};
use super::{FORMAT, Header, MAGIC, VERSION, digest, file_name, frame, starts};
use crate::metrics::Recording;
use crate::runtime::{Cause, Disk, Witness};
use crate::store::Schema;

/// How long it is from one digest of the state to the next, at least.
const CHECKPOINT: Duration = Duration::from_secs(2);
/// How many times as long as it takes to copy a state: a large one is looked at less often.
const CHECKPOINT_SHARE: u32 = 200;
/// How much of what a server started with is gathered in one frame, in bytes.
const ROWS: usize = 256 << 10;

/// Why a server isn't recorded, and so doesn't start.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The directory can't be used.
    #[error("cannot record in {}: {source}. Name another directory with --record", directory.display())]
    Directory {
        /// Which.
        directory: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// What the server has on disk is more than it may record.
    #[error(
        "cannot begin a recording in {}: {why}. Name another directory with --record, or allow more with --record-max-bytes",
        directory.display()
    )]
    Begin {
        /// Which.
        directory: PathBuf,
        /// Why not.
        why: String,
    },
    /// It holds something else.
    #[error("{} holds recordings of {other}: name another directory with --record", directory.display())]
    Foreign {
        /// Which.
        directory: PathBuf,
        /// Whose they are.
        other: String,
    },
}

/// What a recording begins with.
pub struct Beginning<'a> {
    /// What the node was told.
    pub config: &'a Config,
    /// And at this start.
    pub boot: Boot,
    /// What its disk held.
    pub storage: Option<&'a Durable>,
    /// How that is laid out.
    pub layout: &'a Schema<Durable>,
    /// What a save promises, as `--durability` has it.
    pub durability: String,
    /// What covers its secrets.
    pub veil: Veil,
}

/// Records one start of a node.
pub struct Recorder {
    // Before the tape, which waits for it.
    writer: Writer<State>,
    _tape: Tape<State>,
    veil: Veil,
    began: Instant,
    number: u64,
    goes_on: bool,
    /// Whether the last handler has set a timer.
    sets_timer: bool,
    next_checkpoint: Instant,
}

/// A disk to which nothing goes before it is in the recording: a recording never ends before what is on the disk.
pub struct After {
    disk: Box<dyn Disk<Durable>>,
    behind: Behind<State>,
}

impl Recorder {
    /// Begins the recording of a start in a directory, which is created if need be and may hold earlier starts of the same
    /// server. All of them together may be so long.
    ///
    /// # Errors
    /// When it can't be written there.
    pub fn begin(
        directory: &Path,
        max_bytes: u64,
        beginning: Beginning<'_>,
        metrics: &Recording,
    ) -> Result<Self, RecordError> {
        let cannot = |source| RecordError::Directory {
            directory: directory.to_owned(),
            source,
        };
        let mut builder = DirBuilder::new();
        builder.recursive(true).mode(0o700);
        builder.create(directory).map_err(cannot)?;
        let before = starts(directory).map_err(cannot)?;
        let mut used = 0;
        for (_, file) in &before {
            used += fs::metadata(file).map_err(cannot)?.len();
        }
        if let Some((_, last)) = before.last()
            && let Some(other) = super::header_of(last).map(|header| header.config.name)
            && other != beginning.config.name
        {
            return Err(RecordError::Foreign {
                directory: directory.to_owned(),
                other: other.to_string(),
            });
        }
        let number = before.last().map_or(1, |(number, _)| number + 1);
        let mut options = File::options();
        options.write(true).create_new(true).mode(0o600);
        let file = options.open(directory.join(file_name(number)));
        let mut file = Bounded::new(file.map_err(cannot)?, max_bytes.saturating_sub(used));
        let veil = beginning.veil.clone();
        write_beginning(&mut file, number, beginning).map_err(|why| RecordError::Begin {
            directory: directory.to_owned(),
            why: why.to_string(),
        })?;
        let mut covers = Covers::new(veil.clone());
        let digest = move |mut state: Box<State>| {
            covers.state(&mut state);
            digest::of_state(&state)
        };
        let (tape, writer) = Tape::new(file, digest, metrics.clone()).map_err(cannot)?;
        metrics.running.set(1);
        let began = Instant::now();
        Ok(Self {
            writer,
            _tape: tape,
            veil,
            began,
            number: 0,
            goes_on: true,
            sets_timer: false,
            next_checkpoint: began + CHECKPOINT,
        })
    }

    /// The node's disk, which waits for the recording.
    pub fn before(&self, disk: Box<dyn Disk<Durable>>) -> After {
        let behind = self._tape.behind();
        After { disk, behind }
    }

    fn put(&mut self, record: Record) {
        self.goes_on = self.goes_on && self.writer.put(|out| record.write(out));
    }

    fn checkpoint(&mut self, state: &State) {
        let began = Instant::now();
        let state = Box::new(state.clone());
        let took = began.elapsed();
        self.writer.put_digest_of(state);
        self.next_checkpoint = began + CHECKPOINT.max(took * CHECKPOINT_SHARE);
    }
}

/// What was given to the node before its first handler.
fn write_beginning(file: &mut Bounded, number: u64, beginning: Beginning<'_>) -> Result<(), Ended> {
    let Beginning {
        config,
        boot,
        storage,
        layout,
        durability,
        mut veil,
    } = beginning;
    let storage = storage.map(|storage| {
        let mut storage = storage.clone();
        veil.durable(&mut storage);
        storage
    });
    let header = Header {
        format: FORMAT,
        version: VERSION.to_owned(),
        start: number,
        config: config.clone(),
        boot,
        durability,
        root: storage.as_ref().map(|storage| layout.unfold_root(storage)),
    };
    file.write_raw(MAGIC)?;
    let mut first = frame::begin();
    first.extend(serde_json::to_vec(&header).map_err(io::Error::from)?);
    file.write(first)?;
    let Some(storage) = storage else {
        return Ok(());
    };
    let mut rows = frame::begin();
    layout.unfold(&storage, |table, key, value| {
        Record::Row(table.to_owned(), key.into(), value.into()).write(&mut rows)?;
        if rows.len() >= ROWS {
            file.write(std::mem::replace(&mut rows, frame::begin()))?;
        }
        Ok::<(), Ended>(())
    })?;
    file.write(rows)?;
    Ok(())
}

impl Witness<Node, Order> for Recorder {
    fn begins(&mut self, round: u64, cause: Cause<'_, Node, Order>) {
        if !self.goes_on {
            return;
        }
        let cause = match cause {
            Cause::Start => Given::Start,
            Cause::Timer(timer) => Given::Timer(*timer),
            Cause::Input(input) => {
                let mut input = input.clone();
                self.veil.input(&mut input);
                Given::Input(input)
            }
            Cause::Random(()) => return, // A node chooses nothing.
        };
        self.put(Record::Begins {
            number: self.number,
            round,
            at: self.began.elapsed(),
            cause,
        });
        self.number += 1;
    }

    fn ends(&mut self, state: &State, out: &Out<Node>) {
        if !self.goes_on {
            return;
        }
        let outcome = digest::of_outcome(out, Some(&mut self.veil));
        self.put(Record::Ends(outcome));
        let sets = |command: &Command<_, _, _, _>| matches!(command, Command::SetTimer(..));
        self.sets_timer = out.iter().any(sets);
        if Instant::now() >= self.next_checkpoint {
            self.checkpoint(state);
        }
    }

    fn obeyed(&mut self) {
        if std::mem::take(&mut self.sets_timer) {
            let at = self.began.elapsed();
            self.put(Record::Obeyed(at));
        }
    }

    fn durable(&mut self, save: u64) {
        self.put(Record::Durable(save));
    }

    fn released(&mut self, lines: &[(Link, usize)]) {
        self.goes_on = self.goes_on
            && self.writer.put(|out| {
                form::released(lines, out);
                Ok(())
            });
    }

    fn stopped(&mut self, round: u64, state: &State) {
        if self.goes_on {
            self.checkpoint(state);
            let at = self.began.elapsed();
            self.put(Record::Stopped { round, at });
        }
    }
}

impl Disk<Durable> for After {
    fn save(&mut self, storage: &Durable) -> Result<(), Box<dyn Error + Send + Sync>> {
        self.behind.wait();
        self.disk.save(storage)
    }

    fn due(&self) -> Option<Instant> {
        self.disk.due()
    }

    fn sync(&mut self) -> Result<(), Box<dyn Error + Send + Sync>> {
        self.disk.sync()
    }
}
