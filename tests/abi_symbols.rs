//! The shared object: it exports the functions of the header and nothing else, its table holds
//! these very functions, and it is linked as a host that loads and unloads it needs it.
// Tests may fail loudly.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::collections::BTreeSet;
use support::model::{Model, Ty};
use support::tools;

/// The one function that is not in the table: it hands the table out.
const ENTRY: &str = "sipxfer_get_api";

fn functions_of_header() -> BTreeSet<String> {
    let names: BTreeSet<String> = Model::of_header().functions.keys().cloned().collect();
    assert!(names.contains(ENTRY), "the header was not read: {names:?}");
    names
}

#[test]
fn shared_object_exports_what_the_header_declares() {
    let mut nm = tools::program("nm");
    nm.args(["-D", "--defined-only", "--format=posix"]).arg(tools::release().file());
    let listing = tools::succeed(&mut nm);
    let symbols: Vec<(&str, &str)> = listing
        .lines()
        .map(|line| {
            let mut words = line.split_whitespace();
            (words.next().unwrap_or_default(), words.next().unwrap_or_default())
        })
        .collect();
    let exported: BTreeSet<String> = symbols.iter().map(|(name, _)| (*name).to_owned()).collect();
    let declared = functions_of_header();
    let too_much: Vec<_> = exported.difference(&declared).collect();
    let missing: Vec<_> = declared.difference(&exported).collect();
    assert!(too_much.is_empty(), "exported, but not in the header: {too_much:?}");
    assert!(missing.is_empty(), "in the header, but not exported: {missing:?}");
    let data: Vec<_> = symbols.iter().filter(|(_, kind)| *kind != "T").collect();
    assert!(data.is_empty(), "no code, but exported: {data:?}");
}

/// The functions that the table names, in its order.
fn table() -> Vec<String> {
    let fields = Model::of_header().fields("sipxfer_api");
    let functions = fields.iter().filter(|it| matches!(it.ty, Ty::Function(_)));
    functions.map(|it| format!("sipxfer_{}", it.name)).collect()
}

#[test]
fn table_lists_every_function_once() {
    let listed: BTreeSet<String> = table().into_iter().collect();
    assert_eq!(listed.len(), table().len(), "a function stands in the table twice");
    let mut declared = functions_of_header();
    declared.remove(ENTRY);
    let missing: Vec<_> = declared.difference(&listed).collect();
    let too_much: Vec<_> = listed.difference(&declared).collect();
    assert!(missing.is_empty(), "not in the table: {missing:?}");
    assert!(too_much.is_empty(), "in the table, but not declared: {too_much:?}");
}

#[test]
fn table_has_the_types_of_the_functions() {
    let model = Model::of_header();
    for field in model.fields("sipxfer_api") {
        if let Ty::Function(signature) = &field.ty {
            let name = format!("sipxfer_{}", field.name);
            let declared = model.functions.get(&name).map(ToString::to_string);
            assert_eq!(Some(signature.to_string()), declared, "{name}");
        }
    }
}

#[test]
fn table_holds_the_exported_functions() {
    let mut source = String::from(
        "#include <sipxfer.h>
#include <dlfcn.h>
#include <stdio.h>
static int wrong;
static void same(void *library, const char *name, const void *entry)
{
    void *symbol = dlsym(library, name), *listed;
    memcpy(&listed, entry, sizeof listed);
    if (symbol == NULL || symbol != listed) {
        printf(\"%s: exported at %p, in the table %p\\n\", name, symbol, listed);
        wrong++;
    }
}
#define CHECK(what) ((what) ? (void) 0 : (wrong++, (void) printf(\"wrong: %s\\n\", #what)))
int main(int argc, char **argv)
{
    void *library = argc == 2 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
    if (library == NULL) {
        printf(\"%s\\n\", dlerror());
        return 2;
    }
    const struct sipxfer_api *(*get_api)(uint32_t), *api;
    void *symbol = dlsym(library, \"sipxfer_get_api\");
    memcpy(&get_api, &symbol, sizeof get_api);
    api = get_api(SIPXFER_ABI_MAJOR);
    if (api == NULL)
        return 3;
    CHECK(api == get_api(SIPXFER_ABI_MAJOR));
    CHECK(get_api(SIPXFER_ABI_MAJOR + 1) == NULL);
    CHECK(get_api(UINT32_MAX) == NULL);
    CHECK(api->struct_size == sizeof *api);
    CHECK(api->abi_major == SIPXFER_ABI_MAJOR);
    CHECK(api->abi_minor == SIPXFER_ABI_MINOR);
",
    );
    for name in table() {
        let field = name.trim_start_matches("sipxfer_");
        source.push_str(&format!("    same(library, \"{name}\", &api->{field});\n"));
    }
    source.push_str("    return wrong != 0;\n}\n");
    let dir = tools::workshop("symbols");
    let file = tools::write(dir.join("table.c"), &source);
    let out = dir.join("table");
    let mut cc = tools::program("cc");
    cc.args(tools::STRICT_C).arg("-I").arg(tools::include_dir());
    tools::succeed(cc.arg(file).arg("-o").arg(&out).arg("-ldl"));
    tools::succeed(tools::program(out).arg(tools::release().file()));
}

fn dynamic_section() -> String {
    let mut readelf = tools::program("readelf");
    tools::succeed(readelf.args(["--dynamic", "--wide"]).arg(tools::release().file()))
}

/// The words in brackets behind this tag: `(NEEDED) Shared library: [libc.so.6]`.
fn entries(section: &str, tag: &str) -> Vec<String> {
    let lines = section.lines().filter(|line| line.contains(&format!("({tag})")));
    let word = |line: &str| Some(line.split_once('[')?.1.split_once(']')?.0.to_owned());
    lines.filter_map(word).collect()
}

#[test]
fn soname_follows_the_abi() {
    let major = Model::of_header().constants["SIPXFER_ABI_MAJOR"];
    let soname = entries(&dynamic_section(), "SONAME");
    assert_eq!(soname, [format!("libsipxfer.so.{major}")]);
}

#[test]
fn it_is_never_unmapped() {
    let section = dynamic_section();
    let flags: Vec<_> = section.lines().filter(|line| line.contains("(FLAGS_1)")).collect();
    assert!(flags.iter().any(|line| line.contains("NODELETE")), "no NODELETE in {section}");
}

#[test]
fn it_needs_the_c_library_only() {
    let known = ["libc.so.6", "libm.so.6", "libgcc_s.so.1", "ld-linux-x86-64.so.2"];
    let needed = entries(&dynamic_section(), "NEEDED");
    assert!(needed.iter().any(|it| it == "libc.so.6"), "readelf was not understood: {needed:?}");
    let foreign: Vec<_> = needed.iter().filter(|it| !known.contains(&it.as_str())).collect();
    assert!(foreign.is_empty(), "a host would need {foreign:?} too");
}

#[test]
fn it_needs_no_executable_stack() {
    let mut readelf = tools::program("readelf");
    let segments =
        tools::succeed(readelf.args(["--segments", "--wide"]).arg(tools::release().file()));
    let stack = segments.lines().find(|line| line.contains("GNU_STACK"));
    let flags: Vec<_> = stack.expect("a GNU_STACK segment").split_whitespace().collect();
    // Type, offset, two addresses, two sizes, then the flags up to the alignment.
    let flags = flags[6..flags.len() - 1].concat();
    assert_eq!(flags, "RW", "the flags of the stack");
}
