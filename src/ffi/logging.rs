//! Lines for the host's log: limited in number, as text or as JSON.

use super::engine::sipxfer_engine;
use super::raw::text;
use super::types::*;
use crate::sip::Writer;

/// The longest line; what is over it is cut off.
const LINE: usize = 2_048;

/// Writes a line. `transfer` is the id of the one it is about, or 0. No lock of ours is held.
pub(super) fn write(engine: &sipxfer_engine, now_ms: u64, level: u32, transfer: u64, line: &[u8]) {
    if engine.host.0.log.is_none() {
        return;
    }
    let snapshot = engine.core.settings();
    let settings = snapshot.of(b"");
    let now_ms = engine.core.now(now_ms);
    let gate = engine.core.counters().gate();
    let Some(missing) = gate.open(now_ms, settings.log_per_second) else { return };
    if missing > 0 {
        let mut room = [0; 96];
        let mut out = Writer::new(&mut room);
        out.push_decimal(missing);
        out.push(b" lines were left out (log.per_second)");
        hand_on(engine, SIPXFER_LOG_WARNING, settings.log_json, 0, out.written());
    }
    hand_on(engine, level, settings.log_json, transfer, line);
}

/// Writes a line about a transfer, if the log is to follow them.
pub(super) fn follow(engine: &sipxfer_engine, transfer: u64, line: impl FnOnce(&mut Writer<'_>)) {
    if engine.host.0.log.is_none() || !engine.core.settings().of(b"").log_transfers {
        return;
    }
    let mut room = [0; LINE];
    let mut out = Writer::new(&mut room);
    out.push(b"transfer ");
    push_id(&mut out, transfer);
    out.push(b": ");
    line(&mut out);
    write(engine, 0, SIPXFER_LOG_INFO, transfer, out.written());
}

fn push_id(out: &mut Writer<'_>, id: u64) {
    for at in (0..16).rev() {
        out.push_byte(digit((id >> (at * 4)) as u8 & 15));
    }
}

fn digit(nibble: u8) -> u8 {
    if nibble < 10 {
        b'0' + nibble
    } else {
        b'a' + nibble - 10
    }
}

fn hand_on(engine: &sipxfer_engine, level: u32, json: bool, transfer: u64, line: &[u8]) {
    let Some(log) = engine.host.0.log else { return };
    let mut room = [0; LINE];
    let mut out = Writer::new(&mut room);
    let line = if json {
        print_json(&mut out, level, transfer, line);
        out.written()
    } else {
        line
    };
    // SAFETY: the callback is the host's; the line lives through the call.
    unsafe { log(engine.host.0.user, level, text(line)) };
}

fn print_json(out: &mut Writer<'_>, level: u32, transfer: u64, line: &[u8]) {
    out.push(b"{\"level\":\"");
    out.push(match level {
        SIPXFER_LOG_ERROR => b"error",
        SIPXFER_LOG_WARNING => b"warning",
        _ => b"info",
    });
    out.push(b"\",\"transfer\":");
    if transfer == 0 {
        out.push(b"null");
    } else {
        out.push(b"\"");
        push_id(out, transfer);
        out.push(b"\"");
    }
    out.push(b",\"text\":\"");
    // At most six bytes for one: what is left of the room is enough for so much of the line.
    let most = (LINE - 128) / 6;
    let mut line = line.get(..most).unwrap_or(line);
    // The cut may go through a letter.
    while line.last().is_some_and(|byte| *byte >= 0x80) && core::str::from_utf8(line).is_err() {
        line = line.split_last().map_or(&[], |(_, rest)| rest);
    }
    let is_text = core::str::from_utf8(line).is_ok();
    for byte in line {
        match byte {
            b'"' | b'\\' => out.push(&[b'\\', *byte]),
            0x20..=0x7e => out.push_byte(*byte),
            0x80.. if is_text => out.push_byte(*byte),
            other => out.push(&[b'\\', b'u', b'0', b'0', digit(other >> 4), digit(other & 15)]),
        }
    }
    out.push(b"\"}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(line: &[u8]) -> String {
        let mut room = [0; LINE];
        let mut out = Writer::new(&mut room);
        print_json(&mut out, SIPXFER_LOG_WARNING, 0xab, line);
        assert!(!out.overflowed());
        String::from_utf8(out.written().to_vec()).unwrap()
    }

    #[test]
    fn a_line_as_json_is_json_whatever_is_in_it() {
        assert_eq!(
            json(b"a \"b\" \\ \x1b"),
            r#"{"level":"warning","transfer":"00000000000000ab","text":"a \"b\" \\ \u001b"}"#
        );
        assert!(json("\u{e4}".as_bytes()).contains('\u{e4}') && json(b"\xff").contains("\\u00ff"));
        let long = json(&[0xff; 5_000]);
        assert!(long.ends_with("\"}") && serde_json::from_str::<serde_json::Value>(&long).is_ok());
        let long = json("\u{e4}".repeat(3_000).as_bytes());
        assert!(serde_json::from_str::<serde_json::Value>(&long).is_ok());
    }
}
