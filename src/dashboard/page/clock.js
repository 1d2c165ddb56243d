// The server's time. A laptop's clock may be minutes off, and then a call would seem to have begun in the future.

/** Response dates are whole seconds and old by the way they took: less than this is no difference. */
const NOTABLE_MS = 2_000;

export class ServerClock {
  #skewMs = 0;
  #own;

  constructor(own = Date.now) {
    this.#own = own;
  }

  /** Learns from the `Date` of a response that has just come. */
  learn(date) {
    const theirs = Date.parse(date ?? "");
    if (!Number.isNaN(theirs)) {
      const skew = theirs + 500 - this.#own();
      this.#skewMs = Math.abs(skew) < NOTABLE_MS ? 0 : skew;
    }
  }

  /** Returns the server's time in milliseconds. */
  now() {
    return this.#own() + this.#skewMs;
  }
}
