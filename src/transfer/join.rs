//! Whether an INVITE may join the call of a dialog: RFC 3911 section 4, in the order that R025 has for
//! Replaces.
//!
//! What differs: early dialogs may be joined, whoever began them; the sender is authorized by
//! `join.authorize`; the host says whether it can mix the calls (R104).

use super::authorize::{self, Authority};
use super::replaces::{challenge, host_failed, unsupported};
use super::sentence::Piece::{Text, Value as Said};
use super::verdict::{malformed, Matched, Refusal};
use super::{unreadable, Answer, Context, Host, Kind, Match, NoVerdict, Request, Verdict};
use crate::config::{Ground, Settings};
use crate::dialog::{DialogRef, Directory, Facts, Lock, State, Usage};
use crate::rule::Rule;
use crate::sip::{Join, Name, Replaces, Scratch};

type Judged<'a, D> = Result<Verdict<'a, D>, NoVerdict>;

/// Verifies a request that may carry Join. With `want_lock` the dialog of an accepted one is handed
/// out locked.
pub fn verify<'a, D: Directory, H: Host<D::Dialog>>(
    context: &Context<'_, D, H>,
    request: &Request<'a>,
    want_lock: bool,
    scratch: &mut Scratch<'a>,
) -> Judged<'a, D::Dialog> {
    let message = &request.message;
    let settings = context.settings(request);
    // Neither is ever answered.
    if matches!(message.method(), None | Some(b"ACK")) {
        return Ok(Verdict::none("a response or an ACK asks for nothing"));
    }
    let Some(header) = message.first(Name::Join) else {
        return Ok(Verdict::none("the request carries no Join").because(Rule::R102));
    };
    if let Some(error) = message.contradiction() {
        return unreadable(settings, error, scratch);
    }
    let bad = |rule, words: &'static str, scratch: &mut Scratch<'a>| {
        refuse(400, rule, &[Text(words)], &[], settings, scratch)
    };
    if message.method() != Some(b"INVITE") {
        return bad(Rule::R102, "Join in a request other than INVITE", scratch);
    }
    if message.count(Name::Join) > 1 {
        return bad(Rule::R102, "more than one Join header", scratch);
    }
    if message.count(Name::Replaces) > 0 {
        return bad(Rule::R103, "Join together with Replaces", scratch);
    }
    let named = match Join::parse(header.unfolded(scratch)?) {
        Ok(named) => named,
        Err(error) => return Ok(malformed(settings, scratch, "Join", header, error)?),
    };
    let mut referred_by = match authorize::referred_by(message, settings, scratch)? {
        Ok(referred_by) => referred_by,
        Err(refused) => return Ok(refused),
    };
    if let Some(refused) = unsupported(request, &[], settings, scratch)? {
        return Ok(refused);
    }
    if !settings.join_allow {
        let verdict = Verdict::none("Join is not supported here and was ignored");
        return Ok(verdict.because(Rule::R102).by_setting("join.allow"));
    }
    if request.is_in_dialog() {
        let words = &[Text("Join inside a dialog; the call goes on as it was")];
        return refuse(488, Rule::R102, words, &[], settings, scratch);
    }
    if settings.replaces_require_tls && !request.sender.secure {
        let words = &[Text("Join is accepted over a secure transport only")];
        let refused = refuse(403, Rule::R024, words, &[], settings, scratch)?;
        return Ok(refused.by_setting("replaces.require_tls"));
    }
    if settings.replaces_require_auth && !request.is_authenticated() {
        return Ok(challenge(Rule::R024, "the sender of the Join is not authenticated")
            .by_setting("replaces.require_auth"));
    }

    // As for Replaces: no stranger costs the host the check of a token.
    if request.is_authenticated() || settings.join_authorize.hold(Ground::Any) {
        let referral = referred_by.as_mut();
        let refused = authorize::verify_token(context.host, referral, false, settings, scratch)?;
        if let Some(refused) = refused {
            return Ok(refused);
        }
    }
    let dialog = match find(context, &named, request, settings, scratch)? {
        Ok(dialog) => dialog,
        Err(verdict) => return Ok(verdict),
    };
    let authority = Authority { request, settings, referred_by: referred_by.as_ref() };
    let (mut matched, ground) = match judge(context, &authority, dialog, &named, scratch)? {
        Ok(judged) => judged,
        Err(refused) => return Ok(refused),
    };
    // The last thing: no other callback of the host runs under its lock.
    if want_lock {
        match matched.dialog.lock() {
            Lock::Gone => return ended(&named, settings, scratch),
            Lock::Failed => return host_failed("lock", settings, scratch),
            Lock::Held(state) => {
                matched.locked = true;
                matched.state = state;
            }
        }
        if matched.state == State::Terminated {
            return ended(&named, settings, scratch);
        }
    }
    let mut verdict = Verdict::new(Kind::Join, 200).because(Rule::R102);
    if named.to_tag == b"0" || named.from_tag == b"0" {
        verdict.rules.push(Rule::R021);
    }
    verdict.ground = Some(ground);
    verdict.dialog = Some(matched);
    verdict.why = b"the new call joins the one of the dialog";
    Ok(verdict)
}

fn refuse<'a, D: DialogRef>(
    code: u16,
    rule: Rule,
    wire: &[super::sentence::Piece<'_>],
    why: &[super::sentence::Piece<'_>],
    settings: &Settings,
    scratch: &mut Scratch<'a>,
) -> Judged<'a, D> {
    Ok(Refusal { code, rule: Some(rule), wire, why }.verdict(settings, scratch)?)
}

/// The dialog that was named, or what is to be done without it.
fn find<'a, D: Directory, H: Host<D::Dialog>>(
    context: &Context<'_, D, H>,
    named: &Join<'_>,
    request: &Request<'a>,
    settings: &Settings,
    scratch: &mut Scratch<'a>,
) -> Result<Result<D::Dialog, Verdict<'a, D::Dialog>>, NoVerdict> {
    // The triple is matched as that of a Replaces.
    let Join { call_id, to_tag, from_tag, params } = *named;
    let triple = Replaces { call_id, to_tag, from_tag, early_only: false, params };
    let verdict = match context.find(&triple, request, scratch) {
        Match::Found(dialog) => return Ok(Ok(dialog)),
        // More than one is none (section 4). A conference is there without the dialog, too.
        Match::None(_) => match context.host.is_conference() {
            Answer::Yes => {
                Verdict::none("Join matches no dialog, and the INVITE is to a conference")
                    .because(Rule::R102)
            }
            Answer::No => not_found(named, settings, scratch)?,
            Answer::Failed => host_failed("is_conference", settings, scratch)?,
        },
        Match::Ended => ended(named, settings, scratch)?,
        Match::Pending => {
            let mut verdict = Verdict::new(Kind::Pending, 0);
            verdict.why = b"the dialog directory has not found out yet";
            verdict
        }
        Match::Failed => host_failed("find", settings, scratch)?,
    };
    Ok(Err(verdict))
}

fn not_found<'a, D: DialogRef>(
    named: &Join<'_>,
    settings: &Settings,
    scratch: &mut Scratch<'a>,
) -> Judged<'a, D> {
    let why = &[Text("no dialog matches Join with Call-ID "), Said(named.call_id)];
    refuse(481, Rule::R102, &[Text("no dialog matches this Join")], why, settings, scratch)
}

fn ended<'a, D: DialogRef>(
    named: &Join<'_>,
    settings: &Settings,
    scratch: &mut Scratch<'a>,
) -> Judged<'a, D> {
    let why = &[Text("the dialog has ended that Join names with Call-ID "), Said(named.call_id)];
    refuse(603, Rule::R102, &[Text("the dialog to join has ended")], why, settings, scratch)
}

/// A dialog that a sender may join, or the refusal.
type Allowed<'a, D> = Result<(Matched<D>, Ground), Verdict<'a, D>>;

/// Its usage, its end, permission, whether it can be mixed, in this order.
fn judge<'a, D: Directory, H: Host<D::Dialog>>(
    context: &Context<'_, D, H>,
    authority: &Authority<'_, '_>,
    dialog: D::Dialog,
    named: &Join<'_>,
    scratch: &mut Scratch<'a>,
) -> Result<Allowed<'a, D::Dialog>, NoVerdict> {
    let Authority { request, settings, .. } = *authority;
    let facts = dialog.facts();
    let Facts { state, initiator, usage, .. } = facts;
    if usage != Usage::Invite {
        return Ok(Err(not_found(named, settings, scratch)?));
    }
    if state == State::Terminated {
        return Ok(Err(ended(named, settings, scratch)?));
    }
    let accepted = &settings.join_authorize;
    // A token takes a call out of a park lot; it opens no conversation.
    let ground =
        match authorize::ground(context.host, authority, accepted, (&dialog, &facts), false) {
            Ok(Some(ground)) => ground,
            Ok(None) if !request.is_authenticated() => {
                let why = "the sender is not authenticated and cannot be allowed to join a dialog";
                return Ok(Err(challenge(Rule::R102, why).by_setting("join.authorize")));
            }
            Ok(None) => {
                let why = &[
                    Text("user "),
                    Said(request.sender.user),
                    Text(" at endpoint "),
                    Said(request.sender.endpoint),
                    Text(" has no ground to join a dialog of user "),
                    Said(facts.user),
                    Text(" at endpoint "),
                    Said(facts.endpoint),
                ];
                let wire = &[Text("not authorized to join this dialog")];
                let refused = refuse(403, Rule::R102, wire, why, settings, scratch)?;
                return Ok(Err(refused.by_setting("join.authorize")));
            }
            Err(super::Failed) => return Ok(Err(host_failed("authorize", settings, scratch)?)),
        };
    match context.host.can_mix(&dialog) {
        Answer::Yes => {}
        Answer::No => {
            let wire = &[Text("the calls cannot be mixed")];
            return Ok(Err(refuse(488, Rule::R104, wire, &[], settings, scratch)?));
        }
        Answer::Failed => return Ok(Err(host_failed("can_mix", settings, scratch)?)),
    }
    Ok(Ok((Matched { dialog, state, initiator, locked: false }, ground)))
}
