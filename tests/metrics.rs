//! Watching an engine run: counters, OpenMetrics text, the last transfers, and how much is logged.

// What a C host does is unsafe from end to end.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::undocumented_unsafe_blocks,
    clippy::panic,
    clippy::indexing_slicing
)]

mod common_rules;

use common_rules::messages::refer_to;
use common_rules::{known, on_both, text, Kind, Pbx, STRANGER};
use sipxfer::ffi::*;
use std::collections::{HashMap, HashSet};
use std::mem::size_of;

const BLIND: &str = "<sip:100@h>";

fn stats(pbx: &Pbx) -> sipxfer_stats {
    let mut stats: sipxfer_stats = unsafe { std::mem::zeroed() };
    stats.struct_size = size_of::<sipxfer_stats>();
    assert_eq!(unsafe { sipxfer_stats_read(pbx.engine, &mut stats) }, SIPXFER_OK);
    stats
}

fn refusals(pbx: &Pbx, rule: u32) -> u64 {
    let mut count = u64::MAX;
    assert_eq!(unsafe { sipxfer_refusal_count(pbx.engine, rule, &mut count) }, SIPXFER_OK);
    count
}

fn metrics(pbx: &Pbx) -> String {
    let mut needed = 0;
    let status = unsafe { sipxfer_metrics_print(pbx.engine, std::ptr::null_mut(), 0, &mut needed) };
    assert_eq!(status, SIPXFER_E_BUFFER);
    let mut buffer = vec![0_u8; needed];
    let at = buffer.as_mut_ptr().cast();
    let status = unsafe { sipxfer_metrics_print(pbx.engine, at, needed, &mut needed) };
    assert_eq!(status, SIPXFER_OK);
    String::from_utf8(buffer).unwrap()
}

/// What a record says: transfer, kind, code, cause, rule, and its strings.
type Told = (u64, [u32; 4], [String; 4], [u64; 2]);

fn last(pbx: &Pbx, back: usize) -> Option<Told> {
    let mut buffer = [0_u8; SIPXFER_RECORD_SIZE];
    let mut record: sipxfer_transfer_record = unsafe { std::mem::zeroed() };
    record.struct_size = size_of::<sipxfer_transfer_record>();
    let at = buffer.as_mut_ptr().cast();
    match unsafe { sipxfer_last_transfer(pbx.engine, back, at, buffer.len(), &mut record) } {
        SIPXFER_OK => {}
        SIPXFER_E_NOT_FOUND => return None,
        other => panic!("{other}"),
    }
    let strings = [record.call_id, record.endpoint, record.target, record.why].map(text);
    let numbers = [record.kind, record.code, record.cause, record.rule];
    Some((record.transfer, numbers, strings, [record.began_ms, record.ended_ms]))
}

#[test]
fn what_is_decided_and_what_becomes_of_it_is_counted() {
    on_both(|pbx| {
        assert_eq!(stats(&pbx).verdicts, 0);
        let good = pbx.receive(&refer_to(BLIND), known("bob"));
        pbx.outputs(good);
        assert_eq!(stats(&pbx).transfers_open, 1);
        pbx.progress(good, 200, "");
        pbx.outputs(good);
        let bad = pbx.receive(&refer_to(BLIND).replace("CSeq: 7 ", "CSeq: 8 "), known("bob"));
        pbx.outputs(bad);
        pbx.progress(bad, 486, "");
        pbx.outputs(bad);
        let unknown = refer_to("<sip:unknown@h>").replace("CSeq: 7 ", "CSeq: 9 ");
        pbx.receive_any(&unknown, known("bob")).0.refused(404, 32);
        pbx.receive_any(&refer_to(BLIND), STRANGER);
        let found = stats(&pbx);
        let counted = [found.verdicts, found.refused, found.challenged];
        assert_eq!(counted, [4, 2, 1]);
        assert_eq!([found.transfers_done, found.transfers_failed], [1, 1]);
        assert_eq!([refusals(&pbx, 32), refusals(&pbx, 31), refusals(&pbx, 9)], [1, 1, 0]);
        let mut count = 0;
        for none in [27, 255, 256, 65_536 + 9, u32::MAX] {
            let status = unsafe { sipxfer_refusal_count(pbx.engine, none, &mut count) };
            assert_eq!(status, SIPXFER_E_NOT_FOUND, "{none}");
        }

        // The last first; the stranger's is not among them.
        let (id, numbers, strings, times) = last(&pbx, 0).unwrap();
        assert_eq!((id, numbers), (0, [SIPXFER_VERDICT_REJECT, 404, 0, 32]));
        assert!(strings[3].contains("no extension") && strings[1] == "bob", "{strings:?}");
        assert!(times[1] >= times[0]);
        let (id, numbers, strings, _) = last(&pbx, 1).unwrap();
        assert_eq!(
            (id, &numbers[..3]),
            (bad, &[SIPXFER_VERDICT_BLIND, 486, SIPXFER_CAUSE_TARGET][..])
        );
        assert!(strings[2].contains("100@h") && !strings[0].is_empty(), "{strings:?}");
        assert_eq!(last(&pbx, 2).unwrap().1[1], 200);
        assert_eq!(last(&pbx, 3), None);
        let mut record: sipxfer_transfer_record = unsafe { std::mem::zeroed() };
        record.struct_size = size_of::<sipxfer_transfer_record>();
        let mut small = [0_u8; 4];
        let at = small.as_mut_ptr().cast();
        let status = unsafe { sipxfer_last_transfer(pbx.engine, 0, at, 4, &mut record) };
        assert_eq!(status, SIPXFER_E_BUFFER);
    });
}

/// Reads OpenMetrics text as the standard has it (version 1.0.0), and nothing else.
fn strictly_read(metrics: &str) -> HashMap<String, f64> {
    let body = metrics.strip_suffix("# EOF\n").expect("the last line is # EOF");
    assert!(!body.contains("# EOF") && !body.contains("\n\n") && !body.contains('\r'));
    let mut values = HashMap::new();
    let mut families: HashSet<&str> = HashSet::new();
    let mut family = ("", "");
    for line in body.lines() {
        if let Some(rest) = line.strip_prefix("# ") {
            let mut words = rest.splitn(3, ' ');
            let (what, name, value) =
                (words.next().unwrap(), words.next().unwrap(), words.next().unwrap());
            assert!(name
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_'));
            match what {
                "HELP" => {
                    assert!(families.insert(name), "{name} comes twice");
                    assert!(value.ends_with('.') && !value.contains(['\\', '"']));
                    family = (name, "");
                }
                "TYPE" => {
                    assert_eq!(family, (name, ""), "TYPE stands behind HELP, before the samples");
                    assert!(["counter", "gauge", "histogram", "info"].contains(&value), "{value}");
                    family.1 = value;
                }
                "UNIT" => assert!(family.0 == name && name.ends_with(&format!("_{value}"))),
                other => panic!("{other}"),
            }
            continue;
        }
        let (name, value) = line.rsplit_once(' ').unwrap();
        let (metric, labels) = name.split_once('{').map_or((name, ""), |(metric, labels)| {
            (metric, labels.strip_suffix('}').expect("labels end with a brace"))
        });
        for label in labels.split_terminator(',') {
            let (label, text) = label.split_once('=').unwrap();
            assert!(label.bytes().all(|byte| byte.is_ascii_lowercase()), "{label}");
            assert!(text.len() >= 2 && text.starts_with('"') && text.ends_with('"'), "{text}");
            assert!(!text[1..text.len() - 1].contains(['"', '\\']));
        }
        let suffix = metric
            .strip_prefix(family.0)
            .unwrap_or_else(|| panic!("{metric} stands in {family:?}"));
        let allowed: &[&str] = match family.1 {
            "counter" => &["_total"],
            "gauge" => &[""],
            "info" => &["_info"],
            "histogram" => &["_bucket", "_sum", "_count"],
            _ => panic!("{metric} has no TYPE"),
        };
        assert!(allowed.contains(&suffix), "{metric} in {family:?}");
        let value: f64 = value.parse().unwrap();
        assert!(
            value >= 0.0 && values.insert(name.to_owned(), value).is_none(),
            "{name} comes twice"
        );
    }
    values
}

#[test]
fn metrics_are_openmetrics_text() {
    let pbx = Pbx::new(Kind::Own);
    let empty = strictly_read(&metrics(&pbx));
    assert_eq!(empty["sipxfer_verdicts_total{kind=\"reject\"}"], 0.0);
    let transfer = pbx.receive(&refer_to(BLIND), known("bob"));
    pbx.outputs(transfer);
    pbx.progress(transfer, 486, "");
    pbx.outputs(transfer);
    pbx.receive_any(&refer_to(BLIND), STRANGER);
    for ns in [400, 900, 1_000, 15_000, 3_000_000_000] {
        assert_eq!(unsafe { sipxfer_verdict_took(pbx.engine, ns) }, SIPXFER_OK);
    }
    let found = strictly_read(&metrics(&pbx));
    for (name, value) in [
        ("sipxfer_verdicts_total{kind=\"blind\"}", 1.0),
        ("sipxfer_refusals_total{rule=\"R031\"}", 1.0),
        ("sipxfer_transfers_total{kind=\"blind\",outcome=\"failed\",cause=\"target\"}", 1.0),
        ("sipxfer_transfers_open", 0.0),
        ("sipxfer_verdict_seconds_bucket{le=\"0.000000500\"}", 1.0),
        ("sipxfer_verdict_seconds_bucket{le=\"0.000001000\"}", 3.0),
        ("sipxfer_verdict_seconds_bucket{le=\"0.100000000\"}", 4.0),
        ("sipxfer_verdict_seconds_bucket{le=\"+Inf\"}", 5.0),
        ("sipxfer_verdict_seconds_count", 5.0),
        ("sipxfer_verdict_seconds_sum", 3.000_017_3),
    ] {
        assert!((found[name] - value).abs() < 1e-9, "{name} is {}", found[name]);
    }
    // Nothing that a stranger writes is a label.
    assert!(!metrics(&pbx).contains("bob"));
}

#[test]
fn the_log_has_no_more_lines_a_second_than_it_may() {
    on_both(|pbx| {
        pbx.set("log.per_second", "3");
        for _ in 0..10 {
            pbx.receive_any(&refer_to("<sip:unknown@h>"), known("bob"));
        }
        assert_eq!(pbx.log().len(), 3);
        let found = stats(&pbx);
        assert_eq!((found.log_lines, found.log_lines_left_out), (3, 7));
        // Time passes.
        assert_eq!(unsafe { sipxfer_tick(pbx.engine, 100_000_000) }, SIPXFER_OK);
        pbx.receive_any(&refer_to("<sip:unknown@h>"), known("bob"));
        let log = pbx.log();
        assert_eq!(log[3], "7 lines were left out (log.per_second)");
        assert!(log[4].contains("no extension") && log.len() == 5, "{log:?}");
    });
}

#[test]
fn the_log_follows_a_transfer_by_its_id() {
    on_both(|pbx| {
        pbx.set("log.transfers", "yes");
        let transfer = pbx.receive(&refer_to(BLIND), known("bob"));
        pbx.outputs(transfer);
        pbx.progress(transfer, 200, "");
        pbx.outputs(transfer);
        let start = format!("transfer {transfer:016x}: ");
        let lines: Vec<String> = pbx
            .log()
            .iter()
            .filter_map(|line| line.strip_prefix(&start).map(str::to_owned))
            .collect();
        assert!(lines[0].starts_with("blind (Call-ID "), "{lines:?}");
        assert_eq!(lines[1], "answer 202 Accepted");
        assert_eq!(lines[2], "notify 100 Trying");
        assert!(
            lines.iter().any(|line| line.starts_with("finished 200 OK, cause target")),
            "{lines:?}"
        );
        assert!(lines.iter().any(|line| line.starts_with("notify 200 OK")), "{lines:?}");
    });
}

#[test]
fn log_lines_may_be_json() {
    on_both(|pbx| {
        pbx.set("log.format", "json").set("log.transfers", "yes");
        let transfer = pbx.receive(&refer_to(BLIND), known("bob"));
        pbx.outputs(transfer);
        pbx.receive_any(&refer_to("\"x\\\"\" <sip:unknown@h>"), known("bob"));
        let mut ids = HashSet::new();
        for line in pbx.log() {
            let line: serde_json::Value = serde_json::from_str(&line).unwrap();
            assert!(["info", "warning"].contains(&line["level"].as_str().unwrap()));
            assert!(line["text"].is_string());
            ids.insert(line["transfer"].as_str().map(str::to_owned));
        }
        assert_eq!(ids, HashSet::from([None, Some(format!("{transfer:016x}"))]));
    });
}
