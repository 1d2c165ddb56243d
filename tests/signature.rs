//! The bridge's signatures against an implementation of our own that shares no code with them, over addresses, legal and
//! illegal spellings of them, and forms as people and machines write them.
#![allow(clippy::unwrap_used, reason = "what helps a test may fail it")]

mod twilio_reference;

use proptest::prelude::*;
use symbl_bridge::twilio::signature::{
    AuthToken, BadSignature, Body, PresentedSignature, Signer, signed_data,
};
use symbl_bridge::twilio::{Form, PublicUrl};
use twilio_reference::{body_hash, decode_form, encode_form, sign, signed_bytes};

const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// Name, URL, form body and signature of the published vectors that have no other body.
const VECTORS: [(&str, &str, &str, &str); 16] = [
    (
        "T1",
        "https://bridge.example.com/twilio/twiml",
        "AccountSid=ACa1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1&ApiVersion=2010-04-01&CallSid=CAb2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2&CallStatus=ringing&Called=%2B14155550100&CalledCity=&CalledCountry=US&CalledState=CA&CalledZip=&Caller=%2B12125550123&CallerCity=NEW+YORK&CallerCountry=US&CallerState=NY&CallerZip=10001&Direction=inbound&From=%2B12125550123&FromCity=NEW+YORK&FromCountry=US&FromState=NY&FromZip=10001&To=%2B14155550100&ToCity=&ToCountry=US&ToState=CA&ToZip=",
        "FyxMnS9E5cEpqLpKK+qxUeQy/Ac=",
    ),
    (
        "T2",
        "https://bridge.example.com/twilio/statuschange",
        "AccountSid=ACa1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1&ApiVersion=2010-04-01&CallDuration=42&CallSid=CAb2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2&CallStatus=completed&CallbackSource=call-progress-events&Called=%2B14155550100&Caller=%2B12125550123&Direction=inbound&Duration=1&From=%2B12125550123&SequenceNumber=0&SipResponseCode=200&Timestamp=Tue%2C+03+Mar+2026+10%3A15%3A42+%2B0000&To=%2B14155550100",
        "W0OsqBkUfiBStXN9t/Wfgr9gY7g=",
    ),
    (
        "T3",
        "https://bridge.example.com/twilio/statuschange?tenant=a%20b&x=%2F",
        "CallSid=CAb2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2&CallerName=Zo%C3%AB+%26+S%C3%B6hne+%2B+Co.+%3D+100%25&From=%2B266696687&To=sip%3Aagent%40pbx.example.com%3Btransport%3Dtls&Note=line1%0D%0Aline2&Pad=++two+spaces++&Tag=b&Tag=a&Tag=b&Empty=&apple=1&Zebra=2",
        "D171NLRfBu1QN2T7FZwLHGtUDC0=",
    ),
    (
        "T4",
        "https://bridge.example.com/twilio/stream-events",
        "AccountSid=ACa1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1&CallSid=CAb2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2&StreamSid=MZc3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3&StreamName=leg-CAb2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2&StreamEvent=stream-started&Timestamp=2026-03-03T10%3A15%3A00.602648368Z",
        "t8GapA+wUH3c80LZv13fvUP3cCk=",
    ),
    (
        "T5",
        "https://bridge.example.com/twilio/conference",
        "ConferenceSid=CFe5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5&FriendlyName=room+7+%28north%29&AccountSid=ACa1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1&SequenceNumber=1&Timestamp=Tue%2C+03+Mar+2026+10%3A15%3A00+%2B0000&StatusCallbackEvent=participant-join&CallSid=CAb2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2&Muted=false&Hold=false&Coaching=false&EndConferenceOnExit=true&StartConferenceOnEnter=true",
        "oICmroQECEJ+7aiDb4zUIcpdqOY=",
    ),
    (
        "T6",
        "https://bridge.example.com/twilio/events?bodySHA256=0fee7ea220b76e9d484c76e59de4c98e8b6ab0a76d684c4a6363fe02cacdec68",
        "",
        "5booa9l7HAQZvh8a85G6w01nhF0=",
    ),
    (
        "T7",
        "https://bridge.example.com/twilio/events?tenant=7&bodySHA256=0fee7ea220b76e9d484c76e59de4c98e8b6ab0a76d684c4a6363fe02cacdec68",
        "",
        "YebM974hGZONqHi8ul7lm0ONy/E=",
    ),
    (
        "T8",
        "https://bridge.example.com/twilio/twiml?CallSid=CAb2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2&From=%2B12125550123&To=%2B14155550100&CallerCity=NEW%20YORK",
        "",
        "gMmIImUR54z+FhfkmaujMjTG490=",
    ),
    ("T9", "wss://bridge.example.com/twilio/media", "", "nPw+nZIzNlb4/A2jsIh3MO8SVBE="),
    ("T10", "wss://bridge.example.com/twilio/media/", "", "lP8QNlUTf9duPKqSrnZOFUyzdcw="),
    ("T11", "wss://bridge.example.com:443/twilio/media", "", "QP96xT7DgDvgPb6SPXYgR75lsas="),
    ("T12", "https://bridge.example.com/twilio/media", "", "DdXMdZVADXVH8TvZnSNY7v3igXo="),
    (
        "T13",
        "https://bridge.example.com:8443/twilio/twiml",
        "CallSid=CAb2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2&From=%2B12125550123",
        "2iVdoK12S3L2WkYr4HW5pk/4uvM=",
    ),
    (
        "T14",
        "https://bridge.example.com/twilio/twiml",
        "CallSid=CAb2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2&From=%2B12125550123",
        "1O+dgdellvZkQOQyqIhkkylcc1k=",
    ),
    (
        "T15",
        "https://bridge.example.com/twilio/twiml",
        "CallSid=CAb2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2&From=+12125550123",
        "1JCI+aIxxOu4hFhk8GZKgIeKu3Y=",
    ),
    ("T16", "https://bridge.example.com/twilio/twiml", "", "3fuSRINEkn3nGvbGIzAJl6PXjSw="),
];

#[test]
fn both_implementations_make_every_published_vector() {
    let signer = signer(TOKEN);
    for (name, url, body, signature) in VECTORS {
        assert_eq!(sign(TOKEN, url, &decode_form(body.as_bytes())), signature, "{name}, the test's own");
        assert_eq!(signer.sign_form(url, &Form::parse(body.as_bytes()).unwrap()), signature, "{name}");
    }
}

fn signer(token: &str) -> Signer {
    Signer::new(AuthToken::parse(token).unwrap())
}

fn presented(signature: &str) -> PresentedSignature {
    PresentedSignature::from_headers([signature.as_bytes()], None).unwrap()
}

/// A public address: what is configured, and every spelling of its host and port that may be signed.
#[derive(Debug, Clone)]
struct Address {
    configured: String,
    host: String,
    ports: [String; 2],
    prefix: String,
}

impl Address {
    fn base(&self) -> PublicUrl {
        PublicUrl::parse(&self.configured).unwrap()
    }

    fn spelled(&self, scheme: &str, port: &str, path: &str) -> String {
        format!("{scheme}://{}{port}{}{path}", self.host, self.prefix)
    }
}

fn address() -> impl Strategy<Value = Address> {
    let host = prop_oneof![
        "[a-z][a-z0-9]{0,8}(-[a-z0-9]{1,4})?[.]example[.]com",
        Just("[2001:db8::1]".to_owned()),
        "[a-zA-Z]{1,8}[.]example"
    ];
    let port = prop_oneof![Just(String::new()), (1_u16..).prop_map(|port| format!(":{port}"))];
    let prefix = prop_oneof![4 => Just(String::new()), 1 => "/[a-z%20]{1,6}"];
    (host, port, prefix, any::<bool>()).prop_map(|(host, port, prefix, slash)| Address {
        configured: format!("https://{host}{port}{prefix}{}", if slash { "/" } else { "" }),
        ports: [String::new(), if port.is_empty() { ":443".to_owned() } else { port }],
        host,
        prefix,
    })
}

/// A path with a query, escaped in ways that nobody may touch.
fn path() -> impl Strategy<Value = String> {
    "/twilio/[a-zA-Z0-9._~%/-]{0,20}([?]([a-z]{1,6}=([a-zA-Z0-9+]|%20|%2F|%c3%a9|é){0,6}&?){1,3})?"
}

/// Names come again, values are empty, padded, unicode, or full of what must be escaped.
fn pairs() -> impl Strategy<Value = Vec<(String, String)>> {
    let name = prop_oneof![
        3 => prop::sample::select(vec!["From", "To", "Tag", "tag", "Zebra", "apple", "CallSid", "Ta", "é"]).prop_map(str::to_owned),
        1 => "\\PC{1,8}",
    ];
    let value = prop_oneof![
        3 => prop::sample::select(vec!["", "a", "b", "+12125550123", " +1", "100%", "%2B", "a+b c", "\r\n", "  x  ", "Zoë & Söhne", "😀"]).prop_map(str::to_owned),
        1 => any::<String>(),
    ];
    prop::collection::vec((name, value), 0..12)
}

/// Writes a form as browsers do, with hexadecimal digits in small letters.
fn encode_small(pairs: &[(String, String)]) -> String {
    let escaped = |text: &str| -> String {
        let one = |byte: u8| match byte {
            b' ' => "+".to_owned(),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => char::from(byte).to_string(),
            other => format!("%{other:02x}"),
        };
        text.bytes().map(one).collect()
    };
    let pairs: Vec<String> =
        pairs.iter().map(|(name, value)| format!("{}={}", escaped(name), escaped(value))).collect();
    pairs.join("&")
}

fn as_bytes(pairs: &[(String, String)]) -> twilio_reference::Pairs {
    pairs.iter().map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn a_form_signed_by_the_other_implementation_is_taken_in_every_legal_spelling(
        address in address(), path in path(), pairs in pairs(), token in "[!-~]{1,80}",
    ) {
        let signer = signer(&token);
        let said = as_bytes(&pairs);
        for port in &address.ports {
            let url = address.spelled("https", port, &path);
            let signature = sign(&token, &url, &said);
            for body in [encode_form(&pairs), encode_small(&pairs), Form::from_pairs(pairs.clone()).encode()] {
                let form = Form::parse(body.as_bytes()).unwrap();
                prop_assert_eq!(signed_data(&url, Body::Form(&form)), signed_bytes(&url, &said));
                prop_assert_eq!(&signer.sign_form(&url, &form), &signature);
                let verdict = signer.verify_webhook(&presented(&signature), &address.base(), &path, Body::Form(&form));
                prop_assert_eq!(verdict, Ok(()), "{} {}", url, body);
            }
        }
    }

    #[test]
    fn what_is_signed_for_another_address_or_with_another_token_is_refused(
        address in address(), path in path(), pairs in pairs(), port in 1_u16..,
    ) {
        let port = format!(":{port}");
        let mut foreign = vec![
            address.spelled("http", "", &path),
            address.spelled("wss", "", &path),
            address.spelled("https", "", &format!("{path}&x")),
            address.spelled("https", "", &path[1..]),
            format!("https://evil.example{}{path}", address.prefix),
            format!("https://u:p@{}{}{path}", address.host, address.prefix),
        ];
        if !address.ports.contains(&port) {
            foreign.push(address.spelled("https", &port, &path));
        }
        let form = Form::from_pairs(pairs.clone());
        let verify = |signature: &str| {
            signer(TOKEN).verify_webhook(&presented(signature), &address.base(), &path, Body::Form(&form))
        };
        let said = as_bytes(&pairs);
        for url in foreign {
            prop_assert_eq!(verify(&sign(TOKEN, &url, &said)), Err(BadSignature::Mismatch), "{}", url);
        }
        let url = address.spelled("https", "", &path);
        prop_assert_eq!(verify(&sign("another", &url, &said)), Err(BadSignature::Mismatch));
        let rotating = signer("another").accepting(AuthToken::parse(TOKEN).unwrap());
        let signature = sign(TOKEN, &url, &said);
        let verdict = rotating.verify_webhook(&presented(&signature), &address.base(), &path, Body::Form(&form));
        prop_assert_eq!(verdict, Ok(()), "either token while they are changed");
    }

    #[test]
    fn a_form_that_was_changed_on_its_way_is_refused(
        path in path(), pairs in pairs(), place in any::<prop::sample::Index>(), other in "\\PC{0,4}",
    ) {
        let base = PublicUrl::parse("https://bridge.example.com").unwrap();
        let url = format!("https://bridge.example.com{path}");
        let signature = sign(TOKEN, &url, &as_bytes(&pairs));
        let mut changes = vec![[pairs.clone(), vec![("Extra".to_owned(), other.clone())]].concat()];
        if !pairs.is_empty() {
            let place = place.index(pairs.len());
            let mut less = pairs.clone();
            less.remove(place);
            let mut changed = pairs.clone();
            changed[place].1 = other;
            changes.extend([less, changed]);
        }
        for changed in changes {
            let form = Form::from_pairs(changed.clone());
            let verdict = signer(TOKEN).verify_webhook(&presented(&signature), &base, &path, Body::Form(&form));
            // The scheme puts names and values together without a mark between them, so some changes are none.
            let is_same = signed_bytes(&url, &as_bytes(&changed)) == signed_bytes(&url, &as_bytes(&pairs));
            prop_assert_eq!(verdict.is_ok(), is_same, "{:?}", changed);
        }
    }

    #[test]
    fn a_body_that_is_no_form_is_vouched_for_by_its_hash(
        address in address(), query in "([a-z]{1,5}=[a-zA-Z0-9%+]{0,5}&){0,2}", body in prop::collection::vec(any::<u8>(), 1..200),
        place in any::<prop::sample::Index>(),
    ) {
        let verify = |path: &str, body: &[u8]| {
            let signature = sign(TOKEN, &address.spelled("https", "", path), &[]);
            signer(TOKEN).verify_webhook(&presented(&signature), &address.base(), path, Body::Raw(body))
        };
        let path = format!("/twilio/events?{query}bodySHA256={}", body_hash(&body));
        prop_assert_eq!(verify(&path, &body), Ok(()));
        let mut changed = body.clone();
        changed[place.index(body.len())] ^= 1;
        prop_assert_eq!(verify(&path, &changed), Err(BadSignature::BodyHashMismatch));
        prop_assert_eq!(verify("/twilio/events", &body), Err(BadSignature::BodyHashMissing));
        let upper = format!("/twilio/events?{query}bodySHA256={}", body_hash(&body).to_uppercase());
        if upper != path {
            prop_assert_eq!(verify(&upper, &body), Err(BadSignature::BodyHashMismatch));
        }
    }

    #[test]
    fn a_handshake_is_taken_with_either_port_and_slash_and_with_no_other_scheme(
        address in address(), path in "/twilio/[a-zA-Z0-9._~-]{1,12}/?",
    ) {
        let bare = path.trim_end_matches('/');
        let verify = |url: &str| {
            signer(TOKEN).verify_handshake(&presented(&sign(TOKEN, url, &[])), &address.base(), &path)
        };
        for port in &address.ports {
            for slash in ["", "/"] {
                let url = address.spelled("wss", port, &format!("{bare}{slash}"));
                prop_assert_eq!(verify(&url), Ok(()), "{}", url);
            }
            for scheme in ["https", "ws", "http"] {
                let url = address.spelled(scheme, port, bare);
                prop_assert_eq!(verify(&url), Err(BadSignature::Mismatch), "{}", url);
            }
        }
        for wrong in [format!("{bare}//"), format!("{bare}?a=b"), bare.to_uppercase()] {
            let url = address.spelled("wss", "", &wrong);
            prop_assert_eq!(verify(&url), Err(BadSignature::Mismatch), "{}", url);
        }
    }
}
