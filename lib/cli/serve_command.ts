/** The command `serve`: what its settings, and the files that they name, come to. */

import { createLog } from "../base/log.ts";
import { isLoopback } from "../origin/address.ts";
import { allowsPrivate, exposureFault } from "../server/exposure.ts";
import { ListenError } from "../server/listen_error.ts";
import { readOwnFile } from "../server/own_file.ts";
import { parseToken, type Token, TOKEN_RULE } from "../server/scopes.ts";
import { serve, type ServeOptions } from "../server/serve.ts";
import type { ClientSettings } from "../threads/clients.ts";
import { type CertificateSettings, readCertificates } from "./certificates.ts";
import type { ConfigFile } from "./config_file.ts";
import { UsageError, useOrRefuse } from "./usage.ts";

/** What the command works out by itself. */
type WorkedOut =
  | "allowPrivate"
  | "begin"
  | "caCerts"
  | "channel"
  | "clientCertificate"
  | "machineName"
  | "node"
  | "tokens"
  | "webhook";

/** Settings of the command, as they were read. */
export interface ServeSettings
  extends Omit<ServeOptions, WorkedOut>, CertificateSettings {
  /** Null: wherever only this machine can connect. */
  readonly allowPrivate: boolean | null;
  /** Null for none. */
  readonly authToken: string | null;
  /** Path; null for none. */
  readonly authTokenFile: string | null;
  readonly logFormat: "text" | "json";
  /** Null for nowhere. */
  readonly webhookUrl: string | null;
  /** Null for none. */
  readonly webhookSecret: string | null;
  /** The queue that several servers share; null for one of its own. */
  readonly queue: Node["queue"] | null;
  /** Path; null for none. */
  readonly queueCredentials: string | null;
  readonly queueReplicas: Node["replicas"];
  /** Null for the machine's name and the port. */
  readonly nodeName: string | null;
  readonly nodeUrl: Node["url"];
  readonly lease: Node["lease"];
  readonly stateDirectory: Node["stateDirectory"];
  /** The file of settings, where tables stand; undefined for none. */
  readonly file: ConfigFile | undefined;
  /** The names of all settings: none of them stands in a table. */
  readonly settingNames: readonly string[];
}

type Node = NonNullable<ServeOptions["node"]>;

/**
 * Serves until a signal says to stop.
 *
 * @param print Says on standard output where the server is, once it listens.
 * @throws {UsageError} if the settings are not safe together, or a file that they
 * name is of no use.
 * @throws {DownloadError} if the content directory cannot be used.
 */
export async function runServe(
  settings: ServeSettings,
  print: (text: string) => void,
): Promise<void> {
  const config = await withTokens(settings);
  const fault = await exposureFault(config);
  if (fault) throw new UsageError(fault);
  const certificates = await readCertificates(config);
  const allowPrivate = allowsPrivate(config);
  const options = {
    ...config,
    ...certificates,
    node: await nodeOptions(config, certificates.caCerts),
    webhook: await webhookOf(config, { ...certificates, allowPrivate }),
    begin: "prepared" as const,
    allowPrivate,
    machineName: Deno.hostname(),
    channel: `sluice ${crypto.randomUUID()}`,
  };
  const log = createLog(config.logFormat);
  try {
    await serve(options, log, (port) => print(greeting(options, port)));
  } catch (error) {
    throw error instanceof ListenError ? new UsageError(error.message) : error;
  }
}

/**
 * Where the server tells that downloads have ended; null for nowhere.
 *
 * @throws {UsageError} if there is only a secret.
 */
async function webhookOf(
  { webhookUrl: url, webhookSecret: secret, proxies }: ServeSettings,
  rules: Pick<ClientSettings, "caCerts" | "allowPrivate">,
) {
  if (url === null && secret !== null) {
    throw new UsageError("WEBHOOK_SECRET is of no use without WEBHOOK_URL.");
  }
  if (url === null) return null;
  const { createPost } = await import("../threads/post.ts");
  // A client certificate is for origins.
  const post = createPost({ ...rules, clientCertificate: null, proxies });
  return { url, secret, post };
}

/**
 * What this server is in the queue that it shares; null if it shares none.
 *
 * @throws {UsageError} if the settings are not safe, or a file is of no use.
 */
async function nodeOptions(
  config: ServeSettings,
  caCerts: readonly string[],
) {
  const { queue, queueCredentials: path, authToken, nodeUrl, port } = config;
  if (queue === null) return null;
  if (authToken === null && nodeUrl && !isLoopback(new URL(nodeUrl).hostname)) {
    throw new UsageError(
      "NODE_URL lets others in: set AUTH_TOKEN to what they must know, the " +
        "same for all servers of QUEUE.",
    );
  }
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

/**
 * The settings with all tokens: the one that lets its holder do everything, and
 * those of the file of settings.
 *
 * @throws {UsageError} if one of them makes no sense.
 */
async function withTokens(settings: ServeSettings) {
  const { file, settingNames } = settings;
  const authToken = await ownToken(settings);
  const own = authToken === null
    ? []
    : [{ name: "AUTH_TOKEN", token: authToken, scope: "all" } as const];
  const tables = file?.tables("tokens") ?? [];
  const tokens: readonly Token[] = tables.length === 0 ? own : [
    ...own,
    ...(await import("./token_tables.ts"))
      .readTokens(tables, settingNames, authToken),
  ];
  return { ...settings, authToken, tokens };
}

/**
 * The token that a setting gives, or the file that one names; null for none.
 *
 * @throws {UsageError} if that file holds none, or others may read it.
 */
async function ownToken(
  { authToken, authTokenFile: path }: ServeSettings,
): Promise<string | null> {
  if (path === null) return authToken;
  if (authToken !== null) {
    throw new UsageError("Set AUTH_TOKEN or AUTH_TOKEN_FILE, not both.");
  }
  const text = await useOrRefuse("AUTH_TOKEN_FILE", () => readOwnFile(path));
  const token = parseToken(text.trim());
  if (token !== undefined) return token;
  throw new UsageError(
    `The file of AUTH_TOKEN_FILE must hold ${TOKEN_RULE}, not what it does.`,
  );
}

/** What a server says once it listens. */
function greeting(
  config: ServeSettings & { allowPrivate: boolean },
  port: number,
): string {
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
  return lines.join("\n");
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
