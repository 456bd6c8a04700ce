//! Messages in the spirit of RFC 4475, for transfers: small ones as files beside this one, large ones
//! made from a recipe. `tests/hostile_messages.rs` judges them, `tests/linear_cost.rs` counts what they
//! cost, and `tests/hosts/asterisk/hostile_corpus.rs` sends them to an Asterisk.
//!
//! All of them name the same dialog of Bob, so that a test can put a real one in its place.
#![allow(dead_code)] // Each test uses its part.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fs;
use std::path::Path;

/// A message and what it is called.
#[derive(Clone, Debug)]
pub struct Hostile {
    pub name: String,
    pub bytes: Vec<u8>,
}

/// The dialog that the REFERs come in, as its recipient sees it.
pub const CALL_ID: &str = "first@phone";
pub const LOCAL_TAG: &str = "pbx-to-bob";
pub const REMOTE_TAG: &str = "bob-to-pbx";
/// The Request-URI of all of them, and where most of them refer to.
pub const URI: &str = "sip:100@pbx.example";

/// The folder of the files.
pub fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/hostile"))
}

/// The messages that are files, by name.
pub fn files() -> Vec<Hostile> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder()).expect("tests/hostile is part of the clone") {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "sip") {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            found.push(Hostile { name, bytes: fs::read(&path).unwrap() });
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

/// A request in Bob's dialog, or outside of any, with these header lines.
pub fn request(method: &str, to_tag: &str, lines: &[u8]) -> Vec<u8> {
    let head = format!(
        "{method} {URI} SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.7:5060;branch=z9hG4bK1\r\n\
         Max-Forwards: 70\r\nFrom: <sip:bob@pbx.example>;tag={REMOTE_TAG}\r\n\
         To: <sip:pbx@pbx.example>{to_tag}\r\nCall-ID: {CALL_ID}\r\nCSeq: 7 {method}\r\n\
         Contact: <sip:bob@192.0.2.7>\r\n"
    );
    [head.as_bytes(), lines, b"Content-Length: 0\r\n\r\n"].concat()
}

fn refer(lines: &str) -> Vec<u8> {
    request("REFER", ";tag=pbx-to-bob", lines.as_bytes())
}

fn invite(lines: &str) -> Vec<u8> {
    request("INVITE", "", lines.as_bytes())
}

/// Every header that a Refer-To can carry, with each line break behind escapes in its value and in its
/// name, at one level of escapes and at two.
pub fn breaks_in_headers() -> Vec<(Hostile, bool)> {
    const CARRIED: [&str; 22] = [
        "Replaces",
        "Require",
        "Join",
        "Accept-Contact",
        "Reject-Contact",
        "Request-Disposition",
        "User-to-User",
        "Subject",
        "X-Allowed",
        "From",
        "To",
        "Call-ID",
        "CSeq",
        "Via",
        "Route",
        "Contact",
        "Content-Type",
        "body",
        "P-Asserted-Identity",
        "Authorization",
        "Refer-To",
        "X-Unknown",
    ];
    let mut made = Vec::new();
    for header in CARRIED {
        for (what, line_break) in [
            ("cr", "%0D"),
            ("lf", "%0a"),
            ("nul", "%00"),
            ("crlf", "%0d%0A"),
            ("fold", "%0D%0A%20"),
        ] {
            let twice = line_break.replace('%', "%25");
            for (place, uri, is_break) in [
                ("value", format!("{header}=a{line_break}X-Evil:1"), true),
                ("name", format!("{header}{line_break}X-Evil=1"), true),
                // A harmless text once it is decoded; not for those that are read by a grammar.
                ("value-twice", format!("{header}=a{twice}X-Evil:1"), false),
            ] {
                let bytes = refer(&format!("Refer-To: <{URI}?{uri}>\r\n"));
                made.push((Hostile { name: format!("{header}-{what}-{place}"), bytes }, is_break));
            }
        }
    }
    made
}

/// Large ones, each about so many bytes long.
pub fn recipes(bytes: usize) -> Vec<Hostile> {
    let fill = |piece: &str| piece.repeat(bytes / piece.len());
    let numbered = |piece: &dyn Fn(usize) -> String| {
        let mut text = String::new();
        let mut number = 0;
        while text.len() < bytes {
            text.push_str(&piece(number));
            number += 1;
        }
        text
    };
    let to = |value: &str| refer(&format!("Refer-To: {value}\r\n"));
    let good = "Refer-To: <sip:100@pbx.example>\r\n";
    let with = |lines: &str| refer(&format!("{good}{lines}"));
    let named = |value: &str| invite(&format!("Replaces: {value}\r\n"));
    let nested = {
        // The escapes of each level double those of the level above: as deep as the length allows.
        let mut uri = String::from("<sip:101@pbx.example>");
        loop {
            let inner = escaped(&uri);
            let next = format!("<sip:100@pbx.example;method=REFER?Refer-To={inner}>");
            if next.len() > bytes {
                break uri;
            }
            uri = next;
        }
    };
    let made: [(&str, Vec<u8>); 42] = [
        ("call-id", named(&format!("{};to-tag=L;from-tag=R", fill("c")))),
        ("call-id-of-at", named(&format!("{};to-tag=L;from-tag=R", fill("@")))),
        (
            "call-id-in-refer-to",
            to(&format!(
                "<sip:carol@far.example?Replaces={}%3Bto-tag%3DL%3Bfrom-tag%3DR>",
                fill("%63")
            )),
        ),
        (
            "own-call-id",
            [
                b"REFER sip:100@pbx.example SIP/2.0\r\nCall-ID: ",
                fill("c").as_bytes(),
                b"\r\nRefer-To: <sip:nowhere@pbx.example>\r\n\r\n",
            ]
            .concat(),
        ),
        ("parameters", named(&format!("second@phone;to-tag=L;from-tag=R{}", fill(";p=1")))),
        (
            "parameters-quoted",
            named(&format!("second@phone;to-tag=L;from-tag=R{}", fill(";p=\"a;b\""))),
        ),
        (
            "parameters-before-tags",
            named(&format!("second@phone{};to-tag=L;from-tag=R", fill(";to=1"))),
        ),
        ("parameters-of-refer-to", to(&format!("<sip:100@pbx.example>{}", fill(";p=1")))),
        ("parameters-of-uri", to(&format!("<sip:100@pbx.example{}>", fill(";p=1")))),
        (
            "parameters-of-uri-method",
            to(&format!("<sip:100@pbx.example;method=INVITE{}>", fill(";p=1"))),
        ),
        ("parameters-of-uri-escaped", to(&format!("<sip:100@pbx.example{}>", fill(";%6detho=1")))),
        (
            "parameters-in-refer-to",
            to(&format!(
                "<sip:carol@pbx.example?Replaces=second%40phone%3Bto-tag%3DL%3Bfrom-tag%3DR{}>",
                fill("%3Bp%3D1")
            )),
        ),
        (
            "parameters-of-referred-by",
            with(&format!("Referred-By: <sip:bob@pbx.example>{}\r\n", fill(";p=1"))),
        ),
        ("headers-of-uri", to(&format!("<sip:100@pbx.example?Subject=x{}>", fill("&X-A=1")))),
        (
            "headers-of-uri-copied",
            to(&format!("<sip:100@pbx.example?Subject=x{}>", fill("&Subject=1"))),
        ),
        (
            "headers-of-uri-required",
            to(&format!("<sip:100@pbx.example?Subject=x{}>", fill("&Require=a"))),
        ),
        ("headers-of-uri-empty", to(&format!("<sip:100@pbx.example?{}>", fill("&")))),
        (
            "headers-of-uri-replaces",
            to(&format!("<sip:100@pbx.example?Subject=x{}>", fill("&Replaces=a"))),
        ),
        ("headers-of-uri-long-name", to(&format!("<sip:100@pbx.example?{}=1>", fill("X")))),
        (
            "header-tags-of-uri",
            to(&format!("<sip:100@pbx.example?Require=replaces{}>", fill("%2Ca"))),
        ),
        ("escapes", to(&format!("<sip:100@pbx.example?Subject={}>", fill("%25")))),
        ("escapes-malformed-last", to(&format!("<sip:100@pbx.example?Subject={}%>", fill("%41")))),
        ("nested", to(&nested)),
        ("brackets", to(&fill("<"))),
        ("quotes", to(&format!("{} <sip:100@pbx.example>", fill("\"\"")))),
        ("quote-not-closed", to(&format!("\"{}", fill("\\\"")))),
        ("display-name", to(&format!("\"{}\" <sip:100@pbx.example>", fill("\\\\")))),
        ("commas", to(&format!("<sip:100@pbx.example>{}", fill(",")))),
        ("user", to(&format!("<sip:{}@pbx.example>", fill("%31")))),
        ("white-space", to(&format!("<sip:100@pbx.example>{}", fill(" ")))),
        ("folds", refer(&format!("Refer-To:{} <sip:100@pbx.example>\r\n", fill("\r\n ")))),
        (
            "folds-of-referred-by",
            with(&format!("Referred-By: \"a{}\" <sip:bob@pbx.example>\r\n", fill("\r\n \t"))),
        ),
        ("lines", with(&numbered(&|number| format!("X-{number}: y\r\n")))),
        ("lines-of-refer-to", refer(&fill(good))),
        ("lines-of-replaces", invite(&fill("Replaces: a;to-tag=b;from-tag=c\r\n"))),
        ("lines-of-call-id", with(&fill("i: a\r\n"))),
        ("lines-of-require", with(&fill("Require: norefersub\r\n"))),
        ("lines-of-unknown-require", with(&numbered(&|number| format!("Require: x{number}\r\n")))),
        ("tags-of-require", with(&format!("Require: a{}\r\n", fill(",a")))),
        ("vias", with(&fill("Via: SIP/2.0/UDP a\r\n"))),
        ("start-line", [b"REFER sip:", fill("a").as_bytes(), b" SIP/2.0\r\n\r\n"].concat()),
        ("parts", {
            let parts = fill("--b\r\nContent-ID: <n@y>\r\n\r\nx\r\n");
            let head = "Referred-By: <sip:bob@pbx.example>;cid=\"x@y\"\r\n\
                        Content-Type: multipart/mixed;boundary=b\r\n";
            let mut bytes = with(head);
            let text = String::from_utf8(bytes).unwrap();
            bytes = text
                .replace("Content-Length: 0", &format!("Content-Length: {}", parts.len() + 5))
                .into_bytes();
            bytes.extend_from_slice(parts.as_bytes());
            bytes.extend_from_slice(b"--b--");
            bytes
        }),
    ];
    made.into_iter().map(|(name, bytes)| Hostile { name: name.to_owned(), bytes }).collect()
}

/// The escapes of one level: everything but letters and digits.
fn escaped(text: &str) -> String {
    let mut made = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() {
            made.push(char::from(byte));
        } else {
            made.push_str(&format!("%{byte:02X}"));
        }
    }
    made
}
