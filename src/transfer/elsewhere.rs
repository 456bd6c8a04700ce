//! A dialog that is not here and may be on another node of a cluster.
//!
//! Only who is authenticated has anything looked up. What another node says of its dialog is judged as
//! if the dialog were here: the user that is replaced has to be one whom the sender may replace (R009).
//! The token of a call that is parked there is a ground as that of one here is, and the host is asked by
//! a callback of its own, which gets what the node has published.

use super::authorize::{ground_by_facts, Authority};
use super::park::{token_of, Token};
use super::replaces::{host_failed, unmatched};
use super::sentence::Piece::{Text, Value as Said};
use super::verdict::Refusal;
use super::{Answer, Context, Host, Kind, Level, Match, NoVerdict, Request, Verdict};
use crate::config::{Ground, Settings};
use crate::dialog::{
    Asked, DialogRef, Directory, Facts, Initiator, Key, Lookups, Outcome, Remote, RemoteParking,
    Sought, State, Usage,
};
use crate::rule::Rule;
use crate::sip::{Replaces, Scratch, Uri, Writer};
use std::sync::Arc;

/// The longest name of a node.
pub const MAX_NODE: usize = 64;
/// The longest URI of a node.
pub const MAX_URI: usize = 255;

/// Where else dialogs are looked for.
#[derive(Clone, Copy)]
pub enum Elsewhere<'c> {
    /// Nowhere.
    Nowhere,
    /// Wherever the directory looks.
    Ask(&'c Lookups),
    /// It was looked for, and this came of it.
    Known(&'c Outcome),
}

/// What came of a dialog that is not here.
// A verdict asks for no memory, so that it is not put elsewhere.
#[allow(clippy::large_enum_variant)]
pub(super) enum Found<'a, D: DialogRef> {
    /// It is nowhere else.
    Nowhere,
    /// It is on another node, and the sender may replace it.
    At(Arc<Remote>, Ground),
    /// A refusal, or the lookup is under way.
    Verdict(Verdict<'a, D>),
}

/// Whether a name of a node can stand in a channel variable and a log line.
pub fn is_node(name: &[u8]) -> bool {
    let fits = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._".contains(byte);
    !name.is_empty() && name.len() <= MAX_NODE && name.iter().all(fits)
}

/// Whether a URI of a node can be contacted, and can stand in a dial string as it is.
pub fn is_node_uri(uri: &[u8]) -> bool {
    let fits = |byte: &u8| byte.is_ascii_graphic() && !b"<>\"\\,&|?'`{}^".contains(byte);
    uri.len() <= MAX_URI
        && uri.iter().all(fits)
        && Uri::parse(uri).is_ok_and(|uri| (uri.is_sip() || uri.is_sips()) && !uri.host.is_empty())
}

/// Looks for the dialog of a Replaces on other nodes, where this is done at all and for this sender.
pub(super) fn find<'a, D: Directory, H: Host<D::Dialog>>(
    context: &Context<'_, D, H>,
    authority: &Authority<'_, '_>,
    named: &Replaces<'_>,
    scratch: &mut Scratch<'a>,
) -> Result<Found<'a, D::Dialog>, NoVerdict> {
    let key = Key { call_id: named.call_id, local_tag: named.to_tag, remote_tag: named.from_tag };
    let token = token_of(named).and_then(Token::parse);
    let outcome = match outcome(context, authority.request, &key, token.as_ref(), scratch) {
        Ok(outcome) => outcome,
        Err(lookup) => return Ok(Found::Verdict(pending(lookup))),
    };
    match outcome {
        Outcome::NotFound => Ok(Found::Nowhere),
        Outcome::Ambiguous => {
            unmatched(Match::None(true), named, authority.settings, scratch).map(Found::Verdict)
        }
        Outcome::Found(remote) => {
            let judged = judge(context.host, authority, &remote, named, scratch)?;
            Ok(match judged {
                Ok(ground) => Found::At(remote, ground),
                Err(refused) => Found::Verdict(refused),
            })
        }
    }
}

/// The other nodes are being asked.
pub(super) fn pending<'a, D: DialogRef>(lookup: u64) -> Verdict<'a, D> {
    let mut verdict = Verdict::new(Kind::Pending, 0).because(Rule::R009);
    verdict.lookup = lookup;
    verdict.why = b"the dialog is not here, and the other nodes are being asked";
    verdict
}

/// What the other nodes have of a dialog, by its key, by the token of a parked call, or by both; else the
/// lookup that is under way.
pub(super) fn outcome<D: Directory, H: Host<D::Dialog>>(
    context: &Context<'_, D, H>,
    request: &Request<'_>,
    key: &Key<'_>,
    token: Option<&Token>,
    scratch: &mut Scratch<'_>,
) -> Result<Outcome, u64> {
    match context.elsewhere {
        Elsewhere::Nowhere => Ok(Outcome::NotFound),
        Elsewhere::Known(outcome) => Ok(outcome.clone()),
        Elsewhere::Ask(_) if !request.is_authenticated() => Ok(Outcome::NotFound),
        Elsewhere::Ask(lookups) => {
            let mut room = [0; 32];
            let mut out = Writer::new(&mut room);
            if let Some(token) = token.filter(|_| context.directory.has_parked_elsewhere()) {
                token.print(&mut out);
            }
            ask(context, lookups, request, (key, out.written()), scratch)
        }
    }
}

fn ask<D: Directory, H: Host<D::Dialog>>(
    context: &Context<'_, D, H>,
    lookups: &Lookups,
    request: &Request<'_>,
    (key, token): (&Key<'_>, &[u8]),
    scratch: &mut Scratch<'_>,
) -> Result<Outcome, u64> {
    let global = context.snapshot.global();
    let (deadline_ms, most) = (global.cluster_deadline_ms, global.cluster_max_lookups);
    let lookup = match lookups.ask_with(key, token, request.now_ms, deadline_ms, most) {
        Asked::Over(outcome) => return Ok(outcome),
        Asked::Pending(lookup) => return Err(lookup),
        Asked::Full => {
            let text = "too many dialogs are being looked up on other nodes: this one is not";
            context.log(Level::Warning, request, text.as_bytes(), scratch);
            return Ok(Outcome::NotFound);
        }
        Asked::New(lookup) => lookup,
    };
    match context.directory.seek(lookup, key, token) {
        // The answer may have come before the callback returned.
        Sought::Pending => lookups.outcome(lookup, request.now_ms).ok_or(lookup),
        Sought::NotFound => {
            lookups.cancel(lookup, request.now_ms);
            Ok(Outcome::NotFound)
        }
        Sought::Failed => {
            lookups.cancel(lookup, request.now_ms);
            let text = "the lookup callback of the dialog directory failed";
            context.log(Level::Error, request, text.as_bytes(), scratch);
            Ok(Outcome::NotFound)
        }
    }
}

/// Whether it is parked, and the sender may take it out for that: by the token that it shows, or because
/// what waits under a number is open to it. As [`super::park::Lot::parking`] has it of a call that is here:
/// a token that is wrong is no better than none.
fn is_granted(settings: &Settings, remote: &Remote, named: &Replaces<'_>) -> bool {
    let is_open = settings.park_open && remote.parking == RemoteParking::Number;
    if token_of(named).is_none() {
        return is_open;
    }
    // R021: a peer without a tag is named by 0.
    let same = |named: &[u8], tag: &[u8]| {
        named.eq_ignore_ascii_case(tag) || named == b"0" && tag.is_empty()
    };
    let is_its = remote.by_token().is_some_and(|found| {
        found.call_id == named.call_id
            && same(named.to_tag, found.local_tag)
            && same(named.from_tag, found.remote_tag)
    });
    is_its && (is_open || remote.parking == RemoteParking::Secret)
}

/// In the order of R025: its end, permission, early-only, and who began it. An unauthorized sender
/// learns nothing about its state, nor where it is.
pub(super) fn judge<'a, D: DialogRef, H: Host<D>>(
    host: &H,
    authority: &Authority<'_, '_>,
    remote: &Remote,
    named: &Replaces<'_>,
    scratch: &mut Scratch<'a>,
) -> Result<Result<Ground, Verdict<'a, D>>, NoVerdict> {
    let settings = authority.settings;
    let facts = Facts {
        key: Key { call_id: named.call_id, local_tag: named.to_tag, remote_tag: named.from_tag },
        user: &remote.user,
        endpoint: &remote.endpoint,
        state: remote.state,
        initiator: remote.initiator,
        usage: Usage::Invite,
        secure: remote.secure,
    };
    let refuse = |refusal: Refusal<'_>, scratch: &mut Scratch<'a>| {
        refusal.verdict(settings, scratch).map(Err).map_err(NoVerdict::from)
    };
    if remote.state == State::Terminated {
        return unmatched(Match::Ended, named, settings, scratch).map(Err);
    }
    let accepted = &settings.replaces_authorize;
    let has_token = is_granted(settings, remote, named);
    let mut ground = ground_by_facts(authority, accepted, &facts, has_token);
    if ground.is_none() && authority.request.is_authenticated() && accepted.hold(Ground::Host) {
        ground = match host.authorize_remote(remote) {
            Answer::Yes => Some(Ground::Host),
            Answer::No => None,
            Answer::Failed => {
                return host_failed("authorize_remote", settings, scratch).map(Err);
            }
        };
    }
    let Some(ground) = ground else {
        let wire = &[Text("not authorized to replace this dialog")];
        let why = &[
            Text("user "),
            Said(authority.request.sender.user),
            Text(" has no ground to replace a dialog of user "),
            Said(facts.user),
            Text(" on node "),
            Said(&remote.node),
        ];
        let refusal = Refusal { code: 403, rule: Some(Rule::R009), wire, why };
        let refused: Result<Result<Ground, _>, _> = refuse(refusal, scratch);
        return Ok(refused?.map_err(|it: Verdict<'a, D>| it.by_setting("replaces.authorize")));
    };
    if named.early_only && remote.state == State::Confirmed {
        let wire = &[Text("the dialog is answered and early-only was asked for")];
        return refuse(Refusal { code: 486, rule: Some(Rule::R013), wire, why: &[] }, scratch);
    }
    let is_early = remote.state == State::Early && remote.initiator == Initiator::Remote;
    if is_early && !settings.replaces_accept_early_incoming {
        let wire = &[Text("no dialog matches this Replaces")];
        let why =
            &[Text("the dialog is early and node "), Said(&remote.node), Text(" did not begin it")];
        return refuse(Refusal { code: 481, rule: Some(Rule::R017), wire, why }, scratch);
    }
    if let Some(refused) = insecure(&remote.uri, settings, scratch)? {
        return Ok(Err(refused));
    }
    Ok(Ok(ground))
}

/// R024: a call that leaves this side may have to do so over TLS.
fn insecure<'a, D: DialogRef>(
    uri: &[u8],
    settings: &Settings,
    scratch: &mut Scratch<'a>,
) -> Result<Option<Verdict<'a, D>>, NoVerdict> {
    let is_tls = Uri::parse(uri).is_ok_and(|uri| {
        let transport = uri.params_iter().find(|it| it.name.eq_ignore_ascii_case(b"transport"));
        let transport = transport.and_then(|it| it.value).unwrap_or_default();
        uri.is_sips() || [&b"tls"[..], b"wss"].iter().any(|it| transport.eq_ignore_ascii_case(it))
    });
    if is_tls || !settings.remote_require_tls {
        return Ok(None);
    }
    let wire = &[Text("transfers to this target are not allowed")];
    let why = &[Text("the node "), Said(uri), Text(" would not be reached over TLS")];
    let refusal = Refusal { code: 403, rule: Some(Rule::R024), wire, why };
    Ok(Some(refusal.verdict(settings, scratch)?.by_setting("remote.require_tls")))
}

/// An INVITE whose Replaces matches nothing here: where the dialog is on another node its sender is
/// sent there (RFC 3261 section 8.3; what it sends there carries the Replaces again). `None`: nothing is
/// known of any.
pub(super) fn redirect<'a, D: Directory, H: Host<D::Dialog>>(
    context: &Context<'_, D, H>,
    authority: &Authority<'_, '_>,
    named: &Replaces<'_>,
    scratch: &mut Scratch<'a>,
) -> Result<Option<Verdict<'a, D::Dialog>>, NoVerdict> {
    let (remote, ground) = match find(context, authority, named, scratch)? {
        Found::Nowhere => return Ok(None),
        Found::Verdict(verdict) => return Ok(Some(verdict)),
        Found::At(remote, ground) => (remote, ground),
    };
    let mut verdict = redirected(&remote, ground, named, scratch)?;
    verdict.why = b"the dialog is on another node, and the INVITE is redirected to it";
    Ok(Some(verdict))
}

/// To the node that has the dialog, with the Replaces that names it.
pub(super) fn redirected<'a, D: DialogRef>(
    remote: &Remote,
    ground: Ground,
    named: &Replaces<'_>,
    scratch: &mut Scratch<'a>,
) -> Result<Verdict<'a, D>, NoVerdict> {
    let mut verdict = Verdict::new(Kind::RemoteNode, 302);
    verdict.target = scratch.copy(&remote.uri)?;
    tell(&mut verdict, remote, ground, named, scratch)?;
    verdict.method = b"INVITE";
    verdict.replaces = scratch.write_with(|out| named.print(out))?;
    Ok(verdict)
}

/// What a verdict says of the other node.
pub(super) fn tell<'a, D: DialogRef>(
    verdict: &mut Verdict<'a, D>,
    remote: &Remote,
    ground: Ground,
    named: &Replaces<'_>,
    scratch: &mut Scratch<'a>,
) -> Result<(), NoVerdict> {
    verdict.node = scratch.copy(&remote.node)?;
    verdict.early_only = named.early_only;
    verdict.ground = Some(ground);
    verdict.rules.push(Rule::R001);
    verdict.rules.push(Rule::R009);
    if ground == Ground::ReferredBy {
        verdict.rules.push(Rule::R010);
    }
    verdict.rules.push(Rule::R018);
    if ground == Ground::Token {
        verdict.rules.push(Rule::R096);
    }
    Ok(())
}
