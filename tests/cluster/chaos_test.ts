import { assert, assertEquals } from "@std/assert";
import { type Cable, layCable, startBroker } from "../support/broker.ts";
import { startNode } from "../support/cluster.ts";
import { filesIn, makeDirectory } from "../support/directory.ts";
import { file, firstDifference, startOrigin } from "../support/origin.ts";
import { connect, type Sluice } from "../support/sluice.ts";

const KiB = 1024;
const NAMES = ["a", "b", "c"] as const;
const FILES = 24;
/** How many faults come, and for how long one lasts at most, in milliseconds. */
const FAULTS = Number(Deno.env.get("CRASH_KILLS") ?? 8);
const LASTS = 4_000;

/** Numbers from 0 to 1 that only depend on a seed. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9 >>> 0;
    return ((state ^ (state >>> 13)) >>> 0) / 2 ** 32;
  };
}

/** One server, and the cable to its broker, whichever process it is by now. */
interface Member {
  node: Sluice;
  readonly cable: Cable;
}

for (const storage of ["shared", "local"] as const) {
  Deno.test(`whatever happens to servers and broker, each file is right and there once, storage ${storage}`, async () => {
    const seed = Number(Deno.env.get("CRASH_SEED") ?? Date.now() % 2 ** 31);
    const random = randomFrom(seed);
    await using made = new AsyncDisposableStack();
    const origin = made.use(await startOrigin());
    const broker = made.use(await startBroker());
    const shared = made.use(await makeDirectory());
    const directoryOf = (name: string) =>
      storage === "shared" ? shared.path : `${shared.path}/${name}`;
    const launch = (name: string, cable: Cable) =>
      startNode({
        broker: cable.address,
        name,
        directory: directoryOf(name),
        environment: { THREADS_AMOUNT: "4", BYTES_AMOUNT: "256KiB" },
      });
    const members: Member[] = [];
    for (const name of NAMES) {
      const cable = made.use(layCable(broker.address));
      const member = { node: await launch(name, cable), cable };
      made.defer(() => member.node[Symbol.asyncDispose]());
      members.push(member);
    }
    const contents = Array.from(
      { length: FILES },
      (_, n) => file(800 * KiB + n * 1000, n),
    );
    const urls = contents.map((content, n) =>
      origin.serve(`/${n}.bin`, content, { rate: 150 * KiB })
    );
    const ids: string[] = [];
    {
      const [first] = members;
      assert(first);
      await using client = await first.node.connect();
      for (const url of urls) ids.push(await client.add({ url }));
    }
    const lasts = () =>
      new Promise((resolve) => setTimeout(resolve, random() * LASTS));
    const faults: string[] = [];
    for (let n = 0; n < FAULTS; n++) {
      const index = Math.floor(random() * members.length);
      const member = members[index];
      const name = NAMES[index];
      assert(member && name);
      const kind = ["kill", "stop", "cut", "broker", "freeze", "term"][
        Math.floor(random() * 6)
      ];
      faults.push(`${kind} ${name}`);
      switch (kind) {
        case "kill":
        case "term":
          member.node.kill(kind === "kill" ? "SIGKILL" : "SIGTERM");
          await member.node.ended;
          await lasts();
          member.node = await launch(name, member.cable);
          break;
        case "stop":
          member.node.kill("SIGSTOP");
          await lasts();
          member.node.kill("SIGCONT");
          break;
        case "cut":
          member.cable.cut();
          await lasts();
          member.cable.mend();
          break;
        case "broker":
          await broker.crash();
          await lasts();
          await broker.restart();
          break;
        case "freeze":
          broker.kill("SIGSTOP");
          await lasts();
          broker.kill("SIGCONT");
      }
    }
    const what = `CRASH_SEED=${seed}: ${faults.join(", ")}`;
    const [first] = members;
    assert(first);
    await using client = await connect(first.node.url);
    const ended = ids.map((id) => client.end(id));
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => late.reject(new Error(`It takes too long. ${what}`)),
      150_000,
    );
    const statuses = await Promise.race([Promise.all(ended), late.promise])
      .finally(() => clearTimeout(timer));
    for (const [n, status] of statuses.entries()) {
      assertEquals(status.process_status, "Downloaded", what);
      const path = `${directoryOf(status.node ?? "")}/${n}.bin`;
      const difference = await firstDifference(path, contents[n] ?? file(0));
      assertEquals(difference, null, `${path} ${what}`);
    }
    const names = new Set(NAMES.map(directoryOf)).values()
      .flatMap((directory) => filesIn(directory))
      .filter((name) => name.endsWith(".bin")).toArray();
    assertEquals(names.length, FILES, `${names.join(" ")} ${what}`);
  });
}
