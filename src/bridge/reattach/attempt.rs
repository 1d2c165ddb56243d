//! One call on its way to a new stream: what to do next, given what was just seen. Pure.
//!
//! ```text
//!   ReadCall ─▶ Plan ─▶ Start ─▶ Await ─▶ done
//!                ▲        │ refused: StopOld, once
//!                │        │ no answer: perhaps it was heard all the same. Await, then look again
//!                └────────┴── no leg came: StopOld, look again, three times in all
//! ```

use crate::twilio::rest::RestFailure;

/// Times that a stream is asked for.
const MOST_STARTS: u32 = 3;

/// Twilio's code for a call that is not in progress any more.
const NOT_IN_PROGRESS: u32 = 21_220;

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Ask Twilio how the call stands, and who is in it.
    ReadCall,
    /// Ask the supervisor whether the call wants a stream, and which number it gets.
    Plan,
    /// Ask Twilio for the stream that was planned.
    Start,
    /// Ask Twilio to stop the stream that was there before.
    StopOld,
    /// Wait for the stream to become a leg.
    Await,
    /// It is over.
    Done(Outcome),
}

/// What was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// The call goes on.
    InProgress,
    /// It does not.
    CallOver,
    /// There is a plan.
    Planned,
    /// There is none, for this reason.
    NotNeeded(&'static str),
    /// Twilio takes the order.
    Started,
    /// The old stream is no more, or never was.
    Stopped,
    /// There is a leg.
    LegCame,
    /// There is none, after all patience.
    NoLegCame,
    /// Twilio refused, or did not answer.
    Failed(RestFailure),
}

/// What became of the call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It has a stream.
    Reattached,
    /// It is over.
    CallOver,
    /// It needs none, for this reason.
    NotNeeded(&'static str),
    /// It has none, for this reason.
    Failed(String),
    /// Nobody will get any: Twilio refuses the credentials.
    Unauthorised,
}

impl Outcome {
    /// The words for metrics, in the order of the enum.
    pub const ALL: [&'static str; 5] = ["reattached", "call_over", "not_needed", "failed", "unauthorised"];

    /// Returns the stable word for metrics.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Reattached => "reattached",
            Self::CallOver => "call_over",
            Self::NotNeeded(_) => "not_needed",
            Self::Failed(_) => "failed",
            Self::Unauthorised => "unauthorised",
        }
    }
}

/// The attempts for one call.
#[derive(Debug)]
pub struct Attempt {
    step: Step,
    starts: u32,
    /// Twilio has refused a start before.
    was_refused: bool,
    /// What has to happen after the wait for a leg that nobody is sure of.
    in_doubt: bool,
    last_fault: String,
}

impl Attempt {
    /// Returns the attempt for a call; `is_in_progress` when Twilio has just listed it.
    pub fn new(is_in_progress: bool) -> Self {
        Self {
            step: if is_in_progress { Step::Plan } else { Step::ReadCall },
            starts: 0,
            was_refused: false,
            in_doubt: false,
            last_fault: String::new(),
        }
    }

    /// Returns what to do now.
    pub fn step(&self) -> &Step {
        &self.step
    }

    /// Takes what came of the step.
    pub fn saw(&mut self, seen: Seen) {
        self.step = self.after(seen);
    }

    fn after(&mut self, seen: Seen) -> Step {
        match seen {
            Seen::CallOver => Step::Done(Outcome::CallOver),
            Seen::NotNeeded(reason) => Step::Done(Outcome::NotNeeded(reason)),
            Seen::LegCame => Step::Done(Outcome::Reattached),
            Seen::InProgress => Step::Plan,
            Seen::Planned => Step::Start,
            Seen::Started => {
                self.starts += 1;
                self.in_doubt = false;
                Step::Await
            }
            // A number and a name of its own for every start: the one before may be taken.
            Seen::Stopped => Step::ReadCall,
            Seen::NoLegCame if self.in_doubt => {
                self.in_doubt = false;
                self.again(Step::ReadCall)
            }
            Seen::NoLegCame => {
                "the stream did not come".clone_into(&mut self.last_fault);
                self.again(Step::StopOld)
            }
            Seen::Failed(failure) => self.after_failure(&failure),
        }
    }

    fn after_failure(&mut self, failure: &RestFailure) -> Step {
        match failure {
            RestFailure::Unauthorised { .. } => return Step::Done(Outcome::Unauthorised),
            // Of an old stream that nobody knows any more, too.
            RestFailure::NotFound { .. } | RestFailure::Refused { .. } if self.step == Step::StopOld => {
                return Step::ReadCall;
            }
            RestFailure::NotFound { .. } | RestFailure::Refused { code: Some(NOT_IN_PROGRESS), .. } => {
                return Step::Done(Outcome::CallOver);
            }
            _ => {}
        }
        self.last_fault = failure.to_string();
        match (&self.step, failure) {
            (Step::Start, RestFailure::Refused { .. }) if !self.was_refused => {
                // Most likely the call has as many streams as it may have.
                self.was_refused = true;
                Step::StopOld
            }
            (Step::Start, RestFailure::Server { .. } | RestFailure::NoAnswer(_)) => {
                self.starts += 1;
                self.in_doubt = true;
                Step::Await
            }
            _ => Step::Done(Outcome::Failed(self.last_fault.clone())),
        }
    }

    /// Returns `step`, or the end when a stream was asked for often enough.
    fn again(&self, step: Step) -> Step {
        if self.starts < MOST_STARTS { step } else { Step::Done(Outcome::Failed(self.last_fault.clone())) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goes through `course`: what is to be done, and what is seen when it is done.
    fn goes(is_in_progress: bool, course: &[(Step, Seen)]) -> Step {
        let mut attempt = Attempt::new(is_in_progress);
        for (index, (step, seen)) in course.iter().enumerate() {
            assert_eq!(attempt.step(), step, "step {index}");
            attempt.saw(seen.clone());
        }
        attempt.step().clone()
    }

    fn refused(status: u16, code: u32) -> Seen {
        Seen::Failed(RestFailure::Refused { status, code: Some(code), message: "no".to_owned() })
    }

    fn trouble() -> Seen {
        Seen::Failed(RestFailure::Server { status: 503, code: None })
    }

    #[test]
    fn a_listed_call_takes_one_request() {
        let course =
            [(Step::Plan, Seen::Planned), (Step::Start, Seen::Started), (Step::Await, Seen::LegCame)];
        assert_eq!(goes(true, &course), Step::Done(Outcome::Reattached));
    }

    #[test]
    fn a_call_that_is_over_or_has_a_leg_is_left_alone() {
        let not_found = Seen::Failed(RestFailure::NotFound { code: Some(20404) });
        let over = Step::Done(Outcome::CallOver);
        assert_eq!(goes(false, &[(Step::ReadCall, not_found.clone())]), over);
        assert_eq!(goes(false, &[(Step::ReadCall, Seen::CallOver)]), over);
        assert_eq!(goes(true, &[(Step::Plan, Seen::Planned), (Step::Start, not_found)]), over);
        assert_eq!(goes(true, &[(Step::Plan, Seen::Planned), (Step::Start, refused(400, 21220))]), over);
        let live = Step::Done(Outcome::NotNeeded("live"));
        assert_eq!(goes(true, &[(Step::Plan, Seen::NotNeeded("live"))]), live);
    }

    #[test]
    fn a_refused_stream_takes_the_place_of_the_old_one_once() {
        let not_found = Seen::Failed(RestFailure::NotFound { code: Some(20404) });
        let course = [
            (Step::Plan, Seen::Planned),
            (Step::Start, refused(400, 31234)),
            (Step::StopOld, not_found),
            (Step::ReadCall, Seen::InProgress),
            (Step::Plan, Seen::Planned),
            (Step::Start, refused(400, 31234)),
        ];
        let Step::Done(Outcome::Failed(reason)) = goes(true, &course) else { panic!("tried for ever") };
        assert!(reason.contains("31234"), "{reason}");
    }

    #[test]
    fn after_no_answer_it_is_looked_first_whether_it_was_heard_all_the_same() {
        let heard = [(Step::Plan, Seen::Planned), (Step::Start, trouble()), (Step::Await, Seen::LegCame)];
        assert_eq!(goes(true, &heard), Step::Done(Outcome::Reattached));
        let unheard = [
            (Step::Plan, Seen::Planned),
            (Step::Start, trouble()),
            (Step::Await, Seen::NoLegCame),
            (Step::ReadCall, Seen::InProgress),
            (Step::Plan, Seen::Planned),
            (Step::Start, Seen::Started),
            (Step::Await, Seen::LegCame),
        ];
        assert_eq!(goes(true, &unheard), Step::Done(Outcome::Reattached));
    }

    #[test]
    fn a_stream_that_never_comes_is_asked_for_three_times() {
        let once = [
            (Step::ReadCall, Seen::InProgress),
            (Step::Plan, Seen::Planned),
            (Step::Start, Seen::Started),
            (Step::Await, Seen::NoLegCame),
        ];
        let mut course = once.to_vec();
        for _ in 1..MOST_STARTS {
            course.push((Step::StopOld, Seen::Stopped));
            course.extend(once.clone());
        }
        let failed = Outcome::Failed("the stream did not come".to_owned());
        assert_eq!(goes(false, &course), Step::Done(failed));
    }

    #[test]
    fn refused_credentials_end_it_at_once() {
        let refusal = || Seen::Failed(RestFailure::Unauthorised { status: 401, code: Some(20003) });
        for step in [Step::ReadCall, Step::Plan] {
            let mut course = vec![(step.clone(), refusal())];
            if step == Step::Plan {
                course = vec![(Step::Plan, Seen::Planned), (Step::Start, refusal())];
            }
            assert_eq!(goes(step == Step::Plan, &course), Step::Done(Outcome::Unauthorised));
        }
    }
}
