//! A real server, on a port of its own and without a file.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

/// Nothing here takes as long.
pub const LONG: Duration = Duration::from_secs(60);

/// Waits for something to be so.
#[track_caller]
pub fn until(what: &str, mut test: impl FnMut() -> bool) {
    let began = Instant::now();
    while !test() {
        assert!(began.elapsed() < LONG, "it never came: {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

/// A port that is free now.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A folder for a test.
pub fn folder(name: &str) -> PathBuf {
    let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("cluster-{name}"));
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(&dir).unwrap();
    dir
}

pub struct Server {
    pub port: u16,
    options: Vec<String>,
    child: Option<Child>,
}

impl Server {
    /// One that runs.
    pub fn start() -> Server {
        Server::with(&[])
    }

    pub fn with(options: &[&str]) -> Server {
        let mut server = Server::stopped();
        server.options = options.iter().map(|it| (*it).to_owned()).collect();
        server.run();
        server
    }

    /// One that does not run yet.
    pub fn stopped() -> Server {
        Server { port: free_port(), options: Vec::new(), child: None }
    }

    /// Starts it, with no data.
    pub fn run(&mut self) {
        let port = self.port.to_string();
        let start = |program: &str| {
            Command::new(program)
                .args(["--port", &port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
                .args(&self.options)
                .current_dir(env!("CARGO_TARGET_TMPDIR"))
                .stdout(Stdio::null())
                .spawn()
        };
        let child = start("valkey-server").or_else(|_| start("redis-server"));
        self.child = Some(child.expect(
            "valkey-server or redis-server can be run: scripts/hosts/valkey.sh installs one",
        ));
        let address = ("127.0.0.1", self.port);
        until("the server listens", || std::net::TcpStream::connect(address).is_ok());
    }

    /// Kills it, with all its data.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// A connection of the test's own.
    pub fn connection(&self) -> redis::Connection {
        redis::Client::open(self.url()).unwrap().get_connection().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}
