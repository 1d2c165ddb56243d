// What is known of one conversation: turns, and what was found in them. Messages of the Subscribe API and bodies of the
// Conversation API go in, in any order and as often as they like; each message id is kept once.

import { momentOf } from "./format.js";

/** An hour of brisk talk has about a thousand turns. Beyond this the oldest are let go, and the page says so. */
const MAX_TURNS = 10_000;
/** Beyond these the rest is not kept: a list of so many helps nobody. */
const MAX_INSIGHTS = 2_000;
const MAX_TOPICS = 500;
const MAX_TRACKERS = 500;
const MAX_HITS_BEFORE_MESSAGES = 1_000;
/** The first words of a turn are recognised when about so much of it was heard. */
const FIRST_WORDS_MS = 1_200;

const INSIGHT_TYPES = new Set(["question", "action_item", "follow_up"]);

/** One conversation. `revision` grows with every change, and `turn.revision` with every change of that turn. */
export class ConversationModel {
  #turns = [];
  #byId = new Map();
  /** Speaker to the turn whose words may still change. */
  #moving = new Map();
  /** Speaker to turns whose words are final and whose message is still to come, oldest first. */
  #settled = new Map();
  #speakers = new Map();
  /** Speaker to the moment when their audio began, as early as any result has shown. */
  #beginnings = new Map();
  #hits = new Map();
  #keys = 0;
  revision = 0;
  conversationId = null;
  /** Whether the server said that the conversation is over. */
  isCompleted = false;
  startMs = null;
  endMs = null;
  name = "";
  insights = new Map();
  topics = new Map();
  /** Tracker name to the ids of the messages it hit. */
  trackers = new Map();
  /** Turns let go because there were too many. */
  forgotten = 0;

  /** Returns the turns by time. The array is the model's own: read it, do not change it. */
  get turns() {
    return this.#turns;
  }

  /** Returns `{key, name, userId}` of everybody who spoke or is a member, in the order they came. */
  get speakers() {
    return [...this.#speakers.values()];
  }

  /** Returns the turn of a message, or undefined. */
  turnOf(messageId) {
    return this.#byId.get(messageId);
  }

  /** Takes one message of the Subscribe API, in either envelope; `now` is the server's time. Unknown types are ignored. */
  take(message, now) {
    const inner = message?.type === "message" ? message.message : message;
    switch (inner?.type) {
      case "conversation_created":
      case "recognition_started":
        return this.#takeConversationId(inner.data?.conversationId);
      case "recognition_result":
        return this.#takeWords(inner, now);
      case "message_response":
        for (const said of listOf(inner.messages)) {
          this.#takeMessage(fromStream(said));
        }
        break;
      case "insight_response":
        this.takeInsights(listOf(inner.insights));
        break;
      case "topic_response":
        this.takeTopics(listOf(inner.topics));
        break;
      case "tracker_response":
        if (inner.isFinal !== false) {
          this.takeTrackers(listOf(inner.trackers));
        }
        break;
      case "conversation_completed":
        this.isCompleted = true;
        this.#takeConversationId(inner.conversationId || inner.data?.conversationId);
        this.dropUnconfirmed();
        break;
      default:
        return undefined;
    }
    this.revision += 1;
    return undefined;
  }

  /** Takes the body of `GET /v1/conversations/{id}`. */
  takeConversation(body) {
    this.#takeConversationId(body.id);
    this.name = body.name ?? this.name;
    this.startMs = momentOf(body.startTime, this.startMs);
    this.endMs = momentOf(body.endTime, this.endMs);
    for (const member of listOf(body.members)) {
      this.#speaker({ ...member, userId: member.userId ?? member.email });
    }
    this.revision += 1;
  }

  /** Takes `messages` of the Conversation API. */
  takeMessages(messages) {
    for (const said of listOf(messages)) {
      this.#takeMessage(fromRest(said));
    }
    this.revision += 1;
  }

  /** Takes insights of either API. */
  takeInsights(insights) {
    for (const insight of insights) {
      if (!INSIGHT_TYPES.has(insight?.type) || typeof insight.id !== "string") {
        continue;
      }
      if (this.insights.size >= MAX_INSIGHTS && !this.insights.has(insight.id)) {
        continue;
      }
      this.insights.set(insight.id, {
        id: insight.id,
        type: insight.type,
        text: insight.payload?.content ?? insight.text ?? "",
        messageId: insight.messageReference?.id ?? insight.messageIds?.[0] ?? null,
        by: insight.from?.name ?? "",
        assignee: insight.assignee?.name ?? "",
        dueMs: momentOf(insight.dueBy?.value ?? insight.dueBy),
      });
    }
    this.revision += 1;
  }

  /** Takes topics of either API. A topic keeps its id and its score changes. */
  takeTopics(topics) {
    for (const topic of topics) {
      const text = typeof topic?.phrases === "string" ? topic.phrases : topic?.text;
      if (typeof text !== "string" || text === "") {
        continue;
      }
      if (this.topics.size >= MAX_TOPICS && !this.topics.has(text)) {
        continue;
      }
      const references = listOf(topic.messageReferences).map((reference) => reference.id);
      const messageIds = references.length > 0 ? references : listOf(topic.messageIds);
      const known = this.topics.get(text);
      this.topics.set(text, {
        text,
        score: typeof topic.score === "number" ? topic.score : 0,
        messageIds: [...new Set([...(known?.messageIds ?? []), ...messageIds])],
      });
    }
    this.revision += 1;
  }

  /** Takes tracker matches of either API. */
  takeTrackers(trackers) {
    for (const tracker of trackers) {
      const name = tracker?.name;
      if (typeof name !== "string" || (this.trackers.size >= MAX_TRACKERS && !this.trackers.has(name))) {
        continue;
      }
      for (const match of listOf(tracker.matches)) {
        for (const reference of listOf(match.messageRefs)) {
          if (typeof reference?.id === "string" && reference.id !== "") {
            this.#hit(name, String(match.value ?? ""), reference);
          }
        }
      }
    }
    this.revision += 1;
  }

  /** Returns a mark for `dropUnconfirmed`: all turns up to now. */
  get mark() {
    return this.#keys;
  }

  /**
   * Forgets words up to a mark that no message has confirmed: after a gap nobody knows whether one will. With the ids of all
   * `messages` that the server has, messages that it lost are forgotten, too.
   */
  dropUnconfirmed(mark = Infinity, messages = null) {
    const onServer = messages && new Set(messages.map((said) => said?.id));
    const isKept = (turn) => turn.order > mark || (turn.id !== null && (onServer === null || onServer.has(turn.id)));
    for (const turn of this.#turns.filter((one) => one.id !== null && !isKept(one))) {
      this.#byId.delete(turn.id);
    }
    this.#turns = this.#turns.filter(isKept);
    this.#moving = new Map([...this.#moving].filter(([, turn]) => isKept(turn)));
    this.#settled = new Map([...this.#settled].map(([speaker, turns]) => [speaker, turns.filter(isKept)]));
    this.revision += 1;
  }

  #takeConversationId(id) {
    if (typeof id === "string" && id !== "") {
      this.conversationId ??= id;
      this.revision += 1;
    }
  }

  #takeWords(result, now) {
    const speaker = this.#speaker(result.user ?? {});
    const reading = result.payload?.raw?.alternatives?.[0];
    const text = result.punctuated?.transcript ?? reading?.transcript ?? "";
    const startMs = this.#startOf(speaker.key, result.timeOffset, reading?.words?.[0]?.startTime, now);
    let turn = this.#moving.get(speaker.key);
    if (turn === undefined) {
      if (text === "") {
        return;
      }
      turn = this.#newTurn(speaker, startMs);
      this.#moving.set(speaker.key, turn);
      this.#insert(turn);
    }
    if (turn.text !== text || result.isFinal) {
      turn.text = text;
      turn.endMs = now;
      turn.revision += 1;
      this.revision += 1;
    }
    if (result.isFinal) {
      this.#moving.delete(speaker.key);
      const waiting = this.#settled.get(speaker.key) ?? [];
      waiting.push(turn);
      this.#settled.set(speaker.key, waiting);
    }
  }

  /**
   * Returns about when a turn began. Results say where in their speaker's audio they are; they come late, sometimes by
   * many seconds, but never early, so the earliest beginning that any of them implies is the best one.
   */
  #startOf(speakerKey, offsetMs, firstWord, now) {
    if (!Number.isFinite(offsetMs)) {
      return now - FIRST_WORDS_MS;
    }
    const beginning = Math.min(now - offsetMs, this.#beginnings.get(speakerKey) ?? Infinity);
    this.#beginnings.set(speakerKey, beginning);
    const wordMs = Number(firstWord?.seconds) * 1000 + Number(firstWord?.nanos) / 1e6;
    return beginning + (Number.isFinite(wordMs) ? wordMs : Math.max(0, offsetMs - FIRST_WORDS_MS));
  }

  #takeMessage(said) {
    if (said.id === null) {
      return;
    }
    const speaker = this.#speaker(said.from);
    let turn = this.#byId.get(said.id);
    const unconfirmed = this.#adopt(speaker.key, said);
    if (unconfirmed !== undefined) {
      this.#turns.splice(this.#turns.indexOf(unconfirmed), 1);
    }
    if (turn === undefined) {
      turn = unconfirmed ?? this.#newTurn(speaker, said.startMs ?? 0);
      turn.id = said.id;
      turn.isPartial = false;
      turn.hits = this.#hits.get(said.id) ?? [];
      this.#hits.delete(said.id);
      this.#byId.set(said.id, turn);
      turn.startMs = said.startMs ?? turn.startMs;
      this.#insert(turn);
    }
    turn.text = said.text;
    turn.endMs = said.endMs ?? turn.endMs;
    turn.sentiment = said.sentiment ?? turn.sentiment;
    turn.entities = said.entities;
    turn.revision += 1;
    this.#forgetOldest();
  }

  /**
   * Takes out the turn on the page that a message is the final form of, so that it stays where it is. The message may have
   * come by REST before the stream brings it.
   */
  #adopt(speakerKey, said) {
    const waiting = this.#settled.get(speakerKey);
    if (waiting === undefined || waiting.length === 0) {
      return undefined;
    }
    const words = bare(said.text);
    const alike = waiting.findIndex(({ text }) => bare(text).includes(words) || words.includes(bare(text)));
    const at = alike >= 0 ? alike : said.isLive && !this.#byId.has(said.id) ? 0 : -1;
    return at < 0 ? undefined : waiting.splice(at, 1)[0];
  }

  #hit(tracker, value, { id, offset }) {
    const messages = this.trackers.get(tracker) ?? new Set();
    messages.add(id);
    this.trackers.set(tracker, messages);
    const turn = this.#byId.get(id);
    let hits = turn?.hits ?? this.#hits.get(id);
    if (hits === undefined) {
      if (this.#hits.size >= MAX_HITS_BEFORE_MESSAGES) {
        return;
      }
      hits = [];
      this.#hits.set(id, hits);
    }
    const hit = { tracker, value, offset: Number.isInteger(offset) ? offset : -1 };
    const isKnown = hits.some((one) => one.tracker === tracker && one.value === value && one.offset === hit.offset);
    if (!isKnown) {
      hits.push(hit);
      if (turn) {
        turn.hits = hits;
        turn.revision += 1;
      }
    }
  }

  #speaker(person) {
    const key = person.userId || person.email || person.id || person.name || "unknown";
    const known = this.#speakers.get(key);
    if (known) {
      known.name = person.name || known.name;
      return known;
    }
    const speaker = { key, name: person.name || person.userId || "Unknown", userId: person.userId || "" };
    this.#speakers.set(key, speaker);
    return speaker;
  }

  #newTurn(speaker, startMs) {
    this.#keys += 1;
    return {
      key: `live-${this.#keys}`, order: this.#keys, id: null, speaker: speaker.key, text: "", startMs, endMs: startMs,
      isPartial: true, sentiment: null, entities: [], hits: [], revision: 0,
    };
  }

  /** Most turns belong at the end or near it. */
  #insert(turn) {
    let at = this.#turns.length;
    while (at > 0 && isBefore(turn, this.#turns[at - 1])) {
      at -= 1;
    }
    this.#turns.splice(at, 0, turn);
  }

  #forgetOldest() {
    if (this.#turns.length <= MAX_TURNS) {
      return;
    }
    // In one go for many: removing the first of an array moves all others.
    const gone = this.#turns.splice(0, this.#turns.length - MAX_TURNS + MAX_TURNS / 10);
    for (const turn of gone) {
      this.#byId.delete(turn.id);
      for (const messages of this.trackers.values()) {
        messages.delete(turn.id);
      }
    }
    this.forgotten += gone.length;
  }
}

function isBefore(one, other) {
  return one.startMs < other.startMs || (one.startMs === other.startMs && one.order < other.order);
}

/** Letters and digits only: servers punctuate a sentence anew when it is finished. */
function bare(text) {
  return text.toLowerCase().replace(/[^\p{L}\p{N}*]+/gu, " ").trim();
}

/** Returns the conversation that a message of the Subscribe API names, or null. */
export function conversationIdOf(message) {
  const inner = message?.type === "message" ? message.message : message;
  return inner?.type === "conversation_created" ? (inner.data?.conversationId ?? null) : null;
}

function fromStream(said) {
  return {
    id: typeof said?.id === "string" ? said.id : null,
    isLive: true,
    from: said?.from ?? {},
    text: said?.payload?.content ?? "",
    startMs: momentOf(said?.duration?.startTime),
    endMs: momentOf(said?.duration?.endTime),
    sentiment: sentimentOf(said?.sentiment),
    entities: listOf(said?.entities),
  };
}

function fromRest(said) {
  const from = said?.from ?? {};
  return {
    id: typeof said?.id === "string" ? said.id : null,
    isLive: false,
    from: { ...from, userId: from.userId ?? from.email },
    text: said?.text ?? "",
    startMs: momentOf(said?.startTime),
    endMs: momentOf(said?.endTime),
    sentiment: sentimentOf(said?.sentiment),
    entities: listOf(said?.entities),
  };
}

/** Returns `{score, label}` or null. */
function sentimentOf(sentiment) {
  const score = sentiment?.polarity?.score;
  if (typeof score !== "number") {
    return null;
  }
  const banded = score < -0.3 ? "negative" : score > 0.3 ? "positive" : "neutral";
  return { score, label: ["negative", "neutral", "positive"].includes(sentiment.suggested) ? sentiment.suggested : banded };
}

function listOf(value) {
  return Array.isArray(value) ? value : [];
}
