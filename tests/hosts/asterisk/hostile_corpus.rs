//! The hostile messages of tests/hostile, sent to a running Asterisk by a phone that it knows: it stays
//! up, the calls of others keep their voices, and its log grows by no more than some lines a second.

use super::config::{Group, UDP};
use super::corpus::{self, Hostile};
use super::counters::stat;
use super::world::{Scene, World, TRUNK};
use super::Module;
use crate::ua::{Phone, Talk};
use std::time::Instant;

/// Lines that the module lets itself write in a second, and one that counts those left out.
const LINES_A_SECOND: u64 = 21;
/// A line of the log with all that Asterisk puts before it.
const LONGEST_LINE: usize = 1_200;

/// Replaces that reach the module, each of them refused.
const READ_BY_PJSIP: [&str; 11] = [
    "invite-call-id-two-at",
    "invite-comma-for-semicolon",
    "invite-early-only-value",
    "invite-escaped",
    "invite-plain",
    "invite-tag-empty",
    "invite-tag-escaped",
    "invite-tag-of-zero",
    "invite-tag-quoted",
    "invite-tag-twice",
    "invite-tags-swapped",
];

/// The calls of one phone that sends what it likes.
struct Attacker<'s, 'w> {
    scene: &'s Scene<'w>,
    group: &'static Group,
    talk: Talk,
    sent: u32,
}

impl<'s, 'w> Attacker<'s, 'w> {
    fn new(scene: &'s Scene<'w>, group: &'static Group) -> Self {
        Attacker { scene, group, talk: begun(scene, group), sent: 0 }
    }

    fn phone(&self) -> &Phone {
        self.talk.callee.phone()
    }

    /// The message in the dialog of a call that is there, as the next request of it.
    fn fitted(&mut self, message: &Hostile) -> Vec<u8> {
        if !self.talk.callee.is_up() {
            self.talk = begun(self.scene, self.group);
        }
        self.sent += 1;
        let (call_id, local, remote) = self.talk.callee.triple();
        let own = self.phone().address().to_string();
        let cseq = format!("CSeq: {} ", 1_000 + self.sent);
        let branch = format!("{own};branch=z9hG4bKhostile{}", self.sent);
        let request_uri = self.talk.callee.target();
        let mut bytes = message.bytes.clone();
        for (from, to) in [
            ("192.0.2.7:5060;branch=z9hG4bK1", branch.as_str()),
            ("CSeq: 7 ", &cseq),
            (" sip:100@pbx.example SIP/2.0", &format!(" {request_uri} SIP/2.0")),
            (corpus::CALL_ID, &call_id),
            (corpus::LOCAL_TAG, &remote),
            (corpus::REMOTE_TAG, &local),
        ] {
            bytes = replaced(&bytes, from.as_bytes(), to.as_bytes());
        }
        bytes
    }

    fn send(&mut self, message: &Hostile) {
        let bytes = self.fitted(message);
        // What one datagram cannot hold is not sent.
        if bytes.len() < 60_000 {
            self.phone().send_raw(&bytes);
        }
        // So that no buffer of the kernel runs over: what is lost there was not tried.
        if self.sent % 8 == 0 || bytes.len() > 4_000 {
            self.phone().fence();
        }
    }
}

fn begun(scene: &Scene<'_>, group: &'static Group) -> Talk {
    let [alice, bob] = scene.phones(group);
    let talk = alice.call(bob.name()).answered_by(&bob);
    talk.callee_falls_silent();
    talk
}

fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut made = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at..].starts_with(from) {
            made.extend_from_slice(to);
            at += from.len();
        } else {
            made.push(bytes[at]);
            at += 1;
        }
    }
    made
}

/// What the module has written since the log was so long.
fn written_since(world: &World, before: usize) -> Vec<String> {
    let console = world.a.console();
    let new = console.get(before..).unwrap_or_default();
    new.lines().filter(|line| line.contains(" sipxfer: ")).map(str::to_owned).collect()
}

/// No more lines than the time allows, and none that is long.
fn assert_short(lines: &[String], began: Instant) {
    let most = (began.elapsed().as_secs() + 2) * LINES_A_SECOND;
    let count = lines.len() as u64;
    assert!(count <= most, "{count} lines in {:?}: {:#?}", began.elapsed(), &lines[..20]);
    let longest = lines.iter().map(String::len).max().unwrap_or(0);
    assert!(longest < LONGEST_LINE, "a line of {longest} bytes");
}

#[test]
fn an_asterisk_lives_through_every_hostile_message() {
    let world = World::start("hostile", Module::Sipxfer, TRUNK);
    let scene = world.scene();
    let [carol, dave] = scene.phones(UDP);
    let quiet = carol.call(dave.name()).answered_by(&dave);
    quiet.flows();
    let before = world.a.console().len();
    let (began, first_pid) = (Instant::now(), world.a.pid());
    let mut attacker = Attacker::new(&scene, UDP);
    let carried = corpus::breaks_in_headers();
    let all = [corpus::files(), corpus::recipes(30_000)].concat();
    for message in all.iter().chain(carried.iter().map(|(message, _)| message)) {
        attacker.send(message);
    }
    // In an INVITE of its own, which goes through authentication: those that pjsip lets through to
    // the module. It gives no answer at all to a Replaces that it cannot read.
    let uri = scene.server(UDP, &world.a).uri("echo");
    for message in all.iter().filter(|it| READ_BY_PJSIP.contains(&it.name.as_str())) {
        let text = String::from_utf8_lossy(&message.bytes);
        let value = text.split("\r\n").find_map(|line| line.strip_prefix("Replaces: "));
        let lines = [("Replaces", value.expect("a Replaces on one line"))];
        let code = attacker.phone().call_with(&uri, &lines).outcome();
        assert!(code.is_err_and(|code| (400..500).contains(&code)), "{}: {code:?}", message.name);
    }
    attacker.phone().fence();
    assert!(!world.a.is_gone() && world.a.pid() == first_pid);
    quiet.flows();
    // What pjsip's own parser drops does not come so far.
    let reached = stat(&world.a, "REFER received");
    assert!(reached >= 100, "{}", world.a.cli("sipxfer show stats"));
    assert_eq!(reached, stat(&world.a, "REFER decided"));
    assert_eq!(stat(&world.a, "Faults inside the library"), 0);
    assert_short(&written_since(&world, before), began);
    // And one that is right is still carried out.
    let [alice, bob, erin] = scene.phones(UDP);
    let talk = alice.call(bob.name()).answered_by(&bob);
    talk.flows();
    let refer = talk.callee.refer_to_user(erin.name()).accepted();
    erin.incoming().answer();
    assert_eq!(refer.outcome().code(), 200);
    quiet.flows();
}

#[test]
fn refusals_by_the_thousand_fill_no_log() {
    let world = World::start("flooded", Module::Sipxfer, TRUNK);
    let scene = world.scene();
    let [carol, dave] = scene.phones(UDP);
    let quiet = carol.call(dave.name()).answered_by(&dave);
    quiet.flows();
    let mut attacker = Attacker::new(&scene, UDP);
    let files = corpus::files();
    let refused = files.iter().find(|it| it.name == "break-in-user").expect("it is there");
    let (before, began) = (world.a.console().len(), Instant::now());
    let received = stat(&world.a, "REFER received");
    for _ in 0..2_000 {
        attacker.send(refused);
    }
    attacker.phone().fence();
    let decided = stat(&world.a, "REFER received") - received;
    assert!(decided > 1_500, "{decided} REFERs have arrived");
    let lines = written_since(&world, before);
    assert!(!lines.is_empty(), "nothing is written at all");
    assert_short(&lines, began);
    quiet.flows();
}
