//! Nobody but Twilio calls, and nobody watches without the token: the rest is refused, and the process says why.

mod support;

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use support::bridge::{AUTH_TOKEN, Bridge, Settings};
use support::caller::Caller;
use support::http::{FORM, Request, form, signature};
use support::socket::Socket;
use support::{AGENT, CUSTOMER};

const NOWHERE: &str = "http://127.0.0.1:9";
const OTHER_TOKEN: &str = "ffffffffffffffffffffffffffffffff";
const WEBHOOKS: [&str; 5] = [
    "/twilio/twiml",
    "/twilio/statuschange",
    "/twilio/stream-events",
    "/twilio/conference",
    "/twilio/dial-done",
];

async fn public_bridge() -> Bridge {
    Settings::with_upstream(NOWHERE).public("bridge.example.com").start().await
}

/// Posts with exactly these headers.
async fn post(bridge: &Bridge, target: &str, body: &str, headers: &[(&str, &str)]) -> u16 {
    let mut request = Request::new("POST", target).body(FORM, body);
    for (name, value) in headers {
        request = request.header(name, value);
    }
    request.send(bridge.address).await.status
}

#[tokio::test]
async fn every_webhook_refuses_what_twilio_did_not_sign() {
    let bridge = public_bridge().await;
    let pairs = Caller::new(CUSTOMER).form("ringing");
    let body = form(&pairs);
    for path in WEBHOOKS {
        let url = format!("https://bridge.example.com{path}");
        let right = signature(AUTH_TOKEN, &url, &pairs);
        let foreign = signature(OTHER_TOKEN, &url, &pairs);
        let elsewhere = signature(AUTH_TOKEN, &format!("https://other.example.com{path}"), &pairs);
        let bare = signature(AUTH_TOKEN, &url, &[]);
        for (headers, expected) in [
            (vec![], 403),
            (vec![("X-Twilio-Signature", "")], 403),
            (vec![("X-Twilio-Signature", "AAAA")], 403),
            (vec![("X-Twilio-Signature", foreign.as_str())], 403),
            (vec![("X-Twilio-Signature", elsewhere.as_str())], 403),
            (vec![("X-Twilio-Signature", bare.as_str())], 403),
            (vec![("X-Twilio-Signature", right.as_str()), ("X-Twilio-Signature", right.as_str())], 403),
            // A host that somebody claims does not make their address ours.
            (
                vec![("X-Twilio-Signature", elsewhere.as_str()), ("X-Forwarded-Host", "other.example.com")],
                403,
            ),
            (
                vec![
                    ("X-Twilio-Signature", right.as_str()),
                    (
                        "X-Twilio-Webhooks-Signature-Settings",
                        "key=webhooks_sharedkey_1,algorithm=HMAC_SHA256",
                    ),
                ],
                403,
            ),
        ] {
            assert_eq!(post(&bridge, path, &body, &headers).await, expected, "{path} {headers:?}");
        }
        let status = post(&bridge, path, &body, &[("X-Twilio-Signature", &right)]).await;
        assert!((200..300).contains(&status) || status == 400, "{path}: {status}");
        let changed = body.replace("ringing", "completed");
        assert_eq!(post(&bridge, path, &changed, &[("X-Twilio-Signature", &right)]).await, 403, "{path}");
    }
    bridge.finish().await;
}

#[tokio::test]
async fn a_refusal_shows_what_was_hashed_and_neither_secret_nor_number() {
    let bridge = public_bridge().await;
    let caller = Caller::new(CUSTOMER);
    let pairs = caller.form("ringing");
    let url = "https://bridge.example.com/twilio/twiml";
    let wrong = signature(OTHER_TOKEN, url, &pairs);
    post(&bridge, "/twilio/twiml", &form(&pairs), &[("X-Twilio-Signature", &wrong)]).await;
    let line = bridge.wait_for_event("signature_refused", |line| line["path"] == "/twilio/twiml").await;
    let hashed = line["hashed"].as_str().unwrap_or_default();
    assert!(hashed.starts_with(url) && hashed.contains(&caller.call_sid), "{hashed}");
    let expected = signature(AUTH_TOKEN, url, &pairs);
    for secret in [AUTH_TOKEN, &expected, &wrong, CUSTOMER.trim_start_matches('+')] {
        assert!(!line.to_string().contains(secret), "{line}");
    }
    assert!(hashed.contains("0002"), "the last four digits are left: {hashed}");
    bridge.finish().await;
}

#[tokio::test]
async fn both_spellings_of_the_port_and_several_tokens_are_taken() {
    let tokens = format!("{OTHER_TOKEN}, {AUTH_TOKEN}");
    let bridge = Settings::with_upstream(NOWHERE)
        .public("bridge.example.com")
        .set("TWILIO_AUTH_TOKEN", &tokens)
        .start()
        .await;
    let pairs = Caller::new(AGENT).form("ringing");
    for token in [AUTH_TOKEN, OTHER_TOKEN] {
        for base in ["https://bridge.example.com", "https://bridge.example.com:443"] {
            let target = "/twilio/twiml?room=r%20x&a=b";
            let signed = signature(token, &format!("{base}{target}"), &pairs);
            let status = post(&bridge, target, &form(&pairs), &[("X-Twilio-Signature", &signed)]).await;
            assert_ne!(status, 403, "{base}");
        }
    }
    bridge.finish().await;
}

#[tokio::test]
async fn a_body_that_is_no_form_needs_its_hash_in_the_signed_address() {
    let bridge = public_bridge().await;
    let body = r#"{"CallSid":"CA1234567890ABCDE"}"#;
    let hash: String = Sha256::digest(body).iter().map(|byte| format!("{byte:02x}")).collect();
    let target = format!("/twilio/statuschange?bodySHA256={hash}");
    let signed = signature(AUTH_TOKEN, &format!("https://bridge.example.com{target}"), &[]);
    for (sent, target, expected) in [
        // Signed, but nothing that this path reads.
        (body, target.as_str(), 415),
        (r#"{"CallSid":"CA1234567890ABCDF"}"#, target.as_str(), 403),
        (body, "/twilio/statuschange", 403),
    ] {
        let request = Request::new("POST", target).body("application/json", sent);
        let answer = request.header("X-Twilio-Signature", &signed).send(bridge.address).await;
        assert_eq!(answer.status, expected, "{target} {sent}");
    }
    bridge.finish().await;
}

#[tokio::test]
async fn a_media_handshake_is_signed_over_the_wss_address() {
    let bridge = public_bridge().await;
    let sign = |url: &str| signature(AUTH_TOKEN, url, &[]);
    for (url, is_taken) in [
        ("wss://bridge.example.com/twilio/media", true),
        ("wss://bridge.example.com/twilio/media/", true),
        ("wss://bridge.example.com:443/twilio/media", true),
        ("https://bridge.example.com/twilio/media", false),
        ("ws://bridge.example.com/twilio/media", false),
        ("wss://other.example.com/twilio/media", false),
    ] {
        let signed = sign(url);
        let opened =
            Socket::open(bridge.address, "/twilio/media", &[("X-Twilio-Signature", signed.as_str())]).await;
        assert_eq!(opened.err(), (!is_taken).then_some(403), "{url}");
    }
    assert_eq!(Socket::open(bridge.address, "/twilio/media", &[]).await.err(), Some(403), "unsigned");
    bridge.finish().await;
}

#[tokio::test]
async fn a_public_bridge_without_a_token_does_not_start_unless_told_to() {
    let settings = || Settings::with_upstream(NOWHERE).set("WEBHOOK_DOMAIN", "bridge.example.com");
    let finished = settings().spawn().finished().await;
    assert_eq!(finished.code, Some(64));
    for word in ["TWILIO_AUTH_TOKEN", "WEBHOOK_DOMAIN", "twilio.check_signatures"] {
        assert!(finished.stderr.contains(word), "{word}: {}", finished.stderr);
    }
    let bridge = settings().set("BRIDGE__TWILIO__CHECK_SIGNATURES", "false").start().await;
    assert_eq!(Caller::new(AGENT).ask(&bridge, "").await.status, 200);
    bridge.finish().await;
}

#[tokio::test]
async fn a_public_bridge_shows_updates_to_those_who_have_its_token() {
    let chosen = Settings::with_upstream(NOWHERE)
        .public("bridge.example.com")
        .set("BRIDGE__UPDATES__TOKEN", "a-token-of-our-own")
        .set("BRIDGE__UPDATES__ORIGINS", "https://desk.example.com")
        .start()
        .await;
    let at = chosen.address;
    let open = async |path: &str, headers: &[(&str, &str)]| Socket::open(at, path, headers).await.err();
    let path = "/symbl/updates";
    assert_eq!(open(path, &[]).await, Some(401));
    assert_eq!(open("/symbl/updates?token=a-token-of-our-owm", &[]).await, Some(401));
    assert_eq!(open("//symbl/updates?token=a-token-of-our-own", &[]).await, None);
    let bearer = ("Authorization", "Bearer a-token-of-our-own");
    assert_eq!(open(path, &[bearer]).await, None);
    assert_eq!(open(path, &[bearer, ("Origin", "https://desk.example.com")]).await, None);
    assert_eq!(open(path, &[bearer, ("Origin", "https://elsewhere.example.com")]).await, Some(403));
    chosen.finish().await;

    let made_up = public_bridge().await;
    let printed = support::wait::wait_for("the address for dashboards", || {
        let printed = made_up.process().stdout();
        printed.lines().find_map(|line| Some(line.split_once("/symbl/updates?token=")?.1.trim().to_owned()))
    })
    .await;
    let at = made_up.address;
    assert_eq!(Socket::open(at, path, &[]).await.err(), Some(401));
    assert!(Socket::open(at, &format!("{path}?token={printed}"), &[]).await.is_ok());
    made_up.finish().await;
}

/// The independent implementation above, on the published vector with token `12345`.
#[test]
fn the_test_itself_signs_as_twilio_does() {
    let mut mac = Hmac::<sha1::Sha1>::new_from_slice(b"12345").expect("any key length is fine");
    mac.update(b"https://example.com/myapp?bodySHA256=5ccde7145dfb8f56479710896586cb9d5911809d83afbe34627818790db0aec9");
    let expected = Value::from("hPXmLwIy3Fgqv1i9KPmH/HhQ6zo=");
    let signed =
        base64::Engine::encode(&base64::engine::general_purpose::STANDARD, mac.finalize().into_bytes());
    assert_eq!(Value::from(signed), expected);
}
