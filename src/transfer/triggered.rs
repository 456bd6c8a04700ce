//! The header lines of the triggered INVITE.

use crate::sip::{Replaces, Writer};

/// What the lines are made of.
pub struct Triggered<'t> {
    /// The dialog to replace, as the recipient sees it.
    pub replaces: Option<&'t Replaces<'t>>,
    /// Whether the recipient must know Replaces.
    pub require_replaces: bool,
    /// Value of the Referred-By header, or empty; free of CR, LF and NUL.
    pub referred_by: &'t [u8],
}

/// Prints Replaces, Require and Referred-By, each line ended by CRLF.
pub fn print(lines: &Triggered<'_>, out: &mut Writer<'_>) {
    if let Some(replaces) = lines.replaces {
        out.push(b"Replaces: ");
        replaces.print(out);
        out.push(b"\r\n");
    }
    if lines.require_replaces {
        out.push(b"Require: replaces\r\n");
    }
    referred_by_line(lines.referred_by, out);
}

/// Prints the Referred-By line; nothing for an empty value.
pub fn referred_by_line(referred_by: &[u8], out: &mut Writer<'_>) {
    if !referred_by.is_empty() {
        out.push(b"Referred-By: ");
        out.push(referred_by);
        out.push(b"\r\n");
    }
}
