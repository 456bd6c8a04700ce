//! TCP: puts the segments of each direction into their order and cuts the stream into messages
//! (RFC 3261 section 18.3).

use super::{is_sip, Place, LONGEST};
use std::collections::HashMap;

/// One segment.
pub struct Segment<'a> {
    pub from: Place,
    pub to: Place,
    pub sequence: u32,
    /// SYN or RST: what was before belongs to another connection.
    pub is_new: bool,
    pub bytes: &'a [u8],
}

/// How many directions are followed at once.
const STREAMS: usize = 1_024;
/// How many segments wait for one that is missing, and how many bytes they may have.
const EARLY: usize = 64;
const EARLY_BYTES: usize = 65_536;

#[derive(Default)]
struct Stream {
    /// The sequence number of the byte that comes next.
    next: u32,
    buffer: Vec<u8>,
    early: Vec<(u32, Vec<u8>)>,
    turn: u64,
}

/// What becomes of a buffer.
enum Cut {
    /// A message of this length, behind so many bytes of nothing.
    Message(usize, usize),
    /// It goes on in a later segment.
    More,
    /// No SIP, or longer than any.
    Lost,
}

/// The directions of all connections that carry SIP.
#[derive(Default)]
pub struct Streams {
    streams: HashMap<(Place, Place), Stream>,
    turn: u64,
    pub dropped: u64,
}

type Sink<'s> = dyn FnMut(&Place, &Place, &[u8]) + 's;

impl Streams {
    /// Takes a segment, and hands on the messages that it completes.
    pub fn add(&mut self, segment: Segment<'_>, sink: &mut Sink<'_>) {
        let Segment { from, to, sequence, is_new, bytes } = segment;
        let key = (from, to);
        if is_new {
            self.streams.remove(&key);
        }
        if bytes.is_empty() {
            return;
        }
        self.turn += 1;
        if !self.streams.contains_key(&key) {
            // A stream is followed from a start line on: others are of no interest and cost nothing.
            if !is_sip(bytes) {
                return;
            }
            self.make_room();
            self.streams.insert(key.clone(), Stream { next: sequence, ..Stream::default() });
        }
        let Some(stream) = self.streams.get_mut(&key) else { return };
        stream.turn = self.turn;
        if !stream.take(sequence, bytes) {
            // A gap that stays: the capture has lost a packet.
            self.dropped += 1;
            if !is_sip(bytes) {
                self.streams.remove(&key);
                return;
            }
            *stream = Stream { next: sequence, turn: self.turn, ..Stream::default() };
            stream.take(sequence, bytes);
        }
        let mut done = 0;
        let is_lost = loop {
            let rest = stream.buffer.get(done..).unwrap_or_default();
            match cut(rest) {
                Cut::Message(before, len) => {
                    if let Some(raw) = rest.get(before..before + len) {
                        sink(&key.0, &key.1, raw);
                    }
                    done += before + len;
                }
                Cut::More => break false,
                Cut::Lost => break true,
            }
        };
        stream.buffer.drain(..done);
        if is_lost {
            self.dropped += 1;
            self.streams.remove(&key);
        }
    }

    /// Where all places are taken, the older half goes at once: a flood costs little for each segment.
    fn make_room(&mut self) {
        if self.streams.len() < STREAMS {
            return;
        }
        let mut turns: Vec<u64> = self.streams.values().map(|it| it.turn).collect();
        turns.sort_unstable();
        let middle = turns.get(turns.len() / 2).copied().unwrap_or_default();
        let before = self.streams.len();
        self.streams.retain(|_, it| it.turn >= middle);
        self.dropped += (before - self.streams.len()) as u64;
    }

    /// Messages of which the end is missing are lost.
    pub fn finish(&mut self) {
        self.dropped += self.streams.values().filter(|it| !it.buffer.is_empty()).count() as u64;
        self.streams.clear();
    }
}

impl Stream {
    /// Whether the segment fits: it may come again, too early, or in part again.
    fn take(&mut self, sequence: u32, bytes: &[u8]) -> bool {
        let ahead = sequence.wrapping_sub(self.next) as i32;
        if ahead > 0 {
            let held: usize = self.early.iter().map(|(_, it)| it.len()).sum();
            if self.early.len() >= EARLY || held + bytes.len() > EARLY_BYTES {
                return false;
            }
            self.early.push((sequence, bytes.to_vec()));
            return true;
        }
        self.append(sequence, bytes);
        // Each round takes one out.
        while let Some(at) =
            self.early.iter().position(|(sequence, _)| sequence.wrapping_sub(self.next) as i32 <= 0)
        {
            let (sequence, bytes) = self.early.swap_remove(at);
            self.append(sequence, &bytes);
        }
        true
    }

    /// What of it is new goes behind the rest.
    fn append(&mut self, sequence: u32, bytes: &[u8]) {
        let known = self.next.wrapping_sub(sequence) as usize;
        let new = bytes.get(known..).unwrap_or_default();
        self.buffer.extend_from_slice(new);
        self.next = self.next.wrapping_add(new.len() as u32);
    }
}

/// What the first bytes of a stream are.
fn cut(bytes: &[u8]) -> Cut {
    let before = bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    let message = bytes.get(before..).unwrap_or_default();
    if message.is_empty() {
        // Line ends between messages keep a connection open.
        return if before > 4_096 { Cut::Lost } else { Cut::More };
    }
    let has_line = message.contains(&b'\n');
    if has_line && !is_sip(message) || !has_line && message.len() > 4_096 {
        return Cut::Lost;
    }
    let Some(head) = head_len(message) else {
        return if message.len() > LONGEST { Cut::Lost } else { Cut::More };
    };
    let body = body_len(message.get(..head).unwrap_or_default());
    match head.checked_add(body) {
        Some(len) if len <= LONGEST => {
            if message.len() >= len {
                Cut::Message(before, len)
            } else {
                Cut::More
            }
        }
        _ => Cut::Lost,
    }
}

/// The length of the start line and the headers, the empty line included.
fn head_len(message: &[u8]) -> Option<usize> {
    let at = memchr::memmem::find(message, b"\r\n\r\n").map(|at| at + 4);
    let lf = memchr::memmem::find(message, b"\n\n").map(|at| at + 2);
    match (at, lf) {
        (Some(at), Some(lf)) => Some(at.min(lf)),
        (at, lf) => at.or(lf),
    }
}

/// What Content-Length says; none without one.
pub fn body_len(head: &[u8]) -> usize {
    for line in head.split(|byte| *byte == b'\n') {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let (name, value) = line.split_at(colon);
        let name = name.trim_ascii();
        if name.eq_ignore_ascii_case(b"Content-Length") || name.eq_ignore_ascii_case(b"l") {
            let value = value.get(1..).unwrap_or_default().trim_ascii();
            let number = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
            return number.unwrap_or_default();
        }
    }
    0
}
