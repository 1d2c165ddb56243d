//! A body that has to come in time: a byte a minute is no request.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::HttpMessage;
use actix_web::dev::{Payload, ServiceRequest};
use actix_web::error::PayloadError;
use actix_web::rt::time::{Sleep, sleep};
use actix_web::web::Bytes;
use futures_util::{Stream, StreamExt};

/// Whether the deadline passed before the body's end.
#[derive(Debug, Clone, Default)]
pub struct Late(Rc<Cell<bool>>);

impl Late {
    /// Returns whether it did.
    pub fn is_late(&self) -> bool {
        self.0.get()
    }
}

/// Lets the body of `request` take so long and no longer; then it ends with an error for whoever reads it.
pub fn bound(request: &mut ServiceRequest, limit: Duration) -> Late {
    let late = Late::default();
    let body = Bounded { body: request.take_payload(), timer: Box::pin(sleep(limit)), late: late.clone() };
    request.set_payload(Payload::Stream { payload: Box::pin(body) });
    late
}

struct Bounded {
    body: Payload,
    timer: Pin<Box<Sleep>>,
    late: Late,
}

impl Stream for Bounded {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.late.is_late() {
            return Poll::Ready(None);
        }
        match self.body.poll_next_unpin(cx) {
            Poll::Pending if self.timer.as_mut().poll(cx).is_ready() => {
                self.late.0.set(true);
                Poll::Ready(Some(Err(PayloadError::Incomplete(None))))
            }
            polled => polled,
        }
    }
}
