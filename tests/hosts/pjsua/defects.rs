//! The unmodified `pjsua` program, as it is and with sipxfer preloaded: the same requests, both answers,
//! and the table of them in docs/pjsua.md.

use super::handset::Handset;
use super::process::programs;
use super::tools;
use super::ua::call::Call;
use super::ua::phone::Phase;
use super::ua::{Phone, Trace};
use super::world::{phone_at, Net};
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// One row: what is sent, by the triple of a call that stands, and what RFC 3891 asks for.
struct Row {
    words: &'static str,
    asked: &'static str,
    headers: fn(&str, &str, &str) -> Vec<(&'static str, String)>,
}

/// One Replaces.
fn one(value: String) -> Vec<(&'static str, String)> {
    vec![("Replaces", value)]
}

/// `c` is the Call-ID, `t` the to-tag and `f` the from-tag of a confirmed dialog.
const ROWS: &[Row] = &[
    Row {
        words: "`Replaces: c;to-tag=t;from-tag=f`",
        asked: "200",
        headers: |c, t, f| one(format!("{c};to-tag={t};from-tag={f}")),
    },
    Row {
        words: "the tags in capitals (RFC 3261 section 7.3.1)",
        asked: "200",
        headers: |c, t, f| {
            one(format!("{c};to-tag={};from-tag={}", t.to_uppercase(), f.to_uppercase()))
        },
    },
    Row {
        words: "white space before the first `;`: `c ;to-tag=t;from-tag=f`",
        asked: "200",
        headers: |c, t, f| one(format!("{c} ;to-tag={t};from-tag={f}")),
    },
    Row {
        words: "a fold before the first `;`",
        asked: "200",
        headers: |c, t, f| one(format!("{c}\r\n ;to-tag={t};from-tag={f}")),
    },
    Row {
        words: "white space around `=`",
        asked: "200",
        headers: |c, t, f| one(format!("{c};to-tag = {t};from-tag = {f}")),
    },
    Row {
        words: "a dialog that there is not",
        asked: "481",
        headers: |_, t, f| one(format!("nobody@h;to-tag={t};from-tag={f}")),
    },
    Row {
        words: "the tags the wrong way round",
        asked: "481",
        headers: |c, t, f| one(format!("{c};to-tag={f};from-tag={t}")),
    },
    Row {
        words: "`early-only`, and the dialog is confirmed",
        asked: "486",
        headers: |c, t, f| one(format!("{c};to-tag={t};from-tag={f};early-only")),
    },
    Row {
        words: "two Replaces lines",
        asked: "400",
        headers: |c, t, f| {
            let value = format!("{c};to-tag={t};from-tag={f}");
            [one(value.clone()), one(value)].concat()
        },
    },
    Row {
        words: "two to-tags, the last one right",
        asked: "400",
        headers: |c, t, f| one(format!("{c};to-tag=x;from-tag={f};to-tag={t}")),
    },
    Row {
        words: "two from-tags, the last one right",
        asked: "400",
        headers: |c, t, f| one(format!("{c};to-tag={t};from-tag=x;from-tag={f}")),
    },
    Row { words: "no to-tag", asked: "400", headers: |c, _, f| one(format!("{c};from-tag={f}")) },
    Row { words: "no from-tag", asked: "400", headers: |c, t, _| one(format!("{c};to-tag={t}")) },
    Row {
        words: "an empty from-tag",
        asked: "400",
        headers: |c, t, _| one(format!("{c};to-tag={t};from-tag=")),
    },
    Row { words: "nothing but a Call-ID", asked: "400", headers: |c, _, _| one(c.to_owned()) },
    Row { words: "an empty value", asked: "400", headers: |_, _, _| one(String::new()) },
    Row {
        words: "a stray `;` at the end",
        asked: "400",
        headers: |c, t, f| one(format!("{c};to-tag={t};from-tag={f};")),
    },
    Row {
        words: "two values in one line",
        asked: "400",
        headers: |c, t, f| one(format!("{c};to-tag={t};from-tag={f},{c};to-tag={t};from-tag={f}")),
    },
    Row {
        words: "Replaces and Join",
        asked: "400",
        headers: |c, t, f| {
            let value = format!("{c};to-tag={t};from-tag={f}");
            vec![("Replaces", value.clone()), ("Join", value)]
        },
    },
];

/// Sends a row's request while a call stands; `-` is no answer at all.
fn answer(phone: &Phone, uri: &str, row: &Row) -> String {
    let call = phone.call_uri(uri);
    call.until_up();
    let (call_id, ours, theirs) = call.triple();
    let headers = (row.headers)(&call_id, &theirs, &ours);
    let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let new = phone.call_with(uri, &headers);
    // Packets keep their order here and the program has one thread: what it has not answered before
    // these it does not answer.
    phone.fence();
    phone.fence();
    let code = final_code(&new);
    if code == 200 {
        let replaced = call.ended_within(super::ua::PATIENCE).is_some();
        assert!(replaced, "{}: accepted, and the old call goes on", row.words);
        new.until_up();
        new.hang_up().status();
        return "200".to_owned();
    }
    assert!(call.is_up(), "{}: refused, and the call is gone", row.words);
    call.hang_up().status();
    if code == 0 {
        "-".to_owned()
    } else {
        code.to_string()
    }
}

/// 0 where there is none yet.
fn final_code(call: &Call) -> u16 {
    match call.phase() {
        Phase::Trying | Phase::Early => 0,
        Phase::Up | Phase::Ended(_) => call.final_response().status().unwrap_or_default(),
    }
}

/// The answers of one program.
fn answers(preload: Option<&Path>) -> (Vec<String>, Handset) {
    let net = Net::new();
    let handset = Handset::start(net.address(2), preload, &["--auto-answer=200"]);
    let phone = phone_at("phone", net.address(10), net.address(2), &Trace::default());
    let uri = format!("sip:pjsua@{}", net.address(2));
    (ROWS.iter().map(|row| answer(&phone, &uri, row)).collect(), handset)
}

const BEGIN: &str = "<!-- measured: begin -->\n";
const END: &str = "<!-- measured: end -->";

#[test]
fn a_preloaded_pjsua_answers_by_rfc_3891_and_the_table_says_so() {
    let (plain, mut handset) = answers(None);
    assert!(!handset.ends().iter().any(|line| line.contains("sipxfer")));
    let object = programs().join("libsipxfer_pjsip_preload.so");
    let (preloaded, mut handset) = answers(Some(&object));
    let lines = handset.ends();
    let says = |words: &str| lines.iter().any(|line| line.contains(words));
    assert!(says("pjsip_replaces_verify_request() is sipxfer's in this process (preloaded)"));
    // Each call is one request without and one with Replaces.
    let counted = format!("sipxfer has verified request {}:", 2 * ROWS.len());
    assert!(says(&counted), "{counted}");

    let mut table = String::from(
        "| what is sent | RFC 3891 | pjsua 2.17 | with sipxfer |\n|---|---|---|---|\n",
    );
    for ((row, before), after) in ROWS.iter().zip(&plain).zip(&preloaded) {
        assert_eq!(after, row.asked, "{}", row.words);
        let wrong = if before == row.asked { "" } else { "**" };
        table += &format!("| {} | {} | {wrong}{before}{wrong} | {after} |\n", row.words, row.asked);
    }
    let defects = ROWS.iter().zip(&plain).filter(|(row, before)| row.asked != *before).count();
    assert!(defects >= 5, "pjsip's own function is better than it was:\n{table}");

    let path = tools::root().join("docs/pjsua.md");
    let text = fs::read_to_string(&path).expect("docs/pjsua.md");
    let (head, rest) = text.split_once(BEGIN).expect("the beginning of the table");
    let (old, tail) = rest.split_once(END).expect("the end of the table");
    if std::env::var_os("SIPXFER_UPDATE_DOCS").is_some() {
        fs::write(&path, format!("{head}{BEGIN}{table}{END}{tail}")).expect("it can be written");
    } else {
        assert_eq!(old, table, "docs/pjsua.md; SIPXFER_UPDATE_DOCS=1 renews it");
    }
}

/// The side that benchmarks compare with: pjsip's own parser and check on given bytes.
#[test]
fn the_side_by_side_of_pjsip_answers_as_pjsip_does() {
    let ask = |replaces: &str| {
        let message = format!(
            "INVITE sip:a@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bKx\r\n\
             From: <sip:b@127.0.0.1>;tag=q\r\nTo: <sip:a@127.0.0.1>\r\nCall-ID: z\r\n\
             CSeq: 1 INVITE\r\nMax-Forwards: 70\r\n{replaces}Content-Length: 0\r\n\r\n"
        );
        let mut side = Command::new(programs().join("pjsip_side"));
        side.args(["1000", "10"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = side.spawn().expect("it starts");
        child.stdin.take().expect("a pipe").write_all(message.as_bytes()).expect("it reads");
        let output = child.wait_with_output().expect("it ends");
        assert!(output.status.success());
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.split(' ').next().expect("a code").to_owned()
    };
    let of = |number: u32| {
        format!("Replaces: call-{number}@example.com;to-tag=local-{number};from-tag=remote-{number}\r\n")
    };
    assert_eq!(ask(""), "0");
    assert_eq!(ask(&of(0)), "200");
    assert_eq!(ask(&of(999)), "200");
    assert_eq!(ask(&of(1000)), "481");
    assert_eq!(ask(&of(1).replace(":", ": x;;")), "-1");
}
