// better-auth API keys from memory: verifyApiKey behind the smallest server, which says whose the key is.
// Argument: the file to write the requests into. Prints its port.

import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { apiKey } from "@better-auth/api-key";
import { betterAuth } from "better-auth";
import { memoryAdapter } from "better-auth/adapters/memory";

const STORED = 1000;
const USERS = 10;

const models = { user: [], session: [], account: [], verification: [], apikey: [] };
const auth = betterAuth({
  baseURL: "http://127.0.0.1",
  secret: "a secret that is used for nothing but this benchmark",
  database: memoryAdapter(models),
  plugins: [apiKey({ rateLimit: { enabled: false } })],
  telemetry: { enabled: false },
});
const { internalAdapter } = await auth.$context;
const users = [];
for (let number = 0; number < USERS; number += 1) {
  const email = `user-${number}@example.org`;
  users.push(await internalAdapter.createUser({ name: `user-${number}`, email, emailVerified: true }));
}
const names = new Map(users.map((user) => [user.id, user.name]));
const lines = [];
for (let number = 0; number < STORED; number += 1) {
  const { key } = await auth.api.createApiKey({ body: { userId: users[number % USERS].id } });
  lines.push(`${key} /\n`);
}
writeFileSync(process.argv[2], lines.join(""));

const server = createServer(async (request, response) => {
  const key = (request.headers.authorization ?? "").replace(/^Bearer /, "");
  const answer = await auth.api.verifyApiKey({ body: { key } });
  if (answer.valid) {
    const user = names.get(answer.key.referenceId);
    response.writeHead(200, { "Content-Type": "application/json", "X-Auth-User": user });
    response.end(JSON.stringify({ user }));
  } else {
    response.writeHead(401, { "Content-Type": "application/json" });
    response.end(JSON.stringify({ error: answer.error.code }));
  }
});
server.listen(0, "127.0.0.1", 2048, () => console.log(server.address().port));
