//! The side that sends a REFER.

use crate::calls::{told, World};
use crate::room::{number, one_of, Room};
use arbitrary::Unstructured;
use sipxfer::ffi::*;

impl World {
    pub fn start(&mut self, u: &mut Unstructured<'_>) {
        let (replaces, target) = (self.replaces(u), self.target_dialog(u));
        let (replaces, target) = (Room::of(u, replaces), Room::of(u, target));
        let plain = u.ratio(2, 3).unwrap_or(true);
        let uri = self.texts.keep(b"sip:carol@example.com");
        let none = self.texts.keep(b"");
        let options = sipxfer_refer_options {
            struct_size: 0,
            target: if plain { uri } else { self.texts.any(u) },
            contact: if plain { uri } else { self.texts.any(u) },
            aor: if plain { uri } else { self.texts.any(u) },
            replaces: replaces.ptr(),
            target_dialog: if plain { std::ptr::null() } else { target.ptr() },
            referred_by: if plain { none } else { self.texts.any(u) },
            peer_message: if plain { none } else { self.texts.message(u) },
            endpoint: if plain { none } else { self.texts.any(u) },
            kind: one_of(u, &[1, 2, 3, 0, 99]),
            contact_reachable: one_of(u, &[1, 0, 2]),
            dialog_state: one_of(u, &[2, 1, 3, 99]),
            dialog_initiator: one_of(u, &[1, 2, 0, 99]),
            target_supports_replaces: one_of(u, &[1, 0, 2]),
            peer: one_of(u, &[15, 0, 16]),
            subscribe: one_of(u, &[1, 0, 2]),
            bye_after_accept: one_of(u, &[0, 1, 2]),
        };
        let (room, mut id) = (Room::of(u, options), 0);
        if told(unsafe { sipxfer_refer_start(self.engine, room.ptr(), self.now_ms, &mut id) }) {
            self.refers.push(id);
        }
    }

    pub fn input_sent(&mut self, u: &mut Unstructured<'_>) {
        let id = one_of(u, &[self.refers.last().copied().unwrap_or(0), 0, u64::MAX]);
        let (engine, now_ms, mut answer) = (self.engine, self.now_ms, 0);
        let text = self.texts.message(u);
        let attempt = one_of(u, &[1, 2, 0, 9]);
        let status = unsafe {
            match number(u) % 7 {
                0 => sipxfer_refer_sent(engine, id, attempt, number(u), number(u) % 3, now_ms),
                1 | 2 => sipxfer_refer_response(engine, id, attempt, text.ptr, text.len, now_ms),
                3 => {
                    let attempt = one_of(u, &[0, attempt]);
                    sipxfer_refer_notify(
                        engine,
                        id,
                        attempt,
                        text.ptr,
                        text.len,
                        now_ms,
                        &mut answer,
                    )
                }
                4 => sipxfer_refer_call_ended(engine, id, now_ms),
                5 => sipxfer_refer_consultation_answered(engine, id, now_ms),
                _ => sipxfer_refer_consultation_ended(engine, id, now_ms),
            }
        };
        told(status);
    }
}
