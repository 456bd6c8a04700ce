//! The settings that exist.

use super::header_names::{PROVES, ROUTES};
use super::values::{range, Domains, Grounds, Names};
use super::{Handling, InDialog, Mode, OnFailure, RequireAuth, Settings, TargetDialogs, Unmatched};
use crate::sip::Uri;

/// One setting.
#[derive(Debug)]
pub struct Setting {
    /// Name, as `replaces.authorize`.
    pub name: &'static str,
    /// What a value looks like, in words.
    pub values: &'static str,
    /// Value where nothing is set.
    pub default: &'static str,
    /// Whether it can be set per endpoint too.
    pub per_endpoint: bool,
    /// What it does.
    pub help: &'static str,
    apply: fn(&mut Settings, &str) -> Result<(), &'static str>,
}

impl Setting {
    /// Puts a value into the settings, or says what is wrong with it.
    pub(super) fn set(&self, settings: &mut Settings, value: &str) -> Result<(), &'static str> {
        (self.apply)(settings, value)
    }
}

/// Every setting, in the order of the documentation.
pub fn settings() -> &'static [Setting] {
    SETTINGS
}

macro_rules! registry {
    ($($name:literal, $reach:ident, $default:literal, $values:literal, $field:ident = $parse:expr,
       $help:literal;)*) => {
        const SETTINGS: &[Setting] = &[$(Setting {
            name: $name,
            values: $values,
            default: $default,
            per_endpoint: registry!(@ $reach),
            help: $help,
            apply: |settings, value| {
                settings.$field = $parse(value)?;
                Ok(())
            },
        },)*];
    };
    (@ all) => { false };
    (@ endpoint) => { true };
}

registry! {
    "replaces.allow", endpoint, "yes", "yes or no", replaces_allow = flag,
    "whether Replaces is supported at all; with no it is left out of Supported, ignored in an INVITE, and Require: replaces gets 420";
    "replaces.authorize", endpoint, "same-user, same-endpoint, referred-by, token, trusted-peer, host",
    "any, or a list of same-user, same-endpoint, referred-by, token, trusted-peer, host", replaces_authorize = Grounds::parse,
    "on what grounds a sender may replace a dialog; without one of them the answer is 403, or a challenge for a sender that is not authenticated; any lets everybody replace everything";
    "replaces_trusted", endpoint, "no", "yes or no", replaces_trusted = flag,
    "this peer is trusted to replace any dialog (a trunk to another PBX), and its Referred-By is believed";
    "replaces.unmatched", endpoint, "reject", "reject or continue", replaces_unmatched = unmatched,
    "a Replaces that matches no dialog: reject it with 481, or continue as with an INVITE that carries none";
    "replaces.require_extension", endpoint, "no", "yes or no", replaces_require_extension = flag,
    "the user part of the Request-URI must be an extension of the sender's context before Replaces is looked at, else 404";
    "replaces.accept_early_incoming", endpoint, "no", "yes or no", replaces_accept_early_incoming = flag,
    "a ringing call that the peer began may be replaced too (RFC 3891 section 3 says 481)";
    "replaces.in_dialog", endpoint, "reject", "reject or ignore", replaces_in_dialog = in_dialog,
    "an INVITE with Replaces inside a dialog: reject it with 488 and keep the call, or ignore the Replaces";
    "replaces.require_auth", endpoint, "no", "yes or no", replaces_require_auth = flag,
    "a sender that is not authenticated is challenged before its Replaces or Join is matched";
    "replaces.require_tls", endpoint, "no", "yes or no", replaces_require_tls = flag,
    "Replaces and Join are refused with 403 unless they came over a secure transport";
    "join.allow", endpoint, "no", "yes or no", join_allow = flag,
    "whether Join is supported (barge-in, monitoring); with no it is left out of Supported, ignored in an INVITE, and Require: join gets 420";
    "join.authorize", endpoint, "same-user, same-endpoint, referred-by",
    "any, or a list of same-user, same-endpoint, referred-by, token, trusted-peer, host", join_authorize = Grounds::parse,
    "on what grounds a sender may listen in on the call of a dialog; as replaces.authorize, but narrower: who may take over a call may not therefore overhear one";
    "takeover.wait_for_ack", endpoint, "no", "yes or no", takeover_wait_for_ack = flag,
    "whether a call is taken over when the ACK of the new one has come rather than right behind its 2xx (RFC 3891 section 3 asks for no more); with yes a new caller that vanishes does not take the old call along";
    "takeover.t1_ms", endpoint, "500", "milliseconds, at least 1", takeover_t1_ms = positive,
    "T1 of RFC 3261 section 17; each step of a takeover (the answer, the ACK, the end of the old call) is waited for 64 times as long";
    "refer.allow", endpoint, "yes", "yes or no", refer_allow = flag,
    "whether REFER is decided at all; with no every REFER gets 603";
    "allow_transfer", endpoint, "yes", "yes or no", allow_transfer = flag,
    "whether this endpoint may transfer, where the host has no callback for it; with no its REFER gets 603";
    "refer.require_auth", endpoint, "yes", "yes (challenge), reject (403) or no", refer_require_auth = require_auth,
    "what becomes of a REFER whose sender is not authenticated, before its Refer-To is looked at";
    "refer.accept_code", endpoint, "202", "202 or 200", refer_accept_code = accept_code,
    "the answer that accepts a REFER";
    "refer.max_depth", endpoint, "10", "a number, 0 for no limit", refer_max_depth = number,
    "how many transfers one call may go through; one more gets 403";
    "refer.header_allow", endpoint, "", "a list of header names", refer_header_allow = headers,
    "headers of a Refer-To URI that are taken over besides the usual ones; those that identify, route or prove something never are";
    "refer.methods", endpoint, "", "a list of methods", refer_methods = methods,
    "methods besides INVITE, as they are written, that a Refer-To may ask for (method=BYE, say); others get 403";
    "refer.outside_dialog", endpoint, "no", "yes or no", refer_outside_dialog = flag,
    "whether a REFER without a To tag is decided (click-to-dial); else it gets 403. One with a tag of a dialog that does not exist is the host's to answer with 481";
    "refer.target_dialog", endpoint, "secure", "secure, any or no", refer_target_dialog = target_dialogs,
    "which Target-Dialog lets a REFER without a To tag be decided as one of the call that it names, whatever refer.outside_dialog says: one of a call made over sips, any that matches, or none; authentication is asked for all the same";
    "refer.mode", endpoint, "terminate", "terminate, pass or reject", refer_mode = mode,
    "what is done with a REFER of this peer: do what it asks for, tell the host to pass it on to the other leg of the call, or refuse it with 403";
    "refer.nosub", endpoint, "no", "yes or no", refer_nosub = flag,
    "whether a REFER may ask for no subscription by Require: nosub (RFC 7614); else it gets 420";
    "refer.events_at", endpoint, "", "a sip or sips URI of this side without a user part, or nothing", refer_events_at = events_at,
    "where subscriptions are accepted that Require: explicitsub asks for (RFC 7614): the answer hands out this URI with an unguessable user part; with nothing here such a REFER gets 420";
    "referred_by.require_token", endpoint, "no", "yes or no", referred_by_require_token = flag,
    "a REFER must bring a Referred-By whose token the host's verify_token callback holds to be valid, and so must an INVITE with Replaces that brings a Referred-By; else they get 429";
    "refer.tel", endpoint, "no", "yes or no", refer_tel = flag,
    "a tel: target is sent to the extension that is its number, else 416";
    "refer.concurrent", endpoint, "allow", "allow or reject", refer_concurrent = concurrent,
    "a REFER while another one of its dialog is pending: allow it, with a subscription of its own, or reject it with 491";
    "refer.on_failure", endpoint, "keep", "keep, recall or hangup", refer_on_failure = on_failure,
    "what becomes of the other party of a transfer that fails after the transferor has hung up: keep and recall call the transferor back, hangup ends the call; as long as the transferor is there the call is always kept";
    "refer.timeout_ms", endpoint, "180000", "milliseconds, 0 for none", refer_timeout_ms = number,
    "how long the host may say nothing about a transfer before it fails with 408";
    "refer.hang_up_after_ms", endpoint, "0", "milliseconds, 0 for never", refer_hang_up_after_ms = number,
    "how long after a transfer has succeeded this side hangs up a transferor that does not do it";
    "refer.expires_s", endpoint, "60", "seconds, at least 1", refer_expires_s = positive,
    "how long the subscription of a REFER lasts at least; it is made longer where the transfer may take longer";
    "refer.event_id_on_first", endpoint, "no", "yes or no", refer_event_id_on_first = flag,
    "whether the NOTIFYs of the first REFER of a dialog carry an id in Event too; some phones refuse that";
    "notify.min_interval_ms", endpoint, "1000", "milliseconds", notify_min_interval_ms = number,
    "the least time between two NOTIFYs of progress; a final one goes at once";
    "notify.detail", endpoint, "reason", "reason or code", notify_code_only = code_only,
    "what a NOTIFY says of the referred call: its code and the reason that the target gave, or its code alone, with the usual reason";
    "transfer_handling", endpoint, "default", "default or application-only", transfer_handling = handling,
    "who decides how an accepted transfer goes on: the host, or an application by its commands";
    "application.timeout_ms", endpoint, "10000", "milliseconds, at least 1", application_timeout_ms = positive,
    "in what time an application must have commanded at least channel_progress";
    "application.final_timeout_ms", endpoint, "180000", "milliseconds, at least 1", application_final_timeout_ms = positive,
    "in what time after the first channel_progress an application must have commanded a final state";
    "application.timeout_code", endpoint, "503", "503 or 408", application_timeout_code = timeout_code,
    "what the transferor is told when the application says nothing";
    "context", endpoint, "default", "a dialplan context", context = word,
    "the endpoint's context, where the host does not hand one in";
    "transfer_context", endpoint, "", "a dialplan context, or nothing", transfer_context = text,
    "the context of transfers, where the host's channel has no TRANSFER_CONTEXT";
    "remote.extension", endpoint, "external_replaces", "an extension", remote_extension = word,
    "the extension that attended transfers to a dialog elsewhere go to; without it in the context they get 404";
    "remote.allow_domains", endpoint, "", "a list of hosts, *.suffixes, addresses or CIDR blocks, each with :port or without", remote_allow_domains = Domains::parse,
    "where remote attended transfers may go; nothing here means everywhere";
    "remote.deny_domains", endpoint, "", "a list of hosts, *.suffixes, addresses or CIDR blocks, each with :port or without", remote_deny_domains = Domains::parse,
    "where remote attended transfers may not go, whatever remote.allow_domains says";
    "remote.require_tls", endpoint, "no", "yes or no", remote_require_tls = flag,
    "remote attended transfers only go to sips or to transport=tls or wss";
    "rate.per_endpoint", endpoint, "0", "REFERs a minute, 0 for no limit", rate_per_endpoint = number,
    "how many REFERs one endpoint may send; more get 503 with Retry-After";
    "supported", endpoint, "100rel, timer, norefersub", "a list of option tags", supported = Names::parse,
    "option tags besides replaces that the host understands in Require; others get 420";
    "park.places", all, "701-720", "a range of numbers, as 701-720, of at most 100000 places; or nothing", park_places = range,
    "the places of the park lot; without any calls are parked under secrets only. Calls that wait in a place that goes stay until they are taken out";
    "park.timeout_s", all, "45", "seconds, at least 1", park_timeout_s = positive,
    "how long a parked call waits before the one who parked it is rung";
    "park.claim_s", all, "32", "seconds, at least 1", park_claim_s = positive,
    "how long a retrieval that is neither finished nor given up keeps a parked call from others";
    "park.max_secrets", all, "100000", "a number, 0 for none", park_max_secrets = number,
    "how many calls may be parked under secrets at once";
    "park.open", endpoint, "no", "yes or no", park_open = flag,
    "whether this endpoint may take out any call that is parked under a number, by Replaces with or without that number as its token; else only a secret is a ground";
    "cluster.deadline_ms", all, "200", "milliseconds, at least 1", cluster_deadline_ms = positive,
    "how long another node of a cluster may take to be found that has a dialog; a dialog that is not found by then is not there";
    "cluster.max_lookups", all, "256", "a number, 0 for none", cluster_max_lookups = number,
    "how many dialogs may be looked up in a cluster at once; one more is not found";
    "warning.agent", all, "sipxfer", "a token, or a host with :port or without", warning_agent = agent,
    "the name in front of the text of a Warning header";
    "log.per_second", all, "0", "a number, 0 for no limit", log_per_second = number,
    "how many lines a second go to the log; those over it are counted, and the next line that is written says how many were left out";
    "log.transfers", all, "no", "yes or no", log_transfers = flag,
    "whether the log follows each transfer by its id, from its REFER to the last NOTIFY: every output that is taken is a line";
    "log.format", all, "text", "text or json", log_json = log_format,
    "what a log line is: a sentence, or an object with level, transfer (its id, or null) and text";
}

fn flag(value: &str) -> Result<bool, &'static str> {
    match value {
        "yes" | "true" | "on" | "1" => Ok(true),
        "no" | "false" | "off" | "0" => Ok(false),
        _ => Err("is neither yes nor no"),
    }
}

fn headers(value: &str) -> Result<Names, &'static str> {
    let names = Names::parse(value)?;
    if names.iter().any(|name| ROUTES.hold(name.bytes()) || PROVES.hold(name.bytes())) {
        return Err("names a header that is never taken over");
    }
    Ok(names)
}

fn methods(value: &str) -> Result<Names, &'static str> {
    let names = Names::parse(value)?;
    if names.iter().any(|name| ["INVITE", "ACK", "CANCEL"].contains(&name)) {
        return Err("names a method that is no other one, or cannot be asked for");
    }
    Ok(names)
}

fn agent(value: &str) -> Result<Box<str>, &'static str> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-.!%*_+`'~[]:".contains(&byte);
    if value.is_empty() || !value.bytes().all(fits) {
        return Err("is no token and no host");
    }
    Ok(value.into())
}

fn number(value: &str) -> Result<u32, &'static str> {
    value.parse().map_err(|_| "is no number")
}

fn unmatched(value: &str) -> Result<Unmatched, &'static str> {
    match value {
        "reject" => Ok(Unmatched::Reject),
        "continue" => Ok(Unmatched::Continue),
        _ => Err("is no choice"),
    }
}

fn in_dialog(value: &str) -> Result<InDialog, &'static str> {
    match value {
        "reject" => Ok(InDialog::Reject),
        "ignore" => Ok(InDialog::Ignore),
        _ => Err("is no choice"),
    }
}

fn require_auth(value: &str) -> Result<RequireAuth, &'static str> {
    match value {
        "reject" => Ok(RequireAuth::Reject),
        other => flag(other).map(|yes| if yes { RequireAuth::Challenge } else { RequireAuth::No }),
    }
}

fn accept_code(value: &str) -> Result<u16, &'static str> {
    match value {
        "202" => Ok(202),
        "200" => Ok(200),
        _ => Err("is no choice"),
    }
}

fn timeout_code(value: &str) -> Result<u16, &'static str> {
    match value {
        "503" => Ok(503),
        "408" => Ok(408),
        _ => Err("is no choice"),
    }
}

fn concurrent(value: &str) -> Result<bool, &'static str> {
    match value {
        "allow" => Ok(true),
        "reject" => Ok(false),
        _ => Err("is no choice"),
    }
}

fn code_only(value: &str) -> Result<bool, &'static str> {
    match value {
        "reason" => Ok(false),
        "code" => Ok(true),
        _ => Err("is no choice"),
    }
}

fn on_failure(value: &str) -> Result<OnFailure, &'static str> {
    match value {
        "keep" => Ok(OnFailure::Keep),
        "recall" => Ok(OnFailure::Recall),
        "hangup" => Ok(OnFailure::HangUp),
        _ => Err("is no choice"),
    }
}

fn target_dialogs(value: &str) -> Result<TargetDialogs, &'static str> {
    match value {
        "secure" => Ok(TargetDialogs::Secure),
        "any" => Ok(TargetDialogs::Any),
        "no" => Ok(TargetDialogs::No),
        _ => Err("is no choice"),
    }
}

fn log_format(value: &str) -> Result<bool, &'static str> {
    match value {
        "text" => Ok(false),
        "json" => Ok(true),
        _ => Err("is no choice"),
    }
}

fn mode(value: &str) -> Result<Mode, &'static str> {
    match value {
        "terminate" => Ok(Mode::Terminate),
        "pass" => Ok(Mode::Pass),
        "reject" => Ok(Mode::Reject),
        _ => Err("is no choice"),
    }
}

/// It goes between angle brackets into a header, with a user part put in.
fn events_at(value: &str) -> Result<Box<str>, &'static str> {
    if value.is_empty() {
        return Ok(Box::default());
    }
    let uri = Uri::parse(value.as_bytes()).map_err(|_| "is no URI")?;
    let plain = uri.user.is_none() && uri.headers.is_empty() && (uri.is_sip() || uri.is_sips());
    let fits = |byte: u8| byte.is_ascii_graphic() && !b"<>\"@?".contains(&byte);
    if !plain || value.len() > 255 || !value.bytes().all(fits) {
        return Err("is no sip or sips URI without a user part and headers");
    }
    Ok(value.into())
}

fn handling(value: &str) -> Result<Handling, &'static str> {
    match value {
        "" | "default" => Ok(Handling::Default),
        // The second is what Asterisk calls it.
        "application-only" | "ari-only" => Ok(Handling::ApplicationOnly),
        _ => Err("is no choice"),
    }
}

fn positive(value: &str) -> Result<u32, &'static str> {
    number(value).and_then(|number| if number > 0 { Ok(number) } else { Err("is 0") })
}

fn text(value: &str) -> Result<Box<str>, &'static str> {
    // Contexts and extensions go into verdicts and headers.
    if value.bytes().any(|byte| byte.is_ascii_control() || byte == b'"' || byte == b'\\') {
        return Err("holds a control character, a quote or a backslash");
    }
    if value.len() > 255 {
        return Err("is longer than 255 bytes");
    }
    Ok(value.into())
}

fn word(value: &str) -> Result<Box<str>, &'static str> {
    if value.is_empty() {
        return Err("is empty");
    }
    text(value)
}
