/** aria2's methods, carried out by the coordinator. */

import { within } from "../../base/timers.ts";
import type { Coordinator } from "../../coordinator.ts";
import type { Command } from "../../download/download.ts";
import type { RequestLimits } from "../../download/request.ts";
import type { Status } from "../../status/status.ts";
import { commandMany } from "../many.ts";
import type { Scope } from "../scopes.ts";
import { createAdding } from "./adding.ts";
import { RpcError } from "./calls.ts";
import { createChanging } from "./changing.ts";
import { commandOne } from "./command_one.ts";
import { type Downloads, refusalOf, refuseStopped } from "./downloads.ts";
import { entryOf, filesOf, isStopped, type Known, urisOf } from "./entries.ts";
import { NOTICES } from "./notices.ts";
import { createOptionsInForce, type OwnSettings } from "./options_in_force.ts";
import {
  integerAt,
  listAt,
  objectAt,
  optional,
  type Params,
  textAt,
  textsOf,
} from "./params.ts";

/** How long a call for all downloads is waited for, in milliseconds. */
const ALL_WITHIN = 1_500;

/** Settings that aria2's clients may read, and limits of what they ask for. */
export interface MethodsOptions extends RequestLimits, OwnSettings {}

/** What methods work with. */
export interface MethodsTools {
  readonly coordinator: Coordinator;
  readonly downloads: Downloads;
  /** Ends what goes on for long. */
  readonly stop: AbortSignal;
}

/** How many more downloads one message may be told of. */
export interface Budget {
  entries: number;
}

/**
 * Does what one method is for; throws an RpcError or a DownloadError.
 *
 * @param scope How far its caller's token reaches.
 */
export type Method = (params: Params, budget: Budget, scope: Scope) => unknown;

/** Makes the methods, by name. */
export function createMethods(
  options: MethodsOptions,
  tools: MethodsTools,
): ReadonlyMap<string, Method> {
  const { coordinator, downloads, stop } = tools;
  const { contentDirectory: root } = options;
  const sessionId = crypto.getRandomValues(new Uint8Array(20)).toHex();
  const optionsInForce = createOptionsInForce(options, coordinator);
  const adding = createAdding(options, {
    coordinator,
    downloads,
    optionsInForce,
  });
  const changing = createChanging(options, { coordinator, downloads });

  function pause(params: Params): Promise<string> {
    const known = downloads.find(textAt(params, 0));
    const words = "… cannot be paused now";
    if (!["active", "waiting"].includes(known.standing)) {
      throw refusalOf(known, words);
    }
    return commandOne(coordinator, known, { kind: "pause" }, words);
  }

  function unpause(params: Params): Promise<string> {
    const known = downloads.find(textAt(params, 0));
    const words = "… cannot be unpaused now";
    if (known.standing !== "paused") throw refusalOf(known, words);
    return commandOne(coordinator, known, { kind: "resume" }, words);
  }

  async function remove(params: Params): Promise<string> {
    const known = downloads.find(textAt(params, 0));
    const words = "Active Download not found for …";
    refuseStopped(known, words);
    const gid = await commandOne(coordinator, known, REMOVE, words);
    downloads.noteRemoved(known);
    return gid;
  }

  async function removeResult(params: Params): Promise<string> {
    const known = downloads.find(textAt(params, 0));
    const words = "Could not remove download result of …";
    if (!isStopped(known)) throw refusalOf(known, words);
    if (!downloads.forgetRemoved(known.status.id)) {
      await commandOne(coordinator, known, REMOVE, words);
    }
    return "OK";
  }

  /** Does something to all in some statuses; a long list goes on meanwhile. */
  async function all(
    statuses: readonly Status["process_status"][],
    command: Command,
  ): Promise<string> {
    const ids = await downloads.idsOf(statuses);
    await within(ALL_WITHIN, commandMany(coordinator, ids, command, stop));
    return "OK";
  }

  const pauseAll = () => all(["Queued", "Downloading"], { kind: "pause" });

  function purge(): Promise<string> {
    downloads.forgetAllRemoved();
    return all(["Downloaded", "Failed"], REMOVE);
  }

  function tell(known: readonly Known[], keys: readonly unknown[]) {
    return known.map((one) => entryOf(one, textsOf(keys), root));
  }

  /** A list of a page, of no more downloads than its message may be told of. */
  async function page(
    params: Params,
    budget: Budget,
    read: Downloads["waiting"],
  ): Promise<unknown> {
    const offset = integerAt(params, 0);
    const count = Math.min(integerAt(params, 1, 0), budget.entries);
    const keys = optional(listAt, params, 2) ?? [];
    if (count === 0) return [];
    budget.entries -= count;
    const found = await read(offset, count);
    budget.entries += count - found.length;
    return tell(found, keys);
  }

  function getServers(params: Params): unknown {
    const known = downloads.find(textAt(params, 0));
    const { standing, status } = known;
    if (standing !== "active") {
      throw refusalOf(known, "No active download for …");
    }
    const used = urisOf(known).filter(({ status }) => status === "used");
    const downloadSpeed = String(Math.round(status.speed / used.length));
    const servers = used
      .map(({ uri }) => ({ uri, currentUri: uri, downloadSpeed }));
    return [{ index: "1", servers }];
  }

  function getGlobalStat(): unknown {
    const { Queued, Paused, Downloaded, Failed } = coordinator.totals();
    const active = downloads.active();
    const speed = active.reduce((sum, { status }) => sum + status.speed, 0);
    const stopped = String(Downloaded + Failed + downloads.removed());
    return {
      downloadSpeed: String(speed),
      uploadSpeed: "0",
      numActive: String(active.length),
      numWaiting: String(Queued + Paused),
      numStopped: stopped,
      numStoppedTotal: stopped,
    };
  }

  const methods: Record<string, Method> = {
    "aria2.addUri": (params, _, scope) => adding.addUri(params, scope),
    "aria2.addTorrent": refuseTorrent,
    "aria2.getPeers": (params) => {
      const known = downloads.find(textAt(params, 0));
      refuseStopped(known, "No peer data is available for …");
      return [];
    },
    "aria2.addMetalink": (params, _, scope) =>
      adding.addMetalink(params, scope),
    "aria2.remove": remove,
    "aria2.pause": pause,
    "aria2.forcePause": pause,
    "aria2.pauseAll": pauseAll,
    "aria2.forcePauseAll": pauseAll,
    "aria2.unpause": unpause,
    "aria2.unpauseAll": () => all(["Paused"], { kind: "resume" }),
    "aria2.forceRemove": remove,
    "aria2.changePosition": changing.changePosition,
    "aria2.tellStatus": (params) => {
      const gid = textAt(params, 0);
      const keys = optional(listAt, params, 1) ?? [];
      return tell([downloads.find(gid)], keys)[0];
    },
    "aria2.getUris": (params) => {
      const known = downloads.find(textAt(params, 0));
      refuseStopped(known, "No URI data is available for …");
      return urisOf(known);
    },
    "aria2.getFiles": (params) =>
      filesOf(downloads.find(textAt(params, 0)), root),
    "aria2.getServers": getServers,
    "aria2.tellActive": (params, budget) => {
      const keys = optional(listAt, params, 0) ?? [];
      const active = downloads.active().slice(0, budget.entries);
      budget.entries -= active.length;
      return tell(active, keys);
    },
    "aria2.tellWaiting": (params, budget) =>
      page(params, budget, downloads.waiting),
    "aria2.tellStopped": (params, budget) =>
      page(params, budget, downloads.stopped),
    "aria2.getOption": (params, _, scope) =>
      optionsInForce.of(downloads.find(textAt(params, 0)), scope),
    "aria2.changeUri": changing.changeUri,
    "aria2.changeOption": changing.changeOption,
    "aria2.getGlobalOption": (_, __, scope) => optionsInForce.global(scope),
    "aria2.changeGlobalOption": (params) => {
      optionsInForce.changeGlobal(objectAt(params, 0));
      return "OK";
    },
    "aria2.purgeDownloadResult": purge,
    "aria2.removeDownloadResult": removeResult,
    "aria2.getVersion": () => ({
      version: VERSION,
      enabledFeatures: ["HTTPS", "Message Digest", "Metalink"],
    }),
    "aria2.getSessionInfo": () => ({ sessionId }),
    "aria2.shutdown": refuseShutdown,
    "aria2.forceShutdown": refuseShutdown,
    "aria2.getGlobalStat": getGlobalStat,
    // All is recorded by the time that a client hears of it.
    "aria2.saveSession": () => "OK",
  };
  return new Map(Object.entries(methods));
}

/** The aria2 that Sluice answers like: clients ask for what theirs can do. */
const VERSION = "1.36.0";

const REMOVE: Command = { kind: "remove", deleteFile: false };

/** What `system.listNotifications` tells. */
export function listNotifications(): readonly string[] {
  return NOTICES;
}

function refuseTorrent(params: Params): never {
  textAt(params, 0);
  throw new RpcError("Sluice takes no torrents: give it a URL, by addUri.");
}

function refuseShutdown(): never {
  throw new RpcError("Sluice is not stopped by its clients: stop its process.");
}
