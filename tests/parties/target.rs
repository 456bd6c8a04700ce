//! What the target does, and what must hold in the end.

use super::super::common_rules::callbacks::Dialog;
use super::super::common_rules::known;
use super::super::common_rules::sending::Told;
use super::super::common_rules::takeovers::{Step, NEW, OLD};
use super::{Event, Run, Transaction, What, TIMES, UP};
use sipxfer::ffi::*;

impl Run {
    // ---- the target ----

    pub(super) fn invite_arrives(&mut self, number: usize, text: &str) {
        let is_known = self.all[number].there != 0 || self.all[number].answer.is_some();
        // Its transaction layer absorbs a copy, or does not.
        if !is_known || self.random.percent(50) && !self.all[number].acknowledged {
            let lock = self.random.percent(50);
            let (got, takeover) = self.target.take_over_any(text, known("bob"), lock);
            if is_known && self.all[number].there != 0 {
                got.is(SIPXFER_VERDICT_AGAIN, 0);
                assert!([0, self.all[number].there].contains(&takeover));
            } else if takeover == 0 {
                assert!(got.code >= 300, "{got:?}");
                return self.reply(number, got.code, String::new());
            } else {
                got.is(SIPXFER_VERDICT_ACCEPT, 14);
                self.all[number].there = takeover;
                self.takeovers.insert(takeover, (number, None));
                self.take_steps(takeover);
            }
        }
        if let Some((code, text)) = self.all[number].answer.clone() {
            self.reply(number, code, text);
        }
    }

    /// The one final answer to the INVITE of a takeover goes out.
    pub(super) fn answer_invite(&mut self, takeover: u64, code: u32) {
        let (number, _) = self.takeovers[&takeover];
        if self.all[number].answer.is_some() {
            return;
        }
        self.all[number].answer = Some((code, String::new()));
        for at in TIMES {
            self.after(at, Event::Repeat(number));
        }
        if code == 200 {
            self.new.get_mut(&number).unwrap().1 = true;
            self.target.answered(takeover);
        } else {
            self.target.not_answered(takeover, code);
        }
    }

    pub(super) fn repeat(&mut self, number: usize) {
        let transaction = &self.all[number];
        let (code, _) = transaction.answer.clone().unwrap();
        let refused = code != 200 && transaction.over;
        if !transaction.acknowledged && !refused {
            self.transmit(Event::Answered(number, code));
        }
    }

    pub(super) fn take_steps(&mut self, takeover: u64) {
        while let Some((takeover, step)) = self.target.next_step(takeover) {
            let (number, outcome) = self.takeovers[&takeover];
            assert_eq!(outcome, None, "an output after the outcome: {step:?}");
            match step {
                Step::Answer(200) if self.all[number].answer.is_none() => {
                    self.the_dialogs_are_found(takeover, number);
                    // Some have no common media, some say nothing.
                    let code = self.random.pick(&[200, 200, 200, 200, 200, 488, 0]);
                    let late = self.random.below(800);
                    if code != 0 {
                        self.after(late, Event::Answer(takeover, code));
                    }
                }
                Step::Answer(200) => {}
                Step::Answer(code) => self.answer_invite(takeover, code),
                Step::TakeOver => {
                    assert!(self.new[&number].1, "what was not answered takes nothing over");
                }
                Step::Bye => {
                    assert!(self.consultation.1);
                    self.consultation.1 = false;
                    self.target_forgets();
                    self.begin(What::ByeConsultation(takeover), String::new());
                }
                Step::EndNew => {
                    self.new.get_mut(&number).unwrap().1 = false;
                    self.begin(What::ByeNew(takeover, number), String::new());
                }
                Step::LeaveOld => assert!(self.consultation.1),
                Step::Cancel | Step::Reject | Step::Ack => panic!("{step:?} in a confirmed call"),
                Step::Finished(code) => {
                    self.takeovers.insert(takeover, (number, Some(code)));
                }
            }
        }
    }

    pub(super) fn the_dialogs_are_found(&self, takeover: u64, number: usize) {
        let consultation = Dialog::of("alice", "consult@pbx", "target", "pbx");
        assert_eq!(self.target.find_takeover(&consultation), Some((takeover, OLD)));
        assert_eq!(self.target.reinvite(&consultation), 491);
        let new = Dialog::of("bob", &format!("new-{number}@b"), "c-to-b", "b-to-c");
        assert_eq!(self.target.find_takeover(&new), Some((takeover, NEW)));
    }

    pub(super) fn target_forgets(&mut self) {
        if let Some(object) = self.consultation_object.take() {
            self.target.end(object);
        }
    }

    /// The transferor has hung it up.
    pub(super) fn consultation_ends(&mut self) {
        self.consultation.1 = false;
        self.target_forgets();
        let consultation = Dialog::of("alice", "consult@pbx", "target", "pbx");
        if let Some((takeover, OLD)) = self.target.find_takeover(&consultation) {
            self.target.old_ended(takeover);
            self.take_steps(takeover);
        }
    }

    // ---- what must hold ----

    /// However bad the network is.
    pub fn check(&self) {
        assert!(self.received.values().all(Option::is_some), "a transfer without outcome");
        let taken = self.takeovers.values().map(|(_, code)| code.unwrap());
        let successes = taken.filter(|code| *code == 200).count();
        assert!(successes <= 1, "one dialog was taken over twice");
        let outcome = self.outcome.as_ref().unwrap();
        let engines = [&self.transferor, &self.transferee, &self.target];
        assert!(engines.iter().all(|it| it.count() + it.takeovers() == 0));
        // Nobody is told of a success that there was not.
        if matches!(outcome, Told::Success(_)) {
            assert!(self.received.values().any(|code| *code == Some(200)));
        } else {
            assert!(self.original.0, "the transferor has hung up without a success");
        }
        // The target ends a call only for another one that it is in, or was told the end of.
        if successes == 0 && !self.left {
            assert_eq!(self.consultation, UP, "a takeover that failed has cost a call");
        }
        if successes == 0 && self.new.values().any(|call| call.1) {
            panic!("a new call that took nobody's place");
        }
        if self.wait_for_ack && successes == 1 {
            // Its ACK says that the transferee is in it, or has been before it ended it.
            let seen = |it: &Transaction| it.acknowledged && it.over;
            assert!(self.all.iter().any(seen), "the target waits for nobody");
        }
    }

    /// Where every transaction gets through.
    pub fn check_calls(&self) {
        let success = self.takeovers.values().any(|(_, code)| *code == Some(200));
        let told = matches!(self.outcome, Some(Told::Success(_)));
        let both = self.new.values().filter(|call| **call == UP).count();
        let half = self.new.values().filter(|call| call.0 != call.1).count();
        assert_eq!((told, both, half), (success, usize::from(success), 0));
        assert_eq!(self.consultation == UP, !success && !self.left);
        assert_eq!(self.consultation.0, self.consultation.1);
        assert_eq!(self.original == UP, !success, "{:?}", self.original);
    }
}
