// Who stands where: columns and colours of a call's speakers, and names that tell them apart. Pure.

const TONES = ["one", "two", "three", "four"];

/**
 * Returns `{keys, nameOf(key), toneOf(key), sideOf(key), roleOf(key)}`, agents first, for speakers `{key, name, userId}` and the legs that are
 * known of them, `{userId, role}`. Agents stand on the left, all others on the right; two of a kind share them out.
 */
export function castOf(speakers, legs = []) {
  const roles = new Map(legs.map((leg) => [leg.userId, leg.role]));
  const people = speakers.map((speaker) => ({
    ...speaker,
    role: roles.get(speaker.key) ?? roles.get(speaker.userId) ?? { Agent: "agent", Customer: "customer" }[speaker.name] ?? "unknown",
  }));
  const rank = ({ role }) => ({ agent: 0, customer: 1 })[role] ?? 2;
  // Sorting is stable: within a role they stay in the order they came.
  const ordered = [...people].sort((one, other) => rank(one) - rank(other));
  const agents = ordered.filter(({ role }) => role === "agent").length;
  const left = agents === 0 || agents === ordered.length ? 1 : agents;
  const byKey = new Map(ordered.map((person, at) => [person.key, {
    name: nameAmong(person, people),
    role: person.role,
    side: at < left ? "left" : "right",
    tone: person.role === "customer" && at === 0 ? TONES[1] : TONES[at % TONES.length],
  }]));
  const of = (key) => byKey.get(key);
  return {
    keys: ordered.map(({ key }) => key),
    nameOf: (key) => of(key)?.name ?? "Unknown",
    toneOf: (key) => of(key)?.tone ?? TONES[0],
    sideOf: (key) => of(key)?.side ?? "left",
    roleOf: (key) => of(key)?.role ?? "unknown",
  };
}

/** Returns a conversation's speakers and the legs that have not spoken yet. */
export function everybody(speakers, legs) {
  const known = new Set(speakers.map(({ key }) => key));
  return [...speakers, ...legs.filter(({ userId }) => !known.has(userId)).map(({ userId, name }) => ({ key: userId, userId, name }))];
}

/** Two customers are told apart by the end of their numbers. */
function nameAmong({ key, name, userId }, people) {
  const isShared = people.some((other) => other.key !== key && other.name === name);
  return isShared && userId && userId !== name ? `${name} …${userId.slice(-4)}` : name;
}

/** Returns names as a sentence has them: "Agent and Customer". */
export function inWords(names) {
  return names.length <= 1 ? (names[0] ?? "") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}
