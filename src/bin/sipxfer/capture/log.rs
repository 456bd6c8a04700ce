//! The logs that people have: Asterisk's `pjsip set logger on` (and chan_sip's `sip set debug on`),
//! and what pjsua prints at level 5.
//!
//! A line says that a message follows, its direction and its other end. Line ends may have been
//! changed on the way (a paste, an editor): each becomes CRLF again.

use super::tcp::body_len;
use super::{is_sip, Kind, Losses, Packet, Place, LONGEST};
use std::io::{self, BufRead, Read};
use std::net::SocketAddr;

/// The longest line that is looked at; what is behind it is dropped.
const LINE: u64 = 65_536;

/// The line in front of a message.
#[derive(Debug, PartialEq, Eq)]
struct Marker<'a> {
    kind: Kind,
    received: bool,
    transport: &'a str,
    /// The other end.
    peer: SocketAddr,
}

/// What kind of log it is; `None` where no message is announced.
pub fn kind_of(head: &[u8]) -> Option<Kind> {
    head.split(|byte| *byte == b'\n').find_map(marker).map(|marker| marker.kind)
}

fn marker(line: &[u8]) -> Option<Marker<'_>> {
    // Nearly every line is ruled out here.
    if !line.windows(7).any(|it| matches!(it, b" bytes " | b" bytes)" | b"read fr" | b"mitting")) {
        return None;
    }
    let line = line.get(..512).unwrap_or(line);
    let text = std::str::from_utf8(line).ok()?.trim_end();
    asterisk(text).or_else(|| pjsua(text))
}

fn asterisk(text: &str) -> Option<Marker<'_>> {
    let end = |marked: &str| marked.rsplit_once(' ').map(|(rest, _)| rest.trim().len());
    let (received, peer) = if let Some((_, rest)) = text.split_once("<--- ") {
        let rest = rest.strip_suffix("--->")?.trim_end();
        let received = rest.starts_with("Received SIP ") || rest.starts_with("SIP read from ");
        if !received && !rest.contains("ransmitting ") {
            return None;
        }
        (received, rest.get(end(rest)?..)?.trim())
    } else {
        // A request of chan_sip has no arrow.
        let rest = text.strip_suffix(':')?;
        let (_, rest) = rest.split_once("ransmitting (")?;
        (false, rest.rsplit_once(" to ")?.1)
    };
    let (transport, peer) = match peer.split_once(':') {
        Some((word, rest))
            if !word.is_empty() && word.bytes().all(|it| it.is_ascii_alphabetic()) =>
        {
            (word, rest)
        }
        _ => ("UDP", peer),
    };
    Some(Marker { kind: Kind::AsteriskLog, received, transport, peer: peer.parse().ok()? })
}

fn pjsua(text: &str) -> Option<Marker<'_>> {
    let text = text.strip_suffix(':')?;
    let (before, rest) = text.split_once(" bytes ")?;
    let (before, length) = before.rsplit_once(' ')?;
    if length.is_empty() || !length.bytes().all(|it| it.is_ascii_digit()) {
        return None;
    }
    let (received, word) = match before.get(before.len().checked_sub(2)?..)? {
        "RX" => (true, " from "),
        "TX" => (false, " to "),
        _ => return None,
    };
    let (transport, peer) = rest.rsplit_once(word)?.1.split_once(' ')?;
    Some(Marker { kind: Kind::PjsuaLog, received, transport, peer: peer.parse().ok()? })
}

/// The clock of a log. One without dates begins again at midnight.
#[derive(Default)]
struct Clock {
    last_us: u64,
    days: u64,
}

const DAY_US: u64 = 86_400_000_000;

impl Clock {
    /// The time in front of a line.
    fn of(&mut self, line: &[u8]) -> Option<u64> {
        let line = line.get(..64).unwrap_or(line);
        let at = line.windows(8).position(is_time)?;
        let time = line.get(at..)?;
        let two = |at: usize| number(time.get(at..at + 2)?);
        let mut us = (two(0)? * 3_600 + two(3)? * 60 + two(6)?) * 1_000_000;
        if let Some(b'.' | b',') = time.get(8) {
            let digits = time.get(9..)?;
            let len = digits.iter().take(6).take_while(|it| it.is_ascii_digit()).count();
            let fraction = number(digits.get(..len)?).unwrap_or_default();
            us += fraction * 10_u64.pow(6 - len as u32);
        }
        let day = at.checked_sub(11).and_then(|from| line.get(from..at - 1)).and_then(date);
        Some(match day {
            Some(days) => days * DAY_US + us,
            None => self.later(us),
        })
    }

    /// The same day, or the next one.
    fn later(&mut self, us: u64) -> u64 {
        if us + DAY_US / 2 < self.last_us {
            self.days += 1;
        }
        self.last_us = us;
        self.days * DAY_US + us
    }
}

/// `12:34:56`
fn is_time(text: &[u8]) -> bool {
    text.iter().enumerate().all(|(at, byte)| match at {
        2 | 5 => *byte == b':',
        _ => byte.is_ascii_digit(),
    })
}

fn number(digits: &[u8]) -> Option<u64> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// The days since 1970 of `2026-11-21`.
fn date(text: &[u8]) -> Option<u64> {
    let mut parts = text.split(|byte| *byte == b'-');
    let (year, month, day) =
        (number(parts.next()?)?, number(parts.next()?)?, number(parts.next()?)?);
    if !(1_970..=9_999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // The year begins in March, so that the day that is sometimes there comes last.
    let (years, months) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days =
        years * 365 + years / 4 - years / 100 + years / 400 + (months * 153 + 2) / 5 + day - 1;
    days.checked_sub(719_468)
}

/// The message that is being read.
struct Open {
    kind: Kind,
    at_us: Option<u64>,
    received: bool,
    transport: String,
    peer: Place,
    raw: Vec<u8>,
    /// How many bytes of the body are missing, once the headers have ended.
    missing: Option<usize>,
}

impl Open {
    /// Takes a line; whether the message is complete with it.
    fn take(&mut self, line: &[u8]) -> bool {
        match self.missing {
            None if line.is_empty() && self.raw.is_empty() => false,
            None => {
                self.raw.extend_from_slice(line);
                self.raw.extend_from_slice(b"\r\n");
                if line.is_empty() {
                    self.missing = Some(body_len(&self.raw));
                }
                self.missing == Some(0)
            }
            Some(missing) => {
                let before = self.raw.len();
                self.raw.extend_from_slice(line);
                self.raw.extend_from_slice(b"\r\n");
                // The last line of a body may lack its line end; the log has added one.
                self.raw.truncate(before.saturating_add(missing));
                let left = missing.saturating_sub(self.raw.len() - before);
                self.missing = Some(left);
                left == 0
            }
        }
    }

    fn hand_on(&self, sink: &mut dyn FnMut(Packet<'_>)) {
        if !is_sip(&self.raw) {
            return;
        }
        let own = Place::Own(if self.kind == Kind::PjsuaLog { "pjsua" } else { "Asterisk" });
        let (from, to) = if self.received { (&self.peer, &own) } else { (&own, &self.peer) };
        let (at_us, transport) = (self.at_us, &*self.transport);
        sink(Packet { at_us, from, to, transport, raw: &self.raw });
    }
}

pub fn read(
    _: Kind,
    from: &mut (dyn BufRead + Send),
    sink: &mut dyn FnMut(Packet<'_>),
) -> io::Result<Losses> {
    let mut losses = Losses::default();
    let mut clock = Clock::default();
    let mut open: Option<Open> = None;
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        if (&mut *from).take(LINE).read_until(b'\n', &mut buffer)? == 0 {
            break;
        }
        if buffer.last() != Some(&b'\n') && buffer.len() as u64 == LINE {
            skip_line(from)?;
        }
        let line = buffer.strip_suffix(b"\n").unwrap_or(&buffer);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if let Some(found) = marker(line) {
            if let Some(before) = open.take() {
                before.hand_on(sink);
            }
            open = Some(Open {
                kind: found.kind,
                at_us: clock.of(line),
                received: found.received,
                transport: found.transport.to_owned(),
                peer: Place::Net(found.peer),
                raw: Vec::new(),
                missing: None,
            });
            continue;
        }
        let Some(message) = &mut open else { continue };
        let ends = line == b"--end msg--" || message.take(line);
        if message.raw.len() > LONGEST {
            losses.dropped += 1;
            open = None;
        } else if ends {
            message.hand_on(sink);
            open = None;
        }
    }
    if let Some(last) = open {
        last.hand_on(sink);
    }
    Ok(losses)
}

fn skip_line(from: &mut dyn BufRead) -> io::Result<()> {
    loop {
        let bytes = from.fill_buf()?;
        let (used, ended) = match bytes.iter().position(|byte| *byte == b'\n') {
            Some(at) => (at + 1, true),
            None => (bytes.len(), bytes.is_empty()),
        };
        from.consume(used);
        if ended {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn the_lines_in_front_of_messages_are_known() {
        let line = "[2026-11-21 10:00:01.250] VERBOSE[12] res_pjsip_logger.c: <--- Received SIP request (1034 bytes) from UDP:192.0.2.10:5060 --->";
        let found = marker(line.as_bytes()).unwrap();
        assert_eq!(
            (found.received, found.transport, found.peer),
            (true, "UDP", peer("192.0.2.10:5060"))
        );
        let found =
            marker(b"<--- Transmitting SIP response (34 bytes) to TLS:[2001:db8::1]:5061 --->")
                .unwrap();
        assert_eq!(
            (found.received, found.transport, found.peer),
            (false, "TLS", peer("[2001:db8::1]:5061"))
        );
        let found = marker(b"<--- SIP read from UDP:192.0.2.1:5060 --->").unwrap();
        assert!(found.received && found.kind == Kind::AsteriskLog);
        let found = marker(b"Reliably Transmitting (no NAT) to 192.0.2.1:5060:").unwrap();
        assert_eq!((found.received, found.peer), (false, peer("192.0.2.1:5060")));
        let line = b"12:00:00.250   pjsua_core.c  .TX 1129 bytes Request msg REFER/cseq=2 (tdta0x1) to UDP 192.0.2.1:5060:";
        let found = marker(line).unwrap();
        assert_eq!(
            (found.kind, found.received, found.peer),
            (Kind::PjsuaLog, false, peer("192.0.2.1:5060"))
        );
        let line = b"12:00:00.250 pjsua_core.c .RX 12 bytes Response msg 202/REFER/cseq=2 (rdata0x1) from TCP [::1]:5060:";
        assert!(marker(line).unwrap().received);
        for other in [
            "",
            "<--- x --->",
            "<--- Received SIP request (1 bytes) from UDP:x --->",
            "TX a bytes b to c d:",
            "RX 1 bytes from",
        ] {
            assert_eq!(marker(other.as_bytes()), None, "{other}");
        }
    }

    #[test]
    fn the_clock_knows_dates_and_midnight() {
        let mut clock = Clock::default();
        assert_eq!(clock.of(b"[1970-01-02 00:00:01.5] x"), Some(DAY_US + 1_500_000));
        assert_eq!(clock.of(b"[2026-11-21 10:00:01] x"), Some(20_778 * DAY_US + 36_001_000_000));
        assert_eq!(clock.of(b"23:59:59.999 x"), Some(86_399_999_000));
        assert_eq!(clock.of(b"00:00:00.001 x"), Some(DAY_US + 1_000));
        assert_eq!(clock.of(b"[Nov 21 00:00:02] x"), Some(DAY_US + 2_000_000));
        assert_eq!(clock.of(b"no time"), None);
    }
}
