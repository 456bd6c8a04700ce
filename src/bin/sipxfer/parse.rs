//! `sipxfer parse`: the fields of one header value.

use crate::args::Parse;
use crate::json::{pair, text, text_or_null};
use crate::text::{caret, shown};
use crate::{input, json, lists, Unusable};
use serde_json::{json, Map, Value};
use sipxfer::sip::escape::Decoded;
use sipxfer::sip::lex::{self, trim_start};
use sipxfer::sip::{
    ParseError, ReferTo, ReferredBy, Replaces, Scratch, Sipfrag, StartLine, UnescapeError, Uri,
};
use std::ffi::OsStr;

/// A header that can be read by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Header {
    Replaces,
    ReferTo,
    ReferredBy,
    Sipfrag,
}

impl Header {
    /// For sentences.
    pub const NAMES: &str = "replaces, refer-to, referred-by or sipfrag";

    /// By its name, in any case.
    pub fn of(name: &str) -> Option<Header> {
        match name.to_ascii_lowercase().as_str() {
            "replaces" => Some(Header::Replaces),
            "refer-to" => Some(Header::ReferTo),
            "referred-by" => Some(Header::ReferredBy),
            "sipfrag" => Some(Header::Sipfrag),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Header::Replaces => "Replaces",
            Header::ReferTo => "Refer-To",
            Header::ReferredBy => "Referred-By",
            Header::Sipfrag => "sipfrag",
        }
    }
}

/// Reads a value and prints its fields.
pub fn run(asked: &Parse) -> Result<String, Unusable> {
    let raw = value(asked.header, &asked.value)?;
    match fields(asked.header, &raw) {
        Ok(fields) if asked.json => Ok(json::printed(Value::Object(fields))),
        Ok(fields) => {
            let mut out = String::new();
            print(&mut out, "", &fields);
            Ok(out)
        }
        Err(error) => Err(Unusable {
            sentence: format!(
                "{}: byte {}: {} ({})\n{}{}",
                asked.header.name(),
                error.offset,
                error.what,
                error.rule,
                caret(&raw, error.offset, "  "),
                lists::line(error.rule),
            ),
            json: asked.json.then(|| json!({ "error": json::error(&error) })),
        }),
    }
}

fn value(header: Header, argument: &OsStr) -> Result<Vec<u8>, Unusable> {
    if argument != "-" {
        return Ok(argument.as_encoded_bytes().to_vec());
    }
    let mut raw = input::file_or_stdin(argument)?;
    if header != Header::Sipfrag {
        // The line end behind it is none of the value's.
        for end in [b'\n', b'\r'] {
            if raw.last() == Some(&end) {
                raw.pop();
            }
        }
    }
    Ok(raw)
}

type Fields = Map<String, Value>;

/// The fields of a value; an error has its offset in the value as it was given.
fn fields(header: Header, raw: &[u8]) -> Result<Fields, ParseError> {
    if header == Header::Sipfrag {
        return sipfrag(raw);
    }
    let begins = behind_name(header, raw);
    let line = unfolded(lex::from(raw, begins));
    let read = match header {
        Header::Replaces => Replaces::parse(&line).map(|found| replaces(&found)),
        Header::ReferTo => refer_to(&line),
        _ => ReferredBy::parse(&line).map(|found| referred_by(&found)),
    };
    read.map_err(|error| error.shifted(begins))
}

/// Where the value begins: "Refer-To: ..." is what one copies from a trace.
fn behind_name(header: Header, raw: &[u8]) -> usize {
    let text = trim_start(raw);
    let name = header.name().as_bytes();
    let behind = trim_start(lex::from(text, name.len()));
    match behind {
        [b':', value @ ..] if lex::until(text, name.len()).eq_ignore_ascii_case(name) => {
            raw.len() - value.len()
        }
        _ => 0,
    }
}

/// The value on one line, of the same length. A line break that white space follows is a fold (RFC
/// 3261 section 7.3.1); any other stays, and is an error.
fn unfolded(raw: &[u8]) -> Vec<u8> {
    let mut line = raw.to_vec();
    let mut at = 0;
    while let Some(rest) = raw.get(at..).filter(|rest| !rest.is_empty()) {
        let len = match rest {
            [b'\r', b'\n', b' ' | b'\t', ..] => 2,
            [b'\n', b' ' | b'\t', ..] => 1,
            _ => 0,
        };
        if let Some(end) = line.get_mut(at..at + len) {
            end.fill(b' ');
        }
        at += len.max(1);
    }
    line
}

fn fields_of<const N: usize>(fields: [(&str, Value); N]) -> Fields {
    let fields = fields.into_iter();
    fields.map(|(name, it)| (name.to_owned(), it)).collect()
}

fn replaces(found: &Replaces<'_>) -> Fields {
    let params = found.params.iter().map(|(name, value)| pair(name, value));
    fields_of([
        ("call_id", text(found.call_id)),
        ("to_tag", text(found.to_tag)),
        ("from_tag", text(found.from_tag)),
        ("early_only", Value::from(found.early_only)),
        ("params", Value::from_iter(params)),
    ])
}

/// What Refer-To and Referred-By have in common.
fn uri(uri: &Uri<'_>, display: &[u8]) -> Fields {
    let decoded = |raw: &[u8]| Decoded(raw).collect::<Vec<u8>>();
    let params = uri.params_iter().map(|param| {
        let value = param.value.map(decoded);
        pair(&decoded(param.name), value.as_deref())
    });
    let headers = uri.headers_iter().map(|header| {
        let value = decoded(header.value_raw);
        pair(&decoded(header.name_raw), Some(&value))
    });
    fields_of([
        ("display", text_or_null(lex::unquoted(display))),
        ("uri", text(uri.raw)),
        ("scheme", text(uri.scheme)),
        ("user", uri.user.map(|user| text(&decoded(user))).into()),
        ("host", text_or_null(uri.host)),
        ("port", uri.port.into()),
        ("params", Value::from_iter(params)),
        ("headers", Value::from_iter(headers)),
    ])
}

fn header_params(params: &[u8]) -> Value {
    Value::from_iter(lex::params(params).map(|param| pair(param.name, param.value)))
}

fn refer_to(line: &[u8]) -> Result<Fields, ParseError> {
    // Decoding yields no more bytes than it reads: one value for the Replaces, one for the target.
    let mut room = vec![0; 2 * line.len()];
    let mut scratch = Scratch::new(&mut room);
    let found = ReferTo::parse(line)?;
    let too_long = ParseError::new("expected a shorter value", 0, sipxfer::rule::Rule::R029);
    let named = found.replaces(&mut scratch).map_err(|error| match error {
        UnescapeError::Parse(error) => error,
        UnescapeError::OutOfScratch => too_long,
    })?;
    let target = found.target(&mut scratch).map_err(|_| too_long)?;
    let method: Vec<u8> = Decoded(found.method.unwrap_or(b"INVITE")).collect();
    let mut fields = uri(&found.uri, found.display);
    fields.extend(fields_of([
        ("method", text(&method)),
        ("target", text(target)),
        ("replaces", named.map(|it| replaces(&it)).into()),
        ("replaces_in_param", found.replaces_in_param.into()),
        ("header_params", header_params(found.params)),
    ]));
    Ok(fields)
}

fn referred_by(found: &ReferredBy<'_>) -> Fields {
    let mut fields = uri(&found.uri, found.display);
    fields.extend(fields_of([
        ("cid", found.cid.map(text).into()),
        ("header_params", header_params(found.params)),
    ]));
    fields
}

fn sipfrag(body: &[u8]) -> Result<Fields, ParseError> {
    let found = Sipfrag::parse(body)?;
    let (kind, method, request_uri) = match found.start {
        Some(StartLine::Request { method, uri }) => ("request", text(method), text(uri)),
        Some(StartLine::Status { .. }) => ("status", Value::Null, Value::Null),
        None => ("none", Value::Null, Value::Null),
    };
    let headers = found.headers().map(|(name, value)| {
        let value = unfolded(value.raw);
        pair(name, Some(&value))
    });
    Ok(fields_of([
        ("start_line", Value::from(kind)),
        ("code", found.status().map(|(code, _)| code).into()),
        ("reason", found.status().map(|(_, reason)| text(reason)).into()),
        ("method", method),
        ("request_uri", request_uri),
        ("headers", Value::from_iter(headers)),
    ]))
}

/// Fields as lines; what is not there is left out.
fn print(out: &mut String, indent: &str, fields: &Fields) {
    for (name, value) in fields {
        let label = format!("{indent}{name:<18}");
        match value {
            Value::Null => {}
            Value::Object(inner) => {
                out.push_str(&format!("{indent}{name}\n"));
                print(out, &format!("{indent}  "), inner);
            }
            Value::Array(pairs) => {
                for one in pairs {
                    out.push_str(&format!("{label} {}\n", shown_pair(one)));
                }
            }
            Value::String(text) => {
                out.push_str(&format!("{label} {}\n", shown(text.as_bytes())));
            }
            other => out.push_str(&format!("{label} {other}\n")),
        }
    }
}

fn shown_pair(pair: &Value) -> String {
    let part = |name: &str| pair.get(name).and_then(Value::as_str);
    let name = shown(part("name").unwrap_or_default().as_bytes());
    match part("value") {
        Some(value) => format!("{name} = {}", shown(value.as_bytes())),
        None => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_fold_is_unfolded() {
        assert_eq!(unfolded(b"a\r\n b\n\tc"), b"a   b \tc");
        assert_eq!(unfolded(b"a\r\nb\nc\r d\r\n"), b"a\r\nb\nc\r d\r\n");
    }

    #[test]
    fn the_name_of_the_header_may_stand_before_its_value() {
        let value = b" REPLACES : a;to-tag=1;from-tag=2";
        let found = fields(Header::Replaces, value).unwrap();
        assert_eq!(found["call_id"], "a");
        let error = fields(Header::Replaces, b"Replaces: a;to-tag=1").unwrap_err();
        assert_eq!(error.offset, 20);
        // Without a colon behind it, it is a Call-ID like any other.
        let found = fields(Header::Replaces, b"replaces;to-tag=1;from-tag=2").unwrap();
        assert_eq!(found["call_id"], "replaces");
    }
}
