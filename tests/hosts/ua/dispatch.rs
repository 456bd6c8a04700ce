//! What a phone does by itself when a message arrives.

use super::call::Ended;
use super::message::{reason, uri_of, Msg};
use super::phone::{token, Dialog, Incoming, Phase, Phone, State};
use super::sdp;
use super::trace::now;
use super::wire::Path;
use std::sync::Arc;

/// The name of the server transaction that a request belongs to (RFC 3261 section 17.2.3).
pub fn key(msg: &Msg) -> String {
    format!("{} {}", msg.branch(), msg.method().unwrap_or_default())
}

impl Phone {
    /// Takes what came over the wire.
    pub(super) fn arrived(&self, bytes: &[u8], path: Path) {
        let Some(msg) = Msg::parse(bytes) else {
            return;
        };
        let mut state = self.state();
        if msg.method().is_some() {
            self.on_request(&mut state, Incoming { msg, path, at: now() });
        } else {
            self.on_response(&mut state, msg);
        }
        drop(state);
        self.told();
    }

    fn on_request(&self, state: &mut State, incoming: Incoming) {
        let key = key(&incoming.msg);
        if let Some(before) = state.served.get(&key) {
            if let Some(bytes) = before {
                self.respond_again(&incoming.path, bytes);
            }
            return;
        }
        state.served.insert(key, None);
        let incoming = Arc::new(incoming);
        state.inbox.push(incoming.clone());
        let msg = &incoming.msg;
        let method = msg.method().unwrap_or_default();
        let found = find(state, msg);
        match (method, found) {
            ("ACK", Some(id)) => state.dialogs[id].acked = true,
            ("ACK", None) => {}
            ("CANCEL", _) => self.on_cancel(state, &incoming),
            ("INVITE", None) if msg.callee_tag().is_empty() => self.on_invite(state, &incoming),
            _ => self.usual_answer(state, &incoming, method, found),
        }
    }

    /// Answers what needs no decision, or what the test said.
    fn usual_answer(
        &self,
        state: &mut State,
        incoming: &Arc<Incoming>,
        method: &str,
        found: Option<usize>,
    ) {
        let stray = !incoming.msg.callee_tag().is_empty() && found.is_none() && method != "NOTIFY";
        let usual = match method {
            _ if stray => 481,
            "BYE" | "INVITE" | "UPDATE" if found.is_none() => 481,
            "REFER" => 202,
            _ => 200,
        };
        let code = match state.answers.get(method) {
            Some(None) => return,
            Some(Some(code)) => *code,
            None => usual,
        };
        let tag = found.map_or_else(token, |id| state.dialogs[id].local_tag.clone());
        let mut response = incoming.msg.response(code, reason(code), &tag);
        if let Some(id) = found.filter(|_| code < 300) {
            response = self.in_call(state, incoming, method, id, response);
        }
        self.respond(state, incoming, &response);
    }

    /// What a request does to the call that it came in.
    fn in_call(
        &self,
        state: &mut State,
        incoming: &Arc<Incoming>,
        method: &str,
        id: usize,
        response: Msg,
    ) -> Msg {
        let dialog = &mut state.dialogs[id];
        match method {
            "BYE" => {
                dialog.end(Ended::ByPeer);
                response
            }
            "INVITE" | "UPDATE" => {
                dialog.learn(&incoming.msg);
                dialog.sdp_version += 1;
                let response = response.with("Contact", self.contact());
                match &dialog.media {
                    Some(media) if method == "INVITE" || !incoming.msg.body.is_empty() => {
                        let body = sdp::write(media.local(), dialog.sdp_version, dialog.direction);
                        response.with_body("application/sdp", body)
                    }
                    _ => response,
                }
            }
            "REFER" => response.with("Contact", self.contact()),
            _ => response,
        }
    }

    fn on_invite(&self, state: &mut State, incoming: &Arc<Incoming>) {
        let msg = &incoming.msg;
        let local = uri_of(msg.value("To")).to_owned();
        let remote = uri_of(msg.value("From")).to_owned();
        let call_id = msg.value("Call-ID").to_owned();
        let mut dialog = Dialog::new(call_id, local, remote, incoming.path.clone());
        dialog.remote_tag = msg.caller_tag().to_owned();
        dialog.routes = msg.all("Record-Route").map(str::to_owned).collect();
        dialog.invite = Some(incoming.clone());
        dialog.learn(msg);
        self.respond(state, incoming, &msg.response(100, reason(100), ""));
        let id = state.dialogs.len();
        state.dialogs.push(dialog);
        if let Some(Some(code)) = state.answers.get("INVITE").copied() {
            state.dialogs[id].taken = true;
            self.answer_invite(state, id, code, &[]);
        }
    }

    /// Answers the INVITE of a call that came in.
    pub(super) fn answer_invite(
        &self,
        state: &mut State,
        id: usize,
        code: u16,
        headers: &[(&str, &str)],
    ) {
        let dialog = &mut state.dialogs[id];
        let incoming = dialog.invite.clone().expect("only who is called can answer");
        let mut response = incoming.msg.response(code, reason(code), &dialog.local_tag);
        for (name, value) in headers {
            response = response.with(name, *value);
        }
        if code < 300 {
            response = response.with("Contact", self.contact()).with("Supported", "replaces");
        }
        if code == 183 || (200..300).contains(&code) {
            let media = dialog.media.get_or_insert_with(|| Arc::new(self.media())).clone();
            let body = sdp::write(media.local(), dialog.sdp_version, dialog.direction);
            response = response.with_body("application/sdp", body);
        }
        match code {
            101..=199 => dialog.phase = Phase::Early,
            200..=299 => {
                dialog.phase = Phase::Up;
                dialog.speak();
            }
            300.. => dialog.end(Ended::Refused(code)),
            _ => {}
        }
        self.respond(state, &incoming, &response);
    }

    fn on_cancel(&self, state: &mut State, incoming: &Arc<Incoming>) {
        let branch = incoming.msg.branch().to_owned();
        let found = state.dialogs.iter().position(|dialog| {
            let invite = dialog.invite.as_ref();
            invite.is_some_and(|invite| invite.msg.branch() == branch)
        });
        let code = if found.is_some() { 200 } else { 481 };
        let response = incoming.msg.response(code, reason(code), &token());
        self.respond(state, incoming, &response);
        let Some(id) = found else { return };
        if matches!(state.dialogs[id].phase, Phase::Trying | Phase::Early) {
            self.answer_invite(state, id, 487, &[]);
            state.dialogs[id].phase = Phase::Ended(Ended::Cancelled);
        }
    }

    fn on_response(&self, state: &mut State, msg: Msg) {
        let Some(id) = state.branches.get(msg.branch()).copied() else {
            return;
        };
        let (code, msg) = (msg.status().unwrap_or_default(), Arc::new(msg));
        let invite = state.sent[id].request.method() == Some("INVITE");
        let current = state.sent[id].request.branch() == msg.branch();
        if code >= 300 && invite {
            self.ack_refusal(&state.sent[id], &msg);
        }
        if msg.cseq().1 == "CANCEL" || !current {
            return;
        }
        if matches!(code, 401 | 407)
            && !state.sent[id].authorized
            && self.authorize(state, id, &msg)
        {
            return;
        }
        if state.sent[id].last.is_some() {
            if let Some(ack) = state.sent[id].ack.clone() {
                let path = state.sent[id].path.clone();
                self.send(&path, &ack);
            }
            return;
        }
        match code {
            ..200 => state.sent[id].responses.push(msg.clone()),
            _ => state.sent[id].last = Some(msg.clone()),
        }
        if invite {
            if let Some(dialog) = state.sent[id].dialog {
                self.on_invite_response(state, id, dialog, &msg, code);
            }
        }
    }

    /// The ACK of a refusal is part of its transaction (RFC 3261 section 17.1.1.3).
    fn ack_refusal(&self, sent: &super::request::Sent, refusal: &Msg) {
        let invite = &sent.request;
        let mut ack = Msg::request("ACK", invite.request_uri())
            .with("Via", refusal.value("Via").split(";received").next().unwrap_or_default())
            .with("From", invite.value("From"))
            .with("To", refusal.value("To"))
            .with("Call-ID", invite.value("Call-ID"))
            .with("CSeq", format!("{} ACK", refusal.cseq().0))
            .with("Max-Forwards", "70");
        // The branch must be that of the request, the rest of Via may be as the host wrote it.
        if let Some(via) = invite.get("Via").filter(|via| via.contains(refusal.branch())) {
            ack.set("Via", via);
        }
        self.send(&sent.path, &ack);
    }

    fn authorize(&self, state: &mut State, id: usize, challenged: &Msg) -> bool {
        let setup = &self.0.setup;
        let sent = &mut state.sent[id];
        let method = sent.request.method().unwrap_or_default().to_owned();
        let uri = sent.request.request_uri().to_owned();
        let answer = super::digest::answer(challenged, &method, &uri, &setup.name, &setup.password);
        let Some((name, value)) = answer else {
            return false;
        };
        sent.authorized = true;
        sent.request.set(name, value);
        let next = sent.request.cseq().0 + 1;
        sent.request.set("CSeq", format!("{next} {method}"));
        if let Some(dialog) = sent.dialog {
            let dialog = &mut state.dialogs[dialog];
            dialog.cseq = dialog.cseq.max(next);
        }
        self.launch(state, id);
        true
    }

    fn on_invite_response(
        &self,
        state: &mut State,
        id: usize,
        dialog: usize,
        msg: &Arc<Msg>,
        code: u16,
    ) {
        let first = state.dialogs[dialog].request == Some(id);
        let one = &mut state.dialogs[dialog];
        match code {
            101..=199 if first && !msg.callee_tag().is_empty() => {
                one.remote_tag = msg.callee_tag().to_owned();
                one.phase = Phase::Early;
                one.learn(msg);
            }
            200..=299 => {
                if first {
                    one.remote_tag = msg.callee_tag().to_owned();
                    one.routes = msg.all("Record-Route").map(str::to_owned).collect();
                    one.routes.reverse();
                    if !matches!(one.phase, Phase::Ended(_)) {
                        one.phase = Phase::Up;
                    }
                }
                one.learn(msg);
                let cseq = state.sent[id].request.cseq().0;
                self.acknowledge(state, id, dialog, cseq);
            }
            300.. if first => one.end(Ended::Refused(code)),
            _ => {}
        }
    }

    fn acknowledge(&self, state: &mut State, id: usize, dialog: usize, cseq: u32) {
        let one = &mut state.dialogs[dialog];
        let last = one.cseq;
        let mut ack = one.request("ACK", &self.contact());
        one.cseq = last;
        ack.set("CSeq", format!("{cseq} ACK"));
        let via = self.0.setup.server.kind.via();
        let branch = token();
        let via = format!("SIP/2.0/{via} {};rport;branch=z9hG4bK-{branch}", self.address());
        ack.headers.insert(0, ("Via".to_owned(), via));
        let path = self.path_to(&one.target);
        self.send(&path, &ack);
        state.sent[id].ack = Some(ack);
    }
}

/// The call that a request belongs to.
fn find(state: &State, msg: &Msg) -> Option<usize> {
    let call_id = msg.value("Call-ID");
    state.dialogs.iter().position(|dialog| {
        let same = dialog.call_id == call_id && dialog.local_tag == msg.callee_tag();
        same && (dialog.remote_tag.is_empty() || dialog.remote_tag == msg.caller_tag())
    })
}

impl Dialog {
    /// Notes the end of a call; the first reason stays.
    pub(super) fn end(&mut self, how: Ended) {
        if !matches!(self.phase, Phase::Ended(_)) {
            self.phase = Phase::Ended(how);
        }
        if let Some(media) = &self.media {
            media.speak_to(None);
            media.stop();
        }
    }
}
