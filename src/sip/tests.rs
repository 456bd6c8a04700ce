//! What holds for every parser of this floor, over values that are wrong in ways nobody thought
//! of: an offset lies in the value, what was printed reads as the same, nothing breaks a line.

use super::*;
use crate::rule::Rule;

const SEEDS: &[&str] = &[
    "12345@192.0.2.3;to-tag=1;from-tag=5FFE-3994;early-only;x=\"a;\\\"b\"",
    "cid ; local-tag=a ; remote-tag=b;y",
    "\"Jane\" <sip:c@h:5060;lr?Replaces=a%40b%3Bto-tag%3D1%3Bfrom-tag%3D2&Require=replaces>;x=1",
    "sip:1@[::1];user=phone;method=BYE?Replaces=L;to-tag=1;from-tag=C4",
    "<sip:h;Replaces=cid%3Bto-tag%3D1%3Bfrom-tag%3D2>",
    "sip:r@h;cid=\"2U@h\"",
    "false;x=1;y",
    "refer;id=1;x",
    "terminated;reason=noresource;expires=60;retry-after=5",
    "SIP/2.0 200 OK\r\nContact: <sip:a@h>\r\n",
    "1 REFER",
];

/// Marsaglia's xorshift: the same values on every run.
struct Noise(u64);

impl Noise {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }
}

fn mutated(noise: &mut Noise) -> Vec<u8> {
    const BYTES: &[u8] = b";=,\"\\<>@?&%:[] \t\r\n\0a0-\xff.";
    let mut value = SEEDS[noise.below(SEEDS.len())].as_bytes().to_vec();
    for _ in 0..=noise.below(4) {
        let at = noise.below(value.len() + 1);
        match noise.below(4) {
            0 if at < value.len() => drop(value.remove(at)),
            1 if at < value.len() => value[at] = BYTES[noise.below(BYTES.len())],
            2 => value.truncate(at.max(1)),
            _ => value.insert(at, BYTES[noise.below(BYTES.len())]),
        }
    }
    value
}

fn lies_inside(value: &[u8], error: ParseError) {
    assert!(error.offset <= value.len(), "{error} in {:?}", String::from_utf8_lossy(value));
}

fn print(f: impl FnOnce(&mut Writer<'_>)) -> Vec<u8> {
    let mut room = [0; 512];
    let mut out = Writer::new(&mut room);
    f(&mut out);
    let text = out.written().to_vec();
    assert!(!text.iter().any(|byte| lex::is_line_breaker(*byte)));
    text
}

/// Parses, prints, parses what was printed and compares the second print with the first.
macro_rules! round_trip {
    ($type:ident, $value:expr) => {
        match $type::parse($value) {
            Err(error) => lies_inside($value, error),
            Ok(found) => {
                let once = print(|out| found.print(out));
                let again = $type::parse(&once).unwrap();
                assert_eq!(print(|out| again.print(out)), once);
            }
        }
    };
}

#[test]
fn r093_whatever_is_read_is_printed_on_one_line_and_reads_the_same() {
    let mut noise = Noise(0x5EED_5EED_5EED_5EED);
    for _ in 0..60_000 {
        let value = mutated(&mut noise);
        round_trip!(Replaces, &value);
        round_trip!(Join, &value);
        round_trip!(TargetDialog, &value);
        round_trip!(ReferredBy, &value);
        round_trip!(ReferSub, &value);
        round_trip!(Event, &value);
        round_trip!(SubscriptionState, &value);
        round_trip!(CSeq, &value);
        if let Err(error) = Sipfrag::parse(&value) {
            lies_inside(&value, error);
        }
        if let Err(error) = Message::parse(&value) {
            lies_inside(&value, error);
        }
        let _ = tag_of(&value);
        refer_to(&value);
    }
}

fn refer_to(value: &[u8]) {
    let found = match ReferTo::parse(value) {
        Err(error) => return lies_inside(value, error),
        Ok(found) => found,
    };
    assert!(value[found.uri_offset..].starts_with(found.uri.raw));
    for header in found.headers() {
        assert!(value[header.offset..].starts_with(header.value_raw));
    }
    let mut room = [0; 256];
    let mut scratch = Scratch::new(&mut room);
    match found.replaces(&mut scratch) {
        Err(UnescapeError::OutOfScratch) => panic!("decoding never grows"),
        Err(UnescapeError::Parse(error)) => lies_inside(value, error),
        Ok(None) => {}
        Ok(Some(replaces)) => {
            let target = found.uri.without_headers();
            let built = print(|out| {
                ReferTo::build(out, target, Some(&replaces), true).unwrap();
            });
            let again = ReferTo::parse(&built).unwrap();
            assert_eq!(again.uri.host, found.uri.host);
            assert_eq!(again.uri.user, found.uri.user);
            let mut room = [0; 256];
            let mut scratch = Scratch::new(&mut room);
            // A target that carries a Replaces as a parameter now has two of them.
            match again.replaces(&mut scratch) {
                Ok(again) => {
                    let again = again.unwrap();
                    assert_eq!(print(|out| again.print(out)), print(|out| replaces.print(out)));
                }
                Err(UnescapeError::Parse(error)) => {
                    assert!(found.replaces_in_param && error.rule == Rule::R002);
                }
                Err(UnescapeError::OutOfScratch) => panic!("decoding never grows"),
            }
        }
    }
}
