//! The profiles that are shipped, each habit with its source.
//!
//! Only what a source says is here. Two things are ours: how long this side waits before it ends
//! the leg of a client that never does so itself (two seconds), and the patterns.

use super::{Habits, Profile, Quirks, Source};
use std::borrow::Cow::Borrowed;

const fn profile(
    name: &'static str,
    pattern: &'static str,
    habits: Habits,
    sources: &'static [Source],
) -> Profile {
    Profile { name: Borrowed(name), pattern: Borrowed(pattern), habits, sources }
}

const fn source(says: &'static str, at: &'static str) -> Source {
    Source { says, at }
}

const PLAIN: Habits = Habits::PLAIN;

/// What this side gives a client that leaves the BYE to it, so that one which does send it is first.
const GRACE_MS: u32 = 2_000;

/// Every profile that is shipped, in the order in which they are tried.
pub static ALL: &[Profile] = &[
    profile(
        "snom",
        "^snom",
        Habits { releases_at: 180, ..PLAIN },
        &[source(
            "release_xferred_call_on, 180 by default: the phone lets the transferred call go at the \
             first NOTIFY with this code or a higher one; retrieve_xferred_call_on, 400 by default",
            "https://service.snom.com/display/wiki/release_xferred_call_on",
        )],
    ),
    profile(
        "yealink",
        "^Yealink",
        Habits {
            releases_at: 202,
            refer_to: Quirks::NO_USER.and(Quirks::EARLY_REPLACES),
            ..PLAIN
        },
        &[
            source(
                "the flow of a transfer: 202 to the phone's REFER, then the phone's BYE",
                "Yealink SIP-T52S administrator's guide, https://www.easymanua.ls/yealink/sip-t52s/manual/1035617?p=1109",
            ),
            source(
                "an attended transfer may name the target's Contact, here without a user part",
                "https://www.marrold.co.uk/2021/02/yealink-t42g-attended-transfer-fix.html",
            ),
            source(
                "a semi-attended transfer is a REFER with Replaces",
                "Yealink W53P administrator's guide, https://www.easymanua.ls/yealink/w53p/manual/269696?p=164",
            ),
        ],
    ),
    profile(
        "grandstream",
        "^Grandstream",
        Habits { refer_to: Quirks::TARGET_IS_AOR, ..PLAIN },
        &[
            source(
                "a blind transfer counts on a NOTIFY within 7 seconds after the 200 or 202: the \
                 first one must not wait",
                "Grandstream GRP26XX administration guide p. 43, https://www.manualshelf.com/manual/grandstream-networks/grp2613/user-guide-english/page-43.html",
            ),
            source(
                "\"Refer-To Use Target Contact\" is off by default",
                "Grandstream GRP26XX administration guide p. 43",
            ),
        ],
    ),
    profile(
        "cisco-spa",
        "^Cisco/SPA|^Linksys/SPA|^Sipura/SPA",
        Habits {
            releases_at: 200,
            release_delay_ms: 4_000,
            refer_to: Quirks::TARGET_IS_AOR,
            ..PLAIN
        },
        &[
            source(
                "Referor Bye Delay, 4 seconds by default: when the transferor ends its leg upon \
                 completion of the transfer",
                "Cisco Small Business ATA administration guide p. 199, https://www.easymanua.ls/cisco/spa2102/manual?p=199",
            ),
            source(
                "\"Refer-To Target Contact\" is no by default",
                "Cisco Small Business ATA administration guide p. 199",
            ),
        ],
    ),
    profile(
        "polycom",
        "^Polycom",
        Habits { refer_to: Quirks::EARLY_REPLACES, ..PLAIN },
        &[source(
            "voIpProt.SIP.allowTransferOnProceeding is on by default: a consultation transfer may \
             be sent before the target has answered",
            "https://support.onsip.com/hc/en-us/articles/203706424-Polycom-Disabling-Non-Standard-Transfer-Method",
        )],
    ),
    profile(
        "gigaset",
        "Gigaset",
        Habits { refer_to: Quirks::TARGET_IS_AOR, ..PLAIN },
        &[source(
            "the Refer-To URI is derived from the target's AOR or its Contact, by a setting; the \
             AOR is what is advised",
            "https://teamwork.gigaset.com/gigawiki/plugins/viewsource/viewpagesrc.action?pageId=1449330376",
        )],
    ),
    profile(
        "aastra",
        "^Aastra",
        PLAIN,
        &[source(
            "from release 1.4 on a ringing consultation call is cancelled before the REFER is sent, \
             which therefore is a blind one",
            "Aastra 53i/55i/57i administrator guide 2.1 p. 6-7, https://manualsdump.com/en/manuals/aastra_telecom-57i_ct-55i-57i-53i/257291/445",
        )],
    ),
    profile(
        "teams",
        "Microsoft.PSTNHub",
        Habits { refer_to: Quirks::NO_USER.and(Quirks::KEEP_EXACTLY), ..PLAIN },
        &[
            source(
                "the INVITE that a REFER triggers goes back to the SIP proxy, its target and \
                 Referred-By being exactly those of the REFER",
                "https://learn.microsoft.com/en-us/microsoftteams/troubleshoot/phone-system/direct-routing/issues-with-call-transfers",
            ),
            source(
                "the target is told by x-m, with no user part",
                "https://techcommunity.microsoft.com/t5/microsoft-teams/ms-teams-direct-routing-internal-call-transfer-failure/m-p/783753",
            ),
            source(
                "a BYE in place of the NOTIFY of the outcome breaks the transfer",
                "https://kb.connecttoteams.com/docs/call-transfer-using-sip-refer",
            ),
            source(
                "an INVITE with a Replaces header is refused",
                "https://learn.microsoft.com/en-us/microsoftteams/direct-routing-protocols-sip",
            ),
        ],
    ),
    profile(
        "audiocodes",
        "^Mediant|^Audiocodes",
        Habits {
            releases_at: 202,
            refer_to: Quirks::NO_USER.and(Quirks::EARLY_REPLACES).and(Quirks::NO_REFERRED_BY),
            ..PLAIN
        },
        &[
            source(
                "through a Mediant: no Referred-By; the BYE comes after the 202, before any NOTIFY",
                "https://github.com/versatica/JsSIP/issues/556",
            ),
            source(
                "through a Mediant from Teams: a Refer-To without a user part",
                "https://pastebin.com/rUpKVhig",
            ),
            source(
                "EnableSemiAttendedTransfer is 0 by default: while the target rings, a REFER with \
                 Replaces is sent",
                "AudioCodes SIP user's manual 5.8 p. 299, https://www.easymanua.ls/audiocodes/mp-124/manual?p=299",
            ),
        ],
    ),
    profile(
        "linphone",
        "Linphone",
        Habits { refer_to: Quirks::NO_BRACKETS, ..PLAIN },
        &[source(
            "a recorded REFER: Refer-To without angle brackets",
            "https://github.com/BelledonneCommunications/linphone-android/issues/513",
        )],
    ),
    profile(
        "baresip",
        "baresip",
        Habits {
            refer_to: Quirks::NO_BRACKETS.and(Quirks::NO_TAGS).and(Quirks::NO_REFERRED_BY),
            ..PLAIN
        },
        &[
            source(
                "until 2023: Refer-To without angle brackets, and no Referred-By",
                "https://github.com/baresip/baresip/issues/2676",
            ),
            source(
                "until 2025: a Replaces without tags",
                "https://github.com/baresip/baresip/issues/3367",
            ),
        ],
    ),
    profile(
        "sipdroid",
        "^Sipdroid",
        Habits { refer_to: Quirks::NUMBER_AS_HOST, ..PLAIN },
        &[source(
            "a recorded REFER: Refer-To: <sip:2002>",
            "https://github.com/i-p-tel/sipdroid/issues/426",
        )],
    ),
    profile(
        "jssip",
        "JsSIP",
        Habits { hang_up_after_ms: Some(GRACE_MS), ..PLAIN },
        &[
            source(
                "after a blind transfer by JsSIP nobody sends a BYE, and the leg stays",
                "https://github.com/asterisk/asterisk/issues/1877",
            ),
            source(
                "an Event id is compared with the CSeq of the first attempt, so that the NOTIFYs of \
                 a REFER that was challenged get 481 where they carry one",
                "https://github.com/versatica/JsSIP/issues/961",
            ),
        ],
    ),
    profile(
        "sipjs",
        "SIP.js",
        Habits {
            hang_up_after_ms: Some(GRACE_MS),
            refer_to: Quirks::NO_BRACKETS,
            ..PLAIN
        },
        &[
            source(
                "refer() leaves its session as it is: the other side is to send the BYE",
                "https://github.com/onsip/SIP.js/issues/1069",
            ),
            source(
                "a Refer-To without angle brackets",
                "https://github.com/ringcentral/ringcentral-web-phone/issues/265",
            ),
            source(
                "a Refer-To with a display name, Replaces behind the URI",
                "https://github.com/ringcentral/ringcentral-web-phone/issues/84",
            ),
        ],
    ),
    profile(
        "freeswitch",
        "FreeSWITCH",
        Habits { releases_at: 200, ..PLAIN },
        &[source(
            "the outcome is waited for 10 seconds; the leg is ended at a NOTIFY that ends the \
             subscription, in time to come only at one that says 200",
            "https://github.com/signalwire/freeswitch/pull/3059",
        )],
    ),
    profile(
        "asterisk",
        "^Asterisk|^FPBX",
        Habits { refer_to: Quirks::NO_BRACKETS, ..PLAIN },
        &[
            source(
                "Refer-To is the text that the dialplan gave to Transfer(), with angle brackets or \
                 without",
                "Asterisk 22.10.1, channels/chan_pjsip.c, transfer_refer(), and pjsip_xfer_initiate()",
            ),
            source(
                "a NOTIFY with a final code that leaves the subscription open is answered by an \
                 unsubscribe; a 2xx with Refer-Sub: false is taken for success",
                "Asterisk 22.10.1, channels/chan_pjsip.c, xfer_client_on_evsub_state()",
            ),
            source(
                "Referred-By is the own identity unless SIPREFERREDBYHDR says another",
                "Asterisk 22.10.1, channels/chan_pjsip.c, transfer_refer()",
            ),
        ],
    ),
    profile(
        "pjsua",
        "^PJSUA",
        PLAIN,
        &[
            source(
                "Require=replaces is left out of Refer-To, since some peers refuse it",
                "https://github.com/pjsip/pjproject/issues/850",
            ),
            source(
                "a NOTIFY without an Event id is matched; so is one with an id, which is then kept",
                "pjproject 2.17, pjsip/src/pjsip-simple/evsub.c, on_new_transaction()",
            ),
            source(
                "the NOTIFYs of a second REFER got 481 where nothing told them from those of the \
                 first: the id of R042 does",
                "https://github.com/pjsip/pjproject/issues/1647",
            ),
        ],
    ),
];
