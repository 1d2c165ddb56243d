// All watched calls of the page, each once, however many views look at it.

import { CallWatch } from "./watch.js";

/** A call that nobody looks at is watched on for a while: from the list to the call and back costs nothing. */
const LINGER_MS = 20_000;
/** Sockets and conversations in memory at once. The list watches what is in sight, so this is seldom reached. */
export const MOST_WATCHED = 30;

export class Watches {
  #make;
  #entries = new Map();

  constructor({ symbl, clock }) {
    this.#make = (ids) => new CallWatch({ symbl, clock, ...ids });
  }

  /** Returns the watch of a live call, or null when too many are watched already. Each take needs one `release`. */
  take(connectionId, conversationId, isImportant = false) {
    let entry = this.#entries.get(connectionId);
    if (entry === undefined) {
      if (this.#entries.size >= MOST_WATCHED && !isImportant) {
        return null;
      }
      entry = { watch: this.#make({ connectionId, conversationId }), users: 0, timer: null };
      this.#entries.set(connectionId, entry);
      entry.watch.start();
    }
    clearTimeout(entry.timer);
    entry.users += 1;
    return entry.watch;
  }

  /** Gives a watch back. */
  release(connectionId) {
    const entry = this.#entries.get(connectionId);
    if (entry === undefined || (entry.users -= 1) > 0) {
      return;
    }
    entry.timer = setTimeout(() => {
      entry.watch.stop();
      this.#entries.delete(connectionId);
    }, LINGER_MS);
  }

  /** Returns a watch of a conversation that is over, which nobody shares. */
  ofConversation(conversationId) {
    const watch = this.#make({ conversationId });
    watch.start();
    return watch;
  }

  /** Tells the watches which calls live: ids they do not know yet, and calls that are gone. */
  follow(calls) {
    const live = new Map(calls.map((call) => [call.connectionId, call]));
    for (const [connectionId, { watch }] of this.#entries) {
      const call = live.get(connectionId);
      if (call === undefined) {
        watch.finish();
      } else {
        watch.learn(call.conversationId);
      }
    }
  }

  /** Ends all. */
  clear() {
    for (const { watch, timer } of this.#entries.values()) {
      clearTimeout(timer);
      watch.stop();
    }
    this.#entries.clear();
  }
}
