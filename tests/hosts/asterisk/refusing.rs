//! That the transfers of the scenarios are the library's: where it is told to refuse them, all fail.

use super::config::UDP;
use super::counters::stat;
use super::scenario::SOON;
use super::table::LISTS;
use super::world::World;
use super::Module;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::Mutex;

/// Scenarios of the lists below in which nothing else is expected than a refusal, or no REFER is sent.
const PASS: [&str; 2] = ["A phone with allow_transfer=no", "Application: progress without a REFER"];

#[test]
fn with_refer_allow_no_every_refer_scenario_fails() {
    let mut world = World::start("refusing", Module::Sipxfer, "[general]\nrefer.allow=no\n");
    // Most of what they wait for does not come.
    world.patience = SOON * 5;
    let lists = LISTS.iter().filter(|(title, _)| *title != "INVITE with Replaces");
    let all: Vec<_> = lists.flat_map(|(_, list)| list.iter().copied()).collect();
    let (left, passed) = (Mutex::new(all.clone()), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..24 {
            scope.spawn(|| loop {
                let next = left.lock().expect("nobody panics there").pop();
                let Some(scenario) = next else { return };
                let play = || scenario.check_in(&world, UDP);
                if catch_unwind(AssertUnwindSafe(play)).is_ok() {
                    passed.lock().expect("nobody panics there").push(scenario.title);
                }
            });
        }
    });
    let mut passed = passed.into_inner().expect("nobody panics there");
    passed.sort_unstable();
    assert_eq!(passed, PASS);
    let sum = |name: &str| stat(&world.a, name) + stat(&world.b, name);
    let asked = world.asked.lock().unwrap().refers;
    assert!(asked >= all.len() as u64 - 1, "{asked} REFERs in {} scenarios", all.len());
    assert_eq!(sum("REFER received"), asked);
    assert_eq!(sum("REFER decided"), asked);
    assert_eq!(sum("Refused"), asked);
    assert_eq!(sum("Succeeded") + sum("Failed"), 0);
    // They were to fail: nobody needs their files.
    for one in [&world.a, &world.b] {
        assert!(!one.is_gone(), "{} lives", one.name);
        std::fs::remove_file(one.dir.join("keep")).expect("a failure keeps the files");
    }
}
