//! Values of JSON from what the library hands out.

use serde_json::{json, Value};
use sipxfer::sip::ParseError;

/// Text; bytes that are no UTF-8 become U+FFFD.
pub fn text(bytes: &[u8]) -> Value {
    Value::String(String::from_utf8_lossy(bytes).into_owned())
}

/// Text, or null where there is none.
pub fn text_or_null(bytes: &[u8]) -> Value {
    if bytes.is_empty() {
        return Value::Null;
    }
    text(bytes)
}

/// What is wrong, at which byte, by which rule.
pub fn error(error: &ParseError) -> Value {
    json!({
        "what": error.what,
        "offset": error.offset,
        "rule": error.rule.to_string(),
    })
}

/// One name with its value, null for a flag.
pub fn pair(name: &[u8], value: Option<&[u8]>) -> Value {
    json!({ "name": text(name), "value": value.map(text) })
}

/// As it goes to stdout.
pub fn printed(value: Value) -> String {
    format!("{value:#}\n")
}
