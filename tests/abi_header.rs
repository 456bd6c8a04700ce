//! The header: it is what the sources say, it compiles alone and twice in every dialect, and it
//! puts nothing into its reader's namespace but names of its own.
// Tests may fail loudly.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::fs;
use support::model::Model;
use support::tools;

/// Made by build.rs from src/ffi when this test was compiled.
const GENERATED: &str = include_str!(concat!(env!("OUT_DIR"), "/sipxfer.h"));

#[test]
fn header_is_what_the_sources_say() {
    let path = tools::include_dir().join("sipxfer.h");
    if std::env::var_os("SIPXFER_UPDATE_HEADER").is_some_and(|value| value == "1") {
        fs::write(&path, GENERATED).expect("include/sipxfer.h is writable");
    }
    let checked_in = tools::header_text();
    if checked_in == GENERATED {
        return;
    }
    let pairs = checked_in.lines().zip(GENERATED.lines()).enumerate();
    let (line, (old, new)) = pairs.clone().find(|(_, (old, new))| old != new).unwrap_or_default();
    panic!(
        "include/sipxfer.h is not what src/ffi says (`make header` renews it). First difference \
         at line {}:\n  checked in: {old}\n  generated:  {new}",
        line + 1
    );
}

/// Compiles these lines as every dialect, with every warning an error.
fn compiles_everywhere(name: &str, source: &str) {
    let dir = tools::workshop(&format!("header-{name}"));
    let c = tools::write(dir.join("host.c"), source);
    let cpp = tools::write(dir.join("host.cpp"), source);
    let warnings = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-Wshadow", "-Wundef"];
    for (compiler, dialect, file) in [
        ("gcc", "c99", &c),
        ("gcc", "c11", &c),
        ("gcc", "c17", &c),
        ("clang", "c99", &c),
        ("clang", "c11", &c),
        ("clang", "c17", &c),
        ("g++", "c++11", &cpp),
        ("g++", "c++20", &cpp),
        ("clang++", "c++11", &cpp),
        ("clang++", "c++20", &cpp),
    ] {
        let mut command = tools::program(compiler);
        command.arg(format!("-std={dialect}")).args(warnings);
        if dialect.starts_with("c++") {
            command.arg("-Wmissing-declarations");
        } else {
            command.arg("-Wstrict-prototypes");
        }
        command.arg("-I").arg(tools::include_dir()).arg("-c").arg(file);
        command.arg("-o").arg(dir.join(format!("{compiler}-{dialect}.o")));
        tools::succeed(&mut command);
    }
}

#[test]
fn header_compiles_alone() {
    compiles_everywhere("alone", "#include <sipxfer.h>\n");
}

#[test]
fn header_compiles_twice() {
    compiles_everywhere("twice", "#include <sipxfer.h>\n#include \"sipxfer.h\"\n");
}

/// The macros are text until somebody uses them: only a use shows that they compile.
#[test]
fn macros_compile_where_they_are_used() {
    let source = "#include <sipxfer.h>
extern \"C\" {
size_t use_of_macros(size_t len);
}
size_t use_of_macros(size_t len)
{
    struct sipxfer_request request;
    SIPXFER_INIT(request);
    if (len > 0) SIPXFER_INIT(request); else len = 1;
    return request.struct_size + SIPXFER_SCRATCH_SIZE(len + 1) + SIPXFER_EVENT_SIZE(len) + (SIPXFER_E_NULL == 0 ? 1 : 0);
}
";
    let source = source.replace("extern \"C\" {", "#ifdef __cplusplus\nextern \"C\" {\n#endif");
    let source = source.replace("len);\n}\n", "len);\n#ifdef __cplusplus\n}\n#endif\n");
    compiles_everywhere("macros", &source);
}

#[test]
fn every_name_is_ours() {
    let model = Model::of_header();
    let mut names: Vec<String> = model.structs.keys().cloned().collect();
    names.extend(model.functions.keys().cloned());
    names.extend(model.constants.keys().cloned());
    names.extend(model.others.iter().cloned());
    let text = tools::header_text();
    let defines = text.lines().filter_map(|line| line.trim_start().strip_prefix("#define "));
    names.extend(defines.filter_map(|rest| {
        rest.split(|it: char| !it.is_alphanumeric() && it != '_').next().map(str::to_owned)
    }));
    assert!(names.len() > 50, "the header was not read: {names:?}");
    let foreign: Vec<_> = names
        .iter()
        .filter(|name| !name.starts_with("sipxfer_") && !name.starts_with("SIPXFER_"))
        .collect();
    assert!(foreign.is_empty(), "not named sipxfer_ or SIPXFER_: {foreign:?}");
}
