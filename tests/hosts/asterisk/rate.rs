//! Transfers at a steady rate, blind and attended in turn, from phones without voices: all of an
//! Asterisk's work is signalling and channels, and what a module costs is not hidden behind media.
//!
//! A team is Alice, Bob and Carol, one socket each, and plays one transfer at a time. Alice calls Bob,
//! who transfers her to Carol, blindly or after a call of his own to her; Bob hangs up, then Alice.

use super::config::UDP;
use super::world::Scene;
use crate::ua::message::{param, reason, uri_of};
use crate::ua::{digest, Msg, PATIENCE};
use std::collections::{HashMap, VecDeque};
use std::net::{SocketAddr, UdpSocket};
use std::sync::mpsc::{channel, Receiver};
use std::thread;
use std::time::{Duration, Instant};

const ALICE: usize = 0;
const BOB: usize = 1;
const CAROL: usize = 2;
/// How many transfers can be under way at a time.
const TEAMS: usize = 30;
/// A call lasts so long before somebody transfers it: no phone is told when both of its ends are in
/// one bridge, and one that is in none has nobody who could be transferred.
const TALK: Duration = Duration::from_millis(300);
/// Nobody speaks.
const SDP: &str = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
                   m=audio 9 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=inactive\r\n";

/// A phone: a socket and an account.
struct Line {
    name: String,
    password: String,
    at: SocketAddr,
    socket: UdpSocket,
}

/// One end of a call.
struct Leg {
    line: usize,
    local: String,
    remote: String,
    target: String,
    cseq: u32,
    ack: Vec<u8>,
    up: bool,
    over: bool,
}

/// Call-IDs of the ends of a team's calls.
const FIRST: usize = 0;
const AT_BOB: usize = 1;
const SECOND: usize = 2;
const AT_CAROL: usize = 3;

/// A team, and how far its transfer is.
struct Team {
    attended: bool,
    legs: [String; 4],
    referred: bool,
    told: u16,
    left: bool,
    ended: bool,
    begun: Instant,
    /// When Bob asks for the transfer.
    refers: Option<Instant>,
}

/// A request that is not answered finally.
struct Waiting {
    msg: Msg,
    line: usize,
    at: Instant,
    after: Duration,
    heard: bool,
}

/// What a run came to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Run {
    /// Transfers that were played to their end.
    pub done: usize,
    /// Transfers that had to wait for a free team: the rate was too high.
    pub late: usize,
    /// REFERs that came before the call was bridged, and were sent again.
    pub early: usize,
    /// Requests that were sent again.
    pub repeated: usize,
    /// The longest that one transfer took, with its calls.
    pub longest: Duration,
}

/// All phones.
pub struct Load {
    server: SocketAddr,
    lines: Vec<Line>,
    arrived: Receiver<(usize, Vec<u8>)>,
    teams: Vec<Option<Team>>,
    free: VecDeque<usize>,
    legs: HashMap<String, Leg>,
    waiting: HashMap<String, Waiting>,
    served: HashMap<(usize, String), Vec<u8>>,
    number: u64,
    run: Run,
}

/// What both modules say to a REFER in a call that is in no bridge.
fn is_early(code: u16) -> bool {
    matches!(code, 400 | 480)
}

fn tag(value: &str) -> &str {
    param(value, "tag").expect("a tag")
}

impl Load {
    /// Phones at Asterisk A, all of the same world.
    pub fn new(scene: &Scene<'_>) -> Load {
        let (sender, arrived) = channel();
        let mut lines = Vec::new();
        for line in 0..TEAMS * 3 {
            let setup = scene.setup(UDP, &scene.world.a);
            let socket = UdpSocket::bind(setup.local).expect("the address is free");
            let (reader, sender) = (socket.try_clone().expect("a second handle"), sender.clone());
            thread::spawn(move || {
                let mut buffer = [0; 8192];
                // An empty packet ends it.
                while let Ok(len @ 1..) = reader.recv(&mut buffer) {
                    if sender.send((line, buffer[..len].to_vec())).is_err() {
                        break;
                    }
                }
            });
            let at = socket.local_addr().expect("a bound socket has an address");
            lines.push(Line { name: setup.name, password: setup.password, at, socket });
        }
        Load {
            server: scene.server(UDP, &scene.world.a).address,
            lines,
            arrived,
            teams: (0..TEAMS).map(|_| None).collect(),
            free: (0..TEAMS).collect(),
            legs: HashMap::new(),
            waiting: HashMap::new(),
            served: HashMap::new(),
            number: 0,
            run: Run::default(),
        }
    }

    /// So many transfers a second for so long, each played to its end. Anything but success fails
    /// the test.
    pub fn run(&mut self, a_second: u32, how_long: Duration) -> Run {
        let step = Duration::from_secs(1) / a_second;
        let begun = Instant::now();
        let (mut started, mut progress) = (0, begun);
        let total = (how_long.as_secs_f64() * f64::from(a_second)) as u32;
        self.run = Run::default();
        while self.run.done < total as usize {
            while started < total && begun.elapsed() >= step * started {
                let Some(team) = self.free.pop_front() else { break };
                let behind = begun.elapsed() - step * started;
                self.run.late += usize::from(behind > Duration::from_millis(500));
                self.begin(team, started % 2 == 1);
                started += 1;
                progress = Instant::now();
            }
            if let Ok((line, bytes)) = self.arrived.recv_timeout(Duration::from_millis(5)) {
                progress = Instant::now();
                let msg = Msg::parse(&bytes).expect("a SIP message");
                match msg.method() {
                    Some(_) => self.on_request(line, &msg),
                    None => self.on_response(&msg),
                }
            }
            self.repeat();
            for team in 0..TEAMS {
                let refers = self.teams[team].as_ref().and_then(|job| job.refers);
                if refers.is_some_and(|at| at <= Instant::now()) {
                    self.advance(team);
                }
            }
            let stuck = progress.elapsed() > PATIENCE * 2;
            assert!(!stuck, "{} of {total} transfers; {}", self.run.done, self.stuck());
        }
        self.served.clear();
        self.run
    }

    fn begin(&mut self, team: usize, attended: bool) {
        self.teams[team] = Some(Team {
            attended,
            legs: Default::default(),
            referred: false,
            told: 0,
            left: false,
            ended: false,
            begun: Instant::now(),
            refers: None,
        });
        self.call(team, FIRST, ALICE, BOB);
    }

    fn send(&self, line: usize, bytes: &[u8]) {
        self.lines[line].socket.send_to(bytes, self.server).expect("it is sent");
    }

    /// The call of one of a team to another.
    fn call(&mut self, team: usize, which: usize, caller: usize, callee: usize) {
        self.number += 1;
        let line = team * 3 + caller;
        let (call_id, server) = (format!("load-{}", self.number), self.server);
        let callee = self.lines[team * 3 + callee].name.clone();
        let leg = Leg {
            line,
            local: format!("<sip:{}@{server}>;tag=c{}", self.lines[line].name, self.number),
            remote: format!("<sip:{callee}@{server}>"),
            target: format!("sip:{callee}@{server}"),
            cseq: 0,
            ack: Vec::new(),
            up: false,
            over: false,
        };
        self.legs.insert(call_id.clone(), leg);
        self.teams[team].as_mut().expect("a transfer").legs[which] = call_id.clone();
        self.request(&call_id, "INVITE", &[], SDP);
    }

    /// Sends a request of a leg, and again until it is answered.
    fn request(&mut self, call_id: &str, method: &str, headers: &[(&str, &str)], body: &str) {
        let leg = self.legs.get_mut(call_id).expect("a leg");
        if method != "ACK" {
            leg.cseq += 1;
        }
        let line = &self.lines[leg.line];
        let mut msg = Msg::request(method, &leg.target)
            .with("From", &*leg.local)
            .with("To", &*leg.remote)
            .with("Call-ID", call_id)
            .with("CSeq", format!("{} {method}", leg.cseq))
            .with("Max-Forwards", "70")
            .with("Contact", format!("<sip:{}@{}>", line.name, line.at));
        for (name, value) in headers {
            msg = msg.with(name, *value);
        }
        if !body.is_empty() {
            msg = msg.with_body("application/sdp", body);
        }
        let line = leg.line;
        self.launch(line, msg);
    }

    /// Sends a request under a branch of its own.
    fn launch(&mut self, line: usize, mut msg: Msg) {
        self.number += 1;
        let branch = format!("z9hG4bK-{}", self.number);
        let via = format!("SIP/2.0/UDP {};rport;branch={branch}", self.lines[line].at);
        msg.headers.retain(|(name, _)| name != "Via");
        msg.headers.insert(0, ("Via".to_owned(), via));
        let bytes = msg.bytes();
        self.send(line, &bytes);
        if msg.method() == Some("ACK") {
            let leg = self.legs.get_mut(msg.value("Call-ID")).expect("a leg");
            leg.ack = bytes;
            return;
        }
        let after = Duration::from_millis(500);
        let at = Instant::now() + after;
        self.waiting.insert(branch, Waiting { msg, line, at, after, heard: false });
    }

    fn on_response(&mut self, msg: &Msg) {
        let code = msg.status().expect("a response");
        let call_id = msg.value("Call-ID").to_owned();
        if code < 200 {
            if let Some(waiting) = self.waiting.get_mut(msg.branch()) {
                waiting.heard = true;
            }
            return;
        }
        let Some(Waiting { msg: request, line, .. }) = self.waiting.remove(msg.branch()) else {
            // The answer to an INVITE is repeated until its ACK has come.
            if let Some(leg) = self.legs.get(&call_id).filter(|_| msg.cseq().1 == "INVITE") {
                self.send(leg.line, &leg.ack);
            }
            return;
        };
        if code >= 300 && msg.cseq().1 == "INVITE" {
            let ack = Msg::request("ACK", request.request_uri())
                .with("Via", request.value("Via"))
                .with("From", request.value("From"))
                .with("To", msg.value("To"))
                .with("Call-ID", &*call_id)
                .with("CSeq", format!("{} ACK", request.cseq().0))
                .with("Max-Forwards", "70");
            self.send(line, &ack.bytes());
        }
        if code == 401 && request.get("Authorization").is_none() {
            return self.authorize(line, request, msg);
        }
        let leg = self.legs.get_mut(&call_id).expect("a leg");
        let text = || String::from_utf8_lossy(&msg.bytes()).into_owned();
        match msg.cseq().1 {
            // Both may say BYE at the same time.
            "BYE" => leg.over = true,
            "REFER" if is_early(code) => self.teams[line / 3].as_mut().expect("a job").told = code,
            method => assert!(code < 300, "{code} to {method}\n{}", text()),
        }
        if msg.cseq().1 == "INVITE" {
            leg.up = true;
            leg.remote = msg.value("To").to_owned();
            leg.target = uri_of(msg.value("Contact")).to_owned();
            self.request(&call_id, "ACK", &[], "");
        }
        self.advance(line / 3);
    }

    fn authorize(&mut self, line: usize, mut request: Msg, challenge: &Msg) {
        let (method, uri) = (request.cseq().1.to_owned(), request.request_uri().to_owned());
        let Line { name, password, .. } = &self.lines[line];
        let (header, value) =
            digest::answer(challenge, &method, &uri, name, password).expect("a challenge");
        let leg = self.legs.get_mut(request.value("Call-ID")).expect("a leg");
        leg.cseq += 1;
        request.set(header, value);
        request.set("CSeq", format!("{} {method}", leg.cseq));
        self.launch(line, request);
    }

    fn on_request(&mut self, line: usize, msg: &Msg) {
        let (team, who) = (line / 3, line % 3);
        let (method, call_id) = (msg.method().expect("a request"), msg.value("Call-ID").to_owned());
        if method == "ACK" {
            if let Some(leg) = self.legs.get_mut(&call_id) {
                leg.up = true;
            }
            return self.advance(team);
        }
        let key = (line, format!("{}{method}", msg.branch()));
        if let Some(again) = self.served.get(&key) {
            return self.send(line, again);
        }
        let first = method == "INVITE" && msg.callee_tag().is_empty();
        let code = if first || self.legs.contains_key(&call_id) { 200 } else { 481 };
        let mut response = msg.response(code, reason(code), &format!("t{call_id}"));
        if method == "INVITE" {
            let Line { name, at, .. } = &self.lines[line];
            response = response.with("Contact", format!("<sip:{name}@{at}>"));
            if first {
                let mut ringing = response.clone();
                ringing.start = "SIP/2.0 180 Ringing".to_owned();
                self.send(line, &ringing.bytes());
            }
            response = response.with_body("application/sdp", SDP);
        }
        if first {
            let leg = Leg {
                line,
                local: response.value("To").to_owned(),
                remote: msg.value("From").to_owned(),
                target: uri_of(msg.value("Contact")).to_owned(),
                cseq: 0,
                ack: Vec::new(),
                up: false,
                over: false,
            };
            let which = if who == BOB { AT_BOB } else { AT_CAROL };
            self.teams[team].as_mut().expect("a transfer").legs[which] = call_id.clone();
            self.legs.insert(call_id.clone(), leg);
        }
        let bytes = response.bytes();
        self.send(line, &bytes);
        self.served.insert(key, bytes);
        if let Some(leg) = self.legs.get_mut(&call_id).filter(|_| method == "BYE") {
            leg.over = true;
        }
        if method == "NOTIFY" && msg.value("Subscription-State").starts_with("terminated") {
            let code = msg.text().split(' ').nth(1).and_then(|code| code.parse().ok());
            if let Some(job) = &mut self.teams[team] {
                job.told = code.expect("a code");
            }
        }
        self.advance(team);
    }

    fn is_up(&self, call_id: &str) -> bool {
        self.legs.get(call_id).is_some_and(|leg| leg.up)
    }

    fn is_over(&self, call_id: &str) -> bool {
        self.legs.get(call_id).is_some_and(|leg| leg.over)
    }

    fn refer(&mut self, team: usize, attended: bool, legs: &[String; 4]) {
        let carol = format!("sip:{}@{}", self.lines[team * 3 + CAROL].name, self.server);
        let to = match self.legs.get(&legs[SECOND]) {
            Some(other) if attended => format!(
                "<{carol}?Replaces={}%3Bto-tag%3D{}%3Bfrom-tag%3D{}>",
                legs[SECOND],
                tag(&other.remote),
                tag(&other.local)
            ),
            _ => format!("<{carol}>"),
        };
        self.request(&legs[AT_BOB], "REFER", &[("Refer-To", &to)], "");
    }

    /// The next step of a team's transfer, where its time has come.
    fn advance(&mut self, team: usize) {
        let Some(job) = &mut self.teams[team] else { return };
        let (legs, attended) = (job.legs.clone(), job.attended);
        let (referred, told, left, ended) = (job.referred, job.told, job.left, job.ended);
        if !self.is_up(&legs[FIRST]) || !self.is_up(&legs[AT_BOB]) {
        } else if attended && legs[SECOND].is_empty() {
            self.call(team, SECOND, BOB, CAROL);
        } else if attended && (!self.is_up(&legs[SECOND]) || !self.is_up(&legs[AT_CAROL])) {
        } else if !referred {
            let at = *self.job(team).refers.get_or_insert_with(|| Instant::now() + TALK);
            if at <= Instant::now() {
                self.job(team).referred = true;
                self.job(team).refers = None;
                self.refer(team, attended, &legs);
            }
        } else if is_early(told) {
            self.job(team).referred = false;
            self.job(team).told = 0;
            self.run.early += 1;
            self.advance(team);
        } else if told == 0 || !self.is_up(&legs[AT_CAROL]) {
        } else if !left {
            assert_eq!(told, 200, "what Bob is told, attended: {attended}");
            self.job(team).left = true;
            if !self.is_over(&legs[AT_BOB]) {
                self.request(&legs[AT_BOB], "BYE", &[], "");
            }
            self.advance(team);
        } else if !self.is_over(&legs[AT_BOB]) || (attended && !self.is_over(&legs[SECOND])) {
        } else if !ended {
            self.job(team).ended = true;
            self.request(&legs[FIRST], "BYE", &[], "");
        } else if self.is_over(&legs[FIRST]) && self.is_over(&legs[AT_CAROL]) {
            self.run.longest = self.run.longest.max(self.job(team).begun.elapsed());
            for call_id in &legs {
                self.legs.remove(call_id);
            }
            self.teams[team] = None;
            self.free.push_back(team);
            self.run.done += 1;
        }
    }

    fn job(&mut self, team: usize) -> &mut Team {
        self.teams[team].as_mut().expect("a transfer")
    }

    fn repeat(&mut self) {
        let now = Instant::now();
        for one in self.waiting.values_mut().filter(|one| !one.heard && one.at <= now) {
            let socket = &self.lines[one.line].socket;
            socket.send_to(&one.msg.bytes(), self.server).expect("it is sent");
            self.run.repeated += 1;
            one.after = (one.after * 2).min(Duration::from_secs(4));
            one.at = now + one.after;
        }
    }

    fn stuck(&self) -> String {
        let state = |call_id: &String| match self.legs.get(call_id) {
            Some(leg) if leg.over => "over",
            Some(leg) if leg.up => "up",
            Some(_) => "called",
            None => "none",
        };
        let one = |(team, job): (usize, &Option<Team>)| {
            let job = job.as_ref()?;
            let alice = &self.lines[team * 3].name;
            let legs = job.legs.each_ref().map(state).join(" ");
            let (attended, referred, told, left) = (job.attended, job.referred, job.told, job.left);
            Some(format!(
                "{alice}: attended {attended} referred {referred} told {told} left {left}, {legs}"
            ))
        };
        self.teams.iter().enumerate().filter_map(one).collect::<Vec<_>>().join("\n")
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        for line in &self.lines {
            line.socket.send_to(&[], line.at).ok();
        }
    }
}
