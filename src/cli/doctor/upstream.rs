//! The Symbl-protocol server: a token, a Streaming socket, and words for speech.
//!
//! With the embedded engine and no server running, one is started here for as long as the checks take; it keeps nothing.

use std::rc::Rc;
use std::time::Duration;

use secrecy::SecretString;
use tokio::sync::mpsc;

use super::check::{SPEECH, UPSTREAM_STREAM, UPSTREAM_TOKEN};
use super::context::{Context, PROBE_DEADLINE};
use super::finding::{Finding, quoted};
use super::screen::Screen;
use super::speech::{self, LISTEN_DEADLINE, Listened, SPEECH_DEADLINE};
use crate::app::{Application, Wings};
use crate::cli::speech_model;
use crate::config::{ModelSettings, Settings, StorePlace, Upstream};
use crate::engine::model::{Model, ModelStatus, ModelStore};
use crate::symbl::endpoint::Endpoint;
use crate::symbl::token::{TokenClient, TokenError};

/// Loading the recogniser from a cold disk.
const LOAD_DEADLINE: Duration = Duration::from_secs(60);

/// Whom to ask.
struct Server {
    endpoint: Endpoint,
    app_id: String,
    app_secret: SecretString,
    /// How it is named in findings.
    name: String,
    /// Kept while it is asked: dropping it ends an engine of our own.
    _engine: Option<Rc<OwnEngine>>,
}

/// An engine in this process; it ends with this value.
struct OwnEngine {
    stop: mpsc::Sender<()>,
}

impl Drop for OwnEngine {
    fn drop(&mut self) {
        // Twice: nobody waits for its legs. It has room for both.
        let _ = self.stop.try_send(());
        let _ = self.stop.try_send(());
    }
}

/// Makes the three checks; `is_running` says whether a server of these settings answers.
pub(super) async fn look(context: &Context, screen: &Screen, is_running: bool) -> Vec<Finding> {
    let server = match find(context, screen, is_running).await {
        Ok(server) => server,
        Err(reason) => {
            return [
                (UPSTREAM_TOKEN, "an access token"),
                (UPSTREAM_STREAM, "a Streaming socket"),
                (SPEECH, "a round trip of speech"),
            ]
            .map(|(id, what)| Finding::left_out(id, what, &reason))
            .into();
        }
    };
    let tokens = TokenClient::new(server.endpoint.clone(), server.app_id.clone(), server.app_secret.clone());
    let asking = tokens.token(&context.http);
    let answer = screen.wait("asking for an access token", PROBE_DEADLINE, asking).await;
    let late =
        || TokenError::Unreachable { reason: format!("no answer within {} s", PROBE_DEADLINE.as_secs()) };
    let answer = answer.unwrap_or_else(|| Err(late()));
    let mut findings = vec![judge_token(&server.name, answer.as_ref().err())];
    let Ok(token) = answer else {
        findings.push(Finding::left_out(UPSTREAM_STREAM, "a Streaming socket", "there is no token"));
        findings.push(Finding::left_out(SPEECH, "a round trip of speech", "there is no token"));
        return findings;
    };
    if !context.selection.wants_any(&[UPSTREAM_STREAM, SPEECH]) {
        return findings;
    }
    let opening =
        speech::open(&context.http, &server.endpoint, &token, &context.settings.symbl.start_template);
    let opened = screen.wait("opening a Streaming socket", LISTEN_DEADLINE, opening).await;
    let opened =
        opened.unwrap_or_else(|| Err(format!("does not listen within {} s", LISTEN_DEADLINE.as_secs())));
    match opened {
        Err(fault) => {
            let remedy = "see the server's log; its address must let WebSockets pass";
            findings.push(Finding::error(UPSTREAM_STREAM, server.name.as_str(), quoted(&fault), remedy));
            findings.push(Finding::left_out(SPEECH, "a round trip of speech", "no socket listens"));
        }
        Ok(stream) => {
            let after = stream.listened_after.as_millis();
            findings.push(Finding::ok(
                UPSTREAM_STREAM,
                server.name.as_str(),
                format!("listens {after} ms after the connection was asked for"),
            ));
            let wants_speech = context.selection.wants(SPEECH);
            let telling = stream.speak(wants_speech);
            let heard = screen.wait("speaking for six seconds", SPEECH_DEADLINE, telling).await;
            if wants_speech {
                findings.push(judge_speech(&server.name, heard.as_ref()));
            }
            let deleting = speech::forget(&context.http, &server.endpoint, &token, heard.as_ref());
            screen.wait("deleting the doctor's conversation", PROBE_DEADLINE, deleting).await;
        }
    }
    findings
}

/// Returns whom to ask, or why nobody can be asked.
async fn find(context: &Context, screen: &Screen, is_running: bool) -> Result<Server, String> {
    let symbl = &context.settings.symbl;
    let credentials = symbl.app_id.clone().zip(symbl.app_secret.clone());
    if let (Upstream::Server(endpoint), Some((app_id, app_secret))) = (&symbl.upstream, credentials.clone()) {
        let name = endpoint.to_string();
        return Ok(Server { endpoint: endpoint.clone(), app_id, app_secret, name, _engine: None });
    }
    if let (true, Some((app_id, app_secret)), Some(server)) = (is_running, credentials, &context.server) {
        let endpoint = Endpoint::parse(&server.reach).map_err(|fault| fault.to_string())?;
        let name = format!("the engine at {}", server.reach);
        return Ok(Server { endpoint, app_id, app_secret, name, _engine: None });
    }
    start_engine(&context.settings, screen).await
}

async fn start_engine(settings: &Settings, screen: &Screen) -> Result<Server, String> {
    is_installed(&settings.model)?;
    let model = settings.model.clone();
    let loading = tokio::task::spawn_blocking(move || speech_model::start(&model));
    let pool = screen.wait("loading the speech model", LOAD_DEADLINE, loading).await;
    let pool = pool.ok_or("the speech model is not loaded in time")?.map_err(|fault| fault.to_string())??;
    let mut own = settings.clone();
    own.http.host = "127.0.0.1".to_owned();
    own.http.port = 0;
    own.http.tls = None;
    own.http.workers = std::num::NonZeroUsize::new(1);
    own.store.place = StorePlace::Memory;
    own.store.database = None;
    own.llm = None;
    own.recording.enabled = false;
    own.symbl.app_id = None;
    own.symbl.app_secret = None;
    own.drain_deadline = Duration::ZERO;
    let application = Application::build(&own, Wings::Engine).map_err(|fault| fault.to_string())?;
    if let Some(listening) = application.listening() {
        listening.begin(pool);
    }
    let credentials = application.credentials().cloned().ok_or("the engine has no credentials")?;
    let endpoint = Endpoint::parse(&application.url()).map_err(|fault| fault.to_string())?;
    let (stop, stopped) = mpsc::channel(2);
    actix::spawn(application.run(stopped));
    Ok(Server {
        endpoint,
        app_id: credentials.app_id,
        app_secret: credentials.app_secret,
        name: "an engine started for this check".to_owned(),
        _engine: Some(Rc::new(OwnEngine { stop })),
    })
}

/// A check installs nothing.
fn is_installed(settings: &ModelSettings) -> Result<(), String> {
    let store = settings.dir.clone().map_or_else(ModelStore::default, ModelStore::at);
    match Model::named(&settings.name).map(|model| store.status(model)) {
        Some(ModelStatus::Missing { .. }) => Err("the speech model is not installed".to_owned()),
        Some(ModelStatus::Present { .. }) | None => Ok(()),
    }
}

fn judge_token(name: &str, fault: Option<&TokenError>) -> Finding {
    match fault {
        None => Finding::ok(UPSTREAM_TOKEN, name, "gives an access token"),
        Some(TokenError::Refused { status: 404 }) => Finding::error(
            UPSTREAM_TOKEN,
            name,
            "has no /oauth2/token:generate (404): it is no server of the Symbl protocol",
            "correct SYMBL_API_BASE_URL",
        ),
        Some(fault @ TokenError::Refused { .. }) => Finding::error(
            UPSTREAM_TOKEN,
            name,
            format!("refuses the credentials: {fault}"),
            "correct SYMBL_APP_ID and SYMBL_APP_SECRET, or SYMBL_API_BASE_URL",
        ),
        Some(fault @ TokenError::Unavailable { .. }) => Finding::error(
            UPSTREAM_TOKEN,
            name,
            quoted(&fault.to_string()),
            "see the server's log; legs wait for it and try again",
        ),
        Some(fault) => Finding::error(
            UPSTREAM_TOKEN,
            name,
            quoted(&fault.to_string()),
            "correct SYMBL_API_BASE_URL, or start that server (`symbl-bridge engine`)",
        ),
    }
}

/// Judges the words; none: the time was over.
fn judge_speech(name: &str, heard: Option<&Result<Listened, String>>) -> Finding {
    let what = format!("six seconds of speech to {name}");
    let log = "see the server's log; `symbl-bridge bench-speech` shows how many legs this machine hears";
    let listened = match heard {
        None => {
            let found = format!("not done within {} s", SPEECH_DEADLINE.as_secs());
            return Finding::error(SPEECH, what, found, log);
        }
        Some(Err(fault)) => return Finding::error(SPEECH, what, quoted(fault), log),
        Some(Ok(listened)) => listened,
    };
    let words = format!("{} of {} words came back", listened.right_words(), listened.words_said());
    let found = match listened.last_after {
        Some(delay) => format!(
            "{words}, the last {:.1} s after it was said: \"{}\"",
            delay.as_secs_f64(),
            quoted(&listened.text)
        ),
        None => "no words came back".to_owned(),
    };
    let share = listened.right_words() as f64 / listened.words_said() as f64;
    if listened.last_after.is_none() || share < 0.5 {
        let remedy = "see whether that server hears English at 8000 Hz mu-law, and its log";
        return Finding::warning(SPEECH, what, found, remedy);
    }
    if listened.last_after > Some(speech::SLOW) {
        return Finding::warning(SPEECH, what, found, log);
    }
    Finding::ok(SPEECH, what, found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::finding::Status;

    #[test]
    fn a_token_that_is_not_given_is_explained() {
        assert_eq!(judge_token("it", None).status, Status::Ok);
        for (fault, word) in [
            (TokenError::Refused { status: 401 }, "refuses the credentials"),
            (TokenError::Refused { status: 404 }, "no server of the Symbl protocol"),
            (TokenError::Unavailable { status: 503 }, "503"),
            (TokenError::Unreachable { reason: "connection refused".to_owned() }, "connection refused"),
        ] {
            let finding = judge_token("it", Some(&fault));
            assert!(finding.status == Status::Error && finding.found.contains(word), "{finding:?}");
        }
    }

    #[test]
    fn words_are_judged_by_number_and_by_delay() {
        let listened = |text: &str, after: Option<u64>| {
            Some(Ok(Listened {
                text: text.to_owned(),
                last_after: after.map(Duration::from_millis),
                conversation_id: None,
            }))
        };
        let said = speech::SAID;
        for (heard, status, found) in [
            (listened(said, Some(600)), Status::Ok, "16 of 16 words came back, the last 0.6 s"),
            (listened(said, Some(9000)), Status::Warning, "the last 9.0 s"),
            (listened("thank you", Some(600)), Status::Warning, "2 of 16"),
            (listened("", None), Status::Warning, "no words came back"),
            (Some(Err("closed with 1011".to_owned())), Status::Error, "1011"),
            (None, Status::Error, "not done within"),
        ] {
            let finding = judge_speech("it", heard.as_ref());
            assert!(finding.status == status && finding.found.contains(found), "{finding:?}");
        }
    }
}
