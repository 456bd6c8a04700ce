//! Makes the C header into OUT_DIR and passes link arguments for the shared object, as the library's
//! own build does. Nothing is written into the source tree.

use std::env;
use std::error::Error;
use std::fs;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=src/ffi.rs");
    println!("cargo:rerun-if-changed=src/ffi");
    println!("cargo:rerun-if-changed=cbindgen.toml");
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let config = cbindgen::Config::from_file(root.join("cbindgen.toml"))?;
    let builder = cbindgen::Builder::new()
        .with_config(config)
        .with_src(root.join("src/ffi.rs"))
        .with_src(root.join("src/ffi/parked.rs"))
        .with_src(root.join("src/ffi/api.rs"));
    let mut text = Vec::new();
    builder.generate()?.write(&mut text);
    let text = String::from_utf8(text)?.replace("# Safety", "Requires:");
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    fs::write(out.join("sipxfer_cluster.h"), lines.join("\n") + "\n")?;

    if env::var("CARGO_CFG_TARGET_OS").unwrap_or_default() == "linux" {
        let major = env::var("CARGO_PKG_VERSION_MAJOR")?;
        println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libsipxfer_cluster.so.{major}");
        // As for libsipxfer.so: a dlclose would take the code of threads' destructors away.
        println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
    }
    Ok(())
}
