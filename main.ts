/** The program: reads the command line and the settings, and does its part. */

import { join } from "@std/path/join";
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
import { writeAllSync } from "./lib/base/write_all.ts";
import { type Invocation, readArguments } from "./lib/cli/arguments.ts";
import { createCommands, settingFlag } from "./lib/cli/commands.ts";
import type { ConfigFile } from "./lib/cli/config_file.ts";
import { refuseWithout } from "./lib/cli/permissions.ts";
import { UsageError } from "./lib/cli/usage.ts";
import { TERM } from "./lib/cli/terminal/outputs.ts";
import { printable } from "./lib/cli/terminal/width.ts";
import { DownloadError } from "./lib/download/errors.ts";
import type { Rule } from "./lib/download/rules.ts";
import { isLoopback } from "./lib/origin/address.ts";
import type { Proxies } from "./lib/origin/proxies.ts";
import { parseToken, type Token, TOKEN_RULE } from "./lib/server/scopes.ts";
import type {
  ClientCertificate,
  ClientSettings,
} from "./lib/threads/clients.ts";

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
      if (operands.length === 0) {
        return await serveUntilStopped(await configFor(asked));
      }
      throw new UsageError(`There is no command ${operands[0]}; see --help.`);
    case "get":
      return Deno.exit(await get(asked, await configFor(asked)));
    case "man": {
      const { renderManual } = await import("./lib/cli/manual.ts");
      const { default: { version } } = await import("./deno.json", {
        with: { type: "json" },
      });
      const date = new Date().toISOString().slice(0, 10);
      return console.log(renderManual(commands, { version, date }));
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
    .map((variable) => ({ name: "env", variable }) as const);
  refuseWithout([{ name: "net" }, ...needed]);
  const environment = (name: string) => Deno.env.get(name);
  const file = await configFileFor(flags, environment, program);
  const config = readConfig(flags, environment, program, file);
  const proxies = {
    ...readProxies(environment, file),
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
async function authoritiesOf({ flags }: Invocation): Promise<string[]> {
  const named = flags["ca-file"];
  if (typeof named !== "string") return [];
  const path = resolve(named);
  refuseWithout([{ name: "read", path }]);
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

async function get(asked: Invocation, config: Settings): Promise<number> {
  const { runGet } = await import("./lib/cli/get_command.ts");
  const netrc = await netrcPathOf(asked);
  refuseWithout([
    ...filesOf(config),
    ...(netrc === null ? [] : [{ name: "read", path: netrc } as const]),
  ]);
  return await runGet(asked, {
    ...config,
    rules: await rulesOf(config),
    netrc,
    begin: "immediate",
    // The user who types the URL may fetch from wherever this machine may.
    allowPrivate: true,
    ...await readCertificates(config),
  });
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

/** @throws {ConfigError} if a file of certificates or keys is of no use. */
async function readCertificates({ caFile, clientCert, clientKey }: Config) {
  return {
    caCerts: caFile === null ? [] : [await readCaFile("CA_FILE", caFile)],
    clientCertificate: clientCert === null && clientKey === null
      ? null
      : await readOwnCertificate(clientCert, clientKey),
  };
}

async function readCaFile(setting: string, path: string): Promise<string> {
  return await useOrRefuse(setting, async () => {
    const certificates = await readPem(path, "CERTIFICATE");
    // Workers make theirs when the first download begins: too late to say so.
    Deno.createHttpClient({ caCerts: [certificates] }).close();
    return certificates;
  });
}

/** One file may hold both the certificate and its key. */
async function readOwnCertificate(
  certPath: string | null,
  keyPath: string | null,
): Promise<ClientCertificate> {
  if (certPath === null) {
    throw new ConfigError("CLIENT_KEY is of no use without CLIENT_CERT.");
  }
  const cert = await useOrRefuse(
    "CLIENT_CERT",
    () => readPem(certPath, "CERTIFICATE"),
  );
  const key = await useOrRefuse(
    keyPath === null ? "CLIENT_CERT without CLIENT_KEY" : "CLIENT_KEY",
    () => readPem(keyPath ?? certPath, "(?!ENCRYPTED)([A-Z]+ )?PRIVATE KEY"),
  );
  return await useOrRefuse("CLIENT_CERT with its key", () => {
    try {
      Deno.createHttpClient({ cert, key }).close();
    } catch (error) {
      throw new Error(pairFault(errorMessage(error)));
    }
    return Promise.resolve({ cert, key });
  });
}

/** What is wrong with a certificate and a key, by rustls's words. */
function pairFault(words: string): string {
  if (/UnsupportedCertVersion/.test(words)) {
    return "it is of X.509 v1, which Deno does not show: have it signed as v3";
  }
  return /KeyMismatch/.test(words) ? "the key is another's" : words;
}

async function readPem(path: string, label: string): Promise<string> {
  const text = await Deno.readTextFile(path);
  if (new RegExp(`-----BEGIN ${label}-----`).test(text)) return text;
  throw new Error(
    label === "CERTIFICATE"
      ? "there is no certificate in PEM in it"
      : "there is no key in PEM in it, or it is encrypted",
  );
}

/** @throws {ConfigError} if a setting's file is of no use. */
async function useOrRefuse<Value>(
  setting: string,
  use: () => Promise<Value>,
): Promise<Value> {
  try {
    return await use();
  } catch (error) {
    const reason = errorMessage(error);
    throw new ConfigError(`${setting} cannot be used: ${reason}.`);
  }
}

/**
 * The settings with all tokens: the one that lets its holder do everything, and
 * those of the file of settings.
 *
 * @throws {ConfigError | UsageError} if one of them makes no sense.
 */
async function withTokens(settings: Settings) {
  const { file } = settings;
  const authToken = await ownToken(settings);
  const own = authToken === null
    ? []
    : [{ name: "AUTH_TOKEN", token: authToken, scope: "all" } as const];
  const tables = file?.tables("tokens") ?? [];
  const tokens: readonly Token[] = tables.length === 0 ? own : [
    ...own,
    ...(await import("./lib/cli/token_tables.ts"))
      .readTokens(tables, FILE_RULES.settings, authToken),
  ];
  return { ...settings, authToken, tokens };
}

/**
 * The token that a setting gives, or the file that one names; null for none.
 *
 * @throws {ConfigError} if that file holds none, or others may read it.
 */
async function ownToken(
  { authToken, authTokenFile: path }: Settings,
): Promise<string | null> {
  if (path === null) return authToken;
  if (authToken !== null) {
    throw new ConfigError("Set AUTH_TOKEN or AUTH_TOKEN_FILE, not both.");
  }
  const { readOwnFile } = await import("./lib/server/own_file.ts");
  const text = await useOrRefuse("AUTH_TOKEN_FILE", () => readOwnFile(path));
  const token = parseToken(text.trim());
  if (token !== undefined) return token;
  throw new ConfigError(
    `The file of AUTH_TOKEN_FILE must hold ${TOKEN_RULE}, not what it does.`,
  );
}

async function serveUntilStopped(settings: Settings): Promise<void> {
  const [{ createLog }, { allowsPrivate, exposureFault }, { serve }] =
    await Promise.all([
      import("./lib/base/log.ts"),
      import("./lib/server/exposure.ts"),
      import("./lib/server/serve.ts"),
    ]);
  refuseWithout([...filesOf(settings), SYS_HOSTNAME]);
  const config = await withTokens(settings);
  const fault = await exposureFault(config);
  if (fault) throw new ConfigError(fault);
  const certificates = await readCertificates(config);
  const options = {
    ...config,
    ...certificates,
    rules: await rulesOf(config),
    node: await nodeOptions(config, certificates.caCerts),
    webhook: await webhookOf(config, {
      ...certificates,
      allowPrivate: allowsPrivate(config),
    }),
    begin: "prepared" as const,
    allowPrivate: allowsPrivate(config),
    machineName: Deno.hostname(),
    channel: `sluice ${crypto.randomUUID()}`,
  };
  const log = createLog(config.logFormat);
  await serve(options, log, (port) => announce(options, port));
  // A client that still reads a file would keep the process alive.
  Deno.exit(0);
}

/**
 * Where the server tells that downloads have ended; null for nowhere.
 *
 * @throws {ConfigError} if there is only a secret.
 */
async function webhookOf(
  { webhookUrl: url, webhookSecret: secret, proxies }: Settings,
  rules: Pick<ClientSettings, "caCerts" | "allowPrivate">,
) {
  if (url === null && secret !== null) {
    throw new ConfigError("WEBHOOK_SECRET is of no use without WEBHOOK_URL.");
  }
  if (url === null) return null;
  const { createPost } = await import("./lib/threads/post.ts");
  // A client certificate is for origins.
  const post = createPost({ ...rules, clientCertificate: null, proxies });
  return { url, secret, post };
}

/**
 * What this server is in the queue that it shares; null if it shares none.
 *
 * @throws {ConfigError} if the settings are not safe, or a file is of no use.
 */
async function nodeOptions(config: Config, caCerts: readonly string[]) {
  const { queue, queueCredentials: path, authToken, nodeUrl, port } = config;
  if (queue === null) return null;
  if (authToken === null && nodeUrl && !isLoopback(new URL(nodeUrl).hostname)) {
    throw new ConfigError(
      "NODE_URL lets others in: set AUTH_TOKEN to what they must know, the " +
        "same for all servers of QUEUE.",
    );
  }
  const { readOwnFile } = await import("./lib/server/own_file.ts");
  const machine = Deno.hostname().replaceAll(/[^\w-]/g, "-").slice(0, 50);
  return {
    queue,
    credentials: path === null
      ? null
      : await useOrRefuse("QUEUE_CREDENTIALS", () => readOwnFile(path)),
    replicas: config.queueReplicas,
    node: config.nodeName ?? `${machine}-${port}`,
    url: nodeUrl,
    lease: config.lease,
    stateDirectory: config.stateDirectory,
    caCerts,
  };
}

/** How much room a disk has is asked of the system, by a kind of its own. */
const SYS_STATFS = {
  name: "sys",
  kind: "statfs",
} as unknown as Deno.SysPermissionDescriptor;

/** The machine's own name is the server's, too. */
const SYS_HOSTNAME = { name: "sys", kind: "hostname" } as const;

function announce(
  config: Config & { allowPrivate: boolean },
  port: number,
): void {
  const host = config.host.includes(":") ? `[${config.host}]` : config.host;
  const reached = config.publicUrl === null
    ? []
    : [`People reach it by ${config.publicUrl}`];
  const lines = [
    `Sluice listens on ws://${host}:${port}/`,
    `Its page is http://${host}:${port}/`,
    ...reached,
    `Files go to ${config.contentDirectory}`,
    `${counted(config.threadsAmount, "thread")} on ` +
    `${counted(config.workers, "worker")}, ` +
    `at most ${counted(config.bytesAmount, "byte")} a slice`,
  ];
  if (!config.allowPrivate) {
    lines.push("Private networks are denied to downloads");
  }
  print(lines.join("\n"));
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** @throws {DownloadError} DISK if standard output takes no more. */
function print(text: string): void {
  try {
    writeAllSync(Deno.stdout, new TextEncoder().encode(`${text}\n`));
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
    writeAllSync(Deno.stderr, new TextEncoder().encode(`sluice: ${text}\n`));
  } catch {
    // The exit code says that something is wrong.
  }
}

/** The files of Sluice's own that are read while it runs. */
function ownFiles(): string[] {
  const { dirname } = import.meta;
  return Deno.build.standalone || dirname === undefined
    ? []
    : [join(dirname, "lib")];
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
