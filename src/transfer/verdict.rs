//! What a verdict is made of.

use super::sentence::{quote_into, Piece, Sentence};
use crate::config::{Ground, Settings};
use crate::dialog::{DialogRef, Initiator, State};
use crate::rule::Rule;
use crate::sip::{OutOfScratch, ParseError, Scratch, Value};

/// The most rules that a verdict names.
pub const MAX_RULES: usize = 16;

/// What is to be done with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// No Replaces that applies: go on as with any other INVITE.
    None,
    /// Accept in the place of the dialog.
    Accept,
    /// Answer with the code.
    Reject,
    /// Challenge the sender.
    Challenge,
    /// Send the other party to an extension.
    Blind,
    /// Connect the other parties of two calls that are both here.
    LocalAttended,
    /// Send the other party to external_replaces.
    RemoteAttended,
    /// Another method than INVITE is asked for.
    OtherMethod,
    /// Pass the REFER on to the other leg of the call.
    Pass,
    /// Not known yet.
    Pending,
    /// Accept and mix with the dialog's call (RFC 3911).
    Join,
    /// Received before: what was answered is answered again.
    Again,
    /// Send the call to the node of the cluster that has the dialog.
    RemoteNode,
}

impl Kind {
    /// Its name in events and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Kind::None => "none",
            Kind::Accept => "accept",
            Kind::Reject => "reject",
            Kind::Challenge => "challenge",
            Kind::Blind => "blind",
            Kind::LocalAttended => "local_attended",
            Kind::RemoteAttended => "remote_attended",
            Kind::OtherMethod => "other_method",
            Kind::Pass => "pass",
            Kind::Pending => "pending",
            Kind::Join => "join",
            Kind::Again => "again",
            Kind::RemoteNode => "remote_node",
        }
    }
}

/// What is known of a Referred-By (RFC 3892).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Referrer {
    /// There is none.
    None,
    /// There is one, which anybody could have written.
    Unverified,
    /// There is one, and the host holds its token to be valid.
    Verified,
}

/// What is to happen to the dialog that is replaced, once the new call stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OldDialog {
    /// Nothing.
    Nothing,
    /// BYE (R014).
    Bye,
    /// CANCEL (R015).
    Cancel,
    /// A final response to its INVITE: it is early and the peer began it.
    Reject,
}

/// A dialog that a verdict is about.
#[derive(Debug)]
pub struct Matched<D: DialogRef> {
    /// The dialog, pinned as long as this is kept.
    pub dialog: D,
    /// Its state, as its lock reported it where it was locked.
    pub state: State,
    /// Who began it.
    pub initiator: Initiator,
    /// Whether its lock is held; dropping this undoes it.
    pub locked: bool,
}

/// Rules in the order in which they were met, each once.
#[derive(Clone, Copy, Default)]
pub struct Rules {
    rules: [Option<Rule>; MAX_RULES],
    len: usize,
}

impl Rules {
    /// Adds a rule; beyond [`MAX_RULES`] none is.
    pub fn push(&mut self, rule: Rule) {
        if self.iter().any(|it| it == rule) {
            return;
        }
        if let Some(place) = self.rules.get_mut(self.len) {
            *place = Some(rule);
            self.len += 1;
        }
    }

    /// The rules.
    pub fn iter(&self) -> impl Iterator<Item = Rule> + '_ {
        self.rules.get(..self.len).unwrap_or_default().iter().flatten().copied()
    }
}

impl core::fmt::Debug for Rules {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// Channel variables for the dialplan, by Asterisk's names.
#[derive(Clone, Copy, Debug, Default)]
pub struct Variables<'a> {
    variables: [(&'static str, &'a [u8]); Variables::MOST],
    len: usize,
}

impl<'a> Variables<'a> {
    /// How many there can be.
    pub const MOST: usize = 6;

    pub(super) fn push(&mut self, name: &'static str, value: &'a [u8]) {
        if let Some(place) = self.variables.get_mut(self.len) {
            *place = (name, value);
            self.len += 1;
        }
    }

    /// Names and values.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&'static str, &'a [u8])> + '_ {
        self.variables.get(..self.len).unwrap_or_default().iter().copied()
    }
}

/// What was decided about a request, and why.
#[derive(Debug)]
pub struct Verdict<'a, D: DialogRef> {
    /// What is to be done.
    pub kind: Kind,
    /// The status to answer with, or 0.
    pub code: u16,
    /// Value of a Warning header, or empty.
    pub warning: &'a [u8],
    /// Value of an Unsupported header, or empty.
    pub unsupported: &'a [u8],
    /// The dialog that a Replaces names.
    pub dialog: Option<Matched<D>>,
    /// What is to happen to it.
    pub old_dialog: OldDialog,
    /// Whether only an early dialog may be replaced.
    pub early_only: bool,
    /// On what ground the sender may replace it.
    pub ground: Option<Ground>,
    /// Dialplan context.
    pub context: &'a [u8],
    /// Extension.
    pub extension: &'a [u8],
    /// Request-URI of the triggered request.
    pub target: &'a [u8],
    /// Its method.
    pub method: &'a [u8],
    /// Value of its Replaces header, or empty.
    pub replaces: &'a [u8],
    /// Value of its Referred-By header, or empty.
    pub referred_by: &'a [u8],
    /// All header lines that it carries.
    pub headers: &'a [u8],
    /// Names of headers of the Refer-To URI that were dropped.
    pub dropped: &'a [u8],
    /// Channel variables.
    pub variables: Variables<'a>,
    /// Whether accepting creates a subscription (R034).
    pub subscription: bool,
    /// Whether the host has not approved yet (R033).
    pub approval_pending: bool,
    /// The depth of the call that this transfer makes.
    pub transfer_depth: u32,
    /// Seconds for Retry-After, or 0.
    pub retry_after_s: u32,
    /// The rules that led here.
    pub rules: Rules,
    /// What did not parse, with its offset in the message.
    pub error: Option<ParseError>,
    /// The setting that decided, or empty.
    pub setting: &'static str,
    /// One sentence for an administrator.
    pub why: &'a [u8],
    /// Whether the REFER is about a call with its sender.
    pub in_call: bool,
    /// Whether it asks for no subscription by Require: nosub (RFC 7614).
    pub nosub: bool,
    /// Whether it asks for an explicit subscription (RFC 7614).
    pub explicitsub: bool,
    /// What is known of who is named by Referred-By.
    pub referrer: Referrer,
    /// The body part with the token of the Referred-By, or empty.
    pub token: &'a [u8],
    /// Value of the Target-Dialog that names the call, where the REFER came outside of it; or empty.
    pub target_dialog: &'a [u8],
    /// The lookup elsewhere that is waited for, or 0.
    pub lookup: u64,
    /// The name of the node that has the dialog, or empty.
    pub node: &'a [u8],
}

/// A new one: nothing is to be done.
impl<D: DialogRef> Default for Verdict<'_, D> {
    fn default() -> Self {
        Verdict::new(Kind::None, 0)
    }
}

impl<'a, D: DialogRef> Verdict<'a, D> {
    #[inline]
    pub(super) fn new(kind: Kind, code: u16) -> Self {
        Verdict {
            kind,
            code,
            warning: b"",
            unsupported: b"",
            dialog: None,
            old_dialog: OldDialog::Nothing,
            early_only: false,
            ground: None,
            context: b"",
            extension: b"",
            target: b"",
            method: b"",
            replaces: b"",
            referred_by: b"",
            headers: b"",
            dropped: b"",
            variables: Variables::default(),
            subscription: false,
            approval_pending: false,
            transfer_depth: 0,
            retry_after_s: 0,
            rules: Rules::default(),
            error: None,
            setting: "",
            why: b"",
            in_call: false,
            nosub: false,
            explicitsub: false,
            referrer: Referrer::None,
            token: b"",
            target_dialog: b"",
            lookup: 0,
            node: b"",
        }
    }

    /// Nothing is to be done about Replaces.
    #[cold]
    #[inline(never)]
    pub(super) fn none(why: &'static str) -> Self {
        let mut verdict = Verdict::new(Kind::None, 0);
        verdict.why = why.as_bytes();
        verdict
    }

    /// A REFER that was received before: it is answered again, and nothing else happens.
    pub fn again(code: u16) -> Self {
        let mut verdict = Verdict::new(Kind::None, code);
        verdict.why = b"the REFER was received before and is answered again";
        verdict
    }

    /// An INVITE that was received before, and whose takeover goes its way.
    pub fn invite_again() -> Self {
        let mut verdict = Verdict::new(Kind::Again, 0);
        verdict.why = b"the INVITE was received before and is answered as then";
        verdict
    }

    pub(super) fn because(mut self, rule: Rule) -> Self {
        self.rules.push(rule);
        self
    }

    pub(super) fn by_setting(mut self, setting: &'static str) -> Self {
        self.setting = setting;
        self
    }
}

/// The words of a refusal.
pub(super) struct Refusal<'w> {
    pub code: u16,
    pub rule: Option<Rule>,
    /// For the sender, in a Warning header: nothing that a stranger may not know.
    pub wire: &'w [Piece<'w>],
    /// For the administrator; the same as `wire` where it is empty.
    pub why: &'w [Piece<'w>],
}

impl Refusal<'_> {
    /// Makes the verdict. Never in line: what accepts is to stay close together in memory.
    #[cold]
    #[inline(never)]
    pub(super) fn verdict<'a, D: DialogRef>(
        &self,
        settings: &Settings,
        scratch: &mut Scratch<'a>,
    ) -> Result<Verdict<'a, D>, OutOfScratch> {
        let mut verdict = Verdict::default();
        self.write(settings, scratch, &mut verdict)?;
        Ok(verdict)
    }

    /// The same, written where it is to stay: a verdict is large. It has to be a new one.
    #[cold]
    #[inline(never)]
    pub(super) fn write<'a, D: DialogRef>(
        &self,
        settings: &Settings,
        scratch: &mut Scratch<'a>,
        verdict: &mut Verdict<'a, D>,
    ) -> Result<(), OutOfScratch> {
        verdict.kind = Kind::Reject;
        verdict.code = self.code;
        if let Some(rule) = self.rule {
            verdict.rules.push(rule);
        }
        let wire = scratch.sentence(self.wire)?;
        // RFC 3261 section 20.43: code, agent, quoted text; 399 is for miscellaneous warnings.
        verdict.warning = scratch.write_with(|out| {
            out.push(b"399 ");
            out.push(settings.warning_agent.as_bytes());
            out.push(b" ");
            quote_into(out, wire);
        })?;
        verdict.why = if self.why.is_empty() { wire } else { scratch.sentence(self.why)? };
        Ok(())
    }
}

/// A header that does not parse: 400, with the byte of the message and what was expected there.
#[cold]
#[inline(never)]
pub(super) fn malformed<'a, D: DialogRef>(
    settings: &Settings,
    scratch: &mut Scratch<'a>,
    header: &str,
    value: Value<'_>,
    error: ParseError,
) -> Result<Verdict<'a, D>, OutOfScratch> {
    let error = error.shifted(value.offset);
    let refusal = Refusal {
        code: 400,
        rule: Some(error.rule),
        wire: &[
            Piece::Text(header),
            Piece::Text(": "),
            Piece::Text(error.what),
            Piece::Text(" at byte "),
            Piece::Number(error.offset as u64),
        ],
        why: &[],
    };
    let mut verdict = refusal.verdict(settings, scratch)?;
    verdict.error = Some(error);
    Ok(verdict)
}

impl<D: DialogRef> Drop for Matched<D> {
    fn drop(&mut self) {
        if self.locked {
            self.dialog.unlock();
        }
    }
}
