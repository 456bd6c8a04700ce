//! Prints into the caller's buffer and counts what the whole text needs.

/// Writes into a buffer of fixed size. What does not fit is counted and not written, so that one
/// call tells both the text and the length it needs.
#[derive(Debug)]
pub struct Writer<'b> {
    buffer: &'b mut [u8],
    needed: usize,
}

impl<'b> Writer<'b> {
    /// A writer at the start of `buffer`; an empty buffer only counts.
    pub fn new(buffer: &'b mut [u8]) -> Writer<'b> {
        Writer { buffer, needed: 0 }
    }

    /// Appends `bytes`.
    #[inline]
    pub fn push(&mut self, bytes: &[u8]) {
        let end = self.needed.saturating_add(bytes.len());
        match self.buffer.get_mut(self.needed..end) {
            Some(to) => to.copy_from_slice(bytes),
            None => self.push_what_fits(bytes),
        }
        self.needed = end;
    }

    #[cold]
    fn push_what_fits(&mut self, bytes: &[u8]) {
        if let Some(room) = self.buffer.get_mut(self.needed..) {
            let fits = room.len().min(bytes.len());
            if let (Some(to), Some(from)) = (room.get_mut(..fits), bytes.get(..fits)) {
                to.copy_from_slice(from);
            }
        }
    }

    /// Appends one byte.
    pub fn push_byte(&mut self, byte: u8) {
        if let Some(to) = self.buffer.get_mut(self.needed) {
            *to = byte;
        }
        self.needed = self.needed.saturating_add(1);
    }

    /// Appends a number in decimal digits.
    pub fn push_decimal(&mut self, number: u64) {
        let mut digits = [b'0'; 20];
        let mut left = number;
        let mut used = 0;
        for digit in digits.iter_mut().rev() {
            // The remainder of a division by ten fits a byte.
            *digit = b'0'.wrapping_add((left % 10) as u8);
            left /= 10;
            used += 1;
            if left == 0 {
                break;
            }
        }
        self.push(digits.get(digits.len() - used..).unwrap_or_default());
    }

    /// How many bytes the whole text has, whether they fitted or not.
    pub fn needed(&self) -> usize {
        self.needed
    }

    /// Whether the text did not fit.
    pub fn overflowed(&self) -> bool {
        self.needed > self.buffer.len()
    }

    /// The text, or as much of its beginning as fitted.
    pub fn written(&self) -> &[u8] {
        self.buffer.get(..self.needed.min(self.buffer.len())).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_counted() {
        let mut room = [0; 4];
        let mut out = Writer::new(&mut room);
        out.push(b"ab");
        assert!(!out.overflowed());
        out.push(b"cde");
        out.push_byte(b'f');
        assert_eq!((out.needed(), out.overflowed(), out.written()), (6, true, &b"abcd"[..]));
    }

    #[test]
    fn decimals() {
        for number in [0, 7, 10, 5060, u64::MAX] {
            let mut room = [0; 20];
            let mut out = Writer::new(&mut room);
            out.push_decimal(number);
            assert_eq!(out.written(), number.to_string().as_bytes());
        }
    }
}
