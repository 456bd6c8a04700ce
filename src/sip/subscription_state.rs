//! Subscription-State (RFC 6665 section 8.2.3).

use super::error::ParseError;
use super::lex::{self, eq_ignore_case, offset_of_suffix, trim_end, trim_start};
use super::writer::Writer;
use crate::rule::Rule;

/// The state of a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State<'a> {
    /// It is accepted.
    Active,
    /// It awaits a decision.
    Pending,
    /// It has ended.
    Terminated,
    /// A state that RFC 6665 does not know; to be taken for `Active` (section 4.1.3).
    Other(&'a [u8]),
}

/// A Subscription-State value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubscriptionState<'a> {
    /// The state.
    pub state: State<'a>,
    /// How many seconds are left.
    pub expires: Option<u32>,
    /// Why it ended, "noresource" (R043).
    pub reason: Option<&'a [u8]>,
    /// After how many seconds to try again.
    pub retry_after: Option<u32>,
    /// Its parameters, the three above among them: what follows the first ";".
    pub params: &'a [u8],
}

impl<'a> SubscriptionState<'a> {
    /// A value that is made here; `None` where a word is no token.
    pub fn new(
        state: State<'a>,
        expires: Option<u32>,
        reason: Option<&'a [u8]>,
    ) -> Option<SubscriptionState<'a>> {
        let fits = lex::is_token(state.as_bytes()) && reason.is_none_or(lex::is_token);
        let value = SubscriptionState { state, expires, reason, retry_after: None, params: b"" };
        fits.then_some(value)
    }

    /// Reads the value, unfolded. An error is one of R043, of R040 where it is about a duration, or
    /// of R093 for a CR, LF or NUL. Of a parameter that stands there twice the first counts.
    pub fn parse(raw: &'a [u8]) -> Result<SubscriptionState<'a>, ParseError> {
        lex::one_line(raw, Rule::R093)?;
        let raw = trim_end(raw);
        let text = trim_start(raw);
        let err = |what, rest, rule| ParseError::new(what, offset_of_suffix(raw, rest), rule);
        let (rest, word) =
            lex::token(text).map_err(|_| err("expected a subscription state", text, Rule::R043))?;
        let params = match trim_start(rest) {
            [] => &b""[..],
            [b';', params @ ..] => params,
            rest => return Err(err("expected \";\" after the state", rest, Rule::R043)),
        };
        let known = [State::Active, State::Pending, State::Terminated];
        let state = known.into_iter().find(|state| eq_ignore_case(state.as_bytes(), word));
        let mut found = SubscriptionState {
            state: state.unwrap_or(State::Other(word)),
            expires: None,
            reason: None,
            retry_after: None,
            params,
        };
        for param in lex::params(params) {
            let rest = lex::from(params, param.offset);
            let seconds = || {
                param
                    .value
                    .and_then(lex::decimal)
                    .ok_or_else(|| err("expected a number of seconds", rest, Rule::R040))
            };
            if eq_ignore_case(param.name, b"expires") {
                found.expires = found.expires.or(Some(seconds()?));
            } else if eq_ignore_case(param.name, b"retry-after") {
                found.retry_after = found.retry_after.or(Some(seconds()?));
            } else if eq_ignore_case(param.name, b"reason") {
                let reason = param.value.filter(|value| lex::is_token(value));
                let what = "expected a token after \"reason=\"";
                let reason = reason.ok_or_else(|| err(what, rest, Rule::R043))?;
                found.reason = found.reason.or(Some(reason));
            }
        }
        Ok(found)
    }

    /// Prints the value: what is known first, then the other parameters in their order.
    pub fn print(&self, out: &mut Writer<'_>) {
        out.push(self.state.as_bytes());
        if let Some(seconds) = self.expires {
            out.push(b";expires=");
            out.push_decimal(u64::from(seconds));
        }
        if let Some(reason) = self.reason {
            out.push(b";reason=");
            out.push(reason);
        }
        if let Some(seconds) = self.retry_after {
            out.push(b";retry-after=");
            out.push_decimal(u64::from(seconds));
        }
        lex::print_params(out, self.params, &[b"expires", b"reason", b"retry-after"]);
    }
}

impl<'a> State<'a> {
    /// The word on the wire.
    pub fn as_bytes(&self) -> &'a [u8] {
        match self {
            State::Active => b"active",
            State::Pending => b"pending",
            State::Terminated => b"terminated",
            State::Other(word) => word,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r043_the_last_notify_says_why() {
        let text = b"terminated;reason=noresource;x=\"a;b\"";
        let found = SubscriptionState::parse(text).unwrap();
        assert_eq!((found.state, found.reason), (State::Terminated, Some(&b"noresource"[..])));
        let mut room = [0; 64];
        let mut out = Writer::new(&mut room);
        found.print(&mut out);
        assert_eq!(out.written(), text);
    }

    #[test]
    fn r040_the_duration() {
        let found =
            SubscriptionState::parse(b" Active ; expires = 99999999999 ; Retry-After=5").unwrap();
        assert_eq!(found.state, State::Active);
        assert_eq!((found.expires, found.retry_after), (Some(u32::MAX), Some(5)));
        let error = SubscriptionState::parse(b"active;expires=x").unwrap_err();
        assert_eq!((error.offset, error.rule), (7, Rule::R040));
        assert_eq!(SubscriptionState::parse(b"x").unwrap().state, State::Other(b"x"));
    }

    #[test]
    fn r043_malformed_states_are_refused() {
        for (bad, offset) in [("", 0), (" ;x", 1), ("active x", 7), ("terminated;reason=", 11)] {
            let error = SubscriptionState::parse(bad.as_bytes()).unwrap_err();
            assert_eq!((error.offset, error.rule), (offset, Rule::R043), "{bad}");
        }
    }
}
