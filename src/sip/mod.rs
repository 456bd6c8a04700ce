//! Floor 1: what stands on the wire.
//!
//! Borrowed views over the bytes of a request and of its header values: no state, no policy, no
//! allocation. What has to be decoded goes into the caller's [`Scratch`], what has to be printed
//! goes through a [`Writer`] into the caller's buffer. Every byte is taken for hostile, and every
//! function's cost is linear in its input.
//!
//! | file | header |
//! |---|---|
//! | [`message`] | the request or response itself, its start line and its header lines |
//! | [`uri`], [`name_addr`] | SIP URIs, and From, To, Contact |
//! | [`replaces`], [`join`], [`target_dialog`] | the headers that name a dialog |
//! | [`refer_to`], [`referred_by`], [`refer_sub`] | what REFER brings |
//! | [`event`], [`subscription_state`], [`sipfrag`] | what NOTIFY brings |
//! | [`body_part`] | a part of a multipart body |
//! | [`option_tags`], [`cseq`], [`call_id`] | Supported and Require, CSeq, Call-ID |
//!
//! A [`ParseError`] names the byte, what was expected there, and the rule that asks for it.
#![forbid(unsafe_code)]

pub mod body_part;
pub mod call_id;
pub mod cseq;
mod dialog_params;
pub mod error;
pub mod escape;
pub mod event;
pub mod join;
pub mod lex;
pub mod message;
pub mod name;
pub mod name_addr;
pub mod option_tags;
pub mod reason;
pub mod refer_sub;
pub mod refer_to;
pub mod referred_by;
pub mod replaces;
pub mod scratch;
pub mod sipfrag;
pub mod start_line;
pub mod subscription_state;
pub mod target_dialog;
pub mod uri;
pub mod writer;

#[cfg(test)]
mod tests;

pub use body_part::BodyPart;
pub use cseq::CSeq;
pub use dialog_params::Params;
pub use error::ParseError;
pub use escape::{escape_header, escape_user, raw_offset, unescape, UnescapeError};
pub use event::Event;
pub use join::Join;
pub use message::{Message, Value};
pub use name::Name;
pub use name_addr::{tag_of, NameAddr};
pub use reason::reason_phrase;
pub use refer_sub::ReferSub;
pub use refer_to::ReferTo;
pub use referred_by::ReferredBy;
pub use replaces::Replaces;
pub use scratch::{OutOfScratch, Scratch};
pub use sipfrag::Sipfrag;
pub use start_line::StartLine;
pub use subscription_state::{State, SubscriptionState};
pub use target_dialog::TargetDialog;
pub use uri::{HeaderInUri, Uri};
pub use writer::Writer;
