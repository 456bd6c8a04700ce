//! What an answer means where it ends a transfer, which rule stands behind it, and what to change.

use sipxfer::rule::Rule;

/// What was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    /// The REFER itself.
    Refer,
    /// The call that the REFER led to.
    Target,
    /// An INVITE with Replaces.
    Replaces,
}

/// What it means, by which rule, and what to change.
pub struct Advice {
    pub means: &'static str,
    pub rule: Option<Rule>,
    pub change: &'static str,
}

const fn advice(means: &'static str, rule: Option<Rule>, change: &'static str) -> Advice {
    Advice { means, rule, change }
}

/// The advice for a code.
pub fn of(what: Of, code: u16) -> Advice {
    match what {
        Of::Refer => refer(code),
        Of::Replaces => replaces(code),
        Of::Target => target(code),
    }
}

fn refer(code: u16) -> Advice {
    match code {
        400 => advice(
            "the REFER is malformed in its eyes",
            Some(Rule::R029),
            "see the faults below; \"sipxfer parse refer-to VALUE\" shows the byte",
        ),
        401 | 407 => advice(
            "it asked for credentials, and the sender did not come back with any",
            Some(Rule::R031),
            "give the phone the password that it needs for REFER too, or let the PBX take this peer for known by its address; with sipxfer: refer.require_auth = no for a peer that you trust otherwise",
        ),
        403 => advice(
            "the sender may not do this",
            Some(Rule::R009),
            "look which policy of the PBX forbids it: who may replace the call (with sipxfer: replaces.authorize, replaces_trusted), where a transfer may go (remote.allow_domains), or a REFER outside of a call (refer.outside_dialog)",
        ),
        404 | 484 => advice(
            "the number that Refer-To names does not exist there",
            Some(Rule::R032),
            "add the number to the context that this endpoint's transfers go through, or correct what the phone dials",
        ),
        405 | 501 => advice(
            "it does not take REFER at all",
            None,
            "switch REFER on at this peer; a peer lists it in Allow when it takes it. A PBX between the two can transfer the call by itself (with sipxfer: refer.mode = terminate)",
        ),
        416 => advice(
            "the kind of URI in Refer-To cannot be called from there",
            Some(Rule::R032),
            "let the phone send a sip: URI; with sipxfer: refer.tel = yes takes tel: numbers as extensions",
        ),
        420 => advice(
            "the REFER requires an extension that it does not have: Unsupported names it",
            Some(Rule::R065),
            "switch the extension off at the sender (norefersub, explicitsub, nosub)",
        ),
        429 => advice(
            "it wants a Referred-By with a token that proves it",
            Some(Rule::R051),
            "let the sender sign its Referred-By; with sipxfer: referred_by.require_token = no",
        ),
        481 => advice(
            "it knows no call with the tags of the REFER",
            Some(Rule::R036),
            "the call has ended before, or the REFER went to a box that does not have it: look at the Contact and Record-Route of the call",
        ),
        488 | 606 => advice("it takes no part in this", None, "look at the Warning of the answer"),
        489 => advice("it does not know the event package refer", Some(Rule::R074), "switch REFER on at this peer"),
        491 => advice(
            "another REFER of this call is still pending",
            None,
            "wait for its end before the next one; with sipxfer: refer.concurrent = allow",
        ),
        480 | 503 => advice(
            "it takes no more transfers at this time",
            None,
            "try again later; with sipxfer: rate.per_endpoint says how many an endpoint may begin in a minute",
        ),
        603 => advice(
            "the PBX has declined the transfer",
            Some(Rule::R030),
            "allow transfers for this endpoint (with sipxfer: refer.allow, allow_transfer)",
        ),
        408 => advice("nobody behind it answered in time", None, "look where the REFER was passed on to"),
        500..=599 => advice("it failed by itself", None, "its own log says why"),
        _ => advice("it refused", None, "look at the Warning of the answer, and at its own log"),
    }
}

fn replaces(code: u16) -> Advice {
    match code {
        400 => advice(
            "the Replaces, or what stands beside it, is malformed",
            Some(Rule::R020),
            "see the faults below; \"sipxfer parse replaces VALUE\" shows the byte",
        ),
        401 | 407 => advice(
            "it asked for credentials, and nobody came back with any",
            Some(Rule::R009),
            "the sender of this INVITE needs an account there, or must be trusted by its address; with sipxfer: replaces_trusted = yes for a trunk",
        ),
        403 => advice(
            "the sender may not replace this call: a match is no permission",
            Some(Rule::R009),
            "trust the peer that sends it (with sipxfer: replaces_trusted = yes on its endpoint, or more grounds in replaces.authorize)",
        ),
        404 => advice(
            "the extension in its Request-URI does not exist",
            Some(Rule::R018),
            "the target's Contact must be a number that the other box can call; or set the extension for such calls (external_replaces)",
        ),
        420 => advice(
            "it does not have the extension replaces, and the INVITE requires it",
            Some(Rule::R023),
            "switch Replaces on at the target (Supported lists it when it is), or transfer blind (RFC 5589 section 7.5)",
        ),
        481 => advice(
            "it has no call that this Replaces names",
            Some(Rule::R006),
            "the INVITE must go to the box that has the call, with the tags as that box sees them",
        ),
        486 => advice(
            "the call is answered already, and early-only was asked for",
            Some(Rule::R013),
            "nothing: somebody was faster. A pickup is for calls that ring",
        ),
        488 | 606 => advice(
            "the media that is offered does not fit, or it takes no Replaces inside of a call",
            Some(Rule::R012),
            "give both sides a codec in common; the old call goes on",
        ),
        603 => advice(
            "the call that is to be replaced has ended",
            Some(Rule::R008),
            "nothing, if the target hung up; else look why it ended before the transfer was through",
        ),
        _ => target(code),
    }
}

fn target(code: u16) -> Advice {
    match code {
        404 | 484 => advice(
            "the number does not exist",
            Some(Rule::R018),
            "correct the number, or the route to it",
        ),
        401 | 407 => advice(
            "it asked for credentials that the caller does not have",
            Some(Rule::R018),
            "the call that a transfer leads to goes out by a trunk or an endpoint of the PBX: it needs credentials for it",
        ),
        403 => advice("the call is forbidden", Some(Rule::R009), "look which policy of the target forbids it"),
        408 => advice("the target did not answer in time", None, "look whether it is registered and can be reached"),
        480 => advice("the target is not available", None, "nothing, if nobody was there; else look whether it is registered"),
        486 | 600 => advice("the target was busy", None, "nothing: the transferor should have taken the call back"),
        487 => advice("the call was given up before anybody answered", None, "nothing: somebody hung up"),
        488 | 606 => advice("the media that is offered does not fit", Some(Rule::R012), "give both sides a codec in common"),
        603 => advice("the target has declined", None, "nothing: somebody pressed a key"),
        503 => advice("the target could not be reached", Some(Rule::R041), "look at the route to the target"),
        500..=599 => advice("it failed by itself", None, "its own log says why"),
        _ => advice("it refused", None, "look at its own log"),
    }
}
