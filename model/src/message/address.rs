//! Where a server listens.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use smol_str::{SmolStr, format_smolstr};

/// Where a server listens: `host:port`, and how it is to be dialed by servers if not by TCP, as in
/// `tls://host:port`. An IPv6 address stands in brackets. Resolved by whoever dials it, at each dial.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address(SmolStr);

/// What carries a link from server to server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scheme {
    /// TCP; never written out.
    #[default]
    Tcp,
    /// TLS over TCP.
    Tls,
    /// QUIC, over UDP.
    Quic,
}

/// Why a text is no [`Address`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Something before `://` that is none of ours.
    #[error("an address begins with tcp://, tls:// or quic://, or with its host")]
    Scheme,
    /// No `:` and nothing after it.
    #[error("an address is host:port, and the port is missing")]
    NoPort,
    /// Nothing before the `:`, or blanks, slashes or brackets in the wrong place.
    #[error("an address is host:port, and the host is missing or misspelt")]
    Host,
    /// A host with colons in it but without brackets: `::1:3780` could be read in two ways.
    #[error("an IPv6 address needs brackets, as in [::1]:3780")]
    Brackets,
    /// Not a number from 0 to 65535.
    #[error("the port of an address is a number from 0 to 65535")]
    Port,
}

impl Scheme {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Tcp, Self::Tls, Self::Quic];

    /// Its name, as it stands before `://`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::Quic => "quic",
        }
    }
}

impl Address {
    /// Joins the two halves. The host is a name or an IP address, without brackets or with them. It is dialed by TCP.
    ///
    /// # Errors
    /// [`AddressError::Host`] when the host is empty or has blanks, slashes or stray brackets in it.
    pub fn new(host: &str, port: u16) -> Result<Self, AddressError> {
        let bare = without_brackets(host);
        let misplaced = |c: char| c.is_whitespace() || matches!(c, '[' | ']' | '/');
        if bare.is_empty() || bare.contains(misplaced) {
            return Err(AddressError::Host);
        }
        Ok(Self(if bare.contains(':') {
            format_smolstr!("[{bare}]:{port}")
        } else {
            format_smolstr!("{bare}:{port}")
        }))
    }

    /// The same place, to be dialed in this way.
    pub fn by(&self, scheme: Scheme) -> Self {
        let place = self.as_str();
        Self(match scheme {
            Scheme::Tcp => place.into(),
            Scheme::Tls | Scheme::Quic => format_smolstr!("{}://{place}", scheme.as_str()),
        })
    }

    /// How it is to be dialed.
    pub fn scheme(&self) -> Scheme {
        let before = self.0.split_once("://").map(|(scheme, _)| scheme);
        let named = |scheme: &Scheme| Some(scheme.as_str()) == before;
        Scheme::ALL.into_iter().find(named).unwrap_or_default()
    }

    /// The name or the IP address, without brackets.
    pub fn host(&self) -> &str {
        without_brackets(self.halves().0)
    }

    /// The port: of TCP, or of UDP for QUIC.
    pub fn port(&self) -> u16 {
        let port = self.halves().1.parse();
        port.expect("an address was checked when it was made")
    }

    /// `host:port`, as a resolver takes it.
    pub fn as_str(&self) -> &str {
        self.0.split_once("://").map_or(&self.0, |(_, place)| place)
    }

    fn halves(&self) -> (&str, &str) {
        let halves = self.as_str().rsplit_once(':');
        halves.expect("an address was checked when it was made")
    }
}

fn without_brackets(host: &str) -> &str {
    host.strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(host)
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let (scheme, place) = match text.split_once("://") {
            None => (Scheme::Tcp, text),
            Some((name, place)) => {
                let named = |scheme: &Scheme| scheme.as_str() == name;
                let scheme = Scheme::ALL.into_iter().find(named);
                (scheme.ok_or(AddressError::Scheme)?, place)
            }
        };
        let (host, port) = place.rsplit_once(':').ok_or(AddressError::NoPort)?;
        if port.is_empty() {
            return Err(AddressError::NoPort);
        }
        if host.contains(':') && !host.starts_with('[') {
            return Err(AddressError::Brackets);
        }
        if !port.bytes().all(|b| b.is_ascii_digit()) {
            return Err(AddressError::Port);
        }
        let address = Self::new(host, port.parse().map_err(|_| AddressError::Port)?)?;
        Ok(match scheme {
            Scheme::Tcp => address,
            Scheme::Tls | Scheme::Quic => address.by(scheme),
        })
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
        let again = Address::new(address.host(), address.port())?;
        assert_eq!(again.by(address.scheme()), address);
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

    #[test]
    fn a_scheme_says_how_to_dial_and_is_no_part_of_the_place() {
        for scheme in Scheme::ALL {
            let text = format!("{}://[::1]:3780", scheme.as_str());
            let address: Address = text.parse().unwrap();
            assert_eq!(address.scheme(), scheme);
            assert_eq!(address.as_str(), "[::1]:3780");
            assert_eq!((address.host(), address.port()), ("::1", 3780));
            assert_eq!(address.to_string().parse(), Ok(address));
        }
    }

    #[test]
    fn tcp_is_never_written_out_and_every_other_scheme_is() {
        let shown = |text: &str| text.parse::<Address>().unwrap().to_string();
        assert_eq!(shown("tcp://localhost:3780"), "localhost:3780");
        assert_eq!(shown("tls://localhost:3780"), "tls://localhost:3780");
        let quic: Address = "quic://localhost:3780".parse().unwrap();
        assert_eq!(quic.by(Scheme::Tcp).to_string(), "localhost:3780");
    }

    #[test]
    fn a_scheme_that_is_none_of_ours_is_refused() {
        for text in ["http://localhost:3780", "://localhost:3780", "TLS://a:1"] {
            assert_eq!(read(text), Err(AddressError::Scheme), "{text}");
        }
        assert_eq!(read("tls://localhost"), Err(AddressError::NoPort));
        assert_eq!(read("tls://tls://localhost:1"), Err(AddressError::Brackets));
        assert_eq!(Address::new("tls://a", 1), Err(AddressError::Host));
    }
}
