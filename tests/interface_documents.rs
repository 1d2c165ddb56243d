//! `docs/asyncapi.json` and `docs/bridge-openapi.json` say what is true: they are well formed, their references lead somewhere, their examples
//! fit their schemas, no route is missing, and whatever a real bridge sends fits what they say about it.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use support::AGENT;
use support::bridge::{Bridge, Settings};
use support::caller::Caller;
use support::dashboard::Dashboard;
use support::http::Request;
use support::symbl_server::{Handshake, SymblServer};
use support::wait::wait_until;

const SOCKETS: &str = "docs/asyncapi.json";
const REST: &str = "docs/bridge-openapi.json";

/// What the documents say of routes that are no path of theirs.
const ELSEWHERE: [(&str, &str); 3] = [
    ("/twilio/media", "Twilio's own protocol; docs/twilio.md"),
    ("/twilio/media/", "the same"),
    ("//symbl/updates", "another spelling, named in the channel's description"),
];

fn read(file: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{file}: {error}"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// Returns the document that a reference in `file` leads to, and the place in it.
fn target(file: &str, reference: &str) -> (String, String) {
    let (other, pointer) = reference.split_once('#').expect("a place in a document");
    let other = if other.is_empty() { file.to_owned() } else { format!("docs/{other}") };
    (other, pointer.to_owned())
}

/// Returns a validator of one schema, given by a reference in `file`.
fn validator(file: &str, reference: &str) -> jsonschema::Validator {
    let (file, pointer) = target(file, reference);
    let mut document = read(&file);
    let object = document.as_object_mut().expect("an object");
    // The schema is the document with another beginning, so that references within it still lead somewhere.
    object.remove("anyOf");
    object.insert("$ref".to_owned(), Value::from(format!("#{pointer}")));
    jsonschema::options()
        .with_draft(jsonschema::Draft::Draft202012)
        .build(&document)
        .unwrap_or_else(|error| panic!("{file}#{pointer}: {error}"))
}

fn assert_fits(validator: &jsonschema::Validator, value: &Value, what: &str) {
    let faults: Vec<String> =
        validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(faults.is_empty(), "{what}: {faults:?} in {value}");
}

/// Visits every object of a document.
fn visit(value: &Value, seen: &mut dyn FnMut(&serde_json::Map<String, Value>)) {
    match value {
        Value::Object(object) => {
            seen(object);
            object.values().for_each(|inner| visit(inner, seen));
        }
        Value::Array(items) => items.iter().for_each(|inner| visit(inner, seen)),
        _ => {}
    }
}

#[test]
fn the_documents_are_what_their_specifications_demand() {
    for (file, meta) in [
        (SOCKETS, "tests/metaschemas/asyncapi-3.0.0.json"),
        (REST, "tests/metaschemas/openapi-3.1.json"),
        ("docs/openapi.json", "tests/metaschemas/openapi-3.1.json"),
    ] {
        let meta = jsonschema::validator_for(&read(meta)).expect("a schema");
        let document = read(file);
        assert_fits(&meta, &document, file);
        assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"), "{file}");
        let mut broken = document;
        broken["info"] = json!("symbl-bridge");
        assert!(!meta.is_valid(&broken), "{meta:?} takes anything");
    }
    for file in ["update", "client-message", "server-message"] {
        let schema = read(&format!("docs/schemas/{file}.json"));
        assert!(jsonschema::meta::is_valid(&schema), "{file}");
    }
}

#[test]
fn every_reference_leads_somewhere() {
    for file in [SOCKETS, REST] {
        let mut followed = 0;
        visit(&read(file), &mut |object| {
            if let Some(reference) = object.get("$ref").and_then(Value::as_str) {
                followed += 1;
                let (other, pointer) = target(file, reference);
                assert!(read(&other).pointer(&pointer).is_some(), "{file}: {reference}");
            }
        });
        assert!(followed > 8, "{file}: references are found wrongly: {followed}");
    }
}

#[test]
fn every_message_of_the_schemas_is_sent_by_some_channel() {
    let mut named = BTreeSet::new();
    visit(&read(SOCKETS)["components"]["messages"], &mut |object| {
        named.extend(object.get("$ref").and_then(Value::as_str).map(str::to_owned));
    });
    for file in ["update", "server-message", "client-message"] {
        for message in read(&format!("docs/schemas/{file}.json"))["anyOf"].as_array().unwrap() {
            let reference = format!("schemas/{file}.json{}", message["$ref"].as_str().unwrap());
            assert!(named.contains(&reference), "{reference}");
        }
    }
}

#[test]
fn every_example_fits_its_schema() {
    let sockets = read(SOCKETS);
    let mut examples = 0;
    for (name, message) in sockets["components"]["messages"].as_object().unwrap() {
        for example in message["examples"].as_array().into_iter().flatten() {
            examples += 1;
            let payload = validator(SOCKETS, message["payload"]["$ref"].as_str().unwrap());
            assert_fits(&payload, &example["payload"], name);
        }
    }
    visit(&read(REST), &mut |object| {
        if let (Some(example @ Value::Object(_)), Some(schema)) =
            (object.get("example"), object.get("schema"))
        {
            examples += 1;
            let reference = schema["$ref"].as_str().expect("schemas of bodies are named");
            assert_fits(&validator(REST, reference), example, reference);
        }
    });
    assert!(examples > 20, "examples are found wrongly: {examples}");
}

/// Returns a path with the names of its parts left out.
fn nameless(path: &str) -> String {
    path.split('/').map(|part| if part.starts_with('{') { "{}" } else { part }).collect::<Vec<_>>().join("/")
}

/// Returns the files that may have routes of the bridge; the engine has a document of its own, made from its code.
fn sources() -> Vec<PathBuf> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders: Vec<PathBuf> = ["app", "bridge", "dashboard"].map(|folder| source.join(folder)).into();
    let mut files = vec![source.join("app.rs")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder of sources") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files
}

#[test]
fn no_route_is_missing() {
    let (sockets, rest) = (read(SOCKETS), read(REST));
    let channels = sockets["channels"].as_object().unwrap().values();
    let mut known: BTreeSet<String> =
        channels.map(|channel| nameless(channel["address"].as_str().unwrap())).collect();
    known.extend(rest["paths"].as_object().unwrap().keys().map(|path| nameless(path)));
    known.extend(ELSEWHERE.map(|(path, _)| path.to_owned()));
    let mut routes = BTreeSet::new();
    for file in sources() {
        let text = std::fs::read_to_string(&file).expect("a source file");
        for service in text.split(".service(").skip(1) {
            let head = service.split(')').next().unwrap();
            for path in head.split('"').skip(1).step_by(2) {
                routes.insert(nameless(path));
                let file = file.display();
                assert!(known.contains(&nameless(path)), "{path} of {file} is in neither document");
            }
        }
    }
    let paths = rest["paths"].as_object().unwrap().keys();
    let promised: Vec<&String> = paths.filter(|path| !routes.contains(&nameless(path))).collect();
    assert!(promised.is_empty(), "{promised:?} are in the document, and in no source file");
}

/// Validators of all messages of the updates socket, by type.
fn updates() -> BTreeMap<String, jsonschema::Validator> {
    let document = read(SOCKETS);
    let messages = document["channels"]["updates"]["messages"].as_object().unwrap();
    let validators = messages.iter().map(|(name, message)| {
        let (_, pointer) = target(SOCKETS, message["$ref"].as_str().unwrap());
        let payload = document.pointer(&pointer).unwrap()["payload"]["$ref"].as_str().unwrap().to_owned();
        (name.clone(), validator(SOCKETS, &payload))
    });
    validators.collect()
}

/// Everything that a dashboard was sent.
fn received(dashboard: &mut Dashboard) -> Vec<Value> {
    let texts = dashboard.socket().texts().into_iter();
    texts.map(|received| serde_json::from_str(&received.text).expect("JSON")).collect()
}

#[tokio::test]
async fn every_update_of_a_real_bridge_fits_the_document() {
    let documented = updates();
    let server = SymblServer::start().await;
    let bridge = Bridge::start(&server.base_url()).await;
    let first = Dashboard::join_at(bridge.address, "/symbl/updates?after=0").await;
    let mut call = Caller::new(AGENT).call(&bridge, "").await;
    call.speak(5).await;
    let started = first.wait_for("connection_started", &call.caller.call_sid).await;

    // The start_request that a leg sends is the one that the document shows.
    let leg = server.leg_that_hears(&call.caller.first_bytes()).await;
    let start = leg.texts().into_iter().find(|text| text["type"] == "start_request").expect("a start");
    assert_fits(
        &validator(SOCKETS, "schemas/client-message.json#/$defs/start_request"),
        &start,
        "start_request",
    );

    leg.reset();
    first.wait_for("connection_resumed", &call.caller.call_sid).await;
    let late = Dashboard::join(&bridge).await;
    late.wait_for("connection_exists", &call.caller.call_sid).await;
    call.hang_up(&bridge).await;
    first.wait_for("connection_stopped", &call.caller.call_sid).await;

    // Another call finds the server closed to it for good.
    server.script(|script| script.handshake = Handshake::Refuse(401));
    let mut refused = Caller::new(AGENT).call(&bridge, "").await;
    refused.speak(5).await;
    first.wait_for("connection_failed", &refused.caller.call_sid).await;
    first.wait_for("connection_stopped", &refused.caller.call_sid).await;

    let after = format!("/symbl/updates?after={}", started.value["id"]);
    let back = Dashboard::join_at(bridge.address, &after).await;
    back.wait_for("connection_stopped", &refused.caller.call_sid).await;

    let mut seen = BTreeSet::new();
    for mut dashboard in [first, late, back] {
        for received in received(&mut dashboard) {
            let kind = received["type"].as_str().unwrap().to_owned();
            let validator =
                documented.get(&kind).unwrap_or_else(|| panic!("{kind} is not documented: {received}"));
            assert_fits(validator, &received, &kind);
            seen.insert(kind);
        }
    }
    assert_eq!(seen, documented.into_keys().collect(), "left: what was sent; right: what is documented");
    bridge.finish().await;
}

/// Asks a bridge, and holds status and JSON body to the document. Gives the body.
async fn ask(bridge: &Bridge, method: &str, target: &str, path: &str, body: Option<Value>) -> Value {
    let mut request = Request::new(method, target);
    if let Some(body) = body {
        request = request.body("application/json", body.to_string());
    }
    let answer = request.send(bridge.address).await;
    let document = read(REST);
    let operation = &document["paths"][path][method.to_lowercase()];
    let said = &operation["responses"][answer.status.to_string()];
    assert!(said.is_object(), "{method} {target}: {} is not documented: {}", answer.status, answer.body);
    let Some(content) = said["content"].as_object() else {
        assert!(answer.body.is_empty(), "{method} {target}: a body that is not documented: {}", answer.body);
        return Value::Null;
    };
    let given = answer.header("content-type").unwrap_or_default().split(';').next().unwrap_or_default();
    let documented = content.get(given);
    let documented = documented.unwrap_or_else(|| panic!("{method} {target}: {given} is not documented"));
    if given != "application/json" {
        return Value::from(answer.body);
    }
    let value = serde_json::from_str(&answer.body).expect("JSON");
    assert_fits(&validator(REST, documented["schema"]["$ref"].as_str().unwrap()), &value, target);
    value
}

#[tokio::test]
async fn every_answer_of_a_real_bridge_fits_the_document() {
    let server = SymblServer::start().await;
    let bridge = Bridge::start(&server.base_url()).await;
    let mut call = Caller::new(AGENT).call(&bridge, "").await;
    call.speak(5).await;
    let dashboard = Dashboard::join(&bridge).await;
    wait_until("the leg", || !dashboard.updates().is_empty()).await;
    for (method, path) in [
        ("GET", "/healthz"),
        ("GET", "/readyz"),
        ("GET", "/metrics"),
        ("GET", "/symbl/session"),
        ("POST", "/symbl/token"),
    ] {
        ask(&bridge, method, path, path, None).await;
    }
    ask(&bridge, "DELETE", "/symbl/session", "/symbl/session", None).await;
    let legs = ask(&bridge, "GET", "/symbl/legs", "/symbl/legs", None).await;
    for file in ["index.html", "main.js", "styles.css", "icon.svg", "none"] {
        ask(&bridge, "GET", &format!("/dashboard/{file}"), "/dashboard/{file}", None).await;
    }
    ask(&bridge, "GET", "/", "/", None).await;
    let connection_id = legs["legs"][0]["connectionId"].as_str().expect("a live leg");
    for (id, is_live) in [(connection_id, true), ("nobody", false)] {
        let target = format!("/symbl/legs/{id}");
        let legs = ask(&bridge, "GET", &target, "/symbl/legs/{connectionId}", None).await;
        assert_eq!(legs["legs"].is_array(), is_live, "{legs}");
    }
    bridge.finish().await;

    let secret = "an-access-token-of-this-test";
    let settings = Settings::with_upstream(&server.base_url()).public("bridge.example.com");
    let bridge = settings.set("BRIDGE__UPDATES__TOKEN", secret).start().await;
    for (token, is_right) in [(secret, true), ("wrong", false)] {
        let body =
            ask(&bridge, "POST", "/symbl/session", "/symbl/session", Some(json!({ "token": token }))).await;
        assert_eq!(body.is_null(), is_right);
        ask(&bridge, "GET", &format!("/?token={token}"), "/", None).await;
    }
    ask(&bridge, "GET", "/symbl/session", "/symbl/session", None).await;
    ask(&bridge, "POST", "/symbl/token", "/symbl/token", None).await;
    for path in ["/symbl/legs", "/metrics"] {
        ask(&bridge, "GET", path, path, None).await;
    }
    bridge.finish().await;
}
