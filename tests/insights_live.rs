//! What was meant, live: order, scope, thresholds, trackers, redaction (`symbl-protocol` 2.6.5 to 2.6.9 and 2.7).
//! Every frame is checked against `docs/schemas/server-message.json`.

#![allow(clippy::unwrap_used, reason = "what helps a test may fail it")]

mod engine_support;

use std::collections::{BTreeMap, BTreeSet};

use engine_support::{Client, Engine, Said, Scripted, mulaw, settings, start_request};
use serde_json::{Value, json};
use symbl_bridge::engine::store::view::TrackerRecord;

/// What one caller says: something of everything.
const CALL: &str = "Where is my refund? The last bill is wrong and I am very unhappy with it. \
    I will send you the signed form tomorrow. I will call you back on Monday. \
    My phone number is 415 555 0132. That is wonderful news, I am very happy.";

/// Audio of one word.
const WORD_MS: u64 = 200;

/// What stands in the place of what is hidden.
const HIDDEN: &str = "[hidden]";

fn engine(scripts: &[&str]) -> Engine {
    Engine::start_with(settings(), Scripted { word_ms: Some(WORD_MS), ..Scripted::hearing(scripts) })
}

/// A start request that asks for everything but redaction.
fn request(user_id: &str) -> Value {
    let mut request = start_request(user_id);
    request["insightTypes"] = json!(["question", "action_item", "follow_up"]);
    request["config"]["confidenceThreshold"] = json!(0.5);
    request["config"]["sentiment"] = json!(true);
    request["config"]["detectEntities"] = json!(true);
    request["trackers"] = json!([{ "name": "Refund", "vocabulary": ["refund"] }]);
    request
}

/// Lets a leg hear as much audio as these words take.
async fn speak(leg: &mut Client, text: &str) {
    let words = text.split_whitespace().count();
    for _ in 0..words {
        leg.audio(mulaw(WORD_MS as usize)).await;
    }
}

/// Stops a leg; returns every frame that it had not read yet, interim results included, up to its completion.
async fn until_completed(leg: &mut Client) -> Vec<Value> {
    leg.text(r#"{"type":"stop_request"}"#).await;
    let mut frames = Vec::new();
    while frames.last().is_none_or(|frame| kind(frame) != "conversation_completed") {
        match leg.next().await {
            Said::Json(frame) => frames.push(frame),
            other => panic!("{other:?} before the conversation was completed"),
        }
    }
    leg.expect(&["recognition_stopped"]).await;
    leg.close().await;
    while !matches!(leg.next().await, Said::Closed(_) | Said::Lost) {}
    frames
}

/// Returns every frame that a subscriber has not read yet, up to the end.
async fn until_closed(subscriber: &mut Client) -> Vec<Value> {
    let mut frames = Vec::new();
    loop {
        match subscriber.next().await {
            Said::Json(frame) => frames.push(frame),
            _ => return frames,
        }
    }
}

/// Returns what one leg with this request is sent when it hears all of `text`.
async fn call(text: &str, request: &Value) -> Vec<Value> {
    let engine = engine(&[text]);
    let mut leg = engine.leg("call").await;
    leg.start(request).await;
    speak(&mut leg, text).await;
    let frames = until_completed(&mut leg).await;
    engine.end().await;
    frames
}

fn kind(frame: &Value) -> &str {
    match frame["type"].as_str().unwrap() {
        "message" => frame["message"]["type"].as_str().unwrap(),
        flat => flat,
    }
}

fn of_kind<'a>(frames: &'a [Value], wanted: &str) -> Vec<&'a Value> {
    frames.iter().filter(|frame| kind(frame) == wanted).collect()
}

/// Returns the items of an array in every frame of a kind.
fn items<'a>(frames: &'a [Value], wanted: &str, array: &str) -> Vec<&'a Value> {
    of_kind(frames, wanted).into_iter().flat_map(|frame| frame[array].as_array().unwrap()).collect()
}

/// Returns the frames that all legs and subscribers get.
fn shared(frames: &[Value]) -> Vec<&Value> {
    frames.iter().filter(|frame| frame["type"] != "message").collect()
}

fn strings(values: &[&Value], pointer: &str) -> Vec<String> {
    values.iter().map(|value| value.pointer(pointer).unwrap().as_str().unwrap().to_owned()).collect()
}

#[actix_web::test]
async fn whatever_is_found_refers_to_a_message_that_was_sent_before() {
    let frames = call(CALL, &request("+1")).await;
    assert_eq!(kind(frames.last().unwrap()), "conversation_completed", "nothing comes after it");
    let finals: Vec<&Value> = of_kind(&frames, "recognition_result")
        .into_iter()
        .filter(|f| f["message"]["isFinal"] == true)
        .collect();
    let said = strings(&finals, "/message/punctuated/transcript").join(" ");
    let messages = items(&frames, "message_response", "messages");
    assert_eq!(
        strings(&messages, "/payload/content").join(" "),
        said,
        "all that was said, once and in order"
    );

    let (mut spoken, mut sentences, mut seen) = (String::new(), String::new(), Vec::new());
    let mut sequence: BTreeMap<&str, u64> = BTreeMap::new();
    for frame in &frames {
        if let Some(number) = frame["sequenceNumber"].as_u64() {
            let next = sequence.entry(kind(frame)).or_default();
            assert_eq!(number, *next, "{frame}");
            *next += 1;
        }
        let mut refers_to = Vec::new();
        match kind(frame) {
            "recognition_result" if frame["message"]["isFinal"] == true => {
                spoken.push_str(frame["message"]["punctuated"]["transcript"].as_str().unwrap());
                spoken.push(' ');
            }
            "message_response" => {
                for message in frame["messages"].as_array().unwrap() {
                    sentences.push_str(message["payload"]["content"].as_str().unwrap());
                    sentences.push(' ');
                    assert!(spoken.starts_with(&sentences), "{sentences} before its words: {spoken}");
                    assert!(!seen.contains(&&message["id"]), "{message}");
                    seen.push(&message["id"]);
                }
            }
            "insight_response" => {
                for insight in frame["insights"].as_array().unwrap() {
                    refers_to.push(&insight["messageReference"]["id"]);
                    assert!(!seen.contains(&&insight["id"]), "{insight}");
                    seen.push(&insight["id"]);
                }
            }
            "tracker_response" => {
                for found in items(std::slice::from_ref(frame), "tracker_response", "trackers")
                    .iter()
                    .flat_map(|tracker| tracker["matches"].as_array().unwrap())
                {
                    let references =
                        ["messageRefs", "insightRefs"].map(|name| found[name].as_array().unwrap());
                    refers_to.extend(references.into_iter().flatten().map(|reference| &reference["id"]));
                }
            }
            "entity_response" => {
                for found in items(std::slice::from_ref(frame), "entity_response", "entities")
                    .iter()
                    .flat_map(|entity| entity["matches"].as_array().unwrap())
                {
                    refers_to
                        .extend(found["messageRefs"].as_array().unwrap().iter().map(|place| &place["id"]));
                }
            }
            "topic_response" => {
                for topic in frame["topics"].as_array().unwrap() {
                    let references = topic["messageReferences"].as_array().unwrap();
                    refers_to.extend(references.iter().map(|reference| &reference["id"]));
                }
            }
            _ => {}
        }
        assert!(refers_to.iter().all(|id| seen.contains(id)), "refers to what was not sent yet: {frame}");
    }
    for wanted in ["insight_response", "tracker_response", "entity_response", "topic_response"] {
        assert!(!of_kind(&frames, wanted).is_empty(), "no {wanted} in {frames:#?}");
    }
}

#[actix_web::test]
async fn questions_promises_and_follow_ups_say_who_and_when() {
    let frames = call(CALL, &request("+1")).await;
    let insights = items(&frames, "insight_response", "insights");
    let of = |wanted: &str, text: &str| {
        let found = insights.iter().find(|insight| insight["type"] == wanted && insight["text"] == text);
        (*found.unwrap_or_else(|| panic!("no {wanted} `{text}` in {insights:#?}"))).clone()
    };
    let question = of("question", "Where is my refund?");
    assert_eq!(question["payload"]["content"], question["text"]);
    assert_eq!(question["from"]["userId"], "+1");
    assert_eq!(question["assignee"], json!({}));
    assert!(question.get("dueBy").is_none());
    for (wanted, text) in [
        ("action_item", "I will send you the signed form tomorrow."),
        ("follow_up", "I will call you back on Monday."),
    ] {
        let promise = of(wanted, text);
        assert_eq!(promise["assignee"]["userId"], "+1", "{promise}");
        let due: jiff::Timestamp = promise["dueBy"]["value"].as_str().unwrap().parse().unwrap();
        let in_days = (due.as_second() - jiff::Timestamp::now().as_second()) as f64 / 86_400.0;
        assert!(in_days > 0.0 && in_days < 8.5, "{promise}");
    }
}

#[actix_web::test]
async fn all_legs_and_subscribers_get_the_same_findings_and_each_leg_its_own_words() {
    const AGENT: &str = "How can I help you today? I will send you the refund form tomorrow.";
    let engine = engine(&[AGENT, CALL]);
    let mut subscriber = engine.subscriber("call").await;
    let (mut agent, mut customer) = (engine.leg("call").await, engine.leg("call").await);
    agent.start(&request("+1")).await;
    customer.start(&request("+2")).await;
    speak(&mut agent, AGENT).await;
    speak(&mut customer, CALL).await;
    let by_agent = until_completed(&mut agent).await;
    let by_customer = until_completed(&mut customer).await;
    let by_subscriber = until_closed(&mut subscriber).await;
    assert_eq!(shared(&by_customer), shared(&by_subscriber));
    let until_it_left = shared(&by_agent);
    assert_eq!(until_it_left, shared(&by_subscriber)[..until_it_left.len()]);
    for (frames, users) in
        [(&by_agent, &["+1"][..]), (&by_customer, &["+2"]), (&by_subscriber, &["+1", "+2"])]
    {
        let results = of_kind(frames, "recognition_result");
        let spoke: BTreeSet<String> = strings(&results, "/message/user/userId").into_iter().collect();
        assert_eq!(spoke.iter().map(String::as_str).collect::<Vec<_>>(), users);
    }
    let messages = items(&by_subscriber, "message_response", "messages");
    assert_eq!(strings(&messages, "/from/userId").iter().collect::<BTreeSet<_>>().len(), 2);
    engine.end().await;
}

#[actix_web::test]
async fn only_insights_that_were_asked_for_and_are_sure_enough_are_sent() {
    for (types, threshold, wanted, unwanted) in [
        (json!([]), 0.0, &[][..], &["question", "action_item", "follow_up"][..]),
        (json!(["question"]), 0.5, &["question"], &["action_item", "follow_up"]),
        (json!(["action_item", "follow_up"]), 0.5, &["action_item", "follow_up"], &["question"]),
        (json!(["question", "action_item", "follow_up"]), 0.9, &[], &[]),
        (json!(["question", "action_item", "follow_up"]), 1.0, &[], &[]),
    ] {
        let mut request = request("+1");
        request["insightTypes"] = types.clone();
        request["config"]["confidenceThreshold"] = json!(threshold);
        let frames = call(CALL, &request).await;
        let insights = items(&frames, "insight_response", "insights");
        let kinds = strings(&insights, "/type");
        assert!(wanted.iter().all(|kind| kinds.iter().any(|found| found == kind)), "{types}: {kinds:?}");
        assert!(!unwanted.iter().any(|kind| kinds.iter().any(|found| found == kind)), "{types}: {kinds:?}");
        for insight in insights {
            assert!(insight["confidence"].as_f64().unwrap() >= threshold, "{insight}");
        }
        assert!(!of_kind(&frames, "message_response").is_empty());
    }
}

#[actix_web::test]
async fn sentiment_comes_with_messages_and_topics_when_it_is_asked_for() {
    for wanted in [true, false] {
        let mut request = request("+1");
        request["config"]["sentiment"] = json!(wanted);
        let frames = call(CALL, &request).await;
        for response in of_kind(&frames, "message_response") {
            assert_eq!(response["sentiment"], wanted);
        }
        let mut suggested = BTreeSet::new();
        let judged = [("message_response", "messages"), ("topic_response", "topics")];
        for item in judged.into_iter().flat_map(|(kind, array)| items(&frames, kind, array)) {
            assert_eq!(item.get("sentiment").is_some(), wanted, "{item}");
            if wanted {
                let score = item["sentiment"]["polarity"]["score"].as_f64().unwrap();
                let band = if score > 0.3 {
                    "positive"
                } else if score < -0.3 {
                    "negative"
                } else {
                    "neutral"
                };
                assert_eq!(item["sentiment"]["suggested"], band, "{item}");
                suggested.insert(band);
            }
        }
        assert_eq!(wanted, suggested.contains("positive") && suggested.contains("negative"), "{suggested:?}");
    }
}

#[actix_web::test]
async fn entities_are_reported_where_they_stand_and_hidden_when_asked_for() {
    for (detect, identify, redact) in [
        (true, false, false),
        (false, true, false),
        (false, false, true),
        (true, true, true),
        (false, false, false),
    ] {
        let mut request = request("+1");
        request["config"]["detectEntities"] = json!(detect);
        request["config"]["redaction"] =
            json!({ "identifyContent": identify, "redactContent": redact, "redactionString": HIDDEN });
        let frames = call("My phone number is 415 555 0132. Please call me.", &request).await;
        let messages = items(&frames, "message_response", "messages");
        let content = messages[0]["payload"]["content"].as_str().unwrap();
        let shown = if redact { HIDDEN } else { "415 555 0132" };
        assert_eq!(content, format!("My phone number is {shown}."));
        assert_eq!(messages[0]["metadata"]["originalContent"], content);
        let results = of_kind(&frames, "recognition_result");
        let transcript =
            &results.iter().find(|frame| frame["message"]["isFinal"] == true).unwrap()["message"];
        assert_eq!(transcript["punctuated"]["transcript"], content);

        let in_message = messages[0]["entities"].as_array().unwrap();
        let entities = items(&frames, "entity_response", "entities");
        if !detect && !identify {
            assert!(in_message.is_empty() && entities.is_empty(), "{frames:#?}");
            continue;
        }
        assert_eq!(in_message.len(), 1, "{in_message:?}");
        let entity = &in_message[0];
        assert_eq!(entity["type"], "PHONE_NUMBER");
        assert_eq!([&entity["text"], &entity["detectedValue"], &entity["value"]["value"]], [shown; 3]);
        let at = entity["offset"].as_u64().unwrap() as usize;
        assert!(content[at..].starts_with(shown), "{at} in {content}");
        assert_eq!(entities.len(), 1);
        assert_eq!(entities[0]["subType"], "PHONE_NUMBER");
        assert_eq!(entities[0]["matches"][0]["detectedValue"], shown);
        assert_eq!(entities[0]["matches"][0]["messageRefs"][0]["offset"], entity["offset"]);
        assert_eq!(entities[0]["matches"][0]["messageRefs"][0]["text"], content);
    }
}

#[actix_web::test]
async fn entities_can_be_asked_for_in_mid_call() {
    const TWICE: &str = "My phone number is 415 555 0132. Her phone number is 415 555 0147.";
    let engine = engine(&[TWICE]);
    let mut leg = engine.leg("call").await;
    let mut request = request("+1");
    request["config"]["detectEntities"] = json!(false);
    leg.start(&request).await;
    speak(&mut leg, "My phone number is 415 555 0132.").await;
    let first = leg.expect(&["recognition_result", "message_response"]).await;
    assert_eq!(first[1]["messages"][0]["entities"], json!([]));
    leg.json(&json!({ "type": "modify_request", "config": { "detectEntities": true } })).await;
    leg.expect(&["session_modified"]).await;
    speak(&mut leg, "Her phone number is 415 555 0147.").await;
    let second = leg.expect(&["recognition_result", "message_response", "entity_response"]).await;
    assert_eq!(second[1]["messages"][0]["entities"][0]["text"], "415 555 0147");
    until_completed(&mut leg).await;
    engine.end().await;
}

/// Keys under which words of callers stand.
const TEXT_KEYS: [&str; 8] =
    ["content", "originalContent", "transcript", "word", "text", "detectedValue", "value", "phrases"];

/// Collects every text that was made of what somebody said.
fn spoken_texts(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (key, field) in fields {
                match field {
                    // Scores and times are not words.
                    _ if key == "hints" || key == "dueBy" => {}
                    Value::String(text) if TEXT_KEYS.contains(&key.as_str()) => texts.push(text.clone()),
                    Value::String(text) if key == "payload" => texts.push(text.clone()),
                    Value::String(text) if key == "words" => {
                        spoken_texts(&serde_json::from_str(text).unwrap(), texts);
                    }
                    _ => spoken_texts(field, texts),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| spoken_texts(item, texts)),
        _ => {}
    }
}

/// Panics if a digit stands in any text, in figures or spoken.
fn assert_no_digit(value: &Value) {
    const DIGITS: [&str; 11] =
        ["zero", "oh", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
    let mut texts = Vec::new();
    spoken_texts(value, &mut texts);
    for text in texts {
        let words = text.split(|c: char| !c.is_alphanumeric()).map(str::to_lowercase);
        let mut spoken = words.filter(|word| DIGITS.contains(&word.as_str()));
        assert!(
            !text.contains(|c: char| c.is_ascii_digit()) && spoken.next().is_none(),
            "`{text}` in {value}"
        );
    }
}

#[actix_web::test]
async fn no_digit_of_a_card_number_leaves_in_any_frame_or_over_rest() {
    const QUESTION: &str = "Could you read me the card number, please?";
    for card in [
        "My card number is 4111 1111 1111 1111. Please refund it.",
        "Sure, it is four one one one one one one one one one one one one one one one. Please refund it.",
        "It is 4111 1111. 1111 1111. Please refund it.",
        "It is four one one one one one one one. One one one one one one one one. Please refund it.",
        "I will refund the card 4111111111111111 tomorrow. Can you see the card 4111-1111-1111-1111?",
    ] {
        let engine = engine(&[QUESTION, card]);
        let mut subscriber = engine.subscriber("call").await;
        let (mut agent, mut customer) = (engine.leg("call").await, engine.leg("call").await);
        let mut asked = request("+15550100001");
        asked["config"]["redaction"] =
            json!({ "identifyContent": true, "redactContent": true, "redactionString": HIDDEN });
        asked["config"]["trackers"] = json!({ "enableAllTrackers": true, "interimResults": true });
        let conversation_id = agent.start(&asked).await;
        // One leg's wish to hide holds for all.
        customer.start(&request("+15550100002")).await;
        speak(&mut agent, QUESTION).await;
        let mut frames = agent.expect(&["recognition_result", "message_response"]).await;
        speak(&mut customer, card).await;
        frames.extend(until_completed(&mut customer).await);
        frames.extend(until_completed(&mut agent).await);
        frames.extend(until_closed(&mut subscriber).await);
        frames.iter().for_each(assert_no_digit);
        let contents = items(&frames, "message_response", "messages");
        assert!(
            strings(&contents, "/payload/content").iter().any(|text| text.contains(HIDDEN)),
            "{frames:#?}"
        );
        assert!(!of_kind(&frames, "tracker_response").is_empty(), "{card}");

        for path in [
            "messages?verbose=true&sentiment=true",
            "questions",
            "action-items",
            "follow-ups",
            "insights",
            "topics",
            "trackers-detected",
            "trackers",
            "entities",
            "summary",
        ] {
            let answer = get(&engine, &format!("/v1/conversations/{conversation_id}/{path}")).await;
            let found = answer.to_string();
            assert!(path != "messages" || found.contains(HIDDEN), "{found}");
            assert_no_digit(&answer);
        }
        engine.end().await;
    }
}

/// Asks the REST API.
async fn get(engine: &Engine, path: &str) -> Value {
    let asked = awc::Client::default().get(engine.http(path)).bearer_auth(engine.token().await);
    let mut response = asked.send().await.unwrap();
    assert_eq!(response.status(), 200, "{path}");
    response.json().await.unwrap()
}

#[actix_web::test]
async fn trackers_of_all_legs_are_watched_for_together() {
    const BOTH: &str = "I want a refund or I will call my lawyer.";
    let engine = engine(&[BOTH]);
    let (mut agent, mut customer) = (engine.leg("call").await, engine.leg("call").await);
    let mut asked = request("+2");
    asked["trackers"] = json!([{ "name": "Legal", "vocabulary": ["lawyer"] }]);
    agent.start(&request("+1")).await;
    customer.start(&asked).await;
    speak(&mut agent, BOTH).await;
    let frames = until_completed(&mut agent).await;
    let found = until_completed(&mut customer).await;
    assert_eq!(shared(&frames), shared(&found)[..shared(&frames).len()]);
    let trackers = items(&found, "tracker_response", "trackers");
    let names: BTreeSet<String> = strings(&trackers, "/name").into_iter().collect();
    assert_eq!(names, ["Legal", "Refund"].map(str::to_owned).into());
    for tracker in trackers {
        let found = &tracker["matches"][0];
        let phrase = found["value"].as_str().unwrap();
        let place = &found["messageRefs"][0];
        let at = place["offset"].as_u64().unwrap() as usize;
        assert!(place["text"].as_str().unwrap()[at..].starts_with(phrase), "{tracker}");
    }
    engine.end().await;
}

#[actix_web::test]
async fn stored_trackers_are_watched_for_when_all_are_asked_for_even_those_that_come_in_mid_call() {
    const TALK: &str = "We pay cash on delivery. Another supplier is cheaper.";
    let tracker = |id: &str, name: &str, phrase: &str| TrackerRecord {
        id: id.to_owned(),
        name: name.to_owned(),
        vocabulary: vec![phrase.to_owned()],
        ..TrackerRecord::default()
    };
    for all in [true, false] {
        let engine = engine(&[TALK]);
        let store = engine.state.store();
        store.create_trackers(vec![tracker("1000000000000001", "Payment", "cash on delivery")]).unwrap();
        let mut leg = engine.leg("call").await;
        let mut asked = request("+1");
        asked["trackers"] = json!([]);
        asked["config"]["trackers"] = json!({ "enableAllTrackers": all });
        leg.start(&asked).await;
        speak(&mut leg, "We pay cash on delivery.").await;
        leg.expect(&["recognition_result", "message_response"]).await;
        store.create_trackers(vec![tracker("1000000000000002", "Competition", "another supplier")]).unwrap();
        speak(&mut leg, "Another supplier is cheaper.").await;
        let frames = until_completed(&mut leg).await;
        let found = items(&frames, "tracker_response", "trackers");
        let ids = if all { &["1000000000000001", "1000000000000002"][..] } else { &[] };
        assert_eq!(strings(&found, "/id"), ids, "{frames:#?}");
        engine.end().await;
    }
}

#[actix_web::test]
async fn trackers_are_seen_in_words_that_may_still_change_when_asked_for() {
    const TALK: &str = "I want a refund for this machine today.";
    for early in [true, false] {
        let engine = engine(&[TALK]);
        let mut leg = engine.leg("call").await;
        let mut asked = request("+1");
        asked["config"]["trackers"] = json!({ "interimResults": early });
        leg.start(&asked).await;
        let mut is_final = Vec::new();
        // Word by word, as people speak: the engine looks early only when nothing else is to be done.
        for word in TALK.split_whitespace() {
            speak(&mut leg, word).await;
            let patience = std::time::Duration::from_millis(60);
            loop {
                match leg.next_within(patience).await {
                    Some(Said::Json(frame)) if kind(&frame) == "tracker_response" => {
                        is_final.push(frame["isFinal"] == true);
                        assert_eq!(frame["trackers"][0]["name"], "Refund");
                    }
                    Some(_) => {}
                    None if engine.state.analysis().waiting() == 0 => break,
                    None => {}
                }
            }
        }
        is_final.extend(
            of_kind(&until_completed(&mut leg).await, "tracker_response")
                .iter()
                .map(|f| f["isFinal"] == true),
        );
        assert_eq!(is_final.last(), Some(&true), "the final match is told in any case");
        assert_eq!(is_final.contains(&false), early, "{is_final:?}");
        engine.end().await;
    }
}
