/** Changes of a download: of its options, its URIs, its place in the queue. */

import type { Coordinator } from "../../coordinator.ts";
import type { Kept } from "../../download/download.ts";
import { MOST_MIRRORS } from "../../download/fields.ts";
import { RpcError } from "./calls.ts";
import { commandOne } from "./command_one.ts";
import { type Downloads, refusalOf, refuseStopped } from "./downloads.ts";
import { type Known, urisOf } from "./entries.ts";
import { rateOf, readOptions } from "./options.ts";
import {
  integerAt,
  listAt,
  objectAt,
  optional,
  type Params,
  textAt,
  textsOf,
  urlsIn,
} from "./params.ts";

/** Settings that changes go by. */
export interface ChangingOptions {
  /** An absolute path. */
  readonly contentDirectory: string;
  /** Characters that a URL may have. */
  readonly urlLength: number;
}

/** What downloads are changed with. */
export interface ChangingTools {
  readonly coordinator: Coordinator;
  readonly downloads: Downloads;
}

/** What changes downloads. */
export interface Changing {
  /**
   * Changes options, which clients read back; a limit is in force at once.
   *
   * @throws {RpcError | DownloadError} saying why not.
   */
  changeOption(params: Params): Promise<string>;
  /**
   * Takes URIs away, and adds others.
   *
   * @returns How many of each.
   * @throws {RpcError | DownloadError} saying why not.
   */
  changeUri(params: Params): Promise<[number, number]>;
  /**
   * Moves it in the queue.
   *
   * @returns Its place then.
   * @throws {RpcError | DownloadError} saying why not.
   */
  changePosition(params: Params): Promise<number>;
}

/** Makes what changes downloads. */
export function createChanging(
  { contentDirectory, urlLength }: ChangingOptions,
  { coordinator, downloads }: ChangingTools,
): Changing {
  /** The first leads, others are its mirrors; without any, all stay. */
  async function useUris(known: Known, uris: readonly string[]): Promise<void> {
    const { status: { id }, request } = known;
    const [url, ...others] = [...new Set(uris)];
    const { mirrors: before = [] } = request;
    const mirrors = others.slice(0, MOST_MIRRORS);
    const isSame = url === request.url && mirrors.join() === before.join();
    if (url === undefined || isSame) return;
    await coordinator.command(id, {
      kind: "refresh",
      url,
      mirrors,
      staysPaused: true,
    });
  }

  /**
   * Moves a download in the queue, among those of its priority.
   *
   * @param behind What is to be behind it, of the queue without it; it is told
   * where it was.
   * @returns Its place then; null if it is not in the queue.
   */
  async function moveTo(
    id: string,
    behind: (others: readonly string[], at: number) => readonly string[],
  ): Promise<number | null> {
    const line = await downloads.idsInLine();
    const at = line.indexOf(id);
    if (at < 0) return null;
    const others = line.toSpliced(at, 1);
    const [before] = behind(others, at);
    await coordinator.move([id], before === undefined ? "bottom" : { before });
    return (await downloads.idsInLine()).indexOf(id);
  }

  return {
    async changeOption(params) {
      const gid = textAt(params, 0);
      const given = objectAt(params, 1);
      const known = downloads.find(gid);
      const words = "Cannot change option for …";
      refuseStopped(known, words);
      const asked = readOptions(given, "download", contentDirectory);
      // Its place is settled, and is told of with it.
      const settled = ["dir", "out", "pause"];
      const changed = Object.fromEntries(
        Object.entries(asked).filter(([name]) => !settled.includes(name)),
      );
      const { options = {} } = known.request.kept ?? {};
      const kept: Kept = { options: { ...options, ...changed } };
      downloads.change(known.status.id, kept);
      const limit = changed["max-download-limit"];
      if (limit !== undefined) {
        const command = { kind: "limit", limitRate: rateOf(limit) } as const;
        await commandOne(coordinator, known, command, words);
      }
      return "OK";
    },
    async changeUri(params) {
      const gid = textAt(params, 0);
      const index = integerAt(params, 1, 1);
      const unwanted = textsOf(listAt(params, 2));
      const wanted = textsOf(listAt(params, 3));
      const position = optional(integerAt, params, 4);
      const known = downloads.find(gid);
      refuseStopped(known, "Cannot remove URIs from …");
      if (index !== 1) throw new RpcError("fileIndex is out of range");
      const uris = urisOf(known).map(({ uri }) => uri);
      const before = uris.length;
      for (const uri of unwanted) {
        const at = uris.indexOf(uri);
        if (at >= 0) uris.splice(at, 1);
      }
      const deleted = before - uris.length;
      const added = urlsIn(wanted, urlLength);
      uris.splice(position ?? uris.length, 0, ...added);
      await useUris(known, uris);
      return [deleted, added.length];
    },
    async changePosition(params) {
      const gid = textAt(params, 0);
      const by = integerAt(params, 1);
      const from = textAt(params, 2);
      if (!["POS_SET", "POS_CUR", "POS_END"].includes(from)) {
        throw new RpcError("Illegal argument.");
      }
      const known = downloads.find(gid);
      const place = await moveTo(known.status.id, (others, at) => {
        const start = { POS_SET: 0, POS_CUR: at }[from] ?? others.length;
        return others.slice(Math.max(0, start + by));
      });
      if (place !== null) return place;
      throw refusalOf(known, "… not found in the waiting queue.");
    },
  };
}
