// The form for the access token.

import { h, setText } from "./dom.js";

/** Returns the view `{element, focus()}`; `signIn(token)` returns a promise that fails with a `Trouble`. */
export function signInView({ wasRefused, signIn }) {
  const problem = h("p", { class: "field-problem", id: "token-problem", role: "alert" });
  const input = h("input", {
    type: "password", name: "token", id: "token", required: true, autocomplete: "current-password", spellcheck: "false",
    autocapitalize: "off", "aria-describedby": "token-hint token-problem",
  });
  const button = h("button", { type: "submit", class: "button primary" }, "Sign in");
  const refuse = (text) => {
    setText(problem, text);
    input.setAttribute("aria-invalid", "true");
    input.focus();
    input.select();
  };
  const submit = async (event) => {
    event.preventDefault();
    const token = input.value.trim();
    if (token === "") {
      refuse("Enter the access token.");
      return;
    }
    button.disabled = true;
    setText(problem, "");
    input.removeAttribute("aria-invalid");
    try {
      await signIn(token);
      input.value = "";
    } catch (trouble) {
      refuse(trouble.status === 401
        ? "This is not the access token. Copy it from the line that the server printed at its start."
        : `${trouble.message} ${trouble.remedy ?? ""}`);
    } finally {
      button.disabled = false;
    }
  };
  const element = h("section", { class: "sign-in", "aria-labelledby": "sign-in-title" },
    h("h1", { id: "sign-in-title", tabindex: "-1" }, "Sign in"),
    h("p", {}, "This dashboard shows what callers say. It opens with the bridge's access token."),
    h("form", { "data-sign-in": true, novalidate: true, on: { submit } },
      // Password managers keep the token under this name.
      h("input", { type: "text", name: "username", autocomplete: "username", value: "symbl-bridge", hidden: true, readonly: true }),
      h("label", { for: "token" }, "Access token"),
      input,
      problem,
      h("p", { class: "hint", id: "token-hint" },
        "It is the value of ", h("code", {}, "updates.token"), ". If that is not set, the server makes one up at each start and prints a link with it."),
      button));
  if (wasRefused) {
    setText(problem, "The link's token was not accepted. It may be of an earlier start of the server.");
  }
  return { element, focus: () => input.focus() };
}
