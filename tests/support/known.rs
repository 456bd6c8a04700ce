//! What the generator of the hostile tests cannot read from the header: a valid value for each
//! parameter that is neither a buffer nor a struct, and what a valid value is.
//!
//! A function that is added to the header gets its lines here; until then the test names it.

/// C expressions for the parameters of a function that the types alone do not give.
pub struct Known {
    /// The function, without `sipxfer_`.
    pub function: &'static str,
    /// Parameter and C expression. A text is a C string literal.
    pub values: &'static [(&'static str, &'static str)],
    /// C statements before the call.
    pub before: &'static str,
    /// C statements after it: `status` is what it answered, `a` its arguments, `world` the world.
    pub after: &'static str,
}

/// Answers `SIPXFER_E_STATE` on an engine that looks into the host's directory.
pub const OF_OWN_TABLE: &[&str] =
    &["dialog_add", "dialog_set_state", "dialog_remove", "dialog_count", "dialog_info_print"];

const fn known(function: &'static str, values: &'static [(&'static str, &'static str)]) -> Known {
    Known { function, values, before: "", after: "" }
}

const fn with_after(
    function: &'static str,
    values: &'static [(&'static str, &'static str)],
    before: &'static str,
    after: &'static str,
) -> Known {
    Known { function, values, before, after }
}

/// A verdict that came back with a dialog gives it back.
const GIVE_BACK: &str = "give_back(world, a->verdict, status);";

/// Every function of the header.
pub const KNOWN: &[Known] = &[
    known("get_api", &[("abi_major", "SIPXFER_ABI_MAJOR")]),
    known("version", &[]),
    known("strerror", &[("status", "SIPXFER_E_NULL")]),
    known("panic_count", &[]),
    with_after(
        "engine_new",
        &[],
        "",
        "if (status == SIPXFER_OK)
        world->api->engine_free(*a->engine);",
    ),
    with_after(
        "engine_free",
        &[("engine", "world->spare_engine")],
        "MUST(world->api->engine_new(base_sipxfer_engine_options(world), &world->spare_engine));",
        "(void) status;
    if (a->engine != NULL)
        world->spare_engine = NULL;",
    ),
    known("engine_supported", &[("endpoint", "\"bob\"")]),
    with_after(
        "config_new",
        &[],
        "",
        "if (status == SIPXFER_OK)
        world->api->config_free(*a->config);",
    ),
    known(
        "config_set",
        &[("scope", "\"endpoint:alice\""), ("name", "\"context\""), ("value", "\"internal\"")],
    ),
    known("config_get", &[("scope", "\"endpoint:alice\""), ("name", "\"replaces.authorize\"")]),
    with_after(
        "config_error",
        &[],
        "if (world->api->config_set(world->config, \"\", 0, \"refer.allow\", 11, \"?\", 1) !=
        SIPXFER_E_BAD_VALUE)
        MUST(SIPXFER_E_STATE);",
        "(void) world, (void) status;",
    ),
    known("config_apply", &[]),
    with_after(
        "config_free",
        &[("config", "world->spare_config")],
        "MUST(world->api->config_new(&world->spare_config));",
        "(void) status;
    if (a->config != NULL)
        world->spare_config = NULL;",
    ),
    known("setting_at", &[("index", "0")]),
    with_after(
        "dialog_add",
        &[],
        "",
        "if (status == SIPXFER_OK)
        world->counts.references++;",
    ),
    known("dialog_set_state", &[("id", "world->id"), ("state", "SIPXFER_DIALOG_CONFIRMED")]),
    known("dialog_remove", &[("id", "world->id"), ("now_ms", "2000")]),
    known("dialog_ended", &[("now_ms", "2000")]),
    known("dialog_count", &[]),
    with_after("replaces_verify_request", &[("lock_dialog", "1")], "", GIVE_BACK),
    with_after(
        "replaces_verify_requests",
        &[("items", "base_verifications(world)"), ("count", "1")],
        "",
        "if (status == SIPXFER_OK)
        give_back_verifications(world, a->items, a->count);",
    ),
    with_after(
        "refer_route",
        &[("lock_dialog", "1"), ("request", "base_refer(world)")],
        "",
        GIVE_BACK,
    ),
    with_after(
        "verdict_release",
        &[("verdict", "world->verdict = base_sipxfer_verdict(world)")],
        "",
        "release_for_good(world, status);",
    ),
    known("response_print", &[("verdict", "base_refusal(world)"), ("to_tag", "\"a-tag\"")]),
    known("event_json", &[("event", "base_sipxfer_event(world)")]),
    with_after(
        "transfer_receive",
        &[("lock_dialog", "1"), ("request", "base_refer(world)")],
        "",
        GIVE_BACK,
    ),
    // The answer is taken: the next output is one with strings.
    known("transfer_next", &[("transfer", "answered_transfer(world)")]),
    known(
        "transfer_decide",
        &[("transfer", "undecided_transfer(world)"), ("answer", "SIPXFER_YES"), NOW],
    ),
    known(
        "transfer_progress",
        &[RUNNING, ("code", "180"), ("reason", "\"Ringing on and on\""), NOW],
    ),
    known("transfer_contact_failed", &[RUNNING, NOW]),
    known("transfer_give_up", &[RUNNING, ("code", "487"), NOW]),
    known("transfer_bye", &[RUNNING, NOW]),
    known("transfer_subscribe", &[RUNNING, ("expires_s", "30"), NOW]),
    known("transfer_notify_answered", &[RUNNING, ("code", "481"), NOW]),
    known(
        "transfer_command",
        &[("transfer", "controlled_transfer(world)"), ("state", "\"channel_progress\""), NOW],
    ),
    with_after(
        "transfer_find",
        &[("dialog", "refer_dialog(world)"), ("event_id", "0")],
        "running_transfer(world);",
        "",
    ),
    with_after("transfer_count", &[], "running_transfer(world);", ""),
    // Late enough for everything that is waited for.
    with_after("tick", &[("now_ms", "1000000000")], "running_transfer(world);", ""),
    with_after("next_deadline", &[], "running_transfer(world);", ""),
    known("verdict_name", &[("kind", "SIPXFER_VERDICT_REJECT")]),
    known("ground_name", &[("ground", "SIPXFER_GROUND_HOST")]),
    known("rule_text", &[("rule", "1")]),
    known("rule_source", &[("rule", "1")]),
    known("message_parse", &[("message", "MESSAGE")]),
    known("message_header", &[("message", "MESSAGE"), ("name", "\"Call-ID\""), ("index", "0")]),
    known("uri_parse", &[("uri", "\"sips:bob;x=1:pw@[2001:db8::1]:5061;lr?Subject=a%20b\"")]),
    known("name_addr_parse", &[("value", "\"\\\"Bob\\\" <sip:bob@h;x=1?a=b>;tag=t1;y\"")]),
    known("replaces_parse", &[("value", REPLACES)]),
    known("replaces_print", &[]),
    known("join_parse", &[("value", "\"ABCDE@h ; to-tag = x;from-tag=y;foo=bar\"")]),
    known("join_print", &[]),
    known("target_dialog_parse", &[("value", "\"ABCDE@h;local-tag=x;remote-tag=y;foo=bar\"")]),
    known("target_dialog_print", &[]),
    known("map_replaces", &[("value", REPLACES), ("peer_leg", "base_peer_leg"), ("user", "world")]),
    known(
        "refer_to_parse",
        &[(
            "value",
            "\"\\\"Carol\\\" <sip:carol@h;x=1?Replaces=a%40b%3Bto-tag%3Dx%3Bfrom-tag%3Dy\"
              \"&Require=replaces>;p=1\"",
        )],
    ),
    known("refer_to_build", &[]),
    known("invite_headers_build", &[]),
    known("referred_by_parse", &[("value", "\"Bob <sip:bob@h>;cid=\\\"2U@h\\\";x=1\"")]),
    known("referred_by_print", &[]),
    known("refer_sub_parse", &[("value", "\"false;x=1;y\"")]),
    known("refer_sub_print", &[("value", "1")]),
    known("event_header_parse", &[("value", "\"refer;id=93809824\"")]),
    known("event_header_print", &[]),
    known("subscription_state_parse", &[("value", "\"terminated;reason=noresource;expires=60\"")]),
    known("subscription_state_print", &[]),
    known("option_tag_listed", &[("value", "\"timer, replaces\""), ("tag", "\"Replaces\"")]),
    known("sipfrag_parse", &[("body", "\"SIP/2.0 200 OK\\r\\nContact: <sip:a@h>\\r\\n\"")]),
    known("sipfrag_print", &[("code", "486"), ("reason", "\"Busy Here\"")]),
    known("refer_start", &[NOW]),
    known("refer_next", &[SENT]),
    known("refer_sent", &[SENT, ("attempt", "1"), ("cseq", "8"), ("first_in_dialog", "0"), NOW]),
    known("refer_response", &[SENT, ("attempt", "1"), ("message", REFER_ANSWER), NOW]),
    known("refer_notify", &[SENT, ("attempt", "0"), ("message", REFER_NOTIFY), NOW]),
    known("refer_call_ended", &[SENT, NOW]),
    known("refer_consultation_answered", &[SENT, NOW]),
    known("refer_consultation_ended", &[SENT, NOW]),
    with_after("takeover_receive", &[("lock_dialog", "1")], "", GIVE_BACK),
    known("takeover_next", &[TAKING_OVER]),
    known("takeover_answered", &[TAKING_OVER, NOW]),
    known("takeover_not_answered", &[TAKING_OVER, ("code", "488"), NOW]),
    known("takeover_acked", &[TAKING_OVER, NOW]),
    known("takeover_new_ended", &[TAKING_OVER, NOW]),
    known("takeover_old_answered", &[TAKING_OVER, NOW]),
    known("takeover_old_ended", &[TAKING_OVER, NOW]),
    with_after(
        "takeover_reinvite",
        &[("dialog", "replaced_dialog(world)")],
        "running_takeover(world);",
        "",
    ),
    with_after(
        "takeover_find",
        &[("dialog", "replaced_dialog(world)")],
        "running_takeover(world);",
        "",
    ),
    with_after("takeover_count", &[], "running_takeover(world);", ""),
    with_after(
        "join_verify_request",
        &[("lock_dialog", "1"), ("request", "base_join(world)")],
        "",
        GIVE_BACK,
    ),
    known("park", &[NOW]),
    with_after("park_claim", &[("token", "\"701\""), NOW], PARKED, ""),
    with_after("park_claim_dialog", &[NOW], PARKED, ""),
    known("park_release", &[CLAIM, NOW]),
    known("park_retrieved", &[CLAIM, NOW]),
    with_after("park_cancel", &[("token", "\"701\""), NOW], PARKED, ""),
    with_after("park_count", &[], PARKED, ""),
    with_after("park_find", &[("token", "\"701\"")], PARKED, ""),
    known(
        "transfer_parked",
        &[RUNNING, ("token", "\"701\""), ("host", "\"pbx.example.com:5060\""), NOW],
    ),
    known("park_subscribe", &[NOW]),
    known("park_refresh", &[WATCHER, ("expires_s", "30"), NOW]),
    known("park_notify_answered", &[WATCHER, ("code", "481"), NOW]),
    // A NOTIFY with a document.
    with_after("park_next", &[], "parked_call(world), running_watcher(world);", ""),
    with_after("stats_read", &[], "running_transfer(world);", ""),
    known("refusal_count", &[("rule", "9")]),
    known("verdict_took", &[("ns", "1500")]),
    with_after("last_transfer", &[("back", "0")], "running_transfer(world);", ""),
    known("metrics_print", &[]),
    known("dialog_info_print", &[]),
    with_after(
        "dialog_bye",
        &[NOW, ("key", "refer_dialog(world)")],
        "running_transfer(world);",
        "",
    ),
    with_after(
        "transfer_subscribe_at",
        &[("request_uri", "explicit_uri"), ("expires_s", "30"), NOW],
        "explicit_transfer(world);",
        "",
    ),
    known(
        "refer_pass",
        &[("message", PASSED_REFER), ("peer_leg", "base_peer_leg"), ("user", "world")],
    ),
    known("message_part", &[("message", PARTS), ("cid", "\"2U@h\"")]),
    known("output_name", &[("kind", "SIPXFER_OUTPUT_NOTIFY")]),
    known("command_name", &[("command", "SIPXFER_COMMAND_START")]),
    known("cause_name", &[("cause", "SIPXFER_CAUSE_TARGET")]),
    known("refer_output_name", &[("kind", "SIPXFER_REFER_OUTPUT_SEND")]),
    known("refer_command_name", &[("command", "SIPXFER_REFER_COMMAND_KEEP_CALL")]),
    known("refer_outcome_name", &[("outcome", "SIPXFER_REFER_SUCCESS")]),
    known("refer_why_name", &[("why", "SIPXFER_REFER_WHY_EXPIRED")]),
    known("lookup_resume", &[("lookup", "pending_lookup(world)"), ("status", "SIPXFER_OK"), NOW]),
    with_after("lookup_count", &[], "pending_lookup(world);", ""),
    with_after(
        "transfer_route",
        &[
            ("transfer", "looked_up_transfer(world)"),
            ("lock_dialog", "0"),
            ("request", "base_lookup_refer(world)"),
        ],
        "",
        GIVE_BACK,
    ),
];

/// A call that waits at 701.
const PARKED: &str = "parked_call(world);";

/// A call that waits and was claimed.
const CLAIM: (&str, &str) = ("claim", "claimed_call(world)");

/// A subscription to the lot; its first NOTIFY is the next output.
const WATCHER: (&str, &str) = ("watcher", "running_watcher(world)");

const PASSED_REFER: &str = "\"REFER sip:b@h SIP/2.0\\r\\nRefer-To: <sip:c@h?Replaces=\"
              \"a%40b%3Bto-tag%3Dx%3Bfrom-tag%3Dy>\\r\\nTarget-Dialog: a;local-tag=1;remote-tag=2\"
              \"\\r\\nReferred-By: <sip:r@h>\\r\\nRefer-Sub: false\\r\\n\\r\\n\"";

const PARTS: &str =
    "\"REFER sip:b@h SIP/2.0\\r\\nContent-Type: multipart/mixed;boundary=x\\r\\n\\r\\n\"
              \"--x\\r\\nContent-ID: <2U@h>\\r\\nContent-Type: a/b\\r\\n\\r\\ntoken\\r\\n--x--\"";

/// A transfer that the host has started.
const RUNNING: (&str, &str) = ("transfer", "running_transfer(world)");

/// A transfer that this side began; its REFER is the next output.
const SENT: (&str, &str) = ("transfer", "sent_refer(world)");

/// A call that takes the place of the world's dialog; its answer is the next output.
const TAKING_OVER: (&str, &str) = ("takeover", "running_takeover(world)");

const REFER_ANSWER: &str = "\"SIP/2.0 202 Accepted\\r\\nRefer-Sub: false\\r\\n\\r\\n\"";

const REFER_NOTIFY: &str = "\"NOTIFY sip:pbx@h SIP/2.0\\r\\nEvent: refer;id=7\\r\\n\"
              \"Subscription-State: active;expires=60\\r\\n\\r\\nSIP/2.0 180 Ringing\\r\\n\"";

/// Later than the REFER, and before anything is due.
const NOW: (&str, &str) = ("now_ms", "2000");

const REPLACES: &str = "\"ABCDE@h ; to-tag = x;from-tag=y;early-only;foo=bar\"";

/// Structs that go in, with a function `base_<struct>` that makes a valid one.
pub const BASES: &[&str] = &[
    "sipxfer_dialog_key",
    "sipxfer_dialog",
    "sipxfer_directory",
    "sipxfer_host",
    "sipxfer_engine_options",
    "sipxfer_request",
    "sipxfer_verdict",
    "sipxfer_replaces",
    "sipxfer_target_dialog",
    "sipxfer_refer_options",
    "sipxfer_refer_to_target",
    "sipxfer_invite_headers",
    "sipxfer_referred_by",
    "sipxfer_event_header",
    "sipxfer_subscription_state",
    "sipxfer_park_call",
    "sipxfer_park_watch",
    "sipxfer_dialog_info",
    "sipxfer_remote_dialog",
];

/// Fields and parameters whose every value is in order, or where a wrong one has no bearing on the
/// call. Anything else that is out of range must be refused with the status that says so.
pub const ANY_VALUE: &[&str] = &[
    // Numbers, not choices.
    "transfer_depth",
    "expires_s",
    "retry_after_s",
    "index",
    "now_ms",
    "error_rule",
    "error_offset",
    "variable_count",
    "rule_count",
    "event_id",
    "cseq",
    // Ids: the driver knows them by their name, and which answer a wrong one gets.
    "transfer_next: transfer",
    "transfer_decide: transfer",
    "transfer_progress: transfer",
    "transfer_contact_failed: transfer",
    "transfer_give_up: transfer",
    "transfer_bye: transfer",
    "transfer_subscribe: transfer",
    "transfer_notify_answered: transfer",
    "transfer_command: transfer",
    "refer_next: transfer",
    "refer_sent: transfer",
    "refer_response: transfer",
    "refer_notify: transfer",
    "refer_call_ended: transfer",
    "refer_consultation_answered: transfer",
    "refer_consultation_ended: transfer",
    "takeover_next: takeover",
    "takeover_answered: takeover",
    "takeover_not_answered: takeover",
    "takeover_acked: takeover",
    "takeover_new_ended: takeover",
    "takeover_old_answered: takeover",
    "takeover_old_ended: takeover",
    "transfer_parked: transfer",
    "lookup_resume: lookup",
    "transfer_route: transfer",
    "park_release: claim",
    "park_retrieved: claim",
    "park_refresh: watcher",
    "park_notify_answered: watcher",
    "verdict_took: ns",
    "handle",
    "dialog_info_print: info.only",
    "version",
    // Written by the library, and read back only where LOOKED_AT says so.
    "verdict.*",
    "replaces_verify_requests: items.status",
    // Not looked at: the header says so, or the function prints something else.
    "referred_by_print: referred_by.params",
    "subscription_state_print: state.state_text",
    "response_print: request.source",
    "response_print: request.endpoint",
    "response_print: request.user",
    "response_print: request.context",
    "response_print: request.transport",
    "response_print: request.secure",
    "response_print: request.reserved",
];

/// What is read of a verdict after all.
pub const LOOKED_AT: &[&str] = &[
    "response_print: verdict.code",
    "response_print: verdict.warning",
    "response_print: verdict.unsupported",
    "verdict_release: verdict.pin",
];

/// Pointers that may be NULL.
pub const OPTIONAL: &[&str] = &["error", "directory", "host", "replaces", "target_dialog"];
