//! The writing half of a connection. Whoever speaks on it appends; what the connection doesn't take at once waits, in
//! order.

use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};

use tokio::io::AsyncWrite;
use tokio::task::unconstrained;

/// The writing half of one connection.
pub(super) struct Voice(Mutex<Half>);

struct Half {
    half: Box<dyn AsyncWrite + Send + Unpin>,
    pending: Vec<u8>,
    /// Wakes whoever flushes, once the connection takes more.
    waker: Waker,
}

impl Voice {
    pub(super) fn new(half: impl AsyncWrite + Send + Unpin + 'static) -> Self {
        Self(Mutex::new(Half {
            half: Box::new(half),
            pending: Vec::new(),
            waker: Waker::noop().clone(),
        }))
    }

    /// Appends lines and writes what the connection takes. Whether that was all.
    pub(super) fn say(&self, lines: impl FnOnce(&mut Vec<u8>)) -> io::Result<bool> {
        let mut half = self.half();
        lines(&mut half.pending);
        let waker = half.waker.clone();
        // A turn of the task in which much is said to many doesn't end with this.
        let write = pin!(unconstrained(poll_fn(|context| half.write(context))));
        match write.poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(written) => written.map(|()| true),
            Poll::Pending => Ok(false),
        }
    }

    /// Writes all that waits.
    pub(super) async fn flush(&self) -> io::Result<()> {
        poll_fn(|context| {
            let mut half = self.half();
            half.waker.clone_from(context.waker());
            half.write(context)
        })
        .await
    }

    fn half(&self) -> MutexGuard<'_, Half> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Half {
    fn write(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut written = 0;
        let outcome = loop {
            if written == self.pending.len() {
                break Poll::Ready(Ok(()));
            }
            match Pin::new(&mut self.half).poll_write(context, &self.pending[written..]) {
                Poll::Ready(Ok(bytes)) => written += bytes,
                Poll::Ready(Err(error)) => break Poll::Ready(Err(error)),
                Poll::Pending => break Poll::Pending,
            }
        };
        self.pending.drain(..written);
        ready!(outcome)?;
        // What carries lines in something else may keep some of it back.
        Pin::new(&mut self.half).poll_flush(context)
    }
}
