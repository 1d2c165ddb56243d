// The calls, from the messages of the updates socket.
import assert from "node:assert/strict";
import { test } from "node:test";
import { CallsModel } from "../../src/dashboard/page/calls-model.js";

const leg = (callSid, extra = {}) => ({
  type: "connection_started", callSid, connectionId: "c1", conversationId: "1", room: "r",
  speaker: { userId: `+1${callSid}`, name: "Customer" }, at: "2026-03-03T10:15:00.602648368Z", ...extra,
});
const head = (id, reason) => ({ type: "updates_snapshot", id, reason });
const callSids = (model) => model.calls().flatMap((call) => call.legs.map((one) => one.callSid)).sort();

function model(...updates) {
  const calls = new CallsModel();
  calls.begin();
  const results = updates.map((update) => calls.take(update));
  return { calls, results };
}

test("a snapshot forgets every leg that it does not name", () => {
  const { calls } = model(head(10, "first"), leg("A", { type: "connection_exists", id: 9 }), leg("B", { id: 11 }));
  assert.deepEqual(callSids(calls), ["A", "B"]);
  calls.begin();
  assert.deepEqual(calls.take(head(500, "restart")), { kind: "snapshot", reason: "restart" });
  calls.take(leg("C", { type: "connection_exists", id: 480 }));
  assert.deepEqual(callSids(calls), ["C"]);
  assert.equal(calls.lastId, 500);
});

test("the ids of a snapshot's messages are not counted, those after it are", () => {
  const { calls, results } = model(
    head(10, "first"),
    leg("A", { type: "connection_exists", id: 3 }),
    leg("A", { type: "connection_interrupted", id: 10 }),
    leg("B", { type: "connection_exists", id: 7 }),
    leg("C", { id: 11 }),
  );
  assert.deepEqual(results.map(({ kind }) => kind), ["snapshot", "changed", "changed", "changed", "changed"]);
  assert.equal(calls.lastId, 11);
  assert.equal(calls.call("c1").state, "interrupted");
});

test("what is resumed goes on where it broke off", () => {
  const { calls } = model(head(10, "first"), leg("A", { id: 11 }));
  calls.begin();
  assert.deepEqual(calls.take({ type: "updates_resumed", id: 13 }), { kind: "resumed" });
  assert.equal(calls.lastId, 11, "the updates after it are still to come");
  calls.take(leg("A", { type: "connection_stopped", id: 12 }));
  calls.take(leg("B", { id: 13 }));
  assert.deepEqual(callSids(calls), ["B"]);
});

test("a jump is told, changes nothing, and is asked for again", () => {
  const { calls } = model(head(10, "first"), leg("A", { id: 11 }));
  assert.deepEqual(calls.take(leg("A", { type: "connection_stopped", id: 13 })), { kind: "jump" });
  assert.deepEqual(callSids(calls), ["A"]);
  assert.equal(calls.lastId, 11);
});

test("a bridge that knows no resuming begins with its snapshot", () => {
  const { calls, results } = model(leg("A", { type: "connection_exists", id: 3 }), leg("B", { id: 9 }));
  assert.deepEqual(results.map(({ kind }) => kind), ["changed", "changed"]);
  assert.deepEqual(callSids(calls), ["A", "B"]);
  calls.begin();
  calls.take(leg("B", { type: "connection_exists", id: 9 }));
  assert.deepEqual(callSids(calls), ["B"]);
});

test("legs of one connection are one call, agents first, and it began with its first leg", () => {
  const { calls } = model(
    head(1, "first"),
    leg("A", { id: 2, at: "2026-03-03T10:15:05Z" }),
    leg("B", { id: 3, at: "2026-03-03T10:15:00Z", speaker: { userId: "+1B", name: "Agent" } }),
    leg("Z", { id: 4, connectionId: "c2", at: "2026-03-03T10:16:00Z" }),
  );
  assert.deepEqual(calls.calls().map((call) => call.connectionId), ["c2", "c1"], "newest first");
  const call = calls.call("c1");
  assert.deepEqual(call.legs.map((one) => one.name), ["Agent", "Customer"]);
  assert.equal(call.startedAt, Date.parse("2026-03-03T10:15:00Z"));
});

test("a leg is interrupted until it is resumed, and its role comes from the list of legs", () => {
  const { calls } = model(head(1, "first"), leg("A", { id: 2, speaker: { userId: "+1A", name: "Anna" } }));
  calls.take(leg("A", { id: 3, type: "connection_interrupted", speaker: { userId: "+1A", name: "Anna" } }));
  assert.equal(calls.call("c1").state, "interrupted");
  calls.take(leg("A", { id: 4, type: "connection_resumed", speaker: { userId: "+1A", name: "Anna" } }));
  assert.equal(calls.call("c1").state, "live");
  assert.equal(calls.takeRoles([{ callSid: "A", role: "agent" }, { callSid: "none", role: "agent" }]), true);
  assert.equal(calls.takeRoles([{ callSid: "A", role: "agent" }]), false);
  assert.equal(calls.call("c1").legs[0].role, "agent");
});

test("what is no update is ignored", () => {
  const { calls, results } = model(head(1, "first"), null, {}, { type: 7 }, { type: "something_new", id: 2 });
  assert.deepEqual(results.slice(1).map(({ kind }) => kind), Array(4).fill("ignored"));
  assert.deepEqual(callSids(calls), []);
});
