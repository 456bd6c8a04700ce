//! Transfers that an application decides (ARI): Asterisk hands it the REFER as an event and tells the
//! transferor what the application says.

use super::ari::Application;
use super::config::{APPLICATION, UDP};
use super::process::Asterisk;
use super::scenario::{played, Scenario, Seen, SOON};
use super::world::Scene;
use super::Module;
use crate::ua::call::flows;
use crate::ua::{Call, Phone, Refer};
use serde_json::{json, Value};
use std::time::Duration;

/// How a channel is told that its transfers are the application's.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// By set_var of its endpoint.
    Endpoint,
    /// By a variable of the channel that the application created.
    Variable,
    /// By the dialplan function, before the channel enters the application.
    Function,
}

/// Alice and Bob talk in a bridge of an application.
pub struct Controlled {
    /// The application.
    pub app: Application,
    /// Alice's end of her call.
    pub alice: Call,
    /// Bob's end of his.
    pub bob: Call,
    alice_channel: String,
    /// The id of Bob's channel.
    pub bob_channel: String,
    bridge: String,
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// The id of the channel of a phone that entered the application.
pub fn entered(app: &Application, phone: &Phone) -> String {
    let prefix = format!("PJSIP/{}-", phone.name());
    let event =
        app.wait("StasisStart", 0, |event| text(&event["channel"]["name"]).starts_with(&prefix));
    text(&event["channel"]["id"])
}

/// Calls a phone out of the application and waits until it has answered.
pub fn called(at: &Asterisk, app: &Application, phone: &Phone, told: Told) -> (Call, String) {
    let ari = &at.ari;
    let body = match told {
        Told::Variable => json!({"variables": {"PJSIP_TRANSFER_HANDLING()": "ari-only"}}),
        _ => json!({}),
    };
    let endpoint = format!("PJSIP/{}", phone.name());
    let query = [("endpoint", endpoint.as_str()), ("app", app.name.as_str())];
    let (code, made) = ari.post_json("/channels/create", &query, &body);
    assert_eq!(code, 200, "{made}");
    let id = text(&made["id"]);
    // It is the application's once it says so, not before.
    assert_eq!(entered(app, phone), id);
    let (code, answer) = ari.post(&format!("/channels/{id}/dial"), &[]);
    assert!(code < 300, "{code} {answer}");
    let call = phone.incoming();
    call.answer();
    call.until_acked();
    app.wait("ChannelStateChange", 0, |event| {
        event["channel"]["id"] == id.as_str() && event["channel"]["state"] == "Up"
    });
    (call, id)
}

/// A new bridge with these channels; its id.
pub fn bridge(at: &Asterisk, channels: &[&str]) -> String {
    let (code, made) = at.ari.post("/bridges", &[("type", "mixing")]);
    assert_eq!(code, 200, "{made}");
    let id = text(&made["id"]);
    add(at, &id, channels);
    id
}

/// Puts channels into a bridge.
pub fn add(at: &Asterisk, bridge: &str, channels: &[&str]) {
    let query = [("channel", &*channels.join(","))];
    let path = format!("/bridges/{bridge}/addChannel");
    let (code, answer) = at.ari.post(&path, &query);
    assert_eq!(code, 204, "{answer}");
}

/// Makes both calls.
pub fn controlled(scene: &Scene<'_>, told: Told) -> Controlled {
    let alice_phone = scene.phone(UDP);
    let app = scene.world.a.ari.application(&format!("app-{}", alice_phone.name()));
    let alice = alice_phone.call(&app.name);
    let alice_channel = entered(&app, &alice_phone);
    let (code, answer) = scene.world.a.ari.post(&format!("/channels/{alice_channel}/answer"), &[]);
    assert_eq!(code, 204, "{answer}");
    alice.until_up();
    let bob_phone = scene.phone(if told == Told::Endpoint { APPLICATION } else { UDP });
    let (bob, bob_channel) = if told == Told::Function {
        let bob = bob_phone.call(&format!("ari{}", app.name));
        let channel = entered(&app, &bob_phone);
        bob.until_up();
        (bob, channel)
    } else {
        called(&scene.world.a, &app, &bob_phone, told)
    };
    let bridge = bridge(&scene.world.a, &[&alice_channel, &bob_channel]);
    flows(&alice, &bob);
    Controlled { app, alice, bob, alice_channel, bob_channel, bridge }
}

/// Says how a transfer goes on; the status code of the answer.
pub fn progress(scene: &Scene<'_>, channel: &str, state: &str) -> u16 {
    let path = format!("/channels/{channel}/transfer_progress");
    scene.world.a.ari.post(&path, &[("states", state)]).0
}

/// The event of a REFER of this channel.
pub fn transfer_event(app: &Application, channel: &str) -> Value {
    app.wait("ChannelTransfer", 0, |event| event["referred_by"]["source_channel"]["id"] == channel)
}

/// What the transferor was told, in short.
pub fn told(refer: &Refer) -> String {
    told_within(refer, refer.request().phone().patience())
}

/// The same where it may be that nothing final comes: Asterisk's module has no deadline.
fn told_at_last(scene: &Scene<'_>, refer: &Refer) -> String {
    match scene.world.module {
        Module::Stock | Module::Observe => told_within(refer, SOON * 3),
        _ => told(refer),
    }
}

fn told_within(refer: &Refer, patience: Duration) -> String {
    let last = refer.outcome_within(patience);
    let mut all = refer.statuses();
    all.dedup();
    let end = if last.is_some() { "" } else { " ..." };
    format!("{}{end}", all.join(", "))
}

/// A blind REFER, and what becomes of it when the application says these states.
fn decided(scene: &Scene<'_>, how: Told, seen: &mut Seen, states: &[&str]) {
    let all = controlled(scene, how);
    let carol = scene.phone(UDP);
    let refer = all.bob.refer_to_user(carol.name());
    seen.note("REFER", refer.status());
    let event = transfer_event(&all.app, &all.bob_channel);
    let wanted = &event["refer_to"]["requested_destination"];
    let to = wanted["destination"] == carol.name();
    seen.note("destination of the event", if to { "Carol" } else { "another" });
    let connected = event["referred_by"]["connected_channel"]["id"] == all.alice_channel.as_str();
    let within = event["referred_by"]["bridge"]["id"] == all.bridge.as_str();
    let known = match (connected, within) {
        (true, true) => "Alice and the bridge",
        (true, false) => "Alice",
        (false, true) => "the bridge",
        _ => "neither",
    };
    seen.note("the event names", known);
    let codes: Vec<String> =
        states.iter().map(|state| progress(scene, &all.bob_channel, state).to_string()).collect();
    seen.note("answers to the application", codes.join(", "));
    seen.note("NOTIFYs", told_at_last(scene, &refer));
    let mut later: Vec<String> = Vec::new();
    if let Some(last) = states.last() {
        let event =
            all.app.wait_for(SOON * 2, "ChannelTransfer", 0, |event| event["state"] == *last);
        later.push(if event.is_some() { "yes" } else { "no" }.to_owned());
    }
    seen.note("an event says the state", later.join(""));
    seen.note("Carol is called", carol.waiting_calls());
    flows(&all.alice, &all.bob);
}

macro_rules! decided {
    ($name:ident, $title:literal, $how:ident, $states:expr, $cells:expr) => {
        static $name: Scenario = Scenario {
            title: $title,
            play: |scene, _group, seen| decided(scene, Told::$how, seen, $states),
            cells: $cells,
        };
    };
}

decided!(
    ANSWERED,
    "Application: answered",
    Endpoint,
    &["channel_progress", "channel_answered"],
    &[
        ("REFER", "202", "202"),
        ("destination of the event", "Carol", "Carol"),
        ("the event names", "Alice and the bridge", "Alice and the bridge"),
        ("answers to the application", "204, 204", "204, 204"),
        ("NOTIFYs", "100 Trying, 200 OK", "100 Trying, 200 OK"),
        ("an event says the state", "yes", "yes"),
        ("Carol is called", "0", "0"),
    ]
);
decided!(
    DECLINED,
    "Application: declined",
    Endpoint,
    &["channel_progress", "channel_declined"],
    &[
        ("REFER", "202", "202"),
        ("destination of the event", "Carol", "Carol"),
        ("the event names", "Alice and the bridge", "Alice and the bridge"),
        ("answers to the application", "204, 204", "204, 204"),
        ("NOTIFYs", "100 Trying, 603 Decline", "100 Trying, 603 Decline"),
        ("an event says the state", "yes", "yes"),
        ("Carol is called", "0", "0"),
    ]
);
decided!(
    UNAVAILABLE,
    "Application: unavailable",
    Variable,
    &["channel_unavailable"],
    &[
        ("REFER", "202", "202"),
        ("destination of the event", "Carol", "Carol"),
        ("the event names", "Alice and the bridge", "Alice and the bridge"),
        ("answers to the application", "204", "204"),
        ("NOTIFYs", "100 Trying, 503 Service Unavailable", "100 Trying, 503 Service Unavailable"),
        ("an event says the state", "no", "yes"),
        ("Carol is called", "0", "0"),
    ]
);
// Asterisk's REST interface itself knows four states and refuses all others: the deadline holds.
decided!(
    NOT_FOUND,
    "Application: not found",
    Function,
    &["channel_not_found"],
    &[
        ("REFER", "202", "202"),
        ("destination of the event", "Carol", "Carol"),
        ("the event names", "Alice and the bridge", "Alice and the bridge"),
        ("answers to the application", "400", "400"),
        ("NOTIFYs", " ...", "100 Trying, 503 Service Unavailable"),
        ("an event says the state", "no", "no"),
        ("Carol is called", "0", "0"),
    ]
);
decided!(
    UNKNOWN_STATE,
    "Application: a state that does not exist",
    Endpoint,
    &["dancing"],
    &[
        ("REFER", "202", "202"),
        ("destination of the event", "Carol", "Carol"),
        ("the event names", "Alice and the bridge", "Alice and the bridge"),
        ("answers to the application", "400", "400"),
        ("NOTIFYs", " ...", "100 Trying, 503 Service Unavailable"),
        ("an event says the state", "no", "no"),
        ("Carol is called", "0", "0"),
    ]
);

static SILENT: Scenario = Scenario {
    title: "Application that says nothing",
    play: |scene, _group, seen| {
        let all = controlled(scene, Told::Endpoint);
        let carol = scene.phone(UDP);
        let refer = all.bob.refer_to_user(carol.name()).accepted();
        transfer_event(&all.app, &all.bob_channel);
        seen.note("NOTIFYs", told_at_last(scene, &refer));
        let event = all.app.wait_for(SOON * 2, "ChannelTransfer", 0, |event| {
            event["state"] == "channel_unavailable"
        });
        seen.note("the application is told", if event.is_some() { "yes" } else { "no" });
        seen.note("progress afterwards", progress(scene, &all.bob_channel, "channel_progress"));
        flows(&all.alice, &all.bob);
    },
    cells: &[
        ("NOTIFYs", " ...", "100 Trying, 503 Service Unavailable"),
        ("the application is told", "no", "yes"),
        ("progress afterwards", "204", "204"),
    ],
};

/// The REST interface does not ask a module whether a REFER is pending.
static NO_REFER: Scenario = Scenario {
    title: "Application: progress without a REFER",
    play: |scene, _group, seen| {
        let all = controlled(scene, Told::Endpoint);
        seen.note("a call without a REFER", progress(scene, &all.bob_channel, "channel_progress"));
        seen.note("no such channel", progress(scene, "nothing", "channel_progress"));
        let phone = scene.phone(UDP);
        let call = phone.call("wait");
        call.until_up();
        let channels = scene.channels(&scene.world.a, &[&phone]);
        let id = channels[0].get("Uniqueid").to_owned();
        seen.note("a call that is not its own", progress(scene, &id, "channel_progress"));
    },
    cells: &[
        ("a call without a REFER", "204", "204"),
        ("no such channel", "404", "404"),
        ("a call that is not its own", "409", "409"),
    ],
};

/// The second call of Bob, with Carol, in the same application.
fn second(scene: &Scene<'_>, all: &Controlled) -> (Call, Call, String, String) {
    let carol = scene.phone(UDP);
    let bob = all.bob.phone();
    let second = bob.call(&all.app.name);
    let prefix = format!("PJSIP/{}-", bob.name());
    let nth = |event: &Value| {
        text(&event["channel"]["name"]).starts_with(&prefix)
            && event["channel"]["id"] != all.bob_channel.as_str()
    };
    let event = all.app.wait("StasisStart", 0, nth);
    let bob_channel = text(&event["channel"]["id"]);
    let path = format!("/channels/{bob_channel}/answer");
    assert_eq!(scene.world.a.ari.post(&path, &[]).0, 204);
    second.until_up();
    let (third, carol_channel) = called(&scene.world.a, &all.app, &carol, Told::Endpoint);
    bridge(&scene.world.a, &[&bob_channel, &carol_channel]);
    flows(&second, &third);
    (second, third, bob_channel, carol_channel)
}

static ATTENDED: Scenario = Scenario {
    title: "Application: an attended transfer within one Asterisk",
    play: |scene, _group, seen| {
        let all = controlled(scene, Told::Endpoint);
        let (second, third, bob_channel, carol_channel) = second(scene, &all);
        let refer = all.bob.refer_to_call(&second);
        seen.note("REFER", refer.status());
        let event = transfer_event(&all.app, &all.bob_channel);
        let to = &event["refer_to"];
        let same = |found: &Value, wanted: &str| if found == wanted { "right" } else { "wrong" };
        seen.note("destination_channel", same(&to["destination_channel"]["id"], &bob_channel));
        seen.note("connected_channel", same(&to["connected_channel"]["id"], &carol_channel));
        let call_id = second.triple().0;
        let protocol_id = &to["requested_destination"]["protocol_id"];
        seen.note("protocol_id", same(protocol_id, &call_id));
        progress(scene, &all.bob_channel, "channel_progress");
        add(&scene.world.a, &all.bridge, &[&carol_channel]);
        progress(scene, &all.bob_channel, "channel_answered");
        seen.note("NOTIFYs", told(&refer));
        all.bob.hang_up();
        second.hang_up();
        flows(&all.alice, &third);
    },
    cells: &[
        ("REFER", "202", "202"),
        ("destination_channel", "right", "right"),
        ("connected_channel", "right", "right"),
        ("protocol_id", "right", "right"),
        ("NOTIFYs", "100 Trying, 200 OK", "100 Trying, 200 OK"),
    ],
};

static ELSEWHERE: Scenario = Scenario {
    title: "Application: an attended transfer to a call elsewhere",
    play: |scene, _group, seen| {
        let all = controlled(scene, Told::Endpoint);
        let bob = all.bob.phone();
        let dave = scene.phone_at(UDP, &scene.world.b);
        let uri = scene.server(UDP, &scene.world.b).uri(dave.name());
        let talk = bob.call_uri(&uri).answered_by(&dave);
        talk.flows();
        let refer = all.bob.refer(&talk.caller.refer_to());
        seen.note("REFER", refer.status());
        let event = transfer_event(&all.app, &all.bob_channel);
        let wanted = &event["refer_to"]["requested_destination"];
        let (call_id, local, remote) = talk.caller.triple();
        let right = wanted["protocol_id"] == call_id.as_str();
        seen.note("protocol_id", if right { "right" } else { "wrong" });
        let params = wanted["additional_protocol_params"].to_string();
        let both = params.contains(&local) && params.contains(&remote);
        seen.note("tags", if both { "both" } else { "not both" });
        progress(scene, &all.bob_channel, "channel_unavailable");
        seen.note("NOTIFYs", told(&refer));
        flows(&all.alice, &all.bob);
        talk.flows();
    },
    cells: &[
        ("REFER", "202", "202"),
        ("protocol_id", "right", "right"),
        ("tags", "both", "both"),
        ("NOTIFYs", "100 Trying, 503 Service Unavailable", "100 Trying, 503 Service Unavailable"),
    ],
};

played! { UDP:
    application_answered = ANSWERED,
    application_declined = DECLINED,
    application_unavailable = UNAVAILABLE,
    application_not_found = NOT_FOUND,
    application_unknown_state = UNKNOWN_STATE,
    application_silent = SILENT,
    application_without_refer = NO_REFER,
    application_attended = ATTENDED,
    application_attended_elsewhere = ELSEWHERE,
}

/// For the table.
pub static ALL: &[&Scenario] = &[
    &ANSWERED,
    &DECLINED,
    &UNAVAILABLE,
    &NOT_FOUND,
    &UNKNOWN_STATE,
    &SILENT,
    &NO_REFER,
    &ATTENDED,
    &ELSEWHERE,
];
