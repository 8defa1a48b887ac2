//! What a message of the bench carries: who said it, its number, and when. All fields have fixed places after a mark
//! that occurs nowhere else in a line, so a receiver finds them without parsing the line.
//!
//! ```text
//!   ~ kind run(4) speaker(3) number(6) at(8) padding…      in digits of six bits
//! ```

/// Where a payload begins in a line.
const MARK: u8 = b'~';
/// The digits of a payload: six bits each, none of them ever escaped in JSON.
const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
/// What stands for no digit; no digit has one of its upper bits.
const NO_DIGIT: u8 = 0xff;
/// What each byte stands for.
const VALUES: [u8; 256] = values();

const RUN_DIGITS: usize = 4;
const SPEAKER_DIGITS: usize = 3;
const NUMBER_DIGITS: usize = 6;
const AT_DIGITS: usize = 8;
/// The smallest payload, in bytes.
pub(super) const PAYLOAD_MIN_BYTES: usize =
    2 + RUN_DIGITS + SPEAKER_DIGITS + NUMBER_DIGITS + AT_DIGITS;
/// How many runs can be told apart.
pub(super) const RUNS_MAX: u32 = 1 << (6 * RUN_DIGITS);

/// What a message is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// To see whether everyone can be heard, before anything is counted.
    Probe,
    /// To be counted.
    Counted,
}

/// What a message says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Payload {
    /// What it is for.
    pub(super) kind: Kind,
    /// Which run it belongs to: what is left of an earlier one is none of ours.
    pub(super) run: u32,
    /// Who said it, by index.
    pub(super) speaker: usize,
    /// The speaker's number for it, from 0.
    pub(super) number: u64,
    /// When it was said, or should have been, in nanoseconds.
    pub(super) at: u64,
}

impl Payload {
    /// Writes it, padded to `size` bytes.
    pub(super) fn write(&self, size: usize, out: &mut Vec<u8>) {
        let end = out.len() + size.max(PAYLOAD_MIN_BYTES);
        let kind = match self.kind {
            Kind::Probe => b'p',
            Kind::Counted => b'c',
        };
        out.extend([MARK, kind]);
        write_digits(u64::from(self.run), RUN_DIGITS, out);
        write_digits(self.speaker as u64, SPEAKER_DIGITS, out);
        write_digits(self.number, NUMBER_DIGITS, out);
        write_digits(self.at, AT_DIGITS, out);
        out.resize(end, b'.');
    }

    /// The payload in a line, if there is one, and the line's rest behind its fields.
    pub(super) fn find(line: &[u8]) -> Option<(Self, &[u8])> {
        let begin = memchr::memchr(MARK, line)?;
        let (fields, rest) = line[begin..].split_at_checked(PAYLOAD_MIN_BYTES)?;
        let kind = match fields[1] {
            b'p' => Kind::Probe,
            b'c' => Kind::Counted,
            _ => return None,
        };
        let (run, fields) = read_digits::<RUN_DIGITS>(&fields[2..])?;
        let (speaker, fields) = read_digits::<SPEAKER_DIGITS>(fields)?;
        let (number, fields) = read_digits::<NUMBER_DIGITS>(fields)?;
        let (at, _) = read_digits::<AT_DIGITS>(fields)?;
        let payload = Self {
            kind,
            run: u32::try_from(run).ok()?,
            speaker: usize::try_from(speaker).ok()?,
            number,
            at,
        };
        Some((payload, rest))
    }
}

const fn values() -> [u8; 256] {
    let mut values = [NO_DIGIT; 256];
    let mut digit = 0;
    while digit < DIGITS.len() {
        values[DIGITS[digit] as usize] = digit as u8;
        digit += 1;
    }
    values
}

fn write_digits(value: u64, digits: usize, out: &mut Vec<u8>) {
    let digit = |place: usize| DIGITS[(value >> (6 * place)) as usize & 63];
    out.extend((0..digits).rev().map(digit));
}

fn read_digits<const DIGITS: usize>(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (digits, rest) = bytes.split_at_checked(DIGITS)?;
    let (mut value, mut seen) = (0, 0);
    for byte in digits {
        let digit = VALUES[*byte as usize];
        seen |= digit;
        value = value << 6 | u64::from(digit);
    }
    (seen < 64).then_some((value, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payload() -> Payload {
        Payload {
            kind: Kind::Counted,
            run: RUNS_MAX - 2,
            speaker: 4_711,
            number: 68_000_000_001,
            at: 123_456_789_012_345,
        }
    }

    #[test]
    fn a_payload_is_found_in_a_line_as_it_was_written() {
        let mut line = br#"{"command":"ACTIVITY_BROADCAST","activity":{"m":""#.to_vec();
        let begin = line.len();
        payload().write(100, &mut line);
        assert_eq!(line.len() - begin, 100);
        line.extend(br#""}}"#);
        let (found, rest) = Payload::find(&line).expect("it is there");
        assert_eq!(found, payload());
        assert!(rest.ends_with(br#"."}}"#));
    }

    #[test]
    fn a_payload_is_never_shorter_than_its_fields() {
        let mut line = Vec::new();
        payload().write(0, &mut line);
        assert_eq!(line.len(), PAYLOAD_MIN_BYTES);
        assert_eq!(Payload::find(&line), Some((payload(), &b""[..])));
    }

    #[test]
    fn a_payload_that_is_cut_short_or_spoilt_is_none() {
        let mut line = Vec::new();
        payload().write(0, &mut line);
        assert_eq!(Payload::find(&line[..line.len() - 1]), None);
        line[9] = b'"';
        assert_eq!(Payload::find(&line), None);
        assert_eq!(Payload::find(b"{\"command\":\"LOGIN_SUCCESS\"}"), None);
        assert_eq!(Payload::find(b""), None);
    }

    #[test]
    fn a_payload_needs_no_escapes_in_json() {
        let mut text = Vec::new();
        payload().write(200, &mut text);
        let text = String::from_utf8(text).expect("it is ASCII");
        assert_eq!(serde_json::to_string(&text).unwrap().len(), text.len() + 2);
    }
}
