//! Each header: what was parsed and printed parses again to what prints the same, and holds no CR, LF
//! or NUL. The first byte chooses the header.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sipxfer::rule::Rule;
use sipxfer::sip::{
    call_id, CSeq, Event, Join, NameAddr, ParseError, ReferSub, ReferTo, ReferredBy, Replaces,
    Scratch, SubscriptionState, TargetDialog, Uri, Writer,
};

#[path = "../../tests/sequences/mod.rs"]
mod sequences;
use sequences::assert_clean;

fn printed<T>(value: &T, print: fn(&T, &mut Writer<'_>)) -> Vec<u8> {
    let mut counter = Writer::new(&mut []);
    print(value, &mut counter);
    let mut room = vec![0; counter.needed()];
    let mut out = Writer::new(&mut room);
    print(value, &mut out);
    assert!(!out.overflowed());
    room
}

macro_rules! roundtrip {
    ($header:ident, $value:expr) => {
        match $header::parse($value) {
            Err(error) => refused($value, &error),
            Ok(parsed) => {
                let text = printed(&parsed, |it, out| it.print(out));
                assert_clean(&text);
                let again = $header::parse(&text).unwrap_or_else(|error| {
                    panic!("{:?} does not parse: {error:?}", text.escape_ascii().to_string())
                });
                assert_eq!(printed(&again, |it, out| it.print(out)), text);
            }
        }
    };
}

/// An administrator is told where.
fn refused(value: &[u8], error: &ParseError) {
    assert!(error.offset <= value.len(), "{error:?}");
    assert!(!error.what.is_empty());
}

/// What was read is built again, if it can be; what is built is read as what was meant.
fn built(value: &[u8]) {
    let refer_to = match ReferTo::parse(value) {
        Ok(refer_to) => refer_to,
        Err(error) => return refused(value, &error),
    };
    let mut room = vec![0; 4 * value.len() + 64];
    let mut scratch = Scratch::new(&mut room);
    let target = refer_to.target(&mut scratch).expect("scratch space is enough");
    let Ok(replaces) = refer_to.replaces(&mut scratch) else { return };
    let mut room = vec![0; 4 * value.len() + 64];
    let mut out = Writer::new(&mut room);
    if ReferTo::build(&mut out, target, replaces.as_ref(), true).is_err() {
        return;
    }
    assert!(!out.overflowed());
    assert_clean(out.written());
    let again = ReferTo::parse(out.written()).expect("what was built parses");
    let mut room = vec![0; 4 * out.written().len() + 64];
    let mut scratch = Scratch::new(&mut room);
    assert_eq!(again.target(&mut scratch), Ok(target));
    let read = again.replaces(&mut scratch).expect("what was built parses");
    let text = |it: &Replaces<'_>| printed(it, |it, out| it.print(out));
    assert_eq!(read.as_ref().map(text), replaces.as_ref().map(text));
    assert!(again.headers().any(|header| header.is_named(b"Require")));
}

fuzz_target!(|data: &[u8]| {
    let Some((which, value)) = data.split_first() else { return };
    match which % 12 {
        0 => roundtrip!(Replaces, value),
        1 => roundtrip!(Join, value),
        2 => roundtrip!(TargetDialog, value),
        3 => roundtrip!(ReferredBy, value),
        4 => roundtrip!(ReferSub, value),
        5 => roundtrip!(Event, value),
        6 => roundtrip!(SubscriptionState, value),
        7 => roundtrip!(CSeq, value),
        8 => built(value),
        9 => match Uri::parse(value) {
            Err(error) => refused(value, &error),
            Ok(uri) => {
                assert_clean(uri.raw);
                assert!(uri.raw.starts_with(uri.without_headers()));
                let bare = Uri::parse(uri.without_headers()).expect("without its headers too");
                assert_eq!(bare.headers_iter().count(), 0);
                for header in uri.headers_iter() {
                    let at = header.offset;
                    assert!(at <= value.len(), "{at} in {}", value.len());
                }
            }
        },
        10 => match NameAddr::parse(value, Rule::R029) {
            Err(error) => refused(value, &error),
            Ok(found) => {
                assert!(value.get(found.uri_offset..).is_some_and(|it| it.starts_with(found.uri)));
            }
        },
        _ => match call_id::parse(value) {
            Err(error) => refused(value, &error),
            Ok(call_id) => assert!(call_id::is_valid(call_id)),
        },
    }
});
