// Calls that are over, from the store: newest first, searched by the server, a page at a time.

import { castOf, inWords } from "./cast.js";
import { KeyedList, fill, h, set, setText } from "./dom.js";
import { dayAndTime, duration, momentOf } from "./format.js";
import { emptyBox, skeleton, troubleBox } from "./notices.js";
import { hrefOf } from "./route.js";

const PAGE = 20;
/** Pages on the page at most; who looks for more searches. */
const MOST = 500;
/** The search waits until somebody has finished a word. */
const TYPING_MS = 250;
/** The bridge is done with a call shortly before the store is. */
const REFRESH_AFTER_MS = 1_200;
/** Without it the server lists the last week only. */
const FROM_THE_BEGINNING = "2000-01-01T00:00:00.000Z";

export class EndedList {
  #app;
  #rows;
  #found = [];
  #hasMore = false;
  #search = "";
  #asked = 0;
  #typing = null;
  #refreshing = null;
  #state = "loading";
  #said = "";
  /** Whether calls have ended while nobody could see the page. */
  #isStale = false;
  #input = h("input", { type: "search", id: "search", "data-search": true, placeholder: "Words, names, topics", autocomplete: "off", maxlength: "200" });
  #message = h("div", {});
  #count = h("span", { class: "visually-hidden", role: "status" });
  #list = h("ul", { class: "ended" });
  #more = h("button", { type: "button", class: "button", hidden: true }, "Show more");
  element;

  constructor(app) {
    this.#app = app;
    this.#rows = new KeyedList(this.#list, () => endedRow());
    this.#input.addEventListener("input", () => {
      clearTimeout(this.#typing);
      this.#typing = setTimeout(() => this.#searchFor(this.#input.value.trim()), TYPING_MS);
    });
    this.#more.addEventListener("click", () => this.#load(true));
    this.element = h("section", { "aria-labelledby": "ended-title" },
      h("div", { class: "section-head" },
        h("h2", { id: "ended-title" }, "Ended"),
        h("form", { class: "search", role: "search", on: { submit: (event) => { event.preventDefault(); this.#searchFor(this.#input.value.trim()); } } },
          h("label", { for: "search", class: "visually-hidden" }, "Search ended calls"), this.#input)),
      this.#count, this.#message, this.#list, h("div", { class: "centered" }, this.#more));
    this.#load(false);
  }

  /** A call has ended: the list is read again soon, when the store has it. */
  refreshSoon() {
    if (this.#state === "loading") {
      return;
    }
    clearTimeout(this.#refreshing);
    this.#refreshing = setTimeout(() => {
      this.#isStale = document.visibilityState === "hidden";
      if (!this.#isStale) {
        this.#load(false);
      }
    }, REFRESH_AFTER_MS);
  }

  /** Live calls are in the store, too; they are shown above, also while it is not known yet which are live. */
  render() {
    if (this.#isStale && document.visibilityState === "visible") {
      this.#isStale = false;
      this.refreshSoon();
    }
    const live = new Set(this.#app.calls.calls().map((call) => call.conversationId));
    const shown = this.#found.filter((conversation) => conversation.endTime && !live.has(conversation.id));
    this.#rows.show(shown, ({ id }) => id);
    set(this.#list, "hidden", shown.length === 0);
    set(this.#more, "hidden", !this.#hasMore || this.#state !== "ready");
    if (this.#state === "ready") {
      this.#say(shown.length > 0 ? "" : `nothing ${this.#search}`, () => (shown.length > 0 ? null : this.#nothing()));
    }
    return shown.length;
  }

  /** A call that is neither live nor ended is about to end: nobody tells when. */
  #lookAgainForUnfinished() {
    const live = new Set(this.#app.calls.calls().map((call) => call.conversationId));
    if (this.#app.updates.isKnown && this.#found.some(({ id, endTime }) => !endTime && !live.has(id))) {
      this.refreshSoon();
    }
  }

  /** Shows a message; the same one again leaves its buttons alone. */
  #say(key, make) {
    if (key !== this.#said) {
      this.#said = key;
      fill(this.#message, make());
    }
  }

  dispose() {
    clearTimeout(this.#typing);
    clearTimeout(this.#refreshing);
    this.#asked += 1;
  }

  #nothing() {
    return this.#search === ""
      ? emptyBox("ended", "No ended calls.", h("p", {}, "A call appears here when its last caller has hung up."))
      : emptyBox("ended", `Nothing found for “${this.#search}”.`,
        h("p", {}, "All words must occur in what was said, in the names or in the topics."),
        h("p", {}, h("button", { type: "button", class: "button", on: { click: () => { this.#input.value = ""; this.#searchFor(""); this.#input.focus(); } } }, "Show all")));
  }

  #searchFor(words) {
    if (words !== this.#search) {
      this.#search = words;
      this.#load(false);
    }
  }

  async #load(isMore) {
    const ours = (this.#asked += 1);
    const offset = isMore ? this.#found.length : 0;
    // A list that was opened further stays so when it is read again.
    const limit = isMore ? PAGE : Math.max(PAGE, Math.min(MOST, this.#found.length));
    const query = new URLSearchParams({ order: "desc", limit: String(limit + 1), offset: String(offset), startTime: FROM_THE_BEGINNING });
    if (this.#search !== "") {
      query.set("search", this.#search);
    }
    if (this.#found.length === 0) {
      this.#state = "loading";
      this.#say("loading", () => skeleton(4, "Loading ended calls…"));
    }
    set(this.#list, "aria-busy", "true");
    try {
      const { conversations } = await this.#app.symbl.get(`/v1/conversations?${query}`);
      if (ours !== this.#asked) {
        return;
      }
      this.#hasMore = conversations.length > limit && offset + limit < MOST;
      const page = conversations.slice(0, limit);
      this.#found = isMore ? [...this.#found, ...page] : page;
      this.#state = "ready";
      const shown = this.render();
      this.#lookAgainForUnfinished();
      setText(this.#count, this.#search === "" ? "" : `${shown}${this.#hasMore ? " or more" : ""} found`);
    } catch (trouble) {
      if (ours !== this.#asked) {
        return;
      }
      this.#state = "failed";
      this.#say(`trouble ${trouble.message}`, () => troubleBox(trouble, () => this.#load(isMore)));
      set(this.#more, "hidden", true);
    }
    set(this.#list, "aria-busy", null);
  }
}

function endedRow() {
  const names = h("span", { class: "ended-names" });
  const title = h("span", { class: "ended-title" });
  const when = h("time", { class: "ended-when" });
  const length = h("span", { class: "ended-length" });
  const link = h("a", { class: "ended-link" }, names, title, when, length);
  const element = h("li", {}, link);
  return {
    element,
    update: (conversation) => {
      const startMs = momentOf(conversation.startTime);
      const endMs = momentOf(conversation.endTime);
      const members = conversation.members ?? [];
      set(element, "data-ended", conversation.id);
      set(link, "href", hrefOf("conversation", conversation.id));
      const people = members.map(({ id, name, email }) => ({ key: email || id, userId: email, name: name || email || "Unknown" }));
      const cast = castOf(people);
      setText(names, inWords(cast.keys.map(cast.nameOf)) || "Nobody");
      setText(title, [conversation.name, ...cast.keys.filter((key) => people.some(({ userId }) => userId === key))].filter(Boolean).join(" · "));
      set(when, "datetime", conversation.startTime);
      setText(when, startMs === null ? "" : dayAndTime(startMs));
      setText(length, startMs === null || endMs === null ? "" : duration((endMs - startMs) / 1000));
    },
  };
}
