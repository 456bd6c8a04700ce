//! What holds for every sequence of inputs.

use super::*;

/// Marsaglia's xorshift: the same sequences on every run.
struct Noise(u64);

impl Noise {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }

    fn flag(&mut self) -> bool {
        self.below(2) == 0
    }

    fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len() as u64) as usize]
    }
}

/// What a sequence has brought so far.
#[derive(Default)]
struct Seen {
    drops: u32,
    refers: u8,
    kept: bool,
    hung_up: bool,
    outcomes: u32,
    success: bool,
}

impl Seen {
    fn note(&mut self, output: Output<'_>, leaves_early: bool) {
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

fn random_options(noise: &mut Noise) -> Options<'static> {
    let peer = Peer {
        replaces: noise.below(4) > 0,
        norefersub: noise.flag(),
        tdialog: noise.flag(),
        contact_is_gruu: noise.flag(),
    };
    Options {
        referred_by: noise.pick(&[&b""[..], b"sip:bob@example.com"]),
        subscribe: noise.below(4) > 0,
        supports_replaces: noise.flag(),
        bye_after_accept: noise.below(4) == 0,
        t1_ms: noise.pick(&[0, 100, 500, 500, 500]),
        fallback_expires_s: noise.below(100) as u32,
        longest_wait_s: noise.pick(&[0, 30, 600, 600, u32::MAX]),
        ..options(peer)
    }
}

fn random_transfer(noise: &mut Noise) -> Transfer<'static> {
    match noise.below(4) {
        0 => Transfer::Blind { target: AOR },
        1 => Transfer::ConsultationHold { target: AOR },
        _ => Transfer::Attended(Attended {
            contact_reachable: noise.flag(),
            aor: noise.pick(&[Some(AOR), Some(AOR), Some(CONTACT), None]),
            state: noise.pick(&[Dialog::Early, Dialog::Confirmed, Dialog::Terminated]),
            initiator: noise.pick(&[Initiator::Local, Initiator::Remote]),
            target_replaces: noise.below(4) > 0,
            ..attended()
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
    let lines = headers(transferor);
    let count = |name: &str| lines.lines().filter(|line| line.starts_with(name)).count();
    assert!(lines.ends_with("\r\n") && !lines.contains("\r\n\r\n") && !lines.contains("\n "));
    assert_eq!((count("Refer-To: <"), count("Contact"), count("Require")), (1, 0, 0), "{lines}");
    assert!(lines.lines().all(|line| line.contains(": ")));
}

#[test]
fn any_sequence_has_one_outcome_and_nothing_behind_it() {
    let mut noise = Noise(0x2545_f491_4f6c_dd1d);
    let mut counts = [0u32; 4];
    for _ in 0..20_000 {
        let options = random_options(&mut noise);
        let transfer = random_transfer(&mut noise);
        let leaves_early = options.bye_after_accept;
        let mut now_ms = noise.below(1000);
        let (mut transferor, first) = Transferor::start(now_ms, &transfer, &options).unwrap();
        let mut seen = Seen::default();
        first.for_each(|output| seen.note(output, leaves_early));
        let mut heard_2xx = false;
        for _ in 0..noise.below(16) {
            now_ms += noise.below(4) * noise.below(4) * noise.below(1500);
            let attempt = noise.pick(&[seen.refers, seen.refers, 1, 2, 9]);
            let before = seen.success;
            match noise.below(12) {
                0 | 1 => transferor.sent(now_ms, attempt, 6 + u32::from(attempt), noise.flag()),
                2..=4 => {
                    let code = noise.pick(CODES);
                    let refer_sub_false = noise.flag();
                    let response = Response { attempt, code, reason: b"r", refer_sub_false };
                    let outputs = transferor.response(now_ms, &response);
                    outputs.for_each(|output| seen.note(output, leaves_early));
                    assert_eq!(seen.success, before, "a response is no success");
                }
                5..=8 => {
                    let body = noise.pick(BODIES);
                    let notify = Notify {
                        attempt: noise.pick(&[None, None, Some(attempt)]),
                        ..event(noise.pick(EVENTS), noise.pick(STATES), body)
                    };
                    let (code, outputs) = transferor.notify(now_ms, &notify);
                    let outputs: Vec<_> = outputs.collect();
                    assert!([200, 400, 481, 489].contains(&code));
                    assert!(code == 200 || outputs.is_empty());
                    heard_2xx |= code == 200 && body == OK;
                    outputs.into_iter().for_each(|output| seen.note(output, leaves_early));
                }
                9 => transferor.call_ended(now_ms).for_each(|it| seen.note(it, leaves_early)),
                10 if noise.flag() => transferor
                    .consultation_answered(now_ms)
                    .for_each(|it| seen.note(it, leaves_early)),
                10 => {
                    transferor.consultation_ended(now_ms).for_each(|it| seen.note(it, leaves_early))
                }
                _ => transferor.tick(now_ms).for_each(|it| seen.note(it, leaves_early)),
            }
            lines_are_whole(&transferor);
            assert_eq!(transferor.is_finished(), seen.outcomes == 1);
            assert!(transferor.is_finished() || transferor.deadline().is_some());
        }
        while let Some(deadline) = transferor.deadline() {
            transferor.tick(deadline).for_each(|it| seen.note(it, leaves_early));
        }
        assert_eq!(seen.outcomes, 1);
        assert!(!transferor.is_subscribed());
        assert!(!seen.success || heard_2xx, "success that nobody has told");
        counts[0] += u32::from(seen.success);
        counts[1] += u32::from(seen.refers == 2);
        counts[2] += u32::from(seen.kept);
        counts[3] += u32::from(seen.drops == 2);
    }
    // The noise has been everywhere.
    assert!(counts.iter().all(|&count| count > 100), "{counts:?}");
}
