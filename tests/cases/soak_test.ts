import { assertEquals, assertGreater } from "@std/assert";
import { soak } from "../soak.ts";

Deno.test("100 downloads come right from origins that fail one answer in five", async () => {
  const report = await soak({ downloads: 100, seed: 3, tell: () => {} });
  assertEquals(report.downloads, 100);
  // It must really have been that bad.
  const faults = Object.values(report.faults).reduce((sum, n) => sum + n, 0);
  assertGreater(faults, report.requests / 10);
  assertGreater(Object.keys(report.faults).length, 30);
});
