//! Programs that are built with what is installed.

use super::{prefix, tools};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What the example says at its end.
const ALL_AS_EXPECTED: &str = "all went as it should";

fn example(name: &str) -> PathBuf {
    tools::root().join("c_examples").join(name)
}

/// Runs a line of the shell in a workshop, as a reader would: `$SOURCE` is the folder of an example.
fn shell(dir: &Path, source: &str, line: &str) {
    let mut sh = tools::program("sh");
    sh.current_dir(dir).args(["-e", "-c", line]);
    sh.env("PKG_CONFIG_PATH", prefix().join("lib/pkgconfig")).env("SOURCE", example(source));
    tools::succeed(&mut sh);
}

fn with_library_path(program: &Path) -> Command {
    let mut command = tools::program(program);
    command.env("LD_LIBRARY_PATH", prefix().join("lib"));
    command
}

/// The libraries that a program asks the loader for.
fn needed(program: &Path) -> String {
    let mut readelf = tools::program("readelf");
    let dynamic = tools::succeed(readelf.args(["-d", "-W"]).arg(program));
    dynamic.lines().filter(|line| line.contains("(NEEDED)")).collect()
}

#[test]
fn a_program_is_linked_by_pkg_config() {
    let dir = tools::workshop("pkg-config");
    let line = "eval cc -Wall -Werror '\"$SOURCE\"'/*.c -o linked -pthread \
                \"$(pkg-config --cflags --libs sipxfer)\"";
    shell(&dir, "link", line);
    let program = dir.join("linked");
    assert!(needed(&program).contains("[libsipxfer.so.0]"), "{}", needed(&program));
    let said = tools::succeed(&mut with_library_path(&program));
    assert!(said.contains(ALL_AS_EXPECTED), "{said}");
}

/// What rustc says that the static library needs is what sipxfer.pc says.
#[test]
fn a_program_is_linked_by_pkg_config_with_the_static_library() {
    let pc = std::fs::read_to_string(prefix().join("lib/pkgconfig/sipxfer.pc")).unwrap();
    let needs =
        std::fs::read_to_string(tools::target_dir().join("dist/native-static-libs")).unwrap();
    let line = pc.lines().find_map(|line| line.strip_prefix("Libs.private: "));
    assert_eq!(line, Some(needs.trim()));
    assert!(needs.split_whitespace().all(|word| word.starts_with("-l")), "{needs}");
    assert!(needs.contains("-lgcc_s") && needs.contains("-lc"), "{needs}");

    let dir = tools::workshop("pkg-config-static");
    let line = "eval cc -Wall -Werror '\"$SOURCE\"'/*.c -o linked -pthread \
                \"$(pkg-config --static --cflags --libs sipxfer | sed 's/-lsipxfer/-l:libsipxfer.a/')\"";
    shell(&dir, "link", line);
    let program = dir.join("linked");
    assert!(!needed(&program).contains("sipxfer"), "{}", needed(&program));
    let said = tools::succeed(&mut tools::program(&program));
    assert!(said.contains(ALL_AS_EXPECTED), "{said}");
}

#[test]
fn a_program_opens_the_library_by_its_soname() {
    let dir = tools::workshop("dlopen-installed");
    let line =
        "eval cc -Wall -Werror '\"$SOURCE\"'/*.c -o opened \"$(pkg-config --cflags sipxfer)\" -ldl";
    shell(&dir, "dlopen", line);
    let program = dir.join("opened");
    assert!(!needed(&program).contains("sipxfer"), "{}", needed(&program));
    let said = tools::succeed(&mut with_library_path(&program));
    assert!(said.starts_with(&format!("sipxfer {}", super::VERSION)), "{said}");
}

/// Builds with both targets of the package at `prefix`, and runs what was built.
fn cmake(name: &str, prefix: &Path) {
    let dir = tools::workshop(name);
    let mut configure = tools::program("cmake");
    configure.arg("-S").arg(tools::root().join("tests/install/cmake")).arg("-B").arg(&dir);
    configure.arg(format!("-DCMAKE_PREFIX_PATH={}", prefix.display()));
    configure.arg(format!("-DSOURCE={}", example("link").display()));
    configure.env_remove("MAKEFLAGS").env_remove("MAKELEVEL");
    tools::succeed(&mut configure);
    let mut build = tools::program("cmake");
    build.env_remove("MAKEFLAGS").env_remove("MAKELEVEL");
    tools::succeed(build.arg("--build").arg(&dir));
    for (program, is_dynamic) in [("dynamic", true), ("standalone", false)] {
        let program = dir.join(program);
        let needed = needed(&program);
        assert_eq!(needed.contains("[libsipxfer.so.0]"), is_dynamic, "{program:?}: {needed}");
        // CMake leaves the path of the library in what it builds.
        let said = tools::succeed(&mut tools::program(&program));
        assert!(said.contains(ALL_AS_EXPECTED), "{program:?}: {said}");
    }
}

#[test]
fn a_program_is_built_by_cmake() {
    cmake("a cmake build", prefix());
}

/// The package finds its files from where it lies itself.
#[test]
fn a_program_is_built_by_cmake_with_an_installation_that_was_moved() {
    let moved = tools::workshop("moved").join("to here");
    tools::succeed(tools::program("cp").arg("-a").arg(prefix()).arg(&moved));
    cmake("cmake-moved", &moved);
}

/// Another language: the structs and functions by ctypes.
#[test]
fn a_python_host_uses_the_installed_library() {
    let mut python = with_library_path(Path::new("python3"));
    python.args(["-B", "-W", "error"]).arg(tools::root().join("examples/python/verify.py"));
    let said = tools::succeed(&mut python);
    assert!(said.ends_with("all as expected\n"), "{said}");
    for line in ["bob: accept 200", "mallory: reject 403", "bob: reject 481"] {
        assert!(said.lines().any(|it| it == line), "no \"{line}\" in\n{said}");
    }
}
