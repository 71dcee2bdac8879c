// A real OpenID provider on loopback, the unmodified oidc-provider, which takes whoever signs in for who they say:
//
//     node provider.js '{"port": …, "clients": […], "people": {LOGIN: CLAIMS}}'
//
// It prints its address when it listens. For each line in it takes other keys, and no longer signs by those before.

import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { Provider } from "oidc-provider";

const { port, clients, people } = JSON.parse(process.argv[2]);
const issuer = `http://127.0.0.1:${port}`;

function serve() {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const provider = new Provider(issuer, {
    clients,
    jwks: { keys: [{ ...privateKey.export({ format: "jwk" }), use: "sig", alg: "RS256" }] },
    cookies: { keys: ["loopback"] },
    claims: {
      profile: ["preferred_username"],
      email: ["email", "email_verified"],
      work: ["groups", "organisation"],
    },
    scopes: ["openid", "profile", "email", "work"],
    ttl: { AccessToken: 60, AuthorizationCode: 60, Grant: 600, IdToken: 60, Interaction: 600, Session: 600 },
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, ...people[id] }) }),
  });
  return provider.callback();
}

let answer = serve();
createServer((request, reply) => answer(request, reply)).listen(port, "127.0.0.1", () => console.log(issuer));
for await (const _ of createInterface({ input: process.stdin })) {
  answer = serve();
  console.log("other keys");
}
process.exit(); // with whoever started it, however that ended
