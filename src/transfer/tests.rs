#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;

/// One that answers only what it must.
struct Dialplan;

impl Host<()> for Dialplan {
    fn extension_exists(&self, _: &[u8], _: &[u8]) -> Answer {
        Answer::No
    }
}

#[test]
fn a_host_that_says_nothing_about_its_log_has_one() {
    assert!(Host::<()>::has_log(&Dialplan));
}

/// What is read ahead, and with which triple the hash was asked for.
fn ahead(replaces: &str) -> Option<(Vec<u8>, Option<u128>)> {
    let raw = format!("INVITE sip:a@h SIP/2.0\r\n{replaces}Content-Length: 0\r\n\r\n");
    let message = Message::parse(raw.as_bytes()).unwrap();
    let mut request = Request { message, sender: Sender::default(), now_ms: 0, ahead: None };
    request.look_ahead(|key| {
        assert_eq!(
            (key.call_id, key.local_tag, key.remote_tag),
            (&b"c@h"[..], &b"L"[..], &b"R"[..])
        );
        Some(7)
    });
    request.ahead.map(|(named, hash)| (named.call_id.to_vec(), hash))
}

/// RFC 3261 section 7.3.1: a folded value is one value, but it has to be put together first, which is
/// left for the verdict.
#[test]
fn r001_a_replaces_is_read_ahead_where_it_stands_on_one_line() {
    let found = Some((b"c@h".to_vec(), Some(7)));
    assert_eq!(ahead("Replaces: c@h;to-tag=L;from-tag=R\r\n"), found);
    assert_eq!(ahead("Replaces: c@h;to-tag=L\r\n ;from-tag=R\r\n"), None);
    assert_eq!(ahead("Replaces: c@h;to-tag=L\r\n"), None);
    assert_eq!(ahead(""), None);
}
