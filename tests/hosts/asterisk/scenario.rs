//! What a scenario is: it plays a transfer and notes facts. What each module shows is written beside
//! it, so that the list is a table of both, and each cell of it is checked by a run.

use super::config::Group;
use super::world::{Scene, World};
use super::Module;
use crate::ua::{Call, Ended, Talk};
use std::time::{Duration, Instant};

/// A fact, and what it is with Asterisk's module and with that of this project; "this or that" where
/// both are seen.
pub type Cell = (&'static str, &'static str, &'static str);

/// One scenario.
pub struct Scenario {
    /// What it shows, for the table.
    pub title: &'static str,
    /// Plays it with phones of a group.
    pub play: fn(&Scene<'_>, &'static Group, &mut Seen),
    /// What is seen.
    pub cells: &'static [Cell],
}

/// The facts that a run noted.
#[derive(Default)]
pub struct Seen(Vec<(&'static str, String)>);

impl Seen {
    /// Notes a fact.
    pub fn note(&mut self, fact: &'static str, value: impl ToString) {
        self.0.push((fact, value.to_string()));
    }
}

/// What holds with `compat = res_pjsip_refer` too, because it is a matter of safety: nothing is
/// acted upon that is no proper request, nothing is cut or injected, nobody waits for ever. The
/// title of a scenario, and its fact or all of them.
const SAFETY: &[(&str, &str)] = &[
    ("REFER with a Refer-To that is refused", ""),
    ("REFER whose Refer-To holds a Replaces that is refused", ""),
    ("REFER whose Replaces has a Call-ID of 2000 letters", ""),
    ("REFER with Require", ""),
    ("A Refer-To that would add a target to the dial string", ""),
    ("INVITE with a Replaces that RFC 3891 forbids", ""),
    ("Replaces in a request that is no INVITE", ""),
    ("Application that says nothing", ""),
];

/// Where `compat = res_pjsip_refer` does not answer as Asterisk's module does in this version.
const COMPAT_NOT_YET: &[(&str, &str)] = &[
    ("A transfer to one's own dialog", ""),
    ("A REFER with early-only for an answered call", ""),
    ("SUBSCRIBE in the subscription of a REFER", "NOTIFY of the end"),
    ("Application: unavailable", "an event says the state"),
    ("Application: not found", "NOTIFYs"),
    ("Application: a state that does not exist", "NOTIFYs"),
];

impl Scenario {
    /// Whether this module answers in its own way with `compat` too.
    fn is_own_way(&self, fact: &str) -> bool {
        let mut lists = SAFETY.iter().chain(COMPAT_NOT_YET);
        lists.any(|(title, one)| self.title == *title && (one.is_empty() || *one == fact))
    }

    /// Plays it and compares all facts.
    pub fn check(&self, module: Module, group: &'static Group) {
        self.check_in(World::of(module), group);
    }

    /// The same in any world.
    pub fn check_in(&self, world: &World, group: &'static Group) {
        self.check_as(world, group, world.module);
    }

    /// The same, with what is seen with a module that need not be that of the world.
    pub fn check_as(&self, world: &World, group: &'static Group, module: Module) {
        let scene = world.scene();
        let mut seen = Seen::default();
        (self.play)(&scene, group, &mut seen);
        let mut wrong = String::new();
        for (fact, stock, ours) in self.cells {
            let expected = match module {
                Module::Sipxfer | Module::Beside => ours,
                Module::Compat if self.is_own_way(fact) => ours,
                _ => stock,
            };
            let found = seen.0.iter().find(|(name, _)| name == fact);
            let found = found.map_or("(not noted)", |(_, value)| value.as_str());
            // Where it is a race with Asterisk's own module, either will do.
            if !expected.split(" or ").any(|one| one == found) {
                wrong.push_str(&format!("  {fact}: {found:?} and not {expected:?}\n"));
            }
        }
        for (fact, value) in &seen.0 {
            if !self.cells.iter().any(|(name, ..)| name == fact) {
                wrong.push_str(&format!("  {fact}: {value:?}, which nobody expects\n"));
            }
        }
        assert!(wrong.is_empty(), "{} with {}:\n{wrong}", self.title, module.name());
    }
}

/// Makes a test of each scenario for each module, in modules of their names, with phones of a
/// group.
macro_rules! played {
    ($group:ident: $($name:ident = $scenario:ident),+ $(,)?) => {
        mod stock {
            $(#[test]
            fn $name() {
                super::$scenario.check(crate::Module::Stock, crate::config::$group);
            })+
        }
        mod sipxfer {
            $(#[test]
            fn $name() {
                super::$scenario.check(crate::Module::Sipxfer, crate::config::$group);
            })+
        }
        mod compat {
            $(#[test]
            fn $name() {
                super::$scenario.check(crate::Module::Compat, crate::config::$group);
            })+
        }
        mod observe {
            $(#[test]
            fn $name() {
                super::$scenario.check(crate::Module::Observe, crate::config::$group);
            })+
        }
        mod beside {
            $(#[test]
            fn $name() {
                super::$scenario.check(crate::Module::Beside, crate::config::$group);
            })+
        }
    };
}
pub(crate) use played;

/// Makes a test of each scenario for the module of this project alone, over TCP and over TLS.
macro_rules! played_over_streams {
    ($($name:ident = $scenario:ident),+ $(,)?) => {
        mod refusals_over_tcp {
            $(#[test]
            fn $name() {
                super::$scenario.check(crate::Module::Sipxfer, crate::config::TCP);
            })+
        }
        mod refusals_over_tls {
            $(#[test]
            fn $name() {
                super::$scenario.check(crate::Module::Sipxfer, crate::config::TLS);
            })+
        }
    };
}
pub(crate) use played_over_streams;

/// Long enough for what Asterisk does at once, on a busy machine.
pub const SOON: Duration = Duration::from_secs(3);

/// What has become of a call: nothing is left to happen to it when this is asked, or soon.
pub fn fate(call: &Call) -> &'static str {
    fate_within(call, SOON)
}

/// The same, with the time that it may take: Asterisk lets who is left alone hear a busy tone for
/// ten seconds.
pub fn fate_within(call: &Call, patience: Duration) -> &'static str {
    match call.ended_within(patience) {
        None => "goes on",
        Some(Ended::ByPeer) => "hung up",
        Some(Ended::ByUs) => "ended by the phone",
        Some(Ended::Cancelled) => "cancelled",
        Some(Ended::Refused(_)) => "refused",
    }
}

/// Whether both hear each other again. That their call has ended, or is left alone, is an answer too.
fn together(alice: &Call, bob: &Call) -> bool {
    let hears = |one: &Call, other: &Call| one.hears_only_within(other.phone(), SOON / 3);
    let end = Instant::now() + SOON * 3;
    loop {
        if hears(alice, bob) && hears(bob, alice) {
            return true;
        }
        if !alice.is_up() || !bob.is_up() || Instant::now() > end {
            return false;
        }
    }
}

/// Notes what both have after a transfer that failed.
pub fn after_failure(talk: &Talk, seen: &mut Seen) {
    let (alice, bob) = (&talk.caller, &talk.callee);
    bob.unmute();
    let together = together(alice, bob);
    seen.note("Alice and Bob talk", if together { "yes" } else { "no" });
    let patience = if together { Duration::ZERO } else { SOON * 5 };
    seen.note("Alice's call", fate_within(alice, patience));
    let patience = if together { Duration::ZERO } else { SOON };
    seen.note("Bob's call", fate_within(bob, patience));
}
