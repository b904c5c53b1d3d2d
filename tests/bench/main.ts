/** The benchmark: Sluice beside its peers, in turn; see the README. */

import { parseArgs } from "@std/cli/parse-args";
import { nginxInstalled } from "../support/nginx.ts";
import { render, type Result, rowsOf } from "./report.ts";
import type { Scenario } from "./scenario.ts";
import { races } from "./scenarios/files.ts";
import { long } from "./scenarios/long.ts";
import { queue } from "./scenarios/queue.ts";
import { start } from "./scenarios/start.ts";
import { watchers } from "./scenarios/watchers.ts";

const SCENARIOS: readonly Scenario[] = [...races, queue, watchers, long, start];

const HELP = `Usage: deno task bench [flags]

  --scenario NAME     only this one; may be repeated
  --rounds N          rounds after the warm-up, 5 by default
  --size-factor F     what sizes and numbers are multiplied with, to be quick
  --json FILE         write the results there, too

Scenarios:
${SCENARIOS.map(({ name, what }) => `  ${name.padEnd(20)}${what}`).join("\n")}
`;

interface Outcome {
  readonly scenario: string;
  readonly what: string;
  readonly result: Result;
}

async function main(args: readonly string[]): Promise<void> {
  const flags = parseArgs(args, {
    string: ["scenario", "rounds", "size-factor", "json"],
    boolean: ["help"],
    collect: ["scenario"],
  });
  const names = [flags.scenario ?? [], flags._].flat().map(String);
  const unknown = names.find((name) => !SCENARIOS.some((s) => s.name === name));
  if (flags.help === true || unknown !== undefined) {
    if (unknown !== undefined) console.error(`There is no ${unknown}.`);
    return console.log(HELP);
  }
  if (!nginxInstalled()) {
    console.error("Install nginx first: apt-get install nginx-light");
    Deno.exit(1);
  }
  const rounds = Number(flags.rounds ?? 5);
  const sizeFactor = Number(flags["size-factor"] ?? 1);
  const outcomes: Outcome[] = [];
  for (const scenario of SCENARIOS) {
    const { name, what } = scenario;
    if (names.length > 0 && !names.includes(name)) continue;
    const directory = await Deno.makeTempDir({ prefix: "bench-" });
    const note = (text: string) => console.error(`${name}: ${text}`);
    try {
      const options = { rounds, sizeFactor, directory, note };
      const result = await scenario.run(options);
      outcomes.push({ scenario: name, what, result });
      const scale = sizeFactor === 1 ? "" : `, all × ${sizeFactor}`;
      console.log(`\n${name}: ${what}${scale}\n\n${render(result)}\n`);
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  }
  const { json } = flags;
  if (typeof json === "string") await writeJson(json, sizeFactor, outcomes);
  if (outcomes.some(isVoid)) Deno.exit(1);
}

/** Whether a file was wrong, or somebody failed. */
function isVoid({ result }: Outcome): boolean {
  return result.kind === "race" &&
    result.standings.some(({ faults }) => faults.length > 0);
}

async function writeJson(
  path: string,
  sizeFactor: number,
  outcomes: readonly Outcome[],
): Promise<void> {
  const report = {
    date: new Date().toISOString(),
    deno: Deno.version.deno,
    cores: navigator.hardwareConcurrency,
    sizeFactor,
    scenarios: outcomes.map(({ result, ...scenario }) => ({
      ...scenario,
      ...(result.kind === "race"
        ? { rows: rowsOf(result.standings), costs: result.standings }
        : { figures: result.figures }),
    })),
  };
  await Deno.writeTextFile(path, JSON.stringify(report, null, 2) + "\n");
}

await main(Deno.args);
