/** A content directory on exFAT, which has no hard links. */

import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { crc32 } from "node:zlib";
import { withNetrc } from "../../lib/cli/netrc.ts";
import { UsageError } from "../../lib/cli/usage.ts";
import { createDownload } from "../../lib/download/download.ts";
import { DownloadError } from "../../lib/download/errors.ts";
import { parseDownload } from "../../lib/download/request.ts";
import { openContentDirectory } from "../../lib/files/content_directory.ts";
import { openStore } from "../../lib/store/sqlite.ts";
import { crash } from "../crash.ts";
import { progress } from "../support/damage.ts";
import { filesIn, makeDirectory, partsIn } from "../support/directory.ts";
import { startDownloads } from "../support/downloads.ts";
import { makeImage, mountImage, whyNoExfat } from "../support/exfat.ts";
import { nameAndDie, steps } from "../support/name_and_die.ts";
import {
  bytesOf,
  file,
  firstDifference,
  startOrigin,
} from "../support/origin.ts";
import { type Started, startGet } from "../support/process.ts";
import { assertDownloaded } from "../support/status.ts";

const KiB = 1024;
const MiB = 1024 * KiB;

const WHOLE = file(300 * KiB + 5, 1);

const reason = await whyNoExfat();
if (reason !== null) console.log(`Left out: ${reason}`);
const ignore = reason !== null;

/** A disk that can be taken out, and put in again. */
interface Disk extends AsyncDisposable {
  readonly path: string;
  /** Unmounts it and mounts it again. */
  remount(): Promise<void>;
}

async function insertDisk(): Promise<Disk> {
  const root = await makeDirectory();
  const [image, path] = [`${root.path}/image`, `${root.path}/disk`];
  await Deno.mkdir(path);
  await makeImage(image, 256 * MiB);
  let mounted = await mountImage(image, path);
  return {
    path,
    async remount() {
      await mounted[Symbol.asyncDispose]();
      mounted = await mountImage(image, path);
    },
    async [Symbol.asyncDispose]() {
      await mounted[Symbol.asyncDispose]();
      await root[Symbol.asyncDispose]();
    },
  };
}

Deno.test({
  ignore,
  name: "exFAT is what it is taken for: without hard links, and without modes",
  async fn() {
    await using disk = await insertDisk();
    using parts = await openContentDirectory(disk.path, { sync: true });
    assertEquals(parts.naming(), "renames");
    assertEquals(parts.isPrivate, false);
  },
});

Deno.test({
  ignore,
  name: "on exFAT, get fetches files of one name, and leaves nothing else",
  async fn() {
    await using disk = await insertDisk();
    await using origin = await startOrigin();
    const whole = file(6 * MiB + 123, 3);
    const url = origin.serve("/a", whole);
    const small = file(1000, 2);
    const others = Array.from({ length: 40 }, (_, n) => {
      return origin.serve(`/${n}/a`, small);
    });
    await Deno.mkdir(`${disk.path}/a (1)`);
    for (const name of ["a", "a (2)"]) {
      await Deno.writeTextFile(`${disk.path}/${name}`, "theirs");
    }
    const { code, stdout, stderr } = await startGet(disk.path, [
      url,
      ...others,
    ]).ended;
    assertEquals(code, 0, stderr);
    const paths = stdout.trim().split("\n");
    assertEquals(new Set(paths).size, 41);
    for (const path of paths) {
      const { size } = await Deno.stat(path);
      assert([small.size, whole.size].includes(size));
      const one = size === small.size ? small : whole;
      assertEquals(await firstDifference(path, one), null);
    }
    assertEquals(filesIn(disk.path).length, 44);
    assert(
      ![...Deno.readDirSync(disk.path)].some(({ name }) => name === ".sluice"),
    );
    for (const name of ["a", "a (2)"]) {
      const text = await Deno.readTextFile(`${disk.path}/${name}`);
      assertEquals(text, "theirs");
    }
  },
});

Deno.test({
  ignore,
  name: "on exFAT, gets that race for one name overwrite nothing",
  async fn() {
    await using disk = await insertDisk();
    await using origin = await startOrigin();
    const gets = [1, 2].map((get) => {
      const files = Array.from({ length: 100 }, (_, n) => {
        return file(1000 + n, get);
      });
      const urls = files.map((one, n) => origin.serve(`/${get}/${n}/a`, one));
      return { files, run: startGet(disk.path, urls) };
    });
    const paths = new Set<string>();
    for (const { files, run } of gets) {
      const { code, stdout, stderr } = await run.ended;
      assertEquals(code, 0, stderr);
      for (const path of stdout.trim().split("\n")) {
        paths.add(path);
        const { size } = await Deno.stat(path);
        const one = files[size - 1000];
        assert(one !== undefined);
        assertEquals(await firstDifference(path, one), null);
      }
    }
    assertEquals(paths.size, 200);
    assertEquals(filesIn(disk.path).length, 200);
  },
});

Deno.test({
  ignore,
  name: "on exFAT, the same get goes on after SIGKILL",
  async fn() {
    await using disk = await insertDisk();
    await using origin = await startOrigin();
    const whole = file(6 * MiB, 3);
    let slow = true;
    const url = origin.serve("/a", whole, () => slow ? { rate: MiB } : {});
    const flags = ["--bytes-amount", "1MiB", "--threads-amount", "2", url];
    {
      await using get = startGet(disk.path, flags);
      await recorded(`${disk.path}/.sluice/get`, get);
      get.kill("SIGKILL");
      await get.ended;
    }
    slow = false;
    const before = origin.sent;
    const { code, stderr } = await startGet(disk.path, flags).ended;
    assertEquals(code, 0, stderr);
    assert(origin.sent - before < whole.size, "nothing was kept");
    assertEquals(await firstDifference(`${disk.path}/a`, whole), null);
    assertEquals(filesIn(disk.path), ["a"]);
  },
});

/** Resolves when a record of progress is in a directory. */
async function recorded(directory: string, get: Started): Promise<void> {
  let over = false;
  get.ended.then(() => over = true);
  const isThere = () => {
    try {
      return [...Deno.readDirSync(directory)]
        .some(({ name }) => name.endsWith(".json"));
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return false;
      throw error;
    }
  };
  while (!isThere()) {
    if (over) throw new Error("It ended without a record");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

Deno.test({
  ignore,
  name: "on exFAT, a server's file is its download's after a remount, too",
  async fn() {
    await using disk = await insertDisk();
    await using origin = await startOrigin();
    const whole = file(6 * MiB + 123, 3);
    const url = origin.serve("/a", whole);
    const ids: string[] = [];
    {
      await using downloads = await startDownloads({ directory: disk.path });
      const others = ["/b/a", "/c/a"];
      const urls = others.map((path, n) => origin.serve(path, file(1000 + n)));
      for (const one of [url, ...urls]) {
        const id = await downloads.add({ url: one });
        await downloads.end(id);
        ids.push(id);
      }
      assertEquals(partsIn(disk.path), []);
      await downloads.close();
    }
    await disk.remount();
    await Deno.rename(`${disk.path}/a (2)`, `${disk.path}/moved`);
    await Deno.writeTextFile(`${disk.path}/a (2)`, "theirs");
    await using downloads = await startDownloads({ directory: disk.path });
    const { coordinator } = downloads;
    const [first = "", second = "", third = ""] = ids;
    assertEquals(coordinator.pathOf(first), `${disk.path}/a`);
    assertEquals(await firstDifference(`${disk.path}/a`, whole), null);
    assertEquals(coordinator.pathOf(third), null);
    const remove = { kind: "remove", deleteFile: true } as const;
    await coordinator.command(second, remove);
    const error = await assertRejects(
      () => coordinator.command(third, remove),
      DownloadError,
      `another file is at ${disk.path}/a (2) by now`,
    );
    assertEquals(error.code, "FILE_GONE");
    assertEquals(filesIn(disk.path), ["a", "a (2)", "moved"]);
    await downloads.close();
  },
});

Deno.test({
  ignore,
  name:
    "on exFAT, a .netrc cannot be private, and the line says what can be done",
  async fn() {
    await using disk = await insertDisk();
    const path = `${disk.path}/.netrc`;
    await Deno.writeTextFile(path, "machine h login me password s3cret");
    await Deno.chmod(path, 0o600).catch(() => {});
    const error = await assertRejects(() => withNetrc([], path), UsageError);
    assertMatch(error.message, /as on exFAT.*another disk.*umask=077\.$/);
  },
});

Deno.test({
  ignore,
  name: "on exFAT, a second server on the directory is refused",
  async fn() {
    await using disk = await insertDisk();
    using _parts = await openContentDirectory(disk.path, { sync: true });
    const second = openContentDirectory(disk.path, { sync: true });
    const error = await second.then(() => null, (error) => error);
    assertMatch(String(error), /Another Sluice uses/);
  },
});

for (const below of [undefined, "x/y"]) {
  const where = below === undefined ? "" : `, in the directory ${below}`;
  Deno.test({
    ignore,
    name:
      `on exFAT, killed at any step to a name, a server has its file once${where}`,
    fn: () => nameInSteps(below),
  });
}

/** Kills what gives a file its name below a content directory at each step. */
async function nameInSteps(below: string | undefined): Promise<void> {
  await using disk = await insertDisk();
  await using origin = await startOrigin();
  const url = origin.serve("/a", WHOLE);
  let done = false;
  for (const n of steps) {
    if (done) break;
    const directory = `${disk.path}/${n}`;
    const id = await addWhole(directory, url, below);
    const place = below === undefined ? directory : `${directory}/${below}`;
    await Deno.mkdir(place, { recursive: true });
    const part = `${directory}/.sluice/parts/${id}`;
    done = await nameAndDie(n, part, place, "a");
    await using downloads = await startDownloads({ directory });
    const status = await downloads.end(id);
    await assertDownloaded(status, WHOLE);
    assertEquals(status.path_to_file, `file://${place}/a`);
    assertEquals(filesIn(place), ["a"]);
    if (below !== undefined) assertEquals(filesIn(directory), ["x"]);
    assertEquals(partsIn(directory), []);
    await downloads.close();
  }
  assert(done);
  // What was recorded of the parts was enough each time.
  assertEquals(origin.requests.length, 0);
}

/** Makes a state with a download that has all its bytes, and no name yet. */
async function addWhole(
  directory: string,
  url: string,
  below: string | undefined,
): Promise<string> {
  await Deno.mkdir(`${directory}/.sluice/parts`, { recursive: true });
  const fields = { url, directory: below };
  const request = parseDownload(fields, { urlLength: 1000 });
  const download = createDownload(request, Date.now());
  const { id } = download;
  const { size } = WHOLE;
  using store = openStore(`${directory}/.sluice/state.db`, { sync: true });
  await store.add([download]);
  const validator = { kind: "etag", value: WHOLE.etag ?? "" } as const;
  const facts = { size, name: "a", ranges: true, validator };
  const run = { start: 0, end: size, crc: crc32(bytesOf(WHOLE)) };
  await store.checkpoint(id, facts, progress([run]));
  await Deno.writeFile(`${directory}/.sluice/parts/${id}`, bytesOf(WHOLE));
  return id;
}

Deno.test({
  ignore,
  name:
    "on exFAT, killed at 4 random instants, every download ends right, once",
  async fn() {
    await using disk = await insertDisk();
    const seed = Number(Deno.env.get("CRASH_SEED") || 14);
    const { kills } = await crash({
      kills: 4,
      seed,
      tell: () => {},
      directory: disk.path,
    });
    assertEquals(kills, 4);
  },
});

Deno.test({
  name: "a file whose move failed half-way stays when it is taken off the list",
  ignore,
  async fn() {
    await using origin = await startOrigin();
    await using disk = await insertDisk();
    let isFull = false;
    await using downloads = await startDownloads({
      directory: disk.path,
      reword: (reword) => (...args) =>
        isFull
          ? Promise.reject(new DownloadError("DISK_FULL", "No room."))
          : reword(...args),
    });
    const { coordinator } = downloads;
    const id = await downloads.add({ url: origin.serve("/a", WHOLE) });
    await assertDownloaded(await downloads.end(id), WHOLE, "a");
    isFull = true;
    const relocate = { kind: "relocate", directory: "films" } as const;
    await assertRejects(() => coordinator.command(id, relocate), DownloadError);
    isFull = false;
    await coordinator.command(id, { kind: "remove", deleteFile: false });
    assertEquals(await firstDifference(`${disk.path}/a`, WHOLE), null);
    assertEquals(partsIn(disk.path), []);
  },
});
