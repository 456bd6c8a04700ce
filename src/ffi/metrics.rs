//! What an engine counts, for those who watch it run.

use super::dialogs::own_table;
use super::engine::{engine_in, sipxfer_engine};
use super::logging;
use super::numbers::kind_number;
use super::outputs::*;
use super::raw::*;
use super::status::*;
use super::types::*;
use crate::engine::counters::{Counters, Record, Sent, BUCKETS, CAUSES, KINDS};
use crate::rule::Rule;
use crate::sip::{reason_phrase, Scratch, Writer};
use crate::transfer::recipient::Cause;
use crate::transfer::Kind;
use core::ffi::c_char;

versioned! {
    sipxfer_stats: log_lines_left_out;
    sipxfer_transfer_record: why;
}

/// What an engine has counted since it was made, and what it holds now.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct sipxfer_stats {
    /// `sizeof (struct sipxfer_stats)`.
    pub struct_size: usize,
    /// Verdicts of all kinds.
    pub verdicts: u64,
    /// Verdicts of kind ACCEPT: an INVITE that may replace a dialog.
    pub accepted: u64,
    /// Verdicts with a final refusal, challenges included.
    pub refused: u64,
    /// Verdicts of kind CHALLENGE.
    pub challenged: u64,
    /// Received transfers that ended with a 2xx.
    pub transfers_done: u64,
    /// Received transfers that ended otherwise.
    pub transfers_failed: u64,
    /// Received transfers that are there now, those included whose subscription goes on.
    pub transfers_open: u64,
    /// Transfers begun by this side that ended with a 2xx, with another code, and with nobody telling.
    pub refers_done: u64,
    /// See `refers_done`.
    pub refers_failed: u64,
    /// See `refers_done`.
    pub refers_unknown: u64,
    /// Transfers begun by this side that are there now.
    pub refers_open: u64,
    /// Takeovers that are under way.
    pub takeovers_open: u64,
    /// Calls in the park lot.
    pub parked: u64,
    /// Dialogs in the engine's own table; 0 where the host has them.
    pub dialogs: u64,
    /// Faults inside the library, of all engines: `sipxfer_panic_count()`.
    pub panics: u64,
    /// Lines that went to the log.
    pub log_lines: u64,
    /// Lines that the setting `log.per_second` has left out.
    pub log_lines_left_out: u64,
}

/// One of the last transfers, or a request that was refused. A host's mirror of it is cleared first.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct sipxfer_transfer_record {
    /// `sizeof (struct sipxfer_transfer_record)`.
    pub struct_size: usize,
    /// Its id, which may be stale by now; 0 for a request that was refused.
    pub transfer: u64,
    /// When its request came, in the host's time.
    pub began_ms: u64,
    /// When its outcome was known; 0: not yet.
    pub ended_ms: u64,
    /// What was decided: `SIPXFER_VERDICT_*`.
    pub kind: u32,
    /// The code of its outcome; of the answer, where it was refused or has no outcome yet.
    pub code: u32,
    /// What ended it: `SIPXFER_CAUSE_*`; 0 where it was refused or has no outcome yet.
    pub cause: u32,
    /// The rule that decided last; 0 for none.
    pub rule: u32,
    /// Call-ID of the request. This and the other strings may be cut: they are kept in little room.
    pub call_id: sipxfer_str,
    /// The endpoint that sent it.
    pub endpoint: sipxfer_str,
    /// Where it was to go.
    pub target: sipxfer_str,
    /// Why, in one sentence.
    pub why: sipxfer_str,
}

/// A buffer that is always enough for the strings of `sipxfer_last_transfer()`.
pub const SIPXFER_RECORD_SIZE: usize = 512;

/// Reads the counters. Each is exact, but they are not read at one moment.
///
/// Returns `SIPXFER_OK` or the status of a wrong argument. Threads: any; does not block.
///
/// # Safety
/// `engine` is valid, `stats` points to a struct whose `struct_size` is set.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_stats_read(
    engine: *const sipxfer_engine,
    stats: *mut sipxfer_stats,
) -> i32 {
    guard(|| {
        // SAFETY: contract of this function.
        let engine = unsafe { engine_in(engine) }?;
        // SAFETY: contract of this function.
        unsafe { check_out(stats) }?;
        // SAFETY: contract of this function.
        unsafe { write_struct(stats, &read(engine)) }
    })
}

fn read(engine: &sipxfer_engine) -> sipxfer_stats {
    let core = &engine.core;
    let counters = core.counters();
    let (log_lines, log_lines_left_out) = counters.gate().lines();
    sipxfer_stats {
        struct_size: 0,
        verdicts: KINDS.into_iter().map(|kind| counters.verdicts(kind)).sum(),
        accepted: counters.verdicts(Kind::Accept),
        refused: counters.all_refusals(),
        challenged: counters.verdicts(Kind::Challenge),
        transfers_done: counters.all_endings(true),
        transfers_failed: counters.all_endings(false),
        transfers_open: core.transfers().len() as u64,
        refers_done: counters.sent_endings(Sent::Done),
        refers_failed: counters.sent_endings(Sent::Failed),
        refers_unknown: counters.sent_endings(Sent::Unknown),
        refers_open: core.sent().len() as u64,
        takeovers_open: core.takeovers().len() as u64,
        parked: core.park().len() as u64,
        dialogs: own_table(engine).map_or(0, |table| table.len() as u64),
        panics: sipxfer_panic_count(),
        log_lines,
        log_lines_left_out,
    }
}

/// How many refusals a rule has led to: the last one that their verdicts name. `rule` 0: those that
/// name none.
///
/// Returns `SIPXFER_OK`, `SIPXFER_E_NOT_FOUND` where there is no such rule, or the status of a wrong
/// argument. Threads: any; does not block.
///
/// # Safety
/// `engine` is valid, `count` points to a writable number.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_refusal_count(
    engine: *const sipxfer_engine,
    rule: u32,
    count: *mut u64,
) -> i32 {
    guard(|| {
        // SAFETY: contract of this function.
        let engine = unsafe { engine_in(engine) }?;
        let number = u16::try_from(rule).map_err(|_| SIPXFER_E_NOT_FOUND)?;
        if number != 0 && Rule::from_number(number).is_none() {
            return Err(SIPXFER_E_NOT_FOUND);
        }
        // SAFETY: contract of this function.
        unsafe { put(count, engine.core.counters().refusals(number)) }
    })
}

/// Reports how long a verdict took, in nanoseconds by the host's clock (the library reads none): it
/// goes into the histogram of `sipxfer_metrics_print()`.
///
/// Returns `SIPXFER_OK` or the status of a wrong argument. Threads: any; does not block.
///
/// # Safety
/// `engine` is valid.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_verdict_took(engine: *const sipxfer_engine, ns: u64) -> i32 {
    guard(|| {
        // SAFETY: contract of this function.
        let engine = unsafe { engine_in(engine) }?;
        engine.core.counters().took(ns);
        Ok(())
    })
}

/// One of the last transfers and refusals: `back` 0 is the last one that began, 1 the one before. A
/// request that was refused is among them only where its sender is authenticated, so that strangers
/// cannot push the others out. Their strings are written into `buffer`; `SIPXFER_RECORD_SIZE` bytes are
/// always enough.
///
/// Returns `SIPXFER_OK`, `SIPXFER_E_NOT_FOUND` where there were not so many or it is forgotten (128 are
/// remembered), `SIPXFER_E_BUFFER` where the strings do not fit, or the status of a wrong argument.
/// Threads: any.
///
/// # Safety
/// `engine` is valid, `buffer` points to `capacity` writable bytes, `record` to a struct whose
/// `struct_size` is set.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_last_transfer(
    engine: *const sipxfer_engine,
    back: usize,
    buffer: *mut c_char,
    capacity: usize,
    record: *mut sipxfer_transfer_record,
) -> i32 {
    guard(|| {
        // SAFETY: contract of this function.
        let engine = unsafe { engine_in(engine) }?;
        // SAFETY: contract of this function.
        unsafe { check_out(record) }?;
        // SAFETY: contract of this function.
        let room = unsafe { self::buffer(buffer, capacity) }?;
        let found = engine.core.counters().last().lock().get(back).copied();
        let found = found.ok_or(SIPXFER_E_NOT_FOUND)?;
        let mut scratch = Scratch::new(room);
        let mut keep = |bytes| scratch.copy(bytes).map(text).map_err(|_| SIPXFER_E_BUFFER);
        let Record { id, began_ms, ended_ms, kind, code, cause, rule, .. } = found;
        let told = sipxfer_transfer_record {
            struct_size: 0,
            transfer: id,
            began_ms,
            ended_ms,
            kind: kind.map_or(0, kind_number),
            code: u32::from(code),
            cause: cause.map_or(0, cause_number),
            rule: rule.map_or(0, |rule| u32::from(rule.number())),
            call_id: keep(found.call_id.get())?,
            endpoint: keep(found.endpoint.get())?,
            target: keep(found.target.get())?,
            why: keep(found.why.get())?,
        };
        // SAFETY: contract of this function.
        unsafe { write_struct(record, &told) }
    })
}

pub(super) fn cause_number(cause: Cause) -> u32 {
    match cause {
        Cause::Target => SIPXFER_CAUSE_TARGET,
        Cause::Contact => SIPXFER_CAUSE_CONTACT,
        Cause::Refused => SIPXFER_CAUSE_REFUSED,
        Cause::Application => SIPXFER_CAUSE_APPLICATION,
        Cause::Deadline => SIPXFER_CAUSE_DEADLINE,
        Cause::GivenUp => SIPXFER_CAUSE_GIVEN_UP,
    }
}

fn cause_name(cause: Cause) -> &'static [u8] {
    match cause {
        Cause::Target => b"target",
        Cause::Contact => b"contact",
        Cause::Refused => b"refused",
        Cause::Application => b"application",
        Cause::Deadline => b"deadline",
        Cause::GivenUp => b"given_up",
    }
}

/// Prints the counters as OpenMetrics text (version 1.0.0, "application/openmetrics-text"), for the
/// answer to a scraper. The host serves it: the library owns no socket.
///
/// Returns `SIPXFER_OK`, `SIPXFER_E_BUFFER` where it does not fit (`needed` has the length, which may
/// have grown by the next call), or the status of a wrong argument. Threads: any; does not block.
///
/// # Safety
/// `engine` is valid, `buffer` points to `capacity` writable bytes, `needed` to a writable size.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_metrics_print(
    engine: *const sipxfer_engine,
    buffer: *mut c_char,
    capacity: usize,
    needed: *mut usize,
) -> i32 {
    guard(|| {
        // SAFETY: contract of this function.
        let engine = unsafe { engine_in(engine) }?;
        let stats = read(engine);
        let counters = engine.core.counters();
        let print = |out: &mut Writer<'_>| {
            print_metrics(out, &stats, counters);
            Ok(())
        };
        // SAFETY: contract of this function.
        unsafe { print_into(buffer, capacity, needed, print) }
    })
}

fn family(out: &mut Writer<'_>, name: &str, kind: &str, help: &str) {
    for part in ["# HELP sipxfer_", name, " ", help, "\n# TYPE sipxfer_", name, " ", kind, "\n"] {
        out.push(part.as_bytes());
    }
}

/// A line of a family; `labels` with their braces, or nothing.
fn sample(out: &mut Writer<'_>, name: &str, labels: &[&[u8]], value: u64) {
    out.push(b"sipxfer_");
    out.push(name.as_bytes());
    labels.iter().for_each(|part| out.push(part));
    out.push(b" ");
    out.push_decimal(value);
    out.push(b"\n");
}

fn gauge(out: &mut Writer<'_>, name: &str, help: &str, value: u64) {
    family(out, name, "gauge", help);
    sample(out, name, &[], value);
}

fn print_metrics(out: &mut Writer<'_>, stats: &sipxfer_stats, counters: &Counters) {
    family(out, "build", "info", "The version of the library.");
    let version = env!("CARGO_PKG_VERSION").as_bytes();
    sample(out, "build_info", &[b"{version=\"", version, b"\"}"], 1);

    family(out, "verdicts", "counter", "Verdicts by their kind.");
    for kind in KINDS {
        let labels = [b"{kind=\"", kind.name().as_bytes(), b"\"}".as_slice()];
        sample(out, "verdicts_total", &labels, counters.verdicts(kind));
    }
    family(out, "refusals", "counter", "Refusals by the rule that decided.");
    for rule in Rule::all() {
        let count = counters.refusals(rule.number());
        if count > 0 {
            let mut id = [0; 8];
            let mut name = Writer::new(&mut id);
            name.push(b"R");
            let number = u64::from(rule.number());
            name.push(if number < 10 {
                b"00"
            } else if number < 100 {
                b"0"
            } else {
                b""
            });
            name.push_decimal(number);
            sample(out, "refusals_total", &[b"{rule=\"", name.written(), b"\"}"], count);
        }
    }
    sample(out, "refusals_total", &[b"{rule=\"\"}"], counters.refusals(0));

    family(
        out,
        "transfers",
        "counter",
        "Received transfers that have ended, by kind, outcome and cause.",
    );
    for kind in KINDS {
        for cause in CAUSES {
            for (good, outcome) in [(true, b"done".as_slice()), (false, b"failed")] {
                let count = counters.endings(kind, cause, good);
                if count > 0 {
                    let labels: [&[u8]; 7] = [
                        b"{kind=\"",
                        kind.name().as_bytes(),
                        b"\",outcome=\"",
                        outcome,
                        b"\",cause=\"",
                        cause_name(cause),
                        b"\"}",
                    ];
                    sample(out, "transfers_total", &labels, count);
                }
            }
        }
    }
    gauge(out, "transfers_open", "Received transfers that are there.", stats.transfers_open);
    family(out, "refers", "counter", "Transfers begun by this side that have ended.");
    for (outcome, count) in [
        (b"done".as_slice(), stats.refers_done),
        (b"failed", stats.refers_failed),
        (b"unknown", stats.refers_unknown),
    ] {
        sample(out, "refers_total", &[b"{outcome=\"", outcome, b"\"}"], count);
    }
    gauge(out, "refers_open", "Transfers begun by this side that are there.", stats.refers_open);
    gauge(out, "takeovers_open", "Takeovers under way.", stats.takeovers_open);
    gauge(out, "parked_calls", "Calls in the park lot.", stats.parked);
    gauge(out, "dialogs", "Dialogs in the engine's own table.", stats.dialogs);
    family(out, "panics", "counter", "Faults inside the library, of all engines.");
    sample(out, "panics_total", &[], stats.panics);
    family(
        out,
        "log_lines",
        "counter",
        "Lines of the log, and those that log.per_second left out.",
    );
    sample(out, "log_lines_total", &[b"{written=\"yes\"}"], stats.log_lines);
    sample(out, "log_lines_total", &[b"{written=\"no\"}"], stats.log_lines_left_out);
    print_histogram(out, counters);
    out.push(b"# EOF\n");
}

fn print_histogram(out: &mut Writer<'_>, counters: &Counters) {
    let name = "verdict_seconds";
    family(out, name, "histogram", "How long verdicts took, as far as the host reports it.");
    out.push(b"# UNIT sipxfer_verdict_seconds seconds\n");
    let mut sum = 0;
    for (number, end) in BUCKETS.iter().enumerate() {
        sum += counters.bucket(number);
        let mut room = [0; 32];
        let mut seconds = Writer::new(&mut room);
        push_seconds(&mut seconds, *end);
        sample(out, "verdict_seconds_bucket", &[b"{le=\"", seconds.written(), b"\"}"], sum);
    }
    sum += counters.bucket(BUCKETS.len());
    sample(out, "verdict_seconds_bucket", &[b"{le=\"+Inf\"}"], sum);
    out.push(b"sipxfer_verdict_seconds_sum ");
    push_seconds(out, counters.took_ns());
    out.push(b"\n");
    sample(out, "verdict_seconds_count", &[], sum);
}

/// Nanoseconds as seconds.
fn push_seconds(out: &mut Writer<'_>, ns: u64) {
    out.push_decimal(ns / 1_000_000_000);
    out.push(b".");
    let rest = ns % 1_000_000_000;
    for place in (0..9).rev() {
        out.push_byte(b'0' + (rest / 10_u64.pow(place) % 10) as u8);
    }
}

/// The log follows a transfer: it has begun, or its REFER came once more.
pub(super) fn follow_refer(engine: &sipxfer_engine, transfer: u64) {
    logging::follow(engine, transfer, |out| {
        let last = engine.core.counters().last().lock().get(0).copied();
        match last.filter(|it| it.id == transfer) {
            Some(record) => {
                out.push(record.kind.map_or("", Kind::name).as_bytes());
                out.push(b" (Call-ID ");
                // What a stranger wrote: nothing of it may end a line.
                record
                    .call_id
                    .get()
                    .iter()
                    .filter(|it| it.is_ascii_graphic())
                    .for_each(|it| out.push_byte(*it));
                out.push(b")");
            }
            None => out.push(b"its REFER came again"),
        }
    });
}

/// The log follows a transfer: an output was taken.
pub(super) fn follow_output(engine: &sipxfer_engine, told: &sipxfer_output) {
    logging::follow(engine, told.transfer, |out| {
        // The names are static and end with NUL.
        // SAFETY: they do.
        let name = |it: *const c_char| unsafe { core::ffi::CStr::from_ptr(it) }.to_bytes();
        out.push(name(super::names::sipxfer_output_name(told.kind)));
        if told.kind == SIPXFER_OUTPUT_COMMAND {
            out.push(b" ");
            out.push(name(super::names::sipxfer_command_name(told.command)));
        }
        if told.code > 0 {
            out.push(b" ");
            out.push_decimal(u64::from(told.code));
            out.push(b" ");
            out.push(reason_phrase(told.code as u16).as_bytes());
        }
        if told.kind == SIPXFER_OUTPUT_FINISHED {
            out.push(b", cause ");
            out.push(name(super::names::sipxfer_cause_name(told.cause)));
        }
        if told.last == 1 {
            out.push(b", the last of it");
        }
    });
}
