// The legs of a live call: audio level, lag, connection. Polled from the bridge while somebody looks.

import { KeyedList, h, set, setText } from "./dom.js";
import { drawLevels, levelInWords } from "./levels.js";
import { requestJson } from "./requests.js";

const POLL_EVERY_MS = 500;
/** After an answer that brought nothing. */
const POLL_AGAIN_MS = 3_000;
/** Below this nobody notices. */
const NOTABLE_LAG_MS = 1_500;

const STATES = {
  connecting: "connecting to the server", waiting: "waiting for the server", starting: "starting", live: "live",
  stopping: "last results", closing: "closing", interrupted: "interrupted", failed: "server lost",
};

export class LegsView {
  #connectionId;
  #onSignedOut;
  #isOnline;
  #rows;
  #timer = null;
  #isStopped = false;
  #legs = new Map();
  #known = [];
  element;

  /** `isOnline()` tells whether the bridge is there: asking one that is away would say nothing new. */
  constructor(connectionId, { onSignedOut, isOnline }) {
    this.#connectionId = connectionId;
    this.#isOnline = isOnline;
    this.#onSignedOut = onSignedOut;
    const list = h("ul", { class: "legs" });
    this.#rows = new KeyedList(list, (leg) => legRow(leg));
    this.element = h("section", { class: "panel" }, h("h2", {}, "Callers"), list);
    this.#onVisible = () => this.#schedule(0);
    document.addEventListener("visibilitychange", this.#onVisible);
    this.#schedule(0);
  }

  #onVisible;

  /** Shows the legs that the updates name; what is polled is added to them. */
  render(legs, cast) {
    this.#known = legs;
    this.#rows.show(legs.map((leg) => ({ leg, polled: this.#legs.get(leg.callSid), cast })), ({ leg }) => leg.callSid);
    set(this.element, "hidden", legs.length === 0);
  }

  /** Returns roles that were polled, `{callSid, role}`. */
  get roles() {
    return [...this.#legs.values()];
  }

  stop() {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    document.removeEventListener("visibilitychange", this.#onVisible);
  }

  #schedule(wait) {
    clearTimeout(this.#timer);
    if (!this.#isStopped && document.visibilityState === "visible") {
      this.#timer = setTimeout(() => this.#poll(), wait);
    }
  }

  async #poll() {
    if (!this.#isOnline()) {
      this.#schedule(POLL_EVERY_MS);
      return;
    }
    let wait = POLL_EVERY_MS;
    try {
      const { legs } = await requestJson(`/symbl/legs/${encodeURIComponent(this.#connectionId)}`);
      this.#legs = new Map((legs ?? []).map((leg) => [leg.callSid, leg]));
    } catch (trouble) {
      if (trouble.status === 401) {
        this.#onSignedOut();
        return;
      }
      // What was known is old by now: a strip that stands still would look like silence.
      this.#legs.clear();
      wait = POLL_AGAIN_MS;
    }
    if (this.#isStopped) {
      return;
    }
    for (const leg of this.#known) {
      this.#rows.get(leg.callSid)?.poll(this.#legs.get(leg.callSid));
    }
    this.#schedule(wait);
  }
}

function legRow() {
  const name = h("span", { class: "leg-name" });
  const number = h("span", { class: "leg-number" });
  const connection = h("span", { class: "pill", "data-field": "connection" });
  const lag = h("span", { class: "leg-lag", "data-field": "lag" });
  const canvas = h("canvas", { class: "levels", "data-levels": true, role: "img" });
  const element = h("li", { class: "leg" },
    h("div", { class: "leg-head" }, name, connection), canvas, h("div", { class: "leg-foot" }, number, lag));
  let leg = null;
  let words = "";
  let shownName = "";

  const poll = (polled) => {
    const state = leg.state !== "live" ? leg.state : (polled?.state ?? "live");
    set(element, "data-state", state);
    setText(connection, STATES[state] ?? state);
    const lagMs = polled?.lagMs;
    setText(lag, lagMs === undefined ? "" : `${(lagMs / 1000).toFixed(1)} s behind`);
    lag.classList.toggle("notable", lagMs > NOTABLE_LAG_MS);
    set(lag, "title", "Audio that the server has not acknowledged");
    const levels = polled?.levels ?? [];
    drawLevels(canvas, levels);
    words = levels.length === 0 ? "not known" : levelInWords(levels);
    set(canvas, "aria-label", `Audio level of ${shownName}: ${words}`);
  };
  return {
    element,
    poll,
    update: ({ leg: now, polled, cast }) => {
      leg = now;
      shownName = cast.nameOf(leg.userId) === "Unknown" ? leg.name : cast.nameOf(leg.userId);
      set(element, "data-leg", leg.callSid);
      set(element, "data-tone", cast.toneOf(leg.userId));
      setText(name, shownName);
      setText(number, leg.userId);
      poll(polled);
    },
  };
}
