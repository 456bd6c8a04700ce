//! A module that was built for another Asterisk, pjproject or library than those that load it, or for
//! one that it does not know, says so and does not run.

use super::config::{self, Site};
use super::process::{root, Asterisk, Instance};
use super::{tools, Module, Under};
use crate::ua::tls::Kit;
use std::fs::{self, File};
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::SystemTime;

/// The Makefile of the module, told other things than are true.
fn make(build: &Path, untrue: &[String]) -> Output {
    let lib = Module::Sipxfer.objects(Under::Nothing);
    let lib = lib[0].parent().and_then(Path::parent).expect("the target folder").join("release");
    let headers = root().join("opt/sipxfer");
    tools::program("make")
        .current_dir(tools::root().join("c_examples/asterisk"))
        .args(["-s", "CFLAGS=-O0"])
        .arg(format!("BUILD={}", build.display()))
        .arg(format!("SIPXFER_LIB={}", lib.display()))
        .arg(format!("ASTERISK_INCLUDE={}", headers.join("asterisk").display()))
        .arg(format!("PJPROJECT={}", headers.join("pjproject").display()))
        .args(untrue)
        .env_remove("MAKEFLAGS")
        .env_remove("MAKELEVEL")
        .output()
        .expect("make can be run: scripts/install-deps.sh installs it")
}

/// What make prints when it fails.
fn refused(build: &Path, untrue: &[String]) -> String {
    let output = make(build, untrue);
    let printed = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "{untrue:?}: {printed}");
    printed
}

#[test]
fn an_asterisk_that_is_not_known_is_refused_at_compile_time_by_its_version() {
    let build = tools::workshop("versions-unknown");
    for version in ["19.8.1", "24.0.0-rc1"] {
        let printed = refused(&build, &[format!("ASTERISK_VERSION={version}")]);
        assert!(printed.contains(&format!("of Asterisk {version}, and")), "{printed}");
        assert!(printed.contains("knows 20 to 23"), "{printed}");
    }
}

/// With pjproject's own configuration its structs have other sizes than in Asterisk.
#[test]
fn the_configuration_of_another_pjproject_is_refused_at_compile_time() {
    let build = tools::workshop("versions-layout");
    fs::create_dir_all(build.join("pj")).expect("a folder of this test");
    fs::write(build.join("pj/config_site.h"), "").expect("a folder of this test");
    let printed = refused(&build, &[format!("CFLAGS=-O0 -I{}", build.display())]);
    let wanted = "This is not the pjproject that Asterisk was built with";
    assert!(printed.contains(wanted), "{printed}");
}

/// An Asterisk that finds this module.
fn started_with(build: &Path) -> Asterisk {
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
    instance.start()
}

/// The header of a library that is newer than the one that there is, and older than what was built: so
/// only what is missing is built with it.
fn newer_header(folder: &Path) -> PathBuf {
    let text = fs::read_to_string(tools::root().join("include/sipxfer.h")).expect("the header");
    let line = text.lines().find(|line| line.starts_with("#define SIPXFER_ABI_MINOR "));
    let newer = text.replace(line.expect("its minor version"), "#define SIPXFER_ABI_MINOR 999");
    let path = folder.join("sipxfer.h");
    fs::write(&path, newer).expect("a folder of this test");
    File::options()
        .append(true)
        .open(&path)
        .and_then(|file| file.set_modified(SystemTime::UNIX_EPOCH))
        .expect("a file of this test");
    folder.to_owned()
}

#[test]
fn a_module_that_does_not_fit_does_not_load_and_says_why() {
    let build = tools::workshop("versions-load");
    let header = newer_header(&build);
    for (untrue, wanted) in [
        ("ASTERISK_MAJOR=21".to_owned(), "was built for Asterisk 21 and this is Asterisk 22"),
        (
            "PJ_VERSION=2.3.4".to_owned(),
            "was built for pjproject 2.3.4 and this Asterisk has pjproject 2.",
        ),
        (
            format!("SIPXFER_INCLUDE={}", header.display()),
            "needs a libsipxfer with ABI 0.999, and the one that was found",
        ),
    ] {
        // All that depends on it is in this one.
        let _ = fs::remove_file(build.join("module.o"));
        let output = make(&build, &[untrue]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let at = started_with(&build);
        at.line(wanted);
        let shown = at.cli("module show like res_pjsip_sipxfer");
        assert!(!shown.contains("Running") || shown.contains("Not Running"), "{shown}");
        at.stop();
    }
}
