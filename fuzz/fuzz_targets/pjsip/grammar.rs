//! What the grammars say, and nothing else: RFC 3261 section 25.1 for a Refer-To with a SIP URI, RFC 3891
//! section 6.1 for a Replaces. Written for comparing, not for speed: a text that they allow and that only
//! one of the two parsers reads is a finding.

use std::net::Ipv6Addr;

/// Takes off what stands before the first of these bytes, and that byte.
fn split<'v>(value: &'v [u8], at: u8) -> (&'v [u8], Option<&'v [u8]>) {
    match value.iter().position(|byte| *byte == at) {
        Some(place) => (&value[..place], Some(&value[place + 1..])),
        None => (value, None),
    }
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&byte)
}

/// Only unreserved bytes, escapes and these.
fn is_made_of(value: &[u8], more: &[u8]) -> bool {
    let mut at = 0;
    while at < value.len() {
        if value[at] == b'%' {
            let digits = value.get(at + 1..at + 3).unwrap_or_default();
            if digits.len() < 2 || !digits.iter().all(u8::is_ascii_hexdigit) {
                return false;
            }
            at += 3;
        } else if is_unreserved(value[at]) || more.contains(&value[at]) {
            at += 1;
        } else {
            return false;
        }
    }
    true
}

fn is_host(host: &[u8]) -> bool {
    if let Some(address) = host.strip_prefix(b"[").and_then(|it| it.strip_suffix(b"]")) {
        return std::str::from_utf8(address).is_ok_and(|it| it.parse::<Ipv6Addr>().is_ok());
    }
    let labels: Vec<&[u8]> =
        host.strip_suffix(b".").unwrap_or(host).split(|byte| *byte == b'.').collect();
    labels.iter().all(|label| {
        let ends = [label.first(), label.last()];
        ends.iter().all(|it| it.is_some_and(u8::is_ascii_alphanumeric))
            && label.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
    })
}

fn is_host_port(value: &[u8]) -> bool {
    let end = value.iter().position(|byte| *byte == b']').map_or(0, |at| at + 1);
    let (rest, port) = split(&value[end..], b':');
    let digits = |port: &[u8]| {
        let text = std::str::from_utf8(port).unwrap_or_default();
        port.iter().all(u8::is_ascii_digit) && text.parse::<u16>().is_ok_and(|port| port > 0)
    };
    is_host(&value[..end + rest.len()]) && port.is_none_or(digits)
}

fn is_user(value: &[u8]) -> bool {
    let (user, password) = split(value, b':');
    !user.is_empty()
        && is_made_of(user, b"&=+$,;?/")
        && password.is_none_or(|it| is_made_of(it, b"&=+$,"))
}

fn is_sip_uri(uri: &[u8]) -> bool {
    let (scheme, Some(rest)) = split(uri, b':') else { return false };
    if !scheme.eq_ignore_ascii_case(b"sip") && !scheme.eq_ignore_ascii_case(b"sips") {
        return false;
    }
    let (user, host) = match split(rest, b'@') {
        (user, Some(host)) => (Some(user), host),
        (host, None) => (None, host),
    };
    let (head, headers) = split(host, b'?');
    let mut params = head.split(|byte| *byte == b';');
    let host_port = params.next().unwrap_or_default();
    let part = |it: &[u8]| !it.is_empty() && is_made_of(it, b"[]/:&+$");
    let param = |it: &[u8]| {
        let (name, value) = split(it, b'=');
        part(name) && value.is_none_or(part)
    };
    let header = |it: &[u8]| {
        let (name, value) = split(it, b'=');
        let more = b"[]/?:+$";
        !name.is_empty() && is_made_of(name, more) && value.is_some_and(|it| is_made_of(it, more))
    };
    user.is_none_or(is_user)
        && is_host_port(host_port)
        && params.all(param)
        && headers.is_none_or(|it| it.split(|byte| *byte == b'&').all(header))
}

/// Whether a Refer-To is a SIP or SIPS URI in angle brackets and nothing else.
pub fn is_refer_to(value: &[u8]) -> bool {
    value.strip_prefix(b"<").and_then(|it| it.strip_suffix(b">")).is_some_and(is_sip_uri)
}

fn is_token(value: &[u8]) -> bool {
    let fits = |byte: &u8| byte.is_ascii_alphanumeric() || b"-.!%*_+`'~".contains(byte);
    !value.is_empty() && value.iter().all(fits)
}

fn is_word(value: &[u8]) -> bool {
    let fits =
        |byte: &u8| byte.is_ascii_alphanumeric() || b"-.!%*_+`'~()<>:\\\"/[]?{}".contains(byte);
    !value.is_empty() && value.iter().all(fits)
}

/// Whether a Replaces has a Call-ID, each tag once and parameters that are tokens.
pub fn is_replaces(value: &[u8]) -> bool {
    let mut parts = value.split(|byte| *byte == b';');
    let call_id = parts.next().unwrap_or_default();
    let (local, host) = split(call_id, b'@');
    let mut tags = [0, 0];
    let mut param = |it: &[u8]| {
        let (name, value) = split(it, b'=');
        for (at, tag) in [&b"to-tag"[..], b"from-tag"].into_iter().enumerate() {
            if name.eq_ignore_ascii_case(tag) {
                tags[at] += 1;
                return value.is_some_and(is_token);
            }
        }
        let bare = name.eq_ignore_ascii_case(b"early-only");
        is_token(name) && if bare { value.is_none() } else { value.is_none_or(is_token) }
    };
    let all = parts.all(&mut param);
    is_word(local) && host.is_none_or(is_word) && all && tags == [1, 1]
}
