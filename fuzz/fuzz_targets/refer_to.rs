//! A REFER with any Refer-To: what the triggered INVITE would carry holds no CR, LF or NUL from an
//! escape, none of the headers that a stranger must not set, and stays one request when it is put
//! together (R090 to R094). What comes with raw line breaks becomes header lines of the REFER.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sipxfer::config::Config;
use sipxfer::engine::{Engine, Received};
use sipxfer::sip::{Message, Name, Replaces, Scratch, Uri};
use sipxfer::transfer::{Approval, Kind, Sender};
use std::cell::Cell;
use std::sync::OnceLock;

#[path = "../../tests/sequences/mod.rs"]
mod sequences;
use sequences::host::{Dialogs, Dialplan};
use sequences::{assert_clean, assert_lines};

fn engine() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| {
        let mut config = Config::new();
        for (name, value) in [
            ("refer.header_allow", "X-Own, Alert-Info"),
            ("refer.methods", "BYE, REFER"),
            ("refer.tel", "yes"),
        ] {
            config.set("", name, value).expect("a setting");
        }
        let engine = Engine::new([7; 16], 1);
        engine.apply(config.snapshot());
        engine
    })
}

/// What no Refer-To may bring along.
const NEVER: [Name; 8] = [
    Name::From,
    Name::To,
    Name::CallId,
    Name::CSeq,
    Name::Via,
    Name::Contact,
    Name::UserAgent,
    Name::Supported,
];
const NEVER_BY_NAME: [&[u8]; 10] = [
    b"Route",
    b"Record-Route",
    b"Max-Forwards",
    b"Content-Type",
    b"Content-Length",
    b"Authorization",
    b"Proxy-Authorization",
    b"P-Asserted-Identity",
    b"Privacy",
    b"Session-ID",
];

fuzz_target!(|value: &[u8]| {
    let mut refer = b"REFER sip:pbx@h SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n\
        From: <sip:bob@h>;tag=f\r\nTo: <sip:pbx@h>;tag=t\r\nCall-ID: refer\r\nCSeq: 2 REFER\r\n\
        Contact: <sip:bob@192.0.2.1>\r\nReferred-By: <sip:bob@h>\r\nRefer-To: "
        .to_vec();
    refer.extend_from_slice(value);
    refer.extend_from_slice(b"\r\n\r\n");
    let sender = Sender { endpoint: b"bob", user: b"bob", ..Sender::default() };
    let dialplan = Dialplan { approval: Cell::new(Approval::Yes) };
    // What the C functions ask for, less the place of the variables: it is always enough.
    let mut room = vec![0; sipxfer::ffi::scratch_size(refer.len()) - 256];
    let mut scratch = Scratch::new(&mut room);
    let received = Received { raw: &refer, sender, now_ms: 1 };
    let verdict = engine()
        .route_refer(&Dialogs, &dialplan, received, false, &mut scratch)
        .expect("scratch space is enough");
    for text in [verdict.warning, verdict.unsupported, verdict.why, verdict.dropped] {
        assert_clean(text);
    }
    if !matches!(
        verdict.kind,
        Kind::Blind | Kind::LocalAttended | Kind::RemoteAttended | Kind::OtherMethod
    ) {
        assert!(verdict.headers.is_empty() && verdict.dialog.is_none());
        return;
    }
    for text in [verdict.extension, verdict.context, verdict.replaces, verdict.referred_by] {
        assert_clean(text);
    }
    verdict.variables.iter().for_each(|(_, value)| assert_clean(value));
    assert!(verdict.method.iter().all(|byte| sipxfer::sip::lex::is_token_byte(*byte)));
    let target = Uri::parse(verdict.target).expect("the target is a URI");
    assert_eq!(target.without_headers(), verdict.target);
    assert!(!verdict.target.iter().any(|byte| byte.is_ascii_control() || *byte == b' '));
    if !verdict.replaces.is_empty() {
        Replaces::parse(verdict.replaces).expect("a Replaces that is handed on");
    }
    assert_lines(verdict.headers);

    let mut invite = b"INVITE ".to_vec();
    invite.extend_from_slice(verdict.target);
    invite.extend_from_slice(b" SIP/2.0\r\n");
    invite.extend_from_slice(verdict.headers);
    invite.extend_from_slice(b"\r\n");
    let invite = Message::parse(&invite).expect("the triggered INVITE is one");
    assert_eq!(
        (invite.method(), invite.request_uri()),
        (Some(&b"INVITE"[..]), Some(verdict.target))
    );
    assert!(invite.body().is_empty(), "a header became a body");
    assert!(NEVER.into_iter().all(|name| invite.count(name) == 0));
    // RFC 4579 section 5.7: a nested REFER has the one that was built for it.
    let refers = usize::from(verdict.method == b"REFER");
    assert_eq!(invite.count(Name::ReferTo), refers);
    assert!(NEVER_BY_NAME.into_iter().all(|name| invite.named(name).count() == 0));
    assert!(invite.count(Name::Replaces) <= 1 && invite.count(Name::ReferredBy) <= 1);
});
