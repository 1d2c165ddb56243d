// Cuts a sentence into spans: plain text, what a tracker hit, what was redacted. Text in, values out; no page.

/** What stands where something was hidden: a row of asterisks or blocks, or a name in capitals between brackets. */
const MASK = /\*{3,}|█+|\[[A-Z][A-Z_ ]{2,}\]|<[A-Z][A-Z_]{2,}>/gu;
/** A masked word without a letter or a digit says nothing any more. */
const SAYS_SOMETHING = /[\p{L}\p{N}]/u;

/**
 * Returns `[{text, trackers, isSimilar, isRedacted}]`, which together are the text.
 *
 * `hits` are `{tracker, value, offset}` with offsets in characters; -1 means that the whole sentence is alike. `entities`
 * are the message's, as the Symbl protocol has them.
 */
export function spansOf(text, hits = [], entities = []) {
  const length = text.length;
  const marks = [];
  for (const hit of hits) {
    const range = rangeOf(text, hit);
    if (range) {
      marks.push({ ...range, tracker: hit.tracker });
    }
  }
  for (const match of text.matchAll(MASK)) {
    marks.push({ from: match.index, to: match.index + match[0].length, isRedacted: true });
  }
  for (const entity of entities) {
    const shown = entity?.text ?? entity?.detectedValue ?? "";
    const from = unitsBefore(text, entity?.offset ?? -1);
    if (shown !== "" && !SAYS_SOMETHING.test(shown) && from >= 0 && text.startsWith(shown, from)) {
      marks.push({ from, to: from + shown.length, isRedacted: true });
    }
  }
  const cuts = [...new Set([0, length, ...marks.flatMap(({ from, to }) => [from, to])])].sort((a, b) => a - b);
  const spans = [];
  for (let at = 0; at + 1 < cuts.length; at += 1) {
    const [from, to] = [cuts[at], cuts[at + 1]];
    const over = marks.filter((mark) => mark.from <= from && to <= mark.to);
    const named = over.filter((mark) => mark.tracker !== undefined);
    spans.push({
      text: text.slice(from, to),
      trackers: [...new Set(named.map((mark) => mark.tracker))],
      isSimilar: named.length > 0 && named.every((mark) => mark.isSimilar),
      isRedacted: over.some((mark) => mark.isRedacted),
    });
  }
  return spans;
}

function rangeOf(text, { offset, value }) {
  if (text === "") {
    return null;
  }
  const from = unitsBefore(text, offset);
  if (from < 0) {
    return { from: 0, to: text.length, isSimilar: true };
  }
  const literal = text.slice(from, from + value.length);
  if (literal.toLowerCase() === value.toLowerCase()) {
    return { from, to: from + value.length, isSimilar: false };
  }
  // The words differ in form: as many words as the phrase has, up to the end of the last one.
  const words = Math.max(1, value.trim().split(/\s+/u).length);
  const [found] = new RegExp(`^(?:\\S+\\s*){1,${words}}`, "u").exec(text.slice(from)) ?? [""];
  const trimmed = found.replace(/[\s\p{P}]+$/u, "");
  return trimmed === "" ? null : { from, to: from + trimmed.length, isSimilar: false };
}

/** Characters on the wire are Unicode's; texts of a page count in UTF-16 units. Returns -1 for what lies outside. */
function unitsBefore(text, characters) {
  if (!Number.isInteger(characters) || characters < 0) {
    return -1;
  }
  let units = 0;
  for (const character of text) {
    if (characters === 0) {
      return units;
    }
    units += character.length;
    characters -= 1;
  }
  return -1;
}
