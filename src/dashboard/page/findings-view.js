// What was found in a call: questions, action items, follow-ups, trackers, topics; each leads to its turn.

import { KeyedList, h, set, setText } from "./dom.js";
import { clock, counted, dayAndTime } from "./format.js";

const KINDS = [
  { type: "question", title: "Questions", empty: "No questions yet." },
  { type: "action_item", title: "Action items", empty: "No action items yet." },
  { type: "follow_up", title: "Follow-ups", empty: "No follow-ups yet." },
];
/** Topics beyond these are faint ones. */
const MOST_TOPICS = 24;

export class FindingsView {
  #jump;
  #lists;
  #trackers;
  #topics;

  constructor(jump) {
    this.#jump = jump;
    this.#lists = KINDS.map((kind) => this.#section(kind.title, kind.empty, "findings", () => this.#insight(kind.type)));
    this.#trackers = this.#section("Trackers", "No tracker has been hit.", "findings", () => this.#tracker());
    this.#topics = this.#section("Topics", "No topics yet.", "topics", () => this.#topic());
    this.elements = [...this.#lists, this.#trackers, this.#topics].map((section) => section.element);
  }

  /** Shows a model's findings; `startMs` is when the call began. */
  render(model, startMs) {
    const timeOf = (messageId) => {
      const turn = model.turnOf(messageId);
      return turn ? clock(turn.startMs - (startMs ?? turn.startMs)) : null;
    };
    const insights = [...model.insights.values()];
    KINDS.forEach(({ type }, at) => {
      const own = insights.filter((insight) => insight.type === type)
        .sort((one, other) => (model.turnOf(one.messageId)?.startMs ?? 0) - (model.turnOf(other.messageId)?.startMs ?? 0));
      this.#lists[at].show(own.map((insight) => ({ ...insight, time: timeOf(insight.messageId) })), ({ id }) => id);
    });
    const trackers = [...model.trackers].map(([name, ids]) => ({ name, ids: [...ids] }))
      .sort((one, other) => other.ids.length - one.ids.length || one.name.localeCompare(other.name));
    this.#trackers.show(trackers, ({ name }) => name);
    const topics = [...model.topics.values()].sort((one, other) => other.score - one.score).slice(0, MOST_TOPICS);
    this.#topics.show(topics, ({ text }) => text);
  }

  #section(title, empty, name, make) {
    const count = h("span", { class: "count" });
    const list = h("ul", { class: name });
    const nothing = h("p", { class: "hint" }, empty);
    const rows = new KeyedList(list, make);
    return {
      element: h("section", { class: "panel" }, h("h2", {}, title, " ", count), nothing, list),
      show(items, keyOf) {
        rows.show(items, keyOf);
        set(nothing, "hidden", items.length > 0);
        set(list, "hidden", items.length === 0);
        setText(count, items.length > 0 ? String(items.length) : "");
      },
    };
  }

  #insight(type) {
    const text = h("p", { class: "finding-text" });
    const facts = h("span", { class: "finding-facts" });
    const button = h("button", { type: "button", class: "jump", on: { click: () => this.#jump(button.dataset.jump) } });
    const element = h("li", { class: "finding", "data-insight": type }, text, h("div", { class: "finding-foot" }, facts, button));
    return {
      element,
      update: (insight) => {
        setText(text, insight.text);
        const who = insight.assignee ? `for ${insight.assignee}` : insight.by;
        const due = insight.dueMs ? `due ${dayAndTime(insight.dueMs)}` : "";
        setText(facts, [who, due].filter((fact) => fact !== "").join(" · "));
        set(button, "data-jump", insight.messageId);
        set(button, "hidden", insight.messageId === null);
        setText(button, insight.time === null ? "Go to turn" : `at ${insight.time}`);
        set(button, "aria-label", `${button.textContent}, go to the turn: ${insight.text}`);
      },
    };
  }

  #tracker() {
    let hits = [];
    let next = 0;
    const name = h("span", { class: "tracker-name" });
    const count = h("span", { class: "finding-facts" });
    // Each press goes one hit further.
    const button = h("button", {
      type: "button", class: "tracker",
      on: { click: () => { this.#jump(hits[next % hits.length]); next += 1; } },
    }, name, " ", count, h("span", { class: "visually-hidden" }, ", go to the next"));
    return {
      element: h("li", { class: "finding" }, button),
      update: (tracker) => {
        hits = tracker.ids;
        setText(name, tracker.name);
        setText(count, counted(hits.length, "hit", "hits"));
      },
    };
  }

  #topic() {
    const element = h("li", { class: "topic" });
    return {
      element,
      update: (topic) => {
        set(element, "data-topic", topic.text);
        setText(element, topic.text);
      },
    };
  }
}
