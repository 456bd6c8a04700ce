//! RTP (RFC 3550): each phone speaks with a voice of its own, a chord of two tones that no other
//! phone of the test has, and its ear tells whose voices a packet holds, mixed ones too.
//!
//! The tones are multiples of 50 Hz, so each packet of 20 ms holds whole waves: all packets of a
//! voice are alike, and any 20 ms of a mix show exactly the tones that are in it.

use std::collections::HashMap;
use std::f64::consts::TAU;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

const TONES: u64 = 60;
const SAMPLES: usize = 160;
const PACKET: Duration = Duration::from_millis(20);
/// So many packets in a row show that voice flows.
const ENOUGH: usize = 5;

fn frequency(tone: u64) -> f64 {
    300.0 + 50.0 * tone as f64
}

/// A chord, as the set of its tones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Voice(pub u64);

impl Voice {
    /// The voice of phone number `n`: neighbours have no tone in common.
    pub fn nth(n: u64) -> Voice {
        let low = n % TONES;
        let high = (low + 7 + n / TONES) % TONES;
        Voice(1 << low | 1 << high)
    }

    fn packet(self) -> [u8; SAMPLES] {
        let tones: Vec<f64> =
            (0..TONES).filter(|tone| self.0 >> tone & 1 == 1).map(frequency).collect();
        std::array::from_fn(|at| {
            let time = at as f64 / 8000.0;
            let sum: f64 = tones.iter().map(|hertz| (TAU * hertz * time).sin() * 6000.0).sum();
            to_ulaw(sum as i32)
        })
    }
}

fn to_ulaw(sample: i32) -> u8 {
    let sign = if sample < 0 { 0x80 } else { 0 };
    let magnitude = sample.abs().min(32635) + 132;
    let exponent = (24 - magnitude.leading_zeros() as i32).clamp(0, 7);
    let mantissa = magnitude >> (exponent + 3) & 0x0f;
    !(sign | exponent << 4 | mantissa) as u8
}

fn from_ulaw(byte: u8) -> f64 {
    let byte = !byte;
    let magnitude = ((i32::from(byte & 0x0f) << 3) + 132) << (byte >> 4 & 7);
    let value = f64::from(magnitude - 132);
    if byte & 0x80 == 0 {
        value
    } else {
        -value
    }
}

/// Nothing to hear, in G.711 mu-law.
const SILENCE: u8 = 0xff;

/// The tones that a packet holds, by Goertzel's algorithm.
fn tones_in(packet: &[u8]) -> u64 {
    let samples: Vec<f64> = packet.iter().map(|byte| from_ulaw(*byte)).collect();
    let loud = 1500.0 * samples.len() as f64 / 2.0;
    (0..TONES)
        .filter(|tone| loudness(&samples, frequency(*tone)) > loud)
        .map(|tone| 1 << tone)
        .sum()
}

fn loudness(samples: &[f64], hertz: f64) -> f64 {
    let angle = TAU * hertz / 8000.0;
    let factor = 2.0 * angle.cos();
    let (mut last, mut before) = (0.0, 0.0);
    for sample in samples {
        (last, before) = (sample + factor * last - before, last);
    }
    (last * last + before * before - factor * last * before).max(0.0).sqrt()
}

#[derive(Default)]
struct Ear {
    /// The tones of each packet, in order.
    packets: Vec<u64>,
    /// Packets by the SSRC that they came under.
    sources: HashMap<u32, u64>,
    /// What was found in packets before: most are alike.
    known: HashMap<Vec<u8>, u64>,
}

struct Shared {
    socket: UdpSocket,
    remote: Mutex<Option<SocketAddr>>,
    ear: Mutex<Ear>,
    heard: Condvar,
    /// The next packet is silence, and the last.
    ending: AtomicBool,
    /// Nothing is said, wherever it could go.
    mute: AtomicBool,
    stopped: AtomicBool,
}

/// The audio of one call: it speaks and listens on a thread of its own until it is dropped.
pub struct Media {
    shared: Arc<Shared>,
    local: SocketAddr,
}

impl Media {
    /// Opens a port; it listens at once, and speaks when it knows where to.
    pub fn new(ip: IpAddr, voice: Voice, ssrc: u32) -> Media {
        let socket = UdpSocket::bind((ip, 0)).expect("a port for RTP");
        let local = socket.local_addr().expect("a bound socket has an address");
        let shared = Arc::new(Shared {
            socket,
            remote: Mutex::default(),
            ear: Mutex::default(),
            heard: Condvar::new(),
            ending: AtomicBool::new(false),
            mute: AtomicBool::new(false),
            stopped: AtomicBool::new(false),
        });
        let runner = shared.clone();
        thread::spawn(move || runner.run(&voice.packet(), ssrc));
        Media { shared, local }
    }

    /// Where it listens.
    pub fn local(&self) -> SocketAddr {
        self.local
    }

    /// Speaks to this address, or not at all.
    pub fn speak_to(&self, remote: Option<SocketAddr>) {
        *self.shared.remote.lock().unwrap_or_else(PoisonError::into_inner) = remote;
    }

    /// Says one packet of silence and then nothing until [`Media::unmute`], and waits until `other`
    /// has heard that packet: what was said before it is under way no more. A host that is changing the
    /// way of the voice may lose it: it is said again, a second later. Whether one came in time.
    pub fn falls_silent_for(&self, other: &Media, patience: Duration) -> bool {
        let end = Instant::now() + patience;
        let mut ear = other.shared.ear.lock().unwrap_or_else(PoisonError::into_inner);
        let before = ear.packets.len();
        let again = Duration::from_secs(1);
        let mut said = Instant::now();
        self.shared.ending.store(true, Ordering::SeqCst);
        while !ear.packets[before..].contains(&0) {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let wait = left.min(again);
            ear = other.shared.heard.wait_timeout(ear, wait).expect("no panic under RTP").0;
            if said.elapsed() >= again {
                said = Instant::now();
                self.shared.ending.store(true, Ordering::SeqCst);
            }
        }
        true
    }

    /// Speaks again where it knows where to.
    pub fn unmute(&self) {
        self.shared.mute.store(false, Ordering::SeqCst);
    }

    /// Neither speaks nor listens any more; what was heard stays.
    pub fn stop(&self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
    }

    /// How many packets came by now.
    pub fn count(&self) -> usize {
        self.shared.ear.lock().unwrap_or_else(PoisonError::into_inner).packets.len()
    }

    /// How many packets came under each SSRC.
    pub fn sources(&self) -> HashMap<u32, u64> {
        self.shared.ear.lock().unwrap_or_else(PoisonError::into_inner).sources.clone()
    }

    /// How many packets since packet `from` hold all of this voice.
    pub fn heard_since(&self, from: usize, voice: Voice) -> usize {
        let ear = self.shared.ear.lock().unwrap_or_else(PoisonError::into_inner);
        ear.packets.iter().skip(from).filter(|tones| *tones & voice.0 == voice.0).count()
    }

    /// Waits until some new packets in a row hold exactly these tones, or at least these.
    pub fn hears(&self, tones: u64, exactly: bool, patience: Duration) -> Result<(), String> {
        let end = Instant::now() + patience;
        let mut ear = self.shared.ear.lock().unwrap_or_else(PoisonError::into_inner);
        let before = ear.packets.len();
        loop {
            // What came before somebody asked shows nothing.
            let last = &ear.packets[ear.packets.len().saturating_sub(ENOUGH).max(before)..];
            let fits = |found: &u64| if exactly { *found == tones } else { found & tones == tones };
            if last.len() == ENOUGH && last.iter().all(fits) {
                return Ok(());
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let count = ear.packets.len();
                return Err(format!("of {count} packets the last held {last:x?}, not {tones:x}"));
            }
            ear = self.shared.heard.wait_timeout(ear, left).expect("no panic under RTP").0;
        }
    }
}

impl Drop for Media {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Shared {
    fn run(&self, payload: &[u8; SAMPLES], ssrc: u32) {
        let mut sequence: u16 = 0;
        let mut next = Instant::now();
        let mut buffer = [0; 2048];
        while !self.stopped.load(Ordering::SeqCst) {
            let now = Instant::now();
            if now >= next {
                self.speak(payload, ssrc, sequence);
                sequence = sequence.wrapping_add(1);
                // A thread that slept too long does not make up for it by a burst.
                next = (next + PACKET).max(now);
                continue;
            }
            let _ = self.socket.set_read_timeout(Some(next - now));
            if let Ok(count @ 12..) = self.socket.recv(&mut buffer) {
                self.listen(&buffer[..count]);
            }
        }
    }

    fn speak(&self, payload: &[u8; SAMPLES], ssrc: u32, sequence: u16) {
        let Some(remote) = *self.remote.lock().unwrap_or_else(PoisonError::into_inner) else {
            return;
        };
        let last = self.ending.swap(false, Ordering::SeqCst);
        if last {
            self.mute.store(true, Ordering::SeqCst);
        } else if self.mute.load(Ordering::SeqCst) {
            return;
        }
        let mut packet = vec![0x80, 0x00];
        packet.extend_from_slice(&sequence.to_be_bytes());
        packet.extend_from_slice(&(u32::from(sequence) * SAMPLES as u32).to_be_bytes());
        packet.extend_from_slice(&ssrc.to_be_bytes());
        packet.extend_from_slice(if last { &[SILENCE; SAMPLES] } else { payload });
        let _ = self.socket.send_to(&packet, remote);
    }

    fn listen(&self, packet: &[u8]) {
        let payload_type = packet[1] & 0x7f;
        let header = 12 + 4 * usize::from(packet[0] & 0x0f);
        let Some(payload) = packet.get(header..).filter(|_| payload_type == 0) else {
            return;
        };
        let ssrc = u32::from_be_bytes([packet[8], packet[9], packet[10], packet[11]]);
        let mut ear = self.ear.lock().unwrap_or_else(PoisonError::into_inner);
        *ear.sources.entry(ssrc).or_default() += 1;
        let tones = match ear.known.get(payload) {
            Some(tones) => *tones,
            None => {
                let tones = tones_in(payload);
                if ear.known.len() < 64 {
                    ear.known.insert(payload.to_vec(), tones);
                }
                tones
            }
        };
        ear.packets.push(tones);
        self.heard.notify_all();
    }
}
