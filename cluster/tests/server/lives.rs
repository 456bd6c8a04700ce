//! Nodes that die, are started anew, or bear the same name.

use crate::node::{at, dialog, Came, Made, Node};
use crate::server::{until, Server, LONG};
use std::env;
use std::process::{Child, Command, Stdio};
use std::thread;

const URL: &str = "SIPXFER_TEST_CLUSTER_URL";

/// This very program as a node `a` with dialog 1; alone it has nothing to test.
#[test]
fn a_node_in_a_process_of_its_own() {
    let Ok(url) = env::var(URL) else { return };
    let a = Node::ready(&Made { name: "a", url: &url, ..Made::default() });
    a.publish(&dialog(1, "bob"));
    a.is_published();
    thread::sleep(2 * LONG);
}

fn process(url: &str) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", "lives::a_node_in_a_process_of_its_own"])
        .env(URL, url)
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn the_dialogs_of_a_node_that_is_killed_vanish_with_its_lease() {
    let server = Server::start();
    let url = server.url();
    let b = Node::ready(&Made { name: "b", url: &url, ..Made::default() });
    let mut a = process(&url);
    b.asks_until(1, "bob", &at("a"));
    // SIGKILL: it says goodbye to nobody.
    a.kill().unwrap();
    a.wait().unwrap();
    b.asks_until(1, "bob", &Came::Refused(481));
    let leases: Vec<String> =
        redis::cmd("KEYS").arg("sipxfer:n:*").query(&mut server.connection()).unwrap();
    assert_eq!(leases, ["sipxfer:n:b"]);
}

#[test]
fn a_node_that_is_started_anew_has_none_of_its_old_dialogs_at_once() {
    let server = Server::start();
    let url = server.url();
    // A lease that outlasts the test: it is not the lease that clears them.
    let made = |name| Made { name, url: &url, lease_s: 3_600, ..Made::default() };
    let b = Node::ready(&made("b"));
    let mut a = process(&url);
    b.asks_until(1, "bob", &at("a"));
    a.kill().unwrap();
    a.wait().unwrap();
    let a = Node::ready(&made("a"));
    b.asks_until(1, "bob", &Came::Refused(481));
    a.publish(&dialog(2, "bob"));
    b.asks_until(2, "bob", &at("a"));
}

#[test]
fn a_node_that_ends_takes_its_dialogs_along() {
    let server = Server::start();
    let url = server.url();
    let made = |name| Made { name, url: &url, lease_s: 3_600, ..Made::default() };
    let (a, b) = (Node::ready(&made("a")), Node::ready(&made("b")));
    a.publish(&dialog(1, "bob"));
    b.asks_until(1, "bob", &at("a"));
    drop(a);
    b.asks_until(1, "bob", &Came::Refused(481));
}

#[test]
fn of_two_processes_of_one_name_the_later_one_is_found_and_the_other_says_so() {
    let server = Server::start();
    let url = server.url();
    let made = |name| Made { name, url: &url, ..Made::default() };
    let (first, b) = (Node::ready(&made("a")), Node::ready(&made("b")));
    first.publish(&dialog(1, "bob"));
    b.asks_until(1, "bob", &at("a"));
    // Lives of one name differ by the time at which they began.
    thread::sleep(std::time::Duration::from_millis(5));
    let second = Node::ready(&made("a"));
    second.publish(&dialog(2, "bob"));
    until("the first one is told", || first.stats().conflicts > 0);
    assert_eq!((first.stats().is_publishing, second.stats().conflicts), (0, 0));
    b.asks_until(2, "bob", &at("a"));
    b.asks_until(1, "bob", &Came::Refused(481));
    let log = first.host.log.lock().unwrap().clone();
    assert_eq!(log.iter().filter(|line| line.contains("cluster.node")).count(), 1, "{log:?}");
    // The name is free again.
    drop(second);
    b.asks_until(1, "bob", &at("a"));
}
