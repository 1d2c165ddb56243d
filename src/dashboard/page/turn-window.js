// Which part of a long call is on the page: so that five thousand turns cost no more than a few hundred. Pure.

/** Turns on the page at once. */
export const WINDOW = 240;
/** How far "earlier" and "later" go. */
const STEP = 160;

export class TurnWindow {
  #from = 0;
  /** Whether the newest turns are shown as they come. */
  isFollowing = true;

  /** Returns `{from, to}`, the part of `count` turns to show. */
  of(count) {
    const last = Math.max(0, count - WINDOW);
    this.#from = this.isFollowing ? last : Math.min(this.#from, last);
    return { from: this.#from, to: Math.min(count, this.#from + WINDOW) };
  }

  /** Goes back. */
  earlier() {
    this.isFollowing = false;
    this.#from = Math.max(0, this.#from - STEP);
  }

  /** Goes on. */
  later() {
    this.isFollowing = false;
    this.#from += STEP;
  }

  /** Puts one turn into the middle, unless it is shown already. */
  show(index, count) {
    const { from, to } = this.of(count);
    if (index < from || index >= to) {
      this.isFollowing = false;
      this.#from = Math.max(0, index - WINDOW / 2);
    }
  }

  /** Goes to the end and stays there. */
  follow() {
    this.isFollowing = true;
  }

  /** The reader has scrolled; only at the very end are new turns followed. */
  scrolled(isAtEnd, count) {
    this.isFollowing = isAtEnd && this.#from + WINDOW >= count;
  }
}
