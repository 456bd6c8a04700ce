//! Level 1: the message as a whole, and URIs.

use super::raw::*;
use super::status::*;
use super::types::*;
use crate::rule::Rule;
use crate::sip::{self, CSeq, Message, Name, NameAddr, Uri};
use core::ffi::c_char;

/// The parts of a SIP message that a host without a parser of its own needs. All strings are
/// views into the message.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct sipxfer_message {
    /// `sizeof (struct sipxfer_message)`, set by the caller.
    pub struct_size: usize,
    /// Method of a request; empty for a response.
    pub method: sipxfer_str,
    /// Request-URI of a request; empty for a response.
    pub request_uri: sipxfer_str,
    /// Reason phrase of a response.
    pub reason: sipxfer_str,
    /// Call-ID, or empty where the message has none.
    pub call_id: sipxfer_str,
    /// Tag of the From header, or empty.
    pub from_tag: sipxfer_str,
    /// Tag of the To header, or empty.
    pub to_tag: sipxfer_str,
    /// Method of the CSeq header, or empty.
    pub cseq_method: sipxfer_str,
    /// What follows the empty line.
    pub body: sipxfer_str,
    /// Status code of a response; 0 for a request.
    pub status: u32,
    /// Number of the CSeq header, or 0.
    pub cseq: u32,
}

/// A URI in its parts (RFC 3261 section 19.1). All strings are views into the text.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct sipxfer_uri {
    /// `sizeof (struct sipxfer_uri)`, set by the caller.
    pub struct_size: usize,
    /// Scheme, as it stands.
    pub scheme: sipxfer_str,
    /// User part with its options, without password; empty where there is none.
    pub user: sipxfer_str,
    /// Password, or empty.
    pub password: sipxfer_str,
    /// Host; an IPv6 address keeps its brackets. Empty where the scheme is not sip or sips.
    pub host: sipxfer_str,
    /// Parameters, without the first `;`.
    pub params: sipxfer_str,
    /// Headers, without the `?`, still escaped.
    pub headers: sipxfer_str,
    /// What follows the colon of a scheme that is not sip or sips.
    pub opaque: sipxfer_str,
    /// Port, or 0 where none is given.
    pub port: u32,
    /// Zero.
    pub reserved: u32,
}

/// A From, To or Contact value in its parts (RFC 3261 section 20). All strings are views into the
/// value.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct sipxfer_name_addr {
    /// `sizeof (struct sipxfer_name_addr)`, set by the caller.
    pub struct_size: usize,
    /// Display name as it stands, with its quotes, or empty.
    pub display: sipxfer_str,
    /// URI, without angle brackets; `sipxfer_uri_parse()` takes it apart.
    pub uri: sipxfer_str,
    /// Parameters of the header, without the first `;`.
    pub params: sipxfer_str,
    /// The tag parameter, or empty.
    pub tag: sipxfer_str,
}

versioned! {
    sipxfer_name_addr: tag;
    sipxfer_message: cseq;
    sipxfer_uri: reserved;
}

/// Parses the start line and the identity of a message. Header lines may be folded, compact, in
/// any case; a body is never taken for headers (RFC 3261 section 7.3).
///
/// Returns `SIPXFER_OK`, `SIPXFER_E_PARSE` (`error`, if not NULL, says where), or the status of a
/// wrong argument. Threads: any; does not block; allocates nothing.
///
/// # Safety
/// `message` points to `len` bytes, `out` and `error` to structs whose `struct_size` is set.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_message_parse(
    message: *const c_char,
    len: usize,
    out: *mut sipxfer_message,
    error: *mut sipxfer_parse_error,
) -> i32 {
    let parse = |raw| {
        let parsed = Message::parse(raw)?;
        let first = |name| parsed.first(name).map_or(&[][..], |value| value.raw);
        let tag = |name| text(sip::tag_of(first(name)).unwrap_or_default());
        let cseq = CSeq::parse(first(Name::CSeq)).ok();
        let (status, reason) = parsed.status().unwrap_or_default();
        Ok(sipxfer_message {
            struct_size: 0,
            method: text(parsed.method().unwrap_or_default()),
            request_uri: text(parsed.request_uri().unwrap_or_default()),
            reason: text(reason),
            call_id: text(first(Name::CallId)),
            from_tag: tag(Name::From),
            to_tag: tag(Name::To),
            cseq_method: text(cseq.as_ref().map_or(&[][..], |it| it.method)),
            body: text(parsed.body()),
            status: u32::from(status),
            cseq: cseq.map_or(0, |it| it.number),
        })
    };
    // SAFETY: contract of this function.
    unsafe { parse_value(message, len, out, error, parse) }
}

/// Finds the value of a header by its name, long or compact, in any case. `index` counts the
/// lines of that name from 0. The value is a view into the message, trimmed, folds included.
///
/// Returns `SIPXFER_OK`, `SIPXFER_E_NOT_FOUND` where there is no such line, `SIPXFER_E_PARSE`, or
/// the status of a wrong argument. Threads: any; does not block; allocates nothing.
///
/// # Safety
/// `message` and `name` point to as many bytes as are given, `value` to a writable struct.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_message_header(
    message: *const c_char,
    len: usize,
    name: *const c_char,
    name_len: usize,
    index: u32,
    value: *mut sipxfer_str,
) -> i32 {
    guard(|| {
        // SAFETY: contract of this function.
        let raw = unsafe { bytes(message, len) }?;
        // SAFETY: contract of this function.
        let name = unsafe { bytes(name, name_len) }?;
        let parsed = Message::parse(raw).map_err(|_| SIPXFER_E_PARSE)?;
        let found = parsed.named(name).nth(index as usize).ok_or(SIPXFER_E_NOT_FOUND)?;
        // SAFETY: contract of this function.
        unsafe { put(value, text(found.raw)) }
    })
}

/// Parses a URI. sip and sips are taken apart; of any other scheme `opaque` is all there is.
///
/// Returns `SIPXFER_OK`, `SIPXFER_E_PARSE` (`error`, if not NULL, says where), or the status of a
/// wrong argument. Threads: any; does not block; allocates nothing.
///
/// # Safety
/// `uri` points to `len` bytes, `out` and `error` to structs whose `struct_size` is set.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_uri_parse(
    uri: *const c_char,
    len: usize,
    out: *mut sipxfer_uri,
    error: *mut sipxfer_parse_error,
) -> i32 {
    let parse = |raw| {
        Uri::parse(raw).map(|it| sipxfer_uri {
            struct_size: 0,
            scheme: text(it.scheme),
            user: text(it.user.unwrap_or_default()),
            password: text(it.password.unwrap_or_default()),
            host: text(it.host),
            params: text(it.params),
            headers: text(it.headers),
            opaque: text(it.opaque),
            port: it.port.map_or(0, u32::from),
            reserved: 0,
        })
    };
    // SAFETY: contract of this function.
    unsafe { parse_value(uri, len, out, error, parse) }
}

/// Parses a From, To or Contact value. Two values in one line are an error.
///
/// Returns `SIPXFER_OK`, `SIPXFER_E_PARSE` (`error`, if not NULL, says where), or the status of a
/// wrong argument. Threads: any; does not block; allocates nothing.
///
/// # Safety
/// `value` points to `len` bytes, `out` and `error` to structs whose `struct_size` is set.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_name_addr_parse(
    value: *const c_char,
    len: usize,
    out: *mut sipxfer_name_addr,
    error: *mut sipxfer_parse_error,
) -> i32 {
    let parse = |raw| {
        NameAddr::parse(raw, Rule::R200).map(|it| sipxfer_name_addr {
            struct_size: 0,
            display: text(it.display),
            uri: text(it.uri),
            params: text(it.params),
            tag: text(it.param(b"tag").flatten().unwrap_or_default()),
        })
    };
    // SAFETY: contract of this function.
    unsafe { parse_value(value, len, out, error, parse) }
}
