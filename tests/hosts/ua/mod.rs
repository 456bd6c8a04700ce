//! A SIP user agent for tests against real hosts: phones that call, answer, hold, refer and replace
//! over UDP, TCP and TLS, that send any bytes a test wants, and that tell whose voice they hear.
//!
//! It reads and writes SIP by itself, not through the library under test. A phone does what every
//! phone does (it acknowledges, answers a challenge, repeats what is lost, takes a BYE); all else
//! is done by the test, which waits for what it expects with a deadline and never for a time.
//!
//! | file | what lives there |
//! |---|---|
//! | [`message`] | a message: read, write, ask for its headers |
//! | [`wire`] | UDP sockets, TCP and TLS connections |
//! | [`phone`] | the phone: its calls and transactions, and what it does by itself |
//! | [`call`] | a call: what a test does with it and waits for |
//! | [`refer`] | a REFER that was sent, its answer and its NOTIFYs |
//! | [`media`] | RTP: a voice that can be told from all others, and an ear |
//! | [`relay`] | a bad network: packets lost, late, doubled |
//! | [`digest`], [`sdp`], [`tls`], [`trace`] | what the others need |
#![allow(dead_code, unused_imports)] // Several tests share these files, and none needs all of it.

pub mod call;
pub mod digest;
pub mod dispatch;
pub mod media;
pub mod message;
pub mod phone;
pub mod refer;
pub mod relay;
pub mod request;
pub mod sdp;
pub mod tls;
pub mod trace;
pub mod wire;

pub use call::{Call, Ended, Talk};
pub use message::Msg;
pub use phone::{Phone, Server, Setup};
pub use refer::Refer;
pub use relay::{Relay, Weather};
pub use trace::Trace;
pub use wire::Kind;

use std::time::Duration;

/// How long a test waits for what must happen. The machine may be busy with other tests; nothing
/// that works is waited for this long.
pub const PATIENCE: Duration = Duration::from_secs(40);
