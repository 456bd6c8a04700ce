//! Two Asterisks with a trunk between them and phones around them, shared by the scenarios of one
//! program; a scenario takes phones that no other has.

use super::ami::Block;
use super::config::{self, Group, Site};
use super::counters::Asked;
use super::process::{Asterisk, Instance};
use super::{locks, sanitized, Module, Under};
use crate::ua::media::Voice;
use crate::ua::tls::Kit;
use crate::ua::{Phone, Server, Setup, Trace, PATIENCE};
use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// Both Asterisks and what is left of their phones.
pub struct World {
    /// The module that does transfers in both.
    pub module: Module,
    /// The Asterisk that phones call unless told otherwise.
    pub a: Asterisk,
    /// The other one.
    pub b: Asterisk,
    network: u8,
    kit: Kit,
    taken: Mutex<HashMap<char, u64>>,
    /// How many transfers the phones of all scenarios have asked for.
    pub asked: Mutex<Asked>,
    /// How long its phones wait for what must happen.
    pub patience: Duration,
}

/// What sipxfer.conf says in the shared world: the other Asterisk may replace
/// calls, and an application has less time than by default.
pub const TRUNK: &str =
    "[general]\napplication.timeout_ms=5000\n[trunk]\ntype=endpoint\nreplaces_trusted=yes\n";

const COMPAT_CONF: &str = "[general]\ncompat=res_pjsip_refer\napplication.timeout_ms=5000\n";

const OBSERVE_CONF: &str = "[general]\nmode=observe\n";

/// A second number of an address 127.x.0.0/16 that nobody else on this machine uses.
pub fn network() -> u8 {
    static HELD: Mutex<Vec<UdpSocket>> = Mutex::new(Vec::new());
    for number in 16..=254 {
        // Held until the program ends; nobody else can bind it meanwhile.
        if let Ok(socket) = UdpSocket::bind((Ipv4Addr::new(127, number, 255, 254), 9)) {
            HELD.lock().unwrap_or_else(PoisonError::into_inner).push(socket);
            return number;
        }
    }
    panic!("every network 127.x is in use");
}

impl World {
    /// The world with this module, started by the first who asks.
    pub fn of(module: Module) -> &'static World {
        static STOCK: OnceLock<World> = OnceLock::new();
        static SIPXFER: OnceLock<World> = OnceLock::new();
        static COMPAT: OnceLock<World> = OnceLock::new();
        static OBSERVE: OnceLock<World> = OnceLock::new();
        static BESIDE: OnceLock<World> = OnceLock::new();
        match module {
            Module::Stock => STOCK.get_or_init(|| World::start("stock", module, "")),
            Module::Sipxfer => SIPXFER.get_or_init(|| World::start("sipxfer", module, TRUNK)),
            Module::Compat => COMPAT.get_or_init(|| World::start("compat", module, COMPAT_CONF)),
            Module::Observe => {
                OBSERVE.get_or_init(|| World::start("observe", module, OBSERVE_CONF))
            }
            Module::Beside => BESIDE.get_or_init(|| World::start("beside", module, TRUNK)),
        }
    }

    /// Starts a world of its own, with these lines in sipxfer.conf.
    pub fn start(name: &str, module: Module, sipxfer: &str) -> World {
        World::start_under(Under::asked_for(), name, module, sipxfer)
    }

    /// The same under something. There is no sanitized build of Asterisk's own module.
    pub fn start_under(under: Under, name: &str, module: Module, sipxfer: &str) -> World {
        World::start_with(under, name, module, sipxfer, None)
    }

    /// The same that forgets a transaction `64 * timer_t1` milliseconds after its end.
    pub fn start_forgetful(name: &str, module: Module, sipxfer: &str, timer_t1: u32) -> World {
        World::start_with(Under::asked_for(), name, module, sipxfer, Some(timer_t1))
    }

    fn start_with(
        under: Under,
        name: &str,
        module: Module,
        sipxfer: &str,
        timer_t1: Option<u32>,
    ) -> World {
        let sanitized = under == Under::AddressSanitizer;
        let under = if sanitized && module == Module::Stock { Under::Nothing } else { under };
        let network = network();
        let ip = |last| IpAddr::V4(Ipv4Addr::new(127, network, 0, last));
        let mut addresses = vec![ip(1), ip(2)];
        for n in 0..config::TLS.count {
            addresses.push(config::TLS.address(network, n));
        }
        let kit = Kit::new(&addresses);
        let objects = module.objects(under);
        let run = |letter: &str, own: IpAddr, peer: IpAddr, objects: &[PathBuf]| {
            let instance = Instance::new(&format!("{name}-{letter}"), own, objects, under);
            config::write(&instance, &Site { module, network, peer, kit: &kit, sipxfer, timer_t1 });
            instance.start()
        };
        let (a, b) = std::thread::scope(|scope| {
            let a = scope.spawn(|| run("a", ip(1), ip(2), &objects));
            let b = scope.spawn(|| run("b", ip(2), ip(1), &objects));
            (a.join().expect("Asterisk starts"), b.join().expect("Asterisk starts"))
        });
        for one in [&a, &b] {
            let loaded = one.cli(&format!("module show like {}", module.name()));
            assert!(
                loaded.contains("Running") && !loaded.contains("Not Running"),
                "{} does not run in {}: {loaded}\n{}",
                module.name(),
                one.name,
                one.console()
            );
        }
        World {
            module,
            a,
            b,
            network,
            kit,
            taken: Mutex::default(),
            asked: Mutex::default(),
            patience: PATIENCE,
        }
    }

    /// The same for many calls: nobody listens to the events of its Asterisks. An Asterisk whose events
    /// are not taken fast enough calls that an overload, and takes no new call.
    pub fn start_quiet(name: &str, module: Module, sipxfer: &str) -> World {
        let world = World::start(name, module, sipxfer);
        world.hush();
        world
    }

    /// Ends the events of both Asterisks.
    pub fn hush(&self) {
        for one in [&self.a, &self.b] {
            one.ami.action("Events", &[("EventMask", "off")]);
        }
    }

    /// What has been found by now, in both, by what they run under.
    pub fn findings(&self) -> String {
        [&self.a.dir, &self.b.dir]
            .map(|dir| sanitized::findings(dir) + &locks::findings(dir, "res_pjsip_sipxfer"))
            .concat()
    }

    /// Begins a scenario.
    pub fn scene(&self) -> Scene<'_> {
        Scene {
            world: self,
            trace: Trace::default(),
            from_a: self.a.ami.mark(),
            from_b: self.b.ami.mark(),
        }
    }
}

/// One scenario: its phones, their trace, and what the Asterisks said meanwhile. When it fails, all
/// of that is printed.
pub struct Scene<'w> {
    /// Where it takes place.
    pub world: &'w World,
    /// The messages of its phones.
    pub trace: Trace,
    from_a: usize,
    from_b: usize,
}

impl Drop for Scene<'_> {
    fn drop(&mut self) {
        let asked = Asked::of(&self.trace);
        self.world.asked.lock().unwrap_or_else(PoisonError::into_inner).add(&asked);
        if std::thread::panicking() {
            self.world.a.keep();
            self.world.b.keep();
            for one in [&self.world.a, &self.world.b] {
                if one.is_gone() {
                    eprintln!("{} HAS CRASHED", one.name);
                }
            }
            let dir = self.world.a.dir.display();
            eprintln!("{}\nthe files of Asterisk are kept: {dir} and ...-b", self.trace.print());
            eprintln!("{}", self.world.findings());
        } else {
            let found = self.world.findings();
            assert!(found.is_empty(), "{found}");
        }
    }
}

impl Scene<'_> {
    /// A phone of a group that no other scenario has, at Asterisk A.
    pub fn phone(&self, group: &Group) -> Phone {
        self.phone_at(group, &self.world.a)
    }

    /// The same at either Asterisk.
    pub fn phone_at(&self, group: &Group, at: &Asterisk) -> Phone {
        Phone::new(self.setup(group, at))
    }

    /// What such a phone is made of, for a test that changes it.
    pub fn setup(&self, group: &Group, at: &Asterisk) -> Setup {
        let n = {
            let mut taken = self.world.taken.lock().unwrap_or_else(PoisonError::into_inner);
            let next = taken.entry(group.letter).or_default();
            *next += 1;
            *next - 1
        };
        assert!(n < group.count, "the phones {}... are used up: configure more", group.letter);
        let name = group.name(n);
        let port = config::port(group.kind);
        let row = config::GROUPS.iter().position(|one| one.letter == group.letter);
        Setup {
            password: config::password(&name),
            local: SocketAddr::new(group.address(self.world.network, n), port),
            seen_at: None,
            server: self.server(group, at),
            tls: Some(self.world.kit.clone()),
            trace: self.trace.clone(),
            voice: Voice::nth(n + 300 * row.unwrap_or_default() as u64),
            patience: self.world.patience,
            name,
        }
    }

    /// Several usual phones at once.
    pub fn phones<const N: usize>(&self, group: &Group) -> [Phone; N] {
        std::array::from_fn(|_| self.phone(group))
    }

    /// An Asterisk as the phones of a group reach it.
    pub fn server(&self, group: &Group, at: &Asterisk) -> Server {
        let address = SocketAddr::new(at.address, config::port(group.kind));
        Server { address, kind: group.kind }
    }

    /// What Asterisk A said since the scenario began.
    pub fn events(&self) -> Vec<Block> {
        self.world.a.ami.since(self.from_a)
    }

    /// What Asterisk B said since the scenario began.
    pub fn events_b(&self) -> Vec<Block> {
        self.world.b.ami.since(self.from_b)
    }

    /// Waits for an event of Asterisk A since the scenario began.
    pub fn event(&self, what: &str, test: impl FnMut(&Block) -> bool) -> Block {
        self.world.a.ami.wait(self.from_a, what, test)
    }

    /// Waits for an event of Asterisk B since the scenario began.
    pub fn event_b(&self, what: &str, test: impl FnMut(&Block) -> bool) -> Block {
        self.world.b.ami.wait(self.from_b, what, test)
    }

    /// The channels of these phones at an Asterisk, each with the phones that are in a bridge with
    /// it, through other channels between if need be.
    pub fn channels(&self, at: &Asterisk, phones: &[&Phone]) -> Vec<Block> {
        let mut found = at.ami.list("CoreShowChannels", &[]);
        found.retain(|one| {
            let channel = one.get("Channel");
            phones.iter().any(|phone| channel.starts_with(&format!("PJSIP/{}-", phone.name())))
        });
        found
    }

    /// How many channels of a phone do not go at Asterisk A. One goes in a thread of its own, a moment
    /// behind the answer to BYE.
    pub fn channels_left(&self, phone: &Phone) -> usize {
        let end = Instant::now() + self.world.patience;
        loop {
            let count = self.channels(&self.world.a, &[phone]).len();
            if count == 0 || Instant::now() > end {
                return count;
            }
        }
    }

    /// Who is in one bridge with this phone at Asterisk A now: names of phones, sorted.
    pub fn bridged_with(&self, phone: &Phone) -> Vec<String> {
        let all = self.world.a.ami.list("CoreShowChannels", &[]);
        let own = format!("PJSIP/{}-", phone.name());
        let bridge = all
            .iter()
            .find(|one| one.get("Channel").starts_with(&own) && !one.get("BridgeId").is_empty());
        let Some(bridge) = bridge.map(|one| one.get("BridgeId")) else {
            return Vec::new();
        };
        let mut names: Vec<String> = all
            .iter()
            .filter(|one| one.get("BridgeId") == bridge && !one.get("Channel").starts_with(&own))
            .map(|one| endpoint_of(one.get("Channel")).to_owned())
            .collect();
        names.sort();
        names
    }
}

/// The endpoint in the name of a channel.
pub fn endpoint_of(channel: &str) -> &str {
    let bare = channel.strip_prefix("PJSIP/").unwrap_or(channel);
    bare.rsplit_once('-').map_or(bare, |(name, _)| name)
}
