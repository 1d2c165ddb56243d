// Boxes that say what is the matter and what to do about it.

import { h } from "./dom.js";
import { timeOfDay } from "./format.js";

/** Returns a box for a `Trouble`, with a button that tries again. */
export function troubleBox(trouble, retry) {
  return h("div", { class: "notice bad", "data-error": true, role: "alert" },
    h("div", { class: "notice-text" },
      h("p", { class: "notice-what" }, trouble.message),
      trouble.remedy ? h("p", {}, trouble.remedy) : null),
    retry ? h("button", { type: "button", class: "button", on: { click: retry } }, "Try again") : null);
}

/** Returns a box with a heading and paragraphs for a place where nothing is. */
export function emptyBox(name, title, ...body) {
  return h("div", { class: "empty", "data-empty": name }, h("p", { class: "empty-title" }, title), ...body);
}

/** Returns placeholders for lines that are being loaded. */
export function skeleton(lines, label) {
  return h("div", { class: "skeleton", "aria-busy": "true" },
    h("span", { class: "visually-hidden" }, label),
    Array.from({ length: lines }, () => h("div", { class: "skeleton-line", "aria-hidden": "true" })));
}

/** Returns a notice that something was missed, which stays until it is dismissed. */
export function gapNotice(text, dismiss) {
  return h("div", { class: "notice warn", "data-gap": true, role: "status" },
    h("p", {}, text),
    h("button", { type: "button", class: "button small", on: { click: dismiss } }, "Dismiss"));
}

/** Returns what a gap in the updates means. */
export function updatesGapText(reason, atMs) {
  const why = reason === "restart"
    ? "The bridge was restarted."
    : "The connection to the bridge was down for so long that some updates were missed.";
  return `${why} The list was read anew at ${timeOfDay(atMs)}; calls that ended meanwhile are under “Ended”.`;
}

/** Returns what a gap in a call's results means. */
export function resultsGapText(gap) {
  const span = `from ${timeOfDay(gap.fromMs)} to ${timeOfDay(gap.toMs)}`;
  return gap.kind === "new-conversation"
    ? `The server lost the record of this call and began a new one at ${timeOfDay(gap.toMs)}. What was said before is not in it.`
    : `The connection to the results was down ${span}. What was said meanwhile has been added from the server.`;
}
