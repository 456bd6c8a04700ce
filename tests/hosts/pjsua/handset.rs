//! pjproject's own `pjsua` program as a phone, and a relay in front of it that sees every packet.

use super::process::{pjproject, Process};
use super::tools;
use super::ua::message::Msg;
use super::ua::trace::Way;
use super::ua::Trace;
use std::net::{SocketAddr, UdpSocket};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// A `pjsua` process.
pub struct Handset {
    pub process: Process,
}

impl Handset {
    /// Starts one that listens at an address; `preload` is put into it.
    pub fn start(local: SocketAddr, preload: Option<&Path>, arguments: &[&str]) -> Handset {
        let mut command = tools::program(pjproject().join("bin/pjsua"));
        command.env("LD_LIBRARY_PATH", pjproject().join("lib"));
        if let Some(object) = preload {
            command.env("LD_PRELOAD", object);
        }
        let ip = local.ip().to_string();
        command.arg(format!("--bound-addr={ip}")).arg(format!("--ip-addr={ip}"));
        command.arg(format!("--local-port={}", local.port())).arg(format!("--id=sip:{local}"));
        command.args(["--no-tcp", "--null-audio", "--clock-rate=8000", "--snd-clock-rate=8000"]);
        command
            .args(["--no-color", "--no-tones", "--max-calls=32", "--use-timer=0"])
            .args(arguments);
        let process = Process::start("pjsua", &mut command);
        process.expect("--> RUNNING"); // comes with its first menu
        Handset { process }
    }

    /// Types a command of its menu and what it then asks for.
    pub fn does(&mut self, lines: &[&str]) {
        for line in lines {
            self.process.type_line(line);
        }
    }

    /// Lets it end; what it prints stays in a buffer of its own until then.
    pub fn ends(&mut self) -> Vec<String> {
        self.process.type_line("q");
        self.process.end();
        self.process.lines()
    }
}

/// Stands between a phone and a PBX, in the dialogs of both, and keeps all that passes. It is a proxy
/// only as far as it has to: it takes its own Route away and adds a Record-Route to an INVITE.
pub struct Relay {
    pub address: SocketAddr,
    done: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Relay {
    /// Starts one.
    pub fn start(
        name: &str,
        address: SocketAddr,
        phone: SocketAddr,
        pbx: SocketAddr,
        trace: &Trace,
    ) -> Relay {
        let socket = UdpSocket::bind(address).expect("the address is free");
        socket.set_read_timeout(Some(Duration::from_millis(100))).expect("a timeout");
        let done = Arc::new(AtomicBool::new(false));
        let (stop, trace, name) = (Arc::clone(&done), trace.clone(), name.to_owned());
        let thread = thread::spawn(move || {
            let mut buffer = [0; 65536];
            while !stop.load(Ordering::Relaxed) {
                let Ok((len, from)) = socket.recv_from(&mut buffer) else { continue };
                let (way, to) = if from == pbx { (Way::Received, phone) } else { (Way::Sent, pbx) };
                // pjsua keeps its port open by packets that are no message.
                if let Some(bytes) = passed(&buffer[..len], address) {
                    trace.add(&name, way, pbx, &bytes);
                    socket.send_to(&bytes, to).ok();
                }
            }
        });
        Relay { address, done, thread: Some(thread) }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.done.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

/// A message as it goes on.
fn passed(bytes: &[u8], own: SocketAddr) -> Option<Vec<u8>> {
    let msg = Msg::parse(bytes)?;
    let Some(method) = msg.method() else { return Some(bytes.to_vec()) };
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    let text = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let own = format!("{own};lr");
    let mut lines = text.split("\r\n");
    let mut out = format!("{}\r\n", lines.next()?);
    if method == "INVITE" {
        out += &format!("Record-Route: <sip:{own}>\r\n");
    }
    for line in lines {
        if !(line.starts_with("Route:") && line.contains(&own)) {
            out += line;
            out += "\r\n";
        }
    }
    let mut out = out.into_bytes();
    out.extend_from_slice(&bytes[end + 2..]);
    Some(out)
}
