// The turns of a call, side by side on one time axis.

import { KeyedList, h, set, setText } from "./dom.js";
import { counted } from "./format.js";
import { turnRow } from "./turn-row.js";
import { TurnWindow } from "./turn-window.js";

/** So near to the end counts as the end. */
const END_PX = 60;
/** New turns are read out at most this often: a screen reader must get a word in. */
const ANNOUNCE_EVERY_MS = 5_000;
const HIGHLIGHT_MS = 2_600;
/** Turns that overlap by less follow each other. */
const OVERLAP_MS = 300;

export class TurnsView {
  #window = new TurnWindow();
  #announce;
  #rows;
  #list = h("ol", { class: "turns" });
  #earlier = h("button", { type: "button", class: "button small more", on: { click: () => this.#goEarlier() } });
  #later = h("button", { type: "button", class: "button small more", on: { click: () => this.#goLater() } });
  #latest = h("button", { type: "button", class: "button primary small latest", hidden: true, on: { click: () => this.#goLatest() } }, "Latest ↓");
  #forgotten = h("p", { class: "hint centered", hidden: true });
  #scroller;
  #model = null;
  #context = null;
  #announcedUpTo = null;
  #announcedAt = 0;
  #ignoresScroll = false;

  constructor(announce) {
    this.#announce = announce;
    this.#rows = new KeyedList(this.#list, () => turnRow());
    this.#scroller = h("div", {
      class: "scroller", tabindex: "0", role: "region", "aria-label": "Turns, by time", on: { scroll: () => this.#scrolled() },
    }, this.#forgotten, this.#earlier, this.#list, this.#later);
    this.element = h("div", { class: "transcript-body" }, this.#scroller, this.#latest);
  }

  /** Shows a model's turns; `context` is `{cast, startMs, isLive}`. */
  render(model, context) {
    if (model !== this.#model) {
      this.#rows.clear();
      this.#window = new TurnWindow();
      this.#announcedUpTo = null;
      // What is over is read from its beginning.
      this.#window.isFollowing = context.isLive;
    }
    this.#model = model;
    this.#context = context;
    const wasFollowing = this.#window.isFollowing;
    this.#draw();
    if (wasFollowing) {
      this.#toEnd();
    }
    this.#announceNew();
  }

  /** Scrolls to a message's turn and puts the focus on it. Returns false when there is no such turn. */
  jumpTo(messageId) {
    const turns = this.#model?.turns ?? [];
    const index = turns.findIndex((turn) => turn.id === messageId);
    if (index < 0) {
      this.#announce("This turn is not on the page any more.");
      return false;
    }
    this.#window.show(index, turns.length);
    this.#window.isFollowing = false;
    this.#draw();
    const { element } = this.#rows.get(turns[index].key);
    const isCalm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    element.scrollIntoView({ block: "center", behavior: isCalm ? "auto" : "smooth" });
    element.focus({ preventScroll: true });
    element.classList.add("highlight");
    setTimeout(() => element.classList.remove("highlight"), HIGHLIGHT_MS);
    this.#drawButtons();
    return true;
  }

  #draw() {
    const { turns, forgotten } = this.#model;
    const { cast, startMs } = this.#context;
    const { from, to } = this.#window.of(turns.length);
    const shown = turns.slice(from, to);
    const around = new Map();
    let until = from > 0 ? turns[from - 1].endMs : null;
    let before = null;
    for (const turn of shown) {
      // Two who speak at once stand beside each other.
      const isBeside = before !== null && cast.sideOf(before.speaker) !== cast.sideOf(turn.speaker);
      around.set(turn, { gapMs: until === null ? 0 : turn.startMs - until, overlaps: isBeside && turn.startMs < before.endMs - OVERLAP_MS });
      until = Math.max(until ?? 0, turn.endMs);
      before = turn;
    }
    const shared = { nameOf: (turn) => cast.nameOf(turn.speaker), toneOf: cast.toneOf, sideOf: cast.sideOf, startMs };
    this.#rows.show(
      shown.map((turn) => ({ turn, context: { ...shared, ...around.get(turn) } })),
      ({ turn }) => turn.key,
    );
    const left = from;
    set(this.#earlier, "hidden", left === 0);
    setText(this.#earlier, `Show earlier (${counted(left, "turn", "turns")})`);
    const right = turns.length - to;
    set(this.#later, "hidden", right === 0);
    setText(this.#later, `Show later (${counted(right, "turn", "turns")})`);
    set(this.#forgotten, "hidden", forgotten === 0);
    setText(this.#forgotten, `The first ${counted(forgotten, "turn", "turns")} of this call were left out to keep the page light; downloads from the server have them.`);
    this.#drawButtons();
  }

  #drawButtons() {
    set(this.#latest, "hidden", this.#window.isFollowing || !this.#context.isLive);
  }

  #goEarlier() {
    this.#keepingPlace(() => this.#window.earlier());
  }

  #goLater() {
    this.#keepingPlace(() => this.#window.later());
  }

  #goLatest() {
    this.#window.follow();
    this.#draw();
    this.#toEnd();
    this.#scroller.focus({ preventScroll: true });
  }

  /** Changes the window without moving what is being read. */
  #keepingPlace(change) {
    const top = this.#scroller.getBoundingClientRect().top;
    const anchor = [...this.#list.children].find((row) => row.getBoundingClientRect().bottom > top);
    const before = anchor?.getBoundingClientRect().top;
    change();
    this.#draw();
    if (anchor?.isConnected) {
      this.#scroller.scrollTop += anchor.getBoundingClientRect().top - before;
    }
  }

  #toEnd() {
    this.#ignoresScroll = true;
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
    requestAnimationFrame(() => {
      this.#ignoresScroll = false;
    });
  }

  #scrolled() {
    if (this.#ignoresScroll || this.#model === null) {
      return;
    }
    const { scrollTop, clientHeight, scrollHeight } = this.#scroller;
    this.#window.scrolled(scrollTop + clientHeight >= scrollHeight - END_PX, this.#model.turns.length);
    this.#drawButtons();
  }

  #announceNew() {
    const said = this.#model.turns.filter((turn) => turn.id !== null);
    const newest = said.at(-1)?.order ?? 0;
    if (this.#announcedUpTo === null || !this.#context.isLive) {
      // What was there when the page came is not news.
      this.#announcedUpTo = Math.max(...said.map((turn) => turn.order), 0);
      return;
    }
    const news = said.filter((turn) => turn.order > this.#announcedUpTo);
    if (news.length === 0 || performance.now() - this.#announcedAt < ANNOUNCE_EVERY_MS) {
      return;
    }
    this.#announcedAt = performance.now();
    this.#announcedUpTo = Math.max(newest, ...news.map((turn) => turn.order));
    const last = news.at(-1);
    const more = news.length > 1 ? `${counted(news.length, "new turn", "new turns")}. ` : "";
    this.#announce(`${more}${this.#context.cast.nameOf(last.speaker)}: ${last.text}`);
  }
}
