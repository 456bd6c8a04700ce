//! The Debian packages in the Debian that they are for: the module is installed, loaded by a stock
//! Asterisk, and taken away again.

use super::{packages, process, tools};
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

const PACKAGES: [&str; 3] = ["libsipxfer0", "libsipxfer-cluster0", "asterisk-sipxfer"];

/// A copy of the root with Asterisk, and what runs in there. Both go with the test.
struct Debian {
    root: PathBuf,
    asterisk: Option<Child>,
}

impl Debian {
    fn new() -> Debian {
        let root = tools::workshop("a Debian with Asterisk").join("root");
        tools::succeed(tools::program("cp").arg("-a").arg(process::root()).arg(&root));
        Debian { root, asterisk: None }
    }

    fn command(root: &Path, words: &[&str]) -> Command {
        let mut command = tools::program("chroot");
        command.arg(root).args(words);
        command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        command.env("DEBIAN_FRONTEND", "noninteractive");
        command
    }

    /// Runs a line of shell in there, which has to succeed.
    fn run(&self, line: &str) -> String {
        tools::succeed(&mut Debian::command(&self.root, &["sh", "-ec", line]))
    }

    /// Asks the running Asterisk.
    fn ask(&self, command: &str) -> String {
        tools::succeed(&mut Debian::command(&self.root, &["asterisk", "-rx", command]))
    }

    /// Starts Asterisk and waits until it says that it is ready.
    fn start(&mut self) {
        let mut command = Debian::command(&self.root, &["asterisk", "-f", "-n", "-vvv"]);
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

#[test]
fn the_module_is_installed_from_its_package_and_loaded_by_a_stock_asterisk() {
    let built = packages::build(&PACKAGES, &[]);
    let mut depends = tools::program("dpkg-deb");
    let depends = tools::succeed(depends.arg("-f").arg(&built[2]).arg("Depends"));
    // Of another Asterisk, or without the library, it is not even installed.
    for name in ["asterisk-abi-", "libsipxfer0 (>= "] {
        assert!(depends.contains(name), "no {name} in {depends}");
    }

    let mut debian = Debian::new();
    for package in &built {
        let to = debian.root.join("var/tmp").join(package.file_name().expect("a file"));
        fs::copy(package, to).expect("the copy is writable");
    }
    debian
        .run("dpkg -i /var/tmp/*.deb; rm /var/tmp/*.deb; apt-get -q check; mkdir -p /run/asterisk");
    // As the manual has it, in the section [modules], behind which the stock file has another one; and
    // what would want ports that another test may have.
    let path = debian.root.join("etc/asterisk/modules.conf");
    let stock = fs::read_to_string(&path).expect("a stock file");
    let (before, behind) = stock.split_once("[modules]\n").expect("its section");
    let names = ["res_pjsip_refer", "chan_iax2", "chan_unistim", "pbx_dundi"];
    let lines = names.map(|name| format!("noload => {name}.so\n")).concat();
    fs::write(&path, format!("{before}[modules]\n{lines}{behind}")).expect("a copy");

    debian.start();
    let shown = debian.ask("module show like res_pjsip_sipxfer");
    assert!(shown.contains("Running") && shown.contains("1 modules loaded"), "{shown}");
    assert!(debian.ask("sipxfer show settings").contains("replaces.authorize"));
    // The documentation came along.
    assert!(debian.ask("core show function SIPXFER").contains("refer_to_raw"));
    let settings = fs::read_to_string(debian.root.join("etc/asterisk/sipxfer.conf"));
    assert!(settings.expect("a sample of settings").contains("[general]"));
    debian.ask("core stop now");
    let ended = debian.asterisk.take().expect("it was started").wait();
    assert!(ended.expect("its end can be waited for").success());

    debian.run(&format!("dpkg --purge {}", PACKAGES.join(" ")));
    let left = debian.run(
        "find / -xdev -name '*sipxfer*' ! -path '/opt/sipxfer*' ! -path '/var/cache/sipxfer-source*' ! -path '/proc/*'",
    );
    assert_eq!(left, "", "left behind");
}
