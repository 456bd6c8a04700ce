//! `sipxfer explain`: every kind of verdict, in both forms.

use super::*;

#[test]
fn every_verdict_on_an_invite() {
    for (endpoint, replaces, expected, old) in [
        ("", "ABCDE;to-tag=BtoBob;from-tag=BobtoB", "challenge 401 R009", "nothing"),
        ("bob", "ABCDE;to-tag=BtoBob;from-tag=BobtoB", "accept 200 R001 R009 R011 R014", "bye"),
        ("trunk", "ABCDE;to-tag=BtoBob;from-tag=BobtoB", "accept 200 R001 R009 R011 R014", "bye"),
        ("bob", "old-peer;to-tag=l;from-tag=0", "accept 200 R001 R009 R011 R014 R021", "bye"),
        ("alice", "ringing-out;to-tag=l;from-tag=r", "accept 200 R001 R009 R011 R015", "cancel"),
        ("bob", "ringing-in;to-tag=l;from-tag=r", "reject 481 R016", "nothing"),
        ("alice", "ABCDE;to-tag=BtoBob;from-tag=BobtoB", "reject 403 R009", "nothing"),
        // Tags in the wrong places, and wrong tags.
        ("bob", "ABCDE;to-tag=BobtoB;from-tag=BtoBob", "reject 481 R006", "nothing"),
        ("bob", "ABCDE;to-tag=x;from-tag=y", "reject 481 R006", "nothing"),
        ("trunk", "ABCDE;to-tag=x;from-tag=y", "none null R006", "nothing"),
        ("bob", "watching;to-tag=l;from-tag=r", "reject 481 R007", "nothing"),
        ("bob", "twins;to-tag=l;from-tag=r", "reject 481 R005 R006", "nothing"),
        ("bob", "over;to-tag=l;from-tag=r", "reject 603 R008", "nothing"),
        ("bob", "ABCDE;to-tag=BtoBob;from-tag=BobtoB;early-only", "reject 486 R013", "nothing"),
        ("bob", "ABCDE;to-tag=BtoBob", "reject 400 R020", "nothing"),
    ] {
        let found = decided(endpoint, "-", &[], invite(replaces).as_bytes());
        assert_verdict(&found, expected, replaces);
        assert_eq!(found["old_dialog"], old, "{endpoint}: {replaces}");
        assert_eq!(found["dialog"].is_object(), expected.starts_with("accept"));
    }
    let required = with_line("invite-replaces.sip", "Require: replaces, teleport");
    let found = decided("bob", "-", &[], required.as_bytes());
    assert_verdict(&found, "reject 420 R023", "");
    assert_eq!(found["unsupported"], "teleport");
    assert_verdict(&decided("bob", "invite-plain.sip", &[], b""), "none null R025", "");
    // Join is looked at by its own rules; nobody may who is not allowed to by the settings.
    let joins = file("invite-replaces.sip").replace("Replaces: ", "Join: ");
    let joins = joins.replace("Require: replaces", "Subject: x").replace('\n', "\r\n");
    let found = decided("bob", "-", &[], joins.replace("\r\r", "\r").as_bytes());
    assert_verdict(&found, "none null R102", "");
    assert_eq!(found["setting"], "join.allow");
}

#[test]
fn every_verdict_on_a_refer() {
    let attended = "<sip:c@h?Replaces=ABCDE%3Bto-tag%3DBtoBob%3Bfrom-tag%3DBobtoB>";
    let elsewhere = "<sip:c@pbx.example.net?Replaces=x%3Bto-tag%3D1%3Bfrom-tag%3D2>";
    for (endpoint, refer_to, expected) in [
        ("", "<sip:100@h>", "challenge 401 R031"),
        ("bob", "<sip:100@h>", "blind 202 R095 R034"),
        ("bob", "<sip:h>", "blind 202 R095 R034"),
        ("bob", "<sip:101@h>", "reject 404 R032"),
        ("abroad", "<sip:100@h>", "reject 404 R032"),
        ("abroad", "<sip:555@h>", "blind 202 R095 R034"),
        ("bob", attended, "local_attended 202 R001 R009 R034"),
        ("alice", attended, "reject 403 R009"),
        ("bob", elsewhere, "remote_attended 202 R006 R018 R034"),
        ("fenced", elsewhere, "reject 403"),
        ("lonely", elsewhere, "reject 404 R032"),
        ("bob", "<sip:c@h?Replaces=over%3Bto-tag%3Dl%3Bfrom-tag%3Dr>", "reject 603 R008"),
        ("bob", "<sip:c@h?Replaces=watching%3Bto-tag%3Dl%3Bfrom-tag%3Dr>", "reject 481 R007"),
        (
            "bob",
            "<sip:c@h?Replaces=ABCDE%3Bto-tag%3DBtoBob%3Bfrom-tag%3DBobtoB%3Bearly-only>",
            "reject 486 R013",
        ),
        ("mute", "<sip:100@h>", "reject 603 R030"),
        ("bob", "<tel:+15105550123>", "reject 416 R032"),
        ("bob", "<http://h/>", "reject 416 R032"),
        ("bob", "<sip:c@h;method=BYE>", "reject 403 R035"),
        ("conference", "<sip:c@h;method=BYE>", "other_method 202 R035 R034"),
        ("bob", "<sip:a@h>, <sip:b@h>", "reject 400 R029"),
    ] {
        let found = decided(endpoint, "-", &[], refer(refer_to).as_bytes());
        assert_verdict(&found, expected, refer_to);
    }
    let found = decided("bob", "refer-blind.sip", &["--depth", "10"], b"");
    assert_eq!((&found["code"], &found["setting"]), (&json!(403), &json!("refer.max_depth")));
    let quiet = with_line("refer-blind.sip", "Referred-By: <sip:r@h>\r\nRefer-Sub: false;x=1;y");
    let found = decided("bob", "-", &[], quiet.as_bytes());
    assert_eq!(found["subscription"], false);
    assert_eq!(found["rules"].as_array().unwrap().last().unwrap(), "R063");
}

#[test]
fn an_accepted_replaces_names_the_dialog_and_the_ground() {
    let found = decided("bob", "invite-replaces.sip", &[], b"");
    let dialog = json!({
        "call_id": "ABCDE", "local_tag": "BtoBob", "remote_tag": "BobtoB",
        "state": "confirmed", "initiator": "remote", "user": "bob", "endpoint": "bob",
        "usage": "invite", "secure": false,
    });
    assert_eq!(found["dialog"], dialog);
    assert_eq!(found["ground"], "same-user");
    assert_eq!(found["sender"], json!({ "endpoint": "bob", "user": "bob" }));
    assert_eq!((&found["method"], &found["reason"]), (&json!("INVITE"), &json!("OK")));
    assert_eq!(found["rule_sources"]["R014"], "RFC 3891 section 3");
    assert!(found["rule_texts"]["R014"].as_str().unwrap().contains("BYE"));
    assert!(found["why"].as_str().unwrap().contains("answered one"));
    let found = decided("trunk", "invite-replaces.sip", &[], b"");
    assert_eq!(found["ground"], "trusted-peer");
    assert_eq!(found["sender"]["user"], "pbx-b");
    let found = decided("bob", "-", &[], invite("old-peer;to-tag=l;from-tag=0").as_bytes());
    assert_eq!(found["dialog"]["remote_tag"], "");
    assert_eq!(found["dialog"]["secure"], true);
}

#[test]
fn a_blind_transfer_in_json() {
    let found = decided("bob", "refer-blind.sip", &["--depth", "2"], b"");
    let uri = "sip:100;phone-context=x@pbx.example.com;transport=tcp";
    for (key, expected) in [
        ("method", json!("REFER")),
        ("request_uri", json!("sip:alice@pbx.example.com")),
        ("verdict", json!("blind")),
        ("code", json!(202)),
        ("reason", json!("Accepted")),
        ("warning", Value::Null),
        ("dialog", Value::Null),
        ("ground", Value::Null),
        ("context", json!("default")),
        ("extension", json!("100")),
        (
            "variables",
            json!({
                "SIPTRANSFER": "yes", "SIPREFERRINGCONTEXT": "default", "SIPREFERTOHDR": uri,
                "SIPREFERREDBYHDR": "<sip:bob@example.com>",
            }),
        ),
        ("target", json!(uri)),
        ("target_method", json!("INVITE")),
        ("replaces", Value::Null),
        ("referred_by", json!("<sip:bob@example.com>")),
        (
            "headers",
            json!(["Subject: From Bob", "X-Account: 7", "Referred-By: <sip:bob@example.com>"]),
        ),
        ("dropped", json!(["X-Other", "P-Asserted-Identity"])),
        ("subscription", json!(true)),
        ("approval_pending", json!(false)),
        ("transfer_depth", json!(3)),
        ("retry_after_s", Value::Null),
        ("error", Value::Null),
    ] {
        assert_eq!(found[key], expected, "{key}");
    }
    let found = decided("conference", "refer-bye.sip", &[], b"");
    assert_eq!(found["target_method"], "BYE");
    assert_eq!(found["target"], "sip:c@h");
    let found = decided("conference", "refer-tel.sip", &[], b"");
    assert_eq!(found["code"], 404);
    assert!(found["why"].as_str().unwrap().contains("'+15105550123'"));
}

#[test]
fn a_parked_call_is_taken_out_and_goes_on() {
    let parked = format!("{}parked = 701\n", file("dialogs.toml").split("\n\n").next().unwrap());
    let parked = parked.replace("parked = 701", "\nparked = 701");
    let dialogs = scratch_file("parked.toml", parked.as_bytes());
    let config =
        scratch_file("open.toml", b"[endpoints.carol]\n\"park.open\" = true\n[endpoints.dave]\n");
    let ask = |endpoint: &str, dialogs: &str, more: &[&str]| {
        let files = ["explain", "--config", &config, "--dialogs", dialogs, "--endpoint", endpoint];
        printed(&[&files, more, &["invite-replaces.sip"]].concat(), b"")
    };
    let found: Value = serde_json::from_str(&ask("carol", &dialogs, &["--json"])).unwrap();
    assert_verdict(&found, "accept 200 R001 R009 R096", "");
    assert_eq!((&found["ground"], &found["old_dialog"]), (&json!("token"), &json!("nothing")));
    assert_eq!(found["dialog"]["call_id"], "ABCDE");
    assert!(ask("carol", &dialogs, &[]).contains("old dialog   is a parked call, and goes on\n"));
    let found: Value = serde_json::from_str(&ask("dave", &dialogs, &["--json"])).unwrap();
    assert_verdict(&found, "reject 403 R009", "");
    for (line, sentence) in [
        ("parked = 700", "place 700 is none of the park lot (park.places)"),
        ("parked = -1", "parked: expected the number of a place"),
        ("parked = true", "parked: expected the number of a place, found true or false"),
    ] {
        let dialogs = scratch_file("park.toml", parked.replace("parked = 701", line).as_bytes());
        let args = ["explain", "--dialogs", &dialogs, "invite-replaces.sip"];
        let (_, stderr) = unusable(&args, b"");
        assert!(stderr.contains(sentence), "{stderr}");
    }
}

#[test]
fn a_refer_beside_its_call_and_one_without_any() {
    let none = with_line("refer-blind.sip", "To: <sip:alice@pbx.example.com>");
    let named = none.replace(
        "Refer-To:",
        "Target-Dialog: ABCDE;local-tag=BtoBob;remote-tag=BobtoB\r\nRefer-To:",
    );
    let config = scratch_file(
        "outside.toml",
        b"\"refer.outside_dialog\" = true\n\"refer.target_dialog\" = \"any\"\n",
    );
    let ask = |stdin: &str, more: &[&str]| {
        let files = ["explain", "--config", &config, "--dialogs", "dialogs.toml"];
        let args = [&files, more, &["--endpoint", "bob", "-"]].concat();
        printed(&args, stdin.as_bytes())
    };
    let found: Value = serde_json::from_str(&ask(&none, &["--json"])).unwrap();
    assert_eq!((&found["in_call"], &found["target_dialog"]), (&json!(false), &Value::Null));
    assert!(ask(&none, &[]).contains("call         none with the sender"), "{}", ask(&none, &[]));
    let found: Value = serde_json::from_str(&ask(&named, &["--json"])).unwrap();
    assert_eq!(found["in_call"], true);
    assert_eq!(found["target_dialog"], "ABCDE;local-tag=BtoBob;remote-tag=BobtoB");
    let words = "call         the one of Target-Dialog ABCDE;local-tag=BtoBob;remote-tag=BobtoB\n";
    assert!(ask(&named, &[]).contains(words));
    assert_eq!(decided("bob", "invite-plain.sip", &[], b"")["in_call"], Value::Null);
}

#[test]
fn the_token_of_a_referrer_is_shown_and_not_believed() {
    let request = with_line("refer-blind.sip", "Referred-By: <sip:bob@example.com>;cid=\"t@h\"");
    let (head, _) = request.split_once("Content-Length").unwrap();
    let part = "Content-ID: <t@h>\r\nContent-Type: application/x\r\n\r\nsigned";
    let body = format!("--b\r\n{part}\r\n--b--\r\n");
    let length = body.len();
    let whole = format!(
        "{head}Content-Type: multipart/mixed;boundary=b\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    let found = decided("bob", "-", &[], whole.as_bytes());
    assert_eq!((&found["referrer"], &found["token"]), (&json!("unverified"), &json!(part)));
    let notes = found["notes"].as_array().unwrap();
    assert!(notes.iter().any(|it| it.as_str().unwrap().contains("verify_token")), "{notes:?}");
    let shown = text("bob", "-", &[], whole.as_bytes());
    let bytes = part.len();
    assert!(shown.contains("referrer     unverified\n"));
    assert!(shown.contains(&format!("token        a body part of {bytes} bytes, which goes along")));
    let plain = decided("bob", "invite-plain.sip", &[], b"");
    assert_eq!((&plain["referrer"], &plain["token"]), (&Value::Null, &Value::Null));
}

#[test]
fn a_remote_attended_transfer_in_json() {
    let found = decided("bob", "refer-remote.sip", &[], b"");
    assert_eq!(found["extension"], "external_replaces");
    let replaces = "elsewhere;to-tag=BtoBob;from-tag=BobtoB";
    assert_eq!(found["replaces"], replaces);
    assert_eq!(found["variables"]["SIPREPLACESHDR"], replaces);
    assert_eq!(found["variables"]["SIPREFERTOHDR"], "sip:carol@server_b.com");
    assert_eq!(found["headers"][0], format!("Replaces: {replaces}"));
}

#[test]
fn a_header_that_does_not_parse_is_decided_and_the_offset_is_one_of_the_file() {
    for (name, behind, what, rule) in [
        ("invite-comma.sip", ": 12345678", "expected \";\" after the Call-ID", "R020"),
        ("refer-as-printed.sip", "3DBtoBob", "expected \";\" before from-tag", "R020"),
    ] {
        let lf = file(name);
        for request in [lf.replace('\n', "\r\n"), lf.clone(), format!("\r\n\n{lf}")] {
            let found = decided("bob", "-", &[], request.as_bytes());
            assert_verdict(&found, &format!("reject 400 {rule}"), name);
            let offset = request.find(behind).unwrap() + behind.len();
            let error = json!({ "what": what, "offset": offset, "rule": rule });
            assert_eq!(found["error"], error, "{request}");
        }
    }
    let text = text("bob", "invite-comma.sip", &[], b"");
    assert!(text.starts_with("Refused: 400 Bad Request\nWhy: Replaces: expected"), "{text}");
    let drawn = "byte 122 (line 4, column 19): expected \";\" after the Call-ID\n  \
                 Replaces: 12345678,to-tag=7744;from-tag=5693\n                    ^\n";
    assert!(text.contains(drawn), "{text}");
}

#[test]
fn the_text_begins_with_the_verdict_and_the_reason_and_ends_with_the_rules() {
    for (endpoint, file, first) in [
        ("bob", "invite-plain.sip", "Nothing to decide"),
        ("bob", "invite-replaces.sip", "Accepted in the place of a dialog: 200 OK"),
        ("", "invite-replaces.sip", "Challenged (a proxy would answer 407): 401 Unauthorized"),
        ("alice", "invite-replaces.sip", "Refused: 403 Forbidden"),
        ("bob", "refer-blind.sip", "Blind transfer: 202 Accepted"),
        ("bob", "refer-local.sip", "Attended transfer between two calls of this PBX: 202 Accepted"),
        ("bob", "refer-remote.sip", "Attended transfer to a dialog elsewhere: 202 Accepted"),
        ("conference", "refer-bye.sip", "Another request than INVITE is to be sent: 202 Accepted"),
    ] {
        let json = decided(endpoint, file, &[], b"");
        let text = text(endpoint, file, &[], b"");
        let mut lines = text.lines();
        assert_eq!(lines.next(), Some(first), "{file}");
        let why = format!("Why: {}", json["why"].as_str().unwrap());
        assert_eq!(lines.next(), Some(&*why), "{file}");
        let (_, rules) = text.split_once("\nRules:\n").unwrap();
        let ids: Vec<&str> = rules.lines().map(|line| &line[2..6]).collect();
        assert_eq!(json!(ids), json["rules"], "{file}");
        assert!(rules.lines().all(|line| line.contains("RFC ")), "{rules}");
    }
    let remote = text("bob", "refer-remote.sip", &[], b"");
    for line in [
        "  route        extension external_replaces in context default\n",
        "  variable     SIPREPLACESHDR=elsewhere;to-tag=BtoBob;from-tag=BobtoB\n",
        "  triggered    INVITE sip:carol@server_b.com\n",
    ] {
        assert!(remote.contains(line), "{line}{remote}");
    }
    let local = text("bob", "refer-local.sip", &[], b"");
    assert!(local.contains("  old dialog   is ended with BYE\n"), "{local}");
    assert!(!local.contains("triggered"), "{local}");
}

#[test]
fn what_the_files_do_not_say_is_noted() {
    let args = ["explain", "--json", "--endpoint", "bob", "refer-blind.sip"];
    let found: Value = serde_json::from_str(&printed(&args, b"")).unwrap();
    assert_eq!(found["verdict"], "blind");
    let note = "no dialplan is known ([dialplan] of --config): extension \"100\" is taken to exist in context \"default\"";
    assert!(found["notes"].as_array().unwrap().contains(&json!(note)), "{}", found["notes"]);
    assert_eq!(decided("bob", "refer-tel.sip", &[], b"")["notes"], json!([]));
    let found = decided("alice", "invite-replaces.sip", &[], b"");
    assert!(found["notes"].to_string().contains("authorize callback"));
    let param = refer("<sip:100@h;Replaces=cid%3Bto-tag%3D1%3Bfrom-tag%3D2>");
    let found = decided("bob", "-", &[], param.as_bytes());
    assert!(found["notes"].to_string().contains("as a parameter"));
}

#[test]
fn a_secure_transport_is_what_the_command_line_says() {
    let config = "[replaces]\nrequire_tls = true\nauthorize = [\"any\"]\n";
    let path = scratch_file("secure.toml", config.as_bytes());
    let mut args = vec!["explain", "--config", &path, "--dialogs", "dialogs.toml", "--json"];
    args.extend(["--endpoint", "anybody", "invite-replaces.sip"]);
    let found: Value = serde_json::from_str(&printed(&args, b"")).unwrap();
    assert_verdict(&found, "reject 403 R024", "");
    args.push("--secure");
    let found: Value = serde_json::from_str(&printed(&args, b"")).unwrap();
    assert_eq!((&found["verdict"], &found["ground"]), (&json!("accept"), &json!("any")));
}

#[test]
fn every_key_of_the_json_is_in_the_help_and_in_the_documentation() {
    let help = printed(&["explain", "--help"], b"");
    let guide = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/explain.md");
    let guide = std::fs::read_to_string(guide).unwrap();
    let found = decided("bob", "invite-replaces.sip", &[], b"");
    let keys = found.as_object().unwrap().keys();
    for key in keys.chain(found["dialog"].as_object().unwrap().keys()) {
        assert!(help.contains(key.as_str()), "--help lacks {key}");
        assert!(guide.contains(&format!("`{key}`")), "docs/explain.md lacks {key}");
    }
}

#[test]
fn a_terminal_is_told_nothing_by_a_request() {
    let request =
        refer("<sip:100@h>").replace("<sip:bob@example.com>\r\n", "\"\u{1b}[2J\" <sip:b@h>\r\n");
    assert!(request.contains('\u{1b}'));
    let shown = text("bob", "-", &[], request.as_bytes());
    assert!(!shown.contains('\u{1b}') && shown.contains("\\u{1b}[2J"), "{shown:?}");
}
