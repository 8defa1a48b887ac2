//! Where a server listens.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use smol_str::{SmolStr, format_smolstr};

/// Where a server listens, as `host:port`; an IPv6 address stands in brackets. Resolved by whoever dials
/// it, at each dial.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address(SmolStr);

/// Why a text is no [`Address`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// No `:` and nothing after it.
    #[error("an address is host:port, and the port is missing")]
    NoPort,
    /// Nothing before the `:`, or blanks or brackets in the wrong place.
    #[error("an address is host:port, and the host is missing or misspelt")]
    Host,
    /// A host with colons in it but without brackets: `::1:3780` could be read in two ways.
    #[error("an IPv6 address needs brackets, as in [::1]:3780")]
    Brackets,
    /// Not a number from 0 to 65535.
    #[error("the port of an address is a number from 0 to 65535")]
    Port,
}

impl Address {
    /// Joins the two halves. The host is a name or an IP address, without brackets or with them.
    ///
    /// # Errors
    /// [`AddressError::Host`] when the host is empty or has blanks or stray brackets in it.
    pub fn new(host: &str, port: u16) -> Result<Self, AddressError> {
        let bare = host
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
            .unwrap_or(host);
        if bare.is_empty() || bare.contains(|c: char| c.is_whitespace() || c == '[' || c == ']') {
            return Err(AddressError::Host);
        }
        Ok(Self(if bare.contains(':') {
            format_smolstr!("[{bare}]:{port}")
        } else {
            format_smolstr!("{bare}:{port}")
        }))
    }

    /// The name or the IP address, without brackets.
    pub fn host(&self) -> &str {
        let host = self.halves().0;
        host.strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
            .unwrap_or(host)
    }

    /// The TCP port.
    pub fn port(&self) -> u16 {
        let port = self.halves().1.parse();
        port.expect("an address was checked when it was made")
    }

    /// `host:port`, as a resolver takes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn halves(&self) -> (&str, &str) {
        let halves = self.0.rsplit_once(':');
        halves.expect("an address was checked when it was made")
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let (host, port) = text.rsplit_once(':').ok_or(AddressError::NoPort)?;
        if port.is_empty() {
            return Err(AddressError::NoPort);
        }
        if host.contains(':') && !host.starts_with('[') {
            return Err(AddressError::Brackets);
        }
        if !port.bytes().all(|b| b.is_ascii_digit()) {
            return Err(AddressError::Port);
        }
        Self::new(host, port.parse().map_err(|_| AddressError::Port)?)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = SmolStr::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<(String, u16), AddressError> {
        let address: Address = text.parse()?;
        assert_eq!(
            Address::new(address.host(), address.port()),
            Ok(address.clone())
        );
        Ok((address.host().to_owned(), address.port()))
    }

    #[test]
    fn a_name_and_an_ip_address_split_at_the_colon() {
        assert_eq!(read("localhost:3780"), Ok(("localhost".into(), 3780)));
        assert_eq!(read("127.0.0.1:0"), Ok(("127.0.0.1".into(), 0)));
    }

    #[test]
    fn an_ipv6_address_stands_in_brackets_and_is_handed_out_without() {
        assert_eq!(read("[::1]:3780"), Ok(("::1".into(), 3780)));
        assert_eq!(Address::new("::1", 3780).unwrap().as_str(), "[::1]:3780");
        assert_eq!(Address::new("[::1]", 3780).unwrap().as_str(), "[::1]:3780");
        assert_eq!(read("::1:3780"), Err(AddressError::Brackets));
    }

    #[test]
    fn what_is_no_address_says_which_half_is_wrong() {
        assert_eq!(read("localhost"), Err(AddressError::NoPort));
        assert_eq!(read("localhost:"), Err(AddressError::NoPort));
        assert_eq!(read(":3780"), Err(AddressError::Host));
        assert_eq!(read("local host:3780"), Err(AddressError::Host));
        assert_eq!(read("[::1:3780"), Err(AddressError::Host));
        assert_eq!(read("localhost:65536"), Err(AddressError::Port));
        assert_eq!(read("localhost:+80"), Err(AddressError::Port));
    }
}
