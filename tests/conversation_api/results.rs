//! What the API tells of a conversation.

use std::time::Instant;

use awc::http::Method;
use serde_json::{Value, json};
use symbl_bridge::engine::store::record::{ConversationRecord, Record};

use crate::api::{Api, BEGAN_MS, ID, message, message_id, person};

#[actix_web::test]
async fn a_conversation_is_listed_described_and_deleted() {
    let api = Api::with_a_call().await;
    let members = json!([
        { "id": "agent", "name": "Agent", "email": "+15550100001" },
        { "id": "customer", "name": "Customer", "email": "+15550100002" },
    ]);
    let mut conversation = json!({
        "id": ID, "type": "meeting", "name": "Support call 4711", "startTime": "2026-03-04T15:20:00.000Z",
        "members": members, "metadata": {},
    });
    assert_eq!(api.of_call("").await, conversation);
    api.engine
        .state
        .store()
        .record(Record::Ended { conversation_id: ID.to_owned(), end_ms: BEGAN_MS + 250_000 });
    conversation["endTime"] = "2026-03-04T15:24:10.000Z".into();
    assert_eq!(api.of_call("").await, conversation);
    assert_eq!(api.of_call("/members").await, json!({ "members": members }));

    let path = format!("/v1/conversations/{ID}");
    let metadata = json!({ "metadata": { "caller": { "vip": true } } });
    let (status, body) = api.ask(Method::PUT, &path, &metadata).await;
    assert_eq!((status, body), (200, json!({ "id": ID, "metadata": metadata["metadata"] })));
    conversation["metadata"] = metadata["metadata"].clone();
    assert_eq!(api.of_call("").await, conversation);

    let range = "/v1/conversations?startTime=2026-03-01T00:00:00Z&endTime=2026-03-05T00:00:00Z";
    assert_eq!(api.get(range).await, (200, json!({ "conversations": [conversation] })));
    for page in ["&limit=0", "&offset=1", "&endTime=2026-03-02T00:00:00Z"] {
        assert_eq!(api.get(&format!("{range}{page}")).await.1["conversations"], json!([]), "{page}");
    }

    let gone = json!({ "message": "successfully deleted the conversation" });
    assert_eq!(api.ask(Method::DELETE, &path, &Value::Null).await, (200, gone));
    let unknown = json!({ "message": "The conversationId is either invalid or does not exist." });
    assert_eq!(api.ask(Method::DELETE, &path, &Value::Null).await, (404, unknown));
    api.end().await;
}

#[actix_web::test]
async fn conversations_are_listed_in_both_orders_and_by_pages() {
    let api = Api::start().await;
    for n in 0..5 {
        api.engine.state.store().record(Record::Began(ConversationRecord {
            id: n.to_string(),
            connection_id: String::new(),
            name: String::new(),
            start_ms: jiff::Timestamp::now().as_millisecond() - 60_000 + n,
            end_ms: None,
            no_connection_timeout_ms: 0,
        }));
    }
    for (query, expected) in [
        ("", vec!["0", "1", "2", "3", "4"]),
        ("?order=desc&limit=2", vec!["4", "3"]),
        ("?search=nowhere", vec![]),
        ("?order=ASC&limit=2&offset=2&sort=conversation.startTime&unknown=1", vec!["2", "3"]),
    ] {
        let (_, body) = api.get(&format!("/v1/conversations{query}")).await;
        let conversations = body["conversations"].as_array().unwrap();
        let ids: Vec<&str> = conversations.iter().map(|one| one["id"].as_str().unwrap()).collect();
        assert_eq!(ids, expected, "{query}");
    }
    for (query, complaint) in [
        ("limit=x", "\"limit\" must be a number"),
        ("limit=65537", "\"limit\" must be less than or equal to 65536"),
        ("search=a+b+c+d+e+f+g+h+i", "\"search\" must have 8 words and 200 bytes at most"),
        ("offset=-1", "\"offset\" must be greater than or equal to 0"),
        ("order=up", "\"order\" must be one of [asc, desc]"),
        ("sort=name", "\"sort\" must be one of [conversation.startTime]"),
        ("startTime=today", "\"startTime\" must be a valid ISO 8601 date"),
        ("filter=metadata.a==1", "\"filter\" is not supported by this server"),
    ] {
        let (status, body) = api.get(&format!("/v1/conversations?{query}")).await;
        assert_eq!((status, body), (400, json!({ "message": complaint })), "{query}");
    }
    api.end().await;
}

#[actix_web::test]
async fn messages_have_words_and_sentiment_when_asked_for() {
    let api = Api::with_a_call().await;
    let plain = api.of_call("/messages").await;
    let first = json!({
        "id": message_id(0), "text": "My last bill looks wrong.",
        "from": person("customer", "Customer", "+15550100002"),
        "startTime": "2026-03-04T15:20:05.200Z", "endTime": "2026-03-04T15:20:06.900Z",
        "timeOffset": 5.2, "duration": 1.7, "conversationId": ID, "phrases": [], "entities": [],
    });
    assert_eq!(plain["messages"][0], first);
    assert_eq!(plain["messages"][2]["from"], json!({}));
    let entity = json!({
        "type": "PHONE_NUMBER", "subType": "PHONE_NUMBER", "category": "Managed", "text": "*****",
        "detectedValue": "*****", "offset": 5, "value": { "value": "*****" },
    });
    assert_eq!(plain["messages"][2]["entities"], json!([entity]));
    let full = api.of_call("/messages?verbose=true&sentiment=true").await;
    let sentiment = json!({ "polarity": { "score": -0.42 }, "suggested": "negative" });
    assert_eq!(full["messages"][0]["sentiment"], sentiment);
    let word = json!({
        "word": "My", "startTime": "2026-03-04T15:20:05.200Z", "endTime": "2026-03-04T15:20:05.400Z",
        "speakerTag": 2, "timeOffset": 5.2, "duration": 0.2,
    });
    assert_eq!(full["messages"][0]["words"][0], word);
    assert_eq!(full["messages"][0]["words"].as_array().unwrap().len(), 5);
    api.end().await;
}

#[actix_web::test]
async fn what_was_meant_is_told_in_the_documented_shapes() {
    let api = Api::with_a_call().await;
    let agent = person("agent", "Agent", "+15550100001");
    let question = json!({
        "id": "6018827441270784", "text": "Can you send it?", "type": "question", "score": 0.9871,
        "messageIds": [message_id(0)], "from": agent,
    });
    assert_eq!(api.of_call("/questions").await, json!({ "questions": [question] }));
    let mut named = agent.clone();
    named["assignee"] = true.into();
    let mut action_item = json!({
        "id": "6441209553321984", "text": "Agent will send it.", "type": "action_item", "score": 0.9871,
        "messageIds": [message_id(1)], "phrases": [], "from": agent, "definitive": true, "assignee": agent,
        "entities": [{ "type": "person", "text": "Agent", "offset": 0, "value": named }],
        "dueBy": "2026-03-05T15:20:00.000Z",
    });
    assert_eq!(api.of_call("/action-items").await, json!({ "actionItems": [action_item] }));
    action_item["messageRefs"] = json!([{ "id": message_id(1) }]);
    assert_eq!(api.of_call("/comprehensive/action-items").await, json!({ "actionItems": [action_item] }));
    let follow_up = json!({
        "id": "4990176532987904", "text": "I will call back.", "type": "follow_up", "score": 0.9871,
        "messageIds": [message_id(2)], "entities": [], "phrases": [], "from": agent, "definitive": false,
        "assignee": {},
    });
    assert_eq!(api.of_call("/follow-ups").await, json!({ "followUps": [follow_up] }));
    assert_eq!(api.of_call("/insights").await["insights"].as_array().unwrap().len(), 3);

    let topics = api.of_call("/topics?sentiment=true&parentRefs=true").await;
    let topic = json!({
        "id": "id of corrected invoice", "text": "corrected invoice", "type": "topic", "score": 0.74,
        "messageIds": [message_id(1)], "entities": [], "parentRefs": [{ "type": "topic", "text": "invoice" }],
        "sentiment": { "polarity": { "score": -0.1 }, "suggested": "neutral" },
    });
    assert_eq!(topics["topics"][0], topic);
    let plain = api.of_call("/topics").await;
    assert_eq!((&plain["topics"][0]["parentRefs"], plain["topics"][0].get("sentiment")), (&json!([]), None));

    let place =
        |message: u64, offset: i64| json!({ "id": message_id(message), "text": "text", "offset": offset });
    let insight = |offset: i64| json!({ "id": "6018827441270784", "type": "question", "text": "text", "offset": offset });
    let trackers = json!([{
        "id": "4527907378937856", "name": "Refund request",
        "matches": [
            { "type": "vocabulary", "value": "refund", "messageRefs": [place(0, 4), place(2, 0)],
                "insightRefs": [insight(4), insight(0)] },
            { "type": "vocabulary", "value": "money back", "messageRefs": [place(1, -1)],
                "insightRefs": [insight(-1)] },
        ],
    }]);
    assert_eq!(api.of_call("/trackers-detected").await, trackers);
    assert_eq!(api.of_call("/trackers").await, trackers);

    let text = "Call ***** & bye.";
    let entities = json!({ "entities": [{
        "type": "PII", "subType": "PHONE_NUMBER", "category": "Managed", "text": "*****", "value": "*****",
        "messageRefs": [{ "id": message_id(2), "text": text, "offset": 5 }],
        "matches": [{ "detectedValue": "*****", "messageRefs": [{
            "id": message_id(2), "startTime": "2026-03-04T15:20:20.000Z", "endTime": "2026-03-04T15:20:21.000Z",
            "text": text, "offset": 5,
        }] }],
    }] });
    assert_eq!(api.of_call("/entities").await, entities);
    api.end().await;
}

#[actix_web::test]
async fn analytics_add_up() {
    let api = Api::with_a_call().await;
    let analytics = api.of_call("/analytics").await;
    let metric = |name: &str| {
        let metrics = analytics["metrics"].as_array().unwrap();
        metrics.iter().find(|metric| metric["type"] == name).unwrap()["seconds"].as_f64().unwrap()
    };
    assert_eq!(
        (metric("total_talk_time"), metric("total_overlap"), metric("total_silence")),
        (6.7, 0.5, 9.6)
    );
    assert_eq!(analytics["metrics"][2]["percent"], 3.067);
    let agent = &analytics["members"][0];
    assert_eq!(agent["overlap"]["overlappingMembers"][0]["percent"], 12.5);
    assert_eq!((&agent["name"], &agent["talkTime"]["seconds"]), (&json!("Agent"), &json!(4.0)));
    // Six words in four seconds.
    assert_eq!(agent["pace"]["wpm"], 90);
    assert_eq!(agent["overlap"]["overlappingMembers"][0]["name"], "Customer");
    assert_eq!(agent["overlap"]["overlapDuration"], 0.5);
    api.end().await;
}

#[actix_web::test]
async fn a_new_name_of_a_member_is_everywhere() {
    let api = Api::with_a_call().await;
    let path = format!("/v1/conversations/{ID}/members/agent");
    let (status, body) = api.ask(Method::PUT, &path, &json!({ "id": "agent", "name": "Anna Schmidt" })).await;
    assert_eq!(status, 200);
    let said = format!("Member with id: agent for conversationId: {ID} updated successfully!");
    assert!(body["message"].as_str().unwrap().starts_with(&said), "{body}");
    let anna = person("agent", "Anna Schmidt", "+15550100001");
    assert_eq!(api.of_call("/messages").await["messages"][1]["from"], anna);
    assert_eq!(api.of_call("/action-items").await["actionItems"][0]["assignee"], anna);
    assert_eq!(api.of_call("/analytics").await["members"][0]["name"], "Anna Schmidt");
    for (path, body, status, complaint) in [
        (path.as_str(), json!({}), 400, "\"name\" is required"),
        (&path, json!({ "name": "" }), 400, "\"name\" is not allowed to be empty"),
        (&path, json!({ "name": "x", "id": "customer" }), 400, "\"id\" must be the id of the path"),
        (&path, json!({ "name": "x", "email": 7 }), 400, "\"email\" must be a string"),
        (
            &format!("{path}x"),
            json!({ "name": "x" }),
            404,
            "The memberId is either invalid or does not exist.",
        ),
    ] {
        assert_eq!(
            api.ask(Method::PUT, path, &body).await,
            (status, json!({ "message": complaint })),
            "{body}"
        );
    }
    api.end().await;
}

#[actix_web::test]
async fn speakers_told_afterwards_get_their_messages() {
    let api = Api::with_a_call().await;
    let event = |kind: &str, user: Value, seconds: i64| json!({ "type": kind, "user": user, "offset": { "seconds": seconds, "nanos": 500_000_000 } });
    let zoe = json!({ "id": "zoe", "name": "Zoë", "email": "zoe@example.com" });
    let events = json!({ "speakerEvents": [
        event("stopped_speaking", json!({ "email": "+15550100001" }), 7),
        event("started_speaking", json!({ "email": "+15550100001" }), 4),
        event("started_speaking", zoe, 18),
    ] });
    let (status, body) = api.ask(Method::PUT, &format!("/v1/conversations/{ID}/speakers"), &events).await;
    assert_eq!(status, 200, "{body}");
    let messages = api.of_call("/messages").await;
    assert_eq!(messages["messages"][0]["from"]["name"], "Agent");
    assert_eq!(messages["messages"][2]["from"], person("zoe", "Zoë", "zoe@example.com"));
    assert_eq!(api.of_call("/members").await["members"].as_array().unwrap().len(), 3);
    let wrong = json!({ "speakerEvents": [{ "type": "sang" }] });
    assert_eq!(api.ask(Method::PUT, &format!("/v1/conversations/{ID}/speakers"), &wrong).await.0, 400);
    api.end().await;
}

#[actix_web::test]
async fn a_summary_is_made_of_what_was_said() {
    let api = Api::with_a_call().await;
    let summary = api.of_call("/summary?refresh=true").await;
    let first = &summary["summary"][0];
    assert_eq!(first["messageRefs"][0]["id"], first["id"]);
    api.engine.state.store().record(Record::Began(ConversationRecord {
        id: "empty".to_owned(),
        connection_id: String::new(),
        name: String::new(),
        start_ms: 0,
        end_ms: None,
        no_connection_timeout_ms: 0,
    }));
    assert_eq!(api.get("/v1/conversations/empty/summary").await.0, 404);
    assert_eq!(api.get("/v1/conversations/empty/messages").await, (200, json!({ "messages": [] })));
    assert_eq!(api.get("/v1/conversations/empty/analytics").await.0, 200);
    api.end().await;
}

#[actix_web::test]
async fn transcripts_have_three_formats() {
    let api = Api::with_a_call().await;
    let path = format!("/v1/conversations/{ID}/transcript");
    let markdown = "Customer: My last bill looks wrong.<br/><br/>\
                    Agent: Agent will send a corrected &lt;invoice&gt;.<br/><br/>Call ***** &amp; bye.<br/><br/>";
    let wanted = json!({ "contentType": "text/markdown", "showSpeakerSeparation": true });
    let transcript = json!({ "payload": markdown, "contentType": "text/markdown" });
    let answer = api.ask(Method::POST, &path, &wanted).await;
    assert_eq!(answer, (200, json!({ "transcript": transcript })));
    let wanted = json!({ "contentType": "text/markdown", "createParagraphs": false,
        "phrases": { "highlightAllKeyPhrases": true } });
    let (_, body) = api.ask(Method::POST, &path, &wanted).await;
    let text = body["transcript"]["payload"].as_str().unwrap();
    assert!(text.starts_with("<mark>My last bill looks wrong.</mark> <mark>Agent"), "{text}");
    let (_, body) = api.ask(Method::POST, &path, &json!({ "contentType": "text/srt" })).await;
    let srt = body["transcript"]["payload"]["content"].as_str().unwrap();
    assert!(srt.starts_with("1\n00:00:05,200 --> 00:00:06,900\nMy last bill looks wrong.\n\n2\n"), "{srt}");
    let (_, body) = api.ask(Method::POST, &path, &json!({ "contentType": "text/vtt" })).await;
    let vtt = body["transcript"]["payload"]["content"].as_str().unwrap();
    assert!(vtt.starts_with("WEBVTT\n\n1\n00:00:05.200 --> 00:00:06.900\n"), "{vtt}");
    for body in [json!({}), json!({ "contentType": "text/html" }), json!({ "contentType": 1 })] {
        assert_eq!(api.ask(Method::POST, &path, &body).await.0, 400, "{body}");
    }
    api.end().await;
}

#[actix_web::test]
async fn ten_thousand_messages_are_answered_in_a_moment() {
    let api = Api::with_a_call().await;
    let store = api.engine.state.store();
    let text = "My last bill looks wrong, and nobody could tell me on the phone why that is.";
    for n in 10..10_010 {
        let from_ms = n as i64 * 3000;
        let member = if n % 2 == 0 { "agent" } else { "customer" };
        store.record(Record::Message(message(n, Some(member), from_ms, from_ms + 2900, text)));
    }
    store.flush();
    for path in ["/messages", "/messages?verbose=true&sentiment=true", "/analytics", "/entities", "/summary"]
    {
        let request = awc::Client::default().get(api.engine.http(&format!("/v1/conversations/{ID}{path}")));
        let began = Instant::now();
        let mut response = request.bearer_auth(&api.token).send().await.unwrap();
        let body = response.body().limit(100_000_000).await.unwrap();
        println!("10000 messages, {path}: {:?}, {} bytes", began.elapsed(), body.len());
        assert_eq!(response.status(), 200);
    }
    api.end().await;
}
