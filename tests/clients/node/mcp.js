// A program with the unmodified @modelcontextprotocol/sdk. Each line in is a step, each line out what became of it:
//
//     {"step": "begin", "grant_types": ...} -> {}
//     {"step": "call", "url": ..., "name": ..., "arguments": ...} -> {"said": ...} | {"open": ADDRESS}
//     {"step": "finish", "code": ...} -> {"tokens": ...}
//     {"step": "lose"} -> {}
//
// It begins with nothing. An address has to be opened in the user's browser, and the code that comes back finishes that. It
// can lose its access token. Anything else ends it.

import { UnauthorizedError } from "@modelcontextprotocol/sdk/client/auth.js";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { createInterface } from "node:readline";

class Provider {
  redirectUrl = "http://127.0.0.1/callback";
  constructor(grant_types) {
    const redirect_uris = [this.redirectUrl];
    this.clientMetadata = { client_name: "MCP program", redirect_uris, grant_types, token_endpoint_auth_method: "none" };
  }
  clientInformation = () => this.client;
  saveClientInformation = (client) => void (this.client = client);
  tokens = () => this.kept;
  saveTokens = (tokens) => void (this.kept = tokens);
  codeVerifier = () => this.verifier;
  saveCodeVerifier = (verifier) => void (this.verifier = verifier);
  redirectToAuthorization = (address) => void (this.address = address);
}

let provider, transport, client;

async function connect(url) {
  transport = new StreamableHTTPClientTransport(new URL(url), { authProvider: provider });
  client = new Client({ name: "program", version: "1" });
  await client.connect(transport);
}

const steps = {
  async begin({ grant_types }) {
    await client?.close();
    [provider, client] = [new Provider(grant_types), undefined];
    return {};
  },

  async call({ url, name, arguments: given }) {
    try {
      if (!client) await connect(url);
      const answer = await client.callTool({ name, arguments: given });
      return { said: answer.content[0].text };
    } catch (error) {
      if (!(error instanceof UnauthorizedError)) throw error;
      if (!provider.kept) client = undefined; // it is not connected yet
      return { open: provider.address };
    }
  },

  async finish({ code }) {
    await transport.finishAuth(code);
    return { tokens: provider.kept };
  },

  lose() {
    provider.kept.access_token = "lost";
    return {};
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { step, ...given } = JSON.parse(line);
  console.log(JSON.stringify(await steps[step](given)));
}
await client?.close();
