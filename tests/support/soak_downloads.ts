/** What a soak's clients ask for: files, where they are, and what goes along. */

import { createHash } from "node:crypto";
import { metalinkOf } from "./metalink.ts";
import {
  type Behaviour,
  bytesOf,
  forever,
  literal,
  type Origin,
  type OriginFile,
} from "./origin.ts";
import { random } from "./random.ts";
import type { Fields } from "./soak_doors.ts";
import {
  ruledDirectory,
  SECRET,
  SLICE,
  type Wanted,
  type World,
} from "./soak_world.ts";
import { createWeather, pick } from "./weather.ts";

/** Soon enough to come in this round, or only if it is resumed. */
export const startAt = ({ dice }: World) =>
  new Date(Date.now() + (dice() < 0.7 ? dice() * 5_000 : 3_600_000))
    .toISOString();

/** A file at an origin whose answers are strange at random. */
export interface Served {
  readonly n: number;
  readonly origin: Origin;
  readonly path: string;
  readonly url: string;
  readonly whole: OriginFile;
  readonly versions: readonly OriginFile[];
  /** The directory that the servers' rules give it. */
  readonly ruled: string | null;
  /** Its answers, in words. */
  readonly story: string[];
  /** Chance of its own. */
  readonly own: () => number;
}

/** Has an origin serve a file that nobody has asked for yet. */
export function serveOne(world: World): Served {
  const { dice, origins } = world;
  const n = world.count++;
  const own = random(dice() * 2 ** 32);
  const { whole, versions, behave } = createWeather(own, SLICE);
  const origin = pick(own, origins);
  const host = own() < 0.2 ? "localhost" : "127.0.0.1";
  const extension = pick(own, ["bin", "bin", "iso"]);
  const path = `/${n}.${extension}`;
  const story: string[] = [];
  origin.serve(path, whole, (request) => {
    const behaviour = behave(request);
    const { path, range } = request;
    story.push(JSON.stringify({ path, range, behaviour }).slice(0, 300));
    return behaviour;
  });
  const url = `${origin.url(path, host)}?${SECRET}`;
  const ruled = ruledDirectory(host, extension);
  return { n, origin, path, url, whole, versions, ruled, story, own };
}

/** A download to ask for with all that may go along, and what may come of it. */
export function think(world: World): { fields: Fields; wanted: Wanted } {
  const served = serveOne(world);
  const { n, origin, path, url, whole, versions, story, own } = served;
  if (own() < 0.1) return describe(served);
  const digest = sha256(whole);
  origin.serve(`${path}.sha256`, literal(`${digest}  x\n`));
  const directory = own() < 0.2 ? pick(own, ["films/2026", "b"]) : null;
  const filename = own() < 0.3 ? pick(own, ["one name.bin", `${n}.bin`]) : null;
  const [proof, right] = pick<[Fields, readonly OriginFile[]]>(own, [
    [{}, versions],
    [{}, versions],
    [{ sha256: digest }, [whole]],
    [{ sha256: "0".repeat(64) }, []],
    [{ size: whole.size }, versions.filter(({ size }) => size === whole.size)],
    [{ checksum_from: "auto" }, versions],
    [{ checksum_from: `${origin.url(path)}.sha256` }, versions],
  ]);
  const fields = {
    url,
    ...proof,
    ...(directory && { directory }),
    ...(filename && { filename }),
    ...(own() < 0.2 && { threads: 1 + Math.floor(own() * 4) }),
    ...(own() < 0.2 && { limit_rate: Math.round(50_000 + own() * 500_000) }),
    ...(own() < 0.2 && { priority: pick(own, ["high", "low"]) }),
    ...(own() < 0.2 && { order: "sequential" }),
    ...(own() < 0.2 && { proxy: pick(own, ["plain", "closed", "direct"]) }),
    ...pick<Fields>(own, [
      ...Array.from({ length: 8 }, () => ({})),
      { paused: true },
      { start_at: startAt(world) },
    ]),
    ...(own() < 0.2 && { headers: { "X-Own": SECRET } }),
    ...(own() < 0.3 && { mirrors: mirrorsOf(world, served) }),
  };
  const isLocal = new URL(url).hostname === "localhost";
  const ruled = filename === null || isLocal ? served.ruled : null;
  story.push(JSON.stringify(fields));
  const wanted = {
    ...{ n, url, versions: right, sent: versions, story },
    directories: new Set([directory ?? ruled]),
  };
  return { fields, wanted };
}

/** A file by the URL of a document that tells of it. */
function describe(
  { n, origin, url, whole, story }: Served,
): { fields: Fields; wanted: Wanted } {
  const document = metalinkOf({
    name: `${n}.bin`,
    content: whole,
    urls: [url],
  });
  const source = literal(document, {
    etag: `"${n}"`,
    headers: { "Content-Type": "application/metalink4+xml" },
  });
  const wanted = {
    ...{ n, url: origin.serve(`/${n}.metalink`, source), versions: [whole] },
    ...{ sent: [whole], directories: new Set([null]), story },
  };
  return { fields: { url: wanted.url }, wanted };
}

/** How mirrors answer: right, or in a way that another source is better. */
const MIRRORS: readonly Behaviour[] = [
  {},
  {},
  { ranges: "ignore" },
  { rate: SLICE },
  { status: 404 },
  { status: 500 },
  { cut: { after: 10_000, by: "reset" } },
  { gates: { [SLICE / 2]: forever } },
];

/** Their paths name the port of the URL's own origin: its headers stay there. */
export function mirrorsOf(
  { origins }: World,
  { n, origin: { port }, whole, own }: Served,
): string[] {
  return Array.from({ length: 1 + Math.floor(own() * 2) }, (_, k) => {
    const path = `/${n}.bin-mirror-${k}-of-${port}`;
    return pick(own, origins).serve(path, whole, pick(own, MIRRORS));
  });
}

/** A file's SHA-256, in hexadecimal digits. */
export function sha256(file: OriginFile): string {
  return createHash("sha256").update(bytesOf(file)).digest("hex");
}
