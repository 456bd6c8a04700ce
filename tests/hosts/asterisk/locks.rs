//! No lock of a second dialog is waited for under the first: each lock of a dialog and each wait for
//! a task is seen in a real Asterisk, by a library that goes before its own. It is the order that is
//! looked at, not whether two threads have met.

use super::config::UDP;
use super::world::{World, TRUNK};
use super::{attended, table, Module, Under};
use crate::tools;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The library that sees the locks, built by the first who asks.
pub fn watcher() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let build = || {
        let file = tools::workshop("dialog-locks").join("dialog_locks.so");
        let mut compiler = tools::program("gcc");
        compiler.args(tools::STRICT_C).args(["-O1", "-g", "-fPIC", "-shared", "-o"]).arg(&file);
        compiler.arg(tools::c_source("dialog_locks.c")).arg("-ldl");
        tools::succeed(&mut compiler);
        file
    };
    BUILT.get_or_init(build).clone()
}

/// Where it writes for an Asterisk.
pub fn report(dir: &Path) -> PathBuf {
    dir.join("log/dialog-locks")
}

fn text(dir: &Path) -> String {
    let bytes = fs::read(report(dir)).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Waits in the wrong order whose stack goes through this module.
pub fn findings(dir: &Path, module: &str) -> String {
    let text = text(dir);
    let ours = text.split("\n\n").filter(|stack| stack.contains(module));
    ours.map(|stack| format!("{stack}\n\n")).collect()
}

/// How many locks of dialogs were taken until its end.
fn taken(dir: &Path) -> u64 {
    let text = text(dir);
    let last = text.lines().last().and_then(|line| line.strip_prefix("locks taken: "));
    last.and_then(|number| number.parse().ok()).unwrap_or_default()
}

fn play(name: &str, module: Module) -> World {
    let world = World::start_under(Under::LockWatch, name, module, TRUNK);
    let all = table::scenarios();
    std::thread::scope(|scope| {
        for some in all.chunks(all.len().div_ceil(8)) {
            let world = &world;
            scope.spawn(move || some.iter().for_each(|scenario| scenario.check_in(world, UDP)));
        }
    });
    for one in [&world.a, &world.b] {
        one.stop();
        assert!(taken(&one.dir) > 100, "{} locks were seen in {}", taken(&one.dir), one.name);
    }
    world
}

#[test]
fn no_lock_of_a_second_dialog_is_waited_for_under_the_first() {
    let world = play("locks", Module::Sipxfer);
    assert_eq!(world.findings(), "");
}

/// What shows that it would be seen.
#[test]
fn asterisks_own_module_waits_for_a_second_dialog_under_the_first() {
    let world = World::start_under(Under::LockWatch, "locks-stock", Module::Stock, TRUNK);
    for scenario in attended::ALL.iter().take(1) {
        scenario.check_in(&world, UDP);
    }
    let found = findings(&world.a.dir, "res_pjsip_refer");
    assert!(found.contains("waits for a dialog and holds another"), "{found}");
}
