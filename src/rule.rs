//! The rules of call transfer by their ids, so that every verdict and every error can name the
//! one that led to it.
//!
//! An id never changes its meaning. The text is for administrators: one sentence, no jargon
//! beyond the field's own terms.

use core::ffi::CStr;
use core::fmt;

/// The id of one rule, printed as `R014`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rule(u16);

impl Rule {
    /// The number of the rule, 14 for `R014`.
    pub const fn number(self) -> u16 {
        self.0
    }

    /// The rule with this number, if there is one.
    pub fn from_number(number: u16) -> Option<Rule> {
        let at = TABLE.binary_search_by_key(&number, |entry| entry.0 .0).ok()?;
        TABLE.get(at).map(|entry| entry.0)
    }

    /// The document and section that the rule comes from.
    pub fn source(self) -> &'static CStr {
        self.entry().map_or(c"", |entry| entry.1)
    }

    /// What the rule says, in one sentence.
    pub fn text(self) -> &'static CStr {
        self.entry().map_or(c"", |entry| entry.2)
    }

    /// Every rule, in the order of their numbers.
    pub fn all() -> impl Iterator<Item = Rule> {
        TABLE.iter().map(|entry| entry.0)
    }

    fn entry(self) -> Option<&'static (Rule, &'static CStr, &'static CStr)> {
        TABLE.binary_search_by_key(&self.0, |entry| entry.0 .0).ok().and_then(|at| TABLE.get(at))
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "R{:03}", self.0)
    }
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The texts go out to C too.
const fn c_str(text: &'static str) -> &'static CStr {
    match CStr::from_bytes_with_nul(text.as_bytes()) {
        Ok(text) => text,
        Err(_) => c"",
    }
}

macro_rules! rules {
    ($($name:ident = $number:literal, $source:literal, $text:literal;)*) => {
        impl Rule {
            $(
                #[doc = concat!($source, ": ", $text)]
                pub const $name: Rule = Rule($number);
            )*
        }

        /// Sorted by number, which [`Rule::from_number`] relies on (and a test checks).
        const TABLE: &[(Rule, &CStr, &CStr)] =
            &[$((Rule($number), c_str(concat!($source, "\0")), c_str(concat!($text, "\0"))),)*];
    };
}

rules! {
    R001 = 1, "RFC 3891 section 3", "the to-tag is the local tag of the replaced dialog, the from-tag its remote tag";
    R002 = 2, "RFC 3891 section 3", "a request carries at most one Replaces header";
    R003 = 3, "RFC 3891 section 3", "Replaces belongs in an INVITE and in no other request";
    R004 = 4, "RFC 3891 section 3", "Replaces and Join contradict each other in one request";
    R005 = 5, "RFC 3891 section 3", "a Replaces that matches more than one dialog matches none";
    R006 = 6, "RFC 3891 section 3", "a Replaces that matches no dialog here: an INVITE gets 481, a REFER is a transfer to elsewhere";
    R007 = 7, "RFC 3891 section 3", "only a dialog made by INVITE can be replaced";
    R008 = 8, "RFC 3891 section 3", "a dialog that has ended is not replaced: 603";
    R009 = 9, "RFC 3891 sections 3 and 8", "a match is no permission: the initiator must be authorized to replace the dialog";
    R010 = 10, "RFC 3891 section 3", "a Referred-By of the replaced user, from a trusted peer, is that user's consent";
    R011 = 11, "RFC 3891 section 3", "the new call takes the old one's place and resources, and the old one is shut down";
    R012 = 12, "RFC 3891 section 3", "when the new INVITE cannot be accepted the old dialog is left as it was";
    R013 = 13, "RFC 3891 section 3", "early-only does not replace a confirmed dialog: 486";
    R014 = 14, "RFC 3891 section 3", "a confirmed dialog is ended with BYE after the new INVITE was answered";
    R015 = 15, "RFC 3891 section 3", "an early dialog that this side began is ended with CANCEL after the new INVITE was answered";
    R016 = 16, "RFC 3891 section 3", "an early dialog that this side did not begin is not replaced: 481";
    R017 = 17, "RFC 3891 section 4", "never ask to replace an early dialog that the peer did not begin";
    R018 = 18, "RFC 3891 section 4", "the triggered INVITE goes to the Refer-To URI or to the route of the verdict";
    R019 = 19, "RFC 3891 section 5", "a B2BUA maps the dialog named on one leg to that of the other leg";
    R020 = 20, "RFC 3891 section 6.1", "Replaces holds a Call-ID, exactly one to-tag and exactly one from-tag";
    R021 = 21, "RFC 3891 section 6.1", "the tag value 0 also matches a peer that sends no tag";
    R022 = 22, "RFC 3891 section 6.1", "unknown parameters of Replaces are kept and printed again";
    R023 = 23, "RFC 3891 section 6.2", "replaces is offered where it is supported; a required extension that is unknown is refused with 420";
    R024 = 24, "RFC 3891 section 8", "policy can demand an authenticated peer and a secure transport for Replaces";
    R025 = 25, "RFC 3891 sections 3 and 8", "Replaces is checked in one fixed order: form, match, end, permission, and only then the state";
    R026 = 26, "RFC 3261 section 7.3.1", "Call-ID is compared byte for byte, tags without regard to case";
    R028 = 28, "RFC 3515 section 2", "a REFER carries exactly one Contact";
    R029 = 29, "RFC 3515 section 2.4.1", "a REFER carries exactly one well-formed Refer-To value";
    R030 = 30, "RFC 3515 section 2.4.2", "approval is asked before anything is contacted";
    R031 = 31, "RFC 3515 section 5", "a REFER from a sender that is not authenticated is refused before its Refer-To is looked at";
    R032 = 32, "RFC 3515 section 2.4.2", "a target that cannot be contacted from here is refused";
    R033 = 33, "RFC 3515 section 2.4.2", "a REFER that awaits a decision is accepted in time, and a late refusal is notified as 603";
    R034 = 34, "RFC 3515 section 2.4.4", "accepting a REFER creates a subscription whose first NOTIFY is sent at once";
    R035 = 35, "RFC 3515 section 2.4.3", "the method that a Refer-To asks for is honoured or refused, never taken for INVITE";
    R036 = 36, "RFC 3515 section 2.4.4", "the NOTIFYs of a REFER travel in its dialog with Event: refer and a sipfrag body";
    R037 = 37, "RFC 3515 section 2.4.4", "a NOTIFY may arrive before the answer to its REFER";
    R038 = 38, "RFC 3515 section 2.4.4", "ending the subscription does not cancel the referred call";
    R039 = 39, "RFC 3515 section 2.4.4", "a SUBSCRIBE to the refer event without a REFER is refused with 403";
    R040 = 40, "RFC 3515 section 2.4.4", "the first NOTIFY tells how long the subscription lasts, and SUBSCRIBE refreshes or ends it";
    R041 = 41, "RFC 3515 section 2.4.5", "the body of a NOTIFY starts with a status line, each line ended by CRLF";
    R042 = 42, "RFC 3515 section 2.4.6", "from the second REFER of a dialog on, Event carries the CSeq of its REFER as id";
    R043 = 43, "RFC 3515 section 2.4.7", "the last NOTIFY ends the subscription and says why";
    R045 = 45, "RFC 3515 section 3.4", "the subscription outlives the referred INVITE";
    R047 = 47, "RFC 3515 section 3.10", "at most one provisional NOTIFY a second, the final one at once";
    R048 = 48, "RFC 3515 section 5", "the transferor learns no more of the referred call's response than its status line";
    R049 = 49, "RFC 3892 section 2.1", "a request carries at most one well-formed Referred-By";
    R050 = 50, "RFC 3892 section 2.2", "Referred-By is copied unchanged into the triggered INVITE, and only when free of CR, LF and NUL";
    R051 = 51, "RFC 3892 section 2.3", "a policy may demand a Referred-By token: 429";
    R052 = 52, "RFC 3892 section 2.3", "a Referred-By token that is demanded must be valid";
    R053 = 53, "RFC 3892 section 3", "a URI with a comma, a question mark or a semicolon stands in angle brackets";
    R056 = 56, "RFC 3892 section 5", "a Referred-By without a valid signature is not verified";
    R057 = 57, "RFC 4538 section 3", "Target-Dialog is sent only to peers that know it";
    R058 = 58, "RFC 4538 section 3", "Target-Dialog carries both tags as its recipient sees them";
    R059 = 59, "RFC 4538 section 3", "a matching Target-Dialog authorizes a REFER, securely learnt or by policy";
    R060 = 60, "RFC 4538 section 3", "a Target-Dialog that matches nothing is ignored";
    R063 = 63, "RFC 4488 section 4", "a recipient that honours Refer-Sub: false repeats it and sends no NOTIFY";
    R064 = 64, "RFC 4488 section 4", "without Refer-Sub: false in the answer NOTIFYs are expected";
    R065 = 65, "RFC 4488 section 4", "Require: norefersub is refused with 420 where it is not supported";
    R067 = 67, "RFC 7647 section 4", "a REFER outside the dialog names its call by Target-Dialog";
    R068 = 68, "RFC 7647 section 4", "a REFER goes outside the dialog where the peer's Contact is a GRUU";
    R069 = 69, "RFC 7647 section 5", "202 and 200 both accept a REFER; which one is sent is a setting";
    R070 = 70, "RFC 7614 section 4", "explicit subscriptions to a REFER go to the URI that was handed out";
    R071 = 71, "RFC 7614 section 4", "Require: explicitsub is understood or refused with 420";
    R072 = 72, "RFC 7614 section 4", "Require: nosub is understood or refused with 420";
    R073 = 73, "RFC 6665 section 4.1.2", "the transferor waits Timer N for the first NOTIFY";
    R074 = 74, "RFC 6665 section 4.1.3", "a NOTIFY that matches nothing gets 481, an unknown event package 489";
    R075 = 75, "RFC 6665 section 4.2.2", "a refused NOTIFY ends the subscription and not the call";
    R076 = 76, "RFC 6665 section 4.2.1", "a notifier never lengthens the expiry that was asked for";
    R078 = 78, "RFC 5057 section 4", "BYE ends the INVITE usage of a dialog and not its refer subscription";
    R079 = 79, "RFC 5057 section 4", "the end of the refer subscription does not end the call";
    R081 = 81, "RFC 5589 section 4", "REFER itself ends nobody's original call";
    R082 = 82, "RFC 5589 section 4", "the transferor learns one final outcome with its SIP code";
    R084 = 84, "RFC 5589 section 6", "a BYE right after the answer to REFER does not end the transfer";
    R085 = 85, "RFC 5589 section 7.3", "Refer-To is the target's Contact, or its AOR with Require: replaces";
    R086 = 86, "RFC 5589 section 7.3", "after a failure the transferor tries the other URI with a second REFER";
    R087 = 87, "RFC 5589 section 7.4", "a semi-attended transfer drops the consultation leg and becomes a blind one";
    R088 = 88, "RFC 5589 section 7.5", "where the peer lacks Replaces an attended transfer becomes a blind one";
    R090 = 90, "RFC 3261 section 19.1.5", "only known header fields of a Refer-To URI are taken over";
    R091 = 91, "RFC 3261 section 19.1.5", "header fields that identify or route a request are never taken from a URI";
    R093 = 93, "RFC 3261 section 19.1.5", "an invalid request is never built from a URI: no CR, LF or NUL behind an escape";
    R094 = 94, "RFC 3261 section 19.1.5", "header fields that prove or assert an identity are never taken from a URI";
    R095 = 95, "RFC 5359 section 2", "blind and attended transfer";
    R096 = 96, "RFC 5359 section 2.13", "a call is parked by REFER and retrieved with Replaces";
    R097 = 97, "RFC 5359 section 2.14", "a ringing call is picked up with early-only";
    R098 = 98, "RFC 5359 section 2.17", "a call is begun by REFER outside a dialog";
    R099 = 99, "RFC 4579 section 5.5", "REFER to a conference adds a party";
    R100 = 100, "RFC 4579 section 5.11", "REFER with method=BYE removes a party from a conference";
    R102 = 102, "RFC 3911 section 4", "Join is checked like Replaces";
    R103 = 103, "RFC 3911 section 4", "Join and Replaces contradict each other";
    R104 = 104, "RFC 3911 section 4", "a call that cannot be mixed refuses Join with 488";
    R106 = 106, "RFC 3420 section 2", "a sipfrag begins with a start line to be an outcome";
    R200 = 200, "RFC 3261 section 7", "a message is a start line and header lines, each with a name and a colon";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_found_by_number() {
        let numbers: Vec<u16> = Rule::all().map(Rule::number).collect();
        assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!(Rule::from_number(14), Some(Rule::R014));
        assert_eq!(Rule::from_number(27), None);
        assert_eq!(Rule::R014.to_string(), "R014");
        assert!(Rule::R014.text().to_str().unwrap().contains("BYE"));
        assert!(Rule::all().all(|rule| !rule.text().is_empty() && !rule.source().is_empty()));
    }
}
