//! Actors that panic, which no peer can make them do. A leg ends all the same, once, and nothing is left; without the
//! owner of all legs the process ends.

use std::collections::HashMap;

use awc::ws::{Frame, Message};
use bytes::Bytes;
use futures_util::{SinkExt as _, Stream, StreamExt as _};
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use super::*;
use crate::bridge::supervisor::{Census, TakeCensus};
use crate::bridge::twilio_stream::fault::Fault;
use crate::config::Sources;

const PATIENCE: Duration = Duration::from_secs(20);

/// The real application on a free port; its server of the Symbl protocol is out of reach.
fn application() -> Application {
    let environment: HashMap<String, String> = [
        ("SYMBL_API_BASE_URL", "http://127.0.0.1:9"),
        ("SYMBL_APP_ID", "id"),
        ("SYMBL_APP_SECRET", "secret"),
        ("BRIDGE__HTTP__PORT", "0"),
        ("BRIDGE__HTTP__WORKERS", "1"),
        ("BRIDGE__MEDIA__TOKEN_LIFETIME_MS", "1000"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    let settings = Settings::load(&Sources { file: None, environment }).unwrap();
    Application::build(&settings, Wings::Bridge).unwrap()
}

/// The token in a caller's TwiML.
async fn stream_token(base: &str, call_sid: &str) -> String {
    let form = format!("CallSid={call_sid}&From=%2B13105550177&To=%2B14155550100&CallStatus=ringing");
    let asked = awc::Client::default().post(format!("{base}/twilio/twiml"));
    let asked = asked.content_type("application/x-www-form-urlencoded").send_body(form);
    let twiml = asked.await.unwrap().body().await.unwrap();
    let twiml = String::from_utf8(twiml.to_vec()).unwrap();
    let (_, behind) = twiml.split_once(r#"name="token" value=""#).unwrap();
    behind.split('"').next().unwrap().to_owned()
}

/// The next text; none when the socket has closed.
async fn text<E: std::fmt::Debug>(
    socket: &mut (impl Stream<Item = Result<Frame, E>> + Unpin),
) -> Option<Bytes> {
    loop {
        match timeout(PATIENCE, socket.next()).await.unwrap() {
            Some(Ok(Frame::Text(text))) => return Some(text),
            Some(Ok(Frame::Ping(_) | Frame::Pong(_))) => {}
            _ => return None,
        }
    }
}

#[actix::test]
async fn a_leg_whose_actor_panics_ends_once_and_leaves_nothing() {
    for (number, fault) in [Fault::Stream, Fault::Connection].into_iter().enumerate() {
        let application = application();
        let base = format!("http://{}", application.address());
        let supervisor = application.bridge.as_ref().unwrap().supervisor.clone();
        let (stop, stopped) = mpsc::channel(2);
        let served = actix::spawn(application.run(stopped));

        let client = awc::Client::default();
        let (_, mut dashboard) = client.ws(format!("{base}/symbl/updates")).connect().await.unwrap();
        let call_sid = format!("CA{number:032}");
        let token = stream_token(&base, &call_sid).await;
        let (_, mut media) = client.ws(format!("{base}/twilio/media")).connect().await.unwrap();
        let start = json!({
            "event": "start",
            "streamSid": "MZ1",
            "start": {
                "callSid": call_sid,
                "streamSid": "MZ1",
                "mediaFormat": { "encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1 },
                "customParameters": { "token": token }
            }
        });
        media.send(Message::Text(start.to_string().into())).await.unwrap();
        let census = async || supervisor.send(TakeCensus).await.unwrap();
        timeout(PATIENCE, async {
            while census().await.legs.len() != 1 {
                sleep(Duration::from_millis(5)).await;
            }
        })
        .await
        .unwrap();

        supervisor.send(fault).await.unwrap();
        let mut heard = Vec::new();
        for _ in 0..2 {
            let update: Value = serde_json::from_slice(&text(&mut dashboard).await.unwrap()).unwrap();
            assert_eq!(update["callSid"], call_sid);
            heard.push(format!("{} {}", update["type"].as_str().unwrap(), update["reason"]));
        }
        assert_eq!(heard, ["connection_started null", r#"connection_stopped "panicked""#]);
        assert_eq!(text(&mut media).await, None, "{fault:?}: the media socket ends, too");
        drop(media);
        timeout(PATIENCE, async {
            while census().await != Census::default() {
                sleep(Duration::from_millis(20)).await;
            }
        })
        .await
        .unwrap();

        stop.send(()).await.unwrap();
        assert_eq!(text(&mut dashboard).await, None, "{fault:?}: no third update");
        drop(dashboard);
        timeout(PATIENCE, served).await.unwrap().unwrap().unwrap();
    }
}

#[actix::test]
async fn a_process_without_its_supervisor_ends_so_that_another_is_started() {
    let application = application();
    let supervisor = application.bridge.as_ref().unwrap().supervisor.clone();
    let (_stop, stopped) = mpsc::channel(2);
    let served = actix::spawn(application.run(stopped));
    assert!(supervisor.send(Fault::Supervisor).await.is_err());
    let ended = timeout(PATIENCE, served).await.unwrap().unwrap();
    assert_eq!(ended.unwrap_err().to_string(), DEAD);
}
