//! A REFER for the other leg of a B2BUA (RFC 3891 section 5): the dialogs that it names are those of
//! one leg, and become those of the other.

use super::uri_headers::may_travel;
use crate::dialog::Key;
use crate::rule::Rule;
use crate::sip::{
    Message, Name, ParseError, ReferTo, Replaces, Scratch, TargetDialog, UnescapeError, Writer,
};

/// Why a REFER could not be made ready for the other leg.
#[derive(Debug)]
pub enum NotPassed<E> {
    /// It is no REFER, or a header does not parse; the offset is one in the message.
    Parse(ParseError),
    /// The scratch space is too small.
    OutOfScratch,
    /// Who maps dialogs failed.
    Map(E),
}

impl<E> From<ParseError> for NotPassed<E> {
    fn from(error: ParseError) -> Self {
        NotPassed::Parse(error)
    }
}

impl<E> From<crate::sip::OutOfScratch> for NotPassed<E> {
    fn from(_: crate::sip::OutOfScratch) -> Self {
        NotPassed::OutOfScratch
    }
}

/// Prints the header lines of a REFER that go on to the other leg, each ended by CRLF: Refer-To,
/// Referred-By, Target-Dialog, Refer-Sub and Require.
///
/// `map` is asked for the dialog on the other leg that stands for one of this leg, as the recipient of
/// the REFER sees it (its own tag is the local one); `None`: there is no such dialog. A Replaces of a
/// dialog that is not here stays as it is, as a proxy leaves it; a Target-Dialog that names nothing is
/// left out, since nobody else could know it (RFC 4538 section 3).
pub fn print<'a, 'k, E>(
    message: &Message<'a>,
    scratch: &mut Scratch<'a>,
    mut map: impl FnMut(&Key<'_>) -> Result<Option<Key<'k>>, E>,
    out: &mut Writer<'_>,
) -> Result<(), NotPassed<E>> {
    let only = |name: Name, rule: Rule| match message.count(name) {
        2.. => {
            let again = message.all(name).nth(1).map_or(0, |value| value.offset);
            Err(ParseError::new("expected this header once", again, rule))
        }
        _ => Ok(message.first(name)),
    };
    let header = only(Name::ReferTo, Rule::R029)?
        .filter(|_| message.method() == Some(b"REFER"))
        .ok_or(ParseError::new("expected a REFER with Refer-To", 0, Rule::R029))?;
    let refer_to =
        ReferTo::parse(header.unfolded(scratch)?).map_err(|error| error.shifted(header.offset))?;
    let named = refer_to.replaces(scratch).map_err(|error| match error {
        UnescapeError::Parse(error) => NotPassed::Parse(error.shifted(header.offset)),
        UnescapeError::OutOfScratch => NotPassed::OutOfScratch,
    })?;
    let mut mapped = named;
    if let Some(named) = &named {
        let Replaces { call_id, to_tag, from_tag, early_only, params } = *named;
        let key = Key { call_id, local_tag: to_tag, remote_tag: from_tag };
        if let Some(Key { call_id, local_tag, remote_tag }) = map(&key).map_err(NotPassed::Map)? {
            mapped = Some(Replaces {
                call_id,
                to_tag: local_tag,
                from_tag: remote_tag,
                early_only,
                params,
            });
        }
    }
    out.push(b"Refer-To: ");
    refer_to.print_with(mapped.as_ref(), may_travel, out);
    out.push(b"\r\n");
    if let Some(value) = only(Name::ReferredBy, Rule::R049)? {
        super::triggered::referred_by_line(value.compacted(scratch)?, out);
    }
    if let Some(value) = message.first(Name::TargetDialog) {
        // What cannot be read names nothing either.
        if let Ok(named) = TargetDialog::parse(value.unfolded(scratch)?) {
            let TargetDialog { call_id, local_tag, remote_tag, params } = named;
            let key = Key { call_id, local_tag, remote_tag };
            if let Some(Key { call_id, local_tag, remote_tag }) =
                map(&key).map_err(NotPassed::Map)?
            {
                out.push(b"Target-Dialog: ");
                TargetDialog { call_id, local_tag, remote_tag, params }.print(out);
                out.push(b"\r\n");
            }
        }
    }
    for (name, line) in [(Name::ReferSub, &b"Refer-Sub: "[..]), (Name::Require, b"Require: ")] {
        for value in message.all(name) {
            out.push(line);
            out.push(value.compacted(scratch)?);
            out.push(b"\r\n");
        }
    }
    Ok(())
}
