//! Events are read back with a JSON library and checked against the schema file.

use super::*;
use serde_json::{json, Value};

const SCHEMA: &str = include_str!("../../../tests/schema/channel_transfer.schema.json");

fn named<'a>(id: &'a str, name: &'a str) -> Party<'a> {
    Party::Named { id: id.as_bytes(), name: name.as_bytes() }
}

fn printed(event: &ChannelTransfer<'_>) -> String {
    let mut room = [0; 8_192];
    let mut out = Writer::new(&mut room);
    event.print(&mut out);
    assert!(!out.overflowed());
    String::from_utf8(out.written().to_vec()).unwrap()
}

/// Parsed, and found to be what the schema says.
fn checked(event: &ChannelTransfer<'_>) -> Value {
    let text = printed(event);
    let value: Value = serde_json::from_str(&text).expect(&text);
    let schema = jsonschema::validator_for(&serde_json::from_str(SCHEMA).unwrap()).unwrap();
    let errors: Vec<String> = schema.iter_errors(&value).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?} in {text}");
    value
}

fn blind<'a>(source: Leg<'a>) -> ChannelTransfer<'a> {
    ChannelTransfer {
        application: b"",
        timestamp: b"",
        state: None,
        wanted: Wanted::Destination(b"2000"),
        params: &[],
        refer_to: None,
        referred_by: source,
    }
}

fn alone<'a>(channel: Party<'a>) -> Leg<'a> {
    Leg { channel, others: &[], bridge: None }
}

#[test]
fn r095_a_blind_transfer_names_its_destination_and_both_channels() {
    let others = [named("1.1", "PJSIP/alice-1")];
    let channels: [&[u8]; 2] = [b"1.1", b"1.2"];
    let bridge = Bridge { bridge: named("b1", ""), channels: &channels };
    let source =
        Leg { channel: named("1.2", "PJSIP/bob-2"), others: &others, bridge: Some(bridge) };
    let mut event = blind(source);
    assert_eq!(
        checked(&event),
        json!({
            "type": "ChannelTransfer",
            "refer_to": {"requested_destination": {"destination": "2000"}},
            "referred_by": {
                "source_channel": {"id": "1.2", "name": "PJSIP/bob-2"},
                "connected_channel": {"id": "1.1", "name": "PJSIP/alice-1"},
                "bridge": {"id": "b1", "channels": ["1.1", "1.2"]},
            },
        })
    );
    event.state = Some(AppState::Unavailable);
    event.application = b"transfers";
    event.timestamp = b"2026-11-21T10:00:00.000+0000";
    let value = checked(&event);
    assert_eq!(value["state"], "channel_unavailable");
    assert_eq!(value["application"], "transfers");
    assert_eq!(value["timestamp"], "2026-11-21T10:00:00.000+0000");
}

#[test]
fn r095_an_attended_transfer_names_the_dialog_and_all_four_channels() {
    let alice = [named("1.1", "A")];
    let carol = [named("2.2", "D")];
    let bridge = |id| Some(Bridge { bridge: named(id, ""), channels: &[] });
    let event = ChannelTransfer {
        wanted: Wanted::Dialog(Replaces::new(b"a@h", b"ours", b"theirs", false, b"").unwrap()),
        params: &[(b"refer-to", b"sip:carol@h")],
        refer_to: Some(Leg { channel: named("2.1", "C"), others: &carol, bridge: bridge("b2") }),
        ..blind(Leg { channel: named("1.2", "B"), others: &alice, bridge: bridge("b1") })
    };
    let value = checked(&event);
    assert_eq!(
        value["refer_to"],
        json!({
            "requested_destination": {
                "protocol_id": "a@h",
                "additional_protocol_params": [
                    {"parameter_name": "from", "parameter_value": "theirs"},
                    {"parameter_name": "to", "parameter_value": "ours"},
                    {"parameter_name": "refer-to", "parameter_value": "sip:carol@h"},
                ],
            },
            "destination_channel": {"id": "2.1", "name": "C"},
            "connected_channel": {"id": "2.2", "name": "D"},
            "bridge": {"id": "b2"},
        })
    );
    // With several PBXs the dialog is elsewhere: only what the REFER says.
    let elsewhere = ChannelTransfer { refer_to: None, ..event };
    let value = checked(&elsewhere);
    assert_eq!(value["refer_to"].as_object().unwrap().len(), 1);
    assert_eq!(value["refer_to"]["requested_destination"]["protocol_id"], "a@h");
}

#[test]
fn a_bridge_of_three_or_more_has_no_connected_channel() {
    let others = [named("1.1", "A"), named("1.3", "E")];
    let channels: [&[u8]; 3] = [b"1.1", b"1.2", b"1.3"];
    let bridge = Some(Bridge { bridge: named("b1", "conference"), channels: &channels });
    let value = checked(&blind(Leg { channel: named("1.2", "B"), others: &others, bridge }));
    let source = &value["referred_by"];
    assert!(source.get("connected_channel").is_none());
    assert_eq!(source["bridge"]["channels"], json!(["1.1", "1.2", "1.3"]));
    let alone = checked(&blind(Leg { channel: named("1.2", "B"), others: &[], bridge }));
    assert!(alone["referred_by"].get("connected_channel").is_none());
}

#[test]
fn an_object_of_the_host_is_printed_as_it_is_and_only_if_it_is_one() {
    let text = br#" {"id":"1.2","name":"PJSIP/bob","caller":{"name":"","number":"2"}} "#;
    let object = JsonObject::parse(text).unwrap();
    let others = [Party::Object(object)];
    let bridge = JsonObject::parse(br#"{"id":"b","channels":["1.2"]}"#).unwrap();
    let bridge = Some(Bridge { bridge: Party::Object(bridge), channels: &[b"never printed"] });
    let channel = Party::Object(object);
    let value = checked(&blind(Leg { channel, others: &others, bridge }));
    assert_eq!(value["referred_by"]["source_channel"]["caller"]["number"], "2");
    assert_eq!(value["referred_by"]["bridge"]["channels"], json!(["1.2"]));
    assert!(JsonObject::parse(br#"{"id":"1"},"state":"channel_answered""#).is_none());
}

#[test]
fn r048_hostile_bytes_stay_inside_their_string() {
    let hostile: Vec<u8> = (0..=255).chain(*b"\",\"state\":\"x\"}\\").collect();
    let mut event = blind(alone(Party::Named { id: &hostile, name: &hostile }));
    event.wanted = Wanted::Destination(&hostile);
    event.params = &[(b"\"", b"\xf0\x28\x8c\x28")];
    event.application = &hostile;
    let text = printed(&event);
    assert!(!text.bytes().any(|byte| byte < b' ' || byte == 0x7f), "{text}");
    let value = checked(&event);
    assert!(value.get("state").is_none());
    let lossy = String::from_utf8_lossy(&hostile).into_owned();
    assert_eq!(value["refer_to"]["requested_destination"]["destination"], lossy);
    assert_eq!(value["referred_by"]["source_channel"]["name"], lossy);
    let params = &value["refer_to"]["requested_destination"]["additional_protocol_params"];
    assert_eq!(params[0]["parameter_value"], "\u{FFFD}(\u{FFFD}(");
}

#[test]
fn a_buffer_that_is_too_small_tells_the_length_that_is_needed() {
    let event = blind(alone(named("1", "")));
    let whole = printed(&event);
    let mut room = [0; 16];
    let mut out = Writer::new(&mut room);
    event.print(&mut out);
    assert_eq!((out.needed(), out.overflowed()), (whole.len(), true));
}

#[test]
fn states_have_the_names_and_codes_of_the_proposal() {
    let expected = [
        ("channel_progress", 100),
        ("channel_answered", 200),
        ("channel_unavailable", 503),
        ("channel_declined", 603),
        ("channel_not_found", 404),
    ];
    for (state, (name, code)) in AppState::ALL.into_iter().zip(expected) {
        assert_eq!((state.name(), state.code()), (name, code));
        assert_eq!(AppState::from_name(name.as_bytes()), Some(state));
        assert_eq!(state.is_final(), code >= 200);
        let event = ChannelTransfer { state: Some(state), ..blind(alone(named("1", ""))) };
        assert_eq!(checked(&event)["state"], name);
    }
    assert_eq!(AppState::from_name(b"channel_busy"), None);
}

#[test]
fn the_schema_refuses_what_the_model_does_not_know() {
    let schema = jsonschema::validator_for(&serde_json::from_str(SCHEMA).unwrap()).unwrap();
    let good = checked(&blind(alone(named("1", ""))));
    let spoilt = |change: &dyn Fn(&mut Value)| {
        let mut value = good.clone();
        change(&mut value);
        !schema.is_valid(&value)
    };
    assert!(spoilt(&|value| value["state"] = json!("channel_busy")));
    assert!(spoilt(&|value| value["type"] = json!("Transfer")));
    assert!(spoilt(&|value| value["referred_by"] = json!({})));
    assert!(spoilt(&|value| value["refer-to"] = json!({})));
    assert!(spoilt(&|value| value["refer_to"]["requested_destination"] = json!({})));
    assert!(spoilt(&|value| {
        value["refer_to"]["requested_destination"]["protocol_id"] = json!("a@h");
    }));
    assert!(spoilt(&|value| value["refer_to"]["bridge"] = json!({"name": "no id"})));
}
