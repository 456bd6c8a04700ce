//! The sockets of a phone: one UDP socket, or a listener with the connections that it took and those
//! that it opened. Each whole message that arrives is handed to one function.

use super::tls::Kit;
use super::trace::{Trace, Way};
use rustls::pki_types::ServerName;
use rustls::{ClientConnection, Connection, ServerConnection};
use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// What SIP travels over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Datagrams.
    Udp,
    /// Streams.
    Tcp,
    /// Streams under TLS.
    Tls,
}

impl Kind {
    /// As a Via header says it.
    pub fn via(self) -> &'static str {
        match self {
            Kind::Udp => "UDP",
            Kind::Tcp => "TCP",
            Kind::Tls => "TLS",
        }
    }

    /// The parameter that a URI needs.
    pub fn uri_param(self) -> &'static str {
        match self {
            Kind::Udp => "",
            Kind::Tcp => ";transport=tcp",
            Kind::Tls => ";transport=tls",
        }
    }
}

/// Where a message came from, and where an answer goes.
#[derive(Clone)]
pub enum Path {
    /// A datagram from or to this address.
    Udp(SocketAddr),
    /// This connection.
    Stream(Arc<Stream>),
}

/// A TCP connection, perhaps under TLS.
pub struct Stream {
    peer: SocketAddr,
    socket: TcpStream,
    tls: Option<Mutex<Connection>>,
}

impl Stream {
    fn send(&self, bytes: &[u8]) -> std::io::Result<()> {
        let Some(tls) = &self.tls else {
            return (&self.socket).write_all(bytes);
        };
        let mut tls = tls.lock().unwrap_or_else(PoisonError::into_inner);
        tls.writer().write_all(bytes)?;
        while tls.wants_write() {
            tls.write_tls(&mut &self.socket)?;
        }
        Ok(())
    }

    /// The plain bytes that arrived next; none at the end.
    fn receive(&self) -> Vec<u8> {
        let mut buffer = [0; 16384];
        loop {
            let Ok(count @ 1..) = (&self.socket).read(&mut buffer) else {
                return Vec::new();
            };
            let Some(tls) = &self.tls else {
                return buffer[..count].to_vec();
            };
            let mut tls = tls.lock().unwrap_or_else(PoisonError::into_inner);
            let mut plain = Vec::new();
            let mut rest = &buffer[..count];
            while !rest.is_empty() {
                if tls.read_tls(&mut rest).is_err() || tls.process_new_packets().is_err() {
                    return Vec::new();
                }
                let mut part = [0; 16384];
                while let Ok(read @ 1..) = tls.reader().read(&mut part) {
                    plain.extend_from_slice(&part[..read]);
                }
            }
            while tls.wants_write() {
                if tls.write_tls(&mut &self.socket).is_err() {
                    return Vec::new();
                }
            }
            if !plain.is_empty() {
                return plain;
            }
        }
    }
}

/// How long the first message in the buffer is, once all of it is there.
fn message_length(buffer: &[u8]) -> Option<usize> {
    let head = buffer.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let text = String::from_utf8_lossy(&buffer[..head]).to_ascii_lowercase();
    let body = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        matches!(name.trim(), "content-length" | "l").then(|| value.trim().parse::<usize>().ok())?
    });
    let whole = head + body.unwrap_or_default();
    (buffer.len() >= whole).then_some(whole)
}

type Receiver = dyn Fn(Vec<u8>, Path) + Send + Sync;

struct Shared {
    name: String,
    kind: Kind,
    local: SocketAddr,
    udp: Option<UdpSocket>,
    streams: Mutex<HashMap<SocketAddr, Arc<Stream>>>,
    tls: Option<Kit>,
    trace: Trace,
    stopped: AtomicBool,
    receiver: Box<Receiver>,
}

/// The sockets of one phone. Dropping it closes them.
pub struct Wire(Arc<Shared>);

impl Wire {
    /// Binds `local` and hands each message to `receiver`, on threads of its own.
    pub fn new(
        name: &str,
        kind: Kind,
        local: SocketAddr,
        tls: Option<Kit>,
        trace: Trace,
        receiver: impl Fn(Vec<u8>, Path) + Send + Sync + 'static,
    ) -> Wire {
        let taken = |cause| panic!("{name} cannot use {local}: {cause}");
        let udp = (kind == Kind::Udp).then(|| UdpSocket::bind(local).unwrap_or_else(taken));
        let taken = |cause| panic!("{name} cannot use {local}: {cause}");
        let listener = (kind != Kind::Udp).then(|| TcpListener::bind(local).unwrap_or_else(taken));
        let bound = match (&udp, &listener) {
            (Some(socket), _) => socket.local_addr(),
            (_, Some(listener)) => listener.local_addr(),
            _ => unreachable!("one of both was made"),
        };
        let shared = Arc::new(Shared {
            name: name.to_owned(),
            kind,
            local: bound.expect("a bound socket has an address"),
            udp: udp.as_ref().map(|socket| socket.try_clone().expect("a second handle")),
            streams: Mutex::default(),
            tls,
            trace,
            stopped: AtomicBool::new(false),
            receiver: Box::new(receiver),
        });
        if let Some(socket) = udp {
            let shared = shared.clone();
            thread::spawn(move || shared.read_datagrams(&socket));
        }
        if let Some(listener) = listener {
            let shared = shared.clone();
            thread::spawn(move || shared.take_connections(&listener));
        }
        Wire(shared)
    }

    /// Where it is bound.
    pub fn local(&self) -> SocketAddr {
        self.0.local
    }

    /// The way to an address: the connection that there is, or a new one.
    pub fn path_to(&self, peer: SocketAddr) -> Path {
        if self.0.kind == Kind::Udp {
            return Path::Udp(peer);
        }
        let mut streams = self.0.streams.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(stream) = streams.get(&peer) {
            return Path::Stream(stream.clone());
        }
        let socket = TcpStream::connect(peer)
            .unwrap_or_else(|cause| panic!("{} cannot connect to {peer}: {cause}", self.0.name));
        let tls = self.0.tls.as_ref().filter(|_| self.0.kind == Kind::Tls).map(|kit| {
            let name = ServerName::IpAddress(IpAddr::into(peer.ip()));
            let client = ClientConnection::new(kit.client.clone(), name).expect("a TLS client");
            Mutex::new(Connection::Client(client))
        });
        let stream = Shared::adopt(&self.0, socket, peer, tls);
        streams.insert(peer, stream.clone());
        Path::Stream(stream)
    }

    /// Sends one message and puts it into the trace.
    pub fn send(&self, path: &Path, bytes: &[u8]) {
        let peer = match path {
            Path::Udp(peer) => *peer,
            Path::Stream(stream) => stream.peer,
        };
        self.0.trace.add(&self.0.name, Way::Sent, peer, bytes);
        // A peer that is gone shows itself by its silence.
        let _ = match path {
            Path::Udp(peer) => {
                self.0.udp.as_ref().map(|socket| socket.send_to(bytes, peer).map(|_| ()))
            }
            Path::Stream(stream) => Some(stream.send(bytes)),
        };
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.0.stopped.store(true, Ordering::SeqCst);
        // Wakes the threads, which then see that it is over.
        match &self.0.udp {
            Some(socket) => drop(socket.send_to(b"", self.0.local)),
            None => drop(TcpStream::connect(self.0.local)),
        }
        for stream in self.0.streams.lock().unwrap_or_else(PoisonError::into_inner).values() {
            let _ = stream.socket.shutdown(Shutdown::Both);
        }
    }
}

impl Shared {
    fn over(&self) -> bool {
        self.stopped.load(Ordering::SeqCst)
    }

    fn deliver(&self, bytes: Vec<u8>, peer: SocketAddr, path: Path) {
        self.trace.add(&self.name, Way::Received, peer, &bytes);
        (self.receiver)(bytes, path);
    }

    fn read_datagrams(&self, socket: &UdpSocket) {
        let mut buffer = vec![0; 65536];
        while let Ok((count, peer)) = socket.recv_from(&mut buffer) {
            if self.over() {
                return;
            }
            // Empty and nearly empty datagrams keep a NAT's way open.
            if count > 4 {
                self.deliver(buffer[..count].to_vec(), peer, Path::Udp(peer));
            }
        }
    }

    fn take_connections(self: &Arc<Shared>, listener: &TcpListener) {
        while let Ok((socket, peer)) = listener.accept() {
            if self.over() {
                return;
            }
            let tls = self.tls.as_ref().filter(|_| self.kind == Kind::Tls).map(|kit| {
                let server = ServerConnection::new(kit.server.clone()).expect("a TLS server");
                Mutex::new(Connection::Server(server))
            });
            let stream = Shared::adopt(self, socket, peer, tls);
            self.streams.lock().unwrap_or_else(PoisonError::into_inner).insert(peer, stream);
        }
    }

    fn adopt(
        shared: &Arc<Shared>,
        socket: TcpStream,
        peer: SocketAddr,
        tls: Option<Mutex<Connection>>,
    ) -> Arc<Stream> {
        let _ = socket.set_nodelay(true);
        let stream = Arc::new(Stream { peer, socket, tls });
        let (shared, adopted) = (shared.clone(), stream.clone());
        thread::spawn(move || shared.read_stream(&adopted));
        stream
    }

    fn read_stream(&self, stream: &Arc<Stream>) {
        let mut buffer: Vec<u8> = Vec::new();
        loop {
            let part = stream.receive();
            if part.is_empty() || self.over() {
                break;
            }
            buffer.extend_from_slice(&part);
            loop {
                let empty = buffer.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
                buffer.drain(..empty);
                let Some(length) = message_length(&buffer) else { break };
                let message: Vec<u8> = buffer.drain(..length).collect();
                self.deliver(message, stream.peer, Path::Stream(stream.clone()));
            }
        }
        self.streams.lock().unwrap_or_else(PoisonError::into_inner).remove(&stream.peer);
    }
}
