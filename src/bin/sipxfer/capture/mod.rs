//! Captures: the SIP messages in pcap and pcapng files and in the logs of Asterisk and pjsua, one
//! after the other and in bounded memory.
//!
//! Every byte of a capture is a stranger's. A file may be cut, a packet may say anything about its
//! lengths, and a stream may never end: what is kept has a limit, and what is over it is dropped
//! and counted.

mod fragments;
mod log;
mod net;
mod pcap;
mod tcp;

use std::fmt;
use std::io::{self, BufRead, Read};
use std::net::{IpAddr, SocketAddr};

/// Who sent or got a message.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Place {
    /// An address of the network.
    Net(SocketAddr),
    /// The program that wrote the log, which does not name its own address.
    Own(&'static str),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Net(address) => address.fmt(f),
            Place::Own(name) => f.write_str(name),
        }
    }
}

/// One SIP message where it was seen.
#[derive(Debug)]
pub struct Packet<'a> {
    /// Microseconds: since 1970, since midnight where a log has no date; `None` where it has no
    /// time at all.
    pub at_us: Option<u64>,
    pub from: &'a Place,
    pub to: &'a Place,
    /// "UDP", "TCP", and what else a log says.
    pub transport: &'a str,
    /// The message from its start line to the end of its body.
    pub raw: &'a [u8],
}

/// What kind of file it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Pcap,
    Pcapng,
    AsteriskLog,
    PjsuaLog,
    /// One message and nothing around it.
    Message,
}

impl Kind {
    /// As JSON has it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Pcap => "pcap",
            Kind::Pcapng => "pcapng",
            Kind::AsteriskLog => "asterisk-log",
            Kind::PjsuaLog => "pjsua-log",
            Kind::Message => "message",
        }
    }

    /// What the first bytes of a file say.
    pub fn of(head: &[u8]) -> Kind {
        match head {
            [0xd4, 0xc3, 0xb2, 0xa1, ..]
            | [0xa1, 0xb2, 0xc3, 0xd4, ..]
            | [0x4d, 0x3c, 0xb2, 0xa1, ..]
            | [0xa1, 0xb2, 0x3c, 0x4d, ..] => Kind::Pcap,
            [0x0a, 0x0d, 0x0d, 0x0a, ..] => Kind::Pcapng,
            _ if is_sip(head) => Kind::Message,
            _ => log::kind_of(head).unwrap_or(Kind::Message),
        }
    }
}

/// What was left out, for the notes.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Losses {
    /// Messages, packets or streams over a limit.
    pub dropped: u64,
    /// The file ends inside of a packet, or cannot be read on; where.
    pub broken_at: Option<u64>,
    /// Packets of a link layer that is not known here.
    pub unknown_link: u64,
    /// Packets that the capture cut short.
    pub cut: u64,
}

/// The longest SIP message that is looked at. Over UDP none can be longer.
pub const LONGEST: usize = 65_535;

/// Hands the messages of a capture on, in its order. `kind` is what [`Kind::of`] said.
pub fn read(
    kind: Kind,
    from: &mut (dyn BufRead + Send),
    sink: &mut dyn FnMut(Packet<'_>),
) -> io::Result<Losses> {
    match kind {
        Kind::Pcap | Kind::Pcapng => pcap::read(from, sink),
        Kind::AsteriskLog | Kind::PjsuaLog | Kind::Message => log::read(kind, from, sink),
    }
}

/// Whether these bytes begin with the start line of a SIP message, as far as they go.
pub fn is_sip(bytes: &[u8]) -> bool {
    let start = bytes.iter().position(|byte| !matches!(byte, b'\r' | b'\n'));
    let Some(bytes) = start.and_then(|at| bytes.get(at..)) else { return false };
    if bytes.starts_with(b"SIP/2.0 ") {
        return true;
    }
    // A Request-URI of this length is none that a phone sends.
    let line = bytes.get(..4_096).unwrap_or(bytes);
    let Some(end) = line.iter().position(|byte| *byte == b'\n') else { return false };
    let line = line.get(..end).unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let method = line.iter().position(|byte| *byte == b' ').and_then(|at| line.get(..at));
    let is_method = method.is_some_and(|method| {
        !method.is_empty()
            && method.len() <= 32
            && method.iter().all(|byte| byte.is_ascii_uppercase() || *byte == b'-')
    });
    is_method && line.ends_with(b" SIP/2.0")
}

/// A stream that remembers how far it has been read.
pub struct Counted<'r> {
    inner: &'r mut (dyn Read + Send),
    told: &'r mut (dyn FnMut(u64) + Send),
    sum: u64,
}

impl<'r> Counted<'r> {
    /// `told` hears how many bytes have been read so far, after each read.
    pub fn new(
        inner: &'r mut (dyn Read + Send),
        told: &'r mut (dyn FnMut(u64) + Send),
    ) -> Counted<'r> {
        Counted { inner, told, sum: 0 }
    }
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.sum += read as u64;
        (self.told)(self.sum);
        Ok(read)
    }
}

fn net(ip: IpAddr, port: u16) -> Place {
    Place::Net(SocketAddr::new(ip, port))
}

#[cfg(test)]
mod tests;
