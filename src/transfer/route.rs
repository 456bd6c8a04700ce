//! Where a REFER goes: local attended, remote attended through external_replaces, blind, another
//! method, or nowhere.

use super::authorize::{Authority, Permission, Referral};
use super::domains::{reach, Reach};
use super::elsewhere::{self, Found};
use super::refer::{self, Place, Subscription, Target, Wish};
use super::replaces::{host_failed, judge, lock, note_match, unmatched};
use super::sentence::Piece::{Text, Value as Said};
use super::sentence::Sentence;
use super::uri_headers::{take_over, Nested};
use super::verdict::{malformed, Matched, OldDialog, Referrer, Refusal};
use super::{
    unreadable, Answer, Approval, Context, Host, Kind, Level, Match, NoVerdict, Request, Verdict,
};
use crate::config::profile::Quirks;
use crate::config::{Ground, Mode, Settings};
use crate::dialog::{DialogRef, Directory, Initiator, Remote, State};
use crate::rule::Rule;
use crate::sip::{Scratch, UnescapeError};
use std::sync::Arc;

/// Decides about a REFER. Anything else is none of its business.
///
/// The verdict, which begins as a new one, is written where it is to stay, as that on an INVITE.
pub fn route<'a, D: Directory, H: Host<D::Dialog>>(
    context: &Context<'_, D, H>,
    request: &Request<'a>,
    want_lock: bool,
    scratch: &mut Scratch<'a>,
    verdict: &mut Verdict<'a, D::Dialog>,
) -> Result<(), NoVerdict> {
    match routed(context, request, want_lock, scratch, verdict) {
        Ok(None) => Ok(()),
        Ok(Some(other)) => {
            *verdict = other;
            Ok(())
        }
        Err(none) => Err(none),
    }
}

/// Fills in the verdict on a REFER that goes somewhere, or answers with another one.
fn routed<'a, D: Directory, H: Host<D::Dialog>>(
    context: &Context<'_, D, H>,
    request: &Request<'a>,
    want_lock: bool,
    scratch: &mut Scratch<'a>,
    verdict: &mut Verdict<'a, D::Dialog>,
) -> Step<'a, D::Dialog> {
    if request.message.method() != Some(b"REFER") {
        return Ok(Some(Verdict::none("the request is no REFER")));
    }
    let settings = context.settings(request);
    if let Some(error) = request.message.contradiction() {
        return unreadable(settings, error, scratch).map(Some);
    }
    match refer::wish(context, request, settings, scratch) {
        Ok(Ok(ref wish)) => wished(context, request, wish, want_lock, scratch, verdict),
        Ok(Err(refused)) => Ok(Some(refused)),
        Err(none) => Err(none),
    }
}

/// The same for one that is well formed and whose sender may send it.
fn wished<'a, D: Directory, H: Host<D::Dialog>>(
    context: &Context<'_, D, H>,
    request: &Request<'a>,
    wish: &Wish<'a>,
    want_lock: bool,
    scratch: &mut Scratch<'a>,
    verdict: &mut Verdict<'a, D::Dialog>,
) -> Step<'a, D::Dialog> {
    let settings = context.settings(request);
    let passes = settings.refer_mode == Mode::Pass;
    // What the other leg can contact is for the other leg to say.
    let target = match refer::target(wish, settings, scratch) {
        Ok(Ok(target)) => target,
        Ok(Err(_)) if passes => Target::Sip,
        Ok(Err(refused)) => return Ok(Some(refused)),
        Err(none) => return Err(none),
    };
    let (kind, method) = match refer::method(wish, settings, scratch) {
        Ok(Ok(asked)) => asked,
        Ok(Err(refused)) => return Ok(Some(refused)),
        Err(none) => return Err(none),
    };
    let asked = Asked { context, request, settings, wish, nested: None, method, want_lock };
    if method != b"REFER" {
        return asked.route(kind, target, scratch, verdict);
    }
    match refer::nested(wish, settings, scratch) {
        Ok(Ok(ref nested)) => {
            Asked { nested: Some(nested), ..asked }.route(kind, target, scratch, verdict)
        }
        Ok(Err(refused)) => Ok(Some(refused)),
        Err(none) => Err(none),
    }
}

struct Asked<'c, 'a, D: Directory, H: Host<D::Dialog>> {
    context: &'c Context<'c, D, H>,
    request: &'c Request<'a>,
    settings: &'c Settings,
    wish: &'c Wish<'a>,
    /// What a REFER is to carry that is asked for.
    nested: Option<&'c Nested<'a>>,
    method: &'a [u8],
    want_lock: bool,
}

/// Where the dialog of an attended transfer is.
enum There {
    Here(Permission),
    /// On another node of the cluster.
    Node(Arc<Remote>, Ground),
    Elsewhere,
}

/// That, or the refusal.
type Attended<'a, D> = Result<There, Verdict<'a, D>>;

type Ruled<'a, D> = Result<Verdict<'a, D>, NoVerdict>;

/// `None` where the verdict that was begun holds so far, else another one in its place. Matched whole:
/// a `?` first would move the room for a verdict.
type Step<'a, D> = Result<Option<Verdict<'a, D>>, NoVerdict>;

impl<'a, D: Directory, H: Host<D::Dialog>> Asked<'_, 'a, D, H> {
    fn route(
        &self,
        kind: Kind,
        target: Target<'a>,
        scratch: &mut Scratch<'a>,
        verdict: &mut Verdict<'a, D::Dialog>,
    ) -> Step<'a, D::Dialog> {
        let mut matched = None;
        let mut permission = None;
        let mut node = None;
        let kind = match (kind, &self.wish.replaces) {
            (Kind::OtherMethod, Some(_)) => {
                let wire = &[Text("Replaces belongs in an INVITE only")];
                return self.refuse(400, Some(Rule::R003), wire, &[], scratch).map(Some);
            }
            (Kind::OtherMethod, None) => Kind::OtherMethod,
            (_, None) => Kind::Blind,
            (_, Some(named)) => match self.attended(named, &mut matched, scratch) {
                Ok(Ok(There::Here(found))) => {
                    permission = Some(found);
                    Kind::LocalAttended
                }
                Ok(Ok(There::Node(remote, ground))) => {
                    node = Some((remote, ground));
                    Kind::RemoteNode
                }
                Ok(Ok(There::Elsewhere)) => Kind::RemoteAttended,
                Ok(Err(refused)) => return Ok(Some(refused)),
                Err(none) => return Err(none),
            },
        };
        if self.settings.refer_mode == Mode::Pass {
            return self.pass(scratch).map(Some);
        }
        verdict.kind = kind;
        verdict.code = self.settings.refer_accept_code;
        verdict.method = self.method;
        verdict.target = match &node {
            // The host that Refer-To names may be anything, as a balancer in front of the nodes.
            Some((remote, _)) => scratch.copy(&remote.uri)?,
            None => self.wish.refer_to.target(scratch)?,
        };
        // What leaves this PBX without its dialplan, or by it.
        if matches!(kind, Kind::RemoteAttended | Kind::OtherMethod) {
            match self.out_of_reach(scratch) {
                Ok(None) => {}
                other => return other,
            }
        }
        match self.request_headers(verdict, scratch) {
            Ok(None) => {}
            other => return other,
        }
        if let (Some((remote, ground)), Some(named)) = (&node, &self.wish.replaces) {
            elsewhere::tell(verdict, remote, *ground, named, scratch)?;
        }
        if matches!(kind, Kind::Blind | Kind::RemoteAttended | Kind::RemoteNode) {
            match self.dialplan(verdict, &target, scratch) {
                Ok(None) => {}
                other => return other,
            }
        }
        match self.approval(verdict, scratch) {
            Ok(None) => {}
            other => return other,
        }
        if let (Some(permission), Some(named)) = (permission, &self.wish.replaces) {
            if let Some(matched) = &mut matched {
                if self.want_lock {
                    match lock(matched, named, self.settings, scratch) {
                        Ok(None) => {}
                        other => return other,
                    }
                }
                note_match(verdict, named, permission);
                verdict.old_dialog = match (matched.state, matched.initiator) {
                    _ if permission.retrieves => OldDialog::Nothing,
                    (State::Early, Initiator::Local) => OldDialog::Cancel,
                    (State::Early, Initiator::Remote) => OldDialog::Reject,
                    _ => OldDialog::Bye,
                };
            }
            verdict.dialog = matched;
        }
        self.explain(verdict);
        Ok(None)
    }

    /// The REFER goes on to the other leg of its call, which answers it. What it names here was judged as
    /// if it ended here: a REFER that goes through gives nobody more than one that does not.
    fn pass(&self, scratch: &mut Scratch<'a>) -> Ruled<'a, D::Dialog> {
        let mut verdict = Verdict::new(Kind::Pass, 0);
        verdict.method = self.method;
        verdict.target = self.wish.refer_to.target(scratch)?;
        if let Some(refused) = self.out_of_reach(scratch)? {
            return Ok(refused);
        }
        if let Some(named) = &self.wish.replaces {
            verdict.replaces = scratch.write_with(|out| named.print(out))?;
        }
        if let Some(referred_by) = &self.wish.referred_by {
            verdict.referred_by = referred_by.header.compacted(scratch)?;
        }
        if let Some(refused) = self.approval(&mut verdict, scratch)? {
            return Ok(refused);
        }
        verdict.subscription = false;
        self.tell(&mut verdict);
        let mut verdict = verdict.because(Rule::R019).by_setting("refer.mode");
        verdict.why = b"the REFER is passed on to the other leg of the call, which answers it";
        Ok(verdict)
    }

    /// What a verdict tells of where the REFER came from and who is named by it.
    fn tell(&self, verdict: &mut Verdict<'a, D::Dialog>) {
        verdict.in_call = !matches!(self.wish.place, Place::Outside);
        match self.wish.place {
            Place::Inside => {}
            Place::Beside(value, _) => {
                verdict.target_dialog = value;
                verdict.rules.push(Rule::R059);
            }
            Place::Outside => verdict.rules.push(Rule::R098),
        }
        verdict.referrer = Referral::known(self.wish.referred_by.as_ref());
        verdict.token = self.wish.referred_by.as_ref().map_or(&[][..], |it| it.token);
        match verdict.referrer {
            Referrer::None => {}
            Referrer::Unverified => verdict.rules.push(Rule::R056),
            Referrer::Verified => verdict.rules.push(Rule::R052),
        }
    }

    /// Whether the sender's device is one with this quirk.
    fn has_quirk(&self, quirk: Quirks) -> bool {
        self.context.profile(self.request).habits.refer_to.have(quirk)
    }

    fn refuse(
        &self,
        code: u16,
        rule: Option<Rule>,
        wire: &[super::sentence::Piece<'_>],
        why: &[super::sentence::Piece<'_>],
        scratch: &mut Scratch<'a>,
    ) -> Ruled<'a, D::Dialog> {
        Ok(Refusal { code, rule, wire, why }.verdict(self.settings, scratch)?)
    }

    fn host_failed(
        &self,
        callback: &'static str,
        scratch: &mut Scratch<'a>,
    ) -> Ruled<'a, D::Dialog> {
        host_failed(callback, self.settings, scratch)
    }

    /// Is the dialog that Refer-To names here? Then both calls are, and no INVITE with Replaces is
    /// needed; an early dialog that the transferor began (a semi-attended transfer) can be taken
    /// over inside, which R016 forbids to an INVITE only. It is put into `place`.
    fn attended(
        &self,
        named: &crate::sip::Replaces<'a>,
        place: &mut Option<Matched<D::Dialog>>,
        scratch: &mut Scratch<'a>,
    ) -> Result<Attended<'a, D::Dialog>, NoVerdict> {
        let dialog = match self.context.find(named, self.request, None, scratch) {
            Match::Found(dialog) => dialog,
            Match::None(false) => return self.elsewhere(named, scratch),
            Match::Pending => {
                refer::uncount(self.context, self.request, self.settings);
                return Ok(Err(unmatched(Match::Pending, named, self.settings, scratch)?));
            }
            other => return Ok(Err(unmatched(other, named, self.settings, scratch)?)),
        };
        let found = dialog.facts().key;
        let is_own = match self.wish.place {
            Place::Beside(_, call) => call.matches(&found),
            _ => self.request.came_in(&found),
        };
        if is_own {
            let wire = &[Text("Replaces names the dialog that the REFER came in")];
            return Ok(Err(self.refuse(400, Some(Rule::R029), wire, &[], scratch)?));
        }
        let authority = Authority {
            request: self.request,
            settings: self.settings,
            referred_by: self.wish.referred_by.as_ref(),
        };
        match judge(self.context, &authority, dialog, named, place, scratch) {
            Ok(Ok(permission)) => Ok(Ok(There::Here(permission))),
            Ok(Err(refused)) => Ok(Err(refused)),
            Err(none) => Err(none),
        }
    }

    /// A dialog that is not here: on another node, or nobody knows where. What is passed on is not for
    /// this side to look for.
    fn elsewhere(
        &self,
        named: &crate::sip::Replaces<'a>,
        scratch: &mut Scratch<'a>,
    ) -> Result<Attended<'a, D::Dialog>, NoVerdict> {
        if self.settings.refer_mode == Mode::Pass {
            return Ok(Ok(There::Elsewhere));
        }
        let authority = Authority {
            request: self.request,
            settings: self.settings,
            referred_by: self.wish.referred_by.as_ref(),
        };
        match elsewhere::find(self.context, &authority, named, scratch)? {
            Found::Nowhere => Ok(Ok(There::Elsewhere)),
            Found::At(remote, ground) => Ok(Ok(There::Node(remote, ground))),
            Found::Verdict(mut verdict) => {
                if verdict.kind == Kind::Pending {
                    refer::uncount(self.context, self.request, self.settings);
                    // What the answer to the REFER goes by, where it is answered before the lookup is.
                    verdict.replaces = scratch.write_with(|out| named.print(out))?;
                    self.subscribes(&mut verdict);
                    self.tell(&mut verdict);
                }
                Ok(Err(verdict))
            }
        }
    }

    fn subscribes(&self, verdict: &mut Verdict<'a, D::Dialog>) {
        verdict.subscription = self.wish.subscription == Subscription::Implicit;
        verdict.nosub = self.wish.subscription == Subscription::NoSub;
        verdict.explicitsub = self.wish.subscription == Subscription::Explicit;
    }

    /// The guard against toll fraud, for a call that leaves this PBX.
    fn out_of_reach(
        &self,
        scratch: &mut Scratch<'a>,
    ) -> Result<Option<Verdict<'a, D::Dialog>>, NoVerdict> {
        let uri = &self.wish.refer_to.uri;
        let (setting, said) = match reach(uri, self.settings) {
            Reach::Allowed => return Ok(None),
            Reach::Denied => ("remote.deny_domains", " is in remote.deny_domains"),
            Reach::NotListed => ("remote.allow_domains", " is not in remote.allow_domains"),
            Reach::Unclear => ("remote.allow_domains", " does not tell clearly which host it is"),
            Reach::Insecure => ("remote.require_tls", " would not be reached over TLS"),
        };
        let rule = (setting == "remote.require_tls").then_some(Rule::R024);
        let wire = &[Text("transfers to this target are not allowed")];
        let why = &[Text("the target "), Said(uri.raw), Text(said)];
        Ok(Some(self.refuse(403, rule, wire, why, scratch)?.by_setting(setting)))
    }

    /// The header lines of the triggered request, and the variables that tell the dialplan of them.
    fn request_headers(
        &self,
        verdict: &mut Verdict<'a, D::Dialog>,
        scratch: &mut Scratch<'a>,
    ) -> Result<Option<Verdict<'a, D::Dialog>>, NoVerdict> {
        let wish = &self.wish;
        if let Some(referred_by) = &wish.referred_by {
            verdict.referred_by = referred_by.header.compacted(scratch)?;
        }
        let replaces = wish.replaces.as_ref();
        if let Some(named) = replaces {
            verdict.replaces = scratch.write_with(|out| named.print(out))?;
        }
        let taken = match take_over(
            &wish.refer_to,
            verdict.replaces,
            // R085: who is asked for by an AOR must know Replaces, whichever device answers.
            replaces.is_some() && self.has_quirk(Quirks::TARGET_IS_AOR),
            self.nested,
            verdict.referred_by,
            self.settings,
            scratch,
        ) {
            Ok(taken) => taken,
            Err(UnescapeError::OutOfScratch) => return Err(NoVerdict),
            Err(UnescapeError::Parse(error)) => {
                let header = wish.header;
                let name = "headers in Refer-To";
                return Ok(Some(malformed(self.settings, scratch, name, header, error)?));
            }
        };
        verdict.headers = taken.lines;
        verdict.dropped = taken.dropped;
        if !taken.dropped.is_empty() {
            verdict.rules.push(Rule::R090);
            // There may be thousands: the log shows the first of them.
            let names = Said(taken.dropped);
            let said = Text("headers of the Refer-To URI were dropped: ");
            let text = scratch.sentence(&[said, names])?;
            self.context.log(Level::Warning, self.request, text, scratch);
        }
        if let Some(rule) = taken.forbidden {
            verdict.rules.push(rule);
        }
        if wish.refer_to.replaces_in_param {
            let text = "the Refer-To URI carries Replaces as a parameter instead of a header";
            self.context.log(Level::Warning, self.request, text.as_bytes(), scratch);
        }
        Ok(None)
    }

    /// Context, extension and variables of a transfer that goes through the dialplan.
    fn dialplan(
        &self,
        verdict: &mut Verdict<'a, D::Dialog>,
        target: &Target<'a>,
        scratch: &mut Scratch<'a>,
    ) -> Result<Option<Verdict<'a, D::Dialog>>, NoVerdict> {
        let Ok(own) = self.context.host.transfer_context(scratch) else {
            return self.host_failed("transfer_context", scratch).map(Some);
        };
        verdict.context = match own.filter(|own| !own.is_empty()) {
            Some(own) => own,
            None if !self.settings.transfer_context.is_empty() => {
                scratch.copy(self.settings.transfer_context.as_bytes())?
            }
            None if !self.request.sender.context.is_empty() => self.request.sender.context,
            None => scratch.copy(self.settings.context.as_bytes())?,
        };
        let remote = matches!(verdict.kind, Kind::RemoteAttended | Kind::RemoteNode);
        verdict.extension = match target {
            _ if remote => scratch.copy(self.settings.remote_extension.as_bytes())?,
            Target::Tel(digits) => digits,
            Target::Sip => {
                let uri = &self.wish.refer_to.uri;
                let is_number = uri.user.is_none() && uri.host.iter().all(u8::is_ascii_digit);
                match is_number && self.has_quirk(Quirks::NUMBER_AS_HOST) {
                    true => uri.host,
                    false => uri.user_without_options().unwrap_or_default(),
                }
            }
        };
        if verdict.extension.is_empty() {
            verdict.extension = b"s";
        }
        verdict.extension = match crate::sip::unescape(verdict.extension, scratch) {
            Ok(extension) => extension,
            Err(UnescapeError::OutOfScratch) => return Err(NoVerdict),
            Err(UnescapeError::Parse(error)) => {
                let header = self.wish.header;
                return Ok(Some(malformed(self.settings, scratch, "Refer-To", header, error)?));
            }
        };
        match self.context.host.extension_exists(verdict.context, verdict.extension) {
            Answer::Yes => {}
            Answer::Failed => return self.host_failed("extension_exists", scratch).map(Some),
            Answer::No => {
                let (extension, context) = (Said(verdict.extension), Said(verdict.context));
                let wire: &[_] = if remote {
                    &[Text("attended transfers to other systems are not set up here")]
                } else {
                    &[Text("no such extension")]
                };
                let why = &[Text("no extension "), extension, Text(" in context "), context];
                let refused = self.refuse(404, Some(Rule::R032), wire, why, scratch)?;
                return Ok(Some(if remote {
                    refused.by_setting("remote.extension")
                } else {
                    refused
                }));
            }
        }
        verdict.variables.push("SIPTRANSFER", b"yes");
        verdict.variables.push("SIPREFERRINGCONTEXT", verdict.context);
        verdict.variables.push("SIPREFERTOHDR", verdict.target);
        if !verdict.replaces.is_empty() {
            verdict.variables.push("SIPREPLACESHDR", verdict.replaces);
        }
        if !verdict.referred_by.is_empty() {
            verdict.variables.push("SIPREFERREDBYHDR", verdict.referred_by);
        }
        if !verdict.node.is_empty() {
            verdict.variables.push("SIPTRANSFERNODE", verdict.node);
        }
        Ok(None)
    }

    /// R030: asked last, once it is known what would be done, and before anything is.
    fn approval(
        &self,
        verdict: &mut Verdict<'a, D::Dialog>,
        scratch: &mut Scratch<'a>,
    ) -> Result<Option<Verdict<'a, D::Dialog>>, NoVerdict> {
        match self.context.host.approve(verdict.kind, verdict.target) {
            Approval::Yes => {}
            Approval::Later => {
                verdict.approval_pending = true;
                verdict.rules.push(Rule::R033);
            }
            Approval::No => {
                let wire = &[Text("the transfer was declined")];
                let why = &[Text("the host did not approve a transfer to "), Said(verdict.target)];
                return self.refuse(603, Some(Rule::R030), wire, why, scratch).map(Some);
            }
            Approval::Failed => return self.host_failed("approve", scratch).map(Some),
        }
        self.subscribes(verdict);
        verdict.transfer_depth = self.request.sender.transfer_depth.saturating_add(1);
        Ok(None)
    }

    fn explain(&self, verdict: &mut Verdict<'a, D::Dialog>) {
        self.tell(verdict);
        let (rules, why): (&[Rule], &str) = match verdict.kind {
            Kind::LocalAttended => (
                &[],
                "both calls of the transferor are here and the other two parties are connected",
            ),
            Kind::RemoteAttended => (
                &[Rule::R006, Rule::R018],
                "the dialog in Refer-To is not here; the call goes to the extension for remote attended transfers",
            ),
            Kind::RemoteNode => (
                &[Rule::R006, Rule::R018],
                "the dialog in Refer-To is on another node; the call goes there, by the extension for remote attended transfers",
            ),
            Kind::OtherMethod => (&[Rule::R035], "Refer-To asks for another method, which the settings allow"),
            _ if verdict.extension == b"s" && self.wish.refer_to.uri.user.is_none() => {
                (&[Rule::R095], "a blind transfer to a target without a user part, by extension s")
            }
            _ => (&[Rule::R095], "a blind transfer to an extension that exists"),
        };
        rules.iter().for_each(|rule| verdict.rules.push(*rule));
        verdict.rules.push(match self.wish.subscription {
            Subscription::Implicit => Rule::R034,
            Subscription::ReferSubFalse => Rule::R063,
            Subscription::NoSub => Rule::R072,
            Subscription::Explicit => Rule::R071,
        });
        if matches!(self.wish.subscription, Subscription::NoSub | Subscription::Explicit) {
            // RFC 7614 knows 200 only: who asks for it is newer than 202.
            verdict.code = 200;
        }
        verdict.why = why.as_bytes();
    }
}
