//! A ladder in letters.

use super::{cut, elapsed, label, letter};
use crate::story::{Story, Tone};
use crate::text::shown;

/// How it is painted.
#[derive(Clone, Copy, Debug)]
pub struct Canvas {
    /// Letters in a line.
    pub width: usize,
    pub colours: bool,
}

const TIME: usize = 10;
/// The letter of the call, behind the last column.
const BEHIND: usize = 4;

/// A piece of text in the colour of a tone.
pub fn painted(text: &str, tone: Tone, canvas: Canvas) -> String {
    let code = match tone {
        Tone::Plain => return text.to_owned(),
        Tone::Transfer => "1;36",
        Tone::Good => "32",
        Tone::Bad => "1;31",
    };
    if canvas.colours {
        format!("\x1b[{code}m{text}\x1b[0m")
    } else {
        text.to_owned()
    }
}

fn faint(text: &str, canvas: Canvas) -> String {
    if canvas.colours {
        format!("\x1b[2m{text}\x1b[0m")
    } else {
        text.to_owned()
    }
}

/// The columns, and lines over them.
struct Paper {
    /// Where each column stands.
    at: Vec<usize>,
    width: usize,
}

impl Paper {
    fn of(story: &Story, canvas: Canvas) -> Paper {
        let count = story.parties.len().max(1);
        let margin = TIME + 8;
        let room = canvas.width.saturating_sub(margin + BEHIND + 8);
        let gap = (room / count.saturating_sub(1).max(1)).clamp(18, 44);
        let at: Vec<usize> = (0..count).map(|number| margin + number * gap).collect();
        let width = at.last().copied().unwrap_or_default() + 1;
        Paper { at, width }
    }

    /// A line with nothing but the columns.
    fn line(&self) -> Vec<char> {
        let mut line = vec![' '; self.width];
        for at in &self.at {
            if let Some(place) = line.get_mut(*at) {
                *place = '│';
            }
        }
        line
    }

    fn gap(&self) -> usize {
        match self.at.as_slice() {
            [a, b, ..] => b - a,
            _ => 40,
        }
    }
}

/// Writes text over a line, as far as that goes.
fn write(line: &mut Vec<char>, at: usize, text: &str) {
    for (number, letter) in text.chars().enumerate() {
        match line.get_mut(at + number) {
            Some(place) => *place = letter,
            None => {
                line.resize(at + number, ' ');
                line.push(letter);
            }
        }
    }
}

fn finish(line: &[char]) -> String {
    line.iter().collect::<String>().trim_end().to_owned()
}

/// The whole ladder.
pub fn ladder(story: &Story, canvas: Canvas) -> String {
    let paper = Paper::of(story, canvas);
    let mut out = String::new();
    let place = |number: usize| paper.at.get(number).copied().unwrap_or_default();
    for row in 0..2 {
        let mut line = Vec::new();
        for (number, party) in story.parties.iter().enumerate() {
            let address = party.place.to_string();
            let text = match (row, party.name.is_empty()) {
                (0, false) => shown(party.name.as_bytes()),
                (0, true) => address,
                (_, false) => address,
                (_, true) => String::new(),
            };
            let text = cut(&text, paper.gap().saturating_sub(2));
            let from = place(number).saturating_sub(text.chars().count() / 2);
            write(&mut line, from, &text);
        }
        if !line.is_empty() {
            out.push_str(&finish(&line));
            out.push('\n');
        }
    }
    for step in &story.steps {
        let (from, to) = (place(step.from), place(step.to));
        let (left, right) = (from.min(to), from.max(to));
        let text = label(step);
        let room = right.saturating_sub(left + 5);
        let mut line = paper.line();
        if text.chars().count() > room {
            // It does not fit on the arrow: it stands above.
            write(&mut line, left + 2, &cut(&text, canvas.width.saturating_sub(left + 2)));
            out.push_str(&painted_from(&finish(&line), left + 2, step.tone, canvas));
            out.push('\n');
            line = paper.line();
        }
        for at in left + 1..right {
            write(&mut line, at, "─");
        }
        if from < to {
            write(&mut line, right - 1, ">");
        } else if from > to {
            write(&mut line, left + 1, "<");
        } else {
            write(&mut line, left, "o");
        }
        if text.chars().count() <= room {
            let at = left + 1 + (right - left - 1).saturating_sub(text.chars().count() + 2) / 2;
            write(&mut line, at, &format!(" {text} "));
        }
        write(&mut line, 0, &format!("{:>TIME$}", elapsed(story, step)));
        let whole = finish(&line);
        let end = paper.width;
        let (drawn, _) = split(&whole, end);
        out.push_str(&painted_between(&drawn, left + 1, right, step.tone, canvas));
        out.push_str(&" ".repeat((end + 2).saturating_sub(whole.chars().count())));
        out.push(letter(story, step));
        out.push('\n');
        for note in &step.notes {
            let mut line = paper.line();
            let note = cut(&shown(note.as_bytes()), canvas.width.saturating_sub(left + 2).max(20));
            write(&mut line, left + 2, &note);
            let text = finish(&line);
            let (before, rest) = split(&text, left + 2);
            out.push_str(&before);
            out.push_str(&faint(&rest, canvas));
            out.push('\n');
        }
    }
    out
}

fn split(text: &str, at: usize) -> (String, String) {
    (text.chars().take(at).collect(), text.chars().skip(at).collect())
}

fn painted_from(text: &str, at: usize, tone: Tone, canvas: Canvas) -> String {
    let (before, rest) = split(text, at);
    before + &painted(&rest, tone, canvas)
}

fn painted_between(text: &str, from: usize, to: usize, tone: Tone, canvas: Canvas) -> String {
    let (before, rest) = split(text, from);
    let (inside, behind) = split(&rest, to.saturating_sub(from));
    before + &painted(&inside, tone, canvas) + &behind
}
