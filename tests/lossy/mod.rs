//! Two engines, one that sends REFERs and one that receives them, and between them a network that
//! loses, duplicates and reorders, on a virtual clock.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use super::common_rules::callbacks::Dialog;
use super::common_rules::outputs::Out;
use super::common_rules::random::Random;
use super::common_rules::sending::{Told, Wish};
use super::common_rules::{known, Kind, Pbx};
use sipxfer::ffi::*;
use std::collections::BTreeMap;

/// What happens at a moment.
#[derive(Clone)]
enum Event {
    /// The client transaction sends once more, if it still waits.
    SendRefer(u32),
    Refer(u32),
    Response(u32, String),
    ReferUnanswered(u32),
    SendNotify(usize),
    Notify(usize),
    NotifyAnswer(usize, u32),
    NotifyUnanswered(usize),
    /// The transferor has hung up.
    Bye,
    /// The transferee has.
    PeerBye,
    ConsultationAnswered(u64),
    ConsultationEnded(u64),
    /// The target answers a received transfer.
    Target(u64, u32),
}

/// A REFER, by its CSeq.
struct Refer {
    /// The transfer of the sending side, and its attempt.
    transfer: u64,
    attempt: u32,
    text: String,
    answered: bool,
    /// What the receiving side has answered, and the transfer that it is there.
    answer: Option<String>,
    received: u64,
}

struct Notify {
    received: u64,
    text: String,
    answered: bool,
    answer: Option<u32>,
}

/// What one side has come to.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Outcome {
    Success(u32),
    Failure(u32),
    Unknown,
}

pub struct Pair {
    sender: Pbx,
    receiver: Pbx,
    runs: u32,
    /// How often the sending side came to success, failure and neither.
    pub seen: [u32; 3],
}

/// One call with one or two transfers.
struct Run<'p> {
    sender: &'p mut Pbx,
    receiver: &'p mut Pbx,
    random: Random,
    loss: u64,
    call_id: String,
    cseq: u32,
    queue: BTreeMap<(u64, u64), Event>,
    number: u64,
    refers: BTreeMap<u32, Refer>,
    notifys: Vec<Notify>,
    sent: BTreeMap<u64, Option<Outcome>>,
    received: BTreeMap<u64, Option<u32>>,
    refused: Vec<u32>,
    call_ended: bool,
}

impl Pair {
    pub fn new() -> Pair {
        let (sender, receiver) = (Pbx::new(Kind::Own), Pbx::new(Kind::Callbacks));
        Pair { sender, receiver, runs: 0, seen: [0; 3] }
    }

    /// One call; everything that was begun has its outcome, and nothing is left.
    pub fn run(&mut self, seed: u64) {
        self.runs += 1;
        let mut random = Random(seed);
        // Without an id on the first REFER of a dialog it must be known which one arrives first.
        let several = random.percent(50);
        self.receiver.set("refer.event_id_on_first", if several { "yes" } else { "no" });
        let loss = random.pick(&[0, 10, 30, 60, 90]);
        let call_id = format!("call-{}@pbx", self.runs);
        let mut run = Run {
            sender: &mut self.sender,
            receiver: &mut self.receiver,
            random,
            loss,
            call_id,
            cseq: 6,
            queue: BTreeMap::new(),
            number: 0,
            refers: BTreeMap::new(),
            notifys: Vec::new(),
            sent: BTreeMap::new(),
            received: BTreeMap::new(),
            refused: Vec::new(),
            call_ended: false,
        };
        for _ in 0..1 + u32::from(several) {
            run.begin();
        }
        run.until_the_end();
        run.check();
        for outcome in run.sent.values().flatten() {
            let at = match outcome {
                Outcome::Success(_) => 0,
                Outcome::Failure(_) => 1,
                Outcome::Unknown => 2,
            };
            self.seen[at] += 1;
        }
        let dialog = Dialog::of("bob", &run.call_id, "pbx-to-bob", "bob-to-pbx");
        let key = dialog.key();
        let (engine, now_ms) = (run.receiver.engine, run.receiver.now_ms);
        assert_eq!(unsafe { sipxfer_dialog_ended(engine, &key, now_ms) }, SIPXFER_OK);
    }
}

impl Run<'_> {
    fn begin(&mut self) {
        let wish = match self.random.below(4) {
            0 => Wish::attended(),
            1 => Wish { kind: SIPXFER_REFER_CONSULTATION_HOLD, ..Wish::blind() },
            _ => Wish::blind(),
        };
        let target = self.random.pick(&["sip:100@h", "sip:100@h", "sip:unknown@h"]);
        let wish = Wish {
            target: if wish.target.is_empty() { "" } else { target },
            contact_reachable: self.random.percent(50),
            subscribe: self.random.percent(85),
            peer: SIPXFER_PEER_REPLACES | SIPXFER_PEER_NOREFERSUB,
            bye_after_accept: self.random.percent(15),
            ..wish
        };
        let transfer = self.sender.start(&wish);
        self.sent.insert(transfer, None);
        self.take_told(transfer);
        if self.random.percent(10) {
            let event = self.random.pick(&[0, 1]);
            let at = self.random.below(60_000);
            self.after(at, if event == 0 { Event::Bye } else { Event::PeerBye });
        }
    }

    fn now(&self) -> u64 {
        self.sender.now_ms
    }

    fn after(&mut self, ms: u64, event: Event) {
        self.number += 1;
        self.queue.insert((self.now() + ms, self.number), event);
    }

    /// Over the network: lost, late, or more than once.
    fn transmit(&mut self, event: &Event) {
        let copies = if self.random.percent(15) { 2 } else { 1 };
        for _ in 0..copies {
            if !self.random.percent(self.loss) {
                let late = self.random.below(1_500);
                self.after(late, event.clone());
            }
        }
    }

    /// A client transaction over UDP (RFC 3261 section 17.1.2).
    fn transact(&mut self, again: &Event, unanswered: Event) {
        for at in [0, 500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500] {
            self.after(at, again.clone());
        }
        self.after(32_000, unanswered);
    }

    fn until_the_end(&mut self) {
        for _ in 0..10_000 {
            let event = self.queue.keys().next().copied();
            let at = event.map_or(u64::MAX, |(at, _)| at);
            let due = self.sender.next_deadline().min(self.receiver.next_deadline());
            if at == u64::MAX && due == u64::MAX {
                return;
            }
            let now_ms = at.min(due).max(self.now());
            self.sender.now_ms = now_ms;
            self.receiver.now_ms = now_ms;
            if due <= now_ms && (due < at || self.random.percent(50)) {
                self.sender.tick();
                self.receiver.tick();
                self.take_told(0);
                self.take_outputs(0);
            } else if let Some(event) = event.and_then(|key| self.queue.remove(&key)) {
                self.happen(event);
            }
        }
        panic!("time does not bring an end");
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::SendRefer(cseq) if !self.refers[&cseq].answered => {
                self.transmit(&Event::Refer(cseq));
            }
            Event::Refer(cseq) => self.receive(cseq),
            Event::Response(cseq, text) => {
                let refer = self.refers.get_mut(&cseq).unwrap();
                refer.answered = true;
                let (transfer, attempt) = (refer.transfer, refer.attempt);
                self.sender.respond(transfer, attempt, &text);
                self.take_told(transfer);
            }
            Event::ReferUnanswered(cseq) if !self.refers[&cseq].answered => {
                let refer = self.refers.get_mut(&cseq).unwrap();
                refer.answered = true;
                let (transfer, attempt) = (refer.transfer, refer.attempt);
                self.sender.respond(transfer, attempt, "");
                self.take_told(transfer);
            }
            Event::SendNotify(number) if !self.notifys[number].answered => {
                self.transmit(&Event::Notify(number));
            }
            Event::Notify(number) => self.notified(number),
            Event::NotifyAnswer(number, code) => {
                self.notifys[number].answered = true;
                self.notify_answered(number, code);
            }
            Event::NotifyUnanswered(number) if !self.notifys[number].answered => {
                self.notifys[number].answered = true;
                self.notify_answered(number, 0);
            }
            Event::Bye => self.hang_up(),
            Event::PeerBye => self.call_has_ended(),
            Event::ConsultationAnswered(transfer) => {
                self.sender.consultation_answered(transfer);
                self.take_told(transfer);
            }
            Event::ConsultationEnded(transfer) => {
                self.sender.consultation_ended(transfer);
                self.take_told(transfer);
            }
            Event::Target(received, code) => {
                self.receiver.progress(received, code, "");
                self.take_outputs(received);
            }
            // The transaction is over.
            Event::SendRefer(_)
            | Event::SendNotify(_)
            | Event::ReferUnanswered(_)
            | Event::NotifyUnanswered(_) => {}
        }
    }

    fn call_has_ended(&mut self) {
        self.call_ended = true;
        let all: Vec<u64> = self.sent.keys().copied().collect();
        for transfer in all {
            self.sender.call_ended(transfer);
            self.take_told(transfer);
        }
    }

    fn hang_up(&mut self) {
        self.call_has_ended();
        let all: Vec<u64> = self.received.keys().copied().collect();
        for received in all {
            self.receiver.bye(received);
            self.take_outputs(received);
        }
    }

    // ---- the sending side ----

    fn take_told(&mut self, transfer: u64) {
        while let Some((transfer, told)) = self.sender.next_told(transfer) {
            let outcome = match told {
                Told::Send(in_dialog, attempt, headers) => {
                    assert!(in_dialog && attempt <= 2);
                    self.send_refer(transfer, attempt, headers);
                    None
                }
                Told::Command(SIPXFER_REFER_COMMAND_DROP_CONSULTATION) => {
                    if self.random.percent(30) {
                        self.after(100, Event::ConsultationAnswered(transfer));
                    }
                    if self.random.percent(80) {
                        let at = self.random.below(2_000);
                        self.after(at, Event::ConsultationEnded(transfer));
                    }
                    None
                }
                Told::Command(SIPXFER_REFER_COMMAND_HANG_UP) => {
                    let late = self.random.below(1_000);
                    self.after(late, Event::Bye);
                    None
                }
                Told::Command(_) | Told::Progress(..) => None,
                Told::Success(code) => Some(Outcome::Success(code)),
                Told::Failure(code, _) => Some(Outcome::Failure(code)),
                Told::Unknown(..) => Some(Outcome::Unknown),
            };
            let known = self.sent.get_mut(&transfer).unwrap();
            assert_eq!(*known, None, "an output after the outcome: {outcome:?}");
            *known = outcome;
        }
    }

    fn send_refer(&mut self, transfer: u64, attempt: u32, headers: String) {
        self.cseq += 1;
        let cseq = self.cseq;
        let text = format!(
            "REFER sip:bob@192.0.2.7 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.8;branch=z9hG4bK{cseq}\r\n\
             Max-Forwards: 70\r\nFrom: <sip:bob@pbx>;tag=bob-to-pbx\r\n\
             To: <sip:pbx@pbx>;tag=pbx-to-bob\r\nCall-ID: {}\r\nCSeq: {cseq} REFER\r\n\
             Contact: <sip:bob@192.0.2.8>\r\n{headers}Content-Length: 0\r\n\r\n",
            self.call_id
        );
        assert_eq!(self.sender.sent(transfer, attempt, cseq, cseq == 7), SIPXFER_OK);
        let refer = Refer { transfer, attempt, text, answered: false, answer: None, received: 0 };
        self.refers.insert(cseq, refer);
        self.transact(&Event::SendRefer(cseq), Event::ReferUnanswered(cseq));
    }

    fn notified(&mut self, number: usize) {
        let text = self.notifys[number].text.clone();
        let mut answer = 481;
        let all: Vec<u64> = self.sent.keys().copied().collect();
        for transfer in all {
            let (status, code) = self.sender.try_notify(transfer, 0, &text);
            assert!(matches!(status, SIPXFER_OK | SIPXFER_E_NOT_FOUND));
            self.take_told(transfer);
            if status == SIPXFER_OK && code != 481 {
                answer = code;
                break;
            }
        }
        // A copy gets the answer of the first one, though it was shown to the engine too.
        let answer = *self.notifys[number].answer.get_or_insert(answer);
        assert!(matches!(answer, 200 | 481), "{answer}");
        self.transmit(&Event::NotifyAnswer(number, answer));
    }

    // ---- the receiving side ----

    fn receive(&mut self, cseq: u32) {
        let refer = &self.refers[&cseq];
        let (text, known_as, answer) = (refer.text.clone(), refer.received, refer.answer.clone());
        if let Some(answer) = answer {
            // Once it is over the transaction alone remembers it.
            if known_as == 0 || self.received[&known_as].is_some() || self.random.percent(50) {
                self.transmit(&Event::Response(cseq, answer));
                return;
            }
        }
        let (got, received) = self.receiver.receive_any(&text, known("bob"));
        if received == 0 {
            let answer = format!("SIP/2.0 {} No\r\n\r\n", got.code);
            self.refused.push(got.code);
            self.refers.get_mut(&cseq).unwrap().answer = Some(answer.clone());
            self.transmit(&Event::Response(cseq, answer));
            return;
        }
        assert!(known_as == 0 || known_as == received, "one REFER is two transfers");
        self.refers.get_mut(&cseq).unwrap().received = received;
        self.received.entry(received).or_insert(None);
        self.take_outputs(received);
    }

    fn take_outputs(&mut self, received: u64) {
        for (received, output) in self.receiver.outputs_of(received) {
            match output.what {
                Out::Answer(code) => {
                    let text = format!("SIP/2.0 {code} Fine\r\n{}\r\n", output.headers);
                    let mut refers = self.refers.iter_mut();
                    let (cseq, refer) = refers.find(|(_, it)| it.received == received).unwrap();
                    let cseq = *cseq;
                    refer.answer = Some(text.clone());
                    self.transmit(&Event::Response(cseq, text));
                }
                Out::Notify(_) => {
                    let text = format!(
                        "NOTIFY sip:pbx@h SIP/2.0\r\n{}\r\n{}",
                        output.headers, output.body
                    );
                    let number = self.notifys.len();
                    self.notifys.push(Notify { received, text, answered: false, answer: None });
                    self.transact(&Event::SendNotify(number), Event::NotifyUnanswered(number));
                }
                Out::Command(SIPXFER_COMMAND_START) => self.call_the_target(received),
                Out::Command(SIPXFER_COMMAND_HANG_UP_TRANSFEROR) => self.after(10, Event::PeerBye),
                Out::Command(_) => {}
                Out::Event(_) => panic!("no application is there"),
                Out::Finished(code, _) => {
                    let known = self.received.get_mut(&received).unwrap();
                    assert_eq!(known.replace(code), None, "a second outcome");
                }
            }
        }
    }

    fn call_the_target(&mut self, received: u64) {
        let mut at = 0;
        for _ in 0..self.random.below(4) {
            at += self.random.below(4_000);
            let code = self.random.pick(&[180, 183]);
            self.after(at, Event::Target(received, code));
        }
        // Some never answer.
        if self.random.percent(85) {
            at += self.random.below(30_000);
            let code = self.random.pick(&[200, 200, 200, 486, 404, 603, 503, 408]);
            self.after(at, Event::Target(received, code));
        }
    }

    fn notify_answered(&mut self, number: usize, code: u32) {
        let received = self.notifys[number].received;
        let status = self.receiver.notify_answered(received, code);
        assert!(matches!(status, SIPXFER_OK | SIPXFER_E_NOT_FOUND));
        self.take_outputs(received);
    }

    // ---- what must hold ----

    fn check(&self) {
        let outcomes: Vec<u32> = self.received.values().map(|it| it.unwrap()).collect();
        for outcome in self.sent.values() {
            match outcome.as_ref().unwrap() {
                // Nobody is told of a success that there was not.
                Outcome::Success(code) => assert!(outcomes.contains(code) && *code < 300),
                // 408 and 481 may be this side's own words.
                Outcome::Failure(408 | 481) => {}
                Outcome::Failure(code) => {
                    assert!(outcomes.contains(code) || self.refused.contains(code), "{code}");
                }
                Outcome::Unknown => {}
            }
            if self.loss == 0 && outcomes == [200] && self.sent.len() == 1 {
                assert_ne!(*outcome, Some(Outcome::Failure(408)));
            }
        }
        assert_eq!((self.sender.count(), self.receiver.count()), (0, 0));
    }
}
