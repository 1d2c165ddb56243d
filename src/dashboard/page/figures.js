// Who talked how much: from the server's analytics when a call is over, from its turns while it goes on.

const MINUTE_MS = 60_000;

/**
 * Returns `{members: [{key, name, talkS, share, overlapS, wordsPerMinute}], talkS, silenceS, overlapS}` of turns with
 * `startMs`, `endMs`, `speaker` and `text`, sorted by start. Turns whose words may still change count, too.
 */
export function figuresOfTurns(turns, speakers) {
  const members = new Map(speakers.map(({ key, name }) => [key, { key, name, talkMs: 0, overlapMs: 0, words: 0, until: 0 }]));
  let [spokenMs, overlapMs, until] = [0, 0, 0];
  let [first, last] = [Infinity, 0];
  for (const turn of turns) {
    const member = members.get(turn.speaker);
    if (member === undefined || !(turn.endMs > turn.startMs)) {
      continue;
    }
    // The end of one turn and the beginning of the speaker's next may overlap by what a recogniser rounds.
    const from = Math.max(turn.startMs, member.until);
    const length = Math.max(0, turn.endMs - from);
    member.talkMs += length;
    member.words += turn.text.split(/\s+/u).filter((word) => word !== "").length;
    member.until = Math.max(member.until, turn.endMs);
    for (const other of members.values()) {
      const shared = other === member ? 0 : Math.min(other.until, turn.endMs) - from;
      if (shared > 0) {
        other.overlapMs += shared;
        member.overlapMs += shared;
        overlapMs += shared;
      }
    }
    spokenMs += Math.max(0, turn.endMs - Math.max(turn.startMs, until));
    until = Math.max(until, turn.endMs);
    first = Math.min(first, turn.startMs);
    last = Math.max(last, turn.endMs);
  }
  const talkMs = [...members.values()].reduce((sum, member) => sum + member.talkMs, 0);
  return {
    members: [...members.values()].map((member) => ({
      key: member.key,
      name: member.name,
      talkS: member.talkMs / 1000,
      share: talkMs > 0 ? member.talkMs / talkMs : 0,
      overlapS: member.overlapMs / 1000,
      wordsPerMinute: member.talkMs > 0 ? Math.round((member.words * MINUTE_MS) / member.talkMs) : 0,
    })),
    talkS: spokenMs / 1000,
    silenceS: last > first ? (last - first - spokenMs) / 1000 : 0,
    overlapS: overlapMs / 1000,
  };
}

/** Returns the same of the body of `GET /v1/conversations/{id}/analytics`. */
export function figuresOfAnalytics(body) {
  const seconds = (type) => body.metrics?.find((metric) => metric.type === type)?.seconds ?? 0;
  const members = (body.members ?? []).map((member) => ({
    key: member.userId || member.id,
    name: member.name || member.userId || "Unknown",
    talkS: member.talkTime?.seconds ?? 0,
    share: (member.talkTime?.percentage ?? 0) / 100,
    overlapS: member.overlap?.overlapDuration ?? 0,
    wordsPerMinute: member.pace?.wpm ?? 0,
  }));
  return {
    members,
    talkS: seconds("total_talk_time"),
    silenceS: seconds("total_silence"),
    overlapS: seconds("total_overlap"),
  };
}

/** How many turns a trend looks at. */
const TREND_TURNS = 40;
/** Each point is the mean of so many turns: single sentences jump about. */
const TREND_MEAN_OF = 3;

/** Returns the latest sentiment scores, smoothed, oldest first. */
export function sentimentTrend(turns) {
  const scores = [];
  for (let at = turns.length - 1; at >= 0 && scores.length < TREND_TURNS + TREND_MEAN_OF; at -= 1) {
    if (turns[at].sentiment) {
      scores.unshift(turns[at].sentiment.score);
    }
  }
  const smooth = scores.map((_, at) => {
    const near = scores.slice(Math.max(0, at - TREND_MEAN_OF + 1), at + 1);
    return near.reduce((sum, score) => sum + score, 0) / near.length;
  });
  return smooth.slice(-TREND_TURNS);
}

/** Returns a trend in a word, for those who do not see its curve. */
export function trendInWords(trend) {
  if (trend.length === 0) {
    return "no sentiment yet";
  }
  const now = trend.at(-1);
  const level = now < -0.3 ? "negative" : now > 0.3 ? "positive" : "neutral";
  const change = now - trend[0];
  const direction = trend.length < 3 || Math.abs(change) < 0.15 ? "steady" : change > 0 ? "rising" : "falling";
  return `${level}, ${direction}`;
}
