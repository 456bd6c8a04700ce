//! The same Replaces and the same Refer-To to this library and to pjsip's parsers: where the two read
//! something else, the difference is one that is listed (`differences.rs`), or it is a finding.
//!
//! The first byte chooses: even, the rest is a Replaces; odd, a Refer-To.
#![no_main]

mod differences;
mod grammar;
mod theirs;

use differences::Difference;
use libfuzzer_sys::fuzz_target;
use sipxfer::sip::{unescape, ReferTo, Replaces, Scratch};

/// A text, shown as such.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Bytes(pub Vec<u8>);

impl std::fmt::Debug for Bytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "\"{}\"", self.0.escape_ascii())
    }
}

/// A Replaces as either side has read it.
#[derive(Debug, PartialEq, Eq)]
pub struct Named {
    pub call_id: Bytes,
    pub to_tag: Bytes,
    pub from_tag: Bytes,
    pub early_only: bool,
}

/// A Refer-To as either side has read it, each part decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub scheme: Bytes,
    pub is_sip: bool,
    pub user: Bytes,
    pub password: Bytes,
    pub host: Bytes,
    pub port: i32,
    pub method: Bytes,
    /// The Replaces among the headers of the URI.
    pub replaces: Option<Bytes>,
}

fn decoded(raw: &[u8]) -> Bytes {
    let mut room = vec![0; raw.len()];
    let mut scratch = Scratch::new(&mut room);
    Bytes(unescape(raw, &mut scratch).unwrap_or(raw).to_vec())
}

fn our_replaces(value: &[u8]) -> Result<Named, sipxfer::sip::ParseError> {
    Replaces::parse(value).map(|read| Named {
        call_id: Bytes(read.call_id.to_vec()),
        to_tag: Bytes(read.to_tag.to_vec()),
        from_tag: Bytes(read.from_tag.to_vec()),
        early_only: read.early_only,
    })
}

fn our_refer_to(value: &[u8]) -> Result<Target, sipxfer::sip::ParseError> {
    let read = ReferTo::parse(value)?;
    let uri = read.uri;
    let is_sip = uri.is_sip() || uri.is_sips();
    let part = |raw: Option<&[u8]>| raw.map(decoded).unwrap_or_default();
    // pjsip keeps an IPv6 address without its brackets.
    let host = uri.host.strip_prefix(b"[").and_then(|it| it.strip_suffix(b"]")).unwrap_or(uri.host);
    Ok(Target {
        scheme: Bytes(uri.scheme.to_ascii_lowercase()),
        is_sip,
        user: part(uri.user),
        password: part(uri.password),
        host: Bytes(host.to_vec()),
        port: uri.port.map_or(0, i32::from),
        method: part(read.method),
        replaces: read
            .replaces_raw
            .filter(|_| !read.replaces_in_param)
            .map(|header| decoded(header.value_raw)),
    })
}

/// A difference that no entry explains ends the run.
fn explain<T: std::fmt::Debug>(
    header: &str,
    explained: Option<&Difference>,
    value: &[u8],
    ours: &Result<T, sipxfer::sip::ParseError>,
    theirs: Option<&T>,
) {
    let value = value.escape_ascii();
    let Some(Difference { side, what, source, .. }) = explained else {
        panic!("{header} {value}\nhere  {ours:?}\npjsip {theirs:?}");
    };
    // For whoever plays one input by hand.
    if std::env::var_os("SIPXFER_EXPLAIN").is_some() {
        eprintln!("{header} {value}\n  {side:?}: {what}: {source}");
    }
}

fn replaces(value: &[u8]) {
    let (ours, theirs) = (our_replaces(value), theirs::replaces(value));
    if ours.as_ref().ok() != theirs.as_ref() {
        let explained = differences::of_replaces(value, &ours, theirs.as_ref());
        explain("Replaces", explained, value, &ours, theirs.as_ref());
    }
}

fuzz_target!(|input: &[u8]| {
    let Some((choice, value)) = input.split_first() else { return };
    theirs::open();
    if choice % 2 == 0 {
        return replaces(value);
    }
    let (ours, theirs) = (our_refer_to(value), theirs::refer_to(value));
    if ours.as_ref().ok() != theirs.as_ref() {
        let explained = differences::of_refer_to(value, &ours, theirs.as_ref());
        explain("Refer-To", explained, value, &ours, theirs.as_ref());
    }
    // What both have found is read on by both.
    if let Some(value) = ours.ok().and_then(|it| it.replaces) {
        replaces(&value.0);
    }
});
