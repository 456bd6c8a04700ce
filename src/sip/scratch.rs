//! Memory for decoded text: a bump arena over bytes of the caller.

use core::mem;

use super::writer::Writer;

/// The scratch space is used up. Decoding never yields more bytes than it reads, so a space of a
/// few times the request's size is always enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfScratch;

/// Hands out pieces of the caller's bytes, front to back, and never takes one back.
#[derive(Debug)]
pub struct Scratch<'a> {
    rest: &'a mut [u8],
}

impl<'a> Scratch<'a> {
    /// An arena over `bytes`.
    pub fn new(bytes: &'a mut [u8]) -> Scratch<'a> {
        Scratch { rest: bytes }
    }

    /// How many bytes are left.
    pub fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// A copy of `bytes` that lives as long as the arena.
    pub fn copy(&mut self, bytes: &[u8]) -> Result<&'a [u8], OutOfScratch> {
        self.write_with(|out| out.push(bytes))
    }

    /// A copy of all `parts`, one behind the other.
    pub fn concat(&mut self, parts: &[&[u8]]) -> Result<&'a [u8], OutOfScratch> {
        self.write_with(|out| parts.iter().for_each(|part| out.push(part)))
    }

    /// Lets `f` write into all that is left and keeps what it wrote. When it did not fit nothing
    /// is kept and the arena is as it was.
    pub fn write_with(
        &mut self,
        f: impl FnOnce(&mut Writer<'_>),
    ) -> Result<&'a [u8], OutOfScratch> {
        let mut out = Writer::new(self.rest);
        f(&mut out);
        let used = out.needed();
        if used > self.rest.len() {
            return Err(OutOfScratch);
        }
        let (kept, rest) = mem::take(&mut self.rest).split_at_mut(used);
        self.rest = rest;
        Ok(kept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_do_not_overlap_and_a_refusal_keeps_the_rest() {
        let mut bytes = [0; 8];
        let mut scratch = Scratch::new(&mut bytes);
        let a = scratch.copy(b"abc").unwrap();
        assert_eq!(scratch.copy(b"123456"), Err(OutOfScratch));
        assert_eq!(scratch.remaining(), 5);
        let b = scratch.concat(&[b"d", b"", b"efgh"]).unwrap();
        assert_eq!((a, b, scratch.remaining()), (&b"abc"[..], &b"defgh"[..], 0));
        assert_eq!(scratch.copy(b""), Ok(&b""[..]));
    }
}
