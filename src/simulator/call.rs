//! The course of one call: TwiML fetched and obeyed, callbacks posted (twilio-protocol.md, section 7).

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use awc::Client;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::address::{Address, BadAddress};
use super::media_stream::{MediaStream, Voice};
use super::phone::{PhoneOptions, Progress};
use super::report::{CallReport, StreamEnd, StreamReport};
use super::rest::exchange::{Exchange, Order};
use super::rooms::{ConferencePost, Participant, Rooms};
use super::twiml_reader::{self, DialNoun, StreamNoun, TwimlDocument, Verb};
use super::webhooks::{Answer, Webhooks};
use super::{FRAME_MS, chance, timestamp_rfc2822};
use crate::twilio::{Caller, Form, Signer};

/// Documents in one call; more is a circle of redirects.
const MOST_DOCUMENTS: usize = 20;

/// Where the number's "a call comes in" leads.
const VOICE_PATH: &str = "/twilio/twiml";

/// Where the number's "call status changes" leads.
const STATUS_PATH: &str = "/twilio/statuschange";

/// What all parts of a call share.
#[derive(Clone)]
pub(super) struct CallContext {
    pub(super) webhooks: Webhooks,
    pub(super) account_sid: String,
    pub(super) call_sid: String,
    pub(super) voice: Rc<Voice>,
    pub(super) speed: f64,
    pub(super) sign_with_slash: bool,
    /// Where the REST API finds the call.
    exchange: Exchange,
    /// Cancelled when the caller hangs up, whatever the reason.
    pub(super) over: CancellationToken,
    on_progress: Rc<dyn Fn(&Progress)>,
}

impl CallContext {
    /// Returns how long something lasts at the speed of this call.
    pub(super) fn real_time(&self, duration: Duration) -> Duration {
        if self.speed > 0.0 { duration.div_f64(self.speed) } else { Duration::ZERO }
    }

    /// Tells whoever watches.
    pub(super) fn progress(&self, progress: &Progress) {
        (self.on_progress)(progress);
    }
}

/// A `<Start>` stream that runs beside the document.
struct RunningStream {
    name: String,
    stop: CancellationToken,
    task: JoinHandle<StreamReport>,
}

/// What comes after a verb.
enum Next {
    Verb,
    Document(TwimlDocument),
    End,
}

/// One call from its first request to its last.
pub(super) struct Call {
    context: CallContext,
    options: PhoneOptions,
    rooms: Rooms,
    voice_url: String,
    began: Instant,
    /// Streams of the TwiML, and those that the REST API has started.
    running: Rc<RefCell<Vec<RunningStream>>>,
    finished: Vec<StreamReport>,
    twiml: Vec<String>,
    has_clock: bool,
}

impl Call {
    /// Returns a call about to begin.
    pub(super) fn new(
        options: PhoneOptions,
        rooms: Rooms,
        client: Client,
        hang_up: &CancellationToken,
        on_progress: Rc<dyn Fn(&Progress)>,
    ) -> Result<Self, BadAddress> {
        let address = Address::new(&options.base_url, options.public_url.as_deref())?;
        let query = options
            .room
            .as_ref()
            .map(|room| format!("?room={}", utf8_percent_encode(room, NON_ALPHANUMERIC)));
        let voice_url = address.public(&format!("{VOICE_PATH}{}", query.unwrap_or_default()));
        let signer = options.auth_token.clone().map(|token| Rc::new(Signer::new(token)));
        let context = CallContext {
            webhooks: Webhooks::new(client, Rc::new(address), signer),
            account_sid: options.account_sid.clone(),
            call_sid: chance::sid("CA"),
            voice: Rc::new(Voice::new(options.audio.clone(), options.duration)),
            speed: options.speed,
            sign_with_slash: options.sign_with_slash,
            exchange: options.exchange.clone(),
            over: hang_up.child_token(),
            on_progress,
        };
        Ok(Self {
            context,
            options,
            rooms,
            voice_url,
            began: Instant::now(),
            running: Rc::default(),
            finished: Vec::new(),
            twiml: Vec::new(),
            has_clock: false,
        })
    }

    /// Calls; returns when the call is over and every callback is answered.
    pub(super) async fn run(mut self) -> CallReport {
        self.context.progress(&Progress::Ringing);
        let form = self.voice_form("ringing", &[]);
        let url = self.voice_url.clone();
        let answer = self.context.webhooks.ask("voice", &url, &form).await;
        let was_answered = match answer.and_then(|answer| self.document("voice", &answer)) {
            Some(document) => {
                self.context.progress(&Progress::Answered { verbs: document.verbs.len() });
                let (call_sid, options) = (&self.context.call_sid, &self.options);
                let orders = self.context.exchange.begin(call_sid, &options.from, &options.to);
                let obeying =
                    obey_orders(self.context.clone(), orders, Rc::clone(&self.running), Instant::now());
                tokio::task::spawn_local(obeying);
                self.obey(document).await;
                true
            }
            None => false,
        };
        self.context.over.cancel();
        self.context.exchange.end(&self.context.call_sid);
        self.end_streams().await;
        self.post_completed(was_answered).await;
        self.context.progress(&Progress::HungUp);
        let record = self.context.webhooks.take_record();
        CallReport {
            caller: Caller::parse(&self.options.from).masked(),
            call_sid: self.context.call_sid,
            exchanges: record.exchanges,
            twiml: self.twiml,
            streams: self.finished,
            duration_ms: u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX),
            problems: record.problems,
        }
    }

    async fn obey(&mut self, first: TwimlDocument) {
        let mut document = first;
        for _ in 0..MOST_DOCUMENTS {
            match self.obey_document(document).await {
                Next::Document(next) => document = next,
                Next::Verb | Next::End => return,
            }
        }
        self.context.webhooks.problem(format!("more than {MOST_DOCUMENTS} documents in one call"));
    }

    async fn obey_document(&mut self, document: TwimlDocument) -> Next {
        for verb in document.verbs {
            if self.context.over.is_cancelled() {
                return Next::End;
            }
            match self.obey_verb(verb).await {
                Next::Verb => {}
                other => return other,
            }
        }
        // Nothing follows: Twilio hangs up, and with the call its streams end.
        self.twiml.push("end of the document: hang up".to_owned());
        Next::End
    }

    async fn obey_verb(&mut self, verb: Verb) -> Next {
        match verb {
            Verb::Start(noun) => self.start_stream(noun),
            Verb::Connect(noun) => self.connect_stream(noun).await,
            Verb::Stop(name) => self.stop_stream(&name),
            Verb::Dial(dial) => return self.dial(dial).await,
            Verb::Pause(seconds) => {
                self.twiml.push(format!("Pause {seconds} s"));
                let pause = self.context.real_time(Duration::from_secs(seconds));
                tokio::select! {
                    () = sleep(pause) => {}
                    () = self.context.over.cancelled() => {}
                }
            }
            Verb::Redirect(url) => {
                self.twiml.push(format!("Redirect {url}"));
                return self.fetch("redirect", &url, &[]).await;
            }
            Verb::Hangup => {
                self.twiml.push("Hangup".to_owned());
                return Next::End;
            }
            Verb::Reject => {
                self.twiml.push("Reject".to_owned());
                return Next::End;
            }
            Verb::Speak => self.twiml.push("Say or Play (skipped)".to_owned()),
        }
        Next::Verb
    }

    fn start_stream(&mut self, noun: StreamNoun) {
        self.twiml.push(summary("Start", &noun));
        self.has_clock = true;
        let running = run_stream(&self.context, noun, 0);
        self.running.borrow_mut().push(running);
    }

    async fn connect_stream(&mut self, noun: StreamNoun) {
        self.twiml.push(summary("Connect", &noun));
        self.has_clock = true;
        let context = self.context.clone();
        let stop = context.over.child_token();
        let noun_of_stream = noun.clone();
        let stream = MediaStream {
            call: context.clone(),
            noun: noun_of_stream,
            bidirectional: true,
            frames_before: 0,
            stop,
        };
        let report = stream.run().await;
        MediaStream::post_error(context.clone(), noun, &report).await;
        keep_talking(&context, report.frames_sent);
        self.finished.push(report);
    }

    fn stop_stream(&mut self, name: &str) {
        self.twiml.push(format!("Stop/Stream {name}"));
        match self.running.borrow().iter().find(|running| running.name == name) {
            Some(running) => running.stop.cancel(),
            None => {
                self.context.webhooks.problem(format!("<Stop> names a stream that is not running: {name}"))
            }
        }
    }

    async fn dial(&mut self, dial: DialNoun) -> Next {
        self.twiml.push(format!("Dial/Conference {}", dial.room));
        if dial.room.is_empty() {
            self.context.webhooks.problem("a conference without a name");
            return Next::Verb;
        }
        if !self.has_clock {
            self.has_clock = true;
            keep_talking(&self.context, 0);
        }
        let account_sid = self.context.account_sid.clone();
        let call_sid = self.context.call_sid.clone();
        let participant = Participant { account_sid: &account_sid, call_sid: &call_sid, dial: &dial };
        if let Some(url) = &dial.wait_url {
            self.check_wait_url(url).await;
        }
        let (posts, ended) = self.rooms.join(&participant);
        self.context.progress(&Progress::Joined(dial.room.clone()));
        self.context.exchange.set_room(&call_sid, Some(&dial.room));
        self.post_all(posts).await;
        let was_put_out = tokio::select! {
            biased;
            () = self.context.over.cancelled() => false,
            () = ended.cancelled() => true,
        };
        self.context.exchange.set_room(&call_sid, None);
        let posts = self.rooms.leave(&participant);
        self.post_all(posts).await;
        let Some(action) = &dial.action else {
            return if was_put_out { Next::Verb } else { Next::End };
        };
        if was_put_out {
            return self.fetch("dial-done", action, &[("DialCallStatus", "answered")]).await;
        }
        // The caller is gone: the answer is ignored, but it must be one.
        let form = self.voice_form("completed", &[("DialCallStatus", "completed")]);
        if let Some(url) = self.absolute(action) {
            self.context.webhooks.tell("dial-done", &url, &form).await;
        }
        Next::End
    }

    async fn check_wait_url(&self, url: &str) {
        let Some(url) = self.absolute(url) else { return };
        let form = self.voice_form("in-progress", &[]);
        let answer = self.context.webhooks.ask("wait", &url, &form).await;
        if answer.is_some_and(|answer| !(200..300).contains(&answer.status)) {
            self.context.webhooks.problem("the waitUrl fails: the conference may not be established");
        }
    }

    async fn fetch(&mut self, what: &str, url: &str, more: &[(&str, &str)]) -> Next {
        let Some(url) = self.absolute(url) else {
            return Next::End;
        };
        let form = self.voice_form("in-progress", more);
        let answer = self.context.webhooks.ask(what, &url, &form).await;
        match answer.and_then(|answer| self.document(what, &answer)) {
            Some(document) => Next::Document(document),
            None => Next::End,
        }
    }

    async fn post_all(&self, posts: Vec<ConferencePost>) {
        for post in posts {
            if let Some(url) = self.absolute(&post.url) {
                self.context.webhooks.tell(post.event, &url, &post.form).await;
            }
        }
    }

    /// Returns an address of the TwiML in full; relative ones hang on the voice request's.
    fn absolute(&self, url: &str) -> Option<String> {
        if url.contains("://") {
            return Some(url.to_owned());
        }
        match url::Url::parse(&self.voice_url).and_then(|base| base.join(url)) {
            Ok(url) => Some(url.to_string()),
            Err(_) => {
                self.context.webhooks.problem(format!("{url} is not an address (11100)"));
                None
            }
        }
    }

    /// Returns the TwiML of an answer; what is wrong with it becomes a problem.
    fn document(&self, what: &str, answer: &Answer) -> Option<TwimlDocument> {
        let problem = |text: String| self.context.webhooks.problem(format!("{what}: {text}"));
        if answer.status != 200 {
            problem(format!("answered with {} where TwiML was expected (11200)", answer.status));
            return None;
        }
        let media_type =
            answer.content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if !["text/xml", "application/xml", "text/html"].contains(&media_type.as_str()) {
            problem(format!("the content type is {media_type:?} and not text/xml (12300)"));
            return None;
        }
        match twiml_reader::read(&answer.body) {
            Ok(document) => {
                document.warnings.iter().for_each(|warning| problem(warning.clone()));
                Some(document)
            }
            Err(fault) => {
                problem(fault.to_string());
                None
            }
        }
    }

    async fn end_streams(&mut self) {
        let ended: Vec<RunningStream> = self.running.borrow_mut().drain(..).collect();
        for running in ended {
            match running.task.await {
                Ok(report) => self.finished.push(report),
                Err(fault) => self.context.webhooks.problem(format!("the simulator itself failed: {fault}")),
            }
        }
        for report in &self.finished {
            if report.frames_sent == 0 && report.end == StreamEnd::Stopped && self.context.voice.frames() > 0
            {
                self.context.webhooks.problem("a stream was over before its first frame");
            }
        }
    }

    /// Posts the number's "call status changes": one request, after the end.
    async fn post_completed(&self, was_answered: bool) {
        let seconds = self.began.elapsed().as_secs();
        let (duration, minutes, now) =
            (seconds.to_string(), seconds.div_ceil(60).to_string(), timestamp_rfc2822());
        let more = [
            ("CallDuration", duration.as_str()),
            ("CallbackSource", "call-progress-events"),
            ("Duration", minutes.as_str()),
            ("SequenceNumber", "0"),
            ("SipResponseCode", "200"),
            ("Timestamp", now.as_str()),
        ];
        let status = if was_answered { "completed" } else { "failed" };
        let url = self.context.webhooks.address().public(STATUS_PATH);
        self.context.webhooks.tell(status, &url, &self.voice_form(status, &more)).await;
    }

    /// Returns the fields of a voice request, empty ones included, with `more` among them.
    fn voice_form(&self, call_status: &str, more: &[(&str, &str)]) -> Form {
        let (from, to) = (self.options.from.as_str(), self.options.to.as_str());
        let mut pairs = vec![
            ("AccountSid", self.context.account_sid.as_str()),
            ("ApiVersion", "2010-04-01"),
            ("CallSid", self.context.call_sid.as_str()),
            ("CallStatus", call_status),
            ("Called", to),
            ("CalledCity", ""),
            ("CalledCountry", "US"),
            ("CalledState", "CA"),
            ("CalledZip", ""),
            ("Caller", from),
            ("CallerCity", "NEW YORK"),
            ("CallerCountry", "US"),
            ("CallerState", "NY"),
            ("CallerZip", "10001"),
            ("Direction", "inbound"),
            ("From", from),
            ("FromCity", "NEW YORK"),
            ("FromCountry", "US"),
            ("FromState", "NY"),
            ("FromZip", "10001"),
            ("To", to),
            ("ToCity", ""),
            ("ToCountry", "US"),
            ("ToState", "CA"),
            ("ToZip", ""),
        ];
        pairs.extend_from_slice(more);
        pairs.sort_by_key(|(name, _)| *name);
        Form::from_pairs(pairs)
    }
}

/// Runs a `<Start>` stream beside the document; the caller has said so many frames before.
fn run_stream(context: &CallContext, noun: StreamNoun, frames_before: u64) -> RunningStream {
    let (stop, name) = (context.over.child_token(), noun.name.clone());
    let context = context.clone();
    let stream = MediaStream {
        call: context.clone(),
        noun: noun.clone(),
        bidirectional: false,
        frames_before,
        stop: stop.clone(),
    };
    let named = if name.is_empty() { chance::sid("MZ") } else { name.clone() };
    context.exchange.set_stream(&context.call_sid, &named, true);
    let task = tokio::task::spawn_local(async move {
        let report = stream.run().await;
        context.exchange.set_stream(&context.call_sid, &named, false);
        MediaStream::post_error(context.clone(), noun, &report).await;
        // The call outlives a stream that fails, and the caller talks on.
        keep_talking(&context, frames_before + report.frames_sent);
        report
    });
    RunningStream { name, stop, task }
}

/// Does what the REST API says to a call, until the call is over.
async fn obey_orders(
    context: CallContext,
    mut orders: mpsc::Receiver<Order>,
    running: Rc<RefCell<Vec<RunningStream>>>,
    began: Instant,
) {
    while let Some(order) = orders.recv().await {
        if context.over.is_cancelled() {
            return;
        }
        match order {
            Order::Start(noun) => {
                let talked = began.elapsed().mul_f64(context.speed).as_millis();
                let frames_before = u64::try_from(talked).unwrap_or(u64::MAX) / FRAME_MS;
                running.borrow_mut().push(run_stream(&context, noun, frames_before));
            }
            Order::Stop(name) => {
                for stream in running.borrow().iter().filter(|stream| stream.name == name) {
                    stream.stop.cancel();
                }
            }
        }
    }
}

/// Hangs up when the caller has said what is left from this frame on, stream or no stream.
fn keep_talking(context: &CallContext, frames_said: u64) {
    if context.over.is_cancelled() {
        return;
    }
    let said = Duration::from_millis(frames_said.saturating_mul(FRAME_MS));
    let left = context.real_time(context.voice.length().saturating_sub(said));
    let over = context.over.clone();
    tokio::task::spawn_local(async move {
        tokio::select! {
            () = sleep(left) => over.cancel(),
            () = over.cancelled() => {}
        }
    });
}

fn summary(verb: &str, noun: &StreamNoun) -> String {
    let names: Vec<&str> = noun.parameters.iter().map(|(name, _)| name.as_str()).collect();
    format!("{verb}/Stream {} track={} parameters=[{}]", noun.url, noun.track, names.join(" "))
}
