//! A page that needs nothing else: no script, no font, no address of another place.

use super::svg::{self, escaped};
use super::{label, letter, moment};
use crate::lists;
use crate::story::Story;
use std::fmt::Write;

const STYLE: &str = "\
:root{color-scheme:light dark;--ink:#1f2328;--dim:#656d76;--page:#fff;--line:#d0d7de;--soft:#f6f8fa}\
@media (prefers-color-scheme:dark){:root{--ink:#e6edf3;--dim:#8d96a0;--page:#0d1117;--line:#30363d;--soft:#161b22}}\
body{font:15px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;color:var(--ink);\
background:var(--page);max-width:1080px;margin:2rem auto;padding:0 1rem}\
h1{font-size:1.5rem;margin:0}h2{font-size:1.2rem;margin:0 0 .5rem}\
.dim{color:var(--dim)}nav{margin:1rem 0;border:1px solid var(--line);border-radius:8px;overflow:hidden}\
nav a{display:flex;gap:1rem;padding:.4rem .8rem;color:inherit;text-decoration:none;border-top:1px solid var(--line)}\
nav a:first-child{border-top:0}nav a:hover{background:var(--soft)}\
section{border:1px solid var(--line);border-radius:10px;padding:1rem 1.2rem;margin:1.2rem 0}\
.tag{display:inline-block;border-radius:1em;padding:0 .7em;font-size:.85em;font-weight:600;color:#fff;background:#6e7781}\
.tag.good{background:#1a7f37}.tag.bad{background:#cf222e}\
.facts{display:grid;grid-template-columns:7em 1fr;gap:.25rem 1rem;margin:.5rem 0}.facts dt{color:var(--dim)}.facts dd{margin:0;overflow-wrap:anywhere}\
.picture{overflow-x:auto}.picture svg{max-width:100%;height:auto}\
details{margin-top:.5rem}summary{cursor:pointer;color:var(--dim)}\
pre{background:var(--soft);border:1px solid var(--line);border-radius:6px;padding:.6rem;overflow:auto;font-size:12px;max-height:30rem}";

/// The page about all these stories. `source` is the name of the file, `summary` a sentence on it.
pub fn page(source: &str, summary: &str, notes: &[String], stories: &[Story]) -> String {
    let mut out = String::from("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">");
    out.push_str("<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">");
    // Should a name or a header ever become markup, it still could load and run nothing.
    out.push_str("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">");
    let _ = write!(
        out,
        "<title>{}</title><style>{STYLE}{}</style></head><body><h1>{}</h1><p class=\"dim\">{}</p>",
        escaped(source),
        svg::STYLE,
        escaped(source),
        escaped(summary)
    );
    for note in notes {
        let _ = write!(out, "<p class=\"dim\">{}</p>", escaped(note));
    }
    if stories.len() > 1 {
        out.push_str("<nav>");
        for story in stories {
            let _ = write!(
                out,
                "<a href=\"#t{}\"><span>{}</span><span>{}</span>{}<span class=\"dim\">{}</span></a>",
                story.number,
                story.number,
                story.kind.title(),
                tag(story),
                escaped(&super::cut(&story.why, 100))
            );
        }
        out.push_str("</nav>");
    }
    for story in stories {
        section(&mut out, story);
    }
    out.push_str("</body></html>\n");
    out
}

fn tag(story: &Story) -> String {
    let code = story.outcome.code().map(|code| format!(" {code}")).unwrap_or_default();
    let (tone, name) = (story.outcome.tone().name(), story.outcome.name());
    format!("<span class=\"tag {tone}\">{name}{code}</span>")
}

fn section(out: &mut String, story: &Story) {
    let began = story.began_us.map(moment).unwrap_or_default();
    let _ = write!(
        out,
        "<section id=\"t{}\"><h2>{}. {} {}</h2><p class=\"dim\">{}</p><dl class=\"facts\">",
        story.number,
        story.number,
        escaped(story.kind.title()),
        tag(story),
        escaped(&began)
    );
    let mut fact = |name: &str, text: &str| {
        if !text.is_empty() {
            let _ = write!(out, "<dt>{name}</dt><dd>{}</dd>", escaped(text));
        }
    };
    for (at, line) in story.happened.iter().enumerate() {
        fact(if at == 0 { "what" } else { "" }, line);
    }
    fact("why", &story.why);
    for rule in &story.rules {
        fact("rule", &lists::line(*rule));
    }
    for change in &story.change {
        fact("change", change);
    }
    fact("device", &story.asked.user_agent);
    fact("profile", &story.asked.profile);
    for finding in &story.findings {
        let rule = finding.rule.map(|rule| format!(" ({rule})")).unwrap_or_default();
        let change =
            if finding.change.is_empty() { String::new() } else { format!(": {}", finding.change) };
        fact(finding.weight.name(), &format!("{}{rule}{change}", finding.text));
    }
    for (number, call) in story.calls.iter().enumerate() {
        let letter = char::from(b'A' + u8::try_from(number).unwrap_or_default().min(25));
        fact(&format!("call {letter}"), call);
    }
    let _ = write!(out, "</dl><div class=\"picture\">{}</div>", svg::inline(story));
    let shown: Vec<_> =
        story.steps.iter().filter_map(|it| it.raw.as_ref().map(|raw| (it, raw))).collect();
    if !shown.is_empty() {
        out.push_str("<details><summary>the messages</summary>");
        for (step, raw) in shown {
            let text = String::from_utf8_lossy(raw);
            let lines: Vec<String> = text.lines().map(escaped).collect();
            let _ = write!(
                out,
                "<p class=\"dim\">{} {}: {}</p><pre>{}</pre>",
                letter(story, step),
                step.number,
                escaped(&label(step)),
                lines.join("\n")
            );
        }
        out.push_str("</details>");
    }
    out.push_str("</section>");
}
