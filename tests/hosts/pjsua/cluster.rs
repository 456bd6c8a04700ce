//! Two PBXes as one: Bob has a call with Alice at one of them and a call with Dave at the other, and the
//! REFER that connects them names neither of both, as a balancer in front of them makes it.

use super::process;
use super::ua::call::{escaped, flows, Ended};
use super::ua::{Phone, Talk, Trace};
use super::valkey::{until, Server};
use super::world::{peer, phone_at, Net, Pbx};
use std::net::SocketAddr;

const ALICE: u8 = 10;
const BOB: u8 = 11;
const BOB_THERE: u8 = 12;
const DAVE: u8 = 13;
const BALANCER: u8 = 14;

/// Two PBXes that reach each other by a trunk, their phones, and who is at neither.
struct Nodes {
    here: Pbx,
    there: Pbx,
    alice: Phone,
    bob: Phone,
    bob_there: Phone,
    dave: Phone,
    balancer: Phone,
}

impl Nodes {
    /// With a server each of them is a node of its cluster.
    fn start(server: Option<&Server>) -> Nodes {
        let (net, trace) = (Net::new(), Trace::default());
        let pbx = |host: u8, other: u8, peers: [(&str, u8); 2]| {
            let address = net.address(host);
            let mut arguments: Vec<_> =
                peers.iter().flat_map(|(name, at)| peer(name, net.address(*at))).collect();
            arguments.extend(["--trunk".to_owned(), format!("node={}", net.address(other))]);
            let mut settings = vec!["endpoint:node replaces_trusted=yes".to_owned()];
            if let Some(server) = server {
                settings.extend([
                    format!("cluster.url=redis://127.0.0.1:{}", server.port),
                    format!("cluster.node=pbx-{host}"),
                    format!("cluster.uri={}", uri_of(address)),
                    "cluster.lease_s=5".to_owned(),
                    "cluster.deadline_ms=3000".to_owned(),
                ]);
            }
            for setting in settings {
                arguments.extend(["--set".to_owned(), setting]);
            }
            Pbx::start(process::clustered_programs(), address, &arguments)
        };
        let here = pbx(1, 2, [("alice", ALICE), ("bob", BOB)]);
        let there = pbx(2, 1, [("bob", BOB_THERE), ("dave", DAVE)]);
        let phone = |name, at, pbx: &Pbx| phone_at(name, net.address(at), pbx.address, &trace);
        Nodes {
            alice: phone("alice", ALICE, &here),
            bob: phone("bob", BOB, &here),
            bob_there: phone("bob", BOB_THERE, &there),
            dave: phone("dave", DAVE, &there),
            balancer: phone("balancer", BALANCER, &here),
            here,
            there,
        }
    }

    /// Alice and Bob here, Bob and Dave there.
    fn talk(&self) -> (Talk, Talk) {
        let first = self.alice.call("bob").answered_by(&self.bob);
        let second = self.bob_there.call("dave").answered_by(&self.dave);
        (first, second)
    }

    /// The Refer-To of a phone that knows of no nodes.
    fn elsewhere(&self, second: &Talk) -> String {
        format!("<{}?Replaces={}>", self.balancer.uri(), escaped(&second.caller.replaces()))
    }

    fn end(self) {
        self.here.end();
        self.there.end();
    }
}

fn uri_of(pbx: SocketAddr) -> String {
    format!("sip:replaces@{pbx}")
}

fn is_published(server: &Server, talk: &Talk) -> bool {
    let call_id = talk.caller.triple().0;
    server.keys("sipxfer:d:*").iter().any(|key| key.contains(&call_id))
}

#[test]
fn r018_bobs_calls_at_two_pbxes_are_connected_whatever_address_the_refer_to_names() {
    let mut server = Server::start();
    let nodes = Nodes::start(Some(&server));
    until("both have their leases", || server.keys("sipxfer:n:*").len() == 2);
    let (first, second) = nodes.talk();
    until("Bob's call is published", || is_published(&server, &second));

    let refer = first.callee.refer(&nodes.elsewhere(&second)).accepted();
    assert_eq!(refer.outcome().code(), 200, "{:?}", refer.statuses());
    nodes.here.process.expect("remote_node");
    nodes.there.process.expect("replaced");
    assert_eq!(second.caller.ended(), Ended::ByPeer, "R014");
    first.callee.hang_up();
    flows(&first.caller, &second.callee);
    assert!(nodes.balancer.all_received("INVITE").is_empty(), "nobody asks the balancer");
    until("Bob's call is taken away", || !is_published(&server, &second));

    // An INVITE for a call that no node has is answered when that is known; one for a call that another
    // node has is sent there.
    let to = |extension: &str| format!("sip:{extension}@{}", nodes.here.address);
    let (first, second) = nodes.talk();
    until("Bob's call is published", || is_published(&server, &second));
    let unknown = [("Replaces", "nobody@nowhere;to-tag=a;from-tag=b")];
    assert_eq!(nodes.bob.call_with(&to("alice"), &unknown).outcome(), Err(481));
    let replaces = second.caller.replaces();
    let invite = nodes.bob.call_with(&to("dave"), &[("Replaces", &replaces)]);
    assert_eq!(invite.outcome(), Err(302));
    assert_eq!(
        invite.final_response().get("Contact"),
        Some(&*format!("<{}>", uri_of(nodes.there.address)))
    );
    // Alice is not of that call.
    let stranger = nodes.alice.call_with(&to("dave"), &[("Replaces", &replaces)]);
    assert_eq!(stranger.outcome(), Err(403), "R009");

    // Without the server it is as if there was no cluster, and no call is lost.
    server.stop();
    let (third, fourth) = nodes.talk();
    let refer = third.callee.refer(&nodes.elsewhere(&fourth)).accepted();
    assert_eq!(refer.outcome().code(), 503, "{:?}", refer.statuses());
    for talk in [&first, &second, &third, &fourth] {
        talk.flows();
    }

    // The server is there again, without what it knew.
    let again = Server::on(server.port);
    until("Bob's call is published anew", || is_published(&again, &fourth));
    until("both have their leases", || again.keys("sipxfer:n:*").len() == 2);
    let refer = third.callee.refer(&nodes.elsewhere(&fourth)).accepted();
    assert_eq!(refer.outcome().code(), 200, "{:?}", refer.statuses());
    nodes.end();
}

/// The same without the settings.
#[test]
fn r006_without_a_cluster_it_fails_and_both_calls_go_on() {
    let nodes = Nodes::start(None);
    let (first, second) = nodes.talk();
    let refer = first.callee.refer(&nodes.elsewhere(&second)).accepted();
    assert_eq!(refer.outcome().code(), 503, "{:?}", refer.statuses());
    first.flows();
    second.flows();
    let to = format!("sip:dave@{}", nodes.here.address);
    let invite = nodes.bob.call_with(&to, &[("Replaces", &second.caller.replaces())]);
    assert_eq!(invite.outcome(), Err(481));
    nodes.end();
}
