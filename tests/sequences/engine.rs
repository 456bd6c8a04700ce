//! A whole engine: REFERs as they stand on the wire, from several phones in several dialogs, and the
//! transfers of both sides.

use super::host::{Dialogs, Dialplan};
use super::{assert_clean, assert_lines, Case, Choices, Story};
use sipxfer::config::Config;
use sipxfer::dialog::Key;
use sipxfer::engine::{Begun, Engine, Received, SentOutput};
use sipxfer::sip::Scratch;
use sipxfer::transfer::recipient::{AppState, Command, Error, Output, Recipient, Sink};
use sipxfer::transfer::subscription::NotifyState;
use sipxfer::transfer::transferor::{Notify, Options, Response, Transfer};
use sipxfer::transfer::{Approval, Kind, Sender};
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

/// What a run may have come by.
pub const WORDS: &[&str] = &[
    "blind",
    "local",
    "remote",
    "other method",
    "refused",
    "again",
    "pending",
    "success",
    "failure",
    "without subscription",
    "paced",
    "controlled",
    "sent",
    "sent success",
];

/// What was seen of one received transfer.
#[derive(Default)]
struct Seen {
    /// How many answers there may be: one, and one for each retransmission.
    answers_due: u32,
    answers: u32,
    notified: bool,
    last_notify_ms: u64,
    ended: bool,
    started: bool,
    failures: u32,
    outcome: Option<u16>,
    hung_up: bool,
    refreshed: bool,
}

/// What was seen of one sent transfer.
#[derive(Default)]
struct Told {
    sends: u8,
    outcome: bool,
}

struct World {
    engine: Engine,
    dialplan: Dialplan,
    config: Config,
    now_ms: u64,
    interval_ms: u64,
    /// Outputs are taken after each input, and not only now and then.
    eager: bool,
    received: BTreeMap<u64, Seen>,
    sent: BTreeMap<u64, Told>,
    /// What was sent before, to be sent again: dialog, CSeq and text.
    refers: Vec<String>,
    cseqs: [u32; 3],
    words: BTreeSet<&'static str>,
    story: Story,
}

const TARGETS: [&str; 14] = [
    "<sip:100@h>",
    "<sip:100@h>",
    "<sip:carol@h?Replaces=consult%3Bto-tag%3DL%3Bfrom-tag%3DR>",
    "<sip:carol@h?Replaces=consult%3Bto-tag%3DL%3Bfrom-tag%3DR&Require=replaces>",
    "<sip:carol@far.example?Replaces=elsewhere%3Bto-tag%3DL%3Bfrom-tag%3DR>",
    "<sip:carol@h?Replaces=ambiguous%3Bto-tag%3DL%3Bfrom-tag%3DR>",
    "<sip:carol@h?Replaces=pending%3Bto-tag%3DL%3Bfrom-tag%3DR>",
    "<sip:carol@h?Replaces=failed%3Bto-tag%3DL%3Bfrom-tag%3DR>",
    "<sip:100@h;method=BYE>",
    "<sip:nowhere@h>",
    "<sip:broken@h>",
    "<sip:100@h?Subject=a%0D%0AX:%20b>",
    "<sip:carol@h?Replaces=consult%3Bto-tag%3D0%3Bfrom-tag%3D0>",
    "<tel:+15105550123>",
];

const SETTINGS: [(&str, &[&str]); 13] = [
    ("refer.concurrent", &["allow", "reject"]),
    ("refer.on_failure", &["keep", "recall", "hangup"]),
    ("refer.timeout_ms", &["0", "1", "3000", "180000"]),
    ("refer.hang_up_after_ms", &["0", "1", "4000"]),
    ("refer.expires_s", &["1", "60", "4294967295"]),
    ("refer.accept_code", &["200", "202"]),
    ("refer.event_id_on_first", &["no", "yes"]),
    ("transfer_handling", &["default", "application-only"]),
    ("application.timeout_ms", &["1", "5000", "4294967295"]),
    ("application.final_timeout_ms", &["1", "20000"]),
    ("application.timeout_code", &["503", "408"]),
    ("refer.require_auth", &["yes", "no"]),
    ("rate.per_endpoint", &["0", "0", "3"]),
];

impl World {
    fn new(choices: &mut Choices<'_>) -> World {
        let mut config = Config::new();
        let interval = choices.one_of(&["1000", "0", "5000"]);
        config.set("", "notify.min_interval_ms", interval).unwrap();
        config.set("", "refer.methods", "BYE").unwrap();
        config.set("", "refer.outside_dialog", choices.one_of(&["yes", "no"])).unwrap();
        config.set("", "refer.tel", choices.one_of(&["yes", "no"])).unwrap();
        for (name, values) in SETTINGS {
            config.set("", name, choices.one_of(values)).unwrap();
        }
        let engine = Engine::new([7; 16], 0x1234);
        engine.apply(config.snapshot());
        World {
            engine,
            dialplan: Dialplan { approval: Cell::new(Approval::Yes) },
            config,
            now_ms: choices.number(),
            interval_ms: interval.parse().unwrap(),
            eager: choices.coin(),
            received: BTreeMap::new(),
            sent: BTreeMap::new(),
            refers: Vec::new(),
            cseqs: [1; 3],
            words: BTreeSet::new(),
            story: Story::default(),
        }
    }

    fn refer(&mut self, choices: &mut Choices<'_>) {
        let dialog = choices.below(3) as usize;
        self.cseqs[dialog] += 1;
        let text = format!(
            "REFER sip:pbx@h SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n\
             From: <sip:bob@h>;tag=f\r\nTo: <sip:pbx@h>{}\r\nCall-ID: refer-{dialog}\r\n\
             CSeq: {} REFER\r\nContact: <sip:bob@192.0.2.1>\r\nRefer-To: {}\r\n{}{}\r\n",
            choices.one_of(&[";tag=t", ";tag=t", ";tag=t", ""]),
            self.cseqs[dialog],
            choices.one_of(&TARGETS),
            choices.one_of(&["", "", "Refer-Sub: false\r\n", "Refer-Sub: maybe\r\n"]),
            choices.one_of(&["", "", "Referred-By: <sip:bob@h>\r\n", "Require: magic\r\n"]),
        );
        self.refers.push(text.clone());
        let approval = [Approval::Yes, Approval::Yes, Approval::Later, Approval::No];
        self.dialplan.approval.set(choices.one_of(&approval));
        self.receive(&text, choices);
    }

    fn receive(&mut self, text: &str, choices: &mut Choices<'_>) {
        let user = choices.one_of(&[&b"bob"[..], b"bob", b"bob", b""]);
        let sender = Sender { endpoint: b"bob", user, ..Sender::default() };
        let raw = text.as_bytes();
        let mut room = vec![0; 16 * 1024];
        let mut scratch = Scratch::new(&mut room);
        let received = Received { raw, sender, now_ms: self.now_ms };
        let World { engine, dialplan, .. } = &*self;
        let (verdict, begun) = engine
            .receive_refer(&Dialogs, dialplan, received, choices.coin(), &mut scratch)
            .expect("scratch space is enough");
        self.story.tell(format!("{text}{:?} {} {begun:?}", verdict.kind, verdict.code));
        assert_lines(verdict.headers);
        for text in [verdict.target, verdict.extension, verdict.warning, verdict.why] {
            assert_clean(text);
        }
        let kind = verdict.kind;
        let code = verdict.code;
        match begun {
            Begun::New(id) => {
                assert!(matches!(code, 200 | 202));
                self.words.insert(match kind {
                    Kind::Blind => "blind",
                    Kind::LocalAttended => "local",
                    Kind::RemoteAttended => "remote",
                    Kind::OtherMethod => "other method",
                    other => panic!("{other:?} begins nothing"),
                });
                if !verdict.subscription {
                    self.words.insert("without subscription");
                }
                let seen = Seen { answers_due: 1, ..Seen::default() };
                assert!(self.received.insert(id, seen).is_none(), "an id twice");
            }
            Begun::Again(id) => {
                assert_eq!(kind, Kind::None);
                self.words.insert("again");
                self.received.get_mut(&id).expect("a transfer that is known").answers_due += 1;
            }
            Begun::Over => assert_eq!(kind, Kind::None),
            Begun::Pending => {
                assert_eq!(code, 491);
                self.words.insert("pending");
            }
            // Of a REFER that is refused nothing is left.
            Begun::Full => {
                assert!(code >= 300 || kind == Kind::Challenge || kind == Kind::Pending);
                self.words.insert("refused");
            }
        }
    }

    /// Any transfer, also one that is gone; now and then a number that is none.
    fn any_of(choices: &mut Choices<'_>, ids: impl ExactSizeIterator<Item = u64>) -> u64 {
        let (count, at) = (ids.len(), choices.below(250) as usize);
        match at {
            0 => u64::MAX,
            _ if count == 0 => 77,
            // Mostly one of the last.
            _ => ids.skip(count.saturating_sub(3)).nth(at % count.min(3)).unwrap_or(77),
        }
    }

    fn input(
        &mut self,
        id: u64,
        input: impl FnOnce(&mut Recipient, u64, &mut Sink<'_>) -> Result<u32, Error>,
    ) -> Option<Result<u32, Error>> {
        let now_ms = self.engine.now(self.now_ms);
        let mut deadline = None;
        let result = self.engine.transfers().input(id, |machine, out| {
            let result = input(machine, now_ms, out);
            deadline = machine.deadline();
            result
        });
        let next = self.engine.deadline();
        let told = deadline.is_none_or(|at_ms| next.is_some_and(|next_ms| next_ms <= at_ms));
        assert!(told, "a deadline that the engine does not know");
        self.story.tell(format!("{now_ms}: input of {id:x}: {result:?}"));
        assert!(result.is_none() || self.received.contains_key(&id));
        if self.eager {
            self.take(id);
        }
        result
    }

    fn take(&mut self, id: u64) {
        let mut outputs = Vec::new();
        while let Some(taken) = self.engine.transfers().next(id, |id, output, _| {
            outputs.push((id, output.clone()));
            Ok::<(), ()>(())
        }) {
            assert_eq!(taken, Ok(()));
        }
        for (id, output) in outputs {
            self.see(id, &output);
        }
    }

    fn see(&mut self, id: u64, output: &Output) {
        self.story.tell(format!("{}: {id:x} {output:?}", self.now_ms));
        let now_ms = self.engine.now(self.now_ms);
        let seen = self.received.get_mut(&id).expect("a transfer that is known");
        let is_answer = matches!(output, Output::Answer(_));
        assert!(seen.answers > 0 || is_answer, "before the answer");
        let last = Output::Command(Command::HangUpTransferor);
        assert!(seen.outcome.is_none() || is_answer || *output == last, "after the outcome");
        match output {
            Output::Answer(_) => {
                seen.answers += 1;
                assert!(seen.answers <= seen.answers_due);
            }
            Output::Notify(notify) => {
                assert!(!seen.ended, "a NOTIFY after the last one");
                seen.ended = matches!(notify.state, NotifyState::Terminated { .. });
                assert!(seen.ended || !notify.status.is_final());
                let paced = seen.notified && !seen.ended && !seen.refreshed;
                if self.eager && paced {
                    assert!(now_ms - seen.last_notify_ms >= self.interval_ms, "too early");
                    self.words.insert("paced");
                }
                seen.notified = true;
                seen.last_notify_ms = now_ms;
            }
            Output::Command(Command::Start) => {
                assert!(!seen.started);
                seen.started = true;
            }
            Output::Command(Command::HangUpTransferor) => {
                assert!(seen.outcome.is_some_and(|code| code < 300) && !seen.hung_up);
                seen.hung_up = true;
            }
            Output::Command(_) => seen.failures += 1,
            Output::Event(_) => {
                assert!(!seen.started);
                self.words.insert("controlled");
            }
            Output::Finished(finished) => {
                let code = finished.status.code();
                assert_eq!(seen.failures, u32::from(code >= 300));
                seen.outcome = Some(code);
                self.words.insert(if code >= 300 { "failure" } else { "success" });
            }
        }
    }

    fn begin_sent(&mut self, choices: &mut Choices<'_>) {
        let target = b"sip:carol@h";
        let wish = match choices.below(3) {
            0 => Transfer::ConsultationHold { target },
            _ => Transfer::Blind { target },
        };
        let options = Options { bye_after_accept: choices.coin(), ..Options::default() };
        let now_ms = self.engine.now(self.now_ms);
        let id = self.engine.sent().begin(&wish, &options, now_ms).unwrap();
        assert!(
            self.sent.insert(id, Told::default()).is_none() && !self.received.contains_key(&id)
        );
        self.words.insert("sent");
    }

    fn input_sent(&mut self, choices: &mut Choices<'_>) {
        let id = World::any_of(choices, self.sent.keys().copied());
        let now_ms = self.engine.now(self.now_ms);
        let sent = self.engine.sent();
        let code = choices.one_of(&[202, 100, 200, 404, 503, 999]);
        let event = choices.one_of(&[&b"refer"[..], b"refer", b"refer;id=7", b"dialog", b""]);
        let subscription_state = choices.one_of(&[&b"active"[..], b"terminated;reason=noresource"]);
        let body = choices.one_of(&[
            &b"SIP/2.0 200 OK\r\n"[..],
            b"SIP/2.0 100 Trying\r\n",
            b"SIP/2.0 486 Busy Here\r\n",
            b"",
        ]);
        match choices.below(12) {
            0 | 1 => {
                let _ = sent.sent(id, 1, 7, true, now_ms);
            }
            2 => {
                let response = Response { attempt: 1, code, reason: b"r", refer_sub_false: false };
                let _ = sent.input(id, |machine| machine.response(now_ms, &response));
            }
            3 => {
                let _ = sent.input(id, |machine| machine.call_ended(now_ms));
            }
            4 => {
                let _ = sent.input(id, |machine| machine.consultation_ended(now_ms));
            }
            _ => {
                let notify = Notify { attempt: None, event, subscription_state, body };
                let answer = sent.notify(id, &notify, now_ms);
                assert!(answer.is_none_or(|code| [200, 400, 481, 489].contains(&code)));
            }
        }
        if self.eager {
            self.take_sent(id);
        }
    }

    fn take_sent(&mut self, id: u64) {
        let mut outputs = Vec::new();
        while let Some(taken) = self.engine.sent().next(id, |id, output| {
            outputs.push((id, output.clone()));
            Ok::<(), ()>(())
        }) {
            assert_eq!(taken, Ok(()));
        }
        for (id, output) in outputs {
            self.story.tell(format!("{}: sent {id:x} {output:?}", self.now_ms));
            let told = self.sent.get_mut(&id).expect("a transfer that is known");
            assert!(!told.outcome, "{output:?} after the outcome");
            match output {
                SentOutput::Send { attempt, headers, .. } => {
                    told.sends += 1;
                    assert_eq!(attempt, told.sends);
                    assert_lines(&headers);
                }
                SentOutput::Command(_) => {}
                SentOutput::Progress { code, reason } => {
                    assert!(told.sends > 0 && code < 200);
                    assert_clean(&reason);
                }
                SentOutput::Finished(outcome) => {
                    told.outcome = true;
                    if matches!(outcome, sipxfer::engine::SentOutcome::Success { .. }) {
                        self.words.insert("sent success");
                    }
                }
            }
        }
    }

    fn tick(&mut self) {
        self.engine.tick(self.now_ms);
        if self.eager {
            self.take(0);
            self.take_sent(0);
        }
    }

    fn step(&mut self, bytes: &[u8; 16]) {
        let mut choices = Choices::new(bytes);
        match choices.below(16) {
            // It goes back, and is taken for standing still.
            0 => self.now_ms = self.now_ms.saturating_sub(choices.number()),
            1 => self.now_ms = self.engine.deadline().unwrap_or(self.now_ms),
            2 => self.now_ms += choices.number(),
            3 => self.now_ms += choices.below(256) * 20,
            _ => {}
        }
        // What is due comes out of inputs too; who is eager takes it when it is due.
        self.tick();
        let input = choices.below(24);
        let id = World::any_of(&mut choices, self.received.keys().copied());
        match input {
            0..=3 => self.refer(&mut choices),
            4 if !self.refers.is_empty() => {
                let at = choices.below(self.refers.len() as u64) as usize;
                let text = self.refers[at].clone();
                self.receive(&text, &mut choices);
            }
            5..=8 => {
                let code = choices.one_of(&[180, 183, 200, 486, 180, 199, 100, 99, 700]);
                let reason = choices.one_of(&[&b"Ringing"[..], b"", b"a\r\nb: c", b"\xff"]);
                self.input(id, |it, now_ms, out| {
                    it.progress(code, reason, now_ms, out).map(|()| 0)
                });
            }
            9 | 10 => {
                let state = choices.one_of(&AppState::ALL);
                self.input(id, |it, now_ms, out| it.application(state, now_ms, out).map(|()| 0));
            }
            11 => {
                let yes = choices.coin();
                self.input(id, |it, now_ms, out| it.decide(yes, now_ms, out).map(|()| 0));
            }
            12 => {
                let code = choices.one_of(&[487, 500, 200]);
                self.input(id, |it, now_ms, out| it.give_up(code, now_ms, out).map(|()| 0));
            }
            13 => self.subscribe(id, &mut choices),
            14 => {
                let code = choices.one_of(&[Some(200), Some(481), Some(500), None]);
                self.input(id, |it, _, _| {
                    it.notify_answered(code);
                    Ok(0)
                });
            }
            15 => {
                self.input(id, |it, now_ms, out| {
                    it.bye(now_ms, out);
                    Ok(0)
                });
            }
            16 => {
                let (name, values) = choices.one_of(&SETTINGS);
                self.config.set("", name, choices.one_of(values)).unwrap();
                self.engine.apply(self.config.snapshot());
            }
            17 => self.dialog_ended(&mut choices),
            18 | 19 => self.begin_sent(&mut choices),
            _ => self.input_sent(&mut choices),
        }
        if self.eager {
            self.take_all();
        }
    }

    fn subscribe(&mut self, id: u64, choices: &mut Choices<'_>) {
        let asked_s = choices.one_of(&[None, Some(0), Some(1), Some(30), Some(u32::MAX)]);
        // The NOTIFY that follows a SUBSCRIBE goes at once.
        if let Some(seen) = self.received.get_mut(&id) {
            seen.refreshed = true;
        }
        let granted = self.input(id, |it, now_ms, out| it.subscribe(asked_s, now_ms, out));
        if let Some(Ok(granted_s)) = granted {
            assert!(granted_s <= asked_s.unwrap_or(u32::MAX));
        }
        if let Some(seen) = self.received.get_mut(&id) {
            seen.refreshed = false;
        }
    }

    fn dialog_ended(&mut self, choices: &mut Choices<'_>) {
        let call_id = choices.one_of(&["refer-0", "refer-1", "consult"]);
        let (local_tag, remote_tag) = (&b"t"[..], &b"f"[..]);
        let key = Key { call_id: call_id.as_bytes(), local_tag, remote_tag };
        self.engine.ended(&key, self.now_ms);
        let found = self.engine.transfers().find(&key, choices.one_of(&[None, Some(2), Some(9)]));
        assert!(found.is_none_or(|id| self.received.contains_key(&id)));
    }

    /// Only time passes, and the host gives up what has no deadline.
    fn end(&mut self) {
        // What inputs have brought is had by id, what time brings by 0.
        self.take_all();
        for _ in 0..1_000 {
            let Some(deadline_ms) = self.engine.deadline() else { break };
            self.now_ms = self.engine.now(self.now_ms).max(deadline_ms);
            self.engine.tick(self.now_ms);
            self.take(0);
            self.take_sent(0);
        }
        assert_eq!(self.engine.deadline(), None, "time never ends");
        let open = self.received.iter().filter(|(_, seen)| seen.outcome.is_none());
        for id in open.map(|(id, _)| *id).collect::<Vec<_>>() {
            let given_up =
                self.input(id, |it, now_ms, out| it.give_up(487, now_ms, out).map(|()| 0));
            assert_eq!(given_up, Some(Ok(0)), "a transfer without an outcome");
            self.take(id);
        }
        self.engine.tick(u64::MAX);
        for (id, seen) in &self.received {
            assert!(seen.outcome.is_some(), "{id:x} has no outcome");
            assert!(seen.answers >= 1);
        }
        assert!(self.sent.values().all(|told| told.outcome), "a sent one has no outcome");
        assert_eq!((self.engine.transfers().len(), self.engine.sent().len()), (0, 0));
    }

    fn take_all(&mut self) {
        let received: Vec<_> = self.received.keys().copied().collect();
        received.into_iter().for_each(|id| self.take(id));
        let sent: Vec<_> = self.sent.keys().copied().collect();
        sent.into_iter().for_each(|id| self.take_sent(id));
    }
}

/// Runs a sequence to its end, when time has passed, and answers what it came by.
pub fn run(case: &Case) -> Vec<&'static str> {
    let mut world = World::new(&mut Choices::new(&case.settings));
    for bytes in &case.steps {
        world.step(bytes);
    }
    world.end();
    world.words.iter().copied().collect()
}
