/**
 * The one owner of all downloads: what clients may do with them, and how they
 * stand.
 */

import { every, within } from "./base/timers.ts";
import type { Additions } from "./commands/additions.ts";
import type { FellowMovers } from "./commands/at_rest.ts";
import {
  type Commands,
  createCommands,
  type Workplaces,
} from "./commands/commands.ts";
import {
  createFinishedFiles,
  type FinishedFiles,
  type Keepers,
} from "./commands/finished.ts";
import { createLimits, type LimitSetting } from "./commands/limits.ts";
import { createMoves, type Moves } from "./commands/moves.ts";
import { createResumption } from "./commands/resumption.ts";
import type { ChecksumAlgorithm } from "./download/checksum.ts";
import type { DownloadRequest } from "./download/download.ts";
import { unknownId } from "./download/errors.ts";
import { isReordering, type Tell } from "./download/events.ts";
import type { Common } from "./engine/common.ts";
import {
  createFetching,
  type FellowFetchers,
  type FetchingOptions,
  type FetchingTools,
} from "./fetching.ts";
import { proxyNames } from "./origin/proxies.ts";
import { type Coming, comingOf } from "./status/coming.ts";
import type { Figures } from "./status/figures.ts";
import type { Overview } from "./status/overview.ts";
import type { Disk, Status } from "./status/status.ts";
import type { Catalogue, Deferred } from "./store/catalogue.ts";
import type { Changeable } from "./store/order.ts";
import { isBegun } from "./transfer/transfer.ts";

/**
 * How long a close waits for commands, in milliseconds: a file that was removed
 * and still is recorded would be called downloaded.
 */
const COMMANDS_WITHIN = 1_500;

/** How often downloads are looked for whose time has come, in milliseconds. */
const START_EVERY = 1_000;

/** Settings of a coordinator. */
export type CoordinatorOptions = FetchingOptions;

/** The other servers that have the same queue. */
export interface Peers
  extends FellowFetchers, FellowMovers, Keepers, Workplaces {
  /** From now on, they say what they change, and may ask for commands. */
  begin(here: Here): void;
  /** Gives up all claims, and takes no more. */
  leave(): Promise<void>;
}

/** A server, as those that have the same queue see it. */
export interface Here extends Pick<LimitSetting, "limitsSet" | "setLimits"> {
  /** Hears of what others have done. */
  readonly tell: Tell;
  /** Carries out another server's command: see {@linkcode Commands.obey}. */
  readonly obey: Commands["obey"];
  /** The digest of a finished file that is here. */
  digest(id: string, algorithm: ChecksumAlgorithm): Promise<string>;
  /** Looks for work. */
  fill(): void;
  /** Whether the disk and the timetable let a download of `bytes` begin now. */
  lets(bytes: number): boolean;
  /** How the downloads stand that have begun here. */
  running(): Status[];
  /** What of the limits of all servers this one wants, and how much it has. */
  wants(): ReadonlyMap<Common, number>;
  threads(): number;
  disk(): Disk | undefined;
}

/** What a coordinator works with. */
export interface CoordinatorTools extends FetchingTools {
  readonly catalogue: Catalogue & Deferred;
  /** Absent where nobody changes it. */
  readonly order?: Changeable;
  /** Absent where no other server has the same queue. */
  readonly peers?: Peers | undefined;
}

/** All downloads, and what can be done with them. */
export interface Coordinator
  extends
    Pick<Commands, "command">,
    Omit<FinishedFiles, "digest" | "find">,
    Additions,
    Omit<LimitSetting, "limitsSet" | "setLimits">,
    Moves,
    Pick<
      Overview,
      | "get"
      | "disk"
      | "limits"
      | "running"
      | "standing"
      | "timetable"
      | "totals"
    > {
  /**
   * How a download stands, also one that another server has just added.
   *
   * @throws {DownloadError} UNKNOWN_ID; STATE if no broker answers that knows.
   */
  find(id: string): Promise<Status>;
  /** What a download was asked for with; null if there is none of this id. */
  requestOf(id: string): DownloadRequest | null;
  /**
   * What there is of a file that is fetched here and was asked for in order;
   * null for any other.
   */
  comingOf(id: string): Coming | null;
  /** How many threads run now. */
  threads(): number;
  /** The names of proxies that a request may choose. */
  readonly proxies: readonly string[];
  /** See {@linkcode FinishedFiles.find}. */
  findFile: FinishedFiles["find"];
  /** What has been done since the server started. */
  readonly figures: Figures;
  /** Stops all threads, and records how far they came. */
  close(): Promise<void>;
}

/** Makes a coordinator, which at once goes on where the last one stopped. */
export async function createCoordinator(
  options: CoordinatorOptions,
  given: CoordinatorTools,
): Promise<Coordinator> {
  const { catalogue, parts, peers, timeOfDay = Date.now } = given;
  const fetching = createFetching(options, given);
  const { engine, overview, room, tell, listen } = fetching;
  const tools = { ...given, engine, tell, timeOfDay };
  const commands = createCommands(tools);
  const { running } = overview;
  const { move } = createMoves({ ...tools, commands, running });
  const { pathOf, find: findFile, digest, verify } = createFinishedFiles({
    ...tools,
    commands,
  });
  const limiting = createLimits(engine, timeOfDay, tell);
  const resumption = createResumption({ ...tools, commands });
  let closing: Promise<void> | null = null;

  listen((event) => {
    if (event.kind === "room") {
      resumption.useRoom(event.bytes - engine.owed());
    }
    if (isReordering(event)) engine.reorder();
  });
  await fetching.begin();
  const starting = every(START_EVERY, () => void resumption.startDue());
  peers?.begin({
    tell,
    obey: commands.obey,
    digest,
    fill: engine.fill,
    lets: (bytes) =>
      engine.held()?.rule.kind !== "pause" &&
      room.lack(bytes, engine.owed()) === null,
    running: () =>
      [...engine.transfers()].filter(isBegun)
        .map(({ download: { id } }) => overview.get(id))
        .filter((status) => status !== null),
    wants: engine.wants,
    threads: engine.threads,
    disk: overview.disk,
    limitsSet: limiting.limitsSet,
    setLimits: limiting.setLimits,
  });
  engine.fill();

  async function close(): Promise<void> {
    starting[Symbol.dispose]();
    await fetching.close();
    await within(COMMANDS_WITHIN, commands.settled());
    await peers?.leave();
    fetching.broadcastChanges();
  }

  const { get, disk, limits, standing, timetable, totals } = overview;
  const { rates, maxDownloads, limit } = limiting;
  return {
    add: fetching.add,
    command: commands.command,
    ...{ move, pathOf, findFile, verify },
    ...{ get, disk, limits, running, standing, timetable, totals },
    ...{ rates, maxDownloads, limit },
    async find(id) {
      if (get(id) === null) await peers?.heardOf(id);
      const status = get(id);
      if (status === null) throw unknownId();
      return status;
    },
    requestOf: (id) => catalogue.get(id)?.request ?? null,
    comingOf(id) {
      const transfer = engine.get(id);
      return transfer?.download.request.order === "sequential"
        ? comingOf(transfer, parts.path(id))
        : null;
    },
    threads: engine.threads,
    proxies: proxyNames(options.proxies),
    figures: fetching.figures,
    close: () => closing ??= close(),
  };
}
