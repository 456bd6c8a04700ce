//! Programs of an older version go on working: the headers and programs in `abi/VERSION` are what
//! was, and every later library is held to them (docs/abi.md). Only additions pass.
// Tests may fail loudly.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use support::generator;
use support::model::{Model, Ty};
use support::tools;

/// The folders of the frozen versions, oldest first.
fn frozen() -> Vec<PathBuf> {
    let entries = fs::read_dir(tools::root().join("abi")).expect("abi/ is checked in");
    let mut folders: Vec<_> = entries.map(|it| it.expect("abi/ can be listed").path()).collect();
    folders.sort();
    assert!(folders.iter().any(|it| it.ends_with("0.1")), "version 0.1 is frozen: {folders:?}");
    folders
}

/// What `make install` would install, and the static library with what has to be linked besides.
struct Installed {
    dir: PathBuf,
    needed_by_static: Vec<String>,
}

fn installed() -> &'static Installed {
    static BUILT: OnceLock<Installed> = OnceLock::new();
    BUILT.get_or_init(|| {
        let mut make = tools::program("make");
        make.current_dir(tools::root()).arg("dist");
        make.arg(format!("TARGET_DIR={}", tools::target_dir().display()));
        make.arg(format!("CARGO={}", std::env::var("CARGO").expect("cargo runs the tests")));
        for name in ["MAKEFLAGS", "MFLAGS", "MAKELEVEL", "CARGO_ENCODED_RUSTFLAGS"] {
            make.env_remove(name);
        }
        tools::succeed(&mut make);
        let dist = tools::target_dir().join("dist");
        let dir = tools::workshop("frozen-lib");
        for (from, to) in [("so", "so"), ("so", "so.0"), ("a", "a")] {
            let from = dist.join("release").join(format!("libsipxfer.{from}"));
            fs::copy(from, dir.join(format!("libsipxfer.{to}"))).expect("the library was built");
        }
        let needed = fs::read_to_string(dist.join("native-static-libs")).expect("rustc says it");
        Installed { dir, needed_by_static: needed.split_whitespace().map(str::to_owned).collect() }
    })
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Linked,
    Static,
    Opened,
}

/// Compiles all C files of these folders with the header in `include`, and runs the program.
fn run(name: &str, include: &Path, folders: &[PathBuf], kind: Kind, sanitize: bool) -> String {
    let library = installed();
    let dir = tools::workshop(name);
    let program = dir.join("program");
    let mut gcc = tools::program("gcc");
    gcc.args(tools::STRICT_C).args(["-O1", "-pthread", "-I"]).arg(include);
    if sanitize {
        gcc.args(tools::ADDRESS);
    }
    for folder in folders {
        gcc.arg("-I").arg(folder).args(c_files(folder));
    }
    gcc.arg("-o").arg(&program);
    match kind {
        Kind::Linked => {
            gcc.arg("-L").arg(&library.dir).arg("-lsipxfer");
        }
        Kind::Static => {
            gcc.arg(library.dir.join("libsipxfer.a")).args(&library.needed_by_static);
        }
        Kind::Opened => {
            gcc.args(["-DBY_DLOPEN", "-ldl"]);
        }
    }
    tools::succeed(&mut gcc);
    let mut command = tools::program(&program);
    command.env("LD_LIBRARY_PATH", &library.dir);
    tools::strict_sanitizers(&mut command);
    if matches!(kind, Kind::Opened) {
        command.arg(library.dir.join("libsipxfer.so"));
    }
    tools::succeed(&mut command)
}

/// The C files of a folder: all but the ones that only the hostile tests have.
fn c_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder of C files");
    let mut files: Vec<_> = entries.map(|it| it.expect("it can be listed").path()).collect();
    files.retain(|it| it.extension().is_some_and(|it| it == "c"));
    files.sort();
    files
}

fn calls_every_function(name: &str, include: &Path, folder: &Path, functions: usize) {
    for kind in [Kind::Linked, Kind::Static, Kind::Opened] {
        let name = format!("frozen-calls-{name}-{kind:?}");
        let printed = run(&name, include, &[folder.to_path_buf()], kind, true);
        let all = format!("{functions} functions, ");
        assert!(printed.starts_with(&all) && printed.contains(" 0 failures"), "{printed}");
    }
}

/// What `scripts/abi-freeze.sh` keeps: the calls of today's header. It is compiled and run here, so
/// that what would be frozen works; `SIPXFER_FREEZE` names the folder that it is written to.
#[test]
fn what_would_be_frozen_today_works() {
    let model = Model::of_header();
    let text = generator::valid_calls(model).unwrap_or_else(|unknown| {
        panic!("no valid call is known for:\n  {}", unknown.join("\n  "))
    });
    let dir = tools::workshop("frozen-today");
    for entry in fs::read_dir(tools::root().join("tests/c")).expect("tests/c exists") {
        let path = entry.expect("tests/c can be listed").path();
        let name = path.file_name().expect("a file has a name").to_string_lossy().into_owned();
        let world = name.starts_with("hostile") && name != "hostile_driver.c";
        if world || name.starts_with("calls") {
            fs::copy(&path, dir.join(&name)).expect("the workshop is writable");
        }
    }
    tools::write(dir.join("calls.c"), &text);
    calls_every_function("today", &tools::include_dir(), &dir, model.functions.len());
    if let Some(folder) = std::env::var_os("SIPXFER_FREEZE") {
        let folder = PathBuf::from(folder);
        fs::create_dir_all(&folder).expect("the folder can be made");
        for file in fs::read_dir(&dir).expect("the workshop") {
            let file = file.expect("the workshop can be listed").path();
            fs::copy(&file, folder.join(file.file_name().unwrap())).expect("it is writable");
        }
    }
}

#[test]
fn programs_of_frozen_versions_get_a_right_answer_from_every_function() {
    for version in frozen() {
        let name = version.file_name().unwrap().to_string_lossy().into_owned();
        let functions = Model::of_file(&version.join("sipxfer.h")).functions.len();
        assert!(functions > 100, "{functions} functions in version {name}");
        calls_every_function(&name, &version, &version.join("calls"), functions);
    }
}

/// Hosts as they stood in that version's c_examples: verdicts, transfers, takeovers, parked calls,
/// each compared with what was answered then.
#[test]
fn hosts_of_frozen_versions_play_their_transfers() {
    for version in frozen() {
        let name = version.file_name().unwrap().to_string_lossy().into_owned();
        for kind in [Kind::Linked, Kind::Static] {
            let host = format!("frozen-link-{name}-{kind:?}");
            let printed = run(&host, &version, &[version.join("link")], kind, true);
            assert!(printed.contains("all went as it should"), "{printed}");
        }
        let host = format!("frozen-dlopen-{name}");
        let printed = run(&host, &version, &[version.join("dlopen")], Kind::Opened, false);
        assert!(printed.contains("this side transfers, and the target is busy"), "{printed}");
    }
}

/// Everything in which `new` would break a program of `old`.
fn broken(old: &Model, new: &Model) -> Vec<String> {
    let mut found = Vec::new();
    for (name, signature) in &old.functions {
        match new.functions.get(name) {
            None => found.push(format!("{name}() is gone")),
            Some(it) if it.to_string() != signature.to_string() => {
                found.push(format!("{name}{signature} has become {it}"));
            }
            Some(_) => {}
        }
    }
    for (name, value) in &old.constants {
        // It counts the additions.
        let counts = name == "SIPXFER_ABI_MINOR";
        match new.constants.get(name) {
            Some(it) if it == value || counts && it > value => {}
            it => found.push(format!("{name} was {value} and is {it:?}")),
        }
    }
    for (name, fields) in &old.structs {
        let Some(today) = new.structs.get(name) else {
            found.push(format!("struct {name} is gone"));
            continue;
        };
        for (at, field) in fields.iter().enumerate() {
            let same = today.get(at).filter(|it| it.name == field.name && it.ty == field.ty);
            if same.is_none() {
                found.push(format!(
                    "{name}.{} is no longer at its place or of its type",
                    field.name
                ));
            }
        }
        let grows = old.is_versioned(name);
        if today.len() > fields.len() && !grows {
            found.push(format!("struct {name} has grown, and tells no size"));
        }
    }
    found.extend(old.opaque.difference(&new.opaque).map(|it| format!("struct {it} is gone")));
    found
}

#[test]
fn today_is_frozen_versions_and_additions() {
    for version in frozen() {
        let found = broken(&Model::of_file(&version.join("sipxfer.h")), Model::of_header());
        assert!(found.is_empty(), "against {}:\n{}", version.display(), found.join("\n"));
        let table = |model: &Model| -> Vec<String> {
            model.fields("sipxfer_api").iter().map(|it| it.name.clone()).collect()
        };
        let (old, new) =
            (table(&Model::of_file(&version.join("sipxfer.h"))), table(Model::of_header()));
        assert_eq!(new[..old.len()], old, "the table of functions only grows at its end");
    }
}

/// The header with something changed: what is replaced, by what.
fn doctored(header: &str, name: &str, change: (&str, &str)) -> PathBuf {
    assert!(header.contains(change.0), "{name}: nothing to change");
    let dir = tools::workshop(&format!("frozen-doctored-{name}"));
    tools::write(dir.join("sipxfer.h"), &header.replacen(change.0, change.1, 1))
}

const EVENT: &str = "struct sipxfer_event_header {\n";

/// Changes that no program of an older version notices.
const ADDITIONS: &[(&str, (&str, &str))] = &[
    ("nothing", ("SIPXFER_H", "SIPXFER_H")),
    (
        "a-function",
        (
            "\nvoid sipxfer_engine_free(",
            "\nint32_t sipxfer_new(uint32_t x);\n\nvoid sipxfer_engine_free(",
        ),
    ),
    ("a-constant", ("#define SIPXFER_OK 0\n", "#define SIPXFER_OK 0\n#define SIPXFER_NEW 77\n")),
    (
        "a-struct",
        (
            EVENT,
            "struct sipxfer_new {\n    size_t struct_size;\n};\n\nstruct sipxfer_event_header {\n",
        ),
    ),
    ("minor", ("#define SIPXFER_ABI_MINOR ", "#define SIPXFER_ABI_MINOR 1")),
];

/// Changes that break one, and whether abidiff can see it: it knows no macros, and does not look at
/// what a callback is given.
const BREAKS: &[(&str, (&str, &str), bool)] = &[
    ("gone", ("\nint32_t sipxfer_config_apply(", "\nint32_t sipxfer_config_use("), true),
    (
        "argument",
        (
            "\nint32_t sipxfer_tick(const struct sipxfer_engine *engine,",
            "\nint32_t sipxfer_tick(struct sipxfer_engine *engine, uint32_t more,",
        ),
        true,
    ),
    ("result", ("\nvoid sipxfer_engine_free(", "\nint32_t sipxfer_engine_free("), true),
    (
        "inserted",
        (
            "    struct sipxfer_str package;\n",
            "    size_t new_one;\n    struct sipxfer_str package;\n",
        ),
        true,
    ),
    ("retyped", ("    struct sipxfer_str package;\n", "    const char *package;\n"), true),
    ("str", ("struct sipxfer_str {\n", "struct sipxfer_str {\n    size_t capacity;\n"), true),
    ("constant", ("#define SIPXFER_E_NULL (-1)", "#define SIPXFER_E_NULL (-2)"), false),
    ("callback", ("uint32_t level,", "uint64_t level,"), false),
    (
        "table",
        (
            "    const char *(*strerror)(int32_t status);\n",
            "    void (*more)(void);\n    const char *(*strerror)(int32_t status);\n",
        ),
        true,
    ),
];

fn abi_diff(version: &Path, header: &Path) -> Output {
    let mut script = Command::new(tools::root().join("scripts/abi-diff.sh"));
    tools::finish(script.arg(version).arg(header))
}

#[test]
fn abidiff_finds_additions_only() {
    for version in frozen() {
        let output = abi_diff(&version, &tools::include_dir().join("sipxfer.h"));
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let more = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{}: {said}{more}", version.display());
    }
}

/// The checks themselves are checked: what is added passes, what breaks a program does not.
#[test]
fn additions_pass_and_breaks_do_not() {
    for version in frozen() {
        let header = fs::read_to_string(version.join("sipxfer.h")).expect("a frozen header");
        let old = Model::of_file(&version.join("sipxfer.h"));
        for (name, change) in ADDITIONS {
            let path = doctored(&header, name, *change);
            let found = broken(&old, &Model::of_file(&path));
            assert!(found.is_empty(), "{name}: {found:?}");
            let output = abi_diff(&version, &path);
            assert!(output.status.success(), "{name}: {output:?}");
        }
        for (name, change, seen_by_abidiff) in BREAKS {
            let path = doctored(&header, name, *change);
            assert!(!broken(&old, &Model::of_file(&path)).is_empty(), "{name} was not found");
            let output = abi_diff(&version, &path);
            assert_eq!(
                output.status.code(),
                Some(i32::from(*seen_by_abidiff)),
                "{name}: {output:?}"
            );
        }
        // At the end of a struct that tells its size; anywhere else it moves what follows.
        // abidiff does not look behind the pointers of a struct that may grow.
        for (name, passes, passes_abidiff) in [
            ("sipxfer_event_header", true, true),
            ("sipxfer_str", false, false),
            ("sipxfer_variable", false, true),
        ] {
            let begin = header.find(&format!("struct {name} {{\n")).expect("the struct");
            let end = begin + header[begin..].find("\n};").expect("its end");
            let text = format!("{}\n    size_t new_one;{}", &header[..end], &header[end..]);
            let dir = tools::workshop(&format!("frozen-doctored-{name}"));
            let path = tools::write(dir.join("sipxfer.h"), &text);
            assert_eq!(broken(&old, &Model::of_file(&path)).is_empty(), passes, "{name}");
            assert_eq!(abi_diff(&version, &path).status.success(), passes_abidiff, "{name}");
        }
        let callback = |it: &Ty| matches!(it, Ty::Function(_));
        assert!(old.fields("sipxfer_host").iter().any(|it| callback(&it.ty)), "callbacks are read");
    }
}

/// A frozen baseline is what its frozen header gives: nobody has edited the one without the other.
#[test]
fn baselines_are_of_their_headers() {
    for version in frozen() {
        let dir = tools::workshop("frozen-baseline");
        let again = dir.join("sipxfer.abi");
        let mut script = Command::new(tools::root().join("scripts/abi-baseline.sh"));
        tools::succeed(script.arg(version.join("sipxfer.h")).arg(&again));
        let mut abidiff = tools::program("abidiff");
        tools::succeed(abidiff.arg(version.join("sipxfer.abi")).arg(&again));
        let text = fs::read_to_string(version.join("sipxfer.abi")).expect("a baseline");
        assert!(!text.contains("path='/") && !text.contains("comp-dir-path"), "paths of a machine");
    }
}
