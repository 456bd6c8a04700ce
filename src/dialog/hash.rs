//! The keyed hash of a dialog's triple.

use super::Key;
use core::hash::Hasher;
use siphasher::sip128::{Hasher128, SipHasher13};

/// Secret of the hash. Call-IDs and tags are chosen by strangers: without a secret they could make
/// every dialog fall into one place.
#[derive(Clone, Copy)]
pub struct HashKey(u64, u64);

impl HashKey {
    /// From 16 random bytes.
    pub fn new(random: [u8; 16]) -> HashKey {
        let whole = u128::from_le_bytes(random);
        HashKey(whole as u64, (whole >> 64) as u64)
    }

    /// 128 bits that are the same for keys that match (R026) and for no others, as far as anybody
    /// without the secret can bring about.
    pub fn fingerprint(&self, key: &Key<'_>) -> u128 {
        let mut hasher = SipHasher13::new_with_keys(self.0, self.1);
        // The lengths keep ("ab", "c") and ("a", "bc") apart.
        let lens = [key.call_id.len(), key.local_tag.len()].map(|len| (len as u64).to_le_bytes());
        let mut together = [0; AT_ONCE];
        match join(
            &mut together,
            [lens.as_flattened(), key.call_id],
            [key.local_tag, key.remote_tag],
        ) {
            Some(bytes) => hasher.write(bytes),
            None => {
                hasher.write(lens.as_flattened());
                hasher.write(key.call_id);
                write_lowercase(&mut hasher, key.local_tag);
                write_lowercase(&mut hasher, key.remote_tag);
            }
        }
        hasher.finish128().as_u128()
    }
}

/// The triple of nearly every dialog fits, and is hashed at once.
const AT_ONCE: usize = 192;

/// Puts the parts one behind the other, those of the second list in lower case; `None` where they do
/// not fit.
fn join<'r>(room: &'r mut [u8; AT_ONCE], exact: [&[u8]; 2], lower: [&[u8]; 2]) -> Option<&'r [u8]> {
    let mut end = 0_usize;
    for part in exact {
        room.get_mut(end..end.checked_add(part.len())?)?.copy_from_slice(part);
        end += part.len();
    }
    let tags = end;
    for part in lower {
        room.get_mut(end..end.checked_add(part.len())?)?.copy_from_slice(part);
        end += part.len();
    }
    room.get_mut(tags..end)?.make_ascii_lowercase();
    room.get(..end)
}

/// In pieces, so that tags of any length need no memory.
fn write_lowercase(hasher: &mut SipHasher13, tag: &[u8]) {
    let mut lower = [0; 64];
    for piece in tag.chunks(lower.len()) {
        for (to, from) in lower.iter_mut().zip(piece) {
            *to = from.to_ascii_lowercase();
        }
        hasher.write(lower.get(..piece.len()).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r026_tags_in_any_case_have_one_fingerprint_and_call_ids_do_not() {
        let hash = HashKey::new([7; 16]);
        let long = "Tag-Of-More-Than-64-Bytes-".repeat(5);
        let key = |call_id: &'static str, local: &str| {
            let local = local.as_bytes();
            hash.fingerprint(&Key {
                call_id: call_id.as_bytes(),
                local_tag: local,
                remote_tag: b"R",
            })
        };
        assert_eq!(key("a@b", &long), key("a@b", &long.to_lowercase()));
        assert_ne!(key("a@b", &long), key("A@b", &long));
        assert_ne!(key("a@bx", "c"), key("a@b", "xc"));
    }
}
