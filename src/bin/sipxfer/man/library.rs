//! libsipxfer(3), out of the header.

use super::roff::Roff;

const HEADER: &str = include_str!("../../../../include/sipxfer.h");

pub fn page() -> String {
    let opening = HEADER.split_once("/*").and_then(|(_, rest)| rest.split_once("*/"));
    let opening = words_of(opening.map_or("", |(opening, _)| opening));
    let mut parts = opening.split("\n\n");
    let first = parts.next().unwrap_or_default().trim();
    let what = first.strip_prefix("sipxfer: ").unwrap_or(first).trim_end_matches('.');
    let mut page = Roff::new("libsipxfer", 3, what);

    page.section("SYNOPSIS");
    page.verbatim(["#include <sipxfer.h>", "", "cc host.c $(pkg-config --cflags --libs sipxfer)"]);
    page.section("DESCRIPTION");
    for part in parts {
        if part.starts_with("SPDX") || part.starts_with("This file") {
            continue;
        }
        match part.split_once("\n  - ") {
            None => page.paragraph(part),
            Some((title, items)) => {
                page.subsection(title);
                for item in items.split("\n  - ") {
                    page.paragraph(item);
                }
            }
        }
    }
    page.paragraph(
        "To open the library at run time look up one symbol, `sipxfer_get_api`(), and call the \
         rest through the table that it hands out.",
    );
    page.section("FUNCTIONS");
    for Documented { doc, code } in documented(HEADER).filter(|it| it.is_function()) {
        page.verbatim(code.lines());
        for part in doc.split("\n\n") {
            page.paragraph(part);
        }
    }
    page.section("ERRORS");
    for Documented { doc, code } in documented(HEADER) {
        let name = code.strip_prefix("#define ").and_then(|rest| rest.split(' ').next());
        if let Some(name) = name.filter(|name| name.starts_with("SIPXFER_E_")) {
            page.entry(name, &doc.split("\n\n").collect::<Vec<_>>());
        }
    }
    page.section("SEE ALSO");
    page.paragraph("`sipxfer`(1), `sipxfer.conf`(5), `pkg-config`(1)");
    page.finish()
}

/// Something of the header with the comment above it.
struct Documented {
    doc: String,
    code: &'static str,
}

impl Documented {
    fn is_function(&self) -> bool {
        !self.code.starts_with('#') && self.code.contains('(') && !self.code.contains('{')
    }
}

/// What stands at the beginning of a line below a comment, as far as it ends in `;` or is a line of
/// the preprocessor.
fn documented(header: &'static str) -> impl Iterator<Item = Documented> {
    header.split("\n/**").skip(1).filter_map(|piece| {
        let (doc, rest) = piece.split_once("*/\n")?;
        let code = if rest.starts_with('#') {
            rest.lines().next()?
        } else {
            rest.get(..=rest.find(';')?)?
        };
        Some(Documented { doc: words_of(doc), code })
    })
}

/// A comment without its stars; its paragraphs have an empty line between them.
fn words_of(comment: &str) -> String {
    let lines = comment.lines().map(|line| {
        let line = line.trim_start();
        line.strip_prefix("* ").or(line.strip_prefix('*')).unwrap_or(line).trim_end()
    });
    lines.collect::<Vec<_>>().join("\n").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_taken_apart() {
        let header = "x\n/**\n * Of `a`.\n *\n * More.\n */\n#define SIPXFER_E_A (-1)\n\n/**\n * S.\n */\n\
                      struct s {\n    /**\n     * f\n     */\n    int (*f)(void);\n};\n\n/**\n * F.\n */\n\
                      int f(int a,\n      int b);\n";
        let all: Vec<_> = documented(header).collect();
        assert_eq!(all.len(), 3);
        assert_eq!((&*all[0].doc, all[0].code), ("Of `a`.\n\nMore.", "#define SIPXFER_E_A (-1)"));
        assert_eq!(all[2].code, "int f(int a,\n      int b);");
        let functions: Vec<_> = all.iter().map(Documented::is_function).collect();
        assert_eq!(functions, [false, false, true]);
    }
}
