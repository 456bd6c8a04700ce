//! `sipxfer explain` of captures: recorded ones of `tests/captures`, and such as are made here, each
//! with one thing that goes wrong.

#[path = "captures/scene.rs"]
mod scene;

use super::{file, printed, run_with, scratch_file, unusable};
use scene::{Dialog, Scene, BOB, CAROL, PBX};
use serde_json::Value;
use std::io::Write;
use std::process::{Command, Stdio};

/// Bob's call with Alice, and the one in which he asks Carol; both through the PBX.
const FIRST: Dialog = ("first@bob", "b1", "p1");
const SECOND: Dialog = ("second@bob", "b2", "p2");

fn explained(bytes: &[u8]) -> Value {
    serde_json::from_str(&printed(&["explain", "--json", "-"], bytes)).unwrap()
}

/// The only transfer of a capture.
#[track_caller]
fn only(bytes: &[u8]) -> Value {
    let found = explained(bytes);
    assert_eq!(found["transfers"].as_array().unwrap().len(), 1, "{found:#}");
    found["transfers"][0].clone()
}

/// `outcome code`
fn outcome(transfer: &Value) -> String {
    format!("{} {}", transfer["outcome"].as_str().unwrap(), transfer["code"])
}

/// Looks for a finding: of this weight and rule, with these words in it.
#[track_caller]
fn assert_found(transfer: &Value, weight: &str, rule: &str, words: &str) {
    let holds = |it: &Value| {
        it["weight"] == weight && it["rule"] == rule && it["text"].as_str().unwrap().contains(words)
    };
    let findings = transfer["findings"].as_array().unwrap();
    assert!(findings.iter().any(holds), "no {weight} of {rule} with \"{words}\": {findings:#?}");
}

/// A blind transfer up to its 202.
fn blind(refer_to: &str, more: &str) -> Scene {
    let mut scene = Scene::new();
    scene.call((BOB, PBX), FIRST, ("bob", "alice"));
    scene.refer(FIRST, refer_to, more);
    scene.answer((PBX, BOB), "202 Accepted", "");
    scene
}

/// The same, and it goes well: Carol is called and answers, Bob learns that.
fn done(more: &str) -> Scene {
    let mut scene = blind("<sip:carol@h>", more);
    scene.notify(FIRST, "SIP/2.0 100 Trying", "active;expires=60", "");
    scene.call((PBX, CAROL), ("third@pbx", "p3", "c3"), ("bob", "carol"));
    scene.notify(FIRST, "SIP/2.0 200 OK", "terminated;reason=noresource", "");
    scene
}

/// An attended transfer up to its 202; Refer-To names these ids.
fn attended(ids: &str) -> Scene {
    let mut scene = Scene::new();
    scene.call((BOB, PBX), FIRST, ("bob", "alice"));
    scene.call((BOB, PBX), SECOND, ("bob", "carol"));
    scene.refer(FIRST, &format!("<sip:carol@h?Replaces={ids}>"), "Referred-By: <sip:bob@h>");
    scene.answer((PBX, BOB), "202 Accepted", "");
    scene
}

const RIGHT: &str = "second%40bob%3Bto-tag%3Dp2%3Bfrom-tag%3Db2";

#[test]
fn the_recorded_transfers_are_told() {
    for (name, kind, ended, rule, words) in [
        ("remote-attended", "attended", "done null", "R082", "with Replaces and got 200 OK"),
        ("blind", "blind", "done null", "R082", "NOTIFYs told the transferor 100, 200"),
        ("pickup", "takeover", "done null", "R011", "the call was taken over"),
        ("not-trusted", "attended", "failed 403", "R009", "got 403 Forbidden"),
        (
            "challenged",
            "blind",
            "challenged 401",
            "R031",
            "to call: Refer-To: <sip:carol@asterisk_a.com>",
        ),
        ("called-back", "blind", "failed 603", "", "the transferor hung up"),
    ] {
        let path = format!("../captures/{name}.pcap");
        let found: Value =
            serde_json::from_str(&printed(&["explain", "--json", &path], b"")).unwrap();
        let transfer = &found["transfers"][0];
        assert_eq!(found["source"], "pcap");
        assert_eq!(
            (&*outcome(transfer), transfer["kind"].as_str().unwrap()),
            (ended, kind),
            "{name}"
        );
        let rules = transfer["rules"].as_array().unwrap();
        assert!(rule.is_empty() || rules.iter().any(|it| it == rule), "{name}: {rules:?}");
        let happened = transfer["happened"].to_string();
        assert!(happened.contains(words), "{name}: {happened}");
        let faults = transfer["findings"].as_array().unwrap();
        assert!(faults.iter().all(|it| it["weight"] != "fault"), "{name}: {faults:#?}");
        let text = printed(&["explain", &path], b"");
        assert!(
            text.contains("Transfer 1, ") && text.contains('│') && text.contains(">│"),
            "{text}"
        );
        assert!(!text.contains('\x1b'), "no colours for a pipe");
    }
}

#[test]
fn who_said_no_and_what_to_change() {
    let path = "../captures/not-trusted.pcap";
    let found: Value = serde_json::from_str(&printed(&["explain", "--json", path], b"")).unwrap();
    let transfer = &found["transfers"][0];
    let names: Vec<&str> = transfer["parties"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["alice", "asterisk_a.com", "bob", "server_b.com", "carol"]);
    assert_eq!(transfer["said_no"], transfer["parties"][3]["address"]);
    assert!(transfer["why"].as_str().unwrap().contains("not authorized to replace this dialog"));
    assert!(transfer["change"][0].as_str().unwrap().contains("replaces_trusted = yes"));
    let text = printed(&["explain", path], b"");
    for piece in ["Why      server_b.com", "Rules    R009", "Change   trust the peer"] {
        assert!(text.contains(piece), "{piece}: {text}");
    }
}

#[test]
fn the_same_transfer_is_told_alike_whatever_it_was_captured_with() {
    let mut scene = attended(RIGHT);
    scene.notify(FIRST, "SIP/2.0 603 Decline", "terminated;reason=noresource", "");
    scene.bye((BOB, PBX), FIRST);
    let expected = only(&scene.pcap());
    assert_eq!(outcome(&expected), "failed 603");
    for (source, bytes) in [
        ("pcap", scene.pcap_tcp(10_000)),
        ("pcap", scene.pcap_tcp(97)),
        ("asterisk-log", scene.asterisk_log().into_bytes()),
        ("asterisk-log", scene.asterisk_log().replace("\r\n", "\n").into_bytes()),
        ("pjsua-log", scene.pjsua_log().into_bytes()),
        ("pjsua-log", scene.pjsua_log().replace("\r\n", "\n").into_bytes()),
    ] {
        let found = explained(&bytes);
        assert_eq!(found["source"], source);
        let transfer = &found["transfers"][0];
        for key in ["kind", "outcome", "code", "rules", "refer_to", "referred_by", "change"] {
            assert_eq!(transfer[key], expected[key], "{key} of {source}");
        }
        let texts = |it: &Value| -> Vec<String> {
            it["steps"].as_array().unwrap().iter().map(|it| it["text"].to_string()).collect()
        };
        assert_eq!(texts(transfer), texts(&expected), "{source}");
    }
}

#[test]
fn each_fault_is_found_with_its_rule() {
    let swapped = attended("second%40bob%3Bto-tag%3Db2%3Bfrom-tag%3Dp2").pcap();
    assert_found(&only(&swapped), "fault", "R001", "are swapped");
    let other = attended("second%40bob%3Bto-tag%3Dp2%3Bfrom-tag%3Dx").pcap();
    assert_found(&only(&other), "fault", "R001", "its tags are not");
    let right = only(&attended(RIGHT).pcap());
    assert!(
        right["findings"].as_array().unwrap().iter().all(|it| it["weight"] != "fault"),
        "{right:#}"
    );
    let no_tags = only(&blind("<sip:carol@h?Replaces=second>", "").pcap());
    assert_found(&no_tags, "fault", "R020", "expected");

    let none = only(&blind("<sip:carol@h>\nRefer-To: <sip:d@h>", "").pcap());
    assert_found(&none, "fault", "R029", "2 Refer-To");
    let contacts = only(&blind("<sip:carol@h>", "Contact: <sip:a@h>\nContact: <sip:b@h>").pcap());
    assert_found(&contacts, "fault", "R028", "2 Contact");
    let bad = only(&blind("<sip:carol@h", "").pcap());
    assert_found(&bad, "fault", "R029", "cannot be read");
    let by = only(&blind("<sip:carol@h>", "Referred-By: <sip:a@h>\nReferred-By: <sip:b@h>").pcap());
    assert_found(&by, "fault", "R049", "2 Referred-By");

    // The consultation call is gone when it is needed.
    let mut scene = Scene::new();
    scene.call((BOB, PBX), FIRST, ("bob", "alice")).call((BOB, PBX), SECOND, ("bob", "carol"));
    scene.bye((BOB, PBX), SECOND).wait(500);
    scene.refer(FIRST, &format!("<sip:carol@h?Replaces={RIGHT}>"), "");
    scene.answer((PBX, BOB), "603 Declined", "");
    let ended = only(&scene.pcap());
    assert_found(&ended, "fault", "R008", "had ended 0.5");
    assert_eq!(outcome(&ended), "refused 603");
    assert!(ended["change"][0].as_str().unwrap().contains("keep the consultation call"));
}

#[test]
fn faults_of_the_notifier_are_found() {
    let with = |status: &str, state: &str, more: &str| {
        let mut scene = blind("<sip:carol@h>", "");
        scene.notify(FIRST, status, state, more);
        scene.wait(40_000).call((BOB, PBX), ("later@bob", "b9", "p9"), ("bob", "x"));
        only(&scene.pcap())
    };
    let open = with("SIP/2.0 200 OK", "active;expires=60", "");
    assert_found(&open, "fault", "R043", "leaves the subscription open");
    let early = with("SIP/2.0 100 Trying", "terminated;reason=timeout", "");
    assert_found(&early, "fault", "R082", "before an outcome was told");
    assert_eq!(outcome(&early), "unknown null");
    let empty = with("", "active", "");
    assert_found(&empty, "fault", "R106", "no status line");
    let mut scene = blind("<sip:carol@h>", "");
    scene.wait(1_000).bye((BOB, PBX), FIRST);
    assert_found(&only(&scene.pcap()), "habit", "R084", "before it knew the outcome");

    let mut scene = done("");
    let last = scene.sent.pop().unwrap();
    scene.send(BOB, PBX, last.text.replace("200 OK", "481 Subscription does not exist"));
    assert_found(&only(&scene.pcap()), "fault", "R075", "refused with 481");

    // The second REFER of a call must be told apart.
    let mut scene = done("");
    let cseq = scene.refer(FIRST, "<sip:dave@h>", "");
    scene.answer((PBX, BOB), "202 Accepted", "");
    scene.notify(FIRST, "SIP/2.0 200 OK", "terminated", "");
    let found = explained(&scene.pcap());
    assert_found(&found["transfers"][1], "fault", "R042", "no Event id");
    let sent = scene.sent.iter_mut().filter(|it| it.text.contains("terminated\r\n"));
    for it in sent {
        it.text = it.text.replace("Event: refer\r\n", &format!("Event: refer;id={cseq}\r\n"));
    }
    let found = explained(&scene.pcap());
    let findings = found["transfers"][1]["findings"].to_string();
    assert!(!findings.contains("fault"), "{findings}");
    assert_eq!(outcome(&found["transfers"][1]), "done null");
}

#[test]
fn an_invite_that_goes_to_the_wrong_box_is_found() {
    let mut scene = Scene::new();
    scene.call((BOB, PBX), FIRST, ("bob", "alice"));
    scene.call((BOB, PBX), SECOND, ("bob", "carol"));
    let replaces = "Replaces: second@bob;to-tag=p2;from-tag=b2";
    scene.request(
        (PBX, CAROL),
        "INVITE sip:carol@h",
        ("new@pbx", "n1", ""),
        ("a", "carol"),
        replaces,
    );
    scene.answer((CAROL, PBX), "481 Call Leg/Transaction Does Not Exist", "c9");
    let found = only(&scene.pcap());
    assert_eq!((found["kind"].as_str().unwrap(), &*outcome(&found)), ("takeover", "refused 481"));
    assert_found(&found, "fault", "R018", "runs between 192.0.2.10:5060 and 192.0.2.1:5060");
    assert_eq!(found["said_no"], CAROL);
    assert!(found["rules"].to_string().contains("R006"));
    // At the right box, by somebody who may not.
    let mut scene = Scene::new();
    scene.call((BOB, PBX), SECOND, ("bob", "carol"));
    scene.request(
        (CAROL, PBX),
        "INVITE sip:carol@h",
        ("new@x", "n1", ""),
        ("a", "carol"),
        replaces,
    );
    scene.answer((PBX, CAROL), "403 Forbidden", "c9");
    let found = only(&scene.pcap());
    assert!(found["findings"].as_array().unwrap().is_empty(), "{found:#}");
    assert!(found["rules"].to_string().contains("R009"));
}

#[test]
fn the_habits_of_real_phones_are_known() {
    // Each family's message, in front of a call that it belongs to.
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/profiles");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        let mut scene = Scene::new();
        scene.send(BOB, PBX, lines.join("\r\n") + "\r\n");
        scene.answer((PBX, BOB), "202 Accepted", "");
        let transfer = only(&scene.pcap());
        let profile = transfer["profile"].as_str().unwrap();
        assert!(name.starts_with(profile), "{name} is taken for {profile}");
        let findings = transfer["findings"].to_string();
        for (who, words) in [
            ("baresip-no-tags", "(known of this family: profile baresip)"),
            (
                "sipdroid",
                "the number stands where the host should (known of this family: profile sipdroid)",
            ),
            ("teams", "the whole URI is the target (known of this family: profile teams)"),
            (
                "audiocodes",
                "no Referred-By: the target does not learn who transfers (known of this family",
            ),
        ] {
            assert!(name != who || findings.contains(words), "{name}: {findings}");
        }
        seen += 1;
    }
    assert!(seen >= 20);

    // Yealink lets go of its call with the 202; where the transfer fails then, nobody is left.
    let mut scene = blind("<sip:carol@h>", "User-Agent: Yealink SIP-T46S 66.84.0.15");
    scene.bye((BOB, PBX), FIRST);
    scene.notify(FIRST, "SIP/2.0 486 Busy Here", "terminated;reason=noresource", "");
    let found = only(&scene.pcap());
    assert_found(
        &found,
        "habit",
        "R084",
        "(known of this family: profile yealink, releases-at=202)",
    );
    assert_found(&found, "fault", "R081", "left without anybody");
    assert!(found["change"].to_string().contains("refer.on_failure = recall"));

    // JsSIP waits for the other side to hang up.
    let mut scene = done("User-Agent: JsSIP 3.10.0");
    scene.wait(20_000).call((CAROL, PBX), ("later@carol", "c9", "p9"), ("carol", "x"));
    let found = only(&scene.pcap());
    assert_eq!(outcome(&found), "done null");
    assert_found(
        &found,
        "habit",
        "R084",
        "nobody ended the transferor's call after the transfer had succeeded (known",
    );
}

#[test]
fn pictures_are_well_formed_and_hold_nothing_but_text() {
    let hostile = "</title><script>alert(1)</script>&'\"\u{202e}";
    let mut scene = blind(
        &format!("\"{hostile}\" <sip:carol@h>"),
        &format!("User-Agent: {hostile}\nReferred-By: <sip:bob@h>"),
    );
    scene.notify(FIRST, &format!("SIP/2.0 500 {hostile}"), "terminated", "");
    let capture = scratch_file("hostile.pcap", &scene.pcap());
    let svg = scratch_file("hostile.svg", b"");
    let html = scratch_file("hostile.html", b"");
    let said = printed(&["explain", &capture, "-o", &svg], b"");
    assert_eq!(said.lines().count(), 1, "{said}");
    let picture = std::fs::read_to_string(&svg).unwrap();
    let document = roxmltree::Document::parse(&picture).expect("a picture is XML");
    let known = ["svg", "style", "rect", "g", "text", "tspan", "title", "line", "path", "circle"];
    for node in document.descendants().filter(roxmltree::Node::is_element) {
        assert!(known.contains(&node.tag_name().name()), "{:?}", node.tag_name());
        assert!(node.attributes().all(|it| !it.name().starts_with("on") && it.name() != "href"));
    }
    assert!(picture.contains("&lt;script&gt;") && !picture.contains('\u{202e}'));

    let said = printed(&["explain", "--json", "-o", &html, &capture], b"");
    assert!(serde_json::from_str::<Value>(&said).unwrap()["transfers"].is_array());
    let page = std::fs::read_to_string(&html).unwrap();
    assert!(!page.contains("<script") && page.contains("default-src 'none'"));
    for foreign in ["http:", "https:", "src=", "@import", "url("] {
        assert!(!page.replace("http://www.w3.org/2000/svg", "").contains(foreign), "{foreign}");
    }
    let start = page.find("<svg").unwrap();
    let end = page.find("</svg>").unwrap() + 6;
    roxmltree::Document::parse(&page[start..end]).expect("so is the one in a page");
    assert!(page.contains("the messages") && page.contains("Refer-To: &quot;&lt;/title&gt;"));
}

#[test]
fn what_cannot_be_used_is_said() {
    let capture = "../captures/blind.pcap";
    for option in [
        &["--endpoint", "bob"][..],
        &["--secure"],
        &["--depth", "1"],
        &["--dialogs", "dialogs.toml"],
    ] {
        let args = [&["explain", capture], option].concat();
        let (_, stderr) = unusable(&args, b"");
        assert!(stderr.contains("is for one request"), "{stderr}");
    }
    let (_, stderr) = unusable(&["explain", capture, "-o", "x.png"], b"");
    assert!(stderr.contains(".svg or .html"), "{stderr}");
    let (_, stderr) = unusable(&["explain", capture, "--transfer", "7"], b"");
    assert!(stderr.contains("there is no transfer 7; it has 1"), "{stderr}");
    let (_, stderr) =
        unusable(&["explain", "-", "-o", "x.svg"], file("refer-blind.sip").as_bytes());
    assert!(stderr.contains("-o is for captures"), "{stderr}");
    let (_, stderr) = unusable(&["explain", "-"], &[0x1f, 0x8b, 8, 0]);
    assert!(stderr.contains("zcat"), "{stderr}");
    let output = run_with(&["explain", capture, "-o", "/no/such/folder/x.svg"], b"");
    assert_eq!(output.status.code(), Some(1), "{output:?}");

    // A capture that is cut is told as far as it goes, with a note.
    let whole =
        std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/captures/blind.pcap")).unwrap();
    let found = explained(&whole[..whole.len() - 10]);
    assert!(found["notes"][0].as_str().unwrap().contains("damaged or cut at byte"), "{found:#}");
    assert_eq!(found["transfers"].as_array().unwrap().len(), 1);
    let empty = explained(&scene::header());
    assert!(empty["notes"][0].as_str().unwrap().contains("no SIP message"), "{empty:#}");
}

#[test]
fn every_key_of_the_json_is_in_the_help_and_in_the_documentation() {
    let help = printed(&["explain", "--help"], b"");
    let guide =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/explain.md")).unwrap();
    let found = explained(&done("").pcap());
    let transfer = &found["transfers"][0];
    let parts = [
        &found,
        transfer,
        &transfer["findings"][0],
        &transfer["parties"][0],
        &transfer["calls"][0],
        &transfer["steps"][0],
    ];
    for key in parts.iter().flat_map(|it| it.as_object().unwrap().keys()) {
        assert!(help.contains(key.as_str()), "--help lacks {key}");
        assert!(guide.contains(&format!("`{key}`")), "docs/explain.md lacks {key}");
    }
}

/// Renewed by `SIPXFER_UPDATE_PICTURES=1 cargo test --test cli the_pictures`.
#[test]
fn the_pictures_of_the_documentation_are_what_is_drawn() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/pictures");
    let update = std::env::var_os("SIPXFER_UPDATE_PICTURES").is_some();
    let mut seen = 0;
    for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/captures")).unwrap()
    {
        let capture = entry.unwrap().path();
        if capture.extension().is_none_or(|it| it != "pcap") {
            continue;
        }
        let name = capture.file_stem().unwrap().to_str().unwrap();
        let drawn = scratch_file(&format!("{name}.svg"), b"");
        printed(&["explain", capture.to_str().unwrap(), "-o", &drawn], b"");
        let drawn = std::fs::read_to_string(drawn).unwrap();
        let kept = format!("{folder}/{name}.svg");
        if update {
            std::fs::create_dir_all(folder).unwrap();
            std::fs::write(&kept, &drawn).unwrap();
        }
        let kept = std::fs::read_to_string(&kept).unwrap_or_default();
        assert!(
            kept == drawn,
            "docs/pictures/{name}.svg is not what explain draws; see the comment here"
        );
        seen += 1;
    }
    assert!(seen >= 6);
}

/// So much of a capture goes through the tool, in so much memory.
fn flood(megabytes: u64, address_space_kib: u64) {
    let tool = env!("CARGO_BIN_EXE_sipxfer");
    let mut child = Command::new("sh")
        .args([
            "-c",
            &format!("ulimit -v {address_space_kib} && exec \"$0\" explain --json -"),
            tool,
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pipe = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || {
        pipe.write_all(&scene::header()).unwrap();
        // Each transfer of its own, and calls beside it that never end.
        let template = attended(RIGHT).pcap()[24..].to_vec();
        let places: Vec<usize> = memchr::memmem::find_iter(&template, b"@bob").collect();
        let escaped: Vec<usize> = memchr::memmem::find_iter(&template, b"%40bob").collect();
        let mut sum = 0;
        let mut number = 0_u64;
        let mut block = Vec::new();
        while sum < megabytes << 20 {
            block.clear();
            for _ in 0..64 {
                number += 1;
                let at = block.len();
                block.extend_from_slice(&template);
                // The names before the "@" become others of the same length.
                let digits = format!("{number:05}");
                let digits = &digits.as_bytes()[digits.len() - 5..];
                for place in places.iter().chain(&escaped) {
                    block[at + place - 5..at + place].copy_from_slice(digits);
                }
            }
            pipe.write_all(&block).unwrap();
            sum += block.len() as u64;
        }
    });
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), &*stderr), (Some(0), ""), "{output:?}");
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(found["transfers"].as_array().unwrap().len(), 1_000, "so many are told");
    assert!(found["transfer_count"].as_u64().unwrap() > 1_000);
    assert!(found["notes"].to_string().contains("transfers are told"), "{}", found["notes"]);
}

#[test]
fn a_long_capture_is_read_in_bounded_memory() {
    flood(32, 160 << 10);
}

/// Run by hand: `cargo test --release --test cli -- --ignored a_gigabyte`.
#[test]
#[ignore = "a gigabyte takes a while"]
fn a_gigabyte_is_read_in_the_same_memory() {
    flood(1_024, 160 << 10);
}
