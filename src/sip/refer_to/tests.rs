use super::*;

fn parse(value: &str) -> Result<ReferTo<'_>, (usize, Rule)> {
    ReferTo::parse(value.as_bytes()).map_err(|error| (error.offset, error.rule))
}

/// Call-ID, to-tag, from-tag and early-only of the Replaces, joined by blanks.
fn triple(value: &str) -> String {
    let mut room = vec![0; value.len()];
    let mut scratch = Scratch::new(&mut room);
    let found = parse(value).unwrap().replaces(&mut scratch).unwrap().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    format!(
        "{} {} {}{}",
        text(found.call_id),
        text(found.to_tag),
        text(found.from_tag),
        if found.early_only { " early" } else { "" }
    )
}

fn refused(value: &str) -> ParseError {
    let mut room = vec![0; value.len()];
    let mut scratch = Scratch::new(&mut room);
    match parse(value).unwrap().replaces(&mut scratch).unwrap_err() {
        UnescapeError::Parse(error) => error,
        UnescapeError::OutOfScratch => panic!("scratch as long as the value is enough"),
    }
}

#[test]
fn r095_what_phones_send() {
    for (value, expected) in [
        (
            "<sip:d@h?Replaces=12345%40192.0.2.3%3Bto-tag%3D1%3Bfrom-tag%3D5FFE-3994>",
            "12345@192.0.2.3 1 5FFE-3994",
        ),
        ("<sip:d@h?Replaces=a%40b%3bfrom-tag%3dY%3bto-tag%3dX>", "a@b X Y"),
        ("<sip:c@h?Replaces=abc@192.0.2.1%3Bto-tag%3D1%3Bfrom-tag%3D2>", "abc@192.0.2.1 1 2"),
        ("<sip:h?Replaces=abc@192.0.2.1%3Bto-tag%3D1%3Bfrom-tag%3D2>", "abc@192.0.2.1 1 2"),
        ("<sip:c@h?Replaces=cid;to-tag=x;from-tag=y>", "cid x y"),
        ("sip:1@h;user=phone?Replaces=L%3Bto-tag%3D1%3Bfrom-tag%3DC4&Require=replaces", "L 1 C4"),
        ("\"Jane\" <sip:c@h?Replaces=a%3Bto-tag%3D1%3Bfrom-tag%3D2>", "a 1 2"),
        ("<sip:c@h?Require=replaces&Replaces=a%3Bto-tag%3D1%3Bfrom-tag%3D2>", "a 1 2"),
        ("<sip:c@h?replaces=a%3Bto-tag%3D1%3Bfrom-tag%3D2>", "a 1 2"),
        ("<sip:c@h?%52eplaces=a%3Bto-tag%3D1%3Bfrom-tag%3D2>", "a 1 2"),
        ("<sip:100@h;Replaces=cid%3Bto-tag%3D1%3Bfrom-tag%3D2>", "cid 1 2"),
        ("<sip:c@h?Replaces=cid%3Bto-tag%3D123+456%3Bfrom-tag%3D1>", "cid 123+456 1"),
        (
            "<sip:c@h?Replaces=a%3Bto-tag%3D1%3Bfrom-tag%3D2%3Bearly-only%3Bfoo%3Dbar>",
            "a 1 2 early",
        ),
        (
            "<sip:carol@server_b.com?Replaces=ABCDE%3Bto-tag%3DBtoBob%3Bfrom-tag%3DBobtoB>",
            "ABCDE BtoBob BobtoB",
        ),
        (" <sip:c@h?Replaces=a%20%3B%20to-tag%20%3D%201%3Bfrom-tag%3D2> ;x=1", "a 1 2"),
    ] {
        assert_eq!(triple(value), expected, "{value}");
    }
}

#[test]
fn r095_the_target_is_the_whole_uri() {
    let found = parse("<sip:gw.example.com:5061;transport=tls;x-m=8:orgid:GUID>").unwrap();
    assert_eq!(found.uri.user, None);
    assert_eq!(
        found.uri.without_headers(),
        b"sip:gw.example.com:5061;transport=tls;x-m=8:orgid:GUID"
    );
    let found = parse("<sip:1@h;a=b,c=d>").unwrap();
    assert_eq!(found.uri.param(b"a"), Some(Some(&b"b,c=d"[..])));
    let found = parse("sip:1@h;user=phone").unwrap();
    assert_eq!((found.uri.params, found.params), (&b"user=phone"[..], &b""[..]));
    let found = parse("<sip:1@h>;x=\"a,b\"").unwrap();
    assert_eq!((found.uri.params, found.param(b"x")), (&b""[..], Some(Some(&b"\"a,b\""[..]))));
    assert!(found.replaces(&mut Scratch::new(&mut [])).unwrap().is_none());
}

#[test]
fn a_replaces_as_a_parameter_is_noted() {
    assert!(parse("<sip:1@h;Replaces=a%3Bto-tag%3D1%3Bfrom-tag%3D2>").unwrap().replaces_in_param);
    assert!(!parse("<sip:1@h?Replaces=a%3Bto-tag%3D1%3Bfrom-tag%3D2>").unwrap().replaces_in_param);
    // Behind the bracket it is a parameter of the header, and means nothing.
    assert!(parse("<sip:1@h>;Replaces=a").unwrap().replaces_raw.is_none());
}

#[test]
fn r018_the_target_is_what_is_contacted() {
    for (value, expected) in [
        ("<sip:1@h;lr?Require=x>", "sip:1@h;lr"),
        ("<sip:1@h;a;method=INVITE;b=%41?x=y>", "sip:1@h;a;b=%41"),
        ("<sip:1@h;Replaces=c@d%3Bto-tag%3D1%3Bfrom-tag%3D2>", "sip:1@h"),
        ("<sip:h:5070;%6dethod=BYE;x>", "sip:h:5070;x"),
        ("<tel:+1;method=x>", "tel:+1;method=x"),
    ] {
        let mut room = [0; 64];
        let target = parse(value).unwrap().target(&mut Scratch::new(&mut room)).unwrap();
        assert_eq!(target, expected.as_bytes(), "{value}");
    }
}

#[test]
fn r032_schemes_are_told() {
    assert_eq!(parse("<tel:+15105550123>").unwrap().uri.scheme, b"tel");
    assert_eq!(parse("<http://h/>").unwrap().uri.scheme, b"http");
}

#[test]
fn r035_the_method_is_seen() {
    assert_eq!(parse("<sip:c@h;method=BYE>").unwrap().method, Some(&b"BYE"[..]));
    assert_eq!(parse("<sip:c@h;METHOD=INVITE>").unwrap().method, Some(&b"INVITE"[..]));
    assert_eq!(parse("<sip:c@h;m%65thod=BYE>").unwrap().method, Some(&b"BYE"[..]));
    assert_eq!(parse("<sip:c@h>;method=BYE").unwrap().method, None);
    assert_eq!(parse("<sip:c@h;method=BYE;x;Method=INVITE>"), Err((22, Rule::R035)));
    assert_eq!(parse("<sip:c@h;method=>"), Err((9, Rule::R035)));
    assert_eq!(parse("<sip:c@h;method>"), Err((9, Rule::R035)));
}

#[test]
fn r020_errors_point_into_the_raw_value() {
    for (value, offset, what) in [
        ("<sip:c@h?Replaces=cid>", 21, "expected a to-tag"),
        ("<sip:c@h?Replaces=>", 18, "expected a Call-ID"),
        ("<sip:c@h?Replaces>", 17, "expected a Call-ID"),
        ("<sip:c@h?Replaces=cid%3Bto-tag%3D%3Bfrom-tag%3DX>", 24, "expected a value for to-tag"),
        (
            "<sip:carol@server_b.com?Replaces=ABCDE%3Bto-tag%3DBtoBobfrom-tag%3DBobtoB>",
            56,
            "expected \";\" before from-tag",
        ),
        (
            "<sip:c@h?Replaces=12345678,to-tag=7744;from-tag=5693>",
            26,
            "expected \";\" after the Call-ID",
        ),
        ("<sip:c@h;Replaces=a%3Bx>", 23, "expected a to-tag"),
    ] {
        let error = refused(value);
        assert_eq!((error.offset, error.what, error.rule), (offset, what, Rule::R020), "{value}");
    }
}

#[test]
fn r002_two_replaces_in_one_uri_are_refused() {
    let one = "Replaces=a%3Bto-tag%3D1%3Bfrom-tag%3D2";
    for (value, offset) in [
        (format!("<sip:c@h?{one}&{one}>"), 57),
        (format!("<sip:c@h?{one}&x=y&%72eplaces=b>"), 63),
        (format!("<sip:c@h;{one}?{one}>"), 57),
        (format!("<sip:c@h;{one};{one}>"), 57),
        (format!("<sip:c@h?{one}%2Cb%3Bto-tag%3D1>"), 47),
    ] {
        let error = refused(&value);
        assert_eq!((error.offset, error.rule), (offset, Rule::R002), "{value}");
    }
}

#[test]
fn r029_one_well_formed_value() {
    for (bad, offset) in [
        ("", 0),
        ("<sip:a@h>, <sip:b@h>", 9),
        ("sip:a@h,sip:b@h", 7),
        ("sip:a@h;x=1,2", 11),
        ("<sip:a@h", 8),
        ("< sip:a@h>", 1),
        ("<sip:a@h> x", 10),
        ("<sip:@h>", 5),
        ("<>", 1),
        ("\"a <sip:a@h>", 0),
        ("<sip:a@h?Replaces=%4>", 18),
    ] {
        assert_eq!(parse(bad), Err((offset, Rule::R029)), "{bad}");
    }
}

#[test]
fn r093_no_line_break_gets_through() {
    for (bad, offset) in [
        ("<sip:a@h?Replaces=a%0D%0AVia:%20x>", 19),
        ("<sip:a@h?Subject=%0a>", 17),
        ("<sip:a%00@h>", 6),
        ("<sip:a@h>;x=\"\r\n\"", 13),
    ] {
        assert_eq!(parse(bad), Err((offset, Rule::R093)), "{bad:?}");
    }
    // A second level is text here: it is decoded by whoever reads the inner Refer-To.
    assert_eq!(triple("<sip:a@h?Replaces=a%250d%3Bto-tag%3D1%3Bfrom-tag%3D2>"), "a%0d 1 2");
}

#[test]
fn headers_have_offsets_in_the_value() {
    let raw = "\"x\" <sip:a@h?Subject=s&Require=replaces>";
    let found: Vec<_> = parse(raw).unwrap().headers().collect();
    assert_eq!(found.len(), 2);
    for header in found {
        assert!(raw.as_bytes()[header.offset..].starts_with(header.value_raw));
    }
}

/// An "@" in a header could end a user part for who reads it next: it goes on escaped.
#[test]
fn r019_whoever_reads_it_next_finds_the_same_host() {
    let again = |value: &str| {
        let refer_to = ReferTo::parse(value.as_bytes()).unwrap();
        let mut room = [0; 256];
        let mut out = Writer::new(&mut room);
        let mut bytes = [0; 256];
        let named = refer_to.replaces(&mut Scratch::new(&mut bytes)).unwrap();
        refer_to.print_with(named.as_ref(), |_| true, &mut out);
        String::from_utf8(out.written().to_vec()).unwrap()
    };
    let value = "<sip:h.example?Subject=a@evil.example&X@y=1>;p=x@y";
    assert_eq!(ReferTo::parse(value.as_bytes()).unwrap().uri.host, b"h.example");
    assert_eq!(again(value), "<sip:h.example?Subject=a%40evil.example&X%40y=1>;p=x@y");
    let value = "<sip:h.example?Replaces=a@evil.example;to-tag=1;from-tag=2>";
    let escaped = "<sip:h.example?Replaces=a%40evil.example%3Bto-tag%3D1%3Bfrom-tag%3D2>";
    assert_eq!(again(value), escaped);
}

/// A parser that ends a user part at the first byte that cannot stand there finds another host.
#[test]
fn r029_a_user_part_hides_no_second_host() {
    for (value, offset) in [("<sip:u[evil@h;x=]>", 6), ("<sip:u]@h>", 6), ("<sip:u:p[x@h>", 8)] {
        assert_eq!(parse(value).unwrap_err(), (offset, Rule::R029), "{value}");
    }
    assert_eq!(parse("<sip:u:&=+$,%41-_.!~*'()@h>").unwrap().uri.host, b"h");
}

fn built(target: &str, replaces: Option<&str>, require: bool) -> Result<String, (usize, Rule)> {
    let mut room = [0; 256];
    let mut out = Writer::new(&mut room);
    let replaces = replaces.map(|value| Replaces::parse(value.as_bytes()).unwrap());
    match ReferTo::build(&mut out, target.as_bytes(), replaces.as_ref(), require) {
        Ok(()) => Ok(String::from_utf8(out.written().to_vec()).unwrap()),
        Err(error) => {
            assert_eq!(out.needed(), 0);
            Err((error.offset, error.rule))
        }
    }
}

#[test]
fn r085_the_refer_to_of_an_attended_transfer() {
    let text = built("sip:c@h;gr=1", Some("a@b;to-tag=1+2;from-tag=2;early-only;x=\"y z\""), true);
    let text = text.unwrap();
    assert_eq!(
        text,
        "<sip:c@h;gr=1?Replaces=a%40b%3Bto-tag%3D1%2B2%3Bfrom-tag%3D2%3Bearly-only\
         %3Bx%3D%22y%20z%22&Require=replaces>"
    );
    assert_eq!(triple(&text), "a@b 1+2 2 early");
    assert_eq!(built("tel:+1", None, false).unwrap(), "<tel:+1>");
    assert_eq!(built("sip:c@h", None, true).unwrap(), "<sip:c@h?Require=replaces>");
}

#[test]
fn r029_a_target_with_headers_is_not_built() {
    assert_eq!(built("sip:c@h?x=y", None, false), Err((7, Rule::R029)));
    assert_eq!(built("sip:c@h?", None, false), Err((7, Rule::R029)));
    assert_eq!(built("sip:c@h>,<sip:d@h", None, false), Err((7, Rule::R029)));
    assert_eq!(built("tel:+1", Some("a;to-tag=1;from-tag=2"), false), Err((0, Rule::R029)));
    assert_eq!(built("sip:c%0a@h", None, false), Err((5, Rule::R093)));
}

#[test]
fn hostile_shapes_cost_linear_time() {
    for piece in ["&Replaces=a", "%3Bx", "&%52eplaces", ";method", "@", "%41"] {
        let value = format!("<sip:a@h?Replaces=a{}>", piece.repeat(20_000));
        let mut room = vec![0; value.len()];
        if let Ok(found) = parse(&value) {
            assert!(found.replaces(&mut Scratch::new(&mut room)).is_err());
        }
    }
    let value =
        format!("<sip:a@h?Replaces=a%3Bto-tag%3D1%3Bfrom-tag%3D2{}>", "%3Bx%3Dy".repeat(10_000));
    assert_eq!(triple(&value), "a 1 2");
}
