//! What is set, and how a server is reached.
#![forbid(unsafe_code)]

use redis::{Client, ConnectionInfo, IntoConnectionInfo, TlsCertificates};
use std::fmt;
use std::fs;
use std::time::Duration;

/// How long making a connection may take, the handshakes included. No call waits for it.
pub const CONNECT: Duration = Duration::from_secs(2);
/// How long the server may take for a batch.
pub const BATCH: Duration = Duration::from_secs(2);
/// How long is waited between two attempts to connect, at most.
pub const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How long is waited behind the first failure.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// What is set, with what holds where nothing is.
#[derive(Clone)]
pub struct Settings {
    /// The name of this node.
    pub node: Vec<u8>,
    /// Where it takes INVITEs with Replaces.
    pub uri: Vec<u8>,
    /// How long the lease lasts.
    pub lease: Duration,
    /// How long a lookup may take.
    pub deadline: Duration,
    /// How many dialogs are published at most.
    pub max_dialogs: usize,
    /// How many lookups wait at most.
    pub max_lookups: usize,
    /// The server.
    pub client: Client,
}

/// What is handed in.
#[derive(Clone, Copy, Default)]
pub struct Given<'a> {
    /// `redis://`, `rediss://`, `valkey://`, `valkeys://` or `unix://`.
    pub url: &'a str,
    /// Name of the node.
    pub node: &'a str,
    /// URI of the node.
    pub uri: &'a str,
    /// Name towards the server, or empty.
    pub user: &'a str,
    /// Password towards the server, or empty.
    pub password: &'a str,
    /// A file with the password, or empty.
    pub password_file: &'a str,
    /// A file with the certificates of who signs for the server, as PEM; or empty.
    pub ca_file: &'a str,
    /// Seconds, or 0.
    pub lease_s: u32,
    /// Milliseconds, or 0.
    pub deadline_ms: u32,
    /// A number, or 0.
    pub max_dialogs: u32,
    /// A number, or 0.
    pub max_lookups: u32,
}

/// Why what was handed in cannot be used. Never holds a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong(pub String);

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn wrong<T>(text: &str) -> Result<T, Wrong> {
    Err(Wrong(text.to_owned()))
}

fn or(value: u32, default: u32) -> u32 {
    if value == 0 {
        default
    } else {
        value
    }
}

/// Whether a name can be that of a node: it becomes a part of a key, a channel variable and a log line.
fn is_node(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    !name.is_empty() && name.len() <= 64 && name.bytes().all(fits)
}

/// The engine looks closer when another node hands it out.
fn is_uri(uri: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_graphic() && !b"<>\"\\,&|?'`{}^".contains(&byte);
    let host = uri.strip_prefix("sip:").or_else(|| uri.strip_prefix("sips:"));
    host.is_some_and(|host| !host.is_empty()) && uri.len() <= 255 && uri.bytes().all(fits)
}

impl Settings {
    /// Looks at what was handed in.
    pub fn new(given: &Given<'_>) -> Result<Settings, Wrong> {
        if !is_node(given.node) {
            return wrong("cluster.node is no name of 1 to 64 letters, digits, dots, - and _");
        }
        if !is_uri(given.uri) {
            return wrong("cluster.uri is no sip or sips URI without headers");
        }
        let lease_s = or(given.lease_s, 15);
        if !(2..=3600).contains(&lease_s) {
            return wrong("cluster.lease_s is not from 2 to 3600 seconds");
        }
        let deadline_ms = or(given.deadline_ms, 200);
        if deadline_ms > 60_000 {
            return wrong("cluster.deadline_ms is more than a minute");
        }
        Ok(Settings {
            node: given.node.as_bytes().to_vec(),
            uri: given.uri.as_bytes().to_vec(),
            lease: Duration::from_secs(u64::from(lease_s)),
            deadline: Duration::from_millis(u64::from(deadline_ms)),
            max_dialogs: or(given.max_dialogs, 200_000) as usize,
            max_lookups: or(given.max_lookups, 256) as usize,
            client: client(given)?,
        })
    }

    /// How long what this node has published stays where nobody takes it away: what a node that died has
    /// left behind.
    pub fn time_to_live(&self) -> Duration {
        (20 * self.lease).max(Duration::from_secs(600))
    }
}

fn client(given: &Given<'_>) -> Result<Client, Wrong> {
    // What the client says about a URL may repeat it, with a password in it.
    let no_url =
        || Wrong("cluster.url is no redis, rediss, valkey, valkeys or unix URL".to_owned());
    let mut info: ConnectionInfo = given.url.into_connection_info().map_err(|_| no_url())?;
    let mut login = info.redis_settings().clone();
    if !given.user.is_empty() {
        login = login.set_username(given.user);
    }
    let mut password = given.password.to_owned();
    if !given.password_file.is_empty() {
        let text = fs::read_to_string(given.password_file)
            .map_err(|error| Wrong(format!("cluster.password_file cannot be read: {error}")))?;
        // Its first line: editors put a line end behind it.
        password = text.lines().next().unwrap_or_default().to_owned();
    }
    if !password.is_empty() {
        login = login.set_password(password);
    }
    info = info.set_redis_settings(login);
    let is_tls = given.url.starts_with("rediss:") || given.url.starts_with("valkeys:");
    if !is_tls && !given.ca_file.is_empty() {
        return wrong("cluster.ca_file is set and cluster.url is neither rediss nor valkeys");
    }
    if given.ca_file.is_empty() {
        return Client::open(info).map_err(|_| no_url());
    }
    let root_cert = fs::read(given.ca_file)
        .map_err(|error| Wrong(format!("cluster.ca_file cannot be read: {error}")))?;
    let certificates = TlsCertificates { client_tls: None, root_cert: Some(root_cert) };
    Client::build_with_tls(info, certificates)
        .map_err(|_| Wrong("cluster.ca_file holds no certificates in PEM".to_owned()))
}

/// How long is waited behind so many failures in a row.
pub fn pause(failures: u32) -> Duration {
    FIRST_PAUSE.saturating_mul(1 << failures.saturating_sub(1).min(10)).min(LONGEST_PAUSE)
}

/// An error of the client for the log: one line, in which nothing of ours is repeated.
pub fn said(error: &redis::RedisError) -> String {
    let mut text = error.to_string();
    text.retain(|c| !c.is_control());
    if text.len() > 200 {
        let end = (0..=200).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text.truncate(end);
    }
    text
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const GIVEN: Given<'static> = Given {
        url: "redis://127.0.0.1:6379",
        node: "pbx-1.example",
        uri: "sip:replaces@192.0.2.1:5060;transport=tcp",
        user: "",
        password: "",
        password_file: "",
        ca_file: "",
        lease_s: 0,
        deadline_ms: 0,
        max_dialogs: 0,
        max_lookups: 0,
    };

    #[test]
    fn what_cannot_be_used_is_named_and_no_password_is_repeated() {
        let set = Settings::new(&GIVEN).unwrap();
        assert_eq!((set.lease.as_secs(), set.deadline.as_millis()), (15, 200));
        for (given, name) in [
            (Given { node: "", ..GIVEN }, "cluster.node"),
            (Given { node: "a b", ..GIVEN }, "cluster.node"),
            (Given { uri: "tel:5", ..GIVEN }, "cluster.uri"),
            (Given { uri: "sip:a@b&c", ..GIVEN }, "cluster.uri"),
            (Given { uri: "sip:", ..GIVEN }, "cluster.uri"),
            (Given { url: "http://user:SECRET@h", ..GIVEN }, "cluster.url"),
            (Given { url: "redis://:SECRET@h:port", ..GIVEN }, "cluster.url"),
            (Given { url: "", ..GIVEN }, "cluster.url"),
            (Given { lease_s: 1, ..GIVEN }, "cluster.lease_s"),
            (Given { deadline_ms: 60_001, ..GIVEN }, "cluster.deadline_ms"),
            (Given { password_file: "/nowhere/at/all", ..GIVEN }, "cluster.password_file"),
            (Given { ca_file: "/dev/null", ..GIVEN }, "cluster.ca_file"),
        ] {
            let said = Settings::new(&given).err().unwrap().to_string();
            assert!(said.starts_with(name) && !said.contains("SECRET"), "{said}");
        }
    }

    #[test]
    fn attempts_to_connect_become_rare() {
        let pauses: Vec<u128> = (1..9).map(|failures| pause(failures).as_millis()).collect();
        assert_eq!(pauses, [100, 200, 400, 800, 1600, 3200, 5000, 5000]);
        assert_eq!(pause(u32::MAX), LONGEST_PAUSE);
    }
}
