//! One call after the other, by the choices of the fuzzer.

use crate::host::{self, Host};
use crate::room::{number, one_of, Buffer, Room, Texts};
use arbitrary::Unstructured;
use sipxfer::ffi::*;
use std::ffi::{c_char, CStr};

type Parse<T> = unsafe extern "C" fn(*const c_char, usize, *mut T, *mut sipxfer_parse_error) -> i32;
type Print<T> = unsafe extern "C" fn(*const T, *mut c_char, usize, *mut usize) -> i32;

pub struct World {
    pub host: Box<Host>,
    pub engine: *mut sipxfer_engine,
    config: *mut sipxfer_config,
    pub texts: Texts,
    pub now_ms: u64,
    pub transfers: Vec<u64>,
    pub refers: Vec<u64>,
    pub dialogs: Vec<u64>,
    pub takeovers: Vec<u64>,
    pub tokens: Vec<sipxfer_str>,
    pub claims: Vec<u64>,
    pub watchers: Vec<u64>,
}

/// Never a fault, and no number that is no status.
pub fn told(status: i32) -> bool {
    assert!((SIPXFER_E_NO_SUBSCRIPTION - 40..=SIPXFER_OK).contains(&status), "{status}");
    assert_ne!(status, SIPXFER_E_PANIC);
    status == SIPXFER_OK
}

impl World {
    pub fn new(u: &mut Unstructured<'_>) -> World {
        let host = Box::<Host>::default();
        let engine = host::engine(&host);
        let mut config = std::ptr::null_mut();
        assert!(told(unsafe { sipxfer_config_new(&mut config) }));
        host.answer.set(i32::from(u.arbitrary::<u8>().unwrap_or(0) % 16));
        World {
            host,
            engine,
            config,
            texts: Texts::default(),
            now_ms: 1_000,
            transfers: Vec::new(),
            refers: Vec::new(),
            dialogs: Vec::new(),
            takeovers: Vec::new(),
            tokens: Vec::new(),
            claims: Vec::new(),
            watchers: Vec::new(),
        }
    }

    pub fn call(&mut self, u: &mut Unstructured<'_>) {
        if u.arbitrary::<u8>().unwrap_or(0) < 20 {
            self.host.answer.set(i32::from(u.arbitrary::<u8>().unwrap_or(0) % 16));
        }
        if u.arbitrary::<u8>().unwrap_or(0) < 60 {
            self.now_ms = match number(u) {
                0 => u64::MAX,
                ms => self.now_ms.saturating_add(u64::from(ms)) & (i64::MAX as u64),
            };
        }
        match u.arbitrary::<u8>().unwrap_or(0) % 48 {
            0 => self.parse_and_print(u),
            1 => self.parse_only(u),
            2 => self.build(u),
            3 => self.map_replaces(u),
            4 | 5 => self.dialog(u),
            6 | 7 => self.settings(u),
            8..=10 => self.verdict(u, sipxfer_replaces_verify_request),
            11 | 12 => self.verdict(u, sipxfer_refer_route),
            13..=16 => self.receive(u),
            17..=20 => self.input(u),
            21..=23 => self.output(u),
            24 => self.start(u),
            25..=27 => self.input_sent(u),
            28 => self.event(u),
            29 => self.time(u),
            30 => self.words(u),
            31 => self.nodes_and_counters(u),
            32..=35 => self.take_over(u),
            36..=39 => self.input_takeover(u),
            40..=43 => self.lot(u),
            44 | 45 => self.of_dialogs(u),
            46 => self.of_messages(u),
            47 => self.verdict(u, sipxfer_join_verify_request),
            _ => self.message(u),
        }
    }

    pub fn end(self) {
        unsafe { sipxfer_config_free(self.config) };
        unsafe { sipxfer_engine_free(self.engine) };
        assert_eq!(self.host.references.get(), 0, "a dialog that was not given back, or twice");
        assert_eq!(self.host.locks.get(), 0, "a lock that is still held");
        assert_eq!(sipxfer_panic_count(), 0);
    }

    fn print<T: Copy>(&mut self, u: &mut Unstructured<'_>, value: T, print: Print<T>) {
        let room = Room::of(u, value);
        let (mut buffer, mut needed) = (Buffer::any(u), 0);
        let status = unsafe { print(room.ptr(), buffer.ptr(), buffer.capacity(), &mut needed) };
        if told(status) {
            assert!(needed <= buffer.capacity());
        }
        if status == SIPXFER_E_BUFFER {
            assert!(needed > buffer.capacity());
        }
    }

    fn parse<T: Copy>(&mut self, u: &mut Unstructured<'_>, parse: Parse<T>) -> Option<T> {
        let text = self.texts.any(u);
        let (mut out, mut error) = (Room::empty::<T>(u), Room::empty::<sipxfer_parse_error>(u));
        let error =
            if u.ratio(1, 4).unwrap_or(true) { std::ptr::null_mut() } else { error.mut_ptr() };
        told(unsafe { parse(text.ptr, text.len, out.mut_ptr(), error) }).then(|| out.read::<T>())?
    }

    fn parse_and_print(&mut self, u: &mut Unstructured<'_>) {
        macro_rules! both {
            ($parse:ident, $print:ident) => {
                if let Some(parsed) = self.parse(u, $parse) {
                    self.print(u, parsed, $print);
                }
            };
        }
        match number(u) % 6 {
            0 => both!(sipxfer_replaces_parse, sipxfer_replaces_print),
            1 => both!(sipxfer_join_parse, sipxfer_join_print),
            2 => both!(sipxfer_target_dialog_parse, sipxfer_target_dialog_print),
            3 => both!(sipxfer_referred_by_parse, sipxfer_referred_by_print),
            4 => both!(sipxfer_event_header_parse, sipxfer_event_header_print),
            _ => both!(sipxfer_subscription_state_parse, sipxfer_subscription_state_print),
        }
    }

    fn parse_only(&mut self, u: &mut Unstructured<'_>) {
        match number(u) % 7 {
            0 => drop(self.parse(u, sipxfer_message_parse)),
            1 => drop(self.parse(u, sipxfer_uri_parse)),
            2 => drop(self.parse(u, sipxfer_name_addr_parse)),
            3 => drop(self.parse(u, sipxfer_refer_sub_parse)),
            4 => drop(self.parse(u, sipxfer_sipfrag_parse)),
            5 => {
                let (value, tag) = (self.texts.any(u), self.texts.any(u));
                let status =
                    unsafe { sipxfer_option_tag_listed(value.ptr, value.len, tag.ptr, tag.len) };
                assert!((SIPXFER_E_NO_SUBSCRIPTION..=SIPXFER_YES).contains(&status));
            }
            _ => {
                let text = self.texts.any(u);
                let (mut out, mut scratch) = (Room::empty::<sipxfer_refer_to>(u), Buffer::any(u));
                told(unsafe {
                    sipxfer_refer_to_parse(
                        text.ptr,
                        text.len,
                        scratch.ptr(),
                        scratch.capacity(),
                        out.mut_ptr(),
                        std::ptr::null_mut(),
                    )
                });
            }
        }
    }

    pub fn replaces(&mut self, u: &mut Unstructured<'_>) -> sipxfer_replaces {
        sipxfer_replaces {
            struct_size: 0,
            call_id: self.texts.any(u),
            to_tag: self.texts.any(u),
            from_tag: self.texts.any(u),
            params: self.texts.any(u),
            early_only: number(u),
            reserved: one_of(u, &[0, 0, 0, 1]),
        }
    }

    pub fn target_dialog(&mut self, u: &mut Unstructured<'_>) -> sipxfer_target_dialog {
        sipxfer_target_dialog {
            struct_size: 0,
            call_id: self.texts.any(u),
            local_tag: self.texts.any(u),
            remote_tag: self.texts.any(u),
            params: self.texts.any(u),
        }
    }

    /// What a host makes up, rather than what was parsed.
    fn build(&mut self, u: &mut Unstructured<'_>) {
        let replaces = self.replaces(u);
        match number(u) % 6 {
            0 => self.print(u, replaces, sipxfer_replaces_print),
            1 => self.print(u, replaces, sipxfer_join_print),
            2 => {
                let target = self.target_dialog(u);
                self.print(u, target, sipxfer_target_dialog_print);
            }
            3 => {
                let parts = sipxfer_referred_by {
                    struct_size: 0,
                    display: self.texts.any(u),
                    uri: self.texts.any(u),
                    cid: self.texts.any(u),
                    params: self.texts.any(u),
                };
                self.print(u, parts, sipxfer_referred_by_print);
            }
            4 => {
                let state = sipxfer_subscription_state {
                    struct_size: 0,
                    state_text: self.texts.any(u),
                    reason: self.texts.any(u),
                    state: number(u),
                    has_expires: number(u),
                    expires_s: number(u),
                    reserved: one_of(u, &[0, 0, 0, 1]),
                };
                self.print(u, state, sipxfer_subscription_state_print);
            }
            _ => self.build_refer_to(u),
        }
    }

    fn build_refer_to(&mut self, u: &mut Unstructured<'_>) {
        let replaces = self.replaces(u);
        let room = Room::of(u, replaces);
        let named = if u.ratio(1, 3).unwrap_or(true) { std::ptr::null() } else { room.ptr() };
        let (dialog_state, dialog_initiator) = (number(u), number(u));
        let (require_replaces, reserved) = (number(u), one_of(u, &[0, 0, 0, 1]));
        let text = self.texts.any(u);
        if u.ratio(1, 2).unwrap_or(true) {
            let target = sipxfer_refer_to_target {
                struct_size: 0,
                uri: text,
                replaces: named,
                dialog_state,
                dialog_initiator,
                require_replaces,
                reserved,
            };
            self.print(u, target, sipxfer_refer_to_build);
        } else {
            let headers = sipxfer_invite_headers {
                struct_size: 0,
                replaces: named,
                referred_by: text,
                dialog_state,
                dialog_initiator,
                require_replaces,
                reserved,
            };
            self.print(u, headers, sipxfer_invite_headers_build);
        }
    }

    fn map_replaces(&mut self, u: &mut Unstructured<'_>) {
        let text = self.texts.any(u);
        let (mut buffer, mut needed) = (Buffer::any(u), 0);
        let user = std::ptr::from_ref(&*self.host).cast_mut().cast();
        let status = unsafe {
            sipxfer_map_replaces(
                text.ptr,
                text.len,
                Some(host::peer_leg),
                user,
                buffer.ptr(),
                buffer.capacity(),
                &mut needed,
                std::ptr::null_mut(),
            )
        };
        // What the callback answers is handed on.
        assert!(status == 17 || told(status) || status < 0);
    }

    pub fn key(&mut self, u: &mut Unstructured<'_>) -> Room {
        let key = sipxfer_dialog_key {
            struct_size: 0,
            call_id: self.texts.any(u),
            local_tag: self.texts.any(u),
            remote_tag: self.texts.any(u),
        };
        Room::of(u, key)
    }

    fn dialog(&mut self, u: &mut Unstructured<'_>) {
        let id = one_of(u, &[self.dialogs.last().copied().unwrap_or(0), 0, u64::MAX]);
        match number(u) % 5 {
            0 | 1 => {
                let plain = u.ratio(2, 3).unwrap_or(true);
                let word = |it: &mut World, u: &mut Unstructured<'_>, word: &str| match plain {
                    true => it.texts.keep(word.as_bytes()),
                    false => it.texts.any(u),
                };
                let dialog = sipxfer_dialog {
                    struct_size: 0,
                    dialog: one_of(u, &[8_usize, 8, 8, 0]) as *mut _,
                    call_id: word(self, u, "consult"),
                    local_tag: word(self, u, "L"),
                    remote_tag: word(self, u, "R"),
                    user: word(self, u, "bob"),
                    endpoint: word(self, u, "bob"),
                    state: one_of(u, &[2, 1, 3, 0, 99]),
                    initiator: one_of(u, &[1, 2, 0, 99]),
                    usage: one_of(u, &[1, 1, 2, 99]),
                    secure: one_of(u, &[0, 1, 2]),
                };
                let (room, mut id) = (Room::of(u, dialog), 0);
                if told(unsafe { sipxfer_dialog_add(self.engine, room.ptr(), &mut id) }) {
                    self.host.references.set(self.host.references.get() + 1);
                    self.dialogs.push(id);
                }
            }
            2 => drop(told(unsafe { sipxfer_dialog_set_state(self.engine, id, number(u)) })),
            3 => drop(told(unsafe { sipxfer_dialog_remove(self.engine, id, self.now_ms) })),
            _ => {
                let key = self.key(u);
                told(unsafe { sipxfer_dialog_ended(self.engine, key.ptr(), self.now_ms) });
                let mut count = 0;
                assert!(told(unsafe { sipxfer_dialog_count(self.engine, &mut count) }));
            }
        }
    }

    fn settings(&mut self, u: &mut Unstructured<'_>) {
        let (scope, name, value) = (self.texts.any(u), self.texts.any(u), self.texts.any(u));
        let mut setting = Room::empty::<sipxfer_setting>(u);
        let at = number(u) as usize;
        let listed = told(unsafe { sipxfer_setting_at(at, setting.mut_ptr()) });
        let listed = setting.read::<sipxfer_setting>().filter(|_| listed).map(|it| it.name);
        let name = listed.unwrap_or(name);
        let (mut buffer, mut needed) = (Buffer::any(u), 0);
        unsafe {
            told(sipxfer_config_set(
                self.config,
                scope.ptr,
                scope.len,
                name.ptr,
                name.len,
                value.ptr,
                value.len,
            ));
            told(sipxfer_config_error(self.config, buffer.ptr(), buffer.capacity(), &mut needed));
            told(sipxfer_config_get(
                self.config,
                scope.ptr,
                scope.len,
                name.ptr,
                name.len,
                buffer.ptr(),
                buffer.capacity(),
                &mut needed,
            ));
            assert!(told(sipxfer_config_apply(self.engine, self.config)));
            told(sipxfer_engine_supported(
                self.engine,
                scope.ptr,
                scope.len,
                buffer.ptr(),
                buffer.capacity(),
                &mut needed,
            ));
        }
    }

    fn request(&mut self, u: &mut Unstructured<'_>) -> sipxfer_request {
        let plain = u.ratio(3, 4).unwrap_or(true);
        let bob = self.texts.keep(b"bob");
        sipxfer_request {
            struct_size: 0,
            message: self.texts.message(u),
            host_data: std::ptr::null_mut(),
            dialog: std::ptr::null_mut(),
            source: if plain { bob } else { self.texts.any(u) },
            endpoint: if plain { bob } else { self.texts.any(u) },
            user: if plain { bob } else { self.texts.any(u) },
            context: if plain { bob } else { self.texts.any(u) },
            now_ms: self.now_ms & (i64::MAX as u64),
            transport: if plain { 1 } else { number(u) },
            secure: if plain { 0 } else { number(u) },
            transfer_depth: if plain { 0 } else { number(u) },
            handling: if plain { 0 } else { one_of(u, &[0, 0, 1, 2, 3]) },
        }
    }

    pub fn decide(
        &mut self,
        u: &mut Unstructured<'_>,
        function: impl FnOnce(
            *const sipxfer_request,
            u32,
            *mut c_char,
            usize,
            *mut sipxfer_verdict,
        ) -> i32,
    ) {
        let request = self.request(u);
        let room = Room::of(u, request);
        let enough = scratch_size(request.message.len);
        let mut scratch = Buffer::of(one_of(u, &[enough, enough, enough, enough - 1, 0]), false);
        let mut verdict = Room::empty::<sipxfer_verdict>(u);
        let lock = one_of(u, &[0, 1, 1, 2]);
        let status =
            function(room.ptr(), lock, scratch.ptr(), scratch.capacity(), verdict.mut_ptr());
        let decided = told(status);
        if scratch.capacity() == enough {
            assert_ne!(status, SIPXFER_E_SCRATCH, "scratch space that is said to be enough");
        }
        let (mut buffer, mut needed) = (Buffer::any(u), 0);
        let tag = self.texts.any(u);
        if !decided {
            return;
        }
        // A host may hand in what it was given, or what it made of it.
        if let Some(mut changed) = verdict.read::<sipxfer_verdict>() {
            if u.ratio(1, 4).unwrap_or(false) {
                (changed.kind, changed.code) = (number(u), number(u));
                changed.warning = self.texts.any(u);
            }
            let changed = Room::of(u, changed);
            told(unsafe {
                sipxfer_response_print(
                    room.ptr(),
                    changed.ptr(),
                    tag.ptr,
                    tag.len,
                    buffer.ptr(),
                    buffer.capacity(),
                    &mut needed,
                )
            });
        }
        assert!(told(unsafe { sipxfer_verdict_release(self.engine, verdict.mut_ptr()) }));
        // Once more does nothing, or says so.
        told(unsafe { sipxfer_verdict_release(self.engine, verdict.mut_ptr()) });
    }

    fn verdict(
        &mut self,
        u: &mut Unstructured<'_>,
        function: unsafe extern "C" fn(
            *const sipxfer_engine,
            *const sipxfer_request,
            u32,
            *mut c_char,
            usize,
            *mut sipxfer_verdict,
        ) -> i32,
    ) {
        let engine = self.engine;
        let way = number(u) % 8;
        let token = if way == 7 { self.texts.any(u) } else { self.texts.keep(b"") };
        self.decide(u, |request, lock, scratch, len, verdict| unsafe {
            match way {
                0 | 4 => {}
                7 => {
                    let (ptr, token_len) = (token.ptr, token.len);
                    return sipxfer_park_find(
                        engine, request, ptr, token_len, scratch, len, verdict,
                    );
                }
                _ => return function(engine, request, lock, scratch, len, verdict),
            }
            let mut item = sipxfer_verification {
                struct_size: size_of::<sipxfer_verification>(),
                request,
                scratch,
                scratch_len: len,
                verdict,
                status: 0,
                reserved: lock & 2,
            };
            sipxfer_replaces_verify_requests(engine, &mut item, 1)
        });
    }

    fn receive(&mut self, u: &mut Unstructured<'_>) {
        let (engine, mut transfer) = (self.engine, 0);
        self.decide(u, |request, lock, scratch, len, verdict| unsafe {
            sipxfer_transfer_receive(engine, request, lock, scratch, len, verdict, &mut transfer)
        });
        if transfer != 0 {
            self.transfers.push(transfer);
        }
    }

    fn input(&mut self, u: &mut Unstructured<'_>) {
        let last = self.transfers.last().copied().unwrap_or(0);
        let first = self.transfers.first().copied().unwrap_or(0);
        let id = one_of(u, &[last, last, first, 0, u64::MAX, last ^ 1]);
        let (engine, now_ms, code) = (self.engine, self.now_ms, number(u));
        let code = one_of(u, &[180, 200, 486, 183, 100, code]);
        let text = self.texts.any(u);
        let mut granted = 0;
        let status = unsafe {
            match number(u) % 8 {
                0 => sipxfer_transfer_decide(engine, id, one_of(u, &[1, 0, 2]), now_ms),
                1 => sipxfer_transfer_progress(engine, id, code, text.ptr, text.len, now_ms),
                2 => sipxfer_transfer_contact_failed(engine, id, now_ms),
                3 => sipxfer_transfer_give_up(engine, id, code, now_ms),
                4 => sipxfer_transfer_bye(engine, id, now_ms),
                5 => sipxfer_transfer_subscribe(engine, id, number(u), now_ms, &mut granted),
                6 => sipxfer_transfer_notify_answered(engine, id, code, now_ms),
                _ => sipxfer_transfer_command(engine, id, text.ptr, text.len, now_ms),
            }
        };
        told(status);
    }

    fn output(&mut self, u: &mut Unstructured<'_>) {
        let id = one_of(u, &[self.transfers.last().copied().unwrap_or(0), 0, 0, u64::MAX]);
        let mut buffer = Buffer::any(u);
        let (to, capacity) = (buffer.ptr(), buffer.capacity());
        let mut output = Room::empty::<sipxfer_output>(u);
        told(unsafe { sipxfer_transfer_next(self.engine, id, to, capacity, output.mut_ptr()) });
        let id = one_of(u, &[self.refers.last().copied().unwrap_or(0), 0, 0, u64::MAX]);
        let mut output = Room::empty::<sipxfer_refer_output>(u);
        told(unsafe { sipxfer_refer_next(self.engine, id, to, capacity, output.mut_ptr()) });
        let (key, mut found) = (self.key(u), 0);
        told(unsafe { sipxfer_transfer_find(self.engine, key.ptr(), number(u), &mut found) });
    }

    fn event(&mut self, u: &mut Unstructured<'_>) {
        let channel = self.texts.keep(b"{\"id\":\"1\"}");
        let event = sipxfer_event {
            struct_size: 0,
            application: self.texts.any(u),
            timestamp: self.texts.any(u),
            state: self.texts.any(u),
            replaces: self.texts.any(u),
            destination: self.texts.any(u),
            source_channel: if u.ratio(2, 3).unwrap_or(true) { channel } else { self.texts.any(u) },
            source_connected: self.texts.any(u),
            source_bridge: self.texts.any(u),
            destination_channel: self.texts.any(u),
            destination_connected: self.texts.any(u),
            destination_bridge: self.texts.any(u),
        };
        self.print(u, event, sipxfer_event_json);
    }

    fn time(&mut self, _: &mut Unstructured<'_>) {
        let (mut next, mut count) = (0, 0);
        told(unsafe { sipxfer_tick(self.engine, self.now_ms) });
        assert!(told(unsafe { sipxfer_next_deadline(self.engine, &mut next) }));
        assert!(told(unsafe { sipxfer_transfer_count(self.engine, &mut count) }));
        assert!(count <= self.transfers.len() + self.refers.len());
    }

    /// Numbers become words, or NULL.
    fn words(&mut self, u: &mut Unstructured<'_>) {
        let any = number(u);
        let words = [
            sipxfer_verdict_name(any),
            sipxfer_ground_name(any),
            sipxfer_rule_text(any),
            sipxfer_rule_source(any),
            sipxfer_strerror(any as i32),
            sipxfer_output_name(any),
            sipxfer_command_name(any),
            sipxfer_cause_name(any),
            sipxfer_refer_output_name(any),
            sipxfer_refer_command_name(any),
            sipxfer_refer_outcome_name(any),
            sipxfer_refer_why_name(any),
        ];
        for word in words.into_iter().filter(|word| !word.is_null()) {
            assert!(unsafe { CStr::from_ptr(word) }.to_str().is_ok());
        }
        let reason = self.texts.any(u);
        let (mut buffer, mut needed) = (Buffer::any(u), 0);
        let (to, capacity) = (buffer.ptr(), buffer.capacity());
        told(unsafe {
            sipxfer_sipfrag_print(any, reason.ptr, reason.len, to, capacity, &mut needed)
        });
        told(unsafe { sipxfer_refer_sub_print(any, to, capacity, &mut needed) });
    }

    fn message(&mut self, u: &mut Unstructured<'_>) {
        let (text, name) = (self.texts.message(u), self.texts.any(u));
        let mut value = self.texts.keep(b"");
        told(unsafe {
            sipxfer_message_header(text.ptr, text.len, name.ptr, name.len, number(u), &mut value)
        });
        let (mut out, mut error) =
            (Room::empty::<sipxfer_message>(u), Room::empty::<sipxfer_parse_error>(u));
        told(unsafe { sipxfer_message_parse(text.ptr, text.len, out.mut_ptr(), error.mut_ptr()) });
    }
}
