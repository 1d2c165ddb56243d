//! Tokens, carriers, paths, refusals.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::engine_support::{APP_ID, APP_SECRET, Client, Engine, Said, Scripted, credentials, settings};

#[actix_web::test]
async fn a_token_lives_long_enough_and_wrong_credentials_are_told_apart() {
    let engine = Engine::start();
    let (status, body) = engine.ask_token(&credentials()).await;
    assert_eq!(status, 200);
    assert_eq!(body["expiresIn"], 86_400);
    assert_eq!(body.as_object().unwrap().len(), 2);
    assert_eq!(body["accessToken"].as_str().unwrap().split('.').count(), 3);
    for (body, status, message) in [
        (
            json!({"type":"application","appId":APP_ID,"appSecret":"wrong"}),
            401,
            "The appId or appSecret is not valid.",
        ),
        (
            json!({"type":"application","appId":"x","appSecret":APP_SECRET}),
            401,
            "The appId or appSecret is not valid.",
        ),
        (json!({"type":"application","appSecret":APP_SECRET}), 400, "\"appId\" is required"),
        (
            json!({"type":"password","appId":APP_ID,"appSecret":APP_SECRET}),
            400,
            "\"type\" must be one of [application]",
        ),
    ] {
        assert_eq!(engine.ask_token(&body).await, (status, json!({ "message": message })));
    }
    engine.end().await;
}

#[actix_web::test]
async fn no_setting_makes_a_token_that_breaks_clients() {
    for (wanted, given) in [(1, 600), (u64::MAX / 2, 24 * 86_400), (7200, 7200)] {
        let mut settings = settings();
        settings.token_lifetime = Duration::from_secs(wanted);
        let engine = Engine::start_with(settings, Scripted::default());
        let (_, body) = engine.ask_token(&credentials()).await;
        assert_eq!(body["expiresIn"], given);
        engine.end().await;
    }
}

#[actix_web::test]
async fn the_token_path_is_found_in_every_spelling_and_other_methods_are_refused() {
    let engine = Engine::start();
    let http = awc::Client::default();
    for path in [
        "/oauth2/token:generate",
        "/oauth2/token%3Agenerate",
        "/oauth2/token%3agenerate",
        "//oauth2//token:generate",
    ] {
        let response = http.post(engine.http(path)).send_json(&credentials()).await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        assert_eq!(response.headers().get("content-type").unwrap(), "application/json");
    }
    let mut response = http.get(engine.http("/oauth2/token:generate")).send().await.unwrap();
    assert_eq!(response.status(), 405);
    let body: serde_json::Value = response.json().await.unwrap();
    assert_eq!(body, json!({"message":"Method Not Allowed"}));
    let mut response = http.post(engine.http("/oauth2/token:generate")).send_body("not json").await.unwrap();
    assert_eq!(response.status(), 400);
    assert!(response.json::<serde_json::Value>().await.unwrap()["message"].is_string());
    engine.end().await;
}

#[actix_web::test]
async fn browsers_from_elsewhere_may_ask_for_tokens() {
    let mut settings = settings();
    settings.cors_origins = vec!["https://app.example.com".to_owned()];
    let engine = Engine::start_with(settings, Scripted::default());
    let http = awc::Client::default();
    let ask = async |origin: &str| {
        let preflight = http.request(awc::http::Method::OPTIONS, engine.http("/oauth2/token:generate"));
        let response = preflight.insert_header(("origin", origin)).send().await.unwrap();
        let allowed = response.headers().get("access-control-allow-origin");
        (response.status().as_u16(), allowed.map(|value| value.to_str().unwrap().to_owned()))
    };
    assert_eq!(ask("https://app.example.com").await, (204, Some("https://app.example.com".to_owned())));
    assert_eq!(ask("https://evil.example.com").await, (204, None));
    engine.end().await;
}

#[actix_web::test]
async fn every_carrier_of_a_token_opens_every_path() {
    let engine = Engine::start();
    let token = engine.token().await;
    let bearer = format!("bearer {token}");
    let carriers: [(&str, Vec<(&str, &str)>); 7] = [
        (&format!("?access_token={token}"), vec![]),
        (&format!("?accessToken={token}&source=js_sdk"), vec![]),
        ("", vec![("Authorization", &bearer)]),
        ("?source=python_sdk", vec![("x-api-key", &token), ("Origin", "https://api.symbl.ai")]),
        ("?source=js_sdk", vec![("Sec-WebSocket-Protocol", &token)]),
        ("?source=js_sdk", vec![("X-API-KEY", &token), ("Sec-WebSocket-Protocol", &token)]),
        (&format!("?access_token={token}"), vec![("Sec-WebSocket-Protocol", "Something-Else")]),
    ];
    let paths = [
        "/v1/realtime/insights/c",
        "/v1/streaming/c",
        "/v1/streaming/c/",
        "//v1//streaming//c",
        "/v1/subscribe/c",
        "/session/subscribe/c",
        "/subscribe/c",
    ];
    for path in paths {
        for (query, headers) in &carriers {
            let url = engine.ws(&format!("{path}{query}"));
            let mut client =
                Client::connect_with(&url, headers).await.unwrap_or_else(|status| panic!("{url}: {status}"));
            let offered =
                headers.iter().find(|(name, _)| *name == "Sec-WebSocket-Protocol").map(|(_, value)| *value);
            assert_eq!(client.subprotocol.as_deref(), offered, "{url}");
            client.close().await;
            while !matches!(client.next().await, Said::Closed(_) | Said::Lost) {}
        }
    }
    engine.end().await;
}

#[actix_web::test]
async fn what_may_not_come_in_hears_why_before_the_upgrade() {
    let engine = Engine::start();
    let token = engine.token().await;
    let (long, longest) = ("x".repeat(257), "x".repeat(256));
    for (path, status) in [
        ("/v1/streaming/c".to_owned(), 401),
        ("/v1/streaming/c?access_token=nonsense".to_owned(), 401),
        (format!("/v1/streaming/c?access_token={token}x"), 401),
        ("/v1/subscribe/c".to_owned(), 401),
        (format!("/v1/streaming/{long}?access_token={token}"), 400),
        (format!("/v1/streaming/?access_token={token}"), 400),
        (format!("/v1/streaming/%FF?access_token={token}"), 400),
    ] {
        let refused = Client::connect_with(&engine.ws(&path), &[]).await.err();
        assert_eq!(refused, Some(status), "{path}");
    }
    for path in ["/v1/streaming/c", "/v1/realtime/insights/c", "/v1/subscribe/c", "/session/subscribe/c"] {
        let response = awc::Client::default().get(engine.http(path)).send().await.unwrap();
        assert_eq!(response.status(), 426, "{path}");
        assert_eq!(response.headers().get("upgrade").unwrap(), "websocket");
    }
    let mut client =
        Client::connect(&engine.ws(&format!("/v1/streaming/{longest}?access_token={token}"))).await;
    client.close().await;
    engine.end().await;
}

#[actix_web::test]
async fn refusals_are_held_back_longer_each_time() {
    let mut settings = settings();
    settings.timers.refusal_delay = Duration::from_millis(200);
    let engine = Engine::start_with(settings, Scripted::default());
    for least_ms in [200, 300, 400] {
        let began = Instant::now();
        let refused = Client::connect_with(&engine.ws("/v1/streaming/c"), &[]).await.err();
        assert_eq!(refused, Some(401));
        assert!(began.elapsed() >= Duration::from_millis(least_ms), "{:?}", began.elapsed());
    }
    engine.end().await;
}

#[actix_web::test]
async fn limits_refuse_with_429_and_a_seat_that_is_left_is_free_again() {
    let mut settings = settings();
    settings.limits.legs_per_conversation = 1;
    settings.limits.subscribers_per_conversation = 1;
    let engine = Engine::start_with(settings, Scripted::default());
    let token = engine.token().await;
    for kind in ["streaming", "subscribe"] {
        let url = engine.ws(&format!("/v1/{kind}/c?access_token={token}"));
        let mut first = Client::connect(&url).await;
        assert_eq!(Client::connect_with(&url, &[]).await.err(), Some(429));
        let other = engine.ws(&format!("/v1/{kind}/other?access_token={token}"));
        Client::connect(&other).await.close().await;
        first.close().await;
        while !matches!(first.next().await, Said::Closed(_) | Said::Lost) {}
        let again = async { while Client::connect_with(&url, &[]).await.is_err() {} };
        tokio::time::timeout(Duration::from_secs(5), again).await.unwrap();
    }
    engine.end().await;
}

#[actix_web::test]
async fn an_engine_without_capacity_refuses_new_legs_but_not_subscribers() {
    let engine = Engine::start_with(settings(), Scripted { is_full: true, ..Scripted::default() });
    let token = engine.token().await;
    let leg = engine.ws(&format!("/v1/streaming/c?access_token={token}"));
    assert_eq!(Client::connect_with(&leg, &[]).await.err(), Some(503));
    engine.subscriber("c").await.close().await;
    engine.end().await;
}
