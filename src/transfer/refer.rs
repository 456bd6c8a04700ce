//! What a REFER asks for, before anybody is asked about it: RFC 3515 section 2.4.

use super::authorize::{self, Referral};
use super::replaces::{challenge, host_failed, unsupported};
use super::sentence::Piece::{Number, Text, Value as Said};
use super::uri_headers::{is_refer_to, Nested};
use super::verdict::{malformed, Refusal};
use super::{Answer, Context, Host, Kind, NoVerdict, Request, Verdict};
use crate::config::{Mode, RequireAuth, Settings, TargetDialogs};
use crate::dialog::{DialogRef, Directory, Facts, Key, Lookup, State, Usage};
use crate::rule::Rule;
use crate::sip::lex::trim;
use crate::sip::{
    option_tags, unescape, Message, Name, ParseError, ReferSub, ReferTo, Replaces, Scratch,
    TargetDialog, UnescapeError, Value,
};

/// A REFER that is well formed and whose sender may send it.
pub(super) struct Wish<'a> {
    /// Where the Refer-To stands.
    pub header: Value<'a>,
    pub refer_to: ReferTo<'a>,
    /// The dialog that it names.
    pub replaces: Option<Replaces<'a>>,
    pub referred_by: Option<Referral<'a>>,
    /// Whether a subscription is wanted.
    pub subscription: Subscription,
    /// Where it came from.
    pub place: Place<'a>,
}

/// Where a REFER came from.
#[derive(Clone, Copy)]
pub(super) enum Place<'a> {
    /// In the dialog of a call.
    Inside,
    /// Outside of the dialog that its Target-Dialog names (RFC 4538).
    Beside(&'a [u8], Key<'a>),
    /// About no call (R098).
    Outside,
}

/// What subscription a REFER asks for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Subscription {
    /// The implicit one.
    Implicit,
    /// None, by Refer-Sub: false (RFC 4488).
    ReferSubFalse,
    /// None, by Require: nosub (RFC 7614).
    NoSub,
    /// One by a SUBSCRIBE of its own, by Require: explicitsub (RFC 7614).
    Explicit,
}

type Checked<'a, T, D> = Result<Result<T, Verdict<'a, D>>, NoVerdict>;

/// Checks the request and its sender. What the steps answer is matched whole, as in `replaces.rs`.
/// Nobody outside this process is contacted by it.
pub(super) fn wish<'a, D: Directory, H: Host<D::Dialog>>(
    context: &Context<'_, D, H>,
    request: &Request<'a>,
    settings: &Settings,
    scratch: &mut Scratch<'a>,
) -> Checked<'a, Wish<'a>, D::Dialog> {
    // R031: who sends it comes before what it says.
    match sender(context, request, settings, scratch) {
        Ok(None) => {}
        other => return refusal_of(other),
    }
    let nosub = settings.refer_nosub.then_some("nosub");
    let explicit = context.transfers && !settings.refer_events_at.is_empty();
    let explicitsub = explicit.then_some("explicitsub");
    let tdialog = (settings.refer_target_dialog != TargetDialogs::No).then_some("tdialog");
    let also = [nosub, explicitsub, tdialog].map(Option::unwrap_or_default);
    match unsupported(request, &also, settings, scratch) {
        Ok(None) => {}
        other => return refusal_of(other),
    }
    let message = &request.message;
    let place = match place(context, request, settings, scratch) {
        Ok(Ok(place)) => place,
        Ok(Err(refused)) => return Ok(Err(refused)),
        Err(none) => return Err(none),
    };
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
    let (header, refer_to) = match refer_to(message, settings, scratch) {
        Ok(Ok(found)) => found,
        Ok(Err(refused)) => return Ok(Err(refused)),
        Err(none) => return Err(none),
    };
    let mut referred_by = match authorize::referred_by(message, settings, scratch) {
        Ok(Ok(referred_by)) => referred_by,
        Ok(Err(refused)) => return Ok(Err(refused)),
        Err(none) => return Err(none),
    };
    let referral = referred_by.as_mut();
    match authorize::verify_token(context.host, referral, true, settings, scratch) {
        Ok(None) => {}
        unproved => return refusal_of(unproved),
    }
    let replaces = match refer_to.replaces(scratch) {
        Ok(replaces) => replaces,
        Err(UnescapeError::OutOfScratch) => return Err(NoVerdict),
        Err(UnescapeError::Parse(error)) => {
            return Ok(Err(malformed(settings, scratch, "Replaces in Refer-To", header, error)?));
        }
    };
    let wants = match message.first(Name::ReferSub) {
        None => true,
        Some(value) => match ReferSub::parse(value.unfolded(scratch)?) {
            Ok(wanted) => wanted.value,
            Err(error) => return Ok(Err(malformed(settings, scratch, "Refer-Sub", value, error)?)),
        },
    };
    let has_require = message.count(Name::Require) > 0;
    let requires = |asked: &str| {
        if !has_require {
            return false;
        }
        let mut tags = option_tags::of_message(message, Name::Require);
        tags.any(|tag| tag.eq_ignore_ascii_case(asked.as_bytes()))
    };
    let subscription = match (requires("nosub"), requires("explicitsub")) {
        (true, true) => {
            let wire = &[Text("Require holds both nosub and explicitsub")];
            return refused(400, Rule::R071, wire, settings, scratch);
        }
        (true, false) => Subscription::NoSub,
        (false, true) => Subscription::Explicit,
        (false, false) if wants => Subscription::Implicit,
        (false, false) => Subscription::ReferSubFalse,
    };
    Ok(Ok(Wish { header, refer_to, replaces, referred_by, subscription, place }))
}

/// What a check answers that has found something.
fn refusal_of<'a, T, D: DialogRef>(
    found: Result<Option<Verdict<'a, D>>, NoVerdict>,
) -> Checked<'a, T, D> {
    found.and_then(|refused| refused.map(Err).ok_or(NoVerdict))
}

/// Where the REFER came from, or the refusal of one that may not come from there.
fn place<'a, D: Directory, H: Host<D::Dialog>>(
    context: &Context<'_, D, H>,
    request: &Request<'a>,
    settings: &Settings,
    scratch: &mut Scratch<'a>,
) -> Checked<'a, Place<'a>, D::Dialog> {
    if request.is_in_dialog() {
        return Ok(Ok(Place::Inside));
    }
    match beside(context, request, settings, scratch) {
        Ok(Ok(None)) => {}
        Ok(Ok(Some(place))) => return Ok(Ok(place)),
        Ok(Err(refused)) => return Ok(Err(refused)),
        Err(none) => return Err(none),
    }
    let (wire, setting): (&[_], _) = if !settings.refer_outside_dialog {
        (&[Text("a REFER outside of a dialog is not accepted")], "refer.outside_dialog")
    } else if settings.refer_mode == Mode::Pass {
        (&[Text("a REFER outside of a dialog cannot be passed on")], "refer.mode")
    } else {
        return Ok(Ok(Place::Outside));
    };
    let refusal = Refusal { code: 403, rule: Some(Rule::R098), wire, why: &[] };
    Ok(Err(refusal.verdict(settings, scratch)?.by_setting(setting)))
}

/// The call that a Target-Dialog names, where the settings let it stand for that call (R059). One that
/// names none, or cannot be read, is as good as none (R060).
fn beside<'a, D: Directory, H: Host<D::Dialog>>(
    context: &Context<'_, D, H>,
    request: &Request<'a>,
    settings: &Settings,
    scratch: &mut Scratch<'a>,
) -> Checked<'a, Option<Place<'a>>, D::Dialog> {
    let message = &request.message;
    let Some(header) = message.first(Name::TargetDialog) else {
        return Ok(Ok(None));
    };
    if settings.refer_target_dialog == TargetDialogs::No || message.count(Name::TargetDialog) > 1 {
        return Ok(Ok(None));
    }
    let raw = header.unfolded(scratch)?;
    let Ok(TargetDialog { call_id, local_tag, remote_tag, .. }) = TargetDialog::parse(raw) else {
        return Ok(Ok(None));
    };
    let key = Key { call_id, local_tag, remote_tag };
    match context.directory.find(&key) {
        Lookup::Found(dialog) => {
            let Facts { key: found, usage, state, secure, .. } = dialog.facts();
            let is_call = usage == Usage::Invite && state != State::Terminated;
            let trusted = secure || settings.refer_target_dialog == TargetDialogs::Any;
            let stands = found.matches(&key) && is_call && trusted;
            Ok(Ok(stands.then_some(Place::Beside(raw, key))))
        }
        Lookup::NotFound | Lookup::Ambiguous => Ok(Ok(None)),
        Lookup::Pending => {
            uncount(context, request, settings);
            let mut verdict = Verdict::new(Kind::Pending, 0);
            verdict.why = b"the dialog directory has not found out yet";
            Ok(Err(verdict))
        }
        Lookup::Failed => host_failed("find", settings, scratch).map(Err),
    }
}

/// The Refer-To of the REFER that is asked for by `method=REFER` (RFC 4579 section 5.7): exactly one,
/// decoded once, and asking for no third REFER.
pub(super) fn nested<'a, D: DialogRef>(
    wish: &Wish<'a>,
    settings: &Settings,
    scratch: &mut Scratch<'a>,
) -> Checked<'a, Nested<'a>, D> {
    let mut inner = wish.refer_to.headers().filter(is_refer_to);
    let (Some(header), None) = (inner.next(), inner.next()) else {
        let wire = &[Text("Refer-To asks for a REFER, which carries exactly one Refer-To")];
        return refused(400, Rule::R029, wire, settings, scratch);
    };
    let read = |scratch: &mut Scratch<'a>| {
        let value = unescape(header.value_raw, scratch)?;
        let refer_to = ReferTo::parse(trim(value))?;
        let replaces = refer_to.replaces(scratch)?;
        let method = refer_to.method.map(|raw| unescape(raw, scratch)).transpose()?;
        Ok((Nested { refer_to, replaces }, method))
    };
    let (nested, method) = match read(scratch) {
        Ok(read) => read,
        Err(UnescapeError::OutOfScratch) => return Err(NoVerdict),
        Err(UnescapeError::Parse(error)) => {
            // The place of the header is as near as what was decoded can tell.
            let error = ParseError { offset: header.offset, ..error };
            let name = "Refer-To in Refer-To";
            return Ok(Err(malformed(settings, scratch, name, wish.header, error)?));
        }
    };
    let asked = method.unwrap_or(b"INVITE");
    let allowed = settings.refer_methods.iter().any(|it| it.as_bytes() == asked);
    let uri = &nested.refer_to.uri;
    if asked == b"REFER" || asked != b"INVITE" && !allowed {
        let wire = &[Text("the method that the inner Refer-To asks for is not allowed")];
        let why = &[Text("the Refer-To of the REFER that is asked for has method "), Said(asked)];
        let refusal = Refusal { code: 403, rule: Some(Rule::R035), wire, why };
        return Ok(Err(refusal.verdict(settings, scratch)?.by_setting("refer.methods")));
    }
    if asked != b"INVITE" && nested.replaces.is_some() {
        let wire = &[Text("Replaces belongs in an INVITE only")];
        return refused(400, Rule::R003, wire, settings, scratch);
    }
    if !uri.is_sip() && !uri.is_sips() {
        let wire = &[Text("this URI scheme cannot be contacted")];
        return refused(416, Rule::R032, wire, settings, scratch);
    }
    Ok(Ok(nested))
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
    if settings.refer_mode == Mode::Reject {
        let wire = &[Text("REFER is not accepted from this peer")];
        let refusal = Refusal { code: 403, rule: Some(Rule::R030), wire, why: &[] };
        return Ok(Some(refusal.verdict(settings, scratch)?.by_setting("refer.mode")));
    }
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
