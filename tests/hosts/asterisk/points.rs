//! Moving over: `compat = res_pjsip_refer` begins with the habits of Asterisk's module, and each of them
//! has a setting of its own, by which a site turns the better one on, or the old one where it wants that.

use super::config::UDP;
use super::table::scenario;
use super::world::World;
use super::Module;

/// What stands in `[general]` beside `compat`, and the scenarios that go as without compat then.
const BETTER: &[(&str, &[&str])] = &[
    (
        "transferor_waits=yes",
        &[
            "Blind, the target is busy (486)",
            "A second REFER in the same call after the first failed",
        ],
    ),
    (
        "transferor_waits=yes\nplain_failure_codes=no",
        &[
            "Blind, the target declines (603)",
            "Blind, the target does not know the user (404)",
            "Attended to another Asterisk, external_replaces hangs up",
        ],
    ),
    ("media_is_answer=no", &["Blind to an extension that only plays a ringing tone"]),
    ("semi_attended_at_once=no", &["Semi-attended, the target answers later"]),
    (
        "semi_attended_at_once=no\ntransferor_waits=yes",
        &["Semi-attended, the target refuses later (486)"],
    ),
    ("in_dialog_replaces_ends_call=no", &["INVITE with Replaces inside a call"]),
    (
        "unknown_extension_is_accepted=no",
        &[
            "Blind to an extension that is not there",
            "Attended to another Asterisk, no extension external_replaces",
        ],
    ),
    ("no_subscription_gets_200=no", &["Refer-Sub: false"]),
    ("outside_calls_is_left=no", &["REFER outside of any call"]),
    (
        "allow_transfer_covers_replaces=yes",
        &["INVITE with Replaces from a phone with allow_transfer=no"],
    ),
    (
        "dead_call_is_ended=yes\nplain_failure_codes=no",
        &["Blind, Alice hangs up while the target rings"],
    ),
    (
        "replaces.authorize=same-user",
        &[
            "INVITE with Replaces from somebody else",
            "Pickup of a ringing phone by somebody else",
            "A REFER whose Replaces names somebody else's call",
        ],
    ),
];

/// What stands there without `compat`, and the scenarios that go as with it then.
const AS_TODAY: &[(&str, &str)] = &[
    (
        "media_is_answer=yes\nnotify.min_interval_ms=0",
        "Blind to an extension that only plays a ringing tone",
    ),
    ("semi_attended_at_once=yes", "Semi-attended, the target answers later"),
    ("in_dialog_replaces_ends_call=yes", "INVITE with Replaces inside a call"),
    ("unknown_extension_is_accepted=yes", "Blind to an extension that is not there"),
    ("no_subscription_gets_200=yes", "Refer-Sub: false"),
    ("outside_calls_is_left=yes", "REFER outside of any call"),
    (
        "allow_transfer_covers_replaces=no",
        "INVITE with Replaces from a phone with allow_transfer=no",
    ),
    ("replaces.authorize=any", "INVITE with Replaces from somebody else"),
];

/// Writes other settings for both Asterisks, and has them read.
fn settings(world: &World, general: &str) {
    for said in reload(world, general) {
        assert!(said.contains("reloaded"), "{general}: {said}");
    }
}

/// What both Asterisks say to other settings.
fn reload(world: &World, general: &str) -> [String; 2] {
    [&world.a, &world.b].map(|one| {
        let text = format!("[general]\napplication.timeout_ms=5000\n{general}\n");
        std::fs::write(one.dir.join("etc/sipxfer.conf"), text).expect("its folder is writable");
        one.cli("module reload res_pjsip_sipxfer.so")
    })
}

#[test]
fn each_point_of_compat_is_turned_to_the_better_by_a_setting_of_its_own() {
    let world = World::start("better", Module::Compat, "[general]\ncompat=res_pjsip_refer\n");
    for (general, titles) in BETTER {
        for title in *titles {
            settings(&world, "compat=res_pjsip_refer");
            scenario(title).check_as(&world, UDP, Module::Compat);
            settings(&world, &format!("compat=res_pjsip_refer\n{general}"));
            scenario(title).check_as(&world, UDP, Module::Sipxfer);
        }
    }
}

#[test]
fn each_habit_of_today_can_be_had_alone() {
    let world = World::start("today", Module::Sipxfer, "[general]\n");
    for (general, title) in AS_TODAY {
        settings(&world, general);
        scenario(title).check_as(&world, UDP, Module::Stock);
    }
}

#[test]
fn a_setting_of_the_module_is_yes_or_no() {
    let world = World::start("neither", Module::Sipxfer, "[general]\nmedia_is_answer=yes\n");
    let path = world.a.dir.join("etc/sipxfer.conf");
    std::fs::write(path, "[general]\nmedia_is_answer=perhaps\n").expect("its folder is writable");
    world.a.cli("module reload res_pjsip_sipxfer.so");
    world.a.line("sipxfer.conf line 2: media_is_answer is yes or no");
    let shown = world.a.cli("sipxfer show settings");
    let line = shown.lines().find(|line| line.starts_with("media_is_answer"));
    assert!(line.is_some_and(|line| line.ends_with("Yes")), "{shown}");
}

/// Who has swapped the module first must not forget what is open.
#[test]
fn compat_and_the_missing_authorization_are_said_at_every_load() {
    let world = World::start("said", Module::Compat, "[general]\ncompat=res_pjsip_refer\n");
    let compat = "sipxfer answers as res_pjsip_refer does (compat)";
    let open = "any endpoint may name the calls of any other";
    let count = |part: &str| world.a.console().lines().filter(|line| line.contains(part)).count();
    world.a.line(compat);
    world.a.line(open);
    settings(&world, "compat=res_pjsip_refer\nreplaces.authorize=same-user");
    reload(&world, "refer.alow=no");
    // What comes last shows that all before it is in the log.
    world.a.line("refer.alow");
    assert_eq!((count(compat), count(open)), (2, 1));
}
