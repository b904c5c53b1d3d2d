/** The program: reads the settings, puts the parts together, and serves. */

import { parseArgs } from "@std/cli/parse-args";
import { fromFileUrl } from "@std/path";
import {
  type Config,
  ConfigError,
  ENVIRONMENT,
  FLAGS,
  readConfig,
  SETTINGS_HELP,
} from "./config.ts";
import { DownloadError } from "./lib/errors.ts";
import { createLog } from "./lib/log.ts";
import { allowsPrivate, exposureFault } from "./lib/server/exposure.ts";
import { serve } from "./lib/server/serve.ts";

const HELP = `Sluice, a download server

Usage: sluice [serve] [flags]

Flags, each also a variable of the environment (--port is PORT):
${SETTINGS_HELP.join("\n")}
  --help                 this text
`;

/** A wrong use of the program: one line, exit code 2. */
class UsageError extends Error {}

async function main(args: readonly string[]): Promise<void> {
  const flags = parseArgs(args, {
    string: FLAGS,
    boolean: ["help"],
    unknown(argument) {
      if (!argument.startsWith("-")) return true;
      throw new UsageError(`There is no flag ${argument}; see --help.`);
    },
  });
  if (flags.help === true) return console.log(HELP);
  const [command = "serve", ...rest] = flags._;
  if (command !== "serve" || rest.length > 0) {
    throw new UsageError(`There is no command ${command}; see --help.`);
  }
  await refuseWithout([{ name: "net" }]);
  await refuseWithout(
    ENVIRONMENT.map((variable) => ({ name: "env", variable })),
  );
  await run(readConfig(flags, (name) => Deno.env.get(name)));
}

async function run(config: Config): Promise<void> {
  const { contentDirectory, caFile } = config;
  await refuseWithout([
    { name: "read", path: contentDirectory },
    { name: "write", path: contentDirectory },
    SYS_STATFS,
    ...ownFiles().map((path) => ({ name: "read", path }) as const),
    ...(caFile ? [{ name: "read", path: caFile } as const] : []),
  ]);
  const fault = await exposureFault(config);
  if (fault) throw new ConfigError(fault);
  const options = {
    ...config,
    allowPrivate: allowsPrivate(config),
    caCerts: caFile ? [await readCaFile(caFile)] : [],
    channel: `sluice ${crypto.randomUUID()}`,
  };
  const log = createLog(config.logFormat);
  await serve(options, log, (port) => announce(options, port));
  // Whoever still reads a file would keep the process alive.
  Deno.exit(0);
}

/** How much room a disk has is asked of the system, by a kind of its own. */
const SYS_STATFS = {
  name: "sys",
  kind: "statfs",
} as unknown as Deno.SysPermissionDescriptor;

function announce(
  config: Config & { allowPrivate: boolean },
  port: number,
): void {
  const host = config.host.includes(":") ? `[${config.host}]` : config.host;
  console.log(`Sluice listens on ws://${host}:${port}/`);
  console.log(`Its page is http://${host}:${port}/`);
  console.log(`Files go to ${config.contentDirectory}`);
  console.log(
    `${config.threadsAmount} threads on ${config.workers} workers, ` +
      `at most ${config.bytesAmount} bytes a slice`,
  );
  if (!config.allowPrivate) {
    console.log("Private networks are denied to downloads");
  }
}

/** The files of Sluice's own that are read while it runs. */
function ownFiles(): string[] {
  return Deno.build.standalone
    ? []
    : [fromFileUrl(import.meta.resolve("./lib"))];
}

async function readCaFile(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConfigError(`CA_FILE cannot be read: ${reason}.`);
  }
}

/** Names every flag that is missing, in one line. */
async function refuseWithout(
  needed: readonly Deno.PermissionDescriptor[],
): Promise<void> {
  const missing = new Map<string, string[]>();
  for (const descriptor of needed) {
    const { state } = await Deno.permissions.query(descriptor);
    if (state === "granted") continue;
    const flag = `--allow-${descriptor.name}`;
    const values = missing.get(flag) ?? [];
    missing.set(flag, [...values, ...valuesOf(descriptor)]);
  }
  if (missing.size === 0) return;
  const flags = missing.entries().map(([flag, values]) =>
    values.length > 0 ? `${flag}=${values.join(",")}` : flag
  );
  throw new ConfigError(
    `Permission is missing: run deno with ${[...flags].join(" ")}`,
  );
}

function valuesOf(descriptor: Deno.PermissionDescriptor): string[] {
  const none = { path: null, variable: null, kind: null };
  const { path, variable, kind } = { ...none, ...descriptor };
  return [path, variable, kind].filter((value) => value !== null).map(String);
}

/** A mistake of the user's is one line; only one of ours shows its stack. */
function fail(error: unknown): never {
  if (error instanceof UsageError || error instanceof ConfigError) {
    console.error(`sluice: ${error.message}`);
    Deno.exit(2);
  }
  if (error instanceof DownloadError) {
    console.error(`sluice: ${error.message}`);
  } else if (error instanceof Deno.errors.NotCapable) {
    console.error(`sluice: Permission is missing: ${error.message}`);
  } else if (error instanceof Deno.errors.AddrInUse) {
    console.error(
      "sluice: The port is taken: choose another with --port, or stop " +
        "whoever has it.",
    );
  } else {
    console.error("sluice: unexpected error", error);
  }
  Deno.exit(1);
}

if (import.meta.main) await main(Deno.args).catch(fail);
