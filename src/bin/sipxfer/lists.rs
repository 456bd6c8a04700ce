//! The settings and the rules that there are.

use crate::json::printed;
use crate::text::{shown, wrapped};
use crate::Unusable;
use serde_json::{json, Value};
use sipxfer::rule::Rule;

/// `sipxfer settings`
pub fn settings(as_json: bool) -> String {
    let settings = sipxfer::config::settings();
    if as_json {
        let list = settings.iter().map(|setting| {
            json!({
                "name": setting.name,
                "values": setting.values,
                "default": setting.default,
                "per_endpoint": setting.per_endpoint,
                "help": setting.help,
            })
        });
        return printed(Value::Array(list.collect()));
    }
    let entry = |setting: &sipxfer::config::Setting| {
        let reach = if setting.per_endpoint { "" } else { "; not per endpoint" };
        format!(
            "{} = \"{}\"\n{}{}",
            setting.name,
            setting.default,
            wrapped(&format!("{}{reach}", setting.values), "    # "),
            wrapped(setting.help, "    "),
        )
    };
    settings.iter().map(entry).collect::<Vec<_>>().join("\n")
}

/// `sipxfer rules [ID]`
pub fn rules(id: Option<&str>, as_json: bool) -> Result<String, Unusable> {
    let listed: Vec<Rule> = match id {
        None => Rule::all().collect(),
        Some(id) => vec![find(id).ok_or_else(|| {
            let id = shown(id.as_bytes());
            Unusable::new(format!("there is no rule \"{id}\"; see \"sipxfer rules\""))
        })?],
    };
    if as_json {
        let list = listed.iter().map(|rule| {
            json!({
                "id": rule.to_string(),
                "source": source(*rule),
                "text": text(*rule),
                "what_to_do": crate::what_to_do::about(*rule),
            })
        });
        return Ok(printed(Value::Array(list.collect())));
    }
    Ok(listed.iter().map(|rule| line(*rule) + "\n").collect())
}

/// `R014`, `r14` or `14`.
fn find(id: &str) -> Option<Rule> {
    let digits = id.strip_prefix(['R', 'r']).unwrap_or(id);
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    Rule::from_number(digits.parse().ok().filter(|_| plain)?)
}

/// A rule with its source and its text.
pub fn line(rule: Rule) -> String {
    format!("{rule}  {}: {}", source(rule), text(rule))
}

/// Where a rule comes from.
pub fn source(rule: Rule) -> &'static str {
    rule.source().to_str().unwrap_or_default()
}

/// What a rule says.
pub fn text(rule: Rule) -> &'static str {
    rule.text().to_str().unwrap_or_default()
}
