//! Input that cannot be used: a sentence with its place, and 2.

use super::*;

#[test]
fn what_is_no_request_ends_with_2_and_says_where() {
    let (stdout, stderr) = unusable(&["explain", "no-message.sip"], b"");
    assert_eq!(stdout, "");
    assert!(stderr.contains("no-message.sip: this is no SIP message: byte 66 (line 3, column 1)"));
    assert!(stderr.contains("\n  this is no header\n  ^\nR200"), "{stderr}");
    let (stdout, _) = unusable(&["explain", "no-message.sip", "--json"], b"");
    let error = json!({
        "what": "expected a header name and \":\"", "offset": 66, "rule": "R200",
    });
    assert_eq!(serde_json::from_str::<Value>(&stdout).unwrap(), json!({ "error": error }));
    let (stdout, stderr) = unusable(&["explain", "response.sip", "--json"], b"");
    assert!(stderr.contains("expected a request, found a response"), "{stderr}");
    let found: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(found["error"]["what"], "expected a request, found a response");
    for bytes in [&b""[..], b"\r\n", b"\0", &[0xff; 100], b"INVITE sip:a@b SIP/3.0\r\n\r\n"] {
        assert!(unusable(&["explain", "-"], bytes).1.contains("no SIP message"), "{bytes:?}");
    }
    for path in ["there-is-no-such-file", "/"] {
        assert!(unusable(&["explain", path], b"").1.contains(path));
    }
}

#[test]
fn a_bad_configuration_is_refused_with_its_place() {
    for (toml, expected) in [
        ("[endpoints.bob]\ncontxt = \"x\"", "endpoints.bob: there is no setting \"contxt\""),
        ("refer.alow = true", "there is no setting \"refer.alow\""),
        ("[refre]", "there is no setting \"refre\""),
        (
            "refer.allow = \"maybe\"",
            ": refer.allow: \"maybe\" is neither yes nor no; expected yes or no",
        ),
        (
            "[endpoints.bob]\nrefer.allow = \"maybe\"",
            "endpoints.bob: refer.allow: \"maybe\" is neither yes nor no; expected yes or no",
        ),
        ("refer.accept_code = 201", "refer.accept_code: \"201\" is no choice"),
        ("refer.max_depth = 1.5", "refer.max_depth: a number with a fraction does not fit"),
        ("context = true", "context: true or false does not fit; expected a dialplan context"),
        ("context = [\"a\"]", "context: an array does not fit"),
        ("supported = [1]", "supported: the array holds an integer and should hold strings"),
        ("supported = [\"a,b\"]", "\"a,b\" is more than one entry"),
        ("refer.allow = true\n\"refer.allow\" = false", "refer.allow is set twice"),
        ("[endpoints.bob]\n\"warning.agent\" = \"x\"", "endpoints.bob: warning.agent can only be"),
        ("[endpoints.bob]\nuser = \"\"", "endpoints.bob: user: expected"),
        ("endpoints = 1", "endpoints: expected a table, found an integer"),
        ("endpoints.bob = 1", "endpoints.bob: expected a table, found an integer"),
        ("[endpoints.\"\"]", "an endpoint has a name"),
        ("[dialplan]\ncontext = {}", "dialplan: there is no key \"context\"; expected contexts"),
        ("[dialplan]\ncontexts = 1", "dialplan: contexts: expected a table"),
        ("[dialplan]\ncontexts.a = \"1\"", "dialplan: contexts.a: expected an array"),
        ("[dialplan]\ncontexts.a = [true]", "dialplan: contexts.a: expected extensions"),
        ("a = 1\nb = = 2", "line 2, column 5: this is no TOML"),
        ("\n\u{1}", "line 2, column 2: this is no TOML"),
    ] {
        let path = scratch_file("config.toml", toml.as_bytes());
        let (stdout, stderr) = unusable(&["explain", "--config", &path, "invite-plain.sip"], b"");
        assert!(stdout.is_empty() && stderr.contains("cli-config.toml: "), "{toml}: {stderr}");
        assert!(stderr.contains(expected), "{toml}: {stderr}");
    }
    let path = scratch_file("latin.toml", b"a = 1\nb = \"\xe4\"\n");
    let (_, stderr) = unusable(&["explain", "--config", &path, "invite-plain.sip"], b"");
    assert!(stderr.contains("line 2: this is no UTF-8"), "{stderr}");
}

#[test]
fn bad_dialogs_are_refused_with_their_place() {
    let whole = "[[dialogs]]\ncall_id = \"a\"\nlocal_tag = \"b\"\nstate = \"early\"\ninitiator = \"local\"\n";
    for (toml, expected) in [
        (
            whole.replace("call_id", "callid"),
            "dialog 1: there is no key \"callid\"; expected call_id,",
        ),
        (whole.replace("call_id = \"a\"", ""), "dialog 1: call_id is missing"),
        (whole.replace("\"b\"", "\"\""), "dialog 1: local_tag is empty"),
        (whole.replace("\"b\"", "7"), "dialog 1: local_tag: expected a string, found an integer"),
        (
            format!("{whole}{}", whole.replace("early", "up")),
            "dialog 2: state: \"up\" is no choice; expected early, confirmed, terminated",
        ),
        (whole.replace("local\"", "me\""), "dialog 1: initiator: \"me\" is no choice"),
        (
            format!("{whole}usage = \"call\""),
            "usage: \"call\" is no choice; expected invite, other",
        ),
        (format!("{whole}secure = \"no\""), "secure: expected true or false, found a string"),
        ("dialogs = 1".to_owned(), "dialogs: expected [[dialogs]], found an integer"),
        ("dialogs = [1]".to_owned(), "dialog 1: expected a table, found an integer"),
        (whole.replace("dialogs", "dialog"), "there is no key \"dialog\"; expected [[dialogs]]"),
    ] {
        let path = scratch_file("dialogs.toml", toml.as_bytes());
        let (_, stderr) = unusable(&["explain", "--dialogs", &path, "invite-plain.sip"], b"");
        assert!(stderr.contains("cli-dialogs.toml: "), "{toml}: {stderr}");
        assert!(stderr.contains(expected), "{toml}: {stderr}");
    }
}

#[test]
fn a_wrong_command_line_ends_with_2() {
    for (args, expected) in [
        (&[][..], "expected a command"),
        (&["explane"], "there is no command \"explane\""),
        (&["help", "explane"], "there is no command \"explane\""),
        (&["explain"], "expected a FILE, or - for stdin"),
        (&["explain", "a", "b"], "unexpected \"b\""),
        (&["explain", "--confg", "x", "a"], "--confg"),
        (&["explain", "a", "--config"], "--config"),
        (&["explain", "--endpoint", "a", "--endpoint", "b", "f"], "--endpoint is given twice"),
        (&["explain", "--depth", "-1", "f"], "\"-1\" is no number"),
        (&["explain", "--endpoint", "", "invite-plain.sip"], "--endpoint: expected a name"),
        (
            &["explain", "--config", "pbx.toml", "--endpoint", "eve", "invite-plain.sip"],
            "there is no endpoint \"eve\" in the configuration; it has abroad, alice, bob,",
        ),
        (&["parse"], "expected replaces, refer-to, referred-by or sipfrag"),
        (&["parse", "via", "x"], "found \"via\""),
        (&["parse", "replaces"], "expected a VALUE"),
        (&["parse", "replaces", "--config", "x", "y"], "--config"),
        (&["settings", "x"], "unexpected \"x\""),
        (&["rules", "R027"], "there is no rule \"R027\""),
        (&["rules", "+14"], "there is no rule \"+14\""),
        (&["--json"], "--json"),
    ] {
        let (stdout, stderr) = unusable(args, b"");
        assert_eq!(stdout, "", "{args:?}");
        assert!(stderr.contains(expected), "{args:?}: {stderr}");
    }
}
