//! Signing in to the dashboard: the access token once, a cookie from then on, and nothing for anybody else.

mod support;

use serde_json::{Value, json};
use support::bridge::{Bridge, Settings};
use support::http::{Answer, Request};
use support::socket::Socket;
use support::symbl_server::SymblServer;

const NOWHERE: &str = "http://127.0.0.1:9";
const TOKEN: &str = "a-token-of-our-own";

fn public(upstream: &str) -> Settings {
    Settings::with_upstream(upstream).public("bridge.example.com").set("BRIDGE__UPDATES__TOKEN", TOKEN)
}

async fn ask(bridge: &Bridge, method: &str, target: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = Request::new(method, target);
    for (name, value) in headers {
        request = request.header(name, value);
    }
    request.send(bridge.address).await
}

async fn sign_in(bridge: &Bridge, token: &str) -> Answer {
    let body = json!({ "token": token }).to_string();
    Request::new("POST", "/symbl/session").body("application/json", body).send(bridge.address).await
}

/// What a browser sends back.
fn cookie(answer: &Answer) -> String {
    let Some(set) = answer.header("set-cookie") else { panic!("no cookie: {answer:?}") };
    for word in ["HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=604800"] {
        assert!(set.split("; ").any(|part| part == word), "{word} in {set}");
    }
    // The page was asked for by an address of this machine, without encryption.
    assert!(!set.contains("Secure"), "{set}");
    set.split_once(';').map_or(set, |(value, _)| value).to_owned()
}

fn json_of(answer: &Answer) -> Value {
    serde_json::from_str(&answer.body).unwrap_or_else(|_| panic!("no JSON: {}", answer.body))
}

#[tokio::test]
async fn the_printed_link_signs_in_and_leaves_the_address_without_a_secret() {
    let symbl = SymblServer::start().await;
    let bridge = public(&symbl.base_url()).start().await;
    let arrived = ask(&bridge, "GET", &format!("/?token={TOKEN}"), &[]).await;
    assert_eq!((arrived.status, arrived.header("location")), (303, Some("/")));
    let cookie = cookie(&arrived);
    assert!(!cookie.contains(TOKEN), "{cookie}");
    let signed_in = ("Cookie", cookie.as_str());
    let with_others = format!("theme=dark; {cookie}; other=1");

    let own_page = format!("http://{}", bridge.address);
    for (headers, refused) in [
        (vec![signed_in], None),
        (vec![("Cookie", with_others.as_str())], None),
        (vec![signed_in, ("Origin", own_page.as_str())], None),
        (vec![], Some(401)),
        (vec![("Origin", own_page.as_str())], Some(401)),
        // The browser sends the cookie whatever page asks.
        (vec![signed_in, ("Origin", "https://elsewhere.example.com")], Some(403)),
        (vec![signed_in, ("Origin", "https://bridge.example.com")], Some(401)),
    ] {
        let opened = Socket::open(bridge.address, "/symbl/updates", &headers).await;
        assert_eq!(opened.err(), refused, "{headers:?}");
    }

    let answer = ask(&bridge, "POST", "/symbl/token", &[signed_in]).await;
    assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")));
    let access = json_of(&answer);
    assert!(access["accessToken"].as_str().is_some_and(|token| !token.is_empty()), "{access}");
    assert!(access["expiresIn"].as_u64().is_some_and(|seconds| seconds > 0), "{access}");
    assert_eq!(access["apiBaseUrl"].as_str(), Some(symbl.base_url().as_str()));
    assert_eq!(ask(&bridge, "POST", "/symbl/token", &[]).await.status, 401);
    bridge.finish().await;
}

#[tokio::test]
async fn a_form_signs_in_and_out_and_strangers_learn_nothing() {
    let bridge = public(NOWHERE).start().await;
    let stranger = json_of(&ask(&bridge, "GET", "/symbl/session", &[]).await);
    assert_eq!((&stranger["signedIn"], &stranger["tokenNeeded"]), (&json!(false), &json!(true)));
    assert_eq!((&stranger["number"], &stranger["webhooks"]), (&Value::Null, &Value::Null));

    let refused = sign_in(&bridge, "a-token-of-our-owm").await;
    assert_eq!((refused.status, refused.header("set-cookie")), (401, None));
    assert!(json_of(&refused)["message"].as_str().expect("a reason").contains("updates.token"));
    let admitted = sign_in(&bridge, &format!(" {TOKEN}\n")).await;
    assert_eq!(admitted.status, 204, "a token is copied with the space around it");
    let session = cookie(&admitted);
    let known = json_of(&ask(&bridge, "GET", "/symbl/session", &[("Cookie", &session)]).await);
    assert_eq!(known["signedIn"], true);
    assert_eq!(known["number"], support::TWILIO_NUMBER);
    assert_eq!(known["webhooks"]["call"], "https://bridge.example.com/twilio/twiml");

    let gone = ask(&bridge, "DELETE", "/symbl/session", &[("Cookie", &session)]).await;
    assert_eq!(gone.status, 204);
    let set = gone.header("set-cookie").expect("an empty cookie");
    assert!(set.starts_with("symbl_bridge_session=;") && set.contains("Max-Age=0"), "{set}");

    // The upstream is out of reach: the page hears why it gets nothing.
    let no_token = ask(&bridge, "POST", "/symbl/token", &[("Cookie", &session)]).await;
    assert_eq!(no_token.status, 503);
    assert!(json_of(&no_token)["message"].as_str().expect("a reason").contains("access token"));
    bridge.finish().await;
}

#[tokio::test]
async fn a_cookie_that_was_tampered_with_opens_nothing() {
    let bridge = public(NOWHERE).start().await;
    let session = cookie(&sign_in(&bridge, TOKEN).await);
    let (head, mac) = session.rsplit_once('.').expect("three parts");
    let (name, expiry) = head.rsplit_once('.').expect("three parts");
    let later = expiry.parse::<u64>().expect("seconds") + 1;
    for forged in [
        format!("{name}.{later}.{mac}"),
        format!("{name}.{expiry}.{}", mac.chars().rev().collect::<String>()),
        format!("{name}.{expiry}."),
        format!("{name}.{expiry}"),
        "symbl_bridge_session=".to_owned(),
        format!("symbl_bridge_session={TOKEN}"),
        format!("other={}", session.split_once('=').expect("a value").1),
    ] {
        let answer = json_of(&ask(&bridge, "GET", "/symbl/session", &[("Cookie", &forged)]).await);
        assert_eq!(answer["signedIn"], false, "{forged}");
    }
    bridge.finish().await;

    // Another token shuts out whoever was signed in; the same token lets them in again.
    let changed = public(NOWHERE).set("BRIDGE__UPDATES__TOKEN", "another-token-of-ours").start().await;
    assert_eq!(
        json_of(&ask(&changed, "GET", "/symbl/session", &[("Cookie", &session)]).await)["signedIn"],
        false
    );
    changed.finish().await;
    let same = public(NOWHERE).start().await;
    assert_eq!(
        json_of(&ask(&same, "GET", "/symbl/session", &[("Cookie", &session)]).await)["signedIn"],
        true
    );
    same.finish().await;
}

#[tokio::test]
async fn who_guesses_tokens_is_slowed_down() {
    let limited = public(NOWHERE).set("BRIDGE__HTTP__REFUSALS_PER_MINUTE", "3");
    let bridge = limited.set("BRIDGE__HTTP__LIMIT_LOOPBACK", "true").start().await;
    let mut answers = Vec::new();
    for guess in 0..3 {
        answers.push(ask(&bridge, "GET", &format!("/?token=guess-{guess}"), &[]).await.status);
        answers.push(sign_in(&bridge, &format!("guess-{guess}")).await.status);
    }
    assert_eq!(answers[..3], [401; 3]);
    assert_eq!(answers[3..], [429; 3]);
    bridge.finish().await;
}

#[tokio::test]
async fn without_a_token_only_this_machines_own_names_open_the_page() {
    let bridge = Settings::with_upstream(NOWHERE).start().await;
    let session = json_of(&ask(&bridge, "GET", "/symbl/session", &[]).await);
    assert_eq!((&session["signedIn"], &session["tokenNeeded"]), (&json!(true), &json!(false)));
    assert_eq!(session["number"], support::TWILIO_NUMBER);
    // A name of a stranger's that leads to this machine (DNS rebinding): its page is the origin of what it asks for.
    let rebound =
        Request::new("GET", "/symbl/session").host("rebound.example.com").send(bridge.address).await;
    assert_eq!(json_of(&rebound)["signedIn"], false);
    let rebound = Request::new("POST", "/symbl/token").host("rebound.example.com:3000");
    let rebound = rebound.header("Origin", "http://rebound.example.com:3000").send(bridge.address).await;
    assert_eq!(rebound.status, 403);
    let rebound = Request::new("POST", "/symbl/token").host("rebound.example.com").send(bridge.address).await;
    assert_eq!(rebound.status, 403);
    bridge.finish().await;
}

#[tokio::test]
async fn a_page_of_a_listed_origin_asks_with_the_token_and_may_read_the_answer() {
    let desk = "https://desk.example.com";
    let bridge = public(NOWHERE).set("BRIDGE__UPDATES__ORIGINS", desk).start().await;
    let bearer = format!("Bearer {TOKEN}");
    let preflight = ask(&bridge, "OPTIONS", "/symbl/token", &[("Origin", desk)]).await;
    assert_eq!(preflight.status, 204);
    assert_eq!(preflight.header("access-control-allow-origin"), Some(desk));
    assert!(
        preflight.header("access-control-allow-headers").is_some_and(|names| names.contains("Authorization"))
    );
    assert_eq!(preflight.header("access-control-allow-credentials"), None, "cookies never cross");
    let shown = [("Origin", desk), ("Authorization", bearer.as_str())];
    let legs = ask(&bridge, "GET", "/symbl/legs", &shown).await;
    assert_eq!((legs.status, legs.header("access-control-allow-origin")), (200, Some(desk)));

    let cookie = cookie(&sign_in(&bridge, TOKEN).await);
    assert_eq!(
        ask(&bridge, "GET", "/symbl/legs", &[("Origin", desk), ("Cookie", &cookie)]).await.status,
        401
    );
    let elsewhere = [("Origin", "https://elsewhere.example.com"), ("Authorization", bearer.as_str())];
    let refused = ask(&bridge, "GET", "/symbl/legs", &elsewhere).await;
    assert_eq!((refused.status, refused.header("access-control-allow-origin")), (403, None));
    bridge.finish().await;
}
