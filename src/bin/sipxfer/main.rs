//! The command line of sipxfer: what would be decided about a request, and why.
#![forbid(unsafe_code)]

mod args;
mod capture;
mod captures;
mod draw;
mod explain;
mod help;
mod input;
mod json;
mod lists;
mod man;
mod parse;
mod report;
mod scene;
mod story;
mod text;

use args::Command;
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

/// What goes to stdout and to stderr, and with what exit status.
#[derive(Debug, Default)]
struct Outcome {
    stdout: String,
    stderr: String,
    status: u8,
}

/// The exit status for input that cannot be used, the command line among it.
const UNUSABLE: u8 = 2;
/// The exit status where stdout, or the file of `-o`, cannot be written to.
const UNWRITTEN: u8 = 1;

impl Outcome {
    fn said(stdout: String) -> Outcome {
        Outcome { stdout, ..Outcome::default() }
    }
}

/// Why input cannot be used: a sentence for stderr, and where it was asked for, JSON for stdout.
#[derive(Debug)]
struct Unusable {
    sentence: String,
    json: Option<serde_json::Value>,
}

impl Unusable {
    fn new(sentence: impl Into<String>) -> Unusable {
        Unusable { sentence: sentence.into(), json: None }
    }
}

impl From<Unusable> for Outcome {
    fn from(unusable: Unusable) -> Outcome {
        Outcome {
            stdout: unusable.json.map_or_else(String::new, json::printed),
            stderr: format!("sipxfer: {}\n", unusable.sentence.trim_end()),
            status: UNUSABLE,
        }
    }
}

fn run() -> Result<Outcome, Unusable> {
    let stdout = match args::read()? {
        Command::Help(topic) => help::text(topic).to_owned(),
        Command::Version => format!("sipxfer {}\n", env!("CARGO_PKG_VERSION")),
        Command::Man(page) => man::text(page),
        Command::Explain(asked) => return explain::run(&asked),
        Command::Parse(asked) => parse::run(&asked)?,
        Command::Settings { json } => lists::settings(json),
        Command::Rules { id, json } => lists::rules(id.as_deref(), json)?,
    };
    Ok(Outcome::said(stdout))
}

fn main() -> ExitCode {
    let outcome = run().unwrap_or_else(Outcome::from);
    // Nobody is left to tell of a stderr that is closed.
    let _ = io::stderr().write_all(outcome.stderr.as_bytes());
    let mut stdout = io::stdout().lock();
    let written = stdout.write_all(outcome.stdout.as_bytes()).and_then(|()| stdout.flush());
    match written {
        // The reader has seen enough (`sipxfer settings | head`).
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            let _ = writeln!(io::stderr(), "sipxfer: stdout: {error}");
            ExitCode::from(UNWRITTEN)
        }
        _ => ExitCode::from(outcome.status),
    }
}
