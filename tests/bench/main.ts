/** The benchmark: Sluice beside its peers, in turn; see the README. */

import { parseArgs } from "@std/cli/parse-args";
import { nginxInstalled } from "../support/nginx.ts";
import { drawRace } from "./picture.ts";
import { render, type Result, rowsOf } from "./report.ts";
import type { Scenario } from "./scenario.ts";
import { cluster } from "./scenarios/cluster.ts";
import { races } from "./scenarios/files.ts";
import { long } from "./scenarios/long.ts";
import { queue } from "./scenarios/queue.ts";
import { start } from "./scenarios/start.ts";
import { watchers } from "./scenarios/watchers.ts";

const SCENARIOS: readonly Scenario[] = [
  ...races,
  queue,
  watchers,
  long,
  start,
  cluster,
];

const HELP = `Usage: deno task bench [flags]

  --scenario NAME     only this one; may be repeated
  --rounds N          rounds after the warm-up, 5 by default
  --size-factor F     what sizes and numbers are multiplied with, to be quick
  --cores N           run everything on the first N cores
  --directory DIR     where the files go; a memory disk shows CPU alone (not below /dev)
  --json FILE         write the results there, too
  --picture FILE      draw the last race as SVG

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
    string: [
      ...["scenario", "rounds", "size-factor", "cores", "directory"],
      ...["json", "picture"],
    ],
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
  if (flags.cores !== undefined) await pinTo(Number(flags.cores));
  const { directory: parent, json, picture } = flags;
  const outcomes: Outcome[] = [];
  for (const scenario of SCENARIOS) {
    const { name, what } = scenario;
    if (names.length > 0 && !names.includes(name)) continue;
    const directory = await Deno.makeTempDir({
      prefix: "bench-",
      ...(typeof parent === "string" && { dir: parent }),
    });
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
  if (typeof json === "string") await writeJson(json, sizeFactor, outcomes);
  if (typeof picture === "string") await writePicture(picture, outcomes);
  if (outcomes.some(isVoid)) Deno.exit(1);
}

/**
 * Keeps this process, and all that it starts, to the first cores: programs that
 * count cores then count these.
 */
async function pinTo(cores: number): Promise<void> {
  const { success, stderr } = await new Deno.Command("taskset", {
    args: ["--all-tasks", "-cp", `0-${cores - 1}`, String(Deno.pid)],
    stdout: "null",
  }).output();
  if (success) return;
  console.error(`taskset: ${new TextDecoder().decode(stderr)}`);
  Deno.exit(1);
}

async function writePicture(
  path: string,
  outcomes: readonly Outcome[],
): Promise<void> {
  const races = outcomes.flatMap(({ what, result }) =>
    result.kind === "race" ? [{ what, standings: result.standings }] : []
  );
  const last = races.at(-1);
  if (last === undefined) return;
  const cores = await coresAllowed();
  const title = `${last.what}, on ${cores} cores`;
  await Deno.writeTextFile(path, drawRace(title, rowsOf(last.standings)));
}

/** How many cores this process may use. */
async function coresAllowed(): Promise<number> {
  const { stdout } = await new Deno.Command("nproc").output();
  return Number(new TextDecoder().decode(stdout));
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
    cores: await coresAllowed(),
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
