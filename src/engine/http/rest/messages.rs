//! The messages of a conversation.

use actix_web::{HttpRequest, HttpResponse, web};

use super::answer::{ReadFailures, answer, conversation, seconds};
use super::members::People;
use super::request::{Parameters, conversation_id};
use crate::engine::EngineState;
use crate::engine::iso;
use crate::engine::store::record::{EntityRecord, MessageRecord, WordRecord};
use crate::symbl::rest::Sentiment;
use crate::symbl::rest::message::{Message, MessageEntity, MessageEntityValue, Messages, Word};

/// Returns what was said, by time.
#[utoipa::path(get, path = "/v1/conversations/{conversationId}/messages", tag = "Conversations",
    operation_id = "getMessages",
    params(("conversationId" = String, Path),
        ("verbose" = Option<bool>, Query, description = "With words."),
        ("sentiment" = Option<bool>, Query, description = "With sentiment.")),
    responses((status = 200, body = Messages, description = "The messages"), ReadFailures))]
pub async fn get(request: HttpRequest, state: web::Data<EngineState>) -> HttpResponse {
    let (id, parameters) = (conversation_id(&request), Parameters::of(&request));
    let (with_words, with_sentiment) = (parameters.is_on("verbose"), parameters.is_on("sentiment"));
    answer(&state, move |store| {
        let conversation = conversation(store, &id)?;
        let people = People::of(&conversation.members);
        let began_ms = conversation.record.start_ms;
        let messages = store.messages(&id, with_words)?.into_iter().map(|message| {
            let words = with_words.then(|| words(&message, &people, began_ms));
            let sentiment = with_sentiment.then(|| Sentiment::of(message.polarity));
            Message { words, sentiment, ..body(message, &people, began_ms) }
        });
        Ok(Messages { messages: messages.collect() })
    })
    .await
}

fn body(message: MessageRecord, people: &People, began_ms: i64) -> Message {
    Message {
        from: people.person(message.member_id.as_deref()),
        start_time: iso(message.start_ms),
        end_time: iso(message.end_ms),
        time_offset: seconds(began_ms, message.start_ms),
        duration: seconds(message.start_ms, message.end_ms),
        phrases: Vec::new(),
        entities: message.entities.iter().map(entity).collect(),
        sentiment: None,
        words: None,
        id: message.id,
        text: message.text,
        conversation_id: message.conversation_id,
    }
}

fn words(message: &MessageRecord, people: &People, began_ms: i64) -> Vec<Word> {
    let speaker_tag = people.tag(message.member_id.as_deref());
    let word = |word: &WordRecord| Word {
        word: word.word.clone(),
        start_time: iso(word.start_ms),
        end_time: iso(word.end_ms),
        speaker_tag,
        time_offset: seconds(began_ms, word.start_ms),
        duration: seconds(word.start_ms, word.end_ms),
    };
    message.words.iter().map(word).collect()
}

fn entity(entity: &EntityRecord) -> MessageEntity {
    MessageEntity {
        kind: entity.sub_type.clone(),
        sub_type: entity.sub_type.clone(),
        category: "Managed".to_owned(),
        text: entity.text.clone(),
        detected_value: entity.text.clone(),
        offset: entity.offset,
        value: MessageEntityValue { value: entity.text.clone() },
    }
}
