//! A decision as text, for people.

use crate::explain::{
    dropped, header_lines, initiator, reason, referrer, state, Decided, Decision,
};
use crate::lists;
use crate::text::{caret, line_and_column, shown};
use sipxfer::dialog::DialogRef;
use sipxfer::transfer::{Kind, OldDialog};
use std::fmt::Write;

/// What was decided in one line, why, what it is made of, and the rules.
pub fn text(decision: &Decision<'_, '_>) -> String {
    let verdict = decision.verdict;
    let mut out = format!("{}\n", headline(verdict));
    let _ = writeln!(out, "Why: {}", shown(verdict.why));
    if let Some(error) = &verdict.error {
        let (line, column) = line_and_column(decision.raw, error.offset);
        let _ = write!(
            out,
            "\nbyte {} (line {line}, column {column}): {}\n{}",
            error.offset,
            error.what,
            caret(decision.raw, error.offset, "  "),
        );
    }
    out.push('\n');
    details(&mut out, decision);
    if verdict.rules.iter().next().is_some() {
        out.push_str("\nRules:\n");
    }
    for rule in verdict.rules.iter() {
        let _ = writeln!(out, "  {}", lists::line(rule));
    }
    out
}

/// The verdict in words, with its code.
fn headline(verdict: &Decided<'_>) -> String {
    let words = match verdict.kind {
        Kind::None => "Nothing to decide",
        Kind::Accept => "Accepted in the place of a dialog",
        Kind::Reject => "Refused",
        Kind::Challenge => "Challenged (a proxy would answer 407)",
        Kind::Blind => "Blind transfer",
        Kind::LocalAttended => "Attended transfer between two calls of this PBX",
        Kind::RemoteAttended => "Attended transfer to a dialog elsewhere",
        Kind::OtherMethod => "Another request than INVITE is to be sent",
        Kind::Pass => "Passed on to the other leg of the call",
        Kind::Pending => "Not known yet",
        Kind::Join => "Accepted into the call of a dialog",
        Kind::Again => "Received before",
        Kind::RemoteNode => "To another node",
    };
    match reason(verdict) {
        Some(reason) => format!("{words}: {} {reason}", verdict.code),
        None => words.to_owned(),
    }
}

fn details(out: &mut String, decision: &Decision<'_, '_>) {
    let verdict = decision.verdict;
    let mut line = |name: &str, value: &[u8]| {
        if !value.is_empty() {
            let _ = writeln!(out, "  {name:<12} {}", shown(value));
        }
    };
    let request = [decision.method, b" ", decision.request_uri].concat();
    line("request", &request);
    let sender = match decision.sender {
        None => "a stranger".to_owned(),
        Some((endpoint, user)) => format!("endpoint {endpoint}, authenticated as user {user}"),
    };
    line("from", sender.as_bytes());
    if let Some(matched) = &verdict.dialog {
        let facts = matched.dialog.facts();
        let key = facts.key;
        line("dialog", key.call_id);
        let (local, remote) = (lossy(key.local_tag), lossy(key.remote_tag));
        line("", format!("local tag {local}, remote tag {remote}").as_bytes());
        let begun = match initiator(matched.initiator) {
            "local" => "this side",
            _ => "the peer",
        };
        let state = state(matched.state);
        line("", format!("{state}, begun by {begun}").as_bytes());
        let (user, endpoint) = (lossy(facts.user), lossy(facts.endpoint));
        line("", format!("user {user}, endpoint {endpoint}").as_bytes());
    }
    // Who is to be had here is the party that waits.
    let parked =
        verdict.dialog.is_some() && matches!(verdict.kind, Kind::Accept | Kind::LocalAttended);
    let old_dialog = match verdict.old_dialog {
        OldDialog::Nothing if parked => "is a parked call, and goes on",
        OldDialog::Nothing => "",
        OldDialog::Bye => "is ended with BYE",
        OldDialog::Cancel => "is ended with CANCEL",
        OldDialog::Reject => "its INVITE gets a final response",
    };
    line("old dialog", old_dialog.as_bytes());
    if decision.method == b"REFER" && verdict.code / 100 == 2 && !verdict.in_call {
        line("call", b"none with the sender: the PBX calls the one that it acts for");
    }
    if !verdict.target_dialog.is_empty() {
        line("call", &[b"the one of Target-Dialog ", verdict.target_dialog].concat());
    }
    line("allowed by", verdict.ground.map_or("", |it| it.name()).as_bytes());
    if !verdict.extension.is_empty() {
        let (extension, context) = (lossy(verdict.extension), lossy(verdict.context));
        line("route", format!("extension {extension} in context {context}").as_bytes());
    }
    for (name, value) in verdict.variables.iter() {
        line("variable", format!("{name}={}", lossy(value)).as_bytes());
    }
    // Two calls that are both here are connected without a request.
    if verdict.kind != Kind::LocalAttended && !verdict.target.is_empty() {
        line("triggered", &[verdict.method, b" ", verdict.target].concat());
        for header in header_lines(verdict.headers) {
            line("", header.as_bytes());
        }
    }
    line("referrer", referrer(verdict.referrer).unwrap_or_default().as_bytes());
    if !verdict.token.is_empty() {
        let token =
            format!("a body part of {} bytes, which goes along untouched", verdict.token.len());
        line("token", token.as_bytes());
    }
    line("dropped", dropped(verdict).join(", ").as_bytes());
    if verdict.transfer_depth > 0 {
        let subscription =
            if verdict.subscription { "yes, a NOTIFY follows at once" } else { "none" };
        line("subscription", subscription.as_bytes());
        line("depth", verdict.transfer_depth.to_string().as_bytes());
    }
    line("Warning", verdict.warning);
    line("Unsupported", verdict.unsupported);
    if verdict.retry_after_s > 0 {
        line("Retry-After", verdict.retry_after_s.to_string().as_bytes());
    }
    line("setting", verdict.setting.as_bytes());
    for note in decision.notes {
        line("note", note.as_bytes());
    }
}

fn lossy(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        return "(none)".to_owned();
    }
    String::from_utf8_lossy(bytes).into_owned()
}
