//! The side that sends the REFER.

use super::{assert_lines, Case, Choices, Story};
use sipxfer::dialog::{Initiator, State as Dialog};
use sipxfer::sip::{Replaces, TargetDialog, Writer};
use sipxfer::transfer::transferor::{
    Attended, Command, Notify, Options, Outcome, Output, Peer, Response, Transfer, Transferor,
};
use Command::{ByeConsultation, DropConsultation, HangUp, KeepCall};

const CONTACT: &[u8] = b"sip:carol@192.0.2.7:5062;transport=tcp";
const AOR: &[u8] = b"sip:carol@example.com";
const ACTIVE: &[u8] = b"active;expires=60";
const GONE: &[u8] = b"terminated;reason=noresource";
const TRYING: &[u8] = b"SIP/2.0 100 Trying\r\n";
const OK: &[u8] = b"SIP/2.0 200 OK\r\n";
const BUSY: &[u8] = b"SIP/2.0 486 Busy Here\r\n";
const NOT_FOUND: &[u8] = b"SIP/2.0 404 Not Found\r\n";

/// What a sequence has brought so far.
#[derive(Default)]
pub struct Seen {
    pub drops: u32,
    pub refers: u8,
    pub kept: bool,
    hung_up: bool,
    outcomes: u32,
    pub success: bool,
    story: Story,
}

impl Seen {
    fn note(&mut self, output: Output<'_>, leaves_early: bool) {
        self.story.tell(format!("{output:?}"));
        assert_eq!(self.outcomes, 0, "{output:?} after the outcome");
        match output {
            Output::SendRefer { attempt, .. } => {
                self.refers += 1;
                assert_eq!(attempt, self.refers);
                assert!(self.refers <= 2 && !self.kept && !self.hung_up);
            }
            Output::Command(DropConsultation | ByeConsultation) => {
                self.drops += 1;
                assert!(self.drops <= 2 && self.refers == 0);
            }
            Output::Command(KeepCall) => {
                assert!(!self.kept && !self.hung_up);
                self.kept = true;
            }
            Output::Command(HangUp) => {
                assert!(!self.kept && !self.hung_up && self.refers > 0);
                self.hung_up = true;
            }
            Output::Progress { code, .. } => assert!(self.refers > 0 && code < 200),
            Output::Finished(outcome) => {
                self.outcomes += 1;
                self.success = matches!(outcome, Outcome::Success { .. });
                assert!(!self.success || (self.refers > 0 && !self.kept));
                assert!(self.success || !self.hung_up || leaves_early);
            }
        }
    }
}

fn random_options(choices: &mut Choices<'_>) -> Options<'static> {
    let peer = Peer {
        replaces: choices.below(4) > 0,
        norefersub: choices.coin(),
        tdialog: choices.coin(),
        contact_is_gruu: choices.coin(),
    };
    Options {
        referred_by: choices.one_of(&[&b""[..], b"sip:bob@example.com"]),
        subscribe: choices.below(4) > 0,
        supports_replaces: choices.coin(),
        bye_after_accept: choices.below(4) == 0,
        t1_ms: choices.one_of(&[0, 100, 500, 500, 500]),
        fallback_expires_s: choices.below(100) as u32,
        longest_wait_s: choices.one_of(&[0, 30, 600, 600, u32::MAX]),
        target_dialog: TargetDialog::new(b"call@pbx", b"theirs", b"ours", b""),
        peer,
    }
}

fn random_transfer(choices: &mut Choices<'_>) -> Transfer<'static> {
    match choices.below(4) {
        0 => Transfer::Blind { target: AOR },
        1 => Transfer::ConsultationHold { target: AOR },
        _ => Transfer::Attended(Attended {
            contact_reachable: choices.coin(),
            aor: choices.one_of(&[Some(AOR), Some(AOR), Some(CONTACT), None]),
            state: choices.one_of(&[Dialog::Early, Dialog::Confirmed, Dialog::Terminated]),
            initiator: choices.one_of(&[Initiator::Local, Initiator::Remote]),
            target_replaces: choices.below(4) > 0,
            contact: choices.one_of(&[Some(CONTACT), Some(CONTACT), Some(CONTACT), None]),
            replaces: Replaces::new(b"consult@pbx", b"target", b"pbx", false, b"").unwrap(),
        }),
    }
}

const EVENTS: &[&[u8]] =
    &[b"refer", b"refer", b"refer;id=7", b"refer;id=8", b"refer;id=x", b"dialog", b"", b"\xff"];
const STATES: &[&[u8]] = &[ACTIVE, ACTIVE, GONE, b"pending", b"active;expires=9", b"", b"x y"];
const BODIES: &[&[u8]] =
    &[TRYING, TRYING, TRYING, OK, OK, BUSY, NOT_FOUND, NOT_FOUND, b"", b"SIP/2.0 9", b"To: x\r\n"];
const CODES: &[u16] = &[0, 100, 200, 202, 202, 202, 302, 403, 404, 408, 481, 603, 999];

fn lines_are_whole(transferor: &Transferor) {
    let mut room = [0; 1024];
    let mut out = Writer::new(&mut room);
    transferor.print_headers(&mut out);
    assert!(!out.overflowed());
    assert_lines(out.written());
    let lines = core::str::from_utf8(out.written()).unwrap();
    let count = |name: &str| lines.lines().filter(|line| line.starts_with(name)).count();
    assert_eq!((count("Refer-To: <"), count("Contact"), count("Require")), (1, 0, 0), "{lines}");
}

/// Runs a sequence to its end, when time has passed.
pub fn run(case: &Case) -> Seen {
    let mut choices = Choices::new(&case.settings);
    let options = random_options(&mut choices);
    let transfer = random_transfer(&mut choices);
    let leaves_early = options.bye_after_accept;
    let mut now_ms = choices.number();
    let mut seen = Seen::default();
    seen.story.tell(format!("{transfer:?} {options:?}"));
    let (mut transferor, first) = match Transferor::start(now_ms, &transfer, &options) {
        Ok(begun) => begun,
        Err(error) => {
            let nowhere = matches!(transfer, Transfer::Attended(to) if to.contact.is_none());
            assert!(nowhere, "{error:?}");
            return seen;
        }
    };
    first.for_each(|output| seen.note(output, leaves_early));
    let mut heard_2xx = false;
    for bytes in &case.steps {
        let mut choices = Choices::new(bytes);
        now_ms = match choices.below(12) {
            // It goes back, and is taken for standing still.
            0 => now_ms.saturating_sub(choices.number()),
            1 => transferor.deadline().unwrap_or(now_ms),
            2 => now_ms + choices.number(),
            _ => now_ms,
        };
        seen.story.tell(format!("{now_ms}: {bytes:?}"));
        heard_2xx |= step(&mut choices, &mut transferor, now_ms, &mut seen, leaves_early);
        lines_are_whole(&transferor);
        assert_eq!(transferor.is_finished(), seen.outcomes == 1);
        assert!(transferor.is_finished() || transferor.deadline().is_some());
    }
    // Two attempts, each with a deadline or two, a consultation call before and NOTIFYs behind.
    for _ in 0..8 {
        if let Some(deadline) = transferor.deadline() {
            transferor.tick(deadline).for_each(|it| seen.note(it, leaves_early));
        }
    }
    assert_eq!((seen.outcomes, transferor.deadline()), (1, None));
    assert!(!transferor.is_subscribed());
    assert!(!seen.success || heard_2xx, "success that nobody has told");
    seen
}

/// One input; whether it was a NOTIFY that tells of success.
fn step(
    choices: &mut Choices<'_>,
    transferor: &mut Transferor,
    now_ms: u64,
    seen: &mut Seen,
    leaves_early: bool,
) -> bool {
    let input = choices.below(12);
    let attempt = choices.one_of(&[seen.refers, seen.refers, seen.refers, seen.refers, 1, 2, 9]);
    let outputs = match input {
        0 | 1 => {
            transferor.sent(now_ms, attempt, 6 + u32::from(attempt), choices.coin());
            return false;
        }
        2..=4 => {
            let (code, refer_sub_false) = (choices.one_of(CODES), choices.coin());
            let response = Response { attempt, code, reason: b"r", refer_sub_false };
            let before = seen.success;
            let outputs = transferor.response(now_ms, &response);
            outputs.for_each(|output| seen.note(output, leaves_early));
            assert_eq!(seen.success, before, "a response is no success");
            return false;
        }
        5..=8 => {
            let notify = Notify {
                attempt: choices.one_of(&[None, None, None, Some(attempt)]),
                event: choices.one_of(EVENTS),
                subscription_state: choices.one_of(STATES),
                body: choices.one_of(BODIES),
            };
            let (code, outputs) = transferor.notify(now_ms, &notify);
            let outputs: Vec<_> = outputs.collect();
            assert!([200, 400, 481, 489].contains(&code));
            assert!(code == 200 || outputs.is_empty());
            outputs.into_iter().for_each(|output| seen.note(output, leaves_early));
            return code == 200 && notify.body == OK;
        }
        9 => transferor.call_ended(now_ms),
        10 if choices.coin() => transferor.consultation_answered(now_ms),
        10 => transferor.consultation_ended(now_ms),
        _ => transferor.tick(now_ms),
    };
    outputs.for_each(|output| seen.note(output, leaves_early));
    false
}
