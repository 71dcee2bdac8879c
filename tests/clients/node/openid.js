// Does, step by step, what an application does with the unmodified openid-client. Each line in is a step, each line out
// what became of it:
//
//     {"step": NAME, ...} -> {"answer": ...} | {"error": CODE, "description": ...}
//
// The error is the one that the service answered or sent the browser back with. Anything else ends the program.

import * as client from "openid-client";
import { createInterface } from "node:readline";

let config, checks, options;

const steps = {
  // Find out what the authorization server is, and begin as one of its clients.
  async discover({ issuer, id, secret, dpop }) {
    const proof = secret ? client.ClientSecretBasic(secret) : client.None();
    config = await client.discovery(new URL(issuer), id, undefined, proof, {
      algorithm: "oauth2",
      execute: [client.allowInsecureRequests], // http on loopback
    });
    options = dpop ? { DPoP: client.getDPoPHandle(config, await client.randomDPoPKeyPair()) } : undefined;
    return config.serverMetadata();
  },

  // The address to send the user to. With `par` its request is pushed before.
  async begin({ par, asked }) {
    const pkceCodeVerifier = client.randomPKCECodeVerifier();
    checks = { pkceCodeVerifier, expectedState: client.randomState() };
    const parameters = {
      ...asked,
      state: checks.expectedState,
      code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: "S256",
    };
    return par
      ? client.buildAuthorizationUrlWithPAR(config, parameters, options)
      : client.buildAuthorizationUrl(config, parameters);
  },

  finish: ({ url }) => client.authorizationCodeGrant(config, new URL(url), checks, undefined, options),
  refresh: ({ token }) => client.refreshTokenGrant(config, token, undefined, options),
  credentials: ({ asked }) => client.clientCredentialsGrant(config, asked, options),
  introspect: ({ token }) => client.tokenIntrospection(config, token),
  revoke: ({ token }) => client.tokenRevocation(config, token),

  device: ({ asked }) => client.initiateDeviceAuthorization(config, asked),
  poll: ({ device }) => client.pollDeviceAuthorizationGrant(config, { ...device, interval: 0.1 }, undefined, options),

  async fetch({ token, url }) {
    const answer = await client.fetchProtectedResource(config, token, new URL(url), "GET", null, undefined, options);
    return { status: answer.status, body: await answer.json() };
  },
};

function refused(error) {
  if (error.error) return { error: error.error, description: error.error_description };
  if (error instanceof client.WWWAuthenticateChallengeError) {
    return { error: error.cause[0].parameters.error, description: error.cause[0].scheme };
  }
  throw error;
}

for await (const line of createInterface({ input: process.stdin })) {
  const { step, ...given } = JSON.parse(line);
  const became = await Promise.resolve(steps[step](given)).then((answer) => ({ answer: answer ?? null }), refused);
  console.log(JSON.stringify(became));
}
