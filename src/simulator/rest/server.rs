//! The API's face, as strict as Twilio's: credentials, lists with filters, one call, streams, conferences.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::SocketAddr;

use actix_web::dev::{Server, ServerHandle};
use actix_web::http::StatusCode;
use actix_web::http::header::AUTHORIZATION;
use actix_web::web::{self, Data, Path, Query};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::exchange::{Exchange, NotTaken, Seen, conference_sid};
use crate::simulator::twiml_reader::StreamNoun;
use crate::twilio::{AuthToken, StreamUrl};

/// Most parameters of a stream.
const MOST_PARAMETERS: usize = 99;

/// Who may ask, and what about.
#[derive(Clone)]
struct Account {
    exchange: Exchange,
    account_sid: String,
    /// What a request must show; none: nothing.
    expected: Option<String>,
}

/// Serves the calls of `exchange` on this address; returns the bound one, and what runs and ends it.
///
/// # Errors
///
/// The port is taken.
pub fn serve(
    exchange: &Exchange,
    address: SocketAddr,
    account_sid: &str,
    token: Option<&AuthToken>,
) -> io::Result<(SocketAddr, Server, ServerHandle)> {
    let expected = token.map(|token| STANDARD.encode(format!("{account_sid}:{}", token.expose())));
    let account = Account {
        exchange: exchange.clone(),
        account_sid: account_sid.to_owned(),
        expected: expected.map(|expected| format!("Basic {expected}")),
    };
    let server = HttpServer::new(move || {
        let of_account = web::scope("/2010-04-01/Accounts/{account}")
            .route("/Calls.json", web::get().to(calls))
            .route("/Calls/{call}/Streams.json", web::post().to(start))
            .route("/Calls/{call}/Streams/{name}.json", web::post().to(stop))
            .route("/Calls/{call}.json", web::get().to(call))
            .route("/Conferences.json", web::get().to(conferences))
            .route("/Conferences/{conference}/Participants.json", web::get().to(participants));
        App::new().app_data(Data::new(account.clone())).service(of_account)
    })
    .workers(1)
    .disable_signals()
    .bind(address)?;
    let bound = server.addrs().first().copied().unwrap_or(address);
    let server = server.run();
    let handle = server.handle();
    Ok((bound, server, handle))
}

type Pairs = BTreeMap<String, String>;

impl Account {
    /// Returns the refusal of a request that shows no credentials of ours, or asks for another account; none for a good one.
    fn refusal(&self, request: &HttpRequest) -> Option<HttpResponse> {
        let shown = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        if self.expected.is_some() && shown != self.expected.as_deref() {
            return Some(error(401, 20003));
        }
        let is_ours = request.match_info().get("account") == Some(&*self.account_sid);
        (!is_ours).then(|| error(404, 20404))
    }
}

fn error(status: u16, code: u32) -> HttpResponse {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = json!({ "code": code, "message": "simulated", "more_info": format!("https://www.twilio.com/docs/errors/{code}"), "status": status.as_u16() });
    HttpResponse::build(status).json(body)
}

fn listed(call: &Seen) -> Value {
    json!({ "sid": call.call_sid, "from": call.from, "to": call.to, "status": "in-progress", "direction": "inbound" })
}

fn page(name: &str, entries: Vec<Value>) -> HttpResponse {
    HttpResponse::Ok().json(json!({ name: entries, "next_page_uri": null, "page": 0 }))
}

async fn calls(request: HttpRequest, account: Data<Account>, asked: Query<Pairs>) -> HttpResponse {
    if let Some(refusal) = account.refusal(&request) {
        return refusal;
    }
    let is = |name: &str, value: &str| asked.get(name).is_none_or(|wanted| wanted == value);
    let wanted = |call: &&Seen| is("Status", "in-progress") && is("To", &call.to) && is("From", &call.from);
    page("calls", account.exchange.seen().iter().filter(wanted).map(listed).collect())
}

async fn call(request: HttpRequest, account: Data<Account>, path: Path<(String, String)>) -> HttpResponse {
    if let Some(refusal) = account.refusal(&request) {
        return refusal;
    }
    let found = account.exchange.seen().into_iter().find(|call| call.call_sid == path.1);
    found.map_or_else(|| error(404, 20404), |call| HttpResponse::Ok().json(listed(&call)))
}

async fn start(
    request: HttpRequest,
    account: Data<Account>,
    path: Path<(String, String)>,
    form: web::Form<Pairs>,
) -> HttpResponse {
    if let Some(refusal) = account.refusal(&request) {
        return refusal;
    }
    let field = |name: &str| form.get(name).cloned().unwrap_or_default();
    if StreamUrl::parse(&field("Url")).is_err() {
        return error(400, 21_205);
    }
    let parameters = (1..=MOST_PARAMETERS).filter_map(|number| {
        let part = |part: &str| form.get(&format!("Parameter{number}.{part}")).cloned();
        part("Name").zip(part("Value"))
    });
    let stream = StreamNoun {
        name: field("Name"),
        url: field("Url"),
        track: form.get("Track").cloned().unwrap_or_else(|| "inbound_track".to_owned()),
        status_callback: form.get("StatusCallback").cloned(),
        parameters: parameters.collect(),
    };
    match account.exchange.start(&path.1, stream) {
        Ok(()) => {
            let body = json!({ "call_sid": path.1, "name": field("Name"), "status": "in-progress" });
            HttpResponse::Created().json(body)
        }
        Err(reason) => not_taken(reason),
    }
}

async fn stop(
    request: HttpRequest,
    account: Data<Account>,
    path: Path<(String, String, String)>,
    form: web::Form<Pairs>,
) -> HttpResponse {
    if let Some(refusal) = account.refusal(&request) {
        return refusal;
    }
    if form.get("Status").map(String::as_str) != Some("stopped") {
        return error(400, 20001);
    }
    match account.exchange.stop(&path.1, &path.2) {
        Ok(()) => HttpResponse::Ok().json(json!({ "name": path.2, "status": "stopped" })),
        Err(reason) => not_taken(reason),
    }
}

fn not_taken(reason: NotTaken) -> HttpResponse {
    match reason {
        NotTaken::Unknown => error(404, 20404),
        NotTaken::Refused => error(400, 21_200),
        NotTaken::TooMany => error(429, 20429),
    }
}

async fn conferences(request: HttpRequest, account: Data<Account>) -> HttpResponse {
    if let Some(refusal) = account.refusal(&request) {
        return refusal;
    }
    let rooms: BTreeSet<String> = account.exchange.seen().into_iter().filter_map(|call| call.room).collect();
    let conference = |room: &String| json!({ "sid": conference_sid(room), "friendly_name": room, "status": "in-progress" });
    page("conferences", rooms.iter().map(conference).collect())
}

async fn participants(
    request: HttpRequest,
    account: Data<Account>,
    path: Path<(String, String)>,
) -> HttpResponse {
    if let Some(refusal) = account.refusal(&request) {
        return refusal;
    }
    let is_inside = |call: &&Seen| call.room.as_ref().is_some_and(|room| conference_sid(room) == path.1);
    let seen = account.exchange.seen();
    let participant = |call: &Seen| json!({ "call_sid": call.call_sid, "status": "connected" });
    page("participants", seen.iter().filter(is_inside).map(participant).collect())
}
