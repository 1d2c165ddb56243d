// The dashboard in 40 lines of docs/dashboards.md: it is that short, and it works.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const document40 = () => {
  const text = readFileSync(new URL("../../docs/dashboards.md", import.meta.url), "utf8");
  return /```html\n([\s\S]*?)```/.exec(text)[1];
};

/** As much of a page as the example uses. */
function fakePage() {
  const byId = new Map();
  const element = (tag) => ({
    tag, children: [], textContent: "",
    set id(id) { byId.set(id, this); },
    appendChild(child) { this.children.push(child); return child; },
  });
  const form = Object.fromEntries(["bridge", "watch", "appId", "appSecret"].map((name) => [name, { value: `${name}-value` }]));
  form.bridge.value = "https://bridge.example.com";
  const body = element("body");
  return { document: { forms: [form], body, createElement: element, getElementById: (id) => byId.get(id) ?? null }, form, body };
}

test("it has at most 40 lines, none too long to read", () => {
  const lines = document40().trimEnd().split("\n");
  assert.ok(lines.length <= 40, `${lines.length} lines`);
  assert.deepEqual(lines.filter((line) => line.length > 140), []);
});

test("it follows calls and shows words that firm up", async () => {
  const [, script] = /<script type="module">([\s\S]*)<\/script>/.exec(document40());
  const { document, form, body } = fakePage();
  const sockets = [];
  const waits = [];
  class FakeSocket {
    constructor(url, protocols) {
      Object.assign(this, { url, protocols });
      sockets.push(this);
    }
    tell(message) {
      this.onmessage({ data: JSON.stringify(message) });
    }
  }
  const fetched = [];
  const fetch = async (url, request) => {
    fetched.push([url, JSON.parse(request.body)]);
    return { json: async () => ({ accessToken: "a.b.c" }) };
  };
  new Function("document", "WebSocket", "fetch", "setTimeout", script)(document, FakeSocket, fetch, (...wait) => waits.push(wait));
  await form.onsubmit?.({ preventDefault() {} });
  assert.deepEqual(fetched, [["https://bridge.example.com/oauth2/token:generate",
    { type: "application", appId: "appId-value", appSecret: "appSecret-value" }]]);
  const [updates] = sockets;
  assert.equal(updates.url, "wss://bridge.example.com/symbl/updates?after=0");
  assert.deepEqual(updates.protocols, ["watch-value"]);
  updates.tell({ type: "updates_snapshot", id: 100, reason: "first" });
  updates.tell({ type: "connection_exists", id: 90, callSid: "A", connectionId: "c 1" });
  updates.tell({ type: "connection_started", id: 101, callSid: "B", connectionId: "c 1" });
  assert.equal(sockets.length, 2, "one subscription a conference");
  const results = sockets[1];
  assert.equal(results.url, "wss://bridge.example.com/v1/subscribe/c%201");
  assert.deepEqual(results.protocols, ["a.b.c"]);
  const user = { userId: "+1", name: "Agent" };
  const heard = (transcript) => ({ type: "message", message: { type: "recognition_result", user, punctuated: { transcript } } });
  const lines = () => body.children[0].children.map((line) => line.textContent);
  results.tell({ type: "message", message: { type: "conversation_created", data: {} } });
  results.tell(heard("Thank you"));
  results.tell(heard("Thank you for calling."));
  assert.deepEqual(lines(), ["Agent: Thank you for calling. …"]);
  const sentence = (content) => ({ from: user, payload: { content } });
  results.tell({ type: "message_response", messages: [sentence("Thank you."), sentence("How can I help?")] });
  assert.deepEqual(lines(), ["Agent: Thank you.", "Agent: How can I help?"]);
  updates.tell({ type: "connection_stopped", id: 102, callSid: "B", connectionId: "c 1" });
  updates.onclose();
  const [[again, , token]] = waits;
  again(token);
  assert.equal(sockets[2].url, "wss://bridge.example.com/symbl/updates?after=102");
});
