// A product with a login of its own, whose settings page has its users' access tokens, and whose API takes them; in Node's
// standard library.
//
//     TOKENRY_TOKEN=pat_… node product.mjs
//
// The token is that of a service account, with tokenry_users:read_write and tokenry_tokens:read_write; the service lists
// this product's origin in TOKENRY_ALLOWED_ORIGINS. ada@example.com signs in with "difference engine".

import { randomBytes, scryptSync, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";
import { Verifier } from "./tokenry.mjs";

const TOKENRY = process.env.TOKENRY_URL ?? "http://127.0.0.1:8470"; // as browsers reach it, too
const OWN = process.env.ORIGIN ?? "http://127.0.0.1:8000";
const SECURE = OWN.startsWith("https:");
const COOKIE = SECURE ? "__Host-session" : "session";
const BODY_BYTES_MAX = 4096;

const SALT = randomBytes(16);
// What tokenry calls a user is the id, which never changes.
const ADA = { id: "u-1815", email: "ada@example.com", salt: SALT, password: hashPassword("difference engine", SALT) };
const users = new Map([[ADA.email, ADA]]);
const invoices = new Map([[ADA.id, [{ number: 7, total: "99.00" }]]]);
const sessions = new Map();

const verifier = new Verifier(TOKENRY);
const component = await (await fetch(`${TOKENRY}/components/tokenry-tokens`)).json();

function hashPassword(password, salt) {
  return scryptSync(password, salt, 32);
}

// --- the API, for programs with a token ---

const NEEDS = { scopes: ["invoices:read_only"] };

/** The invoices of whoever made the token. */
async function listInvoices(request) {
  const { authorization = [] } = request.headersDistinct;
  const { identity, refusal } = await verifier.verify(NEEDS, {
    method: request.method,
    authorization: authorization.length ? authorization.join(", ") : undefined, // two are none
    address: request.socket.remoteAddress,
    agent: request.headers["user-agent"],
  });
  return refusal ?? json(200, invoices.get(identity.externalId) ?? []);
}

// --- the pages, for people with a session ---

function askWho() {
  return page("Sign in", signIn(""));
}

async function beginSession(request) {
  const form = await readForm(request);
  const user = users.get(form.get("email"));
  const given = hashPassword(form.get("password") ?? "", user?.salt ?? SALT);
  if (!user || !timingSafeEqual(given, user.password)) {
    return page("Sign in", signIn('<p role="alert">The email address or the password is wrong.</p>'), 403);
  }
  const session = randomBytes(32).toString("base64url");
  sessions.set(session, user);
  return redirect("/settings", session);
}

async function endSession(request) {
  await readForm(request);
  sessions.delete(sessionOf(request));
  return redirect("/sign-in", "", "; Max-Age=0");
}

async function showSettings(_, user) {
  return page("Settings", settings(user, await makePageToken(user)));
}

async function renew(request, user) {
  await readForm(request);
  return answer(200, await makePageToken(user), "text/plain", { "Cache-Control": "no-store" });
}

/** What the user's own browser may manage that user's tokens with, for a quarter of an hour. */
async function makePageToken(user) {
  const place = `${TOKENRY}/v4/tokenry/users/${encodeURIComponent(user.id)}`;
  const headers = { Authorization: `Bearer ${process.env.TOKENRY_TOKEN}`, "Content-Type": "application/json" };
  // It may be repeated: nothing has to be kept of it.
  const put = await fetch(place, { method: "PUT", headers, body: JSON.stringify({ email: user.email }) });
  const made = put.ok && (await fetch(`${place}/page-token`, { method: "POST", headers }));
  if (!made?.ok) throw new Error("tokenry made no page token");
  return (await made.json()).token;
}

// --- HTTP ---

class Refused extends Error {
  constructor(status) {
    super(`refused with ${status}`);
    this.status = status;
  }
}

/** Each request with what answers it, and whether somebody has to be signed in. */
const ROUTES = {
  "GET /api/invoices": [listInvoices],
  "GET /sign-in": [askWho],
  "POST /sign-in": [beginSession],
  "POST /sign-out": [endSession],
  "GET /": [showSettings, true],
  "GET /settings": [showSettings, true],
  "POST /settings/page-token": [renew, true],
  "GET /settings.js": [() => answer(200, RENEWAL, "text/javascript")],
  "GET /style.css": [() => answer(200, STYLE, "text/css")],
};

async function handle(request) {
  const [run, forUsers] = ROUTES[`${request.method} ${request.url.split("?")[0]}`] ?? [];
  if (!run) throw new Refused(404);
  // A browser says where each form comes from: no other site's is done.
  if (request.method === "POST" && request.headers.origin !== OWN) throw new Refused(403);
  const user = sessions.get(sessionOf(request));
  return forUsers && !user ? redirect("/sign-in") : run(request, user);
}

function sessionOf(request) {
  const pairs = (request.headers.cookie ?? "").split("; ").map((pair) => pair.split("="));
  return pairs.find(([name]) => name === COOKIE)?.[1];
}

async function readForm(request) {
  let text = "";
  for await (const piece of request.setEncoding("utf8")) {
    text += piece;
    if (text.length > BODY_BYTES_MAX) throw new Refused(413);
  }
  return new URLSearchParams(text);
}

function answer(status, body, type, headers = {}) {
  return { status, body, headers: { "Content-Type": `${type}; charset=utf-8`, "X-Content-Type-Options": "nosniff", ...headers } };
}

function json(status, value) {
  return answer(status, JSON.stringify(value), "application/json", { "Cache-Control": "no-store" });
}

function redirect(place, session, age = "") {
  const cookie = `${COOKIE}=${session}; Path=/; HttpOnly; SameSite=Lax${SECURE ? "; Secure" : ""}${age}`;
  return answer(303, "", "text/plain", { Location: place, ...(session !== undefined && { "Set-Cookie": cookie }) });
}

/** A page, in which the component's script and the page's own run, and no other. */
function page(title, body, status = 200) {
  const policy =
    `default-src 'none'; style-src 'self'; script-src 'self' ${TOKENRY}; connect-src 'self' ${TOKENRY}; ` +
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
  const headers = { "Content-Security-Policy": policy, "Cache-Control": "no-store", "Referrer-Policy": "same-origin" };
  return answer(status, layout(title, body), "text/html", headers);
}

const server = createServer(async (request, reply) => {
  const { status, body, headers } = await handle(request).catch((error) => {
    if (error instanceof Refused) return answer(error.status, "", "text/plain");
    console.error(error.message);
    return answer(503, "Try again in a moment.", "text/plain");
  });
  reply.writeHead(status, headers).end(body);
});
server.listen(Number(process.argv[2] ?? 8000), "127.0.0.1");

// --- what is shown ---

const escape = (text) => text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
const layout = (title, body) => `<!doctype html>
<html lang="en">
<meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${title}</title><link rel="stylesheet" href="/style.css">
<main><h1>${title}</h1>${body}</main>
</html>
`;
const signIn = (wrong) => `<form method="post" action="/sign-in">${wrong}
<label>Email <input type="email" name="email" autocomplete="username" required></label>
<label>Password <input type="password" name="password" autocomplete="current-password" required></label>
<button>Sign in</button></form>
`;
const settings = (user, token) => `<form method="post" action="/sign-out"><p>${escape(user.email)}</p><button>Sign out</button></form>
<h2>Access tokens</h2>
<p>With a token your programs see your invoices at <code>/api/invoices</code>.</p>
<script type="module" src="${escape(TOKENRY + component.path)}" integrity="${escape(component.integrity)}" crossorigin="anonymous"></script>
<script type="module" src="/settings.js"></script>
<tokenry-tokens api="${escape(TOKENRY)}" token="${escape(token)}"></tokenry-tokens>
`;
const RENEWAL = `document.addEventListener("tokenry-expired", async ({ target }) => {
  const answer = await fetch("/settings/page-token", { method: "POST" });
  if (answer.ok && !answer.redirected) target.setAttribute("token", await answer.text());
});
`;
const STYLE = `:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
body { margin: 0; background: light-dark(#f6f7f9, #0f1319); color: light-dark(#1c2430, #e6e9ee); }
main { max-width: 44rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
h1, h2 { line-height: 1.25; text-wrap: balance; }
form { display: flex; flex-wrap: wrap; gap: .75rem; align-items: center; justify-content: space-between; }
form[action="/sign-in"] { display: grid; max-width: 22rem; justify-content: stretch; }
p { overflow-wrap: anywhere; margin: .5rem 0; }
label { display: grid; gap: .25rem; }
input, button {
  box-sizing: border-box; min-height: 2.75rem; padding: .4rem .9rem;
  border: 1px solid light-dark(#6d7889, #8d98a8); border-radius: .5rem;
  background: light-dark(#fff, #171b22); color: inherit; font: inherit;
}
:focus-visible { outline: 3px solid light-dark(#0b57b8, #8cbaff); outline-offset: 2px; }
[role=alert] { color: light-dark(#b3261e, #ff9d95); font-weight: 600; }
`;
