//! How a transfer ended, who said no, and what to change.

use super::advice::{self, Of};
use super::open::{Answer, Open};
use super::places::Places;
use super::Weight::{Fault, Habit, Note};
use super::{Asked, Kind, Outcome, Party, Step, Story};
use sipxfer::config::profile::Profiles;
use sipxfer::rule::Rule;
use std::rc::Rc;

/// Why it ended as it did.
struct Verdict {
    outcome: Outcome,
    /// The place of who said no.
    said_no: Option<usize>,
    why: String,
    rules: Vec<Rule>,
    change: Vec<String>,
}

impl Verdict {
    fn plain(outcome: Outcome, why: &str) -> Verdict {
        let (rules, change) = (Vec::new(), Vec::new());
        Verdict { outcome, said_no: None, why: why.to_owned(), rules, change }
    }

    fn by(mut self, rule: Rule, change: &str) -> Verdict {
        self.rules.push(rule);
        if !change.is_empty() {
            self.change.push(change.to_owned());
        }
        self
    }
}

/// The story of a transfer. `at_end`: the capture has ended before it was forgotten.
pub fn told(mut open: Open, places: &Places, profiles: &Profiles, at_end: bool) -> Story {
    let profile = profiles.of(open.user_agent.as_bytes());
    habits_of_the_end(&mut open, profile, at_end);
    let mut verdict = verdict(&open, places, at_end);
    // What was found against a rule is nearer to the cause than what the code says.
    if !matches!(verdict.outcome, Outcome::Done) {
        for fault in open.findings.iter().filter(|it| it.weight == Fault) {
            if let Some(rule) = fault.rule {
                if !verdict.rules.contains(&rule) {
                    verdict.rules.push(rule);
                }
            }
        }
    }
    let profile_name = if profile.pattern.is_empty() { "" } else { &*profile.name };
    let happened = happened(&open, &verdict, places);
    open.findings.sort_by_key(|it| it.weight);

    // Places become columns.
    let columns = columns(&open.steps, [open.from, open.to]);
    let column = |place: usize| columns.iter().position(|it| *it == place).unwrap_or_default();
    let mut steps = open.steps;
    steps.sort_by_key(|it| it.number);
    let first =
        |id: &Rc<str>| steps.iter().find(|it| it.call_id == *id).map_or(u64::MAX, |it| it.number);
    open.calls.sort_by_key(first);
    for step in &mut steps {
        step.from = column(step.from);
        step.to = column(step.to);
    }
    Story {
        number: open.number,
        kind: open.kind,
        began_us: open.began_us,
        outcome: verdict.outcome,
        happened,
        said_no: verdict.said_no.map(column),
        why: verdict.why,
        rules: verdict.rules,
        change: verdict.change,
        findings: open.findings,
        asked: Asked {
            from: column(open.from),
            to: column(open.to),
            value: open.value,
            referred_by: open.referred_by,
            user_agent: open.user_agent,
            transport: open.transport,
            profile: profile_name.to_owned(),
        },
        calls: open.calls,
        parties: columns.iter().map(|place| places.party(*place)).collect::<Vec<Party>>(),
        steps,
        left_out: open.left_out,
    }
}

/// The places from left to right: as they appear, but whom most messages go through in the middle.
fn columns(steps: &[Step], always: [usize; 2]) -> Vec<usize> {
    let mut steps: Vec<&Step> = steps.iter().collect();
    steps.sort_by_key(|it| it.number);
    let mut found: Vec<usize> = Vec::new();
    for place in steps.iter().flat_map(|it| [it.from, it.to]).chain(always) {
        if !found.contains(&place) {
            found.push(place);
        }
    }
    let share = |place: usize| steps.iter().filter(|it| it.from == place || it.to == place).count();
    let hub = found.iter().copied().max_by_key(|place| share(*place));
    if let Some(hub) = hub.filter(|hub| found.len() > 2 && share(*hub) * 3 > steps.len() * 2) {
        found.retain(|place| *place != hub);
        found.insert(found.len().div_ceil(2), hub);
    }
    found
}

/// Somebody, in a sentence.
fn name(places: &Places, place: usize) -> String {
    let Party { place, name } = places.party(place);
    if name.is_empty() {
        place.to_string()
    } else {
        format!("{name} ({place})")
    }
}

fn refused(open: &Open, answer: &Answer, of: Of, outcome: Outcome, places: &Places) -> Verdict {
    let advice = advice::of(of, answer.code);
    let who = name(places, answer.place);
    let mut why = format!("{who} answered {} {}: {}", answer.code, answer.reason, advice.means);
    if !answer.warning.is_empty() {
        why.push_str(&format!("; it says: {}", answer.warning));
    }
    // A fault that was seen says more than the code.
    let faults: Vec<_> = open.findings.iter().filter(|it| it.weight == Fault).collect();
    let mut change: Vec<String> =
        faults.iter().filter(|it| !it.change.is_empty()).map(|it| it.change.clone()).collect();
    change.dedup();
    if change.is_empty() {
        change.push(advice.change.to_owned());
    }
    let said_no = Some(answer.place);
    Verdict { outcome, said_no, why, rules: advice.rule.into_iter().collect(), change }
}

fn verdict(open: &Open, places: &Places, at_end: bool) -> Verdict {
    if open.kind == Kind::Takeover {
        return match &open.answer {
            Some(answer) if answer.code < 300 => {
                Verdict::plain(Outcome::Done, "").by(Rule::R011, "")
            }
            Some(answer) if matches!(answer.code, 401 | 407) => {
                refused(open, answer, Of::Replaces, Outcome::Challenged(answer.code), places)
            }
            Some(answer) => {
                refused(open, answer, Of::Replaces, Outcome::Refused(answer.code), places)
            }
            None => unanswered("the INVITE", at_end),
        };
    }
    let triggered = open.triggered.as_ref();
    let target = triggered.and_then(|it| it.answer.as_ref());
    let of = if triggered.is_some_and(|it| it.has_replaces) { Of::Replaces } else { Of::Target };
    if let Some(notify) = open.told() {
        let code = notify.code.unwrap_or_default();
        if code < 300 {
            return Verdict::plain(Outcome::Done, "").by(Rule::R082, "");
        }
        // The target's own answer, if it is the one that was told.
        if let Some(answer) = target.filter(|it| it.code >= 300) {
            return refused(open, answer, of, Outcome::Failed(code), places);
        }
        let answer = Answer {
            code,
            reason: notify.reason.clone(),
            warning: String::new(),
            place: notify.from,
        };
        let of = if triggered.is_some() {
            of
        } else if code == 603 || code == 403 {
            Of::Refer
        } else {
            Of::Target
        };
        let mut verdict = refused(open, &answer, of, Outcome::Failed(code), places);
        verdict.why = format!(
            "{} told {code} {} in a NOTIFY: {}",
            name(places, notify.from),
            notify.reason,
            advice::of(of, code).means
        );
        return verdict;
    }
    match &open.answer {
        None => return unanswered("the REFER", at_end),
        Some(answer) if matches!(answer.code, 401 | 407) => {
            return refused(open, answer, Of::Refer, Outcome::Challenged(answer.code), places);
        }
        Some(answer) if answer.code >= 300 => {
            return refused(open, answer, Of::Refer, Outcome::Refused(answer.code), places);
        }
        Some(_) => {}
    }
    match target {
        Some(answer) if answer.code < 300 => {
            return Verdict::plain(
                Outcome::Done,
                "no NOTIFY told it; the answer of the new call does",
            );
        }
        Some(answer) => return refused(open, answer, of, Outcome::Failed(answer.code), places),
        None => {}
    }
    if open.no_subscription {
        let why = "the sender wanted no NOTIFY (Refer-Sub: false), so nobody tells the outcome";
        return Verdict::plain(Outcome::Unknown, why).by(Rule::R063, "");
    }
    let has_ended = open.notifies.iter().any(|it| it.ends);
    let why = match open.bye {
        _ if has_ended => "the subscription was ended before an outcome was told",
        Some(bye) if bye.by_transferor => {
            "the transferor hung up and nobody told an outcome after that"
        }
        Some(_) => "the call was ended before an outcome was told",
        None if at_end => "the capture ends before an outcome was told",
        None => "no outcome was told",
    };
    let change = if at_end {
        "capture longer, and where the new call runs too"
    } else {
        "look at the log of the box that took the REFER"
    };
    Verdict::plain(Outcome::Unknown, why).by(Rule::R082, change)
}

fn unanswered(what: &str, at_end: bool) -> Verdict {
    let cut = if at_end { ", or the capture ends before" } else { "" };
    let why = format!("nobody answered {what}{cut}");
    let change = "look whether it arrives: a firewall, a NAT, an IP fragment that was lost; and what its receiver's log says";
    Verdict {
        outcome: Outcome::Unanswered,
        said_no: None,
        why,
        rules: Vec::new(),
        change: vec![change.to_owned()],
    }
}

/// What is only seen in the end.
fn habits_of_the_end(open: &mut Open, profile: &sipxfer::config::profile::Profile, at_end: bool) {
    if open.kind == Kind::Takeover || open.answer.as_ref().is_none_or(|it| it.code >= 300) {
        return;
    }
    let is_known = !profile.pattern.is_empty();
    let done = open.told().is_some_and(|it| it.code.is_some_and(|code| code < 300));
    let failed = open.has_failed();
    match open.bye {
        Some(bye) if bye.by_transferor && !bye.after_end => {
            let known = if is_known && (1..300).contains(&profile.habits.releases_at) {
                format!(
                    " (known of this family: profile {}, releases-at={})",
                    profile.name, profile.habits.releases_at
                )
            } else {
                String::new()
            };
            let text = format!("the transferor hung up before it knew the outcome{known}: that is allowed, and must not end the transfer");
            open.find(Habit, Some(Rule::R084), text, "");
            if failed && open.is_recalled {
                let text =
                    "and then the transfer failed: the transferor was called back".to_owned();
                open.find(Note, Some(Rule::R081), text, "");
            } else if failed {
                let text = "and then the transfer failed: the other party was left without anybody"
                    .to_owned();
                let change = "call the transferor back; with sipxfer: refer.on_failure = recall, and releases-at in the profile of this phone";
                open.find(Fault, Some(Rule::R081), text, change);
            }
        }
        None if done => {
            let long =
                open.last_us.zip(open.ended_us).is_some_and(|(last, end)| last > end + 5_000_000);
            if !at_end || long {
                let known = if is_known && profile.habits.hang_up_after_ms.is_some() {
                    format!(" (known of this family: profile {})", profile.name)
                } else {
                    String::new()
                };
                let text = format!(
                    "nobody ended the transferor's call after the transfer had succeeded{known}"
                );
                open.find(Habit, Some(Rule::R084), text, "the PBX must hang up; with sipxfer: refer.hang_up_after_ms, or hang-up=us:2000 in the profile of this phone");
            }
        }
        _ => {}
    }
    let is_told = !open.notifies.is_empty();
    if !is_told && !open.no_subscription && !at_end {
        let text = "the REFER was accepted and no NOTIFY followed".to_owned();
        open.find(Fault, Some(Rule::R034), text, "the one who accepts must send a NOTIFY at once");
    }
    if open.left_out > 0 {
        let text = format!("{} messages more are not drawn", open.left_out);
        open.find(Note, None, text, "");
    }
}

/// The course of events.
fn happened(open: &Open, verdict: &Verdict, places: &Places) -> Vec<String> {
    let who = name(places, open.from);
    let to = name(places, open.to);
    let mut out = Vec::new();
    if open.kind == Kind::Takeover {
        out.push(format!(
            "{who} asked {to} to put it in the place of a call: Replaces: {}",
            open.value
        ));
        if let Some(answer) = open.answer.as_ref().filter(|it| it.code < 300) {
            out.push(format!(
                "{to} answered {} {}: the call was taken over",
                answer.code, answer.reason
            ));
        }
    } else {
        let what = match open.kind {
            Kind::Attended => "to connect its call to the one that Replaces names",
            Kind::Other => "to send another request",
            _ => "to call",
        };
        out.push(format!("{who} asked {to} {what}: Refer-To: {}", open.value));
        if open.cseqs.len() > 1 {
            out.push("it was challenged, and asked again with credentials".to_owned());
        }
        if let Some(answer) = open.answer.as_ref().filter(|it| it.code < 300) {
            out.push(format!(
                "{} accepted with {} {}",
                name(places, answer.place),
                answer.code,
                answer.reason
            ));
        }
        if let Some(triggered) = &open.triggered {
            let with = if triggered.has_replaces { " with Replaces" } else { "" };
            let answer = match &triggered.answer {
                Some(answer) => format!("and got {} {}", answer.code, answer.reason),
                None if triggered.cancelled => "and gave up".to_owned(),
                None => "and got no final answer".to_owned(),
            };
            out.push(format!("it called {}{with} {answer}", name(places, triggered.to)));
        }
        let codes: Vec<String> = open
            .notifies
            .iter()
            .map(|it| it.code.map_or_else(|| "nothing".to_owned(), |code| code.to_string()))
            .collect();
        match codes.as_slice() {
            [] => {}
            [only] => out.push(format!("one NOTIFY told the transferor {only}")),
            // Many are the same again.
            many => {
                let mut short = many.to_vec();
                short.dedup();
                out.push(format!(
                    "{} NOTIFYs told the transferor {}",
                    many.len(),
                    short.join(", ")
                ));
            }
        }
        match open.bye {
            Some(bye) if bye.by_transferor => out.push("the transferor hung up".to_owned()),
            Some(_) => out.push("the transferor's call was ended for it".to_owned()),
            None => {}
        }
    }
    if verdict.outcome == Outcome::Done && !verdict.why.is_empty() {
        out.push(verdict.why.clone());
    }
    out
}
