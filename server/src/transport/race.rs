//! A host may have several addresses, and some of them may lead nowhere. Each is tried, in the resolver's order: the next one as soon
//! as one has failed, or has had a head start without an answer. The first that answers wins.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use regrow_model::message::Address;
use tokio::net::lookup_host;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// How long an address is tried before the next one is tried besides.
const HEAD_START: Duration = Duration::from_millis(100);

/// Reaches a host by one of its addresses, resolved anew: hosts move.
///
/// # Errors
/// Of the last attempt that failed, when all have; when the host has no address.
pub(super) async fn reach<T, F>(host: &Address, attempt: impl Fn(SocketAddr) -> F) -> io::Result<T>
where
    T: Send + 'static,
    F: Future<Output = io::Result<T>> + Send + 'static,
{
    first(lookup_host(host.as_str()).await?.collect(), attempt).await
}

async fn first<T, F>(addresses: Vec<SocketAddr>, attempt: impl Fn(SocketAddr) -> F) -> io::Result<T>
where
    T: Send + 'static,
    F: Future<Output = io::Result<T>> + Send + 'static,
{
    let mut addresses = addresses.into_iter();
    let mut attempts = JoinSet::new();
    let mut failure = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    loop {
        if let Some(address) = addresses.next() {
            attempts.spawn(attempt(address));
        }
        let outcome = match addresses.len() {
            0 => attempts.join_next().await,
            _ => match timeout(HEAD_START, attempts.join_next()).await {
                Ok(outcome) => outcome,
                Err(_) => continue,
            },
        };
        match outcome {
            Some(Ok(Ok(reached))) => return Ok(reached),
            Some(Ok(Err(error))) => failure = error,
            Some(Err(error)) => failure = io::Error::other(error),
            None => return Err(failure),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::pending;

    fn addresses(ports: std::ops::Range<u16>) -> Vec<SocketAddr> {
        ports.map(|port| ([127, 0, 0, 1], port).into()).collect()
    }

    /// One answers; those before it are silent, those after it refuse.
    async fn one_answers(address: SocketAddr, port: u16) -> io::Result<u16> {
        match address.port() {
            silent if silent < port => pending().await,
            answers if answers == port => Ok(port),
            _ => Err(io::ErrorKind::ConnectionRefused.into()),
        }
    }

    #[tokio::test]
    async fn an_address_that_says_nothing_does_not_keep_the_next_one_from_being_tried() {
        let reached = first(addresses(1..9), |address| one_answers(address, 3)).await;
        assert_eq!(reached.unwrap(), 3);
    }

    #[tokio::test]
    async fn one_that_refuses_is_followed_by_the_next() {
        let attempt = |address: SocketAddr| async move {
            match address.port() {
                8 => Ok(8),
                _ => Err(io::Error::from(io::ErrorKind::ConnectionRefused)),
            }
        };
        assert_eq!(first(addresses(1..9), attempt).await.unwrap(), 8);
    }

    #[tokio::test]
    async fn when_all_have_failed_it_is_said_why() {
        let attempt = |_| async { Err::<(), _>(io::Error::from(io::ErrorKind::ConnectionRefused)) };
        let failure = first(addresses(1..9), attempt).await.unwrap_err();
        assert_eq!(failure.kind(), io::ErrorKind::ConnectionRefused);
        let none = first(Vec::new(), attempt).await.unwrap_err();
        assert_eq!(none.kind(), io::ErrorKind::NotFound);
    }
}
