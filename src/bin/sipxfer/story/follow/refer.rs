//! REFER, its answers, and its NOTIFYs.

use super::super::open::{Notify, Open, NOTIFIES};
use super::super::seen::{piece, Seen};
use super::super::{habits, Kind, Tone};
use super::{answer, phrase, triple, At, Tracker};
use sipxfer::sip::{Name, ReferTo, Scratch, State};

impl Tracker {
    pub(super) fn refer(&mut self, seen: &Seen<'_>, at: At) {
        let value = piece(seen.value(Name::ReferTo));
        let mut notes = vec![format!("Refer-To: {value}")];
        let referred_by = seen.value(Name::ReferredBy);
        if !referred_by.is_empty() {
            notes.push(format!("Referred-By: {}", piece(referred_by)));
        }
        let step = self.step(seen, at, Tone::Transfer, b"REFER".to_vec(), notes);
        self.remember(seen, step);
        self.places.is_user(at.from, seen.user(Name::From));
        let id = String::from_utf8_lossy(seen.call_id).into_owned();
        let tag = piece(seen.from_tag);
        let same = |open: &&mut Open| {
            *open.call_id == *id
                && open.kind != Kind::Takeover
                && open.tag == tag
                && (open.cseqs.contains(&seen.cseq)
                    || open.answer.as_ref().is_some_and(|it| matches!(it.code, 401 | 407))
                        && open.value == value)
        };
        if let Some(open) = self.open.values_mut().rev().find(same) {
            // Over one more hop, sent again, or with credentials.
            if !open.cseqs.contains(&seen.cseq) && open.cseqs.len() < 16 {
                open.cseqs.push(seen.cseq);
                open.answer = None;
                open.is_ended = false;
            }
            return;
        }
        let Some(number) = self.begin(Kind::Blind, seen, at, value) else { return };
        let earlier = self.calls.get_mut(&id).map_or(0, |call| call.count_refer(seen.cseq, &tag));
        self.attach(number, &id);
        let Some(open) = self.open.get_mut(&number) else { return };
        open.earlier = earlier;
        open.no_subscription = false;
        habits::refer(open, seen, &self.profiles);
        let mut room = vec![0; seen.message.raw().len() * 2 + 64];
        let mut scratch = Scratch::new(&mut room);
        let value = seen.message.first(Name::ReferTo);
        let value = value.and_then(|it| it.unfolded(&mut scratch).ok()).unwrap_or_default();
        let Ok(refer_to) = ReferTo::parse(value) else { return };
        open.target_user = refer_to.uri.user_without_options().map(piece).unwrap_or_default();
        if refer_to.method.is_some_and(|method| !method.eq_ignore_ascii_case(b"INVITE")) {
            open.kind = Kind::Other;
        }
        let Ok(Some(replaces)) = refer_to.replaces(&mut scratch) else { return };
        let found = triple(&replaces);
        open.kind = Kind::Attended;
        habits::asked(open, &found, &self.calls, &self.places, at.at_us);
        open.replaces = Some(found.clone());
        self.attach(number, &found.call_id);
    }

    fn of_refer(&mut self, seen: &Seen<'_>) -> Option<&mut Open> {
        let is = |open: &&mut Open| {
            open.kind != Kind::Takeover
                && open.call_id.as_bytes() == seen.call_id
                && open.cseqs.contains(&seen.cseq)
                && open.tag.as_bytes() == seen.from_tag
        };
        self.open.values_mut().rev().find(is)
    }

    pub(super) fn refer_answer(&mut self, seen: &Seen<'_>, at: At) {
        let code = seen.code.unwrap_or_default();
        let step = self.answer_step(seen, at, " (REFER)");
        self.remember(seen, step);
        let told = answer(seen, at);
        let quiet = seen.no_subscription();
        let Some(open) = self.of_refer(seen) else { return };
        if code < 200 {
            return;
        }
        // The hop next to the sender answers last, and with the same code.
        if code < 300 {
            open.no_subscription = quiet;
        } else {
            open.is_ended = true;
            open.ended_us = at.at_us;
        }
        open.answer = Some(told);
    }

    pub(super) fn notify(&mut self, seen: &Seen<'_>, at: At) {
        let Some(event) = seen.event().filter(|it| it.is_refer()) else { return };
        let told = seen.told();
        let ends = seen.subscription().is_some_and(|it| it.state == State::Terminated);
        let id = event.id.and_then(|id| std::str::from_utf8(id).ok()?.parse::<u32>().ok());
        let mut notes = Vec::new();
        if let Some(id) = event.id {
            notes.push(format!("Event: refer;id={}", piece(id)));
        }
        notes.push(format!("Subscription-State: {}", piece(seen.value(Name::SubscriptionState))));
        let (label, tone) = match told {
            Some((code, reason)) => {
                let tone = match code {
                    0..=199 => Tone::Transfer,
                    200..=299 => Tone::Good,
                    _ => Tone::Bad,
                };
                (format!("NOTIFY {code} {}", phrase(code, reason)), tone)
            }
            None => ("NOTIFY".to_owned(), Tone::Transfer),
        };
        let step = self.step(seen, at, tone, label.into_bytes(), notes);
        self.remember(seen, step);
        let call_id = seen.call_id;
        let to_tag = piece(seen.to_tag);
        let is = |open: &&mut Open| {
            open.kind != Kind::Takeover
                && open.call_id.as_bytes() == call_id
                && open.tag == to_tag
                && id.is_none_or(|id| open.cseqs.contains(&id))
        };
        let open = match self.open.values_mut().filter(|it| !it.is_ended).find(is) {
            None => self.open.values_mut().rev().find(is),
            found => found,
        };
        let Some(open) = open else { return };
        // One more hop, or sent again.
        if open.notifies.iter().any(|it| it.cseq == seen.cseq) || open.notifies.len() >= NOTIFIES {
            return;
        }
        let notify = Notify {
            at_us: at.at_us,
            cseq: seen.cseq,
            code: told.map(|it| it.0),
            reason: told.map(|(code, reason)| phrase(code, reason)).unwrap_or_default(),
            ends,
            from: at.from,
        };
        habits::notify(open, seen, &notify);
        if ends || notify.code.is_some_and(|code| code >= 200) {
            open.is_ended = true;
            open.ended_us = at.at_us;
        }
        open.notifies.push(notify);
    }

    pub(super) fn notify_answer(&mut self, seen: &Seen<'_>, at: At) {
        if seen.code.is_none_or(|code| code < 300) {
            return;
        }
        let step = self.answer_step(seen, at, " (NOTIFY)");
        self.remember(seen, step);
        let is = |open: &&mut Open| {
            open.call_id.as_bytes() == seen.call_id
                && open.notifies.iter().any(|it| it.cseq == seen.cseq)
        };
        if let Some(open) = self.open.values_mut().find(is) {
            habits::refused_notify(open, seen);
        }
    }
}
