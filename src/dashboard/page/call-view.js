// One call: live over the Subscribe API, or over and read from the store. The same page goes from the one to the other.

import { castOf, everybody, inWords } from "./cast.js";
import { analyticsFigures } from "./charts.js";
import { fill, h, oncePerFrame, set, setText } from "./dom.js";
import { download } from "./download.js";
import { FindingsView } from "./findings-view.js";
import { clock, counted, dayAndTime, duration } from "./format.js";
import { LegsView } from "./legs-view.js";
import { gapNotice, resultsGapText, skeleton, troubleBox } from "./notices.js";
import { hrefOf } from "./route.js";
import { TurnsView } from "./turns-view.js";

const DOWNLOADS = [["markdown", "Markdown"], ["srt", "Subtitles (SRT)"], ["json", "JSON"]];

export class CallView {
  #app;
  #connectionId;
  #watch = null;
  #stopListening = () => {};
  #legsView = null;
  #ticking;
  /** Legs as they were last: the roles of speakers stay known when the legs are gone. */
  #legs = [];
  #startedAt = null;
  #turns;
  #findings;
  #shownFigures = null;
  #title = h("h1", { tabindex: "-1" }, "Call");
  #facts = h("p", { class: "facts" });
  #state = h("span", { class: "pill" });
  #notices = h("div", { class: "notices" });
  #noticeKey = "";
  #placeholder = h("div", { class: "placeholder" });
  #placeholderKey = "";
  #legsPlace = h("div", {});
  #ending = h("div", { class: "ending" });
  #transcript;
  #body;
  element;

  /** Give one of the two ids: of a live call's connection, or of a conversation in the store. */
  constructor(app, { connectionId = null, conversationId = null }) {
    this.#app = app;
    this.#connectionId = connectionId;
    this.#turns = new TurnsView((text) => app.announce(text));
    this.#findings = new FindingsView((messageId) => this.#turns.jumpTo(messageId));
    this.#transcript = h("section", { class: "panel transcript", "aria-labelledby": "transcript-title" },
      h("h2", { id: "transcript-title" }, "Transcript"), this.#placeholder, this.#turns.element);
    this.#body = h("div", { class: "call-body" },
      h("div", { class: "call-main" }, this.#legsPlace, this.#transcript),
      h("div", { class: "call-side" }, ...this.#findings.elements));
    this.element = h("div", { class: "call" },
      h("nav", { class: "crumbs", "aria-label": "Back" }, h("a", { href: hrefOf("calls"), class: "back" }, "← All calls")),
      h("header", { class: "call-header" }, h("div", { class: "call-title" }, this.#title, this.#state), this.#facts),
      this.#notices, this.#ending, this.#body);
    if (connectionId !== null) {
      const call = app.calls.call(connectionId);
      this.#follow(app.watches.take(connectionId, call?.conversationId ?? app.rememberedConversation(connectionId), true));
    } else {
      this.#follow(app.watches.ofConversation(conversationId));
    }
    this.#ticking = setInterval(() => this.render(), 1_000);
    this.render();
  }

  focus() {
    this.#title.focus({ preventScroll: true });
  }

  get title() {
    return this.#title.textContent;
  }

  dispose() {
    clearInterval(this.#ticking);
    this.#stopListening();
    this.#legsView?.stop();
    if (this.#connectionId !== null) {
      this.#app.watches.release(this.#connectionId);
    } else {
      this.#watch.stop();
    }
  }

  #follow(watch) {
    this.#watch = watch;
    this.#stopListening = watch.listen(oncePerFrame(() => this.render()));
  }

  /** Shows what is known now. Called for changes of the calls and of the watch, and once a second for clocks. */
  render() {
    const watch = this.#watch;
    const { model } = watch;
    const call = this.#connectionId === null ? null : this.#app.calls.call(this.#connectionId);
    if (call) {
      this.#legs = call.legs;
      this.#startedAt = call.startedAt ?? this.#startedAt;
    } else if (this.#connectionId !== null && this.#app.updates.isKnown && this.#app.updates.connection === "live") {
      watch.finish();
    }
    if (model.conversationId && this.#connectionId !== null) {
      this.#app.rememberConversation(this.#connectionId, model.conversationId);
    }
    const cast = castOf(everybody(model.speakers, this.#legs), this.#legs);
    const startMs = model.startMs ?? this.#startedAt ?? model.turns[0]?.startMs ?? null;
    set(this.element, "data-over", watch.isOver);
    this.#showHeader(model, cast, call, startMs);
    this.#showNotices(watch);
    this.#showLegs(call, cast);
    this.#showEnding(watch, cast);
    const isEmpty = this.#showPlaceholder(watch);
    set(this.#turns.element, "hidden", isEmpty);
    if (!isEmpty) {
      this.#turns.render(model, { cast, startMs, isLive: !watch.isOver });
    }
    this.#findings.render(model, startMs);
    if (watch.isOver && watch.loading === "ready" && this.#connectionId !== null) {
      this.#app.settleAddress(hrefOf("conversation", model.conversationId));
    }
  }

  #showHeader(model, cast, call, startMs) {
    setText(this.#title, inWords(cast.keys.map(cast.nameOf)) || "Call");
    const watch = this.#watch;
    const state = watch.isOver ? "ended" : call?.state === "interrupted" ? "interrupted" : watch.connection;
    const words = { ended: "Ended", interrupted: "Interrupted", live: "Live", lost: "Results lost", connecting: "Connecting", over: "Ended" };
    setText(this.#state, words[state] ?? state);
    set(this.#state, "data-state", state);
    const endMs = watch.isOver ? model.endMs ?? model.turns.at(-1)?.endMs ?? null : this.#app.clock.now();
    setText(this.#facts, [
      startMs === null ? "" : dayAndTime(startMs),
      startMs === null || endMs === null ? "" : watch.isOver ? duration((endMs - startMs) / 1000) : clock(endMs - startMs),
      call?.room ? `room ${call.room}` : model.name,
      counted(model.turns.length + model.forgotten, "turn", "turns"),
    ].filter((fact) => fact !== "").join(" · "));
    this.#app.setTitle(this.title);
  }

  #showNotices(watch) {
    const isBroken = watch.loading === "failed" && watch.model.turns.length > 0;
    const key = JSON.stringify([watch.gap, isBroken && watch.trouble?.message, watch.connection === "lost"]);
    if (key === this.#noticeKey) {
      return;
    }
    this.#noticeKey = key;
    fill(this.#notices,
      watch.gap ? gapNotice(resultsGapText(watch.gap), () => watch.dismissGap()) : null,
      watch.connection === "lost" ? h("div", { class: "notice warn", role: "status" },
        h("p", {}, "The connection to this call's results is lost. It is being opened again; nothing that is said meanwhile gets lost."),
        h("button", { type: "button", class: "button small", on: { click: () => watch.retry() } }, "Try now")) : null,
      isBroken ? troubleBox(watch.trouble, () => watch.retry()) : null);
  }

  #showLegs(call, cast) {
    if (call && this.#legsView === null && !this.#watch.isOver) {
      this.#legsView = new LegsView(this.#connectionId, {
        onSignedOut: () => this.#app.signedOut(), isOnline: () => this.#app.updates.connection === "live",
      });
      fill(this.#legsPlace, this.#legsView.element);
    } else if (this.#legsView !== null && this.#watch.isOver) {
      this.#legsView.stop();
      this.#legsView = null;
      fill(this.#legsPlace);
    }
    if (this.#legsView !== null && call) {
      if (this.#app.calls.takeRoles(this.#legsView.roles)) {
        this.#legs = this.#app.calls.call(this.#connectionId)?.legs ?? this.#legs;
      }
      this.#legsView.render(this.#legs, cast);
    }
  }

  /** Returns whether there is nothing to read yet. */
  #showPlaceholder(watch) {
    const isEmpty = watch.model.turns.length === 0;
    const isUnknown = watch.isOver && watch.model.conversationId === null;
    const kind = !isEmpty ? "none" : isUnknown ? "unknown" : watch.loading === "failed" ? "failed"
      : watch.loading === "loading" || !this.#app.updates.isKnown && this.#connectionId !== null ? "loading" : watch.isOver ? "silent" : "waiting";
    const key = `${kind} ${watch.trouble?.message ?? ""}`;
    if (key !== this.#placeholderKey) {
      this.#placeholderKey = key;
      fill(this.#placeholder, {
        none: () => [],
        unknown: () => [h("div", { class: "empty", "data-empty": "call" },
          h("p", { class: "empty-title" }, "This call is not live."),
          h("p", {}, "It is over, or has not begun. What was said in a call that is over is in the list of ended calls."),
          h("p", {}, h("a", { class: "button", href: hrefOf("calls") }, "Show all calls")))],
        failed: () => [troubleBox(watch.trouble, () => watch.retry())],
        loading: () => [skeleton(6, "Loading what was said…")],
        silent: () => [h("div", { class: "empty", "data-empty": "turns" }, h("p", { class: "empty-title" }, "Nobody said anything."))],
        waiting: () => [h("div", { class: "empty", "data-empty": "turns" },
          h("p", { class: "empty-title" }, "Nothing has been said yet."),
          h("p", {}, "Words appear here while they are spoken."))],
      }[kind]());
    }
    return isEmpty;
  }

  #showEnding(watch, cast) {
    const figures = watch.isOver && watch.loading === "ready" && watch.model.turns.length > 0 ? watch.figures : null;
    if (figures === this.#shownFigures) {
      return;
    }
    this.#shownFigures = figures;
    const inOrder = figures && { ...figures, members: [...figures.members].sort((one, other) => cast.keys.indexOf(one.key) - cast.keys.indexOf(other.key)) };
    if (figures === null) {
      fill(this.#ending);
      return;
    }
    const status = h("span", { class: "hint", role: "status" });
    const save = async (format, label) => {
      setText(status, `Making the ${label} file…`);
      await download(format, {
        symbl: this.#app.symbl, watch, title: this.title, nameOf: (turn) => castOf(watch.model.speakers, this.#legs).nameOf(turn.speaker),
      });
      setText(status, `${label} saved.`);
    };
    fill(this.#ending,
      h("section", { class: "panel analytics", "data-analytics": true },
        h("div", { class: "panel-head" },
          h("h2", {}, "Analytics"),
          h("div", { class: "downloads", role: "group", "aria-label": "Download the transcript" },
            status, h("span", { class: "hint" }, "Download"),
            DOWNLOADS.map(([format, label]) => h("button", {
              type: "button", class: "button small", "data-download": format, on: { click: () => save(format, label) },
            }, label)))),
        h("div", { class: "charts" }, analyticsFigures(inOrder, cast.toneOf))));
  }
}
