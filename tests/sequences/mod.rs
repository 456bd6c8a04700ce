//! Random sequences of inputs to the state machines of a transfer, and what must hold whatever
//! comes. `tests/random_inputs.rs` runs them with proptest, `fuzz/fuzz_targets/engine.rs` with
//! libFuzzer.
#![allow(dead_code)] // Who runs them uses its part.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

pub mod engine;
pub mod host;
pub mod lot;
pub mod recipient;
pub mod takeover;
pub mod transferor;

/// What a sequence is made from. Steps are of one length, so that one can be left out and the others
/// stay what they are: that is how a failing sequence becomes a short one.
#[derive(Clone, Debug)]
pub struct Case {
    pub settings: [u8; 32],
    pub steps: Vec<[u8; 16]>,
}

/// More steps show nothing new and take their time.
const MOST_STEPS: usize = 64;

impl Case {
    /// From the bytes of a fuzzer.
    pub fn of_bytes(bytes: &[u8]) -> Case {
        let (head, tail) = bytes.split_at(bytes.len().min(32));
        let mut settings = [0; 32];
        settings[..head.len()].copy_from_slice(head);
        let steps = tail.chunks(16).take(MOST_STEPS).map(|chunk| {
            let mut step = [0; 16];
            step[..chunk.len()].copy_from_slice(chunk);
            step
        });
        Case { settings, steps: steps.collect() }
    }

    /// From the numbers of proptest.
    pub fn of_numbers(settings: (u128, u128), steps: &[u128]) -> Case {
        let mut bytes = settings.0.to_le_bytes().to_vec();
        bytes.extend(settings.1.to_le_bytes());
        bytes.extend(steps.iter().flat_map(|step| step.to_le_bytes()));
        Case::of_bytes(&bytes)
    }
}

/// Choices by bytes; behind their end each choice is the first one.
pub struct Choices<'b>(&'b [u8]);

impl<'b> Choices<'b> {
    pub fn new(bytes: &'b [u8]) -> Choices<'b> {
        Choices(bytes)
    }

    /// At most 256 of them.
    pub fn below(&mut self, limit: u64) -> u64 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        u64::from(*first) % limit
    }

    /// Any number of two bytes.
    pub fn number(&mut self) -> u64 {
        self.below(256) | self.below(256) << 8
    }

    pub fn coin(&mut self) -> bool {
        self.below(2) == 1
    }

    pub fn one_of<T: Copy>(&mut self, these: &[T]) -> T {
        these[self.below(these.len() as u64) as usize]
    }
}

/// A story of what was seen, told where it ends badly.
#[derive(Default)]
pub struct Story(Vec<String>);

impl Story {
    pub fn tell(&mut self, line: String) {
        self.0.push(line);
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn any(&self, what: impl Fn(&str) -> bool) -> bool {
        self.0.iter().any(|line| what(line))
    }
}

impl Drop for Story {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}\n", self.0.join("\n"));
        }
    }
}

/// Header lines that can be put into a message as they are: each has a name, ends with CRLF, and
/// holds no other CR, LF or NUL.
pub fn assert_lines(lines: &[u8]) {
    let text = lines.strip_suffix(b"\r\n").unwrap_or(lines);
    assert!(lines.is_empty() || text.len() + 2 == lines.len(), "no CRLF at the end of {lines:?}");
    for line in text.split(|byte| *byte == b'\n').filter(|_| !lines.is_empty()) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        assert_clean(line);
        let name = line.iter().position(|byte| *byte == b':').expect("a name and a colon");
        assert!(
            name > 0 && line[..name].iter().all(|byte| sipxfer::sip::lex::is_token_byte(*byte))
        );
    }
    let breaks = lines.iter().filter(|byte| **byte == b'\n').count();
    let whole = lines.windows(2).filter(|pair| *pair == b"\r\n").count();
    assert_eq!(breaks, whole, "a line that ends without CR");
}

/// No CR, LF or NUL.
pub fn assert_clean(text: &[u8]) {
    let breaker = text.iter().find(|byte| sipxfer::sip::lex::is_line_breaker(**byte));
    assert_eq!(breaker, None, "in {:?}", text.escape_ascii().to_string());
}
