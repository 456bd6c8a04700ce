//! Many threads want to take the same dialogs over at once: each dialog is had by one of them, and an
//! INVITE that comes twice begins one takeover, whoever is quicker.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use sipxfer::config::Config;
use sipxfer::dialog::{Facts, HashKey, Initiator, Key, State, Table, Usage};
use sipxfer::engine::{Engine, Received, WantedCall};
use sipxfer::sip::Scratch;
use sipxfer::transfer::park::{Call, Place};
use sipxfer::transfer::takeover::{Outcome, Output, Takeover};
use sipxfer::transfer::{Answer, Host, Kind, Sender};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Barrier;
use std::thread;

struct Dialplan;

impl<D> Host<D> for Dialplan {
    fn extension_exists(&self, _: &[u8], _: &[u8]) -> Answer {
        Answer::Yes
    }
}

const THREADS: usize = 8;
const ROUNDS: usize = 150;

struct World {
    engine: Engine,
    table: Table<()>,
}

impl World {
    fn new() -> World {
        let random = [7; 16];
        let engine = Engine::new(random, 1);
        let mut config = Config::new();
        config.set("", "replaces.authorize", "any").unwrap();
        engine.apply(config.snapshot());
        World { engine, table: Table::new(HashKey::new(random), 2) }
    }

    fn dialog(&self, call_id: &str) -> u64 {
        let key = Key { call_id: call_id.as_bytes(), local_tag: b"L", remote_tag: b"R" };
        let facts = Facts {
            key,
            user: b"bob",
            endpoint: b"bob",
            state: State::Confirmed,
            initiator: Initiator::Remote,
            usage: Usage::Invite,
            secure: false,
        };
        self.table.add(facts, ()).unwrap()
    }

    /// The kind and code of the verdict on an INVITE of this Call-ID, and the takeover.
    fn receive(&self, call_id: &str, old: &str, lock: bool) -> (Kind, u16, u64) {
        let message = format!(
            "INVITE sip:a@h SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nMax-Forwards: 70\r\n\
             From: <sip:b@h>;tag=f\r\nTo: <sip:a@h>\r\nCall-ID: {call_id}\r\nCSeq: 1 INVITE\r\n\
             Replaces: {old};to-tag=L;from-tag=R\r\n\r\n"
        );
        let mut room = vec![0; 16_384];
        let mut scratch = Scratch::new(&mut room);
        let sender = Sender { endpoint: b"carol", user: b"carol", ..Sender::default() };
        let received = Received { raw: message.as_bytes(), sender, now_ms: 5 };
        let World { engine, table } = self;
        let (verdict, id) =
            engine.receive_replaces(table, &Dialplan, received, lock, &mut scratch).unwrap();
        (verdict.kind, verdict.code, id)
    }

    fn steps(&self, id: u64) -> Vec<Output> {
        let next = || self.engine.next_of_takeover(id, |_, output| Ok::<_, ()>(output));
        std::iter::from_fn(next).map(Result::unwrap).collect()
    }
}

/// Runs `act` in all threads at once.
fn at_once(act: impl Fn(usize) + Sync) {
    let start = Barrier::new(THREADS);
    thread::scope(|scope| {
        for number in 0..THREADS {
            let (start, act) = (&start, &act);
            scope.spawn(move || {
                start.wait();
                act(number);
            });
        }
    });
}

#[test]
fn race_of_many_replaces_for_one_dialog_has_one_winner() {
    let world = World::new();
    let refused = AtomicUsize::new(0);
    for round in 0..ROUNDS {
        let old = format!("old-{round}");
        let dialog = world.dialog(&old);
        let won = AtomicUsize::new(0);
        at_once(|number| {
            let call_id = format!("new-{round}-{number}");
            match world.receive(&call_id, &old, number % 2 == 0) {
                (Kind::Accept, 200, id) => {
                    // Nobody else has it as long as it is under way.
                    assert_eq!(won.fetch_add(1, Ordering::SeqCst), 0);
                    let takeovers = world.engine.takeovers();
                    takeovers.input(id, 5, Takeover::answered).unwrap();
                    world.table.remove(dialog).unwrap();
                    takeovers.input(id, 5, Takeover::old_ended).unwrap();
                    let steps = world.steps(id);
                    assert_eq!(steps.last(), Some(&Output::Finished(Outcome::Success)));
                }
                (Kind::Reject, 603, 0) => {
                    refused.fetch_add(1, Ordering::SeqCst);
                }
                // It was looked up behind its end and before that was known as one.
                (Kind::Reject, 481, 0) => {}
                other => panic!("{other:?}"),
            }
        });
        assert_eq!(won.into_inner(), 1);
    }
    assert!(refused.into_inner() > ROUNDS, "nobody has met anybody");
    assert!(world.engine.takeovers().is_empty());
    assert_eq!(world.engine.deadline(), None);
}

#[test]
fn race_of_copies_of_one_invite_begins_one_takeover() {
    let world = World::new();
    for round in 0..ROUNDS {
        let old = format!("old-{round}");
        world.dialog(&old);
        let begun = AtomicUsize::new(0);
        at_once(|_| match world.receive(&format!("new-{round}"), &old, false) {
            (Kind::Accept, 200, id) => {
                assert_ne!(id, 0);
                begun.fetch_add(1, Ordering::SeqCst);
            }
            (Kind::Again, 0, _) => {}
            other => panic!("{other:?}"),
        });
        assert_eq!(begun.into_inner(), 1);
    }
    assert_eq!(world.engine.takeovers().len(), ROUNDS);
    world.engine.tick(40_000);
    let failed = world.steps(0);
    assert_eq!(failed.len(), 4 * ROUNDS);
    assert!(world.engine.takeovers().is_empty());
}

/// A retrieval ends no dialog: what was parked and taken out can be parked and taken out again.
#[test]
fn r096_a_parked_call_that_was_taken_out_can_be_had_again() {
    let world = World::new();
    let mut config = Config::new();
    config.set("", "park.open", "yes").unwrap();
    world.engine.apply(config.snapshot());
    world.dialog("waits");
    let call = Call {
        key: Key { call_id: b"waits", local_tag: b"L", remote_tag: b"R" },
        parker: b"bob",
        party: b"",
        handle: 7,
    };
    for retrieval in ["first", "second"] {
        let parked = world.engine.park().park(&call, Place::Number(701), 5, |_| Ok::<_, ()>(()));
        assert_eq!(parked, Ok(Ok(())));
        let (kind, code, id) = world.receive(retrieval, "waits", false);
        assert_eq!((kind, code), (Kind::Accept, 200), "{retrieval}");
        assert_eq!(world.steps(id), [Output::AnswerNew { code: 200 }]);
        world.engine.takeovers().input(id, 5, Takeover::answered).unwrap();
        let finished = Output::Finished(Outcome::Success);
        assert_eq!(world.steps(id), [Output::TakeOver, finished], "nothing ends the old call");
        let wanted = WantedCall::Dialog(call.key);
        let claimed = world.engine.park().claim(&wanted, 5, |claim, _| Ok::<_, ()>(claim));
        world.engine.park().retrieved(claimed.unwrap().unwrap(), 5).unwrap();
    }
    // And then it is a call like any other, which a takeover ends.
    let mut config = Config::new();
    config.set("", "replaces.authorize", "any").unwrap();
    world.engine.apply(config.snapshot());
    let (kind, _, id) = world.receive("third", "waits", false);
    assert_eq!(kind, Kind::Accept);
    world.steps(id);
    world.engine.takeovers().input(id, 5, Takeover::answered).unwrap();
    world.engine.takeovers().input(id, 5, Takeover::old_ended).unwrap();
    world.steps(id);
    assert_eq!(world.receive("fourth", "waits", false).1, 603);
}
