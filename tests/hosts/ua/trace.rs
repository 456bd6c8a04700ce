//! What went over the wire, in order, to be printed when a test fails.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// The time since the first use in this process.
pub fn now() -> Duration {
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed()
}

/// Which way a message went, seen from the phone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// The phone sent it.
    Sent,
    /// The phone received it.
    Received,
}

/// One message.
#[derive(Clone, Debug)]
pub struct Entry {
    /// When.
    pub at: Duration,
    /// The phone.
    pub phone: String,
    /// To or from the phone.
    pub way: Way,
    /// The other side.
    pub peer: SocketAddr,
    /// All of its bytes.
    pub bytes: Vec<u8>,
}

/// The messages of the phones that share it. Cloning it shares it.
#[derive(Clone, Default)]
pub struct Trace(Arc<Mutex<Vec<Entry>>>);

impl Trace {
    /// Adds one message.
    pub fn add(&self, phone: &str, way: Way, peer: SocketAddr, bytes: &[u8]) {
        let entry = Entry { at: now(), phone: phone.to_owned(), way, peer, bytes: bytes.to_vec() };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(entry);
    }

    /// What went over the wire so far.
    pub fn entries(&self) -> Vec<Entry> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// All of it for a reader.
    pub fn print(&self) -> String {
        let mut text = String::new();
        for entry in self.entries() {
            let way = if entry.way == Way::Sent { "──►" } else { "◄──" };
            let line = format!(
                "──── {:9.3} s  {} {way} {}\n",
                entry.at.as_secs_f64(),
                entry.phone,
                entry.peer
            );
            text.push_str(&line);
            text.push_str(String::from_utf8_lossy(&entry.bytes).trim_end());
            text.push('\n');
        }
        text
    }

    /// Start lines only: who, which way, what.
    pub fn summary(&self) -> String {
        let mut text = String::new();
        for entry in self.entries() {
            let way = if entry.way == Way::Sent { "──►" } else { "◄──" };
            let whole = String::from_utf8_lossy(&entry.bytes);
            let at = entry.at.as_secs_f64();
            let first = whole.lines().next().unwrap_or_default();
            text.push_str(&format!("{at:9.3}  {:8} {way} {first}\n", entry.phone));
        }
        text
    }
}
