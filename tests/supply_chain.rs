//! What the library is made of: few crates under known licences, listed in a file that is installed with
//! it, and nothing of the machine that built it.
// Tests may fail loudly.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

// Not all of it is needed here.
#[allow(dead_code)]
#[path = "support/tools.rs"]
mod tools;

use serde_json::{json, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

fn sbom() -> Value {
    let mut python = tools::program("python3");
    python.current_dir(tools::root()).arg("scripts/sbom.py");
    python.env("CARGO", std::env::var("CARGO").expect("cargo runs the tests"));
    serde_json::from_str(&tools::succeed(&mut python)).expect("JSON")
}

/// The part of CycloneDX 1.5 that is used: what it requires, and no property that it does not have.
fn schema() -> Value {
    let text = json!({ "type": "string", "minLength": 1 });
    let component = json!({
        "type": "object",
        "required": ["type", "name", "version", "bom-ref", "licenses", "purl"],
        "additionalProperties": false,
        "properties": {
            "type": { "enum": ["application", "framework", "library", "container", "file"] },
            "bom-ref": text, "name": text, "version": text, "description": text,
            "scope": { "enum": ["required", "optional", "excluded"] },
            "purl": { "type": "string", "pattern": "^pkg:cargo/[a-z0-9_-]+@[0-9][0-9A-Za-z.+-]*$" },
            "licenses": {
                "type": "array", "minItems": 1, "maxItems": 1,
                "items": {
                    "type": "object", "required": ["expression"], "additionalProperties": false,
                    "properties": { "expression": text },
                },
            },
            "hashes": {
                "type": "array",
                "items": {
                    "type": "object", "required": ["alg", "content"], "additionalProperties": false,
                    "properties": {
                        "alg": { "const": "SHA-256" },
                        "content": { "type": "string", "pattern": "^[0-9a-f]{64}$" },
                    },
                },
            },
            "externalReferences": {
                "type": "array",
                "items": {
                    "type": "object", "required": ["type", "url"], "additionalProperties": false,
                    "properties": { "type": { "const": "vcs" }, "url": text },
                },
            },
        },
    });
    json!({
        "type": "object",
        "required": ["bomFormat", "specVersion", "serialNumber", "version", "metadata", "components"],
        "additionalProperties": false,
        "properties": {
            "bomFormat": { "const": "CycloneDX" },
            "specVersion": { "const": "1.5" },
            "serialNumber": {
                "type": "string",
                "pattern": "^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$",
            },
            "version": { "type": "integer", "minimum": 1 },
            "metadata": {
                "type": "object", "required": ["component"], "additionalProperties": false,
                "properties": { "component": component },
            },
            "components": { "type": "array", "uniqueItems": true, "items": component },
            "dependencies": {
                "type": "array", "uniqueItems": true,
                "items": {
                    "type": "object", "required": ["ref"], "additionalProperties": false,
                    "properties": {
                        "ref": text,
                        "dependsOn": { "type": "array", "uniqueItems": true, "items": text },
                    },
                },
            },
        },
    })
}

#[test]
fn what_it_is_made_of_is_said_in_cyclonedx() {
    let bom = sbom();
    let validator = jsonschema::validator_for(&schema()).unwrap();
    let errors: Vec<_> = validator.iter_errors(&bom).map(|it| it.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}");
    assert_eq!(bom, sbom(), "the same sources, the same bytes");

    let components = bom["components"].as_array().unwrap();
    let names: BTreeSet<_> = components.iter().map(|it| it["name"].as_str().unwrap()).collect();
    for (crate_, is_in) in
        [("nom", true), ("memchr", true), ("serde_json", false), ("cbindgen", false)]
    {
        assert_eq!(names.contains(crate_), is_in, "{crate_}");
    }
    // Few, each once, and each from the registry, with its checksum.
    assert!(components.len() <= 16, "{names:?}");
    assert_eq!(names.len(), components.len(), "none in two versions");
    for component in components {
        assert_eq!(component["hashes"].as_array().map(Vec::len), Some(1), "{component}");
        let licence = component["licenses"][0]["expression"].as_str().unwrap();
        let known = ["MIT", "Apache-2.0", "Unlicense", "Zlib"];
        let offered = licence.trim_matches(['(', ')']).split(" OR ");
        assert!(offered.into_iter().any(|it| known.contains(&it)), "{component}");
    }
    // Every reference leads somewhere, and everything is reached from the library.
    let edges: BTreeMap<_, _> = bom["dependencies"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (it["ref"].clone().to_string(), it["dependsOn"].as_array().unwrap().clone()))
        .collect();
    let mut seen = BTreeSet::new();
    let mut waiting = vec![bom["metadata"]["component"]["bom-ref"].to_string()];
    while let Some(one) = waiting.pop() {
        let next = edges.get(&one).unwrap_or_else(|| panic!("{one} is not listed"));
        if seen.insert(one) {
            waiting.extend(next.iter().map(Value::to_string));
        }
    }
    assert_eq!(seen.len(), components.len() + 1);
}

/// `make dist`; the folder of what is installed.
fn installed(path: &str) -> Vec<u8> {
    let mut make = tools::program("make");
    make.current_dir(tools::root()).arg("dist");
    make.arg(format!("TARGET_DIR={}", tools::target_dir().display()));
    make.arg(format!("CARGO={}", std::env::var("CARGO").expect("cargo runs the tests")));
    for name in ["MAKEFLAGS", "MFLAGS", "MAKELEVEL", "CARGO_ENCODED_RUSTFLAGS"] {
        make.env_remove(name);
    }
    tools::succeed(&mut make);
    fs::read(tools::target_dir().join("dist").join(path)).expect("it was built")
}

/// The same sources give the same bytes only where nothing tells where they lay. `make hard` builds
/// twice and compares.
#[test]
fn no_path_of_the_machine_is_in_what_is_installed() {
    let home =
        std::env::var("CARGO_HOME").unwrap_or(format!("{}/.cargo", std::env::var("HOME").unwrap()));
    for file in ["release/libsipxfer.so", "tool/release/sipxfer"] {
        let bytes = installed(file);
        let has = |text: &str| memchr::memmem::find(&bytes, text.as_bytes()).is_some();
        assert!(has("/usr/src/sipxfer-"), "{file}: paths are there, under another name");
        for path in [tools::root(), Path::new(&home), tools::target_dir()] {
            assert!(!has(&format!("{}/", path.display())), "{file} names {}", path.display());
        }
    }
    let bom: Value = serde_json::from_slice(&installed("libsipxfer.cdx.json")).expect("JSON");
    assert_eq!(bom, sbom());
}

/// Licences, sources, duplicates, and what is known against a crate where that list can be reached.
#[test]
fn cargo_deny_has_nothing_against_it() {
    let mut deny = tools::program(tools::root().join("scripts/deny.sh"));
    tools::succeed(deny.env("CARGO", std::env::var("CARGO").expect("cargo runs the tests")));
}
