// How long to wait before the next try. The wait grows with each failure and is spread by chance, so that fifty
// dashboards whose bridge restarts do not all come back in the same moment.

const FIRST_MS = 500;
const LONGEST_MS = 15_000;
/** After "too many dashboards" a place must first become free. */
const OVERLOAD_MS = 20_000;

/** Returns milliseconds: between half of the bound and the bound, which doubles with each failure. */
export function delayMs(failures, isOverloaded = false, random = Math.random) {
  const grown = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(failures, 16));
  const bound = isOverloaded ? OVERLOAD_MS : grown;
  return Math.round(bound / 2 + (random() * bound) / 2);
}
