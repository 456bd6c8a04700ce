//! What `--help` says.

use std::ffi::OsStr;

/// What help is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    All,
    Explain,
    Parse,
    Settings,
    Rules,
}

impl Topic {
    /// The commands by name.
    pub const COMMANDS: [(&'static str, Topic); 4] = [
        ("explain", Topic::Explain),
        ("parse", Topic::Parse),
        ("settings", Topic::Settings),
        ("rules", Topic::Rules),
    ];

    /// By the name of the command.
    pub fn of(command: &OsStr) -> Option<Topic> {
        let name = command.to_str()?;
        Topic::COMMANDS.into_iter().find(|(known, _)| *known == name).map(|(_, topic)| topic)
    }
}

/// The help on a topic.
pub fn text(topic: Topic) -> &'static str {
    match topic {
        Topic::All => ALL,
        Topic::Explain => EXPLAIN,
        Topic::Parse => PARSE,
        Topic::Settings => SETTINGS,
        Topic::Rules => RULES,
    }
}

const ALL: &str = r#"sipxfer: what a PBX should do with a call transfer, and why.

Usage:
  sipxfer explain [--config F] [--dialogs F] [--endpoint NAME] [--json] FILE|-
        What would be decided about the SIP request in FILE
  sipxfer explain [-o FILE.svg|FILE.html] [--transfer N] [--json] CAPTURE|-
        What became of each transfer in a pcap or pcapng file, or in a log of
        Asterisk or pjsua
  sipxfer parse replaces|refer-to|referred-by|sipfrag VALUE|- [--json]
        The fields of one header value
  sipxfer settings [--json]
        The settings that --config may hold
  sipxfer rules [ID] [--json]
        The rules that verdicts and errors name
  sipxfer help [COMMAND]
        More about a command
  sipxfer --version

Exit status: 0 decided or printed (a refusal is a decision), 1 stdout cannot be
written to (or the file of -o), 2 the input or the command line cannot be used.
"#;

const EXPLAIN: &str = r#"Says what would be decided about one SIP request, and why; or what became of each
transfer in a capture.

Usage:
  sipxfer explain [OPTIONS] FILE|-
  sipxfer explain [-o FILE] [--transfer N] [--json] CAPTURE|-

FILE holds the request as it was received, lines ended by CRLF or LF; - is stdin.
A REFER is routed, in any other request Replaces is verified.

CAPTURE is a pcap or pcapng file (UDP and TCP; tcpdump -s 0 -w FILE port 5060), or
a log with the messages in it: Asterisk's after "pjsip set logger on", or pjsua's
at level 5. Every transfer in it is followed: what happened, who said no, by which
rule, what to change, and its ladder. Colours are for terminals; NO_COLOR turns
them off.

Options of a capture:
  -o FILE          Draw the ladders: into FILE.svg, or into FILE.html with all that
                   there is to say and the messages.
  --transfer N     Only this one.
  --json           Print JSON.

Options:
  --config F       Settings, dialplan and endpoints (TOML). Without a [dialplan]
                   every extension is taken to exist, and a note says so.
  --dialogs F      The dialogs of this PBX (TOML). Without it there is none.
  --endpoint NAME  The request came, authenticated, from this endpoint. Without
                   it: from a stranger.
  --secure         It came over a secure transport (TLS, WSS).
  --depth N        Its call has been through N transfers already.
  --json           Print JSON.

--config F:
  refer.accept_code = 200                # any setting of "sipxfer settings"
  [replaces]
  unmatched = "continue"                 # the same as "replaces.unmatched"
  [dialplan]
  contexts = { default = ["100", "external_replaces"] }
  [endpoints.bob]
  user = "bob"                           # it authenticates as; NAME by default
  context = "default"
  replaces_trusted = false               # any setting that holds per endpoint

--dialogs F, as this PBX sees them:
  [[dialogs]]
  call_id = "ABCDE"
  local_tag = "BtoBob"
  remote_tag = "BobtoB"                  # "" or left out: none
  state = "confirmed"                    # early, confirmed, terminated
  initiator = "remote"                   # local, remote
  user = "bob"                           # the peer's user; "" for nobody
  endpoint = "bob"
  usage = "invite"                       # invite (default), other
  secure = false                         # default
  parked = 701                           # its place in the park lot, if any

JSON: an object with these keys. What a verdict does not have is null, and false
or empty in the types that have no null here.
  method, request_uri            of the request
  sender                         {endpoint, user}; null for a stranger
  verdict                        none, accept, reject, challenge, blind,
                                 local_attended, remote_attended, other_method,
                                 pass, join, pending; more may come: take them for reject
  code, reason                   the answer: a number, its phrase
  warning, unsupported           values of these headers of the answer
  retry_after_s                  a number
  dialog                         the one that is replaced: {call_id, local_tag,
                                 remote_tag, state, initiator, user, endpoint,
                                 usage, secure}
  old_dialog                     what becomes of it: nothing, bye, cancel, reject;
                                 nothing with accept: it is a parked call
  early_only                     whether only an early one may be replaced
  ground                         why the sender may replace it: any, same-user,
                                 same-endpoint, referred-by, token,
                                 trusted-peer, host
  context, extension             where the call goes in the dialplan
  variables{}                    channel variables by name
  target, target_method          Request-URI and method of the triggered request
  replaces, referred_by          values of these headers of it
  referrer                       what is known of who is named in referred_by:
                                 unverified, verified
  token                          the body part that proves it, if there is one
  in_call                        REFER: whether it is about a call with its sender
  target_dialog                  the Target-Dialog that names that call
  headers[]                      all header lines that it gets
  dropped[]                      names of Refer-To headers that it does not get
  subscription                   whether NOTIFYs follow
  approval_pending               always false here
  transfer_depth                 how many transfers the call has then been through
  setting                        the setting that decided
  rules[]                        ids of the rules that decided, in their order
  rule_texts{}, rule_sources{}   by id
  why                            one sentence
  notes[]                        what else there is to say
  error                          {what, offset, rule}: what does not parse, at
                                 which byte of FILE from 0, by which rule

JSON of a capture: an object with these keys.
  source                         pcap, pcapng, asterisk-log, pjsua-log
  messages, calls                how many SIP messages and calls there are
  transfer_count, outcomes{}     how many transfers, and how many ended in which way
  transfers[]                    each transfer; the keys follow
  notes[]                        what could not be read
Of each transfer:
  number, kind                   kind: blind, attended, other_method, takeover (an
                                 INVITE with Replaces whose REFER is not there)
  began                          when, where the capture tells
  outcome, code                  done, failed, refused, challenged, unanswered,
                                 unknown; the code that decided, or null
  from, to                       addresses: who asked, and whom
  transport                      UDP, TCP, TLS, WS, WSS, other
  refer_to, replaces, referred_by
                                 what was asked for; replaces for a takeover
  user_agent, profile            the device, and the profile that knows its habits
  happened[]                     sentences
  said_no                        address of who refused
  why                            one sentence
  rules[], rule_texts{}          ids of the rules, and their texts by id
  change[]                       what to change
  findings[]                     {weight, rule, text, change}; weight: fault (against
                                 a rule), habit (of a device), note
  parties[]                      {address, name}, from left to right
  calls[]                        {letter, call_id}
  steps[]                        {message, at_ms, from, to, call, text, headers[],
                                 tone, repeats}; tone: plain, transfer, good, bad
  left_out                       messages that the ladder has no room for

Exit status: 0 decided; a header that does not parse is decided too (400).
1 the file of -o cannot be written to.
2 FILE is no SIP request, or something else cannot be used: a sentence is on
stderr, and where FILE is no SIP request, with --json {"error": ...} on stdout.
"#;

const PARSE: &str = r#"Prints the fields of one header value.

Usage:
  sipxfer parse replaces|refer-to|referred-by|sipfrag VALUE|- [--json]

VALUE is the value; its name may stand before it ("Refer-To: <sip:a@h>"). - reads
it from stdin, and -- lets it begin with a dash.

JSON: an object with these keys; what is not there is null.
  replaces      call_id, to_tag, from_tag, early_only, params[]
  refer-to      display, uri, scheme, user, host, port, params[], headers[], method,
                target, replaces{}, replaces_in_param, header_params[]
  referred-by   display, uri, scheme, user, host, port, params[], headers[], cid,
                header_params[]
  sipfrag       start_line (status, request, none), code, reason, method,
                request_uri, headers[]

params[], headers[] and header_params[] hold {name, value}, value null for a flag.
Of a URI user, params, headers and method have their escapes decoded once; uri and
target are as they stand there. header_params (behind the ">") and the params of
Replaces are as they stand there, quotes included.

Exit status: 0 printed. 2 the value does not parse: a sentence with the byte is on
stderr, and with --json {"error": {what, offset, rule}} on stdout.
"#;

const SETTINGS: &str = r#"Prints every setting: name, default, what values it has, what it does.

Usage:
  sipxfer settings [--json]

JSON: an array of {name, values, default, per_endpoint, help}.
"#;

const RULES: &str = r#"Prints the rules of call transfer that verdicts and errors name, or one of them.

Usage:
  sipxfer rules [ID] [--json]

ID is R014, r14 or 14. JSON: an array of {id, source, text}.
"#;
