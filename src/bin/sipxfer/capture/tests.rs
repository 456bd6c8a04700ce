use super::*;
use std::io::Cursor;

fn all(kind: Kind, bytes: &[u8]) -> (Vec<(String, String, String)>, Losses) {
    let mut found = Vec::new();
    let losses = read(kind, &mut Cursor::new(bytes), &mut |packet| {
        let raw = String::from_utf8_lossy(packet.raw).into_owned();
        found.push((packet.from.to_string(), packet.to.to_string(), raw));
    })
    .unwrap();
    (found, losses)
}

const OPTIONS: &str = "OPTIONS sip:a@h SIP/2.0\r\nCall-ID: 1\r\nContent-Length: 0\r\n\r\n";

fn pcap(link: u32, frames: &[Vec<u8>]) -> Vec<u8> {
    let mut file = vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0];
    file.extend([0; 8]);
    file.extend(65_535_u32.to_le_bytes());
    file.extend(link.to_le_bytes());
    for frame in frames {
        file.extend([1, 0, 0, 0, 2, 0, 0, 0]);
        file.extend((frame.len() as u32).to_le_bytes());
        file.extend((frame.len() as u32).to_le_bytes());
        file.extend(frame);
    }
    file
}

fn ip4(number: u8, id: u16, flags_and_offset: u16, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x45, 0];
    packet.extend((20 + payload.len() as u16).to_be_bytes());
    packet.extend(id.to_be_bytes());
    packet.extend(flags_and_offset.to_be_bytes());
    packet.extend([64, number, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2]);
    packet.extend(payload);
    packet
}

fn ip6(number: u8, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x60, 0, 0, 0];
    packet.extend((payload.len() as u16).to_be_bytes());
    packet.extend([number, 64]);
    packet.extend([0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    packet.extend([0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]);
    packet.extend(payload);
    packet
}

fn udp(text: &str) -> Vec<u8> {
    let mut packet = vec![0x13, 0xc4, 0x13, 0xc5];
    packet.extend((8 + text.len() as u16).to_be_bytes());
    packet.extend([0, 0]);
    packet.extend(text.as_bytes());
    packet
}

fn tcp(sequence: u32, flags: u8, text: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x13, 0xc4, 0x13, 0xc5];
    packet.extend(sequence.to_be_bytes());
    packet.extend([0, 0, 0, 0, 0x50, flags, 255, 255, 0, 0, 0, 0]);
    packet.extend(text);
    packet
}

fn ethernet(kind: &[u8], packet: &[u8]) -> Vec<u8> {
    [&[0; 12], kind, packet].concat()
}

#[test]
fn every_link_layer_is_taken_off() {
    let v4 = ip4(17, 1, 0, &udp(OPTIONS));
    let v6 = ip6(17, &udp(OPTIONS));
    let cooked = [&[0; 14], &[0x08, 0][..], &v4].concat();
    let cooked2 = [&[0x86, 0xdd][..], &[0; 18], &v6].concat();
    let tagged = ethernet(&[0x81, 0, 0, 7, 0x81, 0, 0, 9, 0x08, 0], &v4);
    for (link, frame, from) in [
        (1, ethernet(&[0x08, 0], &v4), "192.0.2.1:5060"),
        (1, ethernet(&[0x86, 0xdd], &v6), "[2001:db8::1]:5060"),
        (1, tagged, "192.0.2.1:5060"),
        (101, v4.clone(), "192.0.2.1:5060"),
        (0, [&[2, 0, 0, 0], &v4[..]].concat(), "192.0.2.1:5060"),
        (113, cooked, "192.0.2.1:5060"),
        (276, cooked2, "[2001:db8::1]:5060"),
    ] {
        let file = pcap(link, &[frame]);
        assert_eq!(Kind::of(&file), Kind::Pcap);
        let (found, losses) = all(Kind::Pcap, &file);
        assert_eq!(found.len(), 1, "link {link}");
        assert_eq!((&*found[0].0, &*found[0].2), (from, OPTIONS), "link {link}");
        assert_eq!(losses, Losses::default(), "link {link}");
        // Cut anywhere it still is read, up to there.
        for end in (0..file.len()).step_by(12) {
            let (found, losses) = all(Kind::Pcap, &file[..end]);
            assert!(found.is_empty());
            assert_eq!(losses.broken_at.is_some(), end != 24, "cut at {end}");
        }
    }
    assert_eq!(all(Kind::Pcap, &pcap(147, &[v4])).1.unknown_link, 1);
}

#[test]
fn fragments_are_put_together_in_any_order() {
    let whole = udp(&OPTIONS.replace("Call-ID: 1", &format!("Call-ID: {}", "x".repeat(3_000))));
    let (a, rest) = whole.split_at(1_480);
    let (b, c) = rest.split_at(1_480);
    let parts = [ip4(17, 9, 0x2000, a), ip4(17, 9, 0x2000 | 185, b), ip4(17, 9, 370, c)];
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
        let frames: Vec<_> = order.iter().map(|at| parts[*at].clone()).collect();
        let (found, losses) = all(Kind::Pcap, &pcap(101, &frames));
        assert_eq!((found.len(), losses.dropped), (1, 0), "{order:?}");
        assert_eq!(found[0].2.len(), whole.len() - 8);
    }
    // One that never comes is one that is lost.
    let (found, losses) = all(Kind::Pcap, &pcap(101, &parts[..2]));
    assert_eq!((found.len(), losses.dropped), (0, 1));
    // IPv6, cut by its own header.
    let first = [&[17, 0, 0, 1, 0, 0, 0, 5], a].concat();
    let last = [&[17, 0, 5, 200, 0, 0, 0, 5], rest].concat();
    let (found, _) = all(Kind::Pcap, &pcap(101, &[ip6(44, &first), ip6(44, &last)]));
    assert_eq!(found.len(), 1);
}

#[test]
fn a_flood_of_fragments_costs_no_memory() {
    let frames: Vec<_> = (0..5_000).map(|id| ip4(17, id, 0x2000, &[0; 1_480])).collect();
    let (found, losses) = all(Kind::Pcap, &pcap(101, &frames));
    assert_eq!((found.len(), losses.dropped), (0, 5_000));
}

#[test]
fn streams_are_put_in_order_and_cut_into_messages() {
    let body = "REFER sip:a@h SIP/2.0\r\nl : 5\r\n\r\n12345";
    let text = format!("{OPTIONS}\r\n\r\n{body}SIP/2.0 200 OK\r\n\r\n");
    let bytes = text.as_bytes();
    let whole = vec![OPTIONS.to_owned(), body.to_owned(), "SIP/2.0 200 OK\r\n\r\n".to_owned()];
    let messages = |frames: &[Vec<u8>]| {
        let (found, losses) = all(Kind::Pcap, &pcap(101, frames));
        (found.into_iter().map(|it| it.2).collect::<Vec<_>>(), losses.dropped)
    };
    let segment = |from: usize, to: usize| {
        ip4(6, 0, 0, &tcp((u32::MAX - 40).wrapping_add(from as u32), 0x18, &bytes[from..to]))
    };
    // The sequence number goes over its end.
    for size in [40, 97, 1_000] {
        let frames: Vec<_> = (0..bytes.len())
            .step_by(size)
            .map(|from| segment(from, (from + size).min(bytes.len())))
            .collect();
        assert_eq!(messages(&frames), (whole.clone(), 0), "{size}");
    }
    let n = bytes.len();
    // Out of order, sent again, and overlapping.
    let frames = [
        segment(0, 30),
        segment(60, 90),
        segment(30, 60),
        segment(20, 70),
        segment(90, n),
        segment(0, 30),
    ];
    assert_eq!(messages(&frames).0, whole);
    // A segment that the capture has lost: what comes behind a start line is read again.
    let mut gap = vec![segment(0, 30)];
    gap.extend((0..70).map(|_| segment(60, 61)));
    gap.push(ip4(6, 0, 0, &tcp(5_000_000, 0x18, OPTIONS.as_bytes())));
    assert_eq!(messages(&gap).0.last().map(String::as_str), Some(OPTIONS));
    // What is no SIP is not followed.
    let http = ip4(6, 0, 0, &tcp(1, 0x18, b"GET / HTTP/1.1\r\n\r\n"));
    assert_eq!(messages(&[http]), (vec![], 0));
    let long = ip4(6, 0, 0, &tcp(1, 0x18, b"OPTIONS sip:a@h SIP/2.0\r\nl: 99999999\r\n\r\n"));
    assert_eq!(messages(&[long]), (vec![], 1));
}

#[test]
fn pcapng_has_its_own_clock_for_each_interface() {
    let mut file = vec![0x0a, 0x0d, 0x0d, 0x0a, 28, 0, 0, 0, 0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0];
    file.extend([0xff; 8]);
    file.extend(28_u32.to_le_bytes());
    // Nanoseconds, raw IP.
    file.extend([1, 0, 0, 0, 32, 0, 0, 0, 101, 0, 0, 0, 0, 0, 0, 0]);
    file.extend([9, 0, 1, 0, 9, 0, 0, 0, 0, 0, 0, 0]);
    file.extend(32_u32.to_le_bytes());
    let packet = ip4(17, 1, 0, &udp(OPTIONS));
    let padded = packet.len().div_ceil(4) * 4;
    let len = 32 + padded as u32;
    let ticks = 1_700_000_000_000_001_000_u64;
    file.extend([6, 0, 0, 0]);
    file.extend(len.to_le_bytes());
    file.extend(0_u32.to_le_bytes());
    file.extend(((ticks >> 32) as u32).to_le_bytes());
    file.extend((ticks as u32).to_le_bytes());
    file.extend((packet.len() as u32).to_le_bytes());
    file.extend((packet.len() as u32).to_le_bytes());
    file.extend(&packet);
    file.extend(vec![0; padded - packet.len()]);
    file.extend(len.to_le_bytes());
    assert_eq!(Kind::of(&file), Kind::Pcapng);
    let mut times = Vec::new();
    let losses =
        read(Kind::Pcapng, &mut Cursor::new(&file), &mut |packet| times.push(packet.at_us));
    assert_eq!((times, losses.unwrap()), (vec![Some(1_700_000_000_000_001)], Losses::default()));
}

#[test]
fn logs_are_read_whatever_their_line_ends_have_become() {
    let asterisk = "\
[2026-11-21 10:00:01.250] VERBOSE[12] res_pjsip_logger.c: <--- Received SIP request (99 bytes) from UDP:192.0.2.10:5060 --->
NOTIFY sip:a@h SIP/2.0
Call-ID: 1
Content-Length: 16

SIP/2.0 200 OK

[2026-11-21 10:00:01.251] DEBUG[12] something else
<--- Transmitting SIP response (99 bytes) to UDP:192.0.2.10:5060 --->
SIP/2.0 200 OK
Content-Length:  0


    -- done
";
    for text in [asterisk.to_owned(), asterisk.replace('\n', "\r\n")] {
        assert_eq!(Kind::of(text.as_bytes()), Kind::AsteriskLog);
        let (found, losses) = all(Kind::AsteriskLog, text.as_bytes());
        assert_eq!((found.len(), losses), (2, Losses::default()));
        assert!(found[0].2.ends_with("\r\n\r\nSIP/2.0 200 OK\r\n"), "{found:?}");
        assert_eq!((&*found[0].0, &*found[1].0), ("192.0.2.10:5060", "Asterisk"));
    }
    let pjsua = "x\n12:00:00.250   pjsua_core.c  .TX 60 bytes Request msg OPTIONS/cseq=2 (tdta0x1) to UDP 192.0.2.1:5060:\n\
                 OPTIONS sip:a@h SIP/2.0\nContent-Length: 9\n\n--end msg--\n";
    assert_eq!(Kind::of(pjsua.as_bytes()), Kind::PjsuaLog);
    let (found, _) = all(Kind::PjsuaLog, pjsua.as_bytes());
    assert_eq!(found[0].1, "192.0.2.1:5060");
    assert_eq!(Kind::of(b"REFER sip:a@h SIP/2.0\r\nX: y"), Kind::Message);
    assert_eq!(Kind::of(b"nothing"), Kind::Message);
}
