//! The guide in c_examples/asterisk/README.md, carried out as it stands: its commands and the lines that it
//! has for the configuration are read out of it, and its last step is played by phones.
//!
//! What it leaves to its reader is here: the phones and the address of each box (pjsip.conf), the name of
//! the other box, a Debian to begin with, and crates that lie on this machine instead of on the net.
//! Everything of a box runs in its own root folder; Asterisk is started as the service would start it.

use super::debian::Debian;
use super::tools;
use super::world::network;
use crate::ua::call::{escaped, flows};
use crate::ua::media::Voice;
use crate::ua::{Ended, Kind, Phone, Server, Setup, Talk, Trace, PATIENCE};
use std::fmt::Write;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

const TITLE: &str = "## From a stock Debian to a remote attended transfer between two boxes\n";
/// How far what is to be copied is indented.
const BLOCK: &str = "       ";
/// What the guide calls the other box.
const OTHER: &str = "other.example.com";

/// A numbered step of the guide.
#[derive(Default)]
struct Step {
    text: String,
    blocks: Vec<String>,
}

impl Step {
    /// What is to be typed or copied, where that is one block.
    fn block(&self) -> &str {
        assert_eq!(self.blocks.len(), 1, "one block in this step:\n{}", self.text);
        &self.blocks[0]
    }

    /// What stands between backquotes.
    fn quoted(&self) -> impl Iterator<Item = &str> {
        self.text.split('`').skip(1).step_by(2)
    }
}

fn steps(manual: &str) -> Vec<Step> {
    let (_, guide) = manual.split_once(TITLE).expect("the guide");
    let guide = guide.split("\n## ").next().expect("a part before the next title");
    let mut steps: Vec<Step> = Vec::new();
    let mut in_block = false;
    for line in guide.lines() {
        let number = format!("{}. ", steps.len() + 1);
        if let Some(text) = line.strip_prefix(&number) {
            steps.push(Step { text: text.to_owned(), blocks: Vec::new() });
            in_block = false;
            continue;
        }
        let Some(step) = steps.last_mut() else { continue };
        match line.strip_prefix(BLOCK) {
            Some(code) if in_block => {
                let block = step.blocks.last_mut().expect("it has begun");
                *block += &format!("\n{code}");
            }
            Some(code) => {
                step.blocks.push(code.to_owned());
                in_block = true;
            }
            // A blank line may stand inside a block, or end it.
            None if line.is_empty() && in_block => {
                step.blocks.last_mut().expect("it has begun").push('\n');
            }
            None => {
                in_block = false;
                step.text += &format!("\n{}", line.trim());
            }
        }
    }
    steps
}

/// The Debian in which the first steps have been followed.
fn prepared(commands: &str) -> PathBuf {
    let file = tools::workshop("the commands of the guide").join("commands");
    fs::write(&file, commands).expect("the workshop is writable");
    let mut script = tools::program(tools::root().join("scripts/hosts/guide-root.sh"));
    let printed = tools::succeed(script.arg(&file));
    PathBuf::from(printed.lines().last().expect("its path"))
}

/// The clone, and the crates that it needs, where the newcomer of the guide has them.
fn clone_into(root: &Path) {
    let home = root.join("root");
    fs::create_dir(home.join("sipxfer")).expect("nothing is there yet");
    let copy = "git ls-files -z | xargs -0 cp --parents -t \"$1\"";
    let mut shell = tools::program("sh");
    shell.args(["-euc", copy, "sh"]).arg(home.join("sipxfer")).current_dir(tools::root());
    tools::succeed(&mut shell);
    let mut cargo = tools::program(std::env::var_os("CARGO").expect("cargo runs the tests"));
    cargo.args(["vendor", "--locked", "--quiet"]).arg(home.join("crates"));
    tools::succeed(cargo.current_dir(tools::root()));
    fs::create_dir_all(home.join(".cargo")).expect("a copy is writable");
    // A program that is built in a hurry does the same.
    let config = "[source.crates-io]\nreplace-with = \"here\"\n[source.here]\ndirectory = \
                  \"crates\"\n[net]\noffline = true\n[profile.release]\nopt-level = 0\n\
                  lto = \"off\"\ndebug = false\ncodegen-units = 16\n";
    fs::write(home.join(".cargo/config.toml"), config).expect("a copy is writable");
}

fn password(phone: &str) -> String {
    format!("secret-{phone}")
}

/// "Phones as ever": the accounts of a box, and the address that it listens at.
fn accounts(own: IpAddr, phones: &[(&str, IpAddr)]) -> String {
    let mut text = format!("[udp]\ntype = transport\nprotocol = udp\nbind = {own}:5060\n");
    for (name, address) in phones {
        let _ = write!(
            text,
            "[{name}]\ntype = endpoint\ncontext = phones\ndisallow = all\nallow = ulaw\n\
             direct_media = no\nauth = {name}\naors = {name}\n[{name}]\ntype = auth\n\
             auth_type = digest\nusername = {name}\npassword = {}\n[{name}]\ntype = aor\n\
             contact = sip:{name}@{address}:5060\n",
            password(name)
        );
    }
    text
}

/// Steps 4 to 7: what belongs into each file, in its section where one is named. Where there are three
/// blocks they are for the first box, for the second, and for both.
fn configure(one: &Debian, which: usize, steps: &[Step]) {
    for step in steps {
        let file = step.quoted().next().expect("a file is named");
        let section = step.quoted().find(|word| word.starts_with('['));
        let lines = match &step.blocks[..] {
            [lines] => lines.clone(),
            [_, _, both] => format!("{}\n{both}", step.blocks[which]),
            others => panic!("{} blocks in this step:\n{}", others.len(), step.text),
        };
        one.configure(file, section, &lines);
    }
}

#[test]
fn the_guide_leads_from_a_clone_to_a_remote_attended_transfer() {
    let manual = fs::read_to_string(tools::root().join("c_examples/asterisk/README.md"));
    let steps = steps(&manual.expect("the guide is checked in"));
    let [packages, headers, build, modules, pjsip, extensions, sipxfer, try_it] = &steps[..] else {
        panic!("the guide has {} steps: this test knows eight", steps.len());
    };
    let files = ["modules.conf", "pjsip.conf", "extensions.conf", "sipxfer.conf"];
    let named =
        [modules, pjsip, extensions, sipxfer].map(|step| step.quoted().next().unwrap_or_default());
    assert_eq!(named, files);

    // Steps 1 and 2 are kept: they fetch packages. Step 3 builds this clone. The second box is the first
    // one once more.
    let ready = prepared(&format!("{}\n{}\n", packages.block(), headers.block()));
    let mut a = Debian::linked_to(&ready, "the first box of the guide");
    clone_into(&a.root);
    a.run(&format!("cd ~/sipxfer\n{}", build.block()));
    let mut b = Debian::linked_to(&a.root, "the second box of the guide");

    let net = network();
    let ip = |last| IpAddr::V4(Ipv4Addr::new(127, net, 0, last));
    let (at_a, at_b) = (ip(1), ip(2));
    let (alice, bob, carol) = (("101", ip(101)), ("102", ip(102)), ("201", ip(201)));
    let boxes = [(&mut a, at_a, at_b, [alice, bob]), (&mut b, at_b, at_a, [carol, bob])];
    for (which, (one, own, other, phones)) in boxes.into_iter().enumerate() {
        let hosts = format!("127.0.0.1 localhost\n{other} {OTHER}\n");
        fs::write(one.root.join("etc/hosts"), hosts).expect("a copy is writable");
        one.configure("pjsip.conf", None, &accounts(own, &phones));
        configure(one, which, &steps[3..7]);
        assert!(try_it.quoted().any(|word| word == "systemctl restart asterisk"));
        one.start();
    }

    // Step 8.
    let trace = Trace::default();
    let server = |ip| Server { address: SocketAddr::new(ip, 5060), kind: Kind::Udp };
    let phone = |(name, address): (&str, IpAddr), at, voice| {
        Phone::new(Setup {
            name: name.to_owned(),
            password: password(name),
            local: SocketAddr::new(address, 5060),
            seen_at: None,
            server: server(at),
            tls: None,
            trace: trace.clone(),
            voice: Voice::nth(voice),
            patience: PATIENCE,
        })
    };
    let (alice, bob, carol) = (phone(alice, at_a, 1), phone(bob, at_a, 2), phone(carol, at_b, 3));
    for number in ["101", "102", "201"] {
        assert!(try_it.text.contains(number), "{number}: {}", try_it.text);
    }
    let on_hold = || {
        let first = alice.call("102").answered_by(&bob);
        first.flows();
        first.callee.hold();
        first
    };
    let is_transferred = |first: &Talk, second: &Talk, refer_to: &str| {
        second.flows();
        let refer = first.callee.refer(refer_to).accepted();
        assert_eq!(refer.outcome().code(), 200, "{:?}\n{}", refer.statuses(), trace.print());
        assert_eq!(second.caller.ended(), Ended::ByPeer);
        flows(&first.caller, &second.callee);
        if first.callee.is_up() {
            first.callee.hang_up().status();
        }
        first.caller.hang_up().status();
        second.callee.ended();
    };

    // With the account at the other box.
    let first = on_hold();
    let uri = server(at_b).uri("201");
    let second = bob.call_uri(&uri).answered_by(&carol);
    let refer_to = format!("<{uri}?Replaces={}>", escaped(&second.caller.replaces()));
    is_transferred(&first, &second, &refer_to);
    // With the account at its own box.
    let first = on_hold();
    let second = bob.call("201").answered_by(&carol);
    is_transferred(&first, &second, &second.caller.refer_to());

    let shown = a.ask(try_it.quoted().find(|word| *word == "sipxfer show transfers").expect("it"));
    let rows: Vec<_> = ["remote_attended", "local_attended"]
        .iter()
        .map(|kind| shown.lines().find(|row| row.contains(kind) && row.contains("200")))
        .collect();
    let [Some(remote), Some(_)] = rows[..] else { panic!("both transfers, with 200:\n{shown}") };
    let ask = try_it.quoted().find(|word| word.starts_with("sipxfer show transfer ")).expect("it");
    let id = remote.split_whitespace().next().expect("its id");
    let why = a.ask(&ask.replace("ID", id));
    assert!(why.contains("R0"), "the rules of it:\n{why}");
    for one in [&mut a, &mut b] {
        one.stop();
    }
}
