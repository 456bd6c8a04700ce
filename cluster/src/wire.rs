//! Keys and values as they stand on the server.
//!
//! | key | kind | value |
//! |---|---|---|
//! | `sipxfer:n:NODE` | string with a time to live, the lease | version, incarnation, URI |
//! | `sipxfer:d:CALL-ID 0 LOCAL-TAG 0 REMOTE-TAG` | hash, a field for each node that has it | version, incarnation, state, initiator, secure, user, endpoint |
//!
//! A dialog counts as long as the lease of its node has the same incarnation: those of a dead node are no
//! more the moment its lease ends, and those of its life before it was started anew at once. What comes
//! from the server is read as hostile.
#![forbid(unsafe_code)]

/// Version of the values; another one is not read.
const VERSION: u8 = 1;
/// The longest Call-ID and tags, together, of a dialog that is published.
pub const MAX_KEY: usize = 1024;
/// The longest user and endpoint.
pub const MAX_NAME: usize = 255;

const NODES: &[u8] = b"sipxfer:n:";
const DIALOGS: &[u8] = b"sipxfer:d:";

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
        out.extend_from_slice(&[self.state, self.initiator, u8::from(self.secure)]);
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
        let (version, from) = from.split_first()?;
        let (incarnation, from) = from.split_first_chunk()?;
        let ([state, initiator, secure], from) = from.split_first_chunk::<3>()?;
        let (user, from) = part(from)?;
        let (endpoint, rest) = part(from)?;
        let fits = *version == VERSION && *secure <= 1 && rest.is_empty();
        fits.then(|| Published {
            incarnation: u64::from_le_bytes(*incarnation),
            state: *state,
            initiator: *initiator,
            secure: *secure == 1,
            user: user.to_vec(),
            endpoint: endpoint.to_vec(),
        })
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
