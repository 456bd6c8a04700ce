//! Many attended transfers at once through the PBX, and what that leaves behind.
//!
//! Alice, Bob and Carol are one socket each here, with any number of calls and no voices: Alice calls
//! Bob, calls Carol, refers Bob to Carol; then she is out of it, and Bob hangs up.

use super::process::{programs, sanitized_programs};
use super::tools;
use super::ua::message::{param, reason, uri_of};
use super::ua::{Msg, PATIENCE};
use super::world::{Net, Pbx, World};
use std::collections::HashMap;
use std::net::{SocketAddr, UdpSocket};
use std::sync::mpsc::{channel, Receiver};
use std::thread;
use std::time::{Duration, Instant};

const ALICE: usize = 0;
const BOB: usize = 1;
const NAMES: [&str; 3] = ["alice", "bob", "carol"];
/// pjsip keeps a transaction for up to 32 seconds: faster than this its tables would fill up.
const WAVE: Duration = Duration::from_secs(2);
/// Nobody speaks: the PBX has enough to do.
const SDP: &str = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
                   m=audio 9 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=inactive\r\n";

/// One end of a call.
struct Leg {
    who: usize,
    job: usize,
    local: String,
    remote: String,
    target: String,
    cseq: u32,
    ack: Vec<u8>,
    up: bool,
    over: bool,
}

/// One transfer: the Call-IDs of its legs, and how far it is.
#[derive(Default)]
struct Job {
    legs: [String; 4],
    referred: bool,
    told: u16,
    left: bool,
    ended: bool,
}

const FIRST: usize = 0;
const SECOND: usize = 1;
const AT_BOB: usize = 2;
const AT_CAROL: usize = 3;

/// A request that is not answered yet.
struct Waiting {
    bytes: Vec<u8>,
    who: usize,
    at: Instant,
    after: Duration,
}

struct Load {
    pbx: SocketAddr,
    at: [SocketAddr; 3],
    sockets: [UdpSocket; 3],
    arrived: Receiver<(usize, Vec<u8>)>,
    legs: HashMap<String, Leg>,
    jobs: HashMap<usize, Job>,
    waiting: HashMap<String, Waiting>,
    served: HashMap<(usize, String), Vec<u8>>,
    number: u64,
    done: usize,
}

impl Load {
    fn new(net: Net, pbx: SocketAddr) -> Load {
        let at = [10, 11, 12].map(|host| net.address(host));
        let sockets = at.map(|one| UdpSocket::bind(one).expect("the address is free"));
        let (sender, arrived) = channel();
        for (who, socket) in sockets.iter().enumerate() {
            let (socket, sender) = (socket.try_clone().expect("a socket"), sender.clone());
            thread::spawn(move || {
                let mut buffer = [0; 8192];
                while let Ok(len) = socket.recv(&mut buffer) {
                    // An empty packet ends it.
                    if len == 0 || sender.send((who, buffer[..len].to_vec())).is_err() {
                        break;
                    }
                }
            });
        }
        Load {
            pbx,
            at,
            sockets,
            arrived,
            legs: HashMap::new(),
            jobs: HashMap::new(),
            waiting: HashMap::new(),
            served: HashMap::new(),
            number: 0,
            done: 0,
        }
    }

    fn send(&self, who: usize, bytes: &[u8]) {
        self.sockets[who].send_to(bytes, self.pbx).expect("it is sent");
    }

    /// Sends a request of a leg, and again until it is answered.
    fn request(&mut self, call_id: &str, method: &str, headers: &[(&str, &str)], body: &str) {
        self.number += 1;
        let leg = self.legs.get_mut(call_id).expect("a leg");
        if method != "ACK" {
            leg.cseq += 1;
        }
        let branch = format!("z9hG4bK-{}", self.number);
        let own = self.at[leg.who];
        let mut msg = Msg::request(method, &leg.target)
            .with("Via", format!("SIP/2.0/UDP {own};branch={branch};rport"))
            .with("Max-Forwards", "70")
            .with("From", &*leg.local)
            .with("To", &*leg.remote)
            .with("Call-ID", call_id)
            .with("CSeq", format!("{} {method}", leg.cseq))
            .with("Contact", format!("<sip:{}@{own}>", NAMES[leg.who]));
        for (name, value) in headers {
            msg = msg.with(name, *value);
        }
        if !body.is_empty() {
            msg = msg.with_body("application/sdp", body);
        }
        let (bytes, who) = (msg.bytes(), leg.who);
        self.send(who, &bytes);
        if method == "ACK" {
            leg_of(&mut self.legs, call_id).ack = bytes;
            return;
        }
        let after = Duration::from_millis(500);
        self.waiting.insert(branch, Waiting { bytes, who, at: Instant::now() + after, after });
    }

    fn call(&mut self, job: usize, which: usize, callee: &str) {
        self.number += 1;
        let call_id = format!("load-{}-{job}", self.number);
        let leg = Leg {
            who: ALICE,
            job,
            local: format!("<sip:alice@{}>;tag=a{}", self.at[ALICE], self.number),
            remote: format!("<sip:{callee}@{}>", self.pbx),
            target: format!("sip:{callee}@{}", self.pbx),
            cseq: 0,
            ack: Vec::new(),
            up: false,
            over: false,
        };
        self.legs.insert(call_id.clone(), leg);
        self.jobs.entry(job).or_default().legs[which] = call_id.clone();
        self.request(&call_id, "INVITE", &[("Subject", &job.to_string())], SDP);
    }

    fn refer(&mut self, job: usize) {
        let state = self.jobs.get_mut(&job).expect("a job");
        state.referred = true;
        let (first, second) = (state.legs[FIRST].clone(), state.legs[SECOND].clone());
        let other = &self.legs[&second];
        let tag = |value: &str| param(value, "tag").expect("a tag").to_owned();
        let to = format!(
            "<sip:carol@{}?Replaces={second}%3Bto-tag%3D{}%3Bfrom-tag%3D{}>",
            self.pbx,
            tag(&other.remote),
            tag(&other.local)
        );
        self.request(&first, "REFER", &[("Refer-To", &to)], "");
    }

    fn on_response(&mut self, msg: &Msg) {
        let code = msg.status().expect("a response");
        let (_, method) = msg.cseq();
        let (method, call_id) = (method.to_owned(), msg.value("Call-ID").to_owned());
        let Some(leg) = self.legs.get_mut(&call_id) else { return };
        let (job, who) = (leg.job, leg.who);
        if code < 200 {
            if method == "INVITE" {
                self.waiting.remove(msg.branch());
            }
            return;
        }
        let expected = self.waiting.remove(msg.branch()).is_some();
        if !expected && (method != "INVITE" || leg.up) {
            let ack = leg.ack.clone();
            if method == "INVITE" && !ack.is_empty() {
                self.send(who, &ack);
            }
            return;
        }
        assert!(
            code < 300,
            "job {job}: {code} to {method}\n{}",
            String::from_utf8_lossy(&msg.bytes())
        );
        match method.as_str() {
            "INVITE" => {
                leg.up = true;
                leg.remote = msg.value("To").to_owned();
                leg.target = uri_of(msg.value("Contact")).to_owned();
                self.request(&call_id, "ACK", &[], "");
            }
            "BYE" => leg.over = true,
            _ => {}
        }
        self.advance(job);
    }

    fn on_request(&mut self, who: usize, msg: &Msg) {
        let method = msg.method().expect("a request");
        if method == "ACK" {
            return;
        }
        let key = (who, format!("{}{method}", msg.branch()));
        if let Some(again) = self.served.get(&key) {
            return self.send(who, again);
        }
        let call_id = msg.value("Call-ID").to_owned();
        let own = self.at[who];
        let mut response = msg.response(200, reason(200), &format!("t{call_id}"));
        if method == "INVITE" {
            response = response
                .with("Contact", format!("<sip:{}@{own}>", NAMES[who]))
                .with_body("application/sdp", SDP);
            let job: usize = msg.value("Subject").parse().expect("the job it belongs to");
            let leg = Leg {
                who,
                job,
                local: response.value("To").to_owned(),
                remote: msg.value("From").to_owned(),
                target: uri_of(msg.value("Contact")).to_owned(),
                cseq: 0,
                ack: Vec::new(),
                up: true,
                over: false,
            };
            let which = if who == BOB { AT_BOB } else { AT_CAROL };
            self.jobs.get_mut(&job).expect("a job").legs[which] = call_id.clone();
            self.legs.insert(call_id.clone(), leg);
        }
        let bytes = response.bytes();
        self.send(who, &bytes);
        self.served.insert(key, bytes);
        let Some(leg) = self.legs.get_mut(&call_id) else { return };
        let job = leg.job;
        if method == "BYE" {
            leg.over = true;
        }
        if method == "NOTIFY" && msg.value("Subscription-State").starts_with("terminated") {
            let code = msg.text().split(' ').nth(1).and_then(|code| code.parse().ok());
            self.jobs.get_mut(&job).expect("a job").told = code.expect("a code");
        }
        self.advance(job);
    }

    fn is_up(&self, call_id: &str) -> bool {
        self.legs.get(call_id).is_some_and(|leg| leg.up)
    }

    fn is_over(&self, call_id: &str) -> bool {
        self.legs.get(call_id).is_some_and(|leg| leg.over)
    }

    /// The next step of a transfer, where its time has come.
    fn advance(&mut self, number: usize) {
        let Some(job) = self.jobs.get(&number) else { return };
        let legs = job.legs.clone();
        if !self.is_up(&legs[FIRST]) {
        } else if legs[SECOND].is_empty() {
            self.call(number, SECOND, "carol");
        } else if !self.is_up(&legs[SECOND]) {
        } else if !job.referred {
            self.refer(number);
        } else if job.told == 0 {
        } else if !job.left {
            assert_eq!(job.told, 200, "job {number}");
            self.jobs.get_mut(&number).expect("a job").left = true;
            self.request(&legs[FIRST], "BYE", &[], "");
        } else if !self.is_over(&legs[FIRST]) || !self.is_over(&legs[SECOND]) {
        } else if !job.ended {
            self.jobs.get_mut(&number).expect("a job").ended = true;
            self.request(&legs[AT_BOB], "BYE", &[], "");
        } else if self.is_over(&legs[AT_BOB]) && self.is_over(&legs[AT_CAROL]) {
            self.jobs.remove(&number);
            self.done += 1;
        }
    }

    fn repeat(&mut self) {
        let now = Instant::now();
        for one in self.waiting.values_mut().filter(|one| one.at <= now) {
            self.sockets[one.who].send_to(&one.bytes, self.pbx).expect("it is sent");
            one.after = (one.after * 2).min(Duration::from_secs(4));
            one.at = now + one.after;
        }
    }

    fn stuck(&self) -> String {
        let one = |(number, job): (&usize, &Job)| {
            let leg = |call_id: &String| match self.legs.get(call_id) {
                Some(leg) if leg.over => "over",
                Some(leg) if leg.up => "up",
                Some(_) => "called",
                None => "none",
            };
            let legs = job.legs.each_ref().map(leg).join(" ");
            format!(
                "{number}: referred {} told {} left {}, legs {legs}",
                job.referred, job.told, job.left
            )
        };
        self.jobs.iter().map(one).collect::<Vec<_>>().join("\n")
    }

    /// So many transfers, so many of them at a time, which begin together and not before the last ones
    /// have had their time; returns how long all took.
    fn run(&mut self, total: usize, at_a_time: usize, wave: Duration) -> Duration {
        let (begun, mut next) = (Instant::now(), Instant::now());
        let (mut started, mut progress) = (0, Instant::now());
        self.done = 0;
        while self.done < total {
            let room = if self.jobs.is_empty() && Instant::now() >= next { at_a_time } else { 0 };
            if room > 0 {
                next = Instant::now() + wave;
                progress = Instant::now();
            }
            for _ in 0..room.min(total - started) {
                let job = self.number as usize + 1;
                self.call(job, FIRST, "bob");
                started += 1;
            }
            if let Ok((who, bytes)) = self.arrived.recv_timeout(Duration::from_millis(20)) {
                progress = Instant::now();
                let msg = Msg::parse(&bytes).expect("a SIP message");
                match msg.method() {
                    Some(_) => self.on_request(who, &msg),
                    None => self.on_response(&msg),
                }
            }
            self.repeat();
            let stuck = progress.elapsed() > PATIENCE * 2;
            assert!(!stuck, "{} of {total} transfers; {}", self.done, self.stuck());
        }
        begun.elapsed()
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        for address in self.at {
            self.sockets[ALICE].send_to(&[], address).ok();
        }
    }
}

fn leg_of<'a>(legs: &'a mut HashMap<String, Leg>, call_id: &str) -> &'a mut Leg {
    legs.get_mut(call_id).expect("a leg")
}

/// Nothing may be left of transfers, dialogs or calls.
fn nothing_is_left(mut pbx: Pbx, transfers: u64) {
    pbx.settled();
    let until = Instant::now() + PATIENCE;
    while pbx.counter("calls") > 0 {
        assert!(Instant::now() < until, "{:?}", pbx.calls());
    }
    assert_eq!(pbx.counter("referred"), transfers);
    assert_eq!(pbx.counter("refused"), 0);
    pbx.end();
}

fn start(command: &mut std::process::Command, net: Net) -> Pbx {
    let arguments = World::arguments(net, &["notify.min_interval_ms=0"]);
    Pbx::start_by(command, net.address(1), &arguments)
}

#[test]
fn some_hundred_attended_transfers_at_once() {
    let net = Net::new();
    let pbx = start(&mut tools::program(programs().join("pbx")), net);
    Load::new(net, pbx.address).run(400, 50, Duration::ZERO);
    nothing_is_left(pbx, 400);
}

/// What is allocated once SIP has forgotten all transactions and dialogs, in bytes. They last up to 32
/// seconds (RFC 3261 section 17): this waits for their number, and for nothing else.
fn at_rest(pbx: &mut Pbx) -> u64 {
    let until = Instant::now() + PATIENCE * 4;
    while pbx.counter("transactions") > 0 || pbx.counter("dialogs") > 0 {
        assert!(Instant::now() < until, "{:?}", pbx.process.lines().last());
    }
    pbx.counter("memory")
}

/// `make hard`: what is left of a transfer is nothing.
#[test]
#[ignore = "takes minutes; make hard runs it"]
fn ten_thousand_attended_transfers() {
    let net = Net::new();
    let mut pbx = start(&mut tools::program(programs().join("pbx")), net);
    let mut load = Load::new(net, pbx.address);
    let mut half = || {
        let took: Duration = (0..5).map(|_| load.run(1000, 200, WAVE)).sum();
        load.served.clear();
        load.legs.clear();
        (took, at_rest(&mut pbx))
    };
    // The first half brings all tables to their size: so many calls are never more than 32 seconds'.
    let ((first, before), (second, after)) = (half(), half());
    println!(
        "10,000 attended transfers in {:?}; at rest {before} bytes half way, {after} at the end",
        first + second
    );
    let grown = after.saturating_sub(before);
    assert!(grown < 5000 * 16, "it grows by {} bytes a transfer", grown / 5000);
    nothing_is_left(pbx, 10_000);
    println!("hard: pjsua-load 10000 0 0 0");
}

#[test]
fn attended_transfers_under_address_sanitizer() {
    let net = Net::new();
    let pbx = start(&mut tools::program(sanitized_programs().join("pbx")), net);
    Load::new(net, pbx.address).run(100, 20, Duration::ZERO);
    nothing_is_left(pbx, 100);
}

#[test]
fn attended_transfers_under_valgrind() {
    let net = Net::new();
    let mut valgrind = tools::program("valgrind");
    valgrind.args(["--quiet", "--error-exitcode=99", "--leak-check=full"]);
    valgrind.args(["--show-leak-kinds=definite", "--errors-for-leak-kinds=definite"]);
    valgrind.arg(programs().join("pbx"));
    let pbx = start(&mut valgrind, net);
    Load::new(net, pbx.address).run(12, 4, Duration::ZERO);
    nothing_is_left(pbx, 12);
}
