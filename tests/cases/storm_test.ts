import { assertEquals, assertGreater } from "@std/assert";
import { storm } from "../storm.ts";

Deno.test("40 downloads come right or fail in a clear word, whatever the answers", async () => {
  const report = await storm({ downloads: 40, seed: 1, tell: () => {} });
  const { Downloaded = 0, ...failed } = report.ends;
  const failures = Object.values(failed).reduce((sum, n) => sum + n, 0);
  assertEquals(Downloaded + failures, 40);
  // It must have been a storm, and not the end of the world.
  assertGreater(Downloaded, 10);
  assertGreater(Object.keys(failed).length, 4);
});
