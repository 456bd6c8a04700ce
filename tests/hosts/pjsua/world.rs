//! A PBX and the phones around it, on addresses of their own.

use super::process::{self, Process};
use super::tools;
use super::ua::media::Voice;
use super::ua::{Kind, Phone, Server, Setup, Trace};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

/// A part of 127/8 that nobody else uses.
#[derive(Clone, Copy)]
pub struct Net(u8, u8);

impl Net {
    /// The next one.
    pub fn new() -> Net {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let process = u8::try_from(std::process::id() % 200).expect("below 200") + 20;
        let number = NEXT.fetch_add(1, Ordering::Relaxed) % 250;
        Net(process, u8::try_from(number).expect("below 250") + 1)
    }

    /// An address of it, with SIP's port.
    pub fn address(self, host: u8) -> SocketAddr {
        SocketAddr::from(([127, self.0, self.1, host], 5060))
    }
}

/// A running PBX.
pub struct Pbx {
    pub process: Process,
    pub address: SocketAddr,
}

impl Pbx {
    /// Starts one out of `programs`; `arguments` name its peers.
    pub fn start(programs: &Path, address: SocketAddr, arguments: &[String]) -> Pbx {
        let mut command = tools::program(programs.join("pbx"));
        Self::start_by(&mut command, address, arguments)
    }

    /// The same by a command that ends in the program, as of valgrind.
    pub fn start_by(
        command: &mut std::process::Command,
        address: SocketAddr,
        arguments: &[String],
    ) -> Pbx {
        tools::strict_sanitizers(command);
        command.args(["--bind", &address.ip().to_string(), "--port", &address.port().to_string()]);
        command.args(arguments);
        if let Ok(level) = std::env::var("PBX_LOG") {
            command.args(["--log", &level]);
        }
        let process = Process::start("pbx", command);
        process.expect("ready");
        Pbx { process, address }
    }

    /// One of its counters.
    pub fn counter(&mut self, name: &str) -> u64 {
        let from = self.process.position();
        self.process.type_line("counters");
        let (line, _) = self.process.expect_from(from, "counters verified");
        let mut words = line.split(' ').skip_while(|word| *word != name);
        words.nth(1).and_then(|word| word.parse().ok()).expect("a counter")
    }

    /// What it says about its calls.
    pub fn calls(&mut self) -> Vec<String> {
        let from = self.process.position();
        self.process.type_line("calls");
        let (_, end) = self.process.expect_from(from, "done");
        let mut lines = self.process.lines();
        lines.truncate(end - 1);
        lines.split_off(from).into_iter().filter(|line| line.starts_with("call ")).collect()
    }

    /// Waits until no transfer and no pinned dialog is left.
    pub fn settled(&mut self) {
        let until = std::time::Instant::now() + super::ua::PATIENCE;
        while self.counter("transfers") > 0 || self.counter("pinned") > 0 {
            assert!(std::time::Instant::now() < until, "{:?}", self.process.lines());
        }
    }

    /// Ends it: nothing may be left, and nothing may have gone wrong inside the library.
    pub fn end(mut self) {
        self.settled();
        assert_eq!(self.counter("panics"), 0);
        self.process.type_line("quit");
        assert_eq!(self.process.end(), Some(0), "{:?}", self.process.lines());
    }
}

/// A PBX with alice, bob, carol and dave, a stranger, and a trace of their messages.
pub struct World {
    pub pbx: Pbx,
    pub net: Net,
    pub trace: Trace,
}

const NAMES: [&str; 5] = ["alice", "bob", "carol", "dave", "stranger"];

fn host_of(name: &str) -> u8 {
    let at = NAMES.iter().position(|one| *one == name).expect("one of the names");
    u8::try_from(at).expect("few") + 10
}

/// The arguments that make a phone a peer.
pub fn peer(name: &str, address: SocketAddr) -> [String; 2] {
    ["--peer".to_owned(), format!("{name}={address}")]
}

impl World {
    /// With settings as `--set` takes them.
    pub fn new(settings: &[&str]) -> World {
        World::of(process::programs(), settings)
    }

    /// Out of other programs.
    pub fn of(programs: &Path, settings: &[&str]) -> World {
        let net = Net::new();
        let arguments = World::arguments(net, settings);
        World {
            pbx: Pbx::start(programs, net.address(1), &arguments),
            net,
            trace: Trace::default(),
        }
    }

    /// Out of other programs, with a log that tells what they run on.
    pub fn logging(programs: &Path, settings: &[&str]) -> World {
        let net = Net::new();
        let mut arguments = World::arguments(net, settings);
        arguments.extend(["--log".to_owned(), "3".to_owned()]);
        let pbx = Pbx::start(programs, net.address(1), &arguments);
        World { pbx, net, trace: Trace::default() }
    }

    /// How its PBX is started.
    pub fn arguments(net: Net, settings: &[&str]) -> Vec<String> {
        let mut arguments = Vec::new();
        for name in &NAMES[..4] {
            arguments.extend(peer(name, net.address(host_of(name))));
        }
        for setting in settings {
            arguments.extend(["--set".to_owned(), (*setting).to_owned()]);
        }
        for name in ["alice", "bob", "carol"] {
            arguments.extend(["--pickup".to_owned(), name.to_owned()]);
        }
        arguments
    }

    /// A hand-made phone.
    pub fn phone(&self, name: &str) -> Phone {
        phone_at(name, self.net.address(host_of(name)), self.pbx.address, &self.trace)
    }

    /// The URI of a user of the PBX.
    pub fn uri(&self, user: &str) -> String {
        format!("sip:{user}@{}", self.pbx.address)
    }

    /// Several of them.
    pub fn phones<const N: usize>(&self, names: [&str; N]) -> [Phone; N] {
        names.map(|name| self.phone(name))
    }
}

/// A hand-made phone of a PBX.
pub fn phone_at(name: &str, local: SocketAddr, pbx: SocketAddr, trace: &Trace) -> Phone {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    Phone::new(Setup {
        name: name.to_owned(),
        password: String::new(),
        local,
        seen_at: None,
        server: Server { address: pbx, kind: Kind::Udp },
        tls: None,
        trace: trace.clone(),
        voice: Voice::nth(u64::from(NEXT.fetch_add(1, Ordering::Relaxed))),
        patience: super::ua::PATIENCE,
    })
}
