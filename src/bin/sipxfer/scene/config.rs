//! The settings, the dialplan and the endpoints, from TOML.

use super::{kind, toml_file, Place};
use crate::Unusable;
use sipxfer::config::{settings, Config, ConfigError, Setting, Snapshot};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use toml::{Table, Value};

/// What a configuration file says.
#[derive(Debug, Default)]
pub struct Setup {
    pub settings: Snapshot,
    /// Extensions by context; `None` where the file says nothing of a dialplan.
    pub dialplan: Option<BTreeMap<String, BTreeSet<String>>>,
    /// The user that each endpoint authenticates as.
    pub users: BTreeMap<String, String>,
}

impl Setup {
    /// Reads a file.
    pub fn read(path: &OsStr) -> Result<Setup, Unusable> {
        let (place, root) = toml_file(path)?;
        let mut reader = Reader::default();
        let mut dialplan = None;
        for (name, value) in &root {
            let below = place.below(name);
            match (name.as_str(), value) {
                ("dialplan", Value::Table(table)) => dialplan = contexts(&below, table)?,
                ("endpoints", Value::Table(table)) => {
                    for (endpoint, value) in table {
                        reader.endpoint(&place, endpoint, value)?;
                    }
                }
                ("dialplan" | "endpoints", other) => {
                    return Err(below.wrong(format!("expected a table, found {}", kind(other))));
                }
                _ => reader.set(&place, "", name, value)?,
            }
        }
        Ok(Setup { settings: reader.config.snapshot(), dialplan, users: reader.users })
    }
}

#[derive(Default)]
struct Reader {
    config: Config,
    users: BTreeMap<String, String>,
    /// Scope and name of what is set, since one name can be written in two ways.
    seen: BTreeSet<(String, String)>,
}

impl Reader {
    fn endpoint(&mut self, file: &Place, name: &str, value: &Value) -> Result<(), Unusable> {
        let place = file.below(&format!("endpoints.{name}"));
        let Value::Table(table) = value else {
            return Err(place.wrong(format!("expected a table, found {}", kind(value))));
        };
        if name.is_empty() {
            return Err(place.wrong("an endpoint has a name"));
        }
        let mut user = name;
        for (key, value) in table {
            if key != "user" {
                self.set(&place, &format!("endpoint:{name}"), key, value)?;
                continue;
            }
            user = match value {
                Value::String(user) if !user.is_empty() => user,
                _ => return Err(place.wrong("user: expected a string that is not empty")),
            };
        }
        self.users.insert(name.to_owned(), user.to_owned());
        Ok(())
    }

    /// Sets one value; `[replaces] unmatched` and `"replaces.unmatched"` are one name.
    fn set(
        &mut self,
        place: &Place,
        scope: &str,
        name: &str,
        value: &Value,
    ) -> Result<(), Unusable> {
        let Value::Table(table) = value else {
            return self.set_one(place, scope, name, value);
        };
        // Checked even where the table is empty: a misspelt one would go unnoticed.
        let start = format!("{name}.");
        if !settings().iter().any(|it| it.name.starts_with(&start)) {
            return Err(place.wrong(format!("there is no setting \"{name}\"")));
        }
        for (key, value) in table {
            self.set(place, scope, &format!("{start}{key}"), value)?;
        }
        Ok(())
    }

    fn set_one(
        &mut self,
        place: &Place,
        scope: &str,
        name: &str,
        value: &Value,
    ) -> Result<(), Unusable> {
        let Some(setting) = settings().iter().find(|it| it.name == name) else {
            return Err(place.wrong(format!("there is no setting \"{name}\"")));
        };
        if !self.seen.insert((scope.to_owned(), name.to_owned())) {
            return Err(place.wrong(format!("{name} is set twice")));
        }
        let text = as_text(setting, value).map_err(|why| {
            let values = setting.values;
            place.wrong(format!("{name}: {why}; expected {values}"))
        })?;
        match self.config.set(scope, name, &text) {
            Ok(()) => Ok(()),
            // The place names the endpoint already: the same sentence without it.
            Err(ConfigError::BadValue(_)) if !scope.is_empty() => {
                let without = Config::new().set("", name, &text);
                let sentence = without.map_or_else(|error| error.to_string(), |()| String::new());
                Err(place.wrong(sentence))
            }
            Err(error) => Err(place.wrong(error.to_string())),
        }
    }
}

/// A value of TOML as settings are written.
fn as_text(setting: &Setting, value: &Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Integer(number) => Ok(number.to_string()),
        Value::Boolean(yes) if setting.values.contains("yes") => {
            Ok(if *yes { "yes" } else { "no" }.to_owned())
        }
        Value::Array(entries) if setting.values.contains("list") => {
            let entries: Result<Vec<&str>, String> = entries.iter().map(entry).collect();
            Ok(entries?.join(", "))
        }
        other => Err(format!("{} does not fit", kind(other))),
    }
}

fn entry(value: &Value) -> Result<&str, String> {
    let text = value
        .as_str()
        .ok_or_else(|| format!("the array holds {} and should hold strings", kind(value)))?;
    if text.contains([',', ' ', '\t']) {
        return Err(format!("\"{text}\" is more than one entry of a list"));
    }
    Ok(text)
}

type Contexts = Option<BTreeMap<String, BTreeSet<String>>>;

fn contexts(place: &Place, dialplan: &Table) -> Result<Contexts, Unusable> {
    let mut found = None;
    for (key, value) in dialplan {
        if key != "contexts" {
            return Err(place.unknown_key(key, &["contexts"]));
        }
        let Value::Table(table) = value else {
            let found = kind(value);
            return Err(place.wrong(format!("contexts: expected a table, found {found}")));
        };
        let contexts = table.iter().map(|(name, value)| {
            extensions(value)
                .map(|extensions| (name.clone(), extensions))
                .map_err(|why| place.wrong(format!("contexts.{name}: {why}")))
        });
        found = Some(contexts.collect::<Result<_, _>>()?);
    }
    Ok(found)
}

fn extensions(value: &Value) -> Result<BTreeSet<String>, String> {
    let Value::Array(entries) = value else {
        let found = kind(value);
        return Err(format!("expected an array of extensions, found {found}"));
    };
    let entries = entries.iter().map(|entry| match entry {
        Value::String(extension) => Ok(extension.clone()),
        Value::Integer(extension) => Ok(extension.to_string()),
        other => Err(format!("expected extensions, found {}", kind(other))),
    });
    entries.collect()
}
