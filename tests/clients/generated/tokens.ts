// What one does with tokens, through openapi-fetch and the types that openapi-typescript makes of the description.

import createClient from "openapi-fetch";
import type { components, paths } from "./tokenry.d.ts";

declare const process: { env: { TOKENRY_URL: string; TOKENRY_TOKEN: string } };
const { TOKENRY_URL: baseUrl, TOKENRY_TOKEN: token } = process.env;
const client = createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${token}` } });
const stranger = createClient<paths>({ baseUrl, headers: { Authorization: "Bearer unknown" } });
const version = { apiVersion: "v4" } as const;

// What cannot be asked, or is not answered, does not compile.
// @ts-expect-error: a path that is not there
type NoPath = paths["/{apiVersion}/tokens"];
// @ts-expect-error: a version that is not there
const noVersion: components["schemas"]["ApiVersion"] = "v5";
// @ts-expect-error: a label that is no text
const noLabel: components["schemas"]["NewToken"] = { label: 5 };
// @ts-expect-error: a key that no token has
type NoKey = components["schemas"]["TokenPage"]["data"][number]["secret"];

function found<T>({ data, error }: { data?: T; error?: unknown }): T {
  if (data === undefined) throw new Error(JSON.stringify(error));
  return data;
}

function refusal({ error, response }: { error?: components["schemas"]["Errors"]; response: Response }) {
  return { status: response.status, errors: error?.errors };
}

const body = { label: "generated", scopes: "linodes:read_only", expiry: "2030-01-01T13:46:32" };
const created = found(await client.POST("/{apiVersion}/profile/tokens", { params: { path: version }, body }));
const listed = found(
  await client.GET("/{apiVersion}/profile/tokens", {
    params: {
      path: version,
      query: { page: 1, page_size: 25 },
      header: { "X-Filter": JSON.stringify({ label: { "+contains": "generated" } }) },
    },
  }),
);
const params = { path: { ...version, tokenId: created.id } };
const viewed = found(await client.GET("/{apiVersion}/profile/tokens/{tokenId}", { params }));
const renamed = found(
  await client.PUT("/{apiVersion}/profile/tokens/{tokenId}", { params, body: { label: "renamed" } }),
);
const deleted = found(await client.DELETE("/{apiVersion}/profile/tokens/{tokenId}", { params }));
const missing = await client.GET("/{apiVersion}/profile/tokens/{tokenId}", { params });
const faulty = await client.POST("/{apiVersion}/profile/tokens", { params: { path: version }, body: { label: "" } });
const unknown = await stranger.GET("/{apiVersion}/profile/tokens", { params: { path: version } });

console.log(
  JSON.stringify({
    created,
    listed,
    viewed,
    renamed,
    deleted,
    missing: refusal(missing),
    faulty: refusal(faulty),
    unknown: refusal(unknown),
  }),
);
