/** The doors of servers, through which a soak's clients ask. */

import type { ServerMessage } from "../../lib/server/messages.ts";
import { type Ran, start } from "./process.ts";
import { type Client, type Sluice, taskArguments } from "./sluice.ts";
import { httpUrl, TOKEN } from "./soak_world.ts";

/** A server, and a client that is connected to it. */
export interface Member {
  readonly node: Sluice;
  readonly client: Client;
}

/** What a client asks for, in the fields of the socket's protocol. */
export type Fields = Readonly<Record<string, unknown>>;

/** What comes of it: what is told, or why it is refused. */
export type Reply =
  | { readonly kind: "done"; readonly data: Record<string, unknown> }
  | { readonly kind: "refused"; readonly code: string; readonly why: string };

/** A way to ask a server. */
type Door = (member: Member, fields: Fields) => Promise<Reply>;

/** Asks by the socket. */
export const bySocket: Door = async ({ client }, fields) => {
  const reply: ServerMessage = await client.request(fields);
  if ("error" in reply) {
    return {
      kind: "refused",
      code: reply.error.code,
      why: reply.error.message,
    };
  }
  const { data } = reply;
  return {
    kind: "done",
    data: Array.isArray(data) ? { list: data } : { ...data },
  };
};

/** What the API has no path for goes by the socket. */
const byApi: Door = async (member, { action, id, ...rest }) => {
  const { node } = member;
  const one = `/api/downloads/${id}`;
  const post = (path: string, body: Fields) =>
    callApi(node, "POST", path, body);
  if (action === undefined && !("urls" in rest)) {
    return await post("/api/downloads", rest);
  }
  if (id === undefined) return await bySocket(member, { action, ...rest });
  switch (action) {
    case "get":
      return await callApi(node, "GET", one);
    case "limit":
    case "prioritize":
      return await callApi(node, "PATCH", one, rest);
    case "remove": {
      const query = `?delete_file=${rest.delete_file === true}`;
      return await callApi(node, "DELETE", one + query);
    }
    default:
      return await post(`${one}/${action}`, rest);
  }
};

/** Those of one protocol, the socket as often again. */
export const DOORS: readonly Door[] = [bySocket, bySocket, byApi];

/** Asks the HTTP API. */
export async function callApi(
  node: Sluice,
  method: string,
  path: string,
  body?: Fields,
): Promise<Reply> {
  const response = await fetch(httpUrl(node, path), {
    method,
    headers: {
      Authorization: `Bearer ${TOKEN}`,
      "Content-Type": "application/json",
    },
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const data = text === "" ? {} : JSON.parse(text);
  return response.ok
    ? { kind: "done", data }
    : { kind: "refused", code: data.code, why: data.detail };
}

/** aria2's name of a download. */
export const gidOf = (id: string) => id.replaceAll("-", "").slice(0, 16);

/** Calls a method of aria2's JSON-RPC. */
export async function callAria2(
  node: Sluice,
  method: string,
  ...params: readonly unknown[]
): Promise<{ result?: unknown; error?: { code: number; message: string } }> {
  const response = await fetch(httpUrl(node, "/jsonrpc"), {
    method: "POST",
    body: JSON.stringify({
      jsonrpc: "2.0",
      id: "x",
      method: `aria2.${method}`,
      params: [`token:${TOKEN}`, ...params],
    }),
  });
  return await response.json();
}

/** Runs a task that talks to a server. @throws if it fails. */
export async function runCommand(
  node: Sluice,
  task: "export" | "import",
  file?: string,
  { stdin }: { readonly stdin?: string } = {},
): Promise<Ran> {
  const args = [
    ...taskArguments(task, node.directory),
    ...file === undefined ? [] : [file],
    ...["--server", node.url],
  ];
  const env = { SLUICE_TOKEN: TOKEN };
  await using command = start(args, { env, ...(stdin && { stdin }) });
  const ran = await command.ended;
  if (ran.code === 0) return ran;
  throw new Error(`${task} ended with ${ran.code}: ${ran.stderr}`);
}
