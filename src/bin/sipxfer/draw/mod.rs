//! Draws ladders: on a terminal, as SVG and as HTML.

pub mod html;
pub mod svg;
pub mod terminal;

use crate::story::{Step, Story};
use crate::text::shown;

/// How many letters a call has in a picture: A, B, C ...
pub fn letter(story: &Story, step: &Step) -> char {
    let at = story.calls.iter().position(|it| *it == step.call_id).unwrap_or_default();
    let at = u8::try_from(at).unwrap_or_default().min(25);
    char::from(b'A' + at)
}

/// How long after the first message that is drawn; empty where no time is known.
pub fn elapsed(story: &Story, step: &Step) -> String {
    let first = story.steps.first().and_then(|it| it.at_us);
    let last = story.steps.last().and_then(|it| it.at_us);
    let Some((now, first)) = step.at_us.zip(first) else { return String::new() };
    let us = now.saturating_sub(first);
    // Parties on one machine need no more than that.
    if last.is_some_and(|last| last.saturating_sub(first) < 100_000) {
        return format!("+{}.{:02}ms", us / 1_000, us % 1_000 / 10);
    }
    format!("+{}.{:03}", us / 1_000_000, us / 1_000 % 1_000)
}

/// What stands on an arrow.
pub fn label(step: &Step) -> String {
    let label = shown(step.label.as_bytes());
    match step.repeats {
        0 => label,
        n => format!("{label} (sent {} times)", n + 1),
    }
}

/// At most so many letters; what is cut off becomes three dots.
pub fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let kept: String = text.chars().take(most.saturating_sub(3)).collect();
    format!("{kept}...")
}

/// A moment: with its day where that is known.
pub fn moment(us: u64) -> String {
    const DAY: u64 = 86_400_000_000;
    let (days, rest) = (us / DAY, us % DAY / 1_000);
    let (seconds, ms) = (rest / 1_000, rest % 1_000);
    let time =
        format!("{:02}:{:02}:{:02}.{ms:03}", seconds / 3_600, seconds / 60 % 60, seconds % 60);
    // A log without dates counts from its own first day.
    if days < 3_650 {
        return time;
    }
    // The year begins in March, so that the day that is sometimes there comes last.
    let since = days + 719_468;
    let era = since / 146_097;
    let of_era = since % 146_097;
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let day = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let (date, number) =
        (day - (153 * month + 2) / 5 + 1, if month < 10 { month + 3 } else { month - 9 });
    let year = era * 400 + year + u64::from(number <= 2);
    format!("{year:04}-{number:02}-{date:02} {time} UTC")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_have_their_day_where_it_is_known() {
        assert_eq!(moment(1_763_719_201_250_000), "2025-11-21 10:00:01.250 UTC");
        assert_eq!(moment(951_782_400_000_000), "2000-02-29 00:00:00.000 UTC");
        assert_eq!(moment(36_001_250_999), "10:00:01.250");
    }

    #[test]
    fn long_text_is_cut() {
        assert_eq!(cut("abcdef", 6), "abcdef");
        assert_eq!(cut("abcdefg", 6), "abc...");
    }
}
