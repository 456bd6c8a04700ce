//! Requests to feed.

/// An INVITE outside of a dialog, with these header lines (each ended by CRLF).
pub fn invite(lines: &str) -> String {
    request("INVITE", "", lines)
}

/// A REFER inside the dialog of Bob, with these header lines.
pub fn refer(lines: &str) -> String {
    request("REFER", ";tag=pbx-to-bob", lines)
}

/// A REFER with this Refer-To and nothing else.
pub fn refer_to(value: &str) -> String {
    refer(&format!("Refer-To: {value}\r\n"))
}

/// An INVITE with this Replaces and nothing else.
pub fn replaces(value: &str) -> String {
    invite(&format!("Replaces: {value}\r\n"))
}

/// Any request.
pub fn request(method: &str, to_tag: &str, lines: &str) -> String {
    format!(
        "{method} sip:100@pbx.example SIP/2.0\r\n\
         Via: SIP/2.0/UDP 192.0.2.7:5060;branch=z9hG4bK1\r\n\
         Via: SIP/2.0/UDP 192.0.2.8;branch=z9hG4bK0\r\n\
         Max-Forwards: 70\r\n\
         From: <sip:bob@pbx.example>;tag=bob-to-pbx\r\n\
         To: <sip:pbx@pbx.example>{to_tag}\r\n\
         Call-ID: first@phone\r\n\
         CSeq: 7 {method}\r\n\
         Contact: <sip:bob@192.0.2.7>\r\n\
         {lines}\
         Content-Length: 0\r\n\r\n"
    )
}
