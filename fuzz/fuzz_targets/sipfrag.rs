//! The body of a NOTIFY: its status line is printed again as what was read, and is no success unless it
//! says so.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sipxfer::sip::{Sipfrag, Writer};
use sipxfer::transfer::subscription::Status;
use sipxfer::transfer::transferor::{Notify, Options, Outcome, Output, Transfer, Transferor};

#[path = "../../tests/sequences/mod.rs"]
mod sequences;
use sequences::assert_clean;

fn print(code: u16, reason: &[u8]) -> Vec<u8> {
    let mut room = vec![0; reason.len() + 32];
    let mut out = Writer::new(&mut room);
    Sipfrag::print_status(&mut out, code, reason).expect("what was read can be printed");
    assert!(!out.overflowed());
    out.written().to_vec()
}

/// The sending side hears this NOTIFY.
fn heard(body: &[u8], status: Option<u16>) {
    let wish = Transfer::Blind { target: b"sip:carol@h" };
    let (mut transferor, _) = Transferor::start(0, &wish, &Options::default()).expect("a target");
    transferor.sent(0, 1, 2, true);
    let subscription_state = b"active;expires=60";
    let notify = Notify { attempt: None, event: b"refer", subscription_state, body };
    let (code, outputs) = transferor.notify(1, &notify);
    assert_eq!(code, 200);
    for output in outputs {
        match output {
            Output::Finished(Outcome::Success { code }) => {
                assert!(code < 300 && status == Some(code));
            }
            Output::Finished(Outcome::Failure { code, reason }) => {
                assert!(code >= 300 && status == Some(code));
                assert_clean(reason);
            }
            Output::Progress { code, reason } => {
                assert!(code < 200 && status == Some(code));
                assert_clean(reason);
            }
            Output::Command(_) => assert!(transferor.is_finished()),
            other => panic!("{other:?}"),
        }
    }
}

fuzz_target!(|body: &[u8]| {
    let status = match Sipfrag::parse(body) {
        Err(error) => {
            assert!(error.offset <= body.len());
            None
        }
        Ok(fragment) => {
            fragment.headers().for_each(|(name, value)| {
                assert!(!name.is_empty() && !value.raw.contains(&0));
            });
            fragment.status()
        }
    };
    if let Some((code, reason)) = status {
        assert!((100..700).contains(&code));
        assert_clean(reason);
        let line = print(code, reason);
        assert!(line.ends_with(b"\r\n"));
        let again = Sipfrag::parse(&line).expect("what was printed parses");
        assert_eq!(again.status(), Some((code, reason)));
        assert!(again.rest.is_empty());
        // What a host hands on as progress.
        let status = Status::new(code, reason).expect("a code that was read");
        assert_clean(status.reason().as_bytes());
        print(status.code(), status.reason().as_bytes());
    }
    heard(body, status.map(|(code, _)| code));
});
