//! Refer-To (RFC 3515 section 2.1): whom to contact, and how.

use super::error::ParseError;
use super::escape::{
    escape_header, means_ignore_case, raw_offset, unescape_checked, UnescapeError,
};
use super::lex;
use super::name_addr::NameAddr;
use super::replaces::Replaces;
use super::scratch::{OutOfScratch, Scratch};
use super::uri::{HeaderInUri, Uri};
use super::writer::Writer;
use crate::rule::Rule;

/// A Refer-To value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReferTo<'a> {
    /// The URI, headers included.
    pub uri: Uri<'a>,
    /// Where the URI begins in the value.
    pub uri_offset: usize,
    /// The display name with its quotes; empty without one.
    pub display: &'a [u8],
    /// The parameters of the header: what follows the ";" behind the angle brackets.
    pub params: &'a [u8],
    /// The method that the URI asks for (R035), escapes included; `None` means INVITE.
    pub method: Option<&'a [u8]>,
    /// The Replaces of the URI, not yet decoded.
    pub replaces_raw: Option<HeaderInUri<'a>>,
    /// Whether it stands there as a parameter of the URI, where it does not belong: accepted, and
    /// worth a line in the log.
    pub replaces_in_param: bool,
    /// Where a second Replaces stands (R002).
    second_replaces: Option<usize>,
}

impl<'a> ReferTo<'a> {
    /// Reads one value, unfolded. Errors: R029 for anything malformed and for a second value, R093
    /// for a CR, LF or NUL, escaped or not, R035 for a second or empty method parameter.
    ///
    /// The Replaces of the URI is read by [`ReferTo::replaces`].
    pub fn parse(value: &'a [u8]) -> Result<ReferTo<'a>, ParseError> {
        lex::one_line(value, Rule::R093)?;
        let address = NameAddr::parse_whole(value, Rule::R029)?;
        let uri_offset = address.uri_offset;
        let uri = Uri::parse(address.uri).map_err(|error| error.shifted(uri_offset))?;
        let mut refer_to = ReferTo {
            uri,
            uri_offset,
            display: address.display,
            params: address.params,
            method: None,
            replaces_raw: None,
            replaces_in_param: false,
            second_replaces: None,
        };
        for param in uri.params_iter() {
            let offset = uri_offset + param.offset;
            if means_ignore_case(param.name, b"method") {
                let what = match param.value {
                    None | Some([]) => "expected a method after \"method=\"",
                    Some(_) if refer_to.method.is_some() => {
                        "expected one method, found a second one"
                    }
                    method => {
                        refer_to.method = method;
                        continue;
                    }
                };
                return Err(ParseError::new(what, offset, Rule::R035));
            }
            if means_ignore_case(param.name, b"Replaces") {
                let value_raw = param.value.unwrap_or_default();
                // "=" stands behind the name: a URI holds no white space.
                let offset = offset + param.name.len() + usize::from(param.value.is_some());
                refer_to.add_replaces(HeaderInUri { name_raw: param.name, value_raw, offset });
                refer_to.replaces_in_param = true;
            }
        }
        for header in refer_to.headers().filter(|header| header.is_named(b"Replaces")) {
            refer_to.add_replaces(header);
        }
        Ok(refer_to)
    }

    fn add_replaces(&mut self, found: HeaderInUri<'a>) {
        if self.replaces_raw.is_none() {
            self.replaces_raw = Some(found);
        } else if self.second_replaces.is_none() {
            self.second_replaces = Some(found.offset);
        }
    }

    /// The headers of the URI, with offsets in the value. Which of them may be taken over is the
    /// question of R090 to R094.
    pub fn headers(&self) -> impl Iterator<Item = HeaderInUri<'a>> + use<'a> {
        let by = self.uri_offset;
        self.uri.headers_iter().map(move |header| header.shifted(by))
    }

    /// What is contacted: the URI without its headers, its method parameter (RFC 3261 section
    /// 19.1.1 keeps it out of a Request-URI) and a Replaces that stands there as a parameter.
    /// Borrows where there is nothing to leave out.
    pub fn target(&self, scratch: &mut Scratch<'a>) -> Result<&'a [u8], OutOfScratch> {
        let bare = self.uri.without_headers();
        if self.method.is_none() && !self.replaces_in_param {
            return Ok(bare);
        }
        // The ";" in front of the parameters goes too: each one kept brings its own.
        let before = bare.len().saturating_sub(self.uri.params.len() + 1);
        scratch.write_with(|out| {
            out.push(lex::until(bare, before));
            print_params(self.uri.params, |name| !is_taken(name), out);
        })
    }

    /// The Replaces of the URI, decoded once. Errors have offsets in the value that
    /// [`ReferTo::parse`] read: R020 for a malformed one, R002 for a second one.
    pub fn replaces(
        &self,
        scratch: &mut Scratch<'a>,
    ) -> Result<Option<Replaces<'a>>, UnescapeError> {
        let Some(found) = self.replaces_raw else {
            return Ok(None);
        };
        if let Some(at) = self.second_replaces {
            let what = "expected one Replaces, found a second one";
            return Err(ParseError::new(what, at, Rule::R002).into());
        }
        let text = unescape_checked(found.value_raw, scratch)?;
        let replaces = Replaces::parse(text).map_err(|error| {
            let offset = found.offset + raw_offset(found.value_raw, error.offset);
            ParseError { offset, ..error }
        })?;
        Ok(Some(replaces))
    }

    /// Prints the value anew, with `replaces` in the place of its Replaces, and without the headers of
    /// the URI that `keep` leaves out. Everything else stays as it was.
    pub fn print_with(
        &self,
        replaces: Option<&Replaces<'_>>,
        keep: impl Fn(&HeaderInUri<'a>) -> bool,
        out: &mut Writer<'_>,
    ) {
        if !self.display.is_empty() {
            out.push(self.display);
            out.push_byte(b' ');
        }
        out.push(b"<");
        let bare = self.uri.without_headers();
        if self.replaces_in_param {
            let before = bare.len().saturating_sub(self.uri.params.len() + 1);
            out.push(lex::until(bare, before));
            print_params(self.uri.params, |name| !means_ignore_case(name, b"Replaces"), out);
        } else {
            out.push(bare);
        }
        let mut separator: &[u8] = b"?";
        if let Some(replaces) = replaces {
            out.push(b"?Replaces=");
            replaces.print_with(&mut |piece| escape_header(out, piece));
            separator = b"&";
        }
        for header in self.headers().filter(|header| !header.is_named(b"Replaces") && keep(header))
        {
            out.push(separator);
            out.push(header.name_raw);
            out.push(b"=");
            out.push(header.value_raw);
            separator = b"&";
        }
        out.push(b">");
        if !self.params.is_empty() {
            out.push(b";");
            out.push(self.params);
        }
    }

    /// Prints the Refer-To of a transfer: the target in angle brackets, the Replaces escaped once,
    /// and Require: replaces where it is asked for (R085).
    ///
    /// The target must be a well-formed URI without headers, and a SIP or SIPS URI where headers
    /// are added; otherwise this is an error of R029 or R093, and nothing is printed.
    pub fn build(
        out: &mut Writer<'_>,
        target_uri: &[u8],
        replaces: Option<&Replaces<'_>>,
        require_replaces: bool,
    ) -> Result<(), ParseError> {
        let uri = Uri::parse(target_uri)?;
        let bare = uri.without_headers();
        if bare.len() < target_uri.len() {
            let what = "expected a target without headers";
            return Err(ParseError::new(what, bare.len(), Rule::R029));
        }
        let wants_headers = replaces.is_some() || require_replaces;
        if wants_headers && !uri.is_sip() && !uri.is_sips() {
            return Err(ParseError::new("expected a sip or sips URI", 0, Rule::R029));
        }
        out.push(b"<");
        out.push(target_uri);
        let mut separator: &[u8] = b"?";
        if let Some(replaces) = replaces {
            out.push(b"?Replaces=");
            replaces.print_with(&mut |piece| escape_header(out, piece));
            separator = b"&";
        }
        if require_replaces {
            out.push(separator);
            out.push(b"Require=replaces");
        }
        out.push(b">");
        Ok(())
    }

    /// The value of the first header parameter of this name (not of a parameter of the URI).
    pub fn param(&self, name: &[u8]) -> Option<Option<&'a [u8]>> {
        lex::param(self.params, name)
    }
}

fn print_params(params: &[u8], keep: impl Fn(&[u8]) -> bool, out: &mut Writer<'_>) {
    lex::params(params).filter(|param| keep(param.name)).for_each(|param| {
        out.push(b";");
        out.push(param.name);
        if let Some(value) = param.value {
            out.push(b"=");
            out.push(value);
        }
    });
}

/// The URI parameters that are read here and not part of the target.
fn is_taken(name: &[u8]) -> bool {
    means_ignore_case(name, b"method") || means_ignore_case(name, b"Replaces")
}

#[cfg(test)]
mod tests;
