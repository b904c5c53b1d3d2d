import { assertEquals } from "@std/assert";
import type { Command } from "../../lib/download/download.ts";
import { DownloadError } from "../../lib/download/errors.ts";
import { commandMany } from "../../lib/server/many.ts";

const PAUSE: Command = { kind: "pause" };
const ids = (count: number) => Array.from({ length: count }, (_, n) => `${n}`);

Deno.test("one that refuses holds up no other, and says why", async () => {
  const paused: string[] = [];
  const coordinator = {
    command(id: string) {
      if (id !== "1") return Promise.resolve(void paused.push(id));
      return Promise.reject(new DownloadError("WRONG_STATE", "Cannot pause."));
    },
  };
  const { signal } = new AbortController();
  const done = await commandMany(coordinator, ids(3), PAUSE, signal);
  assertEquals(paused, ["0", "2"]);
  assertEquals(done, {
    done: 2,
    left: 1,
    refused: [{ id: "1", code: "WRONG_STATE", message: "Cannot pause." }],
  });
});

Deno.test("of very many refusals, only the first are told", async () => {
  const refuse = () => Promise.reject(new DownloadError("UNKNOWN_ID", "None."));
  const { signal } = new AbortController();
  const all = ids(3_000);
  const done = await commandMany({ command: refuse }, all, PAUSE, signal);
  assertEquals([done.done, done.left, done.refused.length], [0, 3_000, 1_000]);
});

Deno.test("a server that stops leaves the rest as it is", async () => {
  const stop = new AbortController();
  let carriedOut = 0;
  const coordinator = {
    command() {
      if (++carriedOut === 700) stop.abort();
      return Promise.resolve();
    },
  };
  const all = ids(3_000);
  const done = await commandMany(coordinator, all, PAUSE, stop.signal);
  assertEquals([done.done, done.left, carriedOut], [1_000, 2_000, 1_000]);
});
