//! Reads what the tool is given: files and stdin, whole, up to a limit.

use crate::text::shown;
use crate::Unusable;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};

/// How much of a file is looked at to see what it is: a log may begin with other lines.
const HEAD: u64 = 1 << 20;

/// A file, or stdin, of which the beginning is known.
pub struct Source {
    /// For sentences.
    pub name: String,
    /// The first bytes; `stream` has them too.
    pub head: Vec<u8>,
    /// All of it.
    pub stream: Box<dyn Read + Send>,
    /// Its length, where that is known.
    pub size: Option<u64>,
}

impl Source {
    /// Opens a file, or stdin where the path is `-`.
    pub fn open(path: &OsStr) -> Result<Source, Unusable> {
        let name = name(path);
        let unusable = |error: io::Error| Unusable::new(format!("{name}: {error}"));
        let (mut rest, size): (Box<dyn Read + Send>, _) = if path == "-" {
            (Box::new(io::stdin()), None)
        } else {
            let file = File::open(path).map_err(unusable)?;
            let about = file.metadata().ok().filter(|it| it.is_file());
            (Box::new(file), about.map(|it| it.len()))
        };
        let mut head = Vec::new();
        rest.by_ref().take(HEAD).read_to_end(&mut head).map_err(unusable)?;
        let stream = Box::new(io::Cursor::new(head.clone()).chain(rest));
        Ok(Source { name, head, stream, size })
    }

    /// The whole of it, where it is one request.
    pub fn whole(mut self) -> Result<Vec<u8>, Unusable> {
        whole(&mut self.stream).map_err(|error| Unusable::new(format!("{}: {error}", self.name)))
    }
}

/// No request and no configuration is larger; `/dev/zero` is.
const MOST: u64 = 16 << 20;

/// The name of a file, for sentences.
pub fn name(path: &OsStr) -> String {
    if path == "-" {
        return "stdin".to_owned();
    }
    shown(path.as_encoded_bytes())
}

/// The bytes of a file.
pub fn file(path: &OsStr) -> Result<Vec<u8>, Unusable> {
    let opened = File::open(path).and_then(|mut file| whole(&mut file));
    opened.map_err(|error| Unusable::new(format!("{}: {error}", name(path))))
}

/// The bytes of a file, or of stdin where the path is `-`.
pub fn file_or_stdin(path: &OsStr) -> Result<Vec<u8>, Unusable> {
    if path != "-" {
        return file(path);
    }
    whole(&mut io::stdin().lock()).map_err(|error| Unusable::new(format!("stdin: {error}")))
}

fn whole(from: &mut dyn Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(MOST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MOST {
        return Err(io::Error::other("larger than 16 MiB"));
    }
    Ok(bytes)
}
