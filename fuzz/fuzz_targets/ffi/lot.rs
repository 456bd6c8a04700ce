//! Takeovers, the park lot, and what else lasts longer than one request.

use crate::calls::{told, World};
use crate::host;
use crate::room::{number, one_of, Buffer, Room};
use arbitrary::Unstructured;
use sipxfer::ffi::*;

impl World {
    /// An INVITE with Replaces, from the decision on.
    pub fn take_over(&mut self, u: &mut Unstructured<'_>) {
        let (engine, mut takeover) = (self.engine, 0);
        self.decide(u, |request, lock, scratch, len, verdict| unsafe {
            sipxfer_takeover_receive(engine, request, lock, scratch, len, verdict, &mut takeover)
        });
        if takeover != 0 {
            self.takeovers.push(takeover);
        }
    }

    pub fn input_takeover(&mut self, u: &mut Unstructured<'_>) {
        let id = one_of(u, &[self.takeovers.last().copied().unwrap_or(0), 0, u64::MAX]);
        let (engine, now_ms, code) = (self.engine, self.now_ms, number(u));
        let code = one_of(u, &[488, 603, 200, code]);
        let key = self.key(u);
        let (mut found, mut side, mut count) = (0, 0, 0);
        let mut output = Room::empty::<sipxfer_takeover_output>(u);
        told(unsafe {
            match number(u) % 12 {
                0 | 1 => sipxfer_takeover_answered(engine, id, now_ms),
                2 => sipxfer_takeover_not_answered(engine, id, code, now_ms),
                3 => sipxfer_takeover_acked(engine, id, now_ms),
                4 => sipxfer_takeover_new_ended(engine, id, now_ms),
                5 => sipxfer_takeover_old_answered(engine, id, now_ms),
                6 => sipxfer_takeover_old_ended(engine, id, now_ms),
                7 => sipxfer_takeover_reinvite(engine, key.ptr(), &mut side),
                8 => sipxfer_takeover_find(engine, key.ptr(), &mut found, &mut side),
                _ => {
                    let id = one_of(u, &[id, 0]);
                    sipxfer_takeover_next(engine, id, output.mut_ptr())
                }
            }
        });
        assert!(told(unsafe { sipxfer_takeover_count(engine, &mut count) }));
        assert!(count <= self.takeovers.len());
    }

    fn park_call(&mut self, u: &mut Unstructured<'_>) {
        let plain = u.ratio(3, 4).unwrap_or(true);
        let (call_id, tags) = (self.texts.keep(b"consult"), [&b"L"[..], b"R"]);
        let [local, remote] = tags.map(|tag| self.texts.keep(tag));
        let call = sipxfer_park_call {
            struct_size: 0,
            call_id: if plain { call_id } else { self.texts.any(u) },
            local_tag: if plain { local } else { self.texts.any(u) },
            remote_tag: if plain { remote } else { self.texts.any(u) },
            parker: self.texts.any(u),
            party: self.texts.any(u),
            handle: u64::from(number(u)),
            place: one_of(u, &[1, 2, 3, 0, 99]),
            number: one_of(u, &[0, 701, 702, 1]),
        };
        let (room, mut buffer, mut needed) = (Room::of(u, call), Buffer::any(u), 0);
        let (to, capacity) = (buffer.ptr(), buffer.capacity());
        if told(unsafe {
            sipxfer_park(self.engine, room.ptr(), self.now_ms, to, capacity, &mut needed)
        }) {
            let token = buffer.read(needed);
            self.tokens.push(self.texts.keep(&token));
        }
    }

    fn claim(&mut self, u: &mut Unstructured<'_>) {
        let any = self.texts.any(u);
        let token = one_of(u, &[self.tokens.last().copied().unwrap_or(any), any]);
        let key = self.key(u);
        let (mut buffer, mut needed) = (Buffer::any(u), 0);
        let (to, capacity) = (buffer.ptr(), buffer.capacity());
        let mut parked = Room::empty::<sipxfer_parked>(u);
        let (engine, now_ms, out) = (self.engine, self.now_ms, parked.mut_ptr());
        let claimed = told(unsafe {
            if u.ratio(1, 2).unwrap_or(true) {
                let (ptr, len) = (token.ptr, token.len);
                sipxfer_park_claim(engine, ptr, len, now_ms, to, capacity, &mut needed, out)
            } else {
                let key = key.ptr();
                sipxfer_park_claim_dialog(engine, key, now_ms, to, capacity, &mut needed, out)
            }
        });
        if let Some(parked) = parked.read::<sipxfer_parked>().filter(|_| claimed) {
            host::touch(parked.replaces);
            self.claims.push(parked.claim);
        }
    }

    pub fn lot(&mut self, u: &mut Unstructured<'_>) {
        let (engine, now_ms) = (self.engine, self.now_ms);
        let claim = one_of(u, &[self.claims.last().copied().unwrap_or(0), 0, u64::MAX]);
        let watcher = one_of(u, &[self.watchers.last().copied().unwrap_or(0), 0, u64::MAX]);
        let (expires, code, text) = (number(u), number(u), self.texts.any(u));
        let code = one_of(u, &[200, 481, code]);
        let (mut handle, mut granted, mut count, mut needed) = (0, 0, 0, 0);
        match number(u) % 12 {
            0 | 1 => self.park_call(u),
            2 | 3 => self.claim(u),
            4 => drop(told(unsafe { sipxfer_park_release(engine, claim, now_ms) })),
            5 => drop(told(unsafe { sipxfer_park_retrieved(engine, claim, now_ms) })),
            6 => drop(told(unsafe {
                sipxfer_park_cancel(engine, text.ptr, text.len, now_ms, &mut handle)
            })),
            7 => self.watch(u, expires),
            8 => drop(told(unsafe {
                sipxfer_park_refresh(engine, watcher, expires, now_ms, &mut granted)
            })),
            9 => drop(told(unsafe { sipxfer_park_notify_answered(engine, watcher, code, now_ms) })),
            _ => {
                let (mut buffer, mut output) =
                    (Buffer::any(u), Room::empty::<sipxfer_park_output>(u));
                let (to, capacity) = (buffer.ptr(), buffer.capacity());
                let out = output.mut_ptr();
                told(unsafe { sipxfer_park_next(engine, to, capacity, &mut needed, out) });
            }
        }
        assert!(told(unsafe { sipxfer_park_count(engine, &mut count) }));
        assert!(count <= self.tokens.len());
    }

    fn watch(&mut self, u: &mut Unstructured<'_>, expires_s: u32) {
        let (uri, any) = (self.texts.keep(b"sip:lot@h"), self.texts.any(u));
        let watch = sipxfer_park_watch {
            struct_size: 0,
            entity: one_of(u, &[uri, uri, any]),
            target: one_of(u, &[uri, uri, any]),
            event_id: self.texts.any(u),
            handle: u64::from(number(u)),
            number: one_of(u, &[0, 701, 1]),
            expires_s: one_of(u, &[expires_s, u32::MAX]),
        };
        let (room, mut watcher, mut granted) = (Room::of(u, watch), 0, 0);
        let (engine, now_ms) = (self.engine, self.now_ms);
        if told(unsafe {
            sipxfer_park_subscribe(engine, room.ptr(), now_ms, &mut watcher, &mut granted)
        }) {
            self.watchers.push(watcher);
        }
    }

    /// What concerns a dialog and not one transfer of it.
    pub fn of_dialogs(&mut self, u: &mut Unstructured<'_>) {
        let id = one_of(u, &[self.transfers.last().copied().unwrap_or(0), 0, u64::MAX]);
        let (engine, now_ms, text) = (self.engine, self.now_ms, self.texts.any(u));
        let any = self.texts.any(u);
        let token = one_of(u, &[self.tokens.last().copied().unwrap_or(any), any]);
        let (mut count, mut transfer, mut granted) = (0, 0, 0);
        match number(u) % 4 {
            0 => {
                let key = self.key(u);
                told(unsafe { sipxfer_dialog_bye(engine, key.ptr(), now_ms, &mut count) });
            }
            1 => drop(told(unsafe {
                sipxfer_transfer_subscribe_at(
                    engine,
                    text.ptr,
                    text.len,
                    number(u),
                    now_ms,
                    &mut transfer,
                    &mut granted,
                )
            })),
            2 => drop(told(unsafe {
                sipxfer_transfer_parked(
                    engine, id, token.ptr, token.len, text.ptr, text.len, now_ms,
                )
            })),
            _ => {
                let uri = self.texts.keep(b"sip:bob@h");
                let info = sipxfer_dialog_info {
                    struct_size: 0,
                    entity: one_of(u, &[uri, uri, text]),
                    target: one_of(u, &[uri, uri, text]),
                    endpoint: self.texts.any(u),
                    user: self.texts.any(u),
                    only: one_of(u, &[0, self.dialogs.last().copied().unwrap_or(0), u64::MAX]),
                    version: number(u),
                    reserved: one_of(u, &[0, 0, 0, 1]),
                };
                let (room, mut buffer, mut needed) = (Room::of(u, info), Buffer::any(u), 0);
                let (to, capacity) = (buffer.ptr(), buffer.capacity());
                told(unsafe {
                    sipxfer_dialog_info_print(engine, room.ptr(), to, capacity, &mut needed)
                });
            }
        }
    }

    /// What is made of a whole message for the other leg, or out of it.
    pub fn of_messages(&mut self, u: &mut Unstructured<'_>) {
        let (message, cid) = (self.texts.message(u), self.texts.any(u));
        let mut part = Room::empty::<sipxfer_body_part>(u);
        told(unsafe {
            let (ptr, len) = (message.ptr, message.len);
            sipxfer_message_part(ptr, len, cid.ptr, cid.len, part.mut_ptr())
        });
        let enough = scratch_size(message.len);
        let mut scratch = Buffer::of(one_of(u, &[enough, enough, 0]), false);
        let (mut buffer, mut needed) = (Buffer::any(u), 0);
        let mut error = Room::empty::<sipxfer_parse_error>(u);
        let user = std::ptr::from_ref(&*self.host).cast_mut().cast();
        let status = unsafe {
            sipxfer_refer_pass(
                message.ptr,
                message.len,
                Some(host::peer_leg),
                user,
                scratch.ptr(),
                scratch.capacity(),
                buffer.ptr(),
                buffer.capacity(),
                &mut needed,
                error.mut_ptr(),
            )
        };
        // What the callback answers is handed on.
        assert!(status == 17 || told(status) || status < 0);
    }
}
