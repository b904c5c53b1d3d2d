/** Finished files that are moved where servers share a storage. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { TAKEN } from "../../lib/cluster/claims.ts";
import { createDownload } from "../../lib/download/download.ts";
import { parseDownload } from "../../lib/download/request.ts";
import { openContentDirectory } from "../../lib/files/content_directory.ts";
import { openStore } from "../../lib/store/sqlite.ts";
import { startBroker } from "../support/broker.ts";
import {
  clusterPartsIn,
  filesIn,
  makeDirectory,
} from "../support/directory.ts";
import {
  join,
  type Member,
  moveBy,
  startMove,
} from "../support/move_in_cluster.ts";
import type { Started } from "../support/process.ts";
import { bytesOf, file, firstDifference } from "../support/origin.ts";

const WHOLE = file(30_005, 1);
const ID = "11111111-2222-3333-4444-555555555555";

/** Makes what a server without a cluster leaves: one finished file. */
async function finish(directory: string): Promise<void> {
  using parts = await openContentDirectory(directory, { sync: false });
  using store = openStore(parts.statePath, { sync: false });
  const url = "http://a.test/a.bin";
  const request = parseDownload({ url }, { urlLength: 100 });
  const path = `${directory}/a.bin`;
  await Deno.writeFile(path, bytesOf(WHOLE));
  await store.add([createDownload(request, 0, ID)]);
  await store.settle(ID, {
    state: { kind: "Downloaded", path },
    file: { size: WHOLE.size, ranges: true, validator: null, name: "a.bin" },
    downloaded: WHOLE.size,
    finishedAt: 1,
  });
}

/** The paths of all finished files, from the content directory. */
function pathsIn(directory: string): string[] {
  return filesIn(directory).flatMap((name) => {
    const path = `${directory}/${name}`;
    return Deno.lstatSync(path).isFile
      ? [name]
      : [...Deno.readDirSync(path)].map((inner) => `${name}/${inner.name}`);
  });
}

/** Asserts that the file is there once, where it is recorded, and nothing else. */
async function assertThereOnce(
  directory: string,
  { cluster: { catalogue } }: Member,
  name: string,
): Promise<void> {
  const download = catalogue.get(ID);
  assert(download?.state.kind === "Downloaded");
  assertEquals(download.state.path, `${directory}/${name}`);
  assertEquals(download.file?.name, "a.bin");
  const [below = ""] = name.split("/").slice(0, -1);
  assertEquals(download.request.directory ?? "", below);
  assertEquals(pathsIn(directory), [name]);
  const path = `${directory}/${name}`;
  assertEquals(await firstDifference(path, WHOLE), null);
  assertEquals(clusterPartsIn(directory), []);
}

/** Leaves what a server does that is killed once it has linked the file to `x`. */
async function leaveMove(directory: string): Promise<void> {
  await Deno.mkdir(`${directory}/x`);
  await Deno.link(`${directory}/a.bin`, `${directory}/x/a.bin`);
  const parts = `${directory}/.sluice/cluster/parts`;
  const note = JSON.stringify({ from: "a.bin", to: "x/a.bin" });
  await Deno.writeTextFile(`${parts}/${ID}.0.move`, note);
}

/** Resolves once nothing is left beside the parts of a cluster. */
async function noPartsIn(directory: string): Promise<void> {
  using changes = Deno.watchFs(`${directory}/.sluice/cluster/parts`);
  if (clusterPartsIn(directory).length === 0) return;
  for await (const _ of changes) {
    if (clusterPartsIn(directory).length === 0) return;
  }
}

/** A finished file of server `b`, which server `a` is to move to `x`. */
async function withMove(
  broker: { readonly address: string },
  n: number,
  signal: "SIGKILL" | "SIGSTOP",
  work: (scene: {
    readonly directory: string;
    readonly other: Member;
    readonly moving: Started;
  }) => Promise<void>,
): Promise<void> {
  await using place = await makeDirectory();
  const { path: directory } = place;
  await finish(directory);
  const at = { broker: broker.address, queue: crypto.randomUUID(), directory };
  using other = await join({ ...at, node: "b" });
  await using moving = startMove(n, signal, { ...at, id: ID, to: "x" });
  await moving.printed(/^now$/m);
  await work({ directory, other, moving });
}

/** The changes of the disk that a move makes, or forces to it, in their order. */
const CHANGES = [
  ...["directory", "note", "note named", "link", "root", "x"],
  ...["aside", "aside gone", "note gone", "home"],
];

Deno.test("wherever a server is killed that moves a file, another sees that it is there once", async () => {
  await using broker = await startBroker();
  const found = CHANGES.map((_, n) =>
    withMove(broker, n, "SIGKILL", async ({ directory, other, moving }) => {
      await moving.ended;
      await other.logged("released", ID);
      const isRecorded = n > CHANGES.indexOf("x");
      const name = isRecorded ? "x/a.bin" : "a.bin";
      await assertThereOnce(directory, other, name);
    })
  );
  await Promise.all(found);
});

Deno.test("a server that was stopped as it moved a file, and wakes, leaves what another did with it", async () => {
  await using broker = await startBroker();
  // Back to where it was, too: what goes on late may not take it away there.
  const meanwhile = [
    ...[["link", "x"], ["root", "x"], ["x", "x"], ["aside", "y"]],
    ...[["aside", ""], ["aside gone", ""], ["note gone", ""]],
  ] as const;
  const found = meanwhile.map(([change, to]) =>
    withMove(
      broker,
      CHANGES.indexOf(change),
      "SIGSTOP",
      async ({ directory, other, moving }) => {
        await other.logged("released", ID);
        await moveBy(other.cluster, ID, to);
        const name = to === "" ? "a.bin" : `${to}/a.bin`;
        await assertThereOnce(directory, other, name);
        moving.kill("SIGCONT");
        await moving.printed(/^over$/m);
        await noPartsIn(directory);
        await assertThereOnce(directory, other, name);
      },
    )
  );
  await Promise.all(found);
});

Deno.test("a server that has claimed a file of another storage neither moves nor deletes it", async () => {
  await using broker = await startBroker();
  await using one = await makeDirectory();
  await using other = await makeDirectory();
  const at = { broker: broker.address, queue: "test" };
  await finish(one.path);
  using _ = await join({ ...at, directory: one.path, node: "a" });
  using member = await join({ ...at, directory: other.path, node: "b" });
  const { queue, peers } = member.cluster;
  // It may have heard that the file is there only with its claim.
  const claim = await queue.claim(ID);
  assert(claim !== null);
  for (
    const command of [
      { kind: "remove", deleteFile: true },
      { kind: "relocate", directory: "x" },
    ] as const
  ) {
    assert(claim.download.state.kind === "Downloaded");
    const error = assertThrows(() => peers.refuseElsewhere(ID, command));
    assertEquals(error, TAKEN);
  }
  peers.refuseElsewhere(ID, { kind: "remove", deleteFile: false });
  claim.release();
});

Deno.test("of a download that is off the list, a move leaves one name", async () => {
  await using broker = await startBroker();
  await using place = await makeDirectory();
  const { path: directory } = place;
  const at = { broker: broker.address, queue: "test", directory, node: "a" };
  {
    using _ = await join(at);
  }
  await Deno.writeFile(`${directory}/a.bin`, bytesOf(WHOLE));
  await leaveMove(directory);
  using _ = await join(at);
  await noPartsIn(directory);
  assertEquals(pathsIn(directory), ["a.bin"]);
});

Deno.test("what a move left whose claim was given up is found at the next start", async () => {
  await using broker = await startBroker();
  await using place = await makeDirectory();
  const { path: directory } = place;
  await finish(directory);
  const at = { broker: broker.address, queue: "test", directory, node: "a" };
  {
    using _ = await join(at);
  }
  await leaveMove(directory);
  using again = await join(at);
  await noPartsIn(directory);
  await assertThereOnce(directory, again, "a.bin");
});
