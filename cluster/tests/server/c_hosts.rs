//! Two C hosts, each a process with an engine, a park lot and a node, around a real server.

use crate::server::{folder, Server, LONG};
use std::env;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

fn compiled() -> PathBuf {
    let program = folder("lot").join("lot");
    let output = Command::new("gcc")
        .args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-g", "-O1"])
        .arg(format!("-I{ROOT}/include"))
        .arg(format!("-I{ROOT}/cluster/include"))
        .arg(format!("{ROOT}/cluster/tests/c/lot.c"))
        .arg("-o")
        .arg(&program)
        .args(["-ldl", "-pthread"])
        .output()
        .expect("a C compiler: scripts/install-deps.sh installs it");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    program
}

/// A C host that runs.
struct Host {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

impl Host {
    fn start(program: &Path, server: &Server, name: &str) -> Host {
        // Cargo puts both shared objects beside the test.
        let libraries = env::current_exe().unwrap().parent().unwrap().to_owned();
        let mut child = Command::new(program)
            .arg(libraries.join("libsipxfer.so"))
            .arg(libraries.join("libsipxfer_cluster.so"))
            .args([server.url(), name.to_owned(), format!("sip:replaces@{name}.example")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (to, from) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Host { child, to, from: BufReader::new(from) }
    }

    fn say(&mut self, command: &str) -> String {
        writeln!(self.to, "{command}").unwrap();
        let mut line = String::new();
        self.from.read_line(&mut line).unwrap();
        assert!(line.ends_with('\n'), "the host has ended at: {command}");
        line.trim_end().to_owned()
    }

    /// The same until the answer begins like this: the other node may not have published yet, and answers
    /// are held for a second.
    #[track_caller]
    fn says(&mut self, command: &str, wanted: &str) -> String {
        let began = Instant::now();
        loop {
            let said = self.say(command);
            if said.starts_with(wanted) {
                return said;
            }
            assert!(began.elapsed() < LONG, "{command}: {wanted} never comes, but {said}");
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn what_one_c_host_parks_the_other_one_takes_out_and_both_judge_who_may() {
    let (program, server) = (compiled(), Server::start());
    let mut a = Host::start(&program, &server, "a");
    let mut b = Host::start(&program, &server, "b");
    let token = a.say("park 0");
    assert_eq!(token.len(), 26, "{token}");
    assert_eq!(a.say("park 701"), "701");

    // Carol dials at B, which finds the call at A, and what to send there.
    let found = b.says(&format!("dial carol {token}"), "remote_node");
    let replaces = format!("held-1@alice;to-tag=ours;from-tag=hers;token={token}");
    assert_eq!(found, format!("remote_node 302 token a sip:replaces@a.example {replaces}"));
    // The same by a Replaces that a REFER may bring her.
    assert_eq!(b.say(&format!("invite carol {replaces}")), found);
    // A judges the INVITE of B by itself: the token is the ground there too.
    let taken = a.say(&format!("invite trunk {replaces}"));
    assert_eq!(taken, "accept 200 token - - -");

    // Without the secret neither hands it out; nor does a number that the lot is not open for.
    let bare = "held-1@alice;to-tag=ours;from-tag=hers";
    let numbered = "invite carol held-2@alice;to-tag=ours;from-tag=hers;token=701";
    for command in [format!("invite carol {bare}"), "dial carol 701".to_owned()] {
        assert_eq!(b.say(&command), "reject 403 none - - -", "{command}");
    }
    for command in [format!("invite carol {bare}"), numbered.to_owned()] {
        assert_eq!(a.say(&command), "reject 403 none - - -", "{command}");
    }
    assert_eq!(a.say(&format!("dial carol {token}")), "none 0 none - - -", "it is here");

    // SIGKILL: A says goodbye to nobody, and its lease ends.
    a.child.kill().unwrap();
    b.says(&format!("dial carol {token}"), "reject 404");
    b.says("dial alice 701", "reject 404");
}
