//! Captures made here: SIP messages between addresses, as a pcap file or as a log.

/// One message: when, in milliseconds, from where to where, and its text.
pub struct Sent {
    pub at_ms: u64,
    pub from: &'static str,
    pub to: &'static str,
    pub text: String,
}

pub const BOB: &str = "192.0.2.10:5060";
pub const PBX: &str = "192.0.2.1:5060";
pub const CAROL: &str = "192.0.2.20:5060";

/// Messages in their order, ten milliseconds apart.
#[derive(Default)]
pub struct Scene {
    pub sent: Vec<Sent>,
    pub now_ms: u64,
    cseq: u32,
}

/// The ids of a dialog: Call-ID, tag of who began it, tag of the other side.
pub type Dialog = (&'static str, &'static str, &'static str);

impl Scene {
    pub fn new() -> Scene {
        Scene { now_ms: 1_000, cseq: 100, ..Scene::default() }
    }

    pub fn wait(&mut self, ms: u64) -> &mut Scene {
        self.now_ms += ms;
        self
    }

    pub fn send(&mut self, from: &'static str, to: &'static str, text: String) -> &mut Scene {
        self.now_ms += 10;
        self.sent.push(Sent { at_ms: self.now_ms, from, to, text });
        self
    }

    /// A request, and the CSeq that it got.
    pub fn request(
        &mut self,
        ends: (&'static str, &'static str),
        start: &str,
        ids: (&str, &str, &str),
        users: (&str, &str),
        more: &str,
    ) -> u32 {
        self.cseq += 1;
        let method = start.split(' ').next().unwrap();
        let (head, body) = more.split_once("\n\n").unwrap_or((more, ""));
        let body = body.replace('\n', "\r\n");
        let (id, from_tag, to_tag) = ids;
        let to_tag = if to_tag.is_empty() { String::new() } else { format!(";tag={to_tag}") };
        let mut text = format!(
            "{start} SIP/2.0\r\nVia: SIP/2.0/UDP {};branch=z9hG4bK{}\r\nMax-Forwards: 70\r\n\
             From: <sip:{}@h>;tag={from_tag}\r\nTo: <sip:{}@h>{to_tag}\r\nCall-ID: {id}\r\nCSeq: {} {method}\r\n",
            ends.0, self.cseq, users.0, users.1, self.cseq
        );
        for line in head.lines().filter(|line| !line.is_empty()) {
            text.push_str(line);
            text.push_str("\r\n");
        }
        text.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
        self.send(ends.0, ends.1, text);
        self.cseq
    }

    /// The answer to the last request that went the other way.
    pub fn answer(
        &mut self,
        ends: (&'static str, &'static str),
        status: &str,
        to_tag: &str,
    ) -> &mut Scene {
        let is =
            |it: &&Sent| it.from == ends.1 && it.to == ends.0 && !it.text.starts_with("SIP/2.0");
        let request = self.sent.iter().rev().find(is).expect("a request").text.clone();
        let mut text = format!("SIP/2.0 {status}\r\n");
        for line in request.lines().skip(1).take_while(|line| !line.is_empty()) {
            let name = line.split(':').next().unwrap();
            if ["Via", "From", "Call-ID", "CSeq"].contains(&name) {
                text.push_str(&format!("{line}\r\n"));
            } else if name == "To" {
                let tag = if line.contains("tag=") || to_tag.is_empty() {
                    String::new()
                } else {
                    format!(";tag={to_tag}")
                };
                text.push_str(&format!("{line}{tag}\r\n"));
            }
        }
        text.push_str("Content-Length: 0\r\n\r\n");
        self.send(ends.0, ends.1, text)
    }

    /// A call that is answered.
    pub fn call(
        &mut self,
        ends: (&'static str, &'static str),
        dialog: Dialog,
        users: (&str, &str),
    ) -> &mut Scene {
        let start = format!("INVITE sip:{}@h", users.1);
        self.request(ends, &start, (dialog.0, dialog.1, ""), users, "");
        self.answer((ends.1, ends.0), "180 Ringing", dialog.2);
        self.answer((ends.1, ends.0), "200 OK", dialog.2)
    }

    /// A NOTIFY from the PBX in the call that Bob began, answered with 200.
    pub fn notify(&mut self, dialog: Dialog, status: &str, state: &str, more: &str) -> &mut Scene {
        let more = format!("{more}\nSubscription-State: {state}\nContent-Type: message/sipfrag;version=2.0\n\n{status}\n");
        let more = if more.contains("Event:") {
            more
        } else {
            format!("Event: refer\n{}", more.trim_start())
        };
        self.request(
            (PBX, BOB),
            "NOTIFY sip:bob@h",
            (dialog.0, dialog.2, dialog.1),
            ("alice", "bob"),
            more.trim_start(),
        );
        self.answer((BOB, PBX), "200 OK", "")
    }

    /// A REFER of Bob in the call that he began.
    pub fn refer(&mut self, dialog: Dialog, refer_to: &str, more: &str) -> u32 {
        let contact =
            if more.contains("Contact:") { "" } else { "Contact: <sip:bob@192.0.2.10>\n" };
        let more = format!("Refer-To: {refer_to}\n{contact}{more}");
        self.request((BOB, PBX), "REFER sip:alice@h", dialog, ("bob", "alice"), &more)
    }

    pub fn bye(
        &mut self,
        ends: (&'static str, &'static str),
        ids: (&str, &str, &str),
    ) -> &mut Scene {
        self.request(ends, "BYE sip:x@h", ids, ("x", "y"), "");
        self.answer((ends.1, ends.0), "200 OK", "")
    }

    /// All as a pcap file of raw IP, over UDP.
    pub fn pcap(&self) -> Vec<u8> {
        let mut file = header();
        for it in &self.sent {
            let mut udp = Vec::new();
            udp.extend(port(it.from).to_be_bytes());
            udp.extend(port(it.to).to_be_bytes());
            udp.extend((8 + it.text.len() as u16).to_be_bytes());
            udp.extend([0, 0]);
            udp.extend(it.text.as_bytes());
            record(&mut file, it, 17, &udp);
        }
        file
    }

    /// The same over TCP, in segments of so many bytes.
    pub fn pcap_tcp(&self, size: usize) -> Vec<u8> {
        let mut file = header();
        let mut next: std::collections::HashMap<(&str, &str), u32> = Default::default();
        for it in &self.sent {
            for part in it.text.as_bytes().chunks(size) {
                let sequence = next.entry((it.from, it.to)).or_insert(u32::MAX - 300);
                let mut tcp = Vec::new();
                tcp.extend(port(it.from).to_be_bytes());
                tcp.extend(port(it.to).to_be_bytes());
                tcp.extend(sequence.to_be_bytes());
                tcp.extend([0, 0, 0, 0, 0x50, 0x18, 255, 255, 0, 0, 0, 0]);
                tcp.extend(part);
                *sequence = sequence.wrapping_add(part.len() as u32);
                record(&mut file, it, 6, &tcp);
            }
        }
        file
    }

    /// What Asterisk at the PBX's address would write.
    pub fn asterisk_log(&self) -> String {
        let mut out =
            String::from("[2026-11-21 10:00:00.000] NOTICE[1] loader.c: something first\n");
        for it in &self.sent {
            let kind = if it.text.starts_with("SIP/2.0") { "response" } else { "request" };
            let len = it.text.len();
            let time = format!("2026-11-21 10:00:{:02}.{:03}", it.at_ms / 1_000, it.at_ms % 1_000);
            let line = if it.from == PBX {
                format!("<--- Transmitting SIP {kind} ({len} bytes) to UDP:{} --->", it.to)
            } else if it.to == PBX {
                format!("<--- Received SIP {kind} ({len} bytes) from UDP:{} --->", it.from)
            } else {
                continue;
            };
            out.push_str(&format!(
                "[{time}] VERBOSE[77] res_pjsip_logger.c: {line}\n{}\n",
                it.text
            ));
            out.push_str("[2026-11-21 10:00:00.000] DEBUG[77] pjproject: noise\n");
        }
        out
    }

    /// What pjsua at Bob's address would write.
    pub fn pjsua_log(&self) -> String {
        let mut out = String::new();
        for it in &self.sent {
            let time = format!("10:00:{:02}.{:03}", it.at_ms / 1_000, it.at_ms % 1_000);
            let line = if it.from == BOB {
                format!(
                    ".TX {} bytes Request msg X/cseq=1 (tdta0x1) to UDP {}:",
                    it.text.len(),
                    it.to
                )
            } else if it.to == BOB {
                format!(
                    ".RX {} bytes Request msg X/cseq=1 (rdata0x1) from UDP {}:",
                    it.text.len(),
                    it.from
                )
            } else {
                continue;
            };
            out.push_str(&format!(
                "{time}           pjsua_core.c  {line}\n{}\n--end msg--\n",
                it.text
            ));
        }
        out
    }
}

/// The beginning of a pcap file of raw IP.
pub fn header() -> Vec<u8> {
    let mut file = vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    file.extend(65_535_u32.to_le_bytes());
    file.extend(101_u32.to_le_bytes());
    file
}

fn port(address: &str) -> u16 {
    address.rsplit_once(':').unwrap().1.parse().unwrap()
}

fn ip(address: &str) -> Vec<u8> {
    let (ip, _) = address.rsplit_once(':').unwrap();
    ip.split('.').map(|it| it.parse().unwrap()).collect()
}

pub fn record(file: &mut Vec<u8>, it: &Sent, protocol: u8, payload: &[u8]) {
    let len = 20 + payload.len() as u32;
    file.extend(((it.at_ms / 1_000) as u32 + 1_800_000_000).to_le_bytes());
    file.extend(((it.at_ms % 1_000) as u32 * 1_000).to_le_bytes());
    file.extend(len.to_le_bytes());
    file.extend(len.to_le_bytes());
    file.extend([0x45, 0]);
    file.extend((len as u16).to_be_bytes());
    file.extend([0, 0, 0, 0, 64, protocol, 0, 0]);
    file.extend(ip(it.from));
    file.extend(ip(it.to));
    file.extend(payload);
}
