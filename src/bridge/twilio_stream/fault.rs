//! Actors made to die, for the test of who tidies up then.

use actix::prelude::*;

use super::{Phase, TwilioStream};
use crate::bridge::symbl_connection::SymblConnection;

/// The actor that is to panic.
#[derive(Message, Debug, Clone, Copy, PartialEq, Eq)]
#[rtype(result = "()")]
pub(crate) enum Fault {
    /// The media socket's.
    Stream,
    /// The connection's.
    Connection,
    /// The owner of all legs.
    Supervisor,
}

impl Handler<Fault> for TwilioStream {
    type Result = ();

    fn handle(&mut self, fault: Fault, _: &mut Context<Self>) {
        match (&self.phase, fault) {
            (_, Fault::Stream) => panic!("a fault that a test asked for"),
            (Phase::Streaming(stream), Fault::Connection) => {
                stream.connection.connection.try_send(fault).unwrap();
            }
            (_, Fault::Connection | Fault::Supervisor) => unreachable!("it is not here"),
        }
    }
}

impl Handler<Fault> for SymblConnection {
    type Result = ();

    fn handle(&mut self, _: Fault, _: &mut Context<Self>) {
        panic!("a fault that a test asked for");
    }
}
