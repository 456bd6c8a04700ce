//! From a frame to the SIP messages in it: link layer, VLAN tags, IP with its fragments, UDP, TCP.

use super::fragments::{Fragment, Fragments, Key};
use super::tcp::{Segment, Streams};
use super::{is_sip, net, Packet};
use etherparse::{
    EtherType, IpNumber, Ipv6ExtensionSlice, LaxNetSlice, LaxSlicedPacket, TcpSlice,
    TransportSlice, UdpSlice,
};
use std::net::IpAddr;

/// What a frame begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layer {
    Ethernet,
    Ip,
    /// Linux cooked capture (`tcpdump -i any`).
    Cooked,
    /// Its second version.
    Cooked2,
    /// The loopback of the BSDs: the family in four bytes.
    Loopback,
    Unknown,
}

/// The state between packets: fragments and streams, both bounded.
#[derive(Default)]
pub struct Network {
    fragments: Fragments,
    streams: Streams,
}

impl Network {
    /// Takes one frame apart.
    pub fn frame(
        &mut self,
        layer: Layer,
        at_us: Option<u64>,
        data: &[u8],
        sink: &mut dyn FnMut(Packet<'_>),
    ) {
        let word = |at: usize| {
            data.get(at..at + 2).and_then(|it| it.first_chunk()).map(|it| u16::from_be_bytes(*it))
        };
        let packet = match layer {
            Layer::Ethernet => LaxSlicedPacket::from_ethernet(data).ok(),
            Layer::Ip => LaxSlicedPacket::from_ip(data).ok(),
            Layer::Loopback => data.get(4..).and_then(|it| LaxSlicedPacket::from_ip(it).ok()),
            Layer::Cooked => word(14)
                .zip(data.get(16..))
                .map(|(kind, payload)| LaxSlicedPacket::from_ether_type(EtherType(kind), payload)),
            Layer::Cooked2 => word(0)
                .zip(data.get(20..))
                .map(|(kind, payload)| LaxSlicedPacket::from_ether_type(EtherType(kind), payload)),
            Layer::Unknown => None,
        };
        let Some(packet) = packet else { return };
        let (from, to, fragment) = match &packet.net {
            Some(LaxNetSlice::Ipv4(ip)) => {
                let header = ip.header();
                let fragment = ip.is_payload_fragmented().then(|| {
                    (
                        u32::from(header.identification()),
                        header.fragments_offset().byte_offset(),
                        header.more_fragments(),
                    )
                });
                (IpAddr::V4(header.source_addr()), IpAddr::V4(header.destination_addr()), fragment)
            }
            Some(LaxNetSlice::Ipv6(ip)) => {
                let header = ip.header();
                let part = ip.extensions().clone().into_iter().find_map(|it| match it {
                    Ipv6ExtensionSlice::Fragment(part) => Some(part),
                    _ => None,
                });
                // RFC 8200 section 4.5: 13 bits of offset in units of 8 bytes, two of nothing, and the
                // flag; etherparse 0.19 looks for them elsewhere.
                let fragment = part.and_then(|part| {
                    let word = part.slice().get(2..4)?.first_chunk()?;
                    let word = u16::from_be_bytes(*word);
                    let (offset, is_more) = (word & 0xfff8, word & 1 != 0);
                    (offset != 0 || is_more).then(|| (part.identification(), offset, is_more))
                });
                (IpAddr::V6(header.source_addr()), IpAddr::V6(header.destination_addr()), fragment)
            }
            _ => return,
        };
        let Some(payload) = packet.net.as_ref().and_then(LaxNetSlice::ip_payload_ref) else {
            return;
        };
        if let Some((id, offset, is_more)) = fragment {
            let key = Key { from, to, id, number: payload.ip_number.0 };
            let part = Fragment { offset, is_more, bytes: payload.payload };
            if let Some(whole) = self.fragments.add(key, part) {
                self.datagram(payload.ip_number, (from, to), at_us, &whole, sink);
            }
            return;
        }
        match &packet.transport {
            Some(TransportSlice::Udp(udp)) => udp_packet(udp, (from, to), at_us, sink),
            Some(TransportSlice::Tcp(tcp)) => self.tcp_packet(tcp, (from, to), at_us, sink),
            _ => {}
        }
    }

    /// What the fragments of one packet make together.
    fn datagram(
        &mut self,
        number: IpNumber,
        ends: (IpAddr, IpAddr),
        at_us: Option<u64>,
        bytes: &[u8],
        sink: &mut dyn FnMut(Packet<'_>),
    ) {
        match number {
            IpNumber::UDP => {
                if let Ok(udp) = UdpSlice::from_slice_lax(bytes) {
                    udp_packet(&udp, ends, at_us, sink);
                }
            }
            IpNumber::TCP => {
                if let Ok(tcp) = TcpSlice::from_slice(bytes) {
                    self.tcp_packet(&tcp, ends, at_us, sink);
                }
            }
            _ => {}
        }
    }

    fn tcp_packet(
        &mut self,
        tcp: &TcpSlice<'_>,
        (from, to): (IpAddr, IpAddr),
        at_us: Option<u64>,
        sink: &mut dyn FnMut(Packet<'_>),
    ) {
        let segment = Segment {
            from: net(from, tcp.source_port()),
            to: net(to, tcp.destination_port()),
            sequence: tcp.sequence_number(),
            is_new: tcp.syn() || tcp.rst(),
            bytes: tcp.payload(),
        };
        self.streams.add(segment, &mut |from, to, raw| {
            sink(Packet { at_us, from, to, transport: "TCP", raw });
        });
    }

    /// The end of the file: what is still incomplete is lost.
    pub fn finish(&mut self) {
        self.fragments.finish();
        self.streams.finish();
    }

    /// What was over a limit or came incomplete.
    pub fn dropped(&self) -> u64 {
        self.fragments.dropped + self.streams.dropped
    }
}

fn udp_packet(
    udp: &UdpSlice<'_>,
    (from, to): (IpAddr, IpAddr),
    at_us: Option<u64>,
    sink: &mut dyn FnMut(Packet<'_>),
) {
    if !is_sip(udp.payload()) {
        return;
    }
    let from = net(from, udp.source_port());
    let to = net(to, udp.destination_port());
    sink(Packet { at_us, from: &from, to: &to, transport: "UDP", raw: udp.payload() });
}
