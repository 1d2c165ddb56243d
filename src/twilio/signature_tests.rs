//! Every vector of twilio-protocol.md, section 5.8: the right results, and the wrong ones of known mistakes.

use super::*;

const BASE: &str = "https://bridge.example.com";
const TWIML: &str = "https://bridge.example.com/twilio/twiml";
const T1: &str = "AccountSid=ACa1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1&ApiVersion=2010-04-01&CallSid=CAb2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2&CallStatus=ringing&Called=%2B14155550100&CalledCity=&CalledCountry=US&CalledState=CA&CalledZip=&Caller=%2B12125550123&CallerCity=NEW+YORK&CallerCountry=US&CallerState=NY&CallerZip=10001&Direction=inbound&From=%2B12125550123&FromCity=NEW+YORK&FromCountry=US&FromState=NY&FromZip=10001&To=%2B14155550100&ToCity=&ToCountry=US&ToState=CA&ToZip=";
const T2: &str = "AccountSid=ACa1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1&ApiVersion=2010-04-01&CallDuration=42&CallSid=CAb2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2&CallStatus=completed&CallbackSource=call-progress-events&Called=%2B14155550100&Caller=%2B12125550123&Direction=inbound&Duration=1&From=%2B12125550123&SequenceNumber=0&SipResponseCode=200&Timestamp=Tue%2C+03+Mar+2026+10%3A15%3A42+%2B0000&To=%2B14155550100";
const T3: &str = "CallSid=CAb2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2&CallerName=Zo%C3%AB+%26+S%C3%B6hne+%2B+Co.+%3D+100%25&From=%2B266696687&To=sip%3Aagent%40pbx.example.com%3Btransport%3Dtls&Note=line1%0D%0Aline2&Pad=++two+spaces++&Tag=b&Tag=a&Tag=b&Empty=&apple=1&Zebra=2";
const T3_QUERY: &str = "/twilio/statuschange?tenant=a%20b&x=%2F";
const T4: &str = "AccountSid=ACa1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1&CallSid=CAb2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2&StreamSid=MZc3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3&StreamName=leg-CAb2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2&StreamEvent=stream-started&Timestamp=2026-03-03T10%3A15%3A00.602648368Z";
const T5: &str = "ConferenceSid=CFe5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5&FriendlyName=room+7+%28north%29&AccountSid=ACa1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1&SequenceNumber=1&Timestamp=Tue%2C+03+Mar+2026+10%3A15%3A00+%2B0000&StatusCallbackEvent=participant-join&CallSid=CAb2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2&Muted=false&Hold=false&Coaching=false&EndConferenceOnExit=true&StartConferenceOnEnter=true";
const T13: &str = "CallSid=CAb2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2&From=%2B12125550123";
const T15: &str = "CallSid=CAb2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2&From=+12125550123";
const JSON: &str =
    r#"{"CallSid":"CAb2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2","status":"completed","note":"Zoë + 100%"}"#;
const JSON_HASH: &str = "0fee7ea220b76e9d484c76e59de4c98e8b6ab0a76d684c4a6363fe02cacdec68";

fn token(raw: &str) -> AuthToken {
    AuthToken::parse(raw).unwrap()
}

fn signer() -> Signer {
    Signer::new(token("0123456789abcdef0123456789abcdef"))
}

fn form(body: &str) -> Form {
    Form::parse(body.as_bytes()).unwrap()
}

fn presented(signature: &str) -> PresentedSignature {
    PresentedSignature::from_headers([signature.as_bytes()], None).unwrap()
}

fn base(raw: &str) -> PublicUrl {
    PublicUrl::parse(raw).unwrap()
}

#[test]
fn form_vectors_are_made_and_accepted() {
    let vectors = [
        ("T1", "/twilio/twiml", T1, "FyxMnS9E5cEpqLpKK+qxUeQy/Ac="),
        ("T2", "/twilio/statuschange", T2, "W0OsqBkUfiBStXN9t/Wfgr9gY7g="),
        ("T3", T3_QUERY, T3, "D171NLRfBu1QN2T7FZwLHGtUDC0="),
        ("T4", "/twilio/stream-events", T4, "t8GapA+wUH3c80LZv13fvUP3cCk="),
        ("T5", "/twilio/conference", T5, "oICmroQECEJ+7aiDb4zUIcpdqOY="),
        ("T14", "/twilio/twiml", T13, "1O+dgdellvZkQOQyqIhkkylcc1k="),
        ("T15", "/twilio/twiml", T15, "1JCI+aIxxOu4hFhk8GZKgIeKu3Y="),
        ("T16", "/twilio/twiml", "", "3fuSRINEkn3nGvbGIzAJl6PXjSw="),
    ];
    for (name, path, body, signature) in vectors {
        let form = form(body);
        assert_eq!(signer().sign_form(&format!("{BASE}{path}"), &form), signature, "{name}");
        let verdict = signer().verify_webhook(&presented(signature), &base(BASE), path, Body::Form(&form));
        assert_eq!(verdict, Ok(()), "{name}");
    }
}

#[test]
fn signed_text_of_t3_is_the_published_one() {
    let data = signed_data(&format!("{BASE}{T3_QUERY}"), Body::Form(&form(T3)));
    assert_eq!(
        String::from_utf8(data).unwrap(),
        "https://bridge.example.com/twilio/statuschange?tenant=a%20b&x=%2FCallSidCAb2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2CallerNameZoë & Söhne + Co. = 100%EmptyFrom+266696687Noteline1\r\nline2Pad  two spaces  TagaTagbTosip:agent@pbx.example.com;transport=tlsZebra2apple1"
    );
}

#[test]
fn the_published_mistakes_are_refused() {
    for wrong in [
        "/2MjvP9hX3QHpRJTiEuBM14kLHM=",
        "0QKk8pKC3ewNosMthkR4lm/Hbds=",
        "pw7kXCyExqAyhwTurQl2WHG6aXI=",
        "pMzdrGxCc2CxwSdWjIXln/g7s7g=",
        "tD9R7QYLpXShKpn+/RYNIkeZxV4=",
        "9sCyA9IdXgJ/2oB4Isb7aXzT3Ac=",
        "phTevdNOOBvyYcT3QZfQQeFd6c4=",
        "P3yrDxXnyvO5sAddUqlw12zk8L8=",
    ] {
        let verdict =
            signer().verify_webhook(&presented(wrong), &base(BASE), T3_QUERY, Body::Form(&form(T3)));
        assert_eq!(verdict, Err(BadSignature::Mismatch), "{wrong}");
    }
    for wrong in ["j30mCd8UqXIWoUXF/eyYMjgi4+g=", "VaQUDKNsshn8ImQVfWbtEaTrLeA="] {
        let verdict =
            signer().verify_webhook(&presented(wrong), &base(BASE), "/twilio/twiml", Body::Form(&form(T1)));
        assert_eq!(verdict, Err(BadSignature::Mismatch), "{wrong}");
    }
    assert_eq!(
        signer().sign_form("http://bridge.example.com/twilio/twiml", &form(T1)),
        "VaQUDKNsshn8ImQVfWbtEaTrLeA="
    );
}

#[test]
fn json_bodies_need_both_the_signature_and_the_hash() {
    let vectors = [
        ("T6", format!("/twilio/events?bodySHA256={JSON_HASH}"), "5booa9l7HAQZvh8a85G6w01nhF0="),
        ("T7", format!("/twilio/events?tenant=7&bodySHA256={JSON_HASH}"), "YebM974hGZONqHi8ul7lm0ONy/E="),
    ];
    for (name, path, signature) in &vectors {
        let verify = |path: &str, body: &[u8]| {
            signer().verify_webhook(&presented(signature), &base(BASE), path, Body::Raw(body))
        };
        assert_eq!(signer().sign_url(&format!("{BASE}{path}")), *signature, "{name}");
        assert_eq!(verify(path, JSON.as_bytes()), Ok(()), "{name}");
        assert_eq!(verify(path, format!("{JSON} ").as_bytes()), Err(BadSignature::BodyHashMismatch));
        assert_eq!(verify("/twilio/events", JSON.as_bytes()), Err(BadSignature::BodyHashMissing));
        assert_eq!(verify(&path.to_uppercase(), JSON.as_bytes()), Err(BadSignature::BodyHashMissing));
    }
    let empty = signer().sign_url(&format!("{BASE}/twilio/events"));
    let verdict = signer().verify_webhook(&presented(&empty), &base(BASE), "/twilio/events", Body::Raw(b""));
    assert_eq!(verdict, Ok(()));
}

#[test]
fn published_json_sample_of_the_vendor_is_made() {
    let url = "https://example.com/myapp?bodySHA256=5ccde7145dfb8f56479710896586cb9d5911809d83afbe34627818790db0aec9";
    assert_eq!(Signer::new(token("12345")).sign_url(url), "hPXmLwIy3Fgqv1i9KPmH/HhQ6zo=");
}

#[test]
fn get_signs_the_query_as_it_stands() {
    // T8.
    let path = "/twilio/twiml?CallSid=CAb2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2&From=%2B12125550123&To=%2B14155550100&CallerCity=NEW%20YORK";
    let signature = "gMmIImUR54z+FhfkmaujMjTG490=";
    assert_eq!(signer().sign_url(&format!("{BASE}{path}")), signature);
    assert_eq!(signer().verify_webhook(&presented(signature), &base(BASE), path, Body::None), Ok(()));
    assert!(
        signer()
            .verify_webhook(&presented(signature), &base(BASE), &path.replace("%20", "+"), Body::None)
            .is_err()
    );
}

#[test]
fn handshakes_are_judged_as_published() {
    let cases = [
        ("T9", "nPw+nZIzNlb4/A2jsIh3MO8SVBE=", true),
        ("T10", "lP8QNlUTf9duPKqSrnZOFUyzdcw=", true),
        ("T11", "QP96xT7DgDvgPb6SPXYgR75lsas=", true),
        ("T12", "DdXMdZVADXVH8TvZnSNY7v3igXo=", false),
        ("T12b", "ijHG9tcWX+oC3cSxswms+H1VPWY=", false),
        ("query in the address", "PW76ifcUs4BzcumxMUM6arGKaHM=", false),
        ("query as fields", "ZefSoEF4c+J5EZIcQF391+qapPw=", false),
    ];
    for (name, signature, accepted) in cases {
        for path in ["/twilio/media", "/twilio/media/"] {
            let verdict = signer().verify_handshake(&presented(signature), &base(BASE), path);
            assert_eq!(verdict.is_ok(), accepted, "{name} on {path}");
        }
    }
    assert_eq!(signer().sign_url("wss://bridge.example.com/twilio/media"), "nPw+nZIzNlb4/A2jsIh3MO8SVBE=");
    assert_eq!(signer().sign_url("wss://bridge.example.com/twilio/media/"), "lP8QNlUTf9duPKqSrnZOFUyzdcw=");
}

#[test]
fn a_port_may_be_signed_or_dropped() {
    let ported = base("https://bridge.example.com:8443");
    for (name, signature) in
        [("T13", "2iVdoK12S3L2WkYr4HW5pk/4uvM="), ("T14", "1O+dgdellvZkQOQyqIhkkylcc1k=")]
    {
        let verdict =
            signer().verify_webhook(&presented(signature), &ported, "/twilio/twiml", Body::Form(&form(T13)));
        assert_eq!(verdict, Ok(()), "{name}");
    }
    let kept = presented("2iVdoK12S3L2WkYr4HW5pk/4uvM=");
    assert!(signer().verify_webhook(&kept, &base(BASE), "/twilio/twiml", Body::Form(&form(T13))).is_err());
}

#[test]
fn vectors_of_the_vendor_are_made() {
    for (host, number, signature) in [
        ("example.com", "+14158675310", "L/OH5YylLD5NRKLltdqwSvS0BnU="),
        ("mycompany.com", "+14158675309", "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
        ("mycompany.com", "+12349013030", "0/KCTR6DLpKmkAf8muzZqo1nDgQ="),
    ] {
        let form = Form::from_pairs([
            ("CallSid", "CA1234567890ABCDE"),
            ("Digits", "1234"),
            ("To", "+18005551212"),
            ("Caller", number),
            ("From", number),
        ]);
        let url = format!("https://{host}/myapp.php?foo=1&bar=2");
        assert_eq!(Signer::new(token("12345")).sign_form(&url, &form), signature);
    }
}

#[test]
fn while_tokens_are_changed_both_are_accepted() {
    let old = presented("FyxMnS9E5cEpqLpKK+qxUeQy/Ac=");
    let form = form(T1);
    let verify =
        |signer: &Signer| signer.verify_webhook(&old, &base(BASE), "/twilio/twiml", Body::Form(&form));
    let renewed = Signer::new(token("fedcba9876543210fedcba9876543210"));
    assert_eq!(verify(&renewed), Err(BadSignature::Mismatch));
    assert_eq!(verify(&renewed.accepting(token("0123456789abcdef0123456789abcdef"))), Ok(()));
}

#[test]
fn headers_that_are_not_one_classic_signature_are_refused_by_name() {
    let good: &[u8] = b"FyxMnS9E5cEpqLpKK+qxUeQy/Ac=";
    let sha256: &[u8] = b"g1iLrrT8Uq0LKqmvBEwbWHkW4oMoTm7nNKrTrKLo160=";
    let from = |values: &[&'static [u8]]| PresentedSignature::from_headers(values.iter().copied(), None);
    assert_eq!(from(&[]), Err(BadSignature::Missing));
    assert_eq!(from(&[good, good]), Err(BadSignature::Repeated));
    for malformed in
        [&b""[..], b"x", b"FyxMnS9E5cEpqLpKK+qxUeQy/A==", b"\xff", sha256, b"FyxMnS9E5cEpqLpKK-qxUeQy_Ac="]
    {
        assert_eq!(PresentedSignature::from_headers([malformed], None), Err(BadSignature::Malformed));
    }
    let settings: &[u8] = b"key=webhooks_sharedkey_1,algorithm=HMAC_SHA256";
    assert_eq!(PresentedSignature::from_headers([sha256], Some(settings)), Err(BadSignature::UnknownScheme));
    assert_eq!(PresentedSignature::from_headers([good], Some(b"")), Err(BadSignature::UnknownScheme));
}

#[test]
fn bytes_that_are_not_utf8_are_signed_as_they_came() {
    let mut data = TWIML.as_bytes().to_vec();
    data.extend(b"Namecaf\xE9");
    assert_eq!(signed_data(TWIML, Body::Form(&form("Name=caf%E9"))), data);
}

#[test]
fn secrets_are_never_shown() {
    let signer = signer();
    let shown = format!("{signer:?} {:?}", presented("FyxMnS9E5cEpqLpKK+qxUeQy/Ac="));
    assert_eq!(shown, "Signer { tokens: [AuthToken(…)] } PresentedSignature(…)");
    assert!(
        AuthToken::parse("").is_err() && AuthToken::parse("a b").is_err() && AuthToken::parse("a\n").is_err()
    );
}
