//! The C ABI. `include/sipxfer_cluster.h` is made from this file.
#![allow(non_camel_case_types)]

mod api;
mod parked;

pub use api::*;
pub use parked::*;

use crate::lookups::{Answer, Found};
use crate::node::{Level, Node, User};
use crate::settings::{Given, Settings, Wrong};
use crate::stats::get;
use crate::twins::*;
use crate::wire::{Published, MAX_NAME, NOT_PARKED};
use core::ffi::c_void;
use parking_lot::{Condvar, Mutex};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::atomic::Ordering;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// Major number of the ABI; the soname carries it.
pub const SIPXFER_CLUSTER_ABI_MAJOR: u32 = 0;
/// Grows with every addition to the ABI.
pub const SIPXFER_CLUSTER_ABI_MINOR: u32 = 1;

/// One node of a cluster, with its threads; opaque.
pub struct sipxfer_cluster {
    node: Node,
    host: Arc<Host>,
}

/// How a node is made. The names behind `cluster.` are those of the settings that hosts offer.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct sipxfer_cluster_options {
    /// `sizeof (struct sipxfer_cluster_options)`.
    pub struct_size: usize,
    /// `cluster.url`: where the server is, as `redis://HOST:PORT/DB` or `valkey://...`, over TLS
    /// `rediss://...` or `valkeys://...`, or `unix:///PATH`.
    pub url: sipxfer_str,
    /// `cluster.node`: the name of this node, 1 to 64 letters, digits, dashes, dots and underscores; no other
    /// node of the cluster has it.
    pub node: sipxfer_str,
    /// `cluster.uri`: the sip or sips URI under which this node takes INVITEs with Replaces from the other
    /// nodes.
    pub uri: sipxfer_str,
    /// `cluster.user`: the name towards the server, where it wants one; or empty.
    pub user: sipxfer_str,
    /// The password towards the server, handed over by the host; or empty. Never logged.
    pub password: sipxfer_str,
    /// `cluster.password_file`: a file whose first line is the password; or empty.
    pub password_file: sipxfer_str,
    /// `cluster.ca_file`: a file with the certificates of who signs for the server, as PEM; empty for those
    /// of the system.
    pub ca_file: sipxfer_str,
    /// `cluster.lease_s`: how long the dialogs of a node that died can still be found; 0 for 15 seconds.
    pub lease_s: u32,
    /// `cluster.deadline_ms`: how long the server may take for a lookup; 0 for 200 milliseconds. The same
    /// as the engine's setting of this name.
    pub deadline_ms: u32,
    /// How many dialogs are published at most; 0 for 200000. What is more is not found by other nodes.
    pub max_dialogs: u32,
    /// How many lookups wait at most; 0 for 256.
    pub max_lookups: u32,
    /// Handed to `log`.
    pub log_user: *mut c_void,
    /// A log line, without line end; level is `SIPXFER_LOG_*`. Called by any thread, also by those of the
    /// node, and at most some times for each time that the server comes and goes; may be NULL.
    pub log: Option<unsafe extern "C" fn(user: *mut c_void, level: u32, text: sipxfer_str)>,
}

/// What a node has counted since it was made.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct sipxfer_cluster_stats {
    /// `sizeof (struct sipxfer_cluster_stats)`, set by the caller.
    pub struct_size: usize,
    /// States of dialogs that have reached the server.
    pub published: u64,
    /// Ends of dialogs that have reached it.
    pub removed: u64,
    /// Dialogs that were not published: there were too many, or their Call-ID and tags are longer than
    /// 1024 bytes.
    pub dropped: u64,
    /// How often everything was published anew, because the server was away.
    pub resyncs: u64,
    /// Connections that were made.
    pub connects: u64,
    /// Connections that failed, or could not be made.
    pub failures: u64,
    /// How often the lease was renewed.
    pub renewals: u64,
    /// How often it was not, because another process has begun later under the same name.
    pub conflicts: u64,
    /// Lookups that were asked for.
    pub lookups: u64,
    /// Those that found a dialog.
    pub found: u64,
    /// Those that found none.
    pub not_found: u64,
    /// Those that found several.
    pub ambiguous: u64,
    /// Those that were answered at once, because the server is away.
    pub refused_away: u64,
    /// Those that were answered at once, because too many waited.
    pub refused_full: u64,
    /// Those whose time had passed before the server answered.
    pub expired: u64,
    /// Faults inside the library that were caught.
    pub panics: u64,
    /// How many dialogs there are now.
    pub dialogs: u64,
    /// How many of their states and ends have still to reach the server.
    pub waiting: u64,
    /// 1 where the lease of this node stood on the server when it was looked at last.
    pub is_publishing: u32,
    /// How many threads have a connection to ask by.
    pub askers: u32,
}

/// `sipxfer_lookup_resume()` as a function of a library that this one is not linked with.
pub type sipxfer_cluster_resume = Option<
    unsafe extern "C" fn(
        engine: *const sipxfer_engine,
        lookup: u64,
        status: i32,
        dialog: *const sipxfer_remote_dialog,
        now_ms: u64,
    ) -> i32,
>;

/// The engine that gets the answers.
struct Engine {
    engine: *const sipxfer_engine,
    resume: unsafe extern "C" fn(
        *const sipxfer_engine,
        u64,
        i32,
        *const sipxfer_remote_dialog,
        u64,
    ) -> i32,
}

/// What the threads call.
struct Host {
    /// Each thread that answers holds on to it meanwhile, and to no lock.
    engine: Mutex<Option<Arc<Engine>>>,
    /// Told when one of them has answered.
    answered: Condvar,
    log_user: *mut c_void,
    log: Option<unsafe extern "C" fn(*mut c_void, u32, sipxfer_str)>,
}

// SAFETY: the header demands of the host that the engine may be used from any thread.
unsafe impl Send for Engine {}
// SAFETY: as above.
unsafe impl Sync for Engine {}
// SAFETY: the header demands of the host that the callback may be called from any thread.
unsafe impl Send for Host {}
// SAFETY: as above.
unsafe impl Sync for Host {}

impl User for Host {
    fn answer(&self, lookup: u64, answer: &Answer) {
        let Some(held) = self.engine.lock().clone() else { return };
        let Engine { engine, resume } = *held;
        let (status, found) = match answer {
            Answer::NotFound => (E_NOT_FOUND, None),
            Answer::Ambiguous => (E_AMBIGUOUS, None),
            Answer::Found(found) => (OK, Some(found)),
        };
        let part = |found: &Found, at: usize| {
            text(found.triple.as_ref().and_then(|it| it.get(at)).map_or(b"", Vec::as_slice))
        };
        let dialog = found.map(|found| sipxfer_remote_dialog {
            struct_size: size_of::<sipxfer_remote_dialog>(),
            node: text(&found.node),
            uri: text(&found.uri),
            user: text(&found.dialog.user),
            endpoint: text(&found.dialog.endpoint),
            state: u32::from(found.dialog.state),
            initiator: u32::from(found.dialog.initiator),
            secure: u32::from(found.dialog.secure),
            reserved: 0,
            parked: u32::from(found.dialog.parked),
            reserved2: 0,
            call_id: part(found, 0),
            local_tag: part(found, 1),
            remote_tag: part(found, 2),
        });
        let pointer = dialog.as_ref().map_or(core::ptr::null(), core::ptr::from_ref);
        // SAFETY: the host vouches for the engine until it attaches another one; the dialog lives through
        // the call.
        let done = unsafe { resume(engine, lookup, status, pointer, 0) };
        if done == E_RANGE {
            // Another node has published nonsense: its dialog is none.
            // SAFETY: as above.
            unsafe { resume(engine, lookup, E_NOT_FOUND, core::ptr::null(), 0) };
        }
        drop(held);
        // Under the lock: who waits has looked before or looks behind it.
        drop(self.engine.lock());
        self.answered.notify_all();
    }

    fn log(&self, level: Level, line: &str) {
        if let Some(log) = self.log {
            // SAFETY: the callback is the host's, with the user that was given for it.
            unsafe { log(self.log_user, level as u32, text(line.as_bytes())) };
        }
    }
}

fn guard(body: impl FnOnce() -> Result<(), i32>) -> i32 {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => OK,
        Ok(Err(status)) => status,
        Err(_) => E_PANIC,
    }
}

/// # Safety
/// `cluster` is NULL or came from `sipxfer_cluster_new()` and was not freed.
unsafe fn cluster_in<'c>(cluster: *const sipxfer_cluster) -> Result<&'c sipxfer_cluster, i32> {
    // SAFETY: contract of this function.
    unsafe { cluster.as_ref() }.ok_or(E_NULL)
}

/// Makes a node. It connects by itself, and goes on trying as long as the server is away; nothing here
/// waits for that.
///
/// Returns `SIPXFER_OK`, `SIPXFER_E_BAD_VALUE` where a setting cannot be used (`log` gets a sentence about
/// it, without the password), `SIPXFER_E_RANDOM`, `SIPXFER_E_NOMEM` where there are no threads, or the
/// status of a wrong argument. Threads: any.
///
/// # Safety
/// `options` points to a struct whose `struct_size` is set and whose strings hold, `cluster` to a writable
/// pointer.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_cluster_new(
    options: *const sipxfer_cluster_options,
    cluster: *mut *mut sipxfer_cluster,
) -> i32 {
    guard(|| {
        if cluster.is_null() {
            return Err(E_NULL);
        }
        // SAFETY: contract of this function.
        let options = unsafe { read_struct(options) }?;
        let sipxfer_cluster_options { log_user, log, .. } = options;
        let (engine, answered) = (Mutex::default(), Condvar::new());
        let host = Arc::new(Host { engine, answered, log_user, log });
        let given = Given {
            // SAFETY: contract of this function.
            url: unsafe { utf8(options.url) }?,
            // SAFETY: as above.
            node: unsafe { utf8(options.node) }?,
            // SAFETY: as above.
            uri: unsafe { utf8(options.uri) }?,
            // SAFETY: as above.
            user: unsafe { utf8(options.user) }?,
            // SAFETY: as above.
            password: unsafe { utf8(options.password) }?,
            // SAFETY: as above.
            password_file: unsafe { utf8(options.password_file) }?,
            // SAFETY: as above.
            ca_file: unsafe { utf8(options.ca_file) }?,
            lease_s: options.lease_s,
            deadline_ms: options.deadline_ms,
            max_dialogs: options.max_dialogs,
            max_lookups: options.max_lookups,
        };
        let settings = Settings::new(&given).map_err(|Wrong(line)| {
            host.log(Level::Error, &line);
            E_BAD_VALUE
        })?;
        let mut random = [0; 2];
        getrandom::fill(&mut random).map_err(|_| -17)?;
        let began = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let began_ms = u64::try_from(began.as_millis()).unwrap_or(0);
        let user = Box::new(Threads(Arc::clone(&host)));
        let node = Node::new(settings, user, began_ms, u16::from_le_bytes(random));
        let made = sipxfer_cluster { node: node.map_err(|_| E_NOMEM)?, host };
        // SAFETY: contract of this function; it is not NULL.
        unsafe { cluster.write(Box::into_raw(Box::new(made))) };
        Ok(())
    })
}

/// The host as its threads have it.
struct Threads(Arc<Host>);

impl User for Threads {
    fn answer(&self, lookup: u64, answer: &Answer) {
        self.0.answer(lookup, answer);
    }

    fn log(&self, level: Level, line: &str) {
        self.0.log(level, line);
    }
}

/// Ends a node: takes its lease away, which makes its dialogs vanish for the others, and waits until its
/// threads have ended, which may take as long as the server may take to answer (some seconds). NULL does
/// nothing. No other call on it may be under way, and the engine's `lookup` is not called any more or
/// is one of the host's that knows.
///
/// A host ends it before the engine, or attaches NULL first.
///
/// # Safety
/// `cluster` came from `sipxfer_cluster_new()` and was not freed before.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_cluster_free(cluster: *mut sipxfer_cluster) {
    guard(|| {
        if !cluster.is_null() {
            // SAFETY: contract of this function.
            drop(unsafe { Box::from_raw(cluster) });
        }
        Ok(())
    });
}

/// Says which engine gets the answers, and by what function: `sipxfer_lookup_resume()`. NULL for none.
/// When this returns, the engine before gets none any more.
///
/// Returns `SIPXFER_OK` or the status of a wrong argument. Threads: any, but for one that is inside
/// `resume`, which would wait for itself.
///
/// # Safety
/// `cluster` is valid; `engine` stays valid until another one is attached, or the node is freed.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_cluster_attach(
    cluster: *mut sipxfer_cluster,
    engine: *const sipxfer_engine,
    resume: sipxfer_cluster_resume,
) -> i32 {
    guard(|| {
        // SAFETY: contract of this function.
        let cluster = unsafe { cluster_in(cluster) }?;
        let attached = match (engine.is_null(), resume) {
            (true, _) => None,
            (false, Some(resume)) => Some(Arc::new(Engine { engine, resume })),
            (false, None) => return Err(E_NULL),
        };
        let mut current = cluster.host.engine.lock();
        let before = core::mem::replace(&mut *current, attached);
        while before.as_ref().is_some_and(|it| Arc::strong_count(it) > 1) {
            cluster.host.answered.wait(&mut current);
        }
        Ok(())
    })
}

/// The `lookup` callback of a `struct sipxfer_directory` whose `lookup_user` is the node. Looks for the
/// dialog on the server, with a deadline, and answers by the function that was attached.
///
/// Returns `SIPXFER_E_PENDING`, or `SIPXFER_E_NOT_FOUND` where the server is away, too many lookups wait, or
/// `cluster` is NULL. Threads: any; does not block.
///
/// # Safety
/// `cluster` is NULL or valid, `key` points to a struct whose `struct_size` is set and whose strings hold.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_cluster_lookup(
    cluster: *mut c_void,
    lookup: u64,
    key: *const sipxfer_dialog_key,
) -> i32 {
    guard(|| {
        if cluster.is_null() {
            return Err(E_NOT_FOUND);
        }
        // SAFETY: contract of this function.
        let cluster = unsafe { cluster_in(cluster.cast_const().cast::<sipxfer_cluster>()) }?;
        // SAFETY: contract of this function.
        let key = unsafe { read_struct(key) }?;
        // SAFETY: contract of this function.
        let key = unsafe { parts(key.call_id, key.local_tag, key.remote_tag) }?;
        Err(if cluster.node.lookup(lookup, key) { E_PENDING } else { E_NOT_FOUND })
    })
}

/// # Safety
/// The strings point to as many bytes as they say, for `'a`.
#[allow(clippy::type_complexity)]
unsafe fn parts<'a>(
    call_id: sipxfer_str,
    local_tag: sipxfer_str,
    remote_tag: sipxfer_str,
) -> Result<(&'a [u8], &'a [u8], &'a [u8]), i32> {
    // SAFETY: contract of this function.
    let call_id = unsafe { bytes(call_id) }?;
    // SAFETY: contract of this function.
    let local_tag = unsafe { bytes(local_tag) }?;
    // SAFETY: contract of this function.
    let remote_tag = unsafe { bytes(remote_tag) }?;
    Ok((call_id, local_tag, remote_tag))
}

/// A dialog as a host describes it.
struct Described<'a> {
    key: (&'a [u8], &'a [u8], &'a [u8]),
    published: Published,
    has_ended: bool,
    is_invite: bool,
}

/// # Safety
/// `dialog` points to a struct whose `struct_size` is set and whose strings hold for `'a`.
unsafe fn described<'a>(dialog: *const sipxfer_dialog) -> Result<Described<'a>, i32> {
    // SAFETY: contract of this function.
    let dialog = unsafe { read_struct(dialog) }?;
    let sipxfer_dialog { call_id, local_tag, remote_tag, .. } = dialog;
    // SAFETY: contract of this function.
    let key = unsafe { parts(call_id, local_tag, remote_tag) }?;
    // SAFETY: contract of this function.
    let user = unsafe { bytes(dialog.user) }?;
    // SAFETY: contract of this function.
    let endpoint = unsafe { bytes(dialog.endpoint) }?;
    if !(1..=3).contains(&dialog.state)
        || !(1..=2).contains(&dialog.initiator)
        || !(1..=2).contains(&dialog.usage)
        || dialog.secure > 1
    {
        return Err(E_RANGE);
    }
    let short = |name: &[u8]| if name.len() > MAX_NAME { Vec::new() } else { name.to_vec() };
    let published = Published {
        incarnation: 0,
        state: dialog.state as u8,
        initiator: dialog.initiator as u8,
        secure: dialog.secure == 1,
        parked: NOT_PARKED,
        user: short(user),
        endpoint: short(endpoint),
    };
    let has_ended = dialog.state == DIALOG_TERMINATED;
    Ok(Described { key, published, has_ended, is_invite: dialog.usage == USAGE_INVITE })
}

/// A dialog has begun or come further: the other nodes can find it, in this state. Its `dialog` is not
/// looked at; one that is TERMINATED is taken away, and one that INVITE did not make is left out.
///
/// Returns `SIPXFER_OK`, also where the server is away (it gets there later) or there are too many (which
/// is counted), or the status of a wrong argument. Threads: any; does not block.
///
/// # Safety
/// `cluster` is valid, `dialog` points to a struct whose `struct_size` is set and whose strings hold.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_cluster_publish(
    cluster: *const sipxfer_cluster,
    dialog: *const sipxfer_dialog,
) -> i32 {
    guard(|| {
        // SAFETY: contract of this function.
        let cluster = unsafe { cluster_in(cluster) }?;
        // SAFETY: contract of this function.
        let dialog = unsafe { described(dialog) }?;
        if dialog.has_ended {
            cluster.node.remove(dialog.key);
            return Ok(());
        }
        if !dialog.is_invite {
            return Ok(());
        }
        cluster.node.publish(dialog.key, &dialog.published);
        Ok(())
    })
}

/// A dialog has ended. One that is not known is no error. Returns as `sipxfer_cluster_publish()`.
///
/// # Safety
/// `cluster` is valid, `key` points to a struct whose `struct_size` is set and whose strings hold.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_cluster_remove(
    cluster: *const sipxfer_cluster,
    key: *const sipxfer_dialog_key,
) -> i32 {
    guard(|| {
        // SAFETY: contract of this function.
        let cluster = unsafe { cluster_in(cluster) }?;
        // SAFETY: contract of this function.
        let key = unsafe { read_struct(key) }?;
        // SAFETY: contract of this function.
        let key = unsafe { parts(key.call_id, key.local_tag, key.remote_tag) }?;
        cluster.node.remove(key);
        Ok(())
    })
}

/// What the node has counted.
///
/// Returns `SIPXFER_OK` or the status of a wrong argument. Threads: any; does not block.
///
/// # Safety
/// `cluster` is valid, `stats` points to a struct whose `struct_size` is set.
#[no_mangle]
pub unsafe extern "C" fn sipxfer_cluster_stats(
    cluster: *const sipxfer_cluster,
    stats: *mut sipxfer_cluster_stats,
) -> i32 {
    guard(|| {
        // SAFETY: contract of this function.
        let shared = unsafe { cluster_in(cluster) }?.node.shared();
        if stats.is_null() {
            return Err(E_NULL);
        }
        // SAFETY: contract of this function.
        let size = unsafe { stats.cast::<usize>().read_unaligned() } & !ALLOW_UNKNOWN;
        let whole = size_of::<sipxfer_cluster_stats>();
        if !(whole..=4096).contains(&size) {
            return Err(E_STRUCT_SIZE);
        }
        let (dialogs, waiting) = {
            let board = shared.board.lock();
            (board.len() as u64, board.waiting() as u64)
        };
        let it = &shared.stats;
        let told = sipxfer_cluster_stats {
            struct_size: size,
            published: get(&it.published),
            removed: get(&it.removed),
            dropped: get(&it.dropped),
            resyncs: get(&it.resyncs),
            connects: get(&it.connects),
            failures: get(&it.failures),
            renewals: get(&it.renewals),
            conflicts: get(&it.conflicts),
            lookups: get(&it.lookups),
            found: get(&it.found),
            not_found: get(&it.not_found),
            ambiguous: get(&it.ambiguous),
            refused_away: get(&it.refused_away),
            refused_full: get(&it.refused_full),
            expired: get(&it.expired),
            panics: get(&it.panics),
            dialogs,
            waiting,
            is_publishing: u32::from(shared.is_publishing.load(Ordering::Acquire)),
            askers: u32::try_from(shared.askers_connected.load(Ordering::Acquire)).unwrap_or(0),
        };
        // SAFETY: contract of this function; there is room for all of it.
        unsafe { stats.write_unaligned(told) };
        Ok(())
    })
}
