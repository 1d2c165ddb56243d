// Who talked how much, and how it goes.
import assert from "node:assert/strict";
import { test } from "node:test";
import { figuresOfAnalytics, figuresOfTurns, sentimentTrend, trendInWords } from "../../src/dashboard/page/figures.js";

const turn = (speaker, from, to, text = "one two") => ({ speaker, startMs: 1000 * from, endMs: 1000 * to, text });
const speakers = [{ key: "a", name: "Agent" }, { key: "c", name: "Customer" }];

test("talk, silence and overlap add up", () => {
  const figures = figuresOfTurns([turn("a", 0, 10), turn("c", 8, 12), turn("a", 20, 24)], speakers);
  assert.equal(figures.talkS, 16);
  assert.equal(figures.silenceS, 8);
  assert.equal(figures.overlapS, 2);
  const [agent, customer] = figures.members;
  assert.deepEqual([agent.talkS, agent.overlapS, agent.wordsPerMinute], [14, 2, 17]);
  assert.deepEqual([customer.talkS, customer.overlapS], [4, 2]);
  assert.equal(agent.share + customer.share, 1);
});

test("a conversation without turns has no figures to divide", () => {
  const figures = figuresOfTurns([], speakers);
  assert.deepEqual([figures.talkS, figures.silenceS, figures.members[0].share, figures.members[0].wordsPerMinute], [0, 0, 0, 0]);
});

test("the server's analytics come in the same form", () => {
  const figures = figuresOfAnalytics({
    metrics: [{ type: "total_silence", seconds: 7 }, { type: "total_talk_time", seconds: 50 }, { type: "total_overlap", seconds: 4 }],
    members: [{ id: "m", name: "Agent", userId: "+1", pace: { wpm: 120 }, talkTime: { percentage: 25, seconds: 12 }, overlap: { overlapDuration: 4 } }],
  });
  assert.deepEqual(figures, {
    members: [{ key: "+1", name: "Agent", talkS: 12, share: 0.25, overlapS: 4, wordsPerMinute: 120 }],
    talkS: 50, silenceS: 7, overlapS: 4,
  });
  assert.deepEqual(figuresOfAnalytics({}), { members: [], talkS: 0, silenceS: 0, overlapS: 0 });
});

test("a trend is smoothed, bounded and told in words", () => {
  const scored = (...scores) => scores.map((score) => ({ sentiment: score === null ? null : { score } }));
  assert.deepEqual(sentimentTrend(scored(1, null, 0, -1)), [1, 0.5, 0]);
  assert.equal(sentimentTrend(scored(...Array(500).fill(0.5))).length, 40);
  assert.equal(trendInWords([]), "no sentiment yet");
  assert.equal(trendInWords(sentimentTrend(scored(0, 0.2, 0.9, 0.9, 0.9))), "positive, rising");
  assert.equal(trendInWords(sentimentTrend(scored(0.9, -0.9, -0.9, -0.9))), "negative, falling");
  assert.equal(trendInWords([0.1, 0.1, 0.1]), "neutral, steady");
});
