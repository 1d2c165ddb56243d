//! The server as Twilio meets it: alive, ready, letting in what is signed and nothing else.
//!
//! What is sent opens no call: a status callback of a call that nobody knows is noted and answered 204, and a media
//! socket that leaves before `start` has been nobody's.

use std::time::Duration;

use awc::error::WsClientError;
use awc::http::header;
use awc::ws::{CloseCode, CloseReason, Message};
use futures_util::{SinkExt, StreamExt};
use serde::Deserialize;
use uuid::Uuid;

use super::address::listens;
use super::check::{MEDIA_SOCKET, SERVER, SIGNED_REQUEST, UNSIGNED_REQUEST};
use super::context::{Answer, Context, PROBE_DEADLINE, ServerAddress, exchange, explained};
use super::finding::{Finding, quoted};
use super::screen::Screen;
use crate::twilio::{Form, Signer};

const STATUS_CALLBACK: &str = "/twilio/statuschange";
const MEDIA: &str = "/twilio/media";

/// How long the server may take to answer our close.
const CLOSE_LIMIT: Duration = Duration::from_secs(1);

/// What `/readyz` says.
#[derive(Debug, Deserialize)]
struct Readiness {
    ready: bool,
    #[serde(default)]
    reasons: Vec<String>,
    #[serde(default)]
    notes: Vec<String>,
}

/// What `/symbl/session` says to anybody.
#[derive(Debug, Deserialize)]
struct Session {
    version: String,
}

/// How an attempt to open a media socket ended.
#[derive(Debug)]
enum Upgrade {
    Opened,
    Refused(u16),
    /// Answered with 101, and yet no WebSocket.
    Mangled(String),
    Failed(String),
}

/// Makes the four checks; tells also whether a server answers.
pub(super) async fn look(context: &Context, screen: &Screen) -> (Vec<Finding>, bool) {
    let Some(server) = &context.server else {
        let reason = "http.port is 0 and WEBHOOK_DOMAIN is not set, so nobody knows where a server is";
        return (left_out(reason, "a server", true), false);
    };
    let what = server.reach.clone();
    let asked = exchange(context.http.get(server.page("/readyz")), ());
    let answer = screen.wait("asking the server whether it is ready", PROBE_DEADLINE, asked).await;
    let answer = answer.unwrap_or_else(|| Err(format!("no answer within {} s", PROBE_DEADLINE.as_secs())));
    let is_running = answer.is_err()
        && screen.wait("looking for the server here", PROBE_DEADLINE, listens(server)).await == Some(true);
    let version = version(context, screen, server, answer.is_ok()).await;
    let finding = judge_server(&what, server.is_public, &answer, version.as_deref(), is_running);
    let Ok(readiness) = answer else {
        let mut findings = vec![finding];
        findings.extend(left_out("no server answers", &what, false));
        return (findings, false);
    };
    let is_ours = serde_json::from_slice::<Readiness>(&readiness.body).is_ok();
    let signer = context.signer();
    let mut findings = vec![finding];
    if context.selection.wants(SIGNED_REQUEST) {
        findings.push(signed_request(context, screen, server, signer.as_ref()).await);
    }
    if context.selection.wants(UNSIGNED_REQUEST) {
        findings.push(unsigned_request(context, screen, server, signer.is_some()).await);
    }
    if context.selection.wants(MEDIA_SOCKET) {
        findings.push(media_socket(context, screen, server, signer.as_ref()).await);
    }
    (findings, is_ours)
}

fn left_out(reason: &str, what: &str, with_server: bool) -> Vec<Finding> {
    let server = with_server.then(|| Finding::left_out(SERVER, what, reason));
    let others = [
        (SIGNED_REQUEST, "a signed webhook"),
        (UNSIGNED_REQUEST, "an unsigned webhook"),
        (MEDIA_SOCKET, "a media socket"),
    ];
    server.into_iter().chain(others.map(|(id, what)| Finding::left_out(id, what, reason))).collect()
}

/// Returns the version of the server that answers, if it tells.
async fn version(
    context: &Context,
    screen: &Screen,
    server: &ServerAddress,
    is_answering: bool,
) -> Option<String> {
    if !is_answering {
        return None;
    }
    let asked = exchange(context.http.get(server.page("/symbl/session")), ());
    let answer = screen.wait("asking the server for its version", PROBE_DEADLINE, asked).await?.ok()?;
    Some(serde_json::from_slice::<Session>(&answer.body).ok()?.version)
}

fn judge_server(
    what: &str,
    is_public: bool,
    answer: &Result<Answer, String>,
    version: Option<&str>,
    is_running: bool,
) -> Finding {
    let answer = match answer {
        Ok(answer) => answer,
        // In local development nothing depends on a server that runs all the time.
        Err(_) if !is_public && !is_running => {
            return Finding::note(SERVER, what, "no server answers")
                .remedied_by("start it with `symbl-bridge serve`");
        }
        Err(fault) => {
            let remedy = if fault.contains("certificate") {
                "correct the certificate first"
            } else if is_running {
                "a server runs here: let the proxy or tunnel lead to it"
            } else {
                "start it with `symbl-bridge serve`, and the proxy or tunnel in front of it"
            };
            return Finding::error(SERVER, what, format!("no server answers: {}", quoted(fault)), remedy);
        }
    };
    let status = answer.status.as_u16();
    let Ok(readiness) = serde_json::from_slice::<Readiness>(&answer.body) else {
        return match status {
            502..=504 => Finding::error(
                SERVER,
                what,
                format!("the proxy answers {status}: it does not reach the server"),
                "start it with `symbl-bridge serve`, and give the proxy its address (http.host, http.port)",
            ),
            _ => Finding::error(
                SERVER,
                what,
                format!("something answers {status}, and it is not symbl-bridge"),
                "let the address lead to symbl-bridge; the proxy must pass /readyz, /twilio/ and /symbl/",
            ),
        };
    };
    if !readiness.ready {
        let reasons = quoted(&readiness.reasons.join("; "));
        let remedy = "wait, or see its log; until then callers join and are not heard";
        return Finding::warning(SERVER, what, format!("runs, and is not ready: {reasons}"), remedy);
    }
    let ours = env!("CARGO_PKG_VERSION");
    if let Some(other) = version.filter(|version| *version != ours) {
        let found = format!("is ready, and version {}; this is {ours}", quoted(other));
        return Finding::note(SERVER, what, found).remedied_by("start it again after an update");
    }
    match readiness.notes.first() {
        Some(note) => Finding::note(SERVER, what, format!("is ready; {}", quoted(note))),
        None => Finding::ok(SERVER, what, "is ready"),
    }
}

/// Returns a status callback of a call that there is not.
fn callback(context: &Context) -> Form {
    let account = context.settings.twilio.account_sid.clone();
    let invented = Uuid::new_v4().simple().to_string();
    let account = account.unwrap_or_else(|| format!("ACd0c7{}", &invented[4..]));
    // Not an end, which the server would have to remember for a while.
    Form::from_pairs([
        ("CallSid", format!("CAd0c7{}", &invented[4..])),
        ("AccountSid", account),
        ("CallStatus", "ringing".to_owned()),
    ])
}

async fn post(
    context: &Context,
    screen: &Screen,
    server: &ServerAddress,
    signer: Option<&Signer>,
) -> Result<Answer, String> {
    let form = callback(context);
    let mut request = context
        .http
        .post(server.page(STATUS_CALLBACK))
        .insert_header((header::USER_AGENT, "TwilioProxy/1.1"))
        .insert_header((header::CONTENT_TYPE, "application/x-www-form-urlencoded; charset=UTF-8"));
    if let Some(signer) = signer {
        let signature = signer.sign_form(&server.public.page(STATUS_CALLBACK), &form);
        request = request.insert_header(("X-Twilio-Signature", signature));
    }
    let posted = screen.wait("posting a webhook", PROBE_DEADLINE, exchange(request, form.encode())).await;
    posted.unwrap_or_else(|| Err(format!("no answer within {} s", PROBE_DEADLINE.as_secs())))
}

async fn signed_request(
    context: &Context,
    screen: &Screen,
    server: &ServerAddress,
    signer: Option<&Signer>,
) -> Finding {
    let what = format!("POST {}", server.public.page(STATUS_CALLBACK));
    let answer = post(context, screen, server, signer).await.map(|answer| answer.status.as_u16());
    judge_signed(what, &answer, signer.is_some())
}

fn judge_signed(what: String, answer: &Result<u16, String>, is_signed: bool) -> Finding {
    let how = if is_signed { "with our signature" } else { "without a signature, as none is configured" };
    match answer {
        Ok(200..=299) => Finding::ok(SIGNED_REQUEST, what, format!("passes {how}")),
        Ok(403) if is_signed => Finding::error(
            SIGNED_REQUEST,
            what,
            "the signature is refused (403): the server has another auth token or another public address",
            "start the server with these settings: the same TWILIO_AUTH_TOKEN and WEBHOOK_DOMAIN; its log \
             (signature_refused) shows the address that it checked",
        ),
        Ok(403) => Finding::error(
            SIGNED_REQUEST,
            what,
            "refused (403): the server checks signatures, and these settings have no auth token",
            "set TWILIO_AUTH_TOKEN to the one that the server has",
        ),
        Ok(status) => Finding::error(SIGNED_REQUEST, what, format!("answered {status}"), remedy_of(*status)),
        Err(fault) => Finding::error(SIGNED_REQUEST, what, quoted(fault), "see the findings above"),
    }
}

async fn unsigned_request(
    context: &Context,
    screen: &Screen,
    server: &ServerAddress,
    is_checked: bool,
) -> Finding {
    let what = "the same without a signature";
    if !is_checked {
        return judge_unsigned(what, None, server.is_public);
    }
    let answer = post(context, screen, server, None).await.map(|answer| answer.status.as_u16());
    judge_unsigned(what, Some(&answer), server.is_public)
}

/// Judges the answer; none: nothing was sent, because signatures are not checked.
fn judge_unsigned(what: &str, answer: Option<&Result<u16, String>>, is_public: bool) -> Finding {
    let open = "TWILIO_AUTH_TOKEN must be set, and twilio.check_signatures true";
    match answer {
        None if is_public => Finding::warning(
            UNSIGNED_REQUEST,
            what,
            "signatures are not checked: anybody can post calls",
            open,
        ),
        None => Finding::note(UNSIGNED_REQUEST, what, "signatures are not checked"),
        Some(Ok(403)) => Finding::ok(UNSIGNED_REQUEST, what, "is refused (403)"),
        Some(Ok(200..=299)) => Finding::error(
            UNSIGNED_REQUEST,
            what,
            "passes: the server that runs does not check signatures, and anybody can post calls",
            format!("{open}; then start the server again"),
        ),
        Some(Ok(429)) => {
            Finding::note(UNSIGNED_REQUEST, what, "is refused (429), for this address was refused too often")
        }
        Some(Ok(status)) => {
            Finding::warning(UNSIGNED_REQUEST, what, format!("answered {status}"), remedy_of(*status))
        }
        Some(Err(fault)) => Finding::error(UNSIGNED_REQUEST, what, quoted(fault), "see the findings above"),
    }
}

fn remedy_of(status: u16) -> &'static str {
    match status {
        300..=399 => "the proxy redirects, which Twilio does not follow for POST: let it pass the request",
        404 | 405 => {
            "the proxy does not pass /twilio/ as it is, or another program answers: compare docs/deployment.md"
        }
        413 | 415 => "the proxy changes the request: compare docs/deployment.md",
        429 => "this address was refused too often: wait a minute",
        502..=504 => "the proxy does not reach the server: give it http.host and http.port",
        _ => "see the log of the server",
    }
}

async fn media_socket(
    context: &Context,
    screen: &Screen,
    server: &ServerAddress,
    signer: Option<&Signer>,
) -> Finding {
    let url = match server.public.stream(MEDIA) {
        Ok(url) => url,
        Err(fault) => {
            let remedy = "correct WEBHOOK_DOMAIN";
            return Finding::error(MEDIA_SOCKET, server.public.page(MEDIA), fault.to_string(), remedy);
        }
    };
    let mut request = context
        .http
        .ws(server.page(MEDIA).replacen("http", "ws", 1))
        .set_header(header::USER_AGENT, "Twilio.TmeWs/1.0");
    if let Some(signer) = signer {
        request = request.set_header("X-Twilio-Signature", signer.sign_url(url.as_str()));
    }
    let opening = async {
        match request.connect().await {
            Ok((_, mut socket)) => {
                let reason = CloseReason { code: CloseCode::Normal, description: None };
                // It has opened, which is what was asked.
                let _ = socket.send(Message::Close(Some(reason))).await;
                let _ = tokio::time::timeout(CLOSE_LIMIT, socket.next()).await;
                Upgrade::Opened
            }
            Err(WsClientError::InvalidResponseStatus(status)) => Upgrade::Refused(status.as_u16()),
            Err(WsClientError::SendRequest(fault)) => Upgrade::Failed(explained(&fault)),
            Err(fault) => Upgrade::Mangled(fault.to_string()),
        }
    };
    let opened = screen.wait("opening a media socket", PROBE_DEADLINE, opening).await;
    let opened =
        opened.unwrap_or_else(|| Upgrade::Failed(format!("no answer within {} s", PROBE_DEADLINE.as_secs())));
    judge_media(url.as_str(), &opened)
}

fn judge_media(what: &str, opened: &Upgrade) -> Finding {
    let upgrade = "let the proxy pass Upgrade and Connection and speak HTTP/1.1: compare docs/deployment.md";
    match opened {
        Upgrade::Opened => Finding::ok(MEDIA_SOCKET, what, "opens"),
        Upgrade::Refused(403) => Finding::error(
            MEDIA_SOCKET,
            what,
            "the signature is refused (403): the server has another auth token or another public address",
            "start the server with these settings: the same TWILIO_AUTH_TOKEN and WEBHOOK_DOMAIN",
        ),
        Upgrade::Refused(status @ (200..=299 | 400 | 426)) => Finding::error(
            MEDIA_SOCKET,
            what,
            format!("does not open ({status}): the proxy swallows the upgrade"),
            upgrade,
        ),
        Upgrade::Refused(503) => Finding::warning(
            MEDIA_SOCKET,
            what,
            "is refused (503): as many sockets as may are waiting for their `start`",
            "see media.max_unproven, and media_socket_refused in the log",
        ),
        Upgrade::Refused(status) => {
            Finding::error(MEDIA_SOCKET, what, format!("is refused ({status})"), remedy_of(*status))
        }
        Upgrade::Mangled(fault) => {
            Finding::error(MEDIA_SOCKET, what, format!("does not open: {}", quoted(fault)), upgrade)
        }
        Upgrade::Failed(fault) => Finding::error(MEDIA_SOCKET, what, quoted(fault), "see the findings above"),
    }
}

#[cfg(test)]
mod tests {
    use awc::http::StatusCode;

    use super::*;
    use crate::cli::doctor::finding::Status;

    fn answer(status: u16, body: &str) -> Result<Answer, String> {
        let status = StatusCode::from_u16(status).unwrap();
        Ok(Answer { status, headers: header::HeaderMap::new(), body: body.into() })
    }

    #[test]
    fn a_server_is_judged_by_what_readyz_says() {
        let judged = |answer, is_public, is_running| judge_server("it", is_public, &answer, None, is_running);
        for (answer, status, found) in [
            (answer(200, r#"{"ready":true,"reasons":[],"notes":[]}"#), Status::Ok, "is ready"),
            (answer(200, r#"{"ready":true,"notes":["words alone"]}"#), Status::Note, "words alone"),
            (answer(503, r#"{"ready":false,"reasons":["loading"]}"#), Status::Warning, "loading"),
            (answer(502, "<html>bad gateway</html>"), Status::Error, "the proxy answers 502"),
            (answer(200, "<html>hello</html>"), Status::Error, "not symbl-bridge"),
        ] {
            let finding = judged(answer, true, true);
            assert!(finding.status == status && finding.found.contains(found), "{finding:?}");
        }
        let ready = answer(200, r#"{"ready":true}"#);
        let other = judge_server("it", true, &ready, Some("0.0.0"), true);
        assert!(other.status == Status::Note && other.found.contains("version 0.0.0"), "{other:?}");
        assert_eq!(
            judge_server("it", true, &ready, Some(env!("CARGO_PKG_VERSION")), true).status,
            Status::Ok
        );
        let refused = || Err("connection refused".to_owned());
        assert_eq!(judged(refused(), false, false).status, Status::Note);
        let untrusted = judged(Err("invalid peer certificate: Expired".to_owned()), true, false);
        assert_eq!(untrusted.remedy.as_deref(), Some("correct the certificate first"));
        for (is_running, remedy) in [(true, "a server runs here"), (false, "symbl-bridge serve")] {
            let finding = judged(refused(), true, is_running);
            assert_eq!(finding.status, Status::Error);
            assert!(finding.remedy.unwrap().contains(remedy));
        }
    }

    #[test]
    fn the_signed_passes_and_the_unsigned_does_not() {
        let signed = |answer, is_signed| judge_signed("it".to_owned(), &answer, is_signed);
        assert_eq!(signed(Ok(204), true).status, Status::Ok);
        for (answer, is_signed, found) in [
            (Ok(403), true, "another auth token"),
            (Ok(403), false, "no auth token"),
            (Ok(301), true, "301"),
            (Err("reset".to_owned()), true, "reset"),
        ] {
            let finding = signed(answer, is_signed);
            assert!(finding.status == Status::Error && finding.found.contains(found), "{finding:?}");
        }
        for (answer, is_public, status) in [
            (Some(Ok(403)), true, Status::Ok),
            (Some(Ok(204)), false, Status::Error),
            (Some(Ok(429)), true, Status::Note),
            (Some(Ok(502)), true, Status::Warning),
            (None, true, Status::Warning),
            (None, false, Status::Note),
        ] {
            let finding = judge_unsigned("it", answer.as_ref(), is_public);
            assert_eq!(finding.status, status, "{finding:?}");
        }
    }

    #[test]
    fn a_proxy_that_swallows_the_upgrade_is_named() {
        for (opened, status, found) in [
            (Upgrade::Opened, Status::Ok, "opens"),
            (Upgrade::Refused(403), Status::Error, "another auth token"),
            (Upgrade::Refused(400), Status::Error, "swallows the upgrade"),
            (Upgrade::Refused(200), Status::Error, "swallows the upgrade"),
            (Upgrade::Refused(404), Status::Error, "404"),
            (Upgrade::Refused(503), Status::Warning, "503"),
            (Upgrade::Mangled("Invalid upgrade header".to_owned()), Status::Error, "Invalid upgrade"),
            (Upgrade::Failed("refused".to_owned()), Status::Error, "refused"),
        ] {
            let finding = judge_media("it", &opened);
            assert!(finding.status == status && finding.found.contains(found), "{finding:?}");
        }
    }
}
