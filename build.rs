//! Makes the C header into OUT_DIR and passes link arguments for the shared object.
//!
//! Nothing is written into the source tree: the checked-in `include/sipxfer.h` is compared with
//! this one by a test, and renewed only when that test is asked to.

use std::env;
use std::error::Error;
use std::fs;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=src/ffi");
    println!("cargo:rerun-if-changed=cbindgen.toml");

    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let config = cbindgen::Config::from_file(root.join("cbindgen.toml"))?;
    let mut builder = cbindgen::Builder::new().with_config(config);
    for file in FFI_FILES {
        builder = builder.with_src(root.join("src/ffi").join(file));
    }
    let bindings = builder.generate()?;
    let mut text = Vec::new();
    bindings.write(&mut text);
    let text = for_c_readers(&String::from_utf8(text)?);
    fs::write(out.join("sipxfer.h"), text)?;

    let target = env::var("CARGO_CFG_TARGET_OS").unwrap_or_default();
    if target == "linux" {
        // cargo-c gives the same soname (package.metadata.capi).
        let major = env::var("CARGO_PKG_VERSION_MAJOR")?;
        println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libsipxfer.so.{major}");
        // Without this a dlclose ends in a crash at the exit of a thread that has touched a
        // thread-local of ours: its destructor would be gone.
        println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
        // Two copies in one process, opened with RTLD_GLOBAL or beside a host that has the static
        // library in itself: the table of each holds its own functions, not those that the loader
        // finds first.
        println!("cargo:rustc-cdylib-link-arg=-Wl,-Bsymbolic-functions");
    }
    Ok(())
}

/// What cbindgen cannot be told: Rust's heading of a contract in the words of a C header, and
/// constants that stay whole inside an expression.
fn for_c_readers(header: &str) -> String {
    let mut text = String::with_capacity(header.len());
    for line in header.lines() {
        let line = line.replace("# Safety", "Requires:");
        match line.strip_prefix("#define ").and_then(|rest| rest.split_once(' ')) {
            Some((name, value)) if value.starts_with('-') => {
                text.push_str(&format!("#define {name} ({value})"));
            }
            Some((name, value)) if value.parse::<u32>().is_ok_and(|value| value > 1 << 30) => {
                text.push_str(&format!("#define {name} {value}u"));
            }
            _ => text.push_str(line.trim_end()),
        }
        text.push('\n');
    }
    text
}

/// In the order in which a reader of the header meets them.
const FFI_FILES: &[&str] = &[
    "status.rs",
    "types.rs",
    "callbacks.rs",
    "engine.rs",
    "config.rs",
    "dialogs.rs",
    "verdict.rs",
    "outputs.rs",
    "transfers.rs",
    "refers.rs",
    "sending.rs",
    "takeovers.rs",
    "parks.rs",
    "park.rs",
    "watch.rs",
    "dialog_info.rs",
    "message.rs",
    "dialog_headers.rs",
    "refer_headers.rs",
    "event_headers.rs",
    "reached.rs",
    "passing.rs",
    "names.rs",
    "metrics.rs",
    "raw.rs",
    "lookups.rs",
    "api.rs",
];
