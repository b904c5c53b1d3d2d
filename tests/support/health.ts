/** How a server fares: what an operator sees, and whether it still serves. */

import { assert, assertNotMatch } from "@std/assert";
import { file, type Origin } from "./origin.ts";
import type { Client, Sluice } from "./sluice.ts";
import { assertDownloaded } from "./status.ts";

const KiB = 1024;

/** The server's resident memory, in bytes. */
export async function memoryOf({ pid }: Sluice): Promise<number> {
  return Number(await printed("ps", "-o", "rss=", "-p", `${pid}`)) * KiB;
}

/** How many file descriptors the server holds. */
export async function openFilesOf({ pid }: Sluice): Promise<number> {
  return (await printed("ls", `/proc/${pid}/fd`)).trim().split("\n").length;
}

/** What a command prints on its standard output. */
export async function printed(
  command: string,
  ...args: string[]
): Promise<string> {
  const { stdout } = await new Deno.Command(command, { args }).output();
  return new TextDecoder().decode(stdout);
}

/** A metric's value at `/metrics`. */
export async function metric(sluice: Sluice, name: string): Promise<number> {
  const url = new URL("/metrics", sluice.url.replace("ws", "http"));
  const text = await (await fetch(url)).text();
  return Number(text.match(new RegExp(`^${name} (.+)$`, "m"))?.[1]);
}

/** Resolves once the server counts no more than `count` open sockets. */
export async function untilSockets(
  sluice: Sluice,
  count: number,
): Promise<void> {
  while (await metric(sluice, "sluice_sockets") > count);
}

let served = 0;

/** After all that came before, a client that behaves gets its file. */
export async function assertServes(
  sluice: Sluice,
  origin: Origin,
  client?: Client,
): Promise<void> {
  const whole = file(300 * KiB, ++served);
  const path = `/served-${served}`;
  origin.serve(path, whole);
  // Another host than that of downloads which a test holds up.
  const url = origin.url(path, "localhost");
  await using own = client ? null : await sluice.connect();
  const user = client ?? own;
  assert(user !== null);
  const status = await user.end(await user.add({ url }));
  await assertDownloaded(status, whole);
}

/** Fails if the server has met an error that it did not expect. */
export function assertCalm(sluice: Sluice): void {
  assertNotMatch(sluice.output(), /unexpected|panicked/);
}
