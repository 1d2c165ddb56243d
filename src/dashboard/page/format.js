// Times, durations and shares as people read them.

const MINUTE_S = 60;
const HOUR_S = 3600;

/** Returns `m:ss` or `h:mm:ss`, for a clock that runs. */
export function clock(milliseconds) {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const two = (number) => String(number).padStart(2, "0");
  const [hours, minutes] = [Math.floor(seconds / HOUR_S), Math.floor(seconds / MINUTE_S) % 60];
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

/** Returns a length in words' short forms, for instance `1 min 05 s`. */
export function duration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < MINUTE_S) {
    return seconds < 10 && seconds % 1 !== 0 ? `${seconds.toFixed(1)} s` : `${whole} s`;
  }
  const two = (number) => String(number).padStart(2, "0");
  if (whole < HOUR_S) {
    return `${Math.floor(whole / MINUTE_S)} min ${two(whole % MINUTE_S)} s`;
  }
  return `${Math.floor(whole / HOUR_S)} h ${two(Math.floor(whole / MINUTE_S) % 60)} min`;
}

/** Returns a share from 0 to 1 as whole percent. */
export function percent(share) {
  // With a space that does not break.
  return `${Math.round(share * 100)}\u00a0%`;
}

/** Returns a moment as the local time of day, with seconds. */
export function timeOfDay(milliseconds) {
  return new Date(milliseconds).toLocaleTimeString([], {
    hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false,
  });
}

/** Returns a moment as a local day and time, without the year when it is this one. */
export function dayAndTime(milliseconds, now = Date.now()) {
  const date = new Date(milliseconds);
  const sameYear = date.getFullYear() === new Date(now).getFullYear();
  return date.toLocaleString([], {
    day: "numeric", month: "short", ...(sameYear ? {} : { year: "numeric" }), hour: "2-digit", minute: "2-digit",
    hour12: false,
  });
}

/** Returns the singular for one and the plural for all other numbers, with the number before it. */
export function counted(number, one, several) {
  return `${number} ${number === 1 ? one : several}`;
}

/** Returns a moment in milliseconds of an RFC 3339 text with any number of decimals, or `fallback`. */
export function momentOf(text, fallback = null) {
  const moment = typeof text === "string" ? Date.parse(text.replace(/(\.\d{3})\d+/, "$1")) : NaN;
  return Number.isNaN(moment) ? fallback : moment;
}
