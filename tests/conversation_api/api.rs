//! An engine whose store holds a call, and questions to it.

use awc::http::Method;
use serde_json::{Value, json};
use symbl_bridge::engine::store::record::{
    ConversationRecord, EntityRecord, InsightRecord, MemberRecord, MessageRecord, Record, TopicRecord,
    TrackerMatchRecord, WordRecord,
};

use crate::engine_support::Engine;

/// 2026-03-04T15:20:00Z.
pub(crate) const BEGAN_MS: i64 = 1_772_637_600_000;
pub(crate) const ID: &str = "5174930226618368";

/// An engine, a token for it, and its document.
pub(crate) struct Api {
    pub(crate) engine: Engine,
    pub(crate) token: String,
    pub(crate) document: Value,
}

impl Api {
    pub(crate) async fn start() -> Self {
        let engine = Engine::start();
        let token = engine.token().await;
        let mut response = awc::Client::default().get(engine.http("/openapi.json")).send().await.unwrap();
        let document = response.json().limit(10_000_000).await.unwrap();
        Self { engine, token, document }
    }

    pub(crate) async fn with_a_call() -> Self {
        let api = Self::start().await;
        for record in a_call() {
            api.engine.state.store().record(record);
        }
        api
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, Value) {
        self.ask(Method::GET, path, &Value::Null).await
    }

    /// Returns what is below the call's path.
    pub(crate) async fn of_call(&self, rest: &str) -> Value {
        let (status, body) = self.get(&format!("/v1/conversations/{ID}{rest}")).await;
        assert_eq!(status, 200, "{rest}: {body}");
        body
    }

    pub(crate) async fn ask(&self, method: Method, path: &str, body: &Value) -> (u16, Value) {
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

    pub(crate) async fn end(self) {
        self.engine.end().await;
    }
}

pub(crate) fn a_call() -> Vec<Record> {
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

pub(crate) fn message_id(sequence: u64) -> String {
    format!("487130552004608{sequence}")
}

pub(crate) fn message(
    sequence: u64,
    member: Option<&str>,
    from_ms: i64,
    until_ms: i64,
    text: &str,
) -> MessageRecord {
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

pub(crate) fn person(id: &str, name: &str, user_id: &str) -> Value {
    json!({ "id": id, "name": name, "email": user_id, "userId": user_id })
}
