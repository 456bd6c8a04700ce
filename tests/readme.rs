//! What the README shows in C compiles, with all warnings as errors.

use std::path::Path;
use std::process::Command;

#[test]
fn the_c_example_of_the_readme_compiles() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    let (_, rest) = readme.split_once("```c\n").expect("a C example in the README");
    let (example, _) = rest.split_once("```").expect("the end of the C example");
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("readme.c");
    std::fs::write(&file, example).unwrap();
    for (compiler, standard) in [("cc", "-std=c99"), ("c++", "-std=c++11")] {
        let mut command = Command::new(compiler);
        command.args([standard, "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-x"]);
        command.arg(if compiler == "cc" { "c" } else { "c++" });
        command.arg("-I").arg(root.join("include")).arg(&file);
        let output = command.output().expect("cc and c++ are there: apt-get install gcc g++");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}
