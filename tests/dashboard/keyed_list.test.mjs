// Elements of a list stay the same while what they show changes: no flicker, no lost focus.
import assert from "node:assert/strict";
import { test } from "node:test";
import { KeyedList } from "../../src/dashboard/page/dom.js";

/** As much of a parent element as the list uses; counts what is put in. */
function fakeParent() {
  const parent = {
    children: [],
    placed: 0,
    get firstElementChild() { return this.children[0] ?? null; },
    insertBefore(element, place) {
      this.placed += 1;
      element.remove();
      this.children.splice(place === null ? this.children.length : this.children.indexOf(place), 0, element);
    },
  };
  const make = () => {
    const element = {
      get nextElementSibling() { return parent.children[parent.children.indexOf(this) + 1] ?? null; },
      remove() { parent.children = parent.children.filter((child) => child !== this); },
    };
    const entry = { element, update(item) { element.text = item.text; }, dispose() { entry.isDisposed = true; } };
    return entry;
  };
  return { parent, list: new KeyedList(parent, make) };
}

const items = (...keys) => keys.map((key) => ({ key, text: `text ${key}` }));
const keyOf = ({ key }) => key;

test("elements are kept, placed once, and in order", () => {
  const { parent, list } = fakeParent();
  list.show(items("a", "b", "d"), keyOf);
  const before = [...parent.children];
  parent.placed = 0;
  list.show(items("a", "b", "c", "d", "e"), keyOf);
  assert.equal(parent.placed, 2, "only what is new was placed");
  assert.deepEqual([0, 1, 3].map((at) => parent.children[at]), before);
  assert.deepEqual(parent.children.map(({ text }) => text), ["a", "b", "c", "d", "e"].map((key) => `text ${key}`));
});

test("what is gone is removed and disposed of, and nothing else moves", () => {
  const { parent, list } = fakeParent();
  list.show(items("a", "b", "c", "d"), keyOf);
  const [first, gone, ...rest] = [...parent.children];
  const entry = list.get("b");
  parent.placed = 0;
  list.show(items("a", "c", "d"), keyOf);
  assert.equal(parent.placed, 0);
  assert.deepEqual(parent.children, [first, ...rest]);
  assert.ok(!parent.children.includes(gone));
  assert.equal(entry.isDisposed, true);
});

test("elements survive any new order", () => {
  const { parent, list } = fakeParent();
  list.show(items("a", "b", "c", "d"), keyOf);
  const elements = new Map(["a", "b", "c", "d"].map((key) => [key, list.get(key).element]));
  for (const order of [["d", "c", "b", "a"], ["b", "d", "a", "c"], ["a", "b", "c", "d"]]) {
    list.show(items(...order), keyOf);
    assert.deepEqual(parent.children, order.map((key) => elements.get(key)));
  }
  list.clear();
  assert.deepEqual(parent.children, []);
});
