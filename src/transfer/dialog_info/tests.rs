//! Documents are read back with an XML library.

use super::*;
use crate::dialog::{Directory, HashKey, Key, Lookup, Table, Usage};
use roxmltree::{Document, Node};

fn printed(print: impl FnOnce(&mut Writer<'_>)) -> String {
    let mut room = [0; 16_384];
    let mut out = Writer::new(&mut room);
    print(&mut out);
    assert!(!out.overflowed());
    String::from_utf8(out.written().to_vec()).unwrap()
}

fn view<'a>() -> DialogView<'a> {
    DialogView {
        id: b"d1",
        call_id: b"a@h",
        local_tag: b"theirs",
        remote_tag: b"ours",
        direction: Some(Direction::Recipient),
        progress: Progress::Early,
        local: Participant {
            identity: b"sip:bob@pbx",
            display: b"Bob",
            target: b"sip:bob@192.0.2.7",
        },
        remote: Participant {
            identity: b"sip:alice@pbx",
            display: b"",
            target: b"sip:pbx;transport=tls",
        },
    }
}

fn child<'a>(node: Node<'a, 'a>, name: &str) -> Node<'a, 'a> {
    node.children().find(|child| child.has_tag_name((NAMESPACE, name))).expect(name)
}

const NAMESPACE: &str = "urn:ietf:params:xml:ns:dialog-info";

#[test]
fn r097_a_document_has_all_that_a_pickup_needs() {
    let text = printed(|out| {
        let mut info = DialogInfo::begin(out, 7, Coverage::Full, b"sip:bob@pbx");
        info.dialog(&view());
        info.end();
    });
    let document = Document::parse(&text).expect(&text);
    let root = document.root_element();
    assert!(root.has_tag_name((NAMESPACE, "dialog-info")));
    let attributes = |node: Node<'_, '_>| -> Vec<(String, String)> {
        let pairs = node.attributes().map(|it| (it.name().to_owned(), it.value().to_owned()));
        pairs.collect()
    };
    let pairs = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    };
    assert_eq!(
        attributes(root),
        pairs(&[("version", "7"), ("state", "full"), ("entity", "sip:bob@pbx")])
    );
    let dialog = child(root, "dialog");
    assert_eq!(
        attributes(dialog),
        pairs(&[
            ("id", "d1"),
            ("call-id", "a@h"),
            ("local-tag", "theirs"),
            ("remote-tag", "ours"),
            ("direction", "recipient"),
        ])
    );
    assert_eq!(child(dialog, "state").text(), Some("early"));
    let local = child(dialog, "local");
    assert_eq!(child(local, "identity").text(), Some("sip:bob@pbx"));
    assert_eq!(child(local, "identity").attribute("display"), Some("Bob"));
    let remote = child(dialog, "remote");
    assert_eq!(child(remote, "target").attribute("uri"), Some("sip:pbx;transport=tls"));
    assert_eq!(child(remote, "identity").attribute("display"), None);
}

#[test]
fn a_partial_document_and_an_empty_one_are_well_formed() {
    let ended = DialogView {
        call_id: b"",
        local_tag: b"",
        remote_tag: b"",
        direction: None,
        progress: Progress::Terminated,
        local: Participant::default(),
        remote: Participant::default(),
        ..view()
    };
    let text = printed(|out| {
        let mut info = DialogInfo::begin(out, u32::MAX, Coverage::Partial, b"sip:bob@pbx");
        info.dialog(&ended);
        info.end();
    });
    let document = Document::parse(&text).unwrap();
    let root = document.root_element();
    assert_eq!(root.attribute("state"), Some("partial"));
    assert_eq!(root.attribute("version"), Some("4294967295"));
    let dialog = child(root, "dialog");
    assert_eq!(dialog.attributes().count(), 1);
    assert_eq!(dialog.children().filter(Node::is_element).count(), 1);
    assert_eq!(child(dialog, "state").text(), Some("terminated"));
    let empty = printed(|out| DialogInfo::begin(out, 0, Coverage::Full, b"").end());
    let document = Document::parse(&empty).unwrap();
    assert_eq!(document.root_element().children().filter(Node::is_element).count(), 0);
}

#[test]
fn every_state_has_its_name() {
    for (progress, name) in [
        (Progress::Trying, "trying"),
        (Progress::Proceeding, "proceeding"),
        (Progress::Early, "early"),
        (Progress::Confirmed, "confirmed"),
        (Progress::Terminated, "terminated"),
    ] {
        let text = printed(|out| {
            let mut info = DialogInfo::begin(out, 0, Coverage::Full, b"e");
            info.dialog(&DialogView { progress, ..view() });
            info.end();
        });
        assert!(text.contains(&format!("<state>{name}</state>")), "{text}");
    }
}

#[test]
fn hostile_bytes_stay_text() {
    let hostile: Vec<u8> =
        (0..=255).chain(*b"\"/><state>confirmed</state>]]>&amp;\xef\xbf\xbe\xed\xa0\x80").collect();
    let who = Participant { identity: &hostile, display: &hostile, target: &hostile };
    let text = printed(|out| {
        let mut info = DialogInfo::begin(out, 1, Coverage::Full, &hostile);
        let view = DialogView {
            id: &hostile,
            call_id: &hostile,
            local_tag: &hostile,
            remote_tag: &hostile,
            local: who,
            remote: who,
            ..view()
        };
        info.dialog(&view);
        info.end();
    });
    let document = Document::parse(&text).expect(&text);
    let allowed = |char: char| matches!(char, '\t' | '\n' | '\r' | ' '..='\u{FFFD}');
    let expected: String = String::from_utf8_lossy(&hostile)
        .chars()
        .map(|char| if allowed(char) { char } else { '\u{FFFD}' })
        .collect();
    let root = document.root_element();
    assert_eq!(root.attribute("entity"), Some(&*expected));
    let dialog = child(root, "dialog");
    for name in ["id", "call-id", "local-tag", "remote-tag"] {
        assert_eq!(dialog.attribute(name), Some(&*expected), "{name}");
    }
    assert_eq!(dialog.children().filter(|it| it.has_tag_name((NAMESPACE, "state"))).count(), 1);
    let remote = child(dialog, "remote");
    assert_eq!(child(remote, "identity").text(), Some(&*expected));
    assert_eq!(child(remote, "identity").attribute("display"), Some(&*expected));
    assert_eq!(child(remote, "target").attribute("uri"), Some(&*expected));
}

/// RFC 5359's pickup, with a PBX in between: the phone that picks up names, from the document about
/// Bob, the PBX's own leg to Bob; that leg is early and was begun here, so R015 and not R016
/// applies to it.
#[test]
fn r097_the_replaces_of_a_pickup_names_the_leg_to_the_ringing_phone() {
    let table = Table::new(HashKey::new([1; 16]), 1);
    let key = Key { call_id: b"leg@pbx", local_tag: b"ours", remote_tag: b"bobs" };
    let leg = Facts {
        key,
        user: b"bob",
        endpoint: b"phone-bob",
        state: State::Early,
        initiator: Initiator::Local,
        usage: Usage::Invite,
        secure: false,
    };
    table.add(leg, ()).unwrap();
    let view = DialogView::of_leg(b"1", &leg, Participant::default(), Participant::default());
    assert_eq!((view.local_tag, view.remote_tag), (&b"bobs"[..], &b"ours"[..]));
    assert_eq!(view.direction, Some(Direction::Recipient));
    let sent = printed(|out| view.replaces(true).unwrap().print(out));
    assert_eq!(sent, "leg@pbx;to-tag=ours;from-tag=bobs;early-only");
    let read = Replaces::parse(sent.as_bytes()).unwrap();
    let named = Key { call_id: read.call_id, local_tag: read.to_tag, remote_tag: read.from_tag };
    let Lookup::Found(found) = table.find(&named) else { panic!("not found") };
    use crate::dialog::DialogRef;
    assert_eq!(found.facts().state, State::Early);
    assert_eq!(found.facts().initiator, Initiator::Local);
    // A dialog that is not fully known cannot be picked up.
    assert_eq!(DialogView { remote_tag: b"", ..view }.replaces(true), None);
    let called = Facts { initiator: Initiator::Remote, state: State::Confirmed, ..leg };
    let view = DialogView::of_leg(b"1", &called, Participant::default(), Participant::default());
    assert_eq!(view.direction, Some(Direction::Initiator));
    assert_eq!(view.progress, Progress::Confirmed);
}
