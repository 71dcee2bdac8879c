// oidc-provider's token endpoint, from memory: for a client that acts for itself, and for codes that were made before.
// Arguments: the files to write the requests into, of each kind, and how many codes to make. Prints its port.

import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import Provider from "oidc-provider";
import { Stored } from "./stored.js";

const USERS = 1000;
const SCOPE = "account:read_only";
const REDIRECT = "https://app.example/callback";
const VERIFIER = "verifier-of-the-benchmark-".repeat(2);
const SECRET = "secret-of-the-benchmark";
const ITSELF = { client_id: "itself", grant_types: ["client_credentials"], response_types: [], redirect_uris: [] };
const SENT = {
  client_id: "sent",
  grant_types: ["authorization_code", "refresh_token"],
  response_types: ["code"],
  redirect_uris: [REDIRECT],
};
const [, , itself, sent, codes] = process.argv;

const provider = new Provider("http://127.0.0.1", {
  adapter: Stored,
  clients: [ITSELF, SENT].map((client) => ({ ...client, client_secret: SECRET, token_endpoint_auth_method: "client_secret_basic" })),
  features: { clientCredentials: { enabled: true }, devInteractions: { enabled: false } },
  findAccount: (_, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
  issueRefreshToken: () => true,
  scopes: [SCOPE],
  ttl: { AccessToken: 7200, AuthorizationCode: 3600, ClientCredentials: 7200, Grant: 86400, RefreshToken: 86400 },
});

function line(clientId, form) {
  const basic = Buffer.from(`${clientId}:${SECRET}`).toString("base64");
  const headers = `Authorization: Basic ${basic}\tContent-Type: application/x-www-form-urlencoded`;
  return `none /token\t${headers}\tbody=${new URLSearchParams(form)}\n`;
}

writeFileSync(itself, line(ITSELF.client_id, { grant_type: "client_credentials", scope: SCOPE }));

const client = await provider.Client.find(SENT.client_id);
const codeChallenge = createHash("sha256").update(VERIFIER).digest("base64url");
const grants = [];
for (let number = 0; number < USERS; number += 1) {
  const grant = new provider.Grant({ clientId: client.clientId, accountId: `user-${number}` });
  grant.addOIDCScope(SCOPE);
  grants.push(await grant.save());
}
const lines = [];
for (let number = 0; number < Number(codes); number += 1) {
  const code = new provider.AuthorizationCode({
    client,
    accountId: `user-${number % USERS}`,
    grantId: grants[number % USERS],
    gty: "authorization_code",
    redirectUri: REDIRECT,
    codeChallenge,
    codeChallengeMethod: "S256",
    scope: SCOPE,
  });
  const form = { grant_type: "authorization_code", code: await code.save(), redirect_uri: REDIRECT, code_verifier: VERIFIER };
  lines.push(line(SENT.client_id, form));
}
writeFileSync(sent, lines.join(""));

const give = provider.callback();
// Whether it is there is asked by GET.
const server = createServer((asked, answer) => (asked.method === "POST" ? give(asked, answer) : answer.writeHead(204).end()));
server.listen(0, "127.0.0.1", 2048, () => console.log(server.address().port));
