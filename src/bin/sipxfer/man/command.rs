//! sipxfer(1), out of the texts of `--help`.

use super::roff::Roff;
use crate::help::{self, Topic};

pub fn page() -> String {
    let all = help::text(Topic::All);
    let (first, rest) = all.split_once('\n').unwrap_or((all, ""));
    let what = first.strip_prefix("sipxfer: ").unwrap_or(first).trim_end_matches('.');
    let blocks = blocks(rest);
    let mut page = Roff::new("sipxfer", 1, what);

    page.section("SYNOPSIS");
    let usage = blocks.iter().find_map(|block| match block {
        Block::Indented(lines) => Some(lines.as_slice()),
        Block::Text(_) => None,
    });
    page.verbatim(
        usage
            .unwrap_or_default()
            .iter()
            .filter(|line| indent_of(line) == 2)
            .map(|line| line.trim()),
    );
    page.section("DESCRIPTION");
    show(&mut page, &blocks);
    for (name, topic) in Topic::COMMANDS {
        page.section(&name.to_uppercase());
        show(&mut page, &self::blocks(help::text(topic)));
    }
    page.section("SEE ALSO");
    page.paragraph("`libsipxfer`(3), `sipxfer.conf`(5)");
    page.finish()
}

/// A part of a help text.
#[derive(Debug, PartialEq, Eq)]
enum Block<'a> {
    Text(Vec<&'a str>),
    Indented(Vec<&'a str>),
}

fn indent_of(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

fn blocks(text: &str) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    let mut ended = true;
    for line in text.lines() {
        let is_indented = line.starts_with("  ");
        match blocks.last_mut() {
            _ if line.trim().is_empty() => {}
            Some(Block::Indented(lines)) if is_indented => {
                // The empty line was inside.
                if ended {
                    lines.push("");
                }
                lines.push(line);
            }
            Some(Block::Text(lines)) if !is_indented && !ended => lines.push(line),
            _ if is_indented => blocks.push(Block::Indented(vec![line])),
            _ => blocks.push(Block::Text(vec![line])),
        }
        ended = line.trim().is_empty();
    }
    blocks
}

fn show(page: &mut Roff, blocks: &[Block<'_>]) {
    for (at, block) in blocks.iter().enumerate() {
        let has_more = matches!(blocks.get(at + 1), Some(Block::Indented(_)));
        match block {
            Block::Text(lines) => match (lines.as_slice(), has_more) {
                ([title], true) if title.ends_with(':') => {
                    page.subsection(title.trim_end_matches(':'));
                }
                _ => page.paragraph(&lines.join("\n")),
            },
            Block::Indented(lines) => match entries(lines) {
                Some(entries) => {
                    for (term, meaning) in entries {
                        page.entry(term, &[&meaning.join("\n")]);
                    }
                }
                None => page.verbatim(lines.iter().copied().map(unindented)),
            },
        }
    }
}

fn unindented(line: &str) -> &str {
    line.strip_prefix("  ").unwrap_or(line)
}

/// A list of terms and their meanings, if that is what these lines are: a meaning stands two spaces
/// behind its term, or in deeper lines below it. Examples of files are none.
fn entries<'a>(lines: &[&'a str]) -> Option<Vec<(&'a str, Vec<&'a str>)>> {
    if lines.iter().any(|line| line.contains(" = ") || line.trim().starts_with('[')) {
        return None;
    }
    let mut entries: Vec<(&str, Vec<&str>)> = Vec::new();
    for line in lines {
        if indent_of(line) > 2 {
            entries.last_mut()?.1.push(line.trim());
        } else if let Some((term, meaning)) = line.trim().split_once("  ") {
            entries.push((term, vec![meaning.trim()]));
        } else {
            entries.push((line.trim(), Vec::new()));
        }
    }
    entries.iter().any(|(_, meaning)| !meaning.is_empty()).then_some(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_help_text_is_read_as_people_read_it() {
        let text =
            "One\ntwo.\n\nUsage:\n  a [B]\n\nOptions:\n  --c F   first\n          second\n  \
                    --d     third\n\nFile:\n  a = 1   # x\n\n  b = 2\nEnd.\n";
        let found = blocks(text);
        assert_eq!(found.len(), 8, "{found:?}");
        assert_eq!(found[0], Block::Text(vec!["One", "two."]));
        assert_eq!(found[6], Block::Indented(vec!["  a = 1   # x", "", "  b = 2"]));
        let Block::Indented(options) = &found[4] else { panic!("{found:?}") };
        let wanted = vec![("--c F", vec!["first", "second"]), ("--d", vec!["third"])];
        assert_eq!(entries(options), Some(wanted));
        assert_eq!(entries(&["  a [B]"]), None);
        assert_eq!(entries(&["  a = 1   # x"]), None);
    }

    #[test]
    fn no_line_of_a_help_text_is_lost() {
        for topic in Topic::COMMANDS.map(|(_, topic)| topic).into_iter().chain([Topic::All]) {
            let text = help::text(topic);
            let lines: usize = blocks(text)
                .iter()
                .map(|block| match block {
                    Block::Text(lines) | Block::Indented(lines) => {
                        lines.iter().filter(|line| !line.is_empty()).count()
                    }
                })
                .sum();
            assert_eq!(lines, text.lines().filter(|line| !line.is_empty()).count(), "{topic:?}");
        }
    }
}
