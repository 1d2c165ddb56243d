// A conversation, from both APIs, in any order and as often as they like.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ConversationModel, conversationIdOf } from "../../src/dashboard/page/conversation-model.js";

const BEGAN = Date.parse("2026-03-04T15:20:00.000Z");
const at = (seconds) => new Date(BEGAN + 1000 * seconds).toISOString();
const agent = { userId: "+1A", name: "Agent", id: "m1" };
const customer = { userId: "+1C", name: "Customer", id: "m2" };

const words = (user, text, offsetMs, isFinal = false) => ({
  type: "message", timeOffset: offsetMs,
  message: { type: "recognition_result", isFinal, punctuated: { transcript: text }, user, timeOffset: offsetMs },
});
const said = (id, from, text, start, extra = {}) => ({
  id, from, payload: { content: text }, duration: { startTime: at(start), endTime: at(start + 1) }, entities: [], ...extra,
});
const messages = (...list) => ({ type: "message_response", messages: list });
const stored = (id, from, text, start, extra = {}) => ({
  id, from: { ...from, email: from.userId }, text, startTime: at(start), endTime: at(start + 1), entities: [], ...extra,
});
const texts = (model) => model.turns.map((turn) => turn.text);
const now = (seconds) => BEGAN + 1000 * seconds;

test("partial words firm up in one turn, which the message then names", () => {
  const model = new ConversationModel();
  model.take(words(agent, "Thank", 900), now(1.2));
  const [turn] = model.turns;
  assert.equal(turn.isPartial, true);
  model.take(words(agent, "Thank you for", 1400), now(1.7));
  model.take(words(agent, "Thank you for calling.", 2000, true), now(2.4));
  assert.equal(turn.isPartial, true, "no message has confirmed it yet");
  model.take(messages(said("1", agent, "Thank you for calling.", 0.5)), now(2.5));
  assert.deepEqual(texts(model), ["Thank you for calling."]);
  assert.equal(model.turns[0], turn, "the element of the page stays");
  assert.equal(turn.isPartial, false);
  assert.equal(model.turnOf("1"), turn);
});

test("a final result of several sentences becomes as many turns", () => {
  const model = new ConversationModel();
  model.take(words(customer, "I want it back. I am not happy.", 4000, true), now(5));
  model.take(messages(said("1", customer, "I want it back.", 1), said("2", customer, "I am not happy.", 3)), now(5));
  assert.deepEqual(texts(model), ["I want it back.", "I am not happy."]);
  assert.equal(model.turns.every((turn) => !turn.isPartial), true);
});

test("a message that both APIs bring is one turn, whichever comes first", () => {
  for (const storeFirst of [true, false]) {
    const model = new ConversationModel();
    model.take(words(agent, "Thank you for calling.", 2000, true), now(2.4));
    const steps = [
      () => model.takeMessages([stored("1", agent, "Thank you for calling.", 0.5)]),
      () => model.take(messages(said("1", agent, "Thank you for calling.", 0.5)), now(2.5)),
    ];
    for (const step of storeFirst ? steps : steps.reverse()) {
      step();
    }
    assert.deepEqual(texts(model), ["Thank you for calling."], `store first: ${storeFirst}`);
    assert.equal(model.turns[0].isPartial, false);
  }
});

test("messages from the store do not take another sentence's place", () => {
  const model = new ConversationModel();
  model.take(words(agent, "This is being said.", 9000, true), now(9));
  model.takeMessages([stored("1", agent, "Something from long before.", 1)]);
  assert.deepEqual(texts(model), ["Something from long before.", "This is being said."]);
  assert.deepEqual(model.turns.map((turn) => turn.isPartial), [false, true]);
});

test("turns stand by the time they were said, however late their results come", () => {
  const model = new ConversationModel();
  model.takeMessages([stored("1", agent, "first", 1), stored("3", agent, "third", 8)]);
  // The customer's results are ten seconds late; where they are in the audio tells when it was said.
  model.take(words(customer, "hello", 1000), now(1));
  model.take(words(customer, "hello", 1000, true), now(1));
  model.take(messages(said("0", customer, "hello", 0.2)), now(1));
  model.take(words(customer, "second", 6000), now(16));
  assert.deepEqual(texts(model), ["hello", "first", "second", "third"]);
});

test("after a gap, words that nothing confirmed are gone and later ones stay", () => {
  const model = new ConversationModel();
  model.takeMessages([stored("1", agent, "kept", 1)]);
  model.take(words(agent, "cut off in the", 5000), now(5));
  model.take(words(customer, "final but unconfirmed", 5000, true), now(5));
  const { mark } = model;
  model.take(words({ ...agent, userId: "+1B" }, "after", 7000), now(7));
  model.dropUnconfirmed(mark);
  assert.deepEqual(texts(model), ["kept", "after"]);
  model.take(words(agent, "new words", 9000), now(9));
  assert.deepEqual(texts(model), ["kept", "after", "new words"]);
});

test("a message that the server has lost is forgotten after a gap, and comes back if it does", () => {
  const model = new ConversationModel();
  model.takeMessages([stored("1", agent, "kept", 1), stored("2", agent, "lost", 2)]);
  const { mark } = model;
  model.take(messages(said("3", agent, "came meanwhile", 3)), now(3));
  const answer = [stored("1", agent, "kept", 1)];
  model.dropUnconfirmed(mark, answer);
  model.takeMessages(answer);
  assert.deepEqual(texts(model), ["kept", "came meanwhile"]);
  model.takeMessages([stored("2", agent, "lost", 2)]);
  assert.deepEqual(texts(model), ["kept", "lost", "came meanwhile"]);
});

test("an old interim result of a finished turn begins no turn of its own when it is empty", () => {
  const model = new ConversationModel();
  model.take(words(agent, "", 100), now(1));
  assert.deepEqual(texts(model), []);
});

test("insights of both APIs are one each and know their turn", () => {
  const model = new ConversationModel();
  const insight = {
    id: "q", type: "question", text: "Why?", payload: { content: "Why?" }, messageReference: { id: "1" },
    from: agent, assignee: {}, dueBy: { value: at(60) },
  };
  model.take({ type: "insight_response", insights: [insight, { ...insight, id: "t", type: "topic" }] }, now(1));
  model.takeInsights([{ id: "q", type: "question", text: "Why?", messageIds: ["1"], from: agent }]);
  assert.equal(model.insights.size, 1);
  const [one] = model.insights.values();
  assert.equal(one.messageId, "1");
  assert.equal(one.by, "Agent");
});

test("tracker hits wait for their message, and are not doubled", () => {
  const model = new ConversationModel();
  const response = {
    type: "tracker_response", isFinal: true,
    trackers: [{ name: "Refund", matches: [{ value: "refund", messageRefs: [{ id: "1", text: "", offset: 20 }] }] }],
  };
  model.take(response, now(1));
  model.take(messages(said("1", agent, "I will send you the refund form.", 1)), now(1));
  model.take(response, now(1));
  model.takeTrackers(response.trackers);
  assert.deepEqual(model.turnOf("1").hits, [{ tracker: "Refund", value: "refund", offset: 20 }]);
  assert.deepEqual([...model.trackers.get("Refund")], ["1"]);
  model.take({ ...response, isFinal: false, trackers: [{ name: "Churn", matches: [{ value: "x", messageRefs: [{ id: "1", offset: 0 }] }] }] }, now(1));
  assert.equal(model.trackers.has("Churn"), false, "words that may still change raise no alert");
});

test("sentiment of the store completes a turn of the stream", () => {
  const model = new ConversationModel();
  model.take(messages(said("1", agent, "Bad.", 1)), now(1));
  assert.equal(model.turnOf("1").sentiment, null);
  model.takeMessages([stored("1", agent, "Bad.", 1, { sentiment: { polarity: { score: -0.8 }, suggested: "negative" } })]);
  assert.deepEqual(model.turnOf("1").sentiment, { score: -0.8, label: "negative" });
});

test("the oldest turns are let go beyond ten thousand, and counted", () => {
  const model = new ConversationModel();
  const many = Array.from({ length: 10_500 }, (_, at) => stored(`m${at}`, agent, "x", at));
  model.takeMessages(many);
  assert.ok(model.turns.length <= 10_000, String(model.turns.length));
  assert.equal(model.forgotten + model.turns.length, 10_500);
  assert.equal(model.turnOf("m0"), undefined);
  assert.equal(model.turns.at(-1).id, "m10499");
});

test("the conversation's id comes from the acknowledgement, its end from its completion", () => {
  const model = new ConversationModel();
  const created = { type: "message", message: { type: "conversation_created", data: { conversationId: "77" } } };
  assert.equal(conversationIdOf(created), "77");
  assert.equal(conversationIdOf({ type: "message_response" }), null);
  model.take(created, now(0));
  assert.equal(model.conversationId, "77");
  model.take(words(agent, "cut", 10), now(1));
  model.take({ type: "message", message: { type: "conversation_completed", conversationId: "77" } }, now(2));
  assert.equal(model.isCompleted, true);
  assert.deepEqual(texts(model), []);
});

test("nothing that a server sends breaks it", () => {
  const model = new ConversationModel();
  for (const odd of [
    null, 7, {}, { type: "message" }, { type: "message_response" }, { type: "message_response", messages: [null, {}, { id: 7 }] },
    { type: "insight_response", insights: [null, {}] }, { type: "topic_response", topics: [null, { phrases: 7 }] },
    { type: "tracker_response", trackers: [null, {}, { name: "x", matches: [{}] }] }, { type: "unheard_of" },
    { type: "message", message: { type: "recognition_result" } },
  ]) {
    model.take(odd, now(0));
  }
  assert.deepEqual(texts(model), []);
});
