//! Each family has a message of its own; the comment lines in front of it say where it is from.

use super::*;
use crate::sip::{Message, Name, ReferTo, Replaces, Scratch};
use crate::transfer::subscription::event_id;

/// File, profile, message.
const MESSAGES: &[(&str, &str)] = &[
    ("aastra", include_str!("../../../tests/profiles/aastra.sip")),
    ("asterisk", include_str!("../../../tests/profiles/asterisk.sip")),
    ("audiocodes", include_str!("../../../tests/profiles/audiocodes.sip")),
    ("audiocodes", include_str!("../../../tests/profiles/audiocodes-teams.sip")),
    ("baresip", include_str!("../../../tests/profiles/baresip.sip")),
    ("baresip", include_str!("../../../tests/profiles/baresip-no-tags.sip")),
    ("cisco-spa", include_str!("../../../tests/profiles/cisco-spa.sip")),
    ("freeswitch", include_str!("../../../tests/profiles/freeswitch.sip")),
    ("gigaset", include_str!("../../../tests/profiles/gigaset.sip")),
    ("grandstream", include_str!("../../../tests/profiles/grandstream.sip")),
    ("jssip", include_str!("../../../tests/profiles/jssip.sip")),
    ("linphone", include_str!("../../../tests/profiles/linphone.sip")),
    ("pjsua", include_str!("../../../tests/profiles/pjsua.sip")),
    ("polycom", include_str!("../../../tests/profiles/polycom.sip")),
    ("sipdroid", include_str!("../../../tests/profiles/sipdroid.sip")),
    ("sipjs", include_str!("../../../tests/profiles/sipjs.sip")),
    ("sipjs", include_str!("../../../tests/profiles/sipjs-no-brackets.sip")),
    ("snom", include_str!("../../../tests/profiles/snom.sip")),
    ("teams", include_str!("../../../tests/profiles/teams.sip")),
    ("yealink", include_str!("../../../tests/profiles/yealink.sip")),
];

/// What a message shows of the quirks of its Refer-To.
struct Seen {
    quirks: Quirks,
    replaces: Option<Result<String, String>>,
}

fn read(file: &str) -> (String, Seen) {
    let (comments, message): (Vec<&str>, Vec<&str>) =
        file.lines().partition(|line| line.starts_with('#'));
    assert!(comments.len() >= 2 && message.last() == Some(&""), "{file}");
    let bytes = message.join("\r\n") + "\r\n";
    let message = Message::parse(bytes.as_bytes()).expect(file);
    assert_eq!(message.method(), Some(&b"REFER"[..]), "{file}");
    for name in [Name::Via, Name::From, Name::To, Name::CallId, Name::CSeq, Name::Contact] {
        assert_eq!(message.count(name), 1, "{name:?} in {file}");
    }
    let user_agent = String::from_utf8(message.first(Name::UserAgent).unwrap().raw.to_vec());
    let value = message.first(Name::ReferTo).unwrap().raw;
    let mut room = [0; 1_024];
    let mut scratch = Scratch::new(&mut room);
    let refer_to = ReferTo::parse(value).expect(file);
    let mut quirks = Quirks::NONE;
    if !value.contains(&b'<') {
        quirks = quirks.and(Quirks::NO_BRACKETS);
    }
    if refer_to.uri.user.is_none() {
        let number = refer_to.uri.host.iter().all(u8::is_ascii_digit);
        quirks = quirks.and(if number { Quirks::NUMBER_AS_HOST } else { Quirks::NO_USER });
    }
    if message.first(Name::ReferredBy).is_none() {
        quirks = quirks.and(Quirks::NO_REFERRED_BY);
    }
    let replaces = match refer_to.replaces(&mut scratch) {
        Ok(None) => None,
        Ok(Some(replaces)) => Some(Ok(printed(&replaces))),
        Err(error) => {
            quirks = quirks.and(Quirks::NO_TAGS);
            Some(Err(error.to_string()))
        }
    };
    (user_agent.unwrap(), Seen { quirks, replaces })
}

fn printed(replaces: &Replaces<'_>) -> String {
    let mut room = [0; 512];
    let mut out = crate::sip::Writer::new(&mut room);
    replaces.print(&mut out);
    String::from_utf8(out.written().to_vec()).unwrap()
}

#[test]
fn every_message_is_read_and_shows_no_quirk_that_its_profile_does_not_know() {
    let profiles = Profiles::new();
    for (name, file) in MESSAGES {
        let (user_agent, seen) = read(file);
        let profile = profiles.of(user_agent.as_bytes());
        assert_eq!(profile.name, *name, "{user_agent}");
        assert!(
            profile.habits.refer_to.have(seen.quirks),
            "{name}: {:?}",
            seen.quirks.names().collect::<Vec<_>>()
        );
        if let Some(Err(error)) = seen.replaces {
            assert!(error.contains("R020"), "{name}: {error}");
        }
    }
}

#[test]
fn every_quirk_that_a_message_can_show_is_shown_by_one() {
    let shown = MESSAGES.iter().fold(Quirks::NONE, |sum, (_, file)| sum.and(read(file).1.quirks));
    // What a single message cannot show: a dialog's state, what must come back, what a host means.
    let unshown = Quirks::EARLY_REPLACES.and(Quirks::KEEP_EXACTLY).and(Quirks::TARGET_IS_AOR);
    let all = Quirks::NAMED.iter().fold(Quirks::NONE, |sum, (_, quirk)| sum.and(*quirk));
    assert_eq!(shown.and(unshown), all);
}

#[test]
fn the_replaces_of_an_attended_transfer_is_read_whatever_stands_around_it() {
    let of = |wanted: &str| -> Vec<Option<Result<String, String>>> {
        let files = MESSAGES.iter().filter(|(name, _)| *name == wanted);
        files.map(|(_, file)| read(file).1.replaces).collect()
    };
    let expected = "2_1031327012@192.0.2.10;to-tag=ds-1b83c8f2-3e6fb99d;from-tag=2000000003";
    assert_eq!(of("yealink"), [Some(Ok(expected.to_owned()))]);
    let expected = "V8KOpmDiaDflLGEUUipO-3Yv7Cv82mE0;to-tag=hhT73m5wovFgcr7N9nWPw9eFPZPi4JnA;\
                    from-tag=00lCIcOURiCw2ycCuM5nypqqS.yG1I4t";
    assert_eq!(of("pjsua"), [Some(Ok(expected.to_owned()))]);
    let web = Some(Ok("c-2;to-tag=pbx2;from-tag=web2".to_owned()));
    assert_eq!(of("sipjs"), [web.clone(), web]);
    assert_eq!(of("teams"), [None]);
}

#[test]
fn at_least_eight_families_and_each_has_a_message_and_the_source_of_each_habit() {
    assert!(builtin::ALL.len() >= 8);
    for profile in builtin::ALL {
        assert!(MESSAGES.iter().any(|(name, _)| *name == profile.name), "{}", profile.name);
        assert!(!profile.sources.is_empty(), "{}", profile.name);
        for source in profile.sources {
            assert!(!source.says.is_empty() && source.at.len() > 20, "{}", profile.name);
        }
        // The value of a setting could say the same.
        let names: Vec<&str> = profile.habits.refer_to.names().collect();
        assert_eq!(Quirks::parse(&names.join("|")), Ok(profile.habits.refer_to));
        assert_eq!(pattern(&profile.pattern).as_deref(), Ok(&*profile.pattern));
    }
    let mut names: Vec<&str> = builtin::ALL.iter().map(|profile| &*profile.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), builtin::ALL.len());
}

#[test]
fn one_user_agent_is_of_one_family() {
    for (name, file) in MESSAGES {
        let (user_agent, _) = read(file);
        let matching = builtin::ALL.iter().filter(|it| it.matches(user_agent.as_bytes()));
        let matching: Vec<&str> = matching.map(|it| &*it.name).collect();
        assert_eq!(matching, [*name], "{user_agent}");
    }
    let profiles = Profiles::new();
    for unknown in ["", "x", "Bria 6", "my snom", "Asterisk", "PBX Asterisk", "\u{e9}\0\r\n"] {
        let expected = if unknown == "Asterisk" { "asterisk" } else { "generic" };
        assert_eq!(profiles.of(unknown.as_bytes()).name, expected, "{unknown:?}");
    }
    assert_eq!(profiles.of(b"SNOM320/8.7").name, "snom");
    // Only the beginning is looked at, so a long one costs no more.
    let long = format!("{}JsSIP", "x".repeat(1_000_000));
    assert_eq!(profiles.of(long.as_bytes()).name, "generic");
}

/// RFC 7647 section 5 (checked against the rule's text only): which of 202 and 200 accepts a REFER
/// is a profile of the peer.
#[test]
fn r069_the_code_that_accepts_a_refer_is_a_profile_of_the_peer() {
    let mut profiles = Profiles::new();
    assert_eq!(profiles.of(b"snomD785/10.1").habits.accept_code, None);
    profiles.set("snom", "accept=200").unwrap();
    profiles.set("acme", "match=^Acme, accept=202").unwrap();
    let snom = profiles.of(b"snomD785/10.1");
    assert_eq!((snom.habits.accept_code, snom.habits.releases_at), (Some(200), 180));
    assert_eq!(profiles.of(b"acme 1").habits.accept_code, Some(202));
    assert_eq!(
        profiles.set("acme", "accept=201"),
        Err("has an accept that is neither 202 nor 200")
    );
    assert_eq!(profiles.of(b"acme 1").habits.accept_code, Some(202));
}

#[test]
fn r042_the_first_refer_has_an_event_id_where_the_profile_says_so_and_the_second_always() {
    let mut profiles = Profiles::new();
    profiles.set("acme", "match=Acme, event-id-first=yes").unwrap();
    assert!(profiles.of(b"Acme").habits.event_id_on_first);
    // JsSIP answers 481 to an id on the first, once its REFER was challenged.
    assert!(builtin::ALL.iter().all(|shipped| !shipped.habits.event_id_on_first));
    assert_eq!(event_id(7, true, true), Some(7));
    assert_eq!((event_id(7, true, false), event_id(8, false, false)), (None, Some(8)));
}

#[test]
fn a_profile_of_the_administrator_is_tried_first_and_read_in_full() {
    let mut profiles = Profiles::new();
    let value = "match = ^Acme | x-acme/ , accept=200, event-id-first=yes, notify-interval=500, \
                 releases-at=183, release-delay=1500, hang-up=us:2000, \
                 refer-to=no-brackets|early-replaces";
    profiles.set("acme", value).unwrap();
    let acme = profiles.of(b"foo-X-ACME/1");
    assert_eq!(acme.name, "acme");
    assert_eq!(
        acme.habits,
        Habits {
            accept_code: Some(200),
            event_id_on_first: true,
            notify_min_interval_ms: Some(500),
            releases_at: 183,
            release_delay_ms: 1_500,
            hang_up_after_ms: Some(2_000),
            refer_to: Quirks::NO_BRACKETS.and(Quirks::EARLY_REPLACES),
        }
    );
    profiles.set("own-phones", "match=snomD785").unwrap();
    assert_eq!(profiles.of(b"snomD785/1").name, "own-phones");
    assert_eq!(profiles.of(b"snom320/1").name, "snom");
    profiles.set("jssip", "hang-up=transferor").unwrap();
    assert_eq!(profiles.of(b"JsSIP 3.12").habits.hang_up_after_ms, None);
    assert_eq!(profiles.iter().filter(|it| it.name == "jssip").count(), 1);
    assert_eq!(profiles.iter().count(), builtin::ALL.len() + 2);
}

#[test]
fn a_wrong_profile_is_refused_and_changes_nothing() {
    let mut profiles = Profiles::new();
    for bad in [
        "",
        "accept=200",
        "match=",
        "match=^",
        "match=a||b",
        "match=a| ^",
        "match=a\u{e9}",
        "match=a\nb",
        "match=a, accept",
        "match=a, accept=2",
        "match=a, event-id-first=1",
        "match=a, notify-interval=-1",
        "match=a, notify-interval=3600001",
        "match=a, first-notify=at-once",
        "match=a, releases-at=99",
        "match=a, releases-at=700",
        "match=a, hang-up=us",
        "match=a, hang-up=us:x",
        "match=a, refer-to=odd",
        "match=a, colour=red",
    ] {
        assert!(profiles.set("acme", bad).is_err(), "{bad:?}");
    }
    for bad in ["", "a b", "a\n", "a=b", "\u{e9}"] {
        assert!(profiles.set(bad, "match=a").is_err(), "{bad:?}");
    }
    assert!(profiles.set(&"a".repeat(65), "match=a").is_err());
    assert!(profiles.set("acme", &format!("match={}", "a".repeat(256))).is_err());
    assert_eq!(profiles.iter().count(), builtin::ALL.len());
}
