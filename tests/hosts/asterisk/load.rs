//! Many transfers at once and one after another: none is lost, and nothing is left behind.

use super::config::UDP;
use super::counters::stat;
use super::world::{Scene, World, TRUNK};
use super::Module;
use crate::ua::call::flows;
use crate::ua::{Call, Phone};
use std::fs;
use std::time::{Duration, Instant};

/// Phones that play transfers again and again.
struct Trio {
    alice: Phone,
    bob: Phone,
    carol: Phone,
}

/// The end of a call, on both of its sides.
fn end(one: &Call, other: &Call) {
    if one.is_up() {
        one.hang_up().status();
    }
    other.ended();
}

impl Trio {
    fn new(scene: &Scene<'_>) -> Trio {
        let [alice, bob, carol] = scene.phones(UDP);
        Trio { alice, bob, carol }
    }

    fn blind(&self) {
        let talk = self.alice.call(self.bob.name()).answered_by(&self.bob);
        talk.flows();
        let refer = talk.callee.refer_to_user(self.carol.name()).accepted();
        let third = self.carol.incoming();
        third.answer();
        third.until_acked();
        assert_eq!(refer.outcome().code(), 200);
        flows(&talk.caller, &third);
        talk.callee.hang_up().status();
        end(&talk.caller, &third);
    }

    fn attended(&self) {
        let talk = self.alice.call(self.bob.name()).answered_by(&self.bob);
        let second = self.bob.call(self.carol.name()).answered_by(&self.carol);
        talk.flows();
        second.flows();
        let refer = talk.callee.refer_to_call(&second.caller).accepted();
        assert_eq!(refer.outcome().code(), 200);
        flows(&talk.caller, &second.callee);
        if talk.callee.is_up() {
            talk.callee.hang_up().status();
        }
        second.caller.ended();
        end(&talk.caller, &second.callee);
    }

    fn refused(&self) {
        let talk = self.alice.call(self.bob.name()).answered_by(&self.bob);
        talk.flows();
        let refer = talk.callee.refer_to_user(self.carol.name()).accepted();
        self.carol.incoming().refuse(486);
        assert_eq!(refer.outcome().code(), 486);
        talk.flows();
        end(&talk.caller, &talk.callee);
    }
}

/// The memory that a process holds, in KiB.
pub fn memory(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("a running process");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    number.expect("a number of KiB")
}

#[test]
fn many_transfers_leave_nothing_behind() {
    let world = World::start("load", Module::Sipxfer, TRUNK);
    let scene = world.scene();
    let trios: Vec<Trio> = (0..6).map(|_| Trio::new(&scene)).collect();
    let pid = world.a.pid();
    let play = |rounds: usize| {
        std::thread::scope(|scope| {
            for trio in &trios {
                scope.spawn(move || {
                    for _ in 0..rounds {
                        trio.blind();
                        trio.attended();
                        trio.refused();
                    }
                });
            }
        });
        scene.phone(UDP).fence();
        memory(pid)
    };
    // A transaction is kept for half a minute after its end (RFC 3261, 64*T1): before that, all of
    // them add up with either module.
    let begin = Instant::now();
    let mut rounds = 0;
    let mut warm = 0;
    while begin.elapsed() < Duration::from_secs(40) {
        warm = play(5);
        rounds += 5;
    }
    let later = play(15);
    rounds += 15;
    assert_eq!(stat(&world.a, "Transfers under way"), 0, "{}", world.a.cli("sipxfer show stats"));
    assert_eq!(stat(&world.a, "REFER decided"), 6 * 3 * rounds);
    assert_eq!(stat(&world.a, "Faults inside the library"), 0);
    // What one transfer asks for is some hundred KiB while it lasts, and the heap breathes by more
    // than ten MiB with Asterisk's own module too.
    assert!(later < warm + 24 * 1024, "the memory grew from {warm} to {later} KiB");
}
