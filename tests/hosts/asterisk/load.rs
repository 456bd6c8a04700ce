//! Many transfers at once and one after another: none is lost, and nothing is left behind.

use super::config::UDP;
use super::counters::stat;
use super::world::{Scene, World, TRUNK};
use super::Module;
use crate::ua::call::flows;
use crate::ua::{Call, Phone, Relay, Weather};
use std::fs;
use std::net::SocketAddr;
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
    // A transaction is kept for 64*T1 after its end. With the usual T1 what the transactions of half a
    // minute take is most of the memory, and goes up and down with the pace.
    let timer_t1 = 200;
    let world = World::start_forgetful("load", Module::Sipxfer, TRUNK, timer_t1);
    let scene = world.scene();
    let trios: Vec<Trio> = (0..6).map(|_| Trio::new(&scene)).collect();
    let pid = world.a.pid();
    let play = |rounds: u64| {
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
    // The memory goes up and down with the pace, and some MiB without it, with Asterisk's own module too.
    // What was left behind would only grow: so it is enough that after some hundred transfers it has once
    // been as small as before them.
    let mut held = Vec::new();
    let is_flat = loop {
        held.push(play(5));
        if let [.., before, _, _, _, now] = held[..] {
            if now < before + 2 * 1024 {
                break true;
            }
        }
        if held.len() == 20 {
            break false;
        }
    };
    let rounds = 5 * held.len() as u64;
    assert_eq!(stat(&world.a, "Transfers under way"), 0, "{}", world.a.cli("sipxfer show stats"));
    assert_eq!(stat(&world.a, "REFER decided"), 6 * 3 * rounds);
    assert_eq!(stat(&world.a, "Faults inside the library"), 0);
    assert!(is_flat, "the memory grows and grows: {held:?} KiB");
}

/// A phone on the other side of a bad network.
fn far_away(scene: &Scene<'_>) -> (Phone, Relay) {
    let delay = Duration::from_millis(150);
    let weather = Weather { lost: 50, twice: 50, late: 200, delay };
    let mut setup = scene.setup(UDP, &scene.world.a);
    let at = |port| SocketAddr::new(setup.local.ip(), port);
    let (inner, outer, local) = (at(5070), setup.local, at(5080));
    let relay = Relay::new([inner, outer], local, setup.server.address, weather);
    setup.seen_at = Some(outer);
    setup.server.address = inner;
    setup.local = local;
    let phone = Phone::new(setup);
    phone.insists();
    (phone, relay)
}

/// Carol's phone dies in the middle of her call with Bob; the transfer to her is carried out all the
/// same, since Asterisk cannot know yet, and ends when Alice hangs up.
fn to_one_who_dies(scene: &Scene<'_>) -> u64 {
    let [alice, bob] = scene.phones(UDP);
    let (carol, relay) = far_away(scene);
    let talk = alice.call(bob.name()).answered_by(&bob);
    let second = bob.call(carol.name()).answered_by(&carol);
    second.callee.until_acked();
    relay.cut();
    let refer = talk.callee.refer_to_call(&second.caller).accepted();
    assert_eq!(refer.outcome().code(), 200);
    if talk.callee.is_up() {
        talk.callee.hang_up().status();
    }
    second.caller.ended();
    talk.caller.hang_up().status();
    relay.faults()
}

/// Packets are lost, doubled and late, and phones die: every transfer has its outcome, and nothing is
/// left. `SOAK_REAL_SECONDS` is for how long.
#[test]
fn soak_on_a_bad_network() {
    let seconds = std::env::var("SOAK_REAL_SECONDS").map_or(15, |it| it.parse().expect("seconds"));
    let world = World::start("soak", Module::Sipxfer, TRUNK);
    let scene = world.scene();
    let (trios, relays): (Vec<Trio>, Vec<[Relay; 3]>) = (0..4)
        .map(|_| {
            let [(alice, one), (bob, two), (carol, three)] =
                std::array::from_fn(|_| far_away(&scene));
            (Trio { alice, bob, carol }, [one, two, three])
        })
        .unzip();
    let until = Instant::now() + Duration::from_secs(seconds);
    let mut rounds = 0;
    while rounds == 0 || Instant::now() < until {
        std::thread::scope(|scope| {
            for trio in &trios {
                scope.spawn(move || {
                    trio.blind();
                    trio.attended();
                    trio.refused();
                });
            }
        });
        rounds += 1;
    }
    let mut faults: u64 = relays.iter().flatten().map(Relay::faults).sum();
    let deaths = 3;
    for _ in 0..deaths {
        faults += to_one_who_dies(&scene) + 1;
    }
    let cases = trios.len() as u64 * 3 * rounds + deaths;
    assert!(faults > cases / 2, "the weather was fair: {faults} faults in {cases} transfers");
    assert_eq!(stat(&world.a, "Transfers under way"), 0, "{}", world.a.cli("sipxfer show stats"));
    assert_eq!(stat(&world.a, "REFER decided"), cases);
    assert_eq!(stat(&world.a, "Faults inside the library"), 0);
    println!("hard: soak-asterisk {cases} {faults} 0 0");
}
