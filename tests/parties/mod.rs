//! Transferor, transferee and target, three engines, and between them a network that loses, duplicates
//! and reorders, on a virtual clock.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod target;

use super::common_rules::callbacks::Dialog;
use super::common_rules::outputs::Out;
use super::common_rules::random::Random;
use super::common_rules::sending::{Told, Wish};
use super::common_rules::{known, Kind, Pbx};
use sipxfer::ffi::*;
use std::collections::BTreeMap;

/// A request on its way, and what became of it.
struct Transaction {
    what: What,
    text: String,
    /// Its final answer has come, or is given up.
    over: bool,
    /// What it was answered with, once that is known where it was sent to.
    answer: Option<(u32, String)>,
    /// The transfer or takeover that it is there.
    there: u64,
    /// Of an INVITE: the ACK of its 2xx has come, and nothing is repeated any more.
    acknowledged: bool,
    /// Of an INVITE: its 2xx came after it had been given up, and the call was ended again.
    unwanted: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    /// Of a sent transfer, with its attempt.
    Refer(u64, u32),
    /// Of a received transfer.
    Notify(u64),
    /// The same; the target's final answer is repeated until its ACK.
    Invite(u64),
    /// The transferor leaves its call with the transferee.
    ByeOriginal,
    /// The target leaves the consultation call, told by this takeover; 0: the transferor does.
    ByeConsultation(u64),
    /// The transferee (0), or the target by this takeover, leaves the new call of this INVITE.
    ByeNew(u64, usize),
}

#[derive(Clone, Copy)]
enum Event {
    Send(usize),
    Arrives(usize),
    Answered(usize, u32),
    GivenUp(usize),
    /// The target sends the answer to this INVITE again, unless it was acknowledged.
    Repeat(usize),
    Ack(usize),
    /// The target's host answers this takeover, or cannot.
    Answer(u64, u32),
    /// The transferor hangs the consultation call up.
    Leave,
}

/// Who is in a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Call(bool, bool);

const UP: Call = Call(true, true);

pub struct Run {
    transferor: Pbx,
    transferee: Pbx,
    target: Pbx,
    random: Random,
    loss: u64,
    wait_for_ack: bool,
    queue: BTreeMap<(u64, u64), Event>,
    number: u64,
    all: Vec<Transaction>,
    cseq: u32,
    /// Its Call-ID names the consultation call at the target.
    consultation_object: Option<usize>,
    /// Transferor and transferee; transferor and target.
    original: Call,
    consultation: Call,
    /// By its INVITE: transferee and target.
    new: BTreeMap<usize, Call>,
    pub left: bool,
    /// Of the transferor, of each received transfer, of each takeover.
    pub outcome: Option<Told>,
    received: BTreeMap<u64, Option<u32>>,
    takeovers: BTreeMap<u64, (usize, Option<u32>)>,
    /// What the triggered INVITE of a received transfer carries.
    headers: BTreeMap<u64, String>,
}

const TIMES: [u64; 11] =
    [0, 500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500];

impl Run {
    pub fn new(seed: u64, losses: &[u64]) -> Run {
        let mut random = Random(seed);
        let target = Pbx::new(Kind::Own);
        target.set_in("endpoint:bob", "replaces_trusted", "yes");
        let wait_for_ack = random.percent(50);
        target.set("takeover.wait_for_ack", if wait_for_ack { "yes" } else { "no" });
        let object = target.dialog(Dialog::of("alice", "consult@pbx", "target", "pbx"));
        Run {
            transferor: Pbx::new(Kind::Own),
            transferee: Pbx::new(Kind::Callbacks),
            target,
            loss: random.pick(losses),
            random,
            wait_for_ack,
            queue: BTreeMap::new(),
            number: 0,
            all: Vec::new(),
            cseq: 6,
            consultation_object: Some(object),
            original: UP,
            consultation: UP,
            new: BTreeMap::new(),
            left: false,
            outcome: None,
            received: BTreeMap::new(),
            takeovers: BTreeMap::new(),
            headers: BTreeMap::new(),
        }
    }

    pub fn play(&mut self) {
        let contact_reachable = self.random.percent(50);
        let transfer = self.transferor.start(&Wish { contact_reachable, ..Wish::attended() });
        self.take_told(transfer);
        if self.random.percent(8) {
            let at = self.random.below(6_000);
            self.after(at, Event::Leave);
        }
        for _ in 0..10_000 {
            let event = self.queue.keys().next().copied();
            let at = event.map_or(u64::MAX, |(at, _)| at);
            let engines = [&self.transferor, &self.transferee, &self.target];
            let due = engines.map(Pbx::next_deadline).into_iter().min().unwrap();
            if at == u64::MAX && due == u64::MAX {
                return;
            }
            let now_ms = at.min(due).max(self.transferor.now_ms);
            for engine in [&mut self.transferor, &mut self.transferee, &mut self.target] {
                engine.now_ms = now_ms;
            }
            if due <= now_ms && (due < at || self.random.percent(50)) {
                self.transferor.tick();
                self.transferee.tick();
                self.target.tick();
                self.take_told(0);
                self.take_outputs(0);
                self.take_steps(0);
            } else if let Some(event) = event.and_then(|key| self.queue.remove(&key)) {
                self.happen(event);
            }
        }
        panic!("time does not bring an end");
    }

    // ---- the network ----

    fn after(&mut self, ms: u64, event: Event) {
        self.number += 1;
        self.queue.insert((self.transferor.now_ms + ms, self.number), event);
    }

    fn transmit(&mut self, event: Event) {
        for _ in 0..if self.random.percent(15) { 2 } else { 1 } {
            if !self.random.percent(self.loss) {
                let late = self.random.below(1_200);
                self.after(late, event);
            }
        }
    }

    /// A client transaction over UDP (RFC 3261 section 17.1).
    fn begin(&mut self, what: What, text: String) -> usize {
        let number = self.all.len();
        self.all.push(Transaction {
            what,
            text,
            over: false,
            answer: None,
            there: 0,
            acknowledged: false,
            unwanted: false,
        });
        for at in TIMES {
            self.after(at, Event::Send(number));
        }
        self.after(32_000, Event::GivenUp(number));
        number
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Send(number) if !self.all[number].over => self.transmit(Event::Arrives(number)),
            Event::Send(_) => {}
            Event::Arrives(number) => self.arrives(number),
            Event::Answered(number, code) => self.answered(number, code),
            Event::GivenUp(number) if !self.all[number].over => {
                let code = if matches!(self.all[number].what, What::Invite(_)) { 408 } else { 0 };
                self.answered(number, code);
            }
            Event::GivenUp(_) => {}
            Event::Repeat(number) => self.repeat(number),
            Event::Ack(number) => {
                let takeover = self.all[number].there;
                self.all[number].acknowledged = true;
                self.target.acked(takeover);
                self.take_steps(takeover);
            }
            Event::Answer(takeover, code) => {
                self.answer_invite(takeover, code);
                self.take_steps(takeover);
            }
            Event::Leave if self.consultation.0 => {
                self.left = true;
                self.consultation.0 = false;
                self.begin(What::ByeConsultation(0), String::new());
            }
            Event::Leave => {}
        }
    }

    fn reply(&mut self, number: usize, code: u32, text: String) {
        let (code, _) = self.all[number].answer.get_or_insert((code, text)).clone();
        self.transmit(Event::Answered(number, code));
    }

    /// A request is there.
    fn arrives(&mut self, number: usize) {
        let text = self.all[number].text.clone();
        match self.all[number].what {
            What::Refer(..) => self.refer_arrives(number, &text),
            // A copy is the transaction layer's: it would be taken for one of the second REFER.
            What::Notify(_) if self.all[number].answer.is_some() => {
                self.reply(number, 0, String::new());
            }
            What::Notify(_) => {
                let mut answer = 481;
                for request in 0..self.all.len() {
                    let What::Refer(transfer, _) = self.all[request].what else { continue };
                    let (_, code) = self.transferor.try_notify(transfer, 0, &text);
                    self.take_told(transfer);
                    if code == 200 {
                        answer = 200;
                        break;
                    }
                }
                self.reply(number, answer, String::new());
            }
            What::Invite(_) => self.invite_arrives(number, &text),
            What::ByeOriginal => {
                self.original.1 = false;
                for received in self.received.keys().copied().collect::<Vec<_>>() {
                    self.transferee.bye(received);
                    self.take_outputs(received);
                }
                self.reply(number, 200, String::new());
            }
            What::ByeConsultation(0) => {
                self.consultation_ends();
                self.reply(number, 200, String::new());
            }
            What::ByeConsultation(_) => {
                self.consultation.0 = false;
                self.reply(number, 200, String::new());
            }
            What::ByeNew(0, invite) => {
                let takeover = self.all[invite].there;
                self.new.get_mut(&invite).unwrap().1 = false;
                self.target.new_ended(takeover);
                self.take_steps(takeover);
                self.reply(number, 200, String::new());
            }
            What::ByeNew(_, invite) => {
                self.new.get_mut(&invite).unwrap().0 = false;
                self.reply(number, 200, String::new());
            }
        }
    }

    /// A final answer is there, or none will come (0, and 408 for an INVITE).
    fn answered(&mut self, number: usize, code: u32) {
        let was_over = std::mem::replace(&mut self.all[number].over, true);
        if let (What::Invite(received), 200) = (self.all[number].what, code) {
            // Each copy of a 2xx is acknowledged (RFC 3261 section 13.2.2.4).
            self.transmit(Event::Ack(number));
            if !was_over {
                self.new.get_mut(&number).unwrap().0 = true;
                self.transferee.progress(received, 200, "");
                self.take_outputs(received);
            } else if !self.new[&number].0 && !self.all[number].unwanted {
                // It was given up before: nobody wants this call.
                self.all[number].unwanted = true;
                self.begin(What::ByeNew(0, number), String::new());
            }
            return;
        }
        if was_over {
            return;
        }
        match self.all[number].what {
            What::Refer(transfer, attempt) => {
                let answer = self.all[number].answer.clone().filter(|_| code != 0);
                let text = answer.map_or(String::new(), |(_, text)| text);
                self.transferor.respond(transfer, attempt, &text);
                self.take_told(transfer);
            }
            What::Notify(received) => {
                self.transferee.notify_answered(received, code);
                self.take_outputs(received);
            }
            What::Invite(received) => {
                self.transferee.progress(received, code, "");
                self.take_outputs(received);
            }
            What::ByeConsultation(takeover) if takeover != 0 && code != 0 => {
                self.target.old_ended(takeover);
                self.take_steps(takeover);
            }
            What::ByeOriginal | What::ByeConsultation(_) | What::ByeNew(..) => {}
        }
    }

    // ---- the transferor ----

    fn take_told(&mut self, transfer: u64) {
        while let Some((transfer, told)) = self.transferor.next_told(transfer) {
            assert_eq!(self.outcome, None, "an output after the outcome: {told:?}");
            match told {
                Told::Send(in_dialog, attempt, headers) => {
                    assert!(in_dialog && attempt <= 2);
                    self.cseq += 1;
                    let cseq = self.cseq;
                    let text = format!(
                        "REFER sip:bob@b SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK{cseq}\r\n\
                         Max-Forwards: 70\r\nFrom: <sip:alice@a>;tag=a-to-b\r\n\
                         To: <sip:bob@b>;tag=b-to-a\r\nCall-ID: original@a\r\n\
                         CSeq: {cseq} REFER\r\nContact: <sip:alice@a>\r\n{headers}\r\n"
                    );
                    self.transferor.sent(transfer, attempt, cseq, cseq == 7);
                    self.begin(What::Refer(transfer, attempt), text);
                }
                Told::Command(SIPXFER_REFER_COMMAND_HANG_UP) => {
                    self.original.0 = false;
                    self.begin(What::ByeOriginal, String::new());
                }
                Told::Command(SIPXFER_REFER_COMMAND_KEEP_CALL) | Told::Progress(..) => {}
                Told::Command(other) => panic!("command {other}"),
                outcome => self.outcome = Some(outcome),
            }
        }
    }

    // ---- the transferee ----

    fn refer_arrives(&mut self, number: usize, text: &str) {
        if let Some((code, text)) = self.all[number].answer.clone() {
            return self.reply(number, code, text);
        }
        let (got, received) = self.transferee.receive_any(text, known("alice"));
        got.is(SIPXFER_VERDICT_REMOTE_ATTENDED, 0);
        self.all[number].there = received;
        self.received.insert(received, None);
        self.headers.insert(received, got.headers);
        self.take_outputs(received);
    }

    fn take_outputs(&mut self, received: u64) {
        for (received, output) in self.transferee.outputs_of(received) {
            match output.what {
                Out::Answer(code) => {
                    let refers = |it: &Transaction| {
                        matches!(it.what, What::Refer(..)) && it.there == received
                    };
                    let number = self.all.iter().position(refers).unwrap();
                    let text = format!("SIP/2.0 {code} Fine\r\n{}\r\n", output.headers);
                    self.reply(number, code, text);
                }
                Out::Notify(_) => {
                    let (headers, body) = (output.headers, output.body);
                    let text = format!("NOTIFY sip:alice@a SIP/2.0\r\n{headers}\r\n{body}");
                    self.begin(What::Notify(received), text);
                }
                Out::Command(SIPXFER_COMMAND_START) => {
                    let (id, headers) = (self.all.len(), &self.headers[&received]);
                    let text = format!(
                        "INVITE sip:carol@c SIP/2.0\r\nVia: SIP/2.0/UDP b;branch=z9hG4bKi{id}\r\n\
                         Max-Forwards: 70\r\nFrom: <sip:bob@b>;tag=b-to-c\r\nTo: <sip:carol@c>\r\n\
                         Call-ID: new-{id}@b\r\nCSeq: 1 INVITE\r\nContact: <sip:bob@b>\r\n\
                         {headers}\r\n"
                    );
                    let number = self.begin(What::Invite(received), text);
                    self.new.insert(number, Call(false, false));
                }
                Out::Command(_) => {}
                Out::Event(_) => panic!("no application is there"),
                Out::Finished(code, _) => {
                    let known = self.received.get_mut(&received).unwrap();
                    assert_eq!(known.replace(code), None, "a second outcome");
                }
            }
        }
    }
}
