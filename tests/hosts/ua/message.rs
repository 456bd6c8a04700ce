//! A SIP message (RFC 3261 section 7): its start line, its header lines in their order, its body.

use std::fmt::Write;

/// A message that was received or will be sent.
#[derive(Clone, Debug)]
pub struct Msg {
    /// The Request-Line or Status-Line.
    pub start: String,
    /// Name and value of each header line; values are on one line.
    pub headers: Vec<(String, String)>,
    /// What follows the empty line.
    pub body: Vec<u8>,
}

/// The long name of a header that may be written as one letter.
fn long_name(name: &str) -> &str {
    let long = [
        ("v", "Via"),
        ("f", "From"),
        ("t", "To"),
        ("i", "Call-ID"),
        ("m", "Contact"),
        ("l", "Content-Length"),
        ("c", "Content-Type"),
        ("k", "Supported"),
        ("o", "Event"),
        ("r", "Refer-To"),
        ("b", "Referred-By"),
        ("s", "Subject"),
        ("u", "Allow-Events"),
        ("x", "Session-Expires"),
    ];
    long.iter().find(|(short, _)| short.eq_ignore_ascii_case(name)).map_or(name, |pair| pair.1)
}

/// The value of a parameter behind the name-addr or token of a header value.
pub fn param<'a>(value: &'a str, name: &str) -> Option<&'a str> {
    let behind = value.rfind('>').map_or(value, |at| &value[at + 1..]);
    behind.split(';').skip(1).find_map(|piece| {
        let (found, text) = piece.split_once('=').unwrap_or((piece, ""));
        found.trim().eq_ignore_ascii_case(name).then(|| text.trim())
    })
}

/// The URI of a From, To or Contact value.
pub fn uri_of(value: &str) -> &str {
    match (value.find('<'), value.find('>')) {
        (Some(open), Some(close)) if open < close => &value[open + 1..close],
        _ => value.split(';').next().unwrap_or_default().trim(),
    }
}

impl Msg {
    /// A request without headers.
    pub fn request(method: &str, uri: &str) -> Msg {
        Msg { start: format!("{method} {uri} SIP/2.0"), headers: Vec::new(), body: Vec::new() }
    }

    /// Reads one whole message; `None` where that is no SIP.
    pub fn parse(bytes: &[u8]) -> Option<Msg> {
        let (head, body) = match bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            Some(at) => (&bytes[..at], &bytes[at + 4..]),
            None => (bytes, &bytes[bytes.len()..]),
        };
        let head = String::from_utf8_lossy(head);
        let mut lines = head.split("\r\n");
        let start = lines.next()?.to_owned();
        if !start.contains("SIP/2.0") {
            return None;
        }
        let mut headers: Vec<(String, String)> = Vec::new();
        for line in lines {
            if line.starts_with([' ', '\t']) {
                let (_, value) = headers.last_mut()?;
                value.push(' ');
                value.push_str(line.trim());
            } else {
                let (name, value) = line.split_once(':')?;
                headers.push((long_name(name.trim()).to_owned(), value.trim().to_owned()));
            }
        }
        Some(Msg { start, headers, body: body.to_vec() })
    }

    /// The method of a request.
    pub fn method(&self) -> Option<&str> {
        if self.start.starts_with("SIP/2.0 ") {
            return None;
        }
        self.start.split(' ').next()
    }

    /// The code of a response.
    pub fn status(&self) -> Option<u16> {
        self.start.strip_prefix("SIP/2.0 ")?.get(..3)?.parse().ok()
    }

    /// The Request-URI of a request.
    pub fn request_uri(&self) -> &str {
        self.start.split(' ').nth(1).unwrap_or_default()
    }

    /// The value of the first header of this name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// The value of the first header of this name, or nothing.
    pub fn value(&self, name: &str) -> &str {
        self.get(name).unwrap_or_default()
    }

    /// The values of all headers of this name.
    pub fn all<'a, 'n>(&'a self, name: &'n str) -> impl Iterator<Item = &'a str> + use<'a, 'n> {
        self.headers
            .iter()
            .filter(move |(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// Adds a header line.
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Msg {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// Puts one header line in the place of all of this name.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        let value = value.into();
        match self.headers.iter().position(|(found, _)| found.eq_ignore_ascii_case(name)) {
            Some(at) => self.headers[at].1 = value,
            None => self.headers.push((name.to_owned(), value)),
        }
    }

    /// Gives it a body.
    pub fn with_body(self, kind: &str, body: impl Into<Vec<u8>>) -> Msg {
        let mut with = self.with("Content-Type", kind);
        with.body = body.into();
        with
    }

    /// The number and the method of the CSeq.
    pub fn cseq(&self) -> (u32, &str) {
        let mut words = self.value("CSeq").split_whitespace();
        let number = words.next().and_then(|text| text.parse().ok()).unwrap_or_default();
        (number, words.next().unwrap_or_default())
    }

    /// The tag of From.
    pub fn caller_tag(&self) -> &str {
        param(self.value("From"), "tag").unwrap_or_default()
    }

    /// The tag of To; empty where it has none.
    pub fn callee_tag(&self) -> &str {
        param(self.value("To"), "tag").unwrap_or_default()
    }

    /// The branch of the first Via.
    pub fn branch(&self) -> &str {
        param(self.value("Via"), "branch").unwrap_or_default()
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The response to this request, with the headers that RFC 3261 section 8.2.6 wants.
    pub fn response(&self, code: u16, reason: &str, to_tag: &str) -> Msg {
        let mut response = Msg {
            start: format!("SIP/2.0 {code} {reason}"),
            headers: Vec::new(),
            body: Vec::new(),
        };
        for (name, value) in &self.headers {
            let copied = ["Via", "From", "To", "Call-ID", "CSeq", "Record-Route"];
            if !copied.iter().any(|wanted| wanted.eq_ignore_ascii_case(name)) {
                continue;
            }
            let tagless =
                name.eq_ignore_ascii_case("To") && code > 100 && self.callee_tag().is_empty();
            let value = if tagless { format!("{value};tag={to_tag}") } else { value.clone() };
            response.headers.push((name.clone(), value));
        }
        response
    }

    /// As it goes over the wire, with a Content-Length unless the test gave one.
    pub fn bytes(&self) -> Vec<u8> {
        let mut text = format!("{}\r\n", self.start);
        for (name, value) in &self.headers {
            let _ = write!(text, "{name}: {value}\r\n");
        }
        if self.get("Content-Length").is_none() {
            let _ = write!(text, "Content-Length: {}\r\n", self.body.len());
        }
        text.push_str("\r\n");
        let mut bytes = text.into_bytes();
        bytes.extend_from_slice(&self.body);
        bytes
    }
}

/// The usual reason of a response code that the phones send.
pub fn reason(code: u16) -> &'static str {
    match code {
        100 => "Trying",
        180 => "Ringing",
        183 => "Session Progress",
        200 => "OK",
        202 => "Accepted",
        404 => "Not Found",
        480 => "Temporarily Unavailable",
        481 => "Call/Transaction Does Not Exist",
        486 => "Busy Here",
        487 => "Request Terminated",
        488 => "Not Acceptable Here",
        503 => "Service Unavailable",
        603 => "Decline",
        _ => "Some Reason",
    }
}
