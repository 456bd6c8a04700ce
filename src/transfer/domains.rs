//! Whether a remote attended transfer may go to a host: a guard against toll fraud.
//!
//! What is checked is the host that would really be contacted: the maddr parameter where there is
//! one (RFC 3261 section 19.1.1), without a dot at its end, an address in whatever form it was
//! written.

use crate::config::{Domain, Domains, Settings};
use crate::sip::escape::means_ignore_case;
use crate::sip::Uri;
use core::net::{IpAddr, Ipv6Addr};

/// What the settings say of a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// It may be contacted.
    Allowed,
    /// It is in `remote.deny_domains`.
    Denied,
    /// There are `remote.allow_domains` and it is in none.
    NotListed,
    /// It is not clear which host it would be, and there are lists: better not.
    Unclear,
    /// It is neither sips nor over TLS, and `remote.require_tls` asks for that.
    Insecure,
}

/// Checks the target of a remote attended transfer.
pub fn reach(uri: &Uri<'_>, settings: &Settings) -> Reach {
    let (allow, deny) = (&settings.remote_allow_domains, &settings.remote_deny_domains);
    let listed = !allow.is_empty() || !deny.is_empty();
    if !listed && !settings.remote_require_tls {
        return Reach::Allowed;
    }
    let (Ok(transport), Ok(maddr)) = (only(uri, b"transport"), only(uri, b"maddr")) else {
        return Reach::Unclear;
    };
    let transport = transport.unwrap_or_default();
    let is_tls = |it: &[u8]| it.eq_ignore_ascii_case(b"tls") || it.eq_ignore_ascii_case(b"wss");
    let secure = uri.is_sips() || is_tls(transport);
    if settings.remote_require_tls && !secure {
        return Reach::Insecure;
    }
    if !listed {
        return Reach::Allowed;
    }
    let host = maddr.unwrap_or(uri.host);
    let Some(host) = Host::read(host) else {
        return Reach::Unclear;
    };
    let default_port = match transport {
        it if it.eq_ignore_ascii_case(b"ws") => 80,
        it if it.eq_ignore_ascii_case(b"wss") => 443,
        _ if secure => 5061,
        _ => 5060,
    };
    let port = uri.port.unwrap_or(default_port);
    if host.is_in(deny, port) {
        Reach::Denied
    } else if allow.is_empty() || host.is_in(allow, port) {
        Reach::Allowed
    } else {
        Reach::NotListed
    }
}

/// The value of a parameter that stands there once, with a value and without escapes. A second one
/// is forbidden (RFC 3261 section 19.1.1), and which of the two counts depends on who reads it.
fn only<'a>(uri: &Uri<'a>, name: &[u8]) -> Result<Option<&'a [u8]>, Unclear> {
    let mut found = uri.params_iter().filter(|param| means_ignore_case(param.name, name));
    match (found.next(), found.next()) {
        (None, _) => Ok(None),
        (Some(param), None) => match param.value {
            Some(value) if !value.contains(&b'%') => Ok(Some(value)),
            _ => Err(Unclear),
        },
        (Some(_), Some(_)) => Err(Unclear),
    }
}

struct Unclear;

enum Host<'a> {
    Name(&'a [u8]),
    Address(IpAddr),
}

impl<'a> Host<'a> {
    /// `None` for what some resolvers take for an address and others for a name (`127.1`,
    /// `0x7f000001`, `2130706433`), for escapes, and for nothing at all.
    fn read(raw: &'a [u8]) -> Option<Host<'a>> {
        let text = core::str::from_utf8(raw).ok()?;
        if let Some(inner) = text.strip_prefix('[') {
            let address: Ipv6Addr = inner.strip_suffix(']')?.parse().ok()?;
            return Some(Host::Address(address.to_canonical()));
        }
        if let Ok(address) = text.parse::<IpAddr>() {
            return Some(Host::Address(address.to_canonical()));
        }
        let name = raw.strip_suffix(b".").unwrap_or(raw);
        if let Ok(address) = core::str::from_utf8(name).ok()?.parse::<IpAddr>() {
            return Some(Host::Address(address.to_canonical()));
        }
        let fits = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
        // A host name's last label begins with a letter (RFC 3261 section 25.1, toplabel).
        let last = name.rsplit(|byte| *byte == b'.').next().unwrap_or_default();
        let named = last.first().is_some_and(u8::is_ascii_alphabetic);
        (named && name.iter().all(fits)).then_some(Host::Name(name))
    }

    fn is_in(&self, domains: &Domains, port: u16) -> bool {
        domains
            .iter()
            .any(|(domain, only)| only.is_none_or(|only| only == port) && self.matches(domain))
    }

    fn matches(&self, domain: &Domain) -> bool {
        match (self, domain) {
            (Host::Name(name), Domain::Host(host)) => name.eq_ignore_ascii_case(host.as_bytes()),
            (Host::Name(name), Domain::Below(suffix)) => {
                let Some(cut) = name.len().checked_sub(suffix.len()).filter(|cut| *cut > 1) else {
                    return false;
                };
                let (front, back) = name.split_at(cut);
                back.eq_ignore_ascii_case(suffix.as_bytes()) && front.ends_with(b".")
            }
            (Host::Address(address), Domain::Block(block, bits)) => {
                in_block(*address, block.to_canonical(), *bits)
            }
            _ => false,
        }
    }
}

fn in_block(address: IpAddr, block: IpAddr, bits: u8) -> bool {
    let same = |a: u128, b: u128, width: u32| {
        let away = width - u32::from(bits).min(width);
        a.checked_shr(away).unwrap_or(0) == b.checked_shr(away).unwrap_or(0)
    };
    match (address, block) {
        (IpAddr::V4(a), IpAddr::V4(b)) => same(a.to_bits().into(), b.to_bits().into(), 32),
        (IpAddr::V6(a), IpAddr::V6(b)) => same(a.to_bits(), b.to_bits(), 128),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn reach_of(uri: &str, settings: &[(&str, &str)]) -> Reach {
        let mut config = Config::new();
        for (name, value) in settings {
            config.set("", name, value).unwrap();
        }
        reach(&Uri::parse(uri.as_bytes()).unwrap(), config.snapshot().global())
    }

    #[test]
    fn the_host_that_would_really_be_contacted_is_checked() {
        let allow = &[("remote.allow_domains", "example.com, *.example.net, 192.0.2.0/24:5061")];
        let cases = [
            ("sip:c@example.com", Reach::Allowed),
            ("sip:c@EXAMPLE.com.", Reach::Allowed),
            ("sip:c@pbx.example.net:5080", Reach::Allowed),
            ("sip:c@example.net", Reach::NotListed),
            ("sip:c@badexample.net", Reach::NotListed),
            ("sip:c@example.com.evil.org", Reach::NotListed),
            ("sip:c@example.com;maddr=evil.org", Reach::NotListed),
            ("sip:c@evil.org;maddr=example.com", Reach::Allowed),
            ("sip:example.com@evil.org", Reach::NotListed),
            ("sips:c@192.0.2.9", Reach::Allowed),
            ("sip:c@192.0.2.9", Reach::NotListed),
            ("sip:c@192.0.2.9;transport=tls", Reach::Allowed),
            ("sip:c@[::ffff:192.0.2.9]:5061", Reach::Allowed),
            ("sip:c@192.0.3.9:5061", Reach::NotListed),
        ];
        for (uri, expected) in cases {
            assert_eq!(reach_of(uri, allow), expected, "{uri}");
        }
    }

    #[test]
    fn deny_wins_and_what_is_unclear_is_not_contacted() {
        let deny = &[("remote.deny_domains", "127.0.0.0/8, ::1, premium.example")];
        assert_eq!(reach_of("sip:c@127.0.0.1", deny), Reach::Denied);
        assert_eq!(reach_of("sip:c@[::1]", deny), Reach::Denied);
        assert_eq!(reach_of("sip:c@[::ffff:127.0.0.1]", deny), Reach::Denied);
        assert_eq!(reach_of("sip:c@ok.example;maddr=premium.example", deny), Reach::Denied);
        assert_eq!(reach_of("sip:c@ok.example", deny), Reach::Allowed);
        for unclear in ["sip:c@ok.example;maddr=127.1", "sip:c@ok.example;maddr=2130706433"] {
            assert_eq!(reach_of(unclear, deny), Reach::Unclear, "{unclear}");
        }
        for twice in [
            "sip:c@ok.example;maddr=ok.example;maddr=premium.example",
            "sip:c@ok.example;maddr=premium.example;maddr=ok.example",
            "sip:c@ok.example;maddr=ok.example;%6Daddr=premium.example",
            "sip:c@ok.example;transport=tls;transport=udp",
        ] {
            assert_eq!(reach_of(twice, deny), Reach::Unclear, "{twice}");
        }
        let both =
            &[("remote.allow_domains", "*.example"), ("remote.deny_domains", "premium.example")];
        assert_eq!(reach_of("sip:c@premium.example", both), Reach::Denied);
    }

    #[test]
    fn r024_tls_can_be_demanded() {
        let tls = &[("remote.require_tls", "yes")];
        assert_eq!(reach_of("sip:c@h", tls), Reach::Insecure);
        assert_eq!(reach_of("sip:c@h;transport=TLS", tls), Reach::Allowed);
        assert_eq!(reach_of("sips:c@h", tls), Reach::Allowed);
        for twice in ["sip:c@h;transport=tls;transport=udp", "sip:c@h;transport=udp;transport=tls"]
        {
            assert_eq!(reach_of(twice, tls), Reach::Unclear, "{twice}");
        }
    }
}
