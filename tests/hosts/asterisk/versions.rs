//! A module that was built for another Asterisk than the one that loads it, or for one that it does not
//! know, says so and does not run.

use super::config::{self, Site};
use super::process::{root, Instance};
use super::{Module, Under};
use crate::ua::tls::Kit;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Instant;

/// The Makefile of the module, told that the headers are those of this Asterisk.
fn make(build: &Path, major: &str) -> Output {
    let lib = Module::Sipxfer.objects(Under::Nothing);
    let lib = lib[0].parent().and_then(Path::parent).expect("the target folder").join("release");
    let headers = root().join("opt/sipxfer");
    Command::new("make")
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("c_examples/asterisk"))
        .args(["-s", "CFLAGS=-O0"])
        .arg(format!("BUILD={}", build.display()))
        .arg(format!("SIPXFER_LIB={}", lib.display()))
        .arg(format!("ASTERISK_INCLUDE={}", headers.join("asterisk").display()))
        .arg(format!("PJPROJECT={}", headers.join("pjproject").display()))
        .arg(format!("ASTERISK_MAJOR={major}"))
        .env_remove("MAKEFLAGS")
        .env_remove("MAKELEVEL")
        .output()
        .expect("make can be run: scripts/install-deps.sh installs it")
}

/// A folder of this test.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("versions-{name}"));
    let _ = std::fs::remove_dir_all(&folder);
    folder
}

#[test]
fn an_asterisk_that_is_not_known_is_refused_at_compile_time() {
    for major in ["19", "24"] {
        let build = folder(major);
        let output = make(&build, major);
        let printed = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success(), "{major}: {printed}");
        assert!(printed.contains("This module knows Asterisk 20 to 23"), "{major}: {printed}");
        let _ = std::fs::remove_dir_all(&build);
    }
}

#[test]
fn a_module_for_another_asterisk_does_not_load_and_says_why() {
    let build = folder("21");
    let output = make(&build, "21");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let network = super::world::network();
    let ip = |last| IpAddr::V4(Ipv4Addr::new(127, network, 0, last));
    let mut addresses = vec![ip(1), ip(2)];
    addresses.extend((0..config::TLS.count).map(|n| config::TLS.address(network, n)));
    let kit = Kit::new(&addresses);
    let objects = [build.join("res_pjsip_sipxfer.so"), build.join("libsipxfer.so.0")];
    let instance = Instance::new("other-version", ip(1), &objects, Under::Nothing);
    let site = Site {
        module: Module::Sipxfer,
        network,
        peer: ip(2),
        kit: &kit,
        sipxfer: "",
        timer_t1: None,
    };
    config::write(&instance, &site);
    let at = instance.start();
    let shown = at.cli("module show like res_pjsip_sipxfer");
    assert!(!shown.contains("Running") || shown.contains("Not Running"), "{shown}");
    let end = Instant::now() + crate::ua::PATIENCE;
    // The log is written by a thread of its own; each question is a round trip.
    while !at.console().contains("was built for Asterisk 21 and this is Asterisk 22") {
        assert!(Instant::now() < end, "nothing in the log:\n{}", at.console());
        at.cli("core show uptime");
    }
    let _ = std::fs::remove_dir_all(&build);
}
