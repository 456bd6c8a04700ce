//! A call as a test handles it.

use super::message::Msg;
use super::phone::{Dialog, Incoming, Phase, Phone};
use super::refer::Refer;
use super::request::Request;
use super::sdp::{self, Direction};
use super::wire::Path;
use std::sync::Arc;
use std::time::Duration;

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The other side sent BYE.
    ByPeer,
    /// This phone sent BYE or CANCEL.
    ByUs,
    /// The caller sent CANCEL before this phone answered.
    Cancelled,
    /// The INVITE was refused with this code.
    Refused(u16),
}

/// One end of a call: a dialog of one phone. Cloning it makes a second handle.
#[derive(Clone)]
pub struct Call {
    pub(super) phone: Phone,
    pub(super) id: usize,
}

/// Both ends of a call through a host.
pub struct Talk {
    /// The end of the caller.
    pub caller: Call,
    /// The end of who was called.
    pub callee: Call,
}

impl Call {
    /// Whose end it is.
    pub fn phone(&self) -> &Phone {
        &self.phone
    }

    fn dialog<T>(&self, look: impl FnOnce(&mut Dialog) -> T) -> T {
        look(&mut self.phone.state().dialogs[self.id])
    }

    fn wait<T>(&self, what: &str, mut look: impl FnMut(&mut Dialog) -> Option<T>) -> T {
        self.phone.wait(what, |state| look(&mut state.dialogs[self.id]))
    }

    /// Lets `other` answer the call that this one causes there, and waits until both are up.
    pub fn answered_by(self, other: &Phone) -> Talk {
        let callee = other.incoming();
        callee.answer();
        callee.until_acked();
        self.until_up();
        Talk { caller: self, callee }
    }

    /// Lets `other` ring, and waits until the caller is told.
    pub fn rings_at(self, other: &Phone) -> Talk {
        let callee = other.incoming();
        callee.ring();
        self.until_early();
        Talk { caller: self, callee }
    }

    /// Says 180.
    pub fn ring(&self) {
        self.respond(180);
    }

    /// Says 200, with audio.
    pub fn answer(&self) {
        self.respond(200);
    }

    /// Says no.
    pub fn refuse(&self, code: u16) {
        self.respond(code);
    }

    /// Answers the INVITE of this call with any code.
    pub fn respond(&self, code: u16) {
        self.respond_with(code, &[]);
    }

    /// The same with additional headers.
    pub fn respond_with(&self, code: u16, headers: &[(&str, &str)]) {
        self.phone.answer_invite(&mut self.phone.state(), self.id, code, headers);
        self.phone.told();
    }

    /// The INVITE by which it came.
    pub fn invite(&self) -> Arc<Incoming> {
        self.dialog(|dialog| dialog.invite.clone()).expect("a call that came in")
    }

    /// Waits until the caller has acknowledged the answer.
    pub fn until_acked(&self) {
        self.wait("an ACK", |dialog| dialog.acked.then_some(()));
    }

    /// Waits until it is answered; a refusal fails the test.
    pub fn until_up(&self) {
        let how = self.outcome();
        assert_eq!(how, Ok(()), "{}'s call should be answered", self.phone.name());
    }

    /// Waits until the other side says that it rings.
    pub fn until_early(&self) {
        self.wait("ringing", |dialog| (dialog.phase != Phase::Trying).then_some(()));
    }

    /// Waits for the answer to a call that this phone makes: up, or the code of the refusal.
    pub fn outcome(&self) -> Result<(), u16> {
        self.wait("an answer", |dialog| match dialog.phase {
            Phase::Up => Some(Ok(())),
            Phase::Ended(Ended::Refused(code)) => Some(Err(code)),
            Phase::Ended(_) => Some(Ok(())),
            _ => None,
        })
    }

    /// The final response to the INVITE of a call that this phone makes.
    pub fn final_response(&self) -> Arc<Msg> {
        let id = self.dialog(|dialog| dialog.request).expect("a call that this phone makes");
        Request { phone: self.phone.clone(), id }.response()
    }

    /// Waits until it is over and says how.
    pub fn ended(&self) -> Ended {
        self.wait("the end of a call", |dialog| match dialog.phase {
            Phase::Ended(how) => Some(how),
            _ => None,
        })
    }

    /// How it ended, if it does so in time.
    pub fn ended_within(&self, patience: Duration) -> Option<Ended> {
        self.phone.wait_for(patience, |state| match state.dialogs[self.id].phase {
            Phase::Ended(how) => Some(how),
            _ => None,
        })
    }

    /// How far it is now.
    pub fn phase(&self) -> Phase {
        self.dialog(|dialog| dialog.phase)
    }

    /// Whether it is answered and not over.
    pub fn is_up(&self) -> bool {
        self.phase() == Phase::Up
    }

    /// Hangs up: BYE, or CANCEL before the answer.
    pub fn hang_up(&self) -> Request {
        let phase = self.phase();
        if matches!(phase, Phase::Trying | Phase::Early) {
            return self.cancel();
        }
        let request = self.request("BYE", &[]);
        self.dialog(|dialog| dialog.end(Ended::ByUs));
        request
    }

    fn cancel(&self) -> Request {
        let state = self.phone.state();
        let invite = state.dialogs[self.id].request.expect("only the caller can cancel");
        let (request, path) = (state.sent[invite].request.clone(), state.sent[invite].path.clone());
        let mut cancel = Msg::request("CANCEL", request.request_uri());
        for name in ["Via", "From", "To", "Call-ID"] {
            cancel = cancel.with(name, request.value(name));
        }
        let cancel =
            cancel.with("CSeq", format!("{} CANCEL", request.cseq().0)).with("Max-Forwards", "70");
        self.phone.send(&path, &cancel);
        Request { phone: self.phone.clone(), id: invite }
    }

    /// Sends any request in this dialog.
    pub fn request(&self, method: &str, headers: &[(&str, &str)]) -> Request {
        self.request_with(method, headers, None)
    }

    /// The same with a body.
    pub fn request_with(
        &self,
        method: &str,
        headers: &[(&str, &str)],
        body: Option<(&str, String)>,
    ) -> Request {
        let mut state = self.phone.state();
        let mut request = state.dialogs[self.id].request(method, &self.phone.contact());
        for (name, value) in headers {
            request = request.with(name, *value);
        }
        if let Some((kind, text)) = body {
            request = request.with_body(kind, text);
        }
        let path = self.path(&state.dialogs[self.id]);
        let id = self.phone.transact(&mut state, request, path, Some(self.id));
        Request { phone: self.phone.clone(), id }
    }

    /// A request of this dialog that was not sent, for a test that changes it first.
    pub fn prepared(&self, method: &str) -> Msg {
        let contact = self.phone.contact();
        self.dialog(|dialog| dialog.request(method, &contact))
    }

    /// Sends a request made by [`Call::prepared`]; a Via is put first.
    pub fn send(&self, request: Msg) -> Request {
        let mut state = self.phone.state();
        let path = self.path(&state.dialogs[self.id]);
        let id = self.phone.transact(&mut state, request, path, Some(self.id));
        Request { phone: self.phone.clone(), id }
    }

    fn path(&self, dialog: &Dialog) -> Path {
        match dialog.routes.first() {
            Some(route) => self.phone.path_to(super::message::uri_of(route)),
            None => self.phone.path_to(&dialog.target),
        }
    }

    /// Offers another direction of the voice in a re-INVITE and waits for the answer.
    pub fn reinvite(&self, direction: Direction) -> u16 {
        self.reinvite_with(direction, &[]).status()
    }

    /// The same with additional headers, without waiting.
    pub fn reinvite_with(&self, direction: Direction, headers: &[(&str, &str)]) -> Request {
        let body = self.dialog(|dialog| {
            dialog.sdp_version += 1;
            let media = dialog.media.clone().expect("a call with audio");
            sdp::write(media.local(), dialog.sdp_version, direction)
        });
        self.request_with("INVITE", headers, Some(("application/sdp", body)))
    }

    /// Puts the other side on hold.
    pub fn hold(&self) {
        assert_eq!(self.reinvite(Direction::SendOnly), 200, "hold");
    }

    /// Takes it back from hold.
    pub fn resume(&self) {
        assert_eq!(self.reinvite(Direction::SendRecv), 200, "resume");
    }

    /// Speaks again, after it fell silent.
    pub fn unmute(&self) {
        self.dialog(|dialog| dialog.media.as_ref().map(|media| media.unmute()));
    }

    /// Asks the host by REFER in this call to call a URI.
    pub fn refer(&self, refer_to: &str) -> Refer {
        self.refer_with(refer_to, &[])
    }

    /// The same with additional headers.
    pub fn refer_with(&self, refer_to: &str, headers: &[(&str, &str)]) -> Refer {
        let mut all = vec![("Refer-To", refer_to)];
        all.extend_from_slice(headers);
        Refer::new(self.request("REFER", &all), Some(self.clone()))
    }

    /// Asks the host to connect the other side of this call with that of another (RFC 5589): the
    /// REFER of an attended transfer.
    pub fn refer_to_call(&self, other: &Call) -> Refer {
        self.refer(&other.refer_to())
    }

    /// A blind transfer to a user of the host of this phone.
    pub fn refer_to_user(&self, user: &str) -> Refer {
        let uri = self.phone.0.setup.server.uri(user);
        self.refer(&format!("<{uri}>"))
    }

    /// A Refer-To that names this call for replacement.
    pub fn refer_to(&self) -> String {
        let remote = self.dialog(|dialog| dialog.remote.clone());
        format!("<{remote}?Replaces={}>", escaped(&self.replaces()))
    }

    /// A Replaces value that names this call as the host sees it (RFC 3891): its to-tag is that of
    /// the host.
    pub fn replaces(&self) -> String {
        let (call_id, local, remote) = self.triple();
        format!("{call_id};to-tag={remote};from-tag={local}")
    }

    /// Call-ID, tag of this phone, tag of the other side.
    pub fn triple(&self) -> (String, String, String) {
        self.dialog(|dialog| {
            (dialog.call_id.clone(), dialog.local_tag.clone(), dialog.remote_tag.clone())
        })
    }

    /// The URI of the other side, as it was called or as it named itself.
    pub fn remote(&self) -> String {
        self.dialog(|dialog| dialog.remote.clone())
    }

    /// The Contact URI of the other side.
    pub fn target(&self) -> String {
        self.dialog(|dialog| dialog.target.clone())
    }

    /// Waits until exactly the voice of `other` is heard, and nobody else.
    pub fn hears_only(&self, other: &Phone) {
        self.hears(other.voice().0, true, other.name());
    }

    /// Waits until the voices of all `others` are heard at once, mixed.
    pub fn hears_all(&self, others: &[&Phone]) {
        let tones = others.iter().fold(0, |sum, other| sum | other.voice().0);
        self.hears(tones, true, "all of them");
    }

    fn hears(&self, tones: u64, exactly: bool, who: &str) {
        let media = self.dialog(|dialog| dialog.media.clone()).expect("a call with audio");
        if let Err(cause) = media.hears(tones, exactly, self.phone.patience()) {
            let trace = self.phone.0.setup.trace.summary();
            let (phase, sources) = (self.phase(), media.sources());
            panic!(
                "{} does not hear {who}: {cause}; its call is {phase:?}, packets by SSRC \
                 {sources:x?}\n{trace}",
                self.phone.name()
            );
        }
    }

    /// Whether exactly the voice of `other` is heard, soon.
    pub fn hears_only_within(&self, other: &Phone, patience: Duration) -> bool {
        let media = self.dialog(|dialog| dialog.media.clone());
        media.is_some_and(|media| media.hears(other.voice().0, true, patience).is_ok())
    }

    /// Its audio, for tests that count packets.
    pub fn media(&self) -> Option<Arc<super::media::Media>> {
        self.dialog(|dialog| dialog.media.clone())
    }
}

impl Talk {
    /// Waits until both hear each other and nobody else.
    pub fn flows(&self) {
        flows(&self.caller, &self.callee);
    }

    /// The callee says nothing from now on, and nothing that it has said is under way.
    pub fn callee_falls_silent(&self) {
        let media = |call: &Call| call.dialog(|dialog| dialog.media.clone()).expect("audio");
        let (callee, caller) = (media(&self.callee), media(&self.caller));
        let heard = callee.falls_silent_for(&caller, self.callee.phone.patience());
        assert!(heard, "{} hears the end of what was said", self.caller.phone().name());
    }
}

/// Waits until two calls hear each other's phone and nobody else.
pub fn flows(one: &Call, other: &Call) {
    one.hears_only(other.phone());
    other.hears_only(one.phone());
}

/// Escapes a header value for the headers of a URI (RFC 3261 section 19.1.1).
pub fn escaped(value: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&byte);
    value
        .bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}
