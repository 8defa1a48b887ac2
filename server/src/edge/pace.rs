//! How fast somebody may do something.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How many addresses are remembered before those that have been quiet for long enough are forgotten.
const ADDRESSES: usize = 10_000;
/// How much of an IPv6 address doesn't say whose it is, in bits: its owner chooses it.
const HOST_BITS: u32 = 64;
/// How much may be done at once that is allowed in this time.
const BURST: Duration = Duration::from_secs(1);

/// So much per second, as much at once.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// How long each takes, as it were.
    interval: Duration,
    /// When all that was done would be done, had it taken so long.
    done_at: Instant,
}

impl Pace {
    /// So much per second; none for 0.
    pub fn new(per_second: u32, now: Instant) -> Option<Self> {
        let interval = BURST.checked_div(per_second)?;
        Some(Self {
            interval,
            done_at: now,
        })
    }

    /// Whether it may be done now.
    pub fn allow(&mut self, now: Instant) -> bool {
        let done_at = self.done_at.max(now) + self.interval;
        let allowed = done_at - now <= BURST;
        if allowed {
            self.done_at = done_at;
        }
        allowed
    }

    /// Whether it is as if nothing had been done.
    fn is_quiet(&self, now: Instant) -> bool {
        self.done_at <= now
    }
}

/// Everybody's, by address.
#[derive(Default)]
pub struct Attempts(Mutex<Addresses>);

#[derive(Default)]
struct Addresses {
    per_second: u32,
    paces: HashMap<IpAddr, Pace>,
    /// When those that are quiet were last forgotten.
    swept_at: Option<Instant>,
}

impl Attempts {
    /// So many per second from each address from now on; 0: any number.
    pub fn limit(&self, per_second: u32) {
        let mut addresses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *addresses = Addresses {
            per_second,
            ..Addresses::default()
        };
    }

    /// Whether another attempt from there is allowed now. One whose origin isn't known always is.
    pub fn allow(&self, from: Option<IpAddr>, now: Instant) -> bool {
        let mut addresses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (Some(fresh), Some(from)) = (Pace::new(addresses.per_second, now), from) else {
            return true;
        };
        addresses.sweep(now);
        let pace = addresses.paces.entry(origin(from)).or_insert(fresh);
        pace.allow(now)
    }
}

impl Addresses {
    /// Forgets those that are quiet, if there are many. Not at each attempt: there may be many more that aren't.
    fn sweep(&mut self, now: Instant) {
        let is_due = self.swept_at.is_none_or(|at| now - at >= BURST);
        if self.paces.len() >= ADDRESSES && is_due {
            self.paces.retain(|_, pace| !pace.is_quiet(now));
            self.swept_at = Some(now);
        }
    }
}

/// Whose address it is: an IPv6 network is one.
pub fn origin(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => {
            let network = address.to_bits() >> HOST_BITS << HOST_BITS;
            IpAddr::V6(network.into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_much_is_allowed_at_once_and_as_much_each_second() {
        let now = Instant::now();
        let mut pace = Pace::new(10, now).unwrap();
        let mut allowed = |at| (0..100).filter(|_| pace.allow(at)).count();
        assert_eq!(allowed(now), 10);
        assert_eq!(allowed(now + BURST / 2), 5);
        assert_eq!(allowed(now + 10 * BURST), 10);
    }

    #[test]
    fn an_address_that_has_tried_too_often_must_wait_and_no_other() {
        let (attempts, now) = (Attempts::default(), Instant::now());
        attempts.limit(3);
        let [one, other] = ["10.0.0.1", "10.0.0.2"].map(|text| text.parse().ok());
        let allowed = (0..10).filter(|_| attempts.allow(one, now)).count();
        assert_eq!(allowed, 3);
        assert!(attempts.allow(other, now));
        assert!(attempts.allow(one, now + BURST));
    }

    #[test]
    fn addresses_that_are_quiet_again_are_forgotten() {
        let (attempts, now) = (Attempts::default(), Instant::now());
        attempts.limit(1);
        for host in 0..3 * ADDRESSES as u32 {
            let from = IpAddr::from(host.to_be_bytes());
            assert!(attempts.allow(Some(from), now + host * BURST));
        }
        assert!(attempts.0.lock().unwrap().paces.len() <= ADDRESSES);
    }

    #[test]
    fn an_ipv6_network_is_one_address() {
        let [one, other] = ["2001:db8::1", "2001:db8::2:1"].map(|text| text.parse().unwrap());
        assert_eq!(origin(one), origin(other));
        let mapped: IpAddr = "::ffff:10.0.0.1".parse().unwrap();
        assert_eq!(origin(mapped), IpAddr::from([10, 0, 0, 1]));
    }
}
