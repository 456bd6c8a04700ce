//! Two phones whose REFERs name each other's dialogs, both carried out: nothing waits for a lock that
//! the other holds.

use super::config::UDP;
use super::counters::stat;
use super::scenario::SOON;
use super::world::{Scene, World};
use super::Module;
use crate::ua::{Call, Phone, Talk};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Two callers, two who are called.
struct Four([Phone; 4]);

fn over(call: &Call) {
    if call.is_up() {
        call.hang_up();
    }
    call.ended();
}

impl Four {
    fn talk(&self, caller: usize, callee: usize) -> Talk {
        self.0[caller].call(self.0[callee].name()).answered_by(&self.0[callee])
    }

    /// How many of both REFERs were accepted.
    fn round(&self) -> u64 {
        let (one, other) = (self.talk(0, 1), self.talk(2, 3));
        let first = one.callee.refer_to_call(&other.callee);
        let second = other.callee.refer_to_call(&one.callee);
        let mut accepted = 0;
        for refer in [&first, &second] {
            let answer = refer.request().response_within(SOON * 4).expect("a REFER is answered");
            accepted += u64::from(answer.status().is_some_and(|code| code < 300));
        }
        for call in [&one.callee, &other.callee, &one.caller, &other.caller] {
            over(call);
        }
        accepted
    }
}

/// Rounds with somebody who asks all the while whether Asterisk is there.
fn rounds(name: &str, count: u64) {
    let settings = "[general]\nreplaces.authorize=any\n";
    let world = World::start(name, Module::Sipxfer, settings);
    let scene: Scene<'_> = world.scene();
    let (done, asked) = (AtomicBool::new(false), AtomicU64::new(0));
    let onlooker = scene.phone(UDP);
    let teams: Vec<Four> = (0..4).map(|_| Four(scene.phones(UDP))).collect();
    let accepted: u64 = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::SeqCst) {
                onlooker.fence();
                asked.fetch_add(1, Ordering::SeqCst);
            }
        });
        let share = count / teams.len() as u64;
        let players: Vec<_> = teams
            .iter()
            .map(|four| scope.spawn(move || (0..share).map(|_| four.round()).sum::<u64>()))
            .collect();
        let sums: Vec<_> = players.into_iter().map(|player| player.join()).collect();
        // Also when a player has failed, so that everybody ends.
        done.store(true, Ordering::SeqCst);
        sums.into_iter().map(|sum| sum.expect("every round ends")).sum()
    });
    assert!(accepted >= count / 2, "of {count} rounds {accepted} REFERs were accepted");
    assert!(asked.load(Ordering::SeqCst) >= count / 4, "OPTIONS was answered all the while");
    assert_eq!(stat(&world.a, "REFER decided"), stat(&world.a, "REFER received"));
    assert_eq!(stat(&world.a, "Faults inside the library"), 0);
}

#[test]
fn crossed_refers_are_carried_out_and_nothing_locks_up() {
    rounds("crossed", 60);
}

#[test]
#[ignore = "a long run: make hard"]
fn a_thousand_crossed_refers_never_lock_asterisk_up() {
    rounds("thousand", 1000);
    println!("hard: asterisk-crossed 1000 0 0 0");
}
