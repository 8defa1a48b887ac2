//! One thread of the bench: a runtime of its own, and its share of the clients.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::LocalSet;

use super::super::latency::Latency;
use super::client::Client;
use super::ears::Ears;
use super::shared::{Phase, Shared};
use super::speaking;

/// How much is read at once, at most.
const READ_MAX_BYTES: usize = 256 << 10;
/// How many clients of one thread log in at the same time.
const AT_THE_DOOR_MAX: usize = 32;
/// How often a client of ours says what it has heard, if that has changed.
const GOT_EVERY: Duration = Duration::from_millis(500);
/// How often a speaker says a probe.
const PROBE_EVERY: Duration = Duration::from_millis(100);

/// What a thread's clients share.
pub(super) struct Worker {
    pub(super) shared: Arc<Shared>,
    /// What is read goes here first: one buffer for all, which stays in the processor's cache.
    pub(super) buffer: RefCell<Vec<u8>>,
    pub(super) door: Semaphore,
    /// From when a message was said to when it was heard.
    pub(super) latency: RefCell<Latency>,
    /// From when a message was said to its acknowledgement.
    pub(super) acknowledging: RefCell<Latency>,
}

/// What a thread hands back at the end.
pub(in super::super) struct Work {
    /// What each of its clients heard, by seat.
    pub(in super::super) ears: Vec<(usize, Ears)>,
    /// From when a message was said to when it was heard.
    pub(in super::super) latency: Latency,
    /// From when a message was said to its acknowledgement.
    pub(in super::super) acknowledging: Latency,
}

/// Does the work of the clients in these seats, until the run is over.
pub(super) fn work(shared: Arc<Shared>, seats: Vec<usize>) -> io::Result<Work> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let worker = Rc::new(Worker {
        shared: Arc::clone(&shared),
        buffer: RefCell::new(vec![0; READ_MAX_BYTES]),
        door: Semaphore::new(AT_THE_DOOR_MAX),
        latency: RefCell::new(Latency::new()),
        acknowledging: RefCell::new(Latency::new()),
    });
    let clients: Vec<Rc<Client>> = seats
        .into_iter()
        .map(|seat| Rc::new(Client::new(seat, &shared)))
        .collect();
    LocalSet::new().block_on(&runtime, everyone(&worker, &clients));
    let ears = clients.iter().map(|client| client.take_ears()).collect();
    let take = |latency: &RefCell<Latency>| latency.replace(Latency::new());
    Ok(Work {
        ears,
        latency: take(&worker.latency),
        acknowledging: take(&worker.acknowledging),
    })
}

/// Runs all clients of a thread.
async fn everyone(worker: &Rc<Worker>, clients: &[Rc<Client>]) {
    let mut tasks = Vec::new();
    let mut speaking = Vec::new();
    for client in clients {
        let (worker, client) = (Rc::clone(worker), Rc::clone(client));
        if let Some(speaker) = client.speaker() {
            let shared = Arc::clone(&worker.shared);
            speaking.push(tokio::task::spawn_local(speak(shared, speaker)));
        }
        tasks.push(tokio::task::spawn_local(async move {
            client.live(&worker).await
        }));
    }
    let got = async {
        loop {
            tokio::time::sleep(GOT_EVERY).await;
            clients.iter().for_each(|client| client.say_got());
        }
    };
    let all = async {
        for task in tasks {
            // A task that failed has panicked, and said so.
            let _ = task.await;
        }
    };
    tokio::select! {
        () = all => {}
        () = got => {}
    }
    speaking.iter().for_each(tokio::task::JoinHandle::abort);
}

/// What a speaker does: probes, then messages.
async fn speak(shared: Arc<Shared>, speaker: usize) {
    let mut phase = shared.phase.subscribe();
    // The sender of phases outlives its receivers: `shared` has it.
    let _ = phase.wait_for(|phase| *phase >= Phase::Probe).await;
    while *phase.borrow() == Phase::Probe {
        // A connection that is broken is noticed where it is read.
        let _ = shared.speakers[speaker].probe(super::super::clock::now());
        let _ = tokio::time::timeout(PROBE_EVERY, phase.changed()).await;
    }
    let _ = phase.wait_for(|phase| *phase >= Phase::Speak).await;
    speaking::closed_loop(&shared, speaker).await;
}
