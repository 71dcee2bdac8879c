// <tokenry-tokens api="https://tokens.example.com" token="pgt_…">: a user's tokens, in a page whose policy has that
// address in connect-src. All it shows is text. A new secret is in one text node until it is saved.

const DAY = 86400;
const NEVER = "2999-12-12T05:00:00";
const RENEWAL_MS = 5000;
const plural = (count, unit) => `${Math.floor(count)} ${unit}${count < 2 ? "" : "s"}`;

const words = {
  none: "You have no access tokens yet.", loading: "Loading…", again: "Try again",
  create: "New token", rename: "Rename", rotate: "Replace secret", revoke: "Revoke", cancel: "Cancel",
  label: "Name", scopes: "What it may do", expiry: "Expires", grace: "The old secret stops working",
  created: (date) => `Created ${date}`, used: (date) => (date ? `Last used ${date}` : "Never used"),
  expires: (date, soon) => (date ? `Expires ${date}${soon ? " (soon)" : ""}` : "Never expires"), disabled: "Disabled",
  span: (seconds) => (seconds < DAY ? plural(seconds / 3600, "hour") : plural(seconds / DAY, "day")),
  later: (seconds) => (seconds ? `${words.span(seconds)} after the new one is first used` : "At once"),
  final: "Whatever uses this token is refused at once. This cannot be undone.",
  secret: (label) => `The secret of ${label}`, once: "Copy it now: it is not shown again.",
  copy: "Copy", copied: "Copied.", selected: "Copy it by keyboard.", saved: "I have saved it",
  renamed: (label) => `Renamed to ${label}.`, revoked: (label) => `${label} is revoked.`, ready: (label) => `${label} is ready.`,
  expired: "This page was open for too long. Load it again to go on.",
  unreachable: "The token service does not answer. Try again.",
};

const STYLE = `
:host {
  --s: var(--tokenry-surface, light-dark(#fff, #171b22)); --a: var(--tokenry-accent, light-dark(#0b57b8, #8cbaff));
  --d: var(--tokenry-danger, light-dark(#b3261e, #ff9d95)); display: block; overflow-wrap: anywhere;
}
:host([hidden]), .error:empty { display: none; }
* { box-sizing: border-box; margin: 0; padding: 0; }
section, form, .list, .token, .field, .scopes { display: grid; gap: .5rem; }
section, form, .list { gap: 1rem; }
legend { padding-bottom: .5rem; }
.token, dialog, button, input, select, .scopes, .secret {
  border: 1px solid var(--tokenry-line, light-dark(#7a8596, #7f8a9b)); border-radius: var(--tokenry-radius, .5rem); background: var(--s);
}
.token, .secret { padding: 1rem; list-style: none; }
.label, .title { font-size: 1.1em; font-weight: 600; unicode-bidi: isolate; }
.muted { color: var(--tokenry-muted, light-dark(#515c6d, #b0bac8)); font-size: .875em; }
.actions { display: flex; flex-wrap: wrap; gap: .5rem; }
button, input, select { min-height: 2.75rem; padding: .4rem .9rem; color: inherit; font: inherit; }
input, select { width: 100%; }
.primary { border-color: var(--a); background: var(--a); color: var(--s); font-weight: 600; }
.revoke, .error { border-color: var(--d); color: var(--d); font-weight: 600; }
.primary.revoke { background: var(--d); color: var(--s); }
.error::before { content: "⚠ " / ""; }
:focus-visible { outline: 3px solid var(--a); outline-offset: 2px; }
[aria-invalid=true] { border: 2px solid var(--d); }
fieldset { border: 0; min-width: 0; }
.scopes { max-height: 15rem; padding: .75rem; overflow: auto; }
.scope { display: flex; gap: .6rem; align-items: start; }
.scope input { flex: none; width: 1.25rem; min-height: 1.25rem; }
dialog { width: 34rem; margin: auto; padding: 1.25rem; color: inherit; }
dialog::backdrop { background: #0008; }
`;

/** An element. Its part is its class, too; what is given, a property or an attribute. */
function make(name, { part = "", ...given } = {}, ...children) {
  const made = document.createElement(name);
  made.className = made.part = part;
  for (const key in given) key in made ? (made[key] = given[key]) : made.setAttribute(key, given[key]);
  made.append(...children);
  return made;
}
const button = (text, onclick, part = "", more) => make("button", { type: "button", part: `button ${part}`, onclick, ...more }, text);
const titled = (name, label) => words[name] + (label && `: ${label}`);
const actions = (...buttons) => make("div", { part: "actions" }, ...buttons);
const select = (options, chosen) =>
  make("select", {}, ...options.map(([value, text], at) => make("option", { value, selected: at === chosen }, text)));
const inSeconds = (seconds) => new Date(Date.now() + seconds * 1000).toISOString().slice(0, 19);

/** Controls with their title, and a place for what is wrong. */
function field(name, content, ...controls) {
  const one = !controls.length;
  for (const each of one ? [content] : controls) {
    each.name = name;
    each.setAttribute("aria-describedby", `error-${name}`);
  }
  if (one) content.id = name;
  const title = make(one ? "label" : "legend", one ? { htmlFor: name } : {}, words[name]);
  return make(one ? "div" : "fieldset", { part: "field" }, title, content, make("p", { part: "error", id: `error-${name}` }));
}

class TokenryTokens extends HTMLElement {
  static observedAttributes = ["token"];
  static words = words; // for another language
  #tokens;
  #renewing;
  #renewed;
  #sent = {};
  #found;
  #status = make("p", { part: "status muted", role: "status" });
  #content = make("section");
  #dialog = make("dialog", { part: "dialog", "aria-labelledby": "title" });

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
    root.adoptedStyleSheets = [sheet];
    root.append(make("section", {}, this.#status, this.#content), this.#dialog);
    this.#dialog.onclose = () => this.#dialog.open || this.#dialog.replaceChildren();
  }

  connectedCallback() {
    this.#load();
  }

  disconnectedCallback() {
    this.#dialog.close();
  }

  /** Another page token, perhaps of another user. What was typed stays. */
  attributeChangedCallback(_, before) {
    if (this.#renewed) return this.#renewed(true);
    if (before === null) return;
    this.#tokens = this.#content.replaceChildren();
    this.#load();
  }

  /** Ask the service. Throws a refusal's errors: a reason each, perhaps a field. */
  async #ask(method, path, body, again = true) {
    const text = body && JSON.stringify(body);
    // One key until a request is done: where an answer is lost, nothing is made twice.
    if (this.#sent.request !== path + text) this.#sent = { request: path + text, key: crypto.randomUUID() };
    const headers = { Authorization: `Bearer ${this.getAttribute("token")}` };
    if (body) Object.assign(headers, { "Content-Type": "application/json", "Idempotency-Key": this.#sent.key });
    let response, answer;
    try {
      const url = new URL(`/v4/tokenry/page/${path}`, this.getAttribute("api"));
      response = await fetch(url, { method, headers, body: text, redirect: "error" });
      answer = await response.json();
    } catch {
      throw [{ reason: words.unreachable }];
    }
    if (response.ok) this.#sent = {};
    else if (response.status !== 401) throw answer.errors;
    else if (again && (await this.#renew())) return this.#ask(method, path, body, false);
    else throw [{ reason: words.expired }];
    return answer;
  }

  /** Tell the page that its token has ended, and wait a moment for another; whether it came. */
  #renew() {
    this.#renewing ??= new Promise((resolve) => {
      this.#renewed = resolve;
      setTimeout(resolve, RENEWAL_MS, false);
      this.dispatchEvent(new CustomEvent("tokenry-expired", { bubbles: true, composed: true }));
    }).finally(() => (this.#renewing = this.#renewed = undefined));
    return this.#renewing;
  }

  /** Do something; `tell` says why it is refused. */
  async #try(run, tell) {
    try {
      return await run();
    } catch (errors) {
      if (!Array.isArray(errors)) throw errors;
      tell(errors);
    }
  }

  #tell = (errors) => (this.#status.textContent = errors.map((error) => error.reason).join(" "));

  #load() {
    if (!this.#tokens) this.#status.textContent = words.loading;
    const found = (this.#found = []);
    const read = async () => {
      for (let page = 1, pages = 1, data; page <= pages; page++) {
        ({ data, pages } = await this.#ask("GET", `tokens?page_size=500&page=${page}`));
        found.push(...data);
      }
      if (found !== this.#found) return;
      this.#tokens = found.reverse();
      this.#status.textContent = "";
      const rows = this.#tokens.map((token) => this.#row(token));
      const list = rows.length ? make("ul", { part: "list" }, ...rows) : make("p", {}, words.none);
      this.#content.replaceChildren(actions(button(words.create, () => this.#create(), "primary")), list);
    };
    return this.#try(read, (errors) => {
      if (found !== this.#found) return;
      this.#tell(errors);
      this.#content.replaceChildren(actions(button(words.again, () => this.#load())));
    });
  }

  #row(token) {
    const { id, label, expiry } = token;
    const [created, used, expires] = [token.created, token.last_used, expiry].map((text) => this.#date(text));
    const about = [words.created(created), words.used(used), words.expires(expires, expiry < inSeconds(7 * DAY))];
    const act = (name, run) => button(words[name], run, name, { id: `${name}-${id}`, ariaLabel: titled(name, label) });
    return make(
      "li",
      { part: "token" },
      make("p", { part: "label" }, label),
      make("p", { part: "error" }, token.disabled ? words.disabled : ""),
      make("code", {}, `${token.token}…`),
      make("code", {}, token.scopes),
      make("p", { part: "muted" }, about.join(" · ")),
      actions(
        act("rename", () => this.#rename(token)),
        act("rotate", () => this.#rotate(token)),
        act("revoke", () => this.#revoke(token)),
      ),
    );
  }

  /** A day for people; none for what never was, or will be. */
  #date(text) {
    return text && text !== NEVER && new Date(`${text}Z`).toLocaleDateString(this.closest("[lang]")?.lang || [], { dateStyle: "medium" });
  }

  /** Close the dialog, say what was done, and focus where one goes on. */
  async #done(text, id) {
    this.#dialog.close();
    await this.#load();
    this.#status.textContent ||= text;
    (this.shadowRoot.getElementById(id) ?? this.#content.querySelector("button")).focus();
  }

  /** One that is kept is closed by its own button alone. */
  #show(title, kept, ...content) {
    this.#dialog.closedBy = kept ? "none" : "closerequest";
    this.#dialog.oncancel = () => !kept; // false prevents it
    const form = make("form", {}, make("h2", { part: "title", id: "title" }, title), ...content);
    this.#dialog.replaceChildren(form);
    if (!this.#dialog.open) this.#dialog.showModal();
    return form;
  }

  /** A form, sent once at a time; each error stands beside its field. */
  #form(name, label, content, send) {
    const rest = make("p", { part: "error", role: "alert" });
    const cancel = button(words.cancel, () => this.#dialog.close());
    const submit = make("button", { part: `button primary ${name}` }, words[name]);
    const form = this.#show(titled(name, label), false, ...content, rest, actions(cancel, submit));
    const explain = (errors) => {
      for (const { field, reason } of errors) {
        (form.querySelector(`#error-${CSS.escape(field)}`) ?? rest).append(`${reason} `);
        for (const each of form.elements) if (each.name === field) each.ariaInvalid = "true";
      }
      form.querySelector("[aria-invalid]")?.focus();
    };
    form.onsubmit = async (event) => {
      event.preventDefault();
      if (form.ariaBusy) return;
      form.ariaBusy = "true";
      for (const each of form.querySelectorAll(".error")) each.textContent = "";
      for (const each of form.elements) each.ariaInvalid = null;
      await this.#try(send, explain);
      form.ariaBusy = null;
    };
  }

  async #create() {
    const ask = () => Promise.all([this.#ask("GET", "scopes"), this.#ask("GET", "tokens/policy")]);
    const found = await this.#try(ask, this.#tell);
    if (!found) return;
    const [{ data }, { max_lifetime_seconds: longest, expiry_required: required }] = found;
    const label = make("input");
    const boxes = data.map(({ scope }) => make("input", { type: "checkbox", value: scope }));
    const rows = data.map(({ scope, title }, at) =>
      make("label", { part: "scope" }, boxes[at], make("span", {}, `${title} `, make("code", {}, scope))),
    );
    const spans = [7, 30, 60, 90, 365].map((days) => days * DAY).filter((span) => !longest || span < longest);
    if (longest) spans.push(longest);
    // A minute less, for a fast clock.
    const options = spans.map((span) => [inSeconds(span - 60), `${words.span(span)} (${this.#date(inSeconds(span))})`]);
    if (!longest && !required) options.push(["", words.expires()]);
    const expiry = select(options, spans.findLastIndex((span) => span <= 30 * DAY));
    const content = [field("label", label), field("scopes", make("div", { part: "scopes" }, ...rows), ...boxes), field("expiry", expiry)];
    this.#form("create", "", content, async () => {
      const scopes = boxes.filter((box) => box.checked).map((box) => box.value).join(" ");
      this.#reveal(await this.#ask("POST", "tokens", { label: label.value, scopes, expiry: expiry.value || null }));
    });
  }

  #rename({ id, label }) {
    const input = make("input", { value: label });
    this.#form("rename", label, [field("label", input)], async () => {
      const renamed = await this.#ask("PUT", `tokens/${id}`, { label: input.value });
      await this.#done(words.renamed(renamed.label), `rename-${id}`);
    });
  }

  #rotate({ id, label }) {
    const chosen = select([0, 3600, DAY, 7 * DAY].map((grace) => [grace, words.later(grace)]), 2);
    this.#form("rotate", label, [field("grace", chosen)], async () => {
      const grace = Number(chosen.value);
      this.#reveal(await this.#ask("POST", `tokens/${id}/rotate`, { grace, activate: grace ? "first_use" : "now" }));
    });
  }

  #revoke(token) {
    const next = this.#tokens[this.#tokens.indexOf(token) + 1];
    this.#form("revoke", token.label, [make("p", {}, words.final)], async () => {
      await this.#ask("DELETE", `tokens/${token.id}`);
      await this.#done(words.revoked(token.label), `revoke-${next?.id}`);
    });
  }

  #reveal({ id, label, token }) {
    const code = make("code", {}, token);
    const told = make("p", { role: "status" });
    const copy = button(words.copy, async () => {
      getSelection().selectAllChildren(code);
      told.textContent = await navigator.clipboard.writeText(code.textContent).then(() => words.copied, () => words.selected);
    });
    const close = () => this.#done(words.ready(label), `rename-${id}`);
    const content = [make("p", {}, words.once), make("p", { part: "secret" }, code), told];
    this.#show(words.secret(label), true, ...content, actions(copy, button(words.saved, close, "primary")));
    copy.focus();
  }
}

customElements.define("tokenry-tokens", TokenryTokens);
