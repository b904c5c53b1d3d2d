import { assertEquals } from "@std/assert";
import { crash } from "../crash.ts";

Deno.test("killed at 8 random instants, every download ends right, once", async () => {
  const seed = Number(Deno.env.get("CRASH_SEED") || 6);
  const report = await crash({ kills: 8, seed, tell: () => {} });
  assertEquals(report.kills, 8);
  // How often that was in the middle of something is up to the machine.
  console.log(`${report.resumed} recorded parts were gone on with`);
});
