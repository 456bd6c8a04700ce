//! Ladders as SVG. What strangers wrote stands in it as text, and only as text.

use super::{cut, elapsed, label, letter, moment};
use crate::story::{Step, Story, Tone};
use crate::text::shown;
use std::fmt::Write;

/// Text as XML has it.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in shown(text.as_bytes()).chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // Those that no XML may hold.
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            plain => out.push(plain),
        }
    }
    out
}

/// The styles, for a picture or a page.
pub const STYLE: &str = "\
.sx{font-family:system-ui,-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif}\
.sx .m{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace}\
.sx .page{fill:#ffffff}.sx .ink{fill:#1f2328}.sx .dim{fill:#656d76}\
.sx .box{fill:#f6f8fa;stroke:#d0d7de}.sx .life{stroke:#d0d7de;stroke-width:1.5}\
.sx .plain{stroke:#6e7781}.sx .transfer{stroke:#0969da}.sx .good{stroke:#1a7f37}.sx .bad{stroke:#cf222e}\
.sx .arrow{stroke-width:1.6;fill:none}\
.sx .t-plain{fill:#424a53}.sx .t-transfer{fill:#0969da;font-weight:600}\
.sx .t-good{fill:#1a7f37}.sx .t-bad{fill:#cf222e;font-weight:600}\
.sx .call{fill:#eaeef2}.sx .over{stroke:#ffffff;stroke-width:4px;paint-order:stroke;stroke-linejoin:round}\
@media (prefers-color-scheme:dark){\
.sx .page{fill:#0d1117}.sx .ink{fill:#e6edf3}.sx .dim{fill:#8d96a0}\
.sx .box{fill:#161b22;stroke:#30363d}.sx .life{stroke:#30363d}\
.sx .plain{stroke:#848d97}.sx .transfer{stroke:#4493f8}.sx .good{stroke:#3fb950}.sx .bad{stroke:#f85149}\
.sx .t-plain{fill:#c9d1d9}.sx .t-transfer{fill:#4493f8}.sx .t-good{fill:#3fb950}.sx .t-bad{fill:#f85149}\
.sx .call{fill:#21262d}.sx .over{stroke:#0d1117}}";

const MARGIN: usize = 24;
/// Where the time stands.
const TIME: usize = 64;
const BOX_HEIGHT: usize = 44;
const ROW: usize = 34;
const NOTE: usize = 15;

/// The picture of all these stories, one below the other.
pub fn picture(stories: &[Story]) -> String {
    let drawn: Vec<Drawn> = stories.iter().map(|story| draw(story, true)).collect();
    let width = drawn.iter().map(|it| it.width).max().unwrap_or(320);
    let height = drawn.iter().map(|it| it.height).sum::<usize>().max(80);
    let mut out = head(width, height);
    let _ =
        write!(out, "<style>{STYLE}</style><rect class=\"page\" width=\"100%\" height=\"100%\"/>");
    let mut y = 0;
    for it in &drawn {
        let _ = write!(out, "<g transform=\"translate(0 {y})\">{}</g>", it.body);
        y += it.height;
    }
    if drawn.is_empty() {
        let _ = write!(out, "<text class=\"ink\" x=\"{MARGIN}\" y=\"44\">no transfer</text>");
    }
    out.push_str("</svg>\n");
    out
}

/// One ladder alone, for a page that has the styles and says the rest in words.
pub fn inline(story: &Story) -> String {
    let drawn = draw(story, false);
    format!("{}{}</svg>", head(drawn.width, drawn.height), drawn.body)
}

fn head(width: usize, height: usize) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"sx\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" role=\"img\">"
    )
}

struct Drawn {
    width: usize,
    height: usize,
    body: String,
}

/// Where the columns are.
struct Columns {
    first: usize,
    gap: usize,
    count: usize,
}

impl Columns {
    fn x(&self, number: usize) -> usize {
        self.first + self.gap * number
    }

    fn right(&self) -> usize {
        self.x(self.count.saturating_sub(1))
    }
}

/// About how many letters of this size fit.
fn letters(width: usize, size: usize) -> usize {
    width * 10 / (size * 6).max(1)
}

fn draw(story: &Story, has_title: bool) -> Drawn {
    let count = story.parties.len().max(1);
    let gap = if count > 4 { 190 } else { 230 };
    let columns = Columns { first: MARGIN + TIME + 70, gap, count };
    let width = (columns.right() + 70 + 40 + MARGIN).max(560);
    let mut body = String::new();
    let mut y = MARGIN;
    if has_title {
        title(&mut body, story, width, &mut y);
    }
    let top = y;
    y += BOX_HEIGHT + 12;
    let mut rows = String::new();
    for step in &story.steps {
        row(&mut rows, story, step, &columns, width, &mut y);
    }
    if story.left_out > 0 {
        let _ = write!(
            rows,
            "<text class=\"dim\" font-size=\"12\" x=\"{}\" y=\"{}\">{} messages more</text>",
            columns.first,
            y + 16,
            story.left_out
        );
        y += 24;
    }
    y += 10;
    for (number, party) in story.parties.iter().enumerate() {
        let x = columns.x(number);
        let _ = write!(
            body,
            "<line class=\"life\" x1=\"{x}\" y1=\"{}\" x2=\"{x}\" y2=\"{y}\"/>",
            top + BOX_HEIGHT
        );
        let half = gap / 2 - 12;
        let _ = write!(
            body,
            "<rect class=\"box\" x=\"{}\" y=\"{top}\" width=\"{}\" height=\"{BOX_HEIGHT}\" rx=\"8\"/>",
            x - half,
            half * 2
        );
        let address = party.place.to_string();
        let (name, below) =
            if party.name.is_empty() { (&address, "") } else { (&party.name, &*address) };
        let name = cut(&shown(name.as_bytes()), letters(half * 2 - 8, 14));
        let line = if below.is_empty() { 27 } else { 19 };
        let _ = write!(
            body,
            "<text class=\"ink\" font-size=\"14\" font-weight=\"600\" text-anchor=\"middle\" x=\"{x}\" y=\"{}\">{}</text>",
            top + line,
            escaped(&name)
        );
        if !below.is_empty() {
            let below = cut(below, letters(half * 2 - 8, 11));
            let _ = write!(
                body,
                "<text class=\"dim m\" font-size=\"11\" text-anchor=\"middle\" x=\"{x}\" y=\"{}\">{}</text>",
                top + 35,
                escaped(&below)
            );
        }
    }
    body.push_str(&rows);
    Drawn { width, height: y + MARGIN, body }
}

fn title(body: &mut String, story: &Story, width: usize, y: &mut usize) {
    let outcome = match story.outcome.code() {
        Some(code) => format!("{} {code}", story.outcome.name()),
        None => story.outcome.name().to_owned(),
    };
    let began = story.began_us.map(|us| format!(", {}", moment(us))).unwrap_or_default();
    let _ = write!(
        body,
        "<text class=\"ink\" font-size=\"17\" font-weight=\"600\" x=\"{MARGIN}\" y=\"{}\">{}. {}: \
         <tspan class=\"t-{}\">{}</tspan><tspan class=\"dim\" font-size=\"12\" font-weight=\"400\">{}</tspan></text>",
        *y + 14,
        story.number,
        escaped(&capital(story.kind.title())),
        story.outcome.tone().name(),
        escaped(&outcome),
        escaped(&began),
    );
    *y += 30;
    if !story.why.is_empty() {
        for line in lines(&story.why, letters(width - 2 * MARGIN, 13)).iter().take(3) {
            let _ = write!(
                body,
                "<text class=\"dim\" font-size=\"13\" x=\"{MARGIN}\" y=\"{}\">{}</text>",
                *y + 8,
                escaped(line)
            );
            *y += 18;
        }
    }
    *y += 10;
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// The text in lines of so many letters.
fn lines(text: &str, most: usize) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for word in text.split(' ') {
        let word = cut(word, most);
        match out.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= most => {
                line.push(' ');
                line.push_str(&word);
            }
            _ => out.push(word),
        }
    }
    out
}

fn row(
    out: &mut String,
    story: &Story,
    step: &Step,
    columns: &Columns,
    width: usize,
    y: &mut usize,
) {
    let (from, to) = (columns.x(step.from), columns.x(step.to));
    let (left, right) = (from.min(to), from.max(to));
    let tone = step.tone.name();
    *y += ROW;
    let at = *y;
    let time = elapsed(story, step);
    let _ = write!(
        out,
        "<text class=\"dim m\" font-size=\"11\" x=\"{MARGIN}\" y=\"{}\">{}</text>",
        at + 4,
        escaped(&time)
    );
    if from == to {
        let _ = write!(out, "<circle class=\"arrow {tone}\" cx=\"{from}\" cy=\"{at}\" r=\"5\"/>");
    } else {
        let (tip, back) = if from < to { (to - 2, to - 10) } else { (to + 2, to + 10) };
        let _ = write!(
            out,
            "<path class=\"arrow {tone}\" d=\"M{from} {at}H{tip}M{back} {}L{tip} {at}L{back} {}\"/>",
            at - 5,
            at + 5
        );
    }
    let text = label(step);
    let room = letters((right - left).max(columns.gap), 12);
    let _ = write!(
        out,
        "<text class=\"t-{tone} over\" font-size=\"12\" text-anchor=\"middle\" x=\"{}\" y=\"{}\">{}</text>",
        (left + right) / 2,
        at - 6,
        escaped(&cut(&text, room.max(12)))
    );
    let end = columns.right() + 70 + 20;
    let _ = write!(
        out,
        "<circle class=\"call\" cx=\"{end}\" cy=\"{at}\" r=\"10\"/>\
         <text class=\"dim\" font-size=\"11\" text-anchor=\"middle\" x=\"{end}\" y=\"{}\">{}<title>{}</title></text>",
        at + 4,
        letter(story, step),
        escaped(&step.call_id)
    );
    for note in &step.notes {
        *y += NOTE;
        let room = width.saturating_sub(left + 10 + 50);
        let text = cut(&shown(note.as_bytes()), letters(room, 11));
        let _ = write!(
            out,
            "<text class=\"dim m over\" font-size=\"10.5\" x=\"{}\" y=\"{}\">{}</text>",
            left + 10,
            *y + 1,
            escaped(&text)
        );
    }
    if !step.notes.is_empty() {
        *y += 4;
    }
    if step.tone == Tone::Bad {
        *y += 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_stranger_writes_is_markup() {
        let text = escaped("<script>\"'&\u{202e}\x1b\u{ffff}");
        assert_eq!(text, "&lt;script&gt;&quot;&#39;&amp;\\u{202e}\\u{1b}\u{fffd}");
    }
}
