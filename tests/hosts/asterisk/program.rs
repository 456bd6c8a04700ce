//! A small program over the REST interface that transfers calls by itself (ARI), within one Asterisk
//! and between two: what is left of both calls is connected, by a new call between the Asterisks
//! where they are two. A call that is not the program's own it cannot transfer, and says so.

use super::application::{add, bridge, called, controlled, told, transfer_event};
use super::application::{Controlled, Told};
use super::ari::Application;
use super::config::{Group, UDP};
use super::process::Asterisk;
use super::scenario::{fate, played, Scenario, Seen};
use super::world::Scene;
use crate::ua::call::flows;
use crate::ua::{Call, Phone};
use serde_json::Value;
use std::sync::Mutex;

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// The program as it runs at one Asterisk.
struct Side<'w> {
    at: &'w Asterisk,
    app: &'w Application,
}

impl Side<'_> {
    /// The channels that are the program's.
    fn own(&self) -> Vec<String> {
        let (code, found) = self.at.ari.get(&format!("/applications/{}", self.app.name), &[]);
        assert_eq!(code, 200, "{found}");
        found["channel_ids"]
            .as_array()
            .map(|ids| ids.iter().map(text).collect())
            .unwrap_or_default()
    }

    fn variable(&self, channel: &str, name: &str) -> String {
        let path = format!("/channels/{channel}/variable");
        text(&self.at.ari.get(&path, &[("variable", name)]).1["value"])
    }

    /// The channel of the program whose dialog this is, with the tags as they are seen from here.
    fn find(&self, call_id: &str, local: &str, remote: &str) -> Option<String> {
        self.own().into_iter().find(|id| {
            self.variable(id, "CHANNEL(pjsip,call-id)") == call_id
                && self.variable(id, "CHANNEL(pjsip,local_tag)") == local
                && self.variable(id, "CHANNEL(pjsip,remote_tag)") == remote
        })
    }

    fn bridge_of(&self, channel: &str) -> Option<String> {
        let (_, bridges) = self.at.ari.get("/bridges", &[]);
        let within = |one: &&Value| {
            let channels = one["channels"].as_array();
            channels.is_some_and(|all| all.iter().any(|id| id == channel))
        };
        bridges.as_array()?.iter().find(within).map(|one| text(&one["id"]))
    }

    /// Puts a channel into a bridge in the place of another.
    fn replace(&self, bridge: &str, old: &str, new: &str) {
        let path = format!("/bridges/{bridge}/removeChannel");
        assert_eq!(self.at.ari.post(&path, &[("channel", old)]).0, 204);
        add(self.at, bridge, &[new]);
    }
}

/// The program.
struct Program<'w> {
    here: Side<'w>,
    there: Side<'w>,
    links: Mutex<Vec<Application>>,
}

impl<'w> Program<'w> {
    fn new(here: Side<'w>, there: Side<'w>) -> Program<'w> {
        Program { here, there, links: Mutex::default() }
    }

    /// Does what a ChannelTransfer event asks for, and says how it went.
    fn serve(&self, event: &Value) {
        let transferor = text(&event["referred_by"]["source_channel"]["id"]);
        let bridge = text(&event["referred_by"]["bridge"]["id"]);
        self.say(&transferor, "channel_progress");
        let done = match event["refer_to"]["destination_channel"]["id"].as_str() {
            Some(second) => self.within(event, &bridge, &transferor, second),
            None => self.between(event, &bridge, &transferor),
        };
        self.say(&transferor, done.map_or("channel_unavailable", |()| "channel_answered"));
    }

    fn say(&self, channel: &str, state: &str) {
        let path = format!("/channels/{channel}/transfer_progress");
        assert_eq!(self.here.at.ari.post(&path, &[("states", state)]).0, 204);
    }

    /// Both calls are here.
    fn within(&self, event: &Value, bridge: &str, transferor: &str, second: &str) -> Option<()> {
        let target = event["refer_to"]["connected_channel"]["id"].as_str()?;
        if !self.here.own().iter().any(|id| id == second) {
            return None;
        }
        self.here.replace(bridge, transferor, target);
        Some(())
    }

    /// The second call is at the other Asterisk: a new call connects both.
    fn between(&self, event: &Value, bridge: &str, transferor: &str) -> Option<()> {
        let wanted = &event["refer_to"]["requested_destination"];
        let call_id = wanted["protocol_id"].as_str()?;
        let parameter = |name: &str| {
            let all = wanted["additional_protocol_params"].as_array()?;
            let found = all.iter().find(|one| one["parameter_name"] == name)?;
            Some(text(&found["parameter_value"]))
        };
        let second = self.there.find(call_id, &parameter("to")?, &parameter("from")?)?;
        let target_bridge = self.there.bridge_of(&second)?;
        let name = format!("applink-{}", self.here.app.name);
        let link = self.there.at.ari.application(&name);
        let endpoint = format!("PJSIP/{name}@trunk");
        let query = [("endpoint", endpoint.as_str()), ("app", &self.here.app.name)];
        let (code, made) = self.here.at.ari.post("/channels", &query);
        assert_eq!(code, 200, "{made}");
        let own_end = text(&made["id"]);
        let their_end = text(&link.wait("StasisStart", 0, |_| true)["channel"]["id"]);
        let answer = format!("/channels/{their_end}/answer");
        assert_eq!(self.there.at.ari.post(&answer, &[]).0, 204);
        self.here.app.wait("StasisStart", 0, |event| event["channel"]["id"] == own_end.as_str());
        self.there.replace(&target_bridge, &second, &their_end);
        self.here.replace(bridge, transferor, &own_end);
        self.links.lock().expect("no panic in the program").push(link);
        Some(())
    }
}

/// A second call of Bob into the program at an Asterisk, and a phone that the program calls for it.
fn second(at: &Asterisk, app: &Application, bob: &Phone, other: &Phone, uri: &str) -> (Call, Call) {
    let prefix = format!("PJSIP/{}-", bob.name());
    let is_bobs = |event: &Value| {
        event["type"] == "StasisStart" && text(&event["channel"]["name"]).starts_with(&prefix)
    };
    let before = app.events().iter().filter(|event| is_bobs(event)).count();
    let own = bob.call_uri(uri);
    let event = app.wait("StasisStart", before, is_bobs);
    let channel = text(&event["channel"]["id"]);
    assert_eq!(at.ari.post(&format!("/channels/{channel}/answer"), &[]).0, 204);
    own.until_up();
    let (call, other_channel) = called(at, app, other, Told::Endpoint);
    bridge(at, &[&channel, &other_channel]);
    flows(&own, &call);
    (own, call)
}

/// Bob asks for the transfer, the program does it, and Bob is told.
fn asked(all: &Controlled, program: &Program<'_>, second: &Call, seen: &mut Seen) {
    let refer = all.bob.refer_to_call(second);
    seen.note("REFER", refer.status());
    program.serve(&transfer_event(&all.app, &all.bob_channel));
    seen.note("NOTIFYs", told(&refer));
}

/// Both of Bob's calls are over for him, and the others talk.
fn connected(all: &Controlled, second: &Call, third: &Call, seen: &mut Seen) {
    flows(&all.alice, third);
    seen.note(
        "Bob's BYEs",
        format!("{}, {}", all.bob.hang_up().status(), second.hang_up().status()),
    );
    flows(&all.alice, third);
    seen.note("Alice's call", fate(&all.alice));
}

fn untouched(all: &Controlled, second: &Call, third: &Call, seen: &mut Seen) {
    flows(&all.alice, &all.bob);
    flows(second, third);
    seen.note("Alice's call", fate(&all.alice));
}

static WITHIN: Scenario = Scenario {
    title: "ARI program: attended, both calls are its own, at one Asterisk",
    play: |scene, _group, seen| {
        let all = controlled(scene, Told::Endpoint);
        let (a, carol) = (&scene.world.a, scene.phone(UDP));
        let uri = scene.server(UDP, a).uri(&all.app.name);
        let (own, third) = second(a, &all.app, all.bob.phone(), &carol, &uri);
        let side = || Side { at: a, app: &all.app };
        asked(&all, &Program::new(side(), side()), &own, seen);
        connected(&all, &own, &third, seen);
    },
    cells: &[
        ("REFER", "202", "202"),
        ("NOTIFYs", "100 Trying, 200 OK", "100 Trying, 200 OK"),
        ("Bob's BYEs", "200, 200", "200, 200"),
        ("Alice's call", "goes on", "goes on"),
    ],
};

static BETWEEN: Scenario = Scenario {
    title: "ARI program: attended, the second call is its own at another Asterisk",
    play: |scene, _group, seen| {
        let all = controlled(scene, Told::Endpoint);
        let b = &scene.world.b;
        let app = b.ari.application(&all.app.name);
        let dave = scene.phone_at(UDP, b);
        let uri = scene.server(UDP, b).uri(&app.name);
        let (own, third) = second(b, &app, all.bob.phone(), &dave, &uri);
        let here = Side { at: &scene.world.a, app: &all.app };
        let program = Program::new(here, Side { at: b, app: &app });
        asked(&all, &program, &own, seen);
        connected(&all, &own, &third, seen);
    },
    cells: &[
        ("REFER", "202", "202"),
        ("NOTIFYs", "100 Trying, 200 OK", "100 Trying, 200 OK"),
        ("Bob's BYEs", "200, 200", "200, 200"),
        ("Alice's call", "goes on", "goes on"),
    ],
};

/// The second call went through the dialplan.
fn foreign(scene: &Scene<'_>, at: &Asterisk, group: &'static Group, seen: &mut Seen) {
    let all = controlled(scene, Told::Endpoint);
    let app = scene.world.b.ari.application(&all.app.name);
    let other = scene.phone_at(group, at);
    let uri = scene.server(UDP, at).uri(other.name());
    let talk = all.bob.phone().call_uri(&uri).answered_by(&other);
    talk.flows();
    let here = Side { at: &scene.world.a, app: &all.app };
    let program = Program::new(here, Side { at: &scene.world.b, app: &app });
    asked(&all, &program, &talk.caller, seen);
    untouched(&all, &talk.caller, &talk.callee, seen);
}

static FOREIGN: Scenario = Scenario {
    title: "ARI program: attended, the second call is in the dialplan",
    play: |scene, group, seen| foreign(scene, &scene.world.a, group, seen),
    cells: &[
        ("REFER", "202", "202"),
        ("NOTIFYs", "100 Trying, 503 Service Unavailable", "100 Trying, 503 Service Unavailable"),
        ("Alice's call", "goes on", "goes on"),
    ],
};

static FOREIGN_ELSEWHERE: Scenario = Scenario {
    title: "ARI program: attended, the second call is in the dialplan of another Asterisk",
    play: |scene, group, seen| foreign(scene, &scene.world.b, group, seen),
    cells: &[
        ("REFER", "202", "202"),
        ("NOTIFYs", "100 Trying, 503 Service Unavailable", "100 Trying, 503 Service Unavailable"),
        ("Alice's call", "goes on", "goes on"),
    ],
};

played! { UDP:
    program_within = WITHIN,
    program_between = BETWEEN,
    program_with_a_foreign_call = FOREIGN,
    program_with_a_foreign_call_elsewhere = FOREIGN_ELSEWHERE,
}

/// For the table.
pub static ALL: &[&Scenario] = &[&WITHIN, &BETWEEN, &FOREIGN, &FOREIGN_ELSEWHERE];
