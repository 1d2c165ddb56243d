//! Calls and streams that are over, says Twilio, here or to another node.

use actix::prelude::*;

use super::{CallEnded, Elsewhere, StreamStopped, Supervisor};
use crate::bridge::call::leg::LegExit;
use crate::twilio::{CallSid, StreamSid};

impl Handler<CallEnded> for Supervisor {
    type Result = ();

    fn handle(&mut self, CallEnded(call_sid): CallEnded, ctx: &mut Self::Context) {
        if let Some(reattach) = &self.reattach {
            reattach.call_ended(&call_sid);
        }
        self.cluster.call_ended(&call_sid);
        self.end_call(&call_sid, ctx);
    }
}

impl Handler<StreamStopped> for Supervisor {
    type Result = ();

    fn handle(&mut self, StreamStopped(stream_sid): StreamStopped, ctx: &mut Self::Context) {
        self.cluster.stream_stopped(&stream_sid);
        self.end_stream(&stream_sid, ctx);
    }
}

impl Handler<Elsewhere> for Supervisor {
    type Result = ();

    fn handle(&mut self, said: Elsewhere, ctx: &mut Self::Context) {
        match said {
            Elsewhere::CallEnded(call_sid) => self.end_call(&call_sid, ctx),
            Elsewhere::StreamStopped(stream_sid) => self.end_stream(&stream_sid, ctx),
            Elsewhere::LegBegan { call_sid, stream } => {
                for older in self.registry.legs_before(&call_sid, stream) {
                    self.stop(older, LegExit::Replaced, ctx);
                }
            }
        }
    }
}

impl Supervisor {
    fn end_call(&mut self, call_sid: &CallSid, ctx: &mut Context<Self>) {
        for leg in self.registry.call_ended(self.now(), call_sid) {
            self.stop(leg, LegExit::CallCompleted, ctx);
        }
    }

    fn end_stream(&mut self, stream_sid: &StreamSid, ctx: &mut Context<Self>) {
        if let Some(leg) = self.registry.leg_of_stream(stream_sid) {
            self.stop(leg, LegExit::StreamStopped, ctx);
        }
    }
}
