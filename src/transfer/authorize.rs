//! On what ground a sender may replace a dialog (R009): a match is no permission.
//!
//! The user being replaced is the dialog's remote party: its authenticated user or, where this
//! side called it, the endpoint that was called. A From header is never looked at.

use super::park::{token_of, Parking, Token};
use super::replaces::host_failed;
use super::verdict::{malformed, Referrer, Refusal};
use super::{sentence::Piece::Text, Answer, Failed, Host, NoVerdict, Request, Verdict};
use crate::config::{Ground, Grounds, Settings};
use crate::dialog::{DialogRef, Facts, Initiator, Key};
use crate::rule::Rule;
use crate::sip::{BodyPart, Message, Name, ReferredBy, Replaces, Scratch, Value};

/// Who knows the calls that are parked, and their tokens.
pub trait Tokens {
    /// Whether this dialog is parked, and whether that allows a sender to have it who shows this
    /// token, or none; `open` where it may take out what waits under a number. Asks for no memory.
    fn parking(&self, token: Option<&[u8]>, dialog: &Key<'_>, open: bool) -> Parking;

    /// Whether a call is parked under this token.
    fn holds(&self, token: &Token) -> bool;
}

/// Who wants to replace, and with what words.
pub(super) struct Authority<'r, 'a> {
    pub request: &'r Request<'a>,
    pub settings: &'r Settings,
    pub referred_by: Option<&'r Referral<'a>>,
}

/// A Referred-By with where it stands.
pub(super) struct Referral<'a> {
    pub header: Value<'a>,
    pub value: ReferredBy<'a>,
    /// The body part with its token, or empty.
    pub token: &'a [u8],
    /// Whether the host holds the token to be valid.
    pub verified: bool,
}

impl Referral<'_> {
    /// For a verdict.
    pub fn known(of: Option<&Self>) -> Referrer {
        match of {
            None => Referrer::None,
            Some(it) if it.verified => Referrer::Verified,
            Some(_) => Referrer::Unverified,
        }
    }
}

/// The one Referred-By of a request, if it has one, with its token (R050), which nobody has verified;
/// the refusal where it has two or it does not parse (R049).
pub(super) fn referred_by<'a, D: DialogRef>(
    message: &Message<'a>,
    settings: &Settings,
    scratch: &mut Scratch<'a>,
) -> Result<Result<Option<Referral<'a>>, Verdict<'a, D>>, NoVerdict> {
    let Some(header) = message.first(Name::ReferredBy) else {
        return Ok(Ok(None));
    };
    if message.count(Name::ReferredBy) > 1 {
        let wire = &[Text("more than one Referred-By header")];
        let refusal = Refusal { code: 400, rule: Some(Rule::R049), wire, why: &[] };
        return Ok(Err(refusal.verdict(settings, scratch)?));
    }
    let value = match ReferredBy::parse(header.unfolded(scratch)?) {
        Ok(parsed) => parsed,
        Err(error) => return Ok(Err(malformed(settings, scratch, "Referred-By", header, error)?)),
    };
    let part = value.cid.and_then(|cid| BodyPart::find(message, cid));
    let token = part.map_or(&[][..], |part| part.raw);
    Ok(Ok(Some(Referral { header, value, token, verified: false })))
}

/// Has the host look at the token (R056); the refusal where a valid one is demanded and there is none
/// (R051, R052). It costs the host something: nobody is to bring that about who is refused anyway.
/// `is_needed`: a request without Referred-By has no token either.
pub(super) fn verify_token<'a, D: DialogRef, H: Host<D>>(
    host: &H,
    referral: Option<&mut Referral<'a>>,
    is_needed: bool,
    settings: &Settings,
    scratch: &mut Scratch<'a>,
) -> Result<Option<Verdict<'a, D>>, NoVerdict> {
    let Some(referral) = referral else {
        let lacks = settings.referred_by_require_token && is_needed;
        let refused = || no_token(Rule::R051, "there is no Referred-By", settings, scratch);
        return lacks.then(refused).transpose();
    };
    if !referral.token.is_empty() {
        referral.verified = match host.verify_token(referral.header.raw, referral.token) {
            Answer::Yes => true,
            Answer::No => false,
            Answer::Failed => return host_failed("verify_token", settings, scratch).map(Some),
        };
    }
    if !settings.referred_by_require_token || referral.verified {
        return Ok(None);
    }
    let (rule, said) = match referral.value.cid {
        None => (Rule::R051, "the Referred-By has no token"),
        Some(_) if referral.token.is_empty() => {
            (Rule::R051, "the cid of the Referred-By names no body part")
        }
        Some(_) => (Rule::R052, "the token of the Referred-By is not valid"),
    };
    no_token(rule, said, settings, scratch).map(Some)
}

/// RFC 3892 section 5: 429 asks for a token that can be believed.
fn no_token<'a, D: DialogRef>(
    rule: Rule,
    said: &str,
    settings: &Settings,
    scratch: &mut Scratch<'a>,
) -> Result<Verdict<'a, D>, NoVerdict> {
    let wire = &[Text("a valid Referred-By token is needed")];
    let why = &[Text("a Referred-By token is demanded, and "), Text(said)];
    let refusal = Refusal { code: 429, rule: Some(rule), wire, why };
    Ok(refusal.verdict(settings, scratch)?.by_setting("referred_by.require_token"))
}

/// What a sender may do with a dialog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Permission {
    /// Why.
    pub ground: Ground,
    /// It takes a parked call out of the lot: the party that waits is who the new call is for, and
    /// nothing of it is ended.
    pub retrieves: bool,
}

/// Whether a sender may have a dialog, and what for.
pub(super) fn permission<D: DialogRef, H: Host<D>>(
    host: &H,
    tokens: &dyn Tokens,
    authority: &Authority<'_, '_>,
    named: &Replaces<'_>,
    (dialog, facts): (&D, &Facts<'_>),
) -> Result<Option<Permission>, Failed> {
    let Authority { request, settings, .. } = authority;
    let token = token_of(named);
    let parking = tokens.parking(token, &facts.key, settings.park_open);
    let accepted = &settings.replaces_authorize;
    let has_token = parking == Parking::Granted;
    let ground = ground(host, authority, accepted, (dialog, facts), has_token)?;
    Ok(ground.map(|ground| {
        // Who waits may move to another phone, which replaces it as any other call; whoever else is
        // let in, on whatever ground, wants the one who waits, not its place.
        let is_who_waits = ground == Ground::ReferredBy
            || request.is_authenticated() && is_same_user(request, facts)
            || is_same_endpoint(request, facts);
        let shows_token = token.is_some() && parking == Parking::Granted;
        Permission { ground, retrieves: shows_token || parking != Parking::None && !is_who_waits }
    }))
}

/// The first ground that is accepted and holds.
pub(super) fn ground<D: DialogRef, H: Host<D>>(
    host: &H,
    authority: &Authority<'_, '_>,
    accepted: &Grounds,
    (dialog, facts): (&D, &Facts<'_>),
    has_token: bool,
) -> Result<Option<Ground>, Failed> {
    let stated = ground_by_facts(authority, accepted, facts, has_token);
    if stated.is_some() || !authority.request.is_authenticated() || !accepted.hold(Ground::Host) {
        return Ok(stated);
    }
    match host.authorize(dialog) {
        Answer::Yes => Ok(Some(Ground::Host)),
        Answer::No => Ok(None),
        Answer::Failed => Err(Failed),
    }
}

/// The first ground that is accepted and holds by what is known of the dialog, nobody being asked.
pub(super) fn ground_by_facts(
    authority: &Authority<'_, '_>,
    accepted: &Grounds,
    facts: &Facts<'_>,
    has_token: bool,
) -> Option<Ground> {
    let Authority { request, settings, .. } = authority;
    if accepted.hold(Ground::Any) {
        return Some(Ground::Any);
    }
    if !request.is_authenticated() {
        return None;
    }
    if accepted.hold(Ground::SameUser) && is_same_user(request, facts) {
        return Some(Ground::SameUser);
    }
    if accepted.hold(Ground::SameEndpoint) && is_same_endpoint(request, facts) {
        return Some(Ground::SameEndpoint);
    }
    // A name that anybody can write counts only from a peer that is believed, or with a token (R010).
    if accepted.hold(Ground::ReferredBy)
        && authority.referred_by.is_some_and(|it| {
            (settings.replaces_trusted || it.verified) && names_user(&it.value, facts)
        })
    {
        return Some(Ground::ReferredBy);
    }
    if accepted.hold(Ground::Token) && has_token {
        return Some(Ground::Token);
    }
    (accepted.hold(Ground::TrustedPeer) && settings.replaces_trusted).then_some(Ground::TrustedPeer)
}

/// Asked of authenticated senders only: nobody is not the same as nobody.
fn is_same_user(request: &Request<'_>, facts: &Facts<'_>) -> bool {
    request.sender.user == facts.user
}

/// The endpoint stands for the user only where no user is known, or where this side called it:
/// behind a trunk there are many users.
fn is_same_endpoint(request: &Request<'_>, facts: &Facts<'_>) -> bool {
    !request.sender.endpoint.is_empty()
        && request.sender.endpoint == facts.endpoint
        && (facts.user.is_empty() || facts.initiator == Initiator::Local)
}

/// Whether a Referred-By names the user that is being replaced: by user and host where the host
/// keeps both, else by user.
fn names_user(referrer: &ReferredBy<'_>, facts: &Facts<'_>) -> bool {
    let Some(user) = referrer.uri.user_without_options().filter(|user| !user.is_empty()) else {
        return false;
    };
    let replaced = if facts.user.is_empty() { facts.endpoint } else { facts.user };
    match replaced.iter().position(|byte| *byte == b'@') {
        Some(at) => {
            let (name, host) = replaced.split_at(at);
            let host = host.get(1..).unwrap_or_default();
            name == user && host.eq_ignore_ascii_case(referrer.uri.host)
        }
        None => replaced == user,
    }
}
