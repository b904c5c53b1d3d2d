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
import { createCoordinator } from "./lib/coordinator.ts";
import { DownloadError } from "./lib/errors.ts";
import { createLog } from "./lib/log.ts";
import { openParts } from "./lib/parts.ts";
import { createHandler } from "./lib/server/server.ts";
import { openStore } from "./lib/store.ts";

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
  await serve(readConfig(flags, (name) => Deno.env.get(name)));
}

async function serve(config: Config): Promise<void> {
  const { contentDirectory, caFile } = config;
  await refuseWithout([
    { name: "read", path: contentDirectory },
    { name: "write", path: contentDirectory },
    ...ownFiles().map((path) => ({ name: "read", path }) as const),
    ...(caFile ? [{ name: "read", path: caFile } as const] : []),
  ]);
  const log = createLog(config.logFormat);
  using parts = await openParts(contentDirectory, config);
  using store = openStore(parts.statePath);
  await parts.removeOrphans((id) => store.runs(id).length > 0);
  const options = {
    ...config,
    caCerts: caFile ? [await readCaFile(caFile)] : [],
    channel: `sluice ${crypto.randomUUID()}`,
  };
  const coordinator = createCoordinator(options, { store, parts, log });
  const handler = createHandler(options, { coordinator, log });
  try {
    const server = Deno.serve({
      hostname: config.host,
      port: config.port,
      onListen: ({ port }) => announce(config, port),
      handler: handler.handle,
    });
    await stopped();
    log("stopping");
    handler.close();
    await Promise.all([coordinator.close(), server.shutdown()]);
  } catch (error) {
    await coordinator.close();
    throw error;
  }
}

function announce(config: Config, port: number): void {
  const host = config.host.includes(":") ? `[${config.host}]` : config.host;
  console.log(`Sluice listens on ws://${host}:${port}/`);
  console.log(`Files go to ${config.contentDirectory}`);
  console.log(
    `${config.threadsAmount} threads on ${config.workers} workers, ` +
      `at most ${config.bytesAmount} bytes a slice`,
  );
}

/** Resolves at the first SIGINT or SIGTERM; a second one ends the process. */
function stopped(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let asked = false;
  function stop() {
    if (asked) Deno.exit(130);
    asked = true;
    resolve();
  }
  Deno.addSignalListener("SIGINT", stop);
  Deno.addSignalListener("SIGTERM", stop);
  return promise;
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
  const { path, variable } = { path: null, variable: null, ...descriptor };
  return [path, variable].filter((value) => value !== null).map(String);
}

/** A mistake of the user's is one line; only one of ours shows its stack. */
function fail(error: unknown): never {
  if (error instanceof UsageError || error instanceof ConfigError) {
    console.error(`sluice: ${error.message}`);
    Deno.exit(2);
  }
  if (error instanceof DownloadError) {
    console.error(`sluice: ${error.message}`);
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
