use super::*;

fn parse(value: &str) -> Result<Replaces<'_>, ParseError> {
    Replaces::parse(value.as_bytes())
}

fn printed(value: &str) -> String {
    let mut room = vec![0; value.len() + 16];
    let mut out = Writer::new(&mut room);
    parse(value).unwrap().print(&mut out);
    String::from_utf8(out.written().to_vec()).unwrap()
}

#[test]
fn the_triple() {
    for value in [
        "12345@192.0.2.3;to-tag=1;from-tag=5FFE-3994",
        "12345@192.0.2.3;from-tag=5FFE-3994;to-tag=1",
        "12345@192.0.2.3 ; TO-TAG = 1 ;\tFrom-Tag= 5FFE-3994",
        "  12345@192.0.2.3  ;   to-tag=1  ;from-tag=5FFE-3994 ",
    ] {
        let found = parse(value).unwrap();
        assert_eq!(found.call_id, b"12345@192.0.2.3", "{value}");
        assert_eq!((found.to_tag, found.from_tag), (&b"1"[..], &b"5FFE-3994"[..]), "{value}");
        assert!(!found.early_only);
        assert_eq!(printed(value), "12345@192.0.2.3;to-tag=1;from-tag=5FFE-3994");
    }
    assert_eq!(parse("cid;to-tag=123+456;from-tag=1").unwrap().to_tag, b"123+456");
    assert_eq!(parse("{a}\"<b>\\@[::1];to-tag=1;from-tag=2").unwrap().call_id, b"{a}\"<b>\\@[::1]");
}

fn error(value: &str) -> (usize, &'static str) {
    let error = parse(value).unwrap_err();
    assert_eq!(error.rule, Rule::R020, "{value}");
    (error.offset, error.what)
}

#[test]
fn r020_two_to_tags_are_refused() {
    let two = "expected one to-tag, found a second one";
    assert_eq!(error("a;to-tag=1;to-tag=1;from-tag=2"), (11, two));
    assert_eq!(error("a;to-tag=1;from-tag=2;TO-TAG=3"), (22, two));
    let two = "expected one from-tag, found a second one";
    assert_eq!(error("a;from-tag=1;to-tag=2;x;from-tag=1"), (24, two));
}

#[test]
fn r020_a_missing_tag_is_refused() {
    assert_eq!(error("cid"), (3, "expected a to-tag"));
    assert_eq!(error("cid;from-tag=1"), (14, "expected a to-tag"));
    assert_eq!(error("cid;to-tag=1"), (12, "expected a from-tag"));
}

#[test]
fn r020_an_empty_tag_is_refused() {
    let what = "expected a value for to-tag";
    assert_eq!(error("cid;to-tag=;from-tag=X"), (4, what));
    assert_eq!(error("cid;to-tag;from-tag=X"), (4, what));
    assert_eq!(error("cid;to-tag=\"1\";from-tag=X"), (4, what));
    assert_eq!(error("cid;to-tag=[::1];from-tag=X"), (4, what));
    assert_eq!(error("cid;to-tag=X;from-tag= "), (13, "expected a value for from-tag"));
}

#[test]
fn r020_a_missing_semicolon_is_named() {
    let to = "expected \";\" before to-tag";
    let from = "expected \";\" before from-tag";
    assert_eq!(error("cid;to-tag=BtoBobfrom-tag=BobtoB"), (17, from));
    assert_eq!(error("cid;to-tag=BtoBobFROM-TAG = BobtoB"), (17, from));
    assert_eq!(error("cid;to-tag=A from-tag=B"), (13, from));
    assert_eq!(error("cid;from-tag=Ato-tag=B"), (14, to));
    let what = "expected \";\" after the Call-ID";
    assert_eq!(error("12345678,to-tag=7744;from-tag=5693"), (8, what));
    assert_eq!(error("12345678 to-tag=7744;from-tag=5693"), (9, what));
    assert_eq!(error("a@b@c;to-tag=1;from-tag=2"), (3, what));
    assert_eq!(
        parse("12345678,to-tag=7744;from-tag=5693").unwrap_err().to_string(),
        "byte 8: expected \";\" after the Call-ID (R020)"
    );
    assert_eq!(error("a;to-tag=1@2;from-tag=2").0, 10);
}

#[test]
fn r020_other_malformed_values() {
    for (bad, offset) in [
        ("", 0),
        ("  ", 2),
        (";to-tag=1;from-tag=2", 0),
        ("@h;to-tag=1;from-tag=2", 0),
        ("a;", 2),
        ("a;;to-tag=1;from-tag=2", 2),
        ("a;to-tag=1;from-tag=2;", 22),
        ("a;to-tag=1;from-tag=2;early-only=1", 22),
        ("a;to-tag=1;from-tag=2;early-only=", 22),
        ("a;to-tag=1;from-tag=2;x=\"y", 24),
        ("a;to-tag=1;from-tag=2;x=y z", 26),
        ("a;to-tag=1;from-tag=2;=z", 22),
    ] {
        assert_eq!(error(bad).0, offset, "{bad}");
    }
}

#[test]
fn r002_a_comma_list_is_two_headers() {
    for (bad, offset) in [
        ("a;to-tag=1;from-tag=2, b;to-tag=3;from-tag=4", 21),
        ("a;to-tag=1;from-tag=2 ,b", 22),
        ("a;to-tag=1;from-tag=2;early-only,b", 32),
        ("a;to-tag=1;from-tag=2;x=\"y\",b", 27),
    ] {
        let error = parse(bad).unwrap_err();
        assert_eq!((error.offset, error.rule), (offset, Rule::R002), "{bad}");
    }
    assert!(parse("a;to-tag=1;from-tag=2;x=\"y,z\"").is_ok());
}

#[test]
fn r022_unknown_parameters_are_kept() {
    let value = "a;x;to-tag=1;y=\"a;\\\"b\";early-only;from-tag=2;z=[::1];x=2";
    let found = parse(value).unwrap();
    assert!(found.early_only);
    let unknown: Vec<_> = found.params.iter().collect();
    assert_eq!(
        unknown,
        [
            (&b"x"[..], None),
            (b"y", Some(&b"\"a;\\\"b\""[..])),
            (b"z", Some(b"[::1]")),
            (b"x", Some(b"2"))
        ]
    );
    let once = printed(value);
    assert_eq!(once, "a;to-tag=1;from-tag=2;early-only;x;y=\"a;\\\"b\";z=[::1];x=2");
    assert_eq!(printed(&once), once);
    assert_eq!(printed("a;to-tag=1;from-tag=2;x="), "a;to-tag=1;from-tag=2;x=");
}

#[test]
fn r013_early_only_is_a_flag() {
    assert!(parse("a;EARLY-ONLY;to-tag=1;from-tag=2").unwrap().early_only);
}

#[test]
fn r021_a_tag_of_zero_is_read_as_it_is() {
    assert_eq!(parse("a;to-tag=0;from-tag=2").unwrap().to_tag, b"0");
}

#[test]
fn r093_no_line_break_is_printed_again() {
    for (bad, offset) in
        [("a;to-tag=1;from-tag=2;x=\"\r\nVia: x\"", 25), ("a\n;", 1), ("a;to-tag=\0", 9)]
    {
        let error = parse(bad).unwrap_err();
        assert_eq!((error.offset, error.rule), (offset, Rule::R093), "{bad:?}");
    }
}

#[test]
fn many_parameters_cost_linear_time() {
    let value = format!("a;to-tag=1;from-tag=2{}", ";early-only;x=\"y\"".repeat(10_000));
    assert_eq!(parse(&value).unwrap().params.iter().count(), 10_000);
    let spaces = format!("a{0};{0}to-tag{0}={0}1{0};{0}from-tag=2", " ".repeat(100_000));
    assert!(parse(&spaces).is_ok());
    let quotes = format!("a;to-tag=1;from-tag=2{}", ";x=\"".repeat(10_001));
    assert!(parse(&quotes).is_err());
}
