//! Three real `pjsua` programs around the PBX, steered by their menus; what is asserted is what their
//! relays have seen.

use super::handset::{Handset, Relay};
use super::process;
use super::ua::message::param;
use super::ua::trace::Way;
use super::ua::{Msg, Trace, PATIENCE};
use super::world::{peer, Net, Pbx};
use std::net::SocketAddr;
use std::time::Instant;

const NAMES: [&str; 4] = ["alice", "bob", "carol", "dave"];

/// A PBX, and phones that are programs, each behind a relay.
struct House {
    pbx: Pbx,
    net: Net,
    trace: Trace,
    phones: Vec<Station>,
}

struct Station {
    name: &'static str,
    handset: Handset,
    relay: Relay,
}

impl House {
    /// With these phones, each with more arguments.
    fn new(settings: &[&str], phones: &[(&'static str, &[&str])]) -> House {
        let (net, trace) = (Net::new(), Trace::default());
        let pbx = House::pbx(net, 1, settings, &[]);
        House::with(pbx, net, trace, phones, 0)
    }

    /// A PBX that knows all names, by the addresses of their relays.
    fn pbx(net: Net, host: u8, settings: &[&str], more: &[String]) -> Pbx {
        let mut arguments = Vec::new();
        for (at, name) in (100_u8..).zip(NAMES) {
            arguments.extend(peer(name, net.address(at + 10 * host)));
        }
        for setting in settings {
            arguments.extend(["--set".to_owned(), (*setting).to_owned()]);
        }
        for name in ["alice", "bob", "carol"] {
            arguments.extend(["--pickup".to_owned(), name.to_owned()]);
        }
        arguments.extend_from_slice(more);
        Pbx::start(process::programs(), net.address(host), &arguments)
    }

    fn with(
        pbx: Pbx,
        net: Net,
        trace: Trace,
        phones: &[(&'static str, &[&str])],
        shift: u8,
    ) -> House {
        let mut house = House { pbx, net, trace, phones: Vec::new() };
        for (name, arguments) in phones {
            house.add(name, arguments, shift);
        }
        house
    }

    fn add(&mut self, name: &'static str, arguments: &[&str], shift: u8) {
        let at = NAMES.iter().position(|one| *one == name).expect("one of the names");
        let at = u8::try_from(at).expect("few");
        let host = self.pbx.address.ip().to_string();
        let host: u8 = host.rsplit('.').next().and_then(|last| last.parse().ok()).expect("a host");
        let (local, relay) =
            (self.net.address(20 + shift + at), self.net.address(100 + 10 * host + at));
        let outbound = format!("--outbound=sip:{relay};lr");
        let mut all = vec![outbound.as_str()];
        all.extend_from_slice(arguments);
        let relay = Relay::start(name, relay, local, self.pbx.address, &self.trace);
        let handset = Handset::start(local, None, &all);
        self.phones.push(Station { name, handset, relay });
    }

    fn phone(&mut self, name: &str) -> &mut Handset {
        &mut self.phones.iter_mut().find(|one| one.name == name).expect("a phone").handset
    }

    fn uri(&self, user: &str) -> String {
        format!("sip:{user}@{}", self.pbx.address)
    }

    /// What passed the relay of a phone.
    fn seen(&self, name: &str, way: Way) -> Vec<Msg> {
        let entries = self.trace.entries();
        let ours = entries.iter().filter(|entry| entry.phone == name && entry.way == way);
        ours.filter_map(|entry| Msg::parse(&entry.bytes)).collect()
    }

    /// Waits until a message of this kind has passed the relay of a phone.
    fn until(&self, name: &str, way: Way, what: &str, fits: impl Fn(&Msg) -> bool) -> Msg {
        let find = |house: &House| house.seen(name, way).into_iter().find(|msg| fits(msg));
        self.wait(&format!("{name}: no {what}"), |house| find(house).is_some());
        find(self).expect("it was there")
    }

    /// One phone calls another, which answers by itself; waits until it is up.
    fn talk(&mut self, from: &'static str, to: &str) {
        let uri = self.uri(to);
        self.calls(from, from, &uri);
    }

    /// The same with any URI; `relay` is the one that the call goes through.
    fn calls(&mut self, from: &str, relay: &str, uri: &str) {
        let before = self.acknowledged(relay);
        self.phone(from).does(&["m", uri]);
        self.wait("the call is not answered", |house| house.acknowledged(relay) > before);
    }

    fn acknowledged(&self, relay: &str) -> usize {
        self.seen(relay, Way::Sent).iter().filter(|msg| msg.method() == Some("ACK")).count()
    }

    fn wait(&self, what: &str, fits: impl Fn(&House) -> bool) {
        let until = Instant::now() + PATIENCE;
        while !fits(self) {
            let (trace, lines) = (self.trace.summary(), self.pbx.process.lines().join("\n"));
            assert!(Instant::now() < until, "{what}\n{trace}\n{lines}");
            std::thread::yield_now();
        }
    }

    /// The final answer to an INVITE that a phone sends to this URI. The menu has room for short URIs
    /// only: the program is started anew with it.
    fn answer(&mut self, from: &'static str, uri: &str) -> u16 {
        let before = self.finals(from);
        self.phones.retain(|one| one.name != from);
        self.add(from, &[uri], 0);
        // The answer to a call of before may come again: who acknowledges it is gone.
        let is_new = |(call_id, _): &(String, u16)| !before.iter().any(|(old, _)| old == call_id);
        self.wait("no answer", |house| house.finals(from).iter().any(is_new));
        self.finals(from).into_iter().find(is_new).expect("it was there").1
    }

    /// Call-ID and code of every final answer to an INVITE.
    fn finals(&self, name: &str) -> Vec<(String, u16)> {
        let received = self.seen(name, Way::Received);
        let ours = received.iter().filter(|msg| msg.cseq().1 == "INVITE");
        let named = ours.filter_map(|msg| Some((msg.value("Call-ID").to_owned(), msg.status()?)));
        named.filter(|(_, code)| *code >= 200).collect()
    }

    /// The Call-ID, to-tag and from-tag of the dialog that this PBX has with a phone, as the PBX sees it.
    fn triple(&self, name: &str, way: Way) -> (String, String, String) {
        // An answer to an INVITE has both tags; whoever sent it is the UAS.
        let answer = self.until(name, way, "answer to an INVITE", |msg| {
            msg.status().is_some_and(|code| code > 100) && msg.cseq().1 == "INVITE"
        });
        let tag = |header| param(answer.value(header), "tag").expect("a tag").to_owned();
        let (uas, uac) = (tag("To"), tag("From"));
        let (ours, theirs) = if way == Way::Received { (uas, uac) } else { (uac, uas) };
        (answer.value("Call-ID").to_owned(), ours, theirs)
    }

    /// A URI that makes `pjsua` send an INVITE with this Replaces.
    fn replacing(
        &self,
        user: &str,
        (call_id, to, from): &(String, String, String),
        more: &str,
    ) -> String {
        let call_id = call_id.replace('@', "%40");
        format!("{}?Replaces={call_id}%3Bto-tag%3D{to}%3Bfrom-tag%3D{from}{more}", self.uri(user))
    }

    fn end(mut self) {
        self.phones.clear();
        self.pbx.process.type_line("calls");
        self.pbx.end();
    }
}

fn method<'a>(name: &'a str) -> impl Fn(&Msg) -> bool + 'a {
    move |msg| msg.method() == Some(name)
}

fn bodies(messages: &[Msg]) -> Vec<String> {
    let notifies = messages.iter().filter(|msg| msg.method() == Some("NOTIFY"));
    notifies.map(|msg| msg.text().trim_end().trim_start_matches("SIP/2.0 ").to_owned()).collect()
}

fn last_notify(house: &House, name: &str) -> Msg {
    house.until(name, Way::Received, "last NOTIFY", |msg| {
        msg.method() == Some("NOTIFY") && msg.value("Subscription-State").starts_with("terminated")
    })
}

const ANSWERS: &[&str] = &["--auto-answer=200"];

#[test]
fn r095_three_pjsua_programs_and_an_attended_transfer() {
    let mut house = House::new(&[], &[("alice", &[]), ("bob", ANSWERS), ("carol", ANSWERS)]);
    house.talk("alice", "bob");
    house.talk("alice", "carol");
    // The call with carol is the current one; it is sent to the place of call 0.
    house.phone("alice").does(&["X", "0"]);
    let refer = house.until("alice", Way::Sent, "REFER", method("REFER"));
    assert!(refer.value("Refer-To").contains("Replaces="), "{}", refer.value("Refer-To"));
    let last = last_notify(&house, "alice");
    assert!(last.text().starts_with("SIP/2.0 200 "), "{}", last.text());
    assert_eq!(last.value("Subscription-State"), "terminated;reason=noresource");
    assert_eq!(bodies(&house.seen("alice", Way::Received)), ["100 Trying", "200 OK"]);
    // Nobody was called for it.
    assert_eq!(
        house.seen("bob", Way::Received).iter().filter(|one| method("INVITE")(one)).count(),
        1
    );
    house.pbx.process.expect("finished");
    house.until("alice", Way::Received, "BYE", method("BYE"));
    house.until("alice", Way::Sent, "BYE", method("BYE"));
    house.pbx.settled();
    let calls = house.pbx.calls();
    assert_eq!(calls.len(), 2, "bob and carol: {calls:?}");
    house.end();
}

#[test]
fn r018_five_pjsua_processes_and_a_remote_attended_transfer() {
    let (net, trace) = (Net::new(), Trace::default());
    let trunk =
        |name: &str, host: u8| ["--trunk".to_owned(), format!("{name}={}", net.address(host))];
    let one = House::pbx(net, 1, &[], &trunk("two", 2));
    let two = House::pbx(net, 2, &["endpoint:one replaces_trusted=yes"], &trunk("one", 1));
    let two_address = two.address;
    let mut there = House::with(two, net, trace.clone(), &[("carol", ANSWERS)], 10);
    // Alice reaches both PBXes from one program: the second one without a relay.
    let mut here = House::with(one, net, trace, &[("bob", ANSWERS)], 0);
    let alice = net.address(20);
    let arguments = ["--contact-params=;x"];
    let relay = Relay::start("alice", net.address(110), alice, here.pbx.address, &here.trace);
    let second = Relay::start("alice-there", net.address(120), alice, two_address, &here.trace);
    let handset = Handset::start(alice, None, &arguments[..0]);
    here.phones.push(Station { name: "alice", handset, relay });
    // Each INVITE names its relay by a Route, which pjsua takes from the URI.
    let uri = |user: &str, pbx: SocketAddr, relay: SocketAddr| {
        format!("sip:{user}@{pbx}?Route=%3Csip:{relay}%3Blr%3E")
    };
    let first = uri("bob", here.pbx.address, here.phones[1].relay.address);
    let other = uri("carol", two_address, second.address);
    here.calls("alice", "alice", &first);
    here.calls("alice", "alice-there", &other);
    // The current call is that with carol: the one with bob is chosen, and sent to it.
    here.phone("alice").does(&["[", "X", "1"]);
    let last = last_notify(&here, "alice");
    assert!(last.text().starts_with("SIP/2.0 200 "), "{}", last.text());
    there.pbx.process.expect("replaced");
    assert_eq!(there.pbx.counter("refused"), 0);
    here.pbx.process.expect("remote_attended");
    drop(second);
    here.end();
    there.end();
}

#[test]
fn r081_three_pjsua_programs_and_a_busy_target() {
    let busy: &[&str] = &["--auto-answer=486"];
    let mut house = House::new(&[], &[("alice", &[]), ("bob", ANSWERS), ("carol", busy)]);
    house.talk("alice", "bob");
    let uri = house.uri("carol");
    house.phone("alice").does(&["x", &uri]);
    let last = last_notify(&house, "alice");
    assert!(last.text().starts_with("SIP/2.0 486 "), "{}", last.text());
    assert_eq!(last.value("Event"), "refer");
    house.pbx.settled();
    assert_eq!(house.pbx.calls().len(), 2, "alice and bob still talk");
    assert!(house.seen("bob", Way::Received).iter().all(|msg| msg.method() != Some("BYE")));
    house.end();
}

#[test]
fn r084_a_pjsua_program_that_hangs_up_right_after_the_202() {
    let ring: &[&str] = &["--auto-answer=180"];
    let mut house = House::new(&[], &[("alice", &[]), ("bob", ANSWERS), ("carol", ring)]);
    house.talk("alice", "bob");
    let uri = house.uri("carol");
    house.phone("alice").does(&["x", &uri]);
    house.until("alice", Way::Received, "202", |msg| msg.status() == Some(202));
    house.phone("alice").does(&["h"]);
    house.until("alice", Way::Sent, "BYE", method("BYE"));
    house.until("carol", Way::Sent, "180", |msg| msg.status() == Some(180));
    house.phone("carol").does(&["a", "200"]);
    house.pbx.process.expect("finished");
    house.pbx.settled();
    assert_eq!(house.pbx.calls().len(), 2, "bob and carol talk");
    house.end();
}

#[test]
fn r063_a_pjsua_program_that_wants_no_subscription() {
    let quiet: &[&str] = &["--norefersub"];
    let mut house = House::new(&[], &[("alice", quiet), ("bob", ANSWERS), ("carol", ANSWERS)]);
    house.talk("alice", "bob");
    let uri = house.uri("carol");
    house.phone("alice").does(&["x", &uri]);
    let refer = house.until("alice", Way::Sent, "REFER", method("REFER"));
    assert_eq!(refer.value("Refer-Sub"), "false");
    let answer = house.until("alice", Way::Received, "202", |msg| msg.status() == Some(202));
    assert_eq!(answer.value("Refer-Sub"), "false");
    house.pbx.process.expect("finished");
    house.pbx.settled();
    assert!(bodies(&house.seen("alice", Way::Received)).is_empty(), "no NOTIFY");
    house.end();
}

#[test]
fn r097_a_pjsua_program_picks_up_an_early_dialog() {
    let ring: &[&str] = &["--auto-answer=180"];
    let mut house = House::new(&["replaces.authorize=host"], &[("alice", &[]), ("bob", ring)]);
    let uri = house.uri("bob");
    house.phone("alice").does(&["m", &uri]);
    let triple = house.triple("bob", Way::Sent);
    let uri = house.replacing("bob", &triple, "%3Bearly-only&Require=replaces");
    assert_eq!(house.answer("carol", &uri), 200);
    house.until("bob", Way::Received, "CANCEL", method("CANCEL"));
    house.until("alice", Way::Received, "200 to its INVITE", |msg| {
        msg.status() == Some(200) && msg.cseq().1 == "INVITE"
    });
    house.end();
}

#[test]
fn r025_what_a_pjsua_program_may_not_replace() {
    let mut house = House::new(&[], &[("alice", &[]), ("bob", ANSWERS)]);
    house.talk("alice", "bob");
    let (call_id, ours, theirs) = house.triple("alice", Way::Received);
    let triple = (call_id.clone(), ours.clone(), theirs.clone());
    let valid = house.replacing("bob", &triple, "");
    let twice = format!("{valid}&Replaces=x%3Bto-tag%3Dy%3Bfrom-tag%3Dz");
    let unknown = house.replacing("bob", &("nobody".to_owned(), ours, theirs), "");
    let early = house.replacing("bob", &triple, "%3Bearly-only");
    assert_eq!(house.answer("dave", &valid), 403, "R009: neither of the call nor of the group");
    assert_eq!(house.answer("dave", &unknown), 481, "R006");
    assert_eq!(house.answer("carol", &twice), 400, "R002");
    assert_eq!(house.answer("carol", &early), 486, "R013");
    let refusals = house.seen("dave", Way::Received);
    let first = refusals.iter().find(|msg| msg.status() == Some(403)).expect("the 403");
    assert!(first.get("Warning").is_some());
    house.pbx.settled();
    assert_eq!(house.pbx.calls().len(), 2, "alice and bob still talk");
    assert_eq!(house.answer("carol", &valid), 200, "of the pickup group");
    house.until("alice", Way::Received, "BYE", method("BYE"));
    house.end();
}
