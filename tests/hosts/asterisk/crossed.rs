//! Two phones whose REFERs or INVITEs with Replaces name each other's dialogs, both carried out:
//! nothing waits for a lock that the other holds.

use super::config::UDP;
use super::counters::stat;
use super::world::{Scene, World};
use super::{Module, Under};
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
    fn refers(&self) -> u64 {
        let (one, other) = (self.talk(0, 1), self.talk(2, 3));
        let first = one.callee.refer_to_call(&other.callee);
        let second = other.callee.refer_to_call(&one.callee);
        let mut accepted = 0;
        for refer in [&first, &second] {
            accepted += u64::from(refer.request().status() < 300);
        }
        for call in [&one.callee, &other.callee, &one.caller, &other.caller] {
            over(call);
        }
        accepted
    }

    /// How many of both INVITEs with Replaces were accepted.
    fn invites(&self) -> u64 {
        let (one, other) = (self.talk(0, 1), self.talk(2, 3));
        let take = |who: &Phone, call: &Call| {
            let uri = who.0.setup.server.uri(who.name());
            who.call_with(&uri, &[("Replaces", &call.replaces())])
        };
        let first = take(one.callee.phone(), &other.callee);
        let second = take(other.callee.phone(), &one.callee);
        let mut accepted = 0;
        for new in [&first, &second] {
            accepted += u64::from(new.outcome().is_ok());
        }
        for call in [&first, &second, &one.callee, &other.callee, &one.caller, &other.caller] {
            over(call);
        }
        accepted
    }
}

/// Rounds with somebody who asks all the while whether Asterisk is there.
fn rounds(under: Under, name: &str, count: u64, round: fn(&Four) -> u64) -> World {
    let settings = "[general]\nreplaces.authorize=any\n";
    let world = World::start_under(under, name, Module::Sipxfer, settings);
    world.hush();
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
            .map(|four| scope.spawn(move || (0..share).map(|_| round(four)).sum::<u64>()))
            .collect();
        let sums: Vec<_> = players.into_iter().map(|player| player.join()).collect();
        // Also when a player has failed, so that everybody ends.
        done.store(true, Ordering::SeqCst);
        sums.into_iter().map(|sum| sum.expect("every round ends")).sum()
    });
    assert!(accepted >= count / 2, "of {count} rounds {accepted} requests were accepted");
    assert!(asked.load(Ordering::SeqCst) >= count / 4, "OPTIONS was answered all the while");
    for what in ["REFER", "INVITE with Replaces"] {
        let decided = stat(&world.a, &format!("{what} decided"));
        assert_eq!(decided, stat(&world.a, &format!("{what} received")), "{what}");
    }
    assert_eq!(stat(&world.a, "Faults inside the library"), 0);
    drop(scene);
    world
}

#[test]
fn crossed_refers_are_carried_out_and_nothing_locks_up() {
    rounds(Under::asked_for(), "crossed", 60, Four::refers);
}

#[test]
fn crossed_invites_with_replaces_are_carried_out_and_nothing_locks_up() {
    rounds(Under::asked_for(), "invites", 60, Four::invites);
}

#[test]
#[ignore = "a long run: make hard"]
fn a_thousand_crossed_refers_never_lock_asterisk_up() {
    rounds(Under::asked_for(), "thousand", 1000, Four::refers);
    println!("hard: asterisk-crossed 1000 0 0 0");
}

#[test]
#[ignore = "a long run: make hard"]
fn a_thousand_crossed_invites_never_lock_asterisk_up() {
    rounds(Under::asked_for(), "replaced", 1000, Four::invites);
    println!("hard: asterisk-crossed 1000 0 0 0");
}
