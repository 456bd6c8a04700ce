//! Floor 5: the C ABI, and the only place with unsafe code. One file per C object.
//!
//! `include/sipxfer.h` is made from these files; their comments are its documentation.
#![allow(non_camel_case_types)]

mod api;
mod api_table;
mod callbacks;
mod config;
mod dialog_headers;
mod dialog_info;
mod dialogs;
mod directory;
mod engine;
mod event_headers;
mod host;
mod logging;
mod lookups;
mod message;
mod metrics;
mod names;
mod numbers;
mod outputs;
mod park;
mod parks;
mod passing;
mod pins;
mod raw;
mod reached;
mod refer_headers;
mod refers;
mod sending;
mod status;
mod takeovers;
mod telling;
mod transfers;
mod types;
mod verdict;
mod verifications;
mod watch;

pub use api::*;
pub use callbacks::*;
pub use config::*;
pub use dialog_headers::*;
pub use dialog_info::*;
pub use dialogs::*;
pub use engine::*;
pub use event_headers::*;
pub use lookups::*;
pub use message::*;
pub use metrics::*;
pub use names::*;
pub use outputs::*;
pub use park::*;
pub use parks::*;
pub use passing::*;
pub use raw::sipxfer_panic_count;
pub use reached::*;
pub use refer_headers::*;
pub use refers::*;
pub use sending::*;
pub use status::*;
pub use takeovers::*;
pub use transfers::*;
pub use types::*;
pub use verdict::*;
pub use verifications::*;
pub use watch::*;
