// The same for whatever calls a function with a Request, as workers do; here Node's own server does.
//
// node fetch_app.mjs
import { createServer } from "node:http";
import { Verifier } from "./tokenry.mjs";

const verifier = new Verifier(process.env.VERIFIER ?? "http://127.0.0.1:8470");
const handle = verifier.fetch({ resource: "linodes" }, (request, identity) => Response.json({ hello: identity.user }));
const server = createServer(async (message, reply) => {
  const { method, url, headersDistinct } = message;
  const headers = Object.entries(headersDistinct).flatMap(([name, values]) => values.map((value) => [name, value]));
  const answer = await handle(new Request(new URL(url, "http://localhost"), { method, headers }));
  reply.writeHead(answer.status, Object.fromEntries(answer.headers)).end(await answer.text());
});
await verifier.check();
server.listen(Number(process.env.PORT ?? 3000), "127.0.0.1", () => console.log(server.address().port));
