//! Dialogs of other nodes, and what an engine has counted.

use crate::calls::{told, World};
use crate::host::touch;
use crate::room::{number, one_of, Buffer, Room};
use arbitrary::Unstructured;
use sipxfer::ffi::*;

impl World {
    pub fn nodes_and_counters(&mut self, u: &mut Unstructured<'_>) {
        match number(u) % 4 {
            0 | 1 => self.resume(u),
            2 => self.route(u),
            _ => self.counters(u),
        }
    }

    /// What a node tells of a dialog, of the last lookup as a rule.
    fn resume(&mut self, u: &mut Unstructured<'_>) {
        let lookup = one_of(u, &[self.host.looked_up.get(), self.host.looked_up.get(), 0, 77]);
        let plain = u.ratio(3, 4).unwrap_or(true);
        let (node, uri) = (self.texts.keep(b"pbx-2"), self.texts.keep(b"sip:pbx2.example:5070"));
        let nothing = sipxfer_str { ptr: std::ptr::null(), len: 0 };
        let mut dialog = sipxfer_remote_dialog {
            struct_size: 0,
            node: if plain { node } else { self.texts.any(u) },
            uri: if plain { uri } else { self.texts.any(u) },
            user: self.texts.any(u),
            endpoint: self.texts.any(u),
            state: number(u),
            initiator: number(u),
            secure: number(u),
            reserved: u32::from(u.ratio(1, 16).unwrap_or(false)),
            parked: SIPXFER_PARKED_NO,
            reserved2: 0,
            call_id: nothing,
            local_tag: nothing,
            remote_tag: nothing,
        };
        if !plain {
            dialog.parked = number(u) % 4;
            dialog.call_id = self.texts.any(u);
            dialog.local_tag = self.texts.any(u);
            dialog.remote_tag = self.texts.any(u);
        }
        let room = Room::of(u, dialog);
        let status = one_of(u, &[SIPXFER_OK, SIPXFER_OK, SIPXFER_E_NOT_FOUND, -77]);
        let none = u.ratio(1, 8).unwrap_or(false);
        let dialog = if none { std::ptr::null() } else { room.ptr() };
        let mut count = usize::MAX;
        told(unsafe { sipxfer_lookup_resume(self.engine, lookup, status, dialog, self.now_ms) });
        assert!(told(unsafe { sipxfer_lookup_count(self.engine, &mut count) }));
        assert_ne!(count, usize::MAX);
    }

    fn route(&mut self, u: &mut Unstructured<'_>) {
        let (engine, id) = (self.engine, self.transfers.last().copied().unwrap_or(0));
        self.decide(u, |request, lock, scratch, len, verdict| unsafe {
            sipxfer_transfer_route(engine, id, request, lock, scratch, len, verdict)
        });
    }

    fn counters(&mut self, u: &mut Unstructured<'_>) {
        let (mut count, mut needed) = (0, 0);
        told(unsafe { sipxfer_verdict_took(self.engine, u.arbitrary().unwrap_or(0)) });
        told(unsafe { sipxfer_refusal_count(self.engine, number(u), &mut count) });
        let mut stats = Room::empty::<sipxfer_stats>(u);
        told(unsafe { sipxfer_stats_read(self.engine, stats.mut_ptr()) });
        let mut buffer = Buffer::any(u);
        let status = unsafe {
            sipxfer_metrics_print(self.engine, buffer.ptr(), buffer.capacity(), &mut needed)
        };
        if told(status) {
            assert!(needed <= buffer.capacity());
        }
        if status == SIPXFER_E_BUFFER {
            assert!(needed > buffer.capacity());
        }
        let back = number(u) as usize;
        let mut record = Room::empty::<sipxfer_transfer_record>(u);
        let (to, room) = (buffer.ptr(), buffer.capacity());
        if told(unsafe { sipxfer_last_transfer(self.engine, back, to, room, record.mut_ptr()) }) {
            if let Some(record) = record.read::<sipxfer_transfer_record>() {
                for text in [record.call_id, record.endpoint, record.target, record.why] {
                    touch(text);
                }
            }
        }
    }
}
