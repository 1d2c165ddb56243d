// The Symbl-protocol server: its token from the bridge, its Conversation API, the address of its Subscribe API.

import { requestJson } from "./requests.js";
import { troubleOf } from "./trouble.js";

/** A token is replaced when it has less than this left. */
const RENEW_BEFORE_MS = 60_000;

export class Symbl {
  #token = null;
  #asking = null;
  #onDate;
  #onSignedOut;

  constructor({ onDate, onSignedOut }) {
    this.#onDate = onDate;
    this.#onSignedOut = onSignedOut;
  }

  /** Forgets the token: at sign-out, and when the server may have another key than before. */
  forget() {
    this.#token = null;
  }

  /** Returns the parsed body of a GET, for instance of `/v1/conversations`. Throws a `Trouble`. */
  get(path) {
    return this.#request(path, {});
  }

  /** Returns the parsed body of a POST. */
  post(path, body) {
    return this.#request(path, { method: "POST", body });
  }

  /**
   * Returns `{url, protocols}` of the socket that tells a connection's results. The token goes as a subprotocol, so that it
   * is in no address and in no log; `inQuery` is the carrier that the protocol documents, for servers that know only that.
   */
  async subscription(connectionId, inQuery = false) {
    const { accessToken, apiBaseUrl } = await this.#current();
    const url = new URL(`/v1/subscribe/${encodeURIComponent(connectionId)}`, apiBaseUrl || location.href);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    if (inQuery && apiBaseUrl) {
      url.searchParams.set("access_token", accessToken);
      return { url: url.href };
    }
    return { url: url.href, protocols: [accessToken] };
  }

  async #request(path, options) {
    for (let attempt = 1; ; attempt += 1) {
      const { accessToken, apiBaseUrl } = await this.#current();
      try {
        return await requestJson(`${apiBaseUrl}${path}`, {
          ...options,
          headers: { Authorization: `Bearer ${accessToken}` },
          onDate: apiBaseUrl ? undefined : this.#onDate,
        });
      } catch (trouble) {
        // The server may have been restarted with another key: one new token, then it is the truth.
        if (trouble.status !== 401 || attempt > 1) {
          throw trouble;
        }
        // Another request may have renewed it already.
        if (this.#token?.accessToken === accessToken) {
          this.#token = null;
        }
      }
    }
  }

  async #current() {
    if (this.#token === null || Date.now() > this.#token.until) {
      this.#asking ??= this.#ask().finally(() => {
        this.#asking = null;
      });
      await this.#asking;
    }
    return this.#token;
  }

  async #ask() {
    try {
      const answer = await requestJson("/symbl/token", { method: "POST", onDate: this.#onDate });
      const lifetime = Math.max(0, 1000 * (answer?.expiresIn ?? 0) - RENEW_BEFORE_MS);
      if (typeof answer?.accessToken !== "string") {
        throw troubleOf(502, "no access token");
      }
      this.#token = { accessToken: answer.accessToken, apiBaseUrl: (answer.apiBaseUrl ?? "").replace(/\/+$/, ""), until: Date.now() + lifetime };
    } catch (trouble) {
      if (trouble.status === 401) {
        this.#onSignedOut();
      }
      throw trouble;
    }
  }
}
