//! What a stranger's Refer-To may put into our requests (RFC 3261 section 19.1.5), and the guards
//! against toll fraud.

mod common_rules;

use common_rules::messages::{invite, refer, refer_to};
use common_rules::{known, on_both, From, Got, Pbx};
use sipxfer::ffi::*;

fn with_headers(pbx: &Pbx, headers: &str) -> Got {
    pbx.route(&refer_to(&format!("<sip:100@h?{headers}>")), known("bob"))
}

#[test]
fn r090_listed_headers_are_taken_over_and_others_are_dropped_and_logged() {
    on_both(|pbx| {
        let got = with_headers(
            &pbx,
            "Subject=a%20b&X-Own=1&user-to-user=00%3Bencoding%3Dhex&Accept-Contact=*&Foo=",
        );
        got.is(SIPXFER_VERDICT_BLIND, 90);
        let lines = "Subject: a b\r\nUser-to-User: 00;encoding=hex\r\nAccept-Contact: *\r\n";
        assert_eq!((got.headers.as_str(), got.dropped.as_str()), (lines, "X-Own,Foo"));
        assert!(
            pbx.log().iter().any(|line| line.contains("dropped: 'X-Own,Foo'")),
            "{:?}",
            pbx.log()
        );
        pbx.set("refer.header_allow", "X-Own");
        let got = with_headers(&pbx, "x-%4Fwn=1%2B2+3");
        assert_eq!(got.headers, "X-Own: 1+2+3\r\n");
        assert_eq!(got.target, "sip:100@h");
    });
}

#[test]
fn r045_the_subscription_outlives_an_expires_that_is_taken_over() {
    on_both(|pbx| {
        let mut cseq = 7;
        let mut lasts_s = |expires: &str| {
            cseq += 1;
            let text = refer_to(&format!("<sip:100@h?Expires={expires}>"));
            let text = text.replace("CSeq: 7 ", &format!("CSeq: {cseq} "));
            let outputs = pbx.outputs(pbx.receive(&text, known("bob")));
            let lines = outputs.list[1].headers.clone();
            let (_, seconds) = lines.split_once("active;expires=").unwrap();
            seconds.split_once('\r').unwrap().0.parse::<u32>().unwrap()
        };
        // Longer than the deadline of the transfer, for an Expires that is dropped.
        assert_eq!(lasts_s("900"), 212);
        pbx.set("refer.header_allow", "expires");
        assert_eq!(["900", "5", "x", "4294967295"].map(&mut lasts_s), [932, 212, 212, 3_632]);
    });
}

#[test]
fn r091_headers_that_identify_or_route_are_never_taken() {
    on_both(|pbx| {
        let names =
            "From To Call-ID CSeq Via Route Record-Route Max-Forwards Contact Content-Type \
                     Content-Length body Accept Accept-Encoding Allow Supported User-Agent";
        for name in names.split_whitespace().chain(["f", "t", "i", "v", "m", "c", "l", "k"]) {
            let got = with_headers(&pbx, &format!("Subject=x&{name}=evil"));
            got.is(SIPXFER_VERDICT_BLIND, 91);
            assert_eq!(got.headers, "Subject: x\r\n", "{name}");
            assert_eq!(got.dropped, name);
        }
    });
}

#[test]
fn r094_headers_that_prove_or_assert_an_identity_are_never_taken() {
    on_both(|pbx| {
        let names = "Authorization Proxy-Authorization P-Asserted-Identity P-Preferred-Identity \
                     Privacy Identity Session-ID Remote-Party-ID Diversion History-Info";
        for name in names.split_whitespace() {
            let got = with_headers(&pbx, &format!("{name}=evil"));
            got.is(SIPXFER_VERDICT_BLIND, 94);
            assert_eq!((got.headers.as_str(), got.dropped.as_str()), ("", name));
        }
    });
}

#[test]
fn r093_an_escape_that_decodes_to_cr_lf_or_nul_is_400_in_any_header() {
    on_both(|pbx| {
        for hostile in [
            "Subject=x%0D%0AVia:%20evil",
            "Subject=x%0aX",
            "Subject=x%00",
            "X-Dropped=x%0D%0A",
            "X%0D%0AInjected=1",
            "Subject=x%01",
            "Require=replaces%0D%0AX:1",
            "Replaces=a%0D%0A%3Bto-tag%3D1%3Bfrom-tag%3D2",
            "Join=a%00%3Bto-tag%3D1%3Bfrom-tag%3D2",
        ] {
            let got = with_headers(&pbx, hostile);
            assert!(got.refused(400, 93).error.is_some(), "{hostile}");
        }
        pbx.route(&refer_to("<sip:1%0D%0A0@h>"), known("bob")).refused(400, 93);
        pbx.route(&refer_to("<sip:100@h;x=%00>"), known("bob")).refused(400, 93);
    });
}

#[test]
fn r093_values_are_decoded_exactly_once() {
    on_both(|pbx| {
        let got = with_headers(&pbx, "Subject=100%2525&User-to-User=%250D%250A");
        assert_eq!(got.headers, "Subject: 100%25\r\nUser-to-User: %0D%0A\r\n");
    });
}

#[test]
fn r090_of_two_subjects_the_first_is_taken_over() {
    on_both(|pbx| {
        let got = with_headers(&pbx, "Subject=a&%53ubject=b&User-to-User=1&User-to-User=2");
        assert_eq!(got.headers, "Subject: a\r\nUser-to-User: 1\r\nUser-to-User: 2\r\n");
        assert_eq!(got.is(SIPXFER_VERDICT_BLIND, 90).dropped, "Subject");
    });
}

#[test]
fn r090_thousands_of_dropped_headers_are_one_short_line_of_the_log() {
    on_both(|pbx| {
        let got = with_headers(&pbx, &["X-Long-Name=1"; 5_000].join("&"));
        assert!(got.is(SIPXFER_VERDICT_BLIND, 90).dropped.len() > 50_000);
        assert!(pbx.log().iter().all(|line| line.len() < 300), "{:?}", pbx.log());
    });
}

/// Two parsers may take either of them for the dialog of the request.
#[test]
fn r200_two_headers_that_identify_a_request_are_400() {
    on_both(|pbx| {
        for second in ["i: x", "Call-ID: x", "f: <sip:x@h>;tag=x", "To: <sip:x@h>", "CSeq: 8 REFER"]
        {
            let got =
                pbx.route(&refer(&format!("Refer-To: <sip:100@h>\r\n{second}\r\n")), known("bob"));
            assert!(got.refused(400, 200).error.is_some(), "{second}");
            let replaces = invite(&format!("Replaces: a;to-tag=b;from-tag=c\r\n{second}\r\n"));
            pbx.verify(&replaces, known("bob")).refused(400, 200);
            pbx.set("join.allow", "yes");
            let join = replaces.replace("Replaces:", "Join:");
            pbx.verify_join(&join, known("bob")).refused(400, 200);
        }
        // What asks for nothing is for the host to look at.
        let plain = invite("i: x\r\n");
        pbx.verify(&plain, known("bob")).is(SIPXFER_VERDICT_NONE, 25);
    });
}

#[test]
fn replaces_require_and_join_are_built_anew() {
    on_both(|pbx| {
        let value = "Require=replaces&Replaces=a%40b%3bfrom-tag%3dY%3bto-tag%3dX%3bfoo&Require=x";
        let got = with_headers(&pbx, value);
        got.is(SIPXFER_VERDICT_REMOTE_ATTENDED, 18);
        let lines = "Replaces: a@b;to-tag=X;from-tag=Y;foo\r\nRequire: replaces\r\n";
        assert_eq!((got.headers.as_str(), got.dropped.as_str()), (lines, "Require,Require"));
        let got = with_headers(&pbx, "Require=timer,Replaces&Require=TIMER");
        assert_eq!(
            (got.headers.as_str(), got.dropped.as_str()),
            ("Require: replaces, timer\r\n", "")
        );
        let got = with_headers(&pbx, "Join=a%40b%3Bfrom-tag%3DY%3Bto-tag%3DX");
        assert_eq!(got.headers, "Join: a@b;to-tag=X;from-tag=Y\r\n");
        with_headers(&pbx, "Require=a%20b").refused(400, 23);
    });
}

#[test]
fn r004_r102_join_in_a_refer_to_is_checked_like_replaces() {
    on_both(|pbx| {
        let dialog = "a%3Bto-tag%3D1%3Bfrom-tag%3D2";
        with_headers(&pbx, &format!("Replaces={dialog}&Join={dialog}")).refused(400, 4);
        with_headers(&pbx, &format!("Join={dialog}&Join={dialog}")).refused(400, 102);
        with_headers(&pbx, "Join=a%3Bto-tag%3D1").refused(400, 102);
        with_headers(&pbx, &format!("Replaces={dialog}&Replaces={dialog}")).refused(400, 2);
    });
}

fn to_domain(pbx: &Pbx, uri: &str) -> Got {
    let replaces = "?Replaces=a%3Bto-tag%3D1%3Bfrom-tag%3D2";
    pbx.route(&refer_to(&format!("<{uri}{replaces}>")), known("bob"))
}

#[test]
fn remote_transfers_go_to_allowed_domains_only_by_the_host_really_contacted() {
    on_both(|pbx| {
        pbx.set("remote.allow_domains", "b.example, 192.0.2.0/24");
        for good in ["sip:c@b.example", "sip:c@B.Example.:5080", "sips:c@192.0.2.9"] {
            to_domain(&pbx, good).is(SIPXFER_VERDICT_REMOTE_ATTENDED, 18);
        }
        for evil in
            ["sip:c@evil.example", "sip:c@b.example;maddr=evil.example", "sip:b.example@x.y"]
        {
            let got = to_domain(&pbx, evil);
            assert_eq!(got.refused(403, 0).setting, "remote.allow_domains", "{evil}");
        }
        pbx.set("remote.deny_domains", "192.0.2.9");
        let got = to_domain(&pbx, "sip:c@192.0.2.9");
        assert_eq!(got.refused(403, 0).setting, "remote.deny_domains");
        // A blind transfer goes by the dialplan, not to the host of the URI.
        let blind = pbx.route(&refer_to("<sip:100@evil.example>"), known("bob"));
        blind.is(SIPXFER_VERDICT_BLIND, 95);
    });
}

#[test]
fn r024_remote_transfers_can_be_bound_to_tls() {
    on_both(|pbx| {
        pbx.set("remote.require_tls", "yes");
        let got = to_domain(&pbx, "sip:c@b.example");
        assert_eq!(got.refused(403, 24).setting, "remote.require_tls");
        to_domain(&pbx, "sip:c@b.example;transport=tls").is(SIPXFER_VERDICT_REMOTE_ATTENDED, 18);
    });
}

#[test]
fn a_call_is_transferred_so_many_times_and_no_more() {
    on_both(|pbx| {
        pbx.set("refer.max_depth", "2");
        let deep = |depth| {
            let from = From { depth, ..known("bob") };
            pbx.route(&refer_to("<sip:100@h>"), from)
        };
        assert_eq!(deep(0).is(SIPXFER_VERDICT_BLIND, 0).transfer_depth, 1);
        assert_eq!(deep(1).is(SIPXFER_VERDICT_BLIND, 0).transfer_depth, 2);
        assert_eq!(deep(2).refused(403, 0).setting, "refer.max_depth");
        pbx.set("refer.max_depth", "0");
        assert_eq!(deep(u32::MAX).is(SIPXFER_VERDICT_BLIND, 0).transfer_depth, u32::MAX);
    });
}

#[test]
fn an_endpoint_sends_so_many_refers_a_minute() {
    on_both(|mut pbx| {
        pbx.set("rate.per_endpoint", "3");
        let blind = refer_to("<sip:100@h>");
        for _ in 0..3 {
            pbx.route(&blind, known("bob")).is(SIPXFER_VERDICT_BLIND, 0);
        }
        let got = pbx.route(&blind, known("bob"));
        assert_eq!(got.refused(503, 0).retry_after_s, 20);
        assert!(got.response.contains("\r\nRetry-After: 20\r\n"), "{}", got.response);
        pbx.route(&blind, known("alice")).is(SIPXFER_VERDICT_BLIND, 0);
        pbx.now_ms += 20_000;
        pbx.route(&blind, known("bob")).is(SIPXFER_VERDICT_BLIND, 0);
        // Time that goes back is clamped: it earns nobody anything.
        pbx.now_ms = 0;
        pbx.route(&blind, known("bob")).refused(503, 0);
    });
}

#[test]
fn scratch_of_the_documented_size_is_enough_for_the_largest_message() {
    on_both(|pbx| {
        let long = "x".repeat(60_000);
        let escaped = "%78".repeat(20_000);
        let many = "&X=".repeat(20_000);
        let copied = "&Subject=".repeat(7_000);
        for uri in [
            format!("sip:{long}@h"),
            format!("sip:{escaped}@h;method=INVITE"),
            format!("sip:100@h?Subject={escaped}"),
            format!("sip:100@h?Replaces={long}%3Bto-tag%3D1%3Bfrom-tag%3D2%3Bx={long}"),
            format!("sip:100@h;Replaces={escaped}%3Bto-tag%3D1%3Bfrom-tag%3D2"),
            format!("sip:100@h?Require={escaped}{many}"),
            format!("sip:100@h?a=b{copied}"),
            format!("sip:100@h?Join={escaped}%3Bto-tag%3D1%3Bfrom-tag%3D2"),
        ] {
            // The harness fails a call that has no verdict.
            let folded =
                format!("Refer-To:\r\n <{uri}>\r\nReferred-By: <sip:{long}@h>;\r\n x={long}\r\n");
            let got = pbx.route(&refer(&folded), known("bob"));
            assert!(got.kind != SIPXFER_VERDICT_NONE, "{got:?}");
        }
    });
}
