/** aria2's options that hold now: of one download, and of all added later. */

import type { JsonObject } from "../../base/json.ts";
import type { Coordinator } from "../../coordinator.ts";
import { AT_A_TIME } from "../../download/fields.ts";
import type { Scope } from "../scopes.ts";
import { dirOf, type Known } from "./entries.ts";
import {
  type Options,
  rateOf,
  readOptions,
  withoutSecrets,
} from "./options.ts";

/** Settings of Sluice that aria2's clients may read. */
export interface OwnSettings {
  /** An absolute path. */
  readonly contentDirectory: string;
  readonly threadsAmount: number;
  readonly threadsPerHost: number;
  readonly attempts: number;
  readonly remoteTime: boolean;
}

/**
 * What knows which options hold. It tells each client those that its token lets
 * it read.
 */
export interface OptionsInForce {
  /**
   * The options of what is added: its own before those for all.
   *
   * @throws {RpcError} naming one whose value makes no sense or is refused.
   */
  ofNew(given: JsonObject, scope: Scope): Options;
  /** The options of a download. */
  of(known: Known, scope: Scope): Options;
  /** The options for all downloads. */
  global(scope: Scope): Options;
  /**
   * Changes options for all downloads, and the limits of the server with them.
   *
   * @throws {RpcError} naming one whose value makes no sense or is refused.
   */
  changeGlobal(given: JsonObject): void;
}

/** Makes what knows which options hold. */
export function createOptionsInForce(
  settings: OwnSettings,
  coordinator: Coordinator,
): OptionsInForce {
  const { contentDirectory: root } = settings;
  /** What was given for all downloads that are added later. */
  let globals: Options = {};

  return {
    ofNew(given, scope) {
      const asked = readOptions(given, "download", root);
      // Who adds says where to: what only others may read is not sent there.
      return { ...seenBy(scope, forAll(globals)), ...asked };
    },
    of(known, scope) {
      const given = known.request.kept?.options ?? {};
      return {
        ...ownOptions(settings),
        ...seenBy(scope, given),
        // Other clients may have changed it since.
        "max-download-limit": String(known.request.limitRate ?? 0),
        dir: dirOf(known, root),
      };
    },
    global(scope) {
      const { dir = "", ...changed } = seenBy(scope, globals);
      return {
        ...ownOptions(settings),
        ...OWN_GLOBALS,
        ...changed,
        "max-concurrent-downloads": String(
          coordinator.maxDownloads() ?? settings.threadsAmount,
        ),
        "max-overall-download-limit": String(coordinator.rates().server ?? 0),
        dir: dir === "" ? root : `${root}/${dir}`,
      };
    },
    changeGlobal(given) {
      const changed = readOptions(given, "global", root);
      globals = { ...globals, ...changed };
      const rate = changed["max-overall-download-limit"];
      const most = changed["max-concurrent-downloads"];
      if (rate === undefined && most === undefined) return;
      coordinator.limit({
        ...(rate !== undefined && { rates: { server: rateOf(rate) } }),
        ...(most !== undefined &&
          { maxDownloads: Math.min(Number(most), AT_A_TIME.maximum) }),
      });
    },
  };
}

/** What of options a token lets its holder read. */
function seenBy(scope: Scope, options: Options): Options {
  return scope === "all" ? options : withoutSecrets(options);
}

/** Those of the options for all that hold for each one that is added later. */
function forAll(globals: Options): Options {
  const names = [
    "dir",
    "user-agent",
    "referer",
    "header",
    "split",
    "max-connection-per-server",
    "max-download-limit",
  ];
  return Object.fromEntries(
    Object.entries(globals).filter(([name]) => names.includes(name)),
  );
}

/** How Sluice fetches, in aria2's words. */
function ownOptions(
  { attempts, remoteTime, threadsPerHost }: OwnSettings,
): Options {
  return {
    "allow-overwrite": "false",
    "always-resume": "true",
    "auto-file-renaming": "true",
    "check-certificate": "true",
    "continue": "true",
    "file-allocation": "none",
    "max-connection-per-server": String(threadsPerHost),
    "max-download-limit": "0",
    "max-tries": String(attempts),
    "max-upload-limit": "0",
    "min-split-size": "1048576",
    "remote-time": String(remoteTime),
    "split": String(threadsPerHost),
  };
}

const OWN_GLOBALS: Options = {
  "enable-rpc": "true",
  "max-download-result": "1000",
  "max-overall-upload-limit": "0",
};
