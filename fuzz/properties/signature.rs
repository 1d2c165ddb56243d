//! Webhook signatures: what an implementation of its own signs is accepted in every legal spelling of the address, what
//! it signs otherwise is not, and the signed bytes are the same.

use symbl_bridge::twilio::signature::{
    AuthToken, BadSignature, Body, PresentedSignature, Signer, signed_data,
};
use symbl_bridge::twilio::{Form, PublicUrl};

use super::input::Input;
use super::twilio_reference::{body_hash, decode_form, sign, signed_bytes};

const TOKEN: &str = "0123456789abcdef0123456789abcdef";
const OTHER_TOKEN: &str = "fedcba9876543210fedcba9876543210";

/// Checks a form and an address, both of any bytes.
pub fn check(data: &[u8]) {
    let mut parts = Input::new(data);
    let port = parts.pick(&["", ":443", ":8443", ":80"]);
    let path = format!("/{}", parts.text());
    let body = parts.rest();
    let base = PublicUrl::parse(&format!("https://bridge.example.com{port}")).unwrap();
    let signer = Signer::new(AuthToken::parse(TOKEN).unwrap());
    webhook(&signer, &base, port, &path, body);
    raw_body(&signer, &base, &path, body);
    handshake(&signer, &base, port, &path);
    header(body);
}

/// The spellings of the port that Twilio may have signed.
fn ports(port: &str) -> [&str; 2] {
    if port.is_empty() { ["", ":443"] } else { ["", port] }
}

fn webhook(signer: &Signer, base: &PublicUrl, port: &str, path: &str, body: &[u8]) {
    let pairs = decode_form(body);
    let Ok(form) = Form::parse(body) else {
        return assert!(pairs.len() > 1000, "only the number of fields is bounded");
    };
    for scheme_and_port in ports(port) {
        let url = format!("https://bridge.example.com{scheme_and_port}{path}");
        assert_eq!(signed_data(&url, Body::Form(&form)), signed_bytes(&url, &pairs));
        let signature = sign(TOKEN, &url, &pairs);
        assert_eq!(signer.sign_form(&url, &form), signature);
        assert_eq!(verify(signer, base, path, &signature, &form), Ok(()), "{url}");
        assert_eq!(
            verify(signer, base, path, &sign(OTHER_TOKEN, &url, &pairs), &form),
            Err(BadSignature::Mismatch)
        );
    }
    let foreign = [
        format!("http://bridge.example.com{path}"),
        format!("https://bridge.example.com:8444{path}"),
        format!("https://bridge.example.com.evil.example{path}"),
        format!("https://bridge.example.com{path}/"),
        format!("wss://bridge.example.com{path}"),
    ];
    for url in foreign {
        let signature = sign(TOKEN, &url, &pairs);
        assert_eq!(verify(signer, base, path, &signature, &form), Err(BadSignature::Mismatch), "{url}");
    }
    let mut more = pairs.clone();
    more.push((b"From".to_vec(), b"+12125550123".to_vec()));
    let url = format!("https://bridge.example.com{path}");
    if signed_bytes(&url, &more) != signed_bytes(&url, &pairs) {
        let signature = sign(TOKEN, &url, &more);
        assert_eq!(verify(signer, base, path, &signature, &form), Err(BadSignature::Mismatch));
    }
}

fn verify(
    signer: &Signer,
    base: &PublicUrl,
    path: &str,
    signature: &str,
    form: &Form,
) -> Result<(), BadSignature> {
    let presented = PresentedSignature::from_headers([signature.as_bytes()], None)?;
    signer.verify_webhook(&presented, base, path, Body::Form(form))
}

/// A body that is not a form is vouched for by the address, and by nothing else.
fn raw_body(signer: &Signer, base: &PublicUrl, path: &str, body: &[u8]) {
    let plain = path.split('?').next().unwrap_or("/").to_owned();
    let hash = body_hash(body);
    let check = |path: &str, body: &[u8]| {
        let signature = sign(TOKEN, &format!("https://bridge.example.com{path}"), &[]);
        let presented = PresentedSignature::from_headers([signature.as_bytes()], None)?;
        signer.verify_webhook(&presented, base, path, Body::Raw(body))
    };
    for path in [format!("{plain}?bodySHA256={hash}"), format!("{plain}?a=b&bodySHA256={hash}&c")] {
        assert_eq!(check(&path, body), Ok(()));
        assert_eq!(check(&path, &[body, b" "].concat()), Err(BadSignature::BodyHashMismatch));
    }
    let bare = check(&plain, body);
    assert_eq!(bare, if body.is_empty() { Ok(()) } else { Err(BadSignature::BodyHashMissing) });
}

fn handshake(signer: &Signer, base: &PublicUrl, port: &str, path: &str) {
    let path = path.split('?').next().unwrap_or("/");
    let bare = path.strip_suffix('/').unwrap_or(path);
    let verify = |url: &str| {
        let presented = PresentedSignature::from_headers([sign(TOKEN, url, &[]).as_bytes()], None)?;
        signer.verify_handshake(&presented, base, path)
    };
    for port in ports(port) {
        for slash in ["", "/"] {
            let url = format!("wss://bridge.example.com{port}{bare}{slash}");
            assert_eq!(verify(&url), Ok(()), "{url}");
        }
    }
    for scheme in ["https", "ws", "http"] {
        let url = format!("{scheme}://bridge.example.com{bare}");
        assert_eq!(verify(&url), Err(BadSignature::Mismatch), "{url}");
    }
    assert_eq!(verify(&format!("wss://bridge.example.com{bare}?a=b")), Err(BadSignature::Mismatch));
}

/// Whatever a header holds, it is a signature of 20 bytes or refused by name.
fn header(value: &[u8]) {
    match PresentedSignature::from_headers([value], None) {
        Ok(presented) => {
            assert_eq!(value.len(), 28);
            assert_eq!(format!("{presented:?}"), "PresentedSignature(…)");
        }
        Err(fault) => assert_eq!(fault, BadSignature::Malformed),
    }
}
