//! The Debian packages in the Debian that they are for: the module is installed, loaded by a stock
//! Asterisk, and taken away again.

use super::debian::Debian;
use super::{packages, process, tools};
use std::fs;

const PACKAGES: [&str; 3] = ["libsipxfer0", "libsipxfer-cluster0", "asterisk-sipxfer"];

#[test]
fn the_module_is_installed_from_its_package_and_loaded_by_a_stock_asterisk() {
    let built = packages::build(&PACKAGES, &[]);
    let mut depends = tools::program("dpkg-deb");
    let depends = tools::succeed(depends.arg("-f").arg(&built[2]).arg("Depends"));
    // Of another Asterisk, or without the library, it is not even installed.
    for name in ["asterisk-abi-", "libsipxfer0 (>= "] {
        assert!(depends.contains(name), "no {name} in {depends}");
    }

    let mut debian = Debian::copy_of(process::root(), "a Debian with Asterisk");
    for package in &built {
        let to = debian.root.join("var/tmp").join(package.file_name().expect("a file"));
        fs::copy(package, to).expect("the copy is writable");
    }
    debian.run("dpkg -i /var/tmp/*.deb; rm /var/tmp/*.deb; apt-get -q check");
    debian.configure("modules.conf", Some("[modules]"), "noload = res_pjsip_refer.so");

    debian.start();
    let shown = debian.ask("module show like res_pjsip_sipxfer");
    assert!(shown.contains("Running") && shown.contains("1 modules loaded"), "{shown}");
    assert!(debian.ask("sipxfer show settings").contains("replaces.authorize"));
    // The documentation came along.
    assert!(debian.ask("core show function SIPXFER").contains("refer_to_raw"));
    let settings = fs::read_to_string(debian.conf("sipxfer.conf"));
    assert!(settings.expect("a sample of settings").contains("[general]"));
    debian.stop();

    debian.run(&format!("dpkg --purge {}", PACKAGES.join(" ")));
    let left = debian.run(
        "find / -xdev -name '*sipxfer*' ! -path '/opt/sipxfer*' ! -path '/var/cache/sipxfer-source*' ! -path '/proc/*'",
    );
    assert_eq!(left, "", "left behind");
}
