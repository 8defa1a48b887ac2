//! What recordings came to, as one JSON object.

use std::io;
use std::path::Path;

use serde::Serialize;

use crate::command::say::{Unsaid, say};
use crate::conform::{Finding, Promise, Report};
use crate::record::Ending;

#[derive(Serialize)]
struct Object<'a> {
    conforms: bool,
    servers: Vec<Server<'a>>,
    /// Links between servers of which both ends are recorded, and the lines on them that were compared.
    links: u64,
    lines: u64,
    properties: Vec<Property>,
    findings: Vec<Found<'a>>,
    /// How many more there were.
    untold: u64,
}

#[derive(Serialize)]
struct Server<'a> {
    name: &'a str,
    directory: &'a Path,
    starts: Vec<Start>,
}

#[derive(Serialize)]
struct Start {
    start: u64,
    steps: u64,
    checkpoints: u64,
    ending: Ending,
}

#[derive(Serialize)]
struct Property {
    name: &'static str,
    holds: bool,
}

#[derive(Serialize)]
struct Found<'a> {
    promise: Promise,
    #[serde(skip_serializing_if = "Option::is_none")]
    server: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    step: Option<u64>,
    what: String,
}

impl<'a> Found<'a> {
    fn new(finding: &'a Finding) -> Self {
        Self {
            promise: finding.breach.promise(),
            server: finding.server.as_deref(),
            start: finding.start,
            step: finding.step,
            what: finding.breach.to_string(),
        }
    }
}

/// Prints one line.
pub(super) fn print(report: &Report) -> Result<(), Unsaid> {
    let servers = report.servers.iter().map(|server| Server {
        name: &server.name,
        directory: &server.directory,
        starts: server
            .starts
            .iter()
            .map(|start| Start {
                start: start.number,
                steps: start.steps,
                checkpoints: start.checkpoints,
                ending: start.ending,
            })
            .collect(),
    });
    let properties = report.properties.iter().map(|(property, holds)| Property {
        name: property.name,
        holds: *holds,
    });
    let object = Object {
        conforms: report.is_good(),
        servers: servers.collect(),
        links: report.compared.links,
        lines: report.compared.lines,
        properties: properties.collect(),
        findings: report.findings.iter().map(Found::new).collect(),
        untold: report.untold,
    };
    say(serde_json::to_string(&object).map_err(io::Error::from)?)
}
