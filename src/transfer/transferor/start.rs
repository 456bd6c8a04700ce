//! What a transfer starts from, and the header lines of its REFER.

use super::{Command, Output, Outputs, Phase, Sent, Transferor, NEVER, T1_MS};
use crate::dialog::{Initiator, State};
use crate::rule::Rule;
use crate::sip::{
    option_tags, Message, Name, NameAddr, ParseError, ReferTo, ReferredBy, Replaces, TargetDialog,
    Uri, Writer,
};

/// Where the transferee is to be sent.
#[derive(Clone, Copy, Debug)]
pub enum Transfer<'t> {
    /// To a URI without headers.
    Blind {
        /// The URI.
        target: &'t [u8],
    },
    /// To a URI without headers, after the consultation call with it was ended.
    ConsultationHold {
        /// The URI.
        target: &'t [u8],
    },
    /// To the other end of a consultation call, which the transferee's call replaces.
    Attended(Attended<'t>),
}

/// The consultation call of an attended transfer.
#[derive(Clone, Copy, Debug)]
pub struct Attended<'t> {
    /// The target's Contact.
    pub contact: Option<&'t [u8]>,
    /// Whether the transferee can reach that Contact: it is a GRUU, or a public address.
    pub contact_reachable: bool,
    /// The target's address of record.
    pub aor: Option<&'t [u8]>,
    /// The consultation dialog as the TARGET sees it: the to-tag is the target's (R001).
    pub replaces: Replaces<'t>,
    /// How far that dialog has come.
    pub state: State,
    /// Who began it, as seen from here: `Remote` is the target.
    pub initiator: Initiator,
    /// Whether the target lists `replaces` in its Supported.
    pub target_replaces: bool,
}

/// What the transferee is known to support.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Peer {
    /// `replaces` (RFC 3891).
    pub replaces: bool,
    /// `norefersub` (RFC 4488).
    pub norefersub: bool,
    /// `tdialog` (RFC 4538).
    pub tdialog: bool,
    /// Its Contact is a GRUU (RFC 5627).
    pub contact_is_gruu: bool,
}

impl Peer {
    /// Reads Supported and Contact of the last INVITE, or 2xx to one, that came from the peer.
    pub fn of(message: &Message<'_>) -> Peer {
        let supports = |tag: &[u8]| option_tags::contains(message, Name::Supported, tag);
        let is_gruu = |raw| {
            let address = NameAddr::parse(raw, Rule::R068).ok()?;
            Uri::parse(address.uri).ok()?.param(b"gr")
        };
        Peer {
            replaces: supports(b"replaces"),
            norefersub: supports(b"norefersub"),
            tdialog: supports(b"tdialog"),
            contact_is_gruu: message
                .first(Name::Contact)
                .is_some_and(|contact| is_gruu(contact.raw).is_some()),
        }
    }
}

/// How a transfer is to be done.
#[derive(Clone, Copy, Debug)]
pub struct Options<'t> {
    /// What the transferee supports.
    pub peer: Peer,
    /// Whether this side supports Replaces, and so may say so (R023).
    pub supports_replaces: bool,
    /// Value of Referred-By, or empty.
    pub referred_by: &'t [u8],
    /// Whether progress and outcome are wanted. Without, a peer that knows norefersub is asked for
    /// no subscription (R063), and the outcome is then unknown.
    pub subscribe: bool,
    /// The call with the transferee as the TRANSFEREE sees it, for a REFER outside its dialog.
    pub target_dialog: Option<TargetDialog<'t>>,
    /// Hang up as soon as the REFER was accepted (R084) rather than at the outcome. There is no
    /// second try then, and nothing to take back.
    pub bye_after_accept: bool,
    /// T1 of RFC 3261 section 17.1.1.1, in milliseconds.
    pub t1_ms: u32,
    /// How long a subscription lasts whose NOTIFY does not say so.
    pub fallback_expires_s: u32,
    /// No attempt is waited for longer than this, however often and for how long the peer renews
    /// its subscription.
    pub longest_wait_s: u32,
}

impl Default for Options<'_> {
    fn default() -> Self {
        Options {
            peer: Peer::default(),
            supports_replaces: true,
            referred_by: b"",
            subscribe: true,
            target_dialog: None,
            bye_after_accept: false,
            t1_ms: T1_MS,
            // Longer than the three minutes for which a proxy lets a phone ring (RFC 3261 section
            // 16.6, Timer C).
            fallback_expires_s: 300,
            longest_wait_s: 3600,
        }
    }
}

/// Whether the target can be told to replace the consultation dialog. Not while it is early and
/// this side began it: the target would answer 481 (R016, R017). Both others must know Replaces,
/// the target to be replaced and the transferee to ask for it (R088).
fn may_replace(attended: &Attended<'_>, peer: &Peer) -> bool {
    let right_state = match attended.state {
        State::Confirmed => true,
        State::Early => attended.initiator == Initiator::Remote,
        State::Terminated => false,
    };
    right_state && attended.target_replaces && peer.replaces
}

fn owned(print: impl Fn(&mut Writer<'_>)) -> Box<[u8]> {
    let mut count = Writer::new(&mut []);
    print(&mut count);
    let mut bytes = vec![0; count.needed()];
    print(&mut Writer::new(&mut bytes));
    bytes.into()
}

/// A URI that can stand in Refer-To, with headers where it is to have some.
fn checked(uri: &[u8], replaces: Option<&Replaces<'_>>) -> Result<Box<[u8]>, ParseError> {
    ReferTo::build(&mut Writer::new(&mut []), uri, replaces, false)?;
    Ok(uri.into())
}

impl Transferor {
    /// Starts a transfer. An error says which value cannot stand in a REFER, and nothing has begun.
    ///
    /// What is done first is in the outputs: a REFER, or the end of the consultation call (R087,
    /// R088).
    pub fn start(
        now_ms: u64,
        transfer: &Transfer<'_>,
        options: &Options<'_>,
    ) -> Result<(Transferor, Outputs<'static>), ParseError> {
        let referred_by = match options.referred_by {
            [] => None,
            value => {
                let value = ReferredBy::parse(value)?;
                Some(owned(|out| value.print(out)))
            }
        };
        let peer = &options.peer;
        // R057: only a peer that advertises tdialog can make use of Target-Dialog; with any other
        // the REFER stays in the dialog, or it would be a stranger's.
        let target_dialog = options
            .target_dialog
            .as_ref()
            .filter(|_| peer.tdialog && peer.contact_is_gruu)
            .map(|dialog| owned(|out| dialog.print(out)));
        if let Some(value) = &target_dialog {
            TargetDialog::parse(value)?;
        }
        let mut transferor = Transferor {
            contact: None,
            aor: None,
            replaces: None,
            referred_by,
            target_dialog,
            now_ms,
            deadline_ms: NEVER,
            limit_ms: NEVER,
            t1_ms: options.t1_ms,
            fallback_expires_s: options.fallback_expires_s,
            longest_wait_s: options.longest_wait_s,
            current: Sent::default(),
            previous: None,
            last_code: 0,
            phase: Phase::Dropping,
            uses_contact: false,
            supports_replaces: options.supports_replaces,
            without_subscription: !options.subscribe && peer.norefersub,
            bye_after_accept: options.bye_after_accept,
            retried: false,
            accepted: false,
            call_ended: false,
            consultation_rings: false,
        };
        let mut drop_first = false;
        match transfer {
            Transfer::Blind { target } => transferor.aor = Some(checked(target, None)?),
            Transfer::ConsultationHold { target } => {
                transferor.aor = Some(checked(target, None)?);
                drop_first = true;
            }
            Transfer::Attended(attended) => {
                let with = may_replace(attended, peer).then_some(&attended.replaces);
                let checked = |uri| checked(uri, with);
                transferor.contact = attended.contact.map(checked).transpose()?;
                transferor.aor = attended.aor.map(checked).transpose()?;
                if let Some(replaces) = with {
                    let value = owned(|out| replaces.print(out));
                    Replaces::parse(&value)?;
                    transferor.replaces = Some(value);
                    // R085
                    transferor.uses_contact = attended.contact_reachable;
                } else {
                    // An ended consultation call needs no end.
                    drop_first = attended.state != State::Terminated;
                    transferor.consultation_rings = attended.state == State::Early;
                }
                // A blind transfer goes where the user would have called: to the AOR.
                transferor.uses_contact &= transferor.contact.is_some();
                transferor.uses_contact |= transferor.aor.is_none();
                if transferor.contact.is_none() && transferor.aor.is_none() {
                    let what = "expected a Contact or an address of record of the target";
                    return Err(ParseError::new(what, 0, Rule::R085));
                }
            }
        }
        let first = if drop_first {
            transferor.deadline_ms = transferor.in_64_t1();
            Output::Command(Command::DropConsultation)
        } else {
            transferor.send_refer()
        };
        Ok((transferor, [Some(first), None].into_iter().flatten()))
    }

    /// Prints the header lines that make the REFER this transfer, each ended by CRLF: Refer-To,
    /// Referred-By, Refer-Sub, Supported and Target-Dialog. The host adds the others, among them
    /// exactly one Contact (R028). There is no Require: peers refuse what they do not know.
    pub fn print_headers(&self, out: &mut Writer<'_>) {
        let replaces = self.replaces.as_deref().and_then(|value| Replaces::parse(value).ok());
        // R085: the AOR may lead to another device, which must then not ring on its own account.
        let require = replaces.is_some() && !self.uses_contact;
        out.push(b"Refer-To: ");
        // It was built once when the transfer began.
        let _ = ReferTo::build(out, self.target(), replaces.as_ref(), require);
        out.push(b"\r\n");
        let mut line = |name: &[u8], value: &[u8]| {
            out.push(name);
            out.push(value);
            out.push(b"\r\n");
        };
        if let Some(value) = &self.referred_by {
            line(b"Referred-By: ", value);
        }
        if self.without_subscription {
            line(b"Refer-Sub: ", b"false");
        }
        if let Some(value) = &self.target_dialog {
            line(b"Target-Dialog: ", value);
        }
        let tags: [(bool, &[u8]); 3] = [
            (self.supports_replaces, b"replaces"),
            (self.without_subscription, b"norefersub"),
            (self.target_dialog.is_some(), b"tdialog"),
        ];
        let mut before: &[u8] = b"Supported: ";
        for (_, tag) in tags.iter().filter(|(listed, _)| *listed) {
            out.push(before);
            out.push(tag);
            before = b", ";
        }
        if before == b", " {
            out.push(b"\r\n");
        }
    }

    /// Where Refer-To points now, without the headers of that URI.
    pub fn target(&self) -> &[u8] {
        let uri = if self.uses_contact { &self.contact } else { &self.aor };
        uri.as_deref().unwrap_or_default()
    }
}
