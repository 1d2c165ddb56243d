//! Stored trackers, and what all paths have in common.

use awc::http::Method;
use serde_json::{Value, json};

use crate::api::{Api, ID};

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
