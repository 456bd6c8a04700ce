//! The files that tcpdump, Wireshark and Asterisk write: pcap and pcapng.

use super::net::{Layer, Network};
use super::{Losses, Packet};
use pcap_parser::traits::PcapNGPacketBlock;
use pcap_parser::{create_reader, Block, Linktype, PcapBlockOwned, PcapError};
use std::io::{self, BufRead};

/// The room for blocks: no packet that a network carries is larger, and a block that is ends the
/// reading.
const ROOM: usize = 1 << 20;

/// An interface of a pcapng section.
#[derive(Clone, Copy)]
struct Interface {
    layer: Layer,
    /// Ticks a second.
    resolution: u64,
    /// Seconds to add.
    offset: i64,
}

/// How many interfaces of a section are remembered.
const INTERFACES: usize = 1_024;

#[derive(Default)]
struct State {
    legacy: Option<Interface>,
    interfaces: Vec<Interface>,
    losses: Losses,
}

pub fn read(
    from: &mut (dyn BufRead + Send),
    sink: &mut dyn FnMut(Packet<'_>),
) -> io::Result<Losses> {
    let mut state = State::default();
    let mut network = Network::default();
    let mut blocks = match create_reader(ROOM, from) {
        Ok(blocks) => blocks,
        Err(PcapError::ReadError) => return Err(io::Error::other("it cannot be read")),
        Err(_) => {
            state.losses.broken_at = Some(0);
            return Ok(state.losses);
        }
    };
    loop {
        let wanted = match blocks.next() {
            Ok((len, block)) => {
                state.block(&block, &mut network, sink);
                blocks.consume(len);
                continue;
            }
            Err(PcapError::Eof) => break,
            Err(PcapError::Incomplete(_)) => true,
            Err(_) => false,
        };
        // What is there does not hold a whole block: either more comes, or the file ends in it.
        let before = blocks.data().len();
        let is_more = wanted && !blocks.reader_exhausted();
        if !is_more || blocks.refill().is_err() || blocks.data().len() == before {
            if before > 0 {
                state.losses.broken_at = Some(blocks.consumed() as u64);
            }
            break;
        }
    }
    network.finish();
    state.losses.dropped += network.dropped();
    Ok(state.losses)
}

impl State {
    fn block(
        &mut self,
        block: &PcapBlockOwned<'_>,
        network: &mut Network,
        sink: &mut dyn FnMut(Packet<'_>),
    ) {
        match block {
            PcapBlockOwned::LegacyHeader(header) => {
                let resolution =
                    if header.is_nanosecond_precision() { 1_000_000_000 } else { 1_000_000 };
                let layer = layer(header.network);
                self.legacy = Some(Interface { layer, resolution, offset: 0 });
            }
            PcapBlockOwned::Legacy(packet) => {
                let Some(interface) = self.legacy else { return };
                let ticks = u64::from(packet.ts_sec)
                    .saturating_mul(interface.resolution)
                    .saturating_add(u64::from(packet.ts_usec));
                self.losses.cut += u64::from(packet.caplen < packet.origlen);
                self.packet(interface, Some(ticks), packet.data, network, sink);
            }
            PcapBlockOwned::NG(Block::SectionHeader(_)) => self.interfaces.clear(),
            PcapBlockOwned::NG(Block::InterfaceDescription(it)) => {
                if self.interfaces.len() < INTERFACES {
                    self.interfaces.push(Interface {
                        layer: layer(it.linktype),
                        resolution: it.ts_resolution().filter(|it| *it > 0).unwrap_or(1_000_000),
                        offset: it.ts_offset(),
                    });
                }
            }
            PcapBlockOwned::NG(Block::EnhancedPacket(packet)) => {
                let Some(interface) = self.interfaces.get(packet.if_id as usize).copied() else {
                    self.losses.dropped += 1;
                    return;
                };
                let ticks = u64::from(packet.ts_high) << 32 | u64::from(packet.ts_low);
                self.losses.cut += u64::from(packet.caplen < packet.origlen);
                self.packet(interface, Some(ticks), packet.packet_data(), network, sink);
            }
            PcapBlockOwned::NG(Block::SimplePacket(packet)) => {
                let Some(interface) = self.interfaces.first().copied() else { return };
                self.packet(interface, None, packet.packet_data(), network, sink);
            }
            PcapBlockOwned::NG(_) => {}
        }
    }

    fn packet(
        &mut self,
        interface: Interface,
        ticks: Option<u64>,
        data: &[u8],
        network: &mut Network,
        sink: &mut dyn FnMut(Packet<'_>),
    ) {
        if interface.layer == Layer::Unknown {
            self.losses.unknown_link += 1;
            return;
        }
        let at_us = ticks.map(|ticks| {
            let us = u128::from(ticks) * 1_000_000 / u128::from(interface.resolution);
            let us = u64::try_from(us).unwrap_or(u64::MAX);
            us.saturating_add_signed(interface.offset.saturating_mul(1_000_000))
        });
        network.frame(interface.layer, at_us, data, sink);
    }
}

/// The link layers that are known, by their numbers in files.
fn layer(link: Linktype) -> Layer {
    match link.0 {
        0 | 108 => Layer::Loopback,
        1 => Layer::Ethernet,
        12 | 14 | 101 | 228 | 229 => Layer::Ip,
        113 => Layer::Cooked,
        276 => Layer::Cooked2,
        _ => Layer::Unknown,
    }
}
