//! Park, and pickup by dialog-info, through the C functions: on a virtual clock and, where it makes a
//! difference, on both kinds of directory.

// What a C host does is unsafe from end to end.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::undocumented_unsafe_blocks)]

mod common_rules;

use common_rules::callbacks::Dialog;
use common_rules::messages::{refer_to, replaces};
use common_rules::outputs::Out;
use common_rules::parking::Told;
use common_rules::{known, on_both, From, Kind, Pbx, STRANGER};
use roxmltree::{Document, Node};
use sipxfer::ffi::*;

/// Alice waits: her dialog as the PBX sees it.
fn alice() -> Dialog {
    Dialog::of("alice", "waits@h", "Ours", "theirs")
}

fn lowest(pbx: &Pbx, dialog: &Dialog) -> String {
    pbx.park(dialog, SIPXFER_PARK_LOWEST, 0).unwrap()
}

fn secret(pbx: &Pbx, dialog: &Dialog) -> String {
    pbx.park(dialog, SIPXFER_PARK_SECRET, 0).unwrap()
}

fn ring_back(call_id: &str) -> Told {
    Told::RingBack("sip:bob@pbx.example".into(), call_id.into(), 7)
}

const NAMED: &str = "waits@h;to-tag=Ours;from-tag=theirs";

/// RFC 5359 section 2.13: Bob parks Alice, Carol takes her out by the token.
#[test]
fn r096_a_call_is_parked_and_retrieved_with_its_token() {
    on_both(|pbx| {
        let waits = pbx.dialog(alice());
        assert_eq!(lowest(&pbx, &alice()), "701");
        assert_eq!((pbx.parked_count(), pbx.next_deadline()), (1, pbx.now_ms + 45_000));
        let taken = pbx.claim("701").unwrap();
        assert_eq!((taken.handle, taken.token.as_str()), (7, "701"));
        assert_eq!(taken.replaces, format!("{NAMED};token=701"));
        assert_eq!(
            (taken.parker.as_str(), taken.party.as_str()),
            ("sip:bob@pbx.example", "sip:alice@pbx.example")
        );
        assert_eq!(pbx.retrieved(taken.claim), SIPXFER_OK);
        assert_eq!((pbx.parked_count(), pbx.next_deadline()), (0, u64::MAX));
        assert_eq!(pbx.retrieved(taken.claim), SIPXFER_E_NOT_FOUND);
        assert_eq!(pbx.claim("701").unwrap_err(), SIPXFER_E_NOT_FOUND);

        // By a secret, which Carol's phone shows in its INVITE.
        let token = secret(&pbx, &alice());
        assert_eq!(token.len(), SIPXFER_PARK_TOKEN_SIZE);
        let shown = replaces(&format!("{NAMED};token={token}"));
        let got = pbx.verify_locked(&shown, known("carol"));
        got.is(SIPXFER_VERDICT_ACCEPT, 96).is(SIPXFER_VERDICT_ACCEPT, 9);
        assert_eq!((got.ground, got.dialog), (SIPXFER_GROUND_TOKEN, waits));
        // The party that waits is who Carol wants: nothing of it is ended.
        assert_eq!(got.old_dialog, SIPXFER_OLD_DIALOG_NOTHING);
        assert!(!got.rules.contains(&14) && !got.rules.contains(&11), "{got:?}");
        let taken = pbx.claim_dialog(&alice()).unwrap();
        assert_eq!(taken.token, token);
        assert_eq!(pbx.retrieved(taken.claim), SIPXFER_OK);
        // The token names nothing any more, and is no ground.
        pbx.verify(&shown, known("carol")).refused(403, 9);
        assert!(pbx.lot().is_empty());
    });
}

#[test]
fn r009_a_token_is_a_ground_where_it_is_listed_and_for_its_own_call_only() {
    on_both(|pbx| {
        let (waits, other) = (alice(), Dialog::of("dave", "other@h", "L", "R"));
        pbx.dialog(waits.clone());
        pbx.dialog(other.clone());
        let token = secret(&pbx, &waits);
        let shown = |token: &str| replaces(&format!("{NAMED};token={token}"));
        let got = pbx.verify(&shown(&token.to_uppercase()), known("carol"));
        assert_eq!(got.ground, SIPXFER_GROUND_TOKEN, "{got:?}");
        assert_eq!(pbx.verify(&shown(&token), known("carol")).ground, SIPXFER_GROUND_TOKEN);
        // Who nobody knows proves first who it is.
        pbx.verify(&shown(&token), STRANGER).is(SIPXFER_VERDICT_CHALLENGE, 9);
        // Any other text in its place.
        let mut wrong = token.clone().into_bytes();
        wrong[3] = if wrong[3] == b'a' { b'b' } else { b'a' };
        let wrong = String::from_utf8(wrong).unwrap();
        for wrong in [wrong.as_str(), &token[1..], "701", "", "0", "99999999999"] {
            pbx.verify(&shown(wrong), known("carol")).refused(403, 9);
        }
        pbx.verify(&replaces(NAMED), known("carol")).refused(403, 9);
        // The token of one call opens no other.
        let stolen = replaces(&format!("other@h;to-tag=L;from-tag=R;token={token}"));
        pbx.verify(&stolen, known("carol")).refused(403, 9);
        pbx.set("replaces.authorize", "same-user, host");
        pbx.verify(&shown(&token), known("carol")).refused(403, 9);
        pbx.set("replaces.authorize", "token");
        assert_eq!(pbx.verify(&shown(&token), known("carol")).ground, SIPXFER_GROUND_TOKEN);
        // early-only does not take an answered call, parked or not (R013).
        let early = replaces(&format!("{NAMED};early-only;token={token}"));
        pbx.verify(&early, known("carol")).refused(486, 13);
    });
}

#[test]
fn r009_an_open_lot_lets_its_numbers_go_to_whom_it_is_open() {
    on_both(|pbx| {
        pbx.dialog(alice());
        lowest(&pbx, &alice());
        let bare = replaces(NAMED);
        let numbered = replaces(&format!("{NAMED};token=701"));
        for closed in [&bare, &numbered] {
            pbx.verify(closed, known("carol")).refused(403, 9);
        }
        pbx.set_in("endpoint:carol", "park.open", "yes");
        for open in [&bare, &numbered] {
            let got = pbx.verify(open, known("carol"));
            assert_eq!(got.is(SIPXFER_VERDICT_ACCEPT, 96).ground, SIPXFER_GROUND_TOKEN);
            assert_eq!(got.old_dialog, SIPXFER_OLD_DIALOG_NOTHING);
            pbx.verify(open, known("trunk")).refused(403, 9);
        }
        pbx.verify(&replaces(&format!("{NAMED};token=702")), known("carol")).refused(403, 9);
        // A call under a secret needs the secret, however open the lot.
        assert_eq!(pbx.cancel("701"), (SIPXFER_OK, 7));
        secret(&pbx, &alice());
        pbx.verify(&bare, known("carol")).refused(403, 9);
    });
}

/// Whoever waits may move to another phone: that is a replacement, and its old leg goes. Anybody else
/// who is let in on another ground wants the one who waits.
#[test]
fn r014_r096_who_waits_replaces_itself_and_everybody_else_retrieves() {
    on_both(|pbx| {
        pbx.dialog(alice());
        lowest(&pbx, &alice());
        let other_phone = From { endpoint: "desk", user: "alice", ..From::default() };
        let got = pbx.verify(&replaces(NAMED), other_phone);
        got.is(SIPXFER_VERDICT_ACCEPT, 14);
        assert_eq!(
            (got.ground, got.old_dialog),
            (SIPXFER_GROUND_SAME_USER, SIPXFER_OLD_DIALOG_BYE)
        );
        // A token of another call makes nothing else of it, and one that is right does.
        let secret = secret(&pbx, &Dialog::of("alice", "second@h", "L", "R"));
        let shown = |named: &str, token: &str| replaces(&format!("{named};token={token}"));
        let got = pbx.verify(&shown(NAMED, &secret), other_phone);
        assert_eq!(got.is(SIPXFER_VERDICT_ACCEPT, 14).old_dialog, SIPXFER_OLD_DIALOG_BYE);
        pbx.dialog(Dialog::of("alice", "second@h", "L", "R"));
        let got = pbx.verify(&shown("second@h;to-tag=L;from-tag=R", &secret), other_phone);
        assert_eq!(got.is(SIPXFER_VERDICT_ACCEPT, 96).old_dialog, SIPXFER_OLD_DIALOG_NOTHING);
        *pbx.host.authorize.lock().unwrap() = Some(SIPXFER_YES);
        let got = pbx.verify(&replaces(NAMED), known("carol"));
        got.is(SIPXFER_VERDICT_ACCEPT, 96);
        assert_eq!((got.ground, got.old_dialog), (SIPXFER_GROUND_HOST, SIPXFER_OLD_DIALOG_NOTHING));
        pbx.set("replaces.authorize", "any");
        let got = pbx.verify(&replaces(NAMED), STRANGER);
        assert_eq!((got.ground, got.old_dialog), (SIPXFER_GROUND_ANY, SIPXFER_OLD_DIALOG_NOTHING));
        // Not parked any more: a call as any other.
        assert_eq!(pbx.cancel("701"), (SIPXFER_OK, 7));
        let got = pbx.verify(&replaces(NAMED), known("carol"));
        assert_eq!(got.old_dialog, SIPXFER_OLD_DIALOG_BYE);
    });
}

/// The Replaces of a Refer-To is the same one: Bob sends his other party to the call that waits.
#[test]
fn r096_a_refer_to_a_parked_call_shows_the_token_too() {
    on_both(|pbx| {
        let waits = pbx.dialog(alice());
        let token = secret(&pbx, &alice());
        let escaped = "waits%40h%3Bto-tag%3DOurs%3Bfrom-tag%3Dtheirs";
        let bare = refer_to(&format!("<sip:pbx.example?Replaces={escaped}>"));
        pbx.route(&bare, known("bob")).refused(403, 9);
        let shown = refer_to(&format!("<sip:pbx.example?Replaces={escaped}%3Btoken%3D{token}>"));
        let got = pbx.route_locked(&shown, known("bob"));
        got.is(SIPXFER_VERDICT_LOCAL_ATTENDED, 96);
        assert_eq!((got.dialog, got.ground), (waits, SIPXFER_GROUND_TOKEN));
        assert_eq!(got.old_dialog, SIPXFER_OLD_DIALOG_NOTHING);
        assert!(got.headers.contains(&format!(";token={token}\r\n")), "{}", got.headers);
    });
}

/// RFC 3515 section 5 keeps the referred call's response from the transferor; here the recipient of
/// the REFER answers itself, and what it says is for the parker.
#[test]
fn r096_r048_the_parker_learns_the_token_by_the_end_of_its_refer() {
    on_both(|pbx| {
        pbx.dialog(alice());
        pbx.extension("default", "700");
        let transfer = pbx.receive(&refer_to("<sip:700@pbx.example>"), known("bob"));
        pbx.outputs(transfer);
        let token = lowest(&pbx, &alice());
        for (token, host) in
            [("", "h"), ("70x", "h"), (&token, "h>\r\nEvil: 1"), (&token, "a b"), (&token, "h;x")]
        {
            assert_eq!(pbx.transfer_parked(transfer, token, host), SIPXFER_E_PARSE);
        }
        assert_eq!(pbx.transfer_parked(transfer, &token, &"h".repeat(5_000)), SIPXFER_E_PARSE);
        assert!(pbx.outputs(transfer).list.is_empty());
        assert_eq!(pbx.transfer_parked(transfer, &token, "pbx.example:5070"), SIPXFER_OK);
        let again = pbx.transfer_parked(transfer, &token, "pbx.example");
        assert_eq!(again, SIPXFER_E_WRONG_STATE);
        let outputs = pbx.outputs(transfer);
        let finished = Out::Finished(200, SIPXFER_CAUSE_TARGET);
        assert_eq!(outputs.kinds(), [Out::Notify(200), finished]);
        let last = &outputs.list[0];
        assert!(last.headers.contains("Subscription-State: terminated;reason=noresource"));
        assert_eq!(last.body, "SIP/2.0 200 OK\r\nContact: <sip:701@pbx.example:5070>\r\n");
        assert_eq!(pbx.transfer_parked(transfer, &token, "h"), SIPXFER_E_NOT_FOUND);
        // Any other transfer ends with its status line alone.
        let other = refer_to("<sip:100@h>").replace("CSeq: 7 ", "CSeq: 8 ");
        let transfer = pbx.receive(&other, known("bob"));
        pbx.outputs(transfer);
        pbx.progress(transfer, 200, "OK");
        assert_eq!(pbx.outputs(transfer).list[0].body, "SIP/2.0 200 OK\r\n");
    });
}

#[test]
fn an_application_ends_its_transfers_itself() {
    let pbx = Pbx::new(Kind::Own);
    pbx.set("transfer_handling", "application-only");
    let transfer = pbx.receive(&refer_to("<sip:100@h>"), known("bob"));
    pbx.outputs(transfer);
    assert_eq!(pbx.transfer_parked(transfer, "701", "h"), SIPXFER_E_NOT_CONTROLLED);
    pbx.command(transfer, "channel_answered");
    let outputs = pbx.outputs(transfer);
    let last = outputs.list.iter().find(|it| it.what == Out::Notify(200)).unwrap();
    assert_eq!(last.body, "SIP/2.0 200 OK\r\n");
}

/// The race of two Replaces for one dialog: the first has it; once it has failed the other may.
#[test]
fn r096_of_two_who_want_a_call_one_has_it() {
    on_both(|pbx| {
        pbx.dialog(alice());
        lowest(&pbx, &alice());
        let first = pbx.claim("701").unwrap();
        assert_eq!(pbx.claim("701").unwrap_err(), SIPXFER_E_TAKEN);
        assert_eq!(pbx.claim_dialog(&alice()).unwrap_err(), SIPXFER_E_TAKEN);
        assert_eq!(pbx.release(first.claim), SIPXFER_OK);
        assert_eq!(pbx.release(first.claim), SIPXFER_E_NOT_FOUND);
        let second = pbx.claim_dialog(&alice()).unwrap();
        assert_ne!(first.claim, second.claim);
        assert_eq!(pbx.retrieved(first.claim), SIPXFER_E_NOT_FOUND);
        assert_eq!(pbx.retrieved(second.claim), SIPXFER_OK);
    });
}

#[test]
fn r096_who_waits_hangs_up_while_somebody_takes_it_out() {
    on_both(|pbx| {
        let waits = pbx.dialog(alice());
        pbx.watch(701, 11, 600).unwrap();
        lowest(&pbx, &alice());
        pbx.lot();
        let mut pbx = pbx;
        pbx.now_ms += 2_000;
        let claim = pbx.claim("701").unwrap().claim;
        pbx.end(waits);
        assert_eq!(pbx.parked_count(), 0);
        let told = pbx.lot();
        assert_eq!(told.len(), 1);
        assert!(told[0].body().contains("<state>terminated</state>"), "{told:?}");
        assert_eq!(pbx.retrieved(claim), SIPXFER_E_NOT_FOUND);
        assert_eq!(pbx.release(claim), SIPXFER_E_NOT_FOUND);
        // The host was told that only the subscription is waited for.
        let last = *pbx.host.deadlines.lock().unwrap().last().unwrap();
        assert_eq!((last, pbx.next_deadline()), (601_000, 601_000));
        pbx.now_ms += 100_000;
        pbx.tick();
        assert!(pbx.lot().is_empty(), "nobody is rung for a call that has ended");
    });
}

#[test]
fn r096_nobody_came_so_the_one_who_parked_it_is_rung_once() {
    on_both(|mut pbx| {
        pbx.set("park.timeout_s", "60").set("park.claim_s", "10");
        lowest(&pbx, &alice());
        let second = Dialog::of("dave", "second@h", "L", "R");
        secret(&pbx, &second);
        assert_eq!(*pbx.host.deadlines.lock().unwrap().last().unwrap(), 61_000);
        pbx.now_ms = 60_999;
        pbx.tick();
        assert!(pbx.lot().is_empty());
        // Somebody is just taking the first one out: it is given time, and then it is too late.
        let claim = pbx.claim("701").unwrap().claim;
        pbx.now_ms = 61_000;
        pbx.tick();
        assert_eq!(pbx.lot(), [ring_back("second@h")]);
        assert_eq!(pbx.next_deadline(), 70_999);
        pbx.now_ms = 70_999;
        pbx.tick();
        assert_eq!(pbx.lot(), [ring_back("waits@h")]);
        assert_eq!(pbx.retrieved(claim), SIPXFER_E_NOT_FOUND);
        pbx.now_ms += 1_000_000;
        pbx.tick();
        assert!(pbx.lot().is_empty());
        assert_eq!((pbx.parked_count(), pbx.next_deadline()), (0, u64::MAX));
    });
}

#[test]
fn r096_places_are_given_by_the_settings_and_none_twice() {
    on_both(|pbx| {
        pbx.set("park.places", "80-81").set("park.max_secrets", "1");
        let dialog = |name: &str| Dialog::of("alice", name, "L", "R");
        let numbered = |name: &str, number| pbx.park(&dialog(name), SIPXFER_PARK_NUMBER, number);
        assert_eq!(numbered("no Call-ID", 80), Err(SIPXFER_E_PARSE));
        assert_eq!(numbered("a", 80).unwrap(), "80");
        assert_eq!(numbered("b", 80), Err(SIPXFER_E_TAKEN));
        assert_eq!(numbered("a", 81), Err(SIPXFER_E_TAKEN), "it is parked already");
        assert_eq!(numbered("b", 82), Err(SIPXFER_E_RANGE));
        assert_eq!(numbered("b", 0), Err(SIPXFER_E_RANGE));
        assert_eq!(lowest(&pbx, &dialog("b")), "81");
        assert_eq!(pbx.park(&dialog("c"), SIPXFER_PARK_LOWEST, 0), Err(SIPXFER_E_NOMEM));
        assert_eq!(pbx.park(&dialog("c"), SIPXFER_PARK_LOWEST, 81), Err(SIPXFER_E_RANGE));
        assert_eq!(pbx.park(&dialog("c"), 4, 0), Err(SIPXFER_E_RANGE));
        secret(&pbx, &dialog("c"));
        assert_eq!(pbx.park(&dialog("d"), SIPXFER_PARK_SECRET, 0), Err(SIPXFER_E_NOMEM));
        assert_eq!(pbx.parked_count(), 3);
        // Without places calls are parked under secrets only.
        pbx.set("park.places", "").set("park.max_secrets", "2");
        assert_eq!(pbx.cancel("80"), (SIPXFER_OK, 7));
        assert_eq!(pbx.park(&dialog("d"), SIPXFER_PARK_LOWEST, 0), Err(SIPXFER_E_NOMEM));
        secret(&pbx, &dialog("d"));
        assert_eq!(pbx.cancel("80").0, SIPXFER_E_NOT_FOUND);
    });
}

#[test]
fn r096_who_watches_the_lot_is_told_by_notifys_that_keep_a_second_apart() {
    let mut pbx = Pbx::new(Kind::Own);
    let (of_place, granted) = pbx.watch(701, 11, 600).unwrap();
    assert_eq!(granted, 600);
    let (of_lot, granted) = pbx.watch(0, 12, u32::MAX).unwrap();
    assert_eq!(granted, 3_600);
    assert_eq!(pbx.watch(700, 13, 600), Err(SIPXFER_E_RANGE));
    let first = pbx.lot();
    assert_eq!(first.len(), 2);
    assert_eq!(
        first[0].headers(),
        "Event: dialog;id=x1\r\nSubscription-State: active;expires=600\r\n\
         Content-Type: application/dialog-info+xml\r\n"
    );
    assert!(first[0]
        .body()
        .contains("version=\"0\" state=\"full\" entity=\"sip:701@pbx.example\""));
    // Too soon after the first ones: held back, the last state wins.
    lowest(&pbx, &alice());
    lowest(&pbx, &Dialog::of("dave", "second@h", "L", "R"));
    assert!(pbx.lot().is_empty());
    assert_eq!(*pbx.host.deadlines.lock().unwrap().last().unwrap(), 2_000);
    pbx.now_ms = 2_000;
    pbx.tick();
    let told = pbx.lot();
    assert_eq!(told.len(), 2);
    assert!(told[0].body().contains("version=\"1\"") && told[0].body().contains("waits@h"));
    assert!(!told[0].body().contains("second@h") && told[1].body().contains("second@h"));
    // A call under a secret is nobody's business.
    pbx.now_ms = 5_000;
    secret(&pbx, &Dialog::of("erin", "third@h", "L", "R"));
    assert!(pbx.lot().is_empty());
    // Refreshed, and ended.
    assert_eq!(pbx.watch_again(of_place, 60), (SIPXFER_OK, 60));
    assert_eq!(pbx.watch_again(of_place, 0), (SIPXFER_OK, 0));
    assert_eq!(pbx.watch_again(of_place, 60).0, SIPXFER_E_NOT_FOUND);
    let told = pbx.lot();
    assert!(told[1].headers().contains("terminated;reason=timeout"), "{told:?}");
    // Refused: silently over, and what it had still to be told is dropped.
    pbx.now_ms = 10_000;
    assert_eq!(pbx.cancel("702").0, SIPXFER_OK);
    assert_eq!(pbx.watcher_answered(of_lot, 99), SIPXFER_E_RANGE);
    assert_eq!(pbx.watcher_answered(of_lot, 481), SIPXFER_OK);
    assert_eq!(pbx.watcher_answered(of_lot, 481), SIPXFER_E_NOT_FOUND);
    assert!(pbx.lot().is_empty());
    // A single look has no name.
    assert_eq!(pbx.watch(0, 14, 0), Ok((0, 0)));
    let look = pbx.lot();
    assert!(look[0].headers().contains("terminated") && look[0].body().contains("waits@h"));
}

/// Many threads want the same call, others look on, time passes: one has it, and no call is lost.
#[test]
fn r096_of_many_threads_one_has_the_call() {
    /// An engine may be used by any thread.
    struct Shared<'p>(&'p Pbx);
    unsafe impl Sync for Shared<'_> {}
    impl Shared<'_> {
        fn pbx(&self) -> &Pbx {
            self.0
        }
    }
    let pbx = Pbx::new(Kind::Own);
    pbx.dialog(alice());
    pbx.watch(0, 1, 3_600).unwrap();
    for _ in 0..200 {
        let token = secret(&pbx, &alice());
        let shared = Shared(&pbx);
        let had: usize = std::thread::scope(|scope| {
            let want = |by_dialog: bool| {
                let (shared, token) = (&shared, &token);
                scope.spawn(move || {
                    let pbx = shared.pbx();
                    let claimed =
                        if by_dialog { pbx.claim_dialog(&alice()) } else { pbx.claim(token) };
                    match claimed {
                        Ok(it) => usize::from(pbx.retrieved(it.claim) == SIPXFER_OK),
                        Err(status) => {
                            let known = [SIPXFER_E_TAKEN, SIPXFER_E_NOT_FOUND];
                            assert!(known.contains(&status), "{status}");
                            0
                        }
                    }
                })
            };
            let takers = [want(true), want(false), want(true)];
            scope.spawn(|| {
                shared.pbx().tick();
                shared.pbx().lot();
            });
            takers.into_iter().map(|taker| taker.join().unwrap()).sum()
        });
        assert_eq!((had, pbx.parked_count()), (1, 0));
    }
}

#[test]
fn no_more_watch_than_can_be_told() {
    let pbx = Pbx::new(Kind::Own);
    let full = (0..20_000).find(|handle| pbx.watch(0, *handle, 600).is_err());
    assert_eq!(full, Some(10_000));
    assert_eq!(pbx.watch(0, 1, 600), Err(SIPXFER_E_NOMEM));
    assert_eq!(pbx.watch(0, 1, 0), Ok((0, 0)));
    assert_eq!(pbx.lot().len(), 10_001);
}

#[test]
fn claims_and_watchers_of_another_engine_name_nothing() {
    let (one, other) = (Pbx::new(Kind::Own), Pbx::new(Kind::Own));
    lowest(&one, &alice());
    lowest(&other, &alice());
    let claim = one.claim("701").unwrap().claim;
    other.claim("701").unwrap();
    let (watcher, _) = one.watch(0, 1, 60).unwrap();
    other.watch(0, 1, 60).unwrap();
    // Salts are random; that two are the same is as likely as a lost bet of one in 65,536.
    if claim >> 48 != other.watch(0, 2, 60).unwrap().0 >> 48 {
        assert_eq!(other.retrieved(claim), SIPXFER_E_NOT_FOUND);
        assert_eq!(other.release(claim), SIPXFER_E_NOT_FOUND);
        assert_eq!(other.watch_again(watcher, 60).0, SIPXFER_E_NOT_FOUND);
    }
    for id in [0, 1, u64::MAX, claim ^ 1 << 63, claim + 100, watcher] {
        assert_eq!(one.retrieved(id), SIPXFER_E_NOT_FOUND);
    }
    assert_eq!(one.retrieved(claim), SIPXFER_OK);
}

const NAMESPACE: &str = "urn:ietf:params:xml:ns:dialog-info";

fn dialogs<'d>(document: &'d Document<'_>) -> Vec<Node<'d, 'd>> {
    let is_dialog = |node: &Node<'_, '_>| node.has_tag_name((NAMESPACE, "dialog"));
    document.descendants().filter(is_dialog).collect()
}

fn state<'d>(dialog: &Node<'d, 'd>) -> &'d str {
    let state = dialog.children().find(|it| it.has_tag_name((NAMESPACE, "state")));
    state.and_then(|it| it.text()).unwrap()
}

/// The Replaces that a phone builds of a document (RFC 3891 section 4): its own view of the tags.
fn replaces_of(dialog: &Node<'_, '_>) -> String {
    let [call_id, local, remote] =
        ["call-id", "local-tag", "remote-tag"].map(|name| dialog.attribute(name).unwrap());
    format!("{call_id};to-tag={remote};from-tag={local};early-only")
}

/// RFC 5359 section 2.14, from the document to the verdict: the PBX rings Bob, Carol's phone shows
/// it and picks the call up.
#[test]
fn r097_a_phone_picks_up_by_what_the_document_says() {
    let pbx = Pbx::new(Kind::Own);
    let ringing = Dialog::of("bob", "leg<1>@h", "Ours'", "bobs").early().called_by_us();
    let ringing = pbx.dialog(ringing);
    pbx.dialog(Dialog::of("dave", "leg2@h", "L", "R").early().called_by_us());
    let printed = pbx.dialog_info("bob", 0, 3).unwrap();
    let document = Document::parse(&printed).unwrap();
    let root = document.root_element();
    assert_eq!(
        (root.attribute("version"), root.attribute("state"), root.attribute("entity")),
        (Some("3"), Some("full"), Some("sip:bob@pbx.example"))
    );
    let listed = dialogs(&document);
    assert_eq!(listed.len(), 1);
    let dialog = listed[0];
    // As Bob's phone sees it: it was called.
    assert_eq!(dialog.attribute("direction"), Some("recipient"));
    assert_eq!(
        (dialog.attribute("local-tag"), dialog.attribute("remote-tag")),
        (Some("bobs"), Some("Ours'"))
    );
    assert_eq!(state(&dialog), "early");
    let target = dialog.descendants().find(|it| it.has_tag_name((NAMESPACE, "target"))).unwrap();
    assert_eq!(target.attribute("uri"), Some("sip:pbx.example;transport=tls"));
    assert!(target.parent().unwrap().has_tag_name((NAMESPACE, "remote")));

    let invite = replaces(&replaces_of(&dialog));
    pbx.verify(&invite, known("carol")).refused(403, 9);
    // Carol is in Bob's pickup group.
    *pbx.host.authorize.lock().unwrap() = Some(SIPXFER_YES);
    let got = pbx.verify_locked(&invite, known("carol"));
    got.is(SIPXFER_VERDICT_ACCEPT, 15);
    assert_eq!((got.dialog, got.old_dialog), (ringing, SIPXFER_OLD_DIALOG_CANCEL));
    assert_eq!((got.ground, got.early_only), (SIPXFER_GROUND_HOST, true));

    // Bob was faster: Carol gets 486, and his call stays.
    pbx.confirm(ringing);
    pbx.verify_locked(&invite, known("carol")).refused(486, 13);
    let id = pbx.id_of(ringing);
    let partial = pbx.dialog_info("bob", id, 4).unwrap();
    let document = Document::parse(&partial).unwrap();
    assert_eq!(document.root_element().attribute("state"), Some("partial"));
    let confirmed = dialogs(&document);
    assert_eq!((confirmed.len(), state(&confirmed[0])), (1, "confirmed"));
    assert_eq!(confirmed[0].attribute("id"), Some(id.to_string().as_str()));
    assert_eq!(pbx.dialog_info("dave", id, 4), Err(SIPXFER_E_NOT_FOUND));

    // It is over: the id is told once more, and 603 is the answer to a Replaces.
    pbx.end(ringing);
    let partial = pbx.dialog_info("bob", id, 5).unwrap();
    let document = Document::parse(&partial).unwrap();
    let gone = dialogs(&document);
    assert_eq!((gone[0].attribute("id"), state(&gone[0])), (Some(&*id.to_string()), "terminated"));
    assert_eq!(gone[0].attribute("call-id"), None);
    pbx.verify(&invite, known("carol")).refused(603, 8);
    let empty = pbx.dialog_info("bob", 0, 6).unwrap();
    assert_eq!(dialogs(&Document::parse(&empty).unwrap()).len(), 0);
}

#[test]
fn a_document_lists_the_invite_dialogs_of_its_endpoint_and_no_others() {
    let pbx = Pbx::new(Kind::Own);
    pbx.dialog(Dialog::of("bob", "in@h", "L", "R"));
    pbx.dialog(Dialog::of("bob", "out@h", "L", "R").called_by_us());
    let subscription =
        Dialog { usage: SIPXFER_USAGE_OTHER, ..Dialog::of("bob", "sub@h", "L", "R") };
    pbx.dialog(subscription);
    pbx.dialog(Dialog::of("bobby", "other@h", "L", "R"));
    for endpointless in 0..100 {
        pbx.dialog(Dialog::of("", &format!("nobody-{endpointless}"), "L", "R"));
    }
    let printed = pbx.dialog_info("bob", 0, 0).unwrap();
    let document = Document::parse(&printed).unwrap();
    let mut listed: Vec<_> = dialogs(&document)
        .iter()
        .map(|it| (it.attribute("call-id").unwrap(), it.attribute("direction").unwrap()))
        .collect();
    listed.sort_unstable();
    assert_eq!(listed, [("in@h", "initiator"), ("out@h", "recipient")]);
    // Nobody's calls are nobody's.
    let nobody = pbx.dialog_info("", 0, 0).unwrap();
    assert_eq!(dialogs(&Document::parse(&nobody).unwrap()).len(), 0);
    assert_eq!(Pbx::new(Kind::Callbacks).dialog_info("bob", 0, 0), Err(SIPXFER_E_STATE));
}
