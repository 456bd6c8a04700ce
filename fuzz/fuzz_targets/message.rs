//! The scan of a message: whatever comes, what is found stands in it, in one line, and is found by
//! every way of asking.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sipxfer::sip::{option_tags, tag_of, CSeq, Message, Name, NameAddr, Scratch, Value};

#[path = "../../tests/sequences/mod.rs"]
mod sequences;
use sequences::assert_clean;

fn stands_in(raw: &[u8], value: &Value<'_>) {
    assert_eq!(raw.get(value.offset..value.offset + value.raw.len()), Some(value.raw));
}

fuzz_target!(|raw: &[u8]| {
    let message = match Message::parse(raw) {
        Ok(message) => message,
        Err(error) => {
            assert!(error.offset <= raw.len() && !error.what.is_empty());
            return;
        }
    };
    assert!(raw.ends_with(message.body()));
    assert!(message.method().is_some() != message.status().is_some());
    if let Some(uri) = message.request_uri() {
        assert_clean(uri);
    }
    if let Some((code, reason)) = message.status() {
        assert!((100..700).contains(&code));
        assert_clean(reason);
    }
    for (name, value) in message.headers() {
        assert!(!name.is_empty());
        stands_in(raw, &value);
        assert!(!value.raw.contains(&0));
        let mut room = vec![0; 2 * value.raw.len()];
        let mut scratch = Scratch::new(&mut room);
        assert_clean(value.unfolded(&mut scratch).expect("as long as the value"));
        let compacted = value.compacted(&mut scratch).expect("no longer than the value");
        assert_clean(compacted);
        assert!(compacted.len() <= value.raw.len());
        let _ = tag_of(value.raw);
        let _ = CSeq::parse(value.raw);
        let _ = NameAddr::parse(value.raw, sipxfer::rule::Rule::R029);
        assert!(message.named(name).any(|it| it == value));
    }
    for name in Name::ALL {
        let all: Vec<_> = message.all(name).collect();
        assert_eq!(message.count(name), all.len(), "{name:?}");
        assert_eq!(message.first(name), all.first().copied());
        let by_line = |(found, _): &(&[u8], Value<'_>)| Name::from_bytes(found) == Some(name);
        assert!(message.headers().filter(by_line).map(|(_, value)| value).eq(all));
        assert!(option_tags::of_message(&message, name).all(|tag| !tag.is_empty()));
    }
});
