//! A length of time, as settings spell it: `200ms`, `1.5s`.

use std::time::Duration;

/// Text that names no time.
#[derive(Debug, thiserror::Error)]
#[error("it is a time such as 200ms, 5s or 1.5s, at least 1ms and at most 600s")]
pub(super) struct TimeError;

/// The shortest: what comes more often keeps a server from anything else.
const SHORTEST: Duration = Duration::from_millis(1);
/// The longest.
const LONGEST: Duration = Duration::from_secs(600);

/// Reads a time.
///
/// # Errors
/// When it is none.
pub(super) fn time(text: &str) -> Result<Duration, TimeError> {
    let (number, unit) = match text.strip_suffix("ms") {
        Some(number) => (number, 1e-3),
        None => (text.strip_suffix('s').ok_or(TimeError)?, 1.0),
    };
    let is_plain = |c: char| c.is_ascii_digit() || c == '.';
    if !number.chars().all(is_plain) {
        return Err(TimeError);
    }
    let seconds: f64 = number.parse().map_err(|_| TimeError)?;
    let time = Duration::try_from_secs_f64(seconds * unit).map_err(|_| TimeError)?;
    match time {
        time if time < SHORTEST || time > LONGEST => Err(TimeError),
        time => Ok(time),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_a_unit_and_a_bound() {
        let millis = |n| Some(Duration::from_millis(n));
        let right = [
            ("200ms", 200),
            ("5s", 5_000),
            ("1.5s", 1_500),
            ("600s", 600_000),
        ];
        for (text, n) in right {
            assert_eq!(time(text).ok(), millis(n), "{text}");
        }
        let wrong = [
            "5", "0s", "601s", "", "s", "-1s", "+1s", "1e2s", "infs", "NaNs", ".s", "1 s",
        ];
        for text in wrong {
            assert_eq!(time(text).ok(), None, "{text}");
        }
    }
}
