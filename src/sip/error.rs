//! What was expected, where, and which rule asks for it.

use core::fmt;

use crate::rule::Rule;

/// A value that is not what its grammar says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// What was expected, in plain words.
    pub what: &'static str,
    /// The byte, in the value that was handed to the parser, where it was expected.
    pub offset: usize,
    /// The rule that asks for it.
    pub rule: Rule,
}

impl ParseError {
    /// An error at `offset`.
    pub const fn new(what: &'static str, offset: usize, rule: Rule) -> ParseError {
        ParseError { what, offset, rule }
    }

    /// The same error under another rule, for a grammar that several headers share.
    #[must_use]
    pub const fn with_rule(self, rule: Rule) -> ParseError {
        ParseError { rule, ..self }
    }

    /// The same error in a larger text, in which the parsed value begins at byte `by`.
    #[must_use]
    pub const fn shifted(self, by: usize) -> ParseError {
        ParseError { offset: self.offset.saturating_add(by), ..self }
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "byte {}: {} ({})", self.offset, self.what, self.rule)
    }
}

impl core::error::Error for ParseError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_one_line_for_an_administrator() {
        let error = ParseError::new("expected \";\" after the Call-ID", 8, Rule::R020);
        assert_eq!(error.to_string(), "byte 8: expected \";\" after the Call-ID (R020)");
        assert_eq!(error.shifted(2).offset, 10);
        assert_eq!(error.with_rule(Rule::R102).rule, Rule::R102);
    }
}
