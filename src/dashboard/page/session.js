// Who watches: the bridge's session, which lives in a cookie that scripts cannot read.

import { requestJson } from "./requests.js";

export class Session {
  /** `{signedIn, tokenNeeded, number, version, webhooks, isPublic}` as the bridge last told. */
  state = null;
  #onDate;

  constructor(onDate) {
    this.#onDate = onDate;
  }

  /** Asks the bridge. */
  async look() {
    this.state = await requestJson("/symbl/session", { onDate: this.#onDate });
    return this.state;
  }

  /** Whether what the bridge serves may be asked for. */
  get mayWatch() {
    return this.state !== null && (this.state.signedIn || !this.state.tokenNeeded);
  }

  /** Signs in; throws a `Trouble` with status 401 when the token is not the right one. */
  async signIn(token) {
    await requestJson("/symbl/session", { method: "POST", body: { token } });
    return this.look();
  }

  /** Signs out: the cookie is gone. */
  async signOut() {
    await requestJson("/symbl/session", { method: "DELETE" });
    return this.look();
  }
}
