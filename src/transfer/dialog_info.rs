//! application/dialog-info+xml (RFC 4235): which calls somebody has, so that a phone can show them
//! and pick one up by Replaces.
//!
//! A document describes the dialogs of an entity: a user, or a place of a park lot. A PBX stands
//! between the entity and its peers, so its own leg is written down **as the entity sees it**:
//! `local-tag` is the tag of the entity's phone, `remote-tag` the tag of this side, and the remote
//! target is an address of this PBX. A phone that builds its Replaces as RFC 3891 section 4 has it
//! (to-tag from `remote-tag`, from-tag from `local-tag`, sent to the remote target) thereby names
//! the very dialog that this side has in its table: [`DialogView::of_leg`] does the turning round,
//! [`DialogView::replaces`] is what the phone will send.
//!
//! Texts are escaped, and what XML cannot hold becomes U+FFFD. Nothing asks for memory.

use crate::dialog::{Facts, Initiator, State};
use crate::sip::{Replaces, Writer};

/// The content type of the documents.
pub const CONTENT_TYPE: &str = "application/dialog-info+xml";

/// How far a dialog has come (RFC 4235 section 3.7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The INVITE is on its way.
    Trying,
    /// A provisional answer without a tag came.
    Proceeding,
    /// A provisional answer with a tag came.
    Early,
    /// It was answered.
    Confirmed,
    /// It is over.
    Terminated,
}

impl Progress {
    fn name(self) -> &'static [u8] {
        match self {
            Progress::Trying => b"trying",
            Progress::Proceeding => b"proceeding",
            Progress::Early => b"early",
            Progress::Confirmed => b"confirmed",
            Progress::Terminated => b"terminated",
        }
    }
}

/// Whether the entity called or was called (RFC 4235 section 4.1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// It called.
    Initiator,
    /// It was called.
    Recipient,
}

/// One side of a dialog. What is empty is left out.
#[derive(Clone, Copy, Debug, Default)]
pub struct Participant<'a> {
    /// Its address of record.
    pub identity: &'a [u8],
    /// Its display name, without quotes.
    pub display: &'a [u8],
    /// Where requests to it go.
    pub target: &'a [u8],
}

/// One dialog, as the entity sees it. What is empty is left out.
#[derive(Clone, Copy, Debug)]
pub struct DialogView<'a> {
    /// Tells the dialogs of an entity apart, and is the same in every document.
    pub id: &'a [u8],
    /// Its Call-ID.
    pub call_id: &'a [u8],
    /// The entity's tag.
    pub local_tag: &'a [u8],
    /// The other side's tag.
    pub remote_tag: &'a [u8],
    /// Who called.
    pub direction: Option<Direction>,
    /// How far it has come.
    pub progress: Progress,
    /// The entity.
    pub local: Participant<'a>,
    /// The other side.
    pub remote: Participant<'a>,
}

impl<'a> DialogView<'a> {
    /// A leg of this PBX, seen from the entity at its other end: tags and direction are turned
    /// round.
    pub fn of_leg(
        id: &'a [u8],
        leg: &Facts<'a>,
        local: Participant<'a>,
        remote: Participant<'a>,
    ) -> DialogView<'a> {
        DialogView {
            id,
            call_id: leg.key.call_id,
            local_tag: leg.key.remote_tag,
            remote_tag: leg.key.local_tag,
            direction: Some(match leg.initiator {
                Initiator::Local => Direction::Recipient,
                Initiator::Remote => Direction::Initiator,
            }),
            progress: match leg.state {
                State::Early => Progress::Early,
                State::Confirmed => Progress::Confirmed,
                State::Terminated => Progress::Terminated,
            },
            local,
            remote,
        }
    }

    /// The Replaces by which somebody takes the entity's place in this dialog; `early_only` for a
    /// pickup, which must not tear an answered call from its owner (R097). `None` where the dialog
    /// is not fully known.
    pub fn replaces(&self, early_only: bool) -> Option<Replaces<'a>> {
        Replaces::new(self.call_id, self.remote_tag, self.local_tag, early_only, b"")
    }
}

/// What a document lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coverage {
    /// All dialogs: one that is not listed is over.
    Full,
    /// Those that have changed.
    Partial,
}

/// A document that is being printed.
#[derive(Debug)]
pub struct DialogInfo<'w, 'b> {
    out: &'w mut Writer<'b>,
}

impl<'w, 'b> DialogInfo<'w, 'b> {
    /// Begins a document. The version is 0 in the first NOTIFY of a subscription and one more in
    /// each that follows; the entity is the URI that was subscribed to.
    pub fn begin(
        out: &'w mut Writer<'b>,
        version: u32,
        coverage: Coverage,
        entity: &[u8],
    ) -> DialogInfo<'w, 'b> {
        out.push(b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        out.push(b"<dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" version=\"");
        out.push_decimal(u64::from(version));
        out.push(match coverage {
            Coverage::Full => b"\" state=\"full\" entity=\"",
            Coverage::Partial => b"\" state=\"partial\" entity=\"",
        });
        escape(out, entity);
        out.push(b"\">\n");
        DialogInfo { out }
    }

    /// Lists a dialog.
    pub fn dialog(&mut self, view: &DialogView<'_>) {
        self.out.push(b"<dialog id=\"");
        escape(self.out, view.id);
        self.out.push(b"\"");
        self.attribute(b"call-id", view.call_id);
        self.attribute(b"local-tag", view.local_tag);
        self.attribute(b"remote-tag", view.remote_tag);
        self.attribute(
            b"direction",
            match view.direction {
                Some(Direction::Initiator) => b"initiator",
                Some(Direction::Recipient) => b"recipient",
                None => b"",
            },
        );
        self.out.push(b">\n<state>");
        self.out.push(view.progress.name());
        self.out.push(b"</state>\n");
        self.participant(b"local", &view.local);
        self.participant(b"remote", &view.remote);
        self.out.push(b"</dialog>\n");
    }

    /// Ends the document.
    pub fn end(self) {
        self.out.push(b"</dialog-info>\n");
    }

    fn participant(&mut self, element: &[u8], who: &Participant<'_>) {
        if who.identity.is_empty() && who.target.is_empty() {
            return;
        }
        self.out.push(b"<");
        self.out.push(element);
        self.out.push(b">\n");
        if !who.identity.is_empty() {
            self.out.push(b"<identity");
            self.attribute(b"display", who.display);
            self.out.push(b">");
            escape(self.out, who.identity);
            self.out.push(b"</identity>\n");
        }
        if !who.target.is_empty() {
            self.out.push(b"<target");
            self.attribute(b"uri", who.target);
            self.out.push(b"/>\n");
        }
        self.out.push(b"</");
        self.out.push(element);
        self.out.push(b">\n");
    }

    fn attribute(&mut self, name: &[u8], value: &[u8]) {
        if !value.is_empty() {
            self.out.push(b" ");
            self.out.push(name);
            self.out.push(b"=\"");
            escape(self.out, value);
            self.out.push(b"\"");
        }
    }
}

/// Text for an attribute or an element. A character that XML 1.0 section 2.2 does not know, and
/// anything but UTF-8, becomes U+FFFD; white space but the blank would be changed by section 3.3.3,
/// so it is written as a reference.
fn escape(out: &mut Writer<'_>, bytes: &[u8]) {
    const REPLACEMENT: &str = "\u{FFFD}";
    for chunk in bytes.utf8_chunks() {
        for char in chunk.valid().chars() {
            let text = match char {
                '&' => "&amp;",
                '<' => "&lt;",
                '>' => "&gt;",
                '"' => "&quot;",
                '\'' => "&apos;",
                '\t' => "&#9;",
                '\n' => "&#10;",
                '\r' => "&#13;",
                '\0'..='\x1f' | '\u{FFFE}' | '\u{FFFF}' => REPLACEMENT,
                char => {
                    out.push(char.encode_utf8(&mut [0; 4]).as_bytes());
                    continue;
                }
            };
            out.push(text.as_bytes());
        }
        if !chunk.invalid().is_empty() {
            out.push(REPLACEMENT.as_bytes());
        }
    }
}

#[cfg(test)]
mod tests;
