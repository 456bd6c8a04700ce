//! Writes man(7).

/// A page that is being written.
pub struct Roff {
    text: String,
    /// Nothing stands below the last heading yet: a paragraph needs no mark there.
    below_heading: bool,
}

impl Roff {
    /// Begins a page with its NAME.
    pub fn new(name: &str, section: u8, what: &str) -> Roff {
        let title = name.to_uppercase();
        let mut page = Roff { text: String::new(), below_heading: false };
        page.macro_line(
            "TH",
            &[&title, &section.to_string(), "", concat!("sipxfer ", env!("CARGO_PKG_VERSION"))],
        );
        page.section("NAME");
        page.text.push_str(&format!("{} \\- {}\n", escaped(name), escaped(what)));
        page
    }

    /// The whole of it.
    pub fn finish(self) -> String {
        self.text
    }

    fn macro_line(&mut self, name: &str, arguments: &[&str]) {
        self.text.push('.');
        self.text.push_str(name);
        for argument in arguments {
            self.text.push_str(&format!(" \"{}\"", escaped(argument).replace('"', "\\(dq")));
        }
        self.text.push('\n');
        self.below_heading = matches!(name, "SH" | "SS");
    }

    /// `.SH`
    pub fn section(&mut self, title: &str) {
        self.macro_line("SH", &[title]);
    }

    /// `.SS`
    pub fn subsection(&mut self, title: &str) {
        self.macro_line("SS", &[title]);
    }

    /// A paragraph; what stands between backticks is bold.
    pub fn paragraph(&mut self, text: &str) {
        self.begin();
        self.prose(text);
    }

    fn begin(&mut self) {
        if !std::mem::take(&mut self.below_heading) {
            self.macro_line("PP", &[]);
        }
    }

    /// A term, bold, and what it means, where that is said.
    pub fn entry(&mut self, term: &str, meaning: &[&str]) {
        let said = || meaning.iter().filter(|text| !text.is_empty());
        self.macro_line(if said().next().is_some() { "TP" } else { "PP" }, &[]);
        self.text.push_str(&format!("\\fB{}\\fR\n", escaped(term)));
        for (at, text) in said().enumerate() {
            if at > 0 {
                self.macro_line("IP", &[]);
            }
            self.prose(text);
        }
    }

    /// Lines as they are.
    pub fn verbatim<'a>(&mut self, lines: impl IntoIterator<Item = &'a str>) {
        self.begin();
        self.text.push_str(".in +4n\n.nf\n");
        for line in lines {
            self.text.push_str(&line_start(&escaped(line)));
            self.text.push('\n');
        }
        self.text.push_str(".fi\n.in\n");
    }

    fn prose(&mut self, text: &str) {
        let mut bold = false;
        let mut out = String::new();
        for (at, piece) in text.split('`').enumerate() {
            if at > 0 {
                bold = !bold;
                out.push_str(if bold { "\\fB" } else { "\\fR" });
            }
            out.push_str(&escaped(piece));
        }
        // A lone backtick makes nothing bold behind this paragraph.
        if bold {
            out.push_str("\\fR");
        }
        for line in out.lines() {
            self.text.push_str(&line_start(line.trim()));
            self.text.push('\n');
        }
    }
}

/// Text in which nothing is an escape, and whose dashes and quotes stay those of ASCII.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\\' => out.push_str("\\e"),
            '-' => out.push_str("\\-"),
            '\'' => out.push_str("\\(aq"),
            '`' => out.push_str("\\(ga"),
            '^' => out.push_str("\\(ha"),
            '~' => out.push_str("\\(ti"),
            other => out.push(other),
        }
    }
    out
}

/// A line that begins with a dot is a request otherwise.
fn line_start(line: &str) -> String {
    if line.starts_with(['.', '\'']) {
        format!("\\&{line}")
    } else {
        line.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_text_is_taken_for_roff() {
        let mut page = Roff::new("x", 1, "a - b");
        page.section("S");
        page.paragraph("below");
        page.paragraph(".so /etc/passwd\n'tis `--a\\b` ~");
        page.verbatim([".TH no", "a \"b\""]);
        page.entry(".term", &["one", "two"]);
        page.entry("bare", &[""]);
        page.section("a \"b\"");
        let text = page.finish();
        let body = text.split_once("below\n").unwrap().1;
        assert_eq!(
            body,
            ".PP\n\\&.so /etc/passwd\n\\(aqtis \\fB\\-\\-a\\eb\\fR \\(ti\n.PP\n.in +4n\n.nf\n\\&.TH no\n\
             a \"b\"\n.fi\n.in\n.TP\n\\fB.term\\fR\none\n.IP\ntwo\n.PP\n\\fBbare\\fR\n.SH \"a \\(dqb\\(dq\"\n"
        );
    }
}
