import { assertEquals, assertMatch } from "@std/assert";
import { createLog } from "../../lib/base/log.ts";

/** An output that takes `room` bytes; `written` resolves at each attempt. */
function createOutput(room: number) {
  let text = "";
  let attempt = Promise.withResolvers<void>();
  return {
    text: () => text,
    room: (bytes: number) => void (room = bytes),
    async written(): Promise<void> {
      await attempt.promise;
      attempt = Promise.withResolvers();
    },
    writeSync(bytes: Uint8Array): number {
      const taken = bytes.subarray(0, room);
      text += new TextDecoder().decode(taken);
      room -= taken.length;
      attempt.resolve();
      if (taken.length === 0) throw new Error("No space left on device");
      return taken.length;
    },
  };
}

Deno.test("lines that cannot be written are lost and counted, and nothing else is", async () => {
  const output = createOutput(10);
  const log = createLog("text", output);
  log("first");
  log("second");
  await output.written();
  log("third");
  await output.written();
  output.room(Infinity);
  log("fourth", { n: 1 });
  await output.written();
  log("fifth");
  await output.written();
  const [torn, ...lines] = output.text().trimEnd().split("\n");
  assertEquals(torn?.length, 10);
  assertEquals(lines.map((line) => line.replace(/^\S+ /, "")), [
    "lines lost count=3",
    "fourth n=1",
    "fifth",
  ]);
});

Deno.test("in JSON, lost lines are told as an event", async () => {
  const output = createOutput(0);
  const log = createLog("json", output);
  log("first");
  await output.written();
  output.room(Infinity);
  log("second");
  await output.written();
  const lines = output.text().split("\n").filter((line) => line !== "");
  const events = lines.map((line) => JSON.parse(line));
  for (const { time } of events) assertMatch(time, /^\d{4}-.*Z$/);
  assertEquals(events.map(({ time: _, ...rest }) => rest), [
    { event: "lines lost", count: 1 },
    { event: "second" },
  ]);
});
