//! `sipxfer explain` of a capture: every transfer in it, in words, as JSON, or as a picture.

use crate::args::Explain;
use crate::capture::{self, Counted, Kind, Losses};
use crate::draw::terminal::{ladder, painted, Canvas};
use crate::draw::{html, letter, moment, svg};
use crate::input::Source;
use crate::story::{Limits, Story, Summary, Tracker};
use crate::text::{shown, wrapped};
use crate::{json, lists, Outcome, Unusable, UNWRITTEN};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{json, Map, Value};
use std::ffi::OsStr;
use std::fmt::Write;
use std::io::{BufReader, IsTerminal};
use std::time::Duration;

/// What a picture is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Svg,
    Html,
}

impl Form {
    fn of(path: &OsStr) -> Result<Form, Unusable> {
        let name = path.to_string_lossy().to_ascii_lowercase();
        if name.ends_with(".svg") {
            Ok(Form::Svg)
        } else if name.ends_with(".html") || name.ends_with(".htm") {
            Ok(Form::Html)
        } else {
            Err(Unusable::new("-o: expected a file that ends with .svg or .html"))
        }
    }
}

/// What the messages of a page may have, all together.
const SHOWN: usize = 8 << 20;
/// From this size on a capture takes long enough for a progress bar.
const LONG: u64 = 16 << 20;
/// How often the bar is told.
const STEP: u64 = 1 << 20;

/// Tells every transfer of a capture.
pub fn run(asked: &Explain, kind: Kind, source: Source) -> Result<Outcome, Unusable> {
    refuse_what_is_for_one_message(asked)?;
    let form = asked.output.as_deref().map(Form::of).transpose()?;
    let name = source.name.clone();
    let bar = progress(source.size);
    let mut tracker = Tracker::new(Limits {
        raw: if form == Some(Form::Html) { SHOWN } else { 0 },
        ..Limits::DEFAULT
    });
    let mut told = 0;
    let mut tell = {
        let bar = bar.clone();
        move |sum: u64| {
            if sum >= told + STEP {
                told = sum;
                bar.set_position(sum);
            }
        }
    };
    let mut stream = source.stream;
    let mut from = BufReader::with_capacity(1 << 16, Counted::new(&mut stream, &mut tell));
    let losses = capture::read(kind, &mut from, &mut |packet| tracker.packet(&packet))
        .map_err(|error| Unusable::new(format!("{name}: {error}")))?;
    bar.finish_and_clear();
    let (mut stories, summary) = tracker.finish();
    if let Some(number) = asked.transfer {
        stories.retain(|it| it.number == number);
        if stories.is_empty() {
            let sentence =
                format!("{name}: there is no transfer {number}; it has {}", summary.transfers);
            return Err(Unusable::new(sentence));
        }
    }
    let notes = notes(&summary, &losses, &stories, asked.transfer.is_some());
    let told = Told { kind, name: &name, stories: &stories, summary: &summary, notes: &notes };
    let mut outcome = Outcome::default();
    if let (Some(form), Some(path)) = (form, &asked.output) {
        let picture = match form {
            Form::Svg => svg::picture(&stories),
            Form::Html => html::page(&name, &told.headline(), &notes, &stories),
        };
        if let Err(error) = std::fs::write(path, picture) {
            outcome.stderr = format!("sipxfer: {}: {error}\n", shown(path.as_encoded_bytes()));
            outcome.status = UNWRITTEN;
            return Ok(outcome);
        }
    }
    outcome.stdout = if asked.json {
        json::printed(told.json())
    } else if form.is_some() {
        format!("{}\n", told.headline())
    } else {
        told.text(canvas())
    };
    Ok(outcome)
}

/// A capture has no one sender, and its dialogs are in it.
fn refuse_what_is_for_one_message(asked: &Explain) -> Result<(), Unusable> {
    let given = [
        ("--config", asked.config.is_some()),
        ("--dialogs", asked.dialogs.is_some()),
        ("--endpoint", asked.endpoint.is_some()),
        ("--secure", asked.secure),
        ("--depth", asked.depth > 0),
    ];
    match given.into_iter().find(|(_, given)| *given) {
        None => Ok(()),
        Some((name, _)) => {
            Err(Unusable::new(format!("{name} is for one request, and FILE is a capture or a log")))
        }
    }
}

fn progress(size: Option<u64>) -> ProgressBar {
    if !std::io::stderr().is_terminal() || size.is_some_and(|size| size < LONG) {
        return ProgressBar::hidden();
    }
    let bar = match size {
        Some(size) => ProgressBar::new(size),
        None => ProgressBar::new_spinner(),
    };
    let template = match size {
        Some(_) => "{bar:40} {bytes} of {total_bytes}, {eta} left",
        None => "{spinner} {bytes} read",
    };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// Colours for people who look at a terminal and have not said no (<https://no-color.org>).
fn canvas() -> Canvas {
    let is_terminal = std::io::stdout().is_terminal();
    let is_set = |name| std::env::var_os(name).is_some_and(|it| !it.is_empty());
    let colours = is_terminal
        && !is_set("NO_COLOR")
        && std::env::var_os("TERM").is_none_or(|it| it != "dumb");
    let width = if is_terminal { usize::from(console::Term::stdout().size().1) } else { 110 };
    Canvas { width: width.clamp(60, 240), colours }
}

fn notes(summary: &Summary, losses: &Losses, stories: &[Story], is_one: bool) -> Vec<String> {
    let mut notes = Vec::new();
    if summary.messages == 0 {
        notes.push("there is no SIP message in it; one over TLS or a WebSocket cannot be read from the network".to_owned());
    }
    if let Some(at) = losses.broken_at {
        notes.push(format!("it is damaged or cut at byte {at}: what is behind that is not read"));
    }
    if losses.cut > 0 {
        notes.push(format!(
            "{} packets were cut short when they were captured (tcpdump -s 0 keeps them whole)",
            losses.cut
        ));
    }
    if losses.unknown_link > 0 {
        notes.push(format!(
            "{} packets are of a link layer that is not known here",
            losses.unknown_link
        ));
    }
    if losses.dropped > 0 {
        notes.push(format!(
            "{} packets or streams were incomplete or too many at a time, and are left out",
            losses.dropped
        ));
    }
    if summary.malformed > 0 {
        let first =
            summary.first_malformed.as_deref().unwrap_or("it lacks a header that each one has");
        notes.push(format!(
            "{} messages cannot be read; {}",
            summary.malformed,
            shown(first.as_bytes())
        ));
    }
    let told = stories.len() as u64;
    if !is_one && told < summary.transfers {
        notes.push(format!("only {told} of {} transfers are told", summary.transfers));
    }
    notes
}

struct Told<'t> {
    kind: Kind,
    name: &'t str,
    stories: &'t [Story],
    summary: &'t Summary,
    notes: &'t [String],
}

fn number(count: u64, one: &str, many: &str) -> String {
    if count == 1 {
        format!("1 {one}")
    } else {
        format!("{count} {many}")
    }
}

impl Told<'_> {
    fn headline(&self) -> String {
        let summary = self.summary;
        let mut text = format!(
            "{}: {} in {}, {}",
            self.name,
            number(summary.messages, "SIP message", "SIP messages"),
            number(summary.calls, "call", "calls"),
            number(summary.transfers, "transfer", "transfers"),
        );
        let each: Vec<String> =
            summary.outcomes.iter().map(|(name, count)| format!("{count} {name}")).collect();
        if !each.is_empty() {
            let _ = write!(text, ": {}", each.join(", "));
        }
        text
    }

    fn text(&self, canvas: Canvas) -> String {
        let mut out = format!("{}\n", self.headline());
        for note in self.notes {
            out.push_str(&wrapped(&format!("note: {note}"), "  "));
        }
        for story in self.stories {
            out.push('\n');
            out.push_str(&told(story, canvas));
        }
        out
    }

    fn json(&self) -> Value {
        let summary = self.summary;
        let outcomes = summary.outcomes.iter();
        let outcomes = outcomes.map(|(name, count)| ((*name).to_owned(), Value::from(*count)));
        json!({
            "source": self.kind.name(),
            "messages": summary.messages,
            "calls": summary.calls,
            "transfer_count": summary.transfers,
            "outcomes": Value::Object(Map::from_iter(outcomes)),
            "transfers": Value::from_iter(self.stories.iter().map(as_json)),
            "notes": self.notes,
        })
    }
}

/// One transfer in words, and its ladder.
fn told(story: &Story, canvas: Canvas) -> String {
    let mut outcome = story.outcome.name().to_owned();
    if let Some(code) = story.outcome.code() {
        let _ = write!(outcome, " {code}");
    }
    let mut out = format!("Transfer {}, {}", story.number, story.kind.title());
    if let Some(us) = story.began_us {
        let _ = write!(out, ", {}", moment(us));
    }
    let _ = writeln!(out, ": {}", painted(&outcome, story.outcome.tone(), canvas));
    let mut fact = |name: &str, text: &str| {
        if text.is_empty() {
            return;
        }
        let lines = wrapped(&shown(text.as_bytes()), "           ");
        let _ = write!(out, "  {name:<9}{}", lines.trim_start());
    };
    for (at, line) in story.happened.iter().enumerate() {
        fact(if at == 0 { "What" } else { "" }, line);
    }
    fact("Why", if story.outcome == crate::story::Outcome::Done { "" } else { &story.why });
    for (at, rule) in story.rules.iter().enumerate() {
        fact(if at == 0 { "Rules" } else { "" }, &lists::line(*rule));
    }
    for (at, change) in story.change.iter().enumerate() {
        fact(if at == 0 { "Change" } else { "" }, change);
    }
    if !story.asked.user_agent.is_empty() {
        let profile = match &*story.asked.profile {
            "" => String::new(),
            name => format!(", profile {name}"),
        };
        fact("Device", &format!("{}{profile}", story.asked.user_agent));
    }
    for finding in &story.findings {
        let rule = finding.rule.map(|rule| format!(" ({rule})")).unwrap_or_default();
        let change = if finding.change.is_empty() || story.change.contains(&finding.change) {
            String::new()
        } else {
            format!(": {}", finding.change)
        };
        let mut name = finding.weight.name().to_owned();
        if let Some(first) = name.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        fact(&name, &format!("{}{rule}{change}", finding.text));
    }
    out.push('\n');
    out.push_str(&ladder(story, canvas));
    if story.left_out > 0 {
        let _ = writeln!(out, "  {} messages more", story.left_out);
    }
    out
}

fn as_json(story: &Story) -> Value {
    let party = |at: usize| story.parties.get(at).map(|it| it.place.to_string());
    let rules = story.rules.iter();
    let texts = rules.clone().map(|rule| (rule.to_string(), Value::from(lists::text(*rule))));
    let first = story.steps.first().and_then(|it| it.at_us);
    let ms = |at: Option<u64>| at.zip(first).map(|(now, first)| now.saturating_sub(first) / 1_000);
    let calls = story.calls.iter().enumerate().map(|(at, id)| {
        let letter = char::from(b'A' + u8::try_from(at).unwrap_or_default().min(25));
        json!({ "letter": letter.to_string(), "call_id": **id })
    });
    let findings = story.findings.iter().map(|it| {
        json!({
            "weight": it.weight.name(),
            "rule": it.rule.map(|rule| rule.to_string()),
            "text": it.text,
            "change": null_if_empty(&it.change),
        })
    });
    let steps = story.steps.iter().map(|step| {
        json!({
            "message": step.number,
            "at_ms": ms(step.at_us),
            "from": party(step.from),
            "to": party(step.to),
            "call": letter(story, step).to_string(),
            "text": step.label,
            "headers": step.notes,
            "tone": step.tone.name(),
            "repeats": step.repeats,
        })
    });
    json!({
        "number": story.number,
        "kind": story.kind.name(),
        "began": story.began_us.map(moment),
        "outcome": story.outcome.name(),
        "code": story.outcome.code(),
        "from": party(story.asked.from),
        "to": party(story.asked.to),
        "transport": story.asked.transport,
        "refer_to": (story.kind != crate::story::Kind::Takeover).then_some(&story.asked.value),
        "replaces": (story.kind == crate::story::Kind::Takeover).then_some(&story.asked.value),
        "referred_by": null_if_empty(&story.asked.referred_by),
        "user_agent": null_if_empty(&story.asked.user_agent),
        "profile": null_if_empty(&story.asked.profile),
        "happened": story.happened,
        "said_no": story.said_no.and_then(party),
        "why": null_if_empty(&story.why),
        "rules": Value::from_iter(rules.map(|rule| rule.to_string())),
        "rule_texts": Value::Object(Map::from_iter(texts)),
        "change": story.change,
        "findings": Value::from_iter(findings),
        "parties": Value::from_iter(story.parties.iter().map(|it| json!({
            "address": it.place.to_string(), "name": null_if_empty(&it.name),
        }))),
        "calls": Value::from_iter(calls),
        "steps": Value::from_iter(steps),
        "left_out": story.left_out,
    })
}

fn null_if_empty(text: &str) -> Value {
    if text.is_empty() {
        Value::Null
    } else {
        Value::from(text)
    }
}
