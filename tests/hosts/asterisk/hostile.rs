//! REFERs that are refused, and such as a stranger would write.

use super::blind::talk;
use super::config::Group;
use super::scenario::{played, played_over_streams, Scenario, Seen, SOON};
use super::world::Scene;
use crate::ua::{Phone, Talk};

/// The code of the answer to a REFER with these headers in a call of its own, with what the last
/// NOTIFY says where it was accepted.
fn answer(
    scene: &Scene<'_>,
    group: &'static Group,
    seen: &mut Seen,
    fact: &'static str,
    headers: &[(&str, &str)],
) -> (Talk, Phone) {
    let (_, bob, talk) = talk(scene, group);
    let mut request = talk.callee.prepared("REFER");
    for (name, value) in headers {
        request = request.with(name, *value);
    }
    let sent = talk.callee.send(request);
    let code = sent.status();
    let mut text = code.to_string();
    if code < 300 {
        let last = bob.wait("the last NOTIFY", |state| {
            let mut all = state.inbox.iter();
            let last = all.find(|one| {
                let state = one.msg.value("Subscription-State");
                one.msg.method() == Some("NOTIFY") && state.starts_with("terminated")
            });
            last.map(|one| one.msg.text())
        });
        let first = last.lines().next().unwrap_or_default();
        text = format!("{text}, NOTIFY {}", first.trim_start_matches("SIP/2.0 "));
    }
    seen.note(fact, text);
    (talk, bob)
}

static REFER_TO: Scenario = Scenario {
    title: "REFER with a Refer-To that is refused",
    play: |scene, group, seen| {
        let uri = scene.server(group, &scene.world.a).uri("echo");
        let good = format!("<{uri}>");
        answer(scene, group, seen, "no Refer-To", &[]);
        answer(scene, group, seen, "two Refer-To", &[("Refer-To", &good), ("Refer-To", &good)]);
        let two = format!("{good}, {good}");
        answer(scene, group, seen, "two in one line", &[("Refer-To", &two)]);
        answer(scene, group, seen, "a web page", &[("Refer-To", "<http://127.0.0.1/>")]);
        answer(scene, group, seen, "a mail address", &[("Refer-To", "<mailto:a@example.com>")]);
        answer(scene, group, seen, "no URI at all", &[("Refer-To", "<nothing here>")]);
        let bye = format!("<{uri};method=BYE>");
        answer(scene, group, seen, "method=BYE", &[("Refer-To", &bye)]);
    },
    cells: &[
        ("no Refer-To", "400", "400"),
        ("two Refer-To", "202, NOTIFY 200 OK", "400"),
        ("two in one line", "400", "400"),
        ("a web page", "400", "416"),
        ("a mail address", "400", "416"),
        ("no URI at all", "400", "400"),
        ("method=BYE", "202, NOTIFY 200 OK", "403"),
    ],
};

static REPLACES: Scenario = Scenario {
    title: "REFER whose Refer-To holds a Replaces that is refused",
    play: |scene, group, seen| {
        let uri = scene.server(group, &scene.world.a).uri("echo");
        let mut refer = |fact, replaces: &str| {
            let value = format!("<{uri}?Replaces={replaces}>");
            answer(scene, group, seen, fact, &[("Refer-To", &value)]);
        };
        refer("no tags", "abc");
        refer("an empty tag", "abc%3Bto-tag%3D%3Bfrom-tag%3Dx");
        refer("two to-tags", "abc%3Bto-tag%3Da%3Bto-tag%3Db%3Bfrom-tag%3Dx");
        refer("an escaped CR LF", "abc%0D%0AX-Bad%3A1%3Bto-tag%3Da%3Bfrom-tag%3Db");
        refer("an escaped NUL", "abc%00%3Bto-tag%3Da%3Bfrom-tag%3Db");
    },
    cells: &[
        ("no tags", "202, NOTIFY 503 Service Unavailable", "400"),
        ("an empty tag", "202, NOTIFY 503 Service Unavailable", "400"),
        ("two to-tags", "202, NOTIFY 503 Service Unavailable", "400"),
        ("an escaped CR LF", "202, NOTIFY 503 Service Unavailable", "400"),
        ("an escaped NUL", "202, NOTIFY 503 Service Unavailable", "400"),
    ],
};

/// The other Asterisk knows no such call: it must be asked for exactly that one.
static LONG: Scenario = Scenario {
    title: "REFER whose Replaces has a Call-ID of 2000 letters",
    play: |scene, group, seen| {
        let (_, _, talk) = talk(scene, group);
        let uri = scene.server(super::config::UDP, &scene.world.b).uri("echo");
        let call_id = "c".repeat(2000);
        let value = format!("<{uri}?Replaces={call_id}%3Bto-tag%3Da%3Bfrom-tag%3Db>");
        let refer = talk.callee.refer(&value);
        seen.note("REFER", refer.status());
        let answered = refer.outcome().code() == 200;
        seen.note("a call to the extension instead", if answered { "yes" } else { "no" });
    },
    cells: &[("REFER", "202", "202"), ("a call to the extension instead", "yes", "no")],
};

/// What travels in the headers of a Refer-To to the call that it causes.
static HEADERS: Scenario = Scenario {
    title: "Headers inside a Refer-To",
    play: |scene, group, seen| {
        let (_, _, talk) = talk(scene, group);
        let carol = scene.phone(group);
        let uri = carol.uri();
        let value =
            format!("<{uri}?From=sip%3Aboss%40x&Contact=sip%3Ax%40y&P-Asserted-Identity=x>");
        let code = talk.callee.refer(&value).status();
        seen.note("REFER", code);
        if code < 300 {
            let invite = carol.incoming().invite();
            let boss = invite.msg.value("From").contains("boss");
            seen.note("From of the INVITE", if boss { "the one given" } else { "Asterisk's own" });
            let asserted = invite.msg.get("P-Asserted-Identity").is_some();
            seen.note("P-Asserted-Identity", if asserted { "sent" } else { "not sent" });
        }
    },
    cells: &[
        ("REFER", "202", "202"),
        ("From of the INVITE", "Asterisk's own", "Asterisk's own"),
        ("P-Asserted-Identity", "not sent", "not sent"),
    ],
};

/// The dialplan dials what stands in SIPREFERTOHDR: `&` would add a second target.
static DIAL_STRING: Scenario = Scenario {
    title: "A Refer-To that would add a target to the dial string",
    play: |scene, group, seen| {
        let (_, _, talk) = talk(scene, group);
        let victim = scene.phone(super::config::UDP);
        let b = scene.server(super::config::UDP, &scene.world.b);
        let uri = format!("{};x=1&PJSIP/{}", b.uri("echo"), victim.name());
        let value = format!("<{uri}?Replaces=a%3Bto-tag%3D1%3Bfrom-tag%3D2>");
        seen.note("REFER", talk.callee.refer(&value).status());
        let called = victim.wait_for(SOON, |state| (!state.dialogs.is_empty()).then_some(()));
        seen.note("the second target is called", if called.is_some() { "yes" } else { "no" });
    },
    cells: &[("REFER", "202", "202"), ("the second target is called", "yes", "no")],
};

static SECOND_CALL: Scenario = Scenario {
    title: "REFER outside of any call",
    play: |scene, group, seen| {
        let [bob, carol] = scene.phones(group);
        let uri = scene.server(group, &scene.world.a).uri("echo");
        let refer = bob.refer(&uri, &format!("<{}>", carol.uri()), &[]);
        seen.note("REFER", refer.status());
        seen.note("Carol is called", carol.waiting_calls());
    },
    cells: &[("REFER", "501", "403"), ("Carol is called", "0", "0")],
};

static REQUIRE: Scenario = Scenario {
    title: "REFER with Require",
    play: |scene, group, seen| {
        let uri = scene.server(group, &scene.world.a).uri("echo");
        let good = format!("<{uri}>");
        let with = |tag| [("Refer-To", good.clone()), ("Require", String::from(tag))];
        for (fact, tag) in [
            ("norefersub", "norefersub"),
            ("explicitsub", "explicitsub"),
            ("an unknown tag", "xyz"),
        ] {
            let headers = with(tag);
            let headers: Vec<(&str, &str)> =
                headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
            answer(scene, group, seen, fact, &headers);
        }
    },
    cells: &[
        ("norefersub", "202, NOTIFY 200 OK", "202, NOTIFY 200 OK"),
        ("explicitsub", "202, NOTIFY 200 OK", "420"),
        ("an unknown tag", "202, NOTIFY 200 OK", "420"),
    ],
};

played! { UDP:
    r029_r032_r035_refer_to_refused = REFER_TO,
    r020_r093_replaces_in_refer_to = REPLACES,
    refer_with_a_long_call_id = LONG,
    r090_headers_in_refer_to = HEADERS,
    dial_string = DIAL_STRING,
    refer_outside = SECOND_CALL,
    r065_refer_require = REQUIRE,
}

mod tcp {
    use super::*;
    played! { TCP: r029_r032_r035_refer_to_refused = REFER_TO, r020_r093_replaces_in_refer_to = REPLACES }
}

mod tls {
    use super::*;
    played! { TLS: r029_r032_r035_refer_to_refused = REFER_TO, r020_r093_replaces_in_refer_to = REPLACES }
}

played_over_streams! {
    refer_with_a_long_call_id = LONG,
    refer_outside = SECOND_CALL,
    r065_refer_require = REQUIRE,
}

/// For the table.
pub static ALL: &[&Scenario] =
    &[&REFER_TO, &REPLACES, &LONG, &HEADERS, &DIAL_STRING, &SECOND_CALL, &REQUIRE];
