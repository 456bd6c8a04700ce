//! A call that is parked, asked for by its token, and may be on another node (R096).
//!
//! Who dials a place of the lot of this side is let in by the dialplan, and the host claims the call. Where no
//! call waits here under the token the other nodes are asked, and who asks is judged as if it had sent a
//! Replaces with that token (R009): the call is the other node's, whose dialplan says nothing here.

use super::authorize::Authority;
use super::elsewhere::{judge, outcome, pending, redirected};
use super::park::{print_token_param, replaces_of, Token};
use super::verdict::Refusal;
use super::{sentence::Piece::Text, Context, Host, NoVerdict, Request, Verdict};
use crate::dialog::{Directory, Key, Outcome};
use crate::rule::Rule;
use crate::sip::{Scratch, Writer};

/// No dialog: a call is asked for by its token alone.
const NO_KEY: Key<'static> = Key { call_id: b"", local_tag: b"", remote_tag: b"" };

/// Where the call with this token is.
pub fn find<'a, D: Directory, H: Host<D::Dialog>>(
    context: &Context<'_, D, H>,
    request: &Request<'a>,
    token: &Token,
    scratch: &mut Scratch<'a>,
) -> Result<Verdict<'a, D::Dialog>, NoVerdict> {
    let settings = context.settings(request);
    if context.tokens.holds(token) {
        return Ok(Verdict::none("the call is parked here").because(Rule::R096));
    }
    let not_found = |why: &str, scratch: &mut Scratch<'a>| {
        let wire = &[Text("no call is parked there")];
        let why = &[Text(why)];
        let refusal = Refusal { code: 404, rule: Some(Rule::R096), wire, why };
        refusal.verdict(settings, scratch).map_err(NoVerdict::from)
    };
    if !context.directory.has_parked_elsewhere() {
        return not_found("no call is parked under this token", scratch);
    }
    let remote = match outcome(context, request, &NO_KEY, Some(token), scratch) {
        Err(lookup) => return Ok(pending(lookup)),
        Ok(Outcome::Found(remote)) => remote,
        Ok(Outcome::NotFound) => {
            return not_found("no node has a call that is parked under this token", scratch);
        }
        Ok(Outcome::Ambiguous) => {
            return not_found("several nodes have a call under this token", scratch);
        }
    };
    let mut room = [0; 48];
    let mut params = Writer::new(&mut room);
    print_token_param(token, &mut params);
    let named = remote.by_token().and_then(|key| {
        // What was parked has a tag for each side, or is named as if the peer sent 0 (R021).
        let call_id = scratch.copy(key.call_id).ok()?;
        let local_tag = scratch.copy(key.local_tag).ok()?;
        let remote_tag = scratch.copy(key.remote_tag).ok()?;
        let params = scratch.copy(params.written()).ok()?;
        replaces_of(&Key { call_id, local_tag, remote_tag }, params)
    });
    let Some(named) = named else {
        return not_found("what a node says of the call makes no Replaces", scratch);
    };
    let authority = Authority { request, settings, referred_by: None };
    let ground = match judge(context.host, &authority, &remote, &named, scratch)? {
        Ok(ground) => ground,
        Err(refused) => return Ok(refused),
    };
    let mut verdict = redirected(&remote, ground, &named, scratch)?;
    let value = verdict.replaces;
    verdict.headers = scratch.concat(&[b"Replaces: ", value, b"\r\n"])?;
    verdict.why =
        b"the call is parked on another node, which hands it out to an INVITE with Replaces";
    Ok(verdict)
}
