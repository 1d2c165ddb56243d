// The updates socket of the bridge: which callers are on, resumed where it broke off.

import { Link } from "./link.js";

/** The messages of a snapshot come in one go; what is shown changes when they are all in. */
const SETTLE_MS = 150;

/**
 * Feeds a `CallsModel`. `connection` is "connecting", "live", "lost" or "resyncing". `onChange(update|null)` is told of
 * every change of the calls, `onState` of every change of the connection, `onGap(reason)` when updates were missed.
 */
export class Updates {
  #model;
  #told;
  #link;
  #settling = null;
  connection = "connecting";
  /** Whether the calls have been told at least once. */
  isKnown = false;

  constructor(model, { onChange, onState, onGap, onRefused }) {
    this.#model = model;
    this.#told = { onChange, onState, onGap, onRefused };
    this.#link = new Link(async () => ({ url: this.#url() }), {
      onOpen: () => this.#model.begin(),
      onMessage: (text) => this.#take(text),
      onLost: (how) => {
        // A refused handshake and an unreachable server look the same to a page.
        if (!how.wasOpen) {
          this.#told.onRefused();
        }
      },
      onState: (state) => this.#follow(state),
    });
  }

  open() {
    this.#link.open();
  }

  close() {
    clearTimeout(this.#settling);
    this.#link.close();
  }

  /** Connects now; what was missed is asked for. */
  retry() {
    this.#link.reopen();
  }

  get retryAt() {
    return this.#link.retryAt;
  }

  get isOverloaded() {
    return this.#link.isOverloaded;
  }

  #url() {
    const url = new URL("/symbl/updates", location.href);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    url.searchParams.set("after", String(this.#model.lastId));
    return url.href;
  }

  #take(text) {
    let update;
    try {
      update = JSON.parse(text);
    } catch {
      return;
    }
    const { kind, reason } = this.#model.take(update);
    if (kind === "jump") {
      this.#become("resyncing");
      this.#link.reopen();
    } else if (kind === "snapshot") {
      if (reason === "gap" || reason === "restart") {
        this.#told.onGap(reason);
      }
      this.#settle();
    } else if (kind === "resumed") {
      this.#settle();
    } else if (kind === "changed" && this.#settling === null) {
      this.isKnown = true;
      this.#become("live");
      this.#told.onChange(update);
    }
  }

  /** Waits until a snapshot is in: half of it would look as if callers had left. */
  #settle() {
    this.#become("resyncing");
    clearTimeout(this.#settling);
    this.#settling = setTimeout(() => {
      this.#settling = null;
      this.isKnown = true;
      this.#become("live");
      this.#told.onChange(null);
    }, SETTLE_MS);
  }

  #follow(state) {
    if (state === "open") {
      return;
    }
    clearTimeout(this.#settling);
    this.#settling = null;
    this.#become(state === "lost" ? "lost" : "connecting");
  }

  #become(connection) {
    // A try after a loss is still a loss for whoever looks at the page.
    const shown = connection === "connecting" && this.connection === "lost" ? "lost" : connection;
    this.connection = shown;
    this.#told.onState();
  }
}
