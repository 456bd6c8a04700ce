//! Two Asterisks as one: Bob has called Alice at A and Dave at B, and the REFER that connects them comes
//! to A with a Refer-To that names neither of both, as a balancer in front of them makes it.

use super::attended::{remote, Remote};
use super::config::UDP;
use super::scenario::fate;
use super::world::{Scene, World};
use super::Module;
use crate::ua::call::{escaped, flows};
use crate::ua::{Ended, Refer};
use crate::valkey::{until, Server};

fn settings(port: u16) -> String {
    format!(
        "[general]\ncluster.url=redis://127.0.0.1:{port}\ncluster.node=pbx-@ADDRESS@\n\
         cluster.uri=sip:replaces@@ADDRESS@:5060\ncluster.lease_s=5\ncluster.deadline_ms=3000\n\
         [trunk]\ntype=endpoint\nreplaces_trusted=yes\n"
    )
}

/// The Refer-To of Bob's call at B under an address that is neither A nor B: a phone that knows of
/// nothing.
fn refer_elsewhere(scene: &Scene<'_>, all: &Remote) -> (Refer, crate::ua::Phone) {
    let balancer = scene.phone(UDP);
    let bare = format!("sip:{}@{}", balancer.name(), balancer.address());
    let replaces = escaped(&all.bob_dave.caller.replaces());
    let refer = all.alice_bob.callee.refer(&format!("<{bare}?Replaces={replaces}>"));
    (refer, balancer)
}

#[test]
fn r018_bobs_calls_at_two_nodes_are_connected_whatever_address_the_refer_to_names() {
    let mut server = Server::start();
    let world = World::start("cluster", Module::Sipxfer, &settings(server.port));
    until("both have their leases", || server.keys("sipxfer:n:*").len() == 2);
    let scene = world.scene();
    let all = remote(&scene, UDP, UDP);
    let call_id = all.bob_dave.caller.triple().0;
    until("Bob's call is published", || {
        server.keys("sipxfer:d:*").iter().any(|key| key.contains(&call_id))
    });
    let (refer, balancer) = refer_elsewhere(&scene, &all);
    let refer = refer.accepted();
    flows(&all.alice_bob.caller, &all.bob_dave.callee);
    assert_eq!(refer.outcome().code(), 200, "{:?}", refer.statuses());
    assert_eq!(all.bob_dave.caller.ended(), Ended::ByPeer);
    let b = world.b.address;
    let event = scene.event("external_replaces", |one| one.get("UserEvent") == "ExternalReplaces");
    assert_eq!(event.get("ReferTo"), format!("sip:replaces@{b}:5060"));
    assert_eq!(event.get("Node"), format!("pbx-{b}"));
    assert!(balancer.all_received("INVITE").is_empty(), "nobody asks the balancer");
    // An INVITE for a call that no node has is answered when that is known.
    let unknown = [("Replaces", "nobody@nowhere;to-tag=a;from-tag=b")];
    let bob = all.alice_bob.callee.phone();
    let to = scene.server(UDP, &world.a).uri(all.bob_dave.callee.phone().name());
    assert_eq!(bob.call_with(&to, &unknown).outcome(), Err(481));
    // What has ended is found no more.
    until("Bob's call is taken away", || {
        !server.keys("sipxfer:d:*").iter().any(|key| key.contains(&call_id))
    });

    // Without the server no call is lost: it is as if there was no cluster.
    let port = server.port;
    server.stop();
    let all = remote(&scene, UDP, UDP);
    let (refer, balancer) = refer_elsewhere(&scene, &all);
    balancer.incoming().refuse(404);
    let refer = refer.accepted();
    assert_eq!(refer.outcome().code(), 404, "{:?}", refer.statuses());
    assert_eq!((fate(&all.alice_bob.caller), fate(&all.bob_dave.caller)), ("goes on", "goes on"));

    // The server is there again, without what it knew: that call can be had now.
    let again = Server::on(port);
    let call_id = all.bob_dave.caller.triple().0;
    until("Bob's call is published anew", || {
        again.keys("sipxfer:n:*").len() == 2
            && again.keys("sipxfer:d:*").iter().any(|key| key.contains(&call_id))
    });
    // Bob himself moves to another phone by an INVITE to A, which sends it to B.
    let invite = all.alice_bob.callee.phone().call_with(
        &scene.server(UDP, &world.a).uri(all.bob_dave.callee.phone().name()),
        &[("Replaces", &all.bob_dave.caller.replaces())],
    );
    assert_eq!(invite.outcome(), Err(302));
    let response = invite.final_response();
    let contact = response.get("Contact").unwrap_or_default();
    assert_eq!(contact, format!("<sip:replaces@{b}:5060>"));
}

/// The same without the settings: as with Asterisk's own module.
#[test]
fn r006_without_a_cluster_it_fails_as_asterisk_does() {
    for module in [Module::Stock, Module::Sipxfer] {
        let world = World::of(module);
        let scene = world.scene();
        let all = remote(&scene, UDP, UDP);
        let (refer, balancer) = refer_elsewhere(&scene, &all);
        balancer.incoming().refuse(404);
        let refer = refer.accepted();
        assert!(refer.outcome().code() >= 400, "{module:?}: {:?}", refer.statuses());
        assert_eq!(fate(&all.bob_dave.caller), "goes on", "{module:?}");
    }
}
