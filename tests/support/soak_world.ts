/**
 * Three servers of one queue with all that their settings can name: origins whose
 * answers are strange at random, proxies, rules, a timetable, a webhook, tokens;
 * and the clients that watch them.
 */

import { createHmac } from "node:crypto";
import {
  type Client as Watcher,
  connect as watch,
} from "../../lib/client/client.ts";
import { heard, newsIn, NOTHING, type View } from "../../lib/client/view.ts";
import { startBroker } from "./broker.ts";
import { caCertificate } from "./certificate.ts";
import { startNode } from "./cluster.ts";
import { makeDirectory } from "./directory.ts";
import { type Origin, type OriginFile, startOrigin } from "./origin.ts";
import { type Proxy, startProxy } from "./proxy.ts";
import { random } from "./random.ts";
import type { Sluice } from "./sluice.ts";
import { TLS } from "./trial.ts";

/** Bytes of a slice. */
export const SLICE = 64 * 1024;
const NAMES = ["a", "b", "c"] as const;
/** What is in headers, queries and settings, and must be in no log. */
export const SECRET = "secret-of-the-soak";
/** Opens all servers. */
export const TOKEN = `${SECRET}-token`;
const WEBHOOK_SECRET = `${SECRET}-webhook`;
/** One event in so many is told in vain at first. */
const DEAF_ONE_IN = 5;

/** A download that a client was told is added. */
export interface Wanted {
  /** Which one it is: its URL's path begins with this number. */
  readonly n: number;
  readonly url: string;
  /** What may come of it. */
  readonly versions: readonly OriginFile[];
  /** What may be read of it before its checksum is compared. */
  readonly sent: readonly OriginFile[];
  /** Where the file may be, below the content directory; null for in it. */
  readonly directories: Set<string | null>;
  /** What was asked for, what its origin has answered, and all orders, in words. */
  readonly story: string[];
}

/** What tells a client of all that changes. */
export interface Watch {
  readonly name: string;
  view(): View;
}

/** What has been told to the webhook. */
export interface Told {
  /** The events of downloads, such as `finished`, by their ids. */
  readonly events: ReadonlyMap<string, ReadonlySet<string>>;
  /** What was wrong with what came. */
  readonly faults: readonly string[];
}

/** All that a soak of several servers works with. */
export interface World {
  readonly dice: () => number;
  readonly nodes: readonly Sluice[];
  /** Ends a server, and starts it again at the same address. */
  restart(n: number, signal: "SIGTERM" | "SIGKILL"): Promise<void>;
  /** What all processes have printed, one text each. */
  printed(): string[];
  /** Downloads whose ends a server that ended may have kept to itself. */
  readonly untold: Set<string>;
  readonly origins: readonly Origin[];
  readonly proxies: readonly Proxy[];
  readonly watches: readonly Watch[];
  readonly told: Told;
  /** By their ids, those that are on the list. */
  readonly wanted: Map<string, Wanted>;
  /** What was taken off the list, and whether its file goes or may stay. */
  readonly former: { id: string; wanted: Wanted; file: "gone" | "kept" }[];
  /** What was taken off the list until the last look, with its story. */
  readonly past: { id: string; wanted: Wanted }[];
  /** How many downloads have been thought up. */
  count: number;
  /** How often each order has come to which end. */
  readonly outcomes: Record<string, number>;
}

/** Whether servers have one content directory, or one each. */
export type Storage = "shared" | "local";

/** Starts all; it ends with the stack. */
export async function startWorld(
  { seed, storage, minutes, stack }: {
    readonly seed: number;
    readonly storage: Storage;
    readonly minutes: number;
    readonly stack: AsyncDisposableStack;
  },
): Promise<World> {
  const dice = random(seed);
  const directory = stack.use(await makeDirectory());
  const settings = stack.use(await makeDirectory());
  const broker = stack.use(await startBroker());
  const limit = { connections: 4, further: "reset" } as const;
  const origins = [
    stack.use(await startOrigin()),
    stack.use(await startOrigin(TLS)),
    stack.use(await startOrigin({ limit })),
  ];
  const proxies = [
    stack.use(await startProxy()),
    stack.use(await startProxy({ credentials: `me:${SECRET}` })),
  ];
  const webhook = stack.use(startWebhook(random(seed + 1)));
  const [plain, closed] = proxies.map(({ address }) => address);
  const file = `${settings.path}/sluice.toml`;
  const authority = `${settings.path}/ca.pem`;
  await Deno.writeTextFile(authority, caCertificate);
  await Deno.writeTextFile(file, settingsText(plain ?? "", closed ?? ""), {
    mode: 0o600,
  });
  const environment = {
    CONFIG_FILE: file,
    CA_FILE: authority,
    AUTH_TOKEN: TOKEN,
    TIMETABLE: timetable(minutes),
    WEBHOOK_URL: webhook.url,
    WEBHOOK_SECRET,
    THREADS_AMOUNT: "6",
    THREADS_PER_HOST: "12",
    WORKERS: "2",
    BYTES_AMOUNT: String(SLICE),
    STALL_TIMEOUT: "2000",
    ANSWER_TIMEOUT: "700",
    RETRY_WAIT: "10",
    ATTEMPTS: "4",
    LEASE: "15000",
  };
  const launch = (name: string, port: string) =>
    startNode({
      broker: broker.address,
      name,
      directory: storage === "shared"
        ? directory.path
        : `${directory.path}/${name}`,
      environment: { ...environment, PORT: port },
      deno: [`--allow-read=${settings.path}`],
    });
  const nodes: Sluice[] = [];
  for (const [n, name] of NAMES.entries()) {
    nodes.push(await launch(name, "0"));
    stack.defer(() => nodes[n]?.[Symbol.asyncDispose]());
  }
  const wanted = new Map<string, Wanted>();
  const untold = new Set<string>();
  const past: string[] = [];

  async function restart(
    n: number,
    signal: "SIGTERM" | "SIGKILL",
  ): Promise<void> {
    const { [n]: node } = nodes;
    const { [n]: name } = NAMES;
    if (node === undefined || name === undefined) return;
    node.kill(signal);
    const { code } = await node.ended;
    if (signal === "SIGTERM" && code !== 0) {
      throw new Error(`Server ${name} ended with ${code}: ${node.output()}`);
    }
    past.push(node.output());
    for (const id of wanted.keys()) untold.add(id);
    nodes[n] = await launch(name, new URL(node.url).port);
  }

  const watches: Watch[] = [];
  for (const [n, node] of nodes.entries()) {
    watches.push(stack.use(await watchBySocket(node, NAMES[n] ?? "")));
    watches.push(stack.use(await watchByEvents(node, NAMES[n] ?? "")));
  }
  return {
    dice,
    nodes,
    restart,
    printed: () => [...past, ...nodes.map((node) => node.output())],
    untold,
    origins,
    proxies,
    watches,
    told: webhook,
    wanted,
    former: [],
    past: [],
    count: 0,
    outcomes: {},
  };
}

/** Rules of each kind, and two proxies. */
function settingsText(plain: string, closed: string): string {
  return `
[[rules]]
host = "localhost"
directory = "hosts/{host}"
headers = { X-Rule = "${SECRET}" }
threads = 2

[[rules]]
extension = "iso"
directory = "images/{host}"
limit_rate = "200k"

[proxies.plain]
url = "http://${plain}"

[proxies.closed]
url = "socks5h://me:${SECRET}@${closed}"
`;
}

/** The directory that these rules give a file; null for none. */
export function ruledDirectory(host: string, extension: string): string | null {
  if (host === "localhost") return "hosts/localhost";
  return extension === "iso" ? `images/${host}` : null;
}

/** In each four minutes, one with a limited rate, and one of a pause. */
function timetable(minutes: number): string {
  const start = new Date();
  const words: string[] = [];
  const rules = ["off", "1M", "off", "pause"] as const;
  for (let n = 0; n <= minutes; n++) {
    words.push(`${clock(start, n)},${rules[n % rules.length]}`);
  }
  return [...words, `${clock(start, Math.ceil(minutes) + 1)},off`].join(" ");
}

function clock(start: Date, minutes: number): string {
  const at = new Date(start.getTime() + minutes * 60_000);
  return [at.getHours(), at.getMinutes()]
    .map((part) => String(part).padStart(2, "0")).join(":");
}

/** A program that is told of ends, and does not always listen. */
function startWebhook(
  dice: () => number,
): Told & { readonly url: string } & AsyncDisposable {
  const events = new Map<string, Set<string>>();
  const faults: string[] = [];
  const deliveries = new Set<string>();
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    async (request) => {
      const body = await request.text();
      const signature = request.headers.get("sluice-signature") ?? "";
      const [, t = "", v1 = ""] = signature.match(/^t=(\d+),v1=(\w+)$/) ?? [];
      const right = createHmac("sha256", WEBHOOK_SECRET)
        .update(`${t}.${body}`).digest("hex");
      if (v1 !== right) faults.push(`A wrong signature: ${signature}`);
      if (body.includes(SECRET)) faults.push(`It tells a secret: ${body}`);
      const delivery = request.headers.get("sluice-delivery") ?? "";
      const isFirst = !deliveries.has(delivery);
      deliveries.add(delivery);
      if (isFirst && dice() < 1 / DEAF_ONE_IN) {
        return new Response(null, { status: 503 });
      }
      const { event, download } = JSON.parse(body);
      if (download) {
        const known = events.get(download.id) ?? new Set();
        events.set(download.id, known.add(event));
      }
      return new Response();
    },
  );
  return {
    url: `http://127.0.0.1:${server.addr.port}/hook?${SECRET}`,
    events,
    faults,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

async function watchBySocket(
  { url }: Sluice,
  name: string,
): Promise<Watch & Disposable> {
  const watcher: Watcher = await watch(url, { token: TOKEN });
  return {
    name: `the socket of ${name}`,
    view: watcher.view,
    [Symbol.dispose]: () => watcher.close(),
  };
}

/** How long a client waits before it connects again, in milliseconds. */
const AGAIN = 300;

/** Watches through a stream of events, and another one when that has ended. */
async function watchByEvents(
  node: Sluice,
  name: string,
): Promise<Watch & AsyncDisposable> {
  let view = NOTHING;
  let isOver = false;

  const open = async () => {
    const response = await fetch(httpUrl(node, "/api/events"), {
      headers: { Authorization: `Bearer ${TOKEN}` },
    });
    if (!response.ok || response.body === null) {
      throw new Error(`There are no events: ${response.status}`);
    }
    return response.body.pipeThrough(new TextDecoderStream()).getReader();
  };

  let reader = await open();

  async function read(): Promise<void> {
    let rest = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const events = (rest + value).split("\n\n");
      rest = events.pop() ?? "";
      for (const event of events) {
        const [, data] = event.match(/^data: (.*)$/m) ?? [];
        const news = data === undefined ? null : newsIn(JSON.parse(data));
        if (news !== null) view = heard(view, news);
      }
    }
  }

  async function readOn(): Promise<void> {
    for (;;) {
      // Its server has ended: that is seen of the server.
      await read().catch(() => {});
      if (isOver) return;
      await new Promise((resolve) => setTimeout(resolve, AGAIN));
      const next = await open().catch(() => null);
      if (next !== null) reader = next;
    }
  }

  const reading = readOn();
  return {
    name: `the events of ${name}`,
    view: () => view,
    async [Symbol.asyncDispose]() {
      isOver = true;
      await reader.cancel().catch(() => {});
      await reading;
    },
  };
}

/** Where a server answers HTTP. */
export function httpUrl({ url }: Pick<Sluice, "url">, path: string): URL {
  return new URL(path, url.replace(/^ws/, "http"));
}
