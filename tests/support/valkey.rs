//! A real Valkey or Redis server for a test, on a port of its own.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A real server of its own.
pub struct Server {
    /// Where it listens, on 127.0.0.1.
    pub port: u16,
    child: Child,
}

impl Server {
    /// On a port that is free.
    pub fn start() -> Server {
        let free = TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr());
        Server::on(free.expect("a free port").port())
    }

    /// On this port.
    pub fn on(port: u16) -> Server {
        let run = |program: &str| {
            Command::new(program)
                .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", ""])
                .stdout(Stdio::null())
                .spawn()
        };
        let child = run("valkey-server").or_else(|_| run("redis-server"));
        let child = child.expect("valkey-server or redis-server: scripts/hosts/valkey.sh has one");
        let server = Server { port, child };
        until("the server listens", || TcpStream::connect(("127.0.0.1", port)).is_ok());
        server
    }

    /// Ends it, without a word to anybody.
    pub fn stop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// What stands under a pattern of keys.
    pub fn keys(&self, pattern: &str) -> Vec<String> {
        let mut command = Command::new("redis-cli");
        command.args(["-p", &self.port.to_string(), "--scan", "--pattern", pattern]);
        let output = command.output().expect("redis-cli, which comes with the server");
        String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Waits for what another process does.
pub fn until(what: &str, mut test: impl FnMut() -> bool) {
    let began = Instant::now();
    while !test() {
        assert!(began.elapsed() < Duration::from_secs(60), "it never came: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
