// oidc-provider's introspection of opaque access tokens, from memory, by a client with client_secret_basic.
// A GET is a gateway's, which gives the token and wants a status: a small adapter asks introspection for it.
// Argument: the file to write the requests into. Prints its port.

import { writeFileSync } from "node:fs";
import { Agent, createServer, request } from "node:http";
import Provider from "oidc-provider";
import { Stored } from "./stored.js";

const STORED = 1000;
const USERS = 10;
const CLIENT = { client_id: "benchmark", client_secret: "secret-of-the-benchmark" };

const provider = new Provider("http://127.0.0.1", {
  adapter: Stored,
  clients: [{ ...CLIENT, grant_types: [], response_types: [], redirect_uris: [], token_endpoint_auth_method: "client_secret_basic" }],
  features: { introspection: { enabled: true }, devInteractions: { enabled: false } },
  findAccount: (_, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
  ttl: { AccessToken: 86400, Grant: 86400 },
});
const client = await provider.Client.find(CLIENT.client_id);
const basic = Buffer.from(`${CLIENT.client_id}:${CLIENT.client_secret}`).toString("base64");
const lines = [];
for (let number = 0; number < STORED; number += 1) {
  const accountId = `user-${number % USERS}`;
  const grantId = await new provider.Grant({ clientId: client.clientId, accountId }).save();
  const token = new provider.AccessToken({ client, accountId, grantId, gty: "authorization_code", scope: "openid" });
  const secret = await token.save();
  const headers = `Authorization: Basic ${basic}\tContent-Type: application/x-www-form-urlencoded`;
  lines.push(`${secret} /token/introspection\t${headers}\tbody=token=${secret}\n`);
}
writeFileSync(process.argv[2], lines.join(""));

const introspect = provider.callback();
const agent = new Agent({ keepAlive: true });

function adapt(asked, answer) {
  const token = (asked.headers.authorization ?? "").replace(/^Bearer /, "");
  const headers = { Authorization: `Basic ${basic}`, "Content-Type": "application/x-www-form-urlencoded" };
  const options = { agent, host: "127.0.0.1", port: server.address().port, method: "POST", path: "/token/introspection", headers };
  const question = request(options, async (found) => {
    const { active, sub } = JSON.parse((await found.toArray()).join(""));
    answer.writeHead(active ? 200 : 401, active ? { "X-Auth-User": sub } : {});
    answer.end();
  });
  question.end(`token=${encodeURIComponent(token)}`);
}

const server = createServer((asked, answer) => (asked.method === "POST" ? introspect : adapt)(asked, answer));
server.listen(0, "127.0.0.1", 2048, () => console.log(server.address().port));
