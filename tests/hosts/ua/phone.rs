//! The phone: who it is, what it knows, and how it sends and waits. What it does by itself when a
//! message arrives is in [`super::dispatch`].

use super::call::Call;
use super::media::{Media, Voice};
use super::message::{param, uri_of, Msg};
use super::refer::Refer;
use super::request::{Request, Sent};
use super::sdp::{self, Direction};
use super::tls::Kit;
use super::trace::{now, Trace};
use super::wire::{Kind, Path, Wire};
use super::Ended;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, Once, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

/// A host that phones talk to.
#[derive(Clone, Copy, Debug)]
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    /// What it listens to there.
    pub kind: Kind,
}

impl Server {
    /// The URI of a user or extension of it.
    pub fn uri(&self, user: &str) -> String {
        format!("sip:{user}@{}{}", self.address, self.kind.uri_param())
    }
}

/// What a phone is made of.
#[derive(Clone)]
pub struct Setup {
    /// Its name in the trace, its user name, its extension.
    pub name: String,
    /// The password with which it answers challenges.
    pub password: String,
    /// Where it listens; port 0 takes any.
    pub local: SocketAddr,
    /// Where its peers find it, if that is not where it listens.
    pub seen_at: Option<SocketAddr>,
    /// The host that its calls go to.
    pub server: Server,
    /// Needed for TLS.
    pub tls: Option<Kit>,
    /// Where its messages are kept.
    pub trace: Trace,
    /// How it sounds.
    pub voice: Voice,
    /// How long a test waits for what must happen to it.
    pub patience: Duration,
}

/// A message that was received.
pub struct Incoming {
    /// The message.
    pub msg: Msg,
    /// Where an answer goes.
    pub path: Path,
    /// When it came.
    pub at: Duration,
}

/// How far a call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Invited, nothing said.
    Trying,
    /// A provisional response with a tag was sent or received.
    Early,
    /// Answered.
    Up,
    /// Over.
    Ended(Ended),
}

/// What a phone knows of one call.
pub struct Dialog {
    pub call_id: String,
    pub local_tag: String,
    pub remote_tag: String,
    pub local: String,
    pub remote: String,
    pub target: String,
    pub routes: Vec<String>,
    pub cseq: u32,
    pub path: Path,
    pub phase: Phase,
    /// The INVITE that came, where this phone was called.
    pub invite: Option<Arc<Incoming>>,
    /// The transaction of the INVITE, where this phone called.
    pub request: Option<usize>,
    /// Whether a test has taken it by [`Phone::incoming`].
    pub taken: bool,
    pub acked: bool,
    /// How often the answer to the INVITE that came was sent again, and when it is the next time.
    pub answers_repeated: u32,
    pub answer_again_at: Duration,
    pub media: Option<Arc<Media>>,
    pub remote_media: Option<SocketAddr>,
    pub direction: Direction,
    pub sdp_version: u32,
    /// CSeq of the first REFER that was answered with a 2xx.
    pub first_refer: Option<u32>,
}

/// All that a phone knows.
#[derive(Default)]
pub struct State {
    /// Each request that came, but no repetition of one.
    pub inbox: Vec<Arc<Incoming>>,
    /// The last response to each request that came, by branch and method.
    pub served: HashMap<String, Option<Vec<u8>>>,
    pub dialogs: Vec<Dialog>,
    pub sent: Vec<Sent>,
    pub branches: HashMap<String, usize>,
    /// What to answer instead of the usual, by method; `None`: nothing, the test does.
    pub answers: HashMap<&'static str, Option<u16>>,
    counter: u64,
    /// [`Phone::insists`]
    insists: bool,
}

/// The inside of a phone.
pub struct Inner {
    pub setup: Setup,
    pub state: Mutex<State>,
    changed: Condvar,
    wire: Wire,
}

/// A phone. Cloning it makes a second handle; the last one closes its sockets.
#[derive(Clone)]
pub struct Phone(pub Arc<Inner>);

impl Phone {
    /// Makes a phone that listens at once.
    pub fn new(setup: Setup) -> Phone {
        let made = Phone(Arc::new_cyclic(|weak: &Weak<Inner>| {
            let phone = weak.clone();
            let wire = Wire::new(
                &setup.name,
                setup.server.kind,
                setup.local,
                setup.tls.clone(),
                setup.trace.clone(),
                move |bytes, path| {
                    if let Some(inner) = phone.upgrade() {
                        Phone(inner).arrived(&bytes, path);
                    }
                },
            );
            Inner { setup, state: Mutex::default(), changed: Condvar::new(), wire }
        }));
        timers(&made);
        made
    }

    /// Its name, which is its user name and its extension too.
    pub fn name(&self) -> &str {
        &self.0.setup.name
    }

    /// How long a test waits for what must happen to it.
    pub fn patience(&self) -> Duration {
        self.0.setup.patience
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.0.wire.local()
    }

    /// Its voice.
    pub fn voice(&self) -> Voice {
        self.0.setup.voice
    }

    /// The value of its Contact.
    pub fn contact(&self) -> String {
        let param = self.0.setup.server.kind.uri_param();
        format!("<sip:{}@{}{param}>", self.name(), self.0.setup.seen_at.unwrap_or(self.address()))
    }

    /// The URI of this phone at its host.
    pub fn uri(&self) -> String {
        self.0.setup.server.uri(self.name())
    }

    /// Answers requests of this method with this code from now on; with `None` not at all, the test
    /// does it by [`Phone::reply`]. INVITEs outside of calls wait for the test unless told otherwise.
    pub fn answers(&self, method: &'static str, code: Option<u16>) {
        self.state().answers.insert(method, code);
    }

    /// Calls a user of its host.
    pub fn call(&self, user: &str) -> Call {
        self.call_uri(&self.0.setup.server.uri(user))
    }

    /// Calls any URI.
    pub fn call_uri(&self, uri: &str) -> Call {
        self.call_with(uri, &[])
    }

    /// Calls with additional headers.
    pub fn call_with(&self, uri: &str, headers: &[(&str, &str)]) -> Call {
        let id = {
            let mut state = self.state();
            let target = address_of(uri);
            let path = self.0.wire.path_to(target);
            let call_id = format!("{}-{}", token(), self.name());
            let mut dialog = Dialog::new(call_id, self.uri(), uri.to_owned(), path);
            let media = Arc::new(self.media());
            let body = sdp::write(media.local(), dialog.sdp_version, dialog.direction);
            dialog.media = Some(media);
            let mut invite = dialog.request("INVITE", &self.contact());
            for (name, value) in headers {
                invite = invite.with(name, *value);
            }
            let invite = invite.with_body("application/sdp", body);
            let path = dialog.path.clone();
            let id = state.dialogs.len();
            state.dialogs.push(dialog);
            let request = self.transact(&mut state, invite, path, Some(id));
            state.dialogs[id].request = Some(request);
            id
        };
        Call { phone: self.clone(), id }
    }

    /// Waits for the next call that comes to this phone.
    pub fn incoming(&self) -> Call {
        let id = self.wait("a call that comes in", |state| {
            let id = state.dialogs.iter().position(|one| one.invite.is_some() && !one.taken)?;
            state.dialogs[id].taken = true;
            Some(id)
        });
        Call { phone: self.clone(), id }
    }

    /// How many calls came in and were not taken by [`Phone::incoming`].
    pub fn waiting_calls(&self) -> usize {
        let state = self.state();
        state.dialogs.iter().filter(|one| one.invite.is_some() && !one.taken).count()
    }

    /// Sends a request outside of any call.
    pub fn request(&self, method: &str, uri: &str, headers: &[(&str, &str)]) -> Request {
        let call_id = format!("{}-{}", token(), self.name());
        let path = self.0.wire.path_to(address_of(uri));
        let mut dialog = Dialog::new(call_id, self.uri(), uri.to_owned(), path.clone());
        let mut request = dialog.request(method, &self.contact());
        for (name, value) in headers {
            request = request.with(name, *value);
        }
        let id = self.transact(&mut self.state(), request, path, None);
        Request { phone: self.clone(), id }
    }

    /// Sends a REFER outside of any call.
    pub fn refer(&self, uri: &str, refer_to: &str, headers: &[(&str, &str)]) -> Refer {
        let mut all = vec![("Refer-To", refer_to)];
        all.extend_from_slice(headers);
        Refer::new(self.request("REFER", uri, &all), None)
    }

    /// Asks its host for its options and waits for the answer: what the host did to earlier
    /// messages of this phone over the same way is done by then.
    pub fn fence(&self) {
        let uri = format!("sip:{}", self.0.setup.server.address);
        let uri = format!("{uri}{}", self.0.setup.server.kind.uri_param());
        let code = self.request("OPTIONS", &uri, &[]).status();
        assert!(code < 500, "{} answers {code} to OPTIONS", uri);
    }

    /// Sends any bytes to its host, outside of all transactions.
    pub fn send_raw(&self, bytes: &[u8]) {
        let path = self.0.wire.path_to(self.0.setup.server.address);
        self.0.wire.send(&path, bytes);
    }

    /// Sends any request as it stands, in a transaction of its own: the test gives all headers but
    /// Via, which is put first.
    pub fn send_whole(&self, request: Msg) -> Request {
        let path = self.0.wire.path_to(self.0.setup.server.address);
        let id = self.transact(&mut self.state(), request, path, None);
        Request { phone: self.clone(), id }
    }

    /// Answers a request that was kept for the test.
    pub fn reply(&self, to: &Incoming, code: u16, headers: &[(&str, &str)]) {
        let mut response = to.msg.response(code, super::message::reason(code), &token());
        for (name, value) in headers {
            response = response.with(name, *value);
        }
        self.respond(&mut self.state(), to, &response);
    }

    /// Waits for the next request of a method that came, from number `from` on.
    pub fn received(&self, method: &str, from: usize) -> Arc<Incoming> {
        self.wait(&format!("a {method}"), |state| {
            let wanted = |one: &&Arc<Incoming>| one.msg.method() == Some(method);
            state.inbox.iter().filter(wanted).nth(from).cloned()
        })
    }

    /// All requests of a method that came by now.
    pub fn all_received(&self, method: &str) -> Vec<Arc<Incoming>> {
        let state = self.state();
        let wanted = |one: &&Arc<Incoming>| one.msg.method() == Some(method);
        state.inbox.iter().filter(wanted).cloned().collect()
    }

    /// Waits until `test` finds what it looks for. Fails with the trace where it takes too long.
    pub fn wait<T>(&self, what: &str, mut test: impl FnMut(&mut State) -> Option<T>) -> T {
        match self.wait_for(self.patience(), &mut test) {
            Some(found) => found,
            None => panic!(
                "{} waited in vain for {what}\n{}",
                self.name(),
                self.0.setup.trace.summary()
            ),
        }
    }

    /// The same, but not finding it is an answer too.
    pub fn wait_for<T>(
        &self,
        patience: Duration,
        mut test: impl FnMut(&mut State) -> Option<T>,
    ) -> Option<T> {
        let end = Instant::now() + patience;
        let mut state = self.state();
        loop {
            if let Some(found) = test(&mut state) {
                return Some(found);
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            state = self.0.changed.wait_timeout(state, left).expect("no panic in the phone").0;
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn told(&self) {
        self.0.changed.notify_all();
    }

    pub(super) fn send(&self, path: &Path, msg: &Msg) {
        self.0.wire.send(path, &msg.bytes());
    }

    pub(super) fn path_to(&self, uri: &str) -> Path {
        self.0.wire.path_to(address_of(uri))
    }

    pub(super) fn media(&self) -> Media {
        let ssrc = self.voice().0 as u32 ^ (self.voice().0 >> 32) as u32;
        Media::new(self.address().ip(), self.voice(), ssrc)
    }

    /// Sends a request in a client transaction and returns its number.
    pub(super) fn transact(
        &self,
        state: &mut State,
        request: Msg,
        path: Path,
        dialog: Option<usize>,
    ) -> usize {
        let id = state.sent.len();
        state.sent.push(Sent::new(request, path, dialog));
        self.launch(state, id);
        id
    }

    /// Sends the request of a transaction under a new branch.
    pub(super) fn launch(&self, state: &mut State, id: usize) {
        let branch = format!("z9hG4bK-{}", token());
        let via = self.0.setup.server.kind.via();
        let via = format!("SIP/2.0/{via} {};rport;branch={branch}", self.address());
        state.branches.insert(branch, id);
        let sent = &mut state.sent[id];
        sent.request.headers.retain(|(name, _)| name != "Via");
        sent.request.headers.insert(0, ("Via".to_owned(), via));
        sent.repeat_at = now() + Duration::from_millis(500);
        self.send(&sent.path, &sent.request);
    }

    /// From now on it sends its answers to INVITE again until they are acknowledged (RFC 3261 section
    /// 13.3.1.4): for a network that does lose packets.
    pub fn insists(&self) {
        self.state().insists = true;
    }

    fn repeat_answers(&self, state: &mut State) {
        let State { dialogs, served, .. } = state;
        for dialog in dialogs {
            let Some(invite) = dialog.invite.as_ref().filter(|_| !dialog.acked) else { continue };
            let Some(Some(answer)) = served.get(&super::dispatch::key(&invite.msg)) else {
                continue;
            };
            let is_final = answer.get(8).is_some_and(|digit| *digit >= b'2');
            if !is_final || dialog.answers_repeated > 10 {
                continue;
            }
            if dialog.answer_again_at == Duration::ZERO {
                dialog.answer_again_at = now() + Duration::from_millis(500);
            } else if now() >= dialog.answer_again_at {
                dialog.answers_repeated += 1;
                let step = Duration::from_millis(500 << dialog.answers_repeated.min(3));
                dialog.answer_again_at = now() + step;
                self.respond_again(&invite.path, answer);
            }
        }
    }

    /// Sends again what seems to be lost (RFC 3261 section 17).
    fn repeat_lost(&self, state: &mut State) {
        for sent in &mut state.sent {
            let silent = sent.responses.is_empty() && sent.last.is_none();
            if silent && sent.repeats < 6 && now() >= sent.repeat_at {
                if let Path::Udp(_) = sent.path {
                    sent.repeats += 1;
                    sent.repeat_at = now() + Duration::from_millis(500 << sent.repeats);
                    self.send(&sent.path, &sent.request);
                }
            }
        }
    }

    /// Sends a response and remembers it for a repetition of the request.
    pub(super) fn respond(&self, state: &mut State, to: &Incoming, response: &Msg) {
        let bytes = response.bytes();
        self.0.wire.send(&to.path, &bytes);
        state.served.insert(super::dispatch::key(&to.msg), Some(bytes));
    }

    pub(super) fn respond_again(&self, path: &Path, bytes: &[u8]) {
        self.0.wire.send(path, bytes);
    }
}

/// The timers of all phones run in one thread: a phone sends again what is lost also while the test
/// waits for another, which may be the one that it calls.
fn timers(phone: &Phone) {
    static PHONES: Mutex<Vec<Weak<Inner>>> = Mutex::new(Vec::new());
    static THREAD: Once = Once::new();
    PHONES.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(&phone.0));
    THREAD.call_once(|| {
        thread::spawn(|| loop {
            thread::sleep(Duration::from_millis(100));
            let mut all = PHONES.lock().unwrap_or_else(PoisonError::into_inner);
            all.retain(|phone| phone.strong_count() > 0);
            let phones: Vec<Phone> = all.iter().filter_map(Weak::upgrade).map(Phone).collect();
            drop(all);
            for phone in phones {
                let mut state = phone.state();
                phone.repeat_lost(&mut state);
                if state.insists {
                    phone.repeat_answers(&mut state);
                }
            }
        });
    });
}

impl Dialog {
    pub(super) fn new(call_id: String, local: String, remote: String, path: Path) -> Dialog {
        Dialog {
            call_id,
            local_tag: token(),
            remote_tag: String::new(),
            local,
            target: remote.clone(),
            remote,
            routes: Vec::new(),
            cseq: 1,
            path,
            phase: Phase::Trying,
            invite: None,
            request: None,
            taken: false,
            acked: false,
            answers_repeated: 0,
            answer_again_at: Duration::ZERO,
            media: None,
            remote_media: None,
            direction: Direction::SendRecv,
            sdp_version: 1,
            first_refer: None,
        }
    }

    /// A request of this dialog, without Via and body.
    pub(super) fn request(&mut self, method: &str, contact: &str) -> Msg {
        self.cseq += 1;
        let from = format!("<{}>;tag={}", self.local, self.local_tag);
        let to = match self.remote_tag.as_str() {
            "" => format!("<{}>", self.remote),
            tag => format!("<{}>;tag={tag}", self.remote),
        };
        let mut request = Msg::request(method, &self.target)
            .with("From", from)
            .with("To", to)
            .with("Call-ID", &*self.call_id)
            .with("CSeq", format!("{} {method}", self.cseq))
            .with("Max-Forwards", "70")
            .with("Contact", contact)
            .with("Allow", "INVITE, ACK, BYE, CANCEL, OPTIONS, REFER, NOTIFY, UPDATE")
            .with("Supported", "replaces, norefersub");
        for route in &self.routes {
            request = request.with("Route", &**route);
        }
        request
    }

    /// Takes over what a response or request says about the other side.
    pub(super) fn learn(&mut self, msg: &Msg) {
        if let Some(contact) = msg.get("Contact") {
            self.target = uri_of(contact).to_owned();
        }
        if msg.get("Content-Type").is_some_and(|kind| kind.starts_with("application/sdp")) {
            if let Some((media, direction)) = sdp::read(&msg.text()) {
                self.remote_media = Some(media);
                self.direction = direction.answered();
            }
        }
        self.speak();
    }

    /// Speaks where the description allows it.
    pub(super) fn speak(&self) {
        let up = self.phase == Phase::Up;
        let to = self.remote_media.filter(|_| up && self.direction.sends());
        if let Some(media) = &self.media {
            media.speak_to(to);
        }
    }
}

/// A word that no other of this process is like.
pub fn token() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let n = NEXT.fetch_add(1, Ordering::Relaxed);
    // Mixed, so that it looks like the words of real phones and cannot be guessed by counting.
    let mixed = (n ^ u64::from(std::process::id()) << 32).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    format!("{:x}{n:x}", mixed ^ mixed >> 29)
}

/// Where a SIP URI leads: its host must be an address.
pub fn address_of(uri: &str) -> SocketAddr {
    let bare = uri.split(['?', ';']).next().unwrap_or_default();
    let host = bare.rsplit('@').next().unwrap_or_default();
    let host = host.trim_start_matches("sips:").trim_start_matches("sip:");
    let tls = uri.starts_with("sips:") || param(uri, "transport") == Some("tls");
    let whole = if host.contains(':') {
        host.to_owned()
    } else {
        format!("{host}:{}", if tls { 5061 } else { 5060 })
    };
    whole.parse().unwrap_or_else(|_| panic!("{uri} names no address"))
}
