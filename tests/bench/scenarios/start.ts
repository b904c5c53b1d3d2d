/** How soon there is something to use. */

import { startNginx } from "../../support/nginx.ts";
import { startSluice } from "../../support/sluice.ts";
import { bareDeno, isInstalled, sluiceGet } from "../contenders.ts";
import { measureCommand } from "../meter.ts";
import { type Figure, spreadOf } from "../report.ts";
import type { Scenario } from "../scenario.ts";

const FETCHERS = [
  bareDeno("deno: fetch, write, link"),
  sluiceGet("sluice get"),
  sluiceGet("sluice get SYNC=false", { SYNC: "false" }),
];

/** The server's start, beside programs that fetch 1 kB, and Deno's own. */
export const start: Scenario = {
  name: "start",
  what: "from the start to serving; peers fetch 1 kB",
  async run({ rounds, directory, note }) {
    const root = `${directory}/source`;
    await Deno.mkdir(root);
    await Deno.writeFile(`${root}/file.bin`, new Uint8Array(1_000));
    await Deno.writeTextFile(`${directory}/empty.ts`, "");
    await using nginx = await startNginx({ root });
    const url = `${nginx.url}/file.bin`;
    const commands: Record<string, string[]> = {
      "deno run of nothing": [Deno.execPath(), "run", "empty.ts"],
      curl: ["curl", "--silent", "--fail", "--remote-name", url],
      aria2c: ["aria2c", "--quiet", "--no-conf", "--allow-overwrite", url],
    };
    const seconds = new Map<string, number[]>();
    function add(name: string, value: number): void {
      seconds.set(name, [...seconds.get(name) ?? [], value]);
    }
    for (let round = 0; round < rounds; round++) {
      const started = performance.now();
      const sluice = await startSluice({ directory: `${directory}/target` });
      add("sluice serves", (performance.now() - started) / 1000);
      await sluice[Symbol.asyncDispose]();
      for (const [name, words] of Object.entries(commands)) {
        const [program = ""] = words;
        if (!await isInstalled(program)) {
          if (round === 0) note(`${name} is left out: it is not installed`);
          continue;
        }
        const cost = await measureCommand(words, { cwd: directory });
        add(name, cost.seconds);
      }
      for (const { name, prepare } of FETCHERS) {
        await using fetching = await prepare({
          origin: nginx.url,
          names: ["file.bin"],
          source: root,
          target: await Deno.makeTempDir({ dir: directory }),
          caFile: null,
        });
        add(name, (await fetching.run()).seconds);
      }
    }
    const figures = [...seconds].map(([name, values]): Figure => ({
      name,
      value: spreadOf(values).median * 1000,
      unit: "ms",
      aim: name.startsWith("sluice get") ? "≤ 3 × Deno's own" : "",
    }));
    return { kind: "figures", figures };
  },
};
