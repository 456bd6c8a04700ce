//! What is taken out of one message.

use crate::capture::Packet;
use sipxfer::rule::Rule;
use sipxfer::sip::{
    option_tags, tag_of, CSeq, Event, Message, Name, NameAddr, ReferSub, Sipfrag,
    SubscriptionState, Uri,
};
use std::hash::{DefaultHasher, Hash, Hasher};

/// The longest piece of a header that is kept.
const PIECE: usize = 512;

/// A piece of a header as text: of a bounded length, and on one line.
pub fn piece(bytes: &[u8]) -> String {
    let cut = bytes.get(..PIECE);
    let text = String::from_utf8_lossy(cut.unwrap_or(bytes));
    let mut text = text.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
    if cut.is_some() {
        text.push_str("...");
    }
    text
}

/// A message with the fields that the stories need.
pub struct Seen<'a> {
    pub message: Message<'a>,
    /// Of a request its own, of a response that of its CSeq.
    pub method: &'a [u8],
    pub code: Option<u16>,
    pub reason: &'a [u8],
    pub call_id: &'a [u8],
    pub from_tag: &'a [u8],
    pub to_tag: &'a [u8],
    pub cseq: u32,
    pub identity: u64,
}

impl<'a> Seen<'a> {
    /// `None` where what every message has is missing.
    pub fn new(message: Message<'a>, packet: &Packet<'_>) -> Option<Seen<'a>> {
        let value = |name| message.first(name).map_or(&b""[..], |value| value.raw);
        let call_id = value(Name::CallId);
        let cseq = CSeq::parse(value(Name::CSeq)).ok()?;
        if call_id.is_empty() || call_id.len() > PIECE {
            return None;
        }
        let (code, reason) = match message.status() {
            Some((code, reason)) => (Some(code), reason),
            None => (None, &b""[..]),
        };
        let mut hasher = DefaultHasher::new();
        (packet.from, packet.to, code, cseq.number, cseq.method).hash(&mut hasher);
        (call_id, value(Name::Via), message.body()).hash(&mut hasher);
        Some(Seen {
            method: message.method().unwrap_or(cseq.method),
            code,
            reason,
            call_id,
            from_tag: tag_of(value(Name::From)).unwrap_or_default(),
            to_tag: tag_of(value(Name::To)).unwrap_or_default(),
            cseq: cseq.number,
            identity: hasher.finish(),
            message,
        })
    }

    /// The first value of a header; empty without one.
    pub fn value(&self, name: Name) -> &'a [u8] {
        self.message.first(name).map_or(b"", |value| value.raw)
    }

    /// The first value of a header that is not tracked.
    pub fn named(&self, name: &[u8]) -> &'a [u8] {
        self.message.named(name).next().map_or(b"", |value| value.raw)
    }

    pub fn is_request(&self) -> bool {
        self.code.is_none()
    }

    /// The user in From or To.
    pub fn user(&self, name: Name) -> &'a [u8] {
        user_of(self.value(name))
    }

    /// The host in From, where it names no user.
    pub fn host_alone(&self) -> &'a [u8] {
        let uri = NameAddr::parse(self.value(Name::From), Rule::R200).map(|it| it.uri);
        match Uri::parse(uri.unwrap_or_default()) {
            Ok(uri) if uri.user.is_none() => uri.host,
            _ => b"",
        }
    }

    /// The user part of the Request-URI.
    pub fn target_user(&self) -> &'a [u8] {
        let uri = self.message.request_uri().unwrap_or_default();
        Uri::parse(uri).ok().and_then(|uri| uri.user_without_options()).unwrap_or_default()
    }

    /// What it calls itself.
    pub fn product(&self) -> &'a [u8] {
        let name = self.value(Name::UserAgent);
        if name.is_empty() {
            self.named(b"Server")
        } else {
            name
        }
    }

    pub fn event(&self) -> Option<Event<'a>> {
        Event::parse(self.value(Name::Event)).ok()
    }

    pub fn subscription(&self) -> Option<SubscriptionState<'a>> {
        SubscriptionState::parse(self.value(Name::SubscriptionState)).ok()
    }

    /// The code in the body of a NOTIFY.
    pub fn told(&self) -> Option<(u16, &'a [u8])> {
        Sipfrag::parse(self.message.body()).ok()?.status()
    }

    /// Whether Refer-Sub says that no NOTIFY is wanted, or will come.
    pub fn no_subscription(&self) -> bool {
        let value = self.value(Name::ReferSub);
        !value.is_empty() && ReferSub::parse(value).is_ok_and(|it| !it.value)
            || option_tags::contains(&self.message, Name::Require, b"nosub")
    }
}

/// The user part of the URI of a From, a To or a Contact.
pub fn user_of(value: &[u8]) -> &[u8] {
    let uri = NameAddr::parse(value, Rule::R200).map(|it| it.uri).unwrap_or_default();
    Uri::parse(uri).ok().and_then(|uri| uri.user_without_options()).unwrap_or_default()
}
