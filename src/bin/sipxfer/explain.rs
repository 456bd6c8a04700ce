//! `sipxfer explain`: one request, what would be decided about it, and why.

use crate::args::Explain;
use crate::capture::Kind;
use crate::input::Source;
use crate::scene::{Dialogs, Setup};
use crate::text::{caret, line_and_column};
use crate::{captures, json, lists, report, Outcome, Unusable};
use serde_json::{json, Map, Value};
use sipxfer::dialog::{DialogRef, Entry, Facts, HashKey, Initiator, State, Usage};
use sipxfer::engine::{Engine, Received};
use sipxfer::ffi::scratch_size;
use sipxfer::sip::{reason_phrase, Message, Name, ParseError, Scratch};
use sipxfer::transfer::{Answer, Host, Level, Matched, OldDialog, Referrer, Sender, Verdict};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

/// The verdicts of this tool: the dialogs are in the embedded table.
pub type Decided<'a> = Verdict<'a, Entry<()>>;

/// A verdict with what it is about.
pub struct Decision<'d, 'a> {
    /// The file as it was given.
    pub raw: &'d [u8],
    pub method: &'d [u8],
    pub request_uri: &'d [u8],
    /// Endpoint and user; `None` for a stranger.
    pub sender: Option<(&'d str, &'d str)>,
    pub verdict: &'d Decided<'a>,
    /// What there is to say besides the reason.
    pub notes: &'d [String],
}

/// The PBX that is asked: what the files say of it, and where they are silent, an assumption that
/// is noted.
struct Pbx<'s> {
    dialplan: Option<&'s BTreeMap<String, BTreeSet<String>>>,
    notes: RefCell<Vec<String>>,
}

impl Pbx<'_> {
    fn note(&self, text: String) {
        let mut notes = self.notes.borrow_mut();
        if !notes.contains(&text) {
            notes.push(text);
        }
    }
}

impl<D> Host<D> for Pbx<'_> {
    fn extension_exists(&self, context: &[u8], extension: &[u8]) -> Answer {
        let text = |bytes| std::str::from_utf8(bytes).unwrap_or_default();
        let Some(dialplan) = self.dialplan else {
            self.note(format!(
                "no dialplan is known ([dialplan] of --config): extension \"{}\" is taken to exist in context \"{}\"",
                String::from_utf8_lossy(extension),
                String::from_utf8_lossy(context),
            ));
            return Answer::Yes;
        };
        let extensions = dialplan.get(text(context));
        if extensions.is_some_and(|it| it.contains(text(extension))) {
            Answer::Yes
        } else {
            Answer::No
        }
    }

    fn verify_token(&self, _: &[u8], _: &[u8]) -> Answer {
        self.note(
            "a PBX may verify the token of the Referred-By: its own verify_token callback is taken to say no"
                .to_owned(),
        );
        Answer::No
    }

    fn authorize(&self, _: &D) -> Answer {
        self.note(
            "a PBX may have more grounds (pickup groups, say): its own authorize callback is taken to say no"
                .to_owned(),
        );
        Answer::No
    }

    fn log(&self, _: Level, text: &[u8]) {
        let line = String::from_utf8_lossy(text);
        // Behind it stands which request it is about: here there is one.
        let said = line.split_once(" (Call-ID '").map_or(&*line, |(said, _)| said);
        self.note(said.to_owned());
    }
}

/// Tells the transfers of a capture, or decides about the request of a file, and prints that.
pub fn run(asked: &Explain) -> Result<Outcome, Unusable> {
    let source = Source::open(&asked.file)?;
    if source.head.starts_with(&[0x1f, 0x8b]) {
        let sentence = "it is compressed; unpack it first (zcat FILE | sipxfer explain -)";
        return Err(Unusable::new(format!("{}: {sentence}", source.name)));
    }
    match Kind::of(&source.head) {
        Kind::Message => {}
        kind => return captures::run(asked, kind, source),
    }
    if asked.output.is_some() || asked.transfer.is_some() {
        let given = if asked.output.is_some() { "-o" } else { "--transfer" };
        let name = &source.name;
        let sentence = format!("{name}: {given} is for captures and logs, and this is none");
        return Err(Unusable::new(sentence));
    }
    one(asked, source).map(Outcome::said)
}

fn one(asked: &Explain, source: Source) -> Result<String, Unusable> {
    let setup = match &asked.config {
        Some(path) => Setup::read(path)?,
        None => Setup::default(),
    };
    let dialogs = match &asked.dialogs {
        Some(path) => Dialogs::read(path)?,
        None => Dialogs::default(),
    };
    let sender = match &asked.endpoint {
        Some(endpoint) => Some((endpoint.as_str(), user_of(endpoint, &setup.users)?)),
        None => None,
    };
    let name = source.name.clone();
    let raw = source.whole()?;
    let message = Message::parse(&raw).map_err(|error| no_message(asked, &name, &raw, &error))?;
    let (Some(method), Some(request_uri)) = (message.method(), message.request_uri()) else {
        return Err(response(asked, &name));
    };

    // One request in one process: there is no stranger who could make use of a known key.
    let random = [0; 16];
    let engine = Engine::new(random, 1);
    engine.apply(setup.settings);
    let table = dialogs.directory(HashKey::new(random), &engine)?;
    let pbx = Pbx { dialplan: setup.dialplan.as_ref(), notes: RefCell::default() };
    let (endpoint, user) = sender.unwrap_or_default();
    let received = Received {
        raw: &raw,
        sender: Sender {
            source: b"",
            endpoint: endpoint.as_bytes(),
            user: user.as_bytes(),
            // The endpoint's setting.
            context: b"",
            secure: asked.secure,
            transfer_depth: asked.depth,
            handling: None,
        },
        now_ms: 0,
    };
    let mut room = vec![0; scratch_size(raw.len())];
    let mut scratch = Scratch::new(&mut room);
    let verdict = if method == b"REFER" {
        engine.route_refer(&table, &pbx, received, false, &mut scratch)
    } else if message.count(Name::Join) > 0 && message.count(Name::Replaces) == 0 {
        engine.verify_join(&table, &pbx, received, false, &mut scratch)
    } else {
        engine.verify_replaces(&table, &pbx, received, false, &mut scratch)
    };
    let verdict = verdict
        .map_err(|_| Unusable::new(format!("{name}: the request needs too much scratch space")))?;

    let mut notes = pbx.notes.into_inner();
    let why = String::from_utf8_lossy(verdict.why);
    notes.retain(|note| *note != why);
    let decision =
        Decision { raw: &raw, method, request_uri, sender, verdict: &verdict, notes: &notes };
    Ok(if asked.json { json::printed(as_json(&decision)) } else { report::text(&decision) })
}

fn user_of<'s>(
    endpoint: &'s str,
    users: &'s BTreeMap<String, String>,
) -> Result<&'s str, Unusable> {
    if endpoint.is_empty() {
        return Err(Unusable::new("--endpoint: expected a name"));
    }
    match users.get(endpoint) {
        Some(user) => Ok(user),
        None if users.is_empty() => Ok(endpoint),
        None => {
            let known: Vec<&str> = users.keys().map(String::as_str).collect();
            let sentence = format!(
                "--endpoint: there is no endpoint \"{endpoint}\" in the configuration; it has {}",
                known.join(", ")
            );
            Err(Unusable::new(crate::text::shown(sentence.as_bytes())))
        }
    }
}

fn no_message(asked: &Explain, name: &str, raw: &[u8], error: &ParseError) -> Unusable {
    let (line, column) = line_and_column(raw, error.offset);
    Unusable {
        sentence: format!(
            "{name}: this is no SIP message: byte {} (line {line}, column {column}): {}\n{}{}",
            error.offset,
            error.what,
            caret(raw, error.offset, "  "),
            lists::line(error.rule),
        ),
        json: asked.json.then(|| json!({ "error": json::error(error) })),
    }
}

fn response(asked: &Explain, name: &str) -> Unusable {
    let what = "expected a request, found a response";
    let error = json!({ "error": { "what": what, "offset": 0, "rule": null } });
    Unusable { sentence: format!("{name}: {what}"), json: asked.json.then_some(error) }
}

fn as_json(decision: &Decision<'_, '_>) -> Value {
    let verdict = decision.verdict;
    let number = |number: u32| match number {
        0 => Value::Null,
        number => Value::from(number),
    };
    let lines = |bytes: &[u8]| Value::from_iter(header_lines(bytes));
    let variables = verdict.variables.iter();
    let variables = variables.map(|(name, value)| (name.to_owned(), json::text(value)));
    let rules = verdict.rules.iter().map(|rule| rule.to_string());
    let texts = verdict.rules.iter();
    let texts = texts.map(|rule| (rule.to_string(), Value::from(lists::text(rule))));
    let sources = verdict.rules.iter();
    let sources = sources.map(|rule| (rule.to_string(), Value::from(lists::source(rule))));
    let sender = decision.sender;
    json!({
        "method": json::text(decision.method),
        "request_uri": json::text(decision.request_uri),
        "sender": sender.map(|(endpoint, user)| json!({ "endpoint": endpoint, "user": user })),
        "verdict": verdict.kind.name(),
        "code": number(u32::from(verdict.code)),
        "reason": reason(verdict),
        "warning": json::text_or_null(verdict.warning),
        "unsupported": json::text_or_null(verdict.unsupported),
        "retry_after_s": number(verdict.retry_after_s),
        "dialog": verdict.dialog.as_ref().map(dialog),
        "old_dialog": old_dialog(verdict.old_dialog),
        "early_only": verdict.early_only,
        "ground": verdict.ground.map(|ground| ground.name()),
        "context": json::text_or_null(verdict.context),
        "extension": json::text_or_null(verdict.extension),
        "variables": Value::Object(Map::from_iter(variables)),
        "target": json::text_or_null(verdict.target),
        "target_method": json::text_or_null(verdict.method),
        "replaces": json::text_or_null(verdict.replaces),
        "referred_by": json::text_or_null(verdict.referred_by),
        "referrer": referrer(verdict.referrer),
        "token": json::text_or_null(verdict.token),
        "in_call": (decision.method == b"REFER").then_some(verdict.in_call),
        "target_dialog": json::text_or_null(verdict.target_dialog),
        "headers": lines(verdict.headers),
        "dropped": Value::from_iter(dropped(verdict)),
        "subscription": verdict.subscription,
        "approval_pending": verdict.approval_pending,
        "transfer_depth": number(verdict.transfer_depth),
        "setting": json::text_or_null(verdict.setting.as_bytes()),
        "rules": Value::from_iter(rules),
        "rule_texts": Value::Object(Map::from_iter(texts)),
        "rule_sources": Value::Object(Map::from_iter(sources)),
        "why": json::text(verdict.why),
        "notes": decision.notes,
        "error": verdict.error.as_ref().map(json::error),
    })
}

fn dialog(matched: &Matched<Entry<()>>) -> Value {
    let Facts { key, user, endpoint, usage, secure, .. } = matched.dialog.facts();
    json!({
        "call_id": json::text(key.call_id),
        "local_tag": json::text(key.local_tag),
        "remote_tag": json::text(key.remote_tag),
        "state": state(matched.state),
        "initiator": initiator(matched.initiator),
        "user": json::text(user),
        "endpoint": json::text(endpoint),
        "usage": if usage == Usage::Invite { "invite" } else { "other" },
        "secure": secure,
    })
}

/// The reason phrase of the answer; `None` where there is no answer.
pub fn reason(verdict: &Decided<'_>) -> Option<&'static str> {
    (verdict.code > 0).then(|| reason_phrase(verdict.code))
}

/// The lines of the triggered request, without their ends.
pub fn header_lines(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    text.split_terminator("\r\n").map(str::to_owned).collect()
}

/// The names of the headers that are left out of the triggered request.
pub fn dropped(verdict: &Decided<'_>) -> Vec<String> {
    let names = String::from_utf8_lossy(verdict.dropped);
    let names = names.split(',').filter(|name| !name.is_empty());
    names.map(str::to_owned).collect()
}

/// As `--dialogs` has it.
pub fn state(state: State) -> &'static str {
    match state {
        State::Early => "early",
        State::Confirmed => "confirmed",
        State::Terminated => "terminated",
    }
}

/// As `--dialogs` has it.
pub fn initiator(initiator: Initiator) -> &'static str {
    match initiator {
        Initiator::Local => "local",
        Initiator::Remote => "remote",
    }
}

/// What is known of who is named in Referred-By; `None` where nobody is.
pub fn referrer(referrer: Referrer) -> Option<&'static str> {
    match referrer {
        Referrer::None => None,
        Referrer::Unverified => Some("unverified"),
        Referrer::Verified => Some("verified"),
    }
}

fn old_dialog(old: OldDialog) -> &'static str {
    match old {
        OldDialog::Nothing => "nothing",
        OldDialog::Bye => "bye",
        OldDialog::Cancel => "cancel",
        OldDialog::Reject => "reject",
    }
}
