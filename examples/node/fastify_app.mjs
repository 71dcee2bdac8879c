// The same with Fastify.
//
// node fastify_app.mjs
import fastify from "fastify";
import { Verifier } from "./tokenry.mjs";

const verifier = new Verifier(process.env.VERIFIER ?? "http://127.0.0.1:8470");
const app = fastify();
app.addHook("onRequest", verifier.fastify({ resource: "linodes" }));
app.all("/", async (request) => ({ hello: request.tokenry.user }));
await verifier.check();
await app.listen({ port: Number(process.env.PORT ?? 3000), host: "127.0.0.1" });
console.log(app.server.address().port);
