use super::*;

const TOKEN: &str = "Content-Type: multipart/signed; boundary=inner\r\n\
    Content-ID: <2U@h>\r\nContent-Disposition: x\r\n\r\n--inner\r\n\r\nfrag\r\n--inner--";

fn message(kind: &str, body: &str) -> String {
    let length = body.len();
    format!("REFER sip:a@h SIP/2.0\r\n{kind}Content-Length: {length}\r\n\r\n{body}")
}

fn multipart(body: &str) -> String {
    message("Content-Type: multipart/mixed ; x=1; Boundary=\"un-1\"\r\n", body)
}

fn find<'t>(text: &'t str, cid: &str) -> Option<BodyPart<'t>> {
    BodyPart::find(&Message::parse(text.as_bytes()).unwrap(), cid.as_bytes())
}

#[test]
fn r050_the_part_is_handed_on_untouched_with_its_mime_headers() {
    let text = multipart(&format!(
        "preamble\r\n--un-1\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n--un-1  \r\n{TOKEN}\r\n--un-1--\r\nx"
    ));
    let part = find(&text, "2U@h").unwrap();
    assert_eq!(part.raw, TOKEN.as_bytes());
    assert_eq!(part.content, b"--inner\r\n\r\nfrag\r\n--inner--");
    assert_eq!(part.content_type, b"multipart/signed; boundary=inner");
    assert!(part.headers.starts_with(b"Content-Type") && part.headers.ends_with(b"x\r\n"));
    assert_eq!(find(&text, "2u@h"), None, "a Content-ID has a case");
    assert_eq!(find(&text, "<2U@h>"), None);
    assert_eq!(find(&text, ""), None);
}

#[test]
fn line_ends_without_cr_and_parts_without_content_are_read() {
    let text = multipart("--un-1\nContent-ID: <a>\n\nx\n\n--un-1\nContent-ID: <b>\n--un-1--");
    assert_eq!(find(&text, "a").unwrap().content, b"x\n");
    let bare = find(&text, "b").unwrap();
    assert_eq!((bare.raw, bare.content), (&b"Content-ID: <b>"[..], &b""[..]));
    let none = multipart("--un-1\r\n--un-1\r\n\r\n--un-1--");
    assert_eq!(find(&none, "a"), None);
}

#[test]
fn r049_what_names_no_part_for_sure_names_none() {
    let part = "--un-1\r\nContent-ID: <a>\r\n\r\nx\r\n";
    let whole = multipart(&format!("{part}--un-1--"));
    assert!(find(&whole, "a").is_some());
    // Cut off, by the sender or on the way.
    assert_eq!(find(&multipart(part), "a"), None);
    assert_eq!(find(whole.strip_suffix("-").unwrap(), "a"), None);
    // Behind what Content-Length says, or behind the last delimiter.
    let behind = whole.replace("Content-Length: ", "Content-Length: 1\r\nX: ");
    assert_eq!(find(&behind, "a"), None);
    assert_eq!(find(&multipart(&format!("--un-1\r\n\r\n--un-1--\r\n{part}--un-1--")), "a"), None);
    // Two of one name, two names, another boundary that begins alike, a name inside of the content.
    assert_eq!(find(&multipart(&format!("{part}{part}--un-1--")), "a"), None);
    let names = part.replace("\r\n\r\n", "\r\nContent-ID: <b>\r\n\r\n");
    assert_eq!(find(&multipart(&format!("{names}--un-1--")), "a"), None);
    assert_eq!(find(&multipart("--un-12\r\nContent-ID: <a>\r\n\r\n--un-12--"), "a"), None);
    assert_eq!(find(&multipart("--un-1\r\n\r\nContent-ID: <a>\r\n--un-1--"), "a"), None);
}

#[test]
fn what_is_no_multipart_has_no_parts() {
    let body = "--un-1\r\nContent-ID: <a>\r\n\r\nx\r\n--un-1--";
    for kind in [
        "",
        "Content-Type: application/sdp\r\n",
        "Content-Type: multipart/mixed\r\n",
        "Content-Type: multipart/mixed;boundary=\r\n",
        "Content-Type: multipart/mixed;boundary=\"un-1 \"\r\n",
        "Content-Type: multipart/mixed;boundary=un-1;boundary=x\r\n",
        "Content-Type: xmultipart/mixed;boundary=un-1\r\n",
        "Content-Type: multipart/mixed;boundary=un-1\r\nc: multipart/mixed;boundary=un-1\r\n",
    ] {
        assert_eq!(find(&message(kind, body), "a"), None, "{kind}");
    }
    let long = format!("Content-Type: multipart/mixed;boundary={}\r\n", "a".repeat(71));
    assert_eq!(find(&message(&long, body), "a"), None);
}

#[test]
fn any_cut_of_a_message_is_read_without_harm() {
    let text =
        multipart(&format!("--un-1\r\n{TOKEN}\r\n--un-1--\r\n")).replace("Content-Length", "X");
    let whole = text.len();
    for end in 0..=whole {
        let Ok(message) = Message::parse(&text.as_bytes()[..end]) else {
            continue;
        };
        let found = BodyPart::find(&message, b"2U@h");
        assert_eq!(found.is_some(), end == whole || end == whole - 2, "{end} of {whole}");
    }
}
