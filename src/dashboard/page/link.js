// A WebSocket that comes back: it opens again after each loss, with growing waits, until it is closed.

import { delayMs } from "./backoff.js";

/** A socket that held for so long was a good one: the next loss begins with a short wait again. */
const GOOD_AFTER_MS = 5_000;
/** "Try again later", said by a server that has no place for another. */
const OVERLOADED = 1013;

/**
 * States: "connecting", "open", "lost" (with `retryAt`), "closed". `address` returns a promise of `{url, protocols}` and is
 * asked anew for every try; `onOpen`, `onMessage(text)`, `onLost({code, reason, wasOpen, failures})` and `onState` are told.
 */
export class Link {
  #address;
  #told;
  #socket = null;
  #timer = null;
  #openedAt = 0;
  #try = 0;
  state = "closed";
  failures = 0;
  retryAt = null;
  isOverloaded = false;

  constructor(address, { onOpen, onMessage, onLost, onState }) {
    this.#address = address;
    this.#told = { onOpen, onMessage, onLost, onState };
  }

  /** Opens the socket; does nothing when it is open or opening. */
  open() {
    if (this.state === "closed") {
      this.#connect();
    }
  }

  /** Opens it now instead of after the wait, or anew if it is open. */
  reopen() {
    this.#drop();
    this.#connect();
  }

  /** Closes it for good. */
  close() {
    this.#drop();
    this.#become("closed");
  }

  /** Sends text, if the socket is open. */
  send(text) {
    if (this.state === "open") {
      this.#socket.send(text);
    }
  }

  async #connect() {
    this.#become("connecting");
    const ours = (this.#try += 1);
    let socket;
    try {
      const { url, protocols } = await this.#address();
      if (ours !== this.#try) {
        return;
      }
      socket = new WebSocket(url, protocols ?? []);
    } catch (trouble) {
      if (ours === this.#try) {
        this.#lose({ code: 0, reason: trouble?.message ?? "", trouble });
      }
      return;
    }
    this.#socket = socket;
    const isCurrent = () => this.#socket === socket;
    socket.onopen = () => {
      if (isCurrent()) {
        this.#openedAt = performance.now();
        this.isOverloaded = false;
        this.#become("open");
        this.#told.onOpen?.();
      }
    };
    socket.onmessage = ({ data }) => {
      if (isCurrent() && typeof data === "string") {
        this.#told.onMessage?.(data);
      }
    };
    socket.onclose = ({ code, reason }) => {
      if (isCurrent()) {
        this.#lose({ code, reason });
      }
    };
  }

  #lose({ code, reason, trouble }) {
    const wasOpen = this.state === "open";
    const wasGood = wasOpen && performance.now() - this.#openedAt >= GOOD_AFTER_MS;
    this.failures = wasGood ? 0 : this.failures + 1;
    this.isOverloaded = code === OVERLOADED;
    this.#socket = null;
    const wait = delayMs(this.failures, this.isOverloaded);
    this.retryAt = Date.now() + wait;
    this.#timer = setTimeout(() => this.#connect(), wait);
    this.#become("lost");
    this.#told.onLost?.({ code, reason, wasOpen, trouble, failures: this.failures });
  }

  #drop() {
    clearTimeout(this.#timer);
    this.#try += 1;
    const socket = this.#socket;
    this.#socket = null;
    socket?.close(1000);
  }

  #become(state) {
    this.state = state;
    this.#told.onState?.(state);
  }
}
