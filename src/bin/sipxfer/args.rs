//! What the command line asks for.

use crate::help::Topic;
use crate::man::Page;
use crate::parse::Header;
use crate::text::shown;
use crate::Unusable;
use lexopt::{Arg, Parser, ValueExt};
use std::ffi::{OsStr, OsString};

/// One run of the tool.
#[derive(Debug)]
pub enum Command {
    Help(Topic),
    Version,
    /// A manual page: for those who install or package the tool, and in no help text.
    Man(Page),
    Explain(Explain),
    Parse(Parse),
    Settings {
        json: bool,
    },
    Rules {
        id: Option<String>,
        json: bool,
    },
}

/// `sipxfer explain`
#[derive(Debug)]
pub struct Explain {
    /// The request, the capture or the log; `-` is stdin.
    pub file: OsString,
    /// Where the picture of a capture goes.
    pub output: Option<OsString>,
    /// The one transfer of a capture that is asked for.
    pub transfer: Option<usize>,
    pub config: Option<OsString>,
    pub dialogs: Option<OsString>,
    /// The endpoint that sent it, authenticated; a stranger without one.
    pub endpoint: Option<String>,
    /// Whether it came over a secure transport.
    pub secure: bool,
    /// How many transfers its call has been through.
    pub depth: u32,
    pub json: bool,
}

/// `sipxfer parse`
#[derive(Debug)]
pub struct Parse {
    pub header: Header,
    /// The value; `-` is stdin.
    pub value: OsString,
    pub json: bool,
}

impl From<lexopt::Error> for Unusable {
    fn from(error: lexopt::Error) -> Unusable {
        usage(shown(error.to_string().as_bytes()))
    }
}

fn usage(sentence: impl AsRef<str>) -> Unusable {
    let sentence = sentence.as_ref();
    Unusable::new(format!("{sentence}\nTry \"sipxfer --help\"."))
}

fn said(value: &OsStr) -> String {
    shown(value.as_encoded_bytes())
}

/// Reads the command line of this process.
pub fn read() -> Result<Command, Unusable> {
    let mut parser = Parser::from_env();
    match parser.next()? {
        None => {
            Err(Unusable::new(format!("expected a command\n\n{}", crate::help::text(Topic::All))))
        }
        Some(Arg::Short('h') | Arg::Long("help")) => Ok(Command::Help(Topic::All)),
        Some(Arg::Short('V') | Arg::Long("version")) => Ok(Command::Version),
        Some(Arg::Value(name)) if name == "help" => help(parser),
        Some(Arg::Value(name)) if name == "man" => man(parser),
        Some(Arg::Value(name)) => match Topic::of(&name) {
            Some(topic) => command(topic, parser),
            None => Err(usage(format!("there is no command \"{}\"", said(&name)))),
        },
        Some(other) => Err(other.unexpected().into()),
    }
}

fn help(mut parser: Parser) -> Result<Command, Unusable> {
    match parser.next()? {
        None | Some(Arg::Short('h') | Arg::Long("help")) => Ok(Command::Help(Topic::All)),
        Some(Arg::Value(name)) => match Topic::of(&name) {
            Some(topic) => Ok(Command::Help(topic)),
            None => Err(usage(format!("there is no command \"{}\"", said(&name)))),
        },
        Some(other) => Err(other.unexpected().into()),
    }
}

fn man(mut parser: Parser) -> Result<Command, Unusable> {
    let page = match parser.next()? {
        Some(Arg::Value(name)) => name.to_str().and_then(Page::of),
        Some(other) => return Err(other.unexpected().into()),
        None => None,
    };
    let page = page.ok_or_else(|| usage(format!("expected {}", Page::NAMES)))?;
    match parser.next()? {
        None => Ok(Command::Man(page)),
        Some(extra) => Err(extra.unexpected().into()),
    }
}

/// What stands behind the name of a command.
#[derive(Default)]
struct Given {
    values: Vec<OsString>,
    config: Option<OsString>,
    dialogs: Option<OsString>,
    endpoint: Option<String>,
    secure: bool,
    depth: Option<u32>,
    output: Option<OsString>,
    transfer: Option<usize>,
    json: bool,
}

fn once<T>(place: &mut Option<T>, name: &str, value: T) -> Result<(), Unusable> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(usage(format!("--{name} is given twice"))),
    }
}

fn command(topic: Topic, mut parser: Parser) -> Result<Command, Unusable> {
    let mut given = Given::default();
    let explain = topic == Topic::Explain;
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Short('h') | Arg::Long("help") => return Ok(Command::Help(topic)),
            Arg::Long("json") => given.json = true,
            Arg::Long("config") if explain => {
                once(&mut given.config, "config", parser.value()?)?;
            }
            Arg::Long("dialogs") if explain => {
                once(&mut given.dialogs, "dialogs", parser.value()?)?;
            }
            Arg::Long("endpoint") if explain => {
                once(&mut given.endpoint, "endpoint", parser.value()?.string()?)?;
            }
            Arg::Long("secure") if explain => given.secure = true,
            Arg::Long("depth") if explain => {
                once(&mut given.depth, "depth", number("depth", &parser.value()?)?)?;
            }
            Arg::Long("transfer") if explain => {
                once(&mut given.transfer, "transfer", number("transfer", &parser.value()?)?)?;
            }
            Arg::Short('o') | Arg::Long("output") if explain => {
                once(&mut given.output, "output", parser.value()?)?;
            }
            Arg::Value(value) => given.values.push(value),
            other => return Err(other.unexpected().into()),
        }
    }
    let json = given.json;
    let mut values = given.values.into_iter();
    let command = match topic {
        Topic::Explain => Command::Explain(Explain {
            file: expected(values.next(), "a FILE, or - for stdin")?,
            config: given.config,
            dialogs: given.dialogs,
            endpoint: given.endpoint,
            secure: given.secure,
            depth: given.depth.unwrap_or_default(),
            output: given.output,
            transfer: given.transfer,
            json,
        }),
        Topic::Parse => {
            let name = expected(values.next(), Header::NAMES)?;
            let header = name.to_str().and_then(Header::of).ok_or_else(|| {
                let name = said(&name);
                usage(format!("expected {}, found \"{name}\"", Header::NAMES))
            })?;
            Command::Parse(Parse {
                header,
                value: expected(values.next(), "a VALUE, or - for stdin")?,
                json,
            })
        }
        Topic::Settings => Command::Settings { json },
        Topic::Rules => {
            Command::Rules { id: values.next().map(|id| id.to_string_lossy().into_owned()), json }
        }
        Topic::All => Command::Help(topic),
    };
    match values.next() {
        None => Ok(command),
        Some(extra) => Err(usage(format!("unexpected \"{}\"", said(&extra)))),
    }
}

fn number<T: std::str::FromStr>(name: &str, value: &OsStr) -> Result<T, Unusable> {
    let number = value.to_str().and_then(|text| text.parse().ok());
    number.ok_or_else(|| usage(format!("--{name}: \"{}\" is no number", said(value))))
}

fn expected(value: Option<OsString>, what: &str) -> Result<OsString, Unusable> {
    value.ok_or_else(|| usage(format!("expected {what}")))
}
