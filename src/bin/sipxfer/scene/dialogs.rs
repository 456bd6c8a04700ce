//! The dialogs that exist, from TOML.

use super::{kind, toml_file, Place};
use crate::Unusable;
use sipxfer::dialog::{Facts, HashKey, Initiator, Key, State, Table, Usage};
use sipxfer::engine::Engine;
use sipxfer::transfer::park::{Call, ParkError, Place as LotPlace};
use std::ffi::OsStr;
use toml::Value;

const KEYS: [&str; 10] = [
    "call_id",
    "local_tag",
    "remote_tag",
    "state",
    "initiator",
    "user",
    "endpoint",
    "usage",
    "secure",
    "parked",
];

/// The dialogs of a file.
#[derive(Debug, Default)]
pub struct Dialogs(Vec<Dialog>);

#[derive(Debug)]
struct Dialog {
    call_id: String,
    local_tag: String,
    remote_tag: String,
    user: String,
    endpoint: String,
    state: State,
    initiator: Initiator,
    usage: Usage,
    secure: bool,
    /// The place of the park lot where it waits.
    parked: Option<u32>,
}

impl Dialogs {
    /// Reads a file.
    pub fn read(path: &OsStr) -> Result<Dialogs, Unusable> {
        let (place, root) = toml_file(path)?;
        let mut dialogs = Vec::new();
        for (name, value) in &root {
            if name != "dialogs" {
                return Err(place.unknown_key(name, &["[[dialogs]]"]));
            }
            let Value::Array(list) = value else {
                let found = kind(value);
                return Err(place.wrong(format!("dialogs: expected [[dialogs]], found {found}")));
            };
            for (number, entry) in list.iter().enumerate() {
                dialogs.push(dialog(&place.below(&format!("dialog {}", number + 1)), entry)?);
            }
        }
        Ok(Dialogs(dialogs))
    }

    /// The table of those that are alive; of those that have ended the engine is told.
    pub fn directory(&self, hash: HashKey, engine: &Engine) -> Result<Table<()>, Unusable> {
        let table = Table::new(hash, 1);
        for dialog in &self.0 {
            let facts = dialog.facts();
            if facts.state != State::Terminated {
                let added = table.add(facts, ());
                added.map_err(|_| Unusable::new("the dialogs do not fit into the table"))?;
                dialog.park(engine)?;
            } else if facts.usage == Usage::Invite {
                engine.ended(&facts.key, 0);
            }
        }
        Ok(table)
    }
}

impl Dialog {
    /// Into the lot, where it waits there.
    fn park(&self, engine: &Engine) -> Result<(), Unusable> {
        let Some(place) = self.parked else { return Ok(()) };
        let call = Call { key: self.facts().key, parker: b"", party: b"", handle: 0 };
        let parked = engine.park().park(&call, LotPlace::Number(place), 0, |_| Ok::<(), ()>(()));
        parked.map(|_| ()).map_err(|error| {
            Unusable::new(match error {
                ParkError::Taken => format!("place {place} of the park lot is taken twice"),
                ParkError::NoSuchPlace => {
                    format!("place {place} is none of the park lot (park.places)")
                }
                _ => format!("the dialog in place {place} cannot be parked"),
            })
        })
    }

    fn facts(&self) -> Facts<'_> {
        Facts {
            key: Key {
                call_id: self.call_id.as_bytes(),
                local_tag: self.local_tag.as_bytes(),
                remote_tag: self.remote_tag.as_bytes(),
            },
            user: self.user.as_bytes(),
            endpoint: self.endpoint.as_bytes(),
            state: self.state,
            initiator: self.initiator,
            usage: self.usage,
            secure: self.secure,
        }
    }
}

fn dialog(place: &Place, entry: &Value) -> Result<Dialog, Unusable> {
    let Value::Table(table) = entry else {
        return Err(place.wrong(format!("expected a table, found {}", kind(entry))));
    };
    if let Some(key) = table.keys().find(|key| !KEYS.contains(&key.as_str())) {
        return Err(place.unknown_key(key, &KEYS));
    }
    let text = |name: &str| match table.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(other) => {
            let found = kind(other);
            Err(place.wrong(format!("{name}: expected a string, found {found}")))
        }
    };
    let needed = |name: &str| match text(name)? {
        Some(text) if !text.is_empty() => Ok(text),
        Some(_) => Err(place.wrong(format!("{name} is empty"))),
        None => Err(place.wrong(format!("{name} is missing"))),
    };
    Ok(Dialog {
        call_id: needed("call_id")?,
        local_tag: needed("local_tag")?,
        remote_tag: text("remote_tag")?.unwrap_or_default(),
        user: text("user")?.unwrap_or_default(),
        endpoint: text("endpoint")?.unwrap_or_default(),
        state: choice(
            place,
            "state",
            &needed("state")?,
            &[
                ("early", State::Early),
                ("confirmed", State::Confirmed),
                ("terminated", State::Terminated),
            ],
        )?,
        initiator: choice(
            place,
            "initiator",
            &needed("initiator")?,
            &[("local", Initiator::Local), ("remote", Initiator::Remote)],
        )?,
        usage: choice(
            place,
            "usage",
            &text("usage")?.unwrap_or_else(|| "invite".to_owned()),
            &[("invite", Usage::Invite), ("other", Usage::Other)],
        )?,
        secure: match table.get("secure") {
            None => false,
            Some(Value::Boolean(secure)) => *secure,
            Some(other) => {
                let found = kind(other);
                return Err(place.wrong(format!("secure: expected true or false, found {found}")));
            }
        },
        parked: match table.get("parked") {
            None => None,
            Some(Value::Integer(number)) => Some(
                u32::try_from(*number)
                    .map_err(|_| place.wrong("parked: expected the number of a place"))?,
            ),
            Some(other) => {
                let found = kind(other);
                let sentence = format!("parked: expected the number of a place, found {found}");
                return Err(place.wrong(sentence));
            }
        },
    })
}

fn choice<T: Copy>(
    place: &Place,
    name: &str,
    word: &str,
    choices: &[(&str, T)],
) -> Result<T, Unusable> {
    let found = choices.iter().find(|(it, _)| *it == word);
    found.map(|(_, choice)| *choice).ok_or_else(|| {
        let words: Vec<&str> = choices.iter().map(|(it, _)| *it).collect();
        let words = words.join(", ");
        place.wrong(format!("{name}: \"{word}\" is no choice; expected {words}"))
    })
}
