/** Who takes part: Sluice, and its peers with the options that suit them. */

import { fromFileUrl } from "@std/path";
import type { ServerMessage } from "../../lib/server/messages.ts";
import type { Totals } from "../../lib/status/status.ts";
import {
  projectPath,
  type Sluice,
  startSluice,
  taskArguments,
} from "../support/sluice.ts";
import { type Cost, measureAction, measureCommand } from "./meter.ts";

/** What all contenders of a race have to fetch. */
export interface Job {
  /** The origin, without a slash at the end. */
  readonly origin: string;
  /** The files' names. */
  readonly names: readonly string[];
  /** The directory that holds them, to compare with. */
  readonly source: string;
  /** The directory that they are to go to, for this contender alone. */
  readonly target: string;
  /** The certificate to trust; null where nothing is encrypted. */
  readonly caFile: string | null;
}

/** Somebody who can do a job, again and again. */
export interface Contender extends AsyncDisposable {
  run(): Promise<Cost>;
}

/** A name for the table, and how to prepare a job. */
export interface Entry {
  readonly name: string;
  /** A program that has to be installed; null if none has. */
  readonly program: string | null;
  prepare(job: Job): Promise<Contender>;
}

/** The running server, asked over a WebSocket. */
export function sluiceServer(
  name: string,
  environment: Readonly<Record<string, string>> = {},
): Entry {
  return {
    name,
    program: null,
    async prepare(job) {
      const sluice = await startSluice({
        directory: job.target,
        environment: {
          // How soon we hear of the end is not to be what is measured.
          BROADCAST_TIMEOUT: "20",
          ...job.caFile && { CA_FILE: await copyOf(job.caFile, job.target) },
          ...environment,
        },
      });
      return {
        run: () =>
          measureAction(
            sluice.pid,
            () => download(sluice, job.names.map((name) => urlOf(job, name))),
          ),
        [Symbol.asyncDispose]: () => sluice[Symbol.asyncDispose](),
      };
    },
  };
}

/** The command `get`, started anew for each round. */
export function sluiceGet(
  name: string,
  environment: Readonly<Record<string, string>> = {},
): Entry {
  return {
    name,
    program: null,
    async prepare({ origin, names, target, caFile }) {
      const words = taskArguments("get", target)
        .filter((word) => !word.startsWith("--content-directory"));
      const urls = names.map((name) => `${origin}/${name}`);
      const env = {
        CONTENT_DIRECTORY: target,
        ...caFile && { CA_FILE: await copyOf(caFile, target) },
        ...environment,
      };
      return {
        run: () =>
          measureCommand([Deno.execPath(), ...words, "--quiet", ...urls], {
            cwd: projectPath("."),
            env,
          }),
        [Symbol.asyncDispose]: () => Promise.resolve(),
      };
    },
  };
}

/** The server may read its content directory, and nothing else. */
async function copyOf(caFile: string, directory: string): Promise<string> {
  const copy = `${directory}/ca.pem`;
  await Deno.copyFile(caFile, copy);
  return copy;
}

/**
 * Adds URLs, and waits until all of them are downloaded. The totals tell: a
 * client that was too slow for a while is not told of each download.
 */
async function download(
  sluice: Sluice,
  urls: readonly string[],
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let before: Totals | null = null;
  const socket = new WebSocket(sluice.url);
  socket.onerror = () => reject(new Error("Cannot connect to Sluice"));
  socket.onclose = () => reject(new Error("Sluice closed the connection"));
  socket.onmessage = ({ data }) => {
    const message: ServerMessage = JSON.parse(data);
    if ("error" in message) return reject(new Error(message.error.message));
    const totals = "totals" in message ? message.totals : undefined;
    if (totals === undefined) return;
    if (before === null) {
      before = totals;
      return socket.send(JSON.stringify({ urls }));
    }
    if (totals.Failed > before.Failed) {
      reject(new Error(`A download failed: ${data.slice(0, 1000)}`));
    }
    if (totals.Downloaded >= before.Downloaded + urls.length) resolve();
  };
  try {
    await promise;
  } finally {
    socket.close();
  }
}

function urlOf({ origin }: Job, name: string): string {
  return `${origin}/${name}`;
}

/**
 * Deno without Sluice: what of a figure is the runtime's.
 *
 * @param slice Bytes that are asked for at a time; 0 for whole files.
 * @param count How many slices or files are fetched side by side.
 */
export function bareDeno(name: string, slice = 0, count = 16): Entry {
  return {
    name,
    program: null,
    async prepare(job) {
      const { target, caFile } = job;
      const copy = caFile === null ? "" : await copyOf(caFile, target);
      const words = [
        ...[Deno.execPath(), "run", "-q", "--no-prompt", "--no-config"],
        ...["--allow-net", "--allow-read", "--allow-write"],
        ...[
          BARE,
          copy,
          ...[`${slice}`, `${count}`],
          ...job.names.map((name) => urlOf(job, name)),
        ],
      ];
      return {
        run: () => measureCommand(words, { cwd: target }),
        [Symbol.asyncDispose]: () => Promise.resolve(),
      };
    },
  };
}

const BARE = fromFileUrl(import.meta.resolve("./bare.ts"));

/** Nobody waits longer for a peer, in seconds. */
const LONGEST = 10;

/** A program that is run once for each round. */
function command(
  name: string,
  argumentsFor: (job: Job) => string[] | Promise<string[]>,
): Entry {
  const [program = name] = name.split(" ");
  return {
    name,
    program,
    async prepare(job) {
      const words = [program, ...await argumentsFor(job)];
      return {
        run: () => measureCommand(words, { cwd: job.target, longest: LONGEST }),
        [Symbol.asyncDispose]: () => Promise.resolve(),
      };
    },
  };
}

/** Words only where a certificate has to be named. */
function withCa(job: Job, words: (caFile: string) => string[]): string[] {
  return job.caFile === null ? [] : words(job.caFile);
}

function aria2c(allocation: "none" | "falloc"): Entry {
  return command(`aria2c ${allocation}`, (job) => [
    ...["--quiet", "--no-conf", `--file-allocation=${allocation}`],
    ...["-x16", "-s16", "-k1M"],
    ...withCa(job, (file) => [`--ca-certificate=${file}`]),
    ...job.names.map((name) => urlOf(job, name)),
  ]);
}

function curl(): Entry {
  return command("curl", (job) => [
    ...["--silent", "--show-error", "--fail", "--remote-name"],
    ...withCa(job, (file) => ["--cacert", file]),
    ...job.names.map((name) => urlOf(job, name)),
  ]);
}

function rclone(streams: number): Entry {
  return command("rclone", async (job) => [
    ...["copy", "--config=", `--http-url=${job.origin}`, ":http:", "."],
    ...["--no-traverse", "--files-from", await namesOf(job)],
    ...[`--multi-thread-streams=${streams}`, "--multi-thread-cutoff=1M"],
    ...withCa(job, (file) => [`--ca-cert=${file}`]),
  ]);
}

/** A file that lists what is to be fetched; nginx lists no directory. */
async function namesOf({ names, target }: Job): Promise<string> {
  const path = await Deno.makeTempFile({ dir: target, suffix: ".list" });
  await Deno.writeTextFile(path, names.join("\n") + "\n");
  return path;
}

/**
 * Peers for one large file.
 *
 * @param connections How many those are given that can be told.
 * @param chunk How many bytes wget2 asks for at once.
 */
export function largeFilePeers(connections: number, chunk: string): Entry[] {
  return [
    aria2c("none"),
    aria2c("falloc"),
    // axel checks no certificate of an authority that it is not built with.
    command("axel", (job) => [
      ...["--quiet", `--num-connections=${connections}`],
      ...withCa(job, () => ["--insecure"]),
      ...job.names.map((name) => urlOf(job, name)),
    ]),
    curl(),
    command("wget2", (job) => [
      ...["--quiet", "--no-config", `--chunk-size=${chunk}`],
      ...[`--max-threads=${connections}`],
      ...withCa(job, (file) => [`--ca-certificate=${file}`]),
      ...job.names.map((name) => urlOf(job, name)),
    ]),
    command("lftp", (job) => [
      ...["--norc", "-c"],
      [
        ...withCa(job, (file) => [`set ssl:ca-file ${file}`]),
        ...job.names.map((name) =>
          `pget -n ${connections} ${urlOf(job, name)}`
        ),
      ].join("; "),
    ]),
    // With 8 it was slower on one large file, and on limited connections.
    rclone(16),
  ];
}

/** Peers for many small files, 16 at a time. */
export function smallFilesPeers(): Entry[] {
  async function list(job: Job, line: (url: string) => string) {
    const path = await Deno.makeTempFile({ dir: job.target, suffix: ".list" });
    const lines = job.names.map((name) => line(urlOf(job, name)));
    await Deno.writeTextFile(path, lines.join("\n") + "\n");
    return path;
  }
  return [
    command("aria2c -j16", async (job) => [
      ...["--quiet", "--no-conf", "--file-allocation=none", "-j16"],
      ...["-i", await list(job, (url) => url)],
    ]),
    command("curl -Z", async (job) => [
      ...["--silent", "--show-error", "--fail", "-Z", "--parallel-max", "16"],
      ...["--config", await list(job, (url) => `url=${url}\nremote-name`)],
    ]),
    command("wget2 -i", async (job) => [
      ...["--quiet", "--no-config", "--max-threads=16"],
      ...["-i", await list(job, (url) => url)],
    ]),
    command("rclone copy", async (job) => [
      ...["copy", "--config=", `--http-url=${job.origin}`, ":http:", "."],
      ...["--transfers=16", "--checkers=16", "--no-traverse"],
      ...["--files-from", await namesOf(job)],
    ]),
  ];
}

/** Whether a program can be started at all. */
export async function isInstalled(program: string): Promise<boolean> {
  const { success } = await new Deno.Command("bash", {
    args: ["-c", 'type -P "$1"', "bash", program],
    stdout: "null",
  }).output();
  return success;
}
