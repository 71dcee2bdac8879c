// Personal access tokens of a tokenry service, verified over HTTP, for Node's frameworks and whatever speaks fetch.
//
// Copy this file into your project: it has no dependencies, and runs on Node 20 and later, Deno, Bun and workers.
//
//     import { Verifier } from "./tokenry.mjs";
//     const verifier = new Verifier("http://127.0.0.1:8470");
//     app.use("/invoices", verifier.express({ resource: "invoices" }));              // Express: req.tokenry
//     fastify.addHook("onRequest", verifier.fastify({ resource: "invoices" }));      // Fastify: request.tokenry
//     export default { fetch: verifier.fetch({ scopes: ["invoices:read_only"] }, (request, identity) => …) };
//
//     await verifier.check();    // before you listen: does the service have all these scopes and resources?
//
// What is needed: `scopes`, a list, all of which are needed; `resource`, for which the level goes by the method
// (`read_only` for GET, HEAD and OPTIONS, `read_write` for every other); neither: any valid token. `audience` is your
// application's own address, if OAuth clients name one. With `optional` who presents no token gets in, and is null. With
// `cost`, 1 for instance, a request counts so much against the limit of its token, and is a 429 when that is used up.
//
// While there is no decision, the answer is no: 503. Nothing is remembered, so a revoked token is refused at once.

const IDENTITY = ["user", "user-id", "account-id", "token-id", "scopes", "expires", "external-id"];
const NEEDS = ["scopes", "resource", "audience", "optional", "cost"];
const LEFT = ["X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "Retry-After"];
const COST_MAX = 1000;
const INSTANCE = "(@[A-Za-z0-9][A-Za-z0-9._-]{0,63})?";
const RESOURCE = new RegExp(`^[a-z][a-z0-9_]{0,63}${INSTANCE}$`);
const SCOPE = new RegExp(`^(\\*|[a-z][a-z0-9_]{0,63}:[a-z][a-z0-9_]{0,63}${INSTANCE})$`);
const BODY_BYTES_MAX = 64 * 1024;
const CATALOGUE_BYTES_MAX = 4 * 1024 * 1024;
const UNAVAILABLE = refusal(503, "Service unavailable");
const DOUBLED = refusal(400, "Must be sent only once", "Authorization");

export class Verifier {
  #base;
  #timeout;
  #needed = [];

  /** `url` is the service's address; `timeout` is in milliseconds, for each question. Throws TypeError for a bad address. */
  constructor(url, { timeout = 2000 } = {}) {
    const base = new URL(url);
    if (!["http:", "https:"].includes(base.protocol) || base.username || base.password || base.search || base.hash) {
      throw new TypeError("The address must be like http://127.0.0.1:8470");
    }
    this.#base = base.href.replace(/\/$/, "");
    this.#timeout = timeout;
  }

  /**
   * Decide on a request: `{identity}`, which is null only for optional needs without a token, or `{refusal}`, an answer
   * `{status, headers, body}` that is ready to be sent. `authorization` is the value of the header, or undefined.
   */
  async verify(needs, { method, authorization, address, agent }) {
    const question = ask(needs);
    const scheme = (authorization ?? "").split(" ", 1)[0].toLowerCase();
    if (needs.optional && !["bearer", "dpop"].includes(scheme)) return { identity: null };
    const headers = { "X-Original-Method": method };
    if (authorization !== undefined) headers.Authorization = authorization;
    if (address) headers["X-Forwarded-For"] = address;
    if (agent) headers["User-Agent"] = agent;
    try {
      const signal = AbortSignal.timeout(this.#timeout);
      const response = await fetch(`${this.#base}/verify/auth-request${question}`, { headers, signal, redirect: "manual" });
      const body = await readBounded(response);
      if (response.status === 200) return { identity: readIdentity(response.headers) };
      if (response.status === 400) throw new NoDecision("status 400: the service may have no such scope or resource");
      const told = readRefusal(response, body);
      if (told === null) throw new NoDecision(`status ${response.status} that is not the service's own`);
      return { refusal: refusalOf(response.status, body, told) };
    } catch (error) {
      console.error(`tokenry: no decision: ${reasonOf(error)}`);
      return { refusal: UNAVAILABLE };
    }
  }

  /**
   * Compare what was given to `express`, `fastify` and `fetch`, and `more`, with what the service has. Throws TypeError for
   * a scope or a resource that it lacks. A service that does not answer keeps nobody from starting: standard error says so.
   */
  async check(...more) {
    more.forEach(ask);
    const needed = [...this.#needed, ...more];
    let catalogue;
    try {
      const signal = AbortSignal.timeout(this.#timeout);
      const response = await fetch(`${this.#base}/v4/tokenry/scopes`, { signal, redirect: "manual" });
      if (response.status !== 200) throw new NoDecision(`status ${response.status}`);
      catalogue = JSON.parse(await readBounded(response, CATALOGUE_BYTES_MAX)).resources.map(readResource);
    } catch (error) {
      console.error(`tokenry: what is needed was not compared with what there is: ${reasonOf(error)}`);
      return;
    }
    const unknown = new Set(needed.flatMap((needs) => listUnknown(needs, catalogue)));
    if (unknown.size) throw new TypeError(`The service has no ${[...unknown].join(", ")}`);
  }

  /** A middleware for Express. The identity is in `req.tokenry`. */
  express(needs) {
    this.#note(needs);
    return async (req, res, next) => {
      const { identity, refusal } = await this.#judge(needs, req, req.ip);
      if (refusal) return void res.writeHead(refusal.status, refusal.headers).end(refusal.body);
      req.tokenry = identity;
      next();
    };
  }

  /** A hook (`onRequest`) for Fastify. The identity is in `request.tokenry`. */
  fastify(needs) {
    this.#note(needs);
    return async (request, reply) => {
      const { identity, refusal } = await this.#judge(needs, request.raw, request.ip);
      if (refusal) return reply.code(refusal.status).headers(refusal.headers).send(Buffer.from(refusal.body));
      request.tokenry = identity;
    };
  }

  /** A handler that takes a Request and returns a Response: yours, which is given the identity too, or a refusal. */
  fetch(needs, handler) {
    this.#note(needs);
    return async (request, ...more) => {
      const asked = {
        method: request.method,
        authorization: request.headers.get("authorization") ?? undefined,
        agent: request.headers.get("user-agent"),
      };
      const { identity, refusal } = await this.verify(needs, asked);
      if (refusal) {
        const body = request.method === "HEAD" ? null : refusal.body;
        return new Response(body, { status: refusal.status, headers: refusal.headers });
      }
      return handler(request, identity, ...more);
    };
  }

  #note(needs) {
    ask(needs); // what is wrong with it is told at the start
    this.#needed.push(needs);
  }

  async #judge(needs, message, address) {
    const { authorization = [], "user-agent": agents = [] } = message.headersDistinct;
    if (authorization.length > 1) return { refusal: DOUBLED };
    const asked = { method: message.method, authorization: authorization[0], address, agent: agents.at(-1) };
    return this.verify(needs, asked);
  }
}

class NoDecision extends Error {}

/** Why there is no answer. The text of another error may quote what was sent. */
function reasonOf(error) {
  return error instanceof NoDecision ? error.message : (error.cause?.code ?? error.name);
}

/** A resource of the catalogue: its scopes, whether it has instances, and whether it says what reads and what writes. */
function readResource({ name, instances, reads, actions }) {
  return { name, instances, byMethod: Boolean(reads), scopes: new Set(actions.map(({ scope }) => scope)) };
}

/** The scopes and resources that are needed and not there. */
function listUnknown({ scopes = [], resource = [] }, catalogue) {
  const lacks = (text, isOf) => {
    const [general, instance] = text.split("@");
    return !catalogue.some((each) => isOf(each, general) && (each.instances || instance === undefined));
  };
  return [
    ...scopes.filter((scope) => scope !== "*" && lacks(scope, (each, general) => each.scopes.has(general))),
    ...[resource].flat().filter((name) => lacks(name, (each, general) => each.byMethod && each.name === general)),
  ];
}

async function readBounded(response, left = BODY_BYTES_MAX) {
  const pieces = [];
  for await (const piece of response.body ?? []) {
    left -= piece.length;
    if (left < 0) throw new NoDecision("a body that has no end");
    pieces.push(piece);
  }
  return new Blob(pieces).text();
}

/** What is needed, as the service takes it. Throws TypeError, also for what is misspelt or unset: that would need nothing. */
function ask(needs) {
  for (const name in needs) {
    if (!NEEDS.includes(name)) throw new TypeError(`${name} can be no need: there are ${NEEDS.join(", ")}`);
    if (needs[name] === undefined) throw new TypeError(`${name} is undefined: leave it out, if it is not needed`);
  }
  const { scopes = [], resource = [], audience, cost = 0 } = needs;
  const query = new URLSearchParams();
  for (const scope of scopes) query.append("scope", named(scope, SCOPE));
  for (const name of [resource].flat()) query.append("resource", named(name, RESOURCE));
  if (audience !== undefined) query.append("audience", audience);
  if (!Number.isInteger(cost) || cost < 0 || cost > COST_MAX) throw new TypeError(`cost is a whole number up to ${COST_MAX}`);
  if (cost) query.append("cost", cost);
  return query.size ? `?${query}` : "";
}

function named(name, pattern) {
  if (!pattern.test(name)) throw new TypeError(`${name} can be no scope and no resource`);
  return name;
}

/** Who is calling. Throws where a header is missing: then it was not the service that answered. */
function readIdentity(headers) {
  const [user, userId, accountId, tokenId, scopes, expires, externalId] = IDENTITY.map((name) => {
    const value = headers.get(`x-auth-${name}`);
    if (value === null) throw new NoDecision("status 200 without the headers that say who is calling");
    return value;
  });
  const ids = { userId: Number(userId), accountId: Number(accountId), tokenId: Number(tokenId) };
  if (!user || !Object.values(ids).every(Number.isSafeInteger)) throw new NoDecision("an identity that cannot be read");
  return {
    user,
    ...ids,
    scopes: scopes.split(" ").filter(Boolean),
    expires: expires === "" ? null : new Date(Number(expires) * 1000),
    clientId: headers.get("x-auth-client-id") || null,
    externalId: decodeURIComponent(externalId) || null,
    metadata: readMetadata(headers.get("x-auth-metadata")),
  };
}

/** What your product keeps with the user and with the token; null where the service does not tell it. */
function readMetadata(told) {
  if (told === null) return null;
  if (told === "") return { user: {}, token: {} };
  const bytes = atob(told.replaceAll("-", "+").replaceAll("_", "/"));
  return JSON.parse(new TextDecoder().decode(Uint8Array.from(bytes, (byte) => byte.charCodeAt(0))));
}

/** The headers of a refusal that are passed on: the challenge, or what is left of a limit. Null where it is no refusal. */
function readRefusal({ status, headers }, body) {
  if (headers.get("content-type") !== "application/json" || !Array.isArray(JSON.parse(body).errors)) return null;
  if (status === 429) {
    const left = LEFT.map((name) => [name, headers.get(name) ?? ""]);
    return left.every(([, value]) => /^[0-9]{1,12}$/.test(value)) ? Object.fromEntries(left) : null;
  }
  const challenge = headers.get("www-authenticate") ?? "";
  return [401, 403].includes(status) && /^(Bearer|DPoP) /.test(challenge) ? { "WWW-Authenticate": challenge } : null;
}

function refusal(status, reason, field) {
  return refusalOf(status, JSON.stringify({ errors: [{ reason, field }] }), {});
}

function refusalOf(status, body, told) {
  return { status, body, headers: { "Content-Type": "application/json", "Cache-Control": "no-store", ...told } };
}
