//! `sipxfer parse`: single headers.

use super::*;

fn parsed(header: &str, value: &str) -> Value {
    serde_json::from_str(&printed(&["parse", header, value, "--json"], b"")).unwrap()
}

/// `offset rule what` of a value that does not parse; the sentence says the same, and a caret
/// stands below the byte.
fn refused(header: &str, value: &str) -> String {
    let (stdout, stderr) = unusable(&["parse", header, "--json", "--", value], b"");
    let found: Value = serde_json::from_str(&stdout).unwrap();
    let error = &found["error"];
    let (what, offset) = (error["what"].as_str().unwrap(), error["offset"].as_u64().unwrap());
    let rule = error["rule"].as_str().unwrap();
    assert!(stderr.contains(&format!("byte {offset}: {what} ({rule})\n")), "{stderr}");
    let lines: Vec<&str> = stderr.lines().collect();
    let caret = lines[2].find('^').unwrap();
    assert_eq!(lines[1][caret..].chars().next(), value[offset as usize..].chars().next());
    assert!(lines[3].starts_with(rule), "{stderr}");
    format!("{offset} {rule} {what}")
}

/// The Replaces of a Refer-To: Call-ID, to-tag, from-tag.
fn triple(value: &str) -> [String; 3] {
    let found = &parsed("refer-to", value)["replaces"];
    ["call_id", "to_tag", "from_tag"].map(|key| found[key].as_str().unwrap().to_owned())
}

#[test]
fn what_phones_send_names_a_dialog() {
    let tags = "Replaces=a%3Bto-tag%3D1%3Bfrom-tag%3D2";
    for (value, expected) in [
        (
            "<sip:d@h?Replaces=12345%40192.0.2.3%3Bto-tag%3D1%3Bfrom-tag%3D5FFE-3994>",
            ["12345@192.0.2.3", "1", "5FFE-3994"],
        ),
        ("<sip:d@h?Replaces=a%40b%3bfrom-tag%3dY%3bto-tag%3dX>", ["a@b", "X", "Y"]),
        (
            "<sip:c@h?Replaces=abc@192.0.2.1%3Bto-tag%3D1%3Bfrom-tag%3D2>",
            ["abc@192.0.2.1", "1", "2"],
        ),
        ("<sip:c@h?Replaces=cid;to-tag=x;from-tag=y>", ["cid", "x", "y"]),
        (
            "sip:1@h;user=phone?Replaces=L%3Bto-tag%3D1%3Bfrom-tag%3DC4&Require=replaces",
            ["L", "1", "C4"],
        ),
        (&format!("\"Jane\" <sip:c@h?{tags}>"), ["a", "1", "2"]),
        (&format!("<sip:c@h?Require=replaces&{tags}>"), ["a", "1", "2"]),
        (&format!("<sip:c@h?r{}>", &tags[1..]), ["a", "1", "2"]),
        ("<sip:100@h;Replaces=cid%3Bto-tag%3D1%3Bfrom-tag%3D2>", ["cid", "1", "2"]),
        ("<sip:c@h?Replaces=cid%3Bto-tag%3D123+456%3Bfrom-tag%3D1>", ["cid", "123+456", "1"]),
        (
            "<sip:carol@server_b.com?Replaces=ABCDE%3Bto-tag%3DBtoBob%3Bfrom-tag%3DBobtoB>",
            ["ABCDE", "BtoBob", "BobtoB"],
        ),
    ] {
        assert_eq!(triple(value), expected, "{value}");
    }
}

#[test]
fn what_phones_send_wrong_is_refused_with_its_place() {
    for (header, value, expected) in [
        ("refer-to", "<sip:c@h?Replaces=cid>", "21 R020 expected a to-tag"),
        (
            "refer-to",
            "<sip:c@h?Replaces=cid%3Bto-tag%3D%3Bfrom-tag%3DX>",
            "24 R020 expected a value for to-tag",
        ),
        (
            "replaces",
            "12345678,to-tag=7744;from-tag=5693",
            "8 R020 expected \";\" after the Call-ID",
        ),
        (
            "refer-to",
            "<sip:carol@server_b.com?Replaces=ABCDE%3Bto-tag%3DBtoBobfrom-tag%3DBobtoB>",
            "56 R020 expected \";\" before from-tag",
        ),
        ("refer-to", "Refer-To: <sip:c@h?Replaces=cid>", "31 R020 expected a to-tag"),
        (
            "refer-to",
            "<sip:a@h>, <sip:b@h>",
            "9 R029 expected one value, found \",\" and a second one",
        ),
        ("refer-to", "<sip:a@h?Subject=x%0ay>", "18 R093 expected no CR, LF or NUL"),
        (
            "referred-by",
            "sip:r@h?x=1",
            "7 R053 expected a URI with \"?\" to stand in angle brackets",
        ),
        ("sipfrag", "200 OK", "6 R106 expected \"SIP/2.0\" after the Request-URI"),
    ] {
        assert_eq!(refused(header, value), expected, "{value}");
    }
    let (_, stderr) = unusable(&["parse", "replaces", "a;to-tag=1"], b"");
    let drawn = "Replaces: byte 10: expected a from-tag (R020)\n  a;to-tag=1\n            ^\nR020";
    assert!(stderr.contains(drawn), "{stderr}");
}

#[test]
fn the_fields_of_refer_to() {
    let value = "\"Jane\" <sips:c%61rol;opt:pw@[2001:db8::1]:5071;transport=tls;lr;x=%3b\
                 ?Replaces=a%40b%3Bto-tag%3D1%3Bfrom-tag%3D2%3Bearly-only%3Bfoo%3Dbar%3Bflag\
                 &Subject=a%20b>;p=\"q\";f";
    let uri = &value[8..value.find('>').unwrap()];
    let replaces = json!({
        "call_id": "a@b", "to_tag": "1", "from_tag": "2", "early_only": true,
        "params": [{ "name": "foo", "value": "bar" }, { "name": "flag", "value": null }],
    });
    let expected = json!({
        "display": "Jane", "uri": uri, "scheme": "sips", "user": "carol;opt",
        "host": "[2001:db8::1]", "port": 5071,
        "params": [
            { "name": "transport", "value": "tls" }, { "name": "lr", "value": null },
            { "name": "x", "value": ";" },
        ],
        "headers": [
            {
                "name": "Replaces",
                "value": "a@b;to-tag=1;from-tag=2;early-only;foo=bar;flag",
            },
            { "name": "Subject", "value": "a b" },
        ],
        "method": "INVITE", "target": uri.split('?').next().unwrap(),
        "replaces": replaces, "replaces_in_param": false,
        "header_params": [{ "name": "p", "value": "\"q\"" }, { "name": "f", "value": null }],
    });
    assert_eq!(parsed("refer-to", value), expected);
}

#[test]
fn refer_to_of_every_other_form() {
    let line = "REFER-TO: <sip:gw.example.com:5061;transport=tls;x-m=8:orgid:GUID>";
    let found = parsed("refer-to", line);
    assert_eq!(found["user"], Value::Null);
    assert_eq!((&found["host"], &found["port"]), (&json!("gw.example.com"), &json!(5061)));
    assert_eq!(found["target"], "sip:gw.example.com:5061;transport=tls;x-m=8:orgid:GUID");
    assert_eq!(found["replaces"], Value::Null);

    let found = parsed("refer-to", "<sip:1@h;a=b,c=d>");
    assert_eq!(found["params"], json!([{ "name": "a", "value": "b,c=d" }]));
    assert_eq!((&found["user"], &found["port"]), (&json!("1"), &Value::Null));

    let found = parsed("refer-to", "<tel:+15105550123>");
    assert_eq!((&found["scheme"], &found["host"]), (&json!("tel"), &Value::Null));
    assert_eq!(parsed("refer-to", "<http://h/>")["uri"], "http://h/");

    let found = parsed("refer-to", "<sip:c@h;method=%42YE>");
    assert_eq!((&found["method"], &found["target"]), (&json!("BYE"), &json!("sip:c@h")));

    let found = parsed("refer-to", "<sip:100@h;Replaces=c%3Bto-tag%3D1%3Bfrom-tag%3D2>");
    assert_eq!(found["replaces_in_param"], true);
    // Decoded once: what is escaped twice keeps one level.
    let found = parsed("refer-to", "<sip:c@h?Subject=%2541+b>");
    assert_eq!(found["headers"], json!([{ "name": "Subject", "value": "%41+b" }]));
}

#[test]
fn the_fields_of_the_other_headers() {
    let expected = json!({
        "call_id": "cid@h", "to_tag": "T", "from_tag": "F", "early_only": false,
        "params": [{ "name": "x", "value": "\"y;z\"" }],
    });
    assert_eq!(parsed("replaces", "cid@h;from-tag=F;x=\"y;z\";to-tag=T"), expected);

    let found = parsed("Referred-By", "Referred-By: sip:r@h:5070;cid=\"2U@h\"");
    assert_eq!(
        found,
        json!({
            "display": null, "uri": "sip:r@h:5070", "scheme": "sip", "user": "r", "host": "h",
            "port": 5070, "params": [], "headers": [], "cid": "2U@h",
            "header_params": [{ "name": "cid", "value": "\"2U@h\"" }],
        })
    );
}

#[test]
fn sipfrag_with_any_line_end() {
    for body in ["SIP/2.0 180 Ringing\r\n", "SIP/2.0 180 Ringing\n", "SIP/2.0 180 Ringing"] {
        let expected = json!({
            "start_line": "status", "code": 180, "reason": "Ringing", "method": null,
            "request_uri": null, "headers": [],
        });
        assert_eq!(parsed("sipfrag", body), expected, "{body:?}");
    }
    let body = b"SIP/2.0 200 OK\r\nContact: <sip:a@h>\r\nX: 1\r\n 2\r\n\r\nbody: no";
    let found: Value =
        serde_json::from_str(&printed(&["parse", "sipfrag", "-", "--json"], body)).unwrap();
    assert_eq!(
        found["headers"],
        json!([{ "name": "Contact", "value": "<sip:a@h>" }, { "name": "X", "value": "1   2" }])
    );
    let found = parsed("sipfrag", "INVITE sip:a@h SIP/2.0");
    assert_eq!((&found["start_line"], &found["method"]), (&json!("request"), &json!("INVITE")));
    assert_eq!(parsed("sipfrag", "Contact: <sip:a@h>")["start_line"], "none");
}

#[test]
fn a_value_from_stdin_may_be_folded_and_end_with_a_line_end() {
    let args = ["parse", "replaces", "-"];
    let text = printed(&args, b"Replaces: a@b\r\n ;to-tag=1\n\t;from-tag=2\r\n");
    assert_eq!(
        text,
        "call_id            a@b\nto_tag             1\nfrom_tag           2\n\
         early_only         false\n"
    );
    let (_, stderr) = unusable(&args, b"a;to-tag=1;from-tag=2\r\nVia: x\r\n");
    assert!(stderr.contains("byte 21: expected no CR, LF or NUL (R093)"), "{stderr}");
}

#[test]
fn fields_as_text() {
    let value = "<sip:c@h;lr?Replaces=a%3Bto-tag%3D1%3Bfrom-tag%3D2>";
    let text = printed(&["parse", "refer-to", value], b"");
    for line in [
        "user               c\n",
        "params             lr\n",
        "headers            Replaces = a;to-tag=1;from-tag=2\n",
        "replaces\n  call_id            a\n",
    ] {
        assert!(text.contains(line), "{line}{text}");
    }
    assert!(!text.contains("port") && !text.contains("null"), "{text}");
}
