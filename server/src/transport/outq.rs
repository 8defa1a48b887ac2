//! What the kernel still keeps for a socket.

use std::io;
use std::os::fd::AsFd;

/// How many bytes that were written to a TCP socket its far end has not acknowledged.
///
/// # Errors
/// When the kernel doesn't say.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "no crate of the field wraps SIOCOUTQ")]
pub(super) fn unacknowledged(socket: impl AsFd) -> io::Result<u64> {
    use rustix::ioctl::{Getter, ioctl};
    /// Its value in the kernel's `asm-generic/ioctls.h`, under its older name TIOCOUTQ.
    const SIOCOUTQ: rustix::ioctl::Opcode = 0x5411;
    // SAFETY: SIOCOUTQ writes one C int, which is what this getter has room for, and touches nothing else.
    let bytes = unsafe { ioctl(socket, Getter::<SIOCOUTQ, core::ffi::c_int>::new()) }?;
    Ok(u64::try_from(bytes).unwrap_or(0))
}

/// How many bytes that were written to a TCP socket its far end has not acknowledged.
///
/// # Errors
/// Always: this system doesn't say, and a legacy client is then told again what it may have received.
#[cfg(not(target_os = "linux"))]
pub(super) fn unacknowledged(_socket: impl AsFd) -> io::Result<u64> {
    Err(io::ErrorKind::Unsupported.into())
}
