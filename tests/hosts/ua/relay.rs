//! A bad network between one phone and its PBX: packets are lost, come late, overtake each other and come
//! twice. The kernel's own way to do that is not at hand everywhere; this is two sockets and a queue.

use std::collections::BinaryHeap;
use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// How bad it is. Shares are of a thousand packets.
#[derive(Clone, Copy)]
pub struct Weather {
    /// Never arrive.
    pub lost: u64,
    /// Arrive twice.
    pub twice: u64,
    /// Arrive late, by up to `delay`, and so behind others.
    pub late: u64,
    /// The longest delay.
    pub delay: Duration,
}

/// What is under way, the earliest first.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Packet {
    due: std::cmp::Reverse<Instant>,
    number: u64,
    outwards: bool,
    bytes: Vec<u8>,
}

struct Shared {
    inner: UdpSocket,
    outer: UdpSocket,
    phone: SocketAddr,
    pbx: SocketAddr,
    weather: Weather,
    chance: AtomicU64,
    faults: AtomicU64,
    over: AtomicBool,
    cut: AtomicBool,
    queue: Mutex<BinaryHeap<Packet>>,
    changed: Condvar,
}

/// Two addresses with the bad network between them: what the phone sends to `inner` leaves from `outer`,
/// where the PBX believes the phone to be.
pub struct Relay {
    shared: Arc<Shared>,
    /// Where the phone sends to.
    pub inner: SocketAddr,
    /// Where the PBX sends to.
    pub outer: SocketAddr,
}

impl Relay {
    /// Between a phone at `phone` and the PBX at `pbx`.
    pub fn new(
        [inner, outer]: [SocketAddr; 2],
        phone: SocketAddr,
        pbx: SocketAddr,
        weather: Weather,
    ) -> Relay {
        let bind = |at| UdpSocket::bind(at).expect("the address is free");
        let shared = Arc::new(Shared {
            inner: bind(inner),
            outer: bind(outer),
            phone,
            pbx,
            weather,
            chance: AtomicU64::new(u64::from(outer.port()) << 32 | 0x9E37_79B9),
            faults: AtomicU64::new(0),
            over: AtomicBool::new(false),
            cut: AtomicBool::new(false),
            queue: Mutex::default(),
            changed: Condvar::new(),
        });
        for outwards in [true, false] {
            let shared = shared.clone();
            thread::spawn(move || shared.receive(outwards));
        }
        let sender = shared.clone();
        thread::spawn(move || sender.deliver());
        Relay { shared, inner, outer }
    }

    /// Nothing arrives any more, on either side: for the PBX the phone has died.
    pub fn cut(&self) {
        self.shared.cut.store(true, Ordering::SeqCst);
    }

    /// How many packets were lost, doubled or delayed.
    pub fn faults(&self) -> u64 {
        self.shared.faults.load(Ordering::Relaxed)
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::SeqCst);
        self.shared.changed.notify_all();
        // Both who wait for a packet get one.
        for (socket, to) in [(&self.shared.outer, self.inner), (&self.shared.inner, self.outer)] {
            socket.send_to(&[], to).ok();
        }
    }
}

impl Shared {
    /// One in a thousand, so many times.
    fn drawn(&self, share: u64) -> bool {
        self.number() % 1000 < share
    }

    fn number(&self) -> u64 {
        let step = |it: u64| Some(it.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
        let (before, order) = (&self.chance, Ordering::Relaxed);
        before.fetch_update(order, order, step).expect("it always steps") >> 33
    }

    fn receive(&self, outwards: bool) {
        let socket = if outwards { &self.inner } else { &self.outer };
        let mut buffer = [0; 65536];
        while let Ok(len) = socket.recv(&mut buffer) {
            if self.over.load(Ordering::SeqCst) {
                break;
            }
            let cut = self.cut.load(Ordering::SeqCst);
            let lost = self.drawn(self.weather.lost) || cut;
            let twice = self.drawn(self.weather.twice);
            self.faults.fetch_add(u64::from(lost || twice), Ordering::Relaxed);
            for _ in 0..if lost { 0 } else { 1 + usize::from(twice) } {
                let late = self.drawn(self.weather.late);
                self.faults.fetch_add(u64::from(late), Ordering::Relaxed);
                let most = self.weather.delay.as_micros().max(1) as u64;
                let delay = if late { self.number() % most } else { 0 };
                let due = std::cmp::Reverse(Instant::now() + Duration::from_micros(delay));
                let bytes = buffer[..len].to_vec();
                let number = self.number();
                self.queue.lock().unwrap().push(Packet { due, number, outwards, bytes });
                self.changed.notify_one();
            }
        }
    }

    fn deliver(&self) {
        let mut queue = self.queue.lock().unwrap();
        while !self.over.load(Ordering::SeqCst) {
            let now = Instant::now();
            match queue.peek().map(|first| first.due.0) {
                None => queue = self.changed.wait(queue).unwrap(),
                Some(due) if due > now => {
                    queue = self.changed.wait_timeout(queue, due - now).unwrap().0;
                }
                Some(_) => {
                    let packet = queue.pop().expect("it was just there");
                    drop(queue);
                    let sent = if packet.outwards {
                        self.outer.send_to(&packet.bytes, self.pbx)
                    } else {
                        self.inner.send_to(&packet.bytes, self.phone)
                    };
                    // A PBX that is gone refuses packets: that is part of the weather.
                    sent.ok();
                    queue = self.queue.lock().unwrap();
                }
            }
        }
    }
}
