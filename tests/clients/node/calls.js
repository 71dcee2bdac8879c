// Calls functions of the unmodified @linode/api-v4. Each line in is a call, each line out is what became of it:
//
//     {"url": ..., "token": ..., "call": [FUNCTION, ARGUMENT...]}
//     {"answer": ...} | {"status": ..., "headers": ..., "errors": ...} | {"errors": ...}
//
// What the function returned, or an AxiosError, or faults that the client itself found. Anything else ends the program.

import * as api from "@linode/api-v4";
import { createInterface } from "node:readline";

const BUILT_IN = "https://api.linode.com/v4";
let service;

api.baseRequest.interceptors.request.use((config) => ({
  ...config,
  baseURL: service,
  url: config.url.replace(BUILT_IN, service),
}));

function refused(error) {
  if (Array.isArray(error)) return { errors: error };
  if (error.name !== "AxiosError" || !error.response) throw error;
  const { status, headers, data } = error.response;
  return { status, headers, errors: data.errors };
}

for await (const line of createInterface({ input: process.stdin })) {
  const { url, token, call } = JSON.parse(line);
  const [name, ...args] = call;
  service = url;
  const withToken = api.setToken(token);
  console.log(JSON.stringify(await api[name](...args).then((answer) => ({ answer }), refused)));
  api.baseRequest.interceptors.request.eject(withToken);
}
