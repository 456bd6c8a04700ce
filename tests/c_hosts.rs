//! The example hosts, built by their own Makefiles the way a reader builds them, then run plain,
//! under valgrind and under the sanitizers: no error, no leak.
// Tests may fail loudly.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Command;
use support::tools::{self, Library};

/// An example that was built in a folder of its own.
struct Example {
    program: PathBuf,
    library: Library,
}

/// Builds a copy of the example, so that nothing is left in the source tree.
fn build(name: &str, variant: &str, library: &Library, flags: &[&str]) -> Example {
    let dir = tools::workshop(&format!("{name}-{variant}"));
    for entry in fs::read_dir(tools::root().join("c_examples").join(name)).expect("the example") {
        let path = entry.expect("the example can be listed").path();
        if path.is_file() {
            let to = dir.join(path.file_name().expect("a file has a name"));
            fs::copy(&path, to).expect("the workshop is writable");
        }
    }
    let mut make = tools::program("make");
    make.current_dir(&dir).arg(format!("CC={}", library.compiler));
    // make splits paths at spaces: these names hold none, wherever the clone lies.
    symlink(tools::include_dir(), dir.join("include")).expect("a link to the header");
    symlink(&library.dir, dir.join("lib")).expect("a link to the library");
    make.args(["SIPXFER_INCLUDE=include", "SIPXFER_LIB=lib"]);
    if !flags.is_empty() {
        make.arg(format!("CFLAGS={}", flags.join(" ")));
        make.arg(format!("LDFLAGS={}", flags.join(" ")));
    }
    // Flags of a make above this one are not for the example.
    make.env_remove("MAKEFLAGS").env_remove("MFLAGS").env_remove("MAKELEVEL");
    tools::succeed(&mut make);
    Example { program: dir.join("build").join(name), library: library.clone() }
}

impl Example {
    /// The command line that runs it under `tool`, or by itself.
    fn command(&self, tool: &[&str]) -> Command {
        let mut command = match tool.split_first() {
            Some((name, arguments)) => {
                let mut command = tools::program(name);
                command.args(arguments).arg(&self.program);
                command
            }
            None => tools::program(&self.program),
        };
        command.current_dir(self.program.parent().expect("the build folder"));
        if self.program.ends_with("dlopen") {
            command.arg(self.library.file());
        }
        tools::strict_sanitizers(&mut command);
        command
    }

    /// Runs it to its end, and looks for what it has to say, line by line in this order.
    fn says(&self, tool: &[&str], expected: &[&str]) {
        let printed = tools::succeed(&mut self.command(tool));
        let mut lines = printed.lines().map(str::trim);
        for line in expected {
            assert!(lines.any(|it| it == *line), "no line \"{line}\", or too early:\n{printed}");
        }
    }
}

const VALGRIND: &[&str] = &[
    "valgrind",
    "--quiet",
    "--error-exitcode=99",
    "--leak-check=full",
    "--show-leak-kinds=definite,indirect,possible",
    "--errors-for-leak-kinds=definite,indirect,possible",
    "--track-origins=yes",
];

/// What stands in a line of its own: verdicts, a transfer from REFER to outcome, takeovers, the sending
/// side, parked calls.
const LINK: &[&str] = &[
    "7 of 7 verdicts as expected",
    "SIP/2.0 100 Trying",
    "SIP/2.0 180 Ringing",
    "Subscription-State: terminated;reason=noresource",
    "SIP/2.0 200 OK",
    "blind; answer 202; notify 100; start; notify 180; BYE told to 1; notify 200; finished 200; \
     cause target; gone",
    "accept; answer 488; leave the old call; finished 488",
    "accept; answer 200; move the bridge; BYE to the old call; finished 200",
    "Refer-To: <sip:carol@192.0.2.8?Replaces=consultation%3Bto-tag%3Dcarol%3Bfrom-tag%3Dours>",
    "send; 200 to the NOTIFY; progress 180; 200 to the NOTIFY; hang_up; success 200",
    "place 701; claimed 7 of bob; taken; 0 left",
    "accept by token; claimed 7",
    "0 transfers and 0 takeovers are left",
    concat!("sipxfer ", env!("CARGO_PKG_VERSION"), ": all went as it should"),
];

const DLOPEN: &[&str] = &[
    "verdict   accept, code 200, ground trusted-peer",
    "verdict   reject, code 603, ground none",
    "verdict   reject, code 481, ground none",
    "Contact: <sip:701@pbx.example.com>",
    "answer 202; notify 100; start; notify 200; finished 200",
    "claimed alice-waits",
    "ring bob for alice-waits; 0 left",
    "accept; answer 200; move the bridge; CANCEL; finished 200",
    "Refer-To: <sip:carol@example.com>",
    "send; 200 to the NOTIFY; keep_call; failure 486",
];

#[test]
fn link_host_runs() {
    build("link", "plain", &tools::release(), &[]).says(&[], LINK);
}

#[test]
fn link_host_is_clean_under_valgrind() {
    build("link", "valgrind", &tools::release(), &["-O1", "-g"]).says(VALGRIND, LINK);
}

#[test]
fn link_host_is_clean_under_sanitizers() {
    build("link", "sanitized", &tools::release(), tools::ADDRESS).says(&[], LINK);
}

/// The Rust side is instrumented too.
#[test]
fn link_host_is_clean_with_a_sanitized_library() {
    let library = tools::address_sanitized();
    build("link", "sanitized-library", &library, library.cflags).says(&[], LINK);
}

#[test]
fn dlopen_host_runs() {
    build("dlopen", "plain", &tools::release(), &[]).says(&[], DLOPEN);
}

#[test]
fn dlopen_host_is_clean_under_valgrind() {
    build("dlopen", "valgrind", &tools::release(), &["-O1", "-g"]).says(VALGRIND, DLOPEN);
}

/// The library stays mapped after dlclose, so that leaks inside it are still told by name.
#[test]
fn dlopen_host_is_clean_under_sanitizers() {
    build("dlopen", "sanitized", &tools::release(), tools::ADDRESS).says(&[], DLOPEN);
}

#[test]
fn dlopen_host_is_clean_with_a_sanitized_library() {
    let library = tools::address_sanitized();
    build("dlopen", "sanitized-library", &library, library.cflags).says(&[], DLOPEN);
}

/// valgrind and the sanitizers find what they are here to find: the same tools, the same flags, a
/// program with one fault.
#[test]
fn the_tools_find_a_leak_and_an_overrun() {
    let dir = tools::workshop("tools");
    let leak = "#include <stdlib.h>\n#include <string.h>\nstatic char *volatile kept;\n\
                int main(void) { kept = malloc(100); strcpy(kept, \"lost\"); kept = NULL; }\n";
    let overrun = "#include <stdlib.h>\nint main(int argc, char **argv) { (void) argv;\n\
                   volatile char *p = malloc(8); p[7 + argc] = 1; free((void *) p); }\n";
    for (name, source) in [("leak", leak), ("overrun", overrun)] {
        let file = tools::write(dir.join(format!("{name}.c")), source);
        for (compiler, flags, tool) in [
            ("gcc", &["-g"][..], VALGRIND),
            ("gcc", tools::ADDRESS, &[]),
            ("clang", tools::ADDRESS, &[]),
        ] {
            let out = dir.join(name);
            let mut cc = tools::program(compiler);
            tools::succeed(cc.args(flags).arg(&file).arg("-o").arg(&out));
            let mut command = match tool.split_first() {
                Some((valgrind, arguments)) => {
                    let mut command = tools::program(valgrind);
                    command.args(arguments).arg(&out);
                    command
                }
                None => tools::program(&out),
            };
            tools::strict_sanitizers(&mut command);
            let output = tools::finish(&mut command);
            assert!(!output.status.success(), "{command:?} does not find the {name}");
        }
    }
}

/// The scenarios of the demo by words of their headings; each must be played.
const SCENARIOS: &[&str] = &[
    "remote attended",
    "local attended",
    "blind",
    "pickup",
    "has no external_replaces",
    "a dialog that does not exist",
    "does not trust",
    "not authenticated",
    "an application",
    "says nothing",
    "busy",
    "is called back",
    "is hung up too",
    "a second refer",
    "gives the transfer up",
    "park and retrieve",
    "park and ring back",
    "takeover: carol takes",
    "no codec in common",
];

#[test]
fn demo_plays_every_scenario() {
    let library = tools::release();
    let demo = build("demo", "plain", &library, &[]);
    let mut command = demo.command(&[]);
    command.env("LD_LIBRARY_PATH", &library.dir);
    let printed = tools::succeed(&mut command).to_lowercase();
    // The list at the end says of each scenario how it went.
    let ok: Vec<_> = printed.lines().filter(|line| line.starts_with("ok ")).collect();
    let absent = |name: &&&str| !ok.iter().any(|line| line.contains(**name));
    let missing: Vec<_> = SCENARIOS.iter().filter(absent).collect();
    assert!(missing.is_empty(), "not played: {missing:?}\n{printed}");
    assert_eq!(ok.len(), SCENARIOS.len(), "{ok:?}");
}
