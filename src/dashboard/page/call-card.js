// A live call in the list: who, for how long, who talks, how it goes.

import { castOf, everybody, inWords } from "./cast.js";
import { shareBar, sparkline } from "./charts.js";
import { fill, h, set, setText } from "./dom.js";
import { figuresOfTurns, sentimentTrend, trendInWords } from "./figures.js";
import { clock, percent } from "./format.js";
import { hrefOf } from "./route.js";

/** A card sums up a whole call; a few times a second is enough, however many words come. */
const DRAW_EVERY_MS = 400;

const ROLES = { agent: "agent", customer: "customer", unknown: "" };

/** Returns `{element, update(call), tick(now), watchIt(isInSight), dispose()}`. */
export function callCard(app) {
  const link = h("a", { class: "card-link" });
  const running = h("span", { class: "running", "data-field": "running" });
  const state = h("span", { class: "pill" });
  const parties = h("ul", { class: "parties" });
  const room = h("span", { class: "room" });
  const ratio = h("div", { class: "metric-value", "data-field": "talk-ratio" });
  const mood = h("div", { class: "metric-value", "data-field": "sentiment" });
  const alerts = h("div", { class: "metric-value alerts", "data-field": "alerts" });
  const metric = (label, value) => h("div", { class: "metric" }, h("span", { class: "metric-label" }, label), value);
  const element = h("article", { class: "card" },
    h("div", { class: "card-head" }, h("h3", {}, link), state, running),
    parties,
    h("div", { class: "metrics" }, metric("Talk", ratio), metric("Sentiment", mood), metric("Tracker alerts", alerts)),
    room);
  let call = null;
  let watch = null;
  let wanted = false;
  let stopListening = () => {};
  let drawn = "";
  let drawing = null;
  let hasFigures = false;

  const draw = () => {
    const model = watch?.model ?? null;
    const key = `${model?.revision ?? "none"} ${call.legs.map((leg) => leg.userId + leg.role + leg.name).join()}`;
    if (key === drawn) {
      return;
    }
    drawn = key;
    const cast = castOf(everybody(model?.speakers ?? [], call.legs), call.legs);
    setText(link, inWords(call.legs.map((leg) => cast.nameOf(leg.userId))));
    fill(parties, call.legs.map((leg) => h("li", {
      class: "party", "data-party": leg.userId, "data-role": leg.role ?? "unknown", "data-tone": cast.toneOf(leg.userId),
    },
    h("span", { class: "party-dot", "aria-hidden": "true" }),
    h("span", { class: "party-name" }, cast.nameOf(leg.userId)),
    ROLES[leg.role] && ROLES[leg.role] !== leg.name.toLowerCase() ? h("span", { class: "party-role" }, ROLES[leg.role]) : null,
    h("span", { class: "party-number" }, leg.userId))));
    drawMetrics(model, cast);
  };

  const drawSoon = () => {
    drawing ??= setTimeout(() => {
      drawing = null;
      if (wanted) {
        draw();
      }
    }, DRAW_EVERY_MS);
  };

  const drawMetrics = (model, cast) => {
    if (model === null || model.turns.length === 0) {
      if (hasFigures) {
        // Out of sight, or being read again: what was there is better than nothing.
        return;
      }
      fill(ratio, h("span", { class: "hint" }, model === null && wanted ? "open the call to see" : "nothing said yet"));
      fill(mood, h("span", { class: "hint" }, "–"));
      fill(alerts, h("span", { class: "hint" }, "none"));
      return;
    }
    hasFigures = true;
    const { members } = figuresOfTurns(model.turns, model.speakers);
    const talking = cast.keys.map((key) => members.find((member) => member.key === key)).filter((member) => member?.talkS > 0);
    const words = talking.map(({ key, share }) => `${cast.nameOf(key)} ${percent(share)}`).join(", ");
    fill(ratio,
      shareBar(talking.map(({ key, share }) => ({ share, tone: cast.toneOf(key) })), `Talk ratio: ${words}`),
      h("span", { class: "metric-words shares" }, talking.map(({ key, share }) => h("span", {}, `${cast.nameOf(key)} ${percent(share)}`))));
    const trend = sentimentTrend(model.turns);
    fill(mood, sparkline(trend, trendInWords(trend)), h("span", { class: "metric-words" }, trendInWords(trend)));
    const hit = [...model.trackers].filter(([, ids]) => ids.size > 0);
    fill(alerts, hit.length === 0 ? h("span", { class: "hint" }, "none")
      : hit.map(([name, ids]) => h("span", { class: "alert" }, name, h("span", { class: "alert-count" }, String(ids.size)))));
  };

  const watchIt = (isInSight) => {
    wanted = isInSight;
    if (isInSight && watch === null) {
      watch = app.watches.take(call.connectionId, call.conversationId);
      stopListening = watch?.listen(drawSoon) ?? (() => {});
    } else if (!isInSight && watch !== null) {
      stopListening();
      app.watches.release(call.connectionId);
      watch = null;
    }
    draw();
  };

  return {
    element,
    watchIt,
    tick: (now) => {
      if (wanted && watch === null) {
        // All places were taken; one may be free by now.
        watchIt(true);
      }
      setText(running, call.startedAt === null ? "" : clock(now - call.startedAt));
    },
    update: (now) => {
      call = now;
      element.dataset.call = call.connectionId;
      element.dataset.room = call.room;
      element.dataset.state = call.state;
      set(link, "href", hrefOf("call", call.connectionId));
      setText(state, call.state === "live" ? "Live" : "Interrupted");
      set(state, "data-state", call.state);
      setText(room, `room ${call.room}`);
      setText(running, call.startedAt === null ? "" : clock(app.clock.now() - call.startedAt));
      draw();
    },
    dispose: () => {
      clearTimeout(drawing);
      watchIt(false);
    },
  };
}
