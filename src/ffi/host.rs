//! The host's dialplan and policy callbacks, asked on behalf of one request.

use super::callbacks::sipxfer_host;
use super::directory::Dialog;
use super::engine::sipxfer_engine;
use super::logging;
use super::lookups::remote_out;
use super::numbers::kind_number;
use super::raw::text;
use super::status::*;
use super::types::*;
use crate::dialog::Remote;
use crate::sip::Scratch;
use crate::transfer::{Answer, Approval, Failed, Host, Kind, Level};

/// TRANSFER_CONTEXT may be this long.
const CONTEXT_BYTES: usize = 256;

/// The callbacks, and the request that they are asked about.
pub(super) struct Asker<'c> {
    pub engine: &'c sipxfer_engine,
    pub now_ms: u64,
    pub callbacks: &'c sipxfer_host,
    pub request: *const sipxfer_request,
}

fn answer(said: i32) -> Answer {
    match said {
        SIPXFER_YES => Answer::Yes,
        SIPXFER_NO => Answer::No,
        _ => Answer::Failed,
    }
}

impl Host<Dialog> for Asker<'_> {
    fn extension_exists(&self, context: &[u8], extension: &[u8]) -> Answer {
        let Some(ask) = self.callbacks.extension_exists else {
            return Answer::Failed;
        };
        // SAFETY: the callback is the host's; the strings and the request live through the call.
        answer(unsafe { ask(self.callbacks.user, self.request, text(context), text(extension)) })
    }

    fn transfer_context<'a>(&self, scratch: &mut Scratch<'a>) -> Result<Option<&'a [u8]>, Failed> {
        let Some(ask) = self.callbacks.transfer_context else {
            return Ok(None);
        };
        let mut context = [0_u8; CONTEXT_BYTES];
        let mut len = 0;
        let to = context.as_mut_ptr().cast();
        // SAFETY: the callback is the host's; buffer, length and request live through the call.
        match unsafe { ask(self.callbacks.user, self.request, to, CONTEXT_BYTES, &mut len) } {
            SIPXFER_OK => {
                let context = context.get(..len).ok_or(Failed)?;
                // It goes into a channel variable and a log line.
                if context.iter().any(u8::is_ascii_control) {
                    return Err(Failed);
                }
                scratch.copy(context).map(Some).map_err(|_| Failed)
            }
            SIPXFER_E_NOT_FOUND => Ok(None),
            _ => Err(Failed),
        }
    }

    fn allow_transfer(&self) -> Option<Answer> {
        let ask = self.callbacks.allow_transfer?;
        // SAFETY: the callback is the host's; the request lives through the call.
        Some(answer(unsafe { ask(self.callbacks.user, self.request) }))
    }

    fn approve(&self, kind: Kind, target: &[u8]) -> Approval {
        let Some(ask) = self.callbacks.approve else {
            return Approval::Yes;
        };
        let kind = kind_number(kind);
        // SAFETY: the callback is the host's; target and request live through the call.
        match unsafe { ask(self.callbacks.user, self.request, kind, text(target)) } {
            SIPXFER_YES => Approval::Yes,
            SIPXFER_NO => Approval::No,
            SIPXFER_LATER => Approval::Later,
            _ => Approval::Failed,
        }
    }

    fn verify_token(&self, referred_by: &[u8], part: &[u8]) -> Answer {
        let Some(ask) = self.callbacks.verify_token else {
            return Answer::No;
        };
        // SAFETY: the callback is the host's; the strings and the request live through the call.
        answer(unsafe { ask(self.callbacks.user, self.request, text(referred_by), text(part)) })
    }

    fn authorize(&self, dialog: &Dialog) -> Answer {
        let Some(ask) = self.callbacks.authorize else {
            return Answer::No;
        };
        let described = dialog.describe();
        // SAFETY: the callback is the host's; description and request live through the call.
        answer(unsafe { ask(self.callbacks.user, self.request, &described) })
    }

    fn authorize_remote(&self, dialog: &Remote) -> Answer {
        let Some(ask) = self.callbacks.authorize_remote else {
            return Answer::No;
        };
        let described = remote_out(dialog);
        // SAFETY: the callback is the host's; description and request live through the call.
        answer(unsafe { ask(self.callbacks.user, self.request, &described) })
    }

    fn can_mix(&self, dialog: &Dialog) -> Answer {
        let Some(ask) = self.callbacks.can_mix else {
            return Answer::Yes;
        };
        let described = dialog.describe();
        // SAFETY: the callback is the host's; description and request live through the call.
        answer(unsafe { ask(self.callbacks.user, self.request, &described) })
    }

    fn is_conference(&self) -> Answer {
        let Some(ask) = self.callbacks.is_conference else {
            return Answer::No;
        };
        // SAFETY: the callback is the host's; the request lives through the call.
        answer(unsafe { ask(self.callbacks.user, self.request) })
    }

    fn has_log(&self) -> bool {
        self.callbacks.log.is_some()
    }

    fn log(&self, level: Level, line: &[u8]) {
        let level = match level {
            Level::Error => SIPXFER_LOG_ERROR,
            Level::Warning => SIPXFER_LOG_WARNING,
            Level::Info => SIPXFER_LOG_INFO,
        };
        logging::write(self.engine, self.now_ms, level, 0, line);
    }
}
