//! `--record`: whether the node is recorded, and where.

use std::path::PathBuf;

use clap::Args;
use regrow_model::node::{Boot, Config, Durable};

use super::Durability;
use crate::command::layout::layout;
use crate::metrics::Recording;
use crate::record::{Beginning, RecordError, Recorder, Veil};
use crate::transport::handshake::Key;

/// What is recorded.
#[derive(Args, Debug)]
pub struct RecordFlags {
    /// Record all that the server is given in this directory, for `regrow conform`. What users say is in it, their secrets
    /// are not
    #[arg(long, value_name = "DIR")]
    record: Option<PathBuf>,
    /// End the recording, and serve on, when its directory holds so many bytes
    #[arg(long, value_name = "BYTES", default_value_t = 4 << 30, value_parser = clap::value_parser!(u64).range(1 << 20..))]
    record_max_bytes: u64,
}

impl RecordFlags {
    /// Begins to record a node that starts with this, if that is wanted.
    ///
    /// # Errors
    /// When it can't be written.
    pub(super) fn begin(
        &self,
        (config, boot): (&Config, Boot),
        storage: Option<&Durable>,
        durability: Durability,
        key: &Key,
        metrics: &Recording,
    ) -> Result<Option<Recorder>, RecordError> {
        let Some(directory) = &self.record else {
            return Ok(None);
        };
        let beginning = Beginning {
            config,
            boot,
            storage,
            layout: &layout(),
            durability: durability.to_string(),
            veil: Veil::new(key),
        };
        let recorder = Recorder::begin(directory, self.record_max_bytes, beginning, metrics)?;
        tracing::info!(event = "recording", directory = %directory.display(), "recorded");
        Ok(Some(recorder))
    }
}
