// One turn of a call on the page. The element stays the same while its words firm up.

import { h, set, setText, fill } from "./dom.js";
import { clock, timeOfDay } from "./format.js";
import { spansOf } from "./text-spans.js";

const GLYPHS = { positive: "+", neutral: "·", negative: "−" };

/** Returns `{element, update({turn, context})}`; `context` is `{nameOf, toneOf, sideOf, startMs, gapMs, overlaps}`. */
export function turnRow() {
  const name = h("span", { class: "turn-name" });
  const mood = h("span", { class: "turn-mood" });
  const time = h("time", { class: "turn-time" });
  const text = h("p", { class: "turn-text" });
  const bubble = h("div", { class: "turn-bubble" }, h("div", { class: "turn-head" }, name, mood), text);
  const element = h("li", { class: "turn", tabindex: "-1" }, time, bubble);
  let shown = -1;

  const update = ({ turn, context }) => {
    const gap = Math.min(40, Math.max(0, Math.round(context.gapMs / 250)));
    element.style.setProperty("--gap", `${gap}px`);
    element.classList.toggle("overlaps", context.overlaps);
    const side = context.sideOf(turn.speaker);
    set(element, "data-side", side);
    set(element, "data-tone", context.toneOf(turn.speaker));
    setText(name, context.nameOf(turn));
    const at = turn.startMs - (context.startMs ?? turn.startMs);
    setText(time, clock(at));
    if (shown === turn.revision) {
      return;
    }
    shown = turn.revision;
    set(element, "data-turn", turn.id ?? turn.key);
    set(element, "data-speaker", turn.speaker);
    set(element, "data-partial", turn.isPartial ? "true" : null);
    set(element, "data-sentiment", turn.sentiment?.label ?? null);
    set(time, "datetime", new Date(turn.startMs).toISOString());
    set(time, "title", timeOfDay(turn.startMs));
    showMood(mood, turn);
    showWords(text, turn);
  };
  return { element, update };
}

function showMood(mood, { sentiment, isPartial }) {
  if (isPartial) {
    set(mood, "title", null);
    fill(mood, h("span", { class: "turn-hearing" }, "hearing…"));
  } else if (sentiment === null) {
    fill(mood);
  } else {
    set(mood, "title", `${sentiment.label}, ${sentiment.score.toFixed(2)}`);
    fill(mood,
      h("span", { class: "mood-glyph", "aria-hidden": "true" }, GLYPHS[sentiment.label]),
      h("span", { class: sentiment.label === "neutral" ? "visually-hidden" : "mood-word" }, sentiment.label));
  }
}

/** Words that may still change are one text node, so that only what is new is drawn. */
function showWords(element, turn) {
  const spans = spansOf(turn.text, turn.hits, turn.entities);
  if (spans.length <= 1 && !spans[0]?.isRedacted && !spans[0]?.trackers.length) {
    setText(element, turn.text);
    return;
  }
  fill(element, spans.map((span) => {
    let node = document.createTextNode(span.text);
    if (span.isRedacted) {
      node = h("span", { class: "redacted", "data-redacted": true, title: "hidden by redaction" }, node);
    }
    for (const tracker of span.trackers) {
      node = h("mark", { "data-tracker": tracker, class: span.isSimilar ? "similar" : null, title: span.isSimilar ? `${tracker}: alike in meaning` : tracker }, node);
    }
    return node;
  }));
}
