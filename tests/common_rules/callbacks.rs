//! The host's side: its dialogs, and what it answers.

use super::{as_user, text, Kind};
use sipxfer::ffi::*;
use std::ffi::{c_char, c_void};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

/// A dialog of the host. It stays where it is as long as the host exists.
#[derive(Clone, Debug)]
pub struct Dialog {
    pub call_id: String,
    pub local_tag: String,
    pub remote_tag: String,
    pub user: String,
    pub endpoint: String,
    pub state: u32,
    pub initiator: u32,
    pub usage: u32,
    pub secure: bool,
    /// State that the lock reports, where it is another one than the lookup's.
    pub state_under_lock: Option<u32>,
}

impl Dialog {
    /// A confirmed INVITE dialog that `user` began from the endpoint of that name.
    pub fn of(user: &str, call_id: &str, local_tag: &str, remote_tag: &str) -> Dialog {
        Dialog {
            call_id: call_id.into(),
            local_tag: local_tag.into(),
            remote_tag: remote_tag.into(),
            user: user.into(),
            endpoint: user.into(),
            state: SIPXFER_DIALOG_CONFIRMED,
            initiator: SIPXFER_INITIATOR_REMOTE,
            usage: SIPXFER_USAGE_INVITE,
            secure: false,
            state_under_lock: None,
        }
    }

    pub fn early(mut self) -> Dialog {
        self.state = SIPXFER_DIALOG_EARLY;
        self
    }

    /// This side called: nobody authenticated on it, the endpoint is who was called.
    pub fn called_by_us(mut self) -> Dialog {
        self.initiator = SIPXFER_INITIATOR_LOCAL;
        self.user.clear();
        self
    }

    pub fn describe(&self) -> sipxfer_dialog {
        let mut out: sipxfer_dialog = unsafe { std::mem::zeroed() };
        out.struct_size = size_of::<sipxfer_dialog>();
        out.dialog = std::ptr::from_ref(self).cast_mut().cast();
        out.call_id = str_of(&self.call_id);
        out.local_tag = str_of(&self.local_tag);
        out.remote_tag = str_of(&self.remote_tag);
        out.user = str_of(&self.user);
        out.endpoint = str_of(&self.endpoint);
        out.state = self.state;
        out.initiator = self.initiator;
        out.usage = self.usage;
        out.secure = u32::from(self.secure);
        out
    }

    pub fn key(&self) -> sipxfer_dialog_key {
        sipxfer_dialog_key {
            struct_size: size_of::<sipxfer_dialog_key>(),
            call_id: str_of(&self.call_id),
            local_tag: str_of(&self.local_tag),
            remote_tag: str_of(&self.remote_tag),
        }
    }
}

fn str_of(text: &str) -> sipxfer_str {
    sipxfer_str { ptr: text.as_ptr().cast(), len: text.len() }
}

/// A question that the host was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    Find(String, String, String),
    Extension(String, String),
    Approve(u32, String),
    Authorize(String),
    AuthorizeRemote(String, String),
    Mix(String),
    Conference,
}

/// What the host holds and answers.
#[derive(Default)]
pub struct Host {
    dialogs: Mutex<Vec<Box<Dialog>>>,
    /// Dialogs that have ended stay in memory until the test is over.
    ended: Mutex<Vec<Box<Dialog>>>,
    pub extensions: Mutex<Vec<(String, String)>>,
    pub transfer_context: Mutex<Option<String>>,
    pub allow_transfer: Mutex<Option<i32>>,
    pub approve: Mutex<Option<i32>>,
    pub authorize: Mutex<Option<i32>>,
    pub authorize_remote: Mutex<Option<i32>>,
    pub can_mix: Mutex<Option<i32>>,
    pub is_conference: Mutex<Option<i32>>,
    pub verify_token: Mutex<Option<i32>>,
    /// The tokens that it was asked about, each with its Referred-By.
    pub tokens: Mutex<Vec<(String, String)>>,
    /// Answer of `find` in the place of a search.
    pub find_answer: Mutex<Option<i32>>,
    pub lock_answer: Mutex<Option<i32>>,
    /// State that the second, fourth ... `find` reports.
    pub state_later: Mutex<Option<u32>>,
    pub log: Mutex<Vec<String>>,
    pub asked: Mutex<Vec<Asked>>,
    pub deadlines: Mutex<Vec<u64>>,
    /// The lookups on other nodes that were begun, each with its key.
    pub lookups: Mutex<Vec<(u64, String)>>,
    /// The tokens that were looked up there.
    pub looked_up_tokens: Mutex<Vec<String>>,
    /// What `lookup` answers; nothing: pending.
    pub lookup_answer: Mutex<Option<i32>>,
    /// What a lookup is resumed with before the callback returns.
    #[allow(clippy::type_complexity)]
    pub lookup_act: Mutex<Option<Box<dyn Fn(u64) + Send>>>,
    /// The lookups that were told to be over.
    pub over: Mutex<Vec<u64>>,
    references: AtomicI64,
    locks: AtomicI64,
}

impl Host {
    pub fn add(&self, dialog: Dialog) -> usize {
        let dialog = Box::new(dialog);
        let place = std::ptr::from_ref(&*dialog) as usize;
        self.dialogs.lock().unwrap().push(dialog);
        place
    }

    pub fn remove(&self, object: usize) -> Dialog {
        let mut dialogs = self.dialogs.lock().unwrap();
        let at = dialogs.iter().position(|it| std::ptr::from_ref(&**it) as usize == object);
        let dialog = dialogs.remove(at.unwrap());
        let copy = (*dialog).clone();
        self.ended.lock().unwrap().push(dialog);
        copy
    }

    pub fn references(&self) -> i64 {
        self.references.load(Ordering::SeqCst)
    }

    pub fn locks_held(&self) -> i64 {
        self.locks.load(Ordering::SeqCst)
    }

    fn ask(&self, question: Asked) {
        self.asked.lock().unwrap().push(question);
    }
}

pub fn engine(kind: Kind, host: &Arc<Host>) -> *mut sipxfer_engine {
    engine_of(kind, host, false)
}

/// The same, and with `is_clustered` dialogs are looked up on other nodes.
pub fn engine_of(kind: Kind, host: &Arc<Host>, is_clustered: bool) -> *mut sipxfer_engine {
    let user = as_user(host);
    let mut directory: sipxfer_directory = unsafe { std::mem::zeroed() };
    directory.struct_size = size_of::<sipxfer_directory>();
    directory.user = user;
    directory.lock = Some(lock);
    directory.unlock = Some(unlock);
    if kind == Kind::Callbacks {
        directory.find = Some(find);
        directory.release = Some(release);
    }
    let mut callbacks: sipxfer_host = unsafe { std::mem::zeroed() };
    callbacks.struct_size = size_of::<sipxfer_host>();
    callbacks.user = user;
    callbacks.extension_exists = Some(extension_exists);
    callbacks.transfer_context = Some(transfer_context);
    callbacks.allow_transfer = Some(allow_transfer);
    callbacks.approve = Some(approve);
    callbacks.authorize = Some(authorize);
    callbacks.verify_token = Some(verify_token);
    callbacks.log = Some(log);
    callbacks.on_deadline = Some(on_deadline);
    callbacks.can_mix = Some(can_mix);
    callbacks.is_conference = Some(is_conference);
    if is_clustered {
        directory.lookup = Some(lookup);
        directory.lookup_user = user;
        directory.lookup_parked = Some(lookup_parked);
        callbacks.on_lookup = Some(on_lookup);
        callbacks.authorize_remote = Some(authorize_remote);
    }
    let options = sipxfer_engine_options {
        struct_size: size_of::<sipxfer_engine_options>(),
        directory: &directory,
        host: &callbacks,
    };
    let mut engine = null_mut();
    assert_eq!(unsafe { sipxfer_engine_new(&options, &mut engine) }, SIPXFER_OK);
    engine
}

fn host<'a>(user: *mut c_void) -> &'a Host {
    unsafe { &*user.cast::<Host>() }
}

unsafe extern "C" fn find(
    user: *mut c_void,
    key: *const sipxfer_dialog_key,
    out: *mut sipxfer_dialog,
) -> i32 {
    let (host, key) = (host(user), unsafe { &*key });
    let (call_id, local, remote) = (text(key.call_id), text(key.local_tag), text(key.remote_tag));
    host.ask(Asked::Find(call_id.clone(), local.clone(), remote.clone()));
    if let Some(answer) = *host.find_answer.lock().unwrap() {
        return answer;
    }
    let dialogs = host.dialogs.lock().unwrap();
    let mut found = dialogs.iter().filter(|it| {
        it.call_id == call_id
            && it.local_tag.eq_ignore_ascii_case(&local)
            && it.remote_tag.eq_ignore_ascii_case(&remote)
    });
    match (found.next(), found.next()) {
        (Some(dialog), None) => {
            unsafe { *out = dialog.describe() };
            let asked = host.asked.lock().unwrap();
            let again = asked.iter().filter(|it| matches!(it, Asked::Find(..))).count() % 2 == 0;
            if let Some(state) = host.state_later.lock().unwrap().filter(|_| again) {
                unsafe { (*out).state = state };
            }
            host.references.fetch_add(1, Ordering::SeqCst);
            SIPXFER_OK
        }
        (Some(_), Some(_)) => SIPXFER_E_AMBIGUOUS,
        _ => SIPXFER_E_NOT_FOUND,
    }
}

unsafe extern "C" fn lock(user: *mut c_void, dialog: *mut c_void, state: *mut u32) -> i32 {
    let (host, dialog) = (host(user), unsafe { &*dialog.cast::<Dialog>() });
    if let Some(answer) = *host.lock_answer.lock().unwrap() {
        return answer;
    }
    host.locks.fetch_add(1, Ordering::SeqCst);
    unsafe { *state = dialog.state_under_lock.unwrap_or(dialog.state) };
    SIPXFER_OK
}

unsafe extern "C" fn unlock(user: *mut c_void, _: *mut c_void) {
    host(user).locks.fetch_sub(1, Ordering::SeqCst);
}

unsafe extern "C" fn release(user: *mut c_void, _: *mut c_void) {
    host(user).references.fetch_sub(1, Ordering::SeqCst);
}

unsafe extern "C" fn extension_exists(
    user: *mut c_void,
    _: *const sipxfer_request,
    context: sipxfer_str,
    extension: sipxfer_str,
) -> i32 {
    let (host, wanted) = (host(user), (text(context), text(extension)));
    host.ask(Asked::Extension(wanted.0.clone(), wanted.1.clone()));
    i32::from(host.extensions.lock().unwrap().contains(&wanted))
}

unsafe extern "C" fn transfer_context(
    user: *mut c_void,
    _: *const sipxfer_request,
    buffer: *mut c_char,
    capacity: usize,
    len: *mut usize,
) -> i32 {
    let set = host(user).transfer_context.lock().unwrap();
    let Some(context) = set.as_ref() else {
        return SIPXFER_E_NOT_FOUND;
    };
    assert!(context.len() <= capacity);
    unsafe { context.as_ptr().copy_to_nonoverlapping(buffer.cast(), context.len()) };
    unsafe { *len = context.len() };
    SIPXFER_OK
}

unsafe extern "C" fn allow_transfer(user: *mut c_void, _: *const sipxfer_request) -> i32 {
    host(user).allow_transfer.lock().unwrap().unwrap_or(SIPXFER_YES)
}

unsafe extern "C" fn approve(
    user: *mut c_void,
    _: *const sipxfer_request,
    kind: u32,
    target: sipxfer_str,
) -> i32 {
    let host = host(user);
    assert_eq!(host.locks_held(), 0, "approve was asked under a lock");
    host.ask(Asked::Approve(kind, text(target)));
    host.approve.lock().unwrap().unwrap_or(SIPXFER_YES)
}

unsafe extern "C" fn verify_token(
    user: *mut c_void,
    _: *const sipxfer_request,
    referred_by: sipxfer_str,
    part: sipxfer_str,
) -> i32 {
    let host = host(user);
    host.tokens.lock().unwrap().push((text(referred_by), text(part)));
    host.verify_token.lock().unwrap().unwrap_or(SIPXFER_NO)
}

unsafe extern "C" fn authorize(
    user: *mut c_void,
    _: *const sipxfer_request,
    dialog: *const sipxfer_dialog,
) -> i32 {
    let host = host(user);
    host.ask(Asked::Authorize(text(unsafe { (*dialog).endpoint })));
    host.authorize.lock().unwrap().unwrap_or(SIPXFER_NO)
}

unsafe extern "C" fn can_mix(
    user: *mut c_void,
    _: *const sipxfer_request,
    dialog: *const sipxfer_dialog,
) -> i32 {
    let host = host(user);
    assert_eq!(host.locks_held(), 0, "can_mix was asked under a lock");
    host.ask(Asked::Mix(text(unsafe { (*dialog).call_id })));
    host.can_mix.lock().unwrap().unwrap_or(SIPXFER_YES)
}

unsafe extern "C" fn is_conference(user: *mut c_void, _: *const sipxfer_request) -> i32 {
    let host = host(user);
    host.ask(Asked::Conference);
    host.is_conference.lock().unwrap().unwrap_or(SIPXFER_NO)
}

unsafe extern "C" fn log(user: *mut c_void, _: u32, line: sipxfer_str) {
    host(user).log.lock().unwrap().push(text(line));
}

unsafe extern "C" fn on_deadline(user: *mut c_void, deadline_ms: u64) {
    host(user).deadlines.lock().unwrap().push(deadline_ms);
}

unsafe extern "C" fn lookup(user: *mut c_void, lookup: u64, key: *const sipxfer_dialog_key) -> i32 {
    let (host, key) = (host(user), unsafe { &*key });
    assert_eq!(host.locks_held(), 0, "lookup was asked under a lock");
    let (local, remote) = (text(key.local_tag), text(key.remote_tag));
    host.lookups.lock().unwrap().push((lookup, format!("{};{local};{remote}", text(key.call_id))));
    if let Some(act) = &*host.lookup_act.lock().unwrap() {
        act(lookup);
    }
    host.lookup_answer.lock().unwrap().unwrap_or(SIPXFER_E_PENDING)
}

unsafe extern "C" fn lookup_parked(
    user: *mut c_void,
    id: u64,
    token: sipxfer_str,
    key: *const sipxfer_dialog_key,
) -> i32 {
    host(user).looked_up_tokens.lock().unwrap().push(text(token));
    unsafe { lookup(user, id, key) }
}

unsafe extern "C" fn authorize_remote(
    user: *mut c_void,
    _: *const sipxfer_request,
    dialog: *const sipxfer_remote_dialog,
) -> i32 {
    let (host, dialog) = (host(user), unsafe { &*dialog });
    host.ask(Asked::AuthorizeRemote(text(dialog.node), text(dialog.endpoint)));
    host.authorize_remote.lock().unwrap().unwrap_or(SIPXFER_NO)
}

unsafe extern "C" fn on_lookup(user: *mut c_void, lookup: u64) {
    let host = host(user);
    assert_eq!(host.locks_held(), 0, "on_lookup was called under a lock");
    host.over.lock().unwrap().push(lookup);
}
