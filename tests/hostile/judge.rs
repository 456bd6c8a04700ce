//! What an engine says of a hostile message, and that nothing of it gets anywhere unread.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use super::hostile::{Hostile, CALL_ID, LOCAL_TAG, REMOTE_TAG};
use super::sequences::{assert_clean, assert_lines};
use sipxfer::config::Config;
use sipxfer::dialog::{DialogRef, Directory, Facts, Initiator, Key, Lock, Lookup, State, Usage};
use sipxfer::engine::{Engine, Received};
use sipxfer::sip::{Message, Name, Replaces, Scratch, Uri, Writer};
use sipxfer::transfer::recipient::Output;
use sipxfer::transfer::{passing, response, Answer, Host, Kind, Level, OldDialog, Sender, Verdict};
use std::cell::RefCell;
use std::sync::OnceLock;

/// A call of Bob's.
pub struct Call(Key<'static>);

impl DialogRef for Call {
    fn facts(&self) -> Facts<'_> {
        Facts {
            key: self.0,
            user: b"bob",
            endpoint: b"bob",
            state: State::Confirmed,
            initiator: Initiator::Remote,
            usage: Usage::Invite,
            secure: false,
        }
    }

    fn lock(&self) -> Lock {
        Lock::Held(State::Confirmed)
    }

    fn unlock(&self) {}
}

const CALLS: [Key<'static>; 2] = [
    Key {
        call_id: CALL_ID.as_bytes(),
        local_tag: LOCAL_TAG.as_bytes(),
        remote_tag: REMOTE_TAG.as_bytes(),
    },
    Key { call_id: b"second@phone", local_tag: b"L", remote_tag: b"R" },
];

struct Calls;

impl Directory for Calls {
    type Dialog = Call;

    fn find(&self, key: &Key<'_>) -> Lookup<Call> {
        let mut found = CALLS.iter().filter(|call| call.matches(key));
        match found.next() {
            Some(call) => Lookup::Found(Call(*call)),
            None => Lookup::NotFound,
        }
    }
}

/// Every extension exists but one; what is logged is kept.
#[derive(Default)]
struct Dialplan {
    log: RefCell<Vec<Vec<u8>>>,
}

impl Host<Call> for Dialplan {
    fn extension_exists(&self, _: &[u8], extension: &[u8]) -> Answer {
        assert_clean(extension);
        if extension == b"nowhere" {
            Answer::No
        } else {
            Answer::Yes
        }
    }

    fn log(&self, _: Level, line: &[u8]) {
        self.log.borrow_mut().push(line.to_vec());
    }
}

/// What was decided, for comparing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    pub kind: &'static str,
    pub code: u16,
    pub rules: Vec<u16>,
}

impl std::fmt::Display for Judged {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Judged { kind, code, rules } = self;
        let rules: Vec<String> = rules.iter().map(|rule| format!("{rule:03}")).collect();
        write!(f, "{kind} {code} {}", rules.join(","))
    }
}

/// One line of a log is no longer than this, whatever a stranger writes.
const LONGEST_LINE: usize = 700;

fn engine(more: &[(&str, &str)]) -> Engine {
    let mut config = Config::new();
    let settings = [
        ("refer.header_allow", "X-Allowed"),
        ("refer.methods", "BYE, REFER"),
        ("refer.outside_dialog", "yes"),
        ("join.allow", "yes"),
        ("rate.per_endpoint", "0"),
    ];
    for (name, value) in settings.iter().chain(more) {
        config.set("", name, value).unwrap();
    }
    let engine = Engine::new([7; 16], 1);
    engine.apply(config.snapshot());
    engine
}

/// What Bob's engine has set: as it comes, for a peer whose REFERs go on to the other leg, and for a lax
/// one.
const SETTINGS: [&[(&str, &str)]; 3] = [
    &[],
    &[("refer.mode", "pass"), ("replaces.unmatched", "continue")],
    &[("refer.tel", "yes"), ("replaces.in_dialog", "ignore")],
];

/// Asks about a message in every way there is, with everything looked at that comes out. The verdict is
/// that of the method's own question.
pub fn judge(message: &Hostile) -> Judged {
    static ENGINES: OnceLock<[Engine; 3]> = OnceLock::new();
    let engines = ENGINES.get_or_init(|| SETTINGS.map(engine));
    let raw = &message.bytes;
    let [own, _, _] = [0, 1, 2].map(|at: usize| ask(raw, &engines[at], SETTINGS[at]));
    pass_on(raw);
    own
}

fn ask(raw: &[u8], engine: &Engine, settings: &[(&str, &str)]) -> Judged {
    let sender = Sender { endpoint: b"bob", user: b"bob", ..Sender::default() };
    let received = Received { raw, sender, now_ms: 1_000 };
    let mut all = Vec::new();
    let dialplan = Dialplan::default();
    // A stranger first: nothing is told, and nothing begins.
    {
        let mut room = room_for(raw);
        let mut scratch = Scratch::new(&mut room);
        let stranger = Received { sender: Sender::default(), ..received };
        let verdict = engine.route_refer(&Calls, &dialplan, stranger, false, &mut scratch);
        let verdict = verdict.expect("scratch space is enough");
        assert!(
            matches!(verdict.kind, Kind::None | Kind::Reject | Kind::Challenge),
            "{:?} for a stranger",
            verdict.kind
        );
        check(raw, &verdict);
    }
    for question in [Engine::route_refer, Engine::verify_replaces, Engine::verify_join] {
        let mut room = room_for(raw);
        let mut scratch = Scratch::new(&mut room);
        let verdict = question(engine, &Calls, &dialplan, received, true, &mut scratch);
        let verdict = verdict.expect("scratch space is enough");
        check(raw, &verdict);
        all.push(judged(&verdict));
    }
    // A transfer leaves something behind: it has an engine of its own.
    if all.iter().any(|judged| (200..300).contains(&judged.code)) {
        transfer(raw, &self::engine(settings), received, &dialplan);
    }
    for line in dialplan.log.borrow().iter() {
        assert_clean(line);
        let plain = line.iter().all(|byte| (b' '..=b'~').contains(byte));
        assert!(plain, "unprintable in the log: {}", line.escape_ascii());
        assert!(line.len() <= LONGEST_LINE, "a line of {} bytes in the log", line.len());
    }
    let parsed = Message::parse(raw);
    match parsed.as_ref().ok().and_then(Message::method) {
        Some(b"REFER") => all.remove(0),
        _ if parsed.is_ok_and(|it| it.count(Name::Join) > 0 && it.count(Name::Replaces) == 0) => {
            all.remove(2)
        }
        _ => all.remove(1),
    }
}

fn room_for(raw: &[u8]) -> Vec<u8> {
    // What the C functions ask for, less the place of the variables: it is always enough.
    vec![0; sipxfer::ffi::scratch_size(raw.len()) - 256]
}

fn judged(verdict: &Verdict<'_, Call>) -> Judged {
    let rules = verdict.rules.iter().map(|rule| rule.number()).collect();
    Judged { kind: verdict.kind.name(), code: verdict.code, rules }
}

/// Whatever was decided: what goes on the wire, into a log or into the dialplan was read.
fn check(raw: &[u8], verdict: &Verdict<'_, Call>) {
    for text in [
        verdict.warning,
        verdict.unsupported,
        verdict.why,
        verdict.dropped,
        verdict.context,
        verdict.extension,
        verdict.target,
        verdict.method,
        verdict.replaces,
        verdict.referred_by,
        verdict.target_dialog,
    ] {
        assert_clean(text);
    }
    assert!(verdict.why.len() + verdict.warning.len() <= 2 * LONGEST_LINE, "{}", verdict.why.len());
    verdict.variables.iter().for_each(|(_, value)| assert_clean(value));
    if verdict.code >= 300 {
        assert!(verdict.headers.is_empty() && verdict.dialog.is_none());
        assert_eq!(verdict.old_dialog, OldDialog::Nothing);
        refusal(raw, verdict);
        return;
    }
    if !verdict.replaces.is_empty() {
        Replaces::parse(verdict.replaces).expect("a Replaces that is handed on");
    }
    if verdict.target.is_empty() {
        return;
    }
    let target = Uri::parse(verdict.target).expect("the target is a URI");
    assert_eq!(target.without_headers(), verdict.target);
    assert!(!verdict.target.iter().any(|byte| byte.is_ascii_control() || *byte == b' '));
    triggered(verdict.method, verdict.target, verdict.headers);
}

/// The request that the transfer causes is one, with no header that a stranger must not set.
fn triggered(method: &[u8], target: &[u8], headers: &[u8]) {
    assert_lines(headers);
    let raw = [method, b" ", target, b" SIP/2.0\r\n", headers, b"\r\n"].concat();
    let request = Message::parse(&raw).expect("the triggered request is one");
    assert_eq!((request.method(), request.request_uri()), (Some(method), Some(target)));
    assert!(request.body().is_empty(), "a header became a body");
    const MAY: [&str; 11] = [
        "Replaces",
        "Require",
        "Join",
        "Accept-Contact",
        "Reject-Contact",
        "Request-Disposition",
        "User-to-User",
        "Subject",
        "X-Allowed",
        "Referred-By",
        "Refer-To",
    ];
    for (name, value) in request.headers() {
        let known = MAY.iter().find(|may| name == may.as_bytes());
        assert!(known.is_some(), "{} in the triggered request", name.escape_ascii());
        assert!(!value.is_folded());
    }
    assert!(request.named(b"Subject").count() <= 1);
    for name in [Name::Replaces, Name::ReferredBy, Name::Require, Name::Join, Name::ReferTo] {
        assert!(request.count(name) <= 1, "{name:?} twice");
    }
}

/// The response to a message that was refused is one message, and repeats what RFC 3261 section 8.2.6
/// says.
fn refusal(raw: &[u8], verdict: &Verdict<'_, Call>) {
    let Ok(message) = Message::parse(raw) else { return };
    let mut room = vec![0; raw.len() * 2 + 4096];
    let mut out = Writer::new(&mut room);
    let extra = response::Extra {
        contact: b"",
        contact_replaces: b"",
        warning: verdict.warning,
        unsupported: verdict.unsupported,
        retry_after_s: 0,
        to_tag: b"own",
    };
    response::print(&message, verdict.code, &extra, &mut out);
    assert!(!out.overflowed(), "a response is not much longer than its request");
    let printed = out.written();
    let head = printed.strip_suffix(b"\r\n").expect("an empty line at the end");
    let (_, lines) = head.split_at(head.iter().position(|byte| *byte == b'\n').unwrap() + 1);
    assert_lines(lines);
    let answer = Message::parse(printed).expect("the response is a message");
    assert_eq!(answer.status().map(|(code, _)| code), Some(verdict.code));
    assert!(answer.body().is_empty());
    assert_eq!(answer.count(Name::Via), message.count(Name::Via));
    const SAID: [&str; 8] =
        ["Via", "From", "To", "Call-ID", "CSeq", "Warning", "Unsupported", "Content-Length"];
    for (name, _) in answer.headers() {
        assert!(SAID.iter().any(|said| name == said.as_bytes()), "{}", name.escape_ascii());
    }
}

/// The transfer that the message begins, if it does, to its end.
fn transfer(raw: &[u8], engine: &Engine, received: Received<'_>, dialplan: &Dialplan) {
    let mut room = room_for(raw);
    let mut scratch = Scratch::new(&mut room);
    let (verdict, _) =
        engine.receive_refer(&Calls, dialplan, received, false, &mut scratch).expect("enough");
    check(raw, &verdict);
    engine.tick(1_000_000_000);
    let mut id = None;
    while let Some(taken) = engine.transfers().next(id.unwrap_or(0), |own, output, about| {
        if let Output::Notify(notify) = output {
            let mut room = vec![0; 4096];
            let mut out = Writer::new(&mut room);
            notify.print_headers(&mut out);
            assert_lines(out.written());
            let mut room = vec![0; 4096];
            let mut out = Writer::new(&mut room);
            notify.print_body(&mut out);
            assert_lines(
                out.written()
                    .split_at(out.written().iter().position(|b| *b == b'\n').unwrap() + 1)
                    .1,
            );
        }
        assert_clean(about.events_at);
        Ok::<u64, ()>(own)
    }) {
        id = taken.ok();
    }
}

/// The REFER as it would go on to the other leg, read or not.
fn pass_on(raw: &[u8]) {
    let Ok(message) = Message::parse(raw) else { return };
    let mut room = room_for(raw);
    let mut scratch = Scratch::new(&mut room);
    let mut lines = vec![0; raw.len() * 4 + 4096];
    let mut out = Writer::new(&mut lines);
    let map = |_: &Key<'_>| Ok::<_, ()>(Some(CALLS[1]));
    if passing::print(&message, &mut scratch, map, &mut out).is_ok() {
        assert!(!out.overflowed());
        assert_lines(out.written());
        // The next one to read it finds the host that was found here, whatever it takes for a user.
        let line = out.written().split(|byte| *byte == b'\n').next().unwrap();
        let uri = line.split(|byte| *byte == b'<').next_back().unwrap();
        let headers = uri.splitn(2, |byte| *byte == b'?').nth(1).unwrap_or_default();
        let end = headers.iter().position(|byte| *byte == b'>').unwrap_or(0);
        let read = Message::parse(raw).unwrap().first(Name::ReferTo).unwrap();
        let user = sipxfer::sip::ReferTo::parse(read.raw).is_ok_and(|it| it.uri.user.is_some());
        assert!(user || !headers[..end].contains(&b'@'), "{}", line.escape_ascii());
    }
}
