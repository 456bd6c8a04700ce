//! Takes the messages of a capture in their order, and sorts them to the transfers.

mod refer;

use super::calls::{Calls, End, State};
use super::open::{Answer, Bye, Open, Triggered, Triple};
use super::places::Places;
use super::seen::{piece, Seen};
use super::{habits, judge, Kind, Outcome, Step, Story, Tone};
use crate::capture::Packet;
use sipxfer::config::profile::Profiles;
use sipxfer::sip::{reason_phrase, Message, Name, Replaces};
use std::collections::BTreeMap;
use std::rc::Rc;

/// How much is remembered. What is over it is counted and left out.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Calls at a time.
    pub calls: usize,
    /// Transfers at a time.
    pub open: usize,
    /// Transfers that are told.
    pub stories: usize,
    /// Messages of a ladder.
    pub steps: usize,
    /// Bytes of messages that are shown whole, all together; 0: none is.
    pub raw: usize,
}

impl Limits {
    pub const DEFAULT: Limits =
        Limits { calls: 8_192, open: 256, stories: 1_000, steps: 160, raw: 0 };
}

/// How long after its outcome a transfer is followed: the legs are ended in this time.
const AFTER_US: u64 = 12_000_000;
/// How often it is looked which those are.
const LOOK_US: u64 = 1_000_000;
/// How long after its REFER a call is taken for the one that it asked for.
const TRIGGER_US: u64 = 32_000_000;
/// The longest message that is kept to be shown.
const SHOWN: usize = 8_192;

/// All transfers of a capture.
pub struct Tracker {
    limits: Limits,
    profiles: Profiles,
    places: Places,
    calls: Calls,
    open: BTreeMap<usize, Open>,
    stories: Vec<Story>,
    begun: usize,
    raw_left: usize,
    /// When it is looked again which transfers are over.
    look_us: u64,
    /// Messages that were read.
    pub messages: u64,
    /// Messages that cannot be read, and why the first of them cannot.
    pub malformed: u64,
    pub first_malformed: Option<String>,
    /// How many transfers ended in each way, the untold ones too.
    pub outcomes: BTreeMap<&'static str, u64>,
}

impl Tracker {
    pub fn new(limits: Limits) -> Tracker {
        Tracker {
            limits,
            profiles: Profiles::new(),
            places: Places::default(),
            calls: Calls::new(limits.calls),
            open: BTreeMap::new(),
            stories: Vec::new(),
            begun: 0,
            raw_left: limits.raw,
            look_us: 0,
            messages: 0,
            malformed: 0,
            first_malformed: None,
            outcomes: BTreeMap::new(),
        }
    }

    /// Takes the next message.
    pub fn packet(&mut self, packet: &Packet<'_>) {
        self.messages += 1;
        let message = match Message::parse(packet.raw) {
            Ok(message) => message,
            Err(error) => {
                self.malformed += 1;
                if self.first_malformed.is_none() {
                    let (from, number) = (packet.from, self.messages);
                    self.first_malformed = Some(format!("message {number}, from {from}: {error}"));
                }
                return;
            }
        };
        let Some(seen) = Seen::new(message, packet) else {
            self.malformed += 1;
            return;
        };
        let from = self.places.number(packet.from);
        let to = self.places.number(packet.to);
        self.places.is_product(from, seen.product());
        self.close_old(packet.at_us);
        let transport = transport(packet.transport);
        let at = At { at_us: packet.at_us, from, to, transport };
        match (seen.method, seen.is_request()) {
            (b"INVITE", true) => self.invite(&seen, at),
            (b"INVITE", false) => self.invite_answer(&seen, at),
            (b"REFER", true) => self.refer(&seen, at),
            (b"REFER", false) => self.refer_answer(&seen, at),
            (b"NOTIFY", true) => self.notify(&seen, at),
            (b"NOTIFY", false) => self.notify_answer(&seen, at),
            (b"BYE" | b"CANCEL", true) => self.end(&seen, at),
            (b"SUBSCRIBE", _) if seen.event().is_some_and(|it| it.is_refer()) => {
                let step = self.step(&seen, at, Tone::Transfer, seen.method.to_vec(), Vec::new());
                self.remember(&seen, step);
            }
            _ => {}
        }
    }

    /// Ends everything: the capture has ended.
    pub fn finish(mut self) -> (Vec<Story>, Summary) {
        let numbers: Vec<usize> = self.open.keys().copied().collect();
        for number in numbers {
            self.close(number, true);
        }
        self.stories.sort_by_key(|it| it.number);
        let summary = Summary {
            messages: self.messages,
            calls: self.calls.met,
            transfers: self.begun as u64,
            malformed: self.malformed,
            first_malformed: self.first_malformed,
            outcomes: self.outcomes,
        };
        (self.stories, summary)
    }

    fn end_of(&self, place: usize, tag: &[u8]) -> End {
        End { place, ip: self.places.ip(place), tag: piece(tag) }
    }

    fn step(
        &mut self,
        seen: &Seen<'_>,
        at: At,
        tone: Tone,
        label: Vec<u8>,
        notes: Vec<String>,
    ) -> Step {
        let mut label = piece(&label);
        if let Some((cut, _)) = label.char_indices().nth(72) {
            label.truncate(cut);
            label.push_str("...");
        }
        let raw = seen.message.raw();
        let raw = raw.get(..SHOWN).unwrap_or(raw);
        let raw = (raw.len() <= self.raw_left).then(|| Rc::from(raw));
        Step {
            number: self.messages,
            at_us: at.at_us,
            from: at.from,
            to: at.to,
            label,
            notes,
            tone,
            call_id: String::from_utf8_lossy(seen.call_id).into(),
            repeats: 0,
            identity: seen.identity,
            raw,
        }
    }

    /// Keeps a message for its call, and gives it to the transfers that the call belongs to.
    fn remember(&mut self, seen: &Seen<'_>, step: Step) {
        let id = String::from_utf8_lossy(seen.call_id);
        let (from, to) =
            if seen.is_request() { (step.from, step.to) } else { (step.to, step.from) };
        let caller = self.end_of(from, seen.from_tag);
        let callee = self.end_of(to, seen.to_tag);
        let call = self.calls.entry(&id, caller, callee);
        let is_used = !call.stories.is_empty();
        if !call.history.iter().any(|it| it.identity == step.identity) {
            call.remember(Step { raw: None, ..step.clone() });
        }
        for number in call.stories.clone() {
            if let Some(open) = self.open.get_mut(&number) {
                open.last_us = step.at_us.or(open.last_us);
                open.step(&step, self.limits.steps);
            }
        }
        if is_used {
            self.raw_left -= step.raw.as_ref().map_or(0, |it| it.len()).min(self.raw_left);
        }
    }

    /// Makes a call, and the other leg of it, a part of a transfer.
    fn attach(&mut self, number: usize, id: &str) {
        self.attach_one(number, id);
        if let Some(peer) = self.calls.get(id).and_then(|call| call.peer.clone()) {
            self.attach_one(number, &peer);
        }
    }

    fn attach_one(&mut self, number: usize, id: &str) {
        let Some(call) = self.calls.get_mut(id) else { return };
        let Some(open) = self.open.get_mut(&number) else { return };
        if open.calls.len() < 16 && !open.calls.iter().any(|it| **it == *id) {
            call.stories.push(number);
            open.calls.push(call.id.clone());
            for step in &call.history {
                open.step(step, self.limits.steps);
            }
        }
    }

    fn invite(&mut self, seen: &Seen<'_>, at: At) {
        let is_first = seen.to_tag.is_empty();
        if is_first {
            self.begin_anew(&String::from_utf8_lossy(seen.call_id));
        }
        let replaces = seen.value(Name::Replaces);
        let mut notes = Vec::new();
        for (name, value) in [
            ("Replaces", replaces),
            ("Referred-By", seen.value(Name::ReferredBy)),
            ("Join", seen.value(Name::Join)),
        ] {
            if !value.is_empty() {
                notes.push(format!("{name}: {}", piece(value)));
            }
        }
        let tone = if replaces.is_empty() { Tone::Plain } else { Tone::Transfer };
        let label = match (is_first, seen.target_user()) {
            (false, _) => b"re-INVITE".to_vec(),
            (true, b"") => b"INVITE".to_vec(),
            (true, user) => [b"INVITE ", user].concat(),
        };
        let step = self.step(seen, at, tone, label, notes);
        let number = step.number;
        self.remember(seen, step);
        if !is_first {
            return;
        }
        self.places.is_user(at.from, seen.user(Name::From));
        self.places.is_host(at.from, seen.host_alone());
        self.places.is_user(at.to, seen.user(Name::To));
        let id = String::from_utf8_lossy(seen.call_id).into_owned();
        self.legs(&id, &piece(seen.user(Name::To)), at);
        let known =
            self.open.values_mut().find(|it| *it.call_id == *id && it.kind == Kind::Takeover);
        if let Some(open) = known {
            // With credentials, or over one more hop.
            open.answer = None;
            open.is_ended = false;
            return;
        }
        if let Some(open) = self.recall_of(at) {
            self.attach(open, &id);
        } else if let Some(open) = self.trigger_of(seen, at) {
            self.triggered(open, seen, at, &id);
        } else if !replaces.is_empty() {
            self.takeover(seen, at, &id, number);
        }
    }

    /// Looks whether a new call is the other leg of one that came to its caller a moment ago.
    fn legs(&mut self, id: &str, user: &str, at: At) {
        let Some(call) = self.calls.get_mut(id) else { return };
        if call.began_us.is_some() || !call.to_user.is_empty() {
            return;
        }
        call.began_us = at.at_us;
        call.to_user = user.to_owned();
        let id = call.id.clone();
        let Some(first) = self.calls.leg_at(at.from, user, at.at_us, &id) else { return };
        self.calls.join(&first, &id);
        self.places.is_relay(at.from);
        let of = self.calls.get(&first).map(|call| call.stories.clone()).unwrap_or_default();
        for number in of {
            self.attach(number, &id);
        }
    }

    /// A call that has ended and begins again under its old Call-ID is another one.
    fn begin_anew(&mut self, id: &str) {
        if self.calls.get(id).is_none_or(|call| call.state != State::Ended) {
            return;
        }
        let of: Vec<usize> =
            self.open.values().filter(|it| *it.call_id == *id).map(|it| it.number).collect();
        for number in of {
            self.close(number, false);
        }
        self.calls.forget(id);
    }

    /// The transfer that has failed behind its transferor's back, who is called back by this INVITE.
    fn recall_of(&mut self, at: At) -> Option<usize> {
        let fits = |open: &&mut Open| {
            let has_left = open.bye.is_some_and(|bye| bye.by_transferor);
            has_left && open.has_failed() && open.from == at.to && open.to == at.from
        };
        let open = self.open.values_mut().rev().find(fits)?;
        open.is_recalled = true;
        Some(open.number)
    }

    /// The transfer that this INVITE is the call of.
    fn trigger_of(&self, seen: &Seen<'_>, at: At) -> Option<usize> {
        let named = Replaces::parse(seen.value(Name::Replaces)).ok();
        let referred_by = piece(seen.value(Name::ReferredBy));
        let (target, to) = (seen.target_user(), seen.user(Name::To));
        let ip = self.places.ip(at.from);
        let fits = |open: &&Open| {
            if open.kind == Kind::Takeover || open.call_id.as_bytes() == seen.call_id {
                return false;
            }
            let is_open =
                open.triggered.as_ref().is_none_or(|it| it.call_id.as_bytes() == seen.call_id);
            if let (Some(named), Some(asked)) = (&named, &open.replaces) {
                return asked.call_id.as_bytes() == named.call_id;
            }
            let aims = |user: &[u8]| !user.is_empty() && user == open.target_user.as_bytes();
            let soon = match (at.at_us, open.began_us) {
                (Some(now), Some(then)) => now.saturating_sub(then) <= TRIGGER_US,
                _ => true,
            };
            let same = open.to == at.from || ip.is_some() && self.places.ip(open.to) == ip;
            let by = !referred_by.is_empty() && referred_by == open.referred_by;
            is_open && soon && (aims(target) || aims(to)) && (same || by)
        };
        self.open.values().rev().find(fits).map(|open| open.number)
    }

    fn triggered(&mut self, number: usize, seen: &Seen<'_>, at: At, id: &str) {
        self.attach(number, id);
        let has_replaces = seen.message.count(Name::Replaces) > 0;
        let Some(open) = self.open.get_mut(&number) else { return };
        if open.triggered.as_ref().is_none_or(|it| *it.call_id != *id) {
            open.triggered = Some(Triggered {
                call_id: id.into(),
                to: at.to,
                has_replaces,
                answer: None,
                cancelled: false,
            });
        } else if let Some(known) = &mut open.triggered {
            known.to = at.to;
        }
        habits::triggered(open, seen);
        if let Ok(replaces) = Replaces::parse(seen.value(Name::Replaces)) {
            let found = triple(&replaces);
            habits::replaced(open, &found, &self.calls, &self.places, at.at_us, at.to);
            self.attach(number, &found.call_id);
        }
    }

    fn takeover(&mut self, seen: &Seen<'_>, at: At, id: &str, message: u64) {
        let value = seen.value(Name::Replaces);
        let Some(number) = self.begin(Kind::Takeover, seen, at, piece(value)) else { return };
        if let Some(open) = self.open.get_mut(&number) {
            habits::takeover(open, seen, message);
            let replaces = Replaces::parse(value).ok().map(|it| triple(&it));
            if let Some(found) = &replaces {
                habits::replaced(open, found, &self.calls, &self.places, at.at_us, at.to);
            }
            open.replaces = replaces;
        }
        self.attach(number, id);
        let named = self.open.get(&number).and_then(|it| it.replaces.clone());
        if let Some(named) = named {
            self.attach(number, &named.call_id);
        }
    }

    fn begin(&mut self, kind: Kind, seen: &Seen<'_>, at: At, value: String) -> Option<usize> {
        if self.open.len() >= self.limits.open {
            let oldest = self.open.keys().next().copied()?;
            self.close(oldest, false);
        }
        self.begun += 1;
        let number = self.begun;
        let user_agent = piece(seen.value(Name::UserAgent));
        let open = Open {
            number,
            kind,
            began_us: at.at_us,
            last_us: at.at_us,
            call_id: String::from_utf8_lossy(seen.call_id).into(),
            tag: piece(seen.from_tag),
            cseqs: vec![seen.cseq],
            from: at.from,
            to: at.to,
            value,
            target_user: String::new(),
            replaces: None,
            referred_by: piece(seen.value(Name::ReferredBy)),
            user_agent,
            transport: at.transport,
            earlier: 0,
            answer: None,
            no_subscription: false,
            notifies: Vec::new(),
            triggered: None,
            bye: None,
            calls: Vec::new(),
            steps: Vec::new(),
            left_out: 0,
            findings: Vec::new(),
            ended_us: None,
            is_ended: false,
            is_recalled: false,
        };
        self.open.insert(number, open);
        Some(number)
    }

    fn answer_step(&mut self, seen: &Seen<'_>, at: At, of: &str) -> Step {
        let code = seen.code.unwrap_or_default();
        let tone = match code {
            0..=199 => Tone::Plain,
            200..=299 => Tone::Good,
            // A challenge is a question.
            401 | 407 => Tone::Plain,
            _ => Tone::Bad,
        };
        let mut notes = Vec::new();
        for name in [&b"Warning"[..], b"Reason", b"Refer-Sub"] {
            let value = seen.named(name);
            if !value.is_empty() {
                notes.push(format!("{}: {}", String::from_utf8_lossy(name), piece(value)));
            }
        }
        let label = format!("{code} {}{of}", phrase(code, seen.reason));
        self.step(seen, at, tone, label.into_bytes(), notes)
    }

    fn invite_answer(&mut self, seen: &Seen<'_>, at: At) {
        let code = seen.code.unwrap_or_default();
        if code == 100 {
            return;
        }
        let step = self.answer_step(seen, at, "");
        self.remember(seen, step);
        let id = String::from_utf8_lossy(seen.call_id).into_owned();
        let tag = piece(seen.to_tag);
        let Some(call) = self.calls.get_mut(&id) else { return };
        if call.callee.tag.is_empty() && !tag.is_empty() {
            call.callee.tag = tag;
        }
        match code {
            200..=299 => call.state = State::Confirmed,
            // A re-INVITE that fails leaves the call as it is.
            300.. if call.state == State::Early && !matches!(code, 401 | 407) => {
                call.state = State::Ended;
                call.ended_us = at.at_us;
            }
            _ => {}
        }
        if code < 200 {
            return;
        }
        for number in call.stories.clone() {
            let Some(open) = self.open.get_mut(&number) else { continue };
            let told = answer(seen, at);
            if open.kind == Kind::Takeover && *open.call_id == *id {
                if open.answer.as_ref().is_none_or(|it| it.code >= 300) {
                    open.answer = Some(told);
                    open.is_ended = true;
                    open.ended_us = at.at_us;
                }
            } else if let Some(triggered) = open.triggered.as_mut().filter(|it| *it.call_id == *id)
            {
                if triggered.answer.is_none() && !matches!(code, 401 | 407) {
                    triggered.answer = Some(told);
                }
            }
        }
    }

    fn end(&mut self, seen: &Seen<'_>, at: At) {
        let step = self.step(seen, at, Tone::Plain, seen.method.to_vec(), Vec::new());
        self.remember(seen, step);
        let id = String::from_utf8_lossy(seen.call_id).into_owned();
        let tag = piece(seen.from_tag);
        let Some(call) = self.calls.get_mut(&id) else { return };
        if seen.method == b"BYE" {
            call.state = State::Ended;
            call.ended_us = call.ended_us.or(at.at_us);
        }
        for number in call.stories.clone() {
            let Some(open) = self.open.get_mut(&number) else { continue };
            if seen.method == b"CANCEL" {
                if let Some(triggered) = open.triggered.as_mut().filter(|it| *it.call_id == *id) {
                    triggered.cancelled = true;
                }
            } else if *open.call_id == *id && open.kind != Kind::Takeover && open.bye.is_none() {
                let by_transferor = open.tag == tag;
                let after_end = open.is_ended;
                open.bye = Some(Bye { by_transferor, after_end });
            }
        }
    }

    /// Those whose end is long ago.
    fn close_old(&mut self, now: Option<u64>) {
        let Some(now) = now.filter(|now| *now >= self.look_us) else { return };
        self.look_us = now.saturating_add(LOOK_US);
        let is_old = |open: &&Open| {
            open.is_ended && open.ended_us.is_some_and(|then| now > then.saturating_add(AFTER_US))
        };
        let old: Vec<usize> = self.open.values().filter(is_old).map(|it| it.number).collect();
        for number in old {
            self.close(number, false);
        }
    }

    fn close(&mut self, number: usize, at_end: bool) {
        let Some(open) = self.open.remove(&number) else { return };
        for id in &open.calls {
            if let Some(call) = self.calls.get_mut(id) {
                call.stories.retain(|it| *it != number);
            }
        }
        let is_told = self.stories.len() < self.limits.stories;
        let story = judge::told(open, &self.places, &self.profiles, at_end);
        *self.outcomes.entry(Outcome::name(story.outcome)).or_default() += 1;
        if is_told {
            self.stories.push(story);
        }
    }
}

/// What there is to say of a capture as a whole.
#[derive(Debug)]
pub struct Summary {
    pub messages: u64,
    pub calls: u64,
    pub transfers: u64,
    pub malformed: u64,
    pub first_malformed: Option<String>,
    pub outcomes: BTreeMap<&'static str, u64>,
}

#[derive(Clone, Copy)]
struct At {
    at_us: Option<u64>,
    from: usize,
    to: usize,
    transport: &'static str,
}

/// As headers and JSON have it; a log may say anything.
fn transport(said: &str) -> &'static str {
    let known = ["UDP", "TCP", "TLS", "WSS", "WS"];
    known.into_iter().find(|it| said.eq_ignore_ascii_case(it)).unwrap_or("other")
}

fn triple(replaces: &Replaces<'_>) -> Triple {
    Triple {
        call_id: String::from_utf8_lossy(replaces.call_id).into_owned(),
        to_tag: piece(replaces.to_tag),
        from_tag: piece(replaces.from_tag),
    }
}

fn phrase(code: u16, reason: &[u8]) -> String {
    if reason.trim_ascii().is_empty() {
        reason_phrase(code).to_owned()
    } else {
        piece(reason)
    }
}

fn answer(seen: &Seen<'_>, at: At) -> Answer {
    let code = seen.code.unwrap_or_default();
    let mut warning = piece(seen.named(b"Warning"));
    if warning.is_empty() {
        warning = piece(seen.named(b"Reason"));
    }
    Answer { code, reason: phrase(code, seen.reason), warning, place: at.from }
}
