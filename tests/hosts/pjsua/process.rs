//! The programs: built once, started, steered by their standard input, ended with the test.

use super::tools::{self, Library};
use super::ua::PATIENCE;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::Instant;

/// pjproject as scripts/hosts/pjproject.sh leaves it.
pub fn pjproject() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| made_by_script(&[]))
}

fn made_by_script(arguments: &[&str]) -> PathBuf {
    let script = tools::root().join("scripts/hosts/pjproject.sh");
    let printed = tools::succeed(tools::program(script).args(arguments));
    PathBuf::from(printed.lines().last().expect("the script prints a path"))
}

/// What c_examples/pjsua builds to, by its own Makefile, with this library and these flags, against a
/// pjproject.
fn build(variant: &str, library: &Library, flags: &str, pjproject: &Path) -> PathBuf {
    let dir = tools::workshop(&format!("pjsua-{variant}"));
    let source = tools::root().join("c_examples/pjsua");
    for entry in fs::read_dir(source).expect("the example") {
        let path = entry.expect("the example can be listed").path();
        if path.is_file() {
            fs::copy(&path, dir.join(path.file_name().expect("a name"))).expect("a copy");
        }
    }
    // make splits paths at spaces: these names hold none, wherever the clone lies.
    symlink(tools::include_dir(), dir.join("include")).expect("a link to the header");
    symlink(tools::root().join("cluster/include"), dir.join("cluster")).expect("another header");
    symlink(&library.dir, dir.join("lib")).expect("a link to the library");
    symlink(pjproject, dir.join("pj")).expect("a link to pjproject");
    let mut make = tools::program("make");
    make.current_dir(&dir).arg("-j2").arg(format!("CC={}", library.compiler));
    make.args(["SIPXFER_INCLUDE=include", "CLUSTER_INCLUDE=cluster"]);
    make.args(["SIPXFER_LIB=lib", "PJPROJECT=pj"]);
    make.arg(format!("CFLAGS={flags}")).arg(format!("LDFLAGS={flags}"));
    // The programs run in other folders than this one.
    make.arg(format!("PJ_RPATH={}", pjproject.join("lib").display()));
    make.env_remove("MAKEFLAGS").env_remove("MFLAGS").env_remove("MAKELEVEL");
    tools::succeed(&mut make);
    dir.join("build")
}

/// The folder with `pbx` and the object to preload.
pub fn programs() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| build("plain", &tools::release(), "-O2 -g", pjproject()))
}

/// The same with what the setting `cluster.url` loads.
pub fn clustered_programs() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| {
        let library = tools::release();
        let mut make = tools::program("make");
        make.current_dir(tools::root()).args(["-s", "cluster"]);
        make.arg(format!("TARGET_DIR={}", tools::target_dir().display()));
        make.env_remove("MAKEFLAGS").env_remove("MFLAGS").env_remove("MAKELEVEL");
        tools::succeed(&mut make);
        build("cluster", &library, "-O2 -g", pjproject())
    })
}

/// The same against the oldest pjproject that there is.
pub fn old_programs() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| build("old", &tools::release(), "-O2 -g", &made_by_script(&["old"])))
}

/// The same under AddressSanitizer, the Rust side too.
pub fn sanitized_programs() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| {
        let library = tools::address_sanitized();
        let flags = library.cflags.join(" ");
        build("sanitized", &library, &flags, pjproject())
    })
}

#[derive(Default)]
struct Printed {
    lines: Mutex<(Vec<String>, bool)>,
    changed: Condvar,
}

impl Printed {
    /// A test that fails while it looks leaves the lines as they are.
    fn lock(&self) -> MutexGuard<'_, (Vec<String>, bool)> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A program that runs, with what it has printed so far.
pub struct Process {
    name: String,
    child: Child,
    input: Option<ChildStdin>,
    printed: Arc<Printed>,
}

impl Process {
    /// Starts it; both of its outputs are kept.
    pub fn start(name: &str, command: &mut Command) -> Process {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|cause| panic!("{name}: {cause}"));
        let printed = Arc::new(Printed::default());
        let streams: [Box<dyn std::io::Read + Send>; 2] = [
            Box::new(child.stdout.take().expect("stdout is piped")),
            Box::new(child.stderr.take().expect("stderr is piped")),
        ];
        for stream in streams {
            let printed = Arc::clone(&printed);
            thread::spawn(move || {
                for line in BufReader::new(stream).split(b'\n') {
                    let Ok(line) = line else { break };
                    let line = String::from_utf8_lossy(&line).trim_end().to_owned();
                    printed.lock().0.push(line);
                    printed.changed.notify_all();
                }
                printed.lock().1 = true;
                printed.changed.notify_all();
            });
        }
        let input = child.stdin.take();
        Process { name: name.to_owned(), child, input, printed }
    }

    /// Types a line.
    pub fn type_line(&mut self, line: &str) {
        let input = self.input.as_mut().expect("it is open until the end");
        writeln!(input, "{line}").and_then(|()| input.flush()).expect("it reads");
    }

    /// All that it has printed.
    pub fn lines(&self) -> Vec<String> {
        self.printed.lock().0.clone()
    }

    /// How many lines it has printed.
    pub fn position(&self) -> usize {
        self.printed.lock().0.len()
    }

    /// Waits for a line that holds `words`, from line number `from` on, and returns it with the number of
    /// the line behind it.
    pub fn expect_from(&self, from: usize, words: &str) -> (String, usize) {
        let until = Instant::now() + PATIENCE;
        let mut lines = self.printed.lock();
        loop {
            let found =
                lines.0.iter().enumerate().skip(from).find(|(_, line)| line.contains(words));
            if let Some((at, line)) = found {
                return (line.clone(), at + 1);
            }
            let left = until.saturating_duration_since(Instant::now());
            assert!(
                !left.is_zero() && !lines.1,
                "{} has not printed {words:?}:\n{}",
                self.name,
                lines.0.join("\n")
            );
            lines = self.printed.changed.wait_timeout(lines, left).expect("the lines").0;
        }
    }

    /// The same from the first line on.
    pub fn expect(&self, words: &str) -> String {
        self.expect_from(0, words).0
    }

    /// Lets it end by itself and returns its exit code; the input is closed.
    pub fn end(&mut self) -> Option<i32> {
        self.input = None;
        let until = Instant::now() + PATIENCE * 3;
        while Instant::now() < until {
            match self.child.try_wait().expect("it can be waited for") {
                Some(status) => return status.code(),
                None => thread::yield_now(),
            }
        }
        panic!("{} does not end:\n{}", self.name, self.lines().join("\n"));
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if thread::panicking() {
            let lines = self.lines();
            let last = &lines[lines.len().saturating_sub(80)..];
            eprintln!("---- the last of {}:\n{}", self.name, last.join("\n"));
        }
        if self.child.try_wait().ok().flatten().is_none() {
            self.child.kill().ok();
            self.child.wait().ok();
        }
    }
}
