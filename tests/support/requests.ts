/** Requests that many tests make over the WebSocket, and how replies read. */

import { assert } from "@std/assert";
import type { ServerMessage } from "../../lib/server/messages.ts";
import { file, type Origin } from "./origin.ts";
import type { Client } from "./sluice.ts";

const KiB = 1024;

/** The code of a reply that is an error; else `no error`. */
export function codeOf(message: ServerMessage): string {
  return "error" in message ? message.error.code : "no error";
}

/** `count` downloads that the origin answers only once `gate` resolves. */
export function waitingDownloads(
  origin: Origin,
  count: number,
  gate: Promise<unknown>,
  urlLength = 0,
): string[] {
  const whole = file(2 * KiB, 24);
  const path = origin.serve("/waiting", whole, {
    gates: { head: () => gate },
  });
  return Array.from(
    { length: count },
    (_, n) => `${path}?${n}-`.padEnd(urlLength, "x"),
  );
}

/** Adds downloads in one request; resolves to their ids. */
export async function addAll(
  client: Client,
  urls: string[],
): Promise<string[]> {
  const reply = await client.request({ urls });
  assert("data" in reply && "ids" in reply.data, JSON.stringify(reply));
  return [...reply.data.ids ?? []];
}
