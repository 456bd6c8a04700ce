//! sipxfer.conf(5), out of the registry of settings.

use super::roff::Roff;
use sipxfer::config::profile::builtin;

/// The words of a device profile are a table in the documentation of this file.
const PROFILE: &str = include_str!("../../../config/profile.rs");

pub fn page() -> String {
    let mut page = Roff::new("sipxfer.conf", 5, "the settings of sipxfer");
    page.section("DESCRIPTION");
    page.paragraph(
        "The library reads no file: its host hands it settings by scope, name and value \
         (`sipxfer_config_set`()). What follows are the names and values, and how they stand in \
         the files of two of its hosts. All settings of a file are applied at once or, where one \
         of them is wrong, none is.",
    );
    page.subsection("In Asterisk: sipxfer.conf");
    page.paragraph(
        "The section `general` holds for all, a section with `type` = endpoint for the endpoint \
         that has its name in pjsip.conf. In a value a semicolon begins a comment unless a \
         backslash stands before it. The module for Asterisk has settings of its own besides \
         these; the sample file that comes with it lists them.",
    );
    page.verbatim([
        "[general]",
        "replaces.unmatched = continue",
        "remote.allow_domains = *.b.example, 192.0.2.0/24",
        "",
        "[trunk-b]",
        "type = endpoint",
        "replaces_trusted = yes",
    ]);
    page.subsection("In the file of sipxfer explain --config");
    page.paragraph(
        "TOML. The dots of a name may be tables or stand in quotes; a list is an array of \
         strings. What else may stand there is in `sipxfer`(1).",
    );
    page.verbatim([
        "replaces.unmatched = \"continue\"",
        "\"remote.allow_domains\" = [\"*.b.example\", \"192.0.2.0/24\"]",
        "",
        "[endpoints.trunk-b]",
        "replaces_trusted = true",
    ]);
    page.section("SETTINGS");
    page.paragraph(
        "Each can be set for all and, unless it says otherwise, for one endpoint. Flags are yes, \
         true, on, 1 or no, false, off, 0.",
    );
    for setting in sipxfer::config::settings() {
        let reach = if setting.per_endpoint { "" } else { " For all endpoints only." };
        let default = match setting.default {
            "" => "nothing",
            other => other,
        };
        let values = format!("Values: {}. Default: {default}.{reach}", setting.values);
        page.entry(setting.name, &[&sentence(setting.help), &values]);
    }
    profiles(&mut page);
    page.section("SEE ALSO");
    page.paragraph("`sipxfer`(1), `libsipxfer`(3)");
    page.finish()
}

fn profiles(page: &mut Roff) {
    page.subsection("Device profiles: profile.NAME");
    page.paragraph(
        "What a family of phones or gateways does in its own way, chosen by the User-Agent of its \
         REFER. The value is a list of WORD=VALUE, separated by commas; a name that is there \
         already changes that profile. For all endpoints only.",
    );
    page.verbatim(["profile.acme = match=^Acme|AcmePhone/, accept=200, hang-up=us:2000"]);
    for (word, meaning) in words(PROFILE) {
        page.entry(&word, &[&meaning]);
    }
    let shipped: Vec<_> = builtin::ALL.iter().map(|profile| &*profile.name).collect();
    page.paragraph(&format!("Shipped: {}.", shipped.join(", ")));
}

/// The rows of the table in a module's documentation.
fn words(source: &str) -> Vec<(String, String)> {
    let rows = source.lines().filter_map(|line| line.strip_prefix("//! | `"));
    rows.filter_map(|row| {
        let (word, meaning) = row.strip_suffix(" |")?.split_once("` | ")?;
        Some((word.to_owned(), sentence(&meaning.replace("\\|", "|"))))
    })
    .collect()
}

/// With a full stop behind it and a capital letter in front, unless that is a name.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    format!("{first}{}.", letters.as_str().trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_of_a_profile_is_documented() {
        let words: Vec<String> = words(PROFILE).into_iter().map(|(word, _)| word).collect();
        let known = ["match", "accept", "event-id-first", "notify-interval", "hang-up", "refer-to"];
        for word in known {
            assert!(words.iter().any(|it| it == word), "{word} is not in {words:?}");
        }
    }

    #[test]
    fn every_setting_has_its_entry() {
        let text = page();
        for setting in sipxfer::config::settings() {
            assert!(text.contains(&format!(".TP\n\\fB{}\\fR\n", setting.name)), "{}", setting.name);
        }
    }
}
