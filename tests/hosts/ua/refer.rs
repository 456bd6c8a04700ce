//! A REFER that was sent: its answer, and what its NOTIFYs tell (RFC 3515).

use super::call::Call;
use super::message::{param, Msg};
use super::phone::{Incoming, Phone, State};
use super::request::Request;
use std::sync::Arc;
use std::time::Duration;

/// What one NOTIFY of a REFER says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The status line of its body, without the version; empty where there is none.
    pub status: String,
    /// Its Subscription-State: `active`, `terminated` ...
    pub state: String,
    /// The reason in Subscription-State.
    pub reason: String,
    /// The id of Event.
    pub id: Option<String>,
    /// Its time on the clock of the trace.
    pub at: Duration,
    /// All of it.
    pub msg: Msg,
}

impl PartialEq for Msg {
    fn eq(&self, other: &Msg) -> bool {
        self.bytes() == other.bytes()
    }
}

impl Eq for Msg {}

impl Notice {
    fn of(incoming: &Incoming) -> Notice {
        let msg = &incoming.msg;
        let state = msg.value("Subscription-State");
        let text = msg.text();
        let first = text.lines().next().unwrap_or_default().trim();
        Notice {
            status: first.trim_start_matches("SIP/2.0 ").to_owned(),
            state: state.split(';').next().unwrap_or_default().trim().to_owned(),
            reason: param(state, "reason").unwrap_or_default().to_owned(),
            id: param(msg.value("Event"), "id").map(str::to_owned),
            at: incoming.at,
            msg: msg.clone(),
        }
    }

    /// The code of its status line.
    pub fn code(&self) -> u16 {
        self.status.split(' ').next().and_then(|code| code.parse().ok()).unwrap_or_default()
    }

    /// Whether it ends the subscription.
    pub fn is_last(&self) -> bool {
        self.state.eq_ignore_ascii_case("terminated")
    }
}

/// A REFER on its way.
#[derive(Clone)]
pub struct Refer {
    request: Request,
    call: Option<Call>,
}

impl Refer {
    pub(super) fn new(request: Request, call: Option<Call>) -> Refer {
        Refer { request, call }
    }

    /// Waits for the answer and returns its code.
    pub fn status(&self) -> u16 {
        let code = self.request.status();
        if let Some(call) = self.call.as_ref().filter(|_| code < 300) {
            let cseq = self.request.sent().cseq().0;
            call.phone().state().dialogs[call.id].first_refer.get_or_insert(cseq);
        }
        code
    }

    /// Waits for the answer.
    pub fn response(&self) -> Arc<Msg> {
        self.request.response()
    }

    /// The request, for what else a test asks.
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// Waits for the answer and takes anything but a 2xx for a failure of the test.
    pub fn accepted(self) -> Refer {
        let code = self.status();
        assert!((200..300).contains(&code), "the REFER should be accepted, not {code}");
        self
    }

    fn phone(&self) -> &Phone {
        self.request.phone()
    }

    /// The NOTIFYs of this REFER by now: those of its call that carry its number, and those without
    /// any where it was the first of its call.
    pub fn notices(&self) -> Vec<Notice> {
        let request = self.request.sent();
        let first = self.call.as_ref().is_none_or(|call| {
            let first = call.phone().state().dialogs[call.id].first_refer;
            first.is_none_or(|first| first == request.cseq().0)
        });
        notices(&self.phone().state(), &request, first)
    }

    /// Their status lines.
    pub fn statuses(&self) -> Vec<String> {
        self.notices().into_iter().map(|notice| notice.status).collect()
    }

    /// Waits for the NOTIFY that ends the subscription.
    pub fn outcome(&self) -> Notice {
        self.status();
        self.phone().wait("the last NOTIFY of a REFER", |state| self.last_in(state))
    }

    /// The NOTIFY that ends the subscription, if it comes in time.
    pub fn outcome_within(&self, patience: Duration) -> Option<Notice> {
        self.phone().wait_for(patience, |state| self.last_in(state))
    }

    /// Waits for a NOTIFY with this code.
    pub fn until(&self, code: u16) -> Notice {
        self.phone().wait(&format!("a NOTIFY with {code}"), |state| {
            self.in_state(state).into_iter().find(|notice| notice.code() == code)
        })
    }

    fn in_state(&self, state: &State) -> Vec<Notice> {
        let request = &state.sent[self.request.id].request;
        let cseq = request.cseq().0;
        let first = self.call.as_ref().is_none_or(|call| {
            state.dialogs[call.id].first_refer.is_none_or(|first| first == cseq)
        });
        notices(state, request, first)
    }

    fn last_in(&self, state: &State) -> Option<Notice> {
        self.in_state(state).into_iter().find(Notice::is_last)
    }
}

fn notices(state: &State, request: &Msg, first: bool) -> Vec<Notice> {
    let (call_id, number) = (request.value("Call-ID"), request.cseq().0.to_string());
    let ours = |incoming: &&Arc<Incoming>| {
        let msg = &incoming.msg;
        let event = msg.value("Event");
        let package = event.split(';').next().unwrap_or_default().trim();
        let fits = match param(event, "id") {
            Some(id) => id == number,
            None => first,
        };
        msg.method() == Some("NOTIFY")
            && msg.value("Call-ID") == call_id
            && package.eq_ignore_ascii_case("refer")
            && fits
    };
    state.inbox.iter().filter(ours).map(|incoming| Notice::of(incoming)).collect()
}
