//! A host with an engine of the library and a node of the cluster.

use crate::server::{until, LONG};
use sipxfer::ffi as lib;
use sipxfer_cluster::ffi as own;
use sipxfer_cluster::twins;
use std::ffi::c_void;
use std::ptr::{null, null_mut};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

/// What the callbacks of a host note.
#[derive(Default)]
pub struct Host {
    over: Mutex<Vec<u64>>,
    told: Condvar,
    pub log: Mutex<Vec<String>>,
}

pub struct Node {
    engine: *mut lib::sipxfer_engine,
    cluster: *mut own::sipxfer_cluster,
    pub host: Arc<Host>,
    began: Instant,
    /// The longest that a thread of the host was kept.
    kept: Mutex<Duration>,
}

// The functions may be called from any thread.
unsafe impl Send for Node {}
unsafe impl Sync for Node {}

/// What became of a Replaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Came {
    /// The dialog is on that node, under that URI.
    Node(String, String),
    /// A refusal.
    Refused(u32),
}

pub struct Made<'a> {
    pub name: &'a str,
    pub url: &'a str,
    pub password: &'a str,
    pub password_file: &'a str,
    pub ca_file: &'a str,
    pub lease_s: u32,
    pub deadline_ms: u32,
    pub max_dialogs: u32,
}

impl Default for Made<'_> {
    fn default() -> Self {
        Made {
            name: "a",
            url: "",
            password: "",
            password_file: "",
            ca_file: "",
            lease_s: 2,
            deadline_ms: 10_000,
            max_dialogs: 0,
        }
    }
}

pub fn text(of: &str) -> twins::sipxfer_str {
    twins::sipxfer_str { ptr: of.as_ptr().cast(), len: of.len() }
}

fn lib_text(of: &str) -> lib::sipxfer_str {
    lib::sipxfer_str { ptr: of.as_ptr().cast(), len: of.len() }
}

fn string(of: lib::sipxfer_str) -> String {
    if of.len == 0 {
        return String::new();
    }
    let bytes = unsafe { std::slice::from_raw_parts(of.ptr.cast::<u8>(), of.len) };
    String::from_utf8(bytes.to_vec()).unwrap()
}

unsafe extern "C" fn on_lookup(user: *mut c_void, lookup: u64) {
    let host = unsafe { &*user.cast::<Host>() };
    host.over.lock().unwrap().push(lookup);
    host.told.notify_all();
}

unsafe extern "C" fn log(user: *mut c_void, _: u32, line: twins::sipxfer_str) {
    let bytes = unsafe { std::slice::from_raw_parts(line.ptr.cast::<u8>(), line.len) };
    let line = String::from_utf8(bytes.to_vec()).unwrap();
    unsafe { &*user.cast::<Host>() }.log.lock().unwrap().push(line);
}

/// The same function as the other library sees it; a test of this crate compares the structs.
unsafe extern "C" fn lookup(
    user: *mut c_void,
    lookup: u64,
    key: *const lib::sipxfer_dialog_key,
) -> i32 {
    unsafe { own::sipxfer_cluster_lookup(user, lookup, key.cast()) }
}

unsafe extern "C" fn lookup_parked(
    user: *mut c_void,
    lookup: u64,
    token: lib::sipxfer_str,
    key: *const lib::sipxfer_dialog_key,
) -> i32 {
    let token = twins::sipxfer_str { ptr: token.ptr, len: token.len };
    unsafe { own::sipxfer_cluster_lookup_parked(user, lookup, token, key.cast()) }
}

unsafe extern "C" fn resume(
    engine: *const twins::sipxfer_engine,
    lookup: u64,
    status: i32,
    dialog: *const twins::sipxfer_remote_dialog,
    now_ms: u64,
) -> i32 {
    unsafe { lib::sipxfer_lookup_resume(engine.cast(), lookup, status, dialog.cast(), now_ms) }
}

/// The dialog of a number, as its owner sees it.
pub fn dialog(number: usize, user: &'static str) -> twins::sipxfer_dialog {
    twins::sipxfer_dialog {
        struct_size: size_of::<twins::sipxfer_dialog>(),
        dialog: null_mut(),
        call_id: text(call_id(number)),
        local_tag: text("Local"),
        remote_tag: text("remote"),
        user: text(user),
        endpoint: text("phone"),
        state: lib::SIPXFER_DIALOG_CONFIRMED,
        initiator: lib::SIPXFER_INITIATOR_REMOTE,
        usage: lib::SIPXFER_USAGE_INVITE,
        secure: 0,
    }
}

/// The Replaces that names the dialog of a number, with more behind it.
pub fn replaces_of(number: usize, more: &str) -> String {
    format!("{};to-tag=local;from-tag=Remote{more}", call_id(number))
}

fn call_id(number: usize) -> &'static str {
    format!("call-{number}@phone").leak()
}

impl Node {
    pub fn new(made: &Made<'_>) -> Node {
        Node::try_new(made).unwrap()
    }

    /// The status, and the log, where it cannot be made.
    pub fn try_new(made: &Made<'_>) -> Result<Node, (i32, Vec<String>)> {
        let host = Arc::new(Host::default());
        let user: *mut c_void = Arc::as_ptr(&host).cast_mut().cast();
        let uri = format!("sip:replaces@{}.example", made.name);
        let options = own::sipxfer_cluster_options {
            struct_size: size_of::<own::sipxfer_cluster_options>(),
            url: text(made.url),
            node: text(made.name),
            uri: text(&uri),
            user: text(""),
            password: text(made.password),
            password_file: text(made.password_file),
            ca_file: text(made.ca_file),
            lease_s: made.lease_s,
            deadline_ms: made.deadline_ms,
            max_dialogs: made.max_dialogs,
            max_lookups: 0,
            log_user: user,
            log: Some(log),
        };
        let mut cluster = null_mut();
        let status = unsafe { own::sipxfer_cluster_new(&options, &mut cluster) };
        if status != 0 {
            let log = host.log.lock().unwrap().clone();
            return Err((status, log));
        }
        let mut directory: lib::sipxfer_directory = unsafe { std::mem::zeroed() };
        directory.struct_size = size_of::<lib::sipxfer_directory>();
        directory.lookup = Some(lookup);
        directory.lookup_user = cluster.cast();
        directory.lookup_parked = Some(lookup_parked);
        let mut callbacks: lib::sipxfer_host = unsafe { std::mem::zeroed() };
        callbacks.struct_size = size_of::<lib::sipxfer_host>();
        callbacks.user = user;
        callbacks.on_lookup = Some(on_lookup);
        let options = lib::sipxfer_engine_options {
            struct_size: size_of::<lib::sipxfer_engine_options>(),
            directory: &directory,
            host: &callbacks,
        };
        let mut engine = null_mut();
        assert_eq!(unsafe { lib::sipxfer_engine_new(&options, &mut engine) }, 0);
        let mut config = null_mut();
        assert_eq!(unsafe { lib::sipxfer_config_new(&mut config) }, 0);
        let (name, value) = ("cluster.deadline_ms", made.deadline_ms.to_string());
        let (n, v) = (lib_text(name), lib_text(&value));
        let status =
            unsafe { lib::sipxfer_config_set(config, null(), 0, n.ptr, n.len, v.ptr, v.len) };
        assert_eq!(status, 0);
        assert_eq!(unsafe { lib::sipxfer_config_apply(engine, config) }, 0);
        unsafe { lib::sipxfer_config_free(config) };
        let status = unsafe { own::sipxfer_cluster_attach(cluster, engine.cast(), Some(resume)) };
        assert_eq!(status, 0);
        let (began, kept) = (Instant::now(), Mutex::default());
        Ok(Node { engine, cluster, host, began, kept })
    }

    /// One that has published its lease.
    pub fn ready(made: &Made<'_>) -> Node {
        let node = Node::new(made);
        node.is_ready();
        node
    }

    pub fn is_ready(&self) {
        until("the node has its lease, and asks", || {
            let stats = self.stats();
            stats.is_publishing == 1 && stats.askers > 0
        });
    }

    pub fn publish(&self, dialog: &twins::sipxfer_dialog) {
        let status = self.timed(|| unsafe { own::sipxfer_cluster_publish(self.cluster, dialog) });
        assert_eq!(status, 0);
    }

    pub fn remove(&self, dialog: &twins::sipxfer_dialog) {
        let ended = twins::sipxfer_dialog { state: lib::SIPXFER_DIALOG_TERMINATED, ..*dialog };
        self.publish(&ended);
    }

    /// The call of a dialog goes into the engine's lot, under a number or a secret (0), and is published:
    /// its token.
    pub fn park(&self, dialog: &twins::sipxfer_dialog, number: u32) -> String {
        let same = |it: twins::sipxfer_str| lib::sipxfer_str { ptr: it.ptr, len: it.len };
        let call = lib::sipxfer_park_call {
            struct_size: size_of::<lib::sipxfer_park_call>(),
            call_id: same(dialog.call_id),
            local_tag: same(dialog.local_tag),
            remote_tag: same(dialog.remote_tag),
            parker: lib_text("carol"),
            party: lib_text(""),
            handle: 1,
            place: match number {
                0 => lib::SIPXFER_PARK_SECRET,
                _ => lib::SIPXFER_PARK_NUMBER,
            },
            number,
        };
        let (mut token, mut len) = (vec![0_u8; lib::SIPXFER_PARK_TOKEN_SIZE], 0);
        let to = token.as_mut_ptr().cast();
        let now_ms = self.now_ms();
        let status =
            unsafe { lib::sipxfer_park(self.engine, &call, now_ms, to, token.len(), &mut len) };
        assert_eq!(status, 0);
        token.truncate(len);
        let token = String::from_utf8(token).unwrap();
        self.publish_parked(dialog, &token);
        token
    }

    /// Tells the others that a dialog is parked under a token.
    pub fn publish_parked(&self, dialog: &twins::sipxfer_dialog, token: &str) {
        assert_eq!(self.try_park(dialog, token), 0);
    }

    /// The same, and its status.
    pub fn try_park(&self, dialog: &twins::sipxfer_dialog, token: &str) -> i32 {
        self.timed(|| unsafe { own::sipxfer_cluster_park(self.cluster, dialog, text(token)) })
    }

    /// The call was taken out.
    pub fn unpark(&self, token: &str) {
        let status =
            self.timed(|| unsafe { own::sipxfer_cluster_unpark(self.cluster, text(token)) });
        assert_eq!(status, 0);
    }

    /// Everything has reached the server.
    pub fn is_published(&self) {
        until("everything has reached the server", || {
            let stats = self.stats();
            stats.is_publishing == 1 && stats.waiting == 0
        });
    }

    pub fn stats(&self) -> own::sipxfer_cluster_stats {
        let mut stats: own::sipxfer_cluster_stats = unsafe { std::mem::zeroed() };
        stats.struct_size = size_of::<own::sipxfer_cluster_stats>();
        assert_eq!(unsafe { own::sipxfer_cluster_stats(self.cluster, &mut stats) }, 0);
        stats
    }

    fn now_ms(&self) -> u64 {
        self.began.elapsed().as_millis() as u64 + 1
    }

    /// What a thread of the host does; how long it takes is noted.
    fn timed<R>(&self, act: impl FnOnce() -> R) -> R {
        let began = Instant::now();
        let result = act();
        let mut kept = self.kept.lock().unwrap();
        *kept = began.elapsed().max(*kept);
        result
    }

    /// The longest that a thread of the host was kept.
    pub fn kept(&self) -> Duration {
        *self.kept.lock().unwrap()
    }

    /// An INVITE of this user that replaces the dialog of a number: what came of it in the end.
    pub fn ask(&self, number: usize, user: &str) -> Came {
        let began = Instant::now();
        loop {
            match self.ask_once(number, user) {
                Ok(came) => return came,
                Err(lookup) => self.waits_for(lookup, began),
            }
        }
    }

    /// The same, or the lookup that it waits for.
    pub fn ask_once(&self, number: usize, user: &str) -> Result<Came, u64> {
        self.judge_once(&replaces_of(number, ""), None, user).map(|it| it.0)
    }

    /// An INVITE with this Replaces, or (where there is a token) one that dials that token: what came of
    /// it in the end, and the Replaces that the verdict names.
    pub fn judge(&self, replaces: &str, token: Option<&str>, user: &str) -> (Came, String) {
        let began = Instant::now();
        loop {
            match self.judge_once(replaces, token, user) {
                Ok(came) => return came,
                Err(lookup) => self.waits_for(lookup, began),
            }
        }
    }

    /// The same until this comes of it.
    #[track_caller]
    pub fn finds(&self, token: &str, user: &str, wanted: &Came) -> String {
        let began = Instant::now();
        loop {
            let (came, replaces) = self.judge("", Some(token), user);
            if came == *wanted {
                return replaces;
            }
            assert!(began.elapsed() < LONG, "{wanted:?} never comes, but {came:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn waits_for(&self, lookup: u64, began: Instant) {
        assert!(began.elapsed() < LONG, "the lookup never ends");
        let over = self.host.over.lock().unwrap();
        if !over.contains(&lookup) {
            let _ = self.host.told.wait_timeout(over, Duration::from_millis(5)).unwrap();
        } else {
            drop(over);
        }
        assert_eq!(unsafe { lib::sipxfer_tick(self.engine, self.now_ms()) }, 0);
    }

    fn judge_once(
        &self,
        replaces: &str,
        token: Option<&str>,
        user: &str,
    ) -> Result<(Came, String), u64> {
        let line = match replaces {
            "" => String::new(),
            value => format!("Replaces: {value}\r\n"),
        };
        let message = format!(
            "INVITE sip:pbx@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n\
             From: <sip:x@h>;tag=f\r\nTo: <sip:pbx@h>\r\nCall-ID: new@h\r\nCSeq: 1 INVITE\r\n\
             {line}Content-Length: 0\r\n\r\n"
        );
        let request = lib::sipxfer_request {
            struct_size: size_of::<lib::sipxfer_request>(),
            message: lib_text(&message),
            host_data: null_mut(),
            dialog: null_mut(),
            source: lib_text(""),
            endpoint: lib_text("trunk"),
            user: lib_text(user),
            context: lib_text(""),
            now_ms: self.now_ms(),
            transport: 0,
            secure: 0,
            transfer_depth: 0,
            handling: 0,
        };
        let mut scratch = vec![0_u8; lib::scratch_size(message.len())];
        let mut verdict: lib::sipxfer_verdict = unsafe { std::mem::zeroed() };
        verdict.struct_size = size_of::<lib::sipxfer_verdict>();
        let room = scratch.as_mut_ptr().cast();
        let (engine, len) = (self.engine, scratch.len());
        let status = self.timed(|| unsafe {
            match token {
                None => lib::sipxfer_replaces_verify_request(
                    engine,
                    &request,
                    0,
                    room,
                    len,
                    &mut verdict,
                ),
                Some(token) => {
                    let token = lib_text(token);
                    lib::sipxfer_park_find(
                        engine,
                        &request,
                        token.ptr,
                        token.len,
                        room,
                        len,
                        &mut verdict,
                    )
                }
            }
        });
        assert_eq!(status, 0);
        let came = match verdict.kind {
            lib::SIPXFER_VERDICT_PENDING => return Err(verdict.lookup),
            lib::SIPXFER_VERDICT_REMOTE_NODE => {
                Came::Node(string(verdict.node), string(verdict.target))
            }
            _ => Came::Refused(verdict.code),
        };
        let replaces = string(verdict.replaces);
        assert_eq!(unsafe { lib::sipxfer_verdict_release(engine, &mut verdict) }, 0);
        Ok((came, replaces))
    }

    /// Asks until this comes of it: answers are held for a second.
    #[track_caller]
    pub fn asks_until(&self, number: usize, user: &str, wanted: &Came) {
        let mut came = None;
        let began = Instant::now();
        while came.as_ref() != Some(wanted) {
            assert!(began.elapsed() < LONG, "{wanted:?} never comes, but {came:?}");
            came = Some(self.ask(number, user));
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// That the dialog is on this node.
pub fn at(node: &str) -> Came {
    Came::Node(node.to_owned(), format!("sip:replaces@{node}.example"))
}

impl Drop for Node {
    fn drop(&mut self) {
        unsafe { own::sipxfer_cluster_free(self.cluster) };
        unsafe { lib::sipxfer_engine_free(self.engine) };
        assert_eq!(lib::sipxfer_panic_count(), 0);
    }
}
