//! `--max-…` and the like: what a server grants to whoever connects.

use std::time::Duration;

use clap::Args;
use regrow_model::node::delivery;

use crate::runtime::Bound;
use crate::transport::Limits;

/// What connections are limited to. Who meets a limit is told which.
#[derive(Args, Clone, Debug)]
pub struct LimitFlags {
    /// Take so many connections, those of servers included
    #[arg(long, value_name = "N", default_value_t = Limits::default().connections)]
    max_connections: usize,
    /// Take so many of them from one address
    #[arg(long, value_name = "N", default_value_t = Limits::default().connections_per_address)]
    max_connections_per_address: usize,
    /// Give a connection so many seconds to log in
    #[arg(long, value_name = "SECONDS", default_value_t = Limits::default().stranger.as_secs(), value_parser = clap::value_parser!(u64).range(1..=86_400))]
    login_seconds: u64,
    /// Take lines of so many bytes from a client
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().line_bytes as u64, value_parser = clap::value_parser!(u64).range(1_024..=16 << 20))]
    max_line_bytes: u64,
    /// Take names of users of so many bytes, and secrets of as many
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().credential_bytes as u64, value_parser = clap::value_parser!(u64).range(64..=1 << 20))]
    max_credential_bytes: u64,
    /// Let a client say so much in a second; 0: as much as it likes
    #[arg(long, value_name = "N", default_value_t = Limits::default().activities_per_second)]
    max_activities_per_second: u32,
    /// Let one address try so many secrets in a second, to register or to log in; 0: as many as it likes
    #[arg(long, value_name = "N", default_value_t = Limits::default().attempts_per_second)]
    max_attempts_per_second: u32,
    /// Keep so many lines for a connection that doesn't read; past it, it is cut off
    #[arg(long, value_name = "N", default_value_t = Limits::default().outbox.lines)]
    max_waiting_lines: usize,
    /// Keep so many bytes for a connection that doesn't read
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().outbox.bytes)]
    max_waiting_bytes: usize,
    /// Keep so many messages for everyone who has not heard them; past it, the oldest go, and who lacks them is told
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1..))]
    max_log_messages: u64,
    /// Keep so many bytes of messages, likewise
    #[arg(long, value_name = "BYTES", default_value_t = 1 << 30, value_parser = clap::value_parser!(u64).range(32 << 20..))]
    max_log_bytes: u64,
}

impl LimitFlags {
    /// As the transport takes them.
    pub fn limits(&self) -> Limits {
        Limits {
            line_bytes: usize::try_from(self.max_line_bytes).unwrap_or(usize::MAX),
            outbox: Bound {
                lines: self.max_waiting_lines,
                bytes: self.max_waiting_bytes,
            },
            connections: self.max_connections,
            connections_per_address: self.max_connections_per_address,
            stranger: Duration::from_secs(self.login_seconds),
            credential_bytes: usize::try_from(self.max_credential_bytes).unwrap_or(usize::MAX),
            activities_per_second: self.max_activities_per_second,
            attempts_per_second: self.max_attempts_per_second,
            ..Limits::default()
        }
    }

    /// As the actor takes them.
    pub fn delivery(&self) -> delivery::Settings {
        delivery::Settings {
            log_max: usize::try_from(self.max_log_messages).unwrap_or(usize::MAX),
            log_max_bytes: usize::try_from(self.max_log_bytes).unwrap_or(usize::MAX),
            ..delivery::Settings::default()
        }
    }
}
