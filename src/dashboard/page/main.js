// The dashboard: signs in, follows the bridge's updates, shows the view that the address names.

import { CallView } from "./call-view.js";
import { CallsModel } from "./calls-model.js";
import { CallsView } from "./calls-view.js";
import { ServerClock } from "./clock.js";
import { fill, h, oncePerFrame, set, setText } from "./dom.js";
import { gapNotice, troubleBox, updatesGapText } from "./notices.js";
import { requestJson } from "./requests.js";
import { parseRoute } from "./route.js";
import { Session } from "./session.js";
import { signInView } from "./sign-in.js";
import { Symbl } from "./symbl.js";
import { Updates } from "./updates.js";
import { Watches } from "./watches.js";

const CONNECTION_WORDS = { live: "Live", connecting: "Connecting…", lost: "Connection lost", resyncing: "Catching up…" };
/** Roles are asked for when callers come, at most so often. */
const ROLES_EVERY_MS = 2_000;
/** A short loss, as at a restart of a proxy, is not worth a banner. */
const LOST_AFTER_MS = 1_000;
/** A tab that was hidden for so long asks whether its socket still lives. */
const STALE_AFTER_MS = 60_000;
/** Where a tab keeps which call it shows; ids only. */
const SHOWN_CALL = "shown call";

class Dashboard {
  #view = null;
  #main = document.querySelector("#main");
  #banners = document.querySelector("#banners");
  #announcer = document.querySelector("#announcer");
  #connection = document.querySelector("#connection");
  #signOut = document.querySelector("[data-sign-out]");
  #gap = null;
  #bannerKey = "";
  #lostSince = null;
  #hiddenSince = null;
  #asksRoles = false;
  #asksRolesAgain = false;
  #isWatching = false;

  constructor() {
    this.clock = new ServerClock();
    const onDate = (date) => this.clock.learn(date);
    this.session = new Session(onDate);
    this.symbl = new Symbl({ onDate, onSignedOut: () => this.signedOut() });
    this.calls = new CallsModel();
    this.watches = new Watches({ symbl: this.symbl, clock: this.clock });
    this.updates = new Updates(this.calls, {
      onChange: (update) => this.#changed(update),
      onState: () => this.#showConnection(),
      onGap: (reason) => {
        this.#gap = { reason, atMs: this.clock.now() };
        // The engine of another process knows no tokens of the one before.
        this.symbl.forget();
      },
      onRefused: () => this.#refused(),
    });
    this.renderSoon = oncePerFrame(() => this.#view?.render?.());
  }

  start() {
    addEventListener("hashchange", () => this.#isWatching && this.#route());
    addEventListener("online", () => this.#isWatching && this.updates.connection !== "live" && this.updates.retry());
    addEventListener("keydown", (event) => this.#key(event));
    document.addEventListener("visibilitychange", () => this.#visibility());
    document.querySelector(".skip").addEventListener("click", (event) => {
      event.preventDefault();
      this.#main.focus();
    });
    this.#signOut.addEventListener("click", () => this.#leave());
    setInterval(() => this.#showBanners(), 1_000);
    this.#arrive();
  }

  /** Reads a text out to those who listen to the page. */
  announce(text) {
    setText(this.#announcer, text);
  }

  /** Names the page in its tab. */
  setTitle(title) {
    document.title = `${title} – symbl-bridge`;
  }

  /** A call is over: from now on the address names its conversation, so that a reload finds it. */
  settleAddress(href) {
    if (location.hash !== href) {
      history.replaceState(null, "", href);
    }
  }

  /** Which conversation the shown call's was, for a reload after its end. One is enough: only one is shown. */
  rememberConversation(connectionId, conversationId) {
    const remembered = JSON.stringify({ connectionId, conversationId });
    if (sessionStorage.getItem(SHOWN_CALL) !== remembered) {
      sessionStorage.setItem(SHOWN_CALL, remembered);
    }
  }

  rememberedConversation(connectionId) {
    const remembered = JSON.parse(sessionStorage.getItem(SHOWN_CALL) ?? "{}");
    return remembered.connectionId === connectionId ? remembered.conversationId : null;
  }

  /** The bridge does not know us any more. */
  async signedOut() {
    if (this.#isWatching) {
      await this.#arrive();
    }
  }

  async #arrive() {
    try {
      await this.session.look();
    } catch (trouble) {
      this.#show({ element: troubleBox(trouble, () => this.#arrive()) }, "");
      setTimeout(() => !this.#isWatching && this.session.state === null && this.#arrive(), 5_000);
      return;
    }
    const url = new URL(location.href);
    const wasRefused = url.searchParams.has("sign-in");
    if (url.search !== "") {
      history.replaceState(null, "", `/${url.hash}`);
    }
    if (this.session.mayWatch) {
      this.#begin();
    } else {
      this.#askToken(wasRefused);
    }
  }

  #begin() {
    set(this.#signOut, "hidden", !this.session.state.tokenNeeded);
    if (!this.#isWatching) {
      this.#isWatching = true;
      this.updates.open();
      this.#route();
    }
  }

  #askToken(wasRefused) {
    this.#stop();
    const view = signInView({
      wasRefused,
      signIn: async (token) => {
        await this.session.signIn(token);
        this.#begin();
      },
    });
    this.#show(view, "sign-in");
    this.setTitle("Sign in");
    view.focus();
  }

  #stop() {
    this.#isWatching = false;
    this.updates.close();
    this.#show({ element: h("div") }, "");
    this.watches.clear();
    this.symbl.forget();
    this.calls.forget();
    this.updates.isKnown = false;
    this.#gap = null;
    sessionStorage.removeItem(SHOWN_CALL);
    set(this.#signOut, "hidden", true);
    this.#showBanners();
  }

  async #leave() {
    try {
      await this.session.signOut();
      this.#askToken(false);
    } catch (trouble) {
      this.announce(`${trouble.message} ${trouble.remedy}`);
    }
  }

  #route() {
    const { view, id } = parseRoute(location.hash);
    const next = view === "call" ? new CallView(this, { connectionId: id })
      : view === "conversation" ? new CallView(this, { conversationId: id })
        : new CallsView(this);
    const isFirst = this.#view === null || document.body.dataset.view === "sign-in";
    this.#show(next, view === "calls" ? "calls" : "call");
    scrollTo(0, 0);
    if (!isFirst) {
      next.focus();
    }
  }

  #show(view, name) {
    this.#view?.dispose?.();
    this.#view = view;
    document.body.dataset.view = name;
    fill(this.#main, view.element);
  }

  #changed(update) {
    const calls = this.calls.calls();
    this.watches.follow(calls);
    this.#view?.render?.(update);
    this.#showBanners();
    if (update === null || update.type === "connection_started") {
      this.#askRoles();
    }
  }

  /** The updates do not tell who is an agent; the bridge's list of legs does. */
  async #askRoles() {
    if (this.calls.calls().length === 0) {
      return;
    }
    if (this.#asksRoles) {
      // Callers come in pairs: the second one's role is not in the answer that is awaited.
      this.#asksRolesAgain = true;
      return;
    }
    this.#asksRoles = true;
    try {
      const { legs } = await requestJson("/symbl/legs");
      if (this.calls.takeRoles(legs ?? [])) {
        this.renderSoon();
      }
    } catch {
      // Names tell it for most; the next caller asks again.
    }
    setTimeout(() => {
      this.#asksRoles = false;
      if (this.#asksRolesAgain) {
        this.#asksRolesAgain = false;
        this.#askRoles();
      }
    }, ROLES_EVERY_MS);
  }

  /** A handshake was refused, or nobody answered: the session tells which. */
  async #refused() {
    try {
      await this.session.look();
      if (!this.session.mayWatch && this.#isWatching) {
        this.#askToken(false);
      }
    } catch {
      // The bridge is away; the link comes back by itself.
    }
  }

  #key(event) {
    const isInField = event.target instanceof HTMLInputElement && event.target.value !== "";
    if (event.key === "Escape" && !event.defaultPrevented && !isInField && document.body.dataset.view === "call") {
      location.hash = "#/";
    }
  }

  #visibility() {
    if (document.visibilityState === "hidden") {
      this.#hiddenSince = Date.now();
      return;
    }
    const wasAway = this.#hiddenSince !== null && Date.now() - this.#hiddenSince > STALE_AFTER_MS;
    this.#hiddenSince = null;
    if (this.#isWatching && (wasAway || this.updates.connection === "lost")) {
      this.updates.retry();
    }
    this.renderSoon();
  }

  #showConnection() {
    const { connection } = this.updates;
    document.body.dataset.connection = connection;
    setText(this.#connection, CONNECTION_WORDS[connection]);
    this.#lostSince = connection === "lost" ? (this.#lostSince ?? Date.now()) : null;
    this.#showBanners();
  }

  #lostBanner() {
    const [what, ...remedy] = this.updates.isOverloaded
      ? ["Too many dashboards are open.", "The bridge takes ", h("code", {}, "updates.max_dashboards"), " at once. Close one somewhere, or raise the limit. "]
      : ["The connection to the bridge is lost.", "What you see is from before. If it stays like this, check that the bridge runs. "];
    return h("div", {
      class: "notice bad", role: "alert", "data-overload": this.updates.isOverloaded, "data-error": !this.updates.isOverloaded,
    },
    h("div", { class: "notice-text" },
      h("p", { class: "notice-what" }, what),
      h("p", {}, ...remedy, h("span", { class: "retry-in", "aria-live": "off" }))),
    h("button", { type: "button", class: "button small", on: { click: () => this.updates.retry() } }, "Try now"));
  }

  #showBanners() {
    const { updates } = this;
    const isLost = this.#isWatching && updates.connection === "lost" && Date.now() - this.#lostSince >= LOST_AFTER_MS;
    const seconds = Math.max(0, Math.ceil(((updates.retryAt ?? 0) - Date.now()) / 1000));
    const key = JSON.stringify([isLost, updates.isOverloaded, this.#gap, this.calls.leftOut]);
    if (key !== this.#bannerKey) {
      this.#bannerKey = key;
      fill(this.#banners,
        isLost ? this.#lostBanner() : null,
        this.#gap ? gapNotice(updatesGapText(this.#gap.reason, this.#gap.atMs), () => { this.#gap = null; this.#showBanners(); }) : null,
        this.calls.leftOut > 0 ? h("div", { class: "notice warn", "data-overload": true, role: "status" },
          h("p", {}, "There are more callers than this page can show. Use the search, or watch through the API.")) : null);
    }
    const retryIn = this.#banners.querySelector(".retry-in");
    if (retryIn) {
      setText(retryIn, seconds > 0 ? `Trying again in ${seconds} s.` : "Trying again now.");
    }
  }
}

new Dashboard().start();
