//! Settings: lines of `scope|name=value`; a name `#5` stands for the fifth setting. What was refused has
//! changed nothing, what was taken is answered, and verdicts by any settings are fit to be sent.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sipxfer::config::{settings, Config};
use sipxfer::engine::{Engine, Received};
use sipxfer::sip::Scratch;
use sipxfer::transfer::{Approval, Sender};
use std::cell::Cell;

#[path = "../../tests/sequences/mod.rs"]
mod sequences;
use sequences::host::{Dialogs, Dialplan};
use sequences::{assert_clean, assert_lines};

const REFER: &[u8] = b"REFER sip:pbx@h SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n\
    From: <sip:bob@h>;tag=f\r\nTo: <sip:pbx@h>;tag=t\r\nCall-ID: refer\r\nCSeq: 2 REFER\r\n\
    Contact: <sip:bob@192.0.2.1>\r\nUser-Agent: Phone/1.0\r\nReferred-By: <sip:bob@h>\r\n\
    Refer-To: <sip:c@far.example:5061;transport=tls?Replaces=x%3Bto-tag%3DL%3Bfrom-tag%3DR&X-Own=1\
    &Alert-Info=2>\r\n\r\n";
const INVITE: &[u8] = b"INVITE sip:100@h SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n\
    From: <sip:bob@h>;tag=f\r\nTo: <sip:pbx@h>\r\nCall-ID: new\r\nCSeq: 2 INVITE\r\n\
    Require: replaces, magic\r\nReplaces: consult;to-tag=L;from-tag=R\r\n\r\n";

fn decide(engine: &Engine) {
    let dialplan = Dialplan { approval: Cell::new(Approval::Yes) };
    for (endpoint, user) in [(&b"bob"[..], &b"bob"[..]), (b"trunk", b"")] {
        for raw in [REFER, INVITE] {
            let sender = Sender { endpoint, user, ..Sender::default() };
            // A little more than the C functions ask for.
            let mut room = vec![0; 16 * 1024];
            let mut scratch = Scratch::new(&mut room);
            let received = Received { raw, sender, now_ms: 1 };
            let verdict = match raw == REFER {
                true => engine.route_refer(&Dialogs, &dialplan, received, false, &mut scratch),
                false => engine.verify_replaces(&Dialogs, &dialplan, received, false, &mut scratch),
            };
            let verdict = verdict.expect("scratch space is enough");
            assert_lines(verdict.headers);
            for text in [verdict.warning, verdict.unsupported, verdict.why, verdict.extension] {
                assert_clean(text);
            }
            verdict.variables.iter().for_each(|(_, value)| assert_clean(value));
        }
    }
}

fuzz_target!(|data: &[u8]| {
    let mut config = Config::new();
    for line in String::from_utf8_lossy(data).split('\n').take(20) {
        let (scope, rest) = line.split_once('|').unwrap_or(("", line));
        let (name, value) = rest.split_once('=').unwrap_or((rest, ""));
        let numbered = name.strip_prefix('#').and_then(|number| number.parse().ok());
        let name = numbered.and_then(|at: usize| settings().get(at)).map_or(name, |it| it.name);
        let before = config.get(scope, name).map(str::to_owned);
        match config.set(scope, name, value) {
            Ok(()) if name.starts_with("profile.") => {}
            Ok(()) => assert_eq!(config.get(scope, name), Ok(value)),
            Err(error) => {
                assert_eq!(config.get(scope, name).map(str::to_owned), before);
                assert_clean(error.to_string().as_bytes());
            }
        }
    }
    let snapshot = config.snapshot();
    for user_agent in [&b"Phone/1.0"[..], data] {
        let _ = snapshot.profile(user_agent);
    }
    let engine = Engine::new([7; 16], 1);
    engine.apply(snapshot);
    decide(&engine);
});
