// Small charts in SVG. Each says in words what it shows; colours come from the stylesheet by class.

import { h, s } from "./dom.js";
import { duration, percent } from "./format.js";

let chartCount = 0;

/** Returns a curve of scores from -1 to 1; `words` is what it says to those who do not see it. */
export function sparkline(scores, words) {
  const [width, height] = [120, 28];
  const x = (at) => (scores.length < 2 ? width / 2 : (at / (scores.length - 1)) * (width - 4) + 2);
  const y = (score) => height / 2 - Math.max(-1, Math.min(1, score)) * (height / 2 - 3);
  const points = scores.map((score, at) => `${x(at).toFixed(1)},${y(score).toFixed(1)}`).join(" ");
  const last = scores.at(-1) ?? 0;
  const mood = last < -0.3 ? "negative" : last > 0.3 ? "positive" : "neutral";
  return s("svg", { class: `sparkline ${mood}`, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `Sentiment trend: ${words}` },
    s("line", { class: "sparkline-zero", x1: 0, x2: width, y1: height / 2, y2: height / 2 }),
    scores.length > 1 ? s("polyline", { class: "sparkline-line", points }) : null,
    scores.length > 0 ? s("circle", { class: "sparkline-dot", cx: x(scores.length - 1), cy: y(last), r: 2.5 }) : null);
}

/** Returns a bar of shares, `parts` being `{share, tone}`. */
export function shareBar(parts, label) {
  let from = 0;
  const pieces = parts.map(({ share, tone }) => {
    const piece = s("rect", { class: `tone-${tone}`, x: (from * 100).toFixed(2), y: 0, width: (share * 100).toFixed(2), height: 8 });
    from += share;
    return piece;
  });
  return s("svg", { class: "share-bar", viewBox: "0 0 100 8", preserveAspectRatio: "none", role: "img", "aria-label": label },
    s("rect", { class: "tone-none", x: 0, y: 0, width: 100, height: 8 }), ...pieces);
}

/** Returns a figure with a stacked bar and its legend. `parts` are `{label, value, text, tone}`. */
function stackedFigure(name, title, parts) {
  const sum = parts.reduce((total, part) => total + part.value, 0);
  const words = parts.map((part) => `${part.label} ${part.text}`).join(", ");
  return figure(name, title, words,
    shareBar(parts.map(({ value, tone }) => ({ share: sum > 0 ? value / sum : 0, tone })), `${title}: ${words}`),
    legend(parts));
}

/** Brisk talk; slower talkers do not fill their bars. */
const BRISK_WORDS_PER_MINUTE = 200;

/** Returns a figure with one bar a row; a value of `full` fills it. */
function barFigure(name, title, rows, full) {
  const most = Math.max(...rows.map(({ value }) => value), full, 1e-9);
  const words = rows.map((row) => `${row.label} ${row.text}`).join(", ");
  const height = rows.length * 14;
  const bars = rows.flatMap(({ value, tone }, at) => [
    s("rect", { class: "tone-none", x: 0, y: at * 14 + 2, width: 100, height: 8 }),
    s("rect", { class: `tone-${tone}`, x: 0, y: at * 14 + 2, width: ((value / most) * 100).toFixed(2), height: 8 }),
  ]);
  const chart = s("svg", { class: "bars", viewBox: `0 0 100 ${height}`, preserveAspectRatio: "none", role: "img", "aria-label": `${title}: ${words}` }, ...bars);
  chart.style.setProperty("--rows", String(rows.length));
  return figure(name, title, words, chart, legend(rows));
}

function figure(name, title, words, ...content) {
  chartCount += 1;
  const id = `chart-${chartCount}`;
  return h("figure", { class: "chart", "data-chart": name, "aria-labelledby": id },
    h("figcaption", { id }, title), ...content);
}

function legend(rows) {
  return h("ul", { class: "legend" }, rows.map(({ label, text, tone }) =>
    h("li", {}, h("span", { class: `swatch tone-${tone}`, "aria-hidden": "true" }), h("span", { class: "legend-label" }, label), h("span", { class: "legend-value" }, text))));
}

/** Returns the four figures of a call that is over. `toneOf(key)` names a speaker's colour. */
export function analyticsFigures(figures, toneOf) {
  const members = figures.members.map((member) => ({ ...member, tone: toneOf(member.key) }));
  const total = figures.talkS + figures.silenceS;
  return [
    stackedFigure("talk", "Talk time", members.map((member) => ({
      label: member.name, value: member.talkS, text: `${duration(member.talkS)} (${percent(member.share)})`, tone: member.tone,
    }))),
    stackedFigure("silence", "Silence", [
      { label: "Talk", value: figures.talkS, text: `${duration(figures.talkS)} (${percent(total > 0 ? figures.talkS / total : 0)})`, tone: "talk" },
      { label: "Silence", value: figures.silenceS, text: `${duration(figures.silenceS)} (${percent(total > 0 ? figures.silenceS / total : 0)})`, tone: "silence" },
    ]),
    barFigure("overlap", "Talk over others", members.map((member) => ({
      label: member.name, value: member.overlapS, text: duration(member.overlapS), tone: member.tone,
    })), total),
    barFigure("pace", "Pace", members.map((member) => ({
      label: member.name, value: member.wordsPerMinute, text: `${member.wordsPerMinute} words a minute`, tone: member.tone,
    })), BRISK_WORDS_PER_MINUTE),
  ];
}
