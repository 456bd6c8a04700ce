//! Whether an INVITE may replace a dialog: RFC 3891 section 3, in the one order of R025.

use super::authorize::{self, Authority, Permission, Referral};
use super::sentence::Piece::{Text, Value as Said};
use super::takeover::Refused;
use super::verdict::{malformed, Matched, OldDialog, Referrer, Refusal};
use super::{unreadable, Answer, Context, Host, Kind, Match, NoVerdict, Request, Verdict};
use crate::config::{Ground, InDialog, Settings, Unmatched};
use crate::dialog::{DialogRef, Directory, Facts, Initiator, Lock, State, Usage};
use crate::rule::Rule;
use crate::sip::{option_tags, unescape, Name, Replaces, Scratch, UnescapeError, Uri};

type Judged<'a, D> = Result<Verdict<'a, D>, NoVerdict>;

/// Verifies a request that may carry Replaces. With `want_lock` the dialog of an accepted one is
/// handed out locked.
///
/// The verdict, which begins as a new one, is written where it is to stay: it is large, and moving it
/// from hand to hand would cost more than making it.
pub fn verify<'a, D: Directory, H: Host<D::Dialog>>(
    context: &Context<'_, D, H>,
    request: &Request<'a>,
    want_lock: bool,
    scratch: &mut Scratch<'a>,
    verdict: &mut Verdict<'a, D::Dialog>,
) -> Result<(), NoVerdict> {
    match accepted(context, request, want_lock, scratch, verdict) {
        Ok(None) => Ok(()),
        Ok(Some(other)) => {
            *verdict = other;
            Ok(())
        }
        Err(none) => Err(none),
    }
}

/// Fills in the verdict on an INVITE that is accepted, or answers with another one.
///
/// What the steps answer is matched whole: a `?` first would move it, room for a verdict and all.
fn accepted<'a, D: Directory, H: Host<D::Dialog>>(
    context: &Context<'_, D, H>,
    request: &Request<'a>,
    want_lock: bool,
    scratch: &mut Scratch<'a>,
    verdict: &mut Verdict<'a, D::Dialog>,
) -> Result<Option<Verdict<'a, D::Dialog>>, NoVerdict> {
    let message = &request.message;
    let settings = context.settings(request);
    // Neither is ever answered.
    if matches!(message.method(), None | Some(b"ACK")) {
        return Ok(Some(Verdict::none("a response or an ACK asks for nothing")));
    }
    let Some(header) = message.first(Name::Replaces) else {
        let verdict = Verdict::none("the request carries no Replaces");
        return Ok(Some(verdict.because(Rule::R025)));
    };
    if let Some(error) = message.contradiction() {
        return unreadable(settings, error, scratch).map(Some);
    }
    let bad = |rule, words, scratch: &mut Scratch<'a>| {
        let refusal = Refusal { code: 400, rule: Some(rule), wire: words, why: &[] };
        refuse(&refusal, "", settings, scratch)
    };

    if message.method() != Some(b"INVITE") {
        return bad(Rule::R003, &[Text("Replaces in a request other than INVITE")], scratch);
    }
    // The Request-URI of a request inside a dialog is our Contact, which names no extension.
    if settings.replaces_require_extension && !request.is_in_dialog() {
        match unknown_extension(context, request, settings, scratch) {
            Ok(None) => {}
            other => return other,
        }
    }
    if message.count(Name::Replaces) > 1 {
        return bad(Rule::R002, &[Text("more than one Replaces header")], scratch);
    }
    if message.count(Name::Join) > 0 {
        return bad(Rule::R004, &[Text("Replaces together with Join")], scratch);
    }
    let parsed;
    let (named, hash) = match &request.ahead {
        Some((named, hash)) => (named, *hash),
        None => {
            parsed = match Replaces::parse(header.unfolded(scratch)?) {
                Ok(named) => named,
                Err(error) => {
                    return Ok(Some(malformed(settings, scratch, "Replaces", header, error)?));
                }
            };
            (&parsed, None)
        }
    };
    let mut referred_by = match authorize::referred_by(message, settings, scratch) {
        Ok(Ok(referred_by)) => referred_by,
        Ok(Err(refused)) => return Ok(Some(refused)),
        Err(none) => return Err(none),
    };
    match unsupported(request, &[], settings, scratch) {
        Ok(None) => {}
        other => return other,
    }
    if !settings.replaces_allow {
        let verdict = Verdict::none("Replaces is not supported here and was ignored");
        return Ok(Some(verdict.because(Rule::R023).by_setting("replaces.allow")));
    }
    if request.is_in_dialog() {
        if settings.replaces_in_dialog == InDialog::Ignore {
            let verdict = Verdict::none("Replaces inside a dialog was ignored");
            return Ok(Some(verdict.because(Rule::R012).by_setting("replaces.in_dialog")));
        }
        let words = &[Text("Replaces inside a dialog; the call goes on as it was")];
        let refusal = Refusal { code: 488, rule: Some(Rule::R012), wire: words, why: &[] };
        return refuse(&refusal, "replaces.in_dialog", settings, scratch);
    }
    if settings.replaces_require_tls && !request.sender.secure {
        let words = &[Text("Replaces is accepted over a secure transport only")];
        let refusal = Refusal { code: 403, rule: Some(Rule::R024), wire: words, why: &[] };
        return refuse(&refusal, "replaces.require_tls", settings, scratch);
    }
    if settings.replaces_require_auth && !request.is_authenticated() {
        let challenged = challenge(Rule::R024, "the sender of the Replaces is not authenticated");
        return Ok(Some(challenged.by_setting("replaces.require_auth")));
    }

    // A stranger is challenged or refused without it, but for where everybody may replace everything.
    if request.is_authenticated() || settings.replaces_authorize.hold(Ground::Any) {
        let referral = referred_by.as_mut();
        match authorize::verify_token(context.host, referral, false, settings, scratch) {
            Ok(None) => {}
            other => return other,
        }
    }
    let found = match context.find(named, request, hash, scratch) {
        Match::None(false) => {
            let authority = Authority { request, settings, referred_by: referred_by.as_ref() };
            match super::elsewhere::redirect(context, &authority, named, scratch) {
                Ok(None) => Match::None(false),
                other => return other,
            }
        }
        found => found,
    };
    let dialog = match found {
        Match::Found(dialog) => dialog,
        Match::None(several) if settings.replaces_unmatched == Unmatched::Continue => {
            let why = "Replaces matches no dialog; the INVITE goes on without it";
            let rule = if several { Rule::R005 } else { Rule::R006 };
            let verdict = Verdict::none(why).because(rule);
            return Ok(Some(verdict.by_setting("replaces.unmatched")));
        }
        Match::None(several) => {
            unmatched_into(Match::None(several), named, settings, scratch, verdict)?;
            verdict.setting = "replaces.unmatched";
            return Ok(None);
        }
        other => return unmatched(other, named, settings, scratch).map(Some),
    };
    let authority = Authority { request, settings, referred_by: referred_by.as_ref() };
    let place = &mut verdict.dialog;
    let permission = match judge(context, &authority, dialog, named, place, scratch) {
        Ok(Ok(permission)) => permission,
        Ok(Err(refused)) => return Ok(Some(refused)),
        Err(none) => return Err(none),
    };
    if let Some(matched) = place.as_mut().filter(|_| want_lock) {
        match lock(matched, named, settings, scratch) {
            Ok(None) => {}
            other => return other,
        }
    }
    match accept(verdict, named, permission, settings, scratch) {
        Ok(None) => {}
        other => return other,
    }
    verdict.referrer = Referral::known(referred_by.as_ref());
    verdict.token = referred_by.as_ref().map_or(&[][..], |it| it.token);
    if verdict.referrer == Referrer::Unverified {
        verdict.rules.push(Rule::R056);
    }
    Ok(None)
}

/// A refusal, by a setting or by none.
#[cold]
#[inline(never)]
fn refuse<'a, D: DialogRef>(
    refusal: &Refusal<'_>,
    setting: &'static str,
    settings: &Settings,
    scratch: &mut Scratch<'a>,
) -> Result<Option<Verdict<'a, D>>, NoVerdict> {
    Ok(Some(refusal.verdict(settings, scratch)?.by_setting(setting)))
}

/// A dialog that was found, and then could not be had.
pub fn not_had<'a, D: DialogRef>(
    refused: Refused,
    settings: &Settings,
    scratch: &mut Scratch<'a>,
) -> Judged<'a, D> {
    let (rule, wire): (_, &[_]) = match refused {
        Refused::UnderWay => {
            (Rule::R011, &[Text("another call is taking the place of this dialog")])
        }
        Refused::Changed => (Rule::R006, &[Text("no dialog matches this Replaces any more")]),
        Refused::Ended => (Rule::R008, &[Text("the dialog to replace has ended")]),
    };
    let refusal = Refusal { code: refused.code(), rule: Some(rule), wire, why: &[] };
    Ok(refusal.verdict(settings, scratch)?)
}

/// There is no room for another takeover.
pub fn full<'a, D: DialogRef>(settings: &Settings, scratch: &mut Scratch<'a>) -> Judged<'a, D> {
    let wire = &[Text("too many calls are being taken over")];
    Ok(Refusal { code: 503, rule: None, wire, why: &[] }.verdict(settings, scratch)?)
}

/// How a Replaces came to its dialog: by what rules, and on what ground.
pub(super) fn note_match<D: DialogRef>(
    verdict: &mut Verdict<'_, D>,
    named: &Replaces<'_>,
    permission: Permission,
) {
    let Permission { ground, retrieves } = permission;
    verdict.early_only = named.early_only;
    verdict.ground = Some(ground);
    verdict.rules.push(Rule::R001);
    if named.to_tag == b"0" || named.from_tag == b"0" {
        verdict.rules.push(Rule::R021);
    }
    verdict.rules.push(Rule::R009);
    if ground == Ground::ReferredBy {
        verdict.rules.push(Rule::R010);
    }
    if retrieves {
        verdict.rules.push(Rule::R096);
    }
}

/// The sender must prove who it is.
#[cold]
#[inline(never)]
pub(super) fn challenge<'a, D: DialogRef>(rule: Rule, why: &'static str) -> Verdict<'a, D> {
    let mut verdict = Verdict::new(Kind::Challenge, 401).because(rule);
    verdict.why = why.as_bytes();
    verdict
}

/// A Require that holds an option tag that nobody here understands (R023).
pub(super) fn unsupported<'a, D: DialogRef>(
    request: &Request<'a>,
    also: &[&str],
    settings: &Settings,
    scratch: &mut Scratch<'a>,
) -> Result<Option<Verdict<'a, D>>, NoVerdict> {
    let unknown = |tag: &&[u8]| {
        let replaces = tag.eq_ignore_ascii_case(b"replaces") && settings.replaces_allow;
        let join = tag.eq_ignore_ascii_case(b"join") && settings.join_allow;
        let also = also.iter().any(|known| tag.eq_ignore_ascii_case(known.as_bytes()));
        !replaces && !join && !also && !settings.supported.hold(tag)
    };
    // What nearly all say, if anything.
    let message = &request.message;
    let said = message.first(Name::Require).map(|value| value.raw);
    if said.is_none_or(|said| said == b"replaces" && !unknown(&said))
        && message.count(Name::Require) < 2
    {
        return Ok(None);
    }
    if option_tags::of_message(message, Name::Require).all(|tag| !unknown(&tag)) {
        return Ok(None);
    }
    let tags = option_tags::of_message(&request.message, Name::Require).filter(unknown);
    let list = scratch.write_with(|out| {
        for (number, tag) in tags.enumerate() {
            if number > 0 {
                out.push(b", ");
            }
            // A token holds no byte that a header could not carry; anything else is not repeated.
            out.push(if crate::sip::lex::is_token(tag) { tag } else { b"unknown" });
        }
    })?;
    let words = &[Text("Require holds an extension that is not supported: "), Said(list)];
    let refusal = Refusal { code: 420, rule: Some(Rule::R023), wire: words, why: &[] };
    let mut verdict = refusal.verdict(settings, scratch)?.by_setting("supported");
    verdict.unsupported = list;
    Ok(Some(verdict))
}

/// Asterisk's order, by the setting: the extension of the Request-URI before Replaces.
fn unknown_extension<'a, D: Directory, H: Host<D::Dialog>>(
    context: &Context<'_, D, H>,
    request: &Request<'a>,
    settings: &Settings,
    scratch: &mut Scratch<'a>,
) -> Result<Option<Verdict<'a, D::Dialog>>, NoVerdict> {
    let uri = request.message.request_uri().and_then(|uri| Uri::parse(uri).ok());
    let user = uri.and_then(|uri| uri.user_without_options());
    // An escape that cannot be decoded stays as it is, and names no extension.
    let extension = match unescape(user.unwrap_or(b"s"), scratch) {
        Ok(extension) => extension,
        Err(UnescapeError::Parse(_)) => user.unwrap_or_default(),
        Err(UnescapeError::OutOfScratch) => return Err(NoVerdict),
    };
    let dialplan = if request.sender.context.is_empty() {
        settings.context.as_bytes()
    } else {
        request.sender.context
    };
    let refusal = match context.host.extension_exists(dialplan, extension) {
        Answer::Yes => return Ok(None),
        Answer::No => Refusal {
            code: 404,
            rule: None,
            wire: &[Text("no such extension")],
            why: &[Text("no extension "), Said(extension), Text(" in context "), Said(dialplan)],
        },
        Answer::Failed => return host_failed("extension_exists", settings, scratch).map(Some),
    };
    let verdict = refusal.verdict(settings, scratch)?;
    Ok(Some(verdict.by_setting("replaces.require_extension")))
}

/// A callback of the host failed: 500, and the administrator learns which one.
#[cold]
#[inline(never)]
pub(super) fn host_failed<'a, D: DialogRef>(
    callback: &str,
    settings: &Settings,
    scratch: &mut Scratch<'a>,
) -> Judged<'a, D> {
    let why = &[Text("the host's "), Text(callback), Text(" callback failed")];
    let refusal = Refusal { code: 500, rule: None, wire: &[Text("internal error")], why };
    Ok(refusal.verdict(settings, scratch)?)
}

/// The dialog that was named was not found, or not found to be alive.
pub(super) fn unmatched<'a, D: DialogRef>(
    lookup: Match<D>,
    named: &Replaces<'_>,
    settings: &Settings,
    scratch: &mut Scratch<'a>,
) -> Judged<'a, D> {
    let mut verdict = Verdict::default();
    unmatched_into(lookup, named, settings, scratch, &mut verdict)?;
    Ok(verdict)
}

/// The same, with the verdict written where it is to stay; it has to be a new one.
#[cold]
#[inline(never)]
fn unmatched_into<'a, D: DialogRef>(
    lookup: Match<D>,
    named: &Replaces<'_>,
    settings: &Settings,
    scratch: &mut Scratch<'a>,
    verdict: &mut Verdict<'a, D>,
) -> Result<(), NoVerdict> {
    let (code, rule, wire): (_, _, &[_]) = match lookup {
        Match::None(several) => {
            let rule = if several { Rule::R005 } else { Rule::R006 };
            (481, rule, &[Text("no dialog matches this Replaces")])
        }
        Match::Ended => (603, Rule::R008, &[Text("the dialog to replace has ended")]),
        Match::Pending => {
            verdict.kind = Kind::Pending;
            verdict.why = b"the dialog directory has not found out yet";
            return Ok(());
        }
        Match::Found(_) | Match::Failed => {
            *verdict = host_failed("find", settings, scratch)?;
            return Ok(());
        }
    };
    let said = match rule {
        Rule::R005 => "more than one dialog matches Replaces with Call-ID ",
        Rule::R008 => "the dialog has ended that Replaces names with Call-ID ",
        _ => "no dialog matches Replaces with Call-ID ",
    };
    let why = &[
        Text(said),
        Said(named.call_id),
        Text(", to-tag "),
        Said(named.to_tag),
        Text(", from-tag "),
        Said(named.from_tag),
    ];
    Refusal { code, rule: Some(rule), wire, why }.write(settings, scratch, verdict)?;
    if rule == Rule::R005 {
        verdict.rules.push(Rule::R006);
    }
    Ok(())
}

/// That a sender may have a dialog, or the refusal.
pub(super) type Allowed<'a, D> = Result<Permission, Verdict<'a, D>>;

/// What INVITE and REFER have in common once a dialog was found: its usage, its end, permission,
/// early-only, in this order (R025). Nothing is locked yet. A dialog that may be had is put into
/// `place`.
pub(super) fn judge<'a, D: Directory, H: Host<D::Dialog>>(
    context: &Context<'_, D, H>,
    authority: &Authority<'_, '_>,
    dialog: D::Dialog,
    named: &Replaces<'_>,
    place: &mut Option<Matched<D::Dialog>>,
    scratch: &mut Scratch<'a>,
) -> Result<Allowed<'a, D::Dialog>, NoVerdict> {
    let settings = authority.settings;
    let facts = dialog.facts();
    let Facts { state, initiator, usage, .. } = facts;
    if usage != Usage::Invite {
        let wire = &[Text("no dialog matches this Replaces")];
        let why = &[
            Text("Replaces names a dialog that INVITE did not make, Call-ID "),
            Said(named.call_id),
        ];
        let refusal = Refusal { code: 481, rule: Some(Rule::R007), wire, why };
        return Ok(Err(refusal.verdict(settings, scratch)?));
    }
    if state == State::Terminated {
        return Ok(Err(unmatched(Match::Ended, named, settings, scratch)?));
    }
    let Context { host, tokens, .. } = context;
    let permission =
        match authorize::permission(*host, *tokens, authority, named, (&dialog, &facts)) {
            Ok(Some(permission)) => permission,
            Ok(None) if !authority.request.is_authenticated() => {
                let why =
                    "the sender is not authenticated and cannot be allowed to replace a dialog";
                return Ok(Err(challenge(Rule::R009, why).by_setting("replaces.authorize")));
            }
            Ok(None) => {
                let wire = &[Text("not authorized to replace this dialog")];
                let why = &[
                    Text("user "),
                    Said(authority.request.sender.user),
                    Text(" at endpoint "),
                    Said(authority.request.sender.endpoint),
                    Text(" has no ground to replace a dialog of user "),
                    Said(facts.user),
                    Text(" at endpoint "),
                    Said(facts.endpoint),
                ];
                let refusal = Refusal { code: 403, rule: Some(Rule::R009), wire, why };
                let refused = refusal.verdict(settings, scratch)?;
                return Ok(Err(refused.by_setting("replaces.authorize")));
            }
            Err(super::Failed) => return Ok(Err(host_failed("authorize", settings, scratch)?)),
        };
    match answered_early_only(state, named, settings, scratch) {
        Ok(None) => {
            *place = Some(Matched { dialog, state, initiator, locked: false });
            Ok(Ok(permission))
        }
        Ok(Some(refused)) => Ok(Err(refused)),
        Err(none) => Err(none),
    }
}

/// Locks the dialog and judges it by the state that the lock reports. The last thing that is done
/// about a request: no other callback of the host runs under its lock.
pub(super) fn lock<'a, D: DialogRef>(
    matched: &mut Matched<D>,
    named: &Replaces<'_>,
    settings: &Settings,
    scratch: &mut Scratch<'a>,
) -> Result<Option<Verdict<'a, D>>, NoVerdict> {
    match matched.dialog.lock() {
        Lock::Gone => unmatched(Match::Ended, named, settings, scratch).map(Some),
        Lock::Failed => host_failed("lock", settings, scratch).map(Some),
        Lock::Held(state) => {
            matched.locked = true;
            matched.state = state;
            if state == State::Terminated {
                return unmatched(Match::Ended, named, settings, scratch).map(Some);
            }
            answered_early_only(state, named, settings, scratch)
        }
    }
}

/// early-only for a dialog that is confirmed: 486 (R013).
fn answered_early_only<'a, D: DialogRef>(
    state: State,
    named: &Replaces<'_>,
    settings: &Settings,
    scratch: &mut Scratch<'a>,
) -> Result<Option<Verdict<'a, D>>, NoVerdict> {
    if !named.early_only || state != State::Confirmed {
        return Ok(None);
    }
    let wire = &[Text("the dialog is answered and early-only was asked for")];
    let refusal = Refusal { code: 486, rule: Some(Rule::R013), wire, why: &[] };
    Ok(Some(refusal.verdict(settings, scratch)?))
}

/// The last step for an INVITE whose verdict has its dialog: what becomes of that (R014 to R016).
fn accept<'a, D: DialogRef>(
    verdict: &mut Verdict<'a, D>,
    named: &Replaces<'_>,
    permission: Permission,
    settings: &Settings,
    scratch: &mut Scratch<'a>,
) -> Result<Option<Verdict<'a, D>>, NoVerdict> {
    let found = verdict.dialog.as_ref();
    let found = found.map_or((State::Terminated, Initiator::Remote), |it| (it.state, it.initiator));
    let (old_dialog, rule, why): (_, _, &'static str) = match found {
        _ if permission.retrieves => (
            OldDialog::Nothing,
            Rule::R096,
            "the new call takes a parked one out of the lot; the party that waits is kept",
        ),
        (State::Early, Initiator::Remote) if settings.replaces_accept_early_incoming => (
            OldDialog::Reject,
            Rule::R016,
            "the new call takes the place of a ringing one that the peer began",
        ),
        (State::Early, Initiator::Remote) => {
            let refusal = Refusal {
                code: 481,
                rule: Some(Rule::R016),
                wire: &[Text("no dialog matches this Replaces")],
                why: &[
                    Text("the dialog is early and this side did not begin it, Call-ID "),
                    Said(named.call_id),
                ],
            };
            let verdict = refusal.verdict(settings, scratch)?;
            return Ok(Some(verdict.by_setting("replaces.accept_early_incoming")));
        }
        (State::Early, Initiator::Local) => (
            OldDialog::Cancel,
            Rule::R015,
            "the new call takes the place of a ringing one, which is cancelled",
        ),
        _ => (
            OldDialog::Bye,
            Rule::R014,
            "the new call takes the place of an answered one, which is ended",
        ),
    };
    verdict.kind = Kind::Accept;
    verdict.code = 200;
    note_match(verdict, named, permission);
    if !permission.retrieves {
        verdict.rules.push(Rule::R011);
    }
    verdict.rules.push(rule);
    if rule == Rule::R016 {
        verdict.setting = "replaces.accept_early_incoming";
    }
    verdict.old_dialog = old_dialog;
    verdict.why = why.as_bytes();
    Ok(None)
}
