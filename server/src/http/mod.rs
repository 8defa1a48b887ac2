//! What a server shows its operator over HTTP, on a port of its own (`docs/operating.md`, HTTP and metrics): whether it
//! lives, whether it is ready, what it counts, and how it is. Nothing can be changed here, and nothing here is secret; it
//! is meant for the operator's own network all the same.
//!
//! ```text
//!   GET /healthz ─┐
//!   GET /readyz  ─┤             ┌─ looks ──▶ the actor, between two handlers (runtime/look.rs)
//!   GET /metrics ─┼─ Pages ─────┼─ metrics   what was counted (metrics/)
//!   GET /api/status             └─ watches   the disk's health, whether it drains
//! ```
//!
//! - [`seen`]: what a look brings back: clones that cost the actor nothing.
//! - [`status`]: the JSON of `/api/status`, which `regrow status` reads again.
//! - [`ready`]: whether clients should be sent here, and if not, why.
//! - [`scrape`]: `/metrics`, with what can be read off the state beside what was counted.
//! - [`process`]: what the system says about this process.

mod exposition;
mod process;
mod ready;
mod scrape;
mod seen;
pub mod status;
mod tally;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Response, StatusCode, header};
use axum::routing::get;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use regrow_model::message::Address;
use regrow_model::node;
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::{sleep, timeout};

use crate::metrics::Metrics;
use crate::runtime::{DiskHealth, LookError, Looks};
use seen::Seen;
use tally::Tallies;

/// How long the actor may take to answer, before it counts as stuck.
const PATIENCE: Duration = Duration::from_secs(2);
/// How many connections are served at once; later ones wait.
const CONNECTIONS: usize = 128;
/// How long a client may take over the head of a request, or be silent between two.
const HEAD: Duration = Duration::from_secs(10);
/// How long a connection lasts at most: who doesn't read doesn't hold a place for ever.
const CONNECTION: Duration = Duration::from_secs(600);
/// The longest head of a request, in bytes.
const HEAD_BYTES: usize = 16 << 10;
/// How long a listener rests after an error that is likely to last.
const REST: Duration = Duration::from_millis(100);

/// What is known of a server before it runs.
#[derive(Clone, Debug)]
pub struct About {
    /// What it is known by.
    pub name: String,
    /// Where others reach it.
    pub address: Address,
    /// The servers that it was told to join.
    pub seeds: Vec<Address>,
    /// Every setting by its name, secrets left out. Some can change.
    pub settings: watch::Receiver<serde_json::Map<String, Value>>,
}

/// All that the pages are made of.
pub struct Pages {
    about: About,
    looks: Looks<node::State>,
    metrics: Arc<Metrics>,
    disk: watch::Receiver<DiskHealth>,
    draining: watch::Receiver<bool>,
    started: Instant,
    started_at: SystemTime,
    tallies: Tallies,
}

impl Pages {
    /// The pages of a server that has just started.
    pub fn new(
        about: About,
        looks: Looks<node::State>,
        metrics: Arc<Metrics>,
        disk: watch::Receiver<DiskHealth>,
        draining: watch::Receiver<bool>,
    ) -> Arc<Self> {
        Arc::new(Self {
            about,
            looks,
            metrics,
            disk,
            draining,
            started: Instant::now(),
            started_at: SystemTime::now(),
            tallies: Tallies::default(),
        })
    }

    async fn look(&self) -> Result<Seen, LookError> {
        self.looks.at(PATIENCE, Seen::of).await
    }
}

/// Serves the pages until the process ends, on a thread of its own: it answers when the actor's threads don't, and is
/// never in their way.
///
/// # Errors
/// When the system has no thread for it.
pub fn start(listener: std::net::TcpListener, pages: Arc<Pages>) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let threads = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(1)
        .build()?;
    let listener = {
        let _inside = threads.enter();
        TcpListener::from_std(listener)?
    };
    let run = move || threads.block_on(serve(listener, pages));
    std::thread::Builder::new()
        .name("http".to_owned())
        .spawn(run)?;
    Ok(())
}

async fn serve(listener: TcpListener, pages: Arc<Pages>) {
    let router = router(pages);
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(place) = places.clone().acquire_owned().await else {
            return; // it is never closed
        };
        match listener.accept().await {
            Ok((stream, from)) => {
                let router = router.clone();
                tokio::spawn(async move {
                    carry(stream, from, router).await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(event = "accept_failed", %error, "cannot accept an HTTP connection");
                sleep(REST).await;
            }
        }
    }
}

async fn carry(stream: TcpStream, from: SocketAddr, router: Router) {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    match timeout(CONNECTION, connection).await {
        Ok(Ok(())) | Err(_) => {}
        Ok(Err(error)) => tracing::debug!(%from, %error, "an HTTP connection broke"),
    }
}

fn router(pages: Arc<Pages>) -> Router {
    Router::new()
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .route("/api/status", get(api_status))
        .fallback(async || {
            words(
                StatusCode::NOT_FOUND,
                "there are /healthz, /readyz, /metrics and /api/status\n".to_owned(),
            )
        })
        .with_state(pages)
}

/// Whether the process lives: its actor has answered.
async fn healthz(State(pages): State<Arc<Pages>>) -> Response<Body> {
    match pages.looks.at(PATIENCE, |_| ()).await {
        Ok(()) => words(StatusCode::OK, "ok\n".to_owned()),
        Err(error) => words(StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")),
    }
}

/// Whether clients should be sent here.
async fn readyz(State(pages): State<Arc<Pages>>) -> Response<Body> {
    let reasons = ready::reasons(&pages, pages.look().await.as_ref());
    if reasons.is_empty() {
        return words(StatusCode::OK, "ready\n".to_owned());
    }
    let text = format!("not ready: {}\n", reasons.join("; "));
    words(StatusCode::SERVICE_UNAVAILABLE, text)
}

async fn metrics(State(pages): State<Arc<Pages>>, headers: HeaderMap) -> Response<Body> {
    let accepts = headers.get(header::ACCEPT);
    let accepts = accepts.and_then(|accepts| accepts.to_str().ok());
    let (text, kind) = match scrape::scrape(&pages).await {
        Ok(text) => exposition::negotiate(text, accepts.unwrap_or_default()),
        Err(error) => return words(StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")),
    };
    response(StatusCode::OK, kind, text)
}

async fn api_status(State(pages): State<Arc<Pages>>) -> Response<Body> {
    match pages.look().await {
        Ok(seen) => {
            let tally = pages.tallies.of(&seen).await;
            let status = status::Status::of(&pages, &seen, tally);
            match serde_json::to_string(&status) {
                Ok(text) => response(StatusCode::OK, "application/json", text),
                Err(error) => words(StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")),
            }
        }
        Err(error) => words(StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")),
    }
}

fn words(status: StatusCode, text: String) -> Response<Body> {
    response(status, "text/plain; charset=utf-8", text)
}

fn response(status: StatusCode, kind: &'static str, text: String) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static(kind));
    headers.insert(
        header::CACHE_CONTROL,
        header::HeaderValue::from_static("no-store"),
    );
    response
}
