//! A request that was sent, and what came back.

use super::message::Msg;
use super::phone::Phone;
use super::wire::Path;
use std::sync::Arc;
use std::time::Duration;

/// A client transaction.
pub struct Sent {
    /// The request as it was sent last.
    pub request: Msg,
    pub path: Path,
    pub dialog: Option<usize>,
    /// Provisional responses.
    pub responses: Vec<Arc<Msg>>,
    /// The final response.
    pub last: Option<Arc<Msg>>,
    pub authorized: bool,
    pub repeats: u32,
    pub repeat_at: Duration,
    /// The ACK of a 2xx, to be sent again with each of its repetitions.
    pub ack: Option<Msg>,
}

impl Sent {
    pub(super) fn new(request: Msg, path: Path, dialog: Option<usize>) -> Sent {
        Sent {
            request,
            path,
            dialog,
            responses: Vec::new(),
            last: None,
            authorized: false,
            repeats: 0,
            repeat_at: Duration::ZERO,
            ack: None,
        }
    }
}

/// A request on its way.
#[derive(Clone)]
pub struct Request {
    pub(super) phone: Phone,
    pub(super) id: usize,
}

impl Request {
    /// Waits for the final response.
    pub fn response(&self) -> Arc<Msg> {
        let what = self.phone.state().sent[self.id].request.start.clone();
        let what = format!("the final response to {what}");
        self.phone.wait(&what, |state| state.sent[self.id].last.clone())
    }

    /// Waits for the final response and returns its code.
    pub fn status(&self) -> u16 {
        self.response().status().unwrap_or_default()
    }

    /// The final response, if it comes in time.
    pub fn response_within(&self, patience: Duration) -> Option<Arc<Msg>> {
        self.phone.wait_for(patience, |state| state.sent[self.id].last.clone())
    }

    /// The request as it was sent last: with the answer to a challenge, if there was one.
    pub fn sent(&self) -> Msg {
        self.phone.state().sent[self.id].request.clone()
    }

    /// The provisional responses by now.
    pub fn provisional(&self) -> Vec<Arc<Msg>> {
        self.phone.state().sent[self.id].responses.clone()
    }

    /// Who sent it.
    pub fn phone(&self) -> &Phone {
        &self.phone
    }
}
