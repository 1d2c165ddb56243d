// JSON over fetch, with a deadline and with troubles in words.

import { noAnswer, troubleOf } from "./trouble.js";

/** A server that has not answered by then is treated as gone. */
const DEADLINE_MS = 15_000;

/** Sends a request; returns the parsed body, null for none. Throws a `Trouble`. */
export async function requestJson(url, { method = "GET", body, headers = {}, onDate } = {}) {
  let response;
  let text;
  try {
    response = await fetch(url, {
      method,
      headers: { Accept: "application/json", ...(body === undefined ? {} : { "Content-Type": "application/json" }), ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
      cache: "no-store",
      signal: AbortSignal.timeout(DEADLINE_MS),
    });
    text = await response.text();
  } catch {
    throw noAnswer();
  }
  onDate?.(response.headers.get("date"));
  const parsed = parsedOr(text, null);
  if (!response.ok) {
    throw troubleOf(response.status, parsed?.message);
  }
  return parsed;
}

function parsedOr(text, fallback) {
  try {
    return JSON.parse(text);
  } catch {
    return fallback;
  }
}
