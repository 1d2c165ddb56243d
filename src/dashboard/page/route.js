// Which view an address means. Addresses hold ids only, never a token or a caller's number.

/** Returns `{view, id}` for the part of an address after `#`. What is unknown means the list of calls. */
export function parseRoute(hash) {
  const [, kind, raw] = /^#\/(call|conversation)\/([^/]+)$/.exec(hash) ?? [];
  const id = raw === undefined ? null : decoded(raw);
  return kind && id ? { view: kind, id } : { view: "calls", id: null };
}

/** Returns the address of a view. */
export function hrefOf(view, id) {
  return view === "calls" ? "#/" : `#/${view}/${encodeURIComponent(id)}`;
}

function decoded(raw) {
  try {
    return decodeURIComponent(raw);
  } catch {
    return null;
  }
}
