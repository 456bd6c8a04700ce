//! One Asterisk process: its folder, its start, its end.
//!
//! It runs out of a cached root folder without anything being written there: the loader of the root
//! starts it with the root's libraries, and all that it writes lies in a folder of its own.

use super::ami::Ami;
use super::ari::Ari;
use super::{locks, sanitized, Under};
use crate::ua::PATIENCE;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::IpAddr;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{channel, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::Instant;

/// Where the modules of the root lie.
const MODULES: &str = "usr/lib/x86_64-linux-gnu/asterisk/modules";

/// The root folder with a stock Asterisk, made by its script the first time.
pub fn root() -> &'static Path {
    static ROOT: OnceLock<PathBuf> = OnceLock::new();
    ROOT.get_or_init(|| script("asterisk-root.sh", &[]))
}

/// Runs a script of scripts/hosts that prints a path as its last line.
fn script(name: &str, arguments: &[&str]) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/hosts").join(name);
    let output = Command::new(&path)
        .args(arguments)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .unwrap_or_else(|cause| panic!("{} cannot be run: {cause}", path.display()));
    assert!(output.status.success(), "{} ended with {}", path.display(), output.status);
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    PathBuf::from(printed.lines().last().unwrap_or_default())
}

/// The files of an instance, before it is started.
pub struct Instance {
    /// Its name in messages.
    pub name: String,
    /// Its address.
    pub address: IpAddr,
    /// Its folder.
    pub dir: PathBuf,
    /// What it runs under.
    pub under: Under,
}

/// A running Asterisk. It ends with the test program, however that ends.
pub struct Asterisk {
    /// Its name in messages.
    pub name: String,
    /// Its address.
    pub address: IpAddr,
    /// Its folder.
    pub dir: PathBuf,
    /// Its manager interface.
    pub ami: Ami,
    /// Its REST interface.
    pub ari: Ari,
    gone: Arc<AtomicBool>,
    end: Mutex<Receiver<()>>,
    said: Arc<Said>,
}

/// What a process has printed.
#[derive(Default)]
struct Said {
    text: Mutex<String>,
    more: Condvar,
}

impl Instance {
    /// Makes the folder of an instance. `more` are shared objects to stand beside the modules of
    /// the root, in the place of those of the same name.
    pub fn new(name: &str, address: IpAddr, more: &[PathBuf], under: Under) -> Instance {
        // Short, because the path of a socket may have a hundred letters only.
        let dir = std::env::temp_dir().join(format!("sipxfer-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        for part in ["etc", "run", "log/cdr-csv", "log/cel-custom", "spool", "var", "keys", "mod"] {
            fs::create_dir_all(dir.join(part)).expect("the temporary folder is writable");
        }
        for entry in fs::read_dir(root().join(MODULES)).expect("the root has modules").flatten() {
            symlink(entry.path(), dir.join("mod").join(entry.file_name())).expect("a link");
        }
        for object in more {
            let to = dir.join("mod").join(object.file_name().expect("a file"));
            let _ = fs::remove_file(&to);
            // Copies, so that what is found beside them is what lies in this folder.
            fs::copy(object, &to).expect("a shared object that was built");
        }
        Instance { name: name.to_owned(), address, dir, under }
    }

    /// Writes a configuration file.
    pub fn file(&self, name: &str, text: &str) {
        fs::write(self.dir.join("etc").join(name), text).expect("the folder is writable");
    }

    fn write_asterisk_conf(&self) {
        let (dir, root) = (self.dir.display(), root().display());
        let text = format!(
            "[directories]\nastetcdir => {dir}/etc\nastmoddir => {dir}/mod\nastvarlibdir => \
             {dir}/var\nastdbdir => {dir}/var\nastkeydir => {dir}/keys\nastdatadir => \
             {root}/usr/share/asterisk\nastagidir => {root}/usr/share/asterisk/agi-bin\nastspooldir \
             => {dir}/spool\nastrundir => {dir}/run\nastlogdir => {dir}/log\n[options]\nnocolor = \
             yes\n"
        );
        self.file("asterisk.conf", &text);
    }

    /// The program and its first arguments; those of a tool that runs it may stand before.
    fn command(&self) -> Vec<String> {
        let root = root();
        let libraries = root.join("usr/lib/x86_64-linux-gnu");
        let mut command = vec![root.join("usr/lib64/ld-linux-x86-64.so.2").display().to_string()];
        let before = match self.under {
            Under::Nothing => None,
            Under::AddressSanitizer => Some(libraries.join("libasan.so.8")),
            Under::LockWatch => Some(locks::watcher()),
        };
        // It comes before the C library.
        if let Some(library) = before {
            assert!(library.exists(), "there is no {}", library.display());
            command.extend(["--preload".to_owned(), library.display().to_string()]);
        }
        command.extend([
            "--library-path".to_owned(),
            libraries.display().to_string(),
            root.join("usr/sbin/asterisk").display().to_string(),
            "-C".to_owned(),
            self.dir.join("etc/asterisk.conf").display().to_string(),
        ]);
        command
    }

    /// Starts it and waits until it is ready.
    pub fn start(self) -> Asterisk {
        self.write_asterisk_conf();
        // The shell holds the end of a pipe: when this program ends, in whatever way, the pipe
        // closes and the shell ends Asterisk and clears its folder.
        let script = "dir=$1; shift; cd \"$dir\"; ulimit -c unlimited; \"$@\" </dev/null & child=$!; exec >/dev/null 2>&1; cat; \
                      kill -KILL $child; wait $child; [ -e \"$dir/keep\" ] || rm -rf \"$dir\"";
        let mut child = Command::new("sh")
            .args(["-c", script, "asterisk"])
            .arg(&self.dir)
            .args(self.command())
            .args(["-f", "-n", "-vvv"])
            .env("ASAN_OPTIONS", sanitized::options(&self.dir))
            .env("SIPXFER_DIALOG_LOCKS", locks::report(&self.dir))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("a shell");
        let stdout = child.stdout.take().expect("it was asked for");
        let gone = Arc::new(AtomicBool::new(false));
        let console = self.dir.join("log/console");
        let said = Arc::new(Said::default());
        let (ready, end) = watch(BufReader::new(stdout), console, gone.clone(), said.clone());
        // The pipe stays open for as long as this program runs.
        std::mem::forget(child);
        if ready.recv().is_err() {
            fs::write(self.dir.join("keep"), "").expect("the folder is writable");
            panic!("{} did not start, see {}/log/console", self.name, self.dir.display());
        }
        let ami = Ami::connect(self.address);
        let ari = Ari::new(self.address);
        let end = Mutex::new(end);
        Asterisk {
            name: self.name,
            address: self.address,
            dir: self.dir,
            ami,
            ari,
            gone,
            end,
            said,
        }
    }
}

/// Copies what a process prints into a file and says when it is ready, and when it is gone: then the
/// second receiver has nobody who could send.
fn watch(
    output: impl BufRead + Send + 'static,
    to: PathBuf,
    gone: Arc<AtomicBool>,
    said: Arc<Said>,
) -> (Receiver<()>, Receiver<()>) {
    let (ready, told) = channel();
    let (alive, end) = channel();
    thread::spawn(move || {
        let _alive: Sender<()> = alive;
        let mut ready = Some(ready);
        let mut file = fs::File::create(&to).expect("the folder is writable");
        for line in output.split(b'\n').map_while(Result::ok) {
            use std::io::Write;
            let _ = file.write_all(&line).and_then(|()| file.write_all(b"\n"));
            let mut text = said.text.lock().unwrap_or_else(PoisonError::into_inner);
            text.push_str(&String::from_utf8_lossy(&line));
            text.push('\n');
            drop(text);
            said.more.notify_all();
            if line.starts_with(b"Asterisk Ready.") {
                if let Some(ready) = ready.take() {
                    let _ = ready.send(());
                }
            }
        }
        gone.store(true, Ordering::SeqCst);
    });
    (told, end)
}

impl Asterisk {
    /// Whether the process has ended, which it never should.
    pub fn is_gone(&self) -> bool {
        self.gone.load(Ordering::SeqCst)
    }

    /// Ends it as a service is ended, and waits until it is gone.
    pub fn stop(&self) {
        let kill = Command::new("kill").arg("-TERM").arg(self.pid().to_string()).status();
        assert!(kill.expect("kill can be run").success(), "{} cannot be told to end", self.name);
        let end = self.end.lock().unwrap_or_else(PoisonError::into_inner);
        let how = end.recv_timeout(PATIENCE * 6);
        assert_eq!(how, Err(RecvTimeoutError::Disconnected), "{} does not end", self.name);
    }

    /// Keeps its folder when it ends, for somebody who looks for what failed.
    pub fn keep(&self) {
        let _ = fs::write(self.dir.join("keep"), "");
    }

    /// Runs a command of the command line and returns what it prints.
    pub fn cli(&self, command: &str) -> String {
        self.ami.command(command)
    }

    /// What it has printed by now.
    pub fn console(&self) -> String {
        self.said.text.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits for a line that holds `part`: Asterisk logs in a thread of its own, a moment later.
    pub fn line(&self, part: &str) -> String {
        let end = Instant::now() + PATIENCE;
        let mut text = self.said.text.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(line) = text.lines().find(|line| line.contains(part)) {
                return line.to_owned();
            }
            let left = end.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "{} has not said {part}:\n{text}", self.name);
            text = self.said.more.wait_timeout(text, left).expect("no panic under the console").0;
        }
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        let text = fs::read_to_string(self.dir.join("run/asterisk.pid")).expect("it wrote its id");
        text.trim().parse().expect("a number")
    }
}
