//! Header and library agree: every struct, field, function and constant is the same for a C
//! compiler, for a reader of the header, and in the Rust sources.
// Tests may fail loudly.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use sipxfer::ffi::*;
use std::collections::BTreeSet;
use std::mem::{align_of, offset_of, size_of};
use support::model::{Model, Named};
use support::tools;

/// The size of a field that is named by a function which reaches it.
fn size_behind<S, T>(_: fn(&S) -> &T) -> usize {
    size_of::<T>()
}

/// Lines in the form of the C program below, from the compiled Rust types.
macro_rules! rust_layout {
    ($($name:ident { $($field:ident),* $(,)? })*) => {{
        let mut lines = BTreeSet::new();
        $(
            let sizes = [$(size_behind::<$name, _>(|it| &it.$field)),*];
            assert_eq!(
                sizes.iter().sum::<usize>(), size_of::<$name>(), "{} holds padding",
                stringify!($name)
            );
            lines.insert(format!(
                "{} size {} align {}", stringify!($name), size_of::<$name>(), align_of::<$name>()
            ));
            $( lines.insert(format!(
                "{}.{} offset {} size {}", stringify!($name), stringify!($field),
                offset_of!($name, $field), size_behind::<$name, _>(|it| &it.$field)
            )); )*
        )*
        lines
    }};
}

/// Every struct with every field. One that is missing here, or too much, is named by the test.
fn layout_in_rust() -> BTreeSet<String> {
    rust_layout! {
        sipxfer_str { ptr, len }
        sipxfer_dialog_key { struct_size, call_id, local_tag, remote_tag }
        sipxfer_dialog {
            struct_size, dialog, call_id, local_tag, remote_tag, user, endpoint, state, initiator,
            usage, secure,
        }
        sipxfer_directory {
            struct_size, user, find, lock, unlock, release, destroy, lookup, lookup_user,
            lookup_parked,
        }
        sipxfer_request {
            struct_size, message, host_data, dialog, source, endpoint, user, context, now_ms,
            transport, secure, transfer_depth, handling,
        }
        sipxfer_host {
            struct_size, user, extension_exists, transfer_context, allow_transfer, approve, authorize,
            log, random, on_deadline, destroy, can_mix, is_conference, verify_token,
            on_lookup, authorize_remote,
        }
        sipxfer_engine_options { struct_size, directory, host }
        sipxfer_setting { struct_size, name, values, default_value, help, global, per_endpoint }
        sipxfer_variable { name, value }
        sipxfer_verification {
            struct_size, request, scratch, scratch_len, verdict, status, reserved,
        }
        sipxfer_verdict {
            struct_size, kind, code, reason, warning, unsupported, dialog, pin, dialog_state,
            dialog_initiator, old_dialog, locked, early_only, ground, context, extension, target,
            method, replaces, referred_by, headers, dropped, variables, variable_count, subscription,
            approval_pending, transfer_depth, retry_after_s, rules, rule_count, error_rule,
            error_what, error_offset, setting, why, in_call, referrer, token, target_dialog,
            lookup, node,
        }
        sipxfer_event {
            struct_size, application, timestamp, state, replaces, destination, source_channel,
            source_connected, source_bridge, destination_channel, destination_connected,
            destination_bridge,
        }
        sipxfer_output {
            struct_size, transfer, kind, command, code, cause, reason, headers, body, state,
            replaces, destination, last, reserved, needed,
        }
        sipxfer_refer_options {
            struct_size, target, contact, aor, replaces, target_dialog, referred_by, peer_message,
            endpoint, kind, contact_reachable, dialog_state, dialog_initiator,
            target_supports_replaces, peer, subscribe, bye_after_accept,
        }
        sipxfer_refer_output {
            struct_size, transfer, kind, command, in_dialog, attempt, outcome, code, why, reserved,
            reason, headers, needed,
        }
        sipxfer_takeover_output { struct_size, takeover, kind, code, reason }
        sipxfer_message {
            struct_size, method, request_uri, reason, call_id, from_tag, to_tag, cseq_method, body,
            status, cseq,
        }
        sipxfer_parse_error { struct_size, what, offset, rule, reserved }
        sipxfer_uri {
            struct_size, scheme, user, password, host, params, headers, opaque, port, reserved,
        }
        sipxfer_name_addr { struct_size, display, uri, params, tag }
        sipxfer_replaces { struct_size, call_id, to_tag, from_tag, params, early_only, reserved }
        sipxfer_target_dialog { struct_size, call_id, local_tag, remote_tag, params }
        sipxfer_refer_to {
            struct_size, display, uri, request_uri, method, params, replaces_call_id, replaces_to_tag,
            replaces_from_tag, replaces_params, has_replaces, early_only,
        }
        sipxfer_refer_to_target {
            struct_size, uri, replaces, dialog_state, dialog_initiator, require_replaces, reserved,
        }
        sipxfer_invite_headers {
            struct_size, replaces, referred_by, dialog_state, dialog_initiator, require_replaces,
            reserved,
        }
        sipxfer_referred_by { struct_size, display, uri, cid, params }
        sipxfer_refer_sub { struct_size, params, value, reserved }
        sipxfer_event_header { struct_size, package, id }
        sipxfer_subscription_state {
            struct_size, state_text, reason, state, has_expires, expires_s, reserved,
        }
        sipxfer_body_part { struct_size, raw, headers, content, content_type }
        sipxfer_sipfrag { struct_size, reason, headers, code, reserved }
        sipxfer_park_call {
            struct_size, call_id, local_tag, remote_tag, parker, party, handle, place, number,
        }
        sipxfer_parked {
            struct_size, claim, handle, token, replaces, call_id, local_tag, remote_tag, parker, party,
        }
        sipxfer_park_watch { struct_size, entity, target, event_id, handle, number, expires_s }
        sipxfer_park_output {
            struct_size, watcher, handle, kind, is_last, headers, body, token, call_id, local_tag,
            remote_tag, parker, party,
        }
        sipxfer_dialog_info { struct_size, entity, target, endpoint, user, only, version, reserved }
        sipxfer_remote_dialog {
            struct_size, node, uri, user, endpoint, state, initiator, secure, reserved, parked,
            reserved2, call_id, local_tag, remote_tag,
        }
        sipxfer_stats {
            struct_size, verdicts, accepted, refused, challenged, transfers_done, transfers_failed,
            transfers_open, refers_done, refers_failed, refers_unknown, refers_open, takeovers_open,
            parked, dialogs, panics, log_lines, log_lines_left_out,
        }
        sipxfer_transfer_record {
            struct_size, transfer, began_ms, ended_ms, kind, code, cause, rule, call_id, endpoint,
            target, why,
        }
        sipxfer_api {
            struct_size, abi_major, abi_minor, version, strerror, panic_count, engine_new,
            engine_free, engine_supported, config_new, config_set, config_get, config_error,
            config_apply, config_free, setting_at, dialog_add, dialog_set_state, dialog_remove,
            dialog_ended, dialog_count, replaces_verify_request, refer_route, verdict_release,
            response_print, verdict_name, ground_name, rule_text, rule_source, event_json,
            transfer_receive, transfer_next, transfer_decide, transfer_progress,
            transfer_contact_failed, transfer_give_up, transfer_bye, transfer_subscribe,
            transfer_notify_answered, transfer_command, transfer_find, transfer_count, tick,
            next_deadline, message_parse, message_header, uri_parse, name_addr_parse,
            replaces_parse, replaces_print, join_parse, join_print, target_dialog_parse,
            target_dialog_print, map_replaces, refer_to_parse, refer_to_build, invite_headers_build,
            referred_by_parse, referred_by_print, refer_sub_parse, refer_sub_print,
            event_header_parse, event_header_print, subscription_state_parse,
            subscription_state_print, option_tag_listed, sipfrag_parse, sipfrag_print,
            refer_start, refer_next, refer_sent, refer_response, refer_notify, refer_call_ended,
            refer_consultation_answered, refer_consultation_ended,
            takeover_receive, takeover_next, takeover_answered, takeover_not_answered,
            takeover_acked, takeover_new_ended, takeover_old_answered, takeover_old_ended,
            takeover_reinvite, takeover_find, takeover_count, join_verify_request,
            park, park_claim, park_claim_dialog, park_release, park_retrieved, park_cancel,
            park_count, transfer_parked, park_subscribe, park_refresh, park_notify_answered,
            park_next, dialog_info_print, dialog_bye,
            transfer_subscribe_at, refer_pass, message_part, output_name, command_name, cause_name,
            refer_output_name, refer_command_name, refer_outcome_name, refer_why_name,
            lookup_resume, lookup_count, transfer_route,
            stats_read, refusal_count, verdict_took, last_transfer, metrics_print,
            replaces_verify_requests, park_find,
        }
    }
}

/// The same lines, printed by a program that a C compiler made from the header.
fn layout_in_c() -> BTreeSet<String> {
    let mut source = String::from("#include <sipxfer.h>\n#include <stdio.h>\nint main(void)\n{\n");
    for (name, fields) in &Model::of_header().structs {
        source.push_str(&format!(
            "printf(\"{name} size %zu align %zu\\n\", sizeof (struct {name}), \
             _Alignof(struct {name}));\n"
        ));
        for field in fields.iter().map(|it| &it.name) {
            source.push_str(&format!(
                "printf(\"{name}.{field} offset %zu size %zu\\n\", offsetof(struct {name}, \
                 {field}), sizeof ((struct {name} *) 0)->{field});\n"
            ));
        }
    }
    source.push_str("return 0;\n}\n");
    let dir = tools::workshop("layout");
    let file = tools::write(dir.join("layout.c"), &source);
    let out = dir.join("layout");
    let mut cc = tools::program("cc");
    cc.args(tools::STRICT_C).arg("-I").arg(tools::include_dir());
    tools::succeed(cc.arg(file).arg("-o").arg(&out));
    tools::succeed(&mut tools::program(out)).lines().map(str::to_owned).collect()
}

/// What only one of both sides has; nothing where they agree.
fn difference(left: &BTreeSet<String>, right: &BTreeSet<String>, names: [&str; 2]) -> String {
    let only = |name: &str, these: &BTreeSet<String>, those: &BTreeSet<String>| {
        let lines: Vec<_> = these.difference(those).map(|it| format!("\n  {it}")).collect();
        if lines.is_empty() {
            String::new()
        } else {
            format!("\nonly {name}:{}", lines.concat())
        }
    };
    only(names[0], left, right) + &only(names[1], right, left)
}

#[test]
fn layout_is_the_same_for_c_and_for_rust() {
    let (c, rust) = (layout_in_c(), layout_in_rust());
    assert!(!c.is_empty());
    let found = difference(&c, &rust, ["in C", "in Rust"]);
    assert!(found.is_empty(), "layouts differ: {found}");
}

fn fields_of(model: &Model) -> BTreeSet<String> {
    let line = |name: &str, at: usize, it: &Named| format!("{name} {at} {}: {}", it.name, it.ty);
    let lines = |(name, fields): (&String, &Vec<Named>)| -> Vec<String> {
        fields.iter().enumerate().map(|(at, it)| line(name, at, it)).collect()
    };
    model.structs.iter().flat_map(lines).collect()
}

#[test]
fn field_types_are_the_same_in_header_and_sources() {
    let (header, sources) = (fields_of(Model::of_header()), fields_of(Model::of_sources()));
    assert!(!header.is_empty());
    let found = difference(&header, &sources, ["in the header", "in src/ffi"]);
    assert!(found.is_empty(), "field types differ: {found}");
}

#[test]
fn opaque_structs_are_the_same_in_header_and_sources() {
    // A type of the sources that no C function mentions is none of the header's business.
    let (header, sources) = (&Model::of_header().opaque, &Model::of_sources().opaque);
    assert!(!header.is_empty());
    let named: BTreeSet<String> =
        sources.iter().filter(|name| name.starts_with("sipxfer_")).cloned().collect();
    let found = difference(header, &named, ["in the header", "in src/ffi"]);
    assert!(found.is_empty(), "opaque structs differ: {found}");
}

#[test]
fn function_types_are_the_same_in_header_and_sources() {
    let lines = |model: &Model| -> BTreeSet<String> {
        model.functions.iter().map(|(name, it)| format!("{name}{it}")).collect()
    };
    let (header, sources) = (lines(Model::of_header()), lines(Model::of_sources()));
    assert!(!header.is_empty());
    let found = difference(&header, &sources, ["in the header", "in src/ffi"]);
    assert!(found.is_empty(), "functions differ: {found}");
}

#[test]
fn constants_are_the_same_in_header_and_sources() {
    let lines = |model: &Model| -> BTreeSet<String> {
        model.constants.iter().map(|(name, value)| format!("{name} = {value}")).collect()
    };
    let (header, sources) = (lines(Model::of_header()), lines(Model::of_sources()));
    assert!(!header.is_empty());
    let found = difference(&header, &sources, ["in the header", "in src/ffi"]);
    assert!(found.is_empty(), "constants differ: {found}");
}

/// A status is never reused, and every one has words of its own.
#[test]
fn statuses_are_distinct() {
    let statuses = Model::of_header().constants.iter();
    let statuses: Vec<_> = statuses.filter(|(name, _)| name.starts_with("SIPXFER_E_")).collect();
    let values: BTreeSet<_> = statuses.iter().map(|(_, value)| **value).collect();
    assert_eq!(values.len(), statuses.len(), "two statuses share a number: {statuses:?}");
    assert!(values.iter().all(|value| *value < 0), "a failure is negative: {statuses:?}");
}
