import { assertEquals, assertGreater } from "@std/assert";
import { crash } from "../crash.ts";

Deno.test("killed at 8 random instants, every download ends right, once", async () => {
  const seed = Number(Deno.env.get("CRASH_SEED") || 6);
  const report = await crash({ kills: 8, seed, tell: () => {} });
  assertEquals(report.kills, 8);
  // It must really have gone on in the middle of something.
  assertGreater(report.resumed, 0);
});
