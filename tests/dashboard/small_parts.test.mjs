// Addresses, waits, times, windows, names, files, words for troubles.
import assert from "node:assert/strict";
import { test } from "node:test";
import { delayMs } from "../../src/dashboard/page/backoff.js";
import { castOf, everybody, inWords } from "../../src/dashboard/page/cast.js";
import { ServerClock } from "../../src/dashboard/page/clock.js";
import { clock, counted, duration, momentOf } from "../../src/dashboard/page/format.js";
import { hrefOf, parseRoute } from "../../src/dashboard/page/route.js";
import { fileName, jsonOf, markdownOf, srtOf } from "../../src/dashboard/page/transcript.js";
import { noAnswer, troubleOf } from "../../src/dashboard/page/trouble.js";
import { TurnWindow, WINDOW } from "../../src/dashboard/page/turn-window.js";
import { ConversationModel } from "../../src/dashboard/page/conversation-model.js";

test("an address names a view, and odd ones mean the list", () => {
  for (const [hash, view, id] of [
    ["", "calls", null], ["#/", "calls", null], ["#/call/abc", "call", "abc"], ["#/conversation/12", "conversation", "12"],
    ["#/call/a%2Bb%3D", "call", "a+b="], ["#/call/%", "calls", null], ["#/call/", "calls", null], ["#main", "calls", null],
    ["#/other/1", "calls", null],
  ]) {
    assert.deepEqual(parseRoute(hash), { view, id }, hash);
  }
  for (const [view, id] of [["call", "a+b=/ü"], ["conversation", "1"], ["calls", null]]) {
    assert.deepEqual(parseRoute(hrefOf(view, id)), { view, id });
  }
});

test("waits grow, are bounded and differ by chance", () => {
  assert.equal(delayMs(0, false, () => 0), 250);
  assert.equal(delayMs(1, false, () => 1), 1000);
  assert.equal(delayMs(50, false, () => 1), 15_000);
  assert.equal(delayMs(50, false, () => 0), 7_500);
  assert.equal(delayMs(0, true, () => 1), 20_000, "a place must become free first");
});

test("times are told as people read them", () => {
  assert.deepEqual([0, 999, 65_000, 3_661_000, -5].map(clock), ["0:00", "0:00", "1:05", "1:01:01", "0:00"]);
  assert.deepEqual([0, 4.25, 59.6, 65, 3_700].map(duration), ["0 s", "4.3 s", "1 min 00 s", "1 min 05 s", "1 h 01 min"]);
  assert.equal(momentOf("2026-03-03T10:15:00.602648368Z"), Date.parse("2026-03-03T10:15:00.602Z"));
  assert.equal(momentOf(undefined), null);
  assert.deepEqual([counted(1, "call", "calls"), counted(2, "call", "calls")], ["1 call", "2 calls"]);
});

test("a clock that is minutes off is put right, one that is a second off is left alone", () => {
  const server = new ServerClock(() => 1_000_000);
  server.learn(new Date(1_000_000).toUTCString());
  assert.equal(server.now(), 1_000_000);
  server.learn(new Date(1_300_000).toUTCString());
  assert.equal(server.now(), 1_300_500);
  server.learn("nonsense");
  server.learn(null);
  assert.equal(server.now(), 1_300_500);
});

test("the page holds a window of a long call", () => {
  const view = new TurnWindow();
  assert.deepEqual(view.of(10), { from: 0, to: 10 });
  assert.deepEqual(view.of(5000), { from: 5000 - WINDOW, to: 5000 }, "the newest");
  view.earlier();
  const { from } = view.of(5000);
  assert.ok(from < 5000 - WINDOW);
  assert.deepEqual(view.of(5001), { from, to: from + WINDOW }, "who reads is not moved by new turns");
  view.scrolled(true, 5001);
  assert.equal(view.isFollowing, false, "the end of the window is not the end of the call");
  view.show(17, 5001);
  assert.ok(view.of(5001).from <= 17 && view.of(5001).to > 17);
  view.later();
  view.follow();
  assert.equal(view.of(5001).to, 5001);
  view.scrolled(true, 5001);
  assert.equal(view.isFollowing, true);
});

test("agents stand on the left, and two of a name are told apart", () => {
  const speakers = [
    { key: "+13105550177", userId: "+13105550177", name: "Customer" }, { key: "+12125550123", userId: "+12125550123", name: "Anna" },
    { key: "+13105550178", userId: "+13105550178", name: "Customer" },
  ];
  const cast = castOf(speakers, [{ userId: "+12125550123", role: "agent" }]);
  assert.deepEqual(cast.keys.map(cast.nameOf), ["Anna", "Customer …0177", "Customer …0178"]);
  assert.deepEqual(cast.keys.map(cast.sideOf), ["left", "right", "right"]);
  assert.equal(new Set(cast.keys.map(cast.toneOf)).size, 3);
  const strangers = castOf([{ key: "1", name: "A" }, { key: "2", name: "B" }]);
  assert.deepEqual([strangers.sideOf("1"), strangers.sideOf("2")], ["left", "right"]);
  assert.equal(castOf([]).nameOf("nobody"), "Unknown");
  assert.equal(everybody([speakers[0]], [{ userId: "+13105550177", name: "x" }, { userId: "+9", name: "New" }]).length, 2);
  assert.deepEqual([[], ["A"], ["A", "B"], ["A", "B", "C"]].map(inWords), ["", "A", "A and B", "A, B and C"]);
});

test("a transcript is written as Markdown, SRT and JSON", () => {
  const turns = [
    { id: "1", speaker: "a", text: "Hello *you*", startMs: 1_000, endMs: 2_500, sentiment: null, hits: [] },
    { id: "2", speaker: "c", text: "line\nbreak", startMs: 3_661_007, endMs: 3_661_007, sentiment: null, hits: [] },
  ];
  const nameOf = ({ speaker }) => ({ a: "Agent", c: "Customer" })[speaker];
  assert.equal(markdownOf({ title: "A & B", turns, nameOf }), "# A & B\n\n**Agent**: Hello \\*you\\*\n\n**Customer**: line\nbreak\n");
  assert.equal(srtOf({ turns, nameOf, startMs: 0 }),
    "1\n00:00:01,000 --> 00:00:02,500\nAgent: Hello *you*\n\n2\n01:01:01,007 --> 01:01:01,008\nCustomer: line break\n");
  const model = new ConversationModel();
  model.takeMessages([{ id: "1", text: "Hi", from: { name: "Agent", email: "+1" }, startTime: "2026-03-04T15:20:05.200Z", endTime: "2026-03-04T15:20:06.900Z" }]);
  const document = JSON.parse(jsonOf({ model, title: "T", figures: null, nameOf: () => "Agent" }));
  assert.equal(document.messages[0].startTime, "2026-03-04T15:20:05.200Z");
  assert.deepEqual(document.members, [{ name: "Agent", userId: "+1" }]);
  assert.equal(fileName("Zoë / Müller & Co.", Date.parse("2026-03-04T15:20:05Z"), "md"), "zoe-muller-co-2026-03-04-15-20.md");
  assert.equal(fileName("…", null, "srt"), "call.srt");
});

test("every trouble says what happened and what to do", () => {
  for (const trouble of [noAnswer(), ...[400, 401, 403, 404, 429, 500, 501, 503].map((status) => troubleOf(status, "said so"))]) {
    assert.ok(trouble.message.endsWith(".") || trouble.message.endsWith("”"), trouble.message);
    assert.ok(trouble.remedy.endsWith("."), trouble.remedy);
  }
});
