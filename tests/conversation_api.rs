//! The REST API over HTTP, against a store that was filled as the engine fills it. Every answer is checked against the
//! OpenAPI document that the server itself gives out.

#![allow(clippy::unwrap_used, reason = "what helps a test may fail it")]

mod engine_support;

use std::time::Instant;

use awc::http::Method;
use engine_support::Engine;
use serde_json::{Value, json};
use symbl_bridge::engine::store::record::{
    ConversationRecord, EntityRecord, InsightRecord, MemberRecord, MessageRecord, Record, TopicRecord,
    TrackerMatchRecord, WordRecord,
};

/// 2026-03-04T15:20:00Z.
const BEGAN_MS: i64 = 1_772_637_600_000;
const ID: &str = "5174930226618368";

/// An engine, a token for it, and its document.
struct Api {
    engine: Engine,
    token: String,
    document: Value,
}

impl Api {
    async fn start() -> Self {
        let engine = Engine::start();
        let token = engine.token().await;
        let mut response = awc::Client::default().get(engine.http("/openapi.json")).send().await.unwrap();
        let document = response.json().limit(10_000_000).await.unwrap();
        Self { engine, token, document }
    }

    async fn with_a_call() -> Self {
        let api = Self::start().await;
        for record in a_call() {
            api.engine.state.store().record(record);
        }
        api
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        self.ask(Method::GET, path, &Value::Null).await
    }

    /// Returns what is below the call's path.
    async fn of_call(&self, rest: &str) -> Value {
        let (status, body) = self.get(&format!("/v1/conversations/{ID}{rest}")).await;
        assert_eq!(status, 200, "{rest}: {body}");
        body
    }

    async fn ask(&self, method: Method, path: &str, body: &Value) -> (u16, Value) {
        let client = awc::Client::default().request(method.clone(), self.engine.http(path));
        let request = client.insert_header(("Authorization", format!("bearer {}", self.token)));
        let sent = if body.is_null() { request.send().await } else { request.send_json(body).await };
        let mut response = sent.unwrap();
        let status = response.status().as_u16();
        assert_eq!(response.headers().get("content-type").unwrap(), "application/json", "{path}");
        let answer = response.json().limit(100_000_000).await.unwrap();
        self.check(&method, path, status, &answer);
        (status, answer)
    }

    /// Panics unless the document knows this answer.
    fn check(&self, method: &Method, path: &str, status: u16, answer: &Value) {
        let (path, _) = path.split_once('?').unwrap_or((path, ""));
        let path: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let method = method.as_str().to_lowercase();
        for (template, operations) in self.document["paths"].as_object().unwrap() {
            let template: Vec<&str> = template.split('/').filter(|part| !part.is_empty()).collect();
            let fits = |(given, wanted): (&&str, &&str)| wanted.starts_with('{') || given == wanted;
            if path.len() != template.len() || !path.iter().zip(&template).all(fits) {
                continue;
            }
            let response = &operations[&method]["responses"][status.to_string()];
            let mut schema = response["content"]["application/json"]["schema"].clone();
            if schema.is_null() {
                continue;
            }
            schema["components"] = self.document["components"].clone();
            let validator = jsonschema::validator_for(&schema).unwrap();
            let errors: Vec<String> = validator.iter_errors(answer).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{method} {template:?} {status}: {errors:?} in {answer}");
            return;
        }
        panic!("{method} {path:?} {status} is not in the document: {answer}");
    }

    async fn end(self) {
        self.engine.end().await;
    }
}

fn a_call() -> Vec<Record> {
    let member = |id: &str, name: &str, user_id: &str| Record::Member {
        conversation_id: ID.to_owned(),
        member: MemberRecord { id: id.to_owned(), name: name.to_owned(), user_id: user_id.to_owned() },
    };
    let insight = |id: &str, kind: &str, text: &str, message: u64, due_ms: Option<i64>| {
        Record::Insight(InsightRecord {
            id: id.to_owned(),
            conversation_id: ID.to_owned(),
            kind: kind.to_owned(),
            text: text.to_owned(),
            message_id: message_id(message),
            score: 0.9871,
            from_id: Some("agent".to_owned()),
            assignee_id: due_ms.map(|_| "agent".to_owned()),
            due_ms,
        })
    };
    let found = |value: &str, message: u64, offset: i64| {
        Record::TrackerMatch(TrackerMatchRecord {
            conversation_id: ID.to_owned(),
            tracker_id: "4527907378937856".to_owned(),
            tracker_name: "Refund request".to_owned(),
            value: value.to_owned(),
            message_id: message_id(message),
            text: "text".to_owned(),
            offset,
            insights: vec![("6018827441270784".to_owned(), "question".to_owned())],
        })
    };
    let topic = |text: &str| TopicRecord {
        id: format!("id of {text}"),
        text: text.to_owned(),
        score: 0.74,
        message_ids: vec![message_id(1)],
        polarity: -0.1,
    };
    vec![
        Record::Began(ConversationRecord {
            id: ID.to_owned(),
            connection_id: "room".to_owned(),
            name: "Support call 4711".to_owned(),
            start_ms: BEGAN_MS,
            end_ms: None,
            no_connection_timeout_ms: 0,
        }),
        member("agent", "Agent", "+15550100001"),
        member("customer", "Customer", "+15550100002"),
        Record::Message(message(0, Some("customer"), 5200, 6900, "My last bill looks wrong.")),
        Record::Message(message(1, Some("agent"), 6400, 10_400, "Agent will send a corrected <invoice>.")),
        Record::Message(message(2, None, 20_000, 21_000, "Call ***** & bye.")),
        insight("6018827441270784", "question", "Can you send it?", 0, None),
        insight("6441209553321984", "action_item", "Agent will send it.", 1, Some(BEGAN_MS + 86_400_000)),
        insight("4990176532987904", "follow_up", "I will call back.", 2, None),
        found("refund", 0, 4),
        found("money back", 1, -1),
        found("refund", 2, 0),
        Record::Topics {
            conversation_id: ID.to_owned(),
            topics: vec![topic("corrected invoice"), topic("invoice")],
        },
    ]
}

fn message_id(sequence: u64) -> String {
    format!("487130552004608{sequence}")
}

fn message(sequence: u64, member: Option<&str>, from_ms: i64, until_ms: i64, text: &str) -> MessageRecord {
    let start_ms = BEGAN_MS + from_ms;
    let word = |(place, word): (i64, &str)| WordRecord {
        word: word.to_owned(),
        start_ms: start_ms + place * 200,
        end_ms: start_ms + (place + 1) * 200,
    };
    let entity = |(offset, _)| EntityRecord {
        kind: "PII".to_owned(),
        sub_type: "PHONE_NUMBER".to_owned(),
        text: "*****".to_owned(),
        offset: offset as u64,
    };
    MessageRecord {
        id: message_id(sequence),
        conversation_id: ID.to_owned(),
        sequence,
        member_id: member.map(str::to_owned),
        text: text.to_owned(),
        start_ms,
        end_ms: BEGAN_MS + until_ms,
        words: (0..).zip(text.split(' ')).map(word).collect(),
        polarity: -0.42,
        entities: text.match_indices("*****").map(entity).collect(),
    }
}

fn person(id: &str, name: &str, user_id: &str) -> Value {
    json!({ "id": id, "name": name, "email": user_id, "userId": user_id })
}

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
        "speakerTag": 2, "score": 1.0, "timeOffset": 5.2, "duration": 0.2,
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
    assert_eq!((metric("total_talk_time"), metric("total_overlap")), (6.2, 0.5));
    let agent = &analytics["members"][0];
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
async fn trackers_are_managed_in_both_generations() {
    let api = Api::start().await;
    let refund =
        json!({ "name": "Refund", "vocabulary": ["money back", "refund"], "threshold": 0.6, "strict": true });
    let (status, body) = api.ask(Method::POST, "/v1/manage/tracker", &refund).await;
    assert_eq!(status, 201);
    let tracker = &body["tracker"];
    assert_eq!((&tracker["threshold"], &tracker["strict"]), (&json!(0.6), &json!(true)));
    assert_eq!((&tracker["languages"], &tracker["categories"]), (&json!(["en"]), &json!([])));
    assert_eq!(tracker["createdOn"], tracker["updatedOn"]);
    let id = tracker["id"].as_str().unwrap();
    assert_eq!(api.engine.state.store().trackers()[0].id, id);

    let (status, body) = api.ask(Method::POST, "/v1/manage/trackers", &refund).await;
    let taken = json!({ "message": "A tracker with the name \"Refund\" already exists" });
    assert_eq!((status, body), (409, taken));
    let churn = json!({ "name": "Churn", "vocabulary": ["cancel my contract"] });
    let (status, body) = api.ask(Method::POST, "/v1/manage/trackers", &churn).await;
    assert_eq!((status, &body["tracker"]["name"]), (201, &json!("Churn")));
    let several = json!([{ "name": "a", "vocabulary": ["a"] }, { "name": "b", "vocabulary": ["b"] }]);
    let (status, body) = api.ask(Method::POST, "/v1/manage/trackers", &several).await;
    assert_eq!((status, body["trackers"].as_array().unwrap().len()), (201, 2));
    let bulk = json!([{ "name": "c", "vocabulary": ["c"] }]);
    let (status, body) = api.ask(Method::POST, "/v1/manage/trackers/bulk", &bulk).await;
    assert_eq!((status, body["trackers"].as_array().unwrap().len()), (201, 1));
    assert_eq!(api.get("/v1/manage/trackers").await.1["trackers"].as_array().unwrap().len(), 5);
    let found = api.get("/v1/manage/trackers?name=Refund").await.1;
    assert_eq!(found["trackers"].as_array().unwrap().len(), 1);
    assert_eq!(api.get("/v1/manage/trackers?name=refund").await.1, json!({ "trackers": [] }));

    for path in [format!("/v1/manage/tracker/{id}"), format!("/v1/manage/trackers/{id}")] {
        assert_eq!(api.get(&path).await.1["tracker"]["name"], "Refund");
        let (_, body) = api.ask(Method::PUT, &path, &json!({ "name": "Refund", "vocabulary": ["x"] })).await;
        assert_eq!(body["tracker"]["vocabulary"], json!(["x"]));
        let steps = json!([{ "op": "add", "path": "/vocabulary", "value": ["y"] }]);
        let (_, body) = api.ask(Method::PATCH, &path, &steps).await;
        assert_eq!(body["tracker"]["vocabulary"], json!(["x", "y"]));
        let steps = json!([{ "op": "replace", "path": "/name", "value": "Churn" }]);
        assert_eq!(api.ask(Method::PATCH, &path, &steps).await.0, 409);
    }
    assert_eq!(*api.engine.state.store().trackers()[0].vocabulary, ["x", "y"]);
    let gone = json!({ "id": id, "type": "tracker", "deleted": true });
    let path = format!("/v1/manage/trackers/{id}");
    assert_eq!(api.ask(Method::DELETE, &path, &Value::Null).await, (200, gone));
    for method in [Method::GET, Method::DELETE] {
        assert_eq!(api.ask(method, &path, &Value::Null).await.0, 404);
    }
    let many: Vec<Value> =
        (0..500).map(|n| json!({ "name": format!("n{n}"), "vocabulary": ["x"] })).collect();
    let (status, body) = api.ask(Method::POST, "/v1/manage/trackers/bulk", &many.into()).await;
    assert_eq!((status, &body["message"]), (409, &json!("At most 500 trackers can be stored")));
    api.end().await;
}

#[actix_web::test]
async fn every_path_asks_for_a_token_and_names_its_methods() {
    let api = Api::start().await;
    let http = awc::Client::default();
    let paths = api.document["paths"].as_object().unwrap();
    assert!(paths.len() >= 25, "{}", paths.len());
    for (path, operations) in paths {
        let methods: Vec<Method> =
            operations.as_object().unwrap().keys().map(|name| name.to_uppercase().parse().unwrap()).collect();
        let url = api.engine.http(&path.replace('/', "//").replace('{', "%7B"));
        if path == "/openapi.json" || path.starts_with("/oauth2") {
            continue;
        }
        for method in methods {
            let mut refused = http.request(method.clone(), &url).send().await.unwrap();
            assert_eq!(refused.status(), 401, "{method} {url}");
            let body: Value = refused.json().await.unwrap();
            assert_eq!(body, json!({ "message": "Token validation failed for provided token." }));
            let request = http.request(method.clone(), &url).insert_header(("x-api-key", api.token.as_str()));
            let status = request.send().await.unwrap().status();
            assert!(![401, 405, 501].contains(&status.as_u16()), "{method} {url}: {status}");
        }
        let request = http.request(Method::TRACE, &url).insert_header(("x-api-key", api.token.as_str()));
        let refused = request.send().await.unwrap();
        assert_eq!(refused.status(), 405, "{url}");
        assert!(refused.headers().contains_key("allow"));
        let preflight = http.request(Method::OPTIONS, &url).insert_header(("Origin", "https://a.example"));
        let allowed = preflight.send().await.unwrap();
        assert_eq!(allowed.status(), 204, "{url}");
        assert_eq!(allowed.headers().get("access-control-allow-origin").unwrap(), "*");
    }
    api.end().await;
}

#[actix_web::test]
async fn unknown_conversations_and_paths_out_of_scope_are_told_apart() {
    let api = Api::start().await;
    for rest in [
        "",
        "/messages",
        "/topics",
        "/questions",
        "/action-items",
        "/follow-ups",
        "/insights",
        "/entities",
        "/trackers-detected",
        "/trackers",
        "/analytics",
        "/members",
        "/summary",
        "/comprehensive/action-items",
    ] {
        let (status, body) = api.get(&format!("/v1/conversations/no%2Fsuch%FFid{rest}")).await;
        assert_eq!(status, 404, "{rest}");
        assert_eq!(body["message"], "The conversationId is either invalid or does not exist.");
    }
    for (path, status) in [
        ("/v1/conversations/1/bookmarks", 501),
        ("/v1/conversations/1/experiences", 501),
        ("/v1/manage/groups", 501),
        ("/v1/manage/entities/bulk", 501),
        ("/v1/endpoint:connect", 501),
        ("/v1/conversations/1/nothing", 404),
        ("/v1/manage/nothing", 404),
    ] {
        let request = awc::Client::default().post(api.engine.http(path));
        let mut response = request.bearer_auth(&api.token).send().await.unwrap();
        assert_eq!(response.status(), status, "{path}");
        assert!(response.json::<Value>().await.unwrap()["message"].is_string());
    }
    api.end().await;
}

#[actix_web::test]
async fn bodies_that_are_no_json_or_too_large_are_refused() {
    let api = Api::with_a_call().await;
    for (method, path) in [
        (Method::PUT, format!("/v1/conversations/{ID}")),
        (Method::PUT, format!("/v1/conversations/{ID}/members/agent")),
        (Method::POST, format!("/v1/conversations/{ID}/transcript")),
        (Method::POST, "/v1/manage/tracker".to_owned()),
        (Method::POST, "/v1/manage/trackers".to_owned()),
        (Method::POST, "/v1/manage/trackers/bulk".to_owned()),
        (Method::PATCH, "/v1/manage/trackers/1".to_owned()),
    ] {
        for (body, status) in [
            (String::new(), 400),
            ("{".to_owned(), 400),
            ("7".to_owned(), 400),
            ("[".repeat(100_000), 400),
            (format!("\"{}\"", "x".repeat(1024 * 1024)), 413),
        ] {
            let request = awc::Client::default().request(method.clone(), api.engine.http(&path));
            let mut response = request.bearer_auth(&api.token).send_body(body).await.unwrap();
            let expected =
                if path.ends_with("trackers/1") && status == 400 { [400, 404] } else { [status; 2] };
            assert!(expected.contains(&response.status().as_u16()), "{method} {path}");
            assert!(response.json::<Value>().await.unwrap()["message"].is_string());
        }
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
