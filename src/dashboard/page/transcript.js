// A conversation as a file: Markdown, SRT, JSON. Used where the server does not write the format itself.

/** Returns Markdown with one paragraph a turn. */
export function markdownOf({ title, turns, nameOf }) {
  const lines = turns.map((turn) => `**${escaped(nameOf(turn))}**: ${escaped(turn.text)}`);
  return `# ${escaped(title)}\n\n${lines.join("\n\n")}\n`;
}

/** Returns subtitles whose times count from the conversation's start. */
export function srtOf({ turns, nameOf, startMs }) {
  const from = startMs ?? turns[0]?.startMs ?? 0;
  const cues = turns.map((turn, index) => {
    const start = Math.max(0, turn.startMs - from);
    const end = Math.max(start + 1, turn.endMs - from);
    return `${index + 1}\n${srtTime(start)} --> ${srtTime(end)}\n${nameOf(turn)}: ${turn.text.replace(/\s+/gu, " ")}\n`;
  });
  return cues.join("\n");
}

/** Returns everything that is known of a conversation. */
export function jsonOf({ model, title, figures, nameOf }) {
  const turns = model.turns.filter((turn) => turn.id !== null);
  const document = {
    conversationId: model.conversationId,
    name: title,
    startTime: isoOf(model.startMs),
    endTime: isoOf(model.endMs),
    members: model.speakers.map(({ name, userId }) => ({ name, userId })),
    messages: turns.map((turn) => ({
      id: turn.id,
      from: { name: nameOf(turn), userId: turn.speaker },
      text: turn.text,
      startTime: isoOf(turn.startMs),
      endTime: isoOf(turn.endMs),
      sentiment: turn.sentiment,
      trackers: [...new Set(turn.hits.map((hit) => hit.tracker))],
    })),
    insights: [...model.insights.values()].map(({ id, type, text, messageId, by, assignee, dueMs }) =>
      ({ id, type, text, messageId, from: by, assignee, dueBy: isoOf(dueMs) })),
    topics: [...model.topics.values()],
    trackers: [...model.trackers].map(([name, messageIds]) => ({ name, messageIds: [...messageIds] })),
    analytics: figures,
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

/** Returns a file name that every system takes. */
export function fileName(title, startMs, ending) {
  const day = startMs === null ? "" : `-${new Date(startMs).toISOString().slice(0, 16).replace(/[:T]/g, "-")}`;
  const words = title.normalize("NFKD").replace(/\p{M}/gu, "").replace(/[^\w]+/g, "-").replace(/^-+|-+$/g, "").toLowerCase();
  return `${(words || "call").slice(0, 60)}${day}.${ending}`;
}

function isoOf(milliseconds) {
  return milliseconds === null || milliseconds === undefined ? null : new Date(milliseconds).toISOString();
}

/** Characters that Markdown reads as more than themselves. */
function escaped(text) {
  return text.replace(/([\\`*_[\]<>#|])/g, "\\$1");
}

function srtTime(milliseconds) {
  const whole = Math.round(milliseconds);
  const two = (number) => String(number).padStart(2, "0");
  const [hours, minutes, seconds] = [Math.floor(whole / 3_600_000), Math.floor(whole / 60_000) % 60, Math.floor(whole / 1000) % 60];
  return `${two(hours)}:${two(minutes)}:${two(seconds)},${String(whole % 1000).padStart(3, "0")}`;
}
