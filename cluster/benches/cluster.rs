//! What a cluster costs, against a real server on this machine: `make bench-cluster`.
// A program may end loudly, and prints what it measures.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(missing_docs)]

use parking_lot::{Condvar, Mutex};
use sipxfer_cluster::lookups::Answer;
use sipxfer_cluster::node::{Level, Node, User};
use sipxfer_cluster::settings::{Given, Settings};
use sipxfer_cluster::wire::Published;
use std::collections::HashMap;
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

const DIALOGS: usize = 50_000;
const LOOKUPS: usize = 20_000;

struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[derive(Default)]
struct Answers {
    came: Mutex<HashMap<u64, bool>>,
    told: Condvar,
}

struct Asker(Arc<Answers>);

impl User for Asker {
    fn answer(&self, lookup: u64, answer: &Answer) {
        self.0.came.lock().insert(lookup, matches!(answer, Answer::Found(_)));
        self.0.told.notify_all();
    }

    fn log(&self, _: Level, line: &str) {
        println!("{line}");
    }
}

fn key(number: usize) -> String {
    format!("0d3c8f1a-7b52-4e6d-9a41-{number:012}@192.0.2.17")
}

const TAGS: [&[u8]; 2] = [b"as58f4201b", b"4c1e9d77-0a6f"];

fn dialog() -> Published {
    Published {
        incarnation: 0,
        state: 2,
        initiator: 2,
        secure: false,
        parked: 0,
        user: b"bob".to_vec(),
        endpoint: b"bob-phone".to_vec(),
    }
}

fn until(mut test: impl FnMut() -> bool) {
    while !test() {
        thread::sleep(Duration::from_micros(200));
    }
}

fn info(connection: &mut redis::Connection, name: &str) -> u64 {
    let text: String = redis::cmd("INFO").query(connection).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.unwrap().trim().parse().unwrap()
}

fn main() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let start = |program: &str| {
        Command::new(program)
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", ""])
            .stdout(Stdio::null())
            .spawn()
    };
    let child = start("valkey-server").or_else(|_| start("redis-server"));
    let _server = Server(child.expect("a server: scripts/hosts/valkey.sh installs one"));
    until(|| TcpStream::connect(("127.0.0.1", port)).is_ok());
    let url = format!("redis://127.0.0.1:{port}");
    let mut connection = redis::Client::open(url.as_str()).unwrap().get_connection().unwrap();
    let node = |name: &str, answers: &Arc<Answers>| {
        let given = Given {
            url: &url,
            node: name,
            uri: "sip:replaces@h",
            deadline_ms: 5_000,
            ..Given::default()
        };
        let mut settings = Settings::new(&given).unwrap();
        settings.max_lookups = LOOKUPS;
        Node::new(settings, Box::new(Asker(Arc::clone(answers))), 1, 1).unwrap()
    };
    let answers = Arc::new(Answers::default());
    let (a, b) = (node("a", &answers), node("b", &answers));
    for node in [&a, &b] {
        until(|| {
            let shared = node.shared();
            use std::sync::atomic::Ordering::Acquire;
            shared.is_publishing.load(Acquire) && shared.askers_connected.load(Acquire) == 2
        });
    }

    let keys: Vec<String> = (0..DIALOGS).map(key).collect();
    let before =
        (info(&mut connection, "used_memory"), info(&mut connection, "total_net_input_bytes"));
    let began = Instant::now();
    for key in &keys {
        a.publish((key.as_bytes(), TAGS[0], TAGS[1]), &dialog());
    }
    let on_call_path = began.elapsed();
    until(|| a.shared().board.lock().waiting() == 0);
    let published = began.elapsed();
    let after =
        (info(&mut connection, "used_memory"), info(&mut connection, "total_net_input_bytes"));
    let each = |of: u64| of as f64 / DIALOGS as f64;
    println!(
        "publish, on the thread of the call  {:9.0} ns",
        on_call_path.as_nanos() as f64 / DIALOGS as f64
    );
    println!(
        "publish, until it is on the server  {:9.0} a second",
        DIALOGS as f64 / published.as_secs_f64()
    );
    println!("publish, sent to the server         {:9.0} bytes", each(after.1 - before.1));
    println!("publish, memory of the server       {:9.0} bytes", each(after.0 - before.0));

    for (what, named, found) in [("found", true, true), ("not found", false, false)] {
        let mut times: Vec<Duration> = Vec::new();
        for (number, own) in keys.iter().enumerate().take(2_000) {
            let lookup = 1 + number as u64;
            let key = if named { own.clone() } else { key(DIALOGS + number) };
            let began = Instant::now();
            assert!(b.lookup(lookup, (key.as_bytes(), TAGS[0], TAGS[1])));
            let mut came = answers.came.lock();
            while !came.contains_key(&lookup) {
                answers.told.wait(&mut came);
            }
            times.push(began.elapsed());
            assert_eq!(came.remove(&lookup), Some(found));
        }
        times.sort();
        let at = |part: usize| times[times.len() * part / 100].as_micros();
        println!(
            "lookup, {what:<10} half of them in    {:9} us, 99 of 100 in {} us",
            at(50),
            at(99)
        );
    }

    let began = Instant::now();
    for (number, key) in keys.iter().take(LOOKUPS).enumerate() {
        b.lookup(10_000 + number as u64, (key.as_bytes(), TAGS[0], TAGS[1]));
    }
    let on_call_path = began.elapsed();
    until(|| answers.came.lock().len() == LOOKUPS);
    let all = began.elapsed();
    println!(
        "lookup, on the thread of the call   {:9.0} ns",
        on_call_path.as_nanos() as f64 / LOOKUPS as f64
    );
    println!(
        "lookup, many at once                {:9.0} a second",
        LOOKUPS as f64 / all.as_secs_f64()
    );

    let began = Instant::now();
    for key in &keys {
        a.remove((key.as_bytes(), TAGS[0], TAGS[1]));
    }
    until(|| a.shared().board.lock().is_empty());
    println!(
        "remove, until it is on the server   {:9.0} a second",
        DIALOGS as f64 / began.elapsed().as_secs_f64()
    );
}
