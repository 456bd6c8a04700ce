//! What a parked call is asked for by.

use crate::sip::Writer;
use core::fmt;
use core::hint::black_box;

/// RFC 4648 section 6, in lower case.
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// 128 bits in five each.
const LETTERS: usize = 26;

/// The most digits of a number: what a `u32` surely holds.
const DIGITS: usize = 9;

/// A name of a parked call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token {
    /// A place of the lot, short enough to be told over the phone. It is no secret.
    Number(u32),
    /// What nobody guesses.
    Secret(Secret),
}

impl Token {
    /// Reads a number, or the letters of a secret in any case.
    pub fn parse(text: &[u8]) -> Option<Token> {
        if text.len() == LETTERS {
            return Secret::parse(text).map(Token::Secret);
        }
        let is_number = (1..=DIGITS).contains(&text.len()) && text.iter().all(u8::is_ascii_digit);
        let digit = |byte: &u8| u32::from(byte.wrapping_sub(b'0'));
        // Nine digits fit.
        is_number.then(|| Token::Number(text.iter().fold(0, |sum, byte| sum * 10 + digit(byte))))
    }

    /// Prints it: digits, or letters.
    pub fn print(&self, out: &mut Writer<'_>) {
        match self {
            Token::Number(number) => out.push_decimal(u64::from(*number)),
            Token::Secret(secret) => secret.print(out),
        }
    }

    /// The number, if it is one.
    pub fn number(&self) -> Option<u32> {
        match self {
            Token::Number(number) => Some(*number),
            Token::Secret(_) => None,
        }
    }
}

/// 128 random bits. Comparing two takes the same time wherever they differ.
#[derive(Clone, Copy, Eq)]
pub struct Secret([u8; 16]);

impl Secret {
    /// From 16 random bytes.
    pub fn new(random: [u8; 16]) -> Secret {
        Secret(random)
    }

    /// The bytes, for a keyed hash.
    pub(super) fn bytes(&self) -> &[u8; 16] {
        &self.0
    }

    fn parse(text: &[u8]) -> Option<Secret> {
        let mut bits: u128 = 0;
        for (at, letter) in text.iter().enumerate() {
            let letter = letter.to_ascii_lowercase();
            let value = ALPHABET.iter().position(|it| *it == letter)?;
            // The last letter holds three bits, and two that are zero.
            let (value, width) = match at {
                0..25 => (value, 5),
                25 if value & 0b11 == 0 => (value >> 2, 3),
                _ => return None,
            };
            bits = bits << width | value as u128;
        }
        (text.len() == LETTERS).then(|| Secret(bits.to_be_bytes()))
    }

    fn print(&self, out: &mut Writer<'_>) {
        let bits = u128::from_be_bytes(self.0);
        for at in 0..LETTERS as u32 {
            let shift = 123_i64 - 5 * i64::from(at);
            let value = if shift >= 0 { bits >> shift } else { bits << -shift };
            out.push_byte(ALPHABET.get(value as usize & 31).copied().unwrap_or_default());
        }
    }
}

impl PartialEq for Secret {
    /// Every byte is looked at, and the compiler is kept from stopping earlier.
    fn eq(&self, other: &Secret) -> bool {
        let pairs = self.0.iter().zip(&other.0);
        black_box(pairs.fold(0, |sum, (a, b)| sum | black_box(a ^ b))) == 0
    }
}

impl fmt::Debug for Secret {
    /// A log is no place for it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn print(token: Token) -> String {
        let mut room = [0; 32];
        let mut out = Writer::new(&mut room);
        token.print(&mut out);
        String::from_utf8(out.written().to_vec()).unwrap()
    }

    #[test]
    fn a_secret_is_26_letters_of_base32_and_comes_back_whole() {
        let known = Token::Secret(Secret::new(*b"sixteen bytes!!!"));
        assert_eq!(print(known), "onuxq5dfmvxcaytzorsxgijbee");
        let zero = Token::Secret(Secret::new([0; 16]));
        let ones = Token::Secret(Secret::new([0xff; 16]));
        assert_eq!(print(ones), format!("{}4", "7".repeat(25)));
        for token in [known, zero, ones] {
            assert_eq!(Token::parse(print(token).as_bytes()), Some(token));
            assert_eq!(Token::parse(print(token).to_uppercase().as_bytes()), Some(token));
        }
        assert_ne!(known, zero);
        assert_eq!(format!("{known:?}"), "Secret(Secret(..))");
        let mut seed = 7_u128;
        for _ in 0..2_000 {
            seed = seed.wrapping_mul(0x2360_ED05_1FC6_5DA4_4385_DF64_9FCC_F645).wrapping_add(1);
            let token = Token::Secret(Secret::new(seed.to_le_bytes()));
            assert_eq!(Token::parse(print(token).as_bytes()), Some(token));
        }
    }

    #[test]
    fn a_number_is_digits_and_anything_else_is_no_token() {
        assert_eq!(Token::parse(b"701"), Some(Token::Number(701)));
        assert_eq!(print(Token::Number(701)), "701");
        assert_eq!(Token::parse(b"999999999"), Some(Token::Number(999_999_999)));
        let bad: [&[u8]; 8] = [
            b"",
            b"7O1",
            b"-1",
            b"9999999999",
            b"onuxq5dfmvxcaytzorsxgijbe",
            b"onuxq5dfmvxcaytzorsxgijbef",
            b"onuxq5dfmvxcaytzorsxgijbe1",
            b"onuxq5dfmvxcaytzorsxgijbeea",
        ];
        for bad in bad {
            assert_eq!(Token::parse(bad), None, "{:?}", String::from_utf8_lossy(bad));
        }
    }
}
