//! Many requests verified at once get what each would get alone.
// Tests may fail loudly, and call as a host does.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::undocumented_unsafe_blocks, clippy::multiple_unsafe_ops_per_block)]

use core::ffi::{c_char, c_void};
use core::mem::{size_of, zeroed};
use core::ptr::{null, null_mut};
use sipxfer::ffi::*;

fn str_of(text: &str) -> sipxfer_str {
    sipxfer_str { ptr: text.as_ptr().cast(), len: text.len() }
}

/// The same numbers in each run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) as usize % bound
    }
}

unsafe extern "C" fn find_later(
    _: *mut c_void,
    key: *const sipxfer_dialog_key,
    _: *mut sipxfer_dialog,
) -> i32 {
    match unsafe { (*key).call_id.len } % 3 {
        0 => SIPXFER_E_PENDING,
        1 => SIPXFER_E_NOT_FOUND,
        _ => SIPXFER_E_AMBIGUOUS,
    }
}

unsafe extern "C" fn release(_: *mut c_void, _: *mut c_void) {}

struct Engine(*mut sipxfer_engine);

impl Drop for Engine {
    fn drop(&mut self) {
        unsafe { sipxfer_engine_free(self.0) };
    }
}

static OBJECTS: [u8; 200] = [0; 200];

impl Engine {
    /// With a table of its own and 200 dialogs, of which the last 20 have ended; or with the host's
    /// directory.
    fn new(own: bool) -> Engine {
        let mut engine = null_mut();
        let directory = sipxfer_directory {
            struct_size: size_of::<sipxfer_directory>(),
            find: (!own).then_some(find_later),
            release: Some(release),
            ..unsafe { zeroed() }
        };
        let options = sipxfer_engine_options {
            struct_size: size_of::<sipxfer_engine_options>(),
            directory: &directory,
            host: null(),
        };
        assert_eq!(unsafe { sipxfer_engine_new(&options, &mut engine) }, SIPXFER_OK);
        for (number, object) in OBJECTS.iter().enumerate().filter(|_| own) {
            let [call_id, local, remote] = names(number);
            let state = 1 + number as u32 % 2;
            let dialog = sipxfer_dialog {
                struct_size: size_of::<sipxfer_dialog>(),
                dialog: core::ptr::from_ref(object).cast_mut().cast(),
                call_id: str_of(&call_id),
                local_tag: str_of(&local),
                remote_tag: str_of(&remote),
                user: str_of(if number % 7 == 0 { "eve" } else { "bob" }),
                endpoint: str_of("phone"),
                state,
                initiator: SIPXFER_INITIATOR_REMOTE - number as u32 / 2 % 2,
                usage: SIPXFER_USAGE_INVITE,
                secure: 0,
            };
            let mut id = 0;
            assert_eq!(unsafe { sipxfer_dialog_add(engine, &dialog, &mut id) }, SIPXFER_OK);
            if number >= 180 {
                assert_eq!(unsafe { sipxfer_dialog_remove(engine, id, 0) }, SIPXFER_OK);
            }
        }
        Engine(engine)
    }
}

/// Two of them are the same.
fn names(number: usize) -> [String; 3] {
    let number = if number == 99 { 98 } else { number };
    [format!("call-{number}@pbx"), format!("Local-{number}"), format!("remote-{number}")]
}

fn message(numbers: &mut Numbers) -> String {
    let [call_id, local, remote] = names(numbers.below(230));
    let replaces = match numbers.below(12) {
        0 => format!("{call_id};from-tag={remote};to-tag={local}"),
        1 => format!("{call_id};to-tag={};from-tag={remote}", local.to_uppercase()),
        2 => format!("{call_id};to-tag={local};from-tag={remote};early-only"),
        3 => format!("{call_id}\r\n ;to-tag={local};from-tag={remote}"),
        4 => format!("{call_id};to-tag={local}"),
        5 => format!("{call_id};to-tag={local};from-tag=0"),
        6 => format!("{call_id};to-tag={local};from-tag={remote}\r\nReplaces: {call_id};to-tag=x"),
        7 => format!("{call_id};to-tag={local};from-tag={remote}\r\nJoin: {call_id};to-tag=x"),
        _ => format!("{call_id};to-tag={local};from-tag={remote}"),
    };
    let method = if numbers.below(20) == 0 { "BYE" } else { "INVITE" };
    let mut text = format!(
        "{method} sip:pbx@example.com SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\n\
         From: <sip:bob@example.com>;tag=f\r\nTo: <sip:pbx@example.com>\r\nCall-ID: new\r\n\
         CSeq: 1 {method}\r\nReplaces: {replaces}\r\nContent-Length: 0\r\n\r\n"
    );
    match numbers.below(25) {
        0 => text.truncate(numbers.below(text.len())),
        1 => text = text.replace("Via", "V ia"),
        2 => text = text.replace("Replaces", "X-Replaces"),
        _ => {}
    }
    text
}

/// One request with room for what comes of it.
struct Asked {
    text: String,
    request: sipxfer_request,
    scratch: Vec<u8>,
    verdict: sipxfer_verdict,
}

impl Asked {
    fn new(numbers: &mut Numbers) -> Box<Asked> {
        let text = message(numbers);
        let mut scratch = vec![0; text.len() * 6 + 8192];
        if numbers.below(30) == 0 {
            scratch.pop();
        }
        let request = sipxfer_request {
            struct_size: size_of::<sipxfer_request>(),
            user: str_of(if numbers.below(8) == 0 { "" } else { "bob" }),
            endpoint: str_of("phone"),
            transport: if numbers.below(30) == 0 { 99 } else { SIPXFER_TRANSPORT_UDP },
            now_ms: 1,
            ..unsafe { zeroed() }
        };
        let verdict =
            sipxfer_verdict { struct_size: size_of::<sipxfer_verdict>(), ..unsafe { zeroed() } };
        let mut asked = Box::new(Asked { text, request, scratch, verdict });
        asked.request.message = str_of(&asked.text);
        asked
    }

    fn item(&mut self) -> sipxfer_verification {
        sipxfer_verification {
            struct_size: size_of::<sipxfer_verification>(),
            request: &self.request,
            scratch: self.scratch.as_mut_ptr().cast(),
            scratch_len: self.scratch.len(),
            verdict: &mut self.verdict,
            status: 7,
            reserved: 0,
        }
    }

    fn alone(&mut self, engine: &Engine) -> i32 {
        let scratch: *mut c_char = self.scratch.as_mut_ptr().cast();
        let (len, verdict) = (self.scratch.len(), &mut self.verdict);
        unsafe {
            sipxfer_replaces_verify_request(engine.0, &self.request, 0, scratch, len, verdict)
        }
    }

    /// What a verdict says, in words; its dialog is given back.
    fn said(&mut self, engine: &Engine) -> String {
        let of = |it: sipxfer_str| {
            let bytes = match it.len {
                0 => &[],
                len => unsafe { core::slice::from_raw_parts(it.ptr.cast::<u8>(), len) },
            };
            String::from_utf8_lossy(bytes).into_owned()
        };
        let it = &self.verdict;
        let said = format!(
            "{} {} {} {:?} {} {} {} {} {:?} {} {} {} {} {}",
            it.kind,
            it.code,
            of(it.warning),
            it.dialog,
            it.dialog_state,
            it.old_dialog,
            it.early_only,
            it.ground,
            &it.rules[..it.rule_count as usize],
            of(it.error_what),
            it.error_offset,
            of(it.setting),
            of(it.why),
            it.pin != 0,
        );
        assert_eq!(unsafe { sipxfer_verdict_release(engine.0, &mut self.verdict) }, SIPXFER_OK);
        said
    }
}

fn all_alike(engine: &Engine, seed: u64) -> usize {
    let mut numbers = Numbers(seed);
    let mut accepted = 0;
    for _ in 0..60 {
        let count = numbers.below(SIPXFER_MAX_VERIFICATIONS + 1);
        let mut asked: Vec<_> = (0..count).map(|_| Asked::new(&mut numbers)).collect();
        let alone: Vec<_> = asked
            .iter_mut()
            .map(|it| match it.alone(engine) {
                SIPXFER_OK => Ok(it.said(engine)),
                status => Err(status),
            })
            .collect();
        let mut items: Vec<_> = asked.iter_mut().map(|it| it.item()).collect();
        let status =
            unsafe { sipxfer_replaces_verify_requests(engine.0, items.as_mut_ptr(), items.len()) };
        let first = alone.iter().find_map(|it| it.as_ref().err().copied());
        assert_eq!(status, first.unwrap_or(SIPXFER_OK));
        for ((asked, item), alone) in asked.iter_mut().zip(&items).zip(&alone) {
            match alone {
                Ok(alone) => {
                    assert_eq!(item.status, SIPXFER_OK);
                    accepted += usize::from(asked.verdict.kind == SIPXFER_VERDICT_ACCEPT);
                    assert_eq!(&asked.said(engine), alone, "{}", asked.text);
                }
                Err(status) => assert_eq!(item.status, *status),
            }
        }
    }
    accepted
}

#[test]
fn verdicts_at_once_are_those_that_each_request_gets_alone() {
    let engine = Engine::new(true);
    assert!((1..5).map(|seed| all_alike(&engine, seed)).sum::<usize>() > 1_000);
}

#[test]
fn a_directory_of_the_host_is_asked_as_ever() {
    let engine = Engine::new(false);
    assert_eq!(all_alike(&engine, 9), 0);
}

#[test]
fn a_call_that_is_wrong_as_a_whole_does_nothing() {
    let engine = Engine::new(true);
    let mut numbers = Numbers(3);
    let mut asked: Vec<_> = (0..3).map(|_| Asked::new(&mut numbers)).collect();
    let mut items: Vec<_> = asked.iter_mut().map(|it| it.item()).collect();
    let call = |items: &mut Vec<sipxfer_verification>, count| unsafe {
        sipxfer_replaces_verify_requests(engine.0, items.as_mut_ptr(), count)
    };
    assert_eq!(call(&mut items, SIPXFER_MAX_VERIFICATIONS + 1), SIPXFER_E_RANGE);
    assert_eq!(call(&mut items, 0), SIPXFER_OK);
    items[2].struct_size += 8;
    assert_eq!(call(&mut items, 3), SIPXFER_E_STRUCT_SIZE);
    assert!(items.iter().all(|item| item.status == 7));
    let none = unsafe { sipxfer_replaces_verify_requests(engine.0, null_mut(), 1) };
    assert_eq!(none, SIPXFER_E_NULL);
}

/// The elements of a newer header are longer: each stands so far from the one before it as it says.
#[test]
fn elements_of_a_newer_header_stand_further_apart() {
    #[repr(C)]
    struct Newer {
        item: sipxfer_verification,
        more: u64,
    }
    let engine = Engine::new(true);
    let mut numbers = Numbers(5);
    let mut asked: Vec<_> = (0..20).map(|_| Asked::new(&mut numbers)).collect();
    let alone: Vec<i32> = asked.iter_mut().map(|it| it.alone(&engine)).collect();
    for (it, status) in asked.iter_mut().zip(&alone) {
        if *status == SIPXFER_OK {
            it.said(&engine);
        }
    }
    let mut items: Vec<Newer> =
        asked.iter_mut().map(|it| Newer { item: it.item(), more: 0 }).collect();
    items.iter_mut().for_each(|it| it.item.struct_size = size_of::<Newer>());
    let first = items.as_mut_ptr().cast::<sipxfer_verification>();
    unsafe { sipxfer_replaces_verify_requests(engine.0, first, items.len()) };
    let statuses: Vec<i32> = items.iter().map(|it| it.item.status).collect();
    assert_eq!(statuses, alone);
    items.iter_mut().for_each(|it| it.more = 1);
    let first = items.as_mut_ptr().cast::<sipxfer_verification>();
    let status = unsafe { sipxfer_replaces_verify_requests(engine.0, first, items.len()) };
    assert_eq!(status, SIPXFER_E_UNKNOWN_FIELD);
}
