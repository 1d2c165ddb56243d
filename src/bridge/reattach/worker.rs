//! Looks for calls without a stream and gets them one: the part of re-attaching that has a clock and a socket.
//!
//! It runs on the main thread, one task a call. Calls at work are bounded by `limits.max_calls`, requests by `access`.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, mpsc};
use tokio::time::{Instant, sleep};

use super::access::TwilioAccess;
use super::attempt::{Attempt, Outcome, Seen, Step};
use super::book::{State, UnixMillis};
use super::elsewhere::{Alone, Elsewhere};
use super::pace::Pace;
use super::plan::{self, Conference, Ends, Wanted};
use super::{Loss, LostCall, Reattach, unix_now};
use crate::bridge::call::leg::millis;
use crate::bridge::call::registry::Announcement;
use crate::bridge::call::room::Room;
use crate::bridge::http::twiml::{Callbacks, stream_name, stream_parameters};
use crate::bridge::services::{Shared, tags};
use crate::bridge::supervisor::{CallEnded, PlanReattach};
use crate::bridge::{seconds_now, tell};
use crate::config::ReattachSettings;
use crate::telemetry::events;
use crate::twilio::rest::request::IN_PROGRESS;
use crate::twilio::rest::{self, Call, NewStream, Participant, RestClient, RestFailure, RestRequest};
use crate::twilio::{CallSid, Caller, ConferenceSid};

/// One request, answer included.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the list of calls is tried for after a start.
const LIST_PATIENCE: Duration = Duration::from_secs(600);

/// How long each request for one call is tried for.
const CALL_PATIENCE: Duration = Duration::from_secs(120);

/// How long a stream that Twilio has promised may take to become a leg.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);

/// The same for a request that nobody knows whether Twilio heard.
const DOUBT_WITHIN: Duration = Duration::from_secs(3);

/// How often it is looked whether there is a leg, here and elsewhere.
const LOOK_EVERY: Duration = Duration::from_millis(50);
const LOOK_ELSEWHERE_EVERY: Duration = Duration::from_secs(1);

/// How long it counts who is in which conference.
const ROOMS_COUNT_FOR: Duration = Duration::from_secs(10);

/// How long another node leaves a call alone that this one is at.
const CLAIM_LIFETIME: Duration = Duration::from_secs(15);

/// Does the work; [`Worker::run`] must be called within an actix `System`.
pub struct Worker {
    settings: ReattachSettings,
    reattach: Reattach,
    losses: mpsc::Receiver<Loss>,
    elsewhere: Arc<dyn Elsewhere>,
}

impl Worker {
    pub(super) fn new(settings: ReattachSettings, reattach: Reattach, losses: mpsc::Receiver<Loss>) -> Self {
        Self { settings, reattach, losses, elsewhere: Arc::new(Alone) }
    }

    /// Asks other nodes, too.
    #[must_use]
    pub fn asking(self, elsewhere: Arc<dyn Elsewhere>) -> Self {
        Self { elsewhere, ..self }
    }

    /// Looks for calls without a stream now, and whenever a stream is said to be lost; returns with the application.
    pub async fn run(self, shared: Shared, most_calls: usize) {
        let Self { settings, reattach, mut losses, elsewhere } = self;
        let http = awc::Client::builder().timeout(REQUEST_TIMEOUT).disable_redirects().finish();
        let client = RestClient::new(http, settings.api.clone(), settings.account.clone());
        let access = TwilioAccess::new(client, settings.auth_tokens.clone(), shared.metrics.clone());
        let work = Rc::new(Work {
            shared,
            settings,
            reattach,
            access,
            elsewhere,
            at_work: RefCell::default(),
            most_calls,
            pace: RefCell::default(),
            rooms: Mutex::default(),
            began: Instant::now(),
            began_at: unix_now(),
        });
        actix::spawn(Rc::clone(&work).look_after_start());
        while let Some(loss) = losses.recv().await {
            work.take(loss);
        }
    }
}

struct Work {
    shared: Shared,
    settings: ReattachSettings,
    reattach: Reattach,
    access: TwilioAccess,
    elsewhere: Arc<dyn Elsewhere>,
    /// Calls that a task is at.
    at_work: RefCell<HashSet<CallSid>>,
    most_calls: usize,
    pace: RefCell<Pace>,
    /// Who is in which conference, and when that was asked.
    rooms: Mutex<Option<(Instant, HashMap<CallSid, Room>)>>,
    began: Instant,
    began_at: UnixMillis,
}

/// What was planned for a call.
struct Planned {
    call: Announcement,
    room: Room,
    stream: u32,
}

impl Work {
    /// Lists the calls that go on and gets those without a stream one.
    async fn look_after_start(self: Rc<Self>) {
        if self.reattach.inner.predecessor_lives {
            // Its calls have their streams. When they lose them, Twilio tells.
            return;
        }
        // What an earlier life of this node lost may have a stream on another one.
        self.elsewhere.ready().await;
        let listed = match &self.settings.number {
            Some(number) => {
                let request = RestRequest::calls_to(self.access.account(), number, IN_PROGRESS);
                self.access.list(request, Call::page, LIST_PATIENCE).await
            }
            None => Ok(Vec::new()),
        };
        let listed = match listed {
            Ok(listed) => listed,
            // There was an alarm.
            Err(RestFailure::Unauthorised { .. }) => return,
            Err(failure) => {
                let reason = format!("the calls that go on cannot be listed: {failure}");
                events::ReattachStopped { leg: None, reason: &reason }.emit();
                return;
            }
        };
        let wanted = plan::wanted(&listed, &self.reattach.book(), self.began_at);
        events::CallsLookedFor {
            leg: None,
            in_progress: listed.len() as u64,
            without_stream: wanted.len() as u64,
        }
        .emit();
        for one in wanted {
            // Of a call that nobody remembers a stream of TwiML given out just before may still be on its way. One that is known to
            // be dead leaves nothing to wait for.
            let settled = if one.is_certain { Duration::ZERO } else { self.settings.settle };
            self.begin(one, settled.saturating_sub(self.began.elapsed()));
        }
    }

    /// Takes a loss: looks at each call once it had time to settle.
    fn take(self: &Rc<Self>, loss: Loss) {
        match loss {
            Loss::Stream { call_sid, failed } => {
                let known = self.reattach.book().entry(&call_sid).cloned();
                match known.map(|entry| (entry.state, entry)) {
                    Some((State::Over(_), _)) => {}
                    // It may be another stream of the call; its leg may not know yet.
                    Some((State::Live | State::Lost(_), entry)) => {
                        let conference =
                            Conference { room: entry.room, connection_id: Some(entry.connection_id) };
                        self.begin_later(call_sid, Some(conference), Some(entry.stream), true);
                    }
                    None => self.begin_later(call_sid, None, None, failed),
                }
            }
            Loss::Node(calls) => {
                for LostCall { call_sid, room, connection_id } in calls {
                    let conference = Some(Conference { room, connection_id: Some(connection_id) });
                    let (old_stream, lost_at) = (None, unix_now());
                    let (ends, is_certain, with_node) = (None, true, true);
                    let wanted =
                        Wanted { call_sid, ends, conference, old_stream, lost_at, is_certain, with_node };
                    self.begin(wanted, Duration::ZERO);
                }
            }
        }
    }

    fn begin_later(
        self: &Rc<Self>,
        call_sid: CallSid,
        conference: Option<Conference>,
        old_stream: Option<u32>,
        is_certain: bool,
    ) {
        let lost_at = unix_now();
        let (ends, with_node) = (None, false);
        let wanted = Wanted { call_sid, ends, conference, old_stream, lost_at, is_certain, with_node };
        self.begin(wanted, self.settings.settle);
    }

    fn begin(self: &Rc<Self>, wanted: Wanted, after: Duration) {
        let mut at_work = self.at_work.borrow_mut();
        if self.access.is_unauthorised() || at_work.len() >= self.most_calls {
            return;
        }
        // Whoever is at it already may be waiting for things to settle; the claim lets one of them go on.
        if at_work.insert(wanted.call_sid.clone()) || wanted.with_node {
            let work = Rc::clone(self);
            actix::spawn(async move {
                sleep(after).await;
                work.reattach(&wanted).await;
                work.at_work.borrow_mut().remove(&wanted.call_sid);
            });
        }
    }

    async fn reattach(&self, wanted: &Wanted) {
        let call_sid = &wanted.call_sid;
        // What came of it in the meantime; most streams end because their calls do.
        let state = self.reattach.book().entry(call_sid).map(|entry| entry.state);
        if matches!(state, Some(State::Over(_) | State::Live)) {
            return;
        }
        let outcome = match wanted.with_node || self.may_begin(call_sid).await {
            true => self.attempt(wanted).await,
            false => Outcome::Failed("it has lost too many streams".to_owned()),
        };
        self.reattach.awaited().remove(call_sid);
        self.shared.metrics.reattach.results.add(outcome.as_str());
        match &outcome {
            // Whoever lists it next time need not ask again.
            Outcome::CallOver => tell(&self.shared.supervisor, CallEnded(call_sid.clone())),
            Outcome::Failed(reason) => {
                let room = wanted.conference.as_ref().map_or("", |conference| conference.room.as_str());
                let leg = tags(call_sid.as_str(), "", "", room);
                events::ReattachFailed { leg: Some(&leg), reason }.emit();
            }
            Outcome::Reattached | Outcome::NotNeeded(_) | Outcome::Unauthorised => {}
        }
    }

    /// Waits for a call's turn, the longer the more streams it has lost lately; returns whether it has one.
    async fn may_begin(&self, call_sid: &CallSid) -> bool {
        let now = millis(self.began.elapsed());
        let pause = self.pace.borrow_mut().next(call_sid, self.settings.settle, now);
        if let Some(pause) = pause {
            sleep(pause).await;
        }
        pause.is_some()
    }

    /// Goes through the steps for one call.
    async fn attempt(&self, wanted: &Wanted) -> Outcome {
        let call_sid = &wanted.call_sid;
        let mut attempt = Attempt::new(wanted.ends.is_some());
        let mut ends = wanted.ends.clone();
        let mut planned: Option<Planned> = None;
        let (mut in_doubt, mut is_claimed) = (false, false);
        loop {
            let seen = match attempt.step() {
                Step::ReadCall => match self.read_call(call_sid).await {
                    Ok(Some(read)) => {
                        ends = Some(read);
                        Seen::InProgress
                    }
                    Ok(None) => Seen::CallOver,
                    Err(failure) => Seen::Failed(failure),
                },
                Step::Plan => match self.plan(wanted, ends.as_ref(), planned.as_ref(), &mut is_claimed).await
                {
                    Ok(plan) => {
                        planned = Some(plan);
                        Seen::Planned
                    }
                    Err(seen) => seen,
                },
                Step::Start => match &planned {
                    Some(plan) => {
                        let sent = self.start(wanted, plan).await;
                        in_doubt = sent.is_err();
                        sent.map_or_else(Seen::Failed, |()| Seen::Started)
                    }
                    None => Seen::NotNeeded("nothing is planned"),
                },
                Step::StopOld => {
                    let last = planned.as_ref().filter(|_| !in_doubt).map(|plan| plan.stream);
                    let name = stream_name(call_sid, last.or(wanted.old_stream).unwrap_or(1));
                    let request = RestRequest::stop_stream(self.access.account(), call_sid, &name);
                    let sent = self.access.send(&request, CALL_PATIENCE).await;
                    sent.map_or_else(Seen::Failed, |_| Seen::Stopped)
                }
                Step::Await => {
                    let patience = if in_doubt { DOUBT_WITHIN } else { CONNECT_WITHIN };
                    if self.leg_comes(call_sid, patience).await { Seen::LegCame } else { Seen::NoLegCame }
                }
                Step::Done(outcome) => {
                    if is_claimed {
                        // It may lose this stream, too, and then another node may be the first to know.
                        self.elsewhere.release(call_sid.as_str());
                    }
                    return outcome.clone();
                }
            };
            attempt.saw(seen);
        }
    }

    /// Returns both ends of a call that goes on; none if it does not.
    async fn read_call(&self, call_sid: &CallSid) -> Result<Option<Ends>, RestFailure> {
        let request = RestRequest::call(self.access.account(), call_sid);
        let body = self.access.send(&request, CALL_PATIENCE).await?;
        let call = Call::parse(&body).map_err(|fault| RestFailure::NoAnswer(fault.to_string()))?;
        Ok((call.status == IN_PROGRESS).then_some(Ends { from: call.from, to: call.to }))
    }

    async fn plan(
        &self,
        wanted: &Wanted,
        ends: Option<&Ends>,
        before: Option<&Planned>,
        is_claimed: &mut bool,
    ) -> Result<Planned, Seen> {
        let call_sid = &wanted.call_sid;
        if !*is_claimed && !self.elsewhere.has_live_leg(call_sid).await {
            *is_claimed = self.claim(call_sid).await;
        }
        // After the claim: whoever had it before gave it up when there was a leg.
        if self.elsewhere.has_live_leg(call_sid).await {
            self.reattach.book().seen_elsewhere(call_sid);
            return Err(Seen::NotNeeded("it has a stream on another node"));
        }
        if !*is_claimed {
            return Err(Seen::NotNeeded("another node is at it"));
        }
        let room = match &wanted.conference {
            Some(conference) => Room::parse(&conference.room).ok(),
            None => self.room_of(call_sid).await.map_err(Seen::Failed)?,
        };
        let room = room.ok_or(Seen::NotNeeded("it is in no conference of ours"))?;
        let ends = ends.ok_or(Seen::NotNeeded("nobody knows who calls"))?;
        let call = Announcement {
            call_sid: call_sid.clone(),
            from: Caller::parse(&ends.from),
            to: ends.to.clone(),
            room: Some(room),
            trace: None,
        };
        // Above every number that any life of this server has given a stream of this call: they count from 1, or by the clock.
        let clock = u32::try_from(seconds_now()).unwrap_or(u32::MAX);
        let ask = PlanReattach {
            call: call.clone(),
            connection_id: wanted.conference.as_ref().and_then(|conference| conference.connection_id.clone()),
            at_least: clock.max(before.map_or(0, |before| before.stream.saturating_add(1))),
            even_if_announced: wanted.is_certain || before.is_some(),
        };
        let plan = self.shared.supervisor.send(ask).await;
        let plan = plan.map_err(|_| Seen::NotNeeded("the process ends"))?;
        let plan = plan.map_err(|reason| Seen::NotNeeded(reason.as_str()))?;
        let stream = plan.stream.map_err(|_| Seen::NotNeeded("there is no place for it here"))?;
        Ok(Planned { call, room: plan.room, stream })
    }

    /// Claims a call; while another has it, waits until that one has got it a stream, has given up, or must be dead.
    async fn claim(&self, call_sid: &CallSid) -> bool {
        let ends_at = Instant::now() + CLAIM_LIFETIME + LOOK_ELSEWHERE_EVERY;
        loop {
            if self.elsewhere.claim(call_sid.as_str(), CLAIM_LIFETIME).await {
                return true;
            }
            if self.elsewhere.has_live_leg(call_sid).await || Instant::now() >= ends_at {
                return false;
            }
            sleep(LOOK_ELSEWHERE_EVERY).await;
        }
    }

    async fn start(&self, wanted: &Wanted, plan: &Planned) -> Result<(), RestFailure> {
        let shared = &self.shared;
        let call_sid = &wanted.call_sid;
        let token = shared.stream_tokens.issue(call_sid, plan.stream, seconds_now());
        let name = stream_name(call_sid, plan.stream);
        let callbacks = Callbacks::of(shared);
        let stream = NewStream {
            name: &name,
            url: &shared.media_url,
            status_callback: &callbacks.stream,
            parameters: &stream_parameters(&plan.call, &plan.room, &token),
        };
        let leg = tags(call_sid.as_str(), "", "", plan.room.as_str());
        events::StreamRequested { leg: Some(&leg), name: &name }.emit();
        self.reattach.awaited().insert(call_sid.clone(), wanted.lost_at);
        let request = RestRequest::start_stream(self.access.account(), call_sid, &stream);
        self.access.send(&request, CALL_PATIENCE).await.map(drop)
    }

    /// Waits until a call has a leg, here or elsewhere.
    async fn leg_comes(&self, call_sid: &CallSid, patience: Duration) -> bool {
        let (ends_at, mut look_elsewhere_at) = (Instant::now() + patience, Instant::now());
        loop {
            let state = self.reattach.book().entry(call_sid).map(|entry| entry.state);
            if state == Some(State::Live) {
                return true;
            }
            if Instant::now() >= look_elsewhere_at {
                look_elsewhere_at += LOOK_ELSEWHERE_EVERY;
                if self.elsewhere.has_live_leg(call_sid).await {
                    self.reattach.book().seen_elsewhere(call_sid);
                    return true;
                }
            }
            if Instant::now() >= ends_at || matches!(state, Some(State::Over(_))) {
                return false;
            }
            sleep(LOOK_EVERY).await;
        }
    }

    /// Returns the conference that a call is in, by Twilio's word. All are asked for at once, by whoever comes first.
    async fn room_of(&self, call_sid: &CallSid) -> Result<Option<Room>, RestFailure> {
        let mut known = self.rooms.lock().await;
        let is_fresh = known.as_ref().is_some_and(|(asked_at, _)| asked_at.elapsed() < ROOMS_COUNT_FOR);
        if !is_fresh {
            let rooms = self.read_rooms().await?;
            *known = Some((Instant::now(), rooms));
        }
        Ok(known.as_ref().and_then(|(_, rooms)| rooms.get(call_sid).cloned()))
    }

    async fn read_rooms(&self) -> Result<HashMap<CallSid, Room>, RestFailure> {
        let account = self.access.account();
        let request = RestRequest::conferences(account);
        let conferences = self.access.list(request, rest::Conference::page, CALL_PATIENCE).await?;
        let asked = conferences.into_iter().filter_map(|conference| {
            // A name that none of our rooms has is somebody else's conference.
            let room = Room::parse(&conference.friendly_name).ok()?;
            let request = RestRequest::participants(account, &ConferenceSid::parse(&conference.sid).ok()?);
            Some(async move {
                let listed = self.access.list(request, Participant::page, CALL_PATIENCE).await;
                match listed {
                    // It ended meanwhile.
                    Err(RestFailure::NotFound { .. }) => Ok((room, Vec::new())),
                    listed => listed.map(|participants| (room, participants)),
                }
            })
        });
        let mut rooms = HashMap::new();
        for (room, participants) in futures_util::future::try_join_all(asked).await? {
            let calls = participants.iter().filter_map(|one| CallSid::parse(&one.call_sid).ok());
            rooms.extend(calls.map(|call_sid| (call_sid, room.clone())));
        }
        Ok(rooms)
    }
}
