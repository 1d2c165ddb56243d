// Elements without markup in strings: whatever a caller says becomes text, never an element.

const SVG = "http://www.w3.org/2000/svg";

/** Returns an HTML element. Attributes: strings, true for a bare one; null and false leave it out; `on` holds listeners. */
export function h(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/** Returns an SVG element. */
export function s(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

function filled(element, { on = {}, ...attributes }, children) {
  for (const [name, value] of Object.entries(attributes)) {
    set(element, name, value);
  }
  for (const [event, listener] of Object.entries(on)) {
    element.addEventListener(event, listener);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** Sets or removes an attribute, if that changes anything. */
export function set(element, name, value) {
  if (value === null || value === undefined || value === false) {
    element.removeAttribute(name);
  } else {
    const text = value === true ? "" : String(value);
    if (element.getAttribute(name) !== text) {
      element.setAttribute(name, text);
    }
  }
}

/** Sets an element's text, if that changes anything: a selection and a screen reader's place survive. */
export function setText(element, text) {
  if (element.textContent !== text) {
    element.textContent = text;
  }
}

/** Replaces an element's children. */
export function fill(element, ...children) {
  element.replaceChildren(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
}

/**
 * Makes the children of `parent` those of `items`, in order. An item's element is kept as long as the item is there, and is
 * moved only if it must: so focus, selection and scroll position stay. `make(item)` returns `{element, update(item)}`.
 */
export class KeyedList {
  #parent;
  #make;
  #entries = new Map();

  constructor(parent, make) {
    this.#parent = parent;
    this.#make = make;
  }

  /** Shows the items; `keyOf` names each. */
  show(items, keyOf) {
    const keyed = new Map(items.map((item) => [keyOf(item), item]));
    // First what is gone: otherwise every element behind it would have to move.
    this.#sweep([...this.#entries.keys()].filter((key) => !keyed.has(key)));
    let before = null;
    for (const [key, item] of keyed) {
      let entry = this.#entries.get(key);
      if (entry === undefined) {
        entry = this.#make(item);
        this.#entries.set(key, entry);
      }
      entry.update(item);
      const place = before === null ? this.#parent.firstElementChild : before.nextElementSibling;
      if (place !== entry.element) {
        this.#parent.insertBefore(entry.element, place);
      }
      before = entry.element;
    }
  }

  /** Returns the entry of a key, or undefined. */
  get(key) {
    return this.#entries.get(key);
  }

  /** Returns all entries. */
  entries() {
    return this.#entries.values();
  }

  /** Removes all. */
  clear() {
    this.#sweep([...this.#entries.keys()]);
  }

  #sweep(keys) {
    for (const key of keys) {
      const entry = this.#entries.get(key);
      this.#entries.delete(key);
      entry.element.remove();
      entry.dispose?.();
    }
  }
}

/** Returns a function that runs `job` before the next frame, once however often it is called. */
export function oncePerFrame(job) {
  let asked = false;
  return () => {
    if (!asked) {
      asked = true;
      requestAnimationFrame(() => {
        asked = false;
        job();
      });
    }
  };
}
