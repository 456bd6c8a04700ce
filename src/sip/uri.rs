//! URIs (RFC 3261 sections 19.1.1 and 25.1).

use core::net::Ipv6Addr;

use memchr::{memchr, memchr2};

use super::error::ParseError;
use super::escape::{self, means_ignore_case};
use super::lex::{self, eq_ignore_case, find_near, from, is_line_breaker, until};
use super::name::Name;
use crate::rule::Rule;

/// A URI. SIP and SIPS URIs are read in full, any other gives its scheme and the rest.
///
/// Everything is as it stands there, escapes included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Uri<'a> {
    /// All of it.
    pub raw: &'a [u8],
    /// What stands before the first colon.
    pub scheme: &'a [u8],
    /// The user part with its `;options` and without the password.
    pub user: Option<&'a [u8]>,
    /// The password, which RFC 3261 section 19.1.1 advises against.
    pub password: Option<&'a [u8]>,
    /// A name, an IPv4 address, or an IPv6 address with its brackets.
    pub host: &'a [u8],
    /// The port, where one stands there; 1 to 65535.
    pub port: Option<u16>,
    /// The parameters: what follows the first ";" behind the host.
    pub params: &'a [u8],
    /// The headers: what follows the "?" behind the host.
    pub headers: &'a [u8],
    /// What follows the colon of a scheme that is neither `sip` nor `sips`.
    pub opaque: &'a [u8],
    params_offset: usize,
    /// One behind the "?", and so one behind the end where there is none.
    headers_offset: usize,
}

/// One `name=value` of the headers of a URI, escapes included (RFC 3261 section 19.1.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeaderInUri<'a> {
    /// The name; it may be escaped too, so compare it with [`HeaderInUri::is_named`].
    pub name_raw: &'a [u8],
    /// The value.
    pub value_raw: &'a [u8],
    /// Where the value begins: in the URI when it comes from a [`Uri`], in the header value when
    /// it comes from a [`super::ReferTo`].
    pub offset: usize,
}

impl HeaderInUri<'_> {
    /// Whether this is its name once decoded, in any case.
    pub fn is_named(&self, name: &[u8]) -> bool {
        means_ignore_case(self.name_raw, name)
    }

    /// The known header it names, long or compact, once decoded.
    pub fn known_name(&self) -> Option<Name> {
        if memchr(b'%', self.name_raw).is_none() {
            return Name::from_bytes(self.name_raw);
        }
        let mut decoded = escape::Decoded(self.name_raw);
        match (decoded.next(), decoded.next()) {
            (Some(letter), None) => Name::from_bytes(&[letter]),
            _ => Name::ALL.into_iter().find(|name| self.is_named(name.canonical().as_bytes())),
        }
    }

    pub(crate) fn shifted(self, by: usize) -> Self {
        HeaderInUri { offset: self.offset + by, ..self }
    }
}

/// The host, the port, and where the text behind both begins.
struct HostPort<'a> {
    host: &'a [u8],
    port: Option<u16>,
    end: usize,
}

/// Bytes that stand in no URI: controls and space, and what delimits one in a header.
fn is_forbidden(byte: u8) -> bool {
    // With no branch, as many bytes are asked about at once, and in as few steps: "!" is the one below
    // the quote that may stand there, and the angle brackets differ in one bit.
    (byte <= b'"') & (byte != b'!') | (byte == 0x7f) | (byte | 2 == b'>')
}

fn is_host(host: &[u8]) -> bool {
    if let [b'[', address @ .., b']'] = host {
        return core::str::from_utf8(address).is_ok_and(|text| text.parse::<Ipv6Addr>().is_ok());
    }
    // Names with an underscore are in use, in Asterisk's documentation among others. A dot at the
    // end is legal (RFC 3261 section 25.1), an empty label is not.
    let two_dots = || host.iter().zip(from(host, 1)).any(|two| two == (&b'.', &b'.'));
    lex::host_run(host).len() == host.len() && !matches!(host, [] | [b'.', ..]) && !two_dots()
}

fn port(digits: &[u8]) -> Option<u16> {
    lex::decimal(digits).and_then(|port| u16::try_from(port).ok()).filter(|&port| port > 0)
}

/// The host and port that `text` begins with; an error is what was expected, and where.
fn host_port(text: &[u8]) -> Result<HostPort<'_>, (&'static str, usize)> {
    let stop = |&byte: &u8| matches!(byte, b':' | b';' | b'?');
    let start = match text.first() {
        Some(b'[') => memchr(b']', text).unwrap_or(0),
        _ => lex::host_run(text).len(),
    };
    let tail = from(text, start);
    let host_len = start + tail.iter().position(stop).unwrap_or(tail.len());
    let host = until(text, host_len);
    if !is_host(host) {
        return Err(("expected a host", 0));
    }
    let behind = from(text, host_len);
    if behind.first() != Some(&b':') {
        return Ok(HostPort { host, port: None, end: host_len });
    }
    let digits = from(behind, 1);
    // A second ":" is no end of the port: what follows would be read by nobody.
    let len = memchr2(b';', b'?', digits).unwrap_or(digits.len());
    let port = port(until(digits, len)).ok_or(("expected a port, 1 to 65535", host_len + 1))?;
    Ok(HostPort { host, port: Some(port), end: host_len + 1 + len })
}

/// Whether the text behind a "?" that an "@" follows is the first header rather than the end of a
/// user part.
fn begins_headers(text: &[u8]) -> bool {
    let Some(end) = memchr(b'=', text) else {
        return false;
    };
    let header = HeaderInUri { name_raw: until(text, end), value_raw: b"", offset: 0 };
    // Compact names are too short to tell: "a?t=1@h" is a user part.
    end > 1 && header.known_name().is_some()
}

/// Where the host begins in what follows the scheme.
///
/// The user part may hold a "?" (RFC 3261 section 25.1), and the headers of a URI without a user
/// part may, against the grammar, hold a raw "@", as phones send it in a Replaces: "h?Replaces=
/// abc@192.0.2.1%3B...". The second reading is taken where what follows the "?" is a known header,
/// or where what follows the "@" is no host. Whoever contacts the target must use the URI as read
/// here, never the raw text with a parser of its own.
fn host_start(rest: &[u8]) -> usize {
    let at = find_near(rest, b'@');
    if at == rest.len() {
        return 0;
    }
    let before = until(rest, at);
    let mark = find_near(before, b'?');
    if mark < before.len() {
        let is_host = host_port(from(rest, at + 1)).is_ok();
        if !is_host || begins_headers(from(before, mark + 1)) {
            return 0;
        }
    }
    at + 1
}

impl<'a> Uri<'a> {
    /// Reads a URI without angle brackets. An error is one of R029; of R093 where a CR, LF or NUL
    /// stands there, escaped or not.
    pub fn parse(raw: &'a [u8]) -> Result<Uri<'a>, ParseError> {
        Uri::parse_for(raw, Rule::R029)
    }

    /// The same for a header whose own rule asks for a well-formed URI.
    pub(crate) fn parse_for(raw: &'a [u8], rule: Rule) -> Result<Uri<'a>, ParseError> {
        let err = |what, offset| ParseError::new(what, offset, rule);
        // Where is only asked of a bad one.
        if lex::any(raw, is_forbidden) {
            let at = raw.iter().position(|&byte| is_forbidden(byte)).unwrap_or_default();
            let byte = raw.get(at).copied().unwrap_or_default();
            let rule = if is_line_breaker(byte) { Rule::R093 } else { rule };
            let what = "expected no space, control character, quote or angle bracket in a URI";
            return Err(ParseError::new(what, at, rule));
        }
        escape::check_escapes(raw, rule)?;
        let no_scheme = || err("expected a scheme and \":\"", 0);
        let colon = find_near(raw, b':');
        let scheme = raw.get(..colon).filter(|_| colon < raw.len()).ok_or_else(no_scheme)?;
        let is_scheme = scheme.first().is_some_and(u8::is_ascii_alphabetic)
            && scheme.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'));
        if !is_scheme {
            return Err(no_scheme());
        }
        let base = colon + 1;
        let rest = from(raw, base);
        let mut uri = Uri {
            raw,
            scheme,
            user: None,
            password: None,
            host: b"",
            port: None,
            params: b"",
            headers: b"",
            opaque: b"",
            params_offset: raw.len(),
            headers_offset: raw.len() + 1,
        };
        if !uri.is_sip() && !uri.is_sips() {
            if rest.is_empty() {
                return Err(err("expected something after the scheme", base));
            }
            uri.opaque = rest;
            return Ok(uri);
        }

        let start = host_start(rest);
        if let Some(userinfo) = start.checked_sub(1).map(|end| until(rest, end)) {
            let colon = find_near(userinfo, b':');
            uri.user = Some(until(userinfo, colon)).filter(|user| !user.is_empty());
            uri.password = userinfo.get(colon + 1..);
            if uri.user.is_none() {
                return Err(err("expected a user before \"@\"", base));
            }
            // A parser that ends the user part at the first byte that cannot stand there finds another
            // host behind it: brackets hold one, and may hold the "@" too.
            if let Some(at) = userinfo.iter().position(|byte| matches!(byte, b'[' | b']')) {
                return Err(err("expected no bracket before \"@\"", base + at));
            }
        }
        let host =
            host_port(from(rest, start)).map_err(|(what, at)| err(what, base + start + at))?;
        uri.host = host.host;
        uri.port = host.port;

        let mut at = base + start + host.end;
        if raw.get(at) == Some(&b';') {
            at += 1;
            let text = from(raw, at);
            uri.params_offset = at;
            uri.params = until(text, memchr(b'?', text).unwrap_or(text.len()));
            at += uri.params.len();
        }
        if raw.get(at) == Some(&b'?') {
            uri.headers_offset = at + 1;
            uri.headers = from(raw, at + 1);
        }
        uri.refuse_at_in_params(rule)?;
        Ok(uri)
    }

    /// A raw "@" behind the host makes other parsers see another host. Only a Replaces that stands
    /// there as a parameter, which phones write so, may hold one.
    fn refuse_at_in_params(&self, rule: Rule) -> Result<(), ParseError> {
        if memchr(b'@', self.params).is_none() {
            return Ok(());
        }
        for param in self.params_iter() {
            let value = param.value.unwrap_or_default();
            let at = memchr(b'@', param.name).or_else(|| memchr(b'@', value));
            if at.is_some() && !means_ignore_case(param.name, b"Replaces") {
                let what = "expected no \"@\" in a URI parameter";
                return Err(ParseError::new(what, param.offset, rule));
            }
        }
        Ok(())
    }

    /// Whether the scheme is `sip`.
    pub fn is_sip(&self) -> bool {
        eq_ignore_case(self.scheme, b"sip")
    }

    /// Whether the scheme is `sips`.
    pub fn is_sips(&self) -> bool {
        eq_ignore_case(self.scheme, b"sips")
    }

    /// The value of the first parameter of this name, in any case and once decoded; `Some(None)`
    /// for a flag such as `lr`.
    pub fn param(&self, name: &[u8]) -> Option<Option<&'a [u8]>> {
        self.params_iter()
            .find(|found| means_ignore_case(found.name, name))
            .map(|found| found.value)
    }

    /// The parameters; their offsets are in the URI.
    pub fn params_iter(&self) -> impl Iterator<Item = lex::Param<'a>> + use<'a> {
        let base = self.params_offset;
        lex::params(self.params)
            .map(move |param| lex::Param { offset: param.offset + base, ..param })
    }

    /// The headers; their offsets are in the URI. One without "=" has an empty value.
    pub fn headers_iter(&self) -> impl Iterator<Item = HeaderInUri<'a>> + use<'a> {
        let mut next = self.headers_offset;
        let mut rest = self.headers;
        let pieces = core::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let piece = until(rest, memchr(b'&', rest).unwrap_or(rest.len()));
            rest = from(rest, piece.len() + 1);
            let start = next;
            next += piece.len() + 1;
            let split = lex::find_near(piece, b'=');
            let value_raw = from(piece, split + 1);
            let offset = start + piece.len() - value_raw.len();
            Some(HeaderInUri { name_raw: until(piece, split), value_raw, offset })
        });
        pieces.filter(|header| !header.name_raw.is_empty() || !header.value_raw.is_empty())
    }

    /// The user part up to its first ";": what a dialplan calls the extension.
    pub fn user_without_options(&self) -> Option<&'a [u8]> {
        let user = self.user?;
        Some(until(user, memchr(b';', user).unwrap_or(user.len())))
    }

    /// The URI without its headers: what is contacted.
    pub fn without_headers(&self) -> &'a [u8] {
        until(self.raw, self.headers_offset.saturating_sub(1))
    }
}

#[cfg(test)]
mod tests;
