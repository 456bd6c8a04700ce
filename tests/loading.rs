//! The library in a process: loaded and let go a thousand times, twice at once, across a fork; and what
//! it asks of the system.
// Tests may fail loudly.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use support::tools;

/// The program of tests/c/loading.c. It is linked with no sipxfer at all.
fn loading(name: &str, flags: &[&str]) -> (PathBuf, PathBuf) {
    let dir = tools::workshop(&format!("loading-{name}"));
    let program = dir.join("loading");
    let mut gcc = tools::program("gcc");
    gcc.args(tools::STRICT_C).args(["-O1", "-pthread"]).args(flags);
    gcc.arg("-I").arg(tools::include_dir()).arg("-I").arg(tools::root().join("tests/c"));
    gcc.args([tools::c_source("loading.c"), tools::c_source("one_of_each.c")]);
    // The library finds the counting functions of the program.
    tools::succeed(gcc.args(["-rdynamic", "-ldl"]).arg("-o").arg(&program));
    (dir, program)
}

fn command(program: &Path, what: &str) -> Command {
    let mut command = tools::program(program);
    command.arg(what).arg(tools::release().file());
    command
}

/// After the tenth and after the thousandth time the process has the same memory, mappings and
/// descriptors; threads of the host have been inside and end later.
#[test]
fn loaded_and_let_go_a_thousand_times_nothing_is_left() {
    let (_, program) = loading("rounds", &[]);
    let printed = tools::succeed(&mut command(&program, "rounds"));
    assert!(printed.contains("round 1000: "), "{printed}");
}

#[test]
fn two_copies_in_one_process_have_nothing_in_common() {
    let (dir, program) = loading("two", &[]);
    let copy = dir.join("another-libsipxfer.so");
    fs::copy(tools::release().file(), &copy).unwrap();
    tools::succeed(command(&program, "two").arg(copy));
}

#[test]
fn parent_and_child_of_a_fork_both_go_on() {
    let (_, program) = loading("fork", &[]);
    tools::succeed(&mut command(&program, "fork"));
}

/// The functions of a C library that it is not even linked with: threads, processes, signals, sockets,
/// the environment's other end, and what runs at a process's end.
const NEVER_IMPORTED: &[&str] = &[
    "pthread_create",
    "clone",
    "fork",
    "vfork",
    "execve",
    "execvp",
    "posix_spawn",
    "system",
    "popen",
    "sigaction",
    "signal",
    "sigaltstack",
    "sigprocmask",
    "pthread_sigmask",
    "kill",
    "raise",
    "socket",
    "connect",
    "bind",
    "listen",
    "accept",
    "sendto",
    "send",
    "recv",
    "getaddrinfo",
    "setenv",
    "putenv",
    "unsetenv",
    "secure_getenv",
    "atexit",
    "on_exit",
    "exit",
    "printf",
    "syslog",
    "setlocale",
    "nanosleep",
    "clock_nanosleep",
    "timer_create",
    "dlopen",
    "dlclose",
    "pthread_atfork",
];

#[test]
fn it_starts_no_thread_and_takes_no_signal() {
    let mut nm = tools::program("nm");
    nm.args(["-D", "--undefined-only", "--format=posix"]).arg(tools::release().file());
    let listing = tools::succeed(&mut nm);
    let imported: BTreeSet<&str> = listing
        .lines()
        .filter_map(|line| line.split_whitespace().next()?.split('@').next())
        .collect();
    assert!(imported.contains("malloc"), "nm was not understood: {imported:?}");
    let found: Vec<_> = NEVER_IMPORTED.iter().filter(|it| imported.contains(**it)).collect();
    assert!(found.is_empty(), "imported: {found:?}");
}

/// Each level used once: no environment variable is read and no clock (the program's own functions
/// would be called), and the kernel is asked for memory and random bytes, and nothing else.
#[test]
fn it_asks_the_system_for_memory_and_random_bytes_only() {
    let (dir, program) = loading("quiet", &[]);
    tools::succeed(&mut command(&program, "quiet"));

    let trace = dir.join("trace");
    let mut strace = tools::program("strace");
    strace.args(["-f", "-o"]).arg(&trace).arg(&program).arg("quiet").arg(tools::release().file());
    tools::succeed(&mut strace);
    let trace = fs::read_to_string(trace).expect("strace writes its trace");
    let (_, rest) = trace.split_once("close(-71)").expect("the beginning is marked");
    let (inside, _) = rest.split_once("close(-72)").expect("the end is marked");
    // A line is `PID name(arguments) = result`; the first is the rest of the marker's, the last is that
    // of the next marker.
    let mut lines: Vec<&str> = inside.lines().skip(1).collect();
    lines.pop();
    let calls: BTreeSet<&str> =
        lines.iter().filter_map(|it| it.split_once(' ')?.1.trim().split('(').next()).collect();
    assert!(calls.contains("getrandom"), "the trace was not understood: {inside}");
    let known = ["getrandom", "brk", "mmap", "munmap", "mremap", "madvise", "mprotect", "futex"];
    let more: Vec<_> = calls.iter().filter(|it| !known.contains(it)).collect();
    assert!(more.is_empty(), "it asks for {more:?}:\n{inside}");
}

/// The highest version of the C library that it needs. A library built on Debian 12 runs from here on;
/// README.md says so.
#[test]
fn it_runs_with_the_c_library_of_2021() {
    let mut objdump = tools::program("objdump");
    let listing = tools::succeed(objdump.arg("-T").arg(tools::release().file()));
    let version = |line: &str| -> Option<(u32, u32)> {
        let (_, rest) = line.split_once("(GLIBC_")?;
        let mut parts = rest.split(')').next()?.split('.').map(str::parse);
        Some((parts.next()?.ok()?, parts.next()?.ok()?))
    };
    let newest = listing.lines().filter_map(version).max();
    assert!(newest.is_some(), "objdump was not understood: {listing}");
    assert!(newest <= Some((2, 34)), "it needs glibc {newest:?}");
}
