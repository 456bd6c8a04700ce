use super::*;

fn parse(text: &str) -> Result<Uri<'_>, (usize, Rule)> {
    Uri::parse(text.as_bytes()).map_err(|error| (error.offset, error.rule))
}

fn text(bytes: &[u8]) -> &str {
    core::str::from_utf8(bytes).unwrap()
}

/// user, host, port, params, headers
fn parts(uri: &str) -> (Option<&str>, &str, Option<u16>, &str, &str) {
    let found = parse(uri).unwrap_or_else(|error| panic!("{uri}: {error:?}"));
    (found.user.map(text), text(found.host), found.port, text(found.params), text(found.headers))
}

#[test]
fn the_parts_of_a_sip_uri() {
    for (uri, expected) in [
        ("sip:h", (None, "h", None, "", "")),
        ("SIPS:a@h.example.:5061", (Some("a"), "h.example.", Some(5061), "", "")),
        ("sip:a:secret@h", (Some("a"), "h", None, "", "")),
        ("sip:a@[2001:db8::1]:5060;x", (Some("a"), "[2001:db8::1]", Some(5060), "x", "")),
        ("sip:[::ffff:192.0.2.1]", (None, "[::ffff:192.0.2.1]", None, "", "")),
        (
            "sip:+1;phone-context=x;y@h;user=phone?a=b",
            (Some("+1;phone-context=x;y"), "h", None, "user=phone", "a=b"),
        ),
        ("sip:a?b/&=+$,c%40@h", (Some("a?b/&=+$,c%40"), "h", None, "", "")),
        ("sip:a@h;;lr;", (Some("a"), "h", None, ";lr;", "")),
        ("sip:a@h?", (Some("a"), "h", None, "", "")),
        ("sip:carol@server_b.com?x=y", (Some("carol"), "server_b.com", None, "", "x=y")),
        (
            "sip:c@h?Replaces=abc@192.0.2.1%3Bto-tag%3D1",
            (Some("c"), "h", None, "", "Replaces=abc@192.0.2.1%3Bto-tag%3D1"),
        ),
        (
            "sip:h?Replaces=abc@192.0.2.1%3Bto-tag%3D1",
            (None, "h", None, "", "Replaces=abc@192.0.2.1%3Bto-tag%3D1"),
        ),
        (
            "sip:h:5070;lr?Replaces=abc@h;to-tag=1;from-tag=2",
            (None, "h", Some(5070), "lr", "Replaces=abc@h;to-tag=1;from-tag=2"),
        ),
        ("sip:h?X-Id=abc@b%3B", (None, "h", None, "", "X-Id=abc@b%3B")),
        ("sip:a?x=y@h", (Some("a?x=y"), "h", None, "", "")),
        ("sip:a?t=y@h", (Some("a?t=y"), "h", None, "", "")),
        (
            "sip:gw.example.com:5061;transport=tls;x-m=8:orgid:GUID",
            (None, "gw.example.com", Some(5061), "transport=tls;x-m=8:orgid:GUID", ""),
        ),
        ("sip:1@h;a=b,c=d", (Some("1"), "h", None, "a=b,c=d", "")),
        (
            "sip:100@h;Replaces=cid@h%3Bto-tag%3D1",
            (Some("100"), "h", None, "Replaces=cid@h%3Bto-tag%3D1", ""),
        ),
        ("sip:#21#@h", (Some("#21#"), "h", None, "", "")),
    ] {
        assert_eq!(parts(uri), expected, "{uri}");
    }
    assert_eq!(parse("sip:a:s:t@h").unwrap().password, Some(&b"s:t"[..]));
    assert_eq!(parse("sip:a;b;c@h").unwrap().user_without_options(), Some(&b"a"[..]));
}

#[test]
fn r032_other_schemes_are_named() {
    let tel = parse("tel:+15105550123;ext=1").unwrap();
    assert_eq!((tel.scheme, tel.opaque), (&b"tel"[..], &b"+15105550123;ext=1"[..]));
    assert!(!tel.is_sip() && !tel.is_sips());
    assert_eq!(parse("http://h/").unwrap().opaque, b"//h/");
    assert_eq!(parse("urn:service:sos").unwrap().host, b"");
    assert_eq!(tel.without_headers(), tel.raw);
    assert_eq!(tel.headers_iter().count() + tel.params_iter().count(), 0);
}

#[test]
fn r029_malformed_uris_say_where() {
    for (bad, offset) in [
        ("", 0),
        ("sip", 0),
        (":a@h", 0),
        ("1sip:a@h", 0),
        ("s ip:a@h", 1),
        ("sip:", 4),
        ("tel:", 4),
        ("sip:@h", 4),
        ("sip::x@h", 4),
        ("sip:a@", 6),
        ("sip:a@b@h", 6),
        ("sip:a@h:", 8),
        ("sip:a@h:0", 8),
        ("sip:a@h:65536", 8),
        ("sip:a@h:50x", 8),
        ("sip:a@h:50:x", 8),
        ("sip:h:5060:evil.example", 6),
        ("sip:a@[::1]:5060:x;lr", 12),
        ("sip:a@h..x", 6),
        ("sip:a@.", 6),
        ("sip:a@[::1", 6),
        ("sip:a@[h]", 6),
        ("sip:a@[::1]x", 6),
        ("sip:a@h%41", 6),
        ("sip:a@h,sip:b", 6),
        ("sip:a@h;x=1@evil", 8),
        ("sip:a b@h", 5),
        ("sip:a@h\t", 7),
        ("sip:a<b@h", 5),
        ("sip:a@h>", 7),
        ("sip:a\"@h", 5),
        ("sip:a\x7f@h", 5),
        ("sip:a%4@h", 5),
        ("sip:a@h;x=%zz", 10),
        ("sip:a@h?x=%", 10),
    ] {
        assert_eq!(parse(bad), Err((offset, Rule::R029)), "{bad:?}");
    }
}

#[test]
fn r029_no_byte_that_delimits_a_uri_stands_in_one() {
    for byte in 0..=u8::MAX {
        let delimits = matches!(byte, 0..=b' ' | 0x7f | b'<' | b'>' | b'"');
        assert_eq!(is_forbidden(byte), delimits, "{byte:#x}");
    }
}

#[test]
fn hosts_have_labels_with_something_in_them_or_brackets() {
    for good in ["h", "h.", "a.b", "a_b-c.d.", "192.0.2.1", "[::1]"] {
        for behind in ["", ":1", ";x", "?Subject=1"] {
            assert_eq!(parts(&format!("sip:a@{good}{behind}")).1, good);
        }
    }
    for bad in [
        ".", "..", ".h", "a..b", "h..", "[", "[]", "[::1", "[::1]x", "[::1]]", "a[::1]", "a b",
        "\u{e9}",
    ] {
        for behind in ["", ":1", ";x", "?Subject=1"] {
            assert!(parse(&format!("sip:a@{bad}{behind}")).is_err(), "{bad}{behind}");
        }
    }
}

#[test]
fn r093_no_line_break_in_a_uri() {
    for (bad, offset) in [
        ("sip:a@h\r\n", 7),
        ("sip:a\n@h", 5),
        ("sip:a\0@h", 5),
        ("sip:a%0d@h", 5),
        ("sip:a@h;x=%0A", 10),
        ("sip:a@h?Subject=x%0d%0aVia:y", 17),
        ("tel:1%00", 5),
    ] {
        assert_eq!(parse(bad), Err((offset, Rule::R093)), "{bad:?}");
    }
    // One level down it is text: what decodes it again has to look again.
    assert!(parse("sip:a@h?Refer-To=x%250d").is_ok());
}

#[test]
fn parameters_and_headers_have_offsets() {
    let raw = "sip:a@h;lr;x=1;%6dethod=BYE?Require=replaces&&%53ubject=a&flag&=";
    let uri = parse(raw).unwrap();
    assert_eq!(uri.param(b"LR"), Some(None));
    assert_eq!(uri.param(b"method"), Some(Some(&b"BYE"[..])));
    assert_eq!(uri.param(b"y"), None);
    for param in uri.params_iter() {
        assert!(raw.as_bytes()[param.offset..].starts_with(param.name));
    }
    let headers: Vec<_> = uri.headers_iter().collect();
    assert_eq!(headers.len(), 3);
    assert_eq!((headers[0].value_raw, headers[0].offset), (&b"replaces"[..], 36));
    assert_eq!(headers[1].known_name(), Some(Name::Subject));
    assert_eq!((headers[2].name_raw, headers[2].value_raw), (&b"flag"[..], &b""[..]));
    for header in &headers {
        assert!(raw.as_bytes()[header.offset..].starts_with(header.value_raw));
    }
    assert_eq!(uri.without_headers(), b"sip:a@h;lr;x=1;%6dethod=BYE");
    assert_eq!(parse("sip:a@h?").unwrap().without_headers(), b"sip:a@h");
    assert_eq!(parse("sip:a?@h").unwrap().without_headers(), b"sip:a?@h");
    assert_eq!(parse("tel:1?").unwrap().without_headers(), b"tel:1?");
    let header = HeaderInUri { name_raw: b"%74", value_raw: b"", offset: 0 };
    assert_eq!(header.known_name(), Some(Name::To));
}

#[test]
fn long_uris_cost_linear_time() {
    for piece in [";a@b", ";x", "?", "&Replaces=a@", "%41", "@", ":", "[", ";Replaces=@"] {
        let raw = format!("sip:a@h{}", piece.repeat(50_000));
        if let Ok(uri) = parse(&raw) {
            assert!(uri.params_iter().count() + uri.headers_iter().count() <= 100_000);
            assert_eq!(uri.param(b"none"), None);
        }
    }
}
