//! A Debian with a stock Asterisk in a folder of its own, where packages and modules can be installed and
//! Asterisk runs as it would on a box.

use super::tools;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Stock modules that would want ports which another test may have.
const NOT_NEEDED: [&str; 3] = ["chan_iax2", "chan_unistim", "pbx_dundi"];

/// A copy of a root folder, and the Asterisk that runs in there. Both go with the test.
pub struct Debian {
    /// Its root folder.
    pub root: PathBuf,
    asterisk: Option<Child>,
}

impl Debian {
    /// A copy, in a folder of this name.
    pub fn copy_of(from: &Path, name: &str) -> Debian {
        let root = tools::workshop(name).join("root");
        tools::succeed(tools::program("cp").arg("-a").arg(from).arg(&root));
        Debian { root, asterisk: None }
    }

    /// The same for a large one: what is below /etc and /var is a copy, and all else are links to the same
    /// files, which may be replaced and not written into.
    pub fn linked_to(from: &Path, name: &str) -> Debian {
        let root = tools::workshop(name).join("root");
        let linked = tools::finish(tools::program("cp").arg("-al").arg(from).arg(&root));
        if !linked.status.success() {
            // The cache is on another file system than the build.
            return Debian::copy_of(from, name);
        }
        for part in ["etc", "var"] {
            fs::remove_dir_all(root.join(part)).expect("a root has it");
            tools::succeed(tools::program("cp").arg("-a").arg(from.join(part)).arg(&root));
        }
        Debian { root, asterisk: None }
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = tools::program("chroot");
        command.arg(&self.root).args(["env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"]);
        command.args(["HOME=/root", "LC_ALL=C.UTF-8", "DEBIAN_FRONTEND=noninteractive"]);
        command.args(words);
        command
    }

    /// Runs a piece of shell in there, which has to succeed.
    pub fn run(&self, script: &str) -> String {
        tools::succeed(&mut self.command(&["sh", "-euc", script]))
    }

    /// Asks the running Asterisk.
    pub fn ask(&self, command: &str) -> String {
        tools::succeed(&mut self.command(&["asterisk", "-rx", command]))
    }

    /// A configuration file of Asterisk.
    pub fn conf(&self, name: &str) -> PathBuf {
        self.root.join("etc/asterisk").join(name)
    }

    /// Adds lines to a stock configuration file: to a section of it, or at its end.
    pub fn configure(&self, name: &str, section: Option<&str>, lines: &str) {
        let path = self.conf(name);
        let stock = fs::read(&path).unwrap_or_else(|cause| panic!("{}: {cause}", path.display()));
        let at = section.map_or(stock.len(), |section| {
            let header = format!("{section}\n");
            let found = stock.windows(header.len()).position(|part| part == header.as_bytes());
            found.unwrap_or_else(|| panic!("no {section} in {}", path.display())) + header.len()
        });
        let mut file = fs::File::create(&path).expect("a copy is writable");
        let (before, behind) = stock.split_at(at);
        for part in [before, b"\n", lines.as_bytes(), b"\n", behind] {
            file.write_all(part).expect("a copy is writable");
        }
    }

    /// Starts Asterisk and waits until it says that it is ready.
    pub fn start(&mut self) {
        let noload = NOT_NEEDED.map(|name| format!("noload = {name}.so\n")).concat();
        self.configure("modules.conf", Some("[modules]"), &noload);
        // A folder of systemd's.
        fs::create_dir_all(self.root.join("run/asterisk")).expect("a copy is writable");
        let mut command = self.command(&["asterisk", "-f", "-n", "-vvv"]);
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        let child = self.asterisk.insert(command.spawn().expect("chroot can be run"));
        let mut said = BufReader::new(child.stdout.take().expect("it was asked for"));
        let mut all = String::new();
        while !all.lines().any(|line| line.starts_with("Asterisk Ready.")) {
            let begun = all.len();
            said.read_line(&mut all).expect("Asterisk prints text");
            assert!(all.len() > begun, "Asterisk ended before it was ready:\n{all}");
        }
        // What it goes on saying must not be waited for by it.
        std::thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));
    }

    /// Ends Asterisk as its command line does, and waits until it is gone.
    pub fn stop(&mut self) {
        self.ask("core stop now");
        let ended = self.asterisk.take().expect("it was started").wait();
        assert!(ended.expect("its end can be waited for").success());
    }
}

impl Drop for Debian {
    fn drop(&mut self) {
        if let Some(asterisk) = &mut self.asterisk {
            let _ = asterisk.kill();
            let _ = asterisk.wait();
        }
        let _ = fs::remove_dir_all(&self.root);
    }
}
