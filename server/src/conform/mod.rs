//! Recordings of running nodes, compared with the protocol that was checked (`docs/operating.md`, Recording).
//!
//! - [`rerun`]: each start is run again, and has to ask for the same and come to the same state.
//! - [`links`] and [`timers`]: what the runtime promised to the node, and to everybody else.
//! - [`traffic`]: what one server received is what another sent.
//! - [`incident`]: the last of all of it, in one order, as the same actors can play it again.
//! - The properties of the protocol hold where the recordings end ([`regrow_model::incident::moment`]).

mod breach;
mod incident;
mod links;
mod rerun;
#[cfg(test)]
mod tests;
mod timers;
mod traffic;

pub use breach::{Breach, Promise};
pub use traffic::Compared;

use std::io;
use std::path::{Path, PathBuf};

use regrow_model::incident::{Incident, Process, moment};
use regrow_model::message::SecretHash;
use regrow_model::property::Property;

use crate::command::layout::layout;
use crate::edge::PROVEN;
use crate::record::{Ending, PlayError, Playback, starts};
use rerun::Rerun;
use traffic::{Side, compare};

/// Why recordings can't be compared with anything.
#[derive(Debug, thiserror::Error)]
pub enum ConformError {
    /// Name another directory.
    #[error("cannot read {}: {source}", directory.display())]
    Directory {
        /// Which.
        directory: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Name another directory.
    #[error("{} holds no recording: name what `regrow serve` was given with --record", directory.display())]
    Empty {
        /// Which.
        directory: PathBuf,
    },
    /// Two directories of one server.
    #[error("{} and {} are of the same server, {name}: its starts belong into one directory", one.display(), other.display())]
    Same {
        /// The server.
        name: String,
        /// One directory.
        one: PathBuf,
        /// The other.
        other: PathBuf,
    },
    /// A recording isn't understood.
    #[error(transparent)]
    Play(#[from] PlayError),
}

/// What one recorded start came to.
#[derive(Clone, Debug)]
pub struct Start {
    /// Which, from 1.
    pub number: u64,
    /// How many handlers were run again.
    pub steps: u64,
    /// How many digests of its state were compared.
    pub checkpoints: u64,
    /// How its recording ends.
    pub ending: Ending,
}

/// What one server's recordings came to.
#[derive(Clone, Debug)]
pub struct Server {
    /// What it is known by.
    pub name: String,
    /// Where its recordings are.
    pub directory: PathBuf,
    /// Its starts.
    pub starts: Vec<Start>,
}

/// Something that must not be, and where.
#[derive(Clone, Debug)]
pub struct Finding {
    /// At which server; `None` if it is about all of them.
    pub server: Option<String>,
    /// In which of its starts.
    pub start: Option<u64>,
    /// In which handler of that, from 0.
    pub step: Option<u64>,
    /// What.
    pub breach: Breach,
}

/// What recordings came to.
#[derive(Clone, Debug)]
pub struct Report {
    /// Whose they are.
    pub servers: Vec<Server>,
    /// What must not be.
    pub findings: Vec<Finding>,
    /// How much more of that there was, which isn't told.
    pub untold: u64,
    /// What servers said to each other.
    pub compared: Compared,
    /// Whether each property holds that was looked at.
    pub properties: Vec<(&'static Property, bool)>,
    /// The last that happened, if it was asked for and something is known of how all were before.
    pub incident: Option<Incident>,
}

impl Report {
    /// Whether all is as it must be.
    pub fn is_good(&self) -> bool {
        self.findings.is_empty()
    }
}

/// How far the reading of recordings is.
#[derive(Clone, Copy, Debug)]
pub struct Progress<'a> {
    /// Which directory is read.
    pub directory: &'a Path,
    /// Which start.
    pub start: u64,
    /// How much of that has been read, in bytes.
    pub read: u64,
    /// Of how much.
    pub len: u64,
}

/// How many records are read between two looks at the progress.
const STRIDE: u64 = 4_096;

/// What is asked about recordings.
#[derive(Clone, Copy, Debug, Default)]
pub struct Question {
    /// Whether nothing was to be done any more when they end: then what must hold at rest is looked at, too.
    pub is_settled: bool,
    /// How many of the last events are to be told as an incident.
    pub told: usize,
}

/// Compares the recordings of a cluster, one directory a server.
///
/// # Errors
/// When they aren't understood.
pub fn conform(
    directories: &[PathBuf],
    question: Question,
    mut tell: impl FnMut(Progress<'_>),
) -> Result<Report, ConformError> {
    let mut report = Report {
        servers: Vec::new(),
        findings: Vec::new(),
        untold: 0,
        compared: Compared::default(),
        properties: Vec::new(),
        incident: None,
    };
    let (mut sides, mut lasts) = (Vec::new(), Vec::new());
    for (server, directory) in directories.iter().enumerate() {
        let (result, last) = examine(
            (server, directory),
            question,
            &mut report,
            &mut sides,
            &mut tell,
        )?;
        if let Some(same) = report
            .servers
            .iter()
            .find(|other| other.name == result.name)
        {
            return Err(ConformError::Same {
                name: result.name,
                one: same.directory.clone(),
                other: result.directory,
            });
        }
        report.servers.push(result);
        lasts.push(last);
    }
    let (compared, found, matches) = compare(&mut sides);
    let names: Vec<String> = report
        .servers
        .iter()
        .map(|server| server.name.clone())
        .collect();
    if question.told > 0 {
        let woven = incident::weave(&sides, &matches, question.told);
        let last: Vec<Option<Process>> = lasts.iter().cloned().map(Option::flatten).collect();
        report.incident = Some(woven.incident(&sides, &names, &last, process)?);
    }
    report.compared = compared;
    for found in found {
        report.findings.push(Finding {
            server: report
                .servers
                .get(found.server)
                .map(|server| server.name.clone()),
            start: Some(found.start),
            step: found.step,
            breach: found.breach,
        });
    }
    // A moment of some of them, or of one that went astray, is none.
    if let Some(lasts) = lasts.iter().map(Option::as_ref).collect::<Option<Vec<_>>>() {
        let servers: Vec<Option<&Process>> = lasts.into_iter().map(Option::as_ref).collect();
        report.properties =
            moment::properties(&servers, &SecretHash::from(PROVEN), question.is_settled);
        let broken = report.properties.iter().filter(|(_, holds)| !holds);
        report.findings.extend(broken.map(|(property, _)| Finding {
            server: None,
            start: None,
            step: None,
            breach: Breach::Property {
                name: property.name,
            },
        }));
    }
    Ok(report)
}

/// Runs all starts of one server again. The last one's end is its last moment, unless it isn't known.
fn examine(
    (server, directory): (usize, &Path),
    question: Question,
    report: &mut Report,
    sides: &mut Vec<Side>,
    tell: &mut impl FnMut(Progress<'_>),
) -> Result<(Server, Option<Option<Process>>), ConformError> {
    let files = starts(directory).map_err(|source| ConformError::Directory {
        directory: directory.to_owned(),
        source,
    })?;
    let mut result = Server {
        name: String::new(),
        directory: directory.to_owned(),
        starts: Vec::new(),
    };
    let mut before: Option<Rerun> = None;
    let mut last = None;
    for (number, file) in files {
        let mut playback = Playback::open(&file, &layout())?;
        let name = playback.header.config.name.to_string();
        let mut rerun = Rerun::new(&playback.header, playback.storage.clone(), question.told);
        let disk = before.and_then(|before: Rerun| other_disk(&before, &playback));
        run(&mut rerun, &mut playback, |(read, len)| {
            tell(Progress {
                directory,
                start: number,
                read,
                len,
            });
        })?;
        let ending = playback.ending();
        let breaches = rerun.breaches.drain(..);
        let breaches = breaches.map(|(step, breach)| (Some(step), breach));
        for (step, breach) in disk
            .map(|breach| (None, breach))
            .into_iter()
            .chain(breaches)
        {
            report.findings.push(Finding {
                server: Some(name.clone()),
                start: Some(number),
                step,
                breach,
            });
        }
        report.untold += rerun.untold;
        let config = &playback.header.config;
        if let Some(state) = rerun.state() {
            sides.push(Side {
                server,
                incarnation: state.durable.tree.incarnation,
                start: number,
                is_open: ending != Ending::Stopped || rerun.has_strayed,
                wires: std::mem::take(&mut rerun.wires).into_all(),
                file,
                config: config.clone(),
                boot: playback.header.boot,
                disk: playback.storage.clone(),
                story: std::mem::take(&mut rerun.story),
            });
        }
        last = known(&rerun, &playback);
        result.name = name;
        result.starts.push(Start {
            number,
            steps: rerun.steps(),
            checkpoints: rerun.checkpoints,
            ending,
        });
        let goes_on = playback.header.durability == "sync" && ending != Ending::Abandoned;
        before = (goes_on && !rerun.has_strayed).then_some(rerun);
    }
    if result.starts.is_empty() {
        let directory = directory.to_owned();
        return Err(ConformError::Empty { directory });
    }
    Ok((result, last))
}

fn run(
    rerun: &mut Rerun,
    playback: &mut Playback,
    mut tell: impl FnMut((u64, u64)),
) -> Result<(), PlayError> {
    let mut records = 0;
    while let Some(record) = playback.next()? {
        rerun.take_in(record);
        if rerun.has_strayed {
            break;
        }
        records += 1;
        if records % STRIDE == 0 {
            tell(playback.progress());
        }
    }
    Ok(())
}

/// What a start says of the disk that it found, after the start before.
fn other_disk(before: &Rerun, playback: &Playback) -> Option<Breach> {
    let found = playback.storage.as_ref();
    let (durable, saves) = before.saves();
    let is_left = match found {
        Some(found) => before.disks().any(|left| left == found),
        None => durable == 0,
    };
    (!is_left).then_some(Breach::OtherDisk { durable, saves })
}

/// Where a start ends, if that is known: a server that was stopped is gone.
fn known(rerun: &Rerun, playback: &Playback) -> Option<Option<Process>> {
    let ending = playback.ending();
    if rerun.has_strayed || ending == Ending::Abandoned {
        return None;
    }
    let process = rerun.process(&playback.header);
    Some(process.filter(|it| ending != Ending::Stopped || it.state.halted.is_some()))
}

/// What a start was before something that happened to it.
fn process(side: &Side, number: u64) -> Result<Option<Process>, ConformError> {
    let mut playback = Playback::open(&side.file, &layout())?;
    let mut rerun = Rerun::new(&playback.header, playback.storage.clone(), 0);
    while let Some(record) = playback.next()? {
        if rerun.story.count() == number && Rerun::tells(&record) {
            break;
        }
        rerun.take_in(record);
    }
    Ok(rerun.process(&playback.header))
}
