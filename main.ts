/** The program: reads the command line and the settings, and does its part. */

import { resolve } from "@std/path/resolve";
import {
  type Config,
  ConfigError,
  FILE_RULES,
  type Program,
  PROXY_ENVIRONMENT,
  readConfig,
  readProxies,
  settingsOf,
} from "./config.ts";
import { errorMessage } from "./lib/base/error_message.ts";
import { writeOutSync } from "./lib/base/write_all.ts";
import { type Invocation, readArguments } from "./lib/cli/arguments.ts";
import { createCommands, settingFlag } from "./lib/cli/commands.ts";
import type { CertificateSettings } from "./lib/cli/certificates.ts";
import type { ConfigFile } from "./lib/cli/config_file.ts";
import { variable } from "./lib/cli/environment.ts";
import { ownFiles, refuseWithout } from "./lib/cli/permissions.ts";
import { UsageError } from "./lib/cli/usage.ts";
import { TERM } from "./lib/cli/terminal/outputs.ts";
import { printable } from "./lib/cli/terminal/width.ts";
import { DownloadError } from "./lib/download/errors.ts";
import type { Rule } from "./lib/download/rules.ts";
import type { Proxies } from "./lib/origin/proxies.ts";

// What only one command needs is imported by it: `get` is to start at once.

async function main(args: readonly string[]): Promise<void> {
  const commands = createCommands({
    serve: settingsOf("serve").map(flagOf),
    get: settingsOf("get").map(flagOf),
  });
  const asked = readArguments(args, commands);
  const { command, flags, operands } = asked;
  if (flags.help) {
    const help = await import("./lib/cli/help.ts");
    return print(
      asked.named
        ? help.renderCommandHelp(command)
        : help.renderHelp(commands) + "\n" + help.renderCommandHelp(command),
    );
  }
  if (flags.version) {
    const { default: project } = await import("./deno.json", {
      with: { type: "json" },
    });
    return print(`sluice ${project.version}`);
  }
  switch (command.name) {
    case "serve":
      if (operands.length === 0) return await serve(await configFor(asked));
      throw new UsageError(`There is no command ${operands[0]}; see --help.`);
    case "get":
      return Deno.exit(await get(asked, await configFor(asked)));
    case "man": {
      const { renderManual } = await import("./lib/cli/manual.ts");
      const { default: { version } } = await import("./deno.json", {
        with: { type: "json" },
      });
      const date = new Date().toISOString().slice(0, 10);
      return print(renderManual(commands, { version, date }));
    }
    case "completions": {
      const script = await import("./lib/cli/completions.ts");
      return print(
        script.renderCompletions(operands.join(" "), commands),
      );
    }
    default: {
      const { askServer } = await import("./lib/cli/ask_server.ts");
      Deno.exit(await askServer(asked, await authoritiesOf(asked)));
    }
  }
}

function flagOf(
  { flag: name, ...usage }: ReturnType<typeof settingsOf>[number],
) {
  return settingFlag({ name, ...usage });
}

/** The settings, and what is named beside them. */
interface Settings extends Config {
  readonly proxies: Proxies;
  /** Where tables stand; undefined for none. */
  readonly file: ConfigFile | undefined;
}

/** The settings, from the command line, the environment and a file. */
async function configFor({ command, flags }: Invocation): Promise<Settings> {
  const program: Program = command.name === "get" ? "get" : "serve";
  const settings = settingsOf(program).map(({ variable }) => variable);
  if (program === "get") settings.push(TERM);
  if (flags.netrc) settings.push("HOME");
  const needed = [...settings, ...PROXY_ENVIRONMENT]
    .map((name) => ({ name: "env", variable: name }) as const);
  refuseWithout([{ name: "net" }, ...needed]);
  const file = await configFileFor(flags, variable, program);
  const config = readConfig(flags, variable, program, file);
  const proxies = {
    ...readProxies(variable, file),
    ...await namedProxies(file),
  };
  // Deno's clients read these, too, when they are made, and otherwise than curl:
  // what they do not understand, they go round in silence.
  for (const name of PROXY_ENVIRONMENT) Deno.env.delete(name);
  return { ...config, proxies, file };
}

/** @throws {UsageError} naming the line of a proxy that makes no sense. */
async function namedProxies(
  file: ConfigFile | undefined,
): Promise<Pick<Proxies, "named">> {
  const tables = file?.tables("proxies") ?? [];
  if (tables.length === 0) return {};
  const { readNamedProxies } = await import("./lib/cli/proxy_tables.ts");
  return { named: readNamedProxies(tables, FILE_RULES.settings) };
}

/**
 * The file of settings that a flag or the environment names; undefined for none.
 *
 * @throws {UsageError} if it is of no use, or may not be read.
 */
async function configFileFor(
  flags: Invocation["flags"],
  environment: (name: string) => string | undefined,
  program: Program,
): Promise<ConfigFile | undefined> {
  const named = flags["config-file"] ?? environment("CONFIG_FILE");
  if (typeof named !== "string" || named.trim() === "") return undefined;
  const path = resolve(named.trim());
  const permission = { name: "read", path } as const;
  if (Deno.permissions.querySync(permission).state !== "granted") {
    // The line names the other files, too, as far as they are known without it.
    refuseWithout(filesOf(readConfig(flags, environment, program)));
  }
  const { readConfigFile } = await import("./lib/cli/config_file.ts");
  return await readConfigFile(path, named.trim(), FILE_RULES);
}

/** The authorities in PEM that the command line trusts a server with. */
async function authoritiesOf(asked: Invocation): Promise<string[]> {
  const named = asked.flags["ca-file"];
  if (typeof named !== "string") return [];
  const path = resolve(named);
  const { namedFiles } = await import("./lib/cli/named_files.ts");
  refuseWithout([{ name: "read", path }, ...namedFiles(asked)]);
  const { readCaFile } = await import("./lib/cli/certificates.ts");
  return [await readCaFile("--ca-file", path)];
}

/**
 * The rules of the file of settings.
 *
 * @throws {UsageError} naming the line of one that makes no sense.
 */
async function rulesOf(
  { file, proxies }: Settings,
): Promise<readonly Rule[]> {
  const tables = file?.tables("rules") ?? [];
  if (tables.length === 0) return [];
  const { readRules } = await import("./lib/cli/rule_tables.ts");
  const named = [...proxies.named?.keys() ?? []];
  return readRules(tables, FILE_RULES.settings, named);
}

async function serve(settings: Settings): Promise<never> {
  refuseWithout([...filesOf(settings), SYS_HOSTNAME]);
  const { runServe } = await import("./lib/cli/serve_command.ts");
  const rules = await rulesOf(settings);
  const settingNames = FILE_RULES.settings;
  await runServe({ ...settings, rules, settingNames }, print);
  // A client that still reads a file would keep the process alive.
  Deno.exit(0);
}

async function get(asked: Invocation, config: Settings): Promise<number> {
  const { runGet } = await import("./lib/cli/get_command.ts");
  const { namedFiles } = await import("./lib/cli/named_files.ts");
  const netrc = await netrcPathOf(asked);
  refuseWithout([
    ...filesOf(config),
    ...namedFiles(asked),
    ...(netrc === null ? [] : [{ name: "read", path: netrc } as const]),
  ]);
  return await runGet(asked, {
    ...config,
    rules: await rulesOf(config),
    netrc,
    begin: "immediate",
    // The user who types the URL may fetch from wherever this machine may.
    allowPrivate: true,
    ...await certificatesOf(config),
  });
}

/** Most calls name none, and are to start at once. */
async function certificatesOf(settings: CertificateSettings) {
  const { caFile, clientCert, clientKey } = settings;
  if (caFile === null && clientCert === null && clientKey === null) {
    return { caCerts: [], clientCertificate: null };
  }
  const { readCertificates } = await import("./lib/cli/certificates.ts");
  return await readCertificates(settings);
}

/** The file with names and passwords that was asked for; null for none. */
async function netrcPathOf({ flags }: Invocation): Promise<string | null> {
  if (!flags.netrc && !("netrc-file" in flags)) return null;
  const { netrcPath } = await import("./lib/cli/netrc.ts");
  return netrcPath(flags);
}

/** The files that a program reads and writes. */
function filesOf(
  {
    contentDirectory,
    stateDirectory,
    caFile,
    clientCert,
    clientKey,
    authTokenFile,
    queueCredentials,
    configFile,
  }: Config,
): Deno.PermissionDescriptor[] {
  return [
    { name: "read", path: contentDirectory } as const,
    { name: "write", path: contentDirectory } as const,
    SYS_STATFS,
    ...ownFiles().map((path) => ({ name: "read", path }) as const),
    ...(stateDirectory === null ? [] : [
      { name: "read", path: stateDirectory } as const,
      { name: "write", path: stateDirectory } as const,
    ]),
    ...[
      ...[caFile, clientCert, clientKey, authTokenFile, queueCredentials],
      configFile,
    ].filter((path) => path !== null)
      .map((path) => ({ name: "read", path }) as const),
  ];
}

/** How much room a disk has is asked of the system, by a kind of its own. */
const SYS_STATFS = {
  name: "sys",
  kind: "statfs",
} as unknown as Deno.SysPermissionDescriptor;

/** The machine's own name is the server's, too. */
const SYS_HOSTNAME = { name: "sys", kind: "hostname" } as const;

/** @throws {DownloadError} DISK if standard output takes no more. */
function print(text: string): void {
  try {
    writeOutSync(Deno.stdout, new TextEncoder().encode(`${text}\n`));
  } catch (error) {
    throw new DownloadError(
      "DISK",
      `Standard output cannot be written: ${errorMessage(error)}.`,
      { cause: error },
    );
  }
}

/** Writes to standard error, if that takes anything. */
function complain(text: string): void {
  try {
    writeOutSync(Deno.stderr, new TextEncoder().encode(`sluice: ${text}\n`));
  } catch {
    // The exit code says that something is wrong.
  }
}

/** A mistake of the user's is one line; only one of ours shows its stack. */
function fail(error: unknown): never {
  if (error instanceof UsageError || error instanceof ConfigError) {
    complain(printable(error.message));
    Deno.exit(2);
  }
  if (error instanceof DownloadError) {
    complain(printable(error.message));
  } else if (error instanceof Deno.errors.NotCapable) {
    complain(`Permission is missing: ${error.message}`);
  } else if (error instanceof Deno.errors.AddrInUse) {
    complain(
      "The port is taken: choose another with --port, or stop whoever has it.",
    );
  } else {
    complain(`unexpected error ${Deno.inspect(error)}`);
  }
  Deno.exit(1);
}

if (import.meta.main) await main(Deno.args).catch(fail);
