//! The manager interface: actions with their answers, and every event that came, kept in order.

use crate::ua::PATIENCE;
use std::io::{BufRead, BufReader, Write};
use std::net::{IpAddr, TcpStream};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Instant;

/// The port of the manager interface.
pub const PORT: u16 = 5038;

/// An event or an answer: its lines, in order.
#[derive(Clone, Debug, Default)]
pub struct Block(Vec<(String, String)>);

impl Block {
    /// The value of the first line of this name, or nothing.
    pub fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(found, _)| found == name).map_or("", |(_, value)| value)
    }

    /// The name of the event.
    pub fn event(&self) -> &str {
        self.get("Event")
    }

    /// All lines.
    pub fn lines(&self) -> &[(String, String)] {
        &self.0
    }
}

#[derive(Default)]
struct Heard {
    blocks: Vec<Block>,
    closed: bool,
}

struct Shared {
    heard: Mutex<Heard>,
    changed: Condvar,
}

/// A connection to the manager interface.
pub struct Ami {
    writer: Mutex<(TcpStream, u64)>,
    shared: Arc<Shared>,
}

impl Ami {
    /// Logs in.
    pub fn connect(address: IpAddr) -> Ami {
        let socket = TcpStream::connect((address, PORT)).expect("the manager interface listens");
        let _ = socket.set_nodelay(true);
        let shared = Arc::new(Shared { heard: Mutex::default(), changed: Condvar::new() });
        let (reader, listener) = (socket.try_clone().expect("a second handle"), shared.clone());
        thread::spawn(move || listener.read(BufReader::new(reader)));
        let ami = Ami { writer: Mutex::new((socket, 0)), shared };
        let login = ami.action("Login", &[("Username", "test"), ("Secret", "test")]);
        assert_eq!(login.get("Response"), "Success", "{login:?}");
        ami
    }

    fn send(&self, action: &str, lines: &[(&str, &str)]) -> String {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        writer.1 += 1;
        let id = format!("t{}", writer.1);
        let mut text = format!("Action: {action}\r\nActionID: {id}\r\n");
        for (name, value) in lines {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text.push_str("\r\n");
        writer.0.write_all(text.as_bytes()).expect("the manager interface takes actions");
        id
    }

    /// Does an action and returns its answer.
    pub fn action(&self, action: &str, lines: &[(&str, &str)]) -> Block {
        let id = self.send(action, lines);
        self.wait(0, &format!("the answer to {action}"), |block| {
            !block.get("Response").is_empty() && block.get("ActionID") == id
        })
    }

    /// Does an action that answers with a list of events, and returns them.
    pub fn list(&self, action: &str, lines: &[(&str, &str)]) -> Vec<Block> {
        let from = self.mark();
        let id = self.send(action, lines);
        self.wait(from, &format!("the list of {action}"), |block| {
            block.get("ActionID") == id && block.get("EventList").eq_ignore_ascii_case("complete")
        });
        let mut found = self.since(from);
        found.retain(|block| {
            block.get("ActionID") == id
                && !block.event().is_empty()
                && block.get("EventList").is_empty()
        });
        found
    }

    /// Runs a command of the command line and returns what it prints.
    pub fn command(&self, command: &str) -> String {
        let answer = self.action("Command", &[("Command", command)]);
        let mut text = String::new();
        for (name, value) in answer.lines() {
            if name == "Output" {
                text.push_str(value);
                text.push('\n');
            }
        }
        text
    }

    /// How many events and answers came by now.
    pub fn mark(&self) -> usize {
        self.shared.heard.lock().unwrap_or_else(PoisonError::into_inner).blocks.len()
    }

    /// What came since a mark.
    pub fn since(&self, mark: usize) -> Vec<Block> {
        let heard = self.shared.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.blocks[mark..].to_vec()
    }

    /// Waits for the first event since a mark that `test` takes.
    pub fn wait(&self, mark: usize, what: &str, mut test: impl FnMut(&Block) -> bool) -> Block {
        let end = Instant::now() + PATIENCE;
        let mut at = mark;
        let mut heard = self.shared.heard.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            while let Some(block) = heard.blocks.get(at) {
                if test(block) {
                    return block.clone();
                }
                at += 1;
            }
            assert!(!heard.closed, "Asterisk closed the manager interface before {what}");
            let left = end.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "waited in vain for {what}");
            let changed = self.shared.changed.wait_timeout(heard, left);
            heard = changed.expect("no panic under the manager interface").0;
        }
    }
}

impl Shared {
    fn read(&self, reader: impl BufRead) {
        let mut block = Block::default();
        for line in reader.split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line).trim_end_matches('\r').to_owned();
            if line.is_empty() {
                let whole = std::mem::take(&mut block);
                if !whole.0.is_empty() {
                    let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
                    heard.blocks.push(whole);
                    self.changed.notify_all();
                }
            } else if let Some((name, value)) = line.split_once(':') {
                let value = value.strip_prefix(' ').unwrap_or(value);
                block.0.push((name.to_owned(), value.to_owned()));
            }
        }
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).closed = true;
        self.changed.notify_all();
    }
}
