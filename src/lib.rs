//! The call-transfer logic of a PBX: REFER, Replaces and the routing of what cannot be done
//! locally. **The engine decides, the host acts.**
//!
//! | floor | module | what lives there |
//! |---|---|---|
//! | 1 | [`sip`] | what stands on the wire: borrowed views, parse and print, no state, no policy |
//! | 2 | [`dialog`] | which dialogs exist: the triple, the directory, the embedded table |
//! | 3 | [`transfer`] | the rules, as functions of a request, a dialog and a policy |
//! | 4 | [`engine`] | puts them together: requests in, verdicts and transfers out, time as a number |
//! | 5 | [`ffi`] | the C ABI, and the only place with unsafe code |
//!
//! Beside them [`config`] has the settings and [`rule`] the rules by their ids. Imports go down
//! only. Most users are C programs and read `include/sipxfer.h` instead.

#[cfg(panic = "abort")]
compile_error!("sipxfer needs unwinding: a panic must end one transfer, not every call of a PBX");

mod atomic;
pub mod config;
pub mod dialog;
pub mod engine;
#[allow(missing_docs)] // Its documentation is the header's.
pub mod ffi;
pub mod rule;
pub mod sip;

mod thread;
pub mod transfer;
