//! Digest authentication with MD5 (RFC 2617), as PBXs ask it of their phones.

use super::message::Msg;
use md5::{Digest, Md5};

fn md5_hex(text: &str) -> String {
    Md5::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A parameter of a challenge, without its quotes.
fn part<'a>(challenge: &'a str, name: &str) -> Option<&'a str> {
    let mut rest = challenge.split_once(' ')?.1;
    while !rest.is_empty() {
        let (found, behind) = rest.split_once('=')?;
        let (value, next) = match behind.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => behind.split_at(behind.find(',').unwrap_or(behind.len())),
        };
        if found.trim().eq_ignore_ascii_case(name) {
            return Some(value);
        }
        rest = next.trim_start_matches([',', ' ']);
    }
    None
}

/// The header that answers the challenge of a 401 or 407: its name and its value.
pub fn answer(
    challenged: &Msg,
    method: &str,
    uri: &str,
    user: &str,
    password: &str,
) -> Option<(&'static str, String)> {
    let (from, to) = match challenged.status()? {
        401 => ("WWW-Authenticate", "Authorization"),
        407 => ("Proxy-Authenticate", "Proxy-Authorization"),
        _ => return None,
    };
    let challenge = challenged.all(from).find(|value| {
        part(value, "algorithm").is_none_or(|algorithm| algorithm.eq_ignore_ascii_case("MD5"))
    })?;
    let (realm, nonce) = (part(challenge, "realm")?, part(challenge, "nonce")?);
    let secret = md5_hex(&format!("{user}:{realm}:{password}"));
    let what = md5_hex(&format!("{method}:{uri}"));
    let mut value = format!(
        "Digest username=\"{user}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\", \
         algorithm=MD5"
    );
    let response = match part(challenge, "qop") {
        Some(_) => {
            let cnonce = "c0ffee42";
            value.push_str(&format!(", qop=auth, nc=00000001, cnonce=\"{cnonce}\""));
            md5_hex(&format!("{secret}:{nonce}:00000001:{cnonce}:auth:{what}"))
        }
        None => md5_hex(&format!("{secret}:{nonce}:{what}")),
    };
    value.push_str(&format!(", response=\"{response}\""));
    if let Some(opaque) = part(challenge, "opaque") {
        value.push_str(&format!(", opaque=\"{opaque}\""));
    }
    Some((to, value))
}
