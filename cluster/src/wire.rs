//! Keys and values as they stand on the server.
//!
//! | key | kind | value |
//! |---|---|---|
//! | `sipxfer:n:NODE` | string with a time to live, the lease | version, incarnation, URI |
//! | `sipxfer:d:CALL-ID 0 LOCAL-TAG 0 REMOTE-TAG` | hash, a field for each node that has it | version, incarnation, state, initiator, secure and how it is parked, user, endpoint |
//! | `sipxfer:p:TOKEN` | hash, a field for each node that has a call parked there | the same, Call-ID, local tag, remote tag |
//!
//! TOKEN is a number, or the SHA-256 of a secret: who reads the server does not know it.
//!
//! A dialog counts as long as the lease of its node has the same incarnation: those of a dead node are no
//! more the moment its lease ends, and those of its life before it was started anew at once. What comes
//! from the server is read as hostile.
#![forbid(unsafe_code)]

use ring::digest::{digest, SHA256};

/// Version of the values; another one is not read.
const VERSION: u8 = 1;
/// The longest Call-ID and tags, together, of a dialog that is published.
pub const MAX_KEY: usize = 1024;
/// The longest user and endpoint.
pub const MAX_NAME: usize = 255;

const NODES: &[u8] = b"sipxfer:n:";
const DIALOGS: &[u8] = b"sipxfer:d:";
const PARKED: &[u8] = b"sipxfer:p:";

/// The dialog is not parked; the numbers of `sipxfer.h`.
pub const NOT_PARKED: u8 = 0;
/// It is parked under a number.
pub const PARKED_NUMBER: u8 = 1;
/// It is parked under a secret.
pub const PARKED_SECRET: u8 = 2;
/// The length of a secret: 128 bits in letters of five.
const SECRET: usize = 26;

/// The key of a node's lease.
pub fn node_key(node: &[u8]) -> Vec<u8> {
    [NODES, node].concat()
}

/// The key of a dialog, by its triple as its owner sees it. `None` for what is too long to be one, or
/// holds the byte that stands between its parts.
pub fn dialog_key(call_id: &[u8], local_tag: &[u8], remote_tag: &[u8]) -> Option<Vec<u8>> {
    let parts = [call_id, local_tag, remote_tag];
    if parts.iter().any(|part| part.contains(&0))
        || parts.iter().map(|part| part.len()).sum::<usize>() > MAX_KEY
        || call_id.is_empty()
    {
        return None;
    }
    let mut key = DIALOGS.to_vec();
    key.extend_from_slice(call_id);
    for tag in [local_tag, remote_tag] {
        key.push(0);
        // RFC 3261 section 7.3.1: tags are compared without regard to case.
        key.extend(tag.iter().map(u8::to_ascii_lowercase));
    }
    Some(key)
}

/// How a call is parked under this token, and the key of that. `None` for what is no token.
pub fn token_key(token: &[u8]) -> Option<(u8, Vec<u8>)> {
    let is_number = (1..=9).contains(&token.len()) && token.iter().all(u8::is_ascii_digit);
    if is_number {
        let at = token.iter().position(|digit| *digit != b'0').unwrap_or(token.len() - 1);
        return Some((PARKED_NUMBER, [PARKED, token.get(at..)?].concat()));
    }
    if token.len() != SECRET || !token.iter().all(u8::is_ascii_alphanumeric) {
        return None;
    }
    let hash = digest(&SHA256, &token.to_ascii_lowercase());
    let mut key = PARKED.to_vec();
    for byte in hash.as_ref() {
        key.extend(format!("{byte:02x}").bytes());
    }
    Some((PARKED_SECRET, key))
}

/// A lease as it stands on the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Which life of the node it is of; a later one is greater.
    pub incarnation: u64,
    /// Where the node takes INVITEs with Replaces.
    pub uri: Vec<u8>,
}

impl Lease {
    /// As it stands on the server.
    pub fn write(&self) -> Vec<u8> {
        let mut out = vec![VERSION];
        out.extend_from_slice(&self.incarnation.to_le_bytes());
        out.extend_from_slice(&self.uri);
        out
    }

    /// `None` for what is none.
    pub fn read(from: &[u8]) -> Option<Lease> {
        let (version, from) = from.split_first()?;
        let (incarnation, uri) = from.split_first_chunk()?;
        let fits = *version == VERSION && uri.len() <= MAX_NAME;
        fits.then(|| Lease { incarnation: u64::from_le_bytes(*incarnation), uri: uri.to_vec() })
    }
}

/// A dialog as it stands on the server; state and initiator are the numbers of `sipxfer.h`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// Of which life of its node.
    pub incarnation: u64,
    /// `SIPXFER_DIALOG_*`.
    pub state: u8,
    /// `SIPXFER_INITIATOR_*`.
    pub initiator: u8,
    /// Whether it was made over sips.
    pub secure: bool,
    /// How it is parked.
    pub parked: u8,
    /// The peer's authenticated user; empty for nobody.
    pub user: Vec<u8>,
    /// The endpoint.
    pub endpoint: Vec<u8>,
}

impl Published {
    /// As it stands on the server. A user or endpoint that is too long is left out: it is no ground to have
    /// the dialog then.
    pub fn write(&self) -> Vec<u8> {
        let mut out = vec![VERSION];
        out.extend_from_slice(&self.incarnation.to_le_bytes());
        let flags = u8::from(self.secure) | self.parked << 1;
        out.extend_from_slice(&[self.state, self.initiator, flags]);
        for part in [&self.user, &self.endpoint] {
            match u8::try_from(part.len()) {
                Ok(len) => {
                    out.push(len);
                    out.extend_from_slice(part);
                }
                Err(_) => out.push(0),
            }
        }
        out
    }

    /// `None` for what is none.
    pub fn read(from: &[u8]) -> Option<Published> {
        let (read, rest) = Published::read_from(from)?;
        rest.is_empty().then_some(read)
    }

    /// That, and what stands behind it.
    fn read_from(from: &[u8]) -> Option<(Published, &[u8])> {
        let (version, from) = from.split_first()?;
        let (incarnation, from) = from.split_first_chunk()?;
        let ([state, initiator, flags], from) = from.split_first_chunk::<3>()?;
        let (user, from) = part(from)?;
        let (endpoint, rest) = part(from)?;
        let parked = flags >> 1;
        let fits = *version == VERSION && parked <= PARKED_SECRET;
        let read = || Published {
            incarnation: u64::from_le_bytes(*incarnation),
            state: *state,
            initiator: *initiator,
            secure: flags & 1 == 1,
            parked,
            user: user.to_vec(),
            endpoint: endpoint.to_vec(),
        };
        fits.then(|| (read(), rest))
    }
}

/// A triple: Call-ID, local tag, remote tag.
pub type Triple = [Vec<u8>; 3];

/// A parked call as it stands on the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parked {
    /// Its dialog.
    pub dialog: Published,
    /// As its node sees it.
    pub triple: Triple,
}

impl Parked {
    /// As it stands on the server.
    pub fn write(&self) -> Vec<u8> {
        let mut out = self.dialog.write();
        for part in &self.triple {
            // A triple that is longer has no key.
            let len = u16::try_from(part.len()).unwrap_or(0);
            out.extend_from_slice(&len.to_le_bytes());
            out.extend_from_slice(part.get(..usize::from(len)).unwrap_or_default());
        }
        out
    }

    /// `None` for what is none.
    pub fn read(from: &[u8]) -> Option<Parked> {
        let (dialog, mut from) = Published::read_from(from)?;
        let mut triple = Triple::default();
        for part in &mut triple {
            let (len, rest) = from.split_first_chunk()?;
            let (it, rest) = rest.split_at_checked(usize::from(u16::from_le_bytes(*len)))?;
            *part = it.to_vec();
            from = rest;
        }
        let [call_id, local_tag, remote_tag] = &triple;
        let fits = from.is_empty()
            && dialog.parked != NOT_PARKED
            && !local_tag.is_empty()
            && dialog_key(call_id, local_tag, remote_tag).is_some();
        fits.then_some(Parked { dialog, triple })
    }
}

fn part(from: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len, from) = from.split_first()?;
    from.split_at_checked(usize::from(*len))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_nothing_else() {
        let dialog = Published {
            incarnation: 0x0102_0304_0506_0708,
            state: 2,
            initiator: 1,
            secure: true,
            parked: PARKED_SECRET,
            user: b"bob".to_vec(),
            endpoint: vec![b'x'; 255],
        };
        let bytes = dialog.write();
        assert_eq!(Published::read(&bytes), Some(dialog.clone()));
        for cut in 0..bytes.len() {
            assert_eq!(Published::read(&bytes[..cut]), None, "cut at {cut}");
        }
        assert_eq!(Published::read(&[bytes.as_slice(), b"x"].concat()), None);
        assert_eq!(Published::read(&[&[2], &bytes[1..]].concat()), None, "another version");
        let long = Published { endpoint: vec![b'x'; 256], ..dialog };
        assert!(Published::read(&long.write()).unwrap().endpoint.is_empty());

        let lease = Lease { incarnation: 9, uri: b"sip:a@b".to_vec() };
        let bytes = lease.write();
        assert_eq!(Lease::read(&bytes), Some(lease));
        assert!((0..9).all(|cut| Lease::read(&bytes[..cut]).is_none()));
        assert_eq!(Lease::read(&[bytes, vec![b'x'; 256]].concat()), None);
    }

    #[test]
    fn a_parked_call_is_read_whole_or_not_at_all() {
        let dialog = Published {
            incarnation: 1,
            state: 2,
            initiator: 2,
            secure: false,
            parked: PARKED_NUMBER,
            user: b"alice".to_vec(),
            endpoint: Vec::new(),
        };
        let triple = [b"c@h".to_vec(), b"l".to_vec(), Vec::new()];
        let parked = Parked { dialog: dialog.clone(), triple };
        let bytes = parked.write();
        assert_eq!(Parked::read(&bytes), Some(parked.clone()));
        assert_eq!(Published::read(&bytes), None, "it is no dialog");
        assert!((0..bytes.len()).all(|cut| Parked::read(&bytes[..cut]).is_none()));
        assert_eq!(Parked::read(&[bytes.as_slice(), b"x"].concat()), None);
        let not = Parked { dialog: Published { parked: NOT_PARKED, ..dialog }, ..parked.clone() };
        assert_eq!(Parked::read(&not.write()), None, "it is not parked");
        let nameless = Parked { triple: Triple::default(), ..parked };
        assert_eq!(Parked::read(&nameless.write()), None);
    }

    #[test]
    fn a_secret_does_not_stand_in_its_key() {
        let number = |text: &str| token_key(text.as_bytes()).unwrap();
        assert_eq!(number("701"), (PARKED_NUMBER, b"sipxfer:p:701".to_vec()));
        assert_eq!((number("0701"), number("000").1), (number("701"), b"sipxfer:p:0".to_vec()));
        let secret = b"onuxq5dfmvxcaytzorsxgijbee";
        let (kind, key) = token_key(secret).unwrap();
        // As sha256sum has it.
        let hash = "699b449065d02757d5e5780132b3ca922e1a6326830b4253438768830610201d";
        assert_eq!((kind, key.clone()), (PARKED_SECRET, [PARKED, hash.as_bytes()].concat()));
        assert_eq!(token_key(&secret.to_ascii_uppercase()).unwrap().1, key);
        for wrong in ["", "7o1", "1234567890", "onuxq5dfmvxcaytzorsxgijbe", "a:b"] {
            assert_eq!(token_key(wrong.as_bytes()), None, "{wrong}");
        }
    }

    #[test]
    fn a_key_names_one_triple_and_tags_have_no_case() {
        let key = dialog_key(b"c@h", b"Local", b"Remote").unwrap();
        assert_eq!(key, b"sipxfer:d:c@h\0local\0remote");
        assert_eq!(dialog_key(b"c@h", b"LOCAL", b"remote").unwrap(), key);
        assert_ne!(dialog_key(b"C@h", b"local", b"remote").unwrap(), key);
        assert_eq!(dialog_key(b"c@h", b"lo\0cal", b"r"), None);
        assert_eq!(dialog_key(b"", b"l", b"r"), None);
        assert_eq!(dialog_key(&[b'x'; MAX_KEY], b"l", b""), None);
    }
}
