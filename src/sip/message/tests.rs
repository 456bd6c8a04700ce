use super::*;

const INVITE: &str = "INVITE sip:bob@example.com SIP/2.0\r\n\
    Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n\
    v: SIP/2.0/UDP 192.0.2.2;branch=z9hG4bK2\r\n\
    From : \"A\" <sip:a@h>;tag=1\r\n\
    to:<sip:bob@example.com>\r\n\
    CALL-ID:\t abc@192.0.2.1 \t\r\n\
    Subject: one\r\n two\r\n\t  three \r\n\
    VIA: SIP/2.0/UDP 192.0.2.3;branch=z9hG4bK3\r\n\
    X-Empty:\r\n\
    Content-Length: 9\r\n\
    \r\n\
    To: body\n";

fn values<'a>(found: impl Iterator<Item = Value<'a>>) -> Vec<&'a str> {
    found.map(|value| core::str::from_utf8(value.raw).unwrap()).collect()
}

fn check(text: &str) {
    let message = Message::parse(text.as_bytes()).unwrap();
    assert_eq!(message.method(), Some(&b"INVITE"[..]));
    assert_eq!(message.request_uri(), Some(&b"sip:bob@example.com"[..]));
    assert_eq!(message.status(), None);
    assert_eq!(message.body(), &text.as_bytes()[text.find("To: body").unwrap()..]);
    assert_eq!(
        [Name::Via, Name::From, Name::To, Name::Replaces].map(|n| message.count(n)),
        [3, 1, 1, 0]
    );
    assert_eq!(message.first(Name::From).unwrap().raw, b"\"A\" <sip:a@h>;tag=1");
    assert_eq!(message.first(Name::CallId).unwrap().raw, b"abc@192.0.2.1");
    assert!(message.first(Name::Replaces).is_none());
    let via: Vec<_> = values(message.all(Name::Via));
    assert_eq!(via.len(), 3);
    assert!(via[2].ends_with("bK3"));
    assert_eq!(values(message.named(b"via")), via);
    assert_eq!(values(message.named(b"V")), via);
    assert_eq!(values(message.named(b"x-empty")), [""]);
    assert_eq!(values(message.named(b"x-none")), [""; 0]);
    assert_eq!(message.headers().count(), 9);
    // Subject is known but not tracked.
    assert_eq!(message.count(Name::Subject), 1);
    assert_eq!(values(message.all(Name::Subject)).len(), 1);
    for (_, value) in message.headers() {
        assert_eq!(&message.raw()[value.offset..value.offset + value.raw.len()], value.raw);
    }
}

#[test]
fn r025_a_request_with_crlf_or_lf() {
    check(INVITE);
    check(&INVITE.replace("\r\n", "\n"));
    check(&format!("\r\n\r\n\n{INVITE}"));
}

#[test]
fn folds() {
    let message = Message::parse(INVITE.as_bytes()).unwrap();
    let subject = message.first(Name::Subject).unwrap();
    assert!(subject.is_folded());
    let mut room = [0; 64];
    let mut scratch = Scratch::new(&mut room);
    let unfolded = subject.unfolded(&mut scratch).unwrap();
    assert_eq!(unfolded, b"one   two  \t  three");
    assert_eq!(unfolded.len(), subject.raw.len());
    assert_eq!(subject.compacted(&mut scratch).unwrap(), b"one two three");
    let plain = message.first(Name::CallId).unwrap();
    assert_eq!(plain.unfolded(&mut scratch).unwrap().as_ptr(), plain.raw.as_ptr());
    assert_eq!(subject.unfolded(&mut Scratch::new(&mut [0; 4])), Err(OutOfScratch));
}

#[test]
fn r050_a_fold_becomes_one_space() {
    for (text, line) in [
        ("a \t\r\n\t b", "a b"),
        ("a\n b", "a b"),
        ("a\r\n \r\n b", "a b"),
        ("\"x  y\";\r\n z", "\"x  y\"; z"),
    ] {
        let value = Value { raw: text.as_bytes(), offset: 0 };
        let mut room = [0; 32];
        let line_found = value.compacted(&mut Scratch::new(&mut room)).unwrap().to_vec();
        assert_eq!(line_found, line.as_bytes(), "{text:?}");
    }
}

#[test]
fn the_fold_may_begin_or_end_a_value() {
    let text = b"BYE sip:a@h SIP/2.0\r\nTo:\r\n <sip:a@h>\r\n \r\nFrom: x\r\n\r\n";
    let message = Message::parse(text).unwrap();
    assert_eq!(message.first(Name::To).unwrap().raw, b"<sip:a@h>");
    assert_eq!(message.first(Name::From).unwrap().raw, b"x");
    assert_eq!(message.all(Name::To).count(), 1);
}

#[test]
fn all_goes_on_behind_a_folded_or_empty_first_value() {
    let text = b"BYE sip:a@h SIP/2.0\r\nTo:\r\n \r\nSubject:\r\nTo: 2\r\n  x\r\nSubject: s\r\nt: 3";
    let message = Message::parse(text).unwrap();
    assert_eq!(values(message.all(Name::To)), ["", "2\r\n  x", "3"]);
    assert_eq!(values(message.all(Name::Subject)), ["", "s"]);
    assert_eq!(message.count(Name::Subject), 2);
}

#[test]
fn responses_and_missing_ends() {
    let message = Message::parse(b"SIP/2.0 486 Busy Here\r\nTo: x").unwrap();
    assert_eq!(message.status(), Some((486, &b"Busy Here"[..])));
    assert_eq!((message.method(), message.request_uri()), (None, None));
    assert_eq!(message.first(Name::To).unwrap().raw, b"x");
    assert_eq!(message.body(), b"");
    assert_eq!(Message::parse(b"SIP/2.0 200 OK").unwrap().headers().count(), 0);
    assert_eq!(Message::parse(b"SIP/2.0 200 OK\r\n\r\n\0\r").unwrap().body(), b"\0\r");
}

#[test]
fn r200_ill_formed_messages_say_where() {
    for (bad, offset) in [
        ("", 0),
        ("\r\n\r\n", 4),
        ("hello", 0),
        ("\nBYE sip:a@h SIP/2.1\n", 13),
        ("BYE sip:a@h SIP/2.0\nTo x\n", 20),
        ("BYE sip:a@h SIP/2.0\n: x\n", 20),
        ("BYE sip:a@h SIP/2.0\nTo", 20),
        ("BYE sip:a@h SIP/2.0\nT o: x\n", 20),
        ("BYE sip:a@h SIP/2.0\nTo\n : x\n", 20),
        ("BYE sip:a@h SIP/2.0\n To: x\n", 20),
        ("BYE sip:a@h SIP/2.0\nTo: a\rb\n", 25),
        ("BYE sip:a@h SIP/2.0\nTo: a\r", 25),
        ("BYE sip:a@h SIP/2.0\nTo: a\0b\n", 25),
        ("BYE sip:a@h SIP/2.0\nTo: a\n \0", 27),
        ("BYE sip:a\0@h SIP/2.0\n", 9),
        ("BYE sip:a@h\rSIP/2.0\n", 11),
        ("BYE sip:a@h SIP/2.0\n\rTo: x\n", 20),
    ] {
        let error = Message::parse(bad.as_bytes()).unwrap_err();
        assert_eq!((error.offset, error.rule), (offset, Rule::R200), "{bad:?}");
    }
}

#[test]
fn many_lines_cost_linear_time() {
    let mut text = b"BYE sip:a@h SIP/2.0\r\n".to_vec();
    text.extend(b"Via: x\r\n".repeat(100_000));
    text.extend(b"To:\r\n");
    text.extend(b" \r\n".repeat(100_000));
    text.extend(b"x".repeat(100_000));
    text.extend(b": y\r\n\r\n");
    let message = Message::parse(&text).unwrap();
    assert_eq!(message.count(Name::Via), 100_000);
    assert_eq!(message.all(Name::Via).count(), 100_000);
    assert_eq!(message.first(Name::To).unwrap().raw, b"");
    assert_eq!(message.headers().count(), 100_002);
}

#[test]
fn every_cut_is_safe() {
    for end in 0..INVITE.len() {
        if let Ok(message) = Message::parse(&INVITE.as_bytes()[..end]) {
            for name in Name::ALL {
                assert_eq!(message.all(name).count(), message.count(name));
                assert_eq!(message.all(name).next(), message.first(name));
            }
        }
    }
}

/// What the quick way finds, and what the slow one does.
fn both_ways(text: &[u8], headers: usize) {
    let mut quick = Spans::default();
    let mut slow = Spans::default();
    let Some(at) = scan::spans(&mut Controls::new(text), headers, &mut quick) else {
        return;
    };
    assert_eq!(line_by_line(text, headers, &mut slow), Ok(at), "{text:?}");
    assert_eq!((quick.met, quick.repeated), (slow.met, slow.repeated), "{text:?}");
    for (quick, slow) in quick.places.iter().zip(&slow.places) {
        let value = |span: &Span| {
            let raw = &text[span.start as usize..span.end as usize];
            trim_start(trim_end(raw))
        };
        assert_eq!(value(quick), value(slow), "{text:?}");
    }
}

#[test]
fn the_quick_way_finds_what_the_slow_one_does() {
    let headers = INVITE.find("Via").unwrap();
    let quick = |text: &str| {
        scan::spans(&mut Controls::new(text.as_bytes()), headers, &mut Spans::default())
    };
    // "From :" and what else is unusual is for the slow way.
    assert_eq!(quick(INVITE), None);
    let plain = INVITE.replace("From :", "From:");
    assert!(quick(&plain).is_some());
    for text in [&plain, &plain.replace("\r\n", "\n")] {
        for at in headers..text.len() {
            both_ways(&text.as_bytes()[..at], headers);
            for byte in [0, 1, b'\t', b'\n', 13, 14, b' ', b':', b'x', 0x8d, 0xff] {
                let mut changed = text.as_bytes().to_vec();
                changed[at] = byte;
                both_ways(&changed, headers);
                changed.insert(at, byte);
                both_ways(&changed, headers);
            }
        }
    }
}

/// Line ends are found in pieces of the message: wherever their borders are.
#[test]
fn the_quick_way_finds_lines_of_any_length_anywhere() {
    let start = "INVITE sip:b@h SIP/2.0\r\n";
    for len in (0..200).chain(900..1_200).chain(2_000..2_300) {
        let long = format!(
            "{start}Subject: {}\r\nTo: <sip:b@h>\r\nFrom: {}\r\n \tfolded\r\nCall-ID: c\r\n\r\n",
            "x".repeat(len),
            "y".repeat(len / 2)
        );
        let end =
            scan::spans(&mut Controls::new(long.as_bytes()), start.len(), &mut Spans::default());
        assert_eq!(end, Some(long.len() - 2), "{len}");
        both_ways(long.as_bytes(), start.len());
        both_ways(&long.as_bytes()[..long.len() - 2], start.len());
        let message = Message::parse(long.as_bytes()).unwrap();
        assert_eq!(message.first(Name::CallId).unwrap().raw, b"c");
    }
    let many: Vec<u8> = [start.as_bytes(), &b"To: x\r\nVia: y\r\n".repeat(2_000), b"\r\n"].concat();
    both_ways(&many, start.len());
    assert_eq!(Message::parse(&many).unwrap().count(Name::Via), 2_000);
}

/// Found by the fuzz target: a line of nothing but such bytes was taken for one with a name.
#[test]
fn bytes_of_no_header_are_refused() {
    for byte in [0x80, 0xfe, 0xff] {
        let mut raw = b"INVITE sip:b@h SIP/2.0\r\nTo: <sip:b@h>\r\n".to_vec();
        raw.extend([byte; 30]);
        raw.extend(b"Call-ID: p\r\n\r\n");
        assert!(Message::parse(&raw).is_err(), "{byte:#x}");
    }
}
