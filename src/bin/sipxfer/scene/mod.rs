//! What the engine is to find around it: the settings, the dialplan, the endpoints, the dialogs.

mod config;
mod dialogs;

pub use config::Setup;
pub use dialogs::Dialogs;

use crate::text::{line_and_column, shown};
use crate::{input, Unusable};
use std::ffi::OsStr;
use toml::{Table, Value};

/// Where in which file something stands, for sentences: `config.toml: endpoints.bob`.
#[derive(Clone, Debug)]
struct Place(String);

impl Place {
    fn below(&self, name: &str) -> Place {
        Place(format!("{}: {}", self.0, shown(name.as_bytes())))
    }

    fn wrong(&self, sentence: impl AsRef<str>) -> Unusable {
        let sentence = shown(sentence.as_ref().as_bytes());
        Unusable::new(format!("{}: {sentence}", self.0))
    }

    fn unknown_key(&self, name: &str, known: &[&str]) -> Unusable {
        let known = known.join(", ");
        self.wrong(format!("there is no key \"{name}\"; expected {known}"))
    }
}

/// Reads a TOML file.
fn toml_file(path: &OsStr) -> Result<(Place, Table), Unusable> {
    let place = Place(input::name(path));
    let bytes = input::file(path)?;
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            let (line, _) = line_and_column(error.as_bytes(), at);
            return Err(place.wrong(format!("line {line}: this is no UTF-8, and so no TOML")));
        }
    };
    match text.parse::<Table>() {
        Ok(table) => Ok((place, table)),
        Err(error) => {
            let (line, column) =
                error.span().map_or((1, 1), |span| line_and_column(text.as_bytes(), span.start));
            let why = error.message().replace('\n', "; ");
            Err(place.wrong(format!("line {line}, column {column}: this is no TOML: {why}")))
        }
    }
}

/// What a value of TOML is, in words.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "a string",
        Value::Integer(_) => "an integer",
        Value::Float(_) => "a number with a fraction",
        Value::Boolean(_) => "true or false",
        Value::Datetime(_) => "a date",
        Value::Array(_) => "an array",
        Value::Table(_) => "a table",
    }
}
