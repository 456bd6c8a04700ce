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
        // The lengths keep ("ab", "c") and ("a", "bc") apart, and tell where the words of each end. Those
        // that anybody sends stand in one word, which is never the one that announces longer ones.
        let lens = [key.call_id, key.local_tag, key.remote_tag].map(|part| part.len() as u64);
        let [call_id, local, remote] = lens;
        if (call_id | local | remote) < 1 << 16 {
            hasher.write_u64(remote << 32 | local << 16 | call_id);
        } else {
            hasher.write_u64(u64::MAX);
            for len in lens {
                hasher.write_u64(len);
            }
        }
        each_word(key.call_id, |word| hasher.write_u64(word));
        each_word(key.local_tag, |word| hasher.write_u64(lowercase(word)));
        each_word(key.remote_tag, |word| hasher.write_u64(lowercase(word)));
        hasher.finish128().as_u128()
    }

    /// The same of a key and the token of a parked call that is asked for with it; without one it is the
    /// key's own.
    pub fn fingerprint_with(&self, key: &Key<'_>, token: &[u8]) -> u128 {
        let alone = self.fingerprint(key);
        if token.is_empty() {
            return alone;
        }
        let mut hasher = SipHasher13::new_with_keys(self.0, self.1);
        hasher.write_u128(alone);
        hasher.write_u64(token.len() as u64);
        each_word(token, |word| hasher.write_u64(word));
        hasher.finish128().as_u128()
    }
}

/// Shows a text as words of eight bytes. The last one goes back over bytes of the one before it, where
/// there are such, rather than beyond the end.
#[inline]
fn each_word(text: &[u8], mut show: impl FnMut(u64)) {
    let words = text.chunks_exact(8);
    let rest = words.remainder();
    for word in words {
        show(word.first_chunk().map_or(0, |word| u64::from_le_bytes(*word)));
    }
    if !rest.is_empty() {
        show(match text.last_chunk() {
            Some(last) => u64::from_le_bytes(*last),
            None => rest.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)),
        });
    }
}

/// One in each byte of a word.
const EACH: u64 = 0x0101_0101_0101_0101;

/// Each of the eight bytes as ASCII has it in lower case.
#[inline]
fn lowercase(word: u64) -> u64 {
    let low = word & (EACH * 0x7f);
    // With the top bits gone a sum never carries into the next byte.
    let from_a = low + EACH * u64::from(0x80 - b'A');
    let behind_z = low + EACH * u64::from(0x7f - b'Z');
    word | (from_a & !behind_z & !word & (EACH << 7)) >> 2
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
        for (one, other) in [(0, 1 << 16), (1 << 16, 0), (65_535, 65_536)] {
            let text = "\0".repeat(one + other);
            let (call_id, local) = text.as_bytes().split_at(one);
            let split = |call_id, local_tag| {
                hash.fingerprint(&Key { call_id, local_tag, remote_tag: b"R" })
            };
            let (others, own) = text.as_bytes().split_at(other);
            assert_ne!(split(call_id, local), split(others, own));
        }
        for len in 0..40 {
            let tag: String = "ab-Zz.[`{@~C".chars().cycle().take(len).collect();
            assert_eq!(key("a", &tag), key("a", &tag.to_ascii_uppercase()));
            assert_ne!(key("a", &tag), key("a", &format!("{tag}\0")));
        }
    }

    #[test]
    fn a_word_in_lower_case_is_that_of_each_byte() {
        for byte in 0..=255_u8 {
            for at in 0..8 {
                let mut word = *b"aZ@[`{0\xff";
                word[at] = byte;
                let lower = lowercase(u64::from_le_bytes(word)).to_le_bytes();
                assert_eq!(lower, word.map(|byte| byte.to_ascii_lowercase()));
            }
        }
    }
}
