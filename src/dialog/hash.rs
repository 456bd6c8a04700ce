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
        hasher.write_u64(key.call_id.len() as u64);
        hasher.write_u64(key.local_tag.len() as u64);
        hasher.write(key.call_id);
        write_lowercase(&mut hasher, key.local_tag);
        write_lowercase(&mut hasher, key.remote_tag);
        hasher.finish128().as_u128()
    }
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
