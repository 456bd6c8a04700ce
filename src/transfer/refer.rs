//! What a REFER asks for, before anybody is asked about it: RFC 3515 section 2.4.

use super::authorize::{self, Referral};
use super::replaces::{challenge, host_failed, unsupported};
use super::sentence::Piece::{Number, Text, Value as Said};
use super::verdict::{malformed, Refusal};
use super::{Answer, Context, Host, Kind, NoVerdict, Request, Verdict};
use crate::config::{RequireAuth, Settings};
use crate::dialog::{DialogRef, Directory};
use crate::rule::Rule;
use crate::sip::{Message, Name, ReferSub, ReferTo, Replaces, Scratch, UnescapeError, Value};

/// A REFER that is well formed and whose sender may send it.
pub(super) struct Wish<'a> {
    /// Where the Refer-To stands.
    pub header: Value<'a>,
    pub refer_to: ReferTo<'a>,
    /// The dialog that it names.
    pub replaces: Option<Replaces<'a>>,
    pub referred_by: Referral<'a>,
    /// Whether a subscription is wanted (RFC 4488).
    pub subscription: bool,
}

type Checked<'a, T, D> = Result<Result<T, Verdict<'a, D>>, NoVerdict>;

/// Checks the request and its sender. Nobody outside this process is contacted by it.
pub(super) fn wish<'a, D: Directory, H: Host<D::Dialog>>(
    context: &Context<'_, D, H>,
    request: &Request<'a>,
    settings: &Settings,
    scratch: &mut Scratch<'a>,
) -> Checked<'a, Wish<'a>, D::Dialog> {
    // R031: who sends it comes before what it says.
    if let Some(refused) = sender(context, request, settings, scratch)? {
        return Ok(Err(refused));
    }
    if let Some(refused) = unsupported(request, settings, scratch)? {
        return Ok(Err(refused));
    }
    let message = &request.message;
    if !request.is_in_dialog() && !settings.refer_outside_dialog {
        let wire = &[Text("a REFER outside of a dialog is not accepted")];
        let refusal = Refusal { code: 403, rule: Some(Rule::R098), wire, why: &[] };
        let refused = refusal.verdict(settings, scratch)?;
        return Ok(Err(refused.by_setting("refer.outside_dialog")));
    }
    if message.count(Name::Replaces) > 0 {
        return refused(
            400,
            Rule::R003,
            &[Text("Replaces in a request other than INVITE")],
            settings,
            scratch,
        );
    }
    if settings.join_allow && message.count(Name::Join) > 0 {
        let wire = &[Text("Join in a request other than INVITE")];
        return refused(400, Rule::R102, wire, settings, scratch);
    }
    let (header, refer_to) = match refer_to(message, settings, scratch)? {
        Ok(found) => found,
        Err(refused) => return Ok(Err(refused)),
    };
    let referred_by = match authorize::referred_by(message, settings, scratch)? {
        Ok(referred_by) => referred_by,
        Err(refused) => return Ok(Err(refused)),
    };
    let replaces = match refer_to.replaces(scratch) {
        Ok(replaces) => replaces,
        Err(UnescapeError::OutOfScratch) => return Err(NoVerdict),
        Err(UnescapeError::Parse(error)) => {
            return Ok(Err(malformed(settings, scratch, "Replaces in Refer-To", header, error)?));
        }
    };
    let subscription = match message.first(Name::ReferSub) {
        None => true,
        Some(value) => match ReferSub::parse(value.unfolded(scratch)?) {
            Ok(wanted) => wanted.value,
            Err(error) => return Ok(Err(malformed(settings, scratch, "Refer-Sub", value, error)?)),
        },
    };
    Ok(Ok(Wish { header, refer_to, replaces, referred_by, subscription }))
}

fn refused<'a, T, D: DialogRef>(
    code: u16,
    rule: Rule,
    wire: &[super::sentence::Piece<'_>],
    settings: &Settings,
    scratch: &mut Scratch<'a>,
) -> Checked<'a, T, D> {
    let refusal = Refusal { code, rule: Some(rule), wire, why: &[] };
    Ok(Err(refusal.verdict(settings, scratch)?))
}

/// Whether this sender may transfer at all.
fn sender<'a, D: Directory, H: Host<D::Dialog>>(
    context: &Context<'_, D, H>,
    request: &Request<'a>,
    settings: &Settings,
    scratch: &mut Scratch<'a>,
) -> Result<Option<Verdict<'a, D::Dialog>>, NoVerdict> {
    if !request.is_authenticated() {
        match settings.refer_require_auth {
            RequireAuth::Challenge => {
                let verdict = challenge(Rule::R031, "the sender of the REFER is not authenticated");
                return Ok(Some(verdict.by_setting("refer.require_auth")));
            }
            RequireAuth::Reject => {
                let wire = &[Text("the sender of the REFER is not authenticated")];
                let refusal = Refusal { code: 403, rule: Some(Rule::R031), wire, why: &[] };
                let verdict = refusal.verdict(settings, scratch)?;
                return Ok(Some(verdict.by_setting("refer.require_auth")));
            }
            RequireAuth::No => {}
        }
    }
    let not_allowed = |setting, why: &[_], scratch: &mut Scratch<'a>| {
        let wire = &[Text("transfers are not allowed")];
        let refusal = Refusal { code: 603, rule: Some(Rule::R030), wire, why };
        Ok(Some(refusal.verdict(settings, scratch)?.by_setting(setting)))
    };
    if !settings.refer_allow {
        return not_allowed("refer.allow", &[], scratch);
    }
    let endpoint = Said(request.sender.endpoint);
    match context.host.allow_transfer() {
        Some(Answer::Yes) => {}
        Some(Answer::No) => {
            let why = &[Text("the host does not allow endpoint "), endpoint, Text(" to transfer")];
            return not_allowed("", why, scratch);
        }
        Some(Answer::Failed) => {
            return host_failed("allow_transfer", settings, scratch).map(Some);
        }
        None if !settings.allow_transfer => {
            let why = &[Text("endpoint "), endpoint, Text(" may not transfer")];
            return not_allowed("allow_transfer", why, scratch);
        }
        None => {}
    }
    if settings.refer_max_depth > 0 && request.sender.transfer_depth >= settings.refer_max_depth {
        let wire = &[Text("this call has been transferred too often")];
        let why = &[
            Text("the call has been through "),
            Number(u64::from(request.sender.transfer_depth)),
            Text(" transfers, and "),
            Number(u64::from(settings.refer_max_depth)),
            Text(" are the most"),
        ];
        let refusal = Refusal { code: 403, rule: None, wire, why };
        return Ok(Some(refusal.verdict(settings, scratch)?.by_setting("refer.max_depth")));
    }
    let sender = counted_as(request);
    if let Err(wait_s) = context.rates.count(sender, settings.rate_per_endpoint, request.now_ms) {
        let wire = &[Text("too many transfers")];
        let limit = Number(u64::from(settings.rate_per_endpoint));
        let why = &[Said(sender), Text(" sends more than "), limit, Text(" REFERs a minute")];
        let refusal = Refusal { code: 503, rule: None, wire, why };
        let mut verdict = refusal.verdict(settings, scratch)?.by_setting("rate.per_endpoint");
        verdict.retry_after_s = wait_s;
        return Ok(Some(verdict));
    }
    Ok(None)
}

/// Whoever has no endpoint is counted by user; nobody at all shares one count.
fn counted_as<'a>(request: &Request<'a>) -> &'a [u8] {
    let sender = &request.sender;
    if sender.endpoint.is_empty() {
        sender.user
    } else {
        sender.endpoint
    }
}

/// A REFER that will be asked about again is not counted yet.
pub(super) fn uncount<D: Directory, H: Host<D::Dialog>>(
    context: &Context<'_, D, H>,
    request: &Request<'_>,
    settings: &Settings,
) {
    context.rates.give_back(counted_as(request), settings.rate_per_endpoint);
}

/// Another REFER of the dialog is pending, and the settings allow one at a time.
pub fn pending<'a, D: DialogRef>(
    settings: &Settings,
    scratch: &mut Scratch<'a>,
) -> Result<Verdict<'a, D>, NoVerdict> {
    let wire = &[Text("another transfer of this call is pending")];
    let refusal = Refusal { code: 491, rule: None, wire, why: &[] };
    Ok(refusal.verdict(settings, scratch)?.by_setting("refer.concurrent"))
}

/// There is no room for another transfer.
pub fn full<'a, D: DialogRef>(
    settings: &Settings,
    scratch: &mut Scratch<'a>,
) -> Result<Verdict<'a, D>, NoVerdict> {
    let wire = &[Text("too many transfers")];
    let why = &[Text("there is no room for another transfer")];
    Ok(Refusal { code: 503, rule: None, wire, why }.verdict(settings, scratch)?)
}

/// The one Refer-To (R029).
fn refer_to<'a, D: DialogRef>(
    message: &Message<'a>,
    settings: &Settings,
    scratch: &mut Scratch<'a>,
) -> Checked<'a, (Value<'a>, ReferTo<'a>), D> {
    let Some(header) = message.first(Name::ReferTo) else {
        return refused(400, Rule::R029, &[Text("a REFER without Refer-To")], settings, scratch);
    };
    if message.count(Name::ReferTo) > 1 {
        return refused(
            400,
            Rule::R029,
            &[Text("more than one Refer-To header")],
            settings,
            scratch,
        );
    }
    match ReferTo::parse(header.unfolded(scratch)?) {
        Ok(parsed) => Ok(Ok((header, parsed))),
        Err(error) => Ok(Err(malformed(settings, scratch, "Refer-To", header, error)?)),
    }
}

/// What the target is reached by.
pub(super) enum Target<'a> {
    /// A sip or sips URI.
    Sip,
    /// A tel: number, to be mapped to an extension.
    Tel(&'a [u8]),
}

/// Schemes that can be contacted from here (R032), and methods that may be asked for (R035).
pub(super) fn target<'a, D: DialogRef>(
    wish: &Wish<'a>,
    settings: &Settings,
    scratch: &mut Scratch<'a>,
) -> Checked<'a, Target<'a>, D> {
    let uri = &wish.refer_to.uri;
    if uri.is_sip() || uri.is_sips() {
        return Ok(Ok(Target::Sip));
    }
    if settings.refer_tel && uri.scheme.eq_ignore_ascii_case(b"tel") {
        return tel(wish, settings, scratch);
    }
    let wire = &[Text("this URI scheme cannot be contacted")];
    let why = &[Text("Refer-To has a URI of scheme "), Said(uri.scheme)];
    let refusal = Refusal { code: 416, rule: Some(Rule::R032), wire, why };
    let verdict = refusal.verdict(settings, scratch)?;
    let is_tel = uri.scheme.eq_ignore_ascii_case(b"tel");
    Ok(Err(if is_tel { verdict.by_setting("refer.tel") } else { verdict }))
}

/// The number of a tel: URI without what is there for people's eyes (RFC 3966 section 3). Such a URI
/// has no headers; one that seems to is refused rather than dialled without them.
fn tel<'a, D: DialogRef>(
    wish: &Wish<'a>,
    settings: &Settings,
    scratch: &mut Scratch<'a>,
) -> Checked<'a, Target<'a>, D> {
    let opaque = wish.refer_to.uri.opaque;
    let fits = |byte: &u8| byte.is_ascii_alphanumeric() || b"+*#-.()".contains(byte);
    let number = opaque.split(|byte| *byte == b';').next().unwrap_or_default();
    if opaque.contains(&b'?') || number.is_empty() || !number.iter().all(fits) {
        let wire = &[Text("Refer-To has a tel: URI that holds no plain number")];
        return refused(400, Rule::R029, wire, settings, scratch);
    }
    let digits = scratch.write_with(|out| {
        let dialled = number.iter().filter(|byte| !b"-.()".contains(byte));
        dialled.for_each(|byte| out.push_byte(*byte));
    })?;
    Ok(Ok(Target::Tel(digits)))
}

/// The method that is asked for, INVITE where none is; refused where the settings do not hold it
/// (R035).
pub(super) fn method<'a, D: DialogRef>(
    wish: &Wish<'a>,
    settings: &Settings,
    scratch: &mut Scratch<'a>,
) -> Checked<'a, (Kind, &'a [u8]), D> {
    let Some(raw) = wish.refer_to.method else {
        return Ok(Ok((Kind::Blind, b"INVITE")));
    };
    let asked = match crate::sip::unescape(raw, scratch) {
        Ok(asked) => asked,
        Err(UnescapeError::OutOfScratch) => return Err(NoVerdict),
        Err(UnescapeError::Parse(error)) => {
            return Ok(Err(malformed(settings, scratch, "Refer-To", wish.header, error)?));
        }
    };
    if asked == b"INVITE" {
        return Ok(Ok((Kind::Blind, asked)));
    }
    if crate::sip::lex::is_token(asked)
        && settings.refer_methods.iter().any(|it| it.as_bytes() == asked)
    {
        return Ok(Ok((Kind::OtherMethod, asked)));
    }
    let wire = &[Text("the method that Refer-To asks for is not allowed")];
    let why = &[Text("Refer-To asks for method "), Said(asked)];
    let refusal = Refusal { code: 403, rule: Some(Rule::R035), wire, why };
    Ok(Err(refusal.verdict(settings, scratch)?.by_setting("refer.methods")))
}
