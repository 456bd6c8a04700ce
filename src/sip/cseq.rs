//! CSeq (RFC 3261 section 20.16).

use nom::bytes::complete::take_while1;
use nom::sequence::separated_pair;
use nom::{IResult, Parser};

use super::error::ParseError;
use super::lex::{decimal, is_space, token, trim};
use super::writer::Writer;
use crate::rule::Rule;

/// The number of a request within its dialog, and its method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CSeq<'a> {
    /// Less than 2^31 (RFC 3261 section 8.1.1.5).
    pub number: u32,
    /// The method of the request.
    pub method: &'a [u8],
}

fn parts(input: &[u8]) -> IResult<&[u8], (&[u8], &[u8])> {
    separated_pair(take_while1(|byte: u8| byte.is_ascii_digit()), take_while1(is_space), token)
        .parse(input)
}

impl<'a> CSeq<'a> {
    /// Reads the value. An error is one of R042: the number is what tells the REFERs of a dialog
    /// apart.
    pub fn parse(raw: &'a [u8]) -> Result<CSeq<'a>, ParseError> {
        let number = |digits| decimal(digits).filter(|&number| number < 1 << 31);
        match parts(trim(raw)) {
            Ok(([], (digits, method))) => number(digits).map(|number| CSeq { number, method }),
            _ => None,
        }
        .ok_or(ParseError::new("expected a number below 2^31 and a method", 0, Rule::R042))
    }

    /// Prints the value.
    pub fn print(&self, out: &mut Writer<'_>) {
        out.push_decimal(u64::from(self.number));
        out.push_byte(b' ');
        out.push(self.method);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r042_the_number_of_a_refer() {
        let cseq = CSeq::parse(b" 0009323 \t REFER").unwrap();
        assert_eq!(cseq, CSeq { number: 9323, method: b"REFER" });
        let mut room = [0; 32];
        let mut out = Writer::new(&mut room);
        cseq.print(&mut out);
        assert_eq!(out.written(), b"9323 REFER");
        for bad in [
            "",
            "1",
            "REFER",
            "1REFER",
            "1 RE FER",
            "2147483648 REFER",
            "-1 REFER",
            "99999999999999999999 REFER",
        ] {
            assert!(CSeq::parse(bad.as_bytes()).is_err(), "{bad}");
        }
        assert!(CSeq::parse(b"2147483647 X").is_ok());
    }
}
