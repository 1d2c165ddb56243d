// What is highlighted in a sentence, and what was hidden in it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { spansOf } from "../../src/dashboard/page/text-spans.js";

const hit = (tracker, value, offset) => ({ tracker, value, offset });
/** `[text]` for marked, `{text}` for redacted, `~` before what is only alike. */
const drawn = (spans) => spans.map(({ text, trackers, isSimilar, isRedacted }) => {
  const marked = trackers.reduce((inner) => `[${isSimilar ? "~" : ""}${inner}]`, text);
  return isRedacted ? `{${marked}}` : marked;
}).join("");

test("spans are the text, with hits and redactions told apart", () => {
  for (const [text, hits, entities, expected] of [
    ["plain", [], [], "plain"],
    ["", [hit("T", "x", 0)], [], ""],
    ["I will send the refund form.", [hit("Refund", "refund", 16)], [], "I will send the [refund] form."],
    ["I want MY money back.", [hit("Refund", "my money", 7)], [], "I want [MY money] back."],
    ["zoë 😀 wants a refund", [hit("Refund", "refund", 14)], [], "zoë 😀 wants a [refund]"],
    ["She cancels it today.", [hit("Churn", "cancel", 4)], [], "She [cancel]s it today."],
    ["They refunded, all of it.", [hit("Refund", "get refund", 5)], [], "They [refunded, all] of it."],
    ["I am not happy.", [hit("Churn", "not pleased", -1)], [], "[~I am not happy.]"],
    ["beyond", [hit("T", "x", 99)], [], "[~beyond]"],
    ["My name is *****.", [], [], "My name is {*****}."],
    ["Card [CARD_NUMBER] it is", [], [], "Card {[CARD_NUMBER]} it is"],
    ["Call __ now", [], [{ text: "__", offset: 5 }], "Call {__} now"],
    ["Call Anna now", [], [{ text: "Anna", offset: 5 }], "Call Anna now"],
    ["give ***** refund", [hit("R", "***** refund", 5)], [], "give {[*****]}[ refund]"],
  ]) {
    const spans = spansOf(text, hits, entities);
    assert.equal(spans.map((span) => span.text).join(""), text);
    assert.equal(drawn(spans), expected);
  }
});

test("hits of two trackers overlap", () => {
  const spans = spansOf("cancel my contract", [hit("A", "cancel my", 0), hit("B", "my contract", 7)]);
  assert.deepEqual(spans.map(({ text, trackers }) => [text, trackers]), [
    ["cancel ", ["A"]], ["my", ["A", "B"]], [" contract", ["B"]],
  ]);
});

test("a literal hit in a sentence that is alike as a whole stays literal", () => {
  const spans = spansOf("I want a refund", [hit("Refund", "money back", -1), hit("Refund", "refund", 9)]);
  assert.deepEqual(spans.map(({ text, isSimilar }) => [text, isSimilar]), [["I want a ", true], ["refund", false]]);
});
