//! Calls that are parked on one node and taken out on another one.

use crate::node::{at, dialog, replaces_of, Came, Made, Node};
use crate::server::Server;
use sipxfer::ffi as lib;
use sipxfer_cluster::twins;

fn two(server: &Server) -> (Node, Node) {
    let url = server.url();
    let made = |name| Made { name, url: &url, ..Made::default() };
    (Node::ready(&made("a")), Node::ready(&made("b")))
}

fn keys(server: &Server, of: &str) -> Vec<Vec<u8>> {
    redis::cmd("KEYS").arg(format!("sipxfer:{of}:*")).query(&mut server.connection()).unwrap()
}

#[test]
fn a_secret_of_one_node_takes_the_call_out_from_another_and_does_not_stand_on_the_server() {
    let server = Server::start();
    let (a, b) = two(&server);
    a.publish(&dialog(1, "alice"));
    let token = a.park(&dialog(1, "alice"), 0);
    a.is_published();
    // Who does not know it has no ground, by token or by dialog.
    assert_eq!(b.ask(1, "carol"), Came::Refused(403));
    let wrong = "a".repeat(26);
    assert_eq!(b.judge("", Some(&wrong), "carol").0, Came::Refused(404));
    let other = replaces_of(1, &format!(";token={wrong}"));
    assert_eq!(b.judge(&other, None, "carol").0, Came::Refused(403));
    // Who does is sent there, with a Replaces that the other node believes.
    let (came, replaces) = b.judge("", Some(&token), "carol");
    assert_eq!(came, at("a"));
    assert!(replaces.ends_with(&format!(";token={token}")), "{replaces}");
    assert_eq!(b.judge(&replaces, None, "carol").0, at("a"), "a REFER names it so");
    // An engine without dialogs of its own knows by the lot that the call is here.
    assert_eq!(a.judge("", Some(&token), "carol").0, Came::Refused(0));
    assert_eq!(b.judge("", Some(&token), "").0, Came::Refused(404), "nobody is asked for nobody");

    let mut stands = keys(&server, "*");
    let mut connection = server.connection();
    for key in stands.clone() {
        let value: Vec<Vec<u8>> =
            redis::cmd("HVALS").arg(&key).query(&mut connection).unwrap_or_default();
        stands.extend(value);
    }
    assert!(stands.len() > 3, "dialog, token, leases, and what they hold");
    let shown = |it: &Vec<u8>| it.windows(26).any(|part| part == token.as_bytes());
    assert!(!stands.iter().any(shown), "the secret stands on the server");
}

#[test]
fn a_place_is_found_while_the_call_waits_there_and_goes_with_its_end() {
    let server = Server::start();
    let (a, b) = two(&server);
    a.park(&dialog(1, "alice"), 701);
    // The one who waits may have its own call back; the lot is open to nobody else.
    assert_eq!(
        b.finds("701", "alice", &at("a")),
        replaces_of(1, ";token=701").replace("local", "Local").replace("Remote", "remote")
    );
    assert_eq!(b.judge("", Some("701"), "carol").0, Came::Refused(403));
    // What the dialog does meanwhile leaves it parked.
    let mut later = dialog(1, "alice");
    later.secure = 1;
    a.publish(&later);
    a.is_published();
    b.finds("701", "alice", &at("a"));
    // Taken out: the place is empty, the dialog goes on.
    a.unpark("701");
    b.finds("701", "alice", &Came::Refused(404));
    b.asks_until(1, "alice", &at("a"));
    // Hung up in the lot: neither is there any more.
    a.publish_parked(&dialog(2, "alice"), "702");
    b.finds("702", "alice", &at("a"));
    a.remove(&dialog(2, "alice"));
    b.finds("702", "alice", &Came::Refused(404));
    b.asks_until(2, "alice", &Came::Refused(481));
    a.is_published();
    assert!(keys(&server, "p").is_empty(), "{:?}", keys(&server, "p"));
}

#[test]
fn a_place_that_two_nodes_have_is_nobodys_and_one_that_moves_is_found_where_it_is() {
    let server = Server::start();
    let (a, b) = two(&server);
    let url = server.url();
    let c = Node::ready(&Made { name: "c", url: &url, ..Made::default() });
    a.publish_parked(&dialog(1, "alice"), "701");
    b.publish_parked(&dialog(2, "alice"), "701");
    a.is_published();
    b.is_published();
    assert_eq!(c.judge("", Some("701"), "alice").0, Came::Refused(404));
    // By the dialog each is still found, also where the number that is shown is the other's as well.
    assert_eq!(c.judge(&replaces_of(2, ";token=701"), None, "alice").0, at("b"));
    b.publish_parked(&dialog(2, "alice"), "702");
    let found = c.finds("701", "alice", &at("a"));
    assert!(found.starts_with("call-1@"), "{found}");
    let found = c.finds("702", "alice", &at("b"));
    assert!(found.starts_with("call-2@"), "{found}");
}

#[test]
fn parked_calls_die_with_their_node_and_come_back_behind_an_outage() {
    let mut server = Server::start();
    let (a, b) = two(&server);
    a.publish_parked(&dialog(1, "alice"), "701");
    b.finds("701", "alice", &at("a"));
    server.kill();
    a.publish_parked(&dialog(2, "alice"), "702");
    a.unpark("701");
    server.run();
    b.finds("702", "alice", &at("a"));
    b.finds("701", "alice", &Came::Refused(404));
    // Without its lease nothing of a node counts.
    drop(a);
    b.finds("702", "alice", &Came::Refused(404));
}

#[test]
fn what_is_no_token_or_no_call_is_refused() {
    let server = Server::start();
    let (a, _b) = two(&server);
    let ended =
        twins::sipxfer_dialog { state: lib::SIPXFER_DIALOG_TERMINATED, ..dialog(1, "alice") };
    let other = twins::sipxfer_dialog { usage: lib::SIPXFER_USAGE_OTHER, ..dialog(1, "alice") };
    assert_eq!(a.try_park(&dialog(1, "alice"), "7o1"), lib::SIPXFER_E_PARSE);
    assert_eq!(a.try_park(&ended, "701"), lib::SIPXFER_E_RANGE);
    assert_eq!(a.try_park(&other, "701"), lib::SIPXFER_E_RANGE);
    a.is_published();
    assert!(keys(&server, "p").is_empty());
}
