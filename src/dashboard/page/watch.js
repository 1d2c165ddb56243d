// One conversation, watched: results as they come over the Subscribe API, and what was before from the Conversation API.
//
// The socket is opened first and the rest is fetched afterwards; both are merged by message id. So nothing is missed
// between the two, and nothing is shown twice.

import { delayMs } from "./backoff.js";
import { ConversationModel, conversationIdOf } from "./conversation-model.js";
import { figuresOfAnalytics, figuresOfTurns } from "./figures.js";
import { Link } from "./link.js";

/** The Symbl protocol's own keep-alive: a socket whose other end is gone does not say so by itself. */
const PING_EVERY_MS = 20_000;
const PONG_WITHIN_MS = 10_000;
/** Attempts to load by itself; then the view offers a button. */
const ATTEMPTS = 4;

export class CallWatch {
  #symbl;
  #clock;
  #link = null;
  #listeners = new Set();
  #pinging = null;
  #lostAt = null;
  /** Turns of before the loss. */
  #lostMark = 0;
  #attempts = 0;
  #retry = null;
  #loads = 0;
  #isQueryTried = false;
  connectionId;
  model = new ConversationModel();
  /** "waiting" (nothing to load yet), "loading", "ready" or "failed" (see `trouble`). */
  loading = "waiting";
  trouble = null;
  /** "connecting", "live", "lost" or "over". */
  connection = "connecting";
  isOver = false;
  figures = null;
  /** `{fromMs, toMs, kind, conversationId}` of the last gap, or null. */
  gap = null;

  constructor({ symbl, clock, connectionId = null, conversationId = null }) {
    this.#symbl = symbl;
    this.#clock = clock;
    this.connectionId = connectionId;
    this.model.conversationId = conversationId;
    this.isOver = connectionId === null;
  }

  /** Begins to watch. */
  start() {
    if (this.isOver) {
      this.connection = "over";
      this.#load();
      return;
    }
    this.#link = new Link(() => this.#address(), {
      onOpen: () => this.#opened(),
      onMessage: (text) => this.#take(text),
      onLost: (how) => this.#lost(how),
      onState: (state) => this.#follow(state),
    });
    this.#link.open();
  }

  /** Ends it: no socket, no timer, no listener stays. */
  stop() {
    this.#link?.close();
    this.#loads += 1;
    clearInterval(this.#pinging);
    clearTimeout(this.#retry);
    this.#listeners.clear();
  }

  /** Tells `listener` of every change; returns a function that ends that. */
  listen(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Tries again what failed. */
  retry() {
    this.#attempts = 0;
    if (this.#link && this.#link.state !== "open" && !this.isOver) {
      this.#link.reopen();
    }
    this.#load();
  }

  /** Learns the conversation's id from an update. */
  learn(conversationId) {
    if (conversationId && this.model.conversationId === null) {
      this.model.conversationId = conversationId;
      this.#load();
    }
  }

  /** The bridge has no leg of this call any more: what the server has now is the last. */
  finish() {
    if (this.isOver) {
      return;
    }
    this.isOver = true;
    this.connection = "over";
    this.#link?.close();
    clearInterval(this.#pinging);
    this.model.dropUnconfirmed();
    this.#load();
  }

  /** The gap was read. */
  dismissGap() {
    this.gap = null;
    this.#tell();
  }

  async #address() {
    return this.#symbl.subscription(this.connectionId, this.#isQueryTried);
  }

  #opened() {
    clearInterval(this.#pinging);
    this.#pinging = setInterval(() => this.#ping(), PING_EVERY_MS);
    this.#load();
  }

  #ping() {
    this.#link.send("__PING__");
    const missing = setTimeout(() => this.#link.state === "open" && this.#link.reopen(), PONG_WITHIN_MS);
    this.#pong = () => clearTimeout(missing);
  }

  #pong = () => {};

  #take(text) {
    this.#pong();
    let message;
    try {
      message = JSON.parse(text);
    } catch {
      return;
    }
    const named = conversationIdOf(message);
    if (named !== null && this.model.conversationId !== null && named !== this.model.conversationId) {
      this.#beginAnew(named);
    }
    const knewId = this.model.conversationId !== null;
    this.model.take(message, this.#clock.now());
    if (this.model.isCompleted) {
      this.finish();
    } else if (!knewId && this.model.conversationId !== null) {
      this.#load();
    }
    this.#tell();
  }

  /** The server has forgotten the conversation and begun another for the same call. */
  #beginAnew(conversationId) {
    const now = this.#clock.now();
    this.gap = { kind: "new-conversation", fromMs: this.#lostAt ?? now, toMs: now, conversationId: this.model.conversationId };
    this.#lostAt = null;
    this.model = new ConversationModel();
    this.model.conversationId = conversationId;
    this.loading = "waiting";
    this.#load();
  }

  #lost({ wasOpen, trouble }) {
    clearInterval(this.#pinging);
    if (wasOpen) {
      this.#lostAt ??= this.#clock.now();
      this.#lostMark = this.model.mark;
    } else {
      // The token may be one of a server that is no more. Or this server does not take it as a subprotocol: the next try says
      // it otherwise.
      this.#symbl.forget();
      this.#isQueryTried = !this.#isQueryTried;
    }
    if (trouble && this.loading !== "ready") {
      this.trouble = trouble;
      this.loading = "failed";
    }
    this.#tell();
  }

  #follow(state) {
    if (!this.isOver && state !== "closed") {
      this.connection = state === "open" ? "live" : state === "lost" || this.connection === "lost" ? "lost" : "connecting";
      this.#tell();
    }
  }

  async #load() {
    const id = this.model.conversationId;
    if (id === null) {
      return;
    }
    clearTimeout(this.#retry);
    const ours = (this.#loads += 1);
    const { model } = this;
    if (this.loading !== "ready") {
      this.loading = "loading";
      this.trouble = null;
    }
    this.#tell();
    const of = (rest) => this.#symbl.get(`/v1/conversations/${encodeURIComponent(id)}${rest}`);
    // Servers differ in what they offer beside the messages: what is missing is left out.
    const optional = (rest) => of(rest).catch(() => null);
    try {
      const [messages, conversation, questions, actionItems, followUps, topics, trackers, analytics] = await Promise.all([
        of("/messages?sentiment=true"), optional(""), optional("/questions"), optional("/action-items"),
        optional("/follow-ups"), optional("/topics?sentiment=true"), optional("/trackers-detected"),
        this.isOver ? optional("/analytics") : null,
      ]);
      if (ours !== this.#loads) {
        return;
      }
      if (this.#lostAt !== null) {
        // What was there before the socket broke is in the messages now, or never will be: a server that was killed forgets
        // the last moments.
        model.dropUnconfirmed(this.#lostMark, messages?.messages ?? []);
        this.gap = { kind: "results", fromMs: this.#lostAt, toMs: this.#clock.now(), conversationId: null };
        this.#lostAt = null;
      }
      if (conversation) {
        model.takeConversation(conversation);
      }
      model.takeMessages(messages?.messages);
      for (const insights of [questions?.questions, actionItems?.actionItems, followUps?.followUps]) {
        model.takeInsights(insights ?? []);
      }
      model.takeTopics(topics?.topics ?? []);
      model.takeTrackers(Array.isArray(trackers) ? trackers : []);
      if (this.isOver) {
        this.figures = analytics?.members ? figuresOfAnalytics(analytics) : figuresOfTurns(model.turns, model.speakers);
      }
      this.#attempts = 0;
      this.loading = "ready";
      this.trouble = null;
    } catch (trouble) {
      if (ours !== this.#loads) {
        return;
      }
      this.#failed(trouble);
    }
    this.#tell();
  }

  #failed(trouble) {
    this.#attempts += 1;
    this.trouble = trouble;
    this.loading = "failed";
    const isFinal = trouble.status === 404 && this.isOver;
    if (this.#attempts < ATTEMPTS && !isFinal) {
      this.#retry = setTimeout(() => this.#load(), delayMs(this.#attempts));
    }
  }

  #tell() {
    for (const listener of this.#listeners) {
      listener(this);
    }
  }
}
