// What went wrong, in words: what happened and what to do. The views show both, and a button where trying again helps.

export class Trouble extends Error {
  /** `status` is the HTTP status, 0 when there was no answer. */
  constructor(status, what, remedy) {
    super(what);
    this.status = status;
    this.remedy = remedy;
  }
}

/** Returns the trouble of an answer that is none of 2xx. `said` is the `message` of its body, if it had one. */
export function troubleOf(status, said) {
  const told = typeof said === "string" && said !== "" ? ` It said: “${said}”` : "";
  switch (true) {
    case status === 401 || status === 403:
      return new Trouble(status, `The server refused the access token.${told}`,
        "Sign out and in again. If that does not help, check SYMBL_APP_ID and SYMBL_APP_SECRET of the bridge.");
    case status === 404:
      return new Trouble(status, "The server does not know this conversation.",
        "It may have been deleted, or be older than store.retention_days. Go back to the list of calls.");
    case status === 429:
      return new Trouble(status, "The server had too many requests.", "Wait a moment, then try again.");
    case status === 501:
      return new Trouble(status, "This server does not offer that.", "Use the server's own tools for it.");
    case status >= 500:
      return new Trouble(status, `The server cannot answer at the moment (${status}).${told}`,
        "Try again. If it goes on, /readyz of the server says what it lacks.");
    default:
      return new Trouble(status, `The server refused the request (${status}).${told}`,
        "Reload the page: it may be older than the server.");
  }
}

/** Returns the trouble of a request without an answer. */
export function noAnswer() {
  return new Trouble(0, "The server did not answer.", "Check that it runs and that this machine is online, then try again.");
}
