//! A server that is away, slow, or silent: no call is kept waiting, and what was missed is made up for.

use crate::node::{at, dialog, Came, Made, Node};
use crate::proxy::Proxy;
use crate::server::{until, Server};
use std::time::{Duration, Instant};

/// No thread of a host is ever kept so long; on a quiet machine it is some microseconds.
const SHORT: Duration = Duration::from_millis(1_500);

#[test]
fn a_server_that_is_stopped_before_is_waited_for_by_nobody_and_gets_everything_later() {
    let mut server = Server::stopped();
    let url = server.url();
    let a = Node::new(&Made { name: "a", url: &url, ..Made::default() });
    let b = Node::new(&Made { name: "b", url: &url, ..Made::default() });
    for number in 0..1_000 {
        a.publish(&dialog(number, "bob"));
    }
    assert_eq!(b.ask_once(7, "bob"), Ok(Came::Refused(481)), "at once");
    until("it was tried", || a.stats().failures > 0 && b.stats().failures > 0);
    assert_eq!((a.stats().waiting, b.stats().refused_away), (1_000, 1));
    server.run();
    b.is_ready();
    a.is_published();
    b.asks_until(7, "bob", &at("a"));
    assert_eq!(b.ask(999, "bob"), at("a"));
    for node in [&a, &b] {
        assert!(node.kept() < SHORT, "{:?}", node.kept());
        let log = node.host.log.lock().unwrap();
        assert!(log.iter().any(|line| line.contains("nothing is published")), "{log:?}");
        assert!(log.len() < 6, "one line, not one for each attempt: {log:?}");
    }
}

#[test]
fn a_server_that_is_started_anew_without_its_data_gets_everything_again() {
    let mut server = Server::start();
    let url = server.url();
    let a = Node::ready(&Made { name: "a", url: &url, ..Made::default() });
    let b = Node::ready(&Made { name: "b", url: &url, ..Made::default() });
    for number in 0..100 {
        a.publish(&dialog(number, "bob"));
    }
    a.is_published();
    assert_eq!(b.ask(5, "bob"), at("a"));
    server.kill();
    // What begins and what ends meanwhile.
    a.publish(&dialog(200, "bob"));
    a.remove(&dialog(6, "bob"));
    let came = b.ask(7, "bob");
    assert_eq!(came, Came::Refused(481), "it is away");
    b.asks_until(8, "bob", &Came::Refused(481));
    server.run();
    b.asks_until(5, "bob", &at("a"));
    b.asks_until(200, "bob", &at("a"));
    b.asks_until(6, "bob", &Came::Refused(481));
    a.is_published();
    let stats = a.stats();
    assert!(stats.resyncs >= 1 && stats.dialogs == 100, "{}", stats.dialogs);
    assert!(a.kept() < SHORT && b.kept() < SHORT);
}

#[test]
fn a_server_that_falls_silent_keeps_a_lookup_until_its_deadline_and_no_thread_at_all() {
    let server = Server::start();
    let proxy = Proxy::new(server.port);
    let (direct, url) = (server.url(), proxy.url());
    let a = Node::ready(&Made { name: "a", url: &direct, ..Made::default() });
    let deadline_ms = 300;
    let b = Node::ready(&Made { name: "b", url: &url, deadline_ms, ..Made::default() });
    a.publish(&dialog(1, "bob"));
    a.is_published();
    b.asks_until(1, "bob", &at("a"));
    proxy.swallow(true);
    let began = Instant::now();
    assert_eq!(b.ask(2, "bob"), Came::Refused(481), "by the deadline");
    assert!(began.elapsed() >= Duration::from_millis(250), "{:?}", began.elapsed());
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    // Once both threads know, nothing is asked at all.
    let mut number = 10;
    until("the circuit is open", || {
        number += 1;
        b.ask(number, "bob");
        b.stats().refused_away > 0
    });
    let away = b.stats();
    assert!(away.expired >= 1 && away.failures >= 1);
    assert!(b.kept() < SHORT, "{:?}", b.kept());
    proxy.swallow(false);
    b.asks_until(1, "bob", &at("a"));
}

#[test]
fn a_stranger_to_the_cluster_cannot_load_a_silent_server() {
    let server = Server::start();
    let proxy = Proxy::new(server.port);
    let url = proxy.url();
    let b = Node::ready(&Made { name: "b", url: &url, deadline_ms: 5_000, ..Made::default() });
    assert_eq!(b.ask_once(1, ""), Ok(Came::Refused(481)), "nobody is asked for nobody");
    assert_eq!(b.stats().lookups, 0);
    proxy.swallow(true);
    let mut pending = 0;
    for number in 0..5_000 {
        pending += usize::from(b.ask_once(number, "mallory").is_err());
    }
    let stats = b.stats();
    assert!(pending <= 256 && stats.lookups <= 256, "{pending} of {}", stats.lookups);
    assert!(b.kept() < SHORT, "{:?}", b.kept());
}

#[test]
fn a_network_that_takes_100_ms_each_way_is_no_fault() {
    let server = Server::start();
    let proxy = Proxy::new(server.port);
    let url = proxy.url();
    let a = Node::ready(&Made { name: "a", url: &url, ..Made::default() });
    let b = Node::ready(&Made { name: "b", url: &url, ..Made::default() });
    proxy.delay(100);
    for number in 0..500 {
        a.publish(&dialog(number, "bob"));
    }
    a.is_published();
    let began = Instant::now();
    assert_eq!(b.ask(3, "bob"), at("a"));
    assert!(began.elapsed() >= Duration::from_millis(400), "two round trips of 200 ms");
    // Many at once cost what one does.
    let asked = Instant::now();
    std::thread::scope(|scope| {
        for number in 100..164 {
            let b = &b;
            scope.spawn(move || assert_eq!(b.ask(number, "bob"), at("a")));
        }
    });
    assert!(asked.elapsed() < Duration::from_millis(64 * 200), "{:?}", asked.elapsed());
    assert!(a.kept() < SHORT && b.kept() < SHORT);
}

#[test]
fn memory_is_bounded_while_the_server_is_away() {
    let server = Server::stopped();
    let url = server.url();
    let a = Node::new(&Made { name: "a", url: &url, max_dialogs: 1_000, ..Made::default() });
    for number in 0..500 {
        a.publish(&dialog(number, "bob"));
    }
    for _ in 0..20_000 {
        a.publish(&dialog(9_999, "bob"));
        a.remove(&dialog(9_999, "bob"));
    }
    let stats = a.stats();
    assert_eq!((stats.dialogs, stats.dropped), (500, 0));
    assert!(stats.waiting < 2_000, "{}", stats.waiting);
    for number in 500..5_000 {
        a.publish(&dialog(number, "bob"));
    }
    let stats = a.stats();
    assert_eq!((stats.dialogs, stats.dropped), (1_000, 4_000));
}

#[test]
fn many_commands_to_a_silent_server_are_waited_for_once_and_not_one_by_one() {
    let server = Server::start();
    let proxy = Proxy::new(server.port);
    let url = proxy.url();
    let made = Made { name: "a", url: &url, deadline_ms: 2_000, ..Made::default() };
    let a = Node::ready(&made);
    until("all three have a connection", || a.stats().connects == 3);
    proxy.swallow(true);
    for number in 0..256 {
        a.publish(&dialog(number, "bob"));
    }
    // 512 commands of two seconds each would be waited for longer than this test waits for anything.
    until("the batch is given up", || a.stats().failures > 0 && a.stats().is_publishing == 0);
    // So would 64 lookups of two seconds each, by either thread.
    let before = a.stats().failures;
    for number in 1_000..1_256 {
        assert!(a.ask_once(number, "bob").is_err(), "it waits");
    }
    until("both threads have given up", || {
        a.stats().askers == 0 && a.stats().failures >= before + 2
    });
    drop(a);
}

#[test]
fn a_node_ends_while_the_server_is_silent() {
    let server = Server::start();
    let proxy = Proxy::new(server.port);
    let url = proxy.url();
    let a = Node::ready(&Made { name: "a", url: &url, ..Made::default() });
    proxy.swallow(true);
    a.publish(&dialog(1, "bob"));
    assert!(a.ask_once(2, "bob").is_err());
    let began = Instant::now();
    drop(a);
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
}
