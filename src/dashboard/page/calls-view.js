// The list: live calls as cards, and below them the ended ones.

import { callCard } from "./call-card.js";
import { KeyedList, fill, h, set, setText } from "./dom.js";
import { EndedList } from "./ended-list.js";
import { counted } from "./format.js";
import { emptyBox, skeleton } from "./notices.js";

/** Cards on the page; a thousand would help nobody. */
const STEP = 60;

export class CallsView {
  #app;
  #ended;
  #cards;
  #grid = h("div", { class: "cards" });
  #count = h("span", { class: "count" });
  #message = h("div", {});
  #more = h("button", { type: "button", class: "button", hidden: true });
  #shown = STEP;
  #title = h("h1", { tabindex: "-1" }, "Calls");
  #ticking;
  #sight;
  #messageKey = "";
  element;

  constructor(app) {
    this.#app = app;
    this.#ended = new EndedList(app);
    // Only calls in sight are subscribed to.
    const cardOf = new WeakMap();
    this.#sight = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) {
        cardOf.get(target)?.watchIt(isIntersecting);
      }
    }, { rootMargin: "120px" });
    this.#cards = new KeyedList(this.#grid, () => {
      const card = callCard(app);
      cardOf.set(card.element, card);
      this.#sight.observe(card.element);
      return { ...card, dispose: () => { this.#sight.unobserve(card.element); card.dispose(); } };
    });
    this.#more.addEventListener("click", () => { this.#shown += STEP; this.render(); });
    this.element = h("div", { class: "calls" },
      this.#title,
      h("section", { "aria-labelledby": "live-title" },
        h("div", { class: "section-head" }, h("h2", { id: "live-title" }, "Live now ", this.#count)),
        this.#message, this.#grid, h("div", { class: "centered" }, this.#more)),
      this.#ended.element);
    this.#ticking = setInterval(() => this.#tick(), 1_000);
    this.render();
  }

  focus() {
    this.#title.focus({ preventScroll: true });
  }

  get title() {
    return "Calls";
  }

  /** Shows what is known now. `update` is the message that changed it; null when all calls were told anew. */
  render(update) {
    const calls = this.#app.calls.calls();
    this.#cards.show(calls.slice(0, this.#shown), ({ connectionId }) => connectionId);
    setText(this.#count, calls.length > 0 ? String(calls.length) : "");
    set(this.#more, "hidden", calls.length <= this.#shown);
    setText(this.#more, `Show more (${counted(Math.max(0, calls.length - this.#shown), "call", "calls")})`);
    set(this.#grid, "hidden", calls.length === 0);
    const isKnown = this.#app.updates.isKnown;
    const key = calls.length > 0 ? "some" : isKnown ? "none" : "loading";
    if (key !== this.#messageKey) {
      this.#messageKey = key;
      fill(this.#message, { some: () => null, none: () => this.#nothing(), loading: () => skeleton(3, "Loading live calls…") }[key]());
    }
    this.#ended.render();
    if (update === null || update?.type === "connection_stopped") {
      this.#ended.refreshSoon();
    }
    this.#app.setTitle(calls.length > 0 ? `(${calls.length}) Calls` : "Calls");
  }

  dispose() {
    clearInterval(this.#ticking);
    this.#sight.disconnect();
    this.#cards.clear();
    this.#ended.dispose();
  }

  #tick() {
    const now = this.#app.clock.now();
    for (const card of this.#cards.entries()) {
      card.tick(now);
    }
  }

  #nothing() {
    const { number, isPublic, webhooks } = this.#app.session.state ?? {};
    const command = h("code", {}, `symbl-bridge call --url ${location.origin}`);
    const steps = isPublic && number
      ? [h("p", {}, "Dial ", h("strong", {}, number), ", or place a simulated call on the server's machine: ", command)]
      : [h("p", {}, "Place a simulated call: ", command)];
    if (isPublic && !number) {
      steps.push(h("p", {}, "To be dialled, the bridge needs a Twilio number: set ", h("code", {}, "twilio.number"), "."));
    }
    if (webhooks?.call) {
      steps.push(h("details", {}, h("summary", {}, "What the number's webhooks must be"),
        h("dl", { class: "webhooks" },
          h("dt", {}, "A call comes in"), h("dd", {}, h("code", {}, webhooks.call)),
          h("dt", {}, "Call status changes"), h("dd", {}, h("code", {}, webhooks.status ?? "")))));
    }
    return emptyBox("calls", "No calls yet.", ...steps);
  }
}
