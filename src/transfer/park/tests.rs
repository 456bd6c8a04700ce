use super::*;
use crate::dialog::{Directory, Facts, Initiator, Lookup, State, Table, Usage};
use roxmltree::{Document, Node};

fn settings() -> LotSettings {
    LotSettings { first: 701, last: 703, timeout_ms: 45_000, ..LotSettings::default() }
}

fn lot() -> Lot {
    lot_of(settings()).unwrap()
}

fn lot_of(settings: LotSettings) -> Option<Lot> {
    let mut lot = Lot::new(HashKey::new([9; 16]), 0xBEEF);
    lot.set(settings).map(|()| lot)
}

fn key<'a>(call_id: &'a str) -> Key<'a> {
    Key { call_id: call_id.as_bytes(), local_tag: b"Ours", remote_tag: b"theirs" }
}

fn call<'a>(call_id: &'a str) -> Call<'a> {
    Call { key: key(call_id), parker: b"sip:bob@pbx", party: b"sip:alice@h", handle: 7 }
}

fn secret(seed: u8) -> Place {
    Place::Secret(Secret::new([seed; 16]))
}

fn ignore(_: Output) {}

fn text(print: impl FnOnce(&mut Writer<'_>)) -> String {
    let mut room = [0; 8_192];
    let mut out = Writer::new(&mut room);
    print(&mut out);
    assert!(!out.overflowed());
    String::from_utf8(out.written().to_vec()).unwrap()
}

/// What the outputs of a call were, in words.
#[derive(Default)]
struct Said(Vec<String>);

impl Said {
    fn note(&mut self, output: Output) {
        self.0.push(match output {
            Output::RingBack(call) => {
                let who = String::from_utf8_lossy(call.parker()).into_owned();
                format!("ring {who} for {}", String::from_utf8_lossy(call.key().call_id))
            }
            Output::Notify(notify) => {
                let state = match notify.state {
                    WatchState::Active { expires_s } => format!("{expires_s}"),
                    WatchState::TimedOut => "end".to_owned(),
                };
                format!("notify {} v{} {state}", notify.handle, notify.version)
            }
        });
    }

    fn take(&mut self) -> Vec<String> {
        std::mem::take(&mut self.0)
    }
}

/// Runs one input and answers what it put out.
macro_rules! said {
    (|$out:ident| $input:expr) => {{
        let mut said = Said::default();
        let $out: &mut dyn FnMut(Output) = &mut |output| said.note(output);
        let _ = $input;
        said.take()
    }};
}

fn park(lot: &mut Lot, call_id: &str, place: Place, now_ms: u64) -> Result<Token, ParkError> {
    lot.park(&call(call_id), place, now_ms, &mut ignore)
}

/// RFC 5359's park: what is found under the token names the dialog as it stands in the table.
#[test]
fn r096_a_parked_call_is_found_by_its_token_as_a_ready_made_replaces() {
    let table = Table::new(HashKey::new([1; 16]), 1);
    let facts = Facts {
        key: key("a@h"),
        user: b"",
        endpoint: b"trunk",
        state: State::Confirmed,
        initiator: Initiator::Remote,
        usage: Usage::Invite,
        secure: false,
    };
    table.add(facts, ()).unwrap();
    let mut lot = lot();
    for (place, token) in [(Place::Lowest, "701"), (secret(0), "aaaaaaaaaaaaaaaaaaaaaaaaaa")] {
        let parked = park(&mut lot, "a@h", place, 0).unwrap();
        assert_eq!(text(|out| parked.print(out)), token);
        let asked = Token::parse(token.as_bytes()).unwrap();
        let found = lot.find(&asked).unwrap();
        assert_eq!((found.handle, found.parker()), (7, &b"sip:bob@pbx"[..]));
        let value = text(|out| found.print_replaces(true, out));
        assert_eq!(value, format!("a@h;to-tag=Ours;from-tag=theirs;token={token}"));
        let read = Replaces::parse(value.as_bytes()).unwrap();
        assert_eq!(token_of(&read), Some(token.as_bytes()));
        let named =
            Key { call_id: read.call_id, local_tag: read.to_tag, remote_tag: read.from_tag };
        assert!(matches!(table.find(&named), Lookup::Found(_)));
        let bare = text(|out| found.print_replaces(false, out));
        assert_eq!(bare, "a@h;to-tag=Ours;from-tag=theirs");
        assert_eq!(token_of(&Replaces::parse(bare.as_bytes()).unwrap()), None);
        lot.cancel(&asked, 0, &mut ignore).unwrap();
        assert!(lot.find(&asked).is_none() && lot.is_empty());
    }
}

#[test]
fn r096_the_parker_learns_the_token_from_the_end_of_its_refer() {
    let print = |host: &[u8], out: &mut Writer<'_>| print_sipfrag(&Token::Number(701), host, out);
    let body = text(|out| print(b"pbx.example.com:5070", out).unwrap());
    let read = Sipfrag::parse(body.as_bytes()).unwrap();
    assert_eq!(read.status(), Some((200, &b"OK"[..])));
    let (name, value) = read.headers().next().unwrap();
    assert_eq!((name, value.raw), (&b"Contact"[..], &b"<sip:701@pbx.example.com:5070>"[..]));
    assert_eq!(text(|out| print(b"", out).unwrap()), "SIP/2.0 200 OK\r\n");
    for bad in ["h>\r\nX: y", "h\0", "h;x", "a@b"] {
        assert_eq!(text(|out| assert_eq!(print(bad.as_bytes(), out), None)), "", "{bad:?}");
    }
}

#[test]
fn r021_a_peer_without_a_tag_is_named_by_0() {
    let mut lot = lot();
    let silent = Call { key: Key { remote_tag: b"", ..key("a@h") }, ..call("a@h") };
    let token = lot.park(&silent, Place::Lowest, 0, &mut ignore).unwrap();
    let value = text(|out| lot.find(&token).unwrap().print_replaces(false, out));
    assert_eq!(value, "a@h;to-tag=Ours;from-tag=0");
}

#[test]
fn r096_the_lowest_free_place_is_taken_and_none_twice() {
    let mut lot = lot();
    let number = Token::Number;
    assert_eq!(park(&mut lot, "a", Place::Lowest, 0), Ok(number(701)));
    assert_eq!(park(&mut lot, "b", Place::Number(703), 0), Ok(number(703)));
    assert_eq!(park(&mut lot, "c", Place::Lowest, 0), Ok(number(702)));
    assert_eq!(park(&mut lot, "d", Place::Lowest, 0), Err(ParkError::Full));
    assert_eq!(park(&mut lot, "d", Place::Number(702), 0), Err(ParkError::Taken));
    assert_eq!(park(&mut lot, "d", Place::Number(700), 0), Err(ParkError::NoSuchPlace));
    assert_eq!(park(&mut lot, "d", Place::Number(704), 0), Err(ParkError::NoSuchPlace));
    lot.cancel(&number(702), 0, &mut ignore).unwrap();
    lot.cancel(&number(701), 0, &mut ignore).unwrap();
    assert_eq!(park(&mut lot, "d", Place::Lowest, 0), Ok(number(701)));
    // The same dialog, its tags in another case (R026).
    let again = Call { key: Key { local_tag: b"OURS", ..key("d") }, ..call("d") };
    let parked = lot.park(&again, Place::Lowest, 0, &mut ignore);
    assert_eq!(parked, Err(ParkError::Parked));
    for bad in ["", "a b", "a;b"] {
        assert_eq!(park(&mut lot, bad, Place::Lowest, 0), Err(ParkError::NotADialog), "{bad:?}");
    }
    assert_eq!(park(&mut lot, "e", secret(1), 0).map(|token| token.number()), Ok(None));
    assert_eq!(park(&mut lot, "f", secret(1), 0), Err(ParkError::Taken));
    assert_eq!(lot.len(), 3);
}

#[test]
fn a_lot_has_places_and_not_too_many() {
    let new = |first, last| lot_of(LotSettings { first, last, ..settings() });
    assert!(new(1, 200_000).is_none() && new(1, 100_001).is_none() && new(1, 100_000).is_some());
    assert!(new(u32::MAX, u32::MAX).is_none());
    let mut last = new(999_999_999, 999_999_999).unwrap();
    assert_eq!(park(&mut last, "a", Place::Lowest, 0), Ok(Token::Number(999_999_999)));
    assert_eq!(park(&mut last, "b", Place::Lowest, 0), Err(ParkError::Full));
    let mut none = new(1, 0).unwrap();
    assert_eq!(park(&mut none, "a", Place::Lowest, 0), Err(ParkError::Full));
    assert_eq!(park(&mut none, "a", Place::Number(1), 0), Err(ParkError::NoSuchPlace));
    assert!(park(&mut none, "a", secret(1), 0).is_ok());
    let full = LotSettings { most_secrets: 1, ..settings() };
    let mut full = lot_of(full).unwrap();
    park(&mut full, "a", secret(1), 0).unwrap();
    assert_eq!(park(&mut full, "b", secret(2), 0), Err(ParkError::Full));
}

#[test]
fn other_settings_leave_those_who_wait_where_they_are() {
    let mut lot = lot();
    park(&mut lot, "a", Place::Number(702), 0).unwrap();
    let settings = LotSettings { first: 800, last: 801, timeout_ms: 1_000, ..settings() };
    lot.set(settings).unwrap();
    assert_eq!(lot.set(LotSettings { last: 1_000_000_000, ..settings }), None);
    assert_eq!(park(&mut lot, "b", Place::Number(701), 0), Err(ParkError::NoSuchPlace));
    assert_eq!(park(&mut lot, "b", Place::Lowest, 0), Ok(Token::Number(800)));
    let of_lot = notify(&mut lot, None, 0);
    let printed = text(|out| lot.print_document(&of_lot, b"sip:pbx", b"sip:pbx", out));
    assert_eq!(printed.matches("<state>confirmed</state>").count(), 2, "{printed}");
    let told = said!(|out| lot.tick(1_000, out));
    assert_eq!(told, ["ring sip:bob@pbx for b"]);
    let claim = lot.claim(&Token::Number(702), 1_000).unwrap();
    assert!(lot.retrieved(claim, 1_000, &mut ignore).is_some());
}

#[test]
fn r009_a_secret_is_a_ground_for_its_own_dialog_only_and_a_number_where_the_lot_is_open() {
    for open in [false, true] {
        let mut lot = lot();
        let token = park(&mut lot, "secret@h", secret(3), 0).unwrap();
        park(&mut lot, "number@h", Place::Lowest, 0).unwrap();
        let shown = text(|out| token.print(out));
        let mut other = shown.clone().into_bytes();
        other[0] = b'q';
        let upper = shown.to_uppercase();
        let by_number = if open { Parking::Granted } else { Parking::Kept };
        let parking = |token: Option<&str>, call_id: &str| {
            lot.parking(token.map(str::as_bytes), &key(call_id), open)
        };
        assert_eq!(parking(Some(&shown), "secret@h"), Parking::Granted);
        assert_eq!(parking(Some(&upper), "secret@h"), Parking::Granted);
        assert_eq!(parking(Some(&shown), "SECRET@h"), Parking::None);
        assert_eq!(parking(Some(&shown), "number@h"), Parking::Kept);
        assert_eq!(lot.parking(Some(&other), &key("secret@h"), open), Parking::Kept);
        assert_eq!(parking(None, "secret@h"), Parking::Kept);
        assert_eq!(parking(Some("no token"), "number@h"), Parking::Kept);
        assert_eq!(parking(Some(""), "number@h"), Parking::Kept);
        assert_eq!(parking(Some("701"), "number@h"), by_number);
        assert_eq!(parking(None, "number@h"), by_number);
        assert_eq!(parking(Some("702"), "number@h"), Parking::Kept);
        assert_eq!(parking(Some("701"), "secret@h"), Parking::Kept);
        let swapped = Key { local_tag: b"theirs", remote_tag: b"Ours", ..key("number@h") };
        assert_eq!(lot.parking(Some(b"701"), &swapped, open), Parking::None);
        lot.cancel(&token, 0, &mut ignore).unwrap();
        let gone = lot.parking(Some(shown.as_bytes()), &key("secret@h"), open);
        assert_eq!(gone, Parking::None);
    }
}

/// The race of two Replaces for one dialog, in the lot: the first claims it.
#[test]
fn r096_one_retrieval_only_and_a_failed_one_leaves_the_call_as_it_was() {
    let mut lot = lot();
    let token = park(&mut lot, "a", Place::Lowest, 0).unwrap();
    let first = lot.claim(&token, 1_000).unwrap();
    assert_eq!(lot.claim(&token, 1_000), Err(ClaimError::Claimed));
    assert_eq!(lot.claim(&Token::Number(702), 1_000), Err(ClaimError::NotFound));
    lot.release(first, 2_000).unwrap();
    assert_eq!(lot.release(first, 2_000), None);
    assert_eq!(lot.deadline(), Some(45_000));
    let second = lot.claim(&token, 3_000).unwrap();
    assert!(lot.retrieved(first, 3_000, &mut ignore).is_none());
    let call = lot.retrieved(second, 3_000, &mut ignore).unwrap();
    assert_eq!(call.key().call_id, b"a");
    assert_eq!(lot.claim(&token, 3_000), Err(ClaimError::NotFound));
    assert_eq!((lot.len(), lot.deadline()), (0, None));
    assert!(lot.retrieved(second, 3_000, &mut ignore).is_none());
}

#[test]
fn r096_nobody_came_so_the_parker_is_rung_once() {
    let mut lot = lot();
    park(&mut lot, "a", Place::Lowest, 1_000).unwrap();
    park(&mut lot, "b", secret(1), 2_000).unwrap();
    assert_eq!(lot.deadline(), Some(46_000));
    assert!(said!(|out| lot.tick(45_999, out)).is_empty());
    assert_eq!(said!(|out| lot.tick(46_000, out)), ["ring sip:bob@pbx for a"]);
    assert!(lot.find(&Token::Number(701)).is_none());
    assert_eq!(said!(|out| lot.tick(u64::MAX, out)), ["ring sip:bob@pbx for b"]);
    assert!(said!(|out| lot.tick(u64::MAX, out)).is_empty());
    assert_eq!(lot.deadline(), None);
}

#[test]
fn r096_a_claim_holds_the_time_out_and_lapses_by_itself() {
    let mut lot = lot();
    let token = park(&mut lot, "a", Place::Lowest, 0).unwrap();
    let claim = lot.claim(&token, 44_000).unwrap();
    assert!(said!(|out| lot.tick(60_000, out)).is_empty());
    assert_eq!(lot.deadline(), Some(76_000));
    // Released late: nobody came in time, so it is given back at once.
    lot.release(claim, 60_000).unwrap();
    assert_eq!(said!(|out| lot.tick(60_000, out)), ["ring sip:bob@pbx for a"]);

    let token = park(&mut lot, "b", Place::Lowest, 100_000).unwrap();
    let lost = lot.claim(&token, 100_000).unwrap();
    assert!(said!(|out| lot.tick(132_000, out)).is_empty());
    assert!(lot.retrieved(lost, 132_000, &mut ignore).is_none());
    lot.claim(&token, 132_000).unwrap();
    assert_eq!(said!(|out| lot.tick(164_000, out)), ["ring sip:bob@pbx for b"]);
}

#[test]
fn the_party_that_waits_hangs_up() {
    let mut lot = lot();
    park(&mut lot, "a", Place::Lowest, 0).unwrap();
    assert!(lot.ended(&key("b"), 5, &mut ignore).is_none());
    let call = lot.ended(&Key { remote_tag: b"THEIRS", ..key("a") }, 5, &mut ignore).unwrap();
    assert_eq!(call.party(), b"sip:alice@h");
    assert!(lot.is_empty() && lot.deadline().is_none());
}

#[test]
fn r096_who_watches_a_place_is_told_of_it_and_of_no_other() {
    let mut lot = lot();
    let subscribed =
        said!(|out| assert!(lot.subscribe(Some(701), 11, Some(600), 0, out).is_some()));
    assert_eq!(subscribed, ["notify 11 v0 600"]);
    assert_eq!(said!(|out| lot.subscribe(None, 12, None, 0, out)), ["notify 12 v0 3600"]);
    assert!(lot.subscribe(Some(700), 13, None, 0, &mut ignore).is_none());
    let parked = said!(|out| lot.park(&call("a"), Place::Lowest, 5_000, out));
    assert_eq!(parked, ["notify 11 v1 595", "notify 12 v1 3595"]);
    let parked = said!(|out| lot.park(&call("b"), Place::Lowest, 10_000, out));
    assert_eq!(parked, ["notify 12 v2 3590"]);
    // A call under a secret is nobody's business.
    assert!(said!(|out| lot.park(&call("c"), secret(1), 20_000, out)).is_empty());
    let timed_out = said!(|out| lot.tick(50_000, out));
    assert_eq!(timed_out, ["notify 11 v2 550", "notify 12 v3 3550", "ring sip:bob@pbx for a"]);
}

/// RFC 4235 section 3.10 (written from memory of it): at most one NOTIFY a second; the last state
/// is the one that is told.
#[test]
fn notifys_of_a_lot_keep_a_second_apart() {
    let mut lot = lot();
    lot.subscribe(None, 1, None, 0, &mut ignore).unwrap();
    assert!(said!(|out| lot.park(&call("a"), Place::Lowest, 300, out)).is_empty());
    assert!(said!(|out| lot.park(&call("b"), Place::Lowest, 400, out)).is_empty());
    assert_eq!(lot.deadline(), Some(1_000));
    assert!(said!(|out| lot.tick(999, out)).is_empty());
    assert_eq!(said!(|out| lot.tick(1_000, out)), ["notify 1 v1 3599"]);
    assert!(said!(|out| lot.tick(2_000, out)).is_empty());
    assert_eq!(said!(|out| lot.cancel(&Token::Number(701), 2_000, out)), ["notify 1 v2 3598"]);
}

#[test]
fn r076_r040_watching_is_refreshed_ended_and_never_longer_than_asked() {
    let mut lot = lot();
    let granted = lot.subscribe(None, 1, Some(60), 0, &mut ignore).unwrap();
    assert_eq!(granted.expires_s, 60);
    let watcher = granted.watcher;
    assert_eq!(said!(|out| lot.refresh(watcher, Some(100_000), 30_000, out)), ["notify 1 v1 3600"]);
    assert_eq!(said!(|out| lot.refresh(watcher, Some(60), 30_500, out)), ["notify 1 v2 60"]);
    assert_eq!(lot.deadline(), Some(90_500));
    assert_eq!(said!(|out| lot.tick(90_500, out)), ["notify 1 v3 end"]);
    assert!(lot.refresh(watcher, Some(60), 90_500, &mut ignore).is_none());
    // Unsubscribed.
    let watcher = lot.subscribe(None, 2, Some(60), 100_000, &mut ignore).unwrap().watcher;
    assert_eq!(said!(|out| lot.refresh(watcher, Some(0), 101_000, out)), ["notify 2 v1 end"]);
    assert!(said!(|out| lot.park(&call("a"), Place::Lowest, 110_000, out)).is_empty());
    // A single look.
    assert_eq!(said!(|out| lot.subscribe(None, 3, Some(0), 120_000, out)), ["notify 3 v0 end"]);
    assert_eq!(lot.deadline(), Some(155_000));
}

#[test]
fn r075_a_refused_notify_ends_the_watching_and_nothing_else() {
    for (code, stays) in
        [(200, true), (401, true), (407, true), (503, true), (481, false), (489, false), (0, false)]
    {
        let mut lot = lot();
        let watcher = lot.subscribe(None, 1, None, 0, &mut ignore).unwrap().watcher;
        assert_eq!(lot.notify_answered(watcher ^ 1 << 63, code), None);
        assert_eq!(lot.notify_answered(watcher, code), Some(stays));
        assert_eq!(lot.watcher_count(), usize::from(stays));
        let told = said!(|out| lot.park(&call("a"), Place::Lowest, 5_000, out));
        assert_eq!(!told.is_empty(), stays, "{code}");
        assert_eq!(lot.len(), 1);
    }
}

const NAMESPACE: &str = "urn:ietf:params:xml:ns:dialog-info";

fn notify(lot: &mut Lot, number: Option<u32>, now_ms: u64) -> WatchNotify {
    let mut last = None;
    let mut sink = |output| {
        if let Output::Notify(notify) = output {
            last = Some(notify);
        }
    };
    lot.subscribe(number, 1, Some(0), now_ms, &mut sink).unwrap();
    last.unwrap()
}

/// R096: the phone that sees the lot's document builds a Replaces that names the dialog here.
#[test]
fn r096_the_document_of_a_place_leads_to_the_dialog_and_an_empty_one_puts_the_lamp_out() {
    let mut lot = lot();
    park(&mut lot, "a@h", Place::Lowest, 0).unwrap();
    park(&mut lot, "b@h", Place::Lowest, 0).unwrap();
    park(&mut lot, "c@h", secret(1), 0).unwrap();
    let document = |lot: &Lot, notify: &WatchNotify| {
        text(|out| lot.print_document(notify, b"sip:701@pbx", b"sip:pbx:5060", out))
    };
    let of_place = notify(&mut lot, Some(701), 0);
    let printed = document(&lot, &of_place);
    let xml = Document::parse(&printed).expect(&printed);
    let is_dialog = |node: &Node<'_, '_>| node.has_tag_name((NAMESPACE, "dialog"));
    let dialogs: Vec<Node<'_, '_>> = xml.descendants().filter(is_dialog).collect();
    assert_eq!(dialogs.len(), 1);
    let attribute = |name| dialogs[0].attribute(name).unwrap().as_bytes();
    let (local_tag, remote_tag) = (attribute("local-tag"), attribute("remote-tag"));
    let replaces = Replaces::new(attribute("call-id"), remote_tag, local_tag, false, b"").unwrap();
    let named = Key {
        call_id: replaces.call_id,
        local_tag: replaces.to_tag,
        remote_tag: replaces.from_tag,
    };
    assert!(key("a@h").matches(&named));
    assert!(printed.contains("<target uri=\"sip:pbx:5060\"/>"), "{printed}");
    assert!(printed.contains("<identity>sip:alice@h</identity>"), "{printed}");

    let of_lot = notify(&mut lot, None, 0);
    let printed = document(&lot, &of_lot);
    assert_eq!(printed.matches("<dialog id=").count(), 2);
    assert!(!printed.contains("c@h"), "{printed}");

    lot.cancel(&Token::Number(701), 10, &mut ignore).unwrap();
    let printed = document(&lot, &of_place);
    let xml = Document::parse(&printed).unwrap();
    let dialog = xml.descendants().find(is_dialog).unwrap();
    assert_eq!(dialog.attribute("id"), Some("701"));
    assert!(printed.contains("<state>terminated</state>"));
}

#[test]
fn the_headers_of_a_notify() {
    let mut lot = lot();
    let ended = notify(&mut lot, None, 0);
    assert_eq!(
        text(|out| ended.print_headers(Some(b"x7"), out)),
        "Event: dialog;id=x7\r\nSubscription-State: terminated;reason=timeout\r\n\
         Content-Type: application/dialog-info+xml\r\n"
    );
    let active = WatchNotify { state: WatchState::Active { expires_s: 60 }, ..ended };
    let printed = text(|out| active.print_headers(Some(b"x\r\nY: z"), out));
    assert!(printed.starts_with("Event: dialog\r\nSubscription-State: active;expires=60\r\n"));
}

/// A thousand random histories: what goes in comes out once, no claim is shared, no NOTIFY follows
/// the last one or comes too early, and once time has passed the lot is empty.
#[test]
fn random_histories_lose_no_call_and_ring_nobody_twice() {
    use std::collections::{HashMap, HashSet};
    let mut seed = 0x9E37_79B9_7F4A_7C15_u64;
    let mut random = move |below: u64| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed % below
    };
    for history in 0..1_000 {
        let mut lot = lot();
        let mut now_ms = random(1 << 40);
        let mut parked: HashMap<String, Token> = HashMap::new();
        let mut watchers: HashMap<u64, (u64, bool)> = HashMap::new();
        let mut claims: Vec<(Claim, Token)> = Vec::new();
        let mut next = 0;
        for _ in 0..60 {
            now_ms += random(20_000);
            let mut out = Vec::new();
            let mut sink = |output| out.push(output);
            let mut gone = None;
            let mut asked = None;
            match random(9) {
                0 | 1 => {
                    next += 1;
                    let name = format!("c{next}");
                    let place = match random(3) {
                        0 => Place::Lowest,
                        1 => Place::Number(700 + random(5) as u32),
                        _ => secret(random(4) as u8),
                    };
                    if let Ok(token) = lot.park(&call(&name), place, now_ms, &mut sink) {
                        assert!(!parked.values().any(|other| *other == token), "{history}");
                        parked.insert(name, token);
                    }
                }
                2 => {
                    if let Some(token) = parked.values().next().copied() {
                        if let Ok(claim) = lot.claim(&token, now_ms) {
                            claims.push((claim, token));
                        }
                        assert_eq!(lot.claim(&token, now_ms), Err(ClaimError::Claimed));
                    }
                }
                3 => {
                    if let Some((claim, _)) = claims.pop() {
                        gone = lot.retrieved(claim, now_ms, &mut sink);
                    }
                }
                4 => {
                    if let Some((claim, _)) = claims.pop() {
                        lot.release(claim, now_ms);
                    }
                }
                5 => {
                    let name = format!("c{}", 1 + random(next + 1));
                    gone = lot.ended(&key(&name), now_ms, &mut sink);
                    assert_eq!(gone.is_some(), parked.contains_key(&name), "{history}");
                }
                6 => {
                    let expires = Some(random(100) as u32);
                    let number = (random(2) == 0).then_some(701);
                    let subscribed = lot.subscribe(number, 0, expires, now_ms, &mut sink).unwrap();
                    asked = Some(subscribed.watcher);
                }
                7 => {
                    let watcher = watchers.keys().next().copied().unwrap_or(77);
                    lot.refresh(watcher, Some(random(50) as u32), now_ms, &mut sink);
                    asked = Some(watcher);
                }
                _ => lot.tick(now_ms, &mut sink),
            }
            for output in out {
                match output {
                    Output::RingBack(call) => {
                        let name = String::from_utf8_lossy(call.key().call_id).into_owned();
                        assert!(parked.remove(&name).is_some(), "{history}: {name} rung twice");
                    }
                    Output::Notify(notify) if notify.watcher != 0 => {
                        let known = watchers.entry(notify.watcher).or_insert((0, false));
                        assert!(!known.1, "{history}: a NOTIFY after the last one");
                        let early = known.0 != 0 && now_ms - known.0 < 1_000;
                        let last = notify.state == WatchState::TimedOut;
                        assert!(!early || last || asked == Some(notify.watcher), "{history}");
                        *known = (now_ms, last);
                    }
                    Output::Notify(_) => (),
                }
            }
            if let Some(call) = gone {
                let name = String::from_utf8_lossy(call.key().call_id).into_owned();
                assert!(parked.remove(&name).is_some(), "{history}: {name} came out twice");
            }
            assert_eq!(lot.len(), parked.len(), "{history}");
        }
        let mut rung = HashSet::new();
        let mut ended = HashSet::new();
        // Deadlines alone lead to the end.
        for _ in 0..1_000 {
            let Some(deadline) = lot.deadline() else { break };
            let deadline = deadline.max(now_ms);
            lot.tick(deadline, &mut |output| match output {
                Output::RingBack(call) => {
                    assert!(rung.insert(call.key().call_id.to_vec()), "{history}");
                }
                Output::Notify(notify) if notify.state == WatchState::TimedOut => {
                    assert!(ended.insert(notify.watcher), "{history}");
                }
                Output::Notify(notify) => assert!(!ended.contains(&notify.watcher)),
            });
        }
        assert!(lot.by_claim.is_empty() && lot.by_dialog.is_empty() && lot.due.is_empty());
        assert_eq!((lot.deadline(), lot.len(), rung.len()), (None, 0, parked.len()), "{history}");
    }
}

#[test]
fn a_parked_call_is_small() {
    assert!(std::mem::size_of::<ParkedCall>() <= 104, "{}", std::mem::size_of::<ParkedCall>());
    assert!(std::mem::size_of::<Watcher>() <= 48, "{}", std::mem::size_of::<Watcher>());
}

#[test]
fn r022_a_token_travels_as_a_parameter_that_every_peer_hands_on() {
    let mut lot = lot();
    let token = park(&mut lot, "a@h", secret(0xA5), 0).unwrap();
    let value = text(|out| lot.find(&token).unwrap().print_replaces(true, out));
    // Through a Refer-To and back, as a transferee that knows nothing of tokens does it.
    let read = Replaces::parse(value.as_bytes()).unwrap();
    let refer_to =
        text(|out| crate::sip::ReferTo::build(out, b"sip:pbx", Some(&read), true).unwrap());
    let mut room = [0; 256];
    let mut scratch = crate::sip::Scratch::new(&mut room);
    let handed_on = crate::sip::ReferTo::parse(refer_to.as_bytes()).unwrap();
    let handed_on = handed_on.replaces(&mut scratch).unwrap().unwrap();
    assert_eq!(text(|out| handed_on.print(out)), value);
    let named = Key {
        call_id: handed_on.call_id,
        local_tag: handed_on.to_tag,
        remote_tag: handed_on.from_tag,
    };
    assert_eq!(lot.parking(token_of(&handed_on), &named, false), Parking::Granted);
}
