//! Memory to hand in: exactly as long as it says.

use arbitrary::Unstructured;
use sipxfer::ffi::{sipxfer_str, SIPXFER_ALLOW_UNKNOWN};
use std::ffi::c_char;

/// One of several, by the bytes of the fuzzer; the first one where there are none left.
pub fn one_of<T: Clone>(u: &mut Unstructured<'_>, these: &[T]) -> T {
    these[usize::from(u.arbitrary::<u8>().unwrap_or(0)) % these.len()].clone()
}

pub fn number(u: &mut Unstructured<'_>) -> u32 {
    match u.arbitrary::<u8>().unwrap_or(0) {
        byte @ 0..=200 => u32::from(byte % 8),
        201..=230 => u32::from(u.arbitrary::<u16>().unwrap_or(0)),
        _ => u.arbitrary().unwrap_or(u32::MAX),
    }
}

/// A struct with a `struct_size`, right or wrong.
pub struct Room(Box<[u8]>);

impl Room {
    /// `value` as a C program of another version would hand it in.
    pub fn of<T: Copy>(u: &mut Unstructured<'_>, value: T) -> Room {
        let whole = size_of::<T>();
        let (size, tail) = match u.arbitrary::<u8>().unwrap_or(0) {
            0..=200 => (whole, 0),
            201..=205 => (whole - 1, 0),
            206..=210 => (whole + 8, 0),
            211..=215 => (whole + 8, 1),
            216..=220 => ((whole + 8) | SIPXFER_ALLOW_UNKNOWN as usize, 1),
            221..=225 => (4096, 0),
            226..=230 => (4097, 0),
            231..=235 => (usize::MAX, 0),
            236..=240 => (0, 0),
            _ => (usize::from(u.arbitrary::<u16>().unwrap_or(0)), 0),
        };
        let real = size & !(SIPXFER_ALLOW_UNKNOWN as usize);
        // A size that is too large is to be refused by its number alone.
        let length = if real > 4096 { 8 } else { real.max(8) };
        let mut bytes = vec![tail; length].into_boxed_slice();
        // SAFETY: the structs of the boundary hold no padding, and `value` lives.
        let value = unsafe { std::slice::from_raw_parts((&raw const value).cast::<u8>(), whole) };
        let copied = length.min(whole);
        bytes[..copied].copy_from_slice(&value[..copied]);
        bytes[..8].copy_from_slice(&size.to_ne_bytes());
        Room(bytes)
    }

    /// With every byte zero but the size.
    pub fn empty<T: Copy>(u: &mut Unstructured<'_>) -> Room {
        // SAFETY: zeros are valid in every struct of the boundary.
        Room::of(u, unsafe { std::mem::zeroed::<T>() })
    }

    pub fn ptr<T>(&self) -> *const T {
        self.0.as_ptr().cast()
    }

    pub fn mut_ptr<T>(&mut self) -> *mut T {
        self.0.as_mut_ptr().cast()
    }

    /// What stands there, if all of it does.
    pub fn read<T: Copy>(&self) -> Option<T> {
        // SAFETY: as long as a T, of any alignment, written as a T or zero.
        (self.0.len() >= size_of::<T>())
            .then(|| unsafe { self.0.as_ptr().cast::<T>().read_unaligned() })
    }
}

/// Strings that live as long as one input of the fuzzer.
#[derive(Default)]
pub struct Texts(Vec<Box<[u8]>>);

/// What stands in messages, so that something can come of what is handed in.
const WORDS: [&str; 24] = [
    "",
    "bob",
    "default",
    "consult",
    "L",
    "R",
    "0",
    "sip:carol@192.0.2.7",
    "<sip:carol@example.com>",
    "<sip:carol@h?Replaces=consult%3Bto-tag%3DL%3Bfrom-tag%3DR>",
    "consult;to-tag=L;from-tag=R;early-only;x=y",
    "consult;local-tag=L;remote-tag=R",
    "refer;id=2",
    "active;expires=60",
    "terminated;reason=noresource",
    "SIP/2.0 200 OK\r\n",
    "channel_progress",
    "channel_answered",
    "{\"id\":\"1\",\"name\":\"SIP/bob-1\"}",
    "false;x=1",
    "transfer_handling",
    "application-only",
    "endpoint:bob",
    "a\r\nb: \0",
];

const REQUESTS: [&str; 6] = [
    "REFER sip:pbx@h SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\nFrom: <sip:bob@h>;tag=f\r\n\
     To: <sip:pbx@h>;tag=t\r\nCall-ID: refer\r\nCSeq: 2 REFER\r\nRefer-To: <sip:100@h>\r\n\r\n",
    "REFER sip:pbx@h SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK2\r\nFrom: <sip:bob@h>;tag=f\r\n\
     To: <sip:pbx@h>;tag=t\r\nCall-ID: refer\r\nCSeq: 3 REFER\r\nReferred-By: <sip:bob@h>\r\n\
     Refer-To: <sip:carol@h?Replaces=consult%3Bto-tag%3DL%3Bfrom-tag%3DR>\r\n\r\n",
    "REFER sip:pbx@h SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK3\r\nFrom: <sip:bob@h>;tag=f\r\n\
     To: <sip:pbx@h>;tag=t\r\nCall-ID: refer\r\nCSeq: 4 REFER\r\nUser-Agent: Grandstream GXP2160\r\n\
     Refer-To: <sip:c@far.example?Replaces=x%3Bto-tag%3DL%3Bfrom-tag%3DR>\r\nRefer-Sub: false\r\n\r\n",
    "INVITE sip:100@h SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK4\r\nFrom: <sip:bob@h>;tag=f\r\n\
     To: <sip:100@h>\r\nCall-ID: new\r\nCSeq: 1 INVITE\r\nReplaces: consult;to-tag=L;from-tag=R\r\n\r\n",
    "NOTIFY sip:pbx@h SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK5\r\nFrom: <sip:c@h>;tag=f\r\n\
     To: <sip:pbx@h>;tag=t\r\nCall-ID: refer\r\nCSeq: 5 NOTIFY\r\nEvent: refer\r\n\
     Subscription-State: active;expires=60\r\n\r\nSIP/2.0 200 OK\r\n",
    "SIP/2.0 202 Accepted\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK6\r\nFrom: <sip:c@h>;tag=f\r\n\
     To: <sip:pbx@h>;tag=t\r\nCall-ID: refer\r\nCSeq: 2 REFER\r\nSupported: replaces, norefersub\r\n\r\n",
];

impl Texts {
    /// One of the messages, with something put into it now and then.
    pub fn message(&mut self, u: &mut Unstructured<'_>) -> sipxfer_str {
        let mut text = one_of(u, &REQUESTS).as_bytes().to_vec();
        if u.ratio(1, 2).unwrap_or(false) {
            let at = usize::from(u.arbitrary::<u16>().unwrap_or(0)) % text.len();
            let cut = usize::from(u.arbitrary::<u8>().unwrap_or(0) % 16).min(text.len() - at);
            let len = usize::from(u.arbitrary::<u8>().unwrap_or(0) % 64).min(u.len());
            let put = u.bytes(len).unwrap_or(b"").to_vec();
            text.splice(at..at + cut, put);
        }
        self.keep(&text)
    }

    pub fn keep(&mut self, text: &[u8]) -> sipxfer_str {
        let text: Box<[u8]> = text.into();
        let kept = sipxfer_str { ptr: text.as_ptr().cast(), len: text.len() };
        self.0.push(text);
        kept
    }

    /// A string of any kind: a known word, bytes of the fuzzer, or none.
    pub fn any(&mut self, u: &mut Unstructured<'_>) -> sipxfer_str {
        let null = std::ptr::null::<c_char>();
        match u.arbitrary::<u8>().unwrap_or(0) {
            0..=170 => {
                let word = one_of(u, &WORDS);
                self.keep(word.as_bytes())
            }
            171..=240 => {
                let len = usize::from(u.arbitrary::<u8>().unwrap_or(0));
                let bytes = u.bytes(len.min(u.len())).unwrap_or(b"").to_vec();
                self.keep(&bytes)
            }
            241..=245 => sipxfer_str { ptr: null, len: 0 },
            246..=248 => sipxfer_str { ptr: null, len: 5 },
            249..=251 => sipxfer_str { len: usize::MAX, ..self.keep(b"x") },
            _ => sipxfer_str { len: 0, ..self.keep(b"x") },
        }
    }
}

/// A buffer to write to.
pub struct Buffer(Box<[u8]>, bool);

impl Buffer {
    pub fn any(u: &mut Unstructured<'_>) -> Buffer {
        let capacity = one_of(u, &[1024_usize, 1024, 4096, 0, 1, 16, 100]);
        Buffer::of(capacity, one_of(u, &[false, false, false, false, false, false, false, true]))
    }

    pub fn of(capacity: usize, is_null: bool) -> Buffer {
        Buffer(vec![0xA5; capacity].into_boxed_slice(), is_null)
    }

    pub fn ptr(&mut self) -> *mut c_char {
        if self.1 {
            return std::ptr::null_mut();
        }
        self.0.as_mut_ptr().cast()
    }

    /// The first bytes of what was written.
    pub fn read(&self, len: usize) -> Vec<u8> {
        self.0[..len].to_vec()
    }

    pub fn capacity(&self) -> usize {
        self.0.len()
    }
}
