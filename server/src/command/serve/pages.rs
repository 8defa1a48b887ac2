//! `--http`: where the operator's pages are.

use std::net::TcpListener;
use std::sync::Arc;

use clap::Args;
use regrow_model::message::Address;

use super::ServeError;
use crate::http::{self, Pages};

/// Where the operator's pages are.
#[derive(Args, Debug)]
pub struct Http {
    /// Show health, metrics and status over HTTP here, as in 127.0.0.1:9780: they are for the operator alone, so
    /// name an address that only the operator reaches [default: nowhere]
    #[arg(long, value_name = "HOST:PORT")]
    http: Option<Address>,
}

/// A port that is taken, and nothing shown there yet.
pub(super) struct Door(Option<TcpListener>);

impl Http {
    /// Takes the port, if one is wanted.
    pub(super) fn open(&self) -> Result<Door, ServeError> {
        let Some(address) = &self.http else {
            return Ok(Door(None));
        };
        let listener = TcpListener::bind(address.as_str());
        let listener = listener.map_err(|source| ServeError::Http {
            address: address.clone(),
            source,
        })?;
        Ok(Door(Some(listener)))
    }
}

impl Door {
    /// Shows these pages there, until the process ends.
    pub(super) fn show(self, pages: Arc<Pages>) -> Result<(), ServeError> {
        if let Some(listener) = self.0 {
            super::tell(format_args!("http on http://{}", listener.local_addr()?));
            http::start(listener, pages)?;
        }
        Ok(())
    }
}
