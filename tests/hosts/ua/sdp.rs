//! Session descriptions with one audio stream in G.711 µ-law (RFC 4566, RFC 3264).

use std::net::{IpAddr, SocketAddr};

/// Which way voice goes, seen from the one who says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Both ways.
    SendRecv,
    /// Only to the peer: how a phone puts a call on hold.
    SendOnly,
    /// Only from the peer.
    RecvOnly,
    /// Neither.
    Inactive,
}

impl Direction {
    fn name(self) -> &'static str {
        match self {
            Direction::SendRecv => "sendrecv",
            Direction::SendOnly => "sendonly",
            Direction::RecvOnly => "recvonly",
            Direction::Inactive => "inactive",
        }
    }

    /// What an answer to this offer says.
    pub fn answered(self) -> Direction {
        match self {
            Direction::SendRecv => Direction::SendRecv,
            Direction::SendOnly => Direction::RecvOnly,
            Direction::RecvOnly => Direction::SendOnly,
            Direction::Inactive => Direction::Inactive,
        }
    }

    /// Whether the one who says it sends.
    pub fn sends(self) -> bool {
        matches!(self, Direction::SendRecv | Direction::SendOnly)
    }
}

/// What this side says about its audio.
pub fn write(media: SocketAddr, version: u32, direction: Direction) -> String {
    let (ip, port) = (media.ip(), media.port());
    format!(
        "v=0\r\no=- {port} {version} IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\n\
         m=audio {port} RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=ptime:20\r\na={}\r\n",
        direction.name()
    )
}

/// Where the peer wants its audio, and which way.
pub fn read(body: &str) -> Option<(SocketAddr, Direction)> {
    let mut address: Option<IpAddr> = None;
    let mut port: Option<u16> = None;
    let mut direction = Direction::SendRecv;
    for line in body.lines() {
        if let Some(text) = line.strip_prefix("c=IN IP4 ") {
            address = text.trim().parse().ok();
        } else if let Some(text) = line.strip_prefix("m=audio ") {
            port = text.split(' ').next()?.parse().ok();
        } else {
            direction = match line.trim_end() {
                "a=sendonly" => Direction::SendOnly,
                "a=recvonly" => Direction::RecvOnly,
                "a=inactive" => Direction::Inactive,
                "a=sendrecv" => Direction::SendRecv,
                _ => direction,
            };
        }
    }
    Some((SocketAddr::new(address?, port?), direction))
}
