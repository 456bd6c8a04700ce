//! ChannelTransfer events as JSON, for an application that controls a transfer.
//!
//! The model is that of the REFER-over-ARI proposal, the names are those that Asterisk 22 gave it
//! (rest-api/api-docs/events.json: underscores where the proposal has hyphens).
//!
//! ```text
//! {"type":"ChannelTransfer", "application"?, "timestamp"?, "state"?,
//!  "refer_to":{"requested_destination":{"protocol_id" | "destination",
//!                                       "additional_protocol_params"?:[{"parameter_name",
//!                                                                       "parameter_value"}]},
//!              "destination_channel"?, "connected_channel"?, "bridge"?},
//!  "referred_by":{"source_channel", "connected_channel"?, "bridge"?}}
//! ```
//!
//! - **What was asked for.** An attended transfer has `protocol_id`, the Call-ID of its Replaces,
//!   and the tags as parameters `from` and `to`, which is what Asterisk 22 calls them. A blind one
//!   has `destination`, the user part of its target. The model calls the two mutually exclusive,
//!   and so they are here (Asterisk 22.10 prints `destination` beside `protocol_id` too).
//! - **State.** The first event of a transfer has none. Each later one has the state that the
//!   application, or the end of its time, brought about.
//! - **Who is concerned.** Blind transfers name the transferor's channel and the one connected to
//!   it. Attended ones add the same for the dialog that is to be replaced, where it is here; with
//!   several PBXs it is elsewhere, and then the event holds only what the REFER says.
//! - **A bridge of three or more**, which the proposal leaves out: `connected_channel` is absent,
//!   since none of the others is *the* connected one, and `bridge` is there. Whom the application
//!   takes along it finds in the bridge's `channels`. Alone in a bridge: the same.
//! - **Time.** Nothing here reads a clock: `timestamp` and `application`, which the model of ARI
//!   asks for, are the host's to give, and left out where it gives none.
//!
//! Channels and bridges are an id and a name ([`Party::Named`]), or the host's own JSON object
//! ([`JsonObject`]), for a PBX that has more to say about a channel; it is checked, then printed as
//! it is. Every other text is escaped here, and bytes that are no UTF-8 become U+FFFD: what a
//! stranger wrote into a REFER can neither break the event nor add a field to it. Nothing asks for
//! memory.

mod json;

pub use json::JsonObject;

use super::recipient::AppState;
use crate::sip::{Replaces, Writer};

/// A channel or a bridge.
#[derive(Clone, Copy, Debug)]
pub enum Party<'a> {
    /// What every host knows: printed as an object with `id` and `name`.
    Named {
        /// Its id.
        id: &'a [u8],
        /// Its name; left out where it is empty.
        name: &'a [u8],
    },
    /// The host's own object.
    Object(JsonObject<'a>),
}

/// A bridge.
#[derive(Clone, Copy, Debug)]
pub struct Bridge<'a> {
    /// The bridge itself.
    pub bridge: Party<'a>,
    /// The ids of all channels in it, printed as `channels`; not printed where there are none, nor
    /// for an object of the host, which has them already.
    pub channels: &'a [&'a [u8]],
}

/// A channel and what it is connected to.
#[derive(Clone, Copy, Debug)]
pub struct Leg<'a> {
    /// The channel.
    pub channel: Party<'a>,
    /// The others in its bridge. Exactly one is the connected channel; none or several are not.
    pub others: &'a [Party<'a>],
    /// The bridge.
    pub bridge: Option<Bridge<'a>>,
}

/// What a REFER asks for.
#[derive(Clone, Copy, Debug)]
pub enum Wanted<'a> {
    /// To replace this dialog.
    Dialog(Replaces<'a>),
    /// To call this destination: the user part of the target, decoded.
    Destination(&'a [u8]),
}

/// A name and a value that an application may want to see.
pub type Param<'a> = (&'a [u8], &'a [u8]);

/// One event.
#[derive(Clone, Copy, Debug)]
pub struct ChannelTransfer<'a> {
    /// The application that it is for; empty to leave it out.
    pub application: &'a [u8],
    /// When, as the host writes dates; empty to leave it out.
    pub timestamp: &'a [u8],
    /// The state, but in the first event.
    pub state: Option<AppState>,
    /// What was asked for.
    pub wanted: Wanted<'a>,
    /// What else of the REFER an application should see: names and values, behind `from` and `to`.
    pub params: &'a [Param<'a>],
    /// The leg that is to be replaced, where it is here.
    pub refer_to: Option<Leg<'a>>,
    /// The leg that the REFER came on.
    pub referred_by: Leg<'a>,
}

impl ChannelTransfer<'_> {
    /// Prints the event as one JSON object on one line, unless an object of the host has lines.
    pub fn print(&self, out: &mut Writer<'_>) {
        out.push(b"{\"type\":\"ChannelTransfer\"");
        optional(out, b",\"application\":", self.application);
        optional(out, b",\"timestamp\":", self.timestamp);
        optional(out, b",\"state\":", self.state.map_or(b"", |state| state.name().as_bytes()));
        out.push(b",\"refer_to\":{\"requested_destination\":{");
        self.print_wanted(out);
        out.push(b"}");
        if let Some(leg) = &self.refer_to {
            out.push(b",");
            leg.print(b"\"destination_channel\":", out);
        }
        out.push(b"},\"referred_by\":{");
        self.referred_by.print(b"\"source_channel\":", out);
        out.push(b"}}");
    }

    fn print_wanted(&self, out: &mut Writer<'_>) {
        let tags = match &self.wanted {
            Wanted::Destination(user) => {
                out.push(b"\"destination\":");
                json::string(out, user);
                [None; 2]
            }
            Wanted::Dialog(replaces) => {
                out.push(b"\"protocol_id\":");
                json::string(out, replaces.call_id);
                [Some((&b"from"[..], replaces.from_tag)), Some((b"to", replaces.to_tag))]
            }
        };
        let params = tags.into_iter().flatten().chain(self.params.iter().copied());
        let mut separator: &[u8] = b",\"additional_protocol_params\":[";
        let mut some = false;
        for (name, value) in params {
            out.push(separator);
            out.push(b"{\"parameter_name\":");
            json::string(out, name);
            out.push(b",\"parameter_value\":");
            json::string(out, value);
            out.push(b"}");
            separator = b",";
            some = true;
        }
        if some {
            out.push(b"]");
        }
    }
}

impl Leg<'_> {
    fn print(&self, field: &[u8], out: &mut Writer<'_>) {
        out.push(field);
        self.channel.print(out);
        if let [connected] = self.others {
            out.push(b",\"connected_channel\":");
            connected.print(out);
        }
        if let Some(bridge) = &self.bridge {
            out.push(b",\"bridge\":");
            bridge.print(out);
        }
    }
}

impl Party<'_> {
    fn print(&self, out: &mut Writer<'_>) {
        self.print_with(out, |_| ());
    }

    fn print_with(&self, out: &mut Writer<'_>, more: impl FnOnce(&mut Writer<'_>)) {
        match self {
            Party::Object(object) => out.push(object.text()),
            Party::Named { id, name } => {
                out.push(b"{\"id\":");
                json::string(out, id);
                optional(out, b",\"name\":", name);
                more(out);
                out.push(b"}");
            }
        }
    }
}

impl Bridge<'_> {
    fn print(&self, out: &mut Writer<'_>) {
        self.bridge.print_with(out, |out| {
            let mut separator: &[u8] = b",\"channels\":[";
            for id in self.channels {
                out.push(separator);
                json::string(out, id);
                separator = b",";
            }
            if !self.channels.is_empty() {
                out.push(b"]");
            }
        });
    }
}

fn optional(out: &mut Writer<'_>, field: &[u8], value: &[u8]) {
    if !value.is_empty() {
        out.push(field);
        json::string(out, value);
    }
}

#[cfg(test)]
mod tests;
