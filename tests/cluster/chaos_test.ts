import { crashCluster } from "../crash_cluster.ts";

/** `deno task crash --cluster` has a hundred. */
const FAULTS = 5;

for (const storage of ["shared", "local"] as const) {
  Deno.test(`whatever happens to servers and brokers, each file is right and there once, storage ${storage}`, async () => {
    const seed = Number(Deno.env.get("CRASH_SEED") ?? Date.now() % 2 ** 31);
    await crashCluster({ faults: FAULTS, seed, storage, tell() {} });
  });
}
