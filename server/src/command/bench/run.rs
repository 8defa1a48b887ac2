//! One run on the stage, watched from outside: what the servers take meanwhile, and what it has come to as figures.

use std::io;

use rand::Rng;

use super::BenchError;
use super::clock::seconds;
use super::hosts::Hosts;
use super::options::Options;
use super::payload::RUNS_MAX;
use super::progress::Progress;
use super::report::Row;
use super::servers::Servers;
use super::stage::{Event, Glimpse, Observer, Outcome, Pace, Plan, Seat, Stage};

/// Looks after a run.
pub(super) struct Watch<'a> {
    servers: &'a mut Servers,
    progress: &'a mut Progress,
    /// The servers' processor time, and the bench's own, up to the beginning; then of what is measured.
    server_cpu: Option<f64>,
    own_cpu: f64,
    peak: Option<u64>,
}

impl<'a> Watch<'a> {
    pub(super) fn new(servers: &'a mut Servers, progress: &'a mut Progress) -> Self {
        Self {
            servers,
            progress,
            server_cpu: None,
            own_cpu: 0.0,
            peak: None,
        }
    }
}

impl Observer for Watch<'_> {
    fn glimpse(&mut self, glimpse: Glimpse) {
        self.progress.glimpse(glimpse);
    }

    fn begins(&mut self) {
        let hosts = self.servers.hosts();
        hosts.reset_peak();
        self.server_cpu = hosts.cpu_seconds();
        self.own_cpu = Hosts::own_cpu_seconds();
    }

    fn ends(&mut self) {
        let since = |now: Option<f64>, then: Option<f64>| Some(now? - then?);
        let hosts = self.servers.hosts();
        self.server_cpu = since(hosts.cpu_seconds(), self.server_cpu);
        self.own_cpu = Hosts::own_cpu_seconds() - self.own_cpu;
        self.peak = hosts.peak_bytes();
    }

    fn kill(&mut self, server: usize) -> io::Result<()> {
        self.progress.tell("kills a server");
        self.servers.kill(server)
    }
}

/// A plan without any event.
pub(super) fn plan(options: &Options, servers: &Servers, seats: Vec<Seat>, pace: Pace) -> Plan {
    Plan {
        servers: servers.addresses().to_vec(),
        connector: servers.connector(),
        speakers: seats.iter().filter(|seat| seat.speaker.is_some()).count(),
        seats,
        run: rand::rng().random_range(0..RUNS_MAX),
        size: options.size_bytes(),
        pace,
        length: options.seconds,
        count: u64::MAX,
        users: options.users,
        resuming: options.resuming,
        threads: options.threads as usize,
        patience: options.patience,
        event: Event::None,
    }
}

/// Seats for senders at one server and receivers at another.
pub(super) fn seats(
    senders: usize,
    at: impl Fn(usize) -> usize,
    receivers: usize,
    to: impl Fn(usize) -> usize,
) -> Vec<Seat> {
    let receiving = (0..receivers).map(|receiver| Seat {
        server: to(receiver),
        speaker: None,
        hears: true,
    });
    let sending = (0..senders).map(|sender| Seat {
        server: at(sender),
        speaker: Some(sender),
        hears: false,
    });
    receiving.chain(sending).collect()
}

/// Runs a plan. Adds its figures to the row, and hands back what else there is to tell.
///
/// # Errors
/// When it can't be run.
pub(super) async fn perform(
    plan: Plan,
    servers: &mut Servers,
    progress: &mut Progress,
    row: &mut Row,
) -> Result<Outcome, BenchError> {
    describe(&plan, row);
    let mut watch = Watch::new(servers, progress);
    let threads = plan.threads as f64;
    let stage = Stage::gather(plan, &mut watch).await?;
    let outcome = stage.perform(&mut watch).await?;
    let took = seconds(outcome.took).max(1e-9);
    faults(&outcome, row);
    row.counted("sent", outcome.said);
    row.counted("delivered", outcome.delivered);
    if outcome.acknowledged > 0 {
        row.counted("acknowledged", outcome.acknowledged);
    }
    row.measured("took_s", took);
    row.measured("deliveries_per_s", outcome.delivered as f64 / took);
    row.measured("messages_per_s", outcome.said as f64 / took);
    row.counted("repeats", outcome.repeats);
    row.counted("redirects", outcome.redirects);
    row.measured("logged_in_after_s", seconds(outcome.gathering));
    usage(&watch, &outcome, threads, row);
    row.troubles(outcome.troubles.clone());
    Ok(outcome)
}

/// What was set.
fn describe(plan: &Plan, row: &mut Row) {
    row.set_count("servers", plan.servers.len());
    row.set_count("senders", plan.speakers);
    row.set_count(
        "receivers",
        plan.seats.iter().filter(|seat| seat.hears).count(),
    );
    row.set_count("size_bytes", plan.size);
    match plan.pace {
        Pace::Closed { window, .. } => row.set("window", window as f64),
        Pace::Open { rate } => row.set("rate_per_s", rate),
    }
    row.text(
        "clients",
        match (plan.resuming, plan.users) {
            (true, _) => "resuming",
            (false, true) => "users",
            (false, false) => "anonymous",
        },
    );
}

fn faults(outcome: &Outcome, row: &mut Row) {
    let faults = outcome.faults;
    row.fault("lost", faults.lost);
    row.fault("duplicates", faults.duplicates);
    row.fault("disorder", faults.disorder);
    row.fault("unexpected_closes", faults.closes);
    row.fault("unacknowledged", faults.unacknowledged);
    row.fault("gaps_told", outcome.gaps);
}

/// What it took of this machine.
fn usage(watch: &Watch<'_>, outcome: &Outcome, threads: f64, row: &mut Row) {
    let deliveries = outcome.delivered.max(1) as f64;
    let each = |cpu: Option<f64>| cpu.map(|seconds| seconds * 1e6 / deliveries);
    row.known("server_cpu_s", watch.server_cpu);
    row.known("server_cpu_us_per_delivery", each(watch.server_cpu));
    row.bytes("server_memory_bytes", watch.servers.hosts().memory_bytes());
    row.bytes("server_memory_peak_bytes", watch.peak);
    row.known("bench_cpu_us_per_delivery", each(Some(watch.own_cpu)));
    let took = seconds(outcome.took).max(1e-9);
    row.measured("bench_busy", watch.own_cpu / threads / took);
}
