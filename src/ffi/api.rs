//! One entry for dlopen.

use super::config::*;
use super::dialog_headers::*;
use super::dialog_info::*;
use super::engine::*;
use super::event_headers::*;
use super::lookups::*;
use super::message::*;
use super::metrics::*;
use super::outputs::*;
use super::parks::*;
use super::passing::*;
use super::refer_headers::*;
use super::refers::*;
use super::takeovers::*;
use super::types::*;
use super::verifications::sipxfer_verification;
use core::ffi::{c_char, c_void};

/// Every function of this header but `sipxfer_get_api()`, for a host that loads the library with
/// dlopen. New ones are only ever added at the end; `struct_size` tells which are there.
// A hundred functions, each on the lines it needs.
#[rustfmt::skip]
#[repr(C)]
pub struct sipxfer_api {
    /// Size of the table that the library has.
    pub struct_size: usize,
    /// `SIPXFER_ABI_MAJOR` of the library.
    pub abi_major: u32,
    /// `SIPXFER_ABI_MINOR` of the library.
    pub abi_minor: u32,
    /// `sipxfer_version()`.
    pub version: extern "C" fn() -> *const c_char,
    /// `sipxfer_strerror()`.
    pub strerror: extern "C" fn(status: i32) -> *const c_char,
    /// `sipxfer_panic_count()`.
    pub panic_count: extern "C" fn() -> u64,
    /// `sipxfer_engine_new()`.
    pub engine_new: unsafe extern "C" fn(options: *const sipxfer_engine_options,
        engine: *mut *mut sipxfer_engine) -> i32,
    /// `sipxfer_engine_free()`.
    pub engine_free: unsafe extern "C" fn(engine: *mut sipxfer_engine),
    /// `sipxfer_engine_supported()`.
    pub engine_supported: unsafe extern "C" fn(engine: *const sipxfer_engine,
        endpoint: *const c_char, endpoint_len: usize, buffer: *mut c_char, capacity: usize,
        needed: *mut usize) -> i32,
    /// `sipxfer_config_new()`.
    pub config_new: unsafe extern "C" fn(config: *mut *mut sipxfer_config) -> i32,
    /// `sipxfer_config_set()`.
    pub config_set: unsafe extern "C" fn(config: *mut sipxfer_config, scope: *const c_char,
        scope_len: usize, name: *const c_char, name_len: usize, value: *const c_char,
        value_len: usize) -> i32,
    /// `sipxfer_config_get()`.
    pub config_get: unsafe extern "C" fn(config: *const sipxfer_config, scope: *const c_char,
        scope_len: usize, name: *const c_char, name_len: usize, buffer: *mut c_char,
        capacity: usize, needed: *mut usize) -> i32,
    /// `sipxfer_config_error()`.
    pub config_error: unsafe extern "C" fn(config: *const sipxfer_config, buffer: *mut c_char,
        capacity: usize, needed: *mut usize) -> i32,
    /// `sipxfer_config_apply()`.
    pub config_apply: unsafe extern "C" fn(engine: *const sipxfer_engine,
        config: *const sipxfer_config) -> i32,
    /// `sipxfer_config_free()`.
    pub config_free: unsafe extern "C" fn(config: *mut sipxfer_config),
    /// `sipxfer_setting_at()`.
    pub setting_at: unsafe extern "C" fn(index: usize, setting: *mut sipxfer_setting) -> i32,
    /// `sipxfer_dialog_add()`.
    pub dialog_add: unsafe extern "C" fn(engine: *const sipxfer_engine,
        dialog: *const sipxfer_dialog, id: *mut u64) -> i32,
    /// `sipxfer_dialog_set_state()`.
    pub dialog_set_state: unsafe extern "C" fn(engine: *const sipxfer_engine, id: u64,
        state: u32) -> i32,
    /// `sipxfer_dialog_remove()`.
    pub dialog_remove: unsafe extern "C" fn(engine: *const sipxfer_engine, id: u64,
        now_ms: u64) -> i32,
    /// `sipxfer_dialog_ended()`.
    pub dialog_ended: unsafe extern "C" fn(engine: *const sipxfer_engine,
        key: *const sipxfer_dialog_key, now_ms: u64) -> i32,
    /// `sipxfer_dialog_count()`.
    pub dialog_count: unsafe extern "C" fn(engine: *const sipxfer_engine, count: *mut usize) -> i32,
    /// `sipxfer_replaces_verify_request()`.
    pub replaces_verify_request: unsafe extern "C" fn(engine: *const sipxfer_engine,
        request: *const sipxfer_request, lock_dialog: u32, scratch: *mut c_char, scratch_len: usize,
        verdict: *mut sipxfer_verdict) -> i32,
    /// `sipxfer_refer_route()`.
    pub refer_route: unsafe extern "C" fn(engine: *const sipxfer_engine,
        request: *const sipxfer_request, lock_dialog: u32, scratch: *mut c_char, scratch_len: usize,
        verdict: *mut sipxfer_verdict) -> i32,
    /// `sipxfer_verdict_release()`.
    pub verdict_release: unsafe extern "C" fn(engine: *const sipxfer_engine,
        verdict: *mut sipxfer_verdict) -> i32,
    /// `sipxfer_response_print()`.
    pub response_print: unsafe extern "C" fn(request: *const sipxfer_request,
        verdict: *const sipxfer_verdict, to_tag: *const c_char, to_tag_len: usize,
        buffer: *mut c_char, capacity: usize, needed: *mut usize) -> i32,
    /// `sipxfer_verdict_name()`.
    pub verdict_name: extern "C" fn(kind: u32) -> *const c_char,
    /// `sipxfer_ground_name()`.
    pub ground_name: extern "C" fn(ground: u32) -> *const c_char,
    /// `sipxfer_rule_text()`.
    pub rule_text: extern "C" fn(rule: u32) -> *const c_char,
    /// `sipxfer_rule_source()`.
    pub rule_source: extern "C" fn(rule: u32) -> *const c_char,
    /// `sipxfer_event_json()`.
    pub event_json: unsafe extern "C" fn(event: *const sipxfer_event, buffer: *mut c_char,
        capacity: usize, needed: *mut usize) -> i32,
    /// `sipxfer_transfer_receive()`.
    pub transfer_receive: unsafe extern "C" fn(engine: *const sipxfer_engine,
        request: *const sipxfer_request, lock_dialog: u32, scratch: *mut c_char, scratch_len: usize,
        verdict: *mut sipxfer_verdict, transfer: *mut u64) -> i32,
    /// `sipxfer_transfer_next()`.
    pub transfer_next: unsafe extern "C" fn(engine: *const sipxfer_engine, transfer: u64,
        buffer: *mut c_char, capacity: usize, output: *mut sipxfer_output) -> i32,
    /// `sipxfer_transfer_decide()`.
    pub transfer_decide: unsafe extern "C" fn(engine: *const sipxfer_engine, transfer: u64,
        answer: i32, now_ms: u64) -> i32,
    /// `sipxfer_transfer_progress()`.
    pub transfer_progress: unsafe extern "C" fn(engine: *const sipxfer_engine, transfer: u64,
        code: u32, reason: *const c_char, reason_len: usize, now_ms: u64) -> i32,
    /// `sipxfer_transfer_contact_failed()`.
    pub transfer_contact_failed: unsafe extern "C" fn(engine: *const sipxfer_engine, transfer: u64,
        now_ms: u64) -> i32,
    /// `sipxfer_transfer_give_up()`.
    pub transfer_give_up: unsafe extern "C" fn(engine: *const sipxfer_engine, transfer: u64,
        code: u32, now_ms: u64) -> i32,
    /// `sipxfer_transfer_bye()`.
    pub transfer_bye: unsafe extern "C" fn(engine: *const sipxfer_engine, transfer: u64,
        now_ms: u64) -> i32,
    /// `sipxfer_transfer_subscribe()`.
    pub transfer_subscribe: unsafe extern "C" fn(engine: *const sipxfer_engine, transfer: u64,
        expires_s: u32, now_ms: u64, granted_s: *mut u32) -> i32,
    /// `sipxfer_transfer_notify_answered()`.
    pub transfer_notify_answered: unsafe extern "C" fn(engine: *const sipxfer_engine, transfer: u64,
        code: u32, now_ms: u64) -> i32,
    /// `sipxfer_transfer_command()`.
    pub transfer_command: unsafe extern "C" fn(engine: *const sipxfer_engine, transfer: u64,
        state: *const c_char, state_len: usize, now_ms: u64) -> i32,
    /// `sipxfer_transfer_find()`.
    pub transfer_find: unsafe extern "C" fn(engine: *const sipxfer_engine,
        dialog: *const sipxfer_dialog_key, event_id: u32, transfer: *mut u64) -> i32,
    /// `sipxfer_transfer_count()`.
    pub transfer_count: unsafe extern "C" fn(engine: *const sipxfer_engine,
        count: *mut usize) -> i32,
    /// `sipxfer_tick()`.
    pub tick: unsafe extern "C" fn(engine: *const sipxfer_engine, now_ms: u64) -> i32,
    /// `sipxfer_next_deadline()`.
    pub next_deadline: unsafe extern "C" fn(engine: *const sipxfer_engine,
        deadline_ms: *mut u64) -> i32,
    /// `sipxfer_message_parse()`.
    pub message_parse: unsafe extern "C" fn(message: *const c_char, len: usize,
        out: *mut sipxfer_message, error: *mut sipxfer_parse_error) -> i32,
    /// `sipxfer_message_header()`.
    pub message_header: unsafe extern "C" fn(message: *const c_char, len: usize,
        name: *const c_char, name_len: usize, index: u32, value: *mut sipxfer_str) -> i32,
    /// `sipxfer_uri_parse()`.
    pub uri_parse: unsafe extern "C" fn(uri: *const c_char, len: usize, out: *mut sipxfer_uri,
        error: *mut sipxfer_parse_error) -> i32,
    /// `sipxfer_name_addr_parse()`.
    pub name_addr_parse: unsafe extern "C" fn(value: *const c_char, len: usize,
        out: *mut sipxfer_name_addr, error: *mut sipxfer_parse_error) -> i32,
    /// `sipxfer_replaces_parse()`.
    pub replaces_parse: unsafe extern "C" fn(value: *const c_char, len: usize,
        out: *mut sipxfer_replaces, error: *mut sipxfer_parse_error) -> i32,
    /// `sipxfer_replaces_print()`.
    pub replaces_print: unsafe extern "C" fn(replaces: *const sipxfer_replaces, buffer: *mut c_char,
        capacity: usize, needed: *mut usize) -> i32,
    /// `sipxfer_join_parse()`.
    pub join_parse: unsafe extern "C" fn(value: *const c_char, len: usize,
        out: *mut sipxfer_replaces, error: *mut sipxfer_parse_error) -> i32,
    /// `sipxfer_join_print()`.
    pub join_print: unsafe extern "C" fn(join: *const sipxfer_replaces, buffer: *mut c_char,
        capacity: usize, needed: *mut usize) -> i32,
    /// `sipxfer_target_dialog_parse()`.
    pub target_dialog_parse: unsafe extern "C" fn(value: *const c_char, len: usize,
        out: *mut sipxfer_target_dialog, error: *mut sipxfer_parse_error) -> i32,
    /// `sipxfer_target_dialog_print()`.
    pub target_dialog_print: unsafe extern "C" fn(target: *const sipxfer_target_dialog,
        buffer: *mut c_char, capacity: usize, needed: *mut usize) -> i32,
    /// `sipxfer_map_replaces()`.
    pub map_replaces: unsafe extern "C" fn(value: *const c_char, len: usize,
        peer_leg: Option<unsafe extern "C" fn(user: *mut c_void, key: *const sipxfer_dialog_key,
        peer: *mut sipxfer_dialog_key) -> i32>, user: *mut c_void, buffer: *mut c_char,
        capacity: usize, needed: *mut usize, error: *mut sipxfer_parse_error) -> i32,
    /// `sipxfer_refer_to_parse()`.
    pub refer_to_parse: unsafe extern "C" fn(value: *const c_char, len: usize, scratch: *mut c_char,
        scratch_len: usize, out: *mut sipxfer_refer_to, error: *mut sipxfer_parse_error) -> i32,
    /// `sipxfer_refer_to_build()`.
    pub refer_to_build: unsafe extern "C" fn(target: *const sipxfer_refer_to_target,
        buffer: *mut c_char, capacity: usize, needed: *mut usize) -> i32,
    /// `sipxfer_invite_headers_build()`.
    pub invite_headers_build: unsafe extern "C" fn(headers: *const sipxfer_invite_headers,
        buffer: *mut c_char, capacity: usize, needed: *mut usize) -> i32,
    /// `sipxfer_referred_by_parse()`.
    pub referred_by_parse: unsafe extern "C" fn(value: *const c_char, len: usize,
        out: *mut sipxfer_referred_by, error: *mut sipxfer_parse_error) -> i32,
    /// `sipxfer_referred_by_print()`.
    pub referred_by_print: unsafe extern "C" fn(referred_by: *const sipxfer_referred_by,
        buffer: *mut c_char, capacity: usize, needed: *mut usize) -> i32,
    /// `sipxfer_refer_sub_parse()`.
    pub refer_sub_parse: unsafe extern "C" fn(value: *const c_char, len: usize,
        out: *mut sipxfer_refer_sub, error: *mut sipxfer_parse_error) -> i32,
    /// `sipxfer_refer_sub_print()`.
    pub refer_sub_print: unsafe extern "C" fn(value: u32, buffer: *mut c_char, capacity: usize,
        needed: *mut usize) -> i32,
    /// `sipxfer_event_header_parse()`.
    pub event_header_parse: unsafe extern "C" fn(value: *const c_char, len: usize,
        out: *mut sipxfer_event_header, error: *mut sipxfer_parse_error) -> i32,
    /// `sipxfer_event_header_print()`.
    pub event_header_print: unsafe extern "C" fn(event: *const sipxfer_event_header,
        buffer: *mut c_char, capacity: usize, needed: *mut usize) -> i32,
    /// `sipxfer_subscription_state_parse()`.
    pub subscription_state_parse: unsafe extern "C" fn(value: *const c_char, len: usize,
        out: *mut sipxfer_subscription_state, error: *mut sipxfer_parse_error) -> i32,
    /// `sipxfer_subscription_state_print()`.
    pub subscription_state_print: unsafe extern "C" fn(state: *const sipxfer_subscription_state,
        buffer: *mut c_char, capacity: usize, needed: *mut usize) -> i32,
    /// `sipxfer_option_tag_listed()`.
    pub option_tag_listed: unsafe extern "C" fn(value: *const c_char, len: usize,
        tag: *const c_char, tag_len: usize) -> i32,
    /// `sipxfer_sipfrag_parse()`.
    pub sipfrag_parse: unsafe extern "C" fn(body: *const c_char, len: usize,
        out: *mut sipxfer_sipfrag, error: *mut sipxfer_parse_error) -> i32,
    /// `sipxfer_sipfrag_print()`.
    pub sipfrag_print: unsafe extern "C" fn(code: u32, reason: *const c_char, reason_len: usize,
        buffer: *mut c_char, capacity: usize, needed: *mut usize) -> i32,
    /// `sipxfer_refer_start()`.
    pub refer_start: unsafe extern "C" fn(engine: *const sipxfer_engine,
        start: *const sipxfer_refer_options, now_ms: u64, transfer: *mut u64) -> i32,
    /// `sipxfer_refer_next()`.
    pub refer_next: unsafe extern "C" fn(engine: *const sipxfer_engine, transfer: u64,
        buffer: *mut c_char, capacity: usize, output: *mut sipxfer_refer_output) -> i32,
    /// `sipxfer_refer_sent()`.
    pub refer_sent: unsafe extern "C" fn(engine: *const sipxfer_engine, transfer: u64, attempt: u32,
        cseq: u32, first_in_dialog: u32, now_ms: u64) -> i32,
    /// `sipxfer_refer_response()`.
    pub refer_response: unsafe extern "C" fn(engine: *const sipxfer_engine, transfer: u64,
        attempt: u32, message: *const c_char, message_len: usize, now_ms: u64) -> i32,
    /// `sipxfer_refer_notify()`.
    pub refer_notify: unsafe extern "C" fn(engine: *const sipxfer_engine, transfer: u64,
        attempt: u32, message: *const c_char, message_len: usize, now_ms: u64,
        answer_code: *mut u32) -> i32,
    /// `sipxfer_refer_call_ended()`.
    pub refer_call_ended: unsafe extern "C" fn(engine: *const sipxfer_engine, transfer: u64,
        now_ms: u64) -> i32,
    /// `sipxfer_refer_consultation_answered()`.
    pub refer_consultation_answered: unsafe extern "C" fn(engine: *const sipxfer_engine,
        transfer: u64, now_ms: u64) -> i32,
    /// `sipxfer_refer_consultation_ended()`.
    pub refer_consultation_ended: unsafe extern "C" fn(engine: *const sipxfer_engine, transfer: u64,
        now_ms: u64) -> i32,
    /// `sipxfer_takeover_receive()`.
    pub takeover_receive: unsafe extern "C" fn(engine: *const sipxfer_engine,
        request: *const sipxfer_request, lock_dialog: u32, scratch: *mut c_char, scratch_len: usize,
        verdict: *mut sipxfer_verdict, takeover: *mut u64) -> i32,
    /// `sipxfer_takeover_next()`.
    pub takeover_next: unsafe extern "C" fn(engine: *const sipxfer_engine, takeover: u64,
        output: *mut sipxfer_takeover_output) -> i32,
    /// `sipxfer_takeover_answered()`.
    pub takeover_answered: unsafe extern "C" fn(engine: *const sipxfer_engine, takeover: u64,
        now_ms: u64) -> i32,
    /// `sipxfer_takeover_not_answered()`.
    pub takeover_not_answered: unsafe extern "C" fn(engine: *const sipxfer_engine, takeover: u64,
        code: u32, now_ms: u64) -> i32,
    /// `sipxfer_takeover_acked()`.
    pub takeover_acked: unsafe extern "C" fn(engine: *const sipxfer_engine, takeover: u64,
        now_ms: u64) -> i32,
    /// `sipxfer_takeover_new_ended()`.
    pub takeover_new_ended: unsafe extern "C" fn(engine: *const sipxfer_engine, takeover: u64,
        now_ms: u64) -> i32,
    /// `sipxfer_takeover_old_answered()`.
    pub takeover_old_answered: unsafe extern "C" fn(engine: *const sipxfer_engine, takeover: u64,
        now_ms: u64) -> i32,
    /// `sipxfer_takeover_old_ended()`.
    pub takeover_old_ended: unsafe extern "C" fn(engine: *const sipxfer_engine, takeover: u64,
        now_ms: u64) -> i32,
    /// `sipxfer_takeover_reinvite()`.
    pub takeover_reinvite: unsafe extern "C" fn(engine: *const sipxfer_engine,
        dialog: *const sipxfer_dialog_key, code: *mut u32) -> i32,
    /// `sipxfer_takeover_find()`.
    pub takeover_find: unsafe extern "C" fn(engine: *const sipxfer_engine,
        dialog: *const sipxfer_dialog_key, takeover: *mut u64, side: *mut u32) -> i32,
    /// `sipxfer_takeover_count()`.
    pub takeover_count: unsafe extern "C" fn(engine: *const sipxfer_engine,
        count: *mut usize) -> i32,
    /// `sipxfer_join_verify_request()`.
    pub join_verify_request: unsafe extern "C" fn(engine: *const sipxfer_engine,
        request: *const sipxfer_request, lock_dialog: u32, scratch: *mut c_char, scratch_len: usize,
        verdict: *mut sipxfer_verdict) -> i32,
    /// `sipxfer_park()`.
    pub park: unsafe extern "C" fn(engine: *const sipxfer_engine, call: *const sipxfer_park_call,
        now_ms: u64, buffer: *mut c_char, capacity: usize, needed: *mut usize) -> i32,
    /// `sipxfer_park_claim()`.
    pub park_claim: unsafe extern "C" fn(engine: *const sipxfer_engine, token: *const c_char,
        token_len: usize, now_ms: u64, buffer: *mut c_char, capacity: usize, needed: *mut usize,
        parked: *mut sipxfer_parked) -> i32,
    /// `sipxfer_park_claim_dialog()`.
    pub park_claim_dialog: unsafe extern "C" fn(engine: *const sipxfer_engine,
        dialog: *const sipxfer_dialog_key, now_ms: u64, buffer: *mut c_char, capacity: usize,
        needed: *mut usize, parked: *mut sipxfer_parked) -> i32,
    /// `sipxfer_park_release()`.
    pub park_release: unsafe extern "C" fn(engine: *const sipxfer_engine, claim: u64,
        now_ms: u64) -> i32,
    /// `sipxfer_park_retrieved()`.
    pub park_retrieved: unsafe extern "C" fn(engine: *const sipxfer_engine, claim: u64,
        now_ms: u64) -> i32,
    /// `sipxfer_park_cancel()`.
    pub park_cancel: unsafe extern "C" fn(engine: *const sipxfer_engine, token: *const c_char,
        token_len: usize, now_ms: u64, handle: *mut u64) -> i32,
    /// `sipxfer_park_count()`.
    pub park_count: unsafe extern "C" fn(engine: *const sipxfer_engine, count: *mut usize) -> i32,
    /// `sipxfer_transfer_parked()`.
    pub transfer_parked: unsafe extern "C" fn(engine: *const sipxfer_engine, transfer: u64,
        token: *const c_char, token_len: usize, host: *const c_char, host_len: usize,
        now_ms: u64) -> i32,
    /// `sipxfer_park_subscribe()`.
    pub park_subscribe: unsafe extern "C" fn(engine: *const sipxfer_engine,
        watch: *const sipxfer_park_watch, now_ms: u64, watcher: *mut u64,
        granted_s: *mut u32) -> i32,
    /// `sipxfer_park_refresh()`.
    pub park_refresh: unsafe extern "C" fn(engine: *const sipxfer_engine, watcher: u64,
        expires_s: u32, now_ms: u64, granted_s: *mut u32) -> i32,
    /// `sipxfer_park_notify_answered()`.
    pub park_notify_answered: unsafe extern "C" fn(engine: *const sipxfer_engine, watcher: u64,
        code: u32, now_ms: u64) -> i32,
    /// `sipxfer_park_next()`.
    pub park_next: unsafe extern "C" fn(engine: *const sipxfer_engine, buffer: *mut c_char,
        capacity: usize, needed: *mut usize, output: *mut sipxfer_park_output) -> i32,
    /// `sipxfer_dialog_info_print()`.
    pub dialog_info_print: unsafe extern "C" fn(engine: *const sipxfer_engine,
        info: *const sipxfer_dialog_info, buffer: *mut c_char, capacity: usize,
        needed: *mut usize) -> i32,
    /// `sipxfer_dialog_bye()`.
    pub dialog_bye: unsafe extern "C" fn(engine: *const sipxfer_engine,
        key: *const sipxfer_dialog_key, now_ms: u64, count: *mut usize) -> i32,
    /// `sipxfer_transfer_subscribe_at()`.
    pub transfer_subscribe_at: unsafe extern "C" fn(engine: *const sipxfer_engine,
        request_uri: *const c_char, request_uri_len: usize, expires_s: u32, now_ms: u64,
        transfer: *mut u64, granted_s: *mut u32) -> i32,
    /// `sipxfer_refer_pass()`.
    pub refer_pass: unsafe extern "C" fn(message: *const c_char, message_len: usize,
        peer_leg: Option<unsafe extern "C" fn(user: *mut c_void, key: *const sipxfer_dialog_key,
        peer: *mut sipxfer_dialog_key) -> i32>, user: *mut c_void, scratch: *mut c_char,
        scratch_len: usize, buffer: *mut c_char, capacity: usize, needed: *mut usize,
        error: *mut sipxfer_parse_error) -> i32,
    /// `sipxfer_message_part()`.
    pub message_part: unsafe extern "C" fn(message: *const c_char, message_len: usize,
        cid: *const c_char, cid_len: usize, part: *mut sipxfer_body_part) -> i32,
    /// `sipxfer_output_name()`.
    pub output_name: extern "C" fn(kind: u32) -> *const c_char,
    /// `sipxfer_command_name()`.
    pub command_name: extern "C" fn(command: u32) -> *const c_char,
    /// `sipxfer_cause_name()`.
    pub cause_name: extern "C" fn(cause: u32) -> *const c_char,
    /// `sipxfer_refer_output_name()`.
    pub refer_output_name: extern "C" fn(kind: u32) -> *const c_char,
    /// `sipxfer_refer_command_name()`.
    pub refer_command_name: extern "C" fn(command: u32) -> *const c_char,
    /// `sipxfer_refer_outcome_name()`.
    pub refer_outcome_name: extern "C" fn(outcome: u32) -> *const c_char,
    /// `sipxfer_refer_why_name()`.
    pub refer_why_name: extern "C" fn(why: u32) -> *const c_char,
    /// `sipxfer_lookup_resume()`.
    pub lookup_resume: unsafe extern "C" fn(engine: *const sipxfer_engine, lookup: u64,
        status: i32, dialog: *const sipxfer_remote_dialog, now_ms: u64) -> i32,
    /// `sipxfer_lookup_count()`.
    pub lookup_count: unsafe extern "C" fn(engine: *const sipxfer_engine, count: *mut usize) -> i32,
    /// `sipxfer_transfer_route()`.
    pub transfer_route: unsafe extern "C" fn(engine: *const sipxfer_engine, transfer: u64,
        request: *const sipxfer_request, lock_dialog: u32, scratch: *mut c_char,
        scratch_len: usize, verdict: *mut sipxfer_verdict) -> i32,
    /// `sipxfer_stats_read()`.
    pub stats_read: unsafe extern "C" fn(engine: *const sipxfer_engine,
        stats: *mut sipxfer_stats) -> i32,
    /// `sipxfer_refusal_count()`.
    pub refusal_count: unsafe extern "C" fn(engine: *const sipxfer_engine, rule: u32,
        count: *mut u64) -> i32,
    /// `sipxfer_verdict_took()`.
    pub verdict_took: unsafe extern "C" fn(engine: *const sipxfer_engine, ns: u64) -> i32,
    /// `sipxfer_last_transfer()`.
    pub last_transfer: unsafe extern "C" fn(engine: *const sipxfer_engine, back: usize,
        buffer: *mut c_char, capacity: usize, record: *mut sipxfer_transfer_record) -> i32,
    /// `sipxfer_metrics_print()`.
    pub metrics_print: unsafe extern "C" fn(engine: *const sipxfer_engine, buffer: *mut c_char,
        capacity: usize, needed: *mut usize) -> i32,
    /// `sipxfer_replaces_verify_requests()`.
    pub replaces_verify_requests: unsafe extern "C" fn(engine: *const sipxfer_engine,
        items: *mut sipxfer_verification, count: usize) -> i32,
    /// `sipxfer_park_find()`.
    pub park_find: unsafe extern "C" fn(engine: *const sipxfer_engine,
        request: *const sipxfer_request, token: *const c_char, token_len: usize,
        scratch: *mut c_char, scratch_len: usize, verdict: *mut sipxfer_verdict) -> i32,
}

/// The table of functions, for dlopen: look up this one symbol with dlsym and call the rest through
/// the table. NULL where `abi_major` is not the library's `SIPXFER_ABI_MAJOR`. The table is static.
/// Threads: any; does not block.
#[no_mangle]
pub extern "C" fn sipxfer_get_api(abi_major: u32) -> *const sipxfer_api {
    if abi_major != SIPXFER_ABI_MAJOR {
        return core::ptr::null();
    }
    &super::api_table::API
}

/// The library's version, as `0.1.0`. Never NULL. Threads: any; does not block.
#[no_mangle]
pub extern "C" fn sipxfer_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}
