//! Kinds of values that settings have.

use std::net::IpAddr;
use std::ops::RangeInclusive;

/// On what ground somebody may replace a dialog (R009).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ground {
    /// The setting says that everybody may.
    Any,
    /// The sender is the user that is being replaced.
    SameUser,
    /// The sender's endpoint is the one that is being replaced.
    SameEndpoint,
    /// A trusted peer sent a Referred-By of the replaced user (R010).
    ReferredBy,
    /// The sender holds a token of this library.
    Token,
    /// The configuration trusts the sender's endpoint.
    TrustedPeer,
    /// The host said so.
    Host,
}

impl Ground {
    const LISTED: [(&'static str, Ground); 6] = [
        ("same-user", Ground::SameUser),
        ("same-endpoint", Ground::SameEndpoint),
        ("referred-by", Ground::ReferredBy),
        ("token", Ground::Token),
        ("trusted-peer", Ground::TrustedPeer),
        ("host", Ground::Host),
    ];

    /// Its name in `replaces.authorize`.
    pub fn name(self) -> &'static str {
        Self::LISTED.iter().find(|(_, it)| *it == self).map_or("any", |(name, _)| *name)
    }
}

/// The grounds that are accepted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Grounds {
    any: bool,
    listed: [bool; 6],
}

impl Grounds {
    /// From `any` or a list of names.
    pub(super) fn parse(value: &str) -> Result<Grounds, &'static str> {
        let mut grounds = Grounds::default();
        for name in list(value) {
            if name == "any" {
                grounds.any = true;
                continue;
            }
            let mut places = Ground::LISTED.iter().zip(grounds.listed.iter_mut());
            let (_, place) = places
                .find(|((listed, _), _)| *listed == name)
                .ok_or("names a ground that does not exist")?;
            *place = true;
        }
        Ok(grounds)
    }

    /// Whether this ground is accepted.
    pub fn hold(&self, ground: Ground) -> bool {
        // The list is in the order of the enumeration, behind the one that is not listed.
        match (ground as usize).checked_sub(1) {
            None => self.any,
            Some(number) => self.listed.get(number).copied().unwrap_or_default(),
        }
    }
}

/// A list of names, compared without regard to ASCII case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names(Vec<Box<str>>);

impl Names {
    pub(super) fn parse(value: &str) -> Result<Names, &'static str> {
        let token = |name: &str| {
            name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.!%*_+`'~".contains(&byte))
        };
        if !list(value).all(token) {
            return Err("holds a name that is no token");
        }
        Ok(Names(list(value).map(Box::from).collect()))
    }

    /// Whether this name is listed.
    pub fn hold(&self, name: &[u8]) -> bool {
        self.0.iter().any(|it| it.as_bytes().eq_ignore_ascii_case(name))
    }

    /// The names in their order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|it| &**it)
    }
}

/// The most places that a park lot has.
const MOST_PLACES: u32 = 100_000;
/// A place has at most nine digits.
const HIGHEST_PLACE: u32 = 999_999_999;
/// A lot without places.
pub(super) const NO_PLACES: RangeInclusive<u32> = RangeInclusive::new(1, 0);

/// The places of a park lot, `701-720`, or nothing.
pub(super) fn range(value: &str) -> Result<RangeInclusive<u32>, &'static str> {
    if value.trim().is_empty() {
        return Ok(NO_PLACES);
    }
    let number = |text: &str| {
        let digits = text.trim();
        let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
        digits.parse().ok().filter(|number| is_number && (1..=HIGHEST_PLACE).contains(number))
    };
    let (first, last) = value.split_once('-').ok_or("is no range")?;
    let (first, last) = number(first).zip(number(last)).ok_or("is no range of numbers")?;
    match last.checked_sub(first) {
        None => Err("ends before it begins"),
        Some(more) if more >= MOST_PLACES => Err("has too many places"),
        Some(_) => Ok(first..=last),
    }
}

/// One entry of a list of domains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Domain {
    /// This host name; lower case, without a dot at its end.
    Host(Box<str>),
    /// Any host below this one, itself not included.
    Below(Box<str>),
    /// Addresses whose first bits are these.
    Block(IpAddr, u8),
}

/// A list of domains, each with a port or for every port.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Domains(Vec<(Domain, Option<u16>)>);

impl Domains {
    pub(super) fn parse(value: &str) -> Result<Domains, &'static str> {
        list(value).map(domain).collect::<Result<_, _>>().map(Domains)
    }

    /// Whether the list is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The entries with their ports.
    pub fn iter(&self) -> impl Iterator<Item = &(Domain, Option<u16>)> {
        self.0.iter()
    }
}

fn domain(entry: &str) -> Result<(Domain, Option<u16>), &'static str> {
    let (host, port) = host_and_port(entry)?;
    if let Some(below) = host.strip_prefix("*.") {
        return Ok((Domain::Below(host_name(below)?), port));
    }
    let (address, bits) = match host.split_once('/') {
        Some((address, bits)) => (address, Some(bits)),
        None => (host, None),
    };
    let address = address.trim_start_matches('[').trim_end_matches(']');
    if let Ok(address) = address.parse::<IpAddr>() {
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            Some(bits) => bits.parse().ok().filter(|bits| *bits <= most),
            None => Some(most),
        };
        return Ok((Domain::Block(address, bits.ok_or("has a block of no such size")?), port));
    }
    if bits.is_some() {
        return Err("has a block without an address");
    }
    Ok((Domain::Host(host_name(host)?), port))
}

/// `[v6]:port`, `v6`, `host:port`, `host`.
fn host_and_port(entry: &str) -> Result<(&str, Option<u16>), &'static str> {
    let port = |digits: &str| match digits.parse::<u16>() {
        Ok(port) if port > 0 => Ok(Some(port)),
        _ => Err("has a port that is none"),
    };
    if let Some((host, rest)) = entry.split_once(']') {
        return match rest.strip_prefix(':') {
            Some(digits) => Ok((host, port(digits)?)),
            None => Ok((entry, None)),
        };
    }
    match entry.split_once(':') {
        Some((host, digits)) if !digits.contains(':') => Ok((host, port(digits)?)),
        _ => Ok((entry, None)),
    }
}

fn host_name(name: &str) -> Result<Box<str>, &'static str> {
    let name = name.strip_suffix('.').unwrap_or(name);
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if name.is_empty() || !name.bytes().all(fits) {
        return Err("holds something that is no host name");
    }
    Ok(name.to_ascii_lowercase().into())
}

/// The entries of a list, separated by commas or spaces.
fn list(value: &str) -> impl Iterator<Item = &str> {
    value.split([',', ' ', '\t']).filter(|entry| !entry.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grounds_are_any_or_a_list() {
        let any = Grounds::parse("any").unwrap();
        assert!(any.hold(Ground::Any) && !any.hold(Ground::Host));
        let two = Grounds::parse("same-user,  host").unwrap();
        assert!(two.hold(Ground::SameUser) && two.hold(Ground::Host));
        assert!(!two.hold(Ground::TrustedPeer) && !two.hold(Ground::Any));
        assert!(Grounds::parse("same-usr").is_err());
        assert!(!Grounds::parse("").unwrap().hold(Ground::SameUser));
    }

    #[test]
    fn domains_of_every_form_are_read() {
        let domains = Domains::parse(
            "Example.COM., *.example.net:5061, 192.0.2.0/24, [2001:db8::1]:5060, 2001:db8::/32",
        );
        let entries: Vec<_> = domains.unwrap().0;
        assert_eq!(entries[0], (Domain::Host("example.com".into()), None));
        assert_eq!(entries[1], (Domain::Below("example.net".into()), Some(5061)));
        assert_eq!(entries[2], (Domain::Block("192.0.2.0".parse().unwrap(), 24), None));
        assert_eq!(entries[3], (Domain::Block("2001:db8::1".parse().unwrap(), 128), Some(5060)));
        assert_eq!(entries[4], (Domain::Block("2001:db8::".parse().unwrap(), 32), None));
        for bad in ["a b/8", "192.0.2.0/33", "host:0", "host:x", "*.", "a@b"] {
            assert!(Domains::parse(bad).is_err(), "{bad}");
        }
    }
}
