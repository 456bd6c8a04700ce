//! What single messages show: faults against the rules, and the habits of devices.

use super::calls::{Calls, State};
use super::open::{Notify, Open, Triple};
use super::places::Places;
use super::seen::{piece, Seen};
use super::Weight::{Fault, Habit, Note};
use sipxfer::config::profile::{Profiles, Quirks};
use sipxfer::rule::Rule;
use sipxfer::sip::{
    Message, Name, ParseError, ReferTo, ReferredBy, Replaces, Scratch, TargetDialog, UnescapeError,
};

/// A value on one line.
fn unfolded<'a>(message: &Message<'a>, name: Name, scratch: &mut Scratch<'a>) -> &'a [u8] {
    let value = message.first(name);
    value.and_then(|value| value.unfolded(scratch).ok()).unwrap_or_default()
}

fn unread(open: &mut Open, header: &str, error: &ParseError) {
    let text = format!("{header} cannot be read: at its byte {} {}", error.offset, error.what);
    open.find(
        Fault,
        Some(error.rule),
        text,
        "the sender must write it right: nobody can guess what it meant",
    );
}

/// What a REFER shows by itself.
pub fn refer(open: &mut Open, seen: &Seen<'_>, profiles: &Profiles) {
    let message = &seen.message;
    let profile = profiles.of(seen.value(Name::UserAgent));
    let quirks = profile.habits.refer_to;
    let known = |quirk: Quirks| {
        if quirks.have(quirk) {
            format!(" (known of this family: profile {})", profile.name)
        } else {
            String::new()
        }
    };
    match message.count(Name::ReferTo) {
        0 => open.find(
            Fault,
            Some(Rule::R029),
            "the REFER has no Refer-To".to_owned(),
            "without it nobody knows whom to call",
        ),
        1 => {}
        n => open.find(
            Fault,
            Some(Rule::R029),
            format!("the REFER has {n} Refer-To headers"),
            "one is all that is allowed",
        ),
    }
    match message.count(Name::Contact) {
        1 => {}
        n => open.find(
            Fault,
            Some(Rule::R028),
            format!("the REFER has {n} Contact headers"),
            "it must have exactly one",
        ),
    }
    let mut room = vec![0; message.raw().len() * 2 + 64];
    let mut scratch = Scratch::new(&mut room);
    let value = unfolded(message, Name::ReferTo, &mut scratch);
    match ReferTo::parse(value) {
        Err(_) if value.is_empty() => {}
        Err(error) => unread(open, "Refer-To", &error),
        Ok(refer_to) => {
            let is_bare = !value.contains(&b'<');
            if is_bare && value.iter().any(|byte| matches!(byte, b';' | b'?' | b',')) {
                let text =
                    format!("Refer-To stands without angle brackets{}", known(Quirks::NO_BRACKETS));
                open.find(
                    Habit,
                    Some(Rule::R053),
                    text,
                    "a receiver must take all that follows for the URI; with sipxfer that is so",
                );
            }
            if refer_to.uri.is_sip() && refer_to.uri.user.is_none() {
                let is_number = !refer_to.uri.host.is_empty()
                    && refer_to.uri.host.iter().all(u8::is_ascii_digit);
                if is_number {
                    let text = format!(
                        "the number stands where the host should{}",
                        known(Quirks::NUMBER_AS_HOST)
                    );
                    open.find(Habit, Some(Rule::R032), text, "with sipxfer: a profile with refer-to=number-as-host takes it for the extension");
                } else {
                    let text = format!(
                        "Refer-To has no user part: the whole URI is the target{}",
                        known(Quirks::NO_USER)
                    );
                    open.find(
                        Habit,
                        Some(Rule::R018),
                        text,
                        "do not look for an extension in it; call the URI as it stands",
                    );
                }
            }
            if refer_to.replaces_in_param {
                open.find(
                    Fault,
                    Some(Rule::R020),
                    "Replaces stands as a parameter of the URI, not behind its \"?\"".to_owned(),
                    "the sender must put it behind a \"?\"; sipxfer takes it all the same",
                );
            }
            if let Some(method) = refer_to.method {
                open.find(
                    Note,
                    Some(Rule::R035),
                    format!("the REFER asks for a {}", piece(method)),
                    "",
                );
            }
            match refer_to.replaces(&mut scratch) {
                Err(UnescapeError::Parse(error)) => {
                    let text = format!(
                        "the Replaces in Refer-To cannot be read: at byte {} of Refer-To {}{}",
                        error.offset,
                        error.what,
                        known(Quirks::NO_TAGS)
                    );
                    open.find(Fault, Some(error.rule), text, "the phone must name the Call-ID and both tags: a newer firmware, or a blind transfer");
                }
                Ok(_) | Err(UnescapeError::OutOfScratch) => {}
            }
        }
    }
    let by = unfolded(message, Name::ReferredBy, &mut scratch);
    match (message.count(Name::ReferredBy), ReferredBy::parse(by)) {
        (0, _) => {
            let text = format!(
                "no Referred-By: the target does not learn who transfers{}",
                known(Quirks::NO_REFERRED_BY)
            );
            open.find(Note, Some(Rule::R050), text, "");
        }
        (1, Ok(_)) => {}
        (1, Err(error)) => unread(open, "Referred-By", &error),
        (n, _) => open.find(
            Fault,
            Some(Rule::R049),
            format!("the REFER has {n} Referred-By headers"),
            "one is all that is allowed",
        ),
    }
    if seen.to_tag.is_empty() {
        match TargetDialog::parse(unfolded(message, Name::TargetDialog, &mut scratch)) {
            Ok(_) => open.find(
                Note,
                Some(Rule::R067),
                "the REFER came outside of the call; Target-Dialog names it".to_owned(),
                "",
            ),
            Err(_) => open.find(
                Note,
                Some(Rule::R098),
                "the REFER came outside of any call: it asks the receiver to call somebody"
                    .to_owned(),
                "",
            ),
        }
    }
    if open.earlier > 0 {
        let text = format!("it is REFER number {} of its sender in this call", open.earlier + 1);
        open.find(Note, Some(Rule::R042), text, "");
    }
}

/// What the Replaces of a Refer-To says of the call that it names, as far as the capture has it.
pub fn asked(open: &mut Open, named: &Triple, calls: &Calls, places: &Places, now: Option<u64>) {
    let Some(call) = calls.get(&named.call_id) else { return };
    ended(open, call.state, call.ended_us, now);
    let Some((own, peer)) = call.ends_of(open.from, places.ip(open.from)) else { return };
    tags(open, named, &peer.tag, &own.tag);
    if call.state == State::Early {
        let is_own = own.place == call.caller.place;
        let text = if is_own {
            "the target still rings (a semi-attended transfer): its phone must give up a call that it has not answered"
        } else {
            "the target's call still rings, and the target began it"
        };
        open.find(
            Habit,
            Some(Rule::R017),
            text.to_owned(),
            "let the phone transfer blind where nobody has answered yet (RFC 5589 section 7.4)",
        );
    }
}

/// What the Replaces of an INVITE says of the call that it names, at the box that it comes to.
pub fn replaced(
    open: &mut Open,
    named: &Triple,
    calls: &Calls,
    places: &Places,
    now: Option<u64>,
    to: usize,
) {
    if let Some(asked) = open.replaces.as_ref().filter(|it| *it != named) {
        let text = format!(
            "Refer-To asked for to-tag {} and from-tag {}; the INVITE says {} and {}",
            asked.to_tag, asked.from_tag, named.to_tag, named.from_tag
        );
        open.find(
            Note,
            Some(Rule::R019),
            text,
            "a PBX between the legs maps them; where none is, the tags were changed on the way",
        );
    }
    let Some(call) = calls.get(&named.call_id) else {
        let text =
            format!("the call that Replaces names ({}) is not in this capture", named.call_id);
        open.find(
            Note,
            Some(Rule::R006),
            text,
            "capture where that call runs too, if the reason is to be seen",
        );
        return;
    };
    ended(open, call.state, call.ended_us, now);
    match call.ends_of(to, places.ip(to)) {
        Some((own, peer)) => {
            tags(open, named, &own.tag, &peer.tag);
            if call.state == State::Early && own.place != call.caller.place {
                let text = "the call that it names rings at the receiver, which did not begin it";
                open.find(Fault, Some(Rule::R016), text.to_owned(), "to pick it up, the PBX replaces its own leg to the phone; with sipxfer: replaces.accept_early_incoming = yes lets this pass");
            }
        }
        None if places.ip(to).is_some() => {
            let ends =
                (places.party(call.caller.place).place, places.party(call.callee.place).place);
            let text = format!(
                "the INVITE went to {}, but the call that it names runs between {} and {}",
                places.party(to).place,
                ends.0,
                ends.1
            );
            open.find(Fault, Some(Rule::R018), text, "the URI in Refer-To must lead to the box that has the call: its Contact, or a route such as external_replaces");
        }
        None => {}
    }
}

fn ended(open: &mut Open, state: State, ended_us: Option<u64>, now: Option<u64>) {
    if state != State::Ended {
        return;
    }
    let ago = match (now, ended_us) {
        (Some(now), Some(then)) => {
            let ms = now.saturating_sub(then) / 1_000;
            format!(" {}.{:03} s before", ms / 1_000, ms % 1_000)
        }
        _ => " before".to_owned(),
    };
    let text = format!("the call that Replaces names had ended{ago}");
    open.find(
        Fault,
        Some(Rule::R008),
        text,
        "keep the consultation call until the transfer is through",
    );
}

/// Compares the tags of a Replaces with those of its call: the to-tag is that of the receiver.
fn tags(open: &mut Open, named: &Triple, receiver: &str, sender: &str) {
    let same = |a: &str, b: &str| a.eq_ignore_ascii_case(b) || a == "0" && b.is_empty();
    if sender.is_empty()
        || receiver.is_empty()
        || same(&named.to_tag, receiver) && same(&named.from_tag, sender)
    {
        return;
    }
    if same(&named.to_tag, sender) && same(&named.from_tag, receiver) {
        let text = "the tags of Replaces are swapped: the to-tag must be the one of the receiver"
            .to_owned();
        open.find(
            Fault,
            Some(Rule::R001),
            text,
            "the sender takes its own side for the other's: a newer firmware, or a blind transfer",
        );
    } else {
        let text = format!(
            "the Call-ID of Replaces is right, its tags are not: to-tag {} and from-tag {}, where the call has {receiver} and {sender}",
            named.to_tag, named.from_tag
        );
        open.find(
            Fault,
            Some(Rule::R001),
            text,
            "another fork or another leg is meant: a Call-ID alone never matches",
        );
    }
}

/// An INVITE with Replaces that no REFER in the capture led to.
pub fn takeover(open: &mut Open, seen: &Seen<'_>, _number: u64) {
    let message = &seen.message;
    if message.count(Name::Replaces) > 1 {
        open.find(
            Fault,
            Some(Rule::R002),
            "the INVITE has more than one Replaces".to_owned(),
            "one is all that is allowed",
        );
    }
    if message.count(Name::Join) > 0 {
        open.find(
            Fault,
            Some(Rule::R004),
            "the INVITE has Replaces and Join".to_owned(),
            "they contradict each other: send one of them",
        );
    }
    if let Err(error) = Replaces::parse(seen.value(Name::Replaces)) {
        unread(open, "Replaces", &error);
    }
}

/// The INVITE that a REFER led to.
pub fn triggered(open: &mut Open, seen: &Seen<'_>) {
    if open.replaces.is_some() && seen.message.count(Name::Replaces) == 0 {
        let text =
            "the INVITE carries no Replaces, though Refer-To asked for one: it rings as a new call"
                .to_owned();
        open.find(Fault, Some(Rule::R018), text, "the box that sends it must take Replaces over from Refer-To, or connect the two calls itself");
    }
    let by = piece(seen.value(Name::ReferredBy));
    if !open.referred_by.is_empty() && by.is_empty() {
        open.find(
            Note,
            Some(Rule::R050),
            "Referred-By of the REFER is not in the INVITE".to_owned(),
            "",
        );
    }
}

/// Each NOTIFY.
pub fn notify(open: &mut Open, seen: &Seen<'_>, found: &Notify) {
    let has_id = seen.event().is_some_and(|it| it.id.is_some());
    if open.earlier > 0 && !has_id {
        let text = "the NOTIFY of a second REFER has no Event id: nobody can tell which transfer it is about".to_owned();
        open.find(
            Fault,
            Some(Rule::R042),
            text,
            "the notifier must add id= with the CSeq of the REFER",
        );
    }
    let body = seen.message.body();
    if found.code.is_none() {
        let text =
            "a NOTIFY has no status line in its body: it says nothing about the outcome".to_owned();
        open.find(
            Fault,
            Some(Rule::R106),
            text,
            "the notifier must send a message/sipfrag that begins with SIP/2.0",
        );
    } else if !body.ends_with(b"\r\n") {
        let text = "the body of a NOTIFY does not end with CRLF".to_owned();
        open.find(Fault, Some(Rule::R041), text, "harmless where the receiver is not strict");
    }
    let is_final = found.code.is_some_and(|code| code >= 200);
    if is_final && !found.ends {
        let text = "a NOTIFY tells the outcome and leaves the subscription open".to_owned();
        open.find(
            Fault,
            Some(Rule::R043),
            text,
            "the last one must say Subscription-State: terminated",
        );
    }
    if found.ends && !is_final {
        let text = "the subscription was ended before an outcome was told: the transferor must not take that for success".to_owned();
        open.find(Fault, Some(Rule::R082), text, "the notifier must send the final code with it");
    }
    if let Some(before) = open.notifies.last().cloned() {
        let gap = found.at_us.zip(before.at_us).map(|(now, then)| now.saturating_sub(then));
        if !is_final
            && before.code.is_some_and(|code| code > 100)
            && gap.is_some_and(|gap| gap < 1_000_000)
        {
            let text = "provisional NOTIFYs follow each other within a second".to_owned();
            open.find(
                Note,
                Some(Rule::R047),
                text,
                "the notifier should hold them back: the last state wins",
            );
        }
        if before.ends {
            let text = "a NOTIFY comes behind the one that ended the subscription".to_owned();
            open.find(Fault, Some(Rule::R043), text, "");
        }
    } else if open.answer.is_none() {
        open.find(
            Note,
            Some(Rule::R037),
            "the first NOTIFY came before the answer to the REFER: that is allowed".to_owned(),
            "",
        );
    }
    if open.no_subscription {
        let text = "Refer-Sub: false was agreed on, and a NOTIFY comes all the same".to_owned();
        open.find(Fault, Some(Rule::R063), text, "the notifier must not send it");
    }
}

/// A NOTIFY that was refused.
pub fn refused_notify(open: &mut Open, seen: &Seen<'_>) {
    let code = seen.code.unwrap_or_default();
    let text =
        format!("a NOTIFY was refused with {code}: the transferor does not know the subscription");
    let change = if open.cseqs.len() > 1 {
        "the REFER was challenged: some phones compare the Event id with the CSeq of the first attempt (JsSIP does). With sipxfer leave event-id-first=no in the profile"
    } else {
        "the subscription ends, the call goes on; look whether the Event id is the CSeq of the REFER"
    };
    open.find(Fault, Some(Rule::R075), text, change);
}
