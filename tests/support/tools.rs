//! Runs compilers, cargo and the programs made by them. What is missing fails the test that needs
//! it and says where it comes from; nothing is skipped.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

/// The root of the clone.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The folder of the checked-in header.
pub fn include_dir() -> PathBuf {
    root().join("include")
}

/// The text of the checked-in header.
pub fn header_text() -> String {
    fs::read_to_string(include_dir().join("sipxfer.h")).expect("include/sipxfer.h is checked in")
}

/// Where cargo puts what it builds for this project.
pub fn target_dir() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("the folder above tmp")
}

/// An empty folder of this name for the files of one test.
pub fn workshop(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if path.exists() {
        fs::remove_dir_all(&path).expect("an old workshop can be cleared");
    }
    fs::create_dir_all(&path).expect("the target folder is writable");
    path
}

/// A program to be run without anything that this process inherited for its own libraries.
pub fn program(name: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(name);
    command.stdin(Stdio::null());
    // cargo points this at its own folders, where a libsipxfer.so of another build may lie.
    command.env_remove("LD_LIBRARY_PATH");
    command.env("LC_ALL", "C");
    command
}

/// Runs to the end and hands out everything, whatever the exit status.
pub fn finish(command: &mut Command) -> Output {
    command.output().unwrap_or_else(|cause| {
        panic!(
            "{:?} cannot be run: {cause}. scripts/install-deps.sh installs what the tests need.",
            command.get_program()
        )
    })
}

/// Runs to the end; anything but success fails the test with all that was printed. Returns stdout.
pub fn succeed(command: &mut Command) -> String {
    let output = finish(command);
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{command:?}\nended with {}\n--- stdout\n{stdout}\n--- stderr\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    stdout
}

/// A shared object that was built, and how hosts must be built and run to live with it.
#[derive(Clone)]
pub struct Library {
    /// The folder that holds `libsipxfer.so` and its soname link.
    pub dir: PathBuf,
    /// What every C host of this library is compiled and linked with.
    pub cflags: &'static [&'static str],
    /// The compiler whose sanitizer runtime fits.
    pub compiler: &'static str,
}

impl Library {
    /// The shared object itself.
    pub fn file(&self) -> PathBuf {
        self.dir.join("libsipxfer.so")
    }
}

/// The library as `make lib` builds it.
pub fn release() -> Library {
    static BUILT: OnceLock<Library> = OnceLock::new();
    let build = || {
        let mut cargo = cargo_rustc(target_dir());
        cargo.arg("--release");
        succeed(&mut cargo);
        finished(target_dir().join("release"), &[], "gcc")
    };
    BUILT.get_or_init(build).clone()
}

/// The library with debug assertions and overflow checks, instrumented by AddressSanitizer.
///
/// A Rust shared object brings no sanitizer runtime: the executable does. The runtime of clang
/// serves both sides; that of gcc is another build with another interface version.
pub fn address_sanitized() -> Library {
    static BUILT: OnceLock<Library> = OnceLock::new();
    let build = || sanitized("asan", "-Zsanitizer=address", ADDRESS);
    BUILT.get_or_init(build).clone()
}

/// The library instrumented by ThreadSanitizer. The standard library stays as it is.
pub fn thread_sanitized() -> Library {
    static BUILT: OnceLock<Library> = OnceLock::new();
    let flags = "-Zsanitizer=thread -Cunsafe-allow-abi-mismatch=sanitizer";
    let build = || sanitized("tsan", flags, &["-fsanitize=thread", "-g"]);
    BUILT.get_or_init(build).clone()
}

/// AddressSanitizer and UndefinedBehaviorSanitizer for C; the first finding ends the program.
pub const ADDRESS: &[&str] =
    &["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer", "-g"];

fn sanitized(name: &str, rustflags: &str, cflags: &'static [&'static str]) -> Library {
    let target = target_dir().join(name);
    let triple = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let mut cargo = cargo_rustc(&target);
    // Without an explicit target the build script would be instrumented too, and fail to link.
    cargo.args(["--target", &triple]);
    // The sanitizers of a stable toolchain are behind this switch.
    cargo.env("RUSTC_BOOTSTRAP", "1").env("RUSTFLAGS", rustflags);
    succeed(&mut cargo);
    finished(target.join(triple).join("debug"), cflags, "clang")
}

fn cargo_rustc(target: &Path) -> Command {
    let mut cargo = program(std::env::var_os("CARGO").expect("cargo runs the tests"));
    cargo.current_dir(root());
    cargo.args(["rustc", "--quiet", "--lib", "--crate-type", "cdylib", "--no-default-features"]);
    cargo.arg("--target-dir").arg(target);
    cargo.env_remove("CARGO_BUILD_TARGET").env_remove("CARGO_ENCODED_RUSTFLAGS");
    cargo
}

fn finished(dir: PathBuf, cflags: &'static [&'static str], compiler: &'static str) -> Library {
    let link = dir.join("libsipxfer.so.0");
    // Made aside and renamed: test programs may do this at the same moment.
    let aside = dir.join(format!("libsipxfer.so.0.{}", std::process::id()));
    std::os::unix::fs::symlink("libsipxfer.so", &aside).expect("a link beside the library");
    fs::rename(&aside, &link).expect("the link takes its place");
    Library { dir, cflags, compiler }
}

/// Warnings that every C file of the tests and examples is held to.
pub const STRICT_C: &[&str] = &["-std=c11", "-Wall", "-Wextra", "-Werror", "-D_GNU_SOURCE"];

/// A C host of the library: compiled, linked with it, ready to run.
pub struct Host {
    file: PathBuf,
    library: Library,
}

/// Compiles a C host from these files. `extra` goes to the compiler too.
pub fn host(library: &Library, dir: &Path, name: &str, files: &[PathBuf], extra: &[&str]) -> Host {
    let file = dir.join(name);
    let mut compiler = program(library.compiler);
    compiler.args(STRICT_C).args(["-O1", "-pthread"]).args(library.cflags).args(extra);
    compiler.arg("-I").arg(include_dir()).arg("-I").arg(root().join("tests/c"));
    compiler.args(files).arg("-o").arg(&file);
    compiler.arg("-L").arg(&library.dir).args(["-lsipxfer", "-ldl"]);
    for word in [OsStr::new("-rpath"), library.dir.as_os_str()] {
        compiler.arg("-Xlinker").arg(word);
    }
    succeed(&mut compiler);
    Host { file, library: library.clone() }
}

impl Host {
    /// The command that runs it, with the sanitizers at their strictest.
    pub fn command(&self) -> Command {
        let mut command = program(&self.file);
        // Linked hosts find the library by rpath, hosts that load it themselves by this.
        command.env("LD_LIBRARY_PATH", &self.library.dir);
        strict_sanitizers(&mut command);
        command
    }
}

/// Every finding ends the program with a status that is not 0; leaks are findings.
pub fn strict_sanitizers(command: &mut Command) {
    command.env("ASAN_OPTIONS", "detect_leaks=1:detect_stack_use_after_return=1:abort_on_error=0");
    command.env("UBSAN_OPTIONS", "print_stacktrace=1:halt_on_error=1");
}

/// A C source of these tests.
pub fn c_source(name: &str) -> PathBuf {
    root().join("tests/c").join(name)
}

/// Writes a generated file.
pub fn write(path: PathBuf, text: &str) -> PathBuf {
    write_bytes(path, text.as_bytes())
}

/// Writes a generated file that is no text.
pub fn write_bytes(path: PathBuf, bytes: &[u8]) -> PathBuf {
    fs::write(&path, bytes).expect("the workshop is writable");
    path
}
