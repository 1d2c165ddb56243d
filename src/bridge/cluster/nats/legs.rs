//! How live legs on other nodes stand, asked of each of them for a page that shows a call while it lasts.

use std::time::Duration;

use actix::Addr;
use async_nats::Message;
use futures_util::StreamExt as _;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::time::Instant;

use super::{Inner, Link};
use crate::bridge::cluster::locked;
use crate::bridge::leg_on_page::on_page;
use crate::bridge::supervisor::{ReadMeters, Supervisor};

/// How long the slowest node is waited for; pages ask twice a second.
const ANSWER_WITHIN: Duration = Duration::from_millis(250);

/// A message of NATS has at most 1 MB; legs beyond that are left out.
const LARGEST_ANSWER: usize = 900_000;

/// The question; a node does not answer itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Question {
    node: String,
    connection_id: Option<String>,
}

pub(super) fn question(node: &str, connection_id: Option<&str>) -> Question {
    Question { node: node.to_owned(), connection_id: connection_id.map(str::to_owned) }
}

/// Asks all nodes; who does not answer in time is left out.
pub(super) async fn ask(inner: &Inner, link: &Link, question: Question) -> Vec<Box<RawValue>> {
    let deadline = Instant::now() + ANSWER_WITHIN;
    let mut missing = locked(&inner.shared).others;
    let mut legs = Vec::new();
    let inbox = link.client.new_inbox();
    let text = serde_json::to_vec(&question).unwrap_or_default();
    let Ok(mut answers) = link.client.subscribe(inbox.clone()).await else { return legs };
    if link.client.publish_with_reply(inner.names.legs.clone(), inbox, text.into()).await.is_err() {
        return legs;
    }
    while missing > 0
        && let Ok(Some(answer)) = tokio::time::timeout_at(deadline, answers.next()).await
    {
        missing -= 1;
        legs.extend(serde_json::from_slice::<Vec<Box<RawValue>>>(&answer.payload).unwrap_or_default());
    }
    legs
}

/// Answers another node's question.
pub(super) async fn answer(inner: &Inner, link: &Link, supervisor: &Addr<Supervisor>, message: Message) {
    let question: Option<Question> = serde_json::from_slice(&message.payload).ok();
    let Some((question, reply)) = question.zip(message.reply) else { return };
    if question.node == inner.node {
        return;
    }
    let with_levels = question.connection_id.is_some();
    let legs = supervisor.send(ReadMeters { connection_id: question.connection_id }).await;
    let (mut written, mut size) = (Vec::new(), 0);
    for leg in legs.unwrap_or_default() {
        // A leg's strings and numbers can always be written.
        let Ok(leg) = serde_json::value::to_raw_value(&on_page(leg, with_levels)) else { continue };
        size += leg.get().len() + 1;
        if size > LARGEST_ANSWER {
            break;
        }
        written.push(leg);
    }
    let text = serde_json::to_vec(&written).unwrap_or_default();
    // Whoever asked does without.
    let _ = link.client.publish(reply, text.into()).await;
}
