//! From the raw bytes of an INVITE with Replaces to the verdict, through the C functions, on the
//! engine's own table: 1, 1 thousand and 1 million dialogs, one and two threads, reads only and
//! with one change in ten.
//!
//! A thousand different messages are used in rotation: one repeated message is learnt by the branch
//! predictor and flatters everybody. At the end the times stand as ratios of one run.

#![allow(missing_docs)] // criterion_group! makes undocumented items.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // It may fail loudly.

use criterion::{criterion_group, BenchmarkId, Criterion, Throughput};
use sipxfer::ffi::*;
use std::collections::BTreeMap;
use std::ptr::null_mut;
use std::sync::{Barrier, Mutex};
use std::time::{Duration, Instant};

const MESSAGES: usize = 1024;

/// Times per verdict of each measurement, in nanoseconds.
static TIMES: Mutex<BTreeMap<String, Vec<f64>>> = Mutex::new(BTreeMap::new());

/// Stands for the host's dialog; nobody looks into it.
static mut OBJECT: u8 = 0;

struct Pbx {
    engine: *mut sipxfer_engine,
    messages: Vec<String>,
}

// SAFETY: the engine may be used by any number of threads.
unsafe impl Sync for Pbx {}

fn str_of(text: &str) -> sipxfer_str {
    sipxfer_str { ptr: text.as_ptr().cast(), len: text.len() }
}

fn call_id(number: usize) -> String {
    format!(
        "{number:08x}-4f3a-9b1c-{:06x}@198.51.100.7",
        number.wrapping_mul(0x9E37_79B9) & 0xFF_FFFF
    )
}

fn tag(side: &str, number: usize) -> String {
    format!("{side}-{:08x}", number.wrapping_mul(0x85EB_CA6B) & 0xFFFF_FFFF)
}

fn add(engine: *mut sipxfer_engine, number: usize) -> u64 {
    let (call_id, local, remote) = (call_id(number), tag("as5d", number), tag("fr0m", number));
    let dialog = sipxfer_dialog {
        struct_size: size_of::<sipxfer_dialog>(),
        dialog: (&raw mut OBJECT).cast(),
        call_id: str_of(&call_id),
        local_tag: str_of(&local),
        remote_tag: str_of(&remote),
        user: str_of("bob"),
        endpoint: str_of("bob"),
        state: SIPXFER_DIALOG_CONFIRMED,
        initiator: SIPXFER_INITIATOR_REMOTE,
        usage: SIPXFER_USAGE_INVITE,
        secure: 0,
    };
    let mut id = 0;
    // SAFETY: engine and structs are valid.
    let status = unsafe { sipxfer_dialog_add(engine, &dialog, &mut id) };
    assert_eq!(status, SIPXFER_OK);
    id
}

fn invite(number: usize) -> String {
    let sdp = "v=0\r\no=- 1 1 IN IP4 198.51.100.7\r\ns=-\r\nc=IN IP4 198.51.100.7\r\nt=0 0\r\n\
               m=audio 4000 RTP/AVP 8 0\r\n";
    format!(
        "INVITE sip:100@pbx.example.com SIP/2.0\r\n\
         Via: SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bKnashds8{number};rport\r\n\
         Max-Forwards: 70\r\n\
         From: \"Bob\" <sip:bob@example.com>;tag=9fxced76sl{number}\r\n\
         To: <sip:100@pbx.example.com>\r\n\
         Call-ID: new-{number}-3848276298220188511@198.51.100.7\r\n\
         CSeq: 314159 INVITE\r\n\
         Contact: <sip:bob@198.51.100.7:5060;transport=udp>\r\n\
         Allow: INVITE, ACK, CANCEL, OPTIONS, BYE, REFER, NOTIFY\r\n\
         Supported: replaces, timer\r\n\
         User-Agent: Example Phone 1.2.3\r\n\
         Replaces: {};to-tag={};from-tag={}\r\n\
         Require: replaces\r\n\
         Content-Type: application/sdp\r\n\
         Content-Length: {}\r\n\r\n{sdp}",
        call_id(number),
        tag("as5d", number),
        tag("fr0m", number),
        sdp.len()
    )
}

impl Pbx {
    fn new(dialogs: usize) -> Pbx {
        let options = sipxfer_engine_options {
            struct_size: size_of::<sipxfer_engine_options>(),
            directory: std::ptr::null(),
            host: std::ptr::null(),
        };
        let mut engine = null_mut();
        // SAFETY: both are valid.
        let status = unsafe { sipxfer_engine_new(&options, &mut engine) };
        assert_eq!(status, SIPXFER_OK);
        for number in 0..dialogs {
            add(engine, number);
        }
        // Spread over the whole table.
        let step = (dialogs / MESSAGES).max(1);
        let messages = (0..MESSAGES).map(|at| invite(at * step % dialogs)).collect();
        Pbx { engine, messages }
    }

    /// So many verdicts, each ended; with `churn`, one operation in ten is a dialog that ends or a
    /// new one that begins.
    fn run(&self, verdicts: u64, start: usize, churn: bool) {
        let mut scratch = vec![0_u8; scratch_size(4096)];
        // SAFETY: zeros are a valid verdict.
        let mut verdict: sipxfer_verdict = unsafe { std::mem::zeroed() };
        verdict.struct_size = size_of::<sipxfer_verdict>();
        // SAFETY: zeros are a valid request.
        let mut request: sipxfer_request = unsafe { std::mem::zeroed() };
        request.struct_size = size_of::<sipxfer_request>();
        request.endpoint = str_of("bob");
        request.user = str_of("bob");
        let mut fresh = 1_000_000_000 + start * 100_000_000;
        let mut added = Vec::new();
        for turn in 0..verdicts {
            if churn && turn % 10 == 9 {
                if let Some(id) = added.pop() {
                    // SAFETY: the engine is valid.
                    let status = unsafe { sipxfer_dialog_remove(self.engine, id, turn) };
                    assert_eq!(status, SIPXFER_OK);
                } else {
                    fresh += 1;
                    added.push(add(self.engine, fresh));
                }
                continue;
            }
            request.message = str_of(&self.messages[(start + turn as usize) % MESSAGES]);
            let room = scratch.as_mut_ptr().cast();
            // SAFETY: everything outlives the call.
            let status = unsafe {
                sipxfer_replaces_verify_request(
                    self.engine,
                    &request,
                    0,
                    room,
                    scratch.len(),
                    &mut verdict,
                )
            };
            assert_eq!((status, verdict.kind), (SIPXFER_OK, SIPXFER_VERDICT_ACCEPT));
            // SAFETY: the verdict is of this engine.
            unsafe { sipxfer_verdict_release(self.engine, &mut verdict) };
        }
        for id in added {
            // SAFETY: the engine is valid.
            unsafe { sipxfer_dialog_remove(self.engine, id, 0) };
        }
    }

    /// Wall time of `verdicts` on each of so many threads.
    fn time(&self, verdicts: u64, threads: usize, churn: bool) -> Duration {
        let barrier = Barrier::new(threads + 1);
        std::thread::scope(|scope| {
            for thread in 0..threads {
                let barrier = &barrier;
                scope.spawn(move || {
                    barrier.wait();
                    self.run(verdicts, thread * MESSAGES / 2, churn);
                });
            }
            // Before the gate opens: with every core busy this thread may not run for a while after.
            let start = Instant::now();
            barrier.wait();
            start
        })
        .elapsed()
    }
}

impl Drop for Pbx {
    fn drop(&mut self) {
        // SAFETY: it is not used after this.
        unsafe { sipxfer_engine_free(self.engine) };
    }
}

fn verdicts(criterion: &mut Criterion) {
    for dialogs in [1, 1_000, 1_000_000] {
        let pbx = Pbx::new(dialogs);
        let mut group = criterion.benchmark_group(format!("{dialogs} dialogs"));
        for (churn, work) in [(false, "reads"), (true, "one change in ten")] {
            for threads in [1, 2] {
                group.throughput(Throughput::Elements(threads as u64));
                let name = format!("{threads} thread{}", if threads > 1 { "s" } else { "" });
                group.bench_function(BenchmarkId::new(work, &name), |bencher| {
                    bencher.iter_custom(|iterations| {
                        let spent = pbx.time(iterations, threads, churn);
                        let each = spent.as_nanos() as f64 / (iterations * threads as u64) as f64;
                        let key = format!("{dialogs:>9} dialogs, {work}, {name}");
                        if iterations > 1_000 {
                            TIMES.lock().unwrap().entry(key).or_default().push(each);
                        }
                        spent
                    });
                });
            }
        }
        group.finish();
    }
}

criterion_group! {
    name = all;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    targets = verdicts
}

fn main() {
    all();
    let mut times = TIMES.lock().unwrap();
    let medians: Vec<(&String, f64)> = times
        .iter_mut()
        .map(|(name, times)| {
            times.sort_by(f64::total_cmp);
            (name, times[times.len() / 2])
        })
        .collect();
    let base = medians.iter().find(|(name, _)| name.starts_with("        1 dialogs, reads, 1 "));
    let base = base.map_or(f64::NAN, |(_, time)| *time);
    println!("\nmedian wall time per verdict, and its ratio to one dialog, reads, one thread");
    for (name, time) in medians {
        println!("{name:<50} {time:8.0} ns  {:5.2}", time / base);
    }
    Criterion::default().configure_from_args().final_summary();
}
