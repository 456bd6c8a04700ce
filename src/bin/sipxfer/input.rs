//! Reads what the tool is given: files and stdin, whole, up to a limit.

use crate::text::shown;
use crate::Unusable;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};

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
