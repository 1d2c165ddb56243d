// Which callers are on, from the messages of `/symbl/updates`. No socket and no clock: messages in, calls out.

import { momentOf } from "./format.js";

/** More than a bridge carries (`limits.max_legs` is 1000 unless somebody raises it); further legs are not kept. */
const MAX_LEGS = 10_000;

/** All legs of a bridge, and how far its updates have been read. */
export class CallsModel {
  #legs = new Map();
  #inSnapshot = false;
  #awaitsHead = true;
  /** Id of the last update read; 0: nothing is known yet. */
  lastId = 0;
  /** Legs that were left out because there were too many. */
  leftOut = 0;

  /** Forgets everything, as at sign-out. */
  forget() {
    this.#legs.clear();
    this.lastId = 0;
    this.leftOut = 0;
    this.begin();
  }

  /** A new socket: its first message says whether it goes on or begins anew. */
  begin() {
    this.#awaitsHead = true;
    this.#inSnapshot = false;
  }

  /**
   * Takes one message. Returns `{kind}`: "snapshot" (`reason`: first, gap or restart; all legs were forgotten, and
   * those that live follow), "resumed", "changed" (`update`), "ignored", or "jump": a message is missing, and the socket
   * must be opened again with `after=<lastId>`.
   */
  take(update) {
    if (update?.type === "updates_snapshot" || update?.type === "updates_resumed") {
      return this.#takeHead(update);
    }
    if (typeof update?.type !== "string" || typeof update.callSid !== "string") {
      return { kind: "ignored" };
    }
    if (this.#awaitsHead) {
      // An older bridge knows no `after` and begins with its snapshot at once.
      this.#takeHead({ type: "updates_snapshot", reason: "first" });
    }
    const isOfSnapshot = this.#inSnapshot
      && (update.type === "connection_exists" || (Number.isInteger(update.id) && update.id <= this.lastId));
    if (!isOfSnapshot) {
      this.#inSnapshot = false;
      if (Number.isInteger(update.id)) {
        if (this.lastId !== 0 && update.id !== this.lastId + 1) {
          return { kind: "jump" };
        }
        this.lastId = update.id;
      }
    }
    this.#apply(update);
    return { kind: "changed", update };
  }

  #takeHead(head) {
    this.#awaitsHead = false;
    this.#inSnapshot = head.type === "updates_snapshot";
    if (!this.#inSnapshot) {
      return { kind: "resumed" };
    }
    this.#legs.clear();
    this.leftOut = 0;
    this.lastId = Number.isInteger(head.id) ? head.id : 0;
    return { kind: "snapshot", reason: head.reason };
  }

  #apply(update) {
    if (update.type === "connection_stopped") {
      this.#legs.delete(update.callSid);
      return;
    }
    const known = this.#legs.get(update.callSid);
    if (known === undefined && this.#legs.size >= MAX_LEGS) {
      this.leftOut += 1;
      return;
    }
    const leg = known ?? { callSid: update.callSid, startedAt: momentOf(update.at) };
    leg.connectionId = update.connectionId;
    leg.conversationId = update.conversationId ?? leg.conversationId ?? null;
    leg.room = update.room ?? leg.room ?? "";
    leg.userId = update.speaker?.userId ?? leg.userId ?? "";
    leg.name = update.speaker?.name ?? leg.name ?? "Unknown Caller";
    leg.role = leg.role ?? roleOf(leg.name);
    leg.state = stateAfter(update.type) ?? leg.state ?? "live";
    this.#legs.set(update.callSid, leg);
  }

  /** Takes the roles and states of `GET /symbl/legs`, which updates do not tell. Returns whether anything changed. */
  takeRoles(legs) {
    let changed = false;
    for (const { callSid, role } of legs) {
      const leg = this.#legs.get(callSid);
      if (leg && role && leg.role !== role) {
        leg.role = role;
        changed = true;
      }
    }
    return changed;
  }

  /** Returns the live calls, those that began last first. */
  calls() {
    const byConnection = new Map();
    for (const leg of this.#legs.values()) {
      const call = byConnection.get(leg.connectionId)
        ?? { connectionId: leg.connectionId, room: leg.room, conversationId: null, startedAt: null, legs: [] };
      call.legs.push(leg);
      call.conversationId = leg.conversationId ?? call.conversationId;
      call.startedAt = earlier(call.startedAt, leg.startedAt);
      byConnection.set(leg.connectionId, call);
    }
    const calls = [...byConnection.values()];
    for (const call of calls) {
      call.legs.sort(agentsFirst);
      call.state = call.legs.some((leg) => leg.state === "interrupted") ? "interrupted" : "live";
    }
    return calls.sort((one, other) => (other.startedAt ?? 0) - (one.startedAt ?? 0)
      || one.connectionId.localeCompare(other.connectionId));
  }

  /** Returns one live call, or null. */
  call(connectionId) {
    return this.calls().find((call) => call.connectionId === connectionId) ?? null;
  }
}

/** Sorts parties: agents, then customers, then the rest; as they came within each. */
export function agentsFirst(one, other) {
  const rank = (leg) => ({ agent: 0, customer: 1 })[leg.role] ?? 2;
  return rank(one) - rank(other) || (one.startedAt ?? 0) - (other.startedAt ?? 0);
}

/** The names that a bridge gives parties it knows by their role only. */
function roleOf(name) {
  return { Agent: "agent", Customer: "customer" }[name];
}

function stateAfter(type) {
  return {
    connection_exists: "live", connection_started: "live", connection_resumed: "live",
    connection_interrupted: "interrupted", connection_failed: "failed",
  }[type];
}

function earlier(one, other) {
  return one === null || (other !== null && other < one) ? other : one;
}
