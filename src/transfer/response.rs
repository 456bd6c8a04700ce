//! The refusal as text, for a host without a SIP stack of its own (RFC 3261 section 8.2.6).

use crate::sip::{escape_header, reason_phrase, Message, Name, Value, Writer};

/// What a refusal says besides its code.
#[derive(Clone, Copy, Debug, Default)]
pub struct Extra<'e> {
    /// Value of Warning, or empty.
    pub warning: &'e [u8],
    /// Value of Unsupported, or empty.
    pub unsupported: &'e [u8],
    /// The URI that a redirection leads to, or empty.
    pub contact: &'e [u8],
    /// The Replaces that an INVITE to it is to carry, or empty.
    pub contact_replaces: &'e [u8],
    /// Seconds of Retry-After, or 0.
    pub retry_after_s: u32,
    /// Tag for a To that has none.
    pub to_tag: &'e [u8],
}

/// Prints the whole response: Via in their order, From, To with a tag, Call-ID and CSeq as they
/// came, then what the refusal says.
pub fn print(message: &Message<'_>, code: u16, extra: &Extra<'_>, out: &mut Writer<'_>) {
    out.push(b"SIP/2.0 ");
    out.push_decimal(u64::from(code));
    out.push(b" ");
    out.push(reason_phrase(code).as_bytes());
    // Each line begins with the end of the one before it.
    message.all(Name::Via).for_each(|via| line(out, b"\r\nVia: ", via));
    if let Some(from) = message.first(Name::From) {
        line(out, b"\r\nFrom: ", from);
    }
    if let Some(to) = message.first(Name::To) {
        line(out, b"\r\nTo: ", to);
        if !extra.to_tag.is_empty() && crate::sip::tag_of(to.raw).is_none() {
            out.push(b";tag=");
            out.push(extra.to_tag);
        }
    }
    if let Some(call_id) = message.first(Name::CallId) {
        line(out, b"\r\nCall-ID: ", call_id);
    }
    if let Some(cseq) = message.first(Name::CSeq) {
        line(out, b"\r\nCSeq: ", cseq);
    }
    if !extra.warning.is_empty() {
        out.push(b"\r\nWarning: ");
        out.push(extra.warning);
    }
    if !extra.unsupported.is_empty() {
        out.push(b"\r\nUnsupported: ");
        out.push(extra.unsupported);
    }
    if !extra.contact.is_empty() {
        out.push(b"\r\nContact: <");
        out.push(extra.contact);
        if !extra.contact_replaces.is_empty() {
            out.push(b"?Replaces=");
            escape_header(out, extra.contact_replaces);
        }
        out.push(b">");
    }
    if extra.retry_after_s > 0 {
        out.push(b"\r\nRetry-After: ");
        out.push_decimal(u64::from(extra.retry_after_s));
    }
    out.push(b"\r\nContent-Length: 0\r\n\r\n");
}

/// A fold becomes spaces: what was one line stays one.
fn line(out: &mut Writer<'_>, name: &[u8], value: Value<'_>) {
    out.push(name);
    if !value.is_folded() {
        return out.push(value.raw);
    }
    for byte in value.raw {
        out.push_byte(if matches!(byte, b'\r' | b'\n') { b' ' } else { *byte });
    }
}
